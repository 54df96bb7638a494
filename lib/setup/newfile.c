/* Writes new files. Knows nothing of what is in them. */
#include "setup/newfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

static int there_already(const char *path, struct tw_error *e)
{
    tw_fail(e, "cannot write %s: there is one already, and it stays as it is", path);
    errno = EEXIST;
    return -1;
}

/* The directory that `path` lies in, opened, or -1 with errno. */
static int open_parent(const char *path, const char *name)
{
    char *parent = name == path ? tw_strdup(".") : tw_strndup(path, (size_t)(name - path));
    const int dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int saved = errno;
    free(parent);
    errno = saved;
    return dir;
}

/* A name that nobody else can have waited for; the text of it in `name`. -1 with errno. */
static int make_temporary(int dir, char *name, size_t size)
{
    uint64_t number;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number)
        return -1;
    snprintf(name, size, ".toasterctl.%016" PRIx64, number);
    return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* fchmod, since the umask would take from what open is told. */
static int fill(int fd, const void *data, size_t length)
{
    int result = fchmod(fd, 0644);
    if (result == 0)
        result = tw_write_all(fd, data, length);
    if (result == 0)
        result = fsync(fd);
    const int saved = errno;
    if (close(fd) != 0 && result == 0)
        return -1;
    errno = saved;
    return result;
}

static int write_in(int dir, const char *name, const void *data, size_t length)
{
    char temporary[40];
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        errno = EEXIST;
        return -1;
    }
    const int fd = make_temporary(dir, temporary, sizeof temporary);
    if (fd < 0)
        return -1;
    int result = fill(fd, data, length);
    if (result == 0)
        result = tw_file_rename_new(dir, temporary, name);
    if (result == 0)
        return fsync(dir);
    const int saved = errno;
    unlinkat(dir, temporary, 0);
    errno = saved;
    return -1;
}

int tw_newfile_write(const char *path, const void *data, size_t length, struct tw_error *e)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    if (*name == '\0') {
        tw_fail(e, "cannot write \"%s\": that is no name of a file", path);
        errno = EINVAL;
        return -1;
    }
    const int dir = open_parent(path, name);
    if (dir < 0)
        return tw_fail_errno(e, "cannot open the directory of %s", path);
    const int result = write_in(dir, name, data, length);
    const int saved = errno;
    close(dir);
    errno = saved;
    if (result == 0)
        return 0;
    return errno == EEXIST ? there_already(path, e) : tw_fail_errno(e, "cannot write %s", path);
}
