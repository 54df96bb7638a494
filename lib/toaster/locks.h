/* Who holds a lock on a file, from /proc/locks: told without taking the lock, which could make the
 * program fail that wants it. Source: proc_locks(5), fs/locks.c of Linux. */
#ifndef TW_TOASTER_LOCKS_H
#define TW_TOASTER_LOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

/* One line of /proc/locks. */
struct tw_lock {
    bool waiting;   /* it does not hold the lock yet */
    bool exclusive; /* a lock on a file's whole or part (no lease), for writing */
    pid_t pid;      /* 0: none we can see */
    unsigned major, minor;
    uint64_t inode;
};

/* Parses one line, without its newline. Pure. -1: not such a line, or one without a file. */
int tw_lock_parse(const char *line, size_t length, struct tw_lock *lock);

/* Does anybody hold an exclusive lock on the file that this is the stat of: 1 and the pid (0 if it
 * cannot be seen), 0 nobody, -1 cannot tell. Some file systems (btrfs, overlayfs) show another
 * device there than stat does: where only the inode fits, that process must have the file open.
 * Reads `root`/locks once; in 10,000 locks (10 ms) that others change meanwhile one may be passed
 * over, so a 0 is worth a second look. Workers only. */
int tw_lock_holder(const char *root, const struct stat *file, pid_t *pid, struct tw_error *e);

#endif
