/* When a job is due. Pure: times are monotonic milliseconds and come in as arguments, but for
 * tasks, which go by the wall clock (tw_schedule_task_due_s).
 *
 * A check is due at once when it begins, and then at the points of a grid: every `every_ms`, moved
 * by a phase. The phase spreads kinds over the interval, not jobs: what shares a pass over /proc
 * or a worker shall be due in the same moment, so that a thousand checks cost one pass. */
#ifndef TW_WATCHER_SCHEDULE_H
#define TW_WATCHER_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/window.h"

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

/* When a task is due (now, or before: now). `last_s` is when its last scheduled run began; 0:
 * never.
 *
 * Without a window: every_s after that. A last_s further in the future than every_s is none (the
 * clock was wrong).
 *
 * With a window: at the beginning of an occurrence, or at once inside of one. At most once in each,
 * and so that every_s has passed before it is over. It counts from the beginning of the window that
 * the last run began in, however late that was, and by whole days of the calendar: what runs daily
 * misses no window, what runs weekly keeps its day, where clocks change, too. A last_s later than
 * the end of the occurrence that is now or comes next is none: the clock was set back over the
 * end of a window, and there is one run more than there would have been. Set back within a window,
 * it runs only once in that. In the zone of TZ. */
int64_t tw_schedule_task_due_s(const struct tw_window *window, int64_t every_s, int64_t last_s,
                               int64_t now_s);

#endif
