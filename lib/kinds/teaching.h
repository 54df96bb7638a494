/* Between the reader of mailboxes, which has their owner's rights, and the teacher, which has those
 * of the filter's user: a socket over which the reader hands open messages, and the teacher says
 * what became of them. Packets are frames (base/frame.h), one each. */
#ifndef TW_KINDS_TEACHING_H
#define TW_KINDS_TEACHING_H

#include "kinds/teacher.h"

/* What became of a message. */
enum tw_taught {
    TW_TAUGHT_LEARNED,
    TW_TAUGHT_KNOWN,
    TW_TAUGHT_REFUSED,
    TW_TAUGHT_OURS,    /* it was ours, a letter or a canary, and was not given to the filter */
    TW_TAUGHT_VANISHED /* it was cut off, or had grown beyond the largest size, while it was read */
};

/* ---- the teacher's side ------------------------------------------------------------------- */

struct tw_teaching {
    const struct tw_teacher_kind *kind;
    struct tw_teacher_setup setup; /* verdict, alive and context are filled in here */
    const char *hostname;          /* by which our own letters are known */
    int64_t max_size;              /* bytes of a message */
    int fd;                        /* the socket */
    int other;                     /* the reader's end of it, which is closed first */
};
/* A tw_priv_task's `work`, with a struct tw_teaching: serves until the reader closes. */
int tw_teaching_serve(void *teaching, int fd, struct tw_error *e);

/* Is it a letter or a canary of this machine's? Pure. */
bool tw_teaching_is_ours(const char *message, size_t length, const char *hostname);

/* ---- the reader's side -------------------------------------------------------------------- */

struct tw_pupil {
    int fd;
    int64_t patience_ms; /* without a word from the teacher */
    /* For each message that was handed over, in that order. */
    void (*taught)(void *context, enum tw_taught taught);
    /* While it waits; about once a second, as long as the teacher says that it gets on. */
    void (*alive)(void *context);
    void *context;
    /* Set when a call has failed: a word, and what to do. */
    char *code, *text;
};
/* Hands a message over; the descriptor stays the caller's. -1: the filter cannot be taught, and
 * code and text say why. Blocks. */
int tw_pupil_hand(struct tw_pupil *pupil, int message, bool spam, bool forget, const char *address);
/* All that were handed over have their answer when it returns. */
int tw_pupil_flush(struct tw_pupil *pupil);
void tw_pupil_free(struct tw_pupil *pupil); /* code and text */

#endif
