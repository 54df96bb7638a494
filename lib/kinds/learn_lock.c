/* One learn run at a time on this machine. */
#include "kinds/learn_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mem.h"

int tw_learn_lock(const char *state_dir, bool *held, struct tw_error *e)
{
    char *path = tw_format("%s/learning.lock", state_dir);
    /* For reading only: what keeps it may be a stranger. */
    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    *held = false;
    if (fd < 0) {
        tw_fail_errno(e, "cannot open %s", path);
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        *held = errno == EWOULDBLOCK;
        if (*held)
            tw_fail(e,
                    "a learn run is under way, or a filter's program that one has left behind: "
                    "fuser -v %s",
                    path);
        else
            tw_fail_errno(e, "cannot lock %s", path);
        close(fd);
        fd = -1;
    }
    free(path);
    return fd;
}
