/* Kind `service`: is a service under supervise set up, up, and staying up; and its log too.
 *
 * Titled "*" it lists the service directory and asks for a job for each service; else it looks at
 * one. It remembers, over restarts, the last pid it saw and when new ones came: supervise mends a
 * crash within a second, so that only the changing pid tells of a crash loop.
 *
 * Aspects: the main one and, unless log = none or syslog, `log`. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/units.h"
#include "kinds/kind.h"
#include "kinds/servicememory.h"
#include "toaster/multilog.h"
#include "toaster/supervise.h"

enum {
    SETTLE_MS = 1000, /* supervise starts again at once what ended: look again, then judge */
    FRESH_S = 10,
    EVIDENCE_LINES = 20,
    BAD_NAMES_MAX = 500,
};

struct settings {
    struct tw_strings require;
    char *log, *log_dir;
    int64_t restarts, within;
};

static const char *const log_choices[] = {"multilog", "syslog", "none", NULL};

static const struct tw_option options[] = {
    {"require", TW_OPT_LIST, offsetof(struct settings, require)},
    {"log", TW_OPT_CHOICE, offsetof(struct settings, log), .fallback = "multilog",
     .choices = log_choices},
    {"log_dir", TW_OPT_PATH, offsetof(struct settings, log_dir)},
    {"restarts", TW_OPT_INT, offsetof(struct settings, restarts), .fallback = "5", .min = 1,
     .max = TW_STARTS_MAX - 1},
    {"within", TW_OPT_DURATION, offsetof(struct settings, within), .fallback = "10m",
     .flags = TW_OPT_NO_NEVER, .min = 1, .max = 7 * 86400},
    {NULL},
};

static void remember(const struct tw_run *run, const struct tw_service_memory *m)
{
    struct tw_buf text = {0};
    tw_service_memory_write(&text, m);
    if (strcmp(tw_buf_text(&text), run->memory) != 0)
        run->sink->remember(run->sink->context, tw_buf_text(&text));
    tw_buf_free(&text);
}

/* ---- one supervise, the service's or its log's ------------------------------------------- */

struct part {
    const struct tw_run *run;
    const struct settings *s;
    const char *aspect; /* "" or "log" */
    const char *path;   /* the directory that supervise runs in */
    bool normally_up;   /* it has no file `down` */
    bool fresh;         /* it came a moment ago: svscan has still to see it */
    struct tw_buf problems;
    const char *code; /* of the first problem */
};

static void problem(struct part *p, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void problem(struct part *p, const char *code, const char *format, ...)
{
    if (p->code)
        tw_buf_puts(&p->problems, "; ");
    else
        p->code = code;
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&p->problems, format, args);
    va_end(args);
}

static void judge_status(struct part *p, const struct tw_supervise_status *st, bool flapping,
                         const struct tw_service_history *h)
{
    const int64_t age_s = p->run->now_s - st->changed_s;
    const struct tw_unit_text age = tw_duration_show(age_s > 0 ? age_s : 0);
    if (st->pid == 0) {
        problem(p, "down", "down for %s (normally %s)", age.text, p->normally_up ? "up" : "down");
        if (st->want)
            tw_buf_printf(&p->problems, ", want %c", st->want);
        return;
    }
    if (st->want == 'd')
        problem(p, "want-down", "up (pid %d) but wanted down", st->pid);
    if (st->paused)
        problem(p, "paused", "paused (pid %d)", st->pid);
    if (flapping)
        problem(p, "flapping", "flapping: %zu new pids within %s, limit %" PRId64 ", up for %s now",
                h->count, tw_duration_show(p->s->within).text, p->s->restarts, age.text);
}

/* The live state. False: it is just between two states, judge in a moment. */
static bool check_live(struct part *p, struct tw_service_history *h, struct tw_supervise_status *st,
                       bool *unknown)
{
    struct tw_error e;
    const int running = tw_supervise_running(p->path, &e);
    if (running < 0) {
        *unknown = true;
        problem(p, "cannot-look", "%s", e.text);
        return true;
    }
    if (!running && p->fresh && h->pid == 0 && h->count == 0) {
        p->run->sink->look_again(p->run->sink->context, SETTLE_MS);
        return false;
    }
    if (!running) {
        problem(p, "no-supervise", "supervise is not running");
        return true;
    }
    if (tw_supervise_read(p->path, st, &e) != 0) {
        *unknown = true;
        problem(p, "bad-status", "%s", e.text);
        return true;
    }
    const pid_t before = (pid_t)h->pid;
    const bool was_flapping = (int64_t)h->count > p->s->restarts;
    const bool restarted = tw_service_take_pid(h, st->pid, p->run->now_s, p->s->within);
    const bool flapping = (int64_t)h->count > p->s->restarts;
    if (restarted && !flapping && !was_flapping) {
        char *text =
            tw_format("%srestarted, pid %d is now %d", p->aspect[0] ? "log " : "", before, st->pid);
        p->run->sink->note(p->run->sink->context, text);
        free(text);
    }
    /* It ended a moment ago and supervise is about to start it again. Our clock is time(2), which
     * may be a few milliseconds behind supervise's, and so a second. */
    if (st->pid == 0 && st->want != 'd' && p->run->now_s - st->changed_s < SETTLE_MS / 1000 + 1 &&
        p->run->now_s >= st->changed_s - 1) {
        p->run->sink->look_again(p->run->sink->context, SETTLE_MS);
        return false;
    }
    if (st->pid == 0)
        h->pid = 0; /* what comes up after this is a start, not a restart that supervise made */
    judge_status(p, st, flapping, h);
    return true;
}

static void report_part(struct part *p, bool unknown, const struct tw_supervise_status *st)
{
    if (p->code)
        tw_report(p->run, unknown ? TW_LEVEL_UNKNOWN : TW_LEVEL_FAIL, p->aspect, p->code, "%s",
                  tw_buf_text(&p->problems));
    else
        tw_report(
            p->run, TW_LEVEL_OK, p->aspect, "ok", "up (pid %d) for %s", st->pid,
            tw_duration_show(p->run->now_s > st->changed_s ? p->run->now_s - st->changed_s : 0)
                .text);
    tw_buf_free(&p->problems);
}

/* What tells of a change: the status, and before there is one, the directory that holds it. */
static void watch_supervise(const struct tw_run *run, const char *path)
{
    char *directory = tw_format("%s/supervise", path);
    run->sink->watch_dir(run->sink->context, path, "supervise");
    run->sink->watch_dir(run->sink->context, directory, "status");
    free(directory);
}

/* `set_up` is false when the directory's own faults make a look at the live state pointless. */
static void check_part(struct part *p, struct tw_service_history *h, bool set_up)
{
    struct tw_supervise_status st = {0};
    bool unknown = false;
    watch_supervise(p->run, p->path);
    if (set_up) {
        struct part faults = *p;
        p->problems = (struct tw_buf){0};
        p->code = NULL;
        if (!check_live(p, h, &st, &unknown)) {
            tw_buf_free(&faults.problems);
            tw_buf_free(&p->problems);
            return;
        }
        /* What supervise says comes first, then what the directory looks like. */
        if (faults.code && !unknown)
            problem(p, faults.code, "%s", tw_buf_text(&faults.problems));
        tw_buf_free(&faults.problems);
    }
    report_part(p, unknown, &st);
}

/* ---- the service as a whole -------------------------------------------------------------- */

static char *service_path(const struct tw_run *run)
{
    return tw_format("%s/%s", run->places->service_dir, run->title);
}

/* What a service's directory and its log's have in common. */
static void run_faults(struct part *p, bool no_run, bool not_executable)
{
    if (no_run)
        problem(p, "no-run", "%s/run is not there or no file", p->path);
    if (not_executable)
        problem(p, "run-not-executable", "%s/run is not executable", p->path);
    if (!p->normally_up)
        problem(p, "down-file", "%s/down exists: it will not start by itself", p->path);
}

static void say_gone(struct part *p)
{
    if (tw_strings_has(&p->s->require, p->run->title))
        problem(p, "gone", "there is no directory %s, and it is required", p->path);
    else if (p->run->memory[0])
        problem(p, "gone", "%s was there and is gone", p->path);
    else
        problem(p, "gone", "there is no directory %s", p->path);
}

/* svscan looks every five seconds (svscan(8)). */
static bool is_fresh(const struct tw_run *run, const char *path)
{
    struct stat st;
    const int64_t age_s = lstat(path, &st) == 0 ? run->now_s - st.st_ctim.tv_sec : -1;
    return age_s >= 0 && age_s < FRESH_S;
}

static bool wants_log(const struct settings *s)
{
    return strcmp(s->log, "multilog") == 0;
}

static void run_one(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    char *path = service_path(run), *log_path = tw_format("%s/log", path);
    struct tw_service_memory memory = tw_service_memory_parse(run->memory);
    const bool fresh = is_fresh(run, path);
    unsigned faults;
    struct tw_error e;
    run->sink->watch_dir(run->sink->context, run->places->service_dir, run->title);
    if (tw_service_test(path, wants_log(s), &faults, &e) != 0) {
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", e.text);
        if (wants_log(s))
            tw_report(run, TW_LEVEL_NONE, "log", "not-looked", "could not look at the service");
        free(path);
        free(log_path);
        return;
    }
    struct part main = {.run = run,
                        .s = s,
                        .aspect = "",
                        .path = path,
                        .normally_up = !(faults & TW_SERVICE_DOWN_FILE),
                        .fresh = fresh};
    if (faults & TW_SERVICE_NO_DIR)
        say_gone(&main);
    run_faults(&main, faults & TW_SERVICE_NO_RUN, faults & TW_SERVICE_RUN_NOT_EXEC);
    check_part(&main, &memory.main, !(faults & TW_SERVICE_NO_DIR));
    if (wants_log(s) && !(faults & TW_SERVICE_NO_DIR)) {
        struct part log = {.run = run,
                           .s = s,
                           .aspect = "log",
                           .path = log_path,
                           .normally_up = !(faults & TW_SERVICE_LOG_DOWN_FILE),
                           .fresh = fresh};
        if (faults & TW_SERVICE_NO_LOG)
            problem(&log, "no-log", "there is no directory %s", log_path);
        run_faults(&log, faults & TW_SERVICE_NO_LOG_RUN, faults & TW_SERVICE_LOG_RUN_NOT_EXEC);
        check_part(&log, &memory.log, !(faults & TW_SERVICE_NO_LOG));
    } else if (wants_log(s)) {
        tw_report(run, TW_LEVEL_NONE, "log", "not-looked", "no log to look at");
    }
    if (!(faults & TW_SERVICE_NO_DIR))
        remember(run, &memory);
    free(path);
    free(log_path);
}

/* ---- the title "*" ------------------------------------------------------------------------ */

static bool is_directory(int at, const char *name)
{
    struct stat st;
    return fstatat(at, name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* svscan passes over names that begin with a dot, and so do we. */
static size_t list_services(const struct tw_run *run, DIR *dir)
{
    size_t count = 0;
    struct tw_buf bad = {0};
    for (const struct dirent *entry; (entry = readdir(dir));) {
        if (entry->d_name[0] == '.' || !is_directory(dirfd(dir), entry->d_name))
            continue;
        count++;
        if (tw_title_valid(entry->d_name))
            run->sink->instance(run->sink->context, entry->d_name);
        else if (bad.len < BAD_NAMES_MAX)
            tw_buf_printf(&bad, " \"%s\"", entry->d_name);
    }
    if (bad.len)
        tw_report(run, TW_LEVEL_WARN, "names", "bad-name",
                  "not watched, for their names have what titles cannot have:%s",
                  tw_buf_text(&bad));
    else
        tw_report(run, TW_LEVEL_NONE, "names", "ok", "all names can be titles");
    tw_buf_free(&bad);
    return count;
}

static void run_star(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    const char *where = run->places->service_dir;
    run->sink->watch_dir(run->sink->context, where, NULL);
    for (size_t i = 0; i < s->require.count; i++)
        run->sink->instance(run->sink->context, s->require.items[i]);
    DIR *dir = opendir(where);
    if (!dir) {
        const bool gone = errno == ENOENT || errno == ENOTDIR;
        tw_report(run, gone ? TW_LEVEL_FAIL : TW_LEVEL_UNKNOWN, "", gone ? "gone" : "cannot-look",
                  "cannot read %s: %s", where, strerrordesc_np(errno));
        tw_report(run, TW_LEVEL_NONE, "names", "not-looked", "no directory to look at");
        return;
    }
    const size_t count = list_services(run, dir);
    closedir(dir);
    if (count)
        tw_report(run, TW_LEVEL_OK, "", "ok", "%zu service%s in %s", count, count == 1 ? "" : "s",
                  where);
    else
        tw_report(run, TW_LEVEL_WARN, "", "empty", "there is no service in %s", where);
}

/* ---- the kind ----------------------------------------------------------------------------- */

static bool is_star(const char *title)
{
    return strcmp(title, "*") == 0;
}

static int service_validate(const void *settings, const char *title, struct tw_error *e)
{
    const struct settings *s = settings;
    if (s->require.count && !is_star(title))
        return tw_fail(e, "require belongs into service \"*\"");
    for (size_t i = 0; i < s->require.count; i++)
        if (!tw_title_valid(s->require.items[i]))
            return tw_fail(e, "require: \"%s\" is no name of a service", s->require.items[i]);
    return 0;
}

static enum tw_place service_place(const void *settings, const char *title)
{
    (void)settings;
    (void)title;
    return TW_PLACE_LOOP;
}

static void service_run(const struct tw_run *run)
{
    if (is_star(run->title))
        run_star(run);
    else
        run_one(run);
}

static void service_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    const struct settings *s = run->settings;
    (void)aspect;
    if (is_star(run->title))
        return;
    char *path = service_path(run);
    tw_supervise_svstat(path, out, run->now_s);
    tw_buf_puts(out, "\n");
    if (wants_log(s)) {
        char *log_path = tw_format("%s/log", path);
        tw_supervise_svstat(log_path, out, run->now_s);
        tw_buf_puts(out, "\n");
        free(log_path);
    }
    if (!wants_log(s) && !s->log_dir) {
        free(path);
        return;
    }
    struct tw_error e;
    char *dir =
        s->log_dir ? tw_strdup(s->log_dir) : tw_multilog_find(path, run->places->log_dir, &e);
    if (!dir) {
        tw_buf_printf(out, "(%s)\n", e.text);
    } else {
        struct tw_buf tail = {0};
        if (tw_multilog_tail_as_owner(dir, EVIDENCE_LINES, &tail, &e) != 0)
            tw_buf_printf(out, "(%s)\n", e.text);
        else {
            tw_buf_printf(out, "last lines of %s/current:\n", dir);
            tw_buf_add(out, tail.data, tail.len);
            if (!tail.len)
                tw_buf_puts(out, "(it is empty)\n");
        }
        tw_buf_free(&tail);
    }
    free(dir);
    free(path);
}

/* Forgetting helps only where nothing in the configuration names it. */
static bool forgettable(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    return run->instance && !tw_strings_has(&s->require, run->title);
}

static void service_advice(const struct tw_run *run, const char *aspect, const char *code,
                           struct tw_buf *out)
{
    char *path =
        tw_format("%s/%s%s", run->places->service_dir, run->title, aspect[0] ? "/log" : "");
    if (is_star(run->title))
        tw_buf_printf(out, "ls -ld %s", run->places->service_dir);
    else if (strcmp(code, "down") == 0 || strcmp(code, "want-down") == 0)
        tw_buf_printf(out, "svc -u %s", path);
    else if (strcmp(code, "paused") == 0)
        tw_buf_printf(out, "svc -c %s", path);
    else if (strcmp(code, "run-not-executable") == 0)
        tw_buf_printf(out, "chmod +x %s/run", path);
    else if (strcmp(code, "down-file") == 0)
        tw_buf_printf(out, "rm %s/down", path);
    else if (strcmp(code, "gone") == 0 && forgettable(run))
        tw_buf_printf(out, "ls -ld %s; if it is gone for good: toasterctl forget %s", path,
                      run->name);
    else if (strcmp(code, "gone") == 0)
        tw_buf_printf(out, "ls -ld %s; if it is gone for good, take %s out of the configuration",
                      path, run->title);
    else if (strcmp(code, "no-supervise") == 0)
        tw_buf_printf(out, "ps -C svscan; ls -la %s", path);
    else if (strcmp(code, "flapping") == 0)
        tw_buf_printf(out, "read the log above; svc -d %s stops the loop", path);
    else
        tw_buf_printf(out, "ls -la %s", path);
    free(path);
}

const struct tw_kind tw_kind_service = {
    .name = "service",
    .options = options,
    .settings_size = sizeof(struct settings),
    .star = true,
    .validate = service_validate,
    .place = service_place,
    .run = service_run,
    .evidence = service_evidence,
    .advice = service_advice,
};
