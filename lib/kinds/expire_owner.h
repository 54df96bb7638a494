/* A child with an owner's rights, and what comes from it: the side of a run that keeps the daemon's
 * rights. */
#ifndef TW_KINDS_EXPIRE_OWNER_H
#define TW_KINDS_EXPIRE_OWNER_H

#include "kinds/expire_child.h"

/* What a child says, as it comes. */
struct tw_expire_intake {
    struct tw_child_intake child;
    struct tw_expire_sum *sum; /* where it is added up */
    struct tw_buf due;         /* frames TW_EXPIRE_DUE, as they came */
    size_t inodes;             /* in them */
    char *after;               /* behind which mailbox the look began; NULL: with the first */
};
void tw_expire_intake_free(struct tw_expire_intake *intake);

/* Does the work (tw_expire_look, tw_expire_remove) with the rights of the task's owner. -1 with an
 * error, as tw_child_run. */
int tw_expire_as_owner(const struct tw_expire_task *task,
                       int (*work)(void *context, int fd, struct tw_error *e),
                       struct tw_expire_intake *intake, struct tw_error *e);

/* A struct tw_kind's `tell`: "mailboxes" (kinds/maillist.h), "dry-run" (rows as of TW_EXPIRE_LIST)
 * or "explain" (TW_EXPIRE_EXPLAIN) for some addresses, or all. */
int tw_expire_tell(const struct tw_run *run, const char *what, const struct tw_strings *arguments,
                   const struct tw_teller *teller, struct tw_error *e);

#endif
