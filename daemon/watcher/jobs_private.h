/* Shared by the files behind jobs.h: jobs.c (which jobs there are), runs.c (what runs), tasks.c
 * (when tasks do), waiters.c (who waits for it), evidence.c. */
#ifndef TW_WATCHER_JOBS_PRIVATE_H
#define TW_WATCHER_JOBS_PRIVATE_H

#include "toaster/procfs.h"
#include "watcher/jobs.h"
#include "watcher/watches.h"

/* One run under way in a worker, or going on in the loop at this moment. */
struct tw_job_run {
    struct tw_jobs *jobs;
    struct tw_job *job; /* NULL: dropped meanwhile */
    enum tw_reason reason;
    int64_t seq;
    int64_t started_ms;
    bool old_settings;     /* a reload changed them meanwhile: a check's findings do not count */
    bool confirm;          /* it may do what it had asked about */
    bool main_seen;        /* it has reported a finding of its main aspect */
    struct tw_buf reports; /* frames of a worker, not believed before its end frame */
    struct tw_buf text;    /* TW_WIRE_TEXT, which runs do not send */
};

struct tw_job_private {
    struct tw_jobs *jobs;
    struct tw_watch_set *watches;
    struct tw_job_run *run; /* NULL: idle */
    int64_t seq;            /* of the last run that began */
    int64_t look_at_ms;     /* a run beside the schedule; 0: none */
    int64_t queued_ms;      /* when the run that has not begun yet was queued; 0: it has begun */
    int64_t event_ms;       /* the last run that an event began */
    int64_t events;         /* such runs in quick succession */
    bool uses_procs;        /* its last run asked for all processes */
    bool again;             /* asked for, or an event, while it ran */
    bool confirm;           /* the run that is asked for may do what was asked about */
    int64_t not_before_ms;  /* the run that is asked for: another process runs the task now */
    int64_t changed_s;      /* of a task: when its settings last did */
    int64_t replan_ms;      /* of a task: when to look at the wall clock again */
    int overdue_told;       /* -1: nothing was said yet */
};

struct tw_jobs {
    struct tw_loop *loop;
    struct tw_workers *workers;
    struct tw_joblock *lock;
    struct tw_jobs_listener listener;
    const struct tw_config *config;
    struct tw_places places;
    struct tw_watches *watches;
    struct tw_timer *timer;
    struct tw_job **items; /* sorted by name */
    size_t count;
    struct waiter *waiters;
    struct tw_procs procs; /* of the moment in which the loop runs jobs */
    bool have_procs;
    int64_t moment;
    int64_t quiet_until_ms; /* before this, no pass over /proc that an event asks for */
    bool procs_asked;       /* by the run that goes on in the loop */
    int64_t planned_ms;     /* what the timer is set to; INT64_MAX: not set */
    bool started, ticking, look_only;
};

/* runs.c */
void tw_runs_tick(void *jobs);           /* the timer: runs what is due, sets itself */
void tw_runs_plan(struct tw_jobs *jobs); /* sets the timer anew */
void tw_runs_fired(void *job);           /* a watch has spoken */
struct tw_run tw_runs_describe(struct tw_jobs *jobs, const struct tw_job *job,
                               const struct tw_sink *sink);

/* waiters.c: a run of the job has ended, or the job is dropped: tells those who wait for this run
 * or an earlier one. */
void tw_waiters_tell(struct tw_jobs *jobs, const struct tw_job *job, int64_t seq, bool dropped);

/* tasks.c: sets when a task is due by the wall clock, and says if it is overdue. */
void tw_task_plan(struct tw_jobs *jobs, struct tw_job *job);
/* After a run that could not look: another one, as long as the window is open. */
void tw_task_retry(struct tw_jobs *jobs, struct tw_job *job);
/* The same for one that was interrupted. */
void tw_task_again(struct tw_jobs *jobs, struct tw_job *job);
/* May it run now, beside its schedule: is its window open? */
bool tw_task_may(const struct tw_job *job, int64_t now_s);
/* When a run that begins now must end: with the window, at once if that has just closed; 0: never.
 */
int64_t tw_task_end_s(const struct tw_job *job, int64_t now_s);

/* jobs.c */
void tw_jobs_instance(struct tw_jobs *jobs, const struct tw_job *star, const char *title);

#endif
