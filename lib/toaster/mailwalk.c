/* The folders of one mailbox. The race this is about: the mailbox's user may swap any directory for
 * another, or for a link, at any moment. So what was looked at is held open: a folder is opened
 * below the mailbox without following links, its cur, new and tmp below that, and whose they are
 * tells fstat(2). What a descriptor shows stays so, whatever the names stand for by then. */
#include "toaster/mailwalk.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "toaster/beneath.h"

enum { FOLDERS_MAX = 20000, DEPTH_MAX = 32, PATH_MAX_BYTES = 4000, ENTRIES_BYTES = 32768 };

const char *const tw_mail_dir_names[TW_MAIL_DIRS] = {"cur", "new", "tmp"};

/* ---- stamps ------------------------------------------------------------------------------- */

/* A directory's owner may set any time. */
static int64_t ns_of(const struct timespec *t)
{
    int64_t ns;
    if (__builtin_mul_overflow((int64_t)t->tv_sec, 1000000000, &ns) ||
        __builtin_add_overflow(ns, t->tv_nsec, &ns))
        return t->tv_sec < 0 ? INT64_MIN : INT64_MAX;
    return ns;
}

static struct tw_stamp stamp_of(const struct stat *st)
{
    return (struct tw_stamp){st->st_ino, ns_of(&st->st_mtim), ns_of(&st->st_ctim)};
}

bool tw_stamp_equal(const struct tw_stamp *a, const struct tw_stamp *b)
{
    return a->inode != 0 && a->inode == b->inode && a->mtime_ns == b->mtime_ns &&
           a->ctime_ns == b->ctime_ns;
}

bool tw_stamp_settled(const struct tw_stamp *stamp, int64_t now_ns)
{
    const int64_t newest = stamp->mtime_ns > stamp->ctime_ns ? stamp->mtime_ns : stamp->ctime_ns;
    return stamp->inode != 0 && newest < now_ns - TW_STAMP_FRESH_NS;
}

struct tw_stamp tw_stamp_still(int fd, const struct tw_stamp *before, int64_t before_ns)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return (struct tw_stamp){0};
    const struct tw_stamp after = stamp_of(&st);
    const bool same = tw_stamp_equal(before, &after) && tw_stamp_settled(before, before_ns);
    return same ? *before : (struct tw_stamp){0};
}

/* ---- directories -------------------------------------------------------------------------- */

int tw_dir_each(int fd, tw_entry_each *each, void *context)
{
    union {
        char bytes[ENTRIES_BYTES];
        struct dirent64 align;
    } buffer;
    for (;;) {
        const ssize_t length = getdents64(fd, &buffer, sizeof buffer);
        if (length < 0)
            return -1;
        if (length == 0)
            return 0;
        for (ssize_t at = 0; at < length;) {
            const struct dirent64 *entry = (const void *)(buffer.bytes + at);
            const char *name = entry->d_name;
            at += entry->d_reclen;
            if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
                continue;
            if (!each(context, entry))
                return 0;
        }
    }
}

/* Is it the mailbox's, and on its file system? */
static bool is_ours(const struct tw_mail_place_of *of, const struct stat *st)
{
    return st->st_uid == of->uid && st->st_dev == of->dev;
}

static int open_ours(const struct tw_mail_place_of *of, int at, const char *path, int flags,
                     struct stat *st)
{
    const int fd = tw_beneath_open(at, path, flags | O_DIRECTORY, true);
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && is_ours(of, st))
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

int tw_folder_open(const struct tw_mail_place_of *of, const char *path)
{
    struct stat st;
    return open_ours(of, of->fd, path[0] ? path : ".", O_PATH, &st);
}

int tw_folder_open_dir(const struct tw_mail_place_of *of, int folder, enum tw_mail_dir dir,
                       struct tw_stamp *stamp)
{
    struct stat st;
    const int fd = open_ours(of, folder, tw_mail_dir_names[dir], O_RDONLY, &st);
    if (fd >= 0)
        *stamp = stamp_of(&st);
    return fd;
}

bool tw_folder_look(const struct tw_mail_place_of *of, int folder, struct tw_folder *out)
{
    struct stat st;
    if (fstat(folder, &st) != 0 || !is_ours(of, &st))
        return false;
    out->self = stamp_of(&st);
    out->is_maildir = true;
    for (int i = 0; i < TW_MAIL_DIRS; i++) {
        const bool is_dir = fstatat(folder, tw_mail_dir_names[i], &st, AT_SYMLINK_NOFOLLOW) == 0 &&
                            S_ISDIR(st.st_mode);
        out->dirs[i] = is_dir ? stamp_of(&st) : (struct tw_stamp){0};
        out->is_maildir = out->is_maildir && is_dir && is_ours(of, &st);
    }
    return true;
}

static bool has_marker(const struct tw_mail_place_of *of, const char *path)
{
    struct stat st;
    const int fd = tw_folder_open(of, path);
    if (fd < 0)
        return false;
    const bool has = fstatat(fd, TW_NO_EXPIRE, &st, AT_SYMLINK_NOFOLLOW) == 0;
    close(fd);
    return has;
}

bool tw_folder_opted_out(const struct tw_mail_place_of *of, const char *path)
{
    const char separator = path[0] == '.' ? '.' : '/';
    char *part = tw_strdup(path);
    bool out = has_marker(of, "");
    for (size_t i = 1; part[0] && !out; i++) {
        const bool whole = !path[i];
        if (!whole && path[i] != separator)
            continue;
        part[i] = '\0';
        out = has_marker(of, part);
        part[i] = path[i];
        if (whole)
            break;
    }
    free(part);
    return out;
}

/* ---- the walk ----------------------------------------------------------------------------- */

struct walk {
    const struct tw_mail_place_of *of;
    struct tw_mailwalk *out;
    size_t parent; /* the folder that is being read */
    struct tw_strings names;
    bool dots; /* it is the mailbox itself: names with a dot are folders */
    int fd;
};

static void tell(const struct walk *w, const char *code, const char *path, const char *what)
{
    const char *slash = path[0] ? "/" : "";
    char *text = tw_format("%s%s%s: %s", w->of->path, slash, path, what);
    w->of->problem(w->of->context, code, text);
    free(text);
}

static bool is_mail_dir(const char *name)
{
    for (int i = 0; i < TW_MAIL_DIRS; i++)
        if (strcmp(name, tw_mail_dir_names[i]) == 0)
            return true;
    return false;
}

static bool take_name(void *context, const struct dirent64 *entry)
{
    struct walk *w = context;
    struct stat st;
    const char *name = entry->d_name;
    if ((name[0] == '.' && !w->dots) || is_mail_dir(name) ||
        w->out->count + w->names.count >= FOLDERS_MAX)
        return true;
    const bool is_dir =
        entry->d_type == DT_DIR ||
        (entry->d_type == DT_UNKNOWN && fstatat(w->fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
         S_ISDIR(st.st_mode));
    if (is_dir)
        tw_strings_add(&w->names, name);
    return true;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static size_t depth_of(const char *path)
{
    size_t depth = 1;
    for (; *path; path++)
        depth += *path == '/';
    return depth;
}

/* Is this folder of Maildir++ below one that has the file: .A.B below .A. */
static bool parent_opted_out(const struct tw_mailwalk *walk, const char *name)
{
    const size_t length = strlen(name);
    for (size_t i = 0; i < walk->count; i++) {
        const struct tw_folder *folder = &walk->items[i];
        const size_t size = strlen(folder->path);
        if (folder->no_expire && folder->path[0] == '.' && size < length && name[size] == '.' &&
            memcmp(folder->path, name, size) == 0)
            return true;
    }
    return false;
}

static struct tw_folder *append(struct tw_mailwalk *out, const char *path)
{
    out->items = tw_realloc_array(out->items, out->count + 1, sizeof *out->items);
    out->items[out->count] = (struct tw_folder){.path = tw_strdup(path)};
    return &out->items[out->count++];
}

static bool has_all_dirs(const struct tw_folder *folder)
{
    return folder->dirs[TW_DIR_CUR].inode && folder->dirs[TW_DIR_NEW].inode &&
           folder->dirs[TW_DIR_TMP].inode;
}

/* One folder that was found in `parent`. */
static void add_folder(struct walk *w, const char *name)
{
    const struct tw_folder *parent = &w->out->items[w->parent];
    char *path = tw_format("%s%s%s", parent->path, parent->path[0] ? "/" : "", name);
    const bool opted_out =
        parent->no_expire || (w->dots && name[0] == '.' && parent_opted_out(w->out, name));
    const int fd = tw_folder_open(w->of, path);
    struct stat st;
    if (fd < 0) {
        if (errno == EPERM)
            tell(w, "foreign", path, "it belongs to another user: left alone");
        else if (errno == EXDEV)
            tell(w, "other-fs", path, "it is on another file system: left alone");
        else if (errno != ENOENT && errno != ELOOP && errno != ENOTDIR)
            tell(w, "unreadable", path, strerrordesc_np(errno));
    } else {
        struct tw_folder *folder = append(w->out, path);
        folder->no_expire = opted_out || fstatat(fd, TW_NO_EXPIRE, &st, AT_SYMLINK_NOFOLLOW) == 0;
        if (!tw_folder_look(w->of, fd, folder)) { /* not any more */
            free(folder->path);
            w->out->count--;
        } else if (!folder->is_maildir && has_all_dirs(folder)) {
            tell(w, "foreign", path, "its cur, new or tmp is not the mailbox's: left alone");
        }
        close(fd);
    }
    free(path);
}

/* Appends the folders that lie in the one at `index`. */
static int read_folder(struct walk *w, size_t index)
{
    const struct tw_folder *folder = &w->out->items[index];
    struct stat st;
    w->parent = index;
    w->dots = index == 0;
    w->names = (struct tw_strings){0};
    w->fd = open_ours(w->of, w->of->fd, folder->path[0] ? folder->path : ".", O_RDONLY, &st);
    int result = w->fd < 0 ? -1 : tw_dir_each(w->fd, take_name, w);
    if (result == 0 && w->names.count)
        qsort(w->names.items, w->names.count, sizeof *w->names.items, by_name);
    for (size_t i = 0; result == 0 && i < w->names.count; i++)
        add_folder(w, w->names.items[i]);
    const int saved = errno;
    if (w->fd >= 0)
        close(w->fd);
    tw_strings_free(&w->names);
    errno = saved;
    return result;
}

static void read_below(struct walk *w)
{
    for (size_t i = 1; i < w->out->count; i++) {
        const char *path = w->out->items[i].path;
        if (path[0] == '.')
            continue;
        if (depth_of(path) >= DEPTH_MAX || strlen(path) > PATH_MAX_BYTES - NAME_MAX)
            tell(w, "too-deep", path, "folders below it are left alone");
        else if (read_folder(w, i) != 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
            tell(w, "unreadable", path, strerrordesc_np(errno));
    }
}

int tw_mailwalk_read(const struct tw_mail_place_of *of, struct tw_mailwalk *out)
{
    struct walk w = {.of = of, .out = out};
    struct stat st;
    *out = (struct tw_mailwalk){0};
    struct tw_folder *inbox = append(out, "");
    inbox->no_expire = fstatat(of->fd, TW_NO_EXPIRE, &st, AT_SYMLINK_NOFOLLOW) == 0;
    errno = EPERM;
    if (!tw_folder_look(of, of->fd, inbox) || read_folder(&w, 0) != 0) {
        const int saved = errno;
        tw_mailwalk_free(out);
        errno = saved;
        return -1;
    }
    read_below(&w);
    if (out->count >= FOLDERS_MAX)
        tell(&w, "too-many", "", "more folders than are looked at");
    return 0;
}

void tw_mailwalk_free(struct tw_mailwalk *walk)
{
    for (size_t i = 0; i < walk->count; i++)
        free(walk->items[i].path);
    free(walk->items);
    *walk = (struct tw_mailwalk){0};
}
