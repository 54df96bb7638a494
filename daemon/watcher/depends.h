/* Incidents that wait because of another's: while a job that theirs depends on fails (or one that
 * this depends on, and so on), they open without a letter; when it is well again they have two of
 * their own intervals to follow, and are told after that. A job that fails without being told of
 * (it has not yet failed fail_after times) explains nothing for longer than that takes. Only looks
 * and marks: knows nothing of letters. */
#ifndef TW_WATCHER_DEPENDS_H
#define TW_WATCHER_DEPENDS_H

#include "watcher/aspects.h"
#include "watcher/jobs.h"

/* Marks every open incident: aspect->waits_until_ms. When to look again (monotonic);
 * INT64_MAX: there is none that waits. */
int64_t tw_depends_look(struct tw_jobs *jobs, struct tw_aspects *aspects, int64_t now_ms);

/* As of the last look. Pure. */
bool tw_depends_waits(const struct tw_aspect *aspect, int64_t now_ms);

/* Adds the name of every job that this one depends on, in the end, each once. */
void tw_depends_parents(struct tw_jobs *jobs, const struct tw_job *job, struct tw_strings *names);

/* Adds "ASPECT: TEXT" of every incident that waits, as of the last look, and whose job depends on
 * `parent` in the end. */
void tw_depends_list(struct tw_jobs *jobs, struct tw_aspects *aspects, const char *parent,
                     struct tw_strings *out);

#endif
