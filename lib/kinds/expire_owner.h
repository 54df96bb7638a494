/* A child with an owner's rights, and what comes from it: the side of a run that keeps the daemon's
 * rights. */
#ifndef TW_KINDS_EXPIRE_OWNER_H
#define TW_KINDS_EXPIRE_OWNER_H

#include "kinds/expire_child.h"

/* What a child says, as it comes. */
struct tw_expire_intake {
    struct tw_expire_sum *sum; /* where it is added up */
    struct tw_buf due;         /* frames TW_EXPIRE_DUE, as they came */
    size_t inodes;             /* in them */
    char *after;               /* behind which mailbox the look began; NULL: with the first */
    bool anew;                 /* that is not there any more: it began with the first */
    char *at;                  /* where the window has ended it; NULL: it has come to the end */
    /* For rows; -1: nobody wants more. NULL: there must be none. */
    int (*row)(void *context, struct tw_frame *frame);
    void *context;
    const struct tw_run *run;
    struct tw_buf in;
    int64_t told_ms; /* when progress was told last */
};
void tw_expire_intake_free(struct tw_expire_intake *intake);

/* Does the work (tw_expire_look, tw_expire_remove) with the rights of the task's owner. -1 with an
 * error: it died, hung, spoke nonsense, or we may not become him. */
int tw_expire_as_owner(const struct tw_expire_task *task,
                       int (*work)(void *context, int fd, struct tw_error *e),
                       struct tw_expire_intake *intake, struct tw_error *e);

/* Does the work for every owner, and passes its rows on; problems are rows of two. */
void tw_expire_tell_with(const struct tw_run *run,
                         int (*work)(void *context, int fd, struct tw_error *e),
                         enum tw_expire_what what, const struct tw_strings *only,
                         const struct tw_teller *teller);

/* A struct tw_kind's `tell`: "mailboxes" (kinds/maillist.h), "dry-run" (rows as of TW_EXPIRE_LIST)
 * or "explain" (TW_EXPIRE_EXPLAIN) for some addresses, or all. */
int tw_expire_tell(const struct tw_run *run, const char *what, const struct tw_strings *arguments,
                   const struct tw_teller *teller, struct tw_error *e);

#endif
