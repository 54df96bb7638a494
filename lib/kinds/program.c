/* Kind `program`: runs a program of the admin's as a user on a schedule, and says when it fails.
 * Aspects: the main one only. */
#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/asuser.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/onlyroot.h"
#include "base/program.h"
#include "base/units.h"
#include "kinds/kind.h"
#include "kinds/programrows.h"

enum {
    HEAD_MAX = 4096,
    TAIL_MAX = 8192,
    LINE_MAX_SHOWN = 300,
    REMEMBERED_MAX = 20 * 1024 /* escaped: four bytes for a bad one */
};

struct settings {
    struct tw_strings run;
    char *user;
    int64_t max_time_s;
};

static const struct tw_option options[] = {
    {"run", TW_OPT_LIST, offsetof(struct settings, run), .flags = TW_OPT_REQUIRED},
    {"user", TW_OPT_STRING, offsetof(struct settings, user), .flags = TW_OPT_REQUIRED},
    {"max_time", TW_OPT_DURATION, offsetof(struct settings, max_time_s), .fallback = "5m",
     .flags = TW_OPT_NO_NEVER, .min = 1, .max = 86400},
    {NULL},
};

static int program_validate(const void *settings, const char *title, struct tw_error *e)
{
    const struct settings *s = settings;
    (void)title;
    if (s->run.count == 0)
        return tw_fail(e, "run is empty: write the program and its arguments, like "
                          "{\"/home/vpopmail/bin/clearopensmtp\"}");
    if (s->run.items[0][0] != '/')
        return tw_fail(e, "run: \"%.100s\" is no full path: write one that begins with /",
                       s->run.items[0]);
    if (!s->user[0])
        return tw_fail(e, "user is empty: write whom the program runs as");
    return 0;
}

/* ---- whom it runs as ---------------------------------------------------------------------- */

/* The code, with an error; NULL: all is well. */
static const char *find_user(const struct settings *s, struct tw_asuser *out, struct passwd **pw,
                             struct tw_error *e)
{
    errno = 0;
    *pw = getpwnam(s->user);
    if (!*pw) {
        const bool unknown = errno != 0 && errno != ENOENT && errno != ESRCH;
        if (unknown)
            tw_fail_errno(e, "cannot look up the user %s", s->user);
        else
            tw_fail(e, "there is no user \"%.80s\", so nothing is run", s->user);
        return unknown ? "cannot-look" : "no-user";
    }
    out->uid = (*pw)->pw_uid;
    out->gid = (*pw)->pw_gid;
    out->stay = out->uid == 0 && geteuid() == 0;
    out->user = (*pw)->pw_name;
    out->home = (*pw)->pw_dir && (*pw)->pw_dir[0] == '/' ? (*pw)->pw_dir : "/";
    struct tw_error why;
    bool gone;
    if (out->stay && tw_onlyroot_check(s->run.items[0], &gone, &why) != 0) {
        if (gone)
            tw_fail(e, "cannot run %s", why.text);
        else
            tw_fail(e, "%s: write another user, or give it to root", why.text);
        return gone ? "cannot-run" : "unsafe";
    }
    if (!out->stay && out->uid == 0) {
        tw_fail(e, "only root can run it as root, and the daemon is not root: write another user");
        return "unsafe";
    }
    if (!out->stay && out->gid == 0) {
        tw_fail(e, "the group of %s is root's: write another user", s->user);
        return "unsafe";
    }
    return NULL;
}

/* ---- what came of it ---------------------------------------------------------------------- */

/* The last line that is not empty: where programs say what stopped them. */
static struct tw_buf last_line(const struct tw_buf *said)
{
    struct tw_buf line = {0};
    size_t to = said->len, from;
    while (to && strchr(" \t\r\n", said->data[to - 1])) /* or a NUL */
        to--;
    for (from = to; from && said->data[from - 1] != '\n'; from--)
        ;
    const size_t length = to - from;
    tw_buf_add(&line, length ? said->data + from : "",
               length < LINE_MAX_SHOWN ? length : LINE_MAX_SHOWN);
    tw_buf_puts(&line, length > LINE_MAX_SHOWN ? "..." : "");
    return line;
}

/* As text without control characters. A NUL would end it. */
static void escape_output(const struct tw_buf *said, struct tw_buf *out)
{
    for (size_t at = 0; at < said->len && out->len < REMEMBERED_MAX; at++) {
        const size_t length = strnlen(said->data + at, said->len - at);
        tw_escape(out, said->data + at, length, TW_ESCAPE_TEXT, REMEMBERED_MAX - out->len);
        at += length;
        if (at < said->len)
            tw_buf_puts(out, "\\x00");
    }
}

/* For the letter. */
static void remember(const struct tw_run *run, const char *how, const struct tw_asuser_end *end)
{
    struct tw_buf memory = {0};
    tw_buf_printf(&memory, "run at %s, %s after %.1fs", tw_time_show(run->now_s).text, how,
                  (double)end->took_ms / 1000);
    tw_buf_puts(&memory, end->output.len ? "; it said:\n" : "; it said nothing\n");
    escape_output(&end->output, &memory);
    run->sink->remember(run->sink->context, tw_buf_text(&memory));
    tw_buf_free(&memory);
}

static void forget(const struct tw_run *run)
{
    if (run->memory[0])
        run->sink->remember(run->sink->context, "");
}

static void report_late(const struct tw_run *run, const struct tw_asuser_end *end, bool window)
{
    const struct settings *s = run->settings;
    struct tw_buf line = last_line(&end->output), shown = {0};
    tw_buf_puts(&shown, line.len ? ", it had said: " : ", it had said nothing");
    tw_escape(&shown, tw_buf_text(&line), line.len, TW_ESCAPE_LINE, 0);
    if (window)
        tw_report(run, TW_LEVEL_FAIL, "", "window",
                  "its window ended while it ran, and so was it%s", tw_buf_text(&shown));
    else
        tw_report(run, TW_LEVEL_FAIL, "", "timeout", "it ran for longer than %s and was ended%s",
                  tw_duration_show(s->max_time_s).text, tw_buf_text(&shown));
    tw_buf_free(&shown);
    tw_buf_free(&line);
    remember(run, "ended", end);
}

static void report_end(const struct tw_run *run, const struct tw_asuser_end *end)
{
    if (end->status == 0) {
        tw_report(run, TW_LEVEL_OK, "", "ok", "exit 0 after %.1fs", (double)end->took_ms / 1000);
        forget(run);
        return;
    }
    struct tw_buf line = last_line(&end->output), text = {0}, how = {0};
    const struct tw_buf nothing = {0};
    tw_program_describe(end->status, &line, &text);
    tw_program_describe(end->status, &nothing, &how);
    tw_report(run, TW_LEVEL_FAIL, "", WIFSIGNALED(end->status) ? "killed" : "failed", "%s",
              tw_buf_text(&text));
    remember(run, tw_buf_text(&how), end);
    tw_buf_free(&how);
    tw_buf_free(&text);
    tw_buf_free(&line);
}

/* ---- the run ------------------------------------------------------------------------------ */

static void run_it(const struct tw_run *run, struct tw_asuser *what)
{
    const struct settings *s = run->settings;
    const int64_t left_s = run->until_s ? run->until_s - run->now_s : INT64_MAX;
    const bool window = left_s < s->max_time_s;
    struct tw_asuser_end end;
    struct tw_error e;
    char **argv = tw_alloc((s->run.count + 1) * sizeof *argv);
    memcpy(argv, s->run.items, s->run.count * sizeof *argv);
    what->argv = argv;
    what->max_ms = (window ? left_s : s->max_time_s) * 1000;
    what->output_max = HEAD_MAX;
    what->tail_max = TAIL_MAX;
    what->alive = tw_report_progress; /* the worker's deadline is not the program's */
    what->context = (void *)run;
    if (tw_asuser_run(what, &end, &e) != 0)
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", e.text);
    else if (!end.run)
        tw_report(run, TW_LEVEL_FAIL, "", "cannot-run", "%s", end.why.text);
    else if (end.late)
        report_late(run, &end, window);
    else
        report_end(run, &end);
    tw_buf_free(&end.output);
    free(argv);
}

static void program_run(const struct tw_run *run)
{
    struct tw_asuser what = {0};
    struct passwd *pw;
    struct tw_error e;
    const char *code = find_user(run->settings, &what, &pw, &e);
    if (run->look_only)
        tw_report(run, TW_LEVEL_NONE, "", "none", "only the daemon runs it");
    else if (run->until_s && run->until_s <= run->now_s)
        tw_report(run, TW_LEVEL_NONE, "", "none", "its window had ended before it began");
    else if (code)
        tw_report(run, strcmp(code, "cannot-look") == 0 ? TW_LEVEL_UNKNOWN : TW_LEVEL_FAIL, "",
                  code, "%s", e.text);
    else
        run_it(run, &what);
}

/* ---- what is shown ------------------------------------------------------------------------ */

static void put_command(struct tw_buf *out, const struct settings *s)
{
    for (size_t i = 0; i < s->run.count; i++) {
        tw_buf_puts(out, i ? " " : "");
        tw_escape_shell(out, s->run.items[i]);
    }
}

static void program_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    if (aspect[0])
        return;
    put_command(out, run->settings);
    tw_buf_printf(out, "\n%s", run->memory);
}

static void program_advice(const struct tw_run *run, const char *aspect, const char *code,
                           struct tw_buf *out)
{
    const struct settings *s = run->settings;
    (void)aspect;
    if (strcmp(code, "no-user") == 0) {
        tw_buf_puts(out, "id ");
        tw_escape_shell(out, s->user);
    } else if (strcmp(code, "cannot-run") == 0 || strcmp(code, "unsafe") == 0) {
        tw_buf_puts(out, "ls -lL ");
        tw_escape_shell(out, s->run.items[0]);
    } else {
        tw_buf_puts(out, "sudo -H -u ");
        tw_escape_shell(out, s->user);
        tw_buf_puts(out, " ");
        put_command(out, s);
    }
}

/* What nobody at all can run; whether the user may, only a run shows. */
static void look_at_program(const char *path, struct tw_error *why)
{
    struct stat st;
    const bool there = stat(path, &st) == 0;
    if (there && S_ISREG(st.st_mode) && (st.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
        return;
    errno = there ? EACCES : errno; /* as execve(2) has it */
    tw_fail_errno(why, "cannot run %s", path);
}

static int program_tell(const struct tw_run *run, const char *what,
                        const struct tw_strings *arguments, const struct tw_teller *teller,
                        struct tw_error *e)
{
    const struct settings *s = run->settings;
    struct tw_asuser user = {0};
    struct passwd *pw;
    struct tw_error why = {""};
    if (strcmp(what, "dry-run") != 0)
        return tw_fail(e, "%s cannot tell that", run->name);
    if (arguments->count)
        return tw_fail(e, "%s has no mailboxes: its --dry-run takes no address", run->name);
    struct tw_buf command = {0};
    put_command(&command, s);
    const char *code = find_user(s, &user, &pw, &why);
    if (!code)
        look_at_program(s->run.items[0], &why);
    char *max = tw_format("%" PRId64, s->max_time_s);
    const char *const fields[] = {s->user, max, tw_buf_text(&command), why.text};
    teller->row(teller->context, fields, TW_COUNT(fields));
    free(max);
    tw_buf_free(&command);
    return 0;
}

const struct tw_kind tw_kind_program = {
    .name = "program",
    .task_every = "1d",
    .options = options,
    .settings_size = sizeof(struct settings),
    .validate = program_validate,
    .run = program_run,
    .evidence = program_evidence,
    .tells = TW_TELLS_PROGRAM,
    .tell = program_tell,
    .advice = program_advice,
};
