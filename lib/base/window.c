/* Windows of the day. Knows the C library's local time, nothing of jobs. */
#include "base/window.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DAY_MIN = 24 * 60 };

static int parse_time(const char *text, int *min)
{
    for (int i = 0; i < 5; i++)
        if (i == 2 ? text[i] != ':' : text[i] < '0' || text[i] > '9')
            return -1;
    const int hour = (text[0] - '0') * 10 + text[1] - '0';
    const int minute = (text[3] - '0') * 10 + text[4] - '0';
    *min = hour * 60 + minute;
    return minute > 59 || *min > DAY_MIN ? -1 : 0;
}

int tw_window_parse(const char *text, struct tw_window *window, struct tw_error *e)
{
    struct tw_window parsed = {0, 0};
    if (strcmp(text, "never") == 0) {
        *window = parsed;
        return 0;
    }
    if (strlen(text) != 11 || text[5] != '-' || parse_time(text, &parsed.from_min) != 0 ||
        parse_time(text + 6, &parsed.to_min) != 0 || parsed.from_min == DAY_MIN)
        return tw_fail(e, "\"%.40s\" is no window of the day: write one like \"01:00-05:00\"",
                       text);
    if (parsed.from_min == parsed.to_min % DAY_MIN)
        return tw_fail(e, "\"%.40s\" begins when it ends: leave it out for any time of the day",
                       text);
    *window = parsed;
    return 0;
}

int tw_window_at_clock(const char *text, struct tw_window *window, struct tw_error *e)
{
    int min;
    if (strlen(text) != 5 || parse_time(text, &min) != 0 || min == DAY_MIN)
        return tw_fail(e, "\"%.40s\" is no time of day: write one like \"08:00\"", text);
    *window = (struct tw_window){min, min + 1};
    return 0;
}

void tw_window_write(struct tw_buf *out, const struct tw_window *window)
{
    if (tw_window_any(window))
        tw_buf_printf(out, "%02d:%02d-%02d:%02d", window->from_min / 60, window->from_min % 60,
                      window->to_min / 60, window->to_min % 60);
}

bool tw_window_any(const struct tw_window *window)
{
    return window->from_min != 0 || window->to_min != 0;
}

/* When the clocks show this, so many days after `day`. Where they show it twice, the first time
 * (`last`: the last one); where they never do, mktime(3) takes a moment after the gap. */
static int64_t moment(const struct tm *day, int days, int min, bool last)
{
    struct tm at = {.tm_year = day->tm_year,
                    .tm_mon = day->tm_mon,
                    .tm_mday = day->tm_mday + days,
                    .tm_min = min,
                    .tm_isdst = -1};
    const time_t found = mktime(&at);
    const int hour = at.tm_hour, minute = at.tm_min;
    time_t best = found;
    for (int step = -4; step <= 4; step++) { /* no zone has changed by more than two hours */
        const time_t other = found + (time_t)step * 1800;
        struct tm shown;
        localtime_r(&other, &shown);
        if (shown.tm_hour == hour && shown.tm_min == minute && (last ? other > best : other < best))
            best = other;
    }
    return best;
}

struct tw_span tw_window_at(const struct tw_window *window, int64_t now_s)
{
    if (!tw_window_any(window))
        return (struct tw_span){INT64_MIN, INT64_MAX};
    const time_t now = (time_t)now_s;
    struct tm today;
    localtime_r(&now, &today);
    const int length = (window->to_min - window->from_min + DAY_MIN - 1) % DAY_MIN + 1;
    struct tw_span span = {0, 0};
    for (int day = -1; day <= 2; day++) {
        const int end_day = day + (window->to_min < window->from_min);
        span.from_s = moment(&today, day, window->from_min, false);
        span.to_s = moment(&today, end_day, window->to_min, true);
        if (span.to_s <= span.from_s)
            span.to_s = span.from_s + (int64_t)length * 60;
        if (now_s < span.to_s)
            break;
    }
    return span;
}
