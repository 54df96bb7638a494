/* Kind `disk`: has a file system room left, for bytes and for files, will it have in some hours,
 * and can it be written to? It asks the file system (toaster/volume.h) and writes nothing.
 *
 * Aspects: the main one (the path is there, and the file system answers), space, inodes, writable
 * and, of kinds/outlook.h, full. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/units.h"
#include "kinds/kind.h"
#include "kinds/outlook.h"
#include "toaster/blame.h"
#include "toaster/volume.h"

enum {
    BLAME_MS = 3000, /* of the 5 s that a letter waits for its evidence */
    BLAME_MAX = 20,
    HOUR_S = 3600
};

struct settings {
    char *path;
    int64_t min_free, min_inodes, full_in;
    bool mounted, read_only;
    struct tw_strings blame;
};

static const struct tw_option options[] = {
    {"path", TW_OPT_PATH, offsetof(struct settings, path), .flags = TW_OPT_REQUIRED},
    {"mounted", TW_OPT_BOOL, offsetof(struct settings, mounted), .fallback = "no"},
    {"min_free", TW_OPT_SHARE, offsetof(struct settings, min_free), .fallback = "5%"},
    {"min_inodes", TW_OPT_SHARE, offsetof(struct settings, min_inodes), .fallback = "5%"},
    {"full_in", TW_OPT_DURATION, offsetof(struct settings, full_in), .fallback = "never",
     .min = HOUR_S, .max = 30L * 86400},
    {"read_only", TW_OPT_BOOL, offsetof(struct settings, read_only), .fallback = "no"},
    {"blame", TW_OPT_LIST, offsetof(struct settings, blame)},
    {NULL},
};

static int disk_validate(const void *settings, const char *title, struct tw_error *e)
{
    const struct settings *s = settings;
    (void)title;
    if (s->blame.count > BLAME_MAX)
        return tw_fail(e, "blame: %zu directories are too many: write at most %d", s->blame.count,
                       BLAME_MAX);
    for (size_t i = 0; i < s->blame.count; i++)
        if (s->blame.items[i][0] != '/')
            return tw_fail(e,
                           "blame: \"%.200s\" is not a full path: write one that begins with \"/\"",
                           s->blame.items[i]);
    return 0;
}

/* ---- what is there, in words -------------------------------------------------------------- */

static int percent(int64_t part, int64_t whole)
{
    return (int)(whole > INT64_MAX / 100 ? part / (whole / 100) : part * 100 / whole);
}

/* "9.1G of 94G free (9%)" */
static void say_space(struct tw_buf *out, const struct tw_volume *v)
{
    if (v->size == 0)
        tw_buf_puts(out, "no size told");
    else
        tw_buf_printf(out, "%s of %s free (%d%%)", tw_size_show(v->free).text,
                      tw_size_show(v->size).text, percent(v->free, v->size));
}

static void say_inodes(struct tw_buf *out, const struct tw_volume *v)
{
    if (v->inodes == 0)
        tw_buf_puts(out, "no inode count");
    else
        tw_buf_printf(out, "%s of %s inodes free (%d%%)", tw_count_show(v->inodes_free).text,
                      tw_count_show(v->inodes).text, percent(v->inodes_free, v->inodes));
}

/* ---- the main aspect ---------------------------------------------------------------------- */

static void not_there(const struct tw_run *run, const char *path, int why, const struct tw_error *e)
{
    struct stat link;
    if (why == ENOENT && lstat(path, &link) == 0 && S_ISLNK(link.st_mode))
        tw_report(run, TW_LEVEL_FAIL, "", "missing", "%s is a link that leads nowhere", path);
    else if (why == ENOENT || why == ENOTDIR)
        tw_report(run, TW_LEVEL_FAIL, "", "missing", "%s is not there", path);
    else
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", e->text);
}

/* False: what is said of the main aspect is all there is to say. */
static bool look(const struct tw_run *run, const struct settings *s, struct tw_volume *v)
{
    struct tw_error e;
    if (tw_volume_read(s->path, v, &e) != 0) {
        not_there(run, s->path, errno, &e);
        return false;
    }
    if (s->mounted && !v->tells_mount) {
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look",
                  "cannot tell whether %s is mounted: this kernel is older than 5.8", s->path);
        return false;
    }
    if (s->mounted && !v->mount_point) {
        tw_report(run, TW_LEVEL_FAIL, "", "not-mounted", "%s is not mounted: no mount point",
                  s->path);
        return false;
    }
    /* As of FUSE without an answer of its own, or /proc. */
    if (v->size == 0 && (s->min_free != TW_NEVER || s->full_in != TW_NEVER)) {
        tw_report(run, TW_LEVEL_UNKNOWN, "", "no-size",
                  "the file system of %s does not tell its size", s->path);
        return true;
    }
    struct tw_buf text = {0};
    say_space(&text, v);
    tw_buf_puts(&text, ", ");
    say_inodes(&text, v);
    tw_report(run, TW_LEVEL_OK, "", "ok", "%s", tw_buf_text(&text));
    tw_buf_free(&text);
    return true;
}

/* ---- space, inodes, writable -------------------------------------------------------------- */

static void report_amount(const struct tw_run *run, const char *aspect, int64_t left, int64_t total,
                          int64_t share, struct tw_buf *text)
{
    const struct settings *s = run->settings;
    const bool low = left < tw_share_of(share, total);
    if (low) {
        tw_buf_puts(text, ", limit ");
        tw_share_write(text, share);
    }
    tw_report(run, low ? TW_LEVEL_FAIL : TW_LEVEL_OK, aspect, low ? "low" : "ok", "%s%s%s",
              low ? s->path : "", low ? ": " : "", tw_buf_text(text));
    tw_buf_free(text);
}

static void check_space(const struct tw_run *run, const struct settings *s,
                        const struct tw_volume *v)
{
    struct tw_buf text = {0};
    if (s->min_free == TW_NEVER)
        return;
    if (v->size == 0) {
        tw_report(run, TW_LEVEL_NONE, "space", "no-size", "no size told");
        return;
    }
    say_space(&text, v);
    report_amount(run, "space", v->free, v->size, s->min_free, &text);
}

static void check_inodes(const struct tw_run *run, const struct settings *s,
                         const struct tw_volume *v)
{
    struct tw_buf text = {0};
    if (s->min_inodes == TW_NEVER)
        return;
    if (v->inodes == 0) {
        tw_report(run, TW_LEVEL_OK, "inodes", "ok", "no inode count");
        return;
    }
    say_inodes(&text, v);
    report_amount(run, "inodes", v->inodes_free, v->inodes, s->min_inodes, &text);
}

/* Since Linux 6.12 an ext4 that met an error under errors=remount-ro refuses to be written to
 * without having the flag for read-only; the table of mounts tells (emergency_ro and
 * shutdown, 6.15). */
static void check_writable(const struct tw_run *run, const struct settings *s,
                           const struct tw_volume *v)
{
    struct tw_mount mount = {0};
    struct tw_error e;
    if (s->read_only)
        return;
    const int found = v->read_only ? 0 : tw_mount_read(run->places->proc_root, v, &mount, &e);
    if (v->read_only)
        tw_report(run, TW_LEVEL_FAIL, "writable", "read-only",
                  "the file system of %s is mounted read-only", s->path);
    else if (found < 0)
        tw_report(run, TW_LEVEL_UNKNOWN, "writable", "cannot-look", "%s", e.text);
    else if (found && (tw_mount_has(&mount, "emergency_ro") || tw_mount_has(&mount, "shutdown")))
        tw_report(run, TW_LEVEL_FAIL, "writable", "read-only",
                  "the file system of %s has met an error and refuses to be written to", s->path);
    else
        tw_report(run, TW_LEVEL_OK, "writable", "ok", "mounted for writing");
    tw_mount_free(&mount);
}

/* ---- the run ------------------------------------------------------------------------------ */

static void disk_run(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    struct tw_volume v;
    if (look(run, s, &v)) {
        check_space(run, s, &v);
        check_inodes(run, s, &v);
        check_writable(run, s, &v);
        if (s->full_in != TW_NEVER && v.size == 0)
            tw_report(run, TW_LEVEL_NONE, "full", "no-size", "no size told");
        else if (s->full_in != TW_NEVER)
            tw_outlook_run(run, s->path, &v, s->full_in);
        return;
    }
    const struct {
        const char *aspect;
        bool wanted;
    } others[] = {{"space", s->min_free != TW_NEVER},
                  {"inodes", s->min_inodes != TW_NEVER},
                  {"writable", !s->read_only},
                  {"full", s->full_in != TW_NEVER}};
    for (size_t i = 0; i < TW_COUNT(others); i++)
        if (others[i].wanted)
            tw_report(run, TW_LEVEL_NONE, others[i].aspect, "not-looked", "no answer to judge by");
}

/* ---- letters ------------------------------------------------------------------------------ */

/* Nothing of the main aspect: who asks a file system that does not answer waits, too. */
static void disk_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    const struct settings *s = run->settings;
    struct tw_volume v;
    struct tw_mount mount;
    struct tw_error e;
    if (*aspect == '\0')
        return;
    if (tw_volume_read(s->path, &v, &e) != 0) {
        tw_buf_printf(out, "%s\n", e.text);
        return;
    }
    if (tw_mount_read(run->places->proc_root, &v, &mount, &e) > 0) {
        tw_buf_printf(out, "%s on %s type %s (%s)\n", mount.source, mount.point, mount.type,
                      mount.options);
        tw_mount_free(&mount);
    }
    say_space(out, &v);
    tw_buf_puts(out, ", ");
    say_inodes(out, &v);
    tw_buf_puts(out, "\n");
    bool inodes = strcmp(aspect, "inodes") == 0;
    if (strcmp(aspect, "full") == 0)
        inodes = tw_outlook_show(run, s->path, &v, s->full_in, out);
    if (s->blame.count && strcmp(aspect, "writable") != 0)
        tw_blame(&(struct tw_blame){.roots = &s->blame,
                                    .since_s = run->now_s - 86400,
                                    .inodes = inodes,
                                    .time_ms = BLAME_MS},
                 out);
}

static void disk_advice(const struct tw_run *run, const char *aspect, const char *code,
                        struct tw_buf *out)
{
    const struct settings *s = run->settings;
    const char *path = s->path;
    if (strcmp(code, "missing") == 0)
        tw_buf_printf(out, "ls -ld %s", path);
    else if (strcmp(code, "not-mounted") == 0)
        tw_buf_printf(out, "mount %s; dmesg | tail", path);
    else if (strcmp(code, "read-only") == 0)
        tw_buf_printf(out,
                      "dmesg | tail says why; then fsck, or mount -o remount,rw "
                      "\"$(findmnt -no TARGET -T %s)\"",
                      path);
    else if (strcmp(aspect, "inodes") == 0 || strcmp(code, "filling-inodes") == 0 ||
             strcmp(code, "full-inodes") == 0)
        tw_buf_printf(out, "df -i %s; du -x --inodes %s | sort -n | tail", path, path);
    else if (strcmp(aspect, "space") == 0 || strcmp(aspect, "full") == 0)
        tw_buf_printf(out, "df -h %s; du -xh %s | sort -h | tail", path, path);
    else
        tw_buf_puts(out, "dmesg | tail; cat /proc/mounts");
}

const struct tw_kind tw_kind_disk = {
    .name = "disk",
    .options = options,
    .settings_size = sizeof(struct settings),
    .validate = disk_validate,
    .run = disk_run,
    .evidence = disk_evidence,
    .advice = disk_advice,
};
