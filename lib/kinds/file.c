/* Kind `file`: is it there, how large, how old, who may do what with it. Only looks at the inode:
 * nothing is opened, so a fifo, a device or another user's file in its place is harmless. What
 * `compress` does is in compress.c.
 *
 * Aspects: the main one (it is there and a regular file), size, mode, age, compress. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/units.h"
#include "kinds/compress.h"

struct settings {
    char *path;
    int64_t max_size, mode, max_age, keep;
    bool not_empty, compress;
};

static const struct tw_option options[] = {
    {"path", TW_OPT_PATH, offsetof(struct settings, path), .flags = TW_OPT_REQUIRED},
    {"max_size", TW_OPT_SIZE, offsetof(struct settings, max_size), .fallback = "never"},
    {"not_empty", TW_OPT_BOOL, offsetof(struct settings, not_empty), .fallback = "no"},
    {"mode", TW_OPT_MODE, offsetof(struct settings, mode), .fallback = "never"},
    {"max_age", TW_OPT_DURATION, offsetof(struct settings, max_age), .fallback = "never"},
    {"compress", TW_OPT_BOOL, offsetof(struct settings, compress), .fallback = "no"},
    {"keep", TW_OPT_INT, offsetof(struct settings, keep), .fallback = "10", .min = 1, .max = 1000},
    {NULL},
};

static int validate(const void *settings, const char *title, struct tw_error *e)
{
    const struct settings *s = settings;
    (void)title;
    if (!s->compress)
        return 0;
    if (s->max_size == TW_NEVER)
        return tw_fail(e, "compress needs a max_size: from then on the file is moved aside");
    const char *bad = s->path ? tw_compress_bad_path(s->path) : NULL;
    return bad ? tw_fail(e, "%s %s", s->path, bad) : 0;
}

static bool may_last(const void *settings)
{
    return ((const struct settings *)settings)->compress;
}

static const char *type_name(mode_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFDIR:
        return "a directory";
    case S_IFIFO:
        return "a fifo";
    case S_IFSOCK:
        return "a socket";
    case S_IFCHR:
    case S_IFBLK:
        return "a device";
    case S_IFLNK:
        return "a symbolic link";
    default:
        return "something else";
    }
}

static void say_no_file(const struct tw_run *run, const struct settings *s, const struct stat *st)
{
    tw_report(run, TW_LEVEL_FAIL, "", "no-file", "%s is %s, not a file", s->path,
              type_name(st->st_mode));
}

/* The configured path may be a link that root made (/etc/aliases -> ...): what counts is where it
 * leads, and looking changes nothing there. */
static bool look(const struct tw_run *run, const struct settings *s, struct stat *st)
{
    if (stat(s->path, st) == 0) {
        if (S_ISREG(st->st_mode))
            return true;
        say_no_file(run, s, st);
        return false;
    }
    const int why = errno;
    struct stat link;
    if (why == ENOENT && lstat(s->path, &link) == 0)
        tw_report(run, TW_LEVEL_FAIL, "", "missing", "%s is a link that leads nowhere", s->path);
    else if (why == ENOENT || why == ENOTDIR)
        tw_report(run, TW_LEVEL_FAIL, "", "missing", "%s is not there", s->path);
    else
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "cannot look at %s: %s", s->path,
                  strerrordesc_np(why));
    return false;
}

/* The same where the file is to be moved and compressed: not through a link. 0 or errno; EISDIR for
 * all that is no file. */
static int look_closely(const struct tw_run *run, const struct settings *s, struct tw_compress *c,
                        struct stat *st)
{
    struct tw_error e;
    struct tw_buf text = {0};
    const int why = tw_compress_begin(c, run, s->path, s->keep, st, &e);
    if (why == 0 && S_ISREG(st->st_mode))
        return 0;
    if (why == 0)
        say_no_file(run, s, st);
    else if (why == ENOENT && c->dir >= 0 && tw_compress_missing(c, &text))
        tw_report(run, TW_LEVEL_OK, "", "ok", "%s", tw_buf_text(&text));
    else if (why == ENOENT || why == ENOTDIR)
        tw_report(run, TW_LEVEL_FAIL, "", "missing", "%s is not there", s->path);
    else
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", e.text);
    tw_buf_free(&text);
    return why ? why : EISDIR;
}

/* c: NULL unless `compress`. */
static void check_size(const struct tw_run *run, const struct settings *s, const struct stat *st,
                       struct tw_compress *c)
{
    if (s->max_size == TW_NEVER && !s->not_empty)
        return;
    const struct tw_unit_text size = tw_size_show(st->st_size);
    const bool large = s->max_size != TW_NEVER && st->st_size > s->max_size;
    struct tw_buf text = {0};
    if (s->not_empty && st->st_size == 0 && !(c && tw_compress_is_new(c)))
        tw_report(run, TW_LEVEL_FAIL, "size", "empty", "%s is empty", s->path);
    else if (large && c && tw_compress_move(c, st, &text))
        tw_report(run, TW_LEVEL_OK, "size", "ok", "%s", tw_buf_text(&text));
    else if (large && st->st_size - s->max_size <= s->max_size / 10)
        /* Rounded, the two would look the same. */
        tw_report(run, TW_LEVEL_FAIL, "size", "too-large",
                  "%s is too large: %" PRId64 " bytes, limit %" PRId64, s->path,
                  (int64_t)st->st_size, s->max_size);
    else if (large)
        tw_report(run, TW_LEVEL_FAIL, "size", "too-large", "%s is too large: %s, limit %s", s->path,
                  size.text, tw_size_show(s->max_size).text);
    else
        tw_report(run, TW_LEVEL_OK, "size", "ok", "%s", size.text);
    tw_buf_free(&text);
}

static void check_mode(const struct tw_run *run, const struct settings *s, const struct stat *st)
{
    if (s->mode == TW_NEVER)
        return;
    const mode_t has = st->st_mode & 07777;
    const mode_t over = has & ~(mode_t)s->mode;
    if (over)
        tw_report(run, TW_LEVEL_FAIL, "mode", "too-open", "%s has mode %04o, allowed is %04o",
                  s->path, has, (mode_t)s->mode);
    else
        tw_report(run, TW_LEVEL_OK, "mode", "ok", "mode %04o", has);
}

static void check_age(const struct tw_run *run, const struct settings *s, const struct stat *st)
{
    if (s->max_age == TW_NEVER)
        return;
    int64_t age_s;
    if (__builtin_sub_overflow(run->now_s, (int64_t)st->st_mtim.tv_sec, &age_s))
        age_s =
            st->st_mtim.tv_sec < 0 ? INT64_MAX : 0; /* whoever may touch it may write any time */
    if (age_s > s->max_age)
        tw_report(run, TW_LEVEL_FAIL, "age", "too-old", "%s was last written %s ago, limit %s",
                  s->path, tw_duration_show(age_s).text, tw_duration_show(s->max_age).text);
    else
        tw_report(run, TW_LEVEL_OK, "age", "ok", "written %s ago",
                  tw_duration_show(age_s > 0 ? age_s : 0).text);
}

static void say_nothing_of_the_rest(const struct tw_run *run, const struct settings *s)
{
    const struct {
        const char *aspect;
        bool wanted;
    } others[] = {{"size", s->max_size != TW_NEVER || s->not_empty},
                  {"mode", s->mode != TW_NEVER},
                  {"age", s->max_age != TW_NEVER}};
    for (size_t i = 0; i < TW_COUNT(others); i++)
        if (others[i].wanted)
            tw_report(run, TW_LEVEL_NONE, others[i].aspect, "not-looked", "no file to look at");
}

static void check_file(const struct tw_run *run, const struct settings *s, const struct stat *st,
                       struct tw_compress *c)
{
    tw_report(run, TW_LEVEL_OK, "", "ok", "%s", tw_size_show(st->st_size).text);
    check_size(run, s, st, c);
    check_mode(run, s, st);
    check_age(run, s, st);
}

static void run_and_compress(const struct tw_run *run, const struct settings *s)
{
    struct tw_compress c;
    struct stat st;
    const int why = look_closely(run, s, &c, &st);
    if (why == 0)
        check_file(run, s, &st, &c);
    else
        say_nothing_of_the_rest(run, s);
    if (c.dir >= 0 && (why == 0 || why == ENOENT))
        tw_compress_pieces(&c);
    else
        tw_report(run, TW_LEVEL_NONE, "compress", "not-looked", "no file to look at");
    tw_compress_end(&c);
}

static void file_run(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    struct stat st;
    if (s->compress)
        run_and_compress(run, s);
    else if (look(run, s, &st))
        check_file(run, s, &st, NULL);
    else
        say_nothing_of_the_rest(run, s);
}

static void file_advice(const struct tw_run *run, const char *aspect, const char *code,
                        struct tw_buf *out)
{
    const struct settings *s = run->settings;
    if (strcmp(aspect, "mode") == 0)
        tw_buf_printf(out, "chmod %04" PRIo64 " %s", (uint64_t)s->mode, s->path);
    else if (strcmp(aspect, "compress") == 0)
        tw_compress_advice(s->path, code, out);
    else if (strcmp(code, "missing") == 0)
        tw_buf_printf(out, "ls -ld %s", s->path);
    else if (strcmp(code, "too-large") == 0)
        tw_buf_printf(out, "ls -l %s; fuser -v %s shows who writes it", s->path, s->path);
    else
        tw_buf_printf(out, "ls -l %s", s->path);
}

const struct tw_kind tw_kind_file = {
    .name = "file",
    .options = options,
    .settings_size = sizeof(struct settings),
    .validate = validate,
    .may_last = may_last,
    .run = file_run,
    .advice = file_advice,
};
