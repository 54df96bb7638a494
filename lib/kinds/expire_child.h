/* A run with one owner's rights, in a child of the worker: looks at all his mailboxes, or removes
 * what an earlier look found and the parent has let pass. Says what it found as frames
 * (kinds/ownerchild.h, kinds/expire_sum.h) on a descriptor. */
#ifndef TW_KINDS_EXPIRE_CHILD_H
#define TW_KINDS_EXPIRE_CHILD_H

#include "kinds/expire_sum.h"

enum tw_expire_what { TW_EXPIRE_COUNT, TW_EXPIRE_LIST, TW_EXPIRE_EXPLAIN };

struct tw_expire_task {
    struct tw_child_task child;
    /* For a look: */
    int64_t room; /* takes up so many inodes of what is due */
    /* For a look that lists: rows (TW_CHILD_ROW) instead of what is due. */
    enum tw_expire_what what;
    /* For a removal: frames TW_EXPIRE_DUE, and the domains that nothing is to be removed in. */
    const struct tw_buf *due;
    const struct tw_strings *blocked;
};

/* The crew's oldest item, once it is done; NULL: there is none. While the others get on, says so
 * about once a second. */
struct tw_crew;
void *tw_expire_next(struct tw_expire_view *view, struct tw_crew *crew, struct tw_voice *voice);

/* Both are a tw_priv_task's `work`; the context is a struct tw_expire_task. */
int tw_expire_look(void *task, int fd, struct tw_error *e);
int tw_expire_remove(void *task, int fd, struct tw_error *e);

#endif
