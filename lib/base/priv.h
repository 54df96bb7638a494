/* Giving up root, for good. Order and proof after Dovecot's restrict-access and OpenSMTPD. */
#ifndef TW_BASE_PRIV_H
#define TW_BASE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* Becomes uid and gid with no supplementary groups, real, effective and saved, and proves that
 * root cannot be had back. uid 0 and gid 0 are refused. A process that already is exactly that
 * uid and gid (the daemon in a test, not root) succeeds without a change; one that is neither
 * root nor that uid fails. After a failure the process must do nothing but exit. */
int tw_priv_drop(uid_t uid, gid_t gid, struct tw_error *e);

/* Whom root becomes to speak to strangers: the user nobody, or 65534 where there is none. */
void tw_priv_nobody(uid_t *uid, gid_t *gid);

/* Something to do in a forked child with other rights. */
struct tw_priv_task {
    uid_t uid;
    gid_t gid;
    bool stay; /* it does not drop: keeps the rights it has */
    /* In the child. -1 with an error: the call fails with that error. */
    int (*work)(void *context, int fd, struct tw_error *e);
    void *context;
    size_t max;     /* bytes that `work` may write to `fd` */
    int timeout_ms; /* then it is killed and the call fails */
    /* If set: is given what `work` writes as it comes, and *output stays empty; `max` does not
     * count. -1: the child is killed and the call fails. */
    int (*take)(void *context, const char *bytes, size_t length, struct tw_error *e);
    void *take_context;
    /* If set: called whenever something was written to `fd`, and the timeout counts from then. */
    void (*beat)(void *context);
    void *beat_context;
};

/* A child that works beside what the caller does next. `fd` of its work is for `tw_priv_wait`. */
struct tw_priv_child {
    struct tw_priv_task task;
    pid_t pid;
    int pidfd;
    int out; /* what the work writes; never blocks here */
    int err; /* the error's text, if it fails; at most PIPE_BUF, so that the pipe holds it */
};
/* The context of the task must be valid until then only: the child has a copy of all. */
int tw_priv_start(const struct tw_priv_task *task, struct tw_priv_child *child, struct tw_error *e);
/* What tw_priv_run does behind the start. Every started child must be waited for. */
int tw_priv_wait(struct tw_priv_child *child, char **output, size_t *length, struct tw_error *e);

/* Does the task and gives back what it wrote; the caller frees *output. Blocks until the child
 * ends. Only for workers: forks without exec. */
int tw_priv_run(const struct tw_priv_task *task, char **output, size_t *length, struct tw_error *e);

#endif
