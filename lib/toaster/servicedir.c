/* Makes a service directory. Knows what supervise, svscan and multilog want to find; knows nothing
 * of what runs there. Sources: svscan(8), supervise(8), multilog(8). */
#include "toaster/servicedir.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/onlyroot.h"
#include "base/owner.h"
#include "toaster/mailwalk.h"

enum { RUN_MAX = 1 << 20, SAME_SECOND_MAX = 100, REFUSED = 1 };

struct making {
    const struct tw_servicedir *wanted;
    struct tw_error *e;
    char *path, *fresh_name; /* of the directory; its name while it is not complete */
    int at, dir, log;        /* the directory above, the service's, its log's; -1 */
    bool fresh;              /* it stands under fresh_name */
    /* Made by us, so ours to remove: */
    bool made_dir, made_log, made_logs, made_down, made_log_run;
    mode_t mode_before;     /* of a directory whose sticky bit we have set; 0: of none */
    struct tw_strings news; /* said when all has gone well */
};

static void say(struct making *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct making *m, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    tw_strings_add(&m->news, tw_buf_text(&text));
    tw_buf_free(&text);
}

static int refuse(struct making *m, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int refuse(struct making *m, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    (void)tw_fail(m->e, "%s", tw_buf_text(&text));
    tw_buf_free(&text);
    return REFUSED;
}

/* ---- texts --------------------------------------------------------------------------------- */

int tw_servicedir_check_run(const char *text, size_t length, struct tw_error *e)
{
    if (length == 0)
        return tw_fail(e, "it is empty");
    if (length >= 4 && memcmp(text, "\177ELF", 4) == 0)
        return 0;
    if (length < 2 || memcmp(text, "#!", 2) != 0)
        return tw_fail(e, "it does not begin with #!, and supervise starts it without a shell");
    const char *end = memchr(text, '\n', length);
    const size_t line = end ? (size_t)(end - text) : length;
    if (memchr(text, '\r', line))
        return tw_fail(e,
                       "its first line ends with a carriage return: no such interpreter is there");
    if (line < 4 || !memchr(text + 2, '/', line - 2))
        return tw_fail(e, "its first line names no interpreter");
    return 0;
}

static void write_skeleton(struct tw_buf *out, const char *supervise, const char *name)
{
    tw_buf_printf(out,
                  "#!/bin/sh\n"
                  "# What is to run as the service %s. This is a skeleton: it starts nothing.\n"
                  "# Write a line that takes the place of this script, so that signals reach it:\n"
                  "#     exec setuidgid USER PROGRAM ARGUMENTS\n"
                  "# with a program that stays in the foreground, take out the two lines at the\n"
                  "# end, and remove the file `down` beside this one.\n"
                  "exec 2>&1\n"
                  "echo \"%s: nothing to start: write %s/%s/run\"\n"
                  "exit 111\n",
                  name, name, supervise, name);
}

void tw_servicedir_log_run(struct tw_buf *out, const char *name, const char *user, const char *dir)
{
    tw_buf_printf(
        out,
        "#!/bin/sh\n"
        "# The log of %s: up to 10 files of a megabyte, each line with the time it came.\n"
        "exec ",
        name);
    if (user) {
        tw_buf_puts(out, "setuidgid ");
        tw_escape_shell(out, user);
        tw_buf_puts(out, " ");
    }
    tw_buf_puts(out, "multilog t s1000000 n10 ");
    tw_escape_shell(out, dir);
    tw_buf_puts(out, "\n");
}

/* ---- directories --------------------------------------------------------------------------- */

/* A directory below another, never through a link; made, for nobody but us yet, if there is none.
 * 0, REFUSED or -1. */
static int open_made(struct making *m, int at, const char *name, const char *path, int *fd,
                     bool *made)
{
    *made = mkdirat(at, name, 0700) == 0;
    if (!*made && errno != EEXIST)
        return tw_fail_errno(m->e, "cannot make the directory %s", path);
    *fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (*fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return refuse(m, "%s is there and is no directory", path);
    return *fd >= 0 ? 0 : tw_fail_errno(m->e, "cannot open %s", path);
}

/* The same for one that root's programs come from. */
static int have_dir(struct making *m, int at, const char *name, const char *path, mode_t mode,
                    int *fd, bool *made)
{
    struct stat st;
    const int result = open_made(m, at, name, path, fd, made);
    if (result != 0)
        return result;
    if (fstat(*fd, &st) != 0)
        return tw_fail_errno(m->e, "cannot open %s", path);
    if (*made && fchmod(*fd, mode) != 0) /* not by mkdir, for the umask */
        return tw_fail_errno(m->e, "cannot set the mode of %s", path);
    if (st.st_uid != geteuid())
        return refuse(m, "%s belongs to uid %ld, who could have it run what he likes", path,
                      (long)st.st_uid);
    /* The sticky bit keeps what is there, but not from a log/run or a down that is not there yet.
     */
    if (geteuid() == 0 && st.st_mode & (S_IWGRP | S_IWOTH))
        return refuse(m,
                      "others than root may write to %s, and have it run what they like: "
                      "chmod go-w it",
                      path);
    return 0;
}

/* One by its full path, with all that lead there. A descriptor, or -1. */
static int open_path(struct making *m, const char *path)
{
    const int fd = tw_dir_open(path, NULL, m->e);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    if (tw_dir_make(path, 0755, m->e) != 0)
        return -1;
    say(m, "made the directory %s", path);
    return tw_dir_open(path, NULL, m->e);
}

/* Who may write to the directory above may put another in its place. */
static int check_above(struct making *m)
{
    if (geteuid() != 0) /* nothing of it will be root's */
        return 0;
    char *path = tw_format("%s/%s", m->wanted->supervise, m->fresh_name);
    bool gone;
    const int result = tw_onlyroot_check(path, &gone, m->e) == 0 || gone ? 0 : REFUSED;
    free(path);
    return result;
}

/* Where the service is to be: there already, or begun under a name that svscan passes over. What an
 * interrupted call left there is gone on with. */
static int open_dir(struct making *m)
{
    struct stat st;
    if (fstatat(m->at, m->wanted->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return have_dir(m, m->at, m->wanted->name, m->path, 01755, &m->dir, &m->made_dir);
    if (errno != ENOENT)
        return tw_fail_errno(m->e, "cannot look at %s", m->path);
    char *path = tw_format("%s/%s", m->wanted->supervise, m->fresh_name);
    const int result = have_dir(m, m->at, m->fresh_name, path, 01755, &m->dir, &m->made_dir);
    m->fresh = true;
    free(path);
    return result;
}

static int put_in_place(struct making *m)
{
    if (!m->fresh)
        return 0;
    if (renameat2(m->at, m->fresh_name, m->at, m->wanted->name, RENAME_NOREPLACE) == 0)
        return 0;
    return errno == EEXIST ? refuse(m, "%s came meanwhile", m->path)
                           : tw_fail_errno(m->e, "cannot make %s", m->path);
}

/* Without the sticky bit svscan starts no log. */
static int have_sticky_bit(struct making *m)
{
    struct stat st;
    if (fstat(m->dir, &st) != 0)
        return tw_fail_errno(m->e, "cannot look at %s", m->path);
    if (m->fresh) {
        say(m, "made the directory %s, mode 1755", m->path);
        return fchmod(m->dir, 01755) == 0 ? 0 : tw_fail_errno(m->e, "cannot set its mode");
    }
    say(m, "%s is there already", m->path);
    if (st.st_mode & S_ISVTX)
        return 0;
    if (fchmod(m->dir, (st.st_mode | S_ISVTX) & 07777) != 0)
        return tw_fail_errno(m->e, "cannot set the mode of %s", m->path);
    m->mode_before = st.st_mode & 07777;
    say(m, "set the sticky bit of %s: svscan starts its log by that", m->path);
    return 0;
}

/* ---- files --------------------------------------------------------------------------------- */

enum found { ABSENT, SAME, SKELETON, DIFFERS };

/* What stands there now, against what is to. -1 or REFUSED: no file that one may replace. */
static int look_at_file(struct making *m, int dir, const char *shown, const struct tw_buf *text,
                        enum found *found)
{
    struct stat st;
    char *old = NULL;
    size_t length = 0;
    *found = ABSENT;
    if (dir < 0)
        return 0;
    if (fstatat(dir, "run", &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : tw_fail_errno(m->e, "cannot look at %s/%s", m->path, shown);
    if (!S_ISREG(st.st_mode))
        return refuse(m, "%s/%s is there and is no regular file", m->path, shown);
    if (st.st_size > RUN_MAX) { /* a program, larger than any that we are given */
        *found = DIFFERS;
        return 0;
    }
    if (tw_file_read(dir, "run", RUN_MAX, &old, &length, m->e) != 0)
        return -1;
    struct tw_buf skeleton = {0};
    write_skeleton(&skeleton, m->wanted->supervise, m->wanted->name);
    if (length == text->len && memcmp(old, tw_buf_text(text), length) == 0)
        *found = SAME;
    else if (length == skeleton.len && memcmp(old, skeleton.data, length) == 0)
        *found = SKELETON;
    else
        *found = DIFFERS;
    tw_buf_free(&skeleton);
    free(old);
    return 0;
}

/* One that is there and stays, as it is but for the right to be run. */
static int keep_file(struct making *m, int dir, const char *shown, const char *why)
{
    struct stat st;
    say(m, "%s/%s %s", m->path, shown, why);
    if (fstatat(dir, "run", &st, AT_SYMLINK_NOFOLLOW) != 0)
        return tw_fail_errno(m->e, "cannot look at %s/%s", m->path, shown);
    if (st.st_mode & 0111)
        return 0;
    if (fchmodat(dir, "run", (st.st_mode | 0755) & 07777, 0) != 0)
        return tw_fail_errno(m->e, "cannot set the mode of %s/%s", m->path, shown);
    say(m, "made %s/%s executable", m->path, shown);
    return 0;
}

/* The old run file by another name: the same file, so with its mode and times. */
static int keep_old_run(struct making *m)
{
    char stamp[32], *name = NULL;
    struct tm local;
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", localtime_r(&m->wanted->now, &local));
    int result = -1;
    for (int i = 0; result != 0 && i < SAME_SECOND_MAX; i++) {
        free(name);
        name = i ? tw_format("run.%s.%d", stamp, i) : tw_format("run.%s", stamp);
        result = linkat(m->dir, "run", m->dir, name, 0);
        if (result != 0 && errno != EEXIST)
            break;
    }
    if (result == 0)
        say(m, "kept what was there as %s/%s", m->path, name);
    else
        result = tw_fail_errno(m->e, "cannot keep %s/run as %s", m->path, name);
    free(name);
    return result;
}

static int write_file(struct making *m, int dir, const char *name, const char *shown,
                      const struct tw_buf *text, mode_t mode, bool fresh)
{
    if (tw_file_write_at(dir, name, tw_buf_text(text), text->len, mode, fresh, NULL) == 0)
        return 0;
    return tw_fail_errno(m->e, "cannot write %s/%s", m->path, shown);
}

static int put_down(struct making *m)
{
    const struct tw_buf empty = {0};
    if (write_file(m, m->dir, "down", "down", &empty, 0644, true) != 0)
        return errno == EEXIST ? 0 : -1;
    m->made_down = true;
    return 0;
}

static int put_run(struct making *m, const struct tw_buf *text, enum found found)
{
    const bool given = m->wanted->run;
    if (found == SAME && given)
        return keep_file(m, m->dir, "run", "says that already");
    if (found != ABSENT && !given)
        return keep_file(m, m->dir, "run", "is there already, and stays as it is");
    if (found == DIFFERS && keep_old_run(m) != 0)
        return -1;
    if (!given && put_down(m) != 0)
        return -1;
    if (write_file(m, m->dir, "run", "run", text, 0755, found == ABSENT) != 0)
        return -1;
    if (given)
        say(m, "made %s/run", m->path);
    else
        say(m,
            "made %s/run, a skeleton that starts nothing, and a file `down` beside it: write "
            "what is to run, then remove down",
            m->path);
    struct stat st;
    if (given && fstatat(m->dir, "down", &st, AT_SYMLINK_NOFOLLOW) == 0)
        say(m, "there is a file %s/down: while it is there, the service does not start by itself",
            m->path);
    return 0;
}

/* ---- the log ------------------------------------------------------------------------------- */

/* Who is not root can but write as himself. */
static const char *log_user(const struct making *m)
{
    return geteuid() == 0 ? m->wanted->log_user : NULL;
}

/* Who is to write there: the directory's owner, if there is one already. `name` is for 64 bytes;
 * NULL: whoever runs supervise. */
static const char *user_of(const struct making *m, int logs, char *name, size_t size)
{
    struct stat st;
    if (m->made_logs || fstat(logs, &st) != 0)
        return log_user(m);
    const bool ours = st.st_uid == 0 || st.st_uid == geteuid();
    const struct passwd *user = ours ? NULL : getpwuid(st.st_uid);
    if (!user)
        return NULL;
    snprintf(name, size, "%s", user->pw_name);
    return name;
}

static int give_to(struct making *m, int logs, const char *path)
{
    const struct passwd *user = log_user(m) ? getpwnam(log_user(m)) : NULL;
    if (user && fchown(logs, user->pw_uid, user->pw_gid) != 0)
        return tw_fail_errno(m->e, "cannot give %s to %s", path, user->pw_name);
    /* After fchown, for that may take from the mode. */
    return fchmod(logs, 0750) == 0 ? 0 : tw_fail_errno(m->e, "cannot set the mode of %s", path);
}

/* A tw_entry_each. */
static bool take_any(void *context, const struct dirent64 *entry)
{
    *(bool *)context = true;
    (void)entry;
    return false;
}

/* LOG_ROOT may be the log's user's, who can put another directory of root's in the place of the one
 * that was just made, to be given that: but none that anything is in. */
static int check_new(struct making *m, int logs, const char *path)
{
    struct stat st;
    bool any = false;
    if (fstat(logs, &st) != 0 || tw_dir_each(logs, take_any, &any) != 0)
        return tw_fail_errno(m->e, "cannot look at %s", path);
    return any || st.st_uid != geteuid() ? refuse(m, "%s was swapped for another directory", path)
                                         : 0;
}

/* Of one that is there the owner is to write the log. Root must not do it in his place: multilog
 * follows a link in the place of its files, so that whoever may write there chooses what root's
 * multilog writes to. */
static int check_old(struct making *m, int logs, const char *path)
{
    struct stat st;
    if (fstat(logs, &st) != 0)
        return tw_fail_errno(m->e, "cannot look at %s", path);
    if (geteuid() != 0)
        return 0;
    if (!getpwuid(st.st_uid))
        return refuse(m,
                      "%s belongs to uid %ld, which is no user here: give it to who is to write "
                      "the log",
                      path, (long)st.st_uid);
    if (st.st_uid == 0 && st.st_mode & (S_IWGRP | S_IWOTH))
        return refuse(m,
                      "others than root may write to %s, where root's multilog would write: chmod "
                      "go-w it, or give it to a user for logs",
                      path);
    return 0;
}

/* LOG_ROOT/NAME, open, and whose it is. */
static int have_logs(struct making *m, const char *path, int *logs)
{
    const int at = open_path(m, m->wanted->log_root);
    if (at < 0)
        return -1;
    int result = open_made(m, at, m->wanted->name, path, logs, &m->made_logs);
    close(at);
    if (result == 0)
        result = (m->made_logs ? check_new : check_old)(m, *logs, path);
    return result == 0 && m->made_logs ? give_to(m, *logs, path) : result;
}

static int write_log_run(struct making *m, const char *path, int logs)
{
    char name[64];
    struct tw_buf text = {0};
    enum found found;
    const char *user = user_of(m, logs, name, sizeof name);
    tw_servicedir_log_run(&text, m->wanted->name, user, path);
    const struct passwd *self = user ? NULL : getpwuid(geteuid());
    say(m,
        m->made_logs ? "made the directory %s, mode 0750, of %s"
                     : "%s is there already, and its owner writes the log: %s",
        path,
        user   ? user
        : self ? self->pw_name
               : "root");
    int result = look_at_file(m, m->log, "log/run", &text, &found);
    if (result == 0 && found == SAME)
        result = keep_file(m, m->log, "log/run", "says that already");
    else if (result == 0) {
        result = write_file(m, m->log, "run", "log/run", &text, 0755, true);
        m->made_log_run = result == 0;
        say(m, "made %s/log/run: multilog writes to %s", m->path, path);
    }
    tw_buf_free(&text);
    return result;
}

/* A log/run that is there is somebody's, and says by itself where its log goes. */
static int make_log(struct making *m)
{
    struct tw_buf none = {0};
    enum found found;
    int logs = -1;
    char *log = tw_format("%s/log", m->path);
    char *path = tw_format("%s/%s", m->wanted->log_root, m->wanted->name);
    int result = have_dir(m, m->dir, "log", log, 0755, &m->log, &m->made_log);
    if (result == 0)
        result = look_at_file(m, m->log, "log/run", &none, &found);
    if (result == 0 && found != ABSENT) {
        result = keep_file(m, m->log, "log/run", "is there already, and stays as it is");
    } else if (result == 0) {
        result = have_logs(m, path, &logs);
        if (result == 0)
            result = write_log_run(m, path, logs);
    }
    if (logs >= 0)
        close(logs);
    free(log);
    free(path);
    return result;
}

/* ---- all of it ----------------------------------------------------------------------------- */

/* Only what this call made; rmdir(2) spares what anyone has put something into. */
static void undo(const struct making *m)
{
    if (m->made_log_run)
        unlinkat(m->log, "run", 0);
    if (m->made_log)
        unlinkat(m->dir, "log", AT_REMOVEDIR);
    if (m->made_down)
        unlinkat(m->dir, "down", 0);
    if (m->mode_before)
        (void)fchmod(m->dir, m->mode_before);
    if (m->made_logs) {
        char *path = tw_format("%s/%s", m->wanted->log_root, m->wanted->name);
        rmdir(path);
        free(path);
    }
    if (m->made_dir) {
        unlinkat(m->dir, "run", 0);
        unlinkat(m->at, m->fresh_name, AT_REMOVEDIR);
    }
}

static int make(struct making *m, const struct tw_buf *run)
{
    enum found found = ABSENT;
    m->at = open_path(m, m->wanted->supervise);
    int result = m->at >= 0 ? check_above(m) : -1;
    if (result == 0)
        result = open_dir(m);
    if (result == 0)
        result = look_at_file(m, m->dir, "run", run, &found);
    if (result == 0 && found == DIFFERS && m->wanted->run && !m->wanted->force)
        result = refuse(m,
                        "%s/run is there and differs; with --force it is replaced, and what was "
                        "there kept beside it",
                        m->path);
    if (result == 0)
        result = have_sticky_bit(m);
    if (result == 0)
        result = make_log(m);
    if (result == 0)
        result = put_run(m, run, found);
    return result == 0 ? put_in_place(m) : result;
}

int tw_servicedir_make(const struct tw_servicedir *wanted, struct tw_strings *said,
                       struct tw_error *e)
{
    struct making m = {.wanted = wanted, .e = e, .at = -1, .dir = -1, .log = -1};
    struct tw_buf run = {0};
    m.path = tw_format("%s/%s", wanted->supervise, wanted->name);
    m.fresh_name = tw_format(".%s.new", wanted->name);
    if (wanted->run)
        tw_buf_add(&run, wanted->run, wanted->run_length);
    else
        write_skeleton(&run, wanted->supervise, wanted->name);
    const int result = make(&m, &run);
    if (result != 0)
        undo(&m);
    for (size_t i = 0; result == 0 && i < m.news.count; i++)
        tw_strings_add(said, m.news.items[i]);
    const int fds[] = {m.at, m.dir, m.log};
    for (size_t i = 0; i < TW_COUNT(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
    tw_strings_free(&m.news);
    tw_buf_free(&run);
    free(m.path);
    free(m.fresh_name);
    return result;
}
