/* From what is to be mentioned to the text of a letter: gathers what is known of each. */
#ifndef TW_WATCHER_COMPOSE_H
#define TW_WATCHER_COMPOSE_H

#include "alert/letter.h"
#include "watcher/actions.h"
#include "watcher/digest.h"
#include "watcher/jobs.h"

struct tw_composer {
    struct tw_aspects *aspects;
    struct tw_jobs *jobs;
    const struct tw_actions *actions;
    const char *config_file;
    /* What a worker has found to show; NULL: nothing. */
    const char *(*proof)(void *context, const char *aspect);
    void *context;
};

/* Does this concern mail's own way out: by the job's title, or by the process that it names. */
bool tw_compose_concerns_qmail(const struct tw_composer *composer, const struct tw_aspect *aspect);

/* Appends the letter; `head` gives all but the entries and whether it is about qmail. */
void tw_compose(const struct tw_composer *composer, const struct tw_letter *head,
                const struct tw_mention *mentions, size_t count, struct tw_when when,
                struct tw_buf *out);

#endif
