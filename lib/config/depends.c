/* Who waits for whom: every name in a `depends` is a job's, and no chain of them comes back to
 * where it began. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/parse.h"

enum { NEW = 0, OPEN = -1 }; /* or how long the longest chain from there is */

struct search {
    const struct tw_config *config;
    const struct tw_seen *seen;
    int *marks;            /* of each job */
    struct tw_strings way; /* the jobs that are open, in order */
    struct tw_error *e;
};

static int complain(const struct search *s, const struct tw_job_config *job, const char *what,
                    const char *name)
{
    struct tw_buf where = {0};
    char *key = tw_format("depends in %s", job->name);
    tw_seen_where(s->seen, key, &where);
    free(key);
    tw_fail(s->e, "%s%s: depends: %s%s", tw_buf_text(&where), job->name, what, name);
    tw_buf_free(&where);
    return -1;
}

const struct tw_job_config *tw_config_job_named(const struct tw_config *config, const char *name)
{
    const struct tw_job_config *job = tw_config_find(config, name);
    const char *dot = strchr(name, '.');
    if (job || !dot || !tw_title_valid(dot + 1))
        return job;
    char *star = tw_format("%.*s.*", (int)(dot - name), name);
    job = tw_config_find(config, star);
    free(star);
    return job;
}

static int too_long(const struct search *s, const struct tw_job_config *job)
{
    char *most = tw_format("%d", TW_DEPENDS_MAX);
    complain(s, job, "the chain is longer than ", most);
    free(most);
    return -1;
}

static int visit(struct search *s, const struct tw_job_config *job);

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than TW_DEPENDS_MAX */
static int visit_parent(struct search *s, const struct tw_job_config *job, const char *name)
{
    const struct tw_job_config *parent = tw_config_job_named(s->config, name);
    if (!parent)
        return complain(s, job, "there is no job ", name);
    if (s->marks[parent - s->config->jobs] != OPEN)
        return visit(s, parent);
    struct tw_buf way = {0};
    size_t i = 0;
    while (strcmp(s->way.items[i], parent->name) != 0)
        i++;
    for (; i < s->way.count; i++)
        tw_buf_printf(&way, "%s -> ", s->way.items[i]);
    tw_buf_puts(&way, name);
    complain(s, job, "it would wait for itself: ", tw_buf_text(&way));
    tw_buf_free(&way);
    return -1;
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than TW_DEPENDS_MAX */
static int visit(struct search *s, const struct tw_job_config *job)
{
    int *mark = &s->marks[job - s->config->jobs], longest = 0;
    if (*mark > 0)
        return 0;
    if (s->way.count == TW_DEPENDS_MAX) /* told of the one before, which names it */
        return too_long(s, tw_config_find(s->config, s->way.items[s->way.count - 1]));
    *mark = OPEN;
    tw_strings_add(&s->way, job->name);
    for (size_t i = 0; i < job->depends.count; i++) {
        if (visit_parent(s, job, job->depends.items[i]) != 0)
            return -1;
        const struct tw_job_config *parent = tw_config_job_named(s->config, job->depends.items[i]);
        const int length = s->marks[parent - s->config->jobs];
        longest = length > longest ? length : longest;
    }
    free(s->way.items[--s->way.count]);
    *mark = longest + 1;
    return *mark > TW_DEPENDS_MAX ? too_long(s, job) : 0;
}

int tw_config_check_depends(const struct tw_config *config, const struct tw_seen *seen,
                            struct tw_error *e)
{
    struct search s = {.config = config, .seen = seen, .e = e};
    s.marks = tw_alloc((config->job_count + 1) * sizeof *s.marks);
    int result = 0;
    for (size_t i = 0; i < config->job_count && result == 0; i++)
        result = visit(&s, &config->jobs[i]);
    tw_strings_free(&s.way);
    free(s.marks);
    return result;
}
