/* Incidents that wait because of another's. That nobody depends on himself, the configuration has
 * been checked for; a job may be reached in many ways, though, so each is looked at once. */
#include "watcher/depends.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { LOOK_MS = 5000 }; /* how soon the end of what is waited for is seen */

enum answer { NOT_ASKED, NO, YES };

/* One question to jobs, answered by a job itself or by one that it depends on. */
struct question {
    struct tw_jobs *jobs;
    bool (*itself)(const void *context, const struct tw_job *job);
    const void *context;
    enum answer *answers; /* in the order of the jobs */
};

static struct question ask(struct tw_jobs *jobs,
                           bool (*itself)(const void *context, const struct tw_job *job),
                           const void *context)
{
    return (struct question){jobs, itself, context,
                             tw_alloc((tw_jobs_count(jobs) + 1) * sizeof(enum answer))};
}

static bool through_parents(struct question *q, const struct tw_job *job);

static bool holds(struct question *q, const struct tw_job *job)
{
    enum answer *answer = &q->answers[tw_jobs_index(q->jobs, job)];
    if (*answer == NOT_ASKED) {
        *answer = NO;
        *answer = q->itself(q->context, job) || through_parents(q, job) ? YES : NO;
    }
    return *answer == YES;
}

static bool through_parents(struct question *q, const struct tw_job *job)
{
    const struct tw_strings *depends = &job->config->depends;
    for (size_t i = 0; i < depends->count; i++) {
        const struct tw_job *parent = tw_jobs_find(q->jobs, depends->items[i]);
        if (parent && holds(q, parent))
            return true;
    }
    return false;
}

/* ---- who waits ---------------------------------------------------------------------------- */

static bool is_failing(const void *context, const struct tw_job *job)
{
    struct tw_aspects *aspects = (struct tw_aspects *)(uintptr_t)context;
    size_t count;
    const size_t first = tw_aspects_of(aspects, job->name, &count);
    for (size_t i = first; i < first + count; i++) {
        const struct tw_aspect *aspect = tw_aspects_at(aspects, i);
        if (aspect->level == TW_LEVEL_FAIL || aspect->incident.stage == TW_STAGE_OPEN ||
            aspect->incident.stage == TW_STAGE_TOLD)
            return true;
    }
    return false;
}

static void mark(struct tw_aspect *aspect, const struct tw_job *job, bool blocked, int64_t now_ms)
{
    if (blocked)
        aspect->waits_until_ms = INT64_MAX;
    else if (aspect->waits_until_ms == INT64_MAX)
        aspect->waits_until_ms = now_ms + 2 * job->schedule.every_ms;
    else if (aspect->waits_until_ms <= now_ms)
        aspect->waits_until_ms = 0;
}

int64_t tw_depends_look(struct tw_jobs *jobs, struct tw_aspects *aspects, int64_t now_ms)
{
    struct question q = ask(jobs, is_failing, aspects);
    int64_t again_ms = INT64_MAX;
    for (size_t i = 0; i < tw_aspects_count(aspects); i++) {
        struct tw_aspect *aspect = tw_aspects_at(aspects, i);
        if (aspect->incident.stage != TW_STAGE_OPEN) {
            aspect->waits_until_ms = 0;
            continue;
        }
        const struct tw_job *job = tw_jobs_find(jobs, aspect->job);
        if (!job || job->config->depends.count == 0) {
            aspect->waits_until_ms = 0;
            continue;
        }
        mark(aspect, job, through_parents(&q, job), now_ms);
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

static bool is_called(const void *context, const struct tw_job *job)
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
        if (!job || !through_parents(&q, job))
            continue;
        char *line = tw_format("%s: %s", aspect->name, aspect->text);
        tw_strings_add(out, line);
        free(line);
    }
    free(q.answers);
}
