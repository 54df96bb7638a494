/* Kind `process`: does a process of exactly this name run, as often and as whom it should.
 *
 * The name is compared with comm, never by substring. The kernel keeps 15 bytes of comm, so a name
 * of 15 bytes or more is confirmed by the basename of argv[0]; reading that can hang with the
 * process, and so can a pidfile's file system or a look-up of a user: such jobs run in a worker,
 * all others in the loop.
 *
 * Aspects: the main one only. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "kinds/kind.h"

/* Processes watched by pidfd for one job: what has more of them than this is looked after by the
 * schedule alone. */
enum { WATCH_MAX = 256 };

struct settings {
    char *name, *pidfile, *user;
    int64_t min, max; /* max -1: no limit */
};

static const struct tw_option options[] = {
    {"name", TW_OPT_STRING, offsetof(struct settings, name)},
    {"pidfile", TW_OPT_PATH, offsetof(struct settings, pidfile)},
    {"user", TW_OPT_STRING, offsetof(struct settings, user)},
    {"min", TW_OPT_INT, offsetof(struct settings, min), .fallback = "1", .max = 1000000},
    {"max", TW_OPT_INT, offsetof(struct settings, max), .fallback = "-1", .min = -1,
     .max = 1000000},
    {NULL},
};

/* One run's question and what was found. */
struct look {
    const struct tw_run *run;
    const struct settings *s;
    const char *name;
    uid_t uid;
    bool any_uid;
    int64_t count;
    pid_t first;
};

static const char *wanted_name(const struct settings *s, const char *title)
{
    return s->name ? s->name : title;
}

static int process_validate(const void *settings, const char *title, struct tw_error *e)
{
    const struct settings *s = settings;
    (void)title;
    if (s->name && (!s->name[0] || strchr(s->name, '/')))
        return tw_fail(e, "name is the process's name, not empty and without a path");
    if (s->max >= 0 && s->max < s->min)
        return tw_fail(e, "max (%" PRId64 ") is less than min (%" PRId64 ")", s->max, s->min);
    return 0;
}

static enum tw_place process_place(const void *settings, const char *title)
{
    const struct settings *s = settings;
    return s->pidfile || s->user || strlen(wanted_name(s, title)) >= TW_COMM_MAX ? TW_PLACE_WORKER
                                                                                 : TW_PLACE_LOOP;
}

static bool alive(const struct tw_proc *proc)
{
    return proc->state != 'Z' && proc->state != 'X' && proc->state != 'x';
}

static bool matches(const struct look *look, const struct tw_proc *proc)
{
    const char *root = look->run->places->proc_root;
    if (!alive(proc) || strncmp(proc->comm, look->name, TW_COMM_MAX) != 0)
        return false;
    uid_t uid;
    if (!look->any_uid && (tw_proc_uid(root, proc->pid, &uid) != 0 || uid != look->uid))
        return false;
    /* Last, for reading it can hang, and any user may give a process this name. */
    char argv0[256];
    return strlen(look->name) < TW_COMM_MAX ||
           (tw_proc_argv0(root, proc->pid, argv0, sizeof argv0) == 0 &&
            strcmp(argv0, look->name) == 0);
}

static void count_all(struct look *look, const struct tw_procs *procs)
{
    const struct tw_sink *sink = look->run->sink;
    for (size_t i = 0; i < procs->count; i++) {
        const struct tw_proc *proc = &procs->items[i];
        if (!matches(look, proc))
            continue;
        if (look->count++ == 0)
            look->first = proc->pid;
        if (look->count <= WATCH_MAX)
            sink->watch_pid(sink->context, proc->pid, proc->start_ticks);
    }
}

/* The number in the pidfile; 0 and a finding if there is none. A pidfile lies where its daemon's
 * user may write: it is read bounded, never through a link, never waited for. */
static pid_t read_pidfile(const struct look *look)
{
    char *text;
    size_t length;
    struct tw_error e;
    if (tw_file_read(AT_FDCWD, look->s->pidfile, 64, &text, &length, &e) != 0) {
        if (errno == ENOENT)
            tw_report(look->run, TW_LEVEL_FAIL, "", "no-pidfile", "pidfile %s is not there",
                      look->s->pidfile);
        else
            tw_report(look->run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", e.text);
        return 0;
    }
    char *end;
    const long pid = strtol(text, &end, 10);
    const bool good =
        pid > 0 && pid < 1 << 22 && end != text && end[strspn(end, " \t\r\n")] == '\0';
    free(text);
    if (!good)
        tw_report(look->run, TW_LEVEL_FAIL, "", "bad-pidfile", "pidfile %s holds no process id",
                  look->s->pidfile);
    return good ? (pid_t)pid : 0;
}

/* The process that the pidfile names; 0: a finding about the pidfile has been made. */
static pid_t check_pidfile(const struct look *look, const struct tw_procs *procs)
{
    const pid_t pid = read_pidfile(look);
    if (!pid)
        return 0;
    const struct tw_proc *proc = tw_procs_find(procs, pid);
    if (proc && matches(look, proc))
        return pid;
    char *comm = proc ? tw_strdup(proc->comm) : NULL;
    if (!proc || !alive(proc))
        tw_report(look->run, TW_LEVEL_FAIL, "", "stale-pidfile",
                  "stale pidfile: %s says pid %d, which is not running", look->s->pidfile, pid);
    else
        tw_report(look->run, TW_LEVEL_FAIL, "", "stale-pidfile",
                  "stale pidfile: %s says pid %d, which is \"%s\", not %s%s%s", look->s->pidfile,
                  pid, comm, look->name, look->s->user ? " of user " : "",
                  look->s->user ? look->s->user : "");
    free(comm);
    return 0;
}

static bool find_user(struct look *look)
{
    if (!look->s->user) {
        look->any_uid = true;
        return true;
    }
    errno = 0;
    const struct passwd *pw = getpwnam(look->s->user);
    if (pw) {
        look->uid = pw->pw_uid;
        return true;
    }
    if (errno && errno != ENOENT && errno != ESRCH)
        tw_report(look->run, TW_LEVEL_UNKNOWN, "", "cannot-look", "cannot look up user %s: %s",
                  look->s->user, strerrordesc_np(errno));
    else
        tw_report(look->run, TW_LEVEL_FAIL, "", "no-user", "there is no user %s", look->s->user);
    return false;
}

/* `pid` is of the pidfile; 0: there is none. */
static void judge(const struct look *look, pid_t pid)
{
    const char *of = look->s->user ? " of user " : "", *user = look->s->user ? look->s->user : "";
    const char *plural = look->count == 1 ? "" : "es";
    if (look->count == 0 && look->s->min > 0)
        tw_report(look->run, TW_LEVEL_FAIL, "", "missing", "no process %s%s%s", look->name, of,
                  user);
    else if (look->count < look->s->min)
        tw_report(look->run, TW_LEVEL_FAIL, "", "too-few",
                  "%" PRId64 " process%s %s%s%s, at least %" PRId64 " should run", look->count,
                  plural, look->name, of, user, look->s->min);
    else if (look->s->max >= 0 && look->count > look->s->max)
        tw_report(look->run, TW_LEVEL_FAIL, "", "too-many",
                  "%" PRId64 " process%s %s%s%s, at most %" PRId64 " should run", look->count,
                  plural, look->name, of, user, look->s->max);
    else if (pid)
        tw_report(look->run, TW_LEVEL_OK, "", "ok", "running, pid %d", pid);
    else if (look->count == 1)
        tw_report(look->run, TW_LEVEL_OK, "", "ok", "running, pid %d", look->first);
    else
        tw_report(look->run, TW_LEVEL_OK, "", "ok", "%" PRId64 " processes", look->count);
}

static void process_run(const struct tw_run *run)
{
    struct look look = {.run = run, .s = run->settings};
    look.name = wanted_name(look.s, run->title);
    struct tw_error e;
    const struct tw_procs *procs = run->procs(run->procs_context, &e);
    if (!procs) {
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", e.text);
        return;
    }
    if (!find_user(&look))
        return;
    count_all(&look, procs);
    pid_t pid = 0;
    if (look.s->pidfile && (pid = check_pidfile(&look, procs)) == 0)
        return;
    judge(&look, pid);
}

static void process_advice(const struct tw_run *run, const char *aspect, const char *code,
                           struct tw_buf *out)
{
    const struct settings *s = run->settings;
    (void)aspect;
    if (strcmp(run->title, "svscan") == 0 && strcmp(code, "missing") == 0)
        tw_buf_printf(out, "start svscan %s as your system does at boot (svscanboot, inittab)",
                      run->places->service_dir);
    else if (strcmp(wanted_name(s, run->title), "qmail-send") == 0 && strcmp(code, "too-many") != 0)
        tw_buf_printf(out, "svc -u %s/send", run->places->service_dir);
    else if (strstr(code, "pidfile"))
        tw_buf_printf(out, "ls -l %s; ps -C %s -o pid,user,lstart,args", s->pidfile,
                      wanted_name(s, run->title));
    else if (strcmp(code, "too-many") == 0)
        tw_buf_printf(out, "ps -C %s -o pid,ppid,user,lstart,args", wanted_name(s, run->title));
    else
        tw_buf_printf(out, "svstat %s/*; svc -u DIR starts the service that runs it",
                      run->places->service_dir);
}

const struct tw_kind tw_kind_process = {
    .name = "process",
    .options = options,
    .settings_size = sizeof(struct settings),
    .validate = process_validate,
    .place = process_place,
    .run = process_run,
    .advice = process_advice,
};
