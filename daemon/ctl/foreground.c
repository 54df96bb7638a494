/* Runs without a daemon: the same jobs, workers and loop, with nothing but the findings kept. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/term.h"
#include "watcher/jobs.h"

enum { SLOTS = 4 };

struct foreground {
    struct tw_loop *loop;
    struct tw_jobs *jobs;
    struct tw_aspects *aspects;
    char *const *names;
    struct tw_strings wanted; /* jobs by name */
    size_t pending;
    bool stars; /* the first round, in which "*" finds its services */
    char *unknown;
    struct ctl_progress progress;
};

static void next_round(struct foreground *fg);

static struct tw_when now_is(const struct foreground *fg)
{
    return (struct tw_when){time(NULL), tw_loop_now_ms(fg->loop)};
}

static void on_finding(void *context, struct tw_job *job, const struct tw_finding *finding,
                       bool scheduled)
{
    struct foreground *fg = context;
    const struct tw_incident_rule rule = {1, 1};
    tw_aspects_finding(fg->aspects, job->name, finding, scheduled, &rule, now_is(fg));
}

static void on_note(void *context, struct tw_job *job, const char *text)
{
    (void)context;
    (void)job;
    (void)text;
}

static void on_order(void *context, struct tw_job *job)
{
    (void)context;
    (void)job;
}

static void on_ended(void *context, struct tw_job *job, bool scheduled, bool looked)
{
    (void)context;
    (void)job;
    (void)scheduled;
    (void)looked;
}

static void on_remembered(void *context, struct tw_job *job)
{
    (void)context;
    (void)job;
}

static void on_news(void *context, struct tw_aspect *aspect, enum tw_incident_news what)
{
    (void)context;
    (void)aspect;
    (void)what;
}

static void job_done(void *context, struct tw_job *job)
{
    struct foreground *fg = context;
    (void)job;
    fg->pending--;
    fg->progress.all = fg->wanted.count;
    fg->progress.done = fg->wanted.count - fg->pending;
    if (fg->pending == 0)
        next_round(fg);
}

static void ask(struct foreground *fg, struct tw_job *job)
{
    fg->pending++;
    tw_jobs_ask(fg->jobs, job, job_done, fg);
}

static void ask_all(struct foreground *fg, bool stars)
{
    for (size_t i = 0; i < tw_jobs_count(fg->jobs); i++) {
        struct tw_job *job = tw_jobs_at(fg->jobs, i);
        if ((strcmp(job->title, "*") == 0) == stars && !tw_job_is_task(job)) {
            tw_strings_add(&fg->wanted, job->name);
            ask(fg, job);
        }
    }
}

static void ask_named(struct foreground *fg)
{
    for (char *const *name = fg->names; *name && !fg->unknown; name++) {
        struct tw_job *job = tw_jobs_find(fg->jobs, *name);
        if (!job) {
            fg->unknown = tw_strdup(*name);
        } else if (!tw_strings_has(&fg->wanted, job->name)) {
            tw_strings_add(&fg->wanted, job->name);
            ask(fg, job);
        }
    }
}

/* First what finds others, then what was asked for. */
static void next_round(struct foreground *fg)
{
    if (fg->stars) {
        fg->stars = false;
        if (fg->names[0]) {
            tw_strings_free(&fg->wanted);
            ask_named(fg);
        } else {
            ask_all(fg, false);
        }
    }
    if (fg->pending == 0 || fg->unknown)
        tw_loop_stop(fg->loop);
}

static void begin(void *context)
{
    struct foreground *fg = context;
    fg->stars = true;
    ask_all(fg, true);
    if (fg->pending == 0)
        next_round(fg);
}

/* ---- what the daemon remembered ----------------------------------------------------------- */

static void restore_job(void *context, const struct tw_state_job *row)
{
    struct foreground *fg = context;
    tw_jobs_restore(fg->jobs, row->job, row->last_start_s, row->last_end_s, row->memory);
}

static void restore(struct foreground *fg, const struct tw_config *config)
{
    const struct tw_state_reader reader = {.job = restore_job, .context = fg};
    struct tw_state *state = tw_state_open(config->state_dir, true, &reader);
    tw_state_close(&state, 0);
}

/* ---- the whole ---------------------------------------------------------------------------- */

static void collect(const struct foreground *fg, struct ctl_answer *answer)
{
    for (size_t i = 0; i < fg->wanted.count; i++) {
        size_t count;
        const size_t first = tw_aspects_of(fg->aspects, fg->wanted.items[i], &count);
        for (size_t k = first; k < first + count; k++)
            ctl_answer_add(answer, tw_aspects_at(fg->aspects, k));
    }
}

int ctl_foreground(const struct tw_config *config, char *const *names, struct ctl_answer *answer,
                   struct tw_error *e)
{
    struct foreground fg = {.names = names, .loop = tw_loop_new()};
    if (!fg.loop)
        return tw_fail(e, "cannot make an event loop");
    struct tw_log *silent = tw_log_new(-1, 0);
    char *program = tw_workers_find_program();
    struct tw_workers *workers = tw_workers_new(fg.loop, program, SLOTS);
    /* Without the lock's file (never a daemon here, or not root) nobody else runs jobs either. */
    struct tw_joblock *lock = tw_joblock_open(config->state_dir, NULL);
    fg.jobs = tw_jobs_new(fg.loop, workers, lock,
                          &(struct tw_jobs_listener){.finding = on_finding,
                                                     .note = on_note,
                                                     .done = on_note,
                                                     .order = on_order,
                                                     .ended = on_ended,
                                                     .remembered = on_remembered,
                                                     .context = &fg});
    tw_jobs_look_only(fg.jobs);
    fg.aspects = tw_aspects_new(silent, NULL, on_news, NULL);
    tw_jobs_configure(fg.jobs, config, NULL, NULL, NULL);
    restore(&fg, config);
    struct tw_timer *start = tw_timer_new(fg.loop, begin, &fg);
    tw_timer_set(start, 0);
    ctl_progress_begin(&fg.progress, "check");
    ctl_progress_on(&fg.progress, fg.loop);
    tw_loop_run(fg.loop);
    ctl_progress_end(&fg.progress);
    int result = 0;
    if (fg.unknown)
        result = tw_fail(e, "there is no job %s (toasterctl config shows them)", fg.unknown);
    else
        collect(&fg, answer);
    tw_timer_free(&start);
    tw_workers_free(&workers);
    tw_jobs_unask(fg.jobs, &fg);
    tw_jobs_free(&fg.jobs);
    tw_aspects_free(&fg.aspects);
    tw_joblock_close(&lock);
    tw_log_free(&silent);
    tw_loop_free(&fg.loop);
    tw_strings_free(&fg.wanted);
    free(fg.unknown);
    free(program);
    return result;
}
