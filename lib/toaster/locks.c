/* /proc/locks. Knows its lines and how to tell which file they mean; knows nothing of who locks
 * what for which reason. The text is filtered for the inode's number as it is read, so that
 * thousands of other locks cost no parsing. Format: proc_locks(5), lock_get_status in fs/locks.c.
 */
#include "toaster/locks.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    LINE_MAX_BYTES = 512, /* the longest is far shorter */
    CHUNK = 65536,
    TEXT_MAX = 64 << 20, /* a million locks */
    CANDIDATES_MAX = 32,
    OPEN_MAX = 65536 /* descriptors of one process looked at */
};

/* ---- one line: "12: -> FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF" ----------------------- */

struct word {
    const char *at;
    size_t length;
};

static struct word next_word(const char **at, const char *end)
{
    while (*at < end && **at == ' ')
        ++*at;
    struct word word = {*at, 0};
    while (*at < end && **at != ' ')
        ++*at;
    word.length = (size_t)(*at - word.at);
    return word;
}

static bool is(struct word word, const char *text)
{
    return word.length == strlen(text) && memcmp(word.at, text, word.length) == 0;
}

/* "-1" (a lock of an open file, not of a process) and "0" are nobody we can see. */
static int parse_pid(struct word word, pid_t *pid)
{
    int64_t number = 0;
    if (is(word, "-1")) {
        *pid = 0;
        return 0;
    }
    if (word.length == 0 || word.length > 10)
        return -1;
    for (size_t i = 0; i < word.length; i++) {
        if (word.at[i] < '0' || word.at[i] > '9')
            return -1;
        number = number * 10 + (word.at[i] - '0');
    }
    if (number > INT32_MAX)
        return -1;
    *pid = (pid_t)number;
    return 0;
}

/* "08:01:131"; "<none>:0" has no file. */
static int parse_file(struct word word, struct tw_lock *lock)
{
    char text[48];
    int used = 0;
    if (word.length >= sizeof text)
        return -1;
    memcpy(text, word.at, word.length);
    text[word.length] = '\0';
    if (strspn(text, "0123456789abcdef:") != word.length ||
        sscanf(text, "%8x:%8x:%20" SCNu64 "%n", &lock->major, &lock->minor, &lock->inode, &used) !=
            3 ||
        (size_t)used != word.length)
        return -1;
    return 0;
}

int tw_lock_parse(const char *line, size_t length, struct tw_lock *lock)
{
    const char *at = line, *const end = line + length;
    struct tw_lock l = {0};
    const struct word number = next_word(&at, end);
    if (number.length < 2 || number.at[number.length - 1] != ':')
        return -1;
    struct word type = next_word(&at, end);
    l.waiting = is(type, "->");
    if (l.waiting)
        type = next_word(&at, end);
    next_word(&at, end); /* ADVISORY */
    const struct word access = next_word(&at, end);
    l.exclusive =
        (is(type, "FLOCK") || is(type, "POSIX") || is(type, "OFDLCK")) && is(access, "WRITE");
    if (parse_pid(next_word(&at, end), &l.pid) != 0 || parse_file(next_word(&at, end), &l) != 0)
        return -1;
    *lock = l;
    return 0;
}

/* ---- the process that has the file open --------------------------------------------------- */

/* 1 yes, 0 no (or it is gone), -1 cannot tell. A descriptor on a file system that does not answer
 * must not hold us up: what the kernel already knows of the inode is enough. */
static int has_open(const char *root, pid_t pid, const struct stat *file)
{
    if (pid <= 0)
        return -1;
    char *path = tw_format("%s/%d/fd", root, (int)pid);
    DIR *dir = opendir(path);
    free(path);
    if (!dir)
        return errno == ENOENT || errno == ESRCH ? 0 : -1;
    int found = 0;
    size_t seen = 0;
    for (const struct dirent *entry; !found && (entry = readdir(dir)) && seen < OPEN_MAX; seen++) {
        struct statx st;
        if (entry->d_name[0] == '.' ||
            statx(dirfd(dir), entry->d_name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &st) != 0)
            continue;
        found = st.stx_ino == file->st_ino &&
                makedev(st.stx_dev_major, st.stx_dev_minor) == file->st_dev;
    }
    closedir(dir);
    return found || seen < OPEN_MAX ? found : -1;
}

/* ---- the whole text ----------------------------------------------------------------------- */

struct search {
    const struct stat *file;
    char mark[24]; /* ":INODE " */
    size_t mark_length;
    pid_t holder;
    bool held;
    pid_t maybe[CANDIDATES_MAX]; /* the inode fits, the device does not */
    size_t maybe_count;          /* may be more than fit in */
};

static void take_line(struct search *s, const char *line, size_t length)
{
    struct tw_lock lock;
    if (tw_lock_parse(line, length, &lock) != 0 || lock.waiting || !lock.exclusive ||
        lock.inode != s->file->st_ino)
        return;
    if (lock.major == major(s->file->st_dev) && lock.minor == minor(s->file->st_dev)) {
        s->held = true;
        s->holder = lock.pid;
    } else {
        if (s->maybe_count < CANDIDATES_MAX)
            s->maybe[s->maybe_count] = lock.pid;
        s->maybe_count++;
    }
}

/* Whole lines. */
static void filter(struct search *s, const char *text, size_t length)
{
    const char *at = text, *const end = text + length;
    while (!s->held && at < end) {
        const char *const hit = memmem(at, (size_t)(end - at), s->mark, s->mark_length);
        if (!hit)
            return;
        const char *const before = memrchr(text, '\n', (size_t)(hit - text));
        const char *const line = before ? before + 1 : text;
        const char *const newline = memchr(hit, '\n', (size_t)(end - hit));
        const char *const stop = newline ? newline : end;
        take_line(s, line, (size_t)(stop - line));
        at = stop;
    }
}

static int read_text(struct search *s, int fd, const char *path, struct tw_error *e)
{
    char *const text = tw_alloc(CHUNK);
    size_t length = 0, total = 0;
    int result = 0;
    while (!s->held) {
        const ssize_t got = read(fd, text + length, CHUNK - length);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            result = tw_fail_errno(e, "cannot read %s", path);
        if (got <= 0)
            break;
        length += (size_t)got;
        total += (size_t)got;
        const char *const newline = memrchr(text, '\n', length);
        const size_t whole = newline ? (size_t)(newline + 1 - text) : 0;
        filter(s, text, whole);
        length -= whole;
        memmove(text, text + whole, length);
        if (length > LINE_MAX_BYTES || total > TEXT_MAX) {
            result = tw_fail(e, "cannot read %s: no such text as expected", path);
            break;
        }
    }
    free(text);
    return result;
}

static int confirm(const struct search *s, const char *root, pid_t *pid, struct tw_error *e)
{
    bool doubt = s->maybe_count > CANDIDATES_MAX;
    for (size_t i = 0; i < s->maybe_count && i < CANDIDATES_MAX; i++) {
        const int open = has_open(root, s->maybe[i], s->file);
        if (open == 1) {
            *pid = s->maybe[i];
            return 1;
        }
        doubt = doubt || open < 0;
    }
    return doubt ? tw_fail(e,
                           "cannot tell from %s/locks who holds the lock: the device it shows is "
                           "another, and the process cannot be looked at",
                           root)
                 : 0;
}

int tw_lock_holder(const char *root, const struct stat *file, pid_t *pid, struct tw_error *e)
{
    struct search s = {.file = file};
    s.mark_length = (size_t)snprintf(s.mark, sizeof s.mark, ":%ju ", (uintmax_t)file->st_ino);
    char *path = tw_format("%s/locks", root);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    int result = fd < 0 ? tw_fail_errno(e, "cannot open %s", path) : read_text(&s, fd, path, e);
    if (fd >= 0)
        close(fd);
    free(path);
    if (result == 0 && s.held)
        *pid = s.holder;
    if (result == 0)
        result = s.held ? 1 : confirm(&s, root, pid, e);
    return result;
}
