/* A run with one owner's rights, in a child of the worker: looks at all his mailboxes, or removes
 * what an earlier look found and the parent has let pass. Says what it found as frames
 * (kinds/expire_sum.h) on a descriptor. */
#ifndef TW_KINDS_EXPIRE_CHILD_H
#define TW_KINDS_EXPIRE_CHILD_H

#include "kinds/expire_sum.h"
#include "kinds/kind.h"

enum tw_expire_what { TW_EXPIRE_COUNT, TW_EXPIRE_LIST, TW_EXPIRE_EXPLAIN };

struct tw_expire_task {
    const struct tw_run *run;
    const struct tw_mail_owner *owner;
    /* For a look: */
    const char *index_dir; /* NULL: look at everything, remember nothing */
    const char *after;     /* begins behind the mailbox of this address; NULL: with the first */
    const char *upto;      /* ends with it; NULL: with the last */
    int64_t room;          /* takes up so many inodes of what is due */
    int64_t end_ms;        /* monotonic: no further mailbox from then on; INT64_MAX: no end */
    const struct tw_strings *only; /* addresses: no others; NULL: all */
    /* For a look that lists: rows (TW_EXPIRE_ROW) instead of what is due. */
    enum tw_expire_what what;
    /* For a removal: frames TW_EXPIRE_DUE, and the domains that nothing is to be removed in. */
    const struct tw_buf *due;
    const struct tw_strings *blocked;
};

/* What it says, in pieces. */
struct tw_expire_voice {
    struct tw_buf out; /* frames to be sent */
    int fd;
    int64_t sent_ms; /* when some were */
    bool failed;     /* nobody listens any more */
};
struct tw_expire_voice tw_expire_voice(int fd);
/* Sends what there is, if it is much or a second has passed since the last time: so that whoever
 * watches over us knows that we get on, even with nothing to say. */
void tw_expire_say(struct tw_expire_voice *voice);
/* Sends the rest, and frees it. -1 with an error: not all was heard. */
int tw_expire_said(struct tw_expire_voice *voice, struct tw_error *e);

/* The crew's oldest item, once it is done; NULL: there is none. While the others get on, says so
 * about once a second. */
struct tw_crew;
void *tw_expire_next(struct tw_expire_view *view, struct tw_crew *crew,
                     struct tw_expire_voice *voice);

/* Both are a tw_priv_task's `work`; the context is a struct tw_expire_task. */
int tw_expire_look(void *task, int fd, struct tw_error *e);
int tw_expire_remove(void *task, int fd, struct tw_error *e);

#endif
