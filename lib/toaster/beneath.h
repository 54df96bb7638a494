/* Opening what lies below a directory that somebody else owns: never through a symbolic link,
 * wherever it stands on the way and whenever it was put there, and never outside. openat2(2), Linux
 * 5.6. */
#ifndef TW_TOASTER_BENEATH_H
#define TW_TOASTER_BENEATH_H

#include <stdbool.h>

/* Opens `path` ("a/b", no slash first) below the directory. O_CLOEXEC, O_NOCTTY and O_NONBLOCK are
 * added. With `same_fs` no mount point is crossed. -1: errno is ELOOP for a link, EXDEV for a mount
 * or a way outside, ENOSYS on an older kernel. Blocks. */
int tw_beneath_open(int dir, const char *path, int flags, bool same_fs);

#endif
