/* Giving up root, for good. Order and proof after Dovecot's restrict-access and OpenSMTPD. */
#ifndef TW_BASE_PRIV_H
#define TW_BASE_PRIV_H

#include <sys/types.h>

#include "base/error.h"

/* Becomes uid and gid with no supplementary groups, real, effective and saved, and proves that
 * root cannot be had back. uid 0 and gid 0 are refused. A process that already is exactly that
 * uid and gid (the daemon in a test, not root) succeeds without a change; one that is neither
 * root nor that uid fails. After a failure the process must do nothing but exit. */
int tw_priv_drop(uid_t uid, gid_t gid, struct tw_error *e);

/* Runs `work` in a forked child that first drops to uid and gid, and gives back what it wrote to
 * `fd`, at most `max` bytes; the caller frees *output. Blocks until the child ends, at most
 * `timeout_ms`, after which it is killed and the call fails. The child's exit code 0 is success;
 * with another one the output is the error's text. Only for workers: forks without exec. */
typedef int tw_priv_work(void *context, int fd, struct tw_error *e);
int tw_priv_run(uid_t uid, gid_t gid, tw_priv_work *work, void *context, size_t max, int timeout_ms,
                char **output, size_t *length, struct tw_error *e);

#endif
