/* A learn run with one owner's rights, in a child of the worker: goes over his mailboxes, hands
 * what is to be learned to the teacher (kinds/teaching.h), and keeps the ledgers. Says what it
 * comes to as frames (kinds/ownerchild.h, kinds/learn_sum.h) on a descriptor. */
#ifndef TW_KINDS_LEARN_READER_H
#define TW_KINDS_LEARN_READER_H

#include "kinds/learn_sum.h"

enum tw_learn_what { TW_LEARN_TEACH, TW_LEARN_LIST, TW_LEARN_EXPLAIN, TW_LEARN_FORGET };

struct tw_learn_task {
    struct tw_child_task child;
    enum tw_learn_what what;
    int teacher; /* for teaching: the socket to it */
};

/* A tw_priv_task's `work`; the context is a struct tw_learn_task. */
int tw_learn_read(void *task, int fd, struct tw_error *e);

/* The same for toasterctl: rows (TW_CHILD_ROW) instead of teaching, or the ledgers of the task's
 * mailboxes are dropped. */
int tw_learn_list(void *task, int fd, struct tw_error *e);

#endif
