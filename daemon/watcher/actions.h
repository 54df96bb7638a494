/* `then`: when a job's incident opens, or a run of it has changed something, its order is run, at
 * most three times an hour, each to its end before the next. Afterwards the job is run once more,
 * to see whether it helped. */
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
    struct tw_log *log;
    struct tw_state *state;
    struct tw_workers *workers;
    struct tw_jobs *jobs;
    void (*ended)(void *context); /* an order has ended; may be NULL */
    void *context;
};

struct tw_actions *tw_actions_new(const struct tw_actions_parts *parts);
void tw_actions_free(struct tw_actions **actions);

/* From the state, at the start: when orders ran (other values are passed over). */
void tw_actions_restore_value(struct tw_actions *actions, const char *key, const char *value);

/* The job's order is due because of this aspect. Does nothing for a job without one, or while it
 * runs; says so in the log where the hour's number is reached. */
void tw_actions_order(struct tw_actions *actions, const struct tw_job *job, const char *aspect);

bool tw_actions_running(const struct tw_actions *actions, const char *job);

/* What came of the job's last order ("svc -u /service/x: exit 0"), and when; NULL if there was
 * none since then. Lives until the next call for this job. */
const char *tw_actions_said(const struct tw_actions *actions, const char *job, int64_t since_s,
                            int64_t *when_s);

#endif
