/* The directories of multilog. Knows how to find the one a service logs to and how to read its
 * last lines; never writes there, never touches `lock`. The directory belongs to the log's user,
 * who may put anything into it: a link, a fifo, a line without end.
 * Sources: multilog(8), multilog.c of daemontools 0.76. */
#include "toaster/multilog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/owner.h"
#include "base/tai64n.h"
#include "toaster/logdir.h"

enum {
    SCRIPT_MAX = 65536, /* what is larger is no run script */
    WINDOW = 65536,     /* read at most, at the end of a log */
    LINE_SHOWN = 500,
    OUTPUT_MAX = 4 * WINDOW, /* two windows, their labels written longer */
    OWNER_TIMEOUT_MS = 5000
};

/* ---- finding the directory -------------------------------------------------------------- */

static bool is_dir(const char *root, const char *path)
{
    char *whole = tw_format("%s%s", root, path);
    struct stat st;
    const bool is = stat(whole, &st) == 0 && S_ISDIR(st.st_mode);
    free(whole);
    return is;
}

/* The next word of a line of sh at *at, in place and without its quotes; NULL at the end or at a
 * comment. No shell: what is expanded or redirected stays as written, which names no directory. */
static char *next_word(char **at)
{
    char *from = *at + strspn(*at, " \t");
    if (!*from || *from == '#')
        return NULL;
    char *const word = from, *to = from, quote = 0;
    for (; *from && (quote || !strchr(" \t", *from)); from++) {
        if (!quote && (*from == '\'' || *from == '"'))
            quote = *from;
        else if (quote && *from == quote)
            quote = '\0';
        else
            *to++ = *from;
    }
    *at = *from ? from + 1 : from;
    *to = '\0';
    return word;
}

/* The last argument after multilog that names a directory; NULL if the line has none. */
static char *dir_of_line(char *line, const char *root, const char *service)
{
    char *dir = NULL;
    bool after = false;
    for (const char *word; (word = next_word(&line));) {
        const char *const slash = strrchr(word, '/');
        if (!after) {
            after = strcmp(slash ? slash + 1 : word, "multilog") == 0;
            continue;
        }
        if (*word != '/' && *word != '.')
            continue;
        /* multilog runs in SERVICE/log, and "./main" reads better without the dot. */
        const char *const name = strncmp(word, "./", 2) == 0 ? word + 2 : word;
        char *path = *word == '/' ? tw_strdup(word) : tw_format("%s/log/%s", service, name);
        if (is_dir(root, path)) {
            free(dir);
            dir = path;
        } else {
            free(path);
        }
    }
    return dir;
}

char *tw_multilog_script_dir(const char *root, const char *service)
{
    char *path = tw_format("%s%s/log/run", root, service);
    char *real = realpath(path, NULL); /* root's own links are fine */
    char *text = NULL, *dir = NULL;
    size_t length;
    if (real && tw_file_read(AT_FDCWD, real, SCRIPT_MAX, &text, &length, NULL) == 0) {
        for (char *p = text; (p = strstr(p, "\\\n"));)
            p[0] = p[1] = ' ';
        char *rest = text;
        for (char *line; !dir && (line = strsep(&rest, "\n"));)
            dir = dir_of_line(line, root, service);
    }
    free(text);
    free(real);
    free(path);
    return dir;
}

char *tw_multilog_find(const char *service, const char *log_root, struct tw_error *e)
{
    char *dir = tw_multilog_script_dir("", service);
    if (dir)
        return dir;
    size_t length = strlen(service);
    while (length > 0 && service[length - 1] == '/')
        length--;
    const char *name = service + length;
    while (name > service && name[-1] != '/')
        name--;
    dir = tw_format("%s/%.*s", log_root, (int)(service + length - name), name);
    if (name < service + length && is_dir("", dir))
        return dir;
    char *const in_log_root = dir;
    dir = tw_format("%s/log/main", service);
    if (!is_dir("", dir)) {
        (void)tw_fail(e, "no log directory found: none in %s/log/run, no %s, no %s", service,
                      in_log_root, dir);
        free(dir);
        dir = NULL;
    }
    free(in_log_root);
    return dir;
}

/* ---- reading the end of it -------------------------------------------------------------- */

/* The end of one file. */
struct window {
    char *bytes; /* owned */
    size_t length;
    dev_t device;
    ino_t inode;
};

/* Reads the last WINDOW bytes of a regular file. Its first line, if cut, is left out, unless
 * there is no other. errno says why after a failure. */
static int read_window(int at, const char *dir, const char *name, struct window *w,
                       struct tw_error *e)
{
    struct stat st;
    const int fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s/%s", dir, name);
    int result = 0;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        errno = EINVAL;
        result = tw_fail(e, "cannot read %s/%s: not a regular file", dir, name);
    } else {
        const off_t start = st.st_size > WINDOW ? st.st_size - WINDOW : 0;
        *w = (struct window){tw_alloc(WINDOW), 0, st.st_dev, st.st_ino};
        ssize_t got = 1;
        while (got > 0 && w->length < WINDOW) {
            got = pread(fd, w->bytes + w->length, WINDOW - w->length, start + (off_t)w->length);
            if (got > 0)
                w->length += (size_t)got;
            else if (got < 0 && errno == EINTR)
                got = 1;
        }
        if (got < 0)
            result = tw_fail_errno(e, "cannot read %s/%s", dir, name);
        const char *const cut = start ? memchr(w->bytes, '\n', w->length) : NULL;
        if (cut && cut + 1 < w->bytes + w->length) {
            w->length -= (size_t)(cut + 1 - w->bytes);
            memmove(w->bytes, cut + 1, w->length);
        }
    }
    const int why = errno;
    close(fd);
    errno = why;
    return result;
}

/* Where the last `lines` lines begin; *found is how many there are, at most `lines`. */
static const char *last_lines(const struct window *w, size_t lines, size_t *found)
{
    const char *start = w->bytes + w->length;
    for (*found = 0; *found < lines && start > w->bytes; ++*found) {
        start--; /* over this line's newline, or its last byte if it has none */
        while (start > w->bytes && start[-1] != '\n')
            start--;
    }
    return start;
}

static void put_lines(const struct window *w, const char *start, struct tw_buf *out)
{
    const char *const end = w->bytes + w->length;
    while (start < end) {
        const char *const newline = memchr(start, '\n', (size_t)(end - start));
        const char *const stop = newline ? newline : end;
        const size_t length = (size_t)(stop - start);
        tw_tai64n_decode_line(out, start, length < LINE_SHOWN ? length : LINE_SHOWN);
        tw_buf_puts(out, "\n");
        start = newline ? newline + 1 : end;
    }
}

static int read_newest(int at, const char *dir, struct window *w, struct tw_error *e)
{
    struct tw_logdir list;
    if (tw_logdir_read(at, dir, "", INT64_MAX, &list, e) != 0)
        return -1;
    if (!list.newest[0])
        return tw_fail(e, "no log in %s: neither current nor a finished file", dir);
    return read_window(at, dir, list.newest, w, e);
}

/* Reads below the open directory `at`; `dir` is its name for a person.
 *
 * multilog may rename current at any moment and make a new one only a little later. If it is
 * missing, what it held is the newest finished file. If it was renamed after we opened it, the
 * newest finished file is the one we have, and must not be shown twice. */
static int tail_at(int at, const char *dir, size_t lines, struct tw_buf *out, struct tw_error *e)
{
    struct window current = {0}, finished = {0};
    size_t found;
    int result = read_window(at, dir, "current", &current, e);
    if (result != 0 && errno == ENOENT)
        result = read_newest(at, dir, &current, e);
    if (result == 0) {
        const char *const start = last_lines(&current, lines, &found);
        /* Only evidence: without the finished file there are fewer lines, no failure. */
        if (found < lines && read_newest(at, dir, &finished, NULL) == 0 &&
            (finished.inode != current.inode || finished.device != current.device))
            put_lines(&finished, last_lines(&finished, lines - found, &found), out);
        put_lines(&current, start, out);
    }
    free(finished.bytes);
    free(current.bytes);
    return result;
}

int tw_multilog_tail(const char *dir, size_t lines, struct tw_buf *out, struct tw_error *e)
{
    const int at = tw_dir_open(dir, NULL, e);
    if (at < 0)
        return -1;
    const int result = tail_at(at, dir, lines, out, e);
    close(at);
    return result;
}

struct tail {
    int at;
    const char *dir;
    size_t lines;
};

static int tail_work(void *context, int fd, struct tw_error *e)
{
    const struct tail *tail = context;
    struct tw_buf out = {0};
    int result = tail_at(tail->at, tail->dir, tail->lines, &out, e);
    if (result == 0 && tw_write_all(fd, tw_buf_text(&out), out.len) != 0)
        result = tw_fail_errno(e, "cannot pass on the end of %s", tail->dir);
    tw_buf_free(&out);
    return result;
}

/* The directory was opened by us, so that its owner needs no right to walk to it; what is in it is
 * opened with the owner's rights. */
int tw_multilog_tail_as_owner(const char *dir, size_t lines, struct tw_buf *out, struct tw_error *e)
{
    struct stat st;
    struct tail tail = {tw_dir_open(dir, &st, e), dir, lines};
    if (tail.at < 0)
        return -1;
    char *text;
    size_t length;
    const struct tw_priv_task task = {
        .work = tail_work, .context = &tail, .max = OUTPUT_MAX, .timeout_ms = OWNER_TIMEOUT_MS};
    const int result = tw_owner_run(&st, dir, &task, &text, &length, e);
    close(tail.at);
    if (result == 0)
        tw_buf_add(out, text, length);
    free(text);
    return result;
}
