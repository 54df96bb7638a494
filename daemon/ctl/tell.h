/* Asking a kind to tell what it knows (struct tw_kind's `tell`), and what such verbs print. */
#ifndef TW_CTL_TELL_H
#define TW_CTL_TELL_H

#include "base/buf.h"
#include "ctl/ctl.h"
#include "watcher/loop.h"

struct telling {
    const struct ctl *ctl;
    struct tw_loop *loop;
    void (*row)(struct telling *t, const struct tw_strings *fields);
    size_t rows, problems;
    struct tw_buf why; /* it could not be told */
    int64_t result;
    /* Of a dry run: */
    struct tw_strings seen; /* addresses that were asked for and are there */
    int64_t bytes;
    /* Of an explanation: */
    const struct tw_job_config *job;
    char *mailbox;
};

/* Has the kind tell; `settings` are of a job of it. An exit code. */
int ctl_tell(struct telling *t, const struct tw_kind *kind, const char *name, const void *settings,
             const char *what, const struct tw_strings *arguments);

/* Every argument is a mailbox's address. -1: one is not, and that was said. */
int ctl_take_addresses(char *const *arguments, struct tw_strings *out);
/* False, and says so: a mailbox that was asked for is not there. */
bool ctl_all_seen(const struct telling *t, const struct tw_strings *addresses);

void ctl_put_escaped(const char *text, int width);
/* One member of a JSON object; numbers as they are, "" as null. */
void ctl_put_member(struct tw_buf *out, const char *key, const char *value, bool number);
void ctl_begin_object(const struct telling *t, struct tw_buf *out);
void ctl_end_object(struct tw_buf *out); /* prints it */

#endif
