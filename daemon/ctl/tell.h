/* Asking a kind to tell what it knows (struct tw_kind's `tell`), and what such verbs print. */
#ifndef TW_CTL_TELL_H
#define TW_CTL_TELL_H

#include "base/buf.h"
#include "ctl/ctl.h"
#include "ctl/term.h"
#include "watcher/loop.h"

struct telling {
    const struct ctl *ctl;
    struct tw_loop *loop;
    void (*row)(struct telling *t, const struct tw_strings *fields);
    size_t rows, problems;
    struct ctl_table table; /* of what is printed for people; the caller's to begin and end */
    struct ctl_progress progress;
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
/* Fields of a row as members of an object: text; a number as it is, "" as null; true for what is
 * not "". */
enum ctl_form { CTL_TEXT, CTL_NUMBER, CTL_FLAG };
struct ctl_member {
    const char *key;
    size_t field;
    enum ctl_form form;
};
/* Prints an object of the array that the verb prints: `job`, unless it is NULL, and these. */
void ctl_print_object(const struct telling *t, const char *job, const struct ctl_member *members,
                      size_t count, const struct tw_strings *fields);

#endif
