/* Work with one owner's rights, in a child of the worker: it goes over his mailboxes and says what
 * it found as frames (base/frame.h) on a descriptor; the parent keeps its rights and takes them up.
 * What comes from a child is checked as if it were hostile. */
#ifndef TW_KINDS_OWNERCHILD_H
#define TW_KINDS_OWNERCHILD_H

#include "kinds/problems.h"
#include "toaster/mailboxes.h"
#include "toaster/mailindex.h"

enum tw_child_frame {
    TW_CHILD_BEAT = 1, /* it gets on */
    TW_CHILD_PROBLEM,  /* kinds/problems.h */
    TW_CHILD_AT,       /* the time is over: address of the last mailbox that was done */
    TW_CHILD_ANEW,     /* the mailbox that it was to begin behind is not there: it began anew */
    TW_CHILD_ROW,      /* for toasterctl: some strings */
    TW_CHILD_OWN       /* from here on what a kind's own frames are */
};

enum { TW_CHILD_FRAME_MAX = 1024 * 1024, TW_CHILD_NAME_MAX = 1024, TW_CHILD_TEXT_MAX = 8000 };

/* Which mailboxes. */
struct tw_child_task {
    const struct tw_run *run;
    const struct tw_mail_owner *owner;
    const char *index_dir; /* NULL: look at everything, remember nothing */
    const char *after;     /* begins behind the mailbox of this address; NULL: with the first */
    const char *upto;      /* ends with it; NULL: with the last */
    int64_t end_ms;        /* monotonic: no further mailbox from then on; INT64_MAX: no end */
    const struct tw_strings *only; /* addresses: no others; NULL: all */
};

/* ---- in the child ------------------------------------------------------------------------- */

/* What it says, in pieces. */
struct tw_voice {
    struct tw_buf out; /* frames to be sent */
    int fd;
    int64_t sent_ms; /* when some were */
    bool failed;     /* nobody listens any more */
};
struct tw_voice tw_voice(int fd);
/* Sends what there is, if it is much or a second has passed since the last time: so that whoever
 * watches over us knows that we get on, even with nothing to say. */
void tw_voice_say(struct tw_voice *voice);
/* Sends the rest, and frees it. -1 with an error: not all was heard. */
int tw_voice_said(struct tw_voice *voice, struct tw_error *e);
/* A tw_mail_problem with a voice as context. */
void tw_voice_problem(void *voice, const char *code, const char *text);

/* Appends a frame that says nothing but its type. */
void tw_child_put_sign(struct tw_buf *out, enum tw_child_frame type);
/* In the place of an address: none was done yet, begin with the first. */
#define TW_CHILD_NONE_DONE "-"
void tw_child_put_at(struct tw_buf *out, const char *address); /* NULL: none */

/* The index of a task that has one, and what is wrong with it as problems. NULL: none is to be had,
 * or it has none. */
struct tw_mailindex *tw_child_open_index(const struct tw_child_task *task, struct tw_voice *voice);
/* As tw_mailindex_close. */
void tw_child_close_index(struct tw_mailindex **index, const char *job, int64_t before_s,
                          struct tw_voice *voice);

/* The mailboxes of a task, one after another. */
struct tw_rounds {
    const struct tw_child_task *task;
    struct tw_mailboxes *list;
    bool last; /* the one behind which it ends has come */
    bool over; /* so is the time */
};
/* Passes over those before the first; says TW_CHILD_ANEW if there is none such any more. */
void tw_rounds_begin(struct tw_rounds *rounds, const struct tw_child_task *task,
                     struct tw_voice *voice);
/* The next one, the caller's to clear. False: there is none, or the time is over. */
bool tw_rounds_next(struct tw_rounds *rounds, struct tw_mailbox *mailbox);
void tw_rounds_end(struct tw_rounds *rounds);

/* ---- in its parent ------------------------------------------------------------------------ */

/* What a child says, as it comes. */
struct tw_child_intake {
    struct tw_problems *problems; /* where they are added up */
    /* A kind's own frames, with the bytes they came in. -1: nonsense. NULL: there must be none. */
    int (*take)(void *context, struct tw_frame *frame, const char *bytes, size_t length);
    /* For rows and problems (TW_CHILD_ROW, TW_CHILD_PROBLEM), which are not added up then; -1:
     * nobody wants more. NULL: there must be no rows. */
    int (*row)(void *context, struct tw_frame *frame);
    void *context;
    bool anew; /* TW_CHILD_ANEW */
    char *at;  /* TW_CHILD_AT; NULL: it has come to the end */
    /* Private: */
    const struct tw_run *run;
    struct tw_buf in;
    int64_t told_ms; /* when progress was told last */
};
void tw_child_intake_free(struct tw_child_intake *intake);

/* Does the work with the rights of the task's owner; it gets `context`. -1 with an error: it died,
 * hung (five minutes without a word), spoke nonsense, or we may not become him. */
int tw_child_run(const struct tw_child_task *task,
                 int (*work)(void *context, int fd, struct tw_error *e), const void *context,
                 struct tw_child_intake *intake, struct tw_error *e);

/* For a kind's `tell`: does the work for each owner, setting the task's; the work gets `context`,
 * which the task is part of. Rows, and problems as rows of two, go to the teller; a kind's own
 * frames are passed over. */
void tw_child_tell(struct tw_child_task *task,
                   int (*work)(void *context, int fd, struct tw_error *e), const void *context,
                   const struct tw_teller *teller);

#endif
