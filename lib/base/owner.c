/* The rights of a directory's owner. The race this is about: whoever may write to a directory on
 * the way can put a link there that leads into somebody else's, at any moment. So the way is
 * walked one name at a time, each relative to the directory opened before, and what counts is
 * asked of descriptors, not of names. */
#include "base/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

enum { LINKS_MAX = 40, GID_NOBODY = 65534, ENTRY_MAX = 16384 };

struct walk {
    const char *path; /* as given, for errors */
    char *rest;       /* names still to go */
    int at;
    int links;
    bool bent; /* a directory that was left behind lets others choose what the next name is */
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
    if (w->bent || !only_ours(&dir) || ++w->links > LINKS_MAX) {
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

/* Others may rename what is in the directory: what the name stands for is their choice. Where it is
 * sticky, only the owner of an entry may (inode(7)). */
static bool can_be_bent(const struct stat *dir, const struct stat *entry)
{
    const bool entry_ours = entry->st_uid == 0 || entry->st_uid == geteuid();
    const bool dir_ours = dir->st_uid == 0 || dir->st_uid == geteuid();
    return !only_ours(dir) && !(dir_ours && (dir->st_mode & S_ISVTX) && entry_ours);
}

/* One name further. */
static int step(struct walk *w, const char *name, struct tw_error *e)
{
    struct stat st = {0}, dir;
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
    w->bent = w->bent || fstat(w->at, &dir) != 0 || can_be_bent(&dir, &st);
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

static int open_dir(const char *path, struct stat *st, bool *bent, struct tw_error *e)
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
    *bent = w.bent;
    errno = saved;
    return result == 0 ? w.at : -1;
}

int tw_dir_open(const char *path, struct stat *st, struct tw_error *e)
{
    bool bent = false;
    return open_dir(path, st, &bent, e);
}

/* Nobody but root and us could have put the directory where it is. It was opened before: that it is
 * found on a way that cannot be bent, now, is what counts. */
static int check_way(const struct stat *dir, const char *path, struct tw_error *e)
{
    struct stat st = {0};
    bool bent = false;
    const int fd = open_dir(path, &st, &bent, e);
    if (fd < 0)
        return -1;
    close(fd);
    if (bent)
        return tw_fail(e,
                       "cannot work in %s: it is root's, but others may write to a directory on "
                       "the way to it, and put another in its place",
                       path);
    if (st.st_dev != dir->st_dev || st.st_ino != dir->st_ino)
        return tw_fail(e, "cannot work in %s: it was swapped for another", path);
    return 0;
}

/* Of the user, never of the directory: its group may read what the owner of the directory may not.
 */
static gid_t group_of(uid_t uid)
{
    struct passwd entry, *found;
    char text[ENTRY_MAX];
    const bool known = uid != 0 && getpwuid_r(uid, &entry, text, sizeof text, &found) == 0 && found;
    return known && entry.pw_gid != 0 ? entry.pw_gid : GID_NOBODY;
}

int tw_owner_run(const struct stat *dir, const char *path, const struct tw_priv_task *task,
                 char **output, size_t *length, struct tw_error *e)
{
    struct tw_priv_task as_owner = *task;
    *output = NULL;
    *length = 0;
    as_owner.stay = geteuid() != 0 || dir->st_uid == 0;
    if (dir->st_uid != 0 && dir->st_uid != geteuid() && as_owner.stay)
        return tw_fail(e, "cannot work in %s: it is somebody else's, and we are not root", path);
    if (as_owner.stay && !only_ours(dir))
        return tw_fail(e, "cannot work in %s: it is root's, but others may write to it", path);
    if (as_owner.stay && check_way(dir, path, e) != 0)
        return -1;
    as_owner.uid = dir->st_uid;
    as_owner.gid = group_of(dir->st_uid);
    return tw_priv_run(&as_owner, output, length, e);
}
