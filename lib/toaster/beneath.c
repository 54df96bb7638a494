/* openat2(2), which glibc 2.36 has no function for. */
#include "toaster/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRIES = 16 };

int tw_beneath_open(int dir, const char *path, int flags, bool same_fs)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | (same_fs ? RESOLVE_NO_XDEV : 0),
    };
    if (flags & O_PATH)
        how.flags &= ~(unsigned)(O_NOCTTY | O_NONBLOCK); /* it takes no others */
    long fd = -1;
    /* EAGAIN: something was renamed meanwhile, and the kernel could not be sure. */
    for (int i = 0; i < TRIES && fd < 0; i++) {
        fd = syscall(SYS_openat2, dir, path, &how, sizeof how);
        if (fd < 0 && errno != EAGAIN && errno != EINTR)
            break;
    }
    return (int)fd;
}
