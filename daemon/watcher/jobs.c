/* Which jobs there are: from the configuration, and the instances that a "*" asks for. */
#include "watcher/jobs.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "watcher/jobs_private.h"

/* ---- the table ---------------------------------------------------------------------------- */

/* The index of the first job whose name is not less. */
static size_t position(const struct tw_jobs *jobs, const char *name)
{
    size_t low = 0, high = jobs->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(jobs->items[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tw_job *tw_jobs_find(struct tw_jobs *jobs, const char *name)
{
    const size_t at = position(jobs, name);
    return at < jobs->count && strcmp(jobs->items[at]->name, name) == 0 ? jobs->items[at] : NULL;
}

size_t tw_jobs_index(const struct tw_jobs *jobs, const struct tw_job *job)
{
    return position(jobs, job->name);
}

size_t tw_jobs_count(const struct tw_jobs *jobs)
{
    return jobs->count;
}

struct tw_job *tw_jobs_at(struct tw_jobs *jobs, size_t index)
{
    return jobs->items[index];
}

static int64_t every_ms(const struct tw_job_config *config)
{
    return config->common.every_s * 1000;
}

static struct tw_job *add(struct tw_jobs *jobs, const struct tw_job_config *config,
                          const char *title)
{
    struct tw_job *job = tw_alloc(sizeof *job);
    job->name = tw_format("%s.%s", config->kind->name, title);
    job->title = tw_strdup(title);
    job->config = config;
    job->memory = tw_strdup("");
    job->schedule =
        tw_schedule_begin(every_ms(config), tw_schedule_phase(config->kind->name, every_ms(config)),
                          tw_loop_now_ms(jobs->loop));
    job->private = tw_alloc(sizeof *job->private);
    job->private->jobs = jobs;
    job->private->overdue_told = -1;
    job->private->watches = tw_watch_set_new(jobs->watches, job);
    if (tw_job_is_task(job))
        tw_task_plan(jobs, job);
    const size_t at = position(jobs, job->name);
    jobs->items = tw_realloc_array(jobs->items, jobs->count + 1, sizeof *jobs->items);
    memmove(jobs->items + at + 1, jobs->items + at, (jobs->count - at) * sizeof *jobs->items);
    jobs->items[at] = job;
    jobs->count++;
    return job;
}

static void free_job(struct tw_job *job)
{
    if (job->private->run)
        job->private->run->job = NULL;
    tw_watch_set_free(&job->private->watches);
    free(job->private);
    free(job->name);
    free(job->title);
    free(job->memory);
    free(job);
}

static void drop(struct tw_jobs *jobs, struct tw_job *job)
{
    const size_t at = position(jobs, job->name);
    jobs->count--;
    memmove(jobs->items + at, jobs->items + at + 1, (jobs->count - at) * sizeof *jobs->items);
    if (jobs->lock && job->private->run)
        tw_joblock_release(jobs->lock, job->name);
    tw_waiters_tell(jobs, job, INT64_MAX, true);
    free_job(job);
}

/* ---- instances of "*" --------------------------------------------------------------------- */

static const struct tw_job_config *star_of(const struct tw_config *config,
                                           const struct tw_kind *kind)
{
    if (!kind->star)
        return NULL;
    char *name = tw_format("%s.*", kind->name);
    const struct tw_job_config *star = tw_config_find(config, name);
    free(name);
    return star;
}

static struct tw_job *add_instance(struct tw_jobs *jobs, const struct tw_job_config *star,
                                   const char *title)
{
    struct tw_job *job = add(jobs, star, title);
    job->instance = true;
    return job;
}

void tw_jobs_instance(struct tw_jobs *jobs, const struct tw_job *star, const char *title)
{
    char *name = tw_format("%s.%s", star->config->kind->name, title);
    if (!tw_jobs_find(jobs, name)) {
        struct tw_job *job = add_instance(jobs, star->config, title);
        jobs->listener.remembered(jobs->listener.context, job);
    }
    free(name);
}

/* The settings that an instance has under this configuration; NULL: none. */
static const struct tw_job_config *settings_for(const struct tw_config *config,
                                                const struct tw_job *job, bool *instance)
{
    const struct tw_job_config *own = tw_config_find(config, job->name);
    *instance = !own;
    return own ? own : star_of(config, job->config->kind);
}

bool tw_jobs_restore(struct tw_jobs *jobs, const char *name, int64_t last_start_s,
                     int64_t last_end_s, const char *memory)
{
    struct tw_job *job = tw_jobs_find(jobs, name);
    const char *dot = strchr(name, '.');
    if (!job && dot && tw_title_valid(dot + 1)) {
        char *kind_name = tw_strndup(name, (size_t)(dot - name));
        const struct tw_kind *kind = tw_kind_find(kind_name);
        const struct tw_job_config *star = kind ? star_of(jobs->config, kind) : NULL;
        free(kind_name);
        if (star)
            job = add_instance(jobs, star, dot + 1);
    }
    if (!job)
        return false;
    job->last_start_s = last_start_s;
    job->last_end_s = last_end_s;
    free(job->memory);
    job->memory = tw_strdup(memory);
    return true;
}

void tw_jobs_restore_scheduled(struct tw_jobs *jobs, const char *name, int64_t scheduled_s,
                               bool unfinished)
{
    struct tw_job *job = tw_jobs_find(jobs, name);
    if (!job || !tw_job_is_task(job) || scheduled_s < 0)
        return;
    job->scheduled_s = scheduled_s;
    job->unfinished = unfinished;
    tw_task_plan(jobs, job);
    if (unfinished)
        tw_task_again(jobs, job);
}

int tw_jobs_forget(struct tw_jobs *jobs, struct tw_job *job,
                   void (*dropped)(void *context, struct tw_job *job), void *context,
                   struct tw_error *e)
{
    if (!job->instance)
        return tw_fail(e, "cannot forget %s: it stands in the configuration; take it out there",
                       job->name);
    struct tw_job *star = tw_jobs_find(jobs, job->config->name);
    dropped(context, job);
    drop(jobs, job);
    if (star)
        tw_jobs_ask(jobs, star, NULL, NULL);
    return 0;
}

/* ---- a new configuration ------------------------------------------------------------------ */

/* The job goes on under `config`; true if that is another setting than before, or `moved`. */
static bool adopt(struct tw_jobs *jobs, struct tw_job *job, const struct tw_job_config *config,
                  bool moved)
{
    const bool same = !moved && tw_job_config_equal(job->config, config);
    job->config = config;
    if (same)
        return false;
    if (job->private->run)
        job->private->run->old_settings = true;
    job->private->overdue_told = -1;
    if (tw_job_is_task(job)) {         /* not at once: it waits for its time */
        job->private->confirm = false; /* it was of other settings */
        job->private->changed_s = time(NULL);
        job->schedule.every_ms = every_ms(config);
        tw_task_plan(jobs, job);
        return true;
    }
    const int64_t now_ms = tw_loop_now_ms(jobs->loop);
    tw_schedule_change(&job->schedule, every_ms(config),
                       tw_schedule_phase(config->kind->name, every_ms(config)), now_ms);
    tw_schedule_sooner(&job->schedule, now_ms);
    return true;
}

/* Where mailboxes come from concerns tasks alone. */
static bool same_mailboxes(const struct tw_places *a, const struct tw_places *b)
{
    return tw_options_equal(tw_sources_options, a->sources, b->sources);
}

static bool same_places(const struct tw_places *a, const struct tw_places *b)
{
    return strcmp(a->qmail_dir, b->qmail_dir) == 0 && strcmp(a->log_dir, b->log_dir) == 0 &&
           strcmp(a->service_dir, b->service_dir) == 0;
}

void tw_jobs_configure(struct tw_jobs *jobs, const struct tw_config *config,
                       void (*dropped)(void *context, struct tw_job *job),
                       void (*changed)(void *context, struct tw_job *job), void *context)
{
    const struct tw_places places = tw_config_places(config);
    const bool moved = jobs->config && !same_places(&jobs->places, &places);
    for (size_t i = jobs->count; i-- > 0;) {
        struct tw_job *job = jobs->items[i];
        bool instance;
        const struct tw_job_config *settings = settings_for(config, job, &instance);
        if (!settings || (moved && instance)) { /* the others are found in their new place */
            if (dropped)
                dropped(context, job);
            drop(jobs, job);
            continue;
        }
        job->instance = instance;
        const bool other = tw_job_is_task(job) && !same_mailboxes(&jobs->places, &places);
        if (adopt(jobs, job, settings, moved || other) && changed)
            changed(context, job);
    }
    jobs->config = config;
    jobs->places = places;
    for (size_t i = 0; i < config->job_count; i++)
        if (!tw_jobs_find(jobs, config->jobs[i].name))
            add(jobs, &config->jobs[i], config->jobs[i].title);
    if (jobs->started)
        tw_runs_plan(jobs);
}

/* ---- begin and end ------------------------------------------------------------------------ */

struct tw_jobs *tw_jobs_new(struct tw_loop *loop, struct tw_workers *workers,
                            struct tw_joblock *lock, const struct tw_jobs_listener *listener)
{
    struct tw_jobs *jobs = tw_alloc(sizeof *jobs);
    jobs->loop = loop;
    jobs->workers = workers;
    jobs->lock = lock;
    jobs->listener = *listener;
    jobs->planned_ms = INT64_MAX;
    jobs->watches = tw_watches_new(loop, "/proc", tw_runs_fired);
    jobs->timer = tw_timer_new(loop, tw_runs_tick, jobs);
    return jobs;
}

void tw_jobs_look_only(struct tw_jobs *jobs)
{
    jobs->look_only = true;
}

void tw_jobs_free(struct tw_jobs **jobs)
{
    struct tw_jobs *j = *jobs;
    if (!j)
        return;
    while (j->count)
        drop(j, j->items[j->count - 1]);
    tw_watches_free(&j->watches);
    tw_timer_free(&j->timer);
    free(j->items);
    free(j);
    *jobs = NULL;
}

void tw_jobs_start(struct tw_jobs *jobs)
{
    jobs->started = true;
    tw_runs_plan(jobs);
}
