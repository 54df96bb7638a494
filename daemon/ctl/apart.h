/* A look at the machine in a child of our own: a file system that does not answer ends in an error,
 * and not in waiting; and who waits sees for what. */
#ifndef TW_CTL_APART_H
#define TW_CTL_APART_H

#include <stddef.h>

#include "base/error.h"

/* What `work` writes to `fd`, with a NUL behind it; the caller frees it. Fails when that takes
 * longer than `timeout_ms`, too. `what` is said on a terminal after two seconds. */
int ctl_look_apart(int (*work)(void *context, int fd, struct tw_error *e), void *context,
                   int timeout_ms, const char *what, char **output, size_t *length,
                   struct tw_error *e);

#endif
