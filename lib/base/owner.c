/* The rights of a directory's owner. The race this is about: whoever may write to a directory on
 * the way can put a link there that leads into somebody else's, at any moment. So the way is
 * walked one name at a time, each relative to the directory opened before, and what counts is
 * asked of descriptors, not of names. */
#include "base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { LINKS_MAX = 40, GID_NOBODY = 65534 };

struct walk {
    const char *path; /* as given, for errors */
    char *rest;       /* names still to go */
    int at;
    int links;
};

static bool only_ours(const struct stat *st)
{
    return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* Puts where the link leads before the names still to go. */
static int follow(struct walk *w, int link, const char *name, struct tw_error *e)
{
    char target[PATH_MAX];
    struct stat dir;
    if (fstat(w->at, &dir) != 0)
        return tw_fail_errno(e, "cannot look at %s", w->path);
    if (!only_ours(&dir) || ++w->links > LINKS_MAX) {
        errno = ELOOP;
        return tw_fail(e, "cannot open %s: %s is a symbolic link %s", w->path, name,
                       w->links > LINKS_MAX ? "too many" : "that others can change");
    }
    const ssize_t length = readlinkat(link, "", target, sizeof target - 1);
    if (length < 0)
        return tw_fail_errno(e, "cannot read the link %s in %s", name, w->path);
    target[length] = '\0';
    char *rest = tw_format("%s/%s", target, w->rest);
    free(w->rest);
    w->rest = rest;
    if (target[0] != '/')
        return 0;
    close(w->at);
    w->at = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return w->at < 0 ? tw_fail_errno(e, "cannot open /") : 0;
}

/* One name further. */
static int step(struct walk *w, const char *name, struct tw_error *e)
{
    struct stat st;
    const int fd = openat(w->at, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", w->path);
    if (fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
        const int result = follow(w, fd, name, e);
        const int saved = errno;
        close(fd);
        errno = saved;
        return result;
    }
    if (!S_ISDIR(st.st_mode)) {
        close(fd);
        errno = ENOTDIR;
        return tw_fail_errno(e, "cannot open %s", w->path);
    }
    close(w->at);
    w->at = fd;
    return 0;
}

static int walk(struct walk *w, struct tw_error *e)
{
    for (;;) {
        char *name = w->rest + strspn(w->rest, "/");
        const size_t length = strcspn(name, "/");
        if (length == 0)
            return 0;
        char *first = tw_strndup(name, length);
        char *rest = tw_strdup(name + length);
        free(w->rest);
        w->rest = rest;
        const int result = step(w, first, e);
        const int saved = errno;
        free(first);
        errno = saved;
        if (result != 0)
            return -1;
    }
}

int tw_dir_open(const char *path, struct stat *st, struct tw_error *e)
{
    const char *from = path[0] == '/' ? "/" : ".";
    struct walk w = {.path = path, .at = open(from, O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (w.at < 0)
        return tw_fail_errno(e, "cannot open %s", from);
    w.rest = tw_strdup(path);
    int result = walk(&w, e);
    if (result == 0 && st && fstat(w.at, st) != 0)
        result = tw_fail_errno(e, "cannot look at %s", path);
    const int saved = errno;
    free(w.rest);
    if (result != 0 && w.at >= 0)
        close(w.at);
    errno = saved;
    return result == 0 ? w.at : -1;
}

int tw_owner_run(const struct stat *dir, const char *path, const struct tw_priv_task *task,
                 char **output, size_t *length, struct tw_error *e)
{
    struct tw_priv_task as_owner = *task;
    as_owner.uid = dir->st_uid;
    as_owner.gid = dir->st_gid ? dir->st_gid : GID_NOBODY;
    *output = NULL;
    *length = 0;
    as_owner.stay = geteuid() != 0 || dir->st_uid == 0;
    if (dir->st_uid != 0 && dir->st_uid != geteuid() && as_owner.stay)
        return tw_fail(e, "cannot work in %s: it is somebody else's, and we are not root", path);
    if (as_owner.stay && !only_ours(dir))
        return tw_fail(e, "cannot work in %s: it is root's, but others may write to it", path);
    return tw_priv_run(&as_owner, output, length, e);
}
