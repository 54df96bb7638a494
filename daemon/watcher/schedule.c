/* When a job is due. Pure. */
#include "watcher/schedule.h"

int64_t tw_schedule_phase(const char *kind, int64_t every_ms)
{
    uint64_t hash = 14695981039346656037ULL; /* FNV-1a */
    for (; *kind; kind++)
        hash = (hash ^ (unsigned char)*kind) * 1099511628211ULL;
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
