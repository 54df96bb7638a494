/* Who waits for the end of a run. */
#include <stdlib.h>

#include "base/mem.h"
#include "watcher/jobs_private.h"

struct waiter {
    struct waiter *next;
    struct tw_job *job;
    int64_t seq; /* the first run that will do */
    tw_job_done *done;
    void *context;
};

void tw_jobs_await(struct tw_jobs *jobs, struct tw_job *job, tw_job_done *done, void *context)
{
    struct waiter *waiter = tw_alloc(sizeof *waiter);
    *waiter = (struct waiter){jobs->waiters, job, job->private->seq + 1, done, context};
    jobs->waiters = waiter;
}

void tw_waiters_tell(struct tw_jobs *jobs, const struct tw_job *job, int64_t seq, bool dropped)
{
    for (struct waiter **link = &jobs->waiters; *link;) {
        struct waiter *waiter = *link;
        if (waiter->job != job || waiter->seq > seq) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->done(waiter->context, dropped ? NULL : waiter->job);
        free(waiter);
        link = &jobs->waiters; /* the call may have changed the list */
    }
}

void tw_jobs_unask(struct tw_jobs *jobs, void *context)
{
    for (struct waiter **link = &jobs->waiters; *link;) {
        struct waiter *waiter = *link;
        if (waiter->context == context) {
            *link = waiter->next;
            free(waiter);
        } else {
            link = &waiter->next;
        }
    }
}
