/* Starting toaster-worker: three pipes, a session of its own, which is a process group, too;
 * default signals, no other descriptor, a clean environment. */
#ifndef TW_WATCHER_SPAWN_H
#define TW_WATCHER_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

struct tw_child {
    pid_t pid;
    int pidfd;
    int in;       /* we write, it reads; never blocks us */
    int out, err; /* it writes, we read; never block us */
};

/* posix_spawn: safe beside the state's thread. On success the caller reaps the pid. */
int tw_child_spawn(struct tw_child *child, const char *program, struct tw_error *e);
void tw_child_close_in(struct tw_child *child);
void tw_child_close(struct tw_child *child); /* the descriptors; signals and reaps nothing */

#endif
