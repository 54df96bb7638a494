/* Kind `multilog`, what it needs of the disk: may its user go on writing, and is there room? Knows
 * what multilog does at a rotation; knows nothing of whether it runs. */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/units.h"
#include "kinds/multilog_parts.h"

enum {
    NEED_MIN = 1 << 20, /* bytes that must be free */
    NEED_MAX = 32 << 20,
    INODES_MIN = 10
};

/* ---- who writes --------------------------------------------------------------------------- */

struct name {
    char text[40];
};

static struct name name_of(uid_t uid)
{
    struct name name;
    struct passwd entry, *found = NULL;
    char buffer[4096];
    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found &&
        strlen(found->pw_name) < sizeof name.text)
        (void)snprintf(name.text, sizeof name.text, "%s", found->pw_name);
    else
        (void)snprintf(name.text, sizeof name.text, "uid %ju", (uintmax_t)uid);
    return name;
}

/* The process that holds the lock; without one, whoever the directory was made for: current and
 * the directory belong to the log's user, unless root has made one of them by mistake. */
static struct tw_rights find_writer(const struct tw_run *run, const struct tw_multilog *look)
{
    struct tw_rights writer = {0};
    if (look->held == 1 && look->holder.pid > 0 &&
        tw_rights_of(run->places->proc_root, look->holder.pid, &writer) == 0)
        return writer;
    const struct stat *owned = &look->dir;
    if (look->current.why == 0 && (look->current.st.st_uid != 0 || look->dir.st_uid == 0))
        owned = &look->current.st;
    return (struct tw_rights){.uid = owned->st_uid, .groups = {owned->st_gid}, .group_count = 1};
}

/* ---- may it write ------------------------------------------------------------------------- */

/* The mode bits are mostly right. Where they say no, an access list may say yes. */
static int may(const struct tw_rights *writer, const struct tw_multilog *look,
               const struct stat *st, const char *name, int want, struct tw_error *e)
{
    if (tw_rights_allow(writer, st, want))
        return 1;
    return tw_rights_ask(writer, look->at, name, want, e);
}

struct demand {
    const struct tw_multilog *look;
    const struct tw_rights *writer;
    struct tw_buf fault;
    const char *code;
    bool unknown;
};

static void demand_right(struct demand *d, const struct stat *st, const char *file, int want,
                         const char *consequence)
{
    struct tw_error e;
    if (d->code)
        return;
    const char *const slash = strcmp(file, ".") == 0 ? "" : "/";
    const char *const name = *slash ? file : "";
    const int answer = may(d->writer, d->look, st, file, want, &e);
    if (answer == 1)
        return;
    d->code = answer == 0 ? "no-right" : "cannot-look";
    d->unknown = answer < 0;
    if (answer < 0) {
        tw_buf_puts(&d->fault, e.text);
        return;
    }
    const bool own = st->st_uid == d->writer->uid;
    tw_buf_printf(&d->fault, "%s may not write %s%s%s (of %s, mode %04o), so multilog %s: ",
                  name_of(d->writer->uid).text, d->look->path, slash, name,
                  name_of(st->st_uid).text, st->st_mode & 07777, consequence);
    if (own)
        tw_buf_printf(&d->fault, "chmod u+%s %s%s%s", want & X_OK ? "rwx" : "w", d->look->path,
                      slash, name);
    else
        tw_buf_printf(&d->fault, "chown %ju %s%s%s", (uintmax_t)d->writer->uid, d->look->path,
                      slash, name);
}

/* A rotation sets the mode of the old current (fullcurrent() in multilog.c), which only its owner
 * may, however many others may write it. */
static void demand_owner(struct demand *d, const struct stat *st)
{
    if (d->code || d->writer->uid == 0 || st->st_uid == d->writer->uid)
        return;
    d->code = "not-owner";
    tw_buf_printf(&d->fault,
                  "%s/current belongs to %s, but %s writes it, so multilog will stop at its next "
                  "rotation: chown %ju %s/current",
                  d->look->path, name_of(st->st_uid).text, name_of(d->writer->uid).text,
                  (uintmax_t)d->writer->uid, d->look->path);
}

void tw_multilog_writable(const struct tw_run *run, const struct tw_multilog *look,
                          struct tw_rights *writer)
{
    struct statvfs fs;
    struct demand d = {.look = look, .writer = writer};
    *writer = find_writer(run, look);
    if (fstatvfs(look->at, &fs) == 0 && fs.f_flag & ST_RDONLY) {
        tw_report(run, TW_LEVEL_FAIL, "writable", "read-only",
                  "the file system of %s is mounted read-only", look->path);
        return;
    }
    demand_right(&d, &look->dir, ".", W_OK | X_OK, "cannot rotate");
    if (look->current.why == 0 && S_ISREG(look->current.st.st_mode)) {
        demand_owner(&d, &look->current.st);
        demand_right(&d, &look->current.st, "current", W_OK, "will not start again");
    }
    if (look->lock.why == 0 && S_ISREG(look->lock.st.st_mode))
        demand_right(&d, &look->lock.st, "lock", W_OK, "will not start again");
    if (d.code)
        tw_report(run, d.unknown ? TW_LEVEL_UNKNOWN : TW_LEVEL_FAIL, "writable", d.code, "%s",
                  tw_buf_text(&d.fault));
    else
        tw_report(run, TW_LEVEL_OK, "writable", "ok", "%s may write", name_of(writer->uid).text);
    tw_buf_free(&d.fault);
}

/* ---- is there room ------------------------------------------------------------------------ */

/* multilog deletes its oldest file only after it has filled and finished another. */
static int64_t needed(const struct tw_multilog *look)
{
    int64_t largest = look->listed ? look->list.largest : 0;
    if (look->current.why == 0 && S_ISREG(look->current.st.st_mode) &&
        look->current.st.st_size > largest)
        largest = look->current.st.st_size;
    if (largest > NEED_MAX / 2)
        return NEED_MAX;
    return largest > NEED_MIN / 2 ? 2 * largest : NEED_MIN;
}

static int64_t times(uint64_t blocks, uint64_t size)
{
    uint64_t bytes;
    return __builtin_mul_overflow(blocks, size, &bytes) || bytes > INT64_MAX ? INT64_MAX
                                                                             : (int64_t)bytes;
}

void tw_multilog_space(const struct tw_run *run, const struct tw_multilog *look,
                       const struct tw_rights *writer)
{
    struct statvfs fs;
    if (fstatvfs(look->at, &fs) != 0) {
        tw_report(run, TW_LEVEL_UNKNOWN, "space", "cannot-look",
                  "cannot look at the file system of %s: %s", look->path, strerrordesc_np(errno));
        return;
    }
    if (fs.f_blocks == 0) {
        tw_report(run, TW_LEVEL_OK, "space", "ok", "the file system does not tell its size");
        return;
    }
    /* What is kept for root is not for others. */
    const bool root = writer->uid == 0;
    const int64_t left = times(root ? fs.f_bfree : fs.f_bavail, fs.f_frsize);
    const int64_t need = needed(look);
    const uint64_t inodes = root ? fs.f_ffree : fs.f_favail;
    const struct tw_unit_text left_text = tw_size_show(left);
    if (left < need)
        tw_report(run, TW_LEVEL_FAIL, "space", "full",
                  "%s left for %s on the file system of %s, and multilog needs up to %s",
                  left_text.text, name_of(writer->uid).text, look->path, tw_size_show(need).text);
    else if (fs.f_files > 0 && inodes < INODES_MIN)
        tw_report(run, TW_LEVEL_FAIL, "space", "no-inodes",
                  "%" PRIu64 " inode%s left for %s on the file system of %s", inodes,
                  inodes == 1 ? "" : "s", name_of(writer->uid).text, look->path);
    else
        tw_report(run, TW_LEVEL_OK, "space", "ok", "%s left", left_text.text);
}
