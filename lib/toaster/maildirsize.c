/* maildirsize. */
#include "toaster/maildirsize.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

int tw_maildirsize_add(int maildir, int64_t bytes, int64_t count)
{
    /* O_NONBLOCK: it might be a fifo. */
    const int fd = openat(maildir, "maildirsize",
                          O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || errno == ELOOP || errno == ENXIO || errno == EISDIR ? 0 : -1;
    struct stat st;
    char line[64];
    int result = 0;
    const int length = snprintf(line, sizeof line, "%" PRId64 " %" PRId64 "\n", bytes, count);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && write(fd, line, (size_t)length) != length)
        result = -1;
    const int saved = errno;
    close(fd);
    errno = saved;
    return result;
}
