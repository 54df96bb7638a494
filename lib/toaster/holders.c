/* Descriptors in /proc. A file is told by device and inode. fdinfo names the inode since Linux
 * 5.14, by the kernel's own number, which some file systems do not show to stat(2); so it is
 * compared with what fdinfo has of our own descriptor. */
#include "toaster/holders.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    FDINFO_TEXT = 256, /* the lines that matter come first */
    DESCRIPTORS_MAX = 1000000,
};

struct wanted {
    bool numbered;
    uint64_t number; /* as fdinfo has it */
    struct statx st;
};

struct search {
    const char *root;
    int root_fd;
    struct wanted *wanted;
    size_t count, seen;
    struct tw_holder *holders;
    bool incomplete;
};

struct fdinfo {
    bool numbered;
    uint64_t number;
    unsigned flags; /* of open(2) */
};

static bool is_gone(int why)
{
    return why == ENOENT || why == ESRCH;
}

static int read_fdinfo(int at, const char *path, struct fdinfo *info)
{
    char text[FDINFO_TEXT + 1];
    const int fd = openat(at, path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    const ssize_t length = read(fd, text, FDINFO_TEXT);
    const int why = errno;
    close(fd);
    errno = why;
    if (length < 0)
        return -1;
    text[length] = '\0';
    const char *flags = strstr(text, "flags:\t"), *number = strstr(text, "\nino:\t");
    *info = (struct fdinfo){.numbered = number, .flags = O_RDWR};
    if (number)
        info->number = strtoull(number + strlen("\nino:\t"), NULL, 10);
    if (flags)
        info->flags = (unsigned)strtoul(flags + strlen("flags:\t"), NULL, 8);
    return 0;
}

/* Only what is known already: a server that does not answer is not asked. */
static int look(int at, const char *path, int flags, struct statx *st)
{
    return statx(at, path, flags | AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_INO, st);
}

static bool is_same(const struct statx *a, const struct statx *b)
{
    return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major &&
           a->stx_dev_minor == b->stx_dev_minor;
}

static void name_holder(const struct search *s, size_t i, pid_t pid, bool writes)
{
    struct tw_holder *holder = &s->holders[i];
    struct tw_proc proc = {0};
    if (holder->pid && (holder->writes || !writes))
        return;
    (void)tw_proc_read(s->root, pid, &proc); /* no name if it has just ended */
    *holder = (struct tw_holder){.pid = pid, .writes = writes};
    memcpy(holder->comm, proc.comm, sizeof holder->comm);
}

/* One descriptor. */
static int check_fd(const struct search *s, int dir, pid_t pid, const char *name,
                    struct tw_error *e)
{
    char path[64];
    struct fdinfo info;
    struct statx st = {0};
    (void)snprintf(path, sizeof path, "fdinfo/%.20s", name);
    if (read_fdinfo(dir, path, &info) != 0)
        return is_gone(errno) ? 0 : tw_fail_errno(e, "cannot read %s/%d/%s", s->root, pid, path);
    if (info.flags & O_PATH)
        return 0;
    for (size_t i = 0; i < s->count; i++) {
        if (info.numbered && s->wanted[i].numbered && info.number != s->wanted[i].number)
            continue;
        (void)snprintf(path, sizeof path, "fd/%.20s", name);
        if (st.stx_mask == 0 && look(dir, path, 0, &st) != 0)
            return is_gone(errno) ? 0
                                  : tw_fail_errno(e, "cannot look at %s/%d/%s", s->root, pid, path);
        if (is_same(&st, &s->wanted[i].st))
            name_holder(s, i, pid, (info.flags & O_ACCMODE) != O_RDONLY);
    }
    return 0;
}

static int check_fds(struct search *s, int dir, DIR *fds, pid_t pid, struct tw_error *e)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(fds);
        if (!entry)
            return errno == 0 || is_gone(errno)
                       ? 0
                       : tw_fail_errno(e, "cannot list %s/%d/fd", s->root, pid);
        if (entry->d_name[0] == '.')
            continue;
        if (++s->seen > DESCRIPTORS_MAX)
            return tw_fail(e, "there are more than %d open files", DESCRIPTORS_MAX);
        if (check_fd(s, dir, pid, entry->d_name, e) != 0)
            return -1;
    }
}

/* The descriptors of the process, or thread, that `dir` is of. */
static int check_table(struct search *s, int dir, pid_t pid, struct tw_error *e)
{
    const int fd = openat(dir, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *fds = fd < 0 ? NULL : fdopendir(fd);
    if (!fds) {
        const int why = errno;
        if (fd >= 0)
            close(fd);
        errno = why;
        return is_gone(why) ? 0 : tw_fail_errno(e, "cannot see the open files of process %d", pid);
    }
    const int result = check_fds(s, dir, fds, pid, e);
    closedir(fds);
    return result;
}

static int check_threads(struct search *s, DIR *threads, const char *process, struct tw_error *e)
{
    int result = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(threads);
        if (!entry)
            return errno == 0 || is_gone(errno)
                       ? result
                       : tw_fail_errno(e, "cannot list the threads of process %s", process);
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, process) == 0)
            continue;
        const int dir = openat(dirfd(threads), entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0)
            continue; /* it has ended */
        if (check_table(s, dir, (pid_t)strtol(process, NULL, 10), e) != 0)
            result = -1;
        close(dir);
        if (s->seen > DESCRIPTORS_MAX)
            return -1;
    }
}

/* The first thread has ended, and shows no descriptors any more; the others go on with them. */
static int check_other_threads(struct search *s, int dir, const char *process, struct tw_error *e)
{
    const int fd = openat(dir, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *threads = fd < 0 ? NULL : fdopendir(fd);
    int result = 0;
    if (threads)
        result = check_threads(s, threads, process, e);
    else if (!is_gone(errno))
        result = tw_fail_errno(e, "cannot list the threads of process %s", process);
    if (threads)
        closedir(threads);
    else if (fd >= 0)
        close(fd);
    return result;
}

static int check_process(struct search *s, const char *name, struct tw_error *e)
{
    const int dir = openat(s->root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return is_gone(errno) ? 0
                              : tw_fail_errno(e, "cannot see the open files of process %s", name);
    const size_t seen = s->seen;
    struct tw_error other;
    int result = check_table(s, dir, (pid_t)strtol(name, NULL, 10), e);
    /* Few have none at all: threads of the kernel, and what has ended. */
    if (s->seen == seen && check_other_threads(s, dir, name, result == 0 ? e : &other) != 0)
        result = -1;
    close(dir);
    return result;
}

/* Who cannot be looked at does not keep us from the others; the first is told. */
static int check_all(struct search *s, DIR *root, struct tw_error *e)
{
    struct tw_error later;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(root);
        if (!entry)
            return errno ? tw_fail_errno(e, "cannot list %s", s->root) : s->incomplete ? -1 : 0;
        if (strspn(entry->d_name, "0123456789") == strlen(entry->d_name) &&
            check_process(s, entry->d_name, s->incomplete ? &later : e) != 0)
            s->incomplete = true;
        if (s->seen > DESCRIPTORS_MAX)
            return -1;
    }
}

static int describe(const struct search *s, const int *files, struct tw_error *e)
{
    for (size_t i = 0; i < s->count; i++) {
        char path[64];
        struct fdinfo info = {0};
        struct wanted *w = &s->wanted[i];
        if (look(files[i], "", AT_EMPTY_PATH, &w->st) != 0)
            return tw_fail_errno(e, "cannot look at an open file");
        (void)snprintf(path, sizeof path, "self/fdinfo/%d", files[i]);
        if (read_fdinfo(s->root_fd, path, &info) == 0) {
            w->numbered = info.numbered;
            w->number = info.number;
        }
    }
    return 0;
}

int tw_holders_find(const char *root, const int *files, size_t count, struct tw_holder *holders,
                    struct tw_error *e)
{
    memset(holders, 0, count * sizeof *holders);
    DIR *dir = opendir(root);
    if (!dir)
        return tw_fail_errno(e, "cannot open %s", root);
    struct search s = {.root = root,
                       .root_fd = dirfd(dir),
                       .wanted = tw_alloc((count + 1) * sizeof *s.wanted),
                       .count = count,
                       .holders = holders};
    int result = describe(&s, files, e);
    if (result == 0)
        result = check_all(&s, dir, e);
    closedir(dir);
    free(s.wanted);
    return result;
}

/* There a lease is the server's to give: that it is not given means nothing. */
static bool is_remote(int fd)
{
    static const unsigned long types[] = {NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, CIFS_SUPER_MAGIC,
                                          SMB2_SUPER_MAGIC, FUSE_SUPER_MAGIC};
    struct statfs st;
    if (fstatfs(fd, &st) != 0)
        return true;
    for (size_t i = 0; i < TW_COUNT(types); i++)
        if ((unsigned long)st.f_type == types[i])
            return true;
    return false;
}

int tw_holders_written(int fd)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction before;
    if (is_remote(fd)) {
        errno = ENOTSUP;
        return -1;
    }
    if (sigaction(SIGIO, &ignore, &before) != 0)
        return -1;
    /* For reading: the kernel gives it only while nobody has the file open for writing. Who opens
     * it in that moment waits until it is given back, and SIGIO would tell us. */
    const int got = fcntl(fd, F_SETLEASE, F_RDLCK);
    const int why = errno;
    if (got == 0)
        (void)fcntl(fd, F_SETLEASE, F_UNLCK);
    (void)sigaction(SIGIO, &before, NULL);
    errno = why;
    if (got == 0)
        return 0;
    return why == EAGAIN ? 1 : -1;
}
