/* Shared by app.c (start and stop), reload.c (configurations) and restore.c (state at the start).
 */
#ifndef TW_WATCHER_APP_PRIVATE_H
#define TW_WATCHER_APP_PRIVATE_H

#include "watcher/app.h"
#include "watcher/control.h"
#include "watcher/hand.h"
#include "watcher/heartbeat.h"
#include "watcher/mailer.h"
#include "watcher/report.h"

/* Begins the key of a value in the state: when a task's last scheduled run began. */
#define TW_APP_SCHEDULED "scheduled/"
/* Behind it, if that run has not come to its end. */
#define TW_APP_UNFINISHED " unfinished"

struct tw_app {
    struct tw_app_options options;
    struct tw_config *config; /* in force */
    struct tw_log *log;
    struct tw_loop *loop;
    struct tw_state *state;
    struct tw_joblock *lock;
    struct tw_workers *workers;
    struct tw_jobs *jobs;
    struct tw_aspects *aspects;
    struct tw_actions *actions;
    struct tw_silences silences;
    struct tw_mailer *mailer;
    struct tw_heartbeat *heartbeat;
    struct tw_report_writer *report;
    struct tw_control *control;
    struct tw_timer *status_timer, *care_timer, *watchdog_timer, *stop_timer;
    struct tw_watch *log_watch;
    struct tw_signal *signals[8];
    size_t signal_count;
    int64_t watchdog_ms;
    char *refused;      /* why the file is not what is in force; NULL: it is */
    int64_t pruned_day; /* of the history */
    bool stopping, state_trouble;
};

struct tw_hand tw_app_hand(struct tw_app *app);
struct tw_when tw_app_now(const struct tw_app *app);

/* reload.c: the first configuration, or last-good in its place. -1: there is none; has said so. */
int tw_app_first_config(struct tw_app *app);
/* Says in an aspect what became of the file, once there are aspects. */
void tw_app_tell_config(struct tw_app *app);
/* Sets the timer of STATUS lines; "never" is none. */
void tw_app_plan_status(struct tw_app *app);
/* A control socket as this configuration says. NULL with an error. */
struct tw_control *tw_app_make_control(struct tw_app *app, const struct tw_config *config,
                                       struct tw_error *e);
/* HUP. */
void tw_app_reload(void *app);
/* What follows from a configuration that is in force now. */
void tw_app_use_config(struct tw_app *app);

/* restore.c: opens the state; makes jobs, aspects and mailer know what it holds. */
void tw_app_restore(struct tw_app *app);

/* For the heartbeat: what keeps the schedule from being healthy; context is the app. */
bool tw_app_is_sick(void *app, struct tw_buf *why);
/* An incident is over; context is the app. */
void tw_app_over(void *app, const struct tw_over *over);

/* For `then`; needs the state. */
struct tw_actions *tw_app_make_actions(struct tw_app *app);

/* A job's aspects and rows are forgotten; context is the app. */
void tw_app_job_dropped(void *app, struct tw_job *job);
void tw_app_job_changed(void *app, struct tw_job *job);
/* An incident changed; context is the app. */
void tw_app_news(void *app, struct tw_aspect *aspect, enum tw_incident_news what);

#endif
