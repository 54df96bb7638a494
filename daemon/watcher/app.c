/* The daemon as a whole: wiring, start and stop. */
#include "watcher/app.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/statedir.h"
#include "base/units.h"
#include "watcher/app_private.h"

enum {
    SLOTS = 16, /* workers that hang at once; one that does not is enough for the rest */
    LOG_RING = 256 * 1024,
    CARE_MS = 10000,        /* how often the daemon looks at itself */
    STOP_MS = 5000,         /* for letters and orders that are under way */
    SAVE_MS = 5000,         /* for the state at the end */
    FILES_MAX = 16384,      /* pidfds, one for each process that is watched */
    HISTORY_S = 90 * 86400, /* how long incidents that are over are kept */
    PRUNE_S = 86400,
    SOON_MS = 2000, /* a failure that an event showed is looked at again by schedule so soon */
};

struct tw_when tw_app_now(const struct tw_app *app)
{
    return (struct tw_when){time(NULL), tw_loop_now_ms(app->loop)};
}

struct tw_hand tw_app_hand(struct tw_app *app)
{
    return (struct tw_hand){app->log, app->state, app->aspects, app->jobs, &app->silences};
}

/* ---- what the jobs tell ------------------------------------------------------------------- */

static struct tw_incident_rule rule_of(const struct tw_job *job)
{
    return (struct tw_incident_rule){job->config->common.fail_after, job->config->common.ok_after};
}

static void on_finding(void *context, struct tw_job *job, const struct tw_finding *finding,
                       bool scheduled)
{
    struct tw_app *app = context;
    const struct tw_incident_rule rule = rule_of(job);
    if (tw_aspects_finding(app->aspects, job->name, finding, scheduled, &rule, tw_app_now(app)) &&
        !tw_job_has_rounds(job))
        tw_jobs_sooner(app->jobs, job, SOON_MS);
}

static void on_note(void *context, struct tw_job *job, const char *text)
{
    const struct tw_app *app = context;
    tw_log_line(app->log, TW_LOG_WARN, job->name, "%s", text);
}

static void on_done(void *context, struct tw_job *job, const char *text)
{
    const struct tw_app *app = context;
    tw_log_line(app->log, TW_LOG_DONE, job->name, "%s", text);
}

static void on_figure(void *context, struct tw_job *job, const struct tw_figure *figure)
{
    const struct tw_app *app = context;
    (void)job;
    tw_report_figure(app->report, figure);
}

void tw_app_over(void *context, const struct tw_over *over)
{
    const struct tw_app *app = context;
    if (app->report)
        tw_report_over(app->report, over);
}

bool tw_app_is_sick(void *context, struct tw_buf *why)
{
    const struct tw_app *app = context;
    const size_t stuck = tw_workers_stuck(app->workers);
    if (stuck)
        tw_buf_printf(why, "%zu workers hang and cannot be killed", stuck);
    for (size_t i = 0; i < tw_aspects_count(app->aspects) && why->len == 0; i++) {
        const struct tw_aspect *aspect = tw_aspects_at(app->aspects, i);
        if (strcmp(aspect->part, "schedule") == 0 && aspect->level == TW_LEVEL_FAIL)
            tw_buf_printf(why, "%s: %s", aspect->name, aspect->text);
    }
    return why->len > 0;
}

static void on_order(void *context, struct tw_job *job)
{
    const struct tw_app *app = context;
    tw_actions_order(app->actions, job, job->name, true);
}

static void on_ended(void *context, struct tw_job *job, bool scheduled, bool whole)
{
    struct tw_app *app = context;
    tw_log_line(app->log, TW_LOG_DEBUG, job->name, "run ended, %s, took=%" PRId64 "ms",
                scheduled ? "scheduled" : "asked", job->took_ms);
    if (scheduled && whole)
        tw_aspects_job_ran(app->aspects, job->name, tw_app_now(app));
}

static void on_scheduled(void *context, struct tw_job *job)
{
    const struct tw_app *app = context;
    char *key = tw_format(TW_APP_SCHEDULED "%s", job->name);
    char *value =
        tw_format("%" PRId64 "%s", job->scheduled_s, job->unfinished ? TW_APP_UNFINISHED : "");
    tw_state_put_value(app->state, key, value);
    free(key);
    free(value);
}

static void save_job(void *context, struct tw_job *job)
{
    const struct tw_app *app = context;
    tw_state_put_job(app->state, &(struct tw_state_job){.job = job->name,
                                                        .last_start_s = job->last_start_s,
                                                        .last_end_s = job->last_end_s,
                                                        .memory = job->memory});
}

void tw_app_job_dropped(void *context, struct tw_job *job)
{
    struct tw_app *app = context;
    tw_aspects_job_gone(app->aspects, job->name, tw_app_now(app));
    tw_state_drop_job(app->state, job->name);
}

void tw_app_job_changed(void *context, struct tw_job *job)
{
    struct tw_app *app = context;
    tw_aspects_job_changed(app->aspects, job->name);
}

void tw_app_news(void *context, struct tw_aspect *aspect, enum tw_incident_news what)
{
    struct tw_app *app = context;
    tw_log_line(app->log, TW_LOG_DEBUG, aspect->name, "incident is %s",
                tw_stage_name(aspect->incident.stage));
    /* What is open again had almost been told as mended: that, too, needs another try. */
    const bool opens = what == TW_NEWS_OPENED || what == TW_NEWS_REOPENED ||
                       what == TW_NEWS_FLAPPING || what == TW_NEWS_STEADY;
    const struct tw_job *job = opens ? tw_jobs_find(app->jobs, aspect->job) : NULL;
    if (job && aspect->level == TW_LEVEL_FAIL && strcmp(aspect->part, "schedule") != 0 &&
        !aspect->incident.acted)
        tw_actions_order(app->actions, job, aspect->name, false);
    if (app->mailer)
        tw_mailer_news(app->mailer, aspect, what);
}

static void stop_if_idle(void *context)
{
    const struct tw_app *app = context;
    if (app->stopping && !tw_mailer_busy(app->mailer) && !tw_actions_busy(app->actions))
        tw_loop_stop(app->loop);
}

/* What it was for has its chance: it counts its failures afresh, from a scheduled run on that is
 * made now. A task is run again another day: it has group_wait. */
static void order_ended(void *context, const char *name)
{
    struct tw_app *app = context;
    struct tw_job *job = tw_jobs_find(app->jobs, name);
    if (job && tw_job_is_task(job)) {
        tw_aspects_wait_anew(app->aspects, name, tw_loop_now_ms(app->loop));
    } else {
        tw_aspects_acted(app->aspects, name, tw_app_now(app));
        if (job)
            tw_jobs_sooner(app->jobs, job, 0);
    }
    tw_mailer_look(app->mailer);
    stop_if_idle(app);
}

struct tw_actions *tw_app_make_actions(struct tw_app *app)
{
    return tw_actions_new(&(struct tw_actions_parts){.loop = app->loop,
                                                     .log = app->log,
                                                     .state = app->state,
                                                     .workers = app->workers,
                                                     .jobs = app->jobs,
                                                     .ended = order_ended,
                                                     .context = app});
}

/* Somebody has silenced or acknowledged something. */
static void hand_moved(void *context)
{
    const struct tw_app *app = context;
    tw_mailer_look(app->mailer);
}

static int forget_job(void *context, struct tw_job *job, struct tw_error *e)
{
    struct tw_app *app = context;
    char *name = tw_strdup(job->name);
    const int result = tw_jobs_forget(app->jobs, job, tw_app_job_dropped, app, e);
    if (result == 0)
        tw_log_line(app->log, TW_LOG_OK, name, "forgotten, as toasterctl said");
    free(name);
    return result;
}

struct tw_control *tw_app_make_control(struct tw_app *app, const struct tw_config *config,
                                       struct tw_error *e)
{
    const struct tw_control_parts parts = {.loop = app->loop,
                                           .jobs = app->jobs,
                                           .aspects = app->aspects,
                                           .file = app->options.config_file,
                                           .forget = forget_job,
                                           .hand = tw_app_hand(app),
                                           .changed = hand_moved,
                                           .context = app};
    return tw_control_new(config, &parts, e);
}

static void open_control(struct tw_app *app)
{
    struct tw_error e;
    app->control = tw_app_make_control(app, app->config, &e);
    if (app->control)
        tw_aspects_self(app->aspects, "control", TW_LEVEL_OK, "ok", app->config->control,
                        tw_app_now(app));
    else
        tw_aspects_self(app->aspects, "control", TW_LEVEL_FAIL, "no-socket", e.text,
                        tw_app_now(app));
}

/* ---- timers ------------------------------------------------------------------------------- */

void tw_app_plan_status(struct tw_app *app)
{
    if (app->config->status_every_s == TW_NEVER)
        tw_timer_stop(app->status_timer);
    else
        tw_timer_set(app->status_timer, app->config->status_every_s * 1000);
}

static void notify_status(const struct tw_app *app)
{
    const struct tw_aspect_counts sum = tw_aspects_sum(app->aspects);
    sd_notifyf(0, "STATUS=%zu jobs, %zu failing, %zu unknown", tw_jobs_count(app->jobs), sum.fail,
               sum.unknown);
}

static void say_status(void *context)
{
    struct tw_app *app = context;
    const struct tw_aspect_counts sum = tw_aspects_sum(app->aspects);
    int64_t overlaps = 0;
    for (size_t i = 0; i < tw_jobs_count(app->jobs); i++) {
        struct tw_job *job = tw_jobs_at(app->jobs, i);
        overlaps += job->schedule.overlaps;
        save_job(app, job);
    }
    tw_log_line(app->log, TW_LOG_STATUS, TW_SELF,
                "jobs=%zu ok=%zu warn=%zu fail=%zu unknown=%zu incidents=%zu letters_waiting=%zu "
                "overlaps=%" PRId64 " workers_stuck=%zu",
                tw_jobs_count(app->jobs), sum.ok, sum.warn, sum.fail, sum.unknown, sum.incidents,
                tw_mailer_waiting(app->mailer), overlaps, tw_workers_stuck(app->workers));
    notify_status(app);
    tw_app_plan_status(app);
}

static void save_all(struct tw_app *app)
{
    tw_aspects_save(app->aspects);
    for (size_t i = 0; i < tw_jobs_count(app->jobs); i++) {
        struct tw_job *job = tw_jobs_at(app->jobs, i);
        save_job(app, job);
        if (job->scheduled_s)
            on_scheduled(app, job);
    }
}

/* The daemon's own health, as findings like any other. */
static void take_care(void *context)
{
    struct tw_app *app = context;
    char text[512];
    const bool trouble = tw_state_trouble(app->state, text, sizeof text);
    if (trouble)
        tw_aspects_self(app->aspects, "state", TW_LEVEL_FAIL, "cannot-write", text,
                        tw_app_now(app));
    else
        tw_aspects_self(app->aspects, "state", TW_LEVEL_OK, "ok", "written", tw_app_now(app));
    if (app->state_trouble && !trouble)
        save_all(app); /* the database may have been begun afresh */
    app->state_trouble = trouble;
    const struct tw_hand hand = tw_app_hand(app);
    if (time(NULL) / PRUNE_S != app->pruned_day) {
        app->pruned_day = time(NULL) / PRUNE_S;
        tw_state_prune_incidents(app->state, time(NULL) - HISTORY_S);
    }
    if (tw_hand_look(&hand, tw_app_now(app)))
        tw_mailer_look(app->mailer);
    tw_mailer_care(app->mailer);
    const size_t waiting = tw_mailer_stuck(app->mailer);
    if (waiting && tw_mailer_refused(app->mailer)) {
        snprintf(text, sizeof text, "%zu letter%s in the outbox: every transport refuses them",
                 waiting, waiting == 1 ? " lies" : "s lie");
        tw_aspects_self(app->aspects, "outbox", TW_LEVEL_FAIL, "refused", text, tw_app_now(app));
    } else if (waiting) {
        snprintf(text, sizeof text, "%zu letter%s in the outbox, which no transport takes", waiting,
                 waiting == 1 ? " waits" : "s wait");
        tw_aspects_self(app->aspects, "outbox", TW_LEVEL_WARN, "waiting", text, tw_app_now(app));
    } else {
        tw_aspects_self(app->aspects, "outbox", TW_LEVEL_OK, "ok", "empty", tw_app_now(app));
    }
    if (!app->control)
        open_control(app);
    const size_t stuck = tw_workers_stuck(app->workers);
    if (stuck) {
        snprintf(text, sizeof text, "%zu workers hang and cannot be killed", stuck);
        tw_aspects_self(app->aspects, "workers", TW_LEVEL_FAIL, "stuck", text, tw_app_now(app));
    } else {
        tw_aspects_self(app->aspects, "workers", TW_LEVEL_OK, "ok", "none hangs", tw_app_now(app));
    }
    tw_timer_set(app->care_timer, CARE_MS);
}

static void feed_watchdog(void *context)
{
    struct tw_app *app = context;
    sd_notify(0, "WATCHDOG=1");
    tw_timer_set(app->watchdog_timer, app->watchdog_ms);
}

/* ---- the log ------------------------------------------------------------------------------ */

static void log_ready(void *context)
{
    struct tw_app *app = context;
    if (!tw_log_flush(app->log))
        tw_watch_free(&app->log_watch);
}

static void before_wait(void *context)
{
    struct tw_app *app = context;
    if (!app->log_watch && tw_log_waiting(app->log))
        app->log_watch =
            tw_watch_new(app->loop, app->options.log_fd, TW_LOOP_WRITE, log_ready, app);
}

/* ---- signals ------------------------------------------------------------------------------ */

static void say_job(void *context, struct tw_job *job)
{
    struct tw_app *app = context;
    if (job)
        tw_aspects_say(app->aspects, job->name);
}

static void run_all(void *context)
{
    struct tw_app *app = context;
    for (size_t i = 0; i < tw_jobs_count(app->jobs) && !app->stopping; i++) {
        struct tw_job *job = tw_jobs_at(app->jobs, i);
        if (tw_job_is_task(job))
            say_job(app, job);
        else
            tw_jobs_ask(app->jobs, job, say_job, app);
    }
    tw_aspects_say(app->aspects, TW_SELF);
    tw_mailer_hurry(app->mailer);
}

static void stop_now(void *context)
{
    const struct tw_app *app = context;
    tw_loop_stop(app->loop);
}

static void stop(void *context)
{
    struct tw_app *app = context;
    const bool again = app->stopping;
    app->stopping = true;
    if (!again)
        sd_notify(0, "STOPPING=1");
    if (again) {
        stop_now(app);
        return;
    }
    /* A letter that a transport is just taking would else go out twice, an order be cut off. */
    tw_actions_stop(app->actions);
    tw_mailer_stop(app->mailer, stop_if_idle, app);
    tw_timer_set(app->stop_timer, STOP_MS);
    stop_if_idle(app);
}

static void harmless(void *context)
{
    (void)context;
}

static const struct {
    int number;
    tw_loop_call *call;
} signals[] = {{SIGHUP, tw_app_reload},
               {SIGALRM, run_all},
               {SIGTERM, stop},
               {SIGINT, stop},
               {SIGCONT, harmless}};

/* What came since tw_app_run began is seen as soon as the loop runs. */
static void watch_signals(struct tw_app *app)
{
    sigset_t ours;
    sigemptyset(&ours);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD,
           SIG_DFL); /* ignored, if whoever started us did: then nobody could be waited for */
    for (size_t i = 0; i < TW_COUNT(signals); i++) {
        app->signals[app->signal_count++] =
            tw_signal_new(app->loop, signals[i].number, signals[i].call, app);
        sigaddset(&ours, signals[i].number);
    }
    sigprocmask(SIG_UNBLOCK, &ours, NULL);
}

/* ---- start -------------------------------------------------------------------------------- */

static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    const rlim_t wanted = limit.rlim_max < FILES_MAX ? limit.rlim_max : FILES_MAX;
    if (limit.rlim_cur < wanted) {
        limit.rlim_cur = wanted;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* Two daemons on one state would mail everything twice. Without a state directory at all it is
 * better to watch without the lock than not to watch. */
static int take_daemon_lock(struct tw_app *app)
{
    struct tw_error e;
    pid_t holder;
    const char *dir = app->config->state_dir;
    if (tw_statedir_make(dir, &e) != 0 || !(app->lock = tw_joblock_open(dir, &e))) {
        tw_log_line(app->log, TW_LOG_WARN, TW_SELF, "%s; going on without the lock", e.text);
        return 0;
    }
    if (tw_joblock_take(app->lock, TW_JOBLOCK_DAEMON, &holder, &e) != 1)
        return 0;
    tw_log_line(app->log, TW_LOG_FAIL, TW_SELF,
                "another toaster-watcher (pid %d) already serves %s", holder, dir);
    return -1;
}

static void make_jobs(struct tw_app *app)
{
    char *program = tw_workers_find_program();
    app->workers = tw_workers_new(app->loop, program, SLOTS);
    if (access(program, X_OK) != 0)
        tw_log_line(app->log, TW_LOG_FAIL, TW_SELF, "cannot start %s: %s", program,
                    strerrordesc_np(errno));
    free(program);
    app->jobs = tw_jobs_new(app->loop, app->workers, app->lock,
                            &(struct tw_jobs_listener){.finding = on_finding,
                                                       .note = on_note,
                                                       .done = on_done,
                                                       .order = on_order,
                                                       .ended = on_ended,
                                                       .remembered = save_job,
                                                       .scheduled = on_scheduled,
                                                       .figure = on_figure,
                                                       .context = app});
}

static void start_watchdog(struct tw_app *app)
{
    uint64_t usec;
    if (sd_watchdog_enabled(0, &usec) > 0)
        app->watchdog_ms = (int64_t)(usec / 2000);
    if (app->watchdog_ms > 0)
        feed_watchdog(app);
}

static int start(struct tw_app *app)
{
    if (tw_app_first_config(app) != 0)
        return 100;
    if (take_daemon_lock(app) != 0)
        return 111;
    raise_file_limit();
    watch_signals(app);
    app->status_timer = tw_timer_new(app->loop, say_status, app);
    app->care_timer = tw_timer_new(app->loop, take_care, app);
    app->watchdog_timer = tw_timer_new(app->loop, feed_watchdog, app);
    app->stop_timer = tw_timer_new(app->loop, stop_now, app);
    make_jobs(app);
    tw_log_line(app->log, TW_LOG_START, TW_SELF, "version %s, %s, jobs=%zu", TW_VERSION,
                app->config->file, app->config->job_count);
    tw_app_restore(app);
    struct tw_error e;
    if (tw_state_start(app->state, &e) != 0)
        tw_log_line(app->log, TW_LOG_WARN, TW_SELF, "%s; nothing is kept over a restart", e.text);
    tw_app_tell_config(app);
    tw_app_use_config(app);
    open_control(app);
    tw_loop_before_wait(app->loop, before_wait, app);
    tw_mailer_start(app->mailer);
    tw_jobs_start(app->jobs);
    tw_timer_set(app->care_timer, CARE_MS);
    sd_notify(0, "READY=1");
    notify_status(app);
    start_watchdog(app);
    return 0;
}

/* ---- stop --------------------------------------------------------------------------------- */

static void finish(struct tw_app *app)
{
    tw_control_free(&app->control);
    tw_workers_free(&app->workers);
    for (size_t i = 0; app->jobs && i < tw_jobs_count(app->jobs); i++)
        save_job(app, tw_jobs_at(app->jobs, i));
    tw_heartbeat_free(&app->heartbeat);
    tw_report_free(&app->report);
    tw_mailer_free(&app->mailer);
    if (app->state && !tw_state_close(&app->state, SAVE_MS))
        tw_log_line(app->log, TW_LOG_WARN, TW_SELF, "the state could not be written whole");
    tw_log_line(app->log, TW_LOG_STOP, TW_SELF, "stopped as asked");
}

static void free_all(struct tw_app *app)
{
    for (size_t i = 0; i < app->signal_count; i++)
        tw_signal_free(&app->signals[i]);
    tw_watch_free(&app->log_watch);
    tw_timer_free(&app->status_timer);
    tw_timer_free(&app->care_timer);
    tw_timer_free(&app->watchdog_timer);
    tw_timer_free(&app->stop_timer);
    tw_workers_free(&app->workers);
    tw_actions_free(&app->actions);
    tw_jobs_free(&app->jobs);
    tw_aspects_free(&app->aspects);
    tw_joblock_close(&app->lock);
    tw_config_free(&app->config);
    tw_loop_free(&app->loop);
    tw_log_free(&app->log);
    tw_silences_free(&app->silences);
    free(app->refused);
}

int tw_app_run(const struct tw_app_options *options)
{
    struct tw_app app = {.options = *options};
    sigset_t ours; /* a HUP that comes while the configuration is read must not end us */
    sigemptyset(&ours);
    for (size_t i = 0; i < TW_COUNT(signals); i++)
        sigaddset(&ours, signals[i].number);
    sigprocmask(SIG_BLOCK, &ours, NULL);
    app.log = tw_log_new(options->log_fd, LOG_RING);
    app.loop = tw_loop_new();
    if (!app.loop) {
        tw_log_line(app.log, TW_LOG_FAIL, TW_SELF, "cannot make an event loop");
        free_all(&app);
        return 111;
    }
    const int code = start(&app);
    if (code == 0) {
        tw_loop_run(app.loop);
        finish(&app);
    }
    free_all(&app);
    return code;
}
