/* Tasks: jobs that change something, and so go by the wall clock and its windows. The clock may be
 * set at any time, so it is looked at again every few minutes. */
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"
#include "base/units.h"
#include "watcher/jobs_private.h"

enum {
    LOOK_MS = 10 * 60 * 1000, /* at the wall clock */
    RETRY_MS = 15 * 60 * 1000,
    RETRIES = 3,
    AGAIN_MS = 10000, /* after the start of a daemon: its checks come first */
    DAY_S = 86400,
};

bool tw_job_is_task(const struct tw_job *job)
{
    return job->config->kind->task_every != NULL;
}

bool tw_job_has_rounds(const struct tw_job *job)
{
    return job->config->kind->rounds_every != NULL;
}

bool tw_job_in_round(const struct tw_job *job)
{
    return tw_job_has_rounds(job) && job->private->look_at_ms != 0;
}

/* Two intervals have passed, and a day more, since a window may be wherever it is in a day. */
static void tell_overdue(struct tw_jobs *jobs, struct tw_job *job, int64_t due_s, int64_t now_s)
{
    struct tw_job_private *p = job->private;
    const int64_t from_s = job->scheduled_s > p->changed_s ? job->scheduled_s : p->changed_s;
    const int64_t passed_s = job->scheduled_s ? now_s - from_s : 0;
    const bool overdue = due_s > now_s && passed_s > 2 * job->config->common.every_s + DAY_S;
    if (p->run || (int)overdue == p->overdue_told || (!overdue && p->overdue_told < 0))
        return;
    p->overdue_told = overdue;
    char *text =
        overdue ? tw_format("overdue: its last scheduled run began %s ago, the next one is in %s",
                            tw_duration_show(now_s - job->scheduled_s).text,
                            tw_duration_show(due_s - now_s).text)
                : tw_strdup("runs again as it should");
    const struct tw_finding finding = {overdue ? TW_LEVEL_FAIL : TW_LEVEL_OK, "schedule",
                                       overdue ? "overdue" : "ok", text};
    jobs->listener.finding(jobs->listener.context, job, &finding, true);
    free(text);
}

void tw_task_plan(struct tw_jobs *jobs, struct tw_job *job)
{
    const struct tw_job_config *config = job->config;
    const int64_t now_s = time(NULL), now_ms = tw_loop_now_ms(jobs->loop);
    const int64_t due_s =
        tw_schedule_task_due_s(&config->window, config->common.every_s, job->scheduled_s, now_s);
    job->schedule.due_ms = now_ms + (due_s - now_s) * 1000;
    job->private->replan_ms = now_ms + LOOK_MS;
    if (jobs->started)
        tell_overdue(jobs, job, due_s, now_s);
}

static void run_in(struct tw_jobs *jobs, struct tw_job *job, int64_t in_ms)
{
    if (tw_task_may(job, time(NULL) + in_ms / 1000))
        job->private->look_at_ms = tw_loop_now_ms(jobs->loop) + in_ms;
}

void tw_task_retry(struct tw_jobs *jobs, struct tw_job *job)
{
    const int64_t failures = job->schedule.failures;
    if (failures > 0 && failures <= RETRIES)
        run_in(jobs, job, RETRY_MS * failures);
}

void tw_task_again(struct tw_jobs *jobs, struct tw_job *job)
{
    run_in(jobs, job, AGAIN_MS);
}

/* When the window that is open now ends; 0: there is none. */
static int64_t window_end_s(const struct tw_job *job, int64_t now_s)
{
    const struct tw_span span = tw_window_at(&job->config->window, now_s);
    return tw_window_any(&job->config->window) && now_s >= span.from_s ? span.to_s : 0;
}

bool tw_task_may(const struct tw_job *job, int64_t now_s)
{
    return !tw_window_any(&job->config->window) || window_end_s(job, now_s) > 0;
}

int64_t tw_task_end_s(const struct tw_job *job, int64_t now_s)
{
    const int64_t until_s = window_end_s(job, now_s);
    return until_s == 0 && tw_window_any(&job->config->window) ? now_s : until_s;
}
