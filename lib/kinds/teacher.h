/* A spam filter that is taught: one backend each for sa-learn, spamd, rspamd and any command
 * (kinds/teach_*.c). Runs in a child with the rights of the job's `user`, or of the mailboxes'
 * owner; never root's. What it gets are whole messages in memory, which a stranger has written and
 * a mailbox's user could change. Says what became of them in the order in which they were given. */
#ifndef TW_KINDS_TEACHER_H
#define TW_KINDS_TEACHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strings.h"

/* What the filter has made of a message. */
enum tw_verdict {
    TW_VERDICT_LEARNED,
    TW_VERDICT_KNOWN,  /* it knew it, as that class: success */
    TW_VERDICT_REFUSED /* it wants nothing of this one, and says so; others may be good */
};

/* One message. */
struct tw_lesson {
    bool spam;           /* else ham */
    bool forget;         /* it was learned as the other class */
    const char *address; /* the mailbox's */
    const char *bytes;   /* borrowed for the call; may hold NULs, and be empty */
    size_t length;
};

/* Why the filter cannot be taught now: a word for the finding, and a text that says what to do. */
struct tw_teacher_failure {
    const char *code; /* "down", "refused", "timeout", "nonsense", "config" */
    struct tw_error e;
};
int tw_teacher_fail(struct tw_teacher_failure *failure, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4))); /* -1 */

/* What a backend needs to know; borrowed as long as it is open. */
struct tw_teacher_setup {
    const struct tw_strings *run; /* command: the argument list; sa-learn: the program and its
                                     first arguments, or empty */
    const char *user;             /* name of the `user`, or of the uid we have; never NULL */
    const char *home;             /* of that user */
    const char *socket;           /* spamd: "127.0.0.1:783", "[::1]:783" or "/path" */
    const char *url;              /* rspamd: "http://127.0.0.1:11334" */
    const char *password;         /* rspamd: NULL: none */
    bool named;                   /* the configuration has a `user` */
    bool per_user;                /* each mailbox has a filter of its own */
    int lock;                     /* for a program that outlives us to keep; 0: none */
    int64_t max_time_ms;          /* the filter may be silent for so long */
    /* Called for each message that was given, in that order. */
    void (*verdict)(void *context, enum tw_verdict verdict);
    /* It gets on (waits, but not in vain); at least once a second while a call lasts. */
    void (*alive)(void *context);
    void *context;
};

/* What the configuration says, for the checks of its keys. */
struct tw_teacher_config {
    const struct tw_strings *run;
    const char *user, *socket, *url; /* user: NULL where none is written */
    bool per_user;
};

/* One row of the table. All functions may block, for max_time_ms without any progress; they return
 * -1 with a failure where the filter cannot be taught: then nothing but close follows. */
struct tw_teacher_kind {
    const char *name; /* as in the configuration */
    /* Gives each class whole, one after the other, since the classes go to programs of their own
     * that exclude each other. */
    bool by_class;
    /* Of the configuration; an error says what to write. Pure. NULL: nothing to say. */
    int (*check)(const struct tw_teacher_config *config, struct tw_error *e);
    void *(*open)(const struct tw_teacher_setup *setup, struct tw_teacher_failure *failure);
    /* Takes a message; its verdict may come now, or up to the next flush. */
    int (*teach)(void *teacher, const struct tw_lesson *lesson, struct tw_teacher_failure *failure);
    /* All verdicts are given when it returns. NULL: each is given at once. */
    int (*flush)(void *teacher, struct tw_teacher_failure *failure);
    void (*close)(void *teacher);
};

extern const struct tw_teacher_kind *const tw_teacher_kinds[]; /* ends with NULL */
const struct tw_teacher_kind *tw_teacher_find(const char *name);

#endif
