/* A walk that may be watched by whom it blames. Each name is asked for and opened relative to the
 * directory it was read from, never through a link; what counts is what the descriptor says. A
 * directory that goes away or turns into something else meanwhile is passed over: the walk can be
 * misled about sizes, not about places. */
#include "toaster/blame.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/owner.h"
#include "base/units.h"

enum {
    LISTED_LEVELS = 3, /* below a root */
    LEVELS_MAX = 60,   /* directories open at once, of 256 descriptors that a worker may have */
    FOUND_MAX = 10,
    BLOCK = 512 /* what st_blocks counts, stat(2) */
};

struct found {
    char *path;
    int64_t written, total;
};

/* A directory that is being walked; its sums are of what was seen below it. */
struct level {
    DIR *dir;
    char *name; /* NULL where it is too deep to be listed */
    int64_t written, total;
    int64_t heaviest; /* written, of its own directories that can be listed */
};

struct walk {
    const struct tw_blame *what;
    const char *root;
    dev_t device;
    int64_t end_ms; /* of the monotonic clock */
    struct level levels[LEVELS_MAX];
    size_t depth; /* of levels in use */
    struct found found[FOUND_MAX];
    size_t found_count;
    bool out_of_time, too_deep;
    size_t unreadable;
};

/* ---- the list ----------------------------------------------------------------------------- */

static char *path_here(const struct walk *w)
{
    struct tw_buf path = {0};
    size_t length = strlen(w->root);
    while (length && w->root[length - 1] == '/')
        length--;
    tw_buf_add(&path, w->root, length);
    for (size_t i = 1; i < w->depth; i++)
        tw_buf_printf(&path, "/%s", w->levels[i].name);
    tw_buf_puts(&path, path.len ? "" : "/");
    return tw_buf_take(&path);
}

/* Keeps the list sorted; what falls off its end is let go. */
static void offer(struct walk *w, const struct level *level)
{
    size_t at = w->found_count;
    while (at > 0 && w->found[at - 1].written < level->written)
        at--;
    if (at == FOUND_MAX)
        return;
    if (w->found_count == FOUND_MAX)
        free(w->found[--w->found_count].path);
    memmove(w->found + at + 1, w->found + at, (w->found_count - at) * sizeof w->found[0]);
    w->found[at] = (struct found){path_here(w), level->written, level->total};
    w->found_count++;
}

/* ---- the walk ----------------------------------------------------------------------------- */

static void add(int64_t *sum, int64_t more)
{
    if (__builtin_add_overflow(*sum, more, sum))
        *sum = INT64_MAX;
}

/* A file of several names has its share at each of them. */
static void count(const struct walk *w, struct level *level, const struct stat *st)
{
    int64_t weight = 1;
    const int64_t names = !S_ISDIR(st->st_mode) && st->st_nlink > 1 ? (int64_t)st->st_nlink : 1;
    if (!w->what->inodes && __builtin_mul_overflow((int64_t)st->st_blocks, BLOCK, &weight))
        weight = INT64_MAX;
    add(&level->total, weight / names);
    if (st->st_ctim.tv_sec >= w->what->since_s)
        add(&level->written, weight / names);
}

static bool is_gone(int why)
{
    return why == ENOENT || why == ENOTDIR || why == ELOOP;
}

/* Takes a directory that is open; its descriptor is ours, come what may. */
static void enter(struct walk *w, int fd, const char *name)
{
    struct stat st;
    DIR *dir = fstat(fd, &st) == 0 && st.st_dev == w->device ? fdopendir(fd) : NULL;
    if (!dir) {
        close(fd);
        return;
    }
    struct level *level = &w->levels[w->depth];
    *level = (struct level){.dir = dir};
    if (w->depth <= LISTED_LEVELS)
        level->name = tw_strdup(name);
    w->depth++;
    count(w, level, &st);
}

static void leave(struct walk *w)
{
    struct level *level = &w->levels[w->depth - 1];
    struct level *above = w->depth > 1 ? level - 1 : NULL;
    const int64_t tenth = level->written / 10 + (level->written % 10 != 0);
    const bool one_has_it = level->written - level->heaviest < tenth;
    if (level->name && level->written > 0 && !one_has_it)
        offer(w, level);
    if (above) {
        add(&above->written, level->written);
        add(&above->total, level->total);
        if (level->name && level->written > above->heaviest)
            above->heaviest = level->written;
    }
    closedir(level->dir);
    free(level->name);
    w->depth--;
}

static void look_at(struct walk *w, const char *name)
{
    struct level *level = &w->levels[w->depth - 1];
    struct stat st;
    if (fstatat(dirfd(level->dir), name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
        w->unreadable += !is_gone(errno);
        return;
    }
    if (st.st_dev != w->device)
        return;
    if (!S_ISDIR(st.st_mode)) {
        count(w, level, &st);
        return;
    }
    if (w->depth == LEVELS_MAX) {
        w->too_deep = true;
        return;
    }
    const int fd = openat(dirfd(level->dir), name,
                          O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        w->unreadable += !is_gone(errno);
    else
        enter(w, fd, name);
}

static void walk(struct walk *w)
{
    while (w->depth) {
        errno = 0;
        const struct dirent *entry = readdir(w->levels[w->depth - 1].dir);
        if (tw_clock_ms() >= w->end_ms)
            w->out_of_time = true;
        if (!entry && errno)
            w->unreadable++;
        if (!entry || w->out_of_time)
            leave(w);
        else if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            look_at(w, entry->d_name);
    }
}

/* tw_dir_open gives a descriptor that cannot be read. */
static int open_root(const char *path, struct stat *st, struct tw_error *e)
{
    const int place = tw_dir_open(path, st, e);
    if (place < 0)
        return -1;
    const int fd = openat(place, ".", O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        tw_fail_errno(e, "cannot read %s", path);
    close(place);
    return fd;
}

static void escaped(struct tw_buf *out, const char *text)
{
    tw_escape(out, text, strlen(text), TW_ESCAPE_LINE, 0);
}

static void report(const struct walk *w, struct tw_buf *out)
{
    for (size_t i = 0; i < w->found_count; i++) {
        const struct found *f = &w->found[i];
        escaped(out, f->path);
        if (w->what->inodes)
            tw_buf_printf(out, "  %" PRId64 " of %" PRId64 " inodes", f->written, f->total);
        else
            tw_buf_printf(out, "  %s of %s", tw_size_show(f->written).text,
                          tw_size_show(f->total).text);
        tw_buf_puts(out, " written in the last day\n");
    }
    if (w->found_count == 0)
        tw_buf_puts(out, "nothing written in the last day was found\n");
    if (w->out_of_time)
        tw_buf_puts(out, "incomplete: time was up\n");
    if (w->too_deep)
        tw_buf_printf(out, "incomplete: deeper than %d directories was not looked\n", LEVELS_MAX);
    if (w->unreadable)
        tw_buf_printf(out, "incomplete: %zu could not be read\n", w->unreadable);
}

void tw_blame(const struct tw_blame *blame, struct tw_buf *out)
{
    struct walk *w = tw_alloc(sizeof *w);
    w->what = blame;
    const int64_t end_ms = tw_clock_ms() + blame->time_ms;
    bool out_of_time = false;
    for (size_t i = 0; i < blame->roots->count; i++) {
        struct stat st;
        struct tw_error e;
        const int64_t now_ms = tw_clock_ms();
        w->root = blame->roots->items[i];
        const int fd = open_root(w->root, &st, &e);
        if (fd < 0) {
            escaped(out, e.text);
            tw_buf_puts(out, "\n");
            continue;
        }
        w->device = st.st_dev;
        w->end_ms = now_ms + (end_ms - now_ms) / (int64_t)(blame->roots->count - i);
        w->out_of_time = false;
        enter(w, fd, "");
        walk(w);
        out_of_time |= w->out_of_time;
    }
    w->out_of_time = out_of_time;
    report(w, out);
    for (size_t i = 0; i < w->found_count; i++)
        free(w->found[i].path);
    free(w);
}
