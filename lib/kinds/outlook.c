/* What was left of a file system over the last day, remembered and judged. The slopes are those of
 * base/trend.h; here it is decided whether they can be judged by, and what they come to. */
#include "kinds/outlook.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/trend.h"
#include "base/units.h"

enum { HOUR_S = 3600, SAMPLES_MIN = 3, LONG_S = 365 * 86400 /* nobody plans for it */ };
enum { BYTES, INODES };

struct tw_unit_text tw_count_show(int64_t count)
{
    struct tw_unit_text show = tw_size_show(count);
    show.text[strcspn(show.text, " ")] = '\0'; /* "512 bytes" */
    return show;
}

/* ---- what is remembered: "1 ID PATH", "SIZE FILLING" and the samples, a line each ---------- */

struct memory {
    struct tw_trend trend;
    int64_t size; /* when this trend began */
    bool filling; /* said at the last run */
    bool changed;
};

static char *whose(const char *path, const struct tw_volume *v)
{
    return tw_format("1 %" PRIx64 " %s\n", v->id, path);
}

/* A size may drift a little: a ZFS file system has what its pool has left. */
static bool same_size(int64_t a, int64_t b)
{
    return (a > b ? a - b : b - a) <= b / 20;
}

static bool parse(const char *at, struct memory *m)
{
    char *end;
    m->size = *at >= '0' && *at <= '9' ? strtoll(at, &end, 10) : 0;
    if (m->size <= 0 || (strncmp(end, " 0\n", 3) != 0 && strncmp(end, " 1\n", 3) != 0))
        return false;
    m->filling = end[1] == '1';
    return tw_trend_parse(end + 3, &m->trend) == 0;
}

static struct memory recall(const struct tw_run *run, const char *path, const struct tw_volume *v)
{
    struct memory m = {0};
    char *ours = whose(path, v);
    const size_t length = strlen(ours);
    if (strncmp(run->memory, ours, length) != 0 || !parse(run->memory + length, &m) ||
        !same_size(v->size, m.size))
        m = (struct memory){.size = v->size};
    free(ours);
    tw_trend_forget(&m.trend, run->now_s);
    return m;
}

static void remember(const struct tw_run *run, const char *path, const struct tw_volume *v,
                     const struct memory *m)
{
    struct tw_buf text = {0};
    char *ours = whose(path, v);
    tw_buf_printf(&text, "%s%" PRId64 " %d\n", ours, m->size, m->filling);
    tw_trend_write(&m->trend, &text);
    run->sink->remember(run->sink->context, tw_buf_text(&text));
    tw_buf_free(&text);
    free(ours);
}

/* ---- what will be ------------------------------------------------------------------------- */

/* Of bytes and inodes that which is gone first. */
struct outlook {
    int what;
    int64_t gone_in_s, per_hour;
};

static struct tw_sample sample(const struct tw_run *run, const struct tw_volume *v)
{
    return (struct tw_sample){.at_s = run->now_s, .left = {v->free, v->inodes_free}};
}

static struct outlook look_ahead(const struct memory *m, const struct tw_sample *now,
                                 int64_t full_in_s)
{
    const int64_t recent_s = full_in_s / 4 > HOUR_S ? full_in_s / 4 : HOUR_S;
    struct outlook first = {.gone_in_s = INT64_MAX};
    for (int what = BYTES; what <= INODES; what++) {
        const double pace = tw_trend_pace(&m->trend, now, (size_t)what, recent_s);
        const double per_hour = pace * HOUR_S;
        const int64_t gone_in_s = tw_trend_gone_in(now->left[what], pace);
        if (gone_in_s < first.gone_in_s)
            first = (struct outlook){what, gone_in_s,
                                     per_hour < 1e18 ? (int64_t)(per_hour + 0.5) : INT64_MAX};
    }
    return first;
}

static void report(const struct tw_run *run, const char *path, bool filling,
                   const struct outlook *o, int64_t span_s)
{
    if (o->gone_in_s > LONG_S) {
        tw_report(run, TW_LEVEL_OK, "full", "ok", "not filling");
        return;
    }
    const bool bytes = o->what == BYTES;
    const char *code = !filling ? "ok" : bytes ? "filling" : "filling-inodes";
    const char *what = bytes ? "full" : "out of inodes";
    const struct tw_unit_text pace = bytes ? tw_size_show(o->per_hour) : tw_count_show(o->per_hour);
    tw_report(run, filling ? TW_LEVEL_FAIL : TW_LEVEL_OK, "full", code,
              "%s%s%s in %s at the pace of the last %s (%s an hour)", filling ? path : "",
              filling ? ": " : "", what, tw_duration_show(o->gone_in_s).text,
              span_s >= TW_TREND_DAY_S ? "day" : tw_duration_show(span_s).text, pace.text);
}

/* What was filling when last it could be judged, before a pause, is neither well nor worse. */
static bool too_early(const struct tw_run *run, const struct memory *m, int64_t span_s,
                      int64_t full_in_s)
{
    const enum tw_level level = m->filling ? TW_LEVEL_NONE : TW_LEVEL_OK;
    const char *code = m->filling ? "too-early" : "ok";
    const int64_t sixth_s = full_in_s / 6, most_s = 12L * HOUR_S;
    const int64_t need_s = sixth_s < HOUR_S ? HOUR_S : sixth_s < most_s ? sixth_s : most_s;
    if (span_s < need_s)
        tw_report(run, level, "full", code, "too short a time to tell: %s of %s",
                  tw_duration_show(span_s).text, tw_duration_show(need_s).text);
    else if (m->trend.count < SAMPLES_MIN)
        tw_report(run, level, "full", code, "too few looks to tell: %zu of %d in the last day",
                  m->trend.count, SAMPLES_MIN);
    else
        return false;
    return true;
}

/* What is filling stays so until there is a quarter more time: figures that waver about the limit
 * write no letters. */
static void judge(const struct tw_run *run, const char *path, struct memory *m,
                  const struct tw_sample *now, int64_t full_in_s)
{
    const int64_t span_s = tw_trend_span(&m->trend, now->at_s);
    if (too_early(run, m, span_s, full_in_s))
        return;
    const struct outlook outlook = look_ahead(m, now, full_in_s);
    const int64_t limit_s = m->filling ? full_in_s + full_in_s / 4 : full_in_s;
    const bool filling = outlook.gone_in_s < limit_s;
    m->changed |= filling != m->filling;
    m->filling = filling;
    report(run, path, filling, &outlook, span_s);
}

void tw_outlook_run(const struct tw_run *run, const char *path, const struct tw_volume *volume,
                    int64_t full_in_s)
{
    struct memory m = recall(run, path, volume);
    const struct tw_sample now = sample(run, volume);
    if (volume->free == 0)
        tw_report(run, TW_LEVEL_FAIL, "full", "full", "nothing is free on the file system of %s",
                  path);
    else if (volume->inodes && volume->inodes_free == 0)
        tw_report(run, TW_LEVEL_FAIL, "full", "full-inodes",
                  "no inode is free on the file system of %s", path);
    else
        judge(run, path, &m, &now, full_in_s);
    m.changed |= tw_trend_add(&m.trend, &now);
    if (m.changed)
        remember(run, path, volume, &m);
}

/* ---- what was ----------------------------------------------------------------------------- */

static const struct tw_sample *nearest(const struct tw_trend *trend, int64_t at_s)
{
    const struct tw_sample *best = NULL;
    for (size_t i = 0; i < trend->count; i++)
        if (!best || llabs(trend->samples[i].at_s - at_s) < llabs(best->at_s - at_s))
            best = &trend->samples[i];
    return best && llabs(best->at_s - at_s) < TW_TREND_EACH_S ? best : NULL;
}

bool tw_outlook_show(const struct tw_run *run, const char *path, const struct tw_volume *volume,
                     int64_t full_in_s, struct tw_buf *out)
{
    static const int hours[] = {24, 18, 12, 6, 3, 1};
    const struct memory m = recall(run, path, volume);
    const struct tw_sample now = sample(run, volume);
    const bool none = volume->free == 0 || (volume->inodes && volume->inodes_free == 0);
    const struct outlook outlook = look_ahead(&m, &now, full_in_s);
    const int what = none ? volume->free == 0 ? BYTES : INODES : outlook.what;
    tw_buf_puts(out, what == BYTES ? "free: " : "inodes free: ");
    for (size_t i = 0; i < TW_COUNT(hours); i++) {
        const struct tw_sample *then = nearest(&m.trend, run->now_s - (int64_t)hours[i] * HOUR_S);
        if (then)
            tw_buf_printf(out, "%s %dh ago, ",
                          what == BYTES ? tw_size_show(then->left[what]).text
                                        : tw_count_show(then->left[what]).text,
                          hours[i]);
    }
    tw_buf_printf(out, "%s now\n",
                  what == BYTES ? tw_size_show(now.left[what]).text
                                : tw_count_show(now.left[what]).text);
    return what == INODES;
}
