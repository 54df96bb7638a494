/* Slopes of what is left. The text is "TIME,LEFT,LEFT TIME,LEFT,LEFT ...". */
#include "base/trend.h"

#include <inttypes.h>
#include <stdlib.h>

enum {
    POINTS_MAX = TW_TREND_MAX + 1,
    /* Samples of two times that count as one: they come every quarter of an hour and up to a
     * minute late, and a backup does not begin at the same second each day. */
    SAME_TIME_S = 1200,
    RECENT_MIN = 3 /* points that a slope of its own needs */
};

/* ---- samples ------------------------------------------------------------------------------ */

/* Digits only, no sign, and that very character behind them. */
static const char *number(const char *at, const char *behind, int64_t *value)
{
    const char *from = at;
    *value = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, *at - '0', value))
            return NULL;
    if (at == from)
        return NULL;
    for (const char *b = behind; *b; b++)
        if (*at == *b)
            return at;
    return *at == '\0' && *behind == '\n' ? at : NULL;
}

static const char *parse_sample(const char *at, struct tw_sample *sample)
{
    at = number(at, ",", &sample->at_s);
    for (size_t i = 0; at && i < TW_TREND_SERIES; i++)
        at = number(at + 1, i + 1 < TW_TREND_SERIES ? "," : "\n ", &sample->left[i]);
    return at;
}

int tw_trend_parse(const char *text, struct tw_trend *trend)
{
    trend->count = 0;
    if (*text == '\0' || *text == '\n')
        return 0;
    for (const char *at = text; trend->count < TW_TREND_MAX; at++) {
        at = parse_sample(at, &trend->samples[trend->count]);
        if (!at)
            break;
        trend->count++;
        if (*at != ' ')
            return 0;
    }
    trend->count = 0;
    return -1;
}

void tw_trend_write(const struct tw_trend *trend, struct tw_buf *out)
{
    for (size_t i = 0; i < trend->count; i++) {
        const struct tw_sample *s = &trend->samples[i];
        tw_buf_printf(out, "%s%" PRId64, i ? " " : "", s->at_s);
        for (size_t k = 0; k < TW_TREND_SERIES; k++)
            tw_buf_printf(out, ",%" PRId64, s->left[k]);
    }
}

void tw_trend_forget(struct tw_trend *trend, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < trend->count; i++) {
        const int64_t at_s = trend->samples[i].at_s;
        if (at_s < now_s && now_s - at_s <= TW_TREND_DAY_S + SAME_TIME_S &&
            (kept == 0 || at_s > trend->samples[kept - 1].at_s))
            trend->samples[kept++] = trend->samples[i];
    }
    trend->count = kept;
}

bool tw_trend_add(struct tw_trend *trend, const struct tw_sample *sample)
{
    if (trend->count && sample->at_s - trend->samples[trend->count - 1].at_s < TW_TREND_EACH_S)
        return false;
    if (trend->count == TW_TREND_MAX) {
        for (size_t i = 1; i < TW_TREND_MAX; i++)
            trend->samples[i - 1] = trend->samples[i];
        trend->count--;
    }
    trend->samples[trend->count++] = *sample;
    return true;
}

int64_t tw_trend_span(const struct tw_trend *trend, int64_t now_s)
{
    return trend->count ? now_s - trend->samples[0].at_s : 0;
}

/* ---- slopes ------------------------------------------------------------------------------- */

/* Relative to now: seconds, and how much less is left now than was left then; so small numbers
 * stay exact, however large the amounts are. */
struct point {
    double at, more;
};

static double least_squares(const struct point *points, size_t count)
{
    double mean_at = 0, mean_more = 0, up = 0, down = 0;
    for (size_t i = 0; i < count; i++) {
        mean_at += points[i].at / (double)count;
        mean_more += points[i].more / (double)count;
    }
    for (size_t i = 0; i < count; i++) {
        const double at = points[i].at - mean_at;
        up += at * (points[i].more - mean_more);
        down += at * at;
    }
    return down > 0 ? -up / down : 0;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Theil and Sen's estimate: stays put until three tenths of the points are off the line. */
static double middle_slope(const struct point *points, size_t count)
{
    double slopes[POINTS_MAX * (POINTS_MAX - 1) / 2] = {0};
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            slopes[n++] = (points[i].more - points[k].more) / (points[k].at - points[i].at);
    qsort(slopes, n, sizeof slopes[0], by_value);
    return n == 0 ? 0 : n % 2 ? slopes[n / 2] : (slopes[n / 2 - 1] + slopes[n / 2]) / 2;
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Of the samples of about this time yesterday the one that had least left counts. */
static double against_yesterday(const struct point *points, size_t count, double pace)
{
    for (size_t i = 0; i < count; i++)
        if (points[i].at > -TW_TREND_DAY_S - SAME_TIME_S &&
            points[i].at < -TW_TREND_DAY_S + SAME_TIME_S)
            pace = least(pace, points[i].more / -points[i].at);
    return pace;
}

double tw_trend_pace(const struct tw_trend *trend, const struct tw_sample *now, size_t series,
                     int64_t recent_s)
{
    struct point points[POINTS_MAX];
    size_t count = 0, recent = 0;
    for (size_t i = 0; i < trend->count; i++)
        points[count++] =
            (struct point){.at = (double)(trend->samples[i].at_s - now->at_s),
                           .more = (double)(trend->samples[i].left[series] - now->left[series])};
    points[count++] = (struct point){0};
    while (recent < count && points[count - 1 - recent].at >= (double)-recent_s)
        recent++;
    if (recent < RECENT_MIN)
        recent = count < RECENT_MIN ? count : RECENT_MIN;
    const double steady = least(least_squares(points, count), middle_slope(points, count));
    return against_yesterday(points, count,
                             least(steady, least_squares(points + count - recent, recent)));
}

int64_t tw_trend_gone_in(int64_t left, double pace)
{
    const double seconds = pace > 0 ? (double)left / pace : 1e18;
    return seconds < 1e15 ? (int64_t)seconds : INT64_MAX;
}
