/* Processes from /proc. Knows the texts of stat, status, cmdline and uptime; knows nothing of
 * which processes matter to whom. One read into a buffer on the stack for each process, no
 * allocation for each: a pass over thousands costs milliseconds. Formats: proc(5). */
#include "toaster/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* stat up to starttime: 20 numbers of at most 21 bytes, and comm, which for kernel workers is
 * longer than TW_COMM_MAX but at most 64 bytes. */
enum { STAT_TEXT = 1024, STATUS_TEXT = 4096, CMDLINE_TEXT = 4096 };

enum { FIELD_PARENT = 4, FIELD_START = 22 }; /* of stat, counted from 1; state is the third */

/* Reads digits up to something else; false if there are none or too many. */
static bool take_number(const char **at, const char *end, uint64_t *number)
{
    const char *p = *at;
    uint64_t n = 0;
    for (; p < end && *p >= '0' && *p <= '9'; p++)
        if (__builtin_mul_overflow(n, 10U, &n) ||
            __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
            return false;
    if (p == *at)
        return false;
    *at = p;
    *number = n;
    return true;
}

static bool take_pid(const char **at, const char *end, pid_t *pid)
{
    uint64_t n;
    if (!take_number(at, end, &n) || n == 0 || n > INT32_MAX)
        return false;
    *pid = (pid_t)n;
    return true;
}

int tw_proc_parse_stat(const char *text, size_t length, struct tw_proc *proc)
{
    struct tw_proc p = {0};
    const char *at = text, *const end = text + length;
    if (!take_pid(&at, end, &p.pid) || end - at < 2 || at[0] != ' ' || at[1] != '(')
        return -1;
    const char *const comm = at + 2;
    /* comm is the process's own choice and may hold ") S 1"; nothing behind it holds a ')'. */
    const char *const close = memrchr(comm, ')', (size_t)(end - comm));
    if (!close || end - close < 4 || close[1] != ' ' || close[3] != ' ')
        return -1;
    const size_t comm_length = (size_t)(close - comm);
    memcpy(p.comm, comm, comm_length < TW_COMM_MAX ? comm_length : TW_COMM_MAX);
    p.state = close[2];
    if ((p.state | 32) < 'a' || (p.state | 32) > 'z')
        return -1;
    at = close + 3;
    for (int field = 4; field <= FIELD_START; field++) {
        if (at == end || *at++ != ' ')
            return -1;
        if (field < FIELD_START && at < end && *at == '-')
            at++;
        if (!take_number(&at, end, &p.start_ticks))
            return -1;
        if (field == FIELD_PARENT && p.start_ticks <= INT32_MAX)
            p.parent = (pid_t)p.start_ticks;
    }
    if (at == end) /* cut, perhaps within the number */
        return -1;
    *proc = p;
    return 0;
}

/* One read of at most `size` bytes. -1 with errno: ESRCH if the process ended meanwhile. */
static ssize_t read_once(int at, const char *path, char *buffer, size_t size)
{
    const int fd = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -1;
    ssize_t got;
    do
        got = read(fd, buffer, size);
    while (got < 0 && errno == EINTR);
    const int why = errno;
    close(fd);
    errno = why;
    return got;
}

static ssize_t read_of_pid(const char *root, pid_t pid, const char *file, char *buffer, size_t size)
{
    char path[PATH_MAX];
    const int n = snprintf(path, sizeof path, "%s/%d/%s", root, (int)pid, file);
    if (n < 0 || (size_t)n >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return read_once(AT_FDCWD, path, buffer, size);
}

static bool is_gone(int why)
{
    return why == ENOENT || why == ESRCH;
}

/* errno ESRCH, EBADMSG or read's; an empty text is one of a process that ended. */
static int parse_read(const char *text, ssize_t length, pid_t pid, struct tw_proc *proc)
{
    if (length < 0)
        return -1;
    if (length > 0 && tw_proc_parse_stat(text, (size_t)length, proc) == 0 && proc->pid == pid)
        return 0;
    errno = length > 0 ? EBADMSG : ESRCH;
    return -1;
}

int tw_proc_read(const char *root, pid_t pid, struct tw_proc *proc)
{
    char text[STAT_TEXT];
    return parse_read(text, read_of_pid(root, pid, "stat", text, sizeof text), pid, proc);
}

static int compare_pids(const void *a, const void *b)
{
    const struct tw_proc *x = a, *y = b;
    return (x->pid > y->pid) - (x->pid < y->pid);
}

/* The pid that a directory below /proc is named after; 0 for "self", "net" and the like. */
static pid_t pid_of_name(const char *name)
{
    const char *at = name, *const end = name + strlen(name);
    pid_t pid;
    return *name != '0' && take_pid(&at, end, &pid) && at == end ? pid : 0;
}

static int read_all(struct tw_procs *procs, DIR *dir, const char *root, struct tw_error *e)
{
    size_t capacity = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            return errno ? tw_fail_errno(e, "cannot read %s", root) : 0;
        const pid_t pid = pid_of_name(entry->d_name);
        if (!pid)
            continue;
        if (procs->count == capacity) {
            capacity = capacity ? 2 * capacity : 256;
            procs->items = tw_realloc_array(procs->items, capacity, sizeof *procs->items);
        }
        char path[32], text[STAT_TEXT];
        (void)snprintf(path, sizeof path, "%d/stat", (int)pid);
        const ssize_t length = read_once(dirfd(dir), path, text, sizeof text);
        if (parse_read(text, length, pid, &procs->items[procs->count]) == 0)
            procs->count++;
        else if (!is_gone(errno))
            return tw_fail_errno(e, "cannot read %s/%s", root, path);
    }
}

int tw_procs_read(struct tw_procs *procs, const char *root, struct tw_error *e)
{
    *procs = (struct tw_procs){0};
    DIR *dir = opendir(root);
    if (!dir)
        return tw_fail_errno(e, "cannot open %s", root);
    const int result = read_all(procs, dir, root, e);
    closedir(dir);
    if (result != 0)
        tw_procs_free(procs);
    else if (procs->count) /* the kernel lists them sorted, but does not promise it */
        qsort(procs->items, procs->count, sizeof *procs->items, compare_pids);
    return result;
}

void tw_procs_free(struct tw_procs *procs)
{
    free(procs->items);
    *procs = (struct tw_procs){0};
}

const struct tw_proc *tw_procs_find(const struct tw_procs *procs, pid_t pid)
{
    const struct tw_proc key = {.pid = pid};
    return procs->count
               ? bsearch(&key, procs->items, procs->count, sizeof *procs->items, compare_pids)
               : NULL;
}

/* What follows "\nNAME:\t" in a status text; NULL if there is none. The last such line counts: the
 * first holds comm, where a process could write one. */
static const char *status_line(const char *text, const char *mark)
{
    const char *line = NULL;
    for (const char *p = text; (p = strstr(p, mark)); p++)
        line = p;
    return line ? line + strlen(mark) : NULL;
}

/* "real\teffective\t..." */
static int take_effective(const char *line, const char *end, uint64_t *id)
{
    uint64_t real;
    return take_number(&line, end, &real) && *line++ == '\t' && take_number(&line, end, id) &&
                   *line == '\t' && *id <= UINT32_MAX
               ? 0
               : -1;
}

int tw_proc_uid(const char *root, pid_t pid, uid_t *uid)
{
    char text[STATUS_TEXT + 1];
    const ssize_t length = read_of_pid(root, pid, "status", text, sizeof text - 1);
    if (length < 0)
        return -1;
    text[length] = '\0';
    uint64_t effective;
    const char *const line = status_line(text, "\nUid:\t");
    if (!line || take_effective(line, text + length, &effective) != 0) {
        errno = length ? EBADMSG : ESRCH;
        return -1;
    }
    *uid = (uid_t)effective;
    return 0;
}

int tw_proc_groups(const char *root, pid_t pid, gid_t *groups, size_t max, size_t *count)
{
    char text[STATUS_TEXT + 1];
    const ssize_t length = read_of_pid(root, pid, "status", text, sizeof text - 1);
    if (length < 0)
        return -1;
    text[length] = '\0';
    const char *const end = text + length, *const line = status_line(text, "\nGid:\t");
    uint64_t id;
    if (max == 0 || !line || take_effective(line, end, &id) != 0) {
        errno = length ? EBADMSG : ESRCH;
        return -1;
    }
    groups[0] = (gid_t)id;
    *count = 1;
    /* A number at the very end may be cut. */
    const char *at = status_line(text, "\nGroups:\t");
    while (at && *count < max && take_number(&at, end, &id) && at < end && id <= UINT32_MAX) {
        groups[(*count)++] = (gid_t)id;
        at += *at == ' ';
    }
    return 0;
}

int tw_proc_argv0(const char *root, pid_t pid, char *name, size_t size)
{
    char text[CMDLINE_TEXT + 1];
    const ssize_t length = read_of_pid(root, pid, "cmdline", text, CMDLINE_TEXT);
    if (length < 0)
        return -1;
    text[length] = '\0';
    char *const title = strstr(text, ": ");
    if (title)
        *title = '\0';
    const char *const slash = strrchr(text, '/');
    const char *base = slash ? slash + 1 : text;
    base += *base == '-';
    const size_t base_length = strlen(base);
    /* Empty for kernel threads and zombies; one that fills the buffer is cut and no name. */
    if (base_length == 0 || base_length >= size || base + base_length == text + CMDLINE_TEXT) {
        errno = base_length ? ENAMETOOLONG : ENOENT;
        return -1;
    }
    memcpy(name, base, base_length + 1);
    return 0;
}

int64_t tw_proc_age_s(const char *root, const struct tw_proc *proc)
{
    char path[PATH_MAX], text[64];
    const int n = snprintf(path, sizeof path, "%s/uptime", root);
    const long hertz = sysconf(_SC_CLK_TCK);
    if (n < 0 || (size_t)n >= sizeof path || hertz <= 0)
        return -1;
    const ssize_t length = read_once(AT_FDCWD, path, text, sizeof text);
    const char *at = text;
    uint64_t up_s;
    if (length <= 0 || !take_number(&at, text + length, &up_s) || at == text + length)
        return -1;
    /* Begun after "now": this is not the uptime of the same machine (a container's, say), but
     * within the second it is only the rounding. */
    const uint64_t start_s = proc->start_ticks / (uint64_t)hertz;
    if (start_s > up_s + 1 || up_s > INT64_MAX)
        return -1;
    return start_s > up_s ? 0 : (int64_t)(up_s - start_s);
}
