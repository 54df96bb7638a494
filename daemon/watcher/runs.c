/* What runs: due jobs, in the loop or in a worker, and what comes of them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/units.h"
#include "kinds/wire.h"
#include "watcher/jobs_private.h"

enum {
    SLACK_MS = 50, /* what is due so soon is run together with what is due now */
    REPORTS_BYTES_MAX = 1024 * 1024,
    EVENTS_AT_ONCE = 5,    /* so many runs of one job that events begin may follow each other; */
    EVENT_GAP_MS = 500,    /* further ones are at least so far apart, */
    EVENT_QUIET_MS = 5000, /* until none came for so long */
    OVERDUE_LOOK_MS = 5000,
    OVERDUE_LONG_MS = 30 * 60 * 1000, /* behind others that may last, it may well wait so long */
    LOCKED_MS = 1000,                 /* another process runs it: try again then */
};

static void start(struct tw_jobs *jobs, struct tw_job *job, enum tw_reason reason);

/* ---- what a run reports ------------------------------------------------------------------- */

/* Do its findings count towards fail_after? Of a task all do: its next one may be a day away. Of a
 * round those of its last run, which does not ask for another. */
static bool counts(const struct tw_job_run *run)
{
    if (tw_job_has_rounds(run->job))
        return !run->job->private->look_at_ms;
    return run->reason == TW_REASON_SCHEDULE || tw_job_is_task(run->job);
}

/* Whose findings these are; NULL: nobody's. A check that ran under settings that a reload has
 * changed meanwhile has found nothing. What a run has done it has done, under whatever settings, so
 * that is told, and its order given; and a task's findings say what it has done. */
static struct tw_job *finder(const struct tw_job_run *run)
{
    return run->job && run->old_settings && !tw_job_is_task(run->job) ? NULL : run->job;
}

static void on_finding(void *context, const struct tw_finding *finding)
{
    struct tw_job_run *run = context;
    struct tw_job *job = finder(run);
    run->main_seen = run->main_seen || !finding->aspect[0];
    if (job)
        run->jobs->listener.finding(run->jobs->listener.context, job, finding, counts(run));
}

static void on_note(void *context, const char *text)
{
    const struct tw_job_run *run = context;
    struct tw_job *job = finder(run);
    if (job)
        run->jobs->listener.note(run->jobs->listener.context, job, text);
}

static void on_watch_pid(void *context, pid_t pid, uint64_t start_ticks)
{
    const struct tw_job *job = finder(context);
    if (job)
        tw_watch_set_pid(job->private->watches, pid, start_ticks);
}

static void on_watch_dir(void *context, const char *directory, const char *name)
{
    const struct tw_job *job = finder(context);
    if (job)
        tw_watch_set_dir(job->private->watches, directory, name);
}

static void on_look_again(void *context, int64_t in_ms)
{
    const struct tw_job_run *run = context;
    const struct tw_job *job = finder(run);
    if (job && !tw_job_is_task(job)) /* which goes by its schedule alone */
        job->private->look_at_ms = tw_loop_now_ms(run->jobs->loop) + in_ms;
}

static void on_instance(void *context, const char *title)
{
    const struct tw_job_run *run = context;
    const struct tw_job *job = finder(run);
    if (job && job->config->kind->star)
        tw_jobs_instance(run->jobs, job, title);
}

static void on_remember(void *context, const char *text)
{
    const struct tw_job_run *run = context;
    struct tw_job *job = finder(run);
    if (!job)
        return;
    free(job->memory);
    job->memory = tw_strdup(text);
    run->jobs->listener.remembered(run->jobs->listener.context, job);
}

static void on_done(void *context, const char *text)
{
    const struct tw_job_run *run = context;
    if (run->job)
        run->jobs->listener.done(run->jobs->listener.context, run->job, text);
}

static void on_figure(void *context, const struct tw_figure *figure)
{
    const struct tw_job_run *run = context;
    if (run->job && run->jobs->listener.figure)
        run->jobs->listener.figure(run->jobs->listener.context, run->job, figure);
}

static void on_order(void *context)
{
    const struct tw_job_run *run = context;
    if (run->job)
        run->jobs->listener.order(run->jobs->listener.context, run->job);
}

static void on_progress(void *context)
{
    (void)context; /* the worker's deadline is moved where the frame comes in */
}

static struct tw_sink sink_of(struct tw_job_run *run)
{
    return (struct tw_sink){
        .finding = on_finding,
        .note = on_note,
        .watch_pid = on_watch_pid,
        .watch_dir = on_watch_dir,
        .look_again = on_look_again,
        .instance = on_instance,
        .remember = on_remember,
        .done = on_done,
        .figure = on_figure,
        .order = on_order,
        .progress = on_progress,
        .context = run,
    };
}

static int64_t cpu_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

/* One pass serves all that run in this moment. Those that events ask for take a twentieth of the
 * time at most, however fast others let their processes come and go. */
static const struct tw_procs *get_procs(void *context, struct tw_error *e)
{
    struct tw_jobs *jobs = context;
    jobs->procs_asked = true;
    if (jobs->have_procs)
        return &jobs->procs;
    const int64_t before_ms = cpu_ms();
    if (tw_procs_read(&jobs->procs, jobs->places.proc_root, e) != 0)
        return NULL;
    jobs->have_procs = true;
    jobs->quiet_until_ms = tw_loop_now_ms(jobs->loop) + 20 * (cpu_ms() - before_ms);
    return &jobs->procs;
}

struct tw_run tw_runs_describe(struct tw_jobs *jobs, const struct tw_job *job,
                               const struct tw_sink *sink)
{
    const struct tw_job_run *run = job->private->run;
    const int64_t now_s = time(NULL);
    return (struct tw_run){
        .name = job->name,
        .title = job->title,
        .instance = job->instance,
        .settings = job->config->settings,
        .look_only = jobs->look_only,
        .confirm = run && run->confirm,
        .places = &jobs->places,
        .now_s = now_s,
        .until_s = run && run->reason != TW_REASON_ASKED ? tw_task_end_s(job, now_s) : 0,
        .every_s = job->config->common.every_s,
        .memory = job->memory,
        .procs = get_procs,
        .procs_context = jobs,
        .sink = sink,
    };
}

/* ---- the timer ---------------------------------------------------------------------------- */

/* When this job next wants its turn. */
static int64_t wants_at(const struct tw_jobs *jobs, const struct tw_job *job)
{
    const struct tw_job_private *p = job->private;
    int64_t at_ms = jobs->started ? job->schedule.due_ms : INT64_MAX;
    if (tw_job_is_task(job) && p->run)
        return INT64_MAX; /* its end plans anew */
    if (tw_job_is_task(job) && jobs->started && p->replan_ms < at_ms)
        at_ms = p->replan_ms;
    if (p->run)
        return at_ms;
    if (p->look_at_ms && p->look_at_ms < at_ms)
        at_ms = p->look_at_ms;
    return p->again && p->not_before_ms < at_ms ? p->not_before_ms : at_ms;
}

static void set_timer(struct tw_jobs *jobs, int64_t at_ms)
{
    jobs->planned_ms = at_ms;
    if (at_ms == INT64_MAX)
        tw_timer_stop(jobs->timer);
    else
        tw_timer_set(jobs->timer, at_ms - tw_loop_now_ms(jobs->loop));
}

/* One job may want its turn sooner now. During a tick the plan is made anew at its end. */
static void plan_job(struct tw_jobs *jobs, const struct tw_job *job)
{
    const int64_t at_ms = wants_at(jobs, job);
    if (!jobs->ticking && at_ms < jobs->planned_ms)
        set_timer(jobs, at_ms);
}

void tw_runs_plan(struct tw_jobs *jobs)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < jobs->count; i++) {
        const int64_t at_ms = wants_at(jobs, jobs->items[i]);
        if (at_ms < next_ms)
            next_ms = at_ms;
    }
    set_timer(jobs, next_ms);
}

/* ---- the end of a run --------------------------------------------------------------------- */

/* Of a scheduled run of a task, so that one that a stop or a crash interrupts is not lost. */
static void set_unfinished(struct tw_jobs *jobs, struct tw_job *job, bool unfinished)
{
    job->unfinished = unfinished;
    if (jobs->listener.scheduled)
        jobs->listener.scheduled(jobs->listener.context, job);
}

static void end_run(struct tw_job_run *run, bool looked, const char *detail)
{
    struct tw_job *job = run->job;
    struct tw_jobs *jobs = run->jobs;
    const int64_t seq = run->seq;
    if (job) {
        const int64_t now_ms = tw_loop_now_ms(jobs->loop);
        const bool scheduled = counts(run), task = tw_job_is_task(job);
        const bool old = run->old_settings;
        if (looked && !old && !run->main_seen && !job->private->look_at_ms) {
            looked = false;
            detail = "cannot check: the run found nothing";
        }
        if (looked && !old)
            tw_watch_set_end(job->private->watches);
        else if (!old)
            on_finding(run, &(struct tw_finding){TW_LEVEL_UNKNOWN, "", "no-answer", detail});
        job->private->run = NULL;
        job->private->queued_ms = 0;
        job->last_end_s = time(NULL);
        job->took_ms = now_ms - run->started_ms;
        if (job->took_ms > job->slowest_ms)
            job->slowest_ms = job->took_ms;
        if (jobs->lock)
            tw_joblock_release(jobs->lock, job->name);
        tw_schedule_ended(&job->schedule, looked || old, now_ms);
        if (task && looked && run->reason != TW_REASON_ASKED)
            set_unfinished(jobs, job, false);
        if (task)
            tw_task_plan(jobs, job);
        else if (old) /* now under the new ones */
            tw_schedule_sooner(&job->schedule, now_ms);
        jobs->listener.ended(jobs->listener.context, job, scheduled,
                             looked && !old && !job->private->look_at_ms);
        if (task && !looked && run->reason != TW_REASON_ASKED)
            tw_task_retry(jobs, job);
        tw_waiters_tell(jobs, job, seq, false);
        plan_job(jobs, job);
    }
    tw_buf_free(&run->reports);
    tw_buf_free(&run->text);
    free(run);
}

/* ---- in the loop -------------------------------------------------------------------------- */

static void run_here(struct tw_jobs *jobs, struct tw_job_run *run)
{
    struct tw_job *job = run->job;
    const struct tw_sink sink = sink_of(run);
    struct tw_run what = tw_runs_describe(jobs, job, &sink);
    /* The kind may be given new memory while it still reads the old. */
    char *memory = tw_strdup(job->memory);
    what.memory = memory;
    tw_watch_set_begin(job->private->watches);
    jobs->procs_asked = false;
    job->config->kind->run(&what);
    job->private->uses_procs = jobs->procs_asked;
    free(memory);
    end_run(run, true, "");
}

/* ---- in a worker -------------------------------------------------------------------------- */

static void worker_begun(void *context)
{
    struct tw_job_run *run = context;
    run->started_ms = tw_loop_now_ms(run->jobs->loop);
    if (!run->job)
        return;
    run->job->private->queued_ms = 0;
}

/* Checks the frame and keeps it: a worker that dies in the middle has found nothing. */
static int worker_report(void *context, struct tw_frame *frame)
{
    struct tw_job_run *run = context;
    struct tw_job_run nobody = {0};
    const struct tw_sink sink = sink_of(&nobody);
    const size_t before = run->reports.len;
    struct tw_frame_writer w = tw_frame_begin(&run->reports, frame->type);
    tw_buf_add(&run->reports, frame->at, (size_t)(frame->end - frame->at));
    tw_frame_end(&w);
    if (run->reports.len > REPORTS_BYTES_MAX)
        return -1;
    int64_t result;
    const int got = tw_wire_report(frame, &sink, &run->text, &result);
    if (got == 2)
        run->reports.len = before;
    return got == 1 && result != 0 ? -1 : got;
}

static void believe(struct tw_job_run *run)
{
    const struct tw_sink sink = sink_of(run);
    struct tw_frame frame;
    int64_t result;
    for (size_t at = 0; tw_frame_next(&run->reports, &at, TW_WIRE_REPORT_MAX, &frame) > 0;)
        tw_wire_report(&frame, &sink, &run->text, &result);
}

static void worker_ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct tw_job_run *run = context;
    if (outcome == TW_OUTCOME_CANCELLED && run->job) { /* all is ending */
        run->job->private->run = NULL;
        run->job = NULL;
    }
    if (run->job && outcome == TW_OUTCOME_DONE) {
        if (finder(run))
            tw_watch_set_begin(run->job->private->watches);
        believe(run);
    }
    char *text = run->job ? tw_format("cannot check: %s", detail) : NULL;
    end_run(run, outcome == TW_OUTCOME_DONE, text);
    free(text);
}

static bool may_last(const struct tw_job *job)
{
    const struct tw_kind *kind = job->config->kind;
    return kind->may_last && kind->may_last(job->config->settings);
}

static void run_in_worker(struct tw_jobs *jobs, struct tw_job_run *run)
{
    const struct tw_run what = tw_runs_describe(jobs, run->job, NULL);
    struct tw_request request = {
        .timeout_ms = run->job->config->common.timeout_s * 1000,
        .alone = tw_job_is_task(run->job), /* for hours, maybe: nobody shall wait for it */
        .may_last = may_last(run->job),
        .reports_max = TW_WIRE_REPORTS_MAX,
        .key = run->job->name,
        .context = run,
        .begun = worker_begun,
        .report = worker_report,
        .ended = worker_ended,
    };
    run->job->private->queued_ms = tw_loop_now_ms(jobs->loop);
    tw_wire_put_run(&request.frame, &what, run->job->config->kind, jobs->moment, NULL);
    tw_workers_submit(jobs->workers, &request);
}

/* ---- starting ----------------------------------------------------------------------------- */

/* False: another process runs it now. */
static bool take_lock(struct tw_jobs *jobs, const struct tw_job *job)
{
    pid_t holder;
    struct tw_error e;
    return !jobs->lock || tw_joblock_take(jobs->lock, job->name, &holder, &e) != 1;
}

static void begin_scheduled(struct tw_jobs *jobs, struct tw_job *job)
{
    job->scheduled_s = time(NULL);
    tw_task_plan(jobs, job);
    set_unfinished(jobs, job, true);
}

static void start(struct tw_jobs *jobs, struct tw_job *job, enum tw_reason reason)
{
    struct tw_job_private *p = job->private;
    const int64_t now_ms = tw_loop_now_ms(jobs->loop);
    if (!take_lock(jobs, job)) {
        if (reason == TW_REASON_SCHEDULE && tw_job_is_task(job))
            job->schedule.due_ms = now_ms + LOCKED_MS;
        else if (reason == TW_REASON_SCHEDULE)
            tw_schedule_overlap(&job->schedule, now_ms);
        if (tw_job_is_task(job)) { /* who has asked for it, and may have confirmed it, waits */
            p->not_before_ms = now_ms + LOCKED_MS;
            p->look_at_ms = p->look_at_ms ? p->not_before_ms : 0;
            return;
        }
        if (reason != TW_REASON_SCHEDULE || p->look_at_ms || p->again)
            p->look_at_ms = now_ms + LOCKED_MS;
        p->again = false;
        return;
    }
    if (reason == TW_REASON_SCHEDULE && tw_job_is_task(job))
        begin_scheduled(jobs, job);
    else if (reason == TW_REASON_SCHEDULE)
        tw_schedule_started(&job->schedule, now_ms);
    p->look_at_ms = 0;
    p->again = false;
    p->not_before_ms = 0;
    p->seq++;
    job->last_start_s = time(NULL);
    struct tw_job_run *run = tw_alloc(sizeof *run);
    *run = (struct tw_job_run){.jobs = jobs,
                               .job = job,
                               .reason = reason,
                               .seq = p->seq,
                               .started_ms = now_ms,
                               .confirm = p->confirm};
    p->run = run;
    p->confirm = false;
    const struct tw_job_config *config = job->config;
    if (tw_kind_place(config->kind, config->settings, job->title) == TW_PLACE_LOOP)
        run_here(jobs, run);
    else
        run_in_worker(jobs, run);
}

static void tell_overdue(struct tw_jobs *jobs, struct tw_job *job, int64_t now_ms)
{
    struct tw_job_private *p = job->private;
    const int64_t waits_ms = p->queued_ms ? now_ms - p->queued_ms : 0;
    const int64_t patience_ms = may_last(job) ? OVERDUE_LONG_MS : OVERDUE_LOOK_MS;
    const bool overdue = waits_ms > 2 * job->schedule.every_ms && waits_ms > patience_ms;
    if ((int)overdue == p->overdue_told)
        return;
    p->overdue_told = overdue;
    char *text = overdue ? tw_format("overdue: waits for a free worker since %s",
                                     tw_duration_show(waits_ms / 1000).text)
                         : tw_strdup("runs again as it should");
    const struct tw_finding finding = {overdue ? TW_LEVEL_FAIL : TW_LEVEL_OK, "schedule",
                                       overdue ? "overdue" : "ok", text};
    jobs->listener.finding(jobs->listener.context, job, &finding, true);
    free(text);
}

/* One job's turn: starts it if it is due for any reason. */
static void consider(struct tw_jobs *jobs, struct tw_job *job, int64_t now_ms)
{
    struct tw_job_private *p = job->private;
    const bool task = tw_job_is_task(job);
    if (task && jobs->started && !p->run &&
        (p->replan_ms <= now_ms || tw_schedule_due(&job->schedule, now_ms)))
        tw_task_plan(jobs, job);
    /* A moment before its window a task is not due, or it would be twice. */
    const bool due =
        jobs->started && tw_schedule_due(&job->schedule, now_ms + (task ? 0 : SLACK_MS));
    if (task && p->look_at_ms && p->look_at_ms <= now_ms && !tw_task_may(job, time(NULL)))
        p->look_at_ms = 0; /* its window has closed meanwhile */
    const bool look = p->look_at_ms && p->look_at_ms <= now_ms + (task ? 0 : SLACK_MS);
    if (!task)
        tell_overdue(jobs, job, now_ms);
    if (p->run) {
        if (due && !task)
            tw_schedule_overlap(&job->schedule, now_ms);
        return;
    }
    if (look) {
        p->events = now_ms - p->event_ms > EVENT_QUIET_MS ? 1 : p->events + 1;
        p->event_ms = now_ms;
    }
    if (due)
        start(jobs, job, TW_REASON_SCHEDULE);
    else if (look)
        start(jobs, job, TW_REASON_EVENT);
    else if (p->again && p->not_before_ms <= now_ms)
        start(jobs, job, TW_REASON_ASKED);
}

void tw_runs_tick(void *context)
{
    struct tw_jobs *jobs = context;
    const int64_t now_ms = tw_loop_now_ms(jobs->loop);
    jobs->moment++;
    jobs->ticking = true;
    /* A "*" may add jobs, which moves those behind it: by index, and each is looked at anew. */
    for (size_t i = 0; i < jobs->count; i++)
        consider(jobs, jobs->items[i], now_ms);
    if (jobs->have_procs)
        tw_procs_free(&jobs->procs);
    jobs->have_procs = false;
    jobs->ticking = false;
    tw_runs_plan(jobs);
}

/* ---- what asks for runs ------------------------------------------------------------------- */

void tw_runs_fired(void *context)
{
    struct tw_job *job = context;
    struct tw_job_private *p = job->private;
    const int64_t now_ms = tw_loop_now_ms(p->jobs->loop);
    const int64_t gap_ends_ms = p->events < EVENTS_AT_ONCE ? now_ms : p->event_ms + EVENT_GAP_MS;
    int64_t at_ms = gap_ends_ms > now_ms ? gap_ends_ms : now_ms;
    if (p->uses_procs && at_ms < p->jobs->quiet_until_ms)
        at_ms = p->jobs->quiet_until_ms;
    if (!p->look_at_ms || p->look_at_ms > at_ms)
        p->look_at_ms = at_ms;
    plan_job(p->jobs, job);
}

void tw_jobs_ask(struct tw_jobs *jobs, struct tw_job *job, tw_job_done *done, void *context)
{
    job->private->again = true;
    if (done)
        tw_jobs_await(jobs, job, done, context);
    plan_job(jobs, job);
}

void tw_jobs_confirm(struct tw_jobs *jobs, struct tw_job *job, tw_job_done *done, void *context)
{
    job->private->confirm = true;
    tw_jobs_ask(jobs, job, done, context);
}

void tw_jobs_sooner(struct tw_jobs *jobs, struct tw_job *job, int64_t in_ms)
{
    if (tw_job_is_task(job))
        return;
    tw_schedule_sooner(&job->schedule, tw_loop_now_ms(jobs->loop) + in_ms);
    plan_job(jobs, job);
}

bool tw_job_running(const struct tw_job *job)
{
    return job->private->run != NULL;
}

int64_t tw_jobs_next_s(const struct tw_jobs *jobs, const struct tw_job *job, int64_t now_s)
{
    const int64_t in_ms = job->schedule.due_ms - tw_loop_now_ms(jobs->loop);
    return now_s + (in_ms > 0 ? (in_ms + 999) / 1000 : 0);
}
