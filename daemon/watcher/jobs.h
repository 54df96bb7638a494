/* The jobs: when each runs, in the loop or in a worker, and what comes of it. Used by the daemon,
 * and by toasterctl for runs in the foreground. Knows nothing of incidents. */
#ifndef TW_WATCHER_JOBS_H
#define TW_WATCHER_JOBS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/joblock.h"
#include "config/config.h"
#include "watcher/loop.h"
#include "watcher/schedule.h"
#include "watcher/worker.h"

enum tw_reason {
    TW_REASON_SCHEDULE,
    TW_REASON_EVENT, /* something watched has spoken */
    TW_REASON_ASKED  /* toasterctl, ALRM, a letter that wants to be sure */
};

struct tw_job {
    char *name, *title;
    const struct tw_job_config *config; /* its own, or that of its "*"; immutable */
    bool instance;                      /* made by a "*" */
    char *memory;
    int64_t last_start_s, last_end_s; /* Unix time; 0: never */
    int64_t scheduled_s;              /* of a task: when its last scheduled run began; 0: never */
    bool unfinished;                  /* and it has not come to its end */
    int64_t took_ms;
    int64_t slowest_ms; /* since somebody set it to 0 */
    struct tw_schedule schedule;
    struct tw_job_private *private;
};

/* What the jobs tell. All are called from the loop and may ask for runs, but not add or drop
 * jobs. */
struct tw_jobs_listener {
    void (*finding)(void *context, struct tw_job *job, const struct tw_finding *finding,
                    bool scheduled);
    void (*note)(void *context, struct tw_job *job, const char *text);
    void (*done)(void *context, struct tw_job *job, const char *text);
    void (*order)(void *context, struct tw_job *job); /* its `then` is due */
    /* A run ended. `whole` is false where it could not look (a finding UNKNOWN went before), or is
     * to look again in a moment: then what it did not report still stands. */
    void (*ended)(void *context, struct tw_job *job, bool scheduled, bool whole);
    void (*remembered)(void *context, struct tw_job *job); /* job->memory is new */
    /* A task's scheduled run begins or ends: job->scheduled_s or unfinished is new, and must
     * outlive us. NULL: nobody wants to know. */
    void (*scheduled)(void *context, struct tw_job *job);
    void *context;
    /* What a run has done. NULL: nobody wants to know. */
    void (*figure)(void *context, struct tw_job *job, const struct tw_figure *figure);
};

struct tw_jobs;

/* `lock` may be NULL: then nothing keeps another process from running a job too. */
struct tw_jobs *tw_jobs_new(struct tw_loop *loop, struct tw_workers *workers,
                            struct tw_joblock *lock, const struct tw_jobs_listener *listener);
/* From here on runs only look: for one who keeps nothing of what they tell him to remember. */
void tw_jobs_look_only(struct tw_jobs *jobs);
void tw_jobs_free(struct tw_jobs **jobs); /* after tw_workers_free, which ends what runs */

/* The configuration's jobs become these jobs; `config` must live until the next call. A job whose
 * settings are the same goes on untouched (next run, memory, a running worker); one that changed
 * runs at once under the new ones, and what runs finishes under the old: what it finds does not
 * count, what it does is told; new ones run at once; others are dropped: `dropped` (may be NULL) is
 * told before each is freed, `changed` after. */
void tw_jobs_configure(struct tw_jobs *jobs, const struct tw_config *config,
                       void (*dropped)(void *context, struct tw_job *job),
                       void (*changed)(void *context, struct tw_job *job), void *context);

/* What was remembered of a job on disk; makes the instance of a "*" if that is what it is. False:
 * there is no such job. */
bool tw_jobs_restore(struct tw_jobs *jobs, const char *name, int64_t last_start_s,
                     int64_t last_end_s, const char *memory);

/* The same for a task: when its last scheduled run began, and whether it has come to its end. One
 * that has not is run again soon, if its window is open. */
void tw_jobs_restore_scheduled(struct tw_jobs *jobs, const char *name, int64_t scheduled_s,
                               bool unfinished);

/* Does it change something, so that it runs by its own schedule and when it is asked for by name,
 * and never because all are to be looked at. */
bool tw_job_is_task(const struct tw_job *job);
/* Does a look of it take several runs (struct tw_kind). */
bool tw_job_has_rounds(const struct tw_job *job);
/* Is it between two runs of one. */
bool tw_job_in_round(const struct tw_job *job);

/* Begins to run by schedule. Before this only tw_jobs_ask makes runs. */
void tw_jobs_start(struct tw_jobs *jobs);

size_t tw_jobs_count(const struct tw_jobs *jobs);
struct tw_job *tw_jobs_at(struct tw_jobs *jobs, size_t index); /* sorted by name */
struct tw_job *tw_jobs_find(struct tw_jobs *jobs, const char *name);
size_t tw_jobs_index(const struct tw_jobs *jobs, const struct tw_job *job); /* as of now */

/* Runs it now: a run that begins after this call. `done` (may be NULL) is called once when that
 * run has ended, or with job NULL if the job is dropped before. */
typedef void tw_job_done(void *context, struct tw_job *job);
void tw_jobs_ask(struct tw_jobs *jobs, struct tw_job *job, tw_job_done *done, void *context);
/* The same, for a task that is to do now what it had asked about. */
void tw_jobs_confirm(struct tw_jobs *jobs, struct tw_job *job, tw_job_done *done, void *context);
/* `done` is called as above after the next run, but none is asked for. */
void tw_jobs_await(struct tw_jobs *jobs, struct tw_job *job, tw_job_done *done, void *context);
void tw_jobs_unask(struct tw_jobs *jobs, void *context); /* `done` is not called any more */

/* Brings its next scheduled run forward; a task's stays when it is. */
void tw_jobs_sooner(struct tw_jobs *jobs, struct tw_job *job, int64_t in_ms);

/* Drops an instance, after telling `dropped` as tw_jobs_configure does. -1: it stands in the
 * configuration. One whose directory is there, or that is required, comes back with the next run
 * of its "*", which this asks for. */
int tw_jobs_forget(struct tw_jobs *jobs, struct tw_job *job,
                   void (*dropped)(void *context, struct tw_job *job), void *context,
                   struct tw_error *e);

bool tw_job_running(const struct tw_job *job);
/* Unix time of its next scheduled run. */
int64_t tw_jobs_next_s(const struct tw_jobs *jobs, const struct tw_job *job, int64_t now_s);

/* Asks a worker for evidence on an aspect; `done` is called once, with "" if there is none. */
typedef void tw_evidence_done(void *context, const char *evidence);
void tw_jobs_evidence(struct tw_jobs *jobs, const struct tw_job *job, const char *aspect,
                      int64_t timeout_ms, tw_evidence_done *done, void *context);

/* The command that would help: appended. */
void tw_jobs_advice(const struct tw_jobs *jobs, const struct tw_job *job, const char *aspect,
                    const char *code, struct tw_buf *out);

#endif
