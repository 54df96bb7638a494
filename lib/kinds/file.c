/* Kind `file`: is it there, how large, how old, who may do what with it. Only looks at the inode:
 * nothing is opened, so a fifo, a device or another user's file in its place is harmless.
 *
 * Aspects: the main one (it is there and a regular file), size, mode, age. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/units.h"
#include "kinds/kind.h"

struct settings {
    char *path;
    int64_t max_size, mode, max_age;
    bool not_empty;
};

static const struct tw_option options[] = {
    {"path", TW_OPT_PATH, offsetof(struct settings, path), .flags = TW_OPT_REQUIRED},
    {"max_size", TW_OPT_SIZE, offsetof(struct settings, max_size), .fallback = "never"},
    {"not_empty", TW_OPT_BOOL, offsetof(struct settings, not_empty), .fallback = "no"},
    {"mode", TW_OPT_MODE, offsetof(struct settings, mode), .fallback = "never"},
    {"max_age", TW_OPT_DURATION, offsetof(struct settings, max_age), .fallback = "never"},
    {NULL},
};

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

/* The configured path may be a link that root made (/etc/aliases -> ...): what counts is where it
 * leads, and looking changes nothing there. */
static bool look(const struct tw_run *run, const struct settings *s, struct stat *st)
{
    if (stat(s->path, st) == 0) {
        if (S_ISREG(st->st_mode))
            return true;
        tw_report(run, TW_LEVEL_FAIL, "", "no-file", "%s is %s, not a file", s->path,
                  type_name(st->st_mode));
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

static void check_size(const struct tw_run *run, const struct settings *s, const struct stat *st)
{
    if (s->max_size == TW_NEVER && !s->not_empty)
        return;
    const struct tw_unit_text size = tw_size_show(st->st_size);
    if (s->not_empty && st->st_size == 0)
        tw_report(run, TW_LEVEL_FAIL, "size", "empty", "%s is empty", s->path);
    else if (s->max_size != TW_NEVER && st->st_size > s->max_size &&
             st->st_size - s->max_size <= s->max_size / 10)
        /* Rounded, the two would look the same. */
        tw_report(run, TW_LEVEL_FAIL, "size", "too-large",
                  "%s is too large: %" PRId64 " bytes, limit %" PRId64, s->path,
                  (int64_t)st->st_size, s->max_size);
    else if (s->max_size != TW_NEVER && st->st_size > s->max_size)
        tw_report(run, TW_LEVEL_FAIL, "size", "too-large", "%s is too large: %s, limit %s", s->path,
                  size.text, tw_size_show(s->max_size).text);
    else
        tw_report(run, TW_LEVEL_OK, "size", "ok", "%s", size.text);
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

static void file_run(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    struct stat st;
    if (!look(run, s, &st)) {
        const struct {
            const char *aspect;
            bool wanted;
        } others[] = {{"size", s->max_size != TW_NEVER || s->not_empty},
                      {"mode", s->mode != TW_NEVER},
                      {"age", s->max_age != TW_NEVER}};
        for (size_t i = 0; i < TW_COUNT(others); i++)
            if (others[i].wanted)
                tw_report(run, TW_LEVEL_NONE, others[i].aspect, "not-looked", "no file to look at");
        return;
    }
    tw_report(run, TW_LEVEL_OK, "", "ok", "%s", tw_size_show(st.st_size).text);
    check_size(run, s, &st);
    check_mode(run, s, &st);
    check_age(run, s, &st);
}

static void file_advice(const struct tw_run *run, const char *aspect, const char *code,
                        struct tw_buf *out)
{
    const struct settings *s = run->settings;
    if (strcmp(aspect, "mode") == 0)
        tw_buf_printf(out, "chmod %04" PRIo64 " %s", (uint64_t)s->mode, s->path);
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
    .run = file_run,
    .advice = file_advice,
};
