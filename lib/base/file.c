/* Small things done to files. Knows nothing of what is in them. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"

static void close_keep_errno(int fd)
{
    const int saved = errno;
    close(fd);
    errno = saved;
}

int tw_read_all(int fd, size_t max, struct tw_buf *out)
{
    char chunk[8192];
    for (;;) {
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if ((size_t)n > max - out->len) {
            errno = EFBIG;
            return -1;
        }
        tw_buf_add(out, chunk, (size_t)n);
    }
}

static int read_regular(int fd, const char *path, size_t max, struct tw_buf *out,
                        struct tw_error *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode)) {
        tw_fail(e, "cannot read %s: not a regular file", path);
        errno = EINVAL;
        return -1;
    }
    if (st.st_size > 0 && (uintmax_t)st.st_size > max)
        errno = EFBIG;
    else if (tw_read_all(fd, max, out) == 0)
        return 0;
    if (errno != EFBIG)
        return tw_fail_errno(e, "cannot read %s", path);
    tw_fail(e, "cannot read %s: more than %zu bytes", path, max);
    errno = EFBIG;
    return -1;
}

int tw_file_read(int at, const char *path, size_t max, char **data, size_t *length,
                 struct tw_error *e)
{
    *data = NULL;
    *length = 0;
    const int fd = openat(at, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP) {
        tw_fail(e, "cannot read %s: it is a symbolic link", path);
        errno = ELOOP;
        return -1;
    }
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", path);
    struct tw_buf text = {0};
    const int result = read_regular(fd, path, max, &text, e);
    close_keep_errno(fd);
    if (result != 0) {
        const int saved = errno;
        tw_buf_free(&text);
        errno = saved;
        return -1;
    }
    *length = text.len;
    *data = tw_buf_take(&text);
    return 0;
}

char *tw_link_read(const char *path)
{
    char text[PATH_MAX]; /* longer ones cannot be made: symlink(2) */
    const ssize_t length = readlink(path, text, sizeof text);
    return length >= 0 ? tw_strndup(text, (size_t)length) : NULL;
}

int tw_write_all(int fd, const void *data, size_t length)
{
    const char *at = data;
    while (length > 0) {
        const ssize_t n = write(fd, at, length);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        at += n;
        length -= (size_t)n;
    }
    return 0;
}

/* Makes the file `name` in the directory `tmp`, complete and on the disk. 0, or -1 with errno. */
static int write_new(int tmp, const char *name, const void *data, size_t length, mode_t mode)
{
    if (unlinkat(tmp, name, 0) != 0 && errno != ENOENT)
        return -1;
    const int fd = openat(tmp, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    /* fchmod, since the umask would take from what open is told. */
    if (fchmod(fd, mode) == 0 && tw_write_all(fd, data, length) == 0 && fsync(fd) == 0)
        return close(fd);
    close_keep_errno(fd);
    return -1;
}

/* 0, or -1 with errno. */
static int write_and_rename(int dir, const char *name, const void *data, size_t length, mode_t mode)
{
    const int tmp = openat(dir, "tmp", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (tmp < 0)
        return -1;
    int result = write_new(tmp, name, data, length, mode);
    if (result == 0)
        result = renameat(tmp, name, dir, name);
    if (result != 0) {
        const int saved = errno;
        unlinkat(tmp, name, 0);
        errno = saved;
    }
    close_keep_errno(tmp);
    return result == 0 ? fsync(dir) : -1;
}

int tw_file_write(const char *dir, const char *name, const void *data, size_t length, mode_t mode,
                  struct tw_error *e)
{
    if (*name == '\0' || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0) {
        errno = EINVAL;
        return tw_fail_errno(e, "cannot write \"%s\" in %s", name, dir);
    }
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", dir);
    const int result = write_and_rename(fd, name, data, length, mode);
    close_keep_errno(fd);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot write %s/%s", dir, name);
}

int tw_file_rename_new(int dir, const char *from, const char *to)
{
    if (renameat2(dir, from, dir, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    /* A file system that cannot be told so (NFS among them): two steps, neither goes over a file.
     */
    if (linkat(dir, from, dir, to, 0) != 0)
        return -1;
    if (unlinkat(dir, from, 0) == 0)
        return 0;
    const int why = errno;
    (void)unlinkat(dir, to, 0);
    errno = why;
    return -1;
}

int tw_file_write_at(int dir, const char *name, const void *data, size_t length, mode_t mode,
                     bool fresh, struct tw_error *e)
{
    char *new = tw_format(".%s.new", name);
    int result = write_new(dir, new, data, length, mode);
    if (result == 0)
        result = fresh ? tw_file_rename_new(dir, new, name) : renameat(dir, new, dir, name);
    int why = errno;
    if (result != 0)
        unlinkat(dir, new, 0);
    else if ((result = fsync(dir)) != 0)
        why = errno;
    free(new);
    errno = why;
    return result == 0 ? 0 : tw_fail_errno(e, "cannot write %s", name);
}

int tw_dir_make(const char *path, mode_t mode, struct tw_error *e)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST)
        return tw_fail_errno(e, "cannot make the directory %s", path);
    struct stat st;
    if (lstat(path, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", path);
    if (!S_ISDIR(st.st_mode)) {
        errno = ENOTDIR;
        return tw_fail_errno(e, "cannot make the directory %s", path);
    }
    if (st.st_uid != geteuid() || (st.st_mode & 07777) == mode)
        return 0;
    /* By descriptor, so that what was looked at is what is changed. */
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    const int result = fd < 0 ? -1 : fchmod(fd, mode);
    if (fd >= 0)
        close_keep_errno(fd);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot set the mode of %s", path);
}
