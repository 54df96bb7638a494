/* Who else has a say in what is at a path: looks at owners and modes, from the root on. */
#include "base/onlyroot.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/owner.h"

enum { LINKS_MAX = 10 };

static int refuse(const char *path, struct tw_error *e)
{
    return tw_fail(e, "others than root may write to %s, and so choose what is run as root", path);
}

/* Root's or ours, and for nobody else to write to; in a sticky directory only an entry's owner
 * puts another in its place (inode(7)). */
static int check_entry(const char *path, struct stat *st, struct tw_error *e)
{
    if (lstat(path, st) != 0)
        return tw_fail_errno(e, "cannot look at %s", path);
    const bool sticky = S_ISDIR(st->st_mode) && (st->st_mode & S_ISVTX);
    if ((st->st_uid != 0 && st->st_uid != geteuid()) ||
        (!S_ISLNK(st->st_mode) && !sticky && (st->st_mode & (S_IWGRP | S_IWOTH))))
        return refuse(path, e);
    return 0;
}

/* A directory without links in its path, and all above it. */
static int check_way(const char *dir, struct tw_error *e)
{
    struct stat st;
    int result = 0;
    for (const char *end = dir; result == 0 && *end;) {
        end += 1 + strcspn(end + 1, "/");
        char *part = tw_strndup(dir, (size_t)(end - dir));
        result = check_entry(part, &st, e);
        free(part);
    }
    return result;
}

static bool nothing_there(int why)
{
    return why == ENOENT || why == ENOTDIR;
}

/* Can nobody else put another thing at this path? *next: where a link there leads, the caller's. */
static int check_path(const char *path, char **next, bool *gone, struct tw_error *e)
{
    struct stat st = {0};
    char *dir = tw_strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    const int fd = tw_dir_open(dir, NULL, e);
    *gone = fd < 0 && nothing_there(errno);
    char *real =
        fd >= 0 ? realpath(dir, NULL) : NULL; /* leaves errno as it is where there is no fd */
    int result = *gone    ? tw_fail_errno(e, "%s", dir)
                 : fd < 0 ? -1
                 : real   ? check_way(real, e)
                          : refuse(path, e);
    if (result == 0 && lstat(path, &st) != 0) {
        *gone = nothing_there(errno);
        result = tw_fail_errno(e, "%s", path);
    } else if (result == 0) {
        result = check_entry(path, &st, e);
    }
    if (result == 0 && S_ISLNK(st.st_mode)) {
        char *target = tw_link_read(path);
        *next = tw_format("%s%s", target && target[0] == '/' ? "" : dir, target ? target : "");
        free(target);
    }
    if (fd >= 0)
        close(fd);
    free(real);
    free(dir);
    return result;
}

/* Directories are opened by base/owner.h, which follows no link that others can change; a link at
 * the end leads to another path, of which the same is asked. */
int tw_onlyroot_check(const char *path, bool *gone, struct tw_error *e)
{
    char *at = tw_strdup(path);
    int result = 0;
    *gone = false;
    for (int links = 0; at && result == 0; links++) {
        char *next = NULL;
        result = links < LINKS_MAX ? check_path(at, &next, gone, e)
                                   : tw_fail(e, "%s: too many links", path);
        free(at);
        at = next;
    }
    free(at);
    return result;
}
