/* `then`: when a job's incident opens, or a run of it asks for it, its order is run: at most three
 * times an hour, a few of all jobs at a time. Afterwards the job is run once more, to see whether
 * it helped. */
#ifndef TW_WATCHER_ACTIONS_H
#define TW_WATCHER_ACTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/state.h"
#include "watcher/jobs.h"

#define TW_ACTIONS_AN_HOUR 3

struct tw_actions;

/* All of these must outlive it, but for `workers`, which is freed (ending what runs) first. */
struct tw_actions_parts {
    struct tw_loop *loop;
    struct tw_log *log;
    struct tw_state *state;
    struct tw_workers *workers;
    struct tw_jobs *jobs;
    void (*ended)(void *context, const char *job); /* an order has ended; may be NULL */
    void *context;
};

struct tw_actions *tw_actions_new(const struct tw_actions_parts *parts);
void tw_actions_free(struct tw_actions **actions);

/* From the state, at the start: when orders ran and what came of the last (other values are
 * passed over). */
void tw_actions_restore_value(struct tw_actions *actions, const char *key, const char *value);

/* The job's order is due because of this aspect (of a job without one: nothing). Due again while
 * it runs, it is one order, unless `surely`: then it runs once more. Where the hour's number is
 * reached the log says so, and it is passed over, or, if `surely`, put off. */
void tw_actions_order(struct tw_actions *actions, const struct tw_job *job, const char *aspect,
                      bool surely);

/* Is it due or under way, and has been so for less than a minute: worth waiting for. */
bool tw_actions_pending(const struct tw_actions *actions, const char *job, int64_t now_ms);

bool tw_actions_busy(const struct tw_actions *actions); /* any runs just now */
void tw_actions_stop(struct tw_actions *actions);       /* begins no further one */

/* What came of the job's last order ("svc -u /service/x: exit 0"), and when; NULL if there was
 * none since then. Lives until the next call for this job. */
const char *tw_actions_said(const struct tw_actions *actions, const char *job, int64_t since_s,
                            int64_t *when_s);

#endif
