/* Who has a file open, from the descriptors of all processes in /proc, proc(5), and, without a
 * name, from the kernel. */
#ifndef TW_TOASTER_HOLDERS_H
#define TW_TOASTER_HOLDERS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "toaster/procfs.h"

struct tw_holder {
    pid_t pid; /* 0: nobody */
    bool writes;
    char comm[TW_COMM_MAX + 1]; /* as it is */
};

/* One pass over `root` ("/proc") for all the files: descriptors of ours, opened with O_PATH, which
 * does not count as holding. holders[i] becomes one that has files[i] open, if there is any, if
 * possible one that may write to it. A mapping, a descriptor that is on its way to another process,
 * and one of a thread that has a table of its own are not seen: the kernel must be asked. Asks no
 * file system but /proc unless the inode's number is the right one, and then only for what the
 * kernel knows already, so that what hangs elsewhere does not matter. -1: not every process could
 * be looked at (that needs root, at the least); whom it found stands there all the same. Workers
 * only. */
int tw_holders_find(const char *root, const int *files, size_t count, struct tw_holder *holders,
                    struct tw_error *e);

/* Asks the kernel itself, by a lease (fcntl(2)) that is given back at once: 1: somebody may write
 * to the file, seen in /proc or not. 0: nobody may. -1: it cannot be told, with errno; a lease
 * needs a file of ours, or root's rights (else EACCES), and a local file system. `fd` was opened
 * for reading. */
int tw_holders_written(int fd);

#endif
