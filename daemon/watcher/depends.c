/* Incidents that wait because of another's. That nobody depends on himself, the configuration has
 * been checked for; a job may be reached in many ways, though, so each is looked at once. */
#include "watcher/depends.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    LOOK_MS = 5000, /* how soon the end of what is waited for is seen */
    SLACK_MS = 10000
};

/* One question to jobs, answered by a job itself or by those that it depends on: the greatest
 * number counts. */
struct question {
    struct tw_jobs *jobs;
    int64_t (*itself)(const void *context, const struct tw_job *job);
    const void *context;
    int64_t *answers; /* in the order of the jobs; -1: not asked yet */
};

static struct question ask(struct tw_jobs *jobs,
                           int64_t (*itself)(const void *context, const struct tw_job *job),
                           const void *context)
{
    const size_t count = tw_jobs_count(jobs);
    struct question q = {jobs, itself, context, tw_alloc((count + 1) * sizeof(int64_t))};
    for (size_t i = 0; i < count; i++)
        q.answers[i] = -1;
    return q;
}

static int64_t of_parents(struct question *q, const struct tw_job *job);

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than TW_DEPENDS_MAX */
static int64_t answer(struct question *q, const struct tw_job *job)
{
    int64_t *known = &q->answers[tw_jobs_index(q->jobs, job)];
    if (*known < 0) {
        *known = 0;
        const int64_t own = q->itself(q->context, job), above = of_parents(q, job);
        *known = own > above ? own : above;
    }
    return *known;
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than TW_DEPENDS_MAX */
static int64_t of_parents(struct question *q, const struct tw_job *job)
{
    const struct tw_strings *depends = &job->config->depends;
    int64_t most = 0;
    for (size_t i = 0; i < depends->count; i++) {
        const struct tw_job *parent = tw_jobs_find(q->jobs, depends->items[i]);
        const int64_t one = parent ? answer(q, parent) : 0;
        most = one > most ? one : most;
    }
    return most;
}

/* ---- who waits ---------------------------------------------------------------------------- */

/* How long (ms) the failure of a job may keep others waiting: as long as it lasts, where a letter
 * tells of it or is about to; where it has not failed often enough for that, no longer than that
 * takes. 0: it does not fail. */
static int64_t explains_ms(const void *context, const struct tw_job *job)
{
    struct tw_aspects *aspects = (struct tw_aspects *)(uintptr_t)context;
    int64_t most = 0;
    size_t count;
    const size_t first = tw_aspects_of(aspects, job->name, &count);
    for (size_t i = first; i < first + count; i++) {
        const struct tw_aspect *aspect = tw_aspects_at(aspects, i);
        const enum tw_stage stage = aspect->incident.stage;
        if (stage == TW_STAGE_OPEN || stage == TW_STAGE_TOLD ||
            (stage == TW_STAGE_FLAPPING && aspect->incident.bad))
            return INT64_MAX;
        if (aspect->level == TW_LEVEL_FAIL)
            most = job->config->common.fail_after * job->schedule.every_ms + SLACK_MS;
    }
    return most;
}

static void mark(struct tw_aspect *aspect, const struct tw_job *job, int64_t explained_ms,
                 int64_t now_ms)
{
    const int64_t grace_ms = 2 * job->schedule.every_ms;
    if (explained_ms == INT64_MAX || aspect->covered_ms == 0)
        aspect->covered_ms = now_ms;
    if (explained_ms == INT64_MAX ||
        (explained_ms > 0 && now_ms - aspect->covered_ms < explained_ms + grace_ms)) {
        aspect->waits_until_ms = INT64_MAX;
    } else if (aspect->waits_until_ms == INT64_MAX) {
        aspect->waits_until_ms = now_ms + grace_ms;
    } else if (aspect->waits_until_ms && aspect->waits_until_ms <= now_ms) {
        aspect->waits_until_ms = 0;
        aspect->wait_from_ms = now_ms; /* its letter is due from now */
    }
}

static void forget(struct tw_aspect *aspect)
{
    aspect->waits_until_ms = 0;
    aspect->covered_ms = 0;
}

int64_t tw_depends_look(struct tw_jobs *jobs, struct tw_aspects *aspects, int64_t now_ms)
{
    struct question q = ask(jobs, explains_ms, aspects);
    int64_t again_ms = INT64_MAX;
    for (size_t i = 0; i < tw_aspects_count(aspects); i++) {
        struct tw_aspect *aspect = tw_aspects_at(aspects, i);
        const enum tw_stage stage = aspect->incident.stage;
        const struct tw_job *job = stage == TW_STAGE_OPEN || stage == TW_STAGE_FLAPPING
                                       ? tw_jobs_find(jobs, aspect->job)
                                       : NULL;
        if (!job || job->config->depends.count == 0) {
            forget(aspect);
            continue;
        }
        mark(aspect, job, of_parents(&q, job), now_ms);
        const int64_t next_ms =
            aspect->waits_until_ms == INT64_MAX ? now_ms + LOOK_MS : aspect->waits_until_ms;
        if (aspect->waits_until_ms && next_ms < again_ms)
            again_ms = next_ms;
    }
    free(q.answers);
    return again_ms;
}

bool tw_depends_waits(const struct tw_aspect *aspect, int64_t now_ms)
{
    return aspect->waits_until_ms > now_ms;
}

/* ---- for whom ----------------------------------------------------------------------------- */

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than TW_DEPENDS_MAX */
void tw_depends_parents(struct tw_jobs *jobs, const struct tw_job *job, struct tw_strings *names)
{
    for (size_t i = 0; i < job->config->depends.count; i++) {
        const struct tw_job *parent = tw_jobs_find(jobs, job->config->depends.items[i]);
        if (!parent || tw_strings_has(names, parent->name))
            continue;
        tw_strings_add(names, parent->name);
        tw_depends_parents(jobs, parent, names);
    }
}

static int64_t is_called(const void *context, const struct tw_job *job)
{
    return strcmp(job->name, context) == 0;
}

void tw_depends_list(struct tw_jobs *jobs, struct tw_aspects *aspects, const char *parent,
                     struct tw_strings *out)
{
    struct question q = ask(jobs, is_called, parent);
    for (size_t i = 0; i < tw_aspects_count(aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(aspects, i);
        const struct tw_job *job = aspect->waits_until_ms ? tw_jobs_find(jobs, aspect->job) : NULL;
        if (!job || !of_parents(&q, job))
            continue;
        char *line = tw_format("%s: %s", aspect->name, aspect->text);
        tw_strings_add(out, line);
        free(line);
    }
    free(q.answers);
}
