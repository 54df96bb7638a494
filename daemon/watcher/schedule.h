/* When a job is due. Pure: times are monotonic milliseconds and come in as arguments.
 *
 * A check is due at once when it begins, and then at the points of a grid: every `every_ms`, moved
 * by a phase. The phase spreads kinds over the interval, not jobs: what shares a pass over /proc
 * or a worker shall be due in the same moment, so that a thousand checks cost one pass. */
#ifndef TW_WATCHER_SCHEDULE_H
#define TW_WATCHER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#define TW_BACKOFF_MAX_MS (15 * 60 * 1000)

struct tw_schedule {
    int64_t every_ms, phase_ms;
    int64_t due_ms;
    int64_t failures; /* runs in a row that could not look */
    int64_t overlaps; /* times it was due while it still ran */
};

/* The phase of all jobs of this kind and interval; 0 to every_ms - 1. */
int64_t tw_schedule_phase(const char *kind, int64_t every_ms);

/* Due at once. */
struct tw_schedule tw_schedule_begin(int64_t every_ms, int64_t phase_ms, int64_t now_ms);

/* Another interval, for a job that goes on: due at the new grid's next point, not later than it
 * was due before. */
void tw_schedule_change(struct tw_schedule *s, int64_t every_ms, int64_t phase_ms, int64_t now_ms);

bool tw_schedule_due(const struct tw_schedule *s, int64_t now_ms);

/* A scheduled run starts: the next one is at the first grid point more than half an interval away
 * (so that one brought forward is not followed by another at once). */
void tw_schedule_started(struct tw_schedule *s, int64_t now_ms);

/* It was due while it still ran: counted, and passed over. */
void tw_schedule_overlap(struct tw_schedule *s, int64_t now_ms);

/* The run ended. One that could not look is put off: every_ms, doubled with each such run in a row,
 * at most TW_BACKOFF_MAX_MS (or every_ms, if that is longer). */
void tw_schedule_ended(struct tw_schedule *s, bool looked, int64_t now_ms);

/* Brings the next scheduled run forward; never puts it off. */
void tw_schedule_sooner(struct tw_schedule *s, int64_t at_ms);

#endif
