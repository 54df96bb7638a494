/* When a job is due. Pure. */
#include "watcher/schedule.h"

#include <string.h>
#include <time.h>

#include "base/hash.h"

enum { DAY_S = 86400 };

int64_t tw_schedule_phase(const char *kind, int64_t every_ms)
{
    const uint64_t hash = tw_hash(TW_HASH_START, kind, strlen(kind));
    return (int64_t)((hash ^ (hash >> 32)) % (uint64_t)every_ms);
}

/* The first point of the grid after `after_ms`. */
static int64_t next_point(const struct tw_schedule *s, int64_t after_ms)
{
    const int64_t passed = after_ms - s->phase_ms;
    const int64_t steps = passed < 0 ? 0 : passed / s->every_ms + 1;
    return s->phase_ms + steps * s->every_ms;
}

struct tw_schedule tw_schedule_begin(int64_t every_ms, int64_t phase_ms, int64_t now_ms)
{
    return (struct tw_schedule){.every_ms = every_ms, .phase_ms = phase_ms, .due_ms = now_ms};
}

void tw_schedule_change(struct tw_schedule *s, int64_t every_ms, int64_t phase_ms, int64_t now_ms)
{
    s->every_ms = every_ms;
    s->phase_ms = phase_ms;
    const int64_t next = next_point(s, now_ms);
    if (next < s->due_ms)
        s->due_ms = next;
}

bool tw_schedule_due(const struct tw_schedule *s, int64_t now_ms)
{
    return s->due_ms <= now_ms;
}

void tw_schedule_started(struct tw_schedule *s, int64_t now_ms)
{
    s->due_ms = next_point(s, now_ms + s->every_ms / 2);
}

void tw_schedule_overlap(struct tw_schedule *s, int64_t now_ms)
{
    s->overlaps++;
    s->due_ms = next_point(s, now_ms);
}

void tw_schedule_ended(struct tw_schedule *s, bool looked, int64_t now_ms)
{
    if (looked) {
        s->failures = 0;
        return;
    }
    const int64_t most = s->every_ms > TW_BACKOFF_MAX_MS ? s->every_ms : TW_BACKOFF_MAX_MS;
    int64_t wait_ms = s->every_ms;
    for (int64_t i = 0; i < s->failures && wait_ms < most; i++)
        wait_ms *= 2;
    s->failures++;
    const int64_t next = next_point(s, now_ms + (wait_ms < most ? wait_ms : most) - s->every_ms);
    if (next > s->due_ms)
        s->due_ms = next;
}

void tw_schedule_sooner(struct tw_schedule *s, int64_t at_ms)
{
    if (at_ms < s->due_ms)
        s->due_ms = at_ms;
}

/* ---- tasks -------------------------------------------------------------------------------- */

/* every_s after the beginning of the window that it began in, or else after itself. */
static int64_t earliest(const struct tw_window *window, int64_t every_s, int64_t last_s)
{
    const struct tw_span span = tw_window_at(window, last_s);
    const bool within = span.from_s <= last_s;
    const time_t from = (time_t)(within ? span.from_s : last_s);
    struct tm at;
    localtime_r(&from, &at);
    if (within) { /* as it is written: where clocks go forward it may have begun later */
        at.tm_hour = 0;
        at.tm_min = window->from_min;
        at.tm_sec = 0;
    }
    at.tm_mday += (int)(every_s / DAY_S);
    at.tm_isdst = -1;
    return mktime(&at) + every_s % DAY_S;
}

int64_t tw_schedule_task_due_s(const struct tw_window *window, int64_t every_s, int64_t last_s,
                               int64_t now_s)
{
    if (!tw_window_any(window))
        return last_s == 0 || last_s - now_s > every_s ? now_s : last_s + every_s;
    struct tw_span span = tw_window_at(window, now_s);
    if (last_s != 0 && last_s < span.to_s) {
        const int64_t earliest_s = earliest(window, every_s, last_s);
        if (earliest_s > now_s)
            span = tw_window_at(window, earliest_s);
        while (last_s >= span.from_s)
            span = tw_window_at(window, span.to_s);
    }
    return span.from_s > now_s ? span.from_s : now_s;
}
