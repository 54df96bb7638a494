/* Kind `learn`: what users have filed trains the spam filter. This file is the side with the
 * daemon's rights: whose mailboxes there are, for each owner a child with his rights that reads
 * (learn_reader.c) and one with the rights of the filter's user that teaches (teaching.c), and what
 * the run comes to.
 *
 * Aspects: the main one (there are mailboxes), filter, mailboxes, folders, index. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/priv.h"
#include "base/units.h"
#include "kinds/learn_lock.h"
#include "kinds/learn_reader.h"
#include "kinds/learn_rows.h"
#include "kinds/tasknotes.h"
#include "kinds/teaching.h"
#include "toaster/mailindex.h"

enum {
    LOCK_WAIT_MS = 1000,
    LOCK_PATIENCE_MS = 3600 * 1000,
    SECRET_MAX = 4096,
    TEACHER_PATIENCE_MS = 10000
};

/* One run, as it grows. */
struct state {
    const struct tw_run *run;
    const struct tw_learn_settings *settings;
    struct tw_mail_owners owners;
    struct tw_learn_sum sum;
    struct tw_task_notes notes;
    char *password;
    int64_t began_ms, end_ms;
    bool cut; /* the window did not suffice for all mailboxes */
    int lock; /* -1: another run has it */
};

/* The filter cannot be taught: the first reason counts. */
static void fail_filter(struct state *s, const char *code, const struct tw_error *why)
{
    if (s->sum.code)
        return;
    s->sum.code = tw_strdup(code);
    s->sum.text = tw_strdup(why->text);
}

/* ---- whom the filter is taught as --------------------------------------------------------- */

struct pupil_user {
    uid_t uid;
    gid_t gid;
    char *name, *home;
};

static void free_user(struct pupil_user *user)
{
    free(user->name);
    free(user->home);
}

static int find_user(const struct state *s, const struct tw_mail_owner *owner,
                     struct pupil_user *out, struct tw_error *e)
{
    const char *name = s->settings->user;
    const struct passwd *pw = name ? getpwnam(name) : getpwuid(owner->uid);
    *out = (struct pupil_user){.uid = owner->uid, .gid = owner->gid};
    if (name && !pw)
        return tw_fail(e,
                       "user: there is no user \"%.80s\": write whom the filter's store belongs "
                       "to, or make him",
                       name);
    if (pw && (pw->pw_uid == 0 || pw->pw_gid == 0))
        return tw_fail(e, "user: never root, nor the group of root");
    if (pw && name) {
        out->uid = pw->pw_uid;
        out->gid = pw->pw_gid;
    }
    out->name = pw ? tw_strdup(pw->pw_name) : tw_format("%ju", (uintmax_t)owner->uid);
    out->home = tw_strdup(pw ? pw->pw_dir : "/");
    return 0;
}

/* The first line of a file that only root, or whom we run as, can write. */
static int read_password(struct state *s, struct tw_error *e)
{
    const char *path = s->settings->password_file;
    char *text;
    size_t length;
    struct stat st;
    if (!path)
        return 0;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return tw_fail_errno(e, "password_file: cannot open %s", path);
    int result = fstat(fd, &st);
    if (result != 0)
        tw_fail_errno(e, "password_file: cannot look at %s", path);
    else if (!S_ISREG(st.st_mode) || (st.st_uid != 0 && st.st_uid != geteuid()) ||
             (st.st_mode & 077))
        result = tw_fail(e,
                         "password_file: others may read %s, or it is not root's: chown root and "
                         "chmod 600",
                         path);
    close(fd);
    if (result == 0)
        result = tw_file_read(AT_FDCWD, path, SECRET_MAX, &text, &length, e);
    if (result != 0)
        return -1;
    s->password = tw_strndup(text, strcspn(text, "\r\n"));
    free(text);
    return s->password[0] ? 0 : tw_fail(e, "password_file: %s is empty", path);
}

/* ---- one owner ---------------------------------------------------------------------------- */

static struct tw_teaching teaching_of(const struct state *s, const struct pupil_user *user,
                                      const int ends[2])
{
    const struct tw_learn_settings *settings = s->settings;
    return (struct tw_teaching){.kind = tw_teacher_find(settings->backend),
                                .setup = {.run = &settings->run,
                                          .user = user->name,
                                          .home = user->home,
                                          .socket = settings->socket,
                                          .url = settings->url,
                                          .password = s->password,
                                          .named = settings->user != NULL,
                                          .per_user = settings->per_user,
                                          .lock = s->lock,
                                          .max_time_ms = settings->max_time_s * 1000},
                                .hostname = s->run->places->hostname,
                                .max_size = settings->max_size,
                                .fd = ends[1],
                                .other = ends[0]};
}

static int start_teacher(const struct pupil_user *user, struct tw_teaching *teaching,
                         struct tw_priv_child *child, struct tw_error *e)
{
    const struct tw_priv_task priv = {.uid = user->uid,
                                      .gid = user->gid,
                                      .stay = geteuid() != 0 && user->uid == geteuid(),
                                      .work = tw_teaching_serve,
                                      .context = teaching,
                                      .max = 1,
                                      .timeout_ms = TEACHER_PATIENCE_MS};
    return tw_priv_start(&priv, child, e);
}

static int take(void *context, struct tw_frame *frame, const char *bytes, size_t length)
{
    (void)bytes, (void)length;
    return tw_learn_sum_take(context, frame);
}

static void tell_of_owner(struct state *s, const struct tw_mail_owner *owner,
                          const struct tw_error *why)
{
    char *text = tw_format("mailboxes of uid %ju: %s", (uintmax_t)owner->uid, why->text);
    tw_problems_add(&s->sum.problems, "cannot-look", text, 0);
    free(text);
}

/* The reader, with the teacher beside it. */
static int read_and_teach(struct state *s, struct tw_learn_task *task,
                          const struct pupil_user *user, struct tw_child_intake *intake,
                          struct tw_error *e)
{
    int ends[2];
    struct tw_priv_child child;
    struct tw_error why;
    char *nothing;
    size_t length;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return tw_fail_errno(e, "cannot make a socket");
    struct tw_teaching teaching = teaching_of(s, user, ends);
    task->teacher = ends[0];
    int result = start_teacher(user, &teaching, &child, e);
    const bool started = result == 0;
    close(ends[1]); /* the teacher alone has it: so the reader sees when that dies */
    if (result == 0)
        result = tw_child_run(&task->child, tw_learn_read, task, intake, e);
    close(ends[0]); /* now the teacher comes to its end */
    if (!started)
        return result;
    if (tw_priv_wait(&child, &nothing, &length, &why) == 0)
        free(nothing);
    else
        fail_filter(s, "failed", &why);
    return result;
}

/* A tw_task_each. */
static bool learn_of(void *context, size_t index, const char *after, const char *upto)
{
    struct state *s = context;
    const struct tw_run *run = s->run;
    const struct tw_mail_owner *owner = &s->owners.items[index];
    struct tw_learn_task task = {
        .child = {.run = run, .owner = owner, .after = after, .upto = upto, .end_ms = s->end_ms}};
    struct tw_child_intake intake = {
        .problems = &s->sum.problems, .take = take, .context = &s->sum};
    struct pupil_user user = {0};
    struct tw_error e;
    char *dir = NULL;
    bool anew = false;
    if (s->cut || s->sum.code)
        return false;
    if (find_user(s, owner, &user, &e) != 0) {
        fail_filter(s, "config", &e);
    } else if (tw_mailindex_prepare(run->places->state_dir, owner->uid, owner->gid, &dir, &e) !=
               0) {
        tw_problems_add(&s->sum.problems, "no-index", e.text, 0);
    } else {
        task.child.index_dir = dir;
        if (read_and_teach(s, &task, &user, &intake, &e) != 0)
            tell_of_owner(s, owner, &e);
        if (intake.at) {
            s->cut = true;
            tw_task_notes_go_on(&s->notes, owner->uid, intake.at);
        }
    }
    anew = intake.anew;
    tw_child_intake_free(&intake);
    free_user(&user);
    free(dir);
    return anew;
}

/* ---- saying ------------------------------------------------------------------------------- */

static int64_t figure(const struct state *s, enum tw_learn_figure which)
{
    return s->sum.figures[which];
}

static int64_t learned(const struct state *s)
{
    return figure(s, TW_LEARN_SPAM_LEARNED) + figure(s, TW_LEARN_HAM_LEARNED);
}

/* The DONE line, which is also what the status shows. */
static char *summary_of(const struct state *s)
{
    static const struct {
        const char *name;
        enum tw_learn_figure figure;
        bool always;
    } shown[] = {{"mailboxes", TW_LEARN_MAILBOXES, true}, {"folders", TW_LEARN_FOLDERS, true},
                 {"skipped", TW_LEARN_SKIPPED, true},     {"offered", TW_LEARN_OFFERED, true},
                 {"spam", TW_LEARN_SPAM_LEARNED, true},   {"ham", TW_LEARN_HAM_LEARNED, true},
                 {"known", TW_LEARN_KNOWN, true},         {"refused", TW_LEARN_REFUSED, false},
                 {"ours", TW_LEARN_OURS, false},          {"vanished", TW_LEARN_VANISHED, false},
                 {"more", TW_LEARN_MORE, false},          {"sampled", TW_LEARN_SAMPLED, false},
                 {"left_out", TW_LEARN_LEFT_OUT, false},  {"paused_s", TW_LEARN_PAUSED_S, false}};
    struct tw_buf out = {0};
    for (size_t i = 0; i < TW_COUNT(shown); i++)
        if (shown[i].always || figure(s, shown[i].figure))
            tw_buf_printf(&out, "%s=%" PRId64 " ", shown[i].name, figure(s, shown[i].figure));
    tw_buf_printf(&out, "problems=%" PRId64 " took=%.1fs", tw_problems_total(&s->sum.problems),
                  (double)(tw_clock_ms() - s->began_ms) / 1000);
    if (figure(s, TW_LEARN_SAMPLED))
        tw_buf_printf(&out,
                      " (of %" PRId64 " large mailboxes at first contact a sample; the %" PRId64
                      " left out count as offered)",
                      figure(s, TW_LEARN_SAMPLED), figure(s, TW_LEARN_LEFT_OUT));
    if (s->cut)
        tw_buf_puts(&out, " (the window has ended: the next run goes on from there)");
    return tw_buf_take(&out);
}

/* Training that silently does nothing is no training. */
static void report_filter(const struct state *s)
{
    const int64_t offered = figure(s, TW_LEARN_OFFERED), known = figure(s, TW_LEARN_KNOWN);
    const int64_t ours = figure(s, TW_LEARN_OURS), vanished = figure(s, TW_LEARN_VANISHED);
    const char *backend = s->settings->backend;
    if (s->sum.code)
        tw_report(s->run, TW_LEVEL_FAIL, "filter", s->sum.code,
                  "%s cannot be taught: %s (%" PRId64 " offered, %" PRId64 " learned, %" PRId64
                  " known; what was not confirmed is offered again)",
                  backend, s->sum.text, offered, learned(s), known);
    else if (offered > ours + vanished && learned(s) + known == 0)
        tw_report(s->run, TW_LEVEL_FAIL, "filter", "nothing-learned",
                  "%" PRId64 " offered, 0 learned, 0 known: %s takes none of them", offered,
                  backend);
    else if (offered > 0)
        tw_report(s->run, TW_LEVEL_OK, "filter", "ok", "%s learns", backend);
    else
        tw_report(s->run, TW_LEVEL_NONE, "filter", "none", "nothing was to be learned");
}

static const struct tw_problem_rule rules[] = {
    {"unreadable", "folders", TW_LEVEL_FAIL}, {"foreign", "folders", TW_LEVEL_WARN},
    {"other-fs", "folders", TW_LEVEL_WARN},   {"too-deep", "folders", TW_LEVEL_WARN},
    {"no-index", "index", TW_LEVEL_FAIL},     {"index-damaged", "index", TW_LEVEL_WARN},
};

static void report_problems(struct state *s, const char *aspect, const char *well)
{
    tw_problems_report(s->run, &s->sum.problems, rules, TW_COUNT(rules), aspect, well,
                       &s->notes.report);
}

static void report_figure(const struct state *s, const char *what, enum tw_learn_figure which)
{
    const struct tw_sink *sink = s->run->sink;
    if (figure(s, which))
        sink->figure(sink->context, &(struct tw_figure){what, "", figure(s, which), 0});
}

static void report(struct state *s)
{
    const struct tw_mailbox_tally tally = {.mailboxes = figure(s, TW_LEARN_MAILBOXES),
                                           .missing = figure(s, TW_LEARN_MISSING),
                                           .cut = s->cut,
                                           .prevented = s->sum.code != NULL};
    struct tw_buf memory = {0};
    char *summary = summary_of(s);
    tw_strings_free(&s->notes.report);
    tw_report_mailboxes(s->run, &tally, summary);
    report_filter(s);
    tw_problems_report_mailboxes(s->run, &s->sum.problems, &s->notes.report);
    report_problems(s, "folders", "nothing stood in the way");
    report_problems(s, "index", "in use");
    s->run->sink->done(s->run->sink->context, summary);
    report_figure(s, "learned as spam", TW_LEARN_SPAM_LEARNED);
    report_figure(s, "learned as good mail", TW_LEARN_HAM_LEARNED);
    tw_task_notes_write(&s->notes, &memory);
    s->run->sink->remember(s->run->sink->context, tw_buf_text(&memory));
    tw_buf_free(&memory);
    free(summary);
}

/* ---- the run ------------------------------------------------------------------------------ */

/* One learn run at a time on this machine; others wait, for an hour at most. */
static void take_turn(struct state *s)
{
    struct tw_error e;
    bool held;
    while ((s->lock = tw_learn_lock(s->run->places->state_dir, &held, &e)) < 0 && held) {
        const int64_t now_ms = tw_clock_ms();
        if (now_ms >= s->end_ms || now_ms - s->began_ms > LOCK_PATIENCE_MS)
            break;
        usleep(LOCK_WAIT_MS * 1000);
        s->run->sink->progress(s->run->sink->context);
    }
    if (s->lock >= 0)
        return;
    fail_filter(s, held ? "busy" : "failed", &e);
}

static void learn_run(const struct tw_run *run)
{
    struct state s = {.run = run, .settings = run->settings, .end_ms = INT64_MAX};
    struct tw_error e;
    s.began_ms = tw_clock_ms();
    if (run->until_s)
        s.end_ms = s.began_ms + (run->until_s > run->now_s ? run->until_s - run->now_s : 0) * 1000;
    tw_task_notes_read(run->memory, &s.notes);
    take_turn(&s);
    if (s.lock >= 0) {
        tw_mail_owners_read(run->places->sources, run->places->qmail_dir, run->places->hostname,
                            &s.owners, tw_problems_tell, &s.sum.problems);
        if (read_password(&s, &e) != 0)
            fail_filter(&s, "config", &e);
        tw_task_go_round(&s.notes, &s.owners, learn_of, &s);
    }
    report(&s);
    if (s.lock >= 0)
        close(s.lock);
    tw_mail_owners_free(&s.owners);
    tw_learn_sum_free(&s.sum);
    tw_task_notes_free(&s.notes);
    free(s.password);
}

/* ---- letters ------------------------------------------------------------------------------ */

static void learn_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    struct tw_task_notes notes;
    tw_task_notes_read(run->memory, &notes);
    if (aspect[0])
        tw_task_notes_show(&notes, aspect, out);
    tw_task_notes_free(&notes);
}

static void learn_advice(const struct tw_run *run, const char *aspect, const char *code,
                         struct tw_buf *out)
{
    const struct tw_learn_settings *settings = run->settings;
    if (strcmp(aspect, "filter") == 0 && strcmp(settings->backend, "sa-learn") == 0)
        tw_buf_printf(out, "sudo -H -u %s sa-learn --dump magic",
                      settings->user ? settings->user : "OWNER");
    else if (strcmp(code, "no-assign") == 0)
        tw_buf_printf(out, "ls -l %s/users/assign", run->places->qmail_dir);
    else if (strcmp(aspect, "filter") == 0)
        tw_buf_printf(out, "toasterctl run %s", run->name);
    else
        tw_buf_puts(out, "toasterctl mailboxes");
}

static int learn_validate(const void *settings, const char *title, struct tw_error *e)
{
    (void)title;
    return tw_learn_check(settings, e);
}

const struct tw_kind tw_kind_learn = {
    .name = "learn",
    .task_every = "1d",
    .peers = "canary",
    .options = tw_learn_options,
    .settings_size = sizeof(struct tw_learn_settings),
    .validate = learn_validate,
    .run = learn_run,
    .evidence = learn_evidence,
    .advice = learn_advice,
    .tells = TW_TELLS_LEARNED,
    .tell = tw_learn_tell,
};
