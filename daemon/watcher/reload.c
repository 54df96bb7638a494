/* Configurations: the first one, last-good in its place, and the exchange at HUP. A new one is read
 * and checked whole beside the old; only then is anything changed, and from there nothing can
 * fail. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "watcher/app_private.h"

/* ---- the first ---------------------------------------------------------------------------- */

static struct tw_config *load_last_good(const char *file, char **path, struct tw_error *e)
{
    *path = tw_config_last_good(file);
    return tw_config_load(*path, e);
}

int tw_app_first_config(struct tw_app *app)
{
    const char *file = app->options.config_file;
    struct tw_error e, last_error;
    app->config = tw_config_load(file, &e);
    if (app->config && tw_config_check_secrets(app->config, &e) == 0)
        return 0;
    tw_config_free(&app->config);
    char *path;
    app->config = load_last_good(file, &path, &last_error);
    if (!app->config) {
        tw_log_line(app->log, TW_LOG_FAIL, TW_SELF "/config",
                    "%s; and no last good configuration to run with: %s", e.text, last_error.text);
    } else {
        app->refused = tw_format("%s; running with the last good one, %s", e.text, path);
        free(app->config->file);
        app->config->file = tw_strdup(file); /* what HUP reads */
    }
    free(path);
    return app->config ? 0 : -1;
}

void tw_app_tell_config(struct tw_app *app)
{
    if (app->refused)
        tw_aspects_self(app->aspects, "config", TW_LEVEL_FAIL, "refused", app->refused,
                        tw_app_now(app));
    else
        tw_aspects_self(app->aspects, "config", TW_LEVEL_OK, "ok", app->config->file,
                        tw_app_now(app));
}

/* ---- in force ----------------------------------------------------------------------------- */

/* Of what the configuration leaves open (no way out for letters). */
static void warn_config(const struct tw_app *app)
{
    const struct tw_alert_config *alert = &app->config->alert;
    size_t without_qmail = 0;
    for (size_t i = 0; i < alert->via.count; i++)
        without_qmail += !alert->via.items[i].needs_qmail;
    if (alert->via.count == 0)
        tw_log_line(app->log, TW_LOG_WARN, TW_SELF,
                    "NO LETTER CAN BE SENT: alert.via is empty; all letters stay in %s/outbox",
                    app->config->state_dir);
    else if (without_qmail == 0)
        tw_log_line(app->log, TW_LOG_WARN, TW_SELF,
                    "every transport in alert.via needs qmail: when qmail-send is down, so are the "
                    "letters about it; add for example \"maildir:/home/postmaster/Maildir\"");
    if (app->config->job_count == 0)
        tw_log_line(app->log, TW_LOG_WARN, TW_SELF, "nothing is configured to be watched");
}

static void keep_as_last_good(struct tw_app *app)
{
    struct tw_buf text = {0};
    tw_buf_puts(&text, "# The last configuration that was in force, includes and defaults filled "
                       "in.\n# Written by toaster-watcher; changes are lost.\n");
    tw_config_write(app->config, true, &text);
    tw_state_put_config(app->state, tw_buf_text(&text), text.len);
    tw_buf_free(&text);
}

void tw_app_use_config(struct tw_app *app)
{
    tw_log_verbose(app->log, app->config->verbose);
    tw_mailer_configure(app->mailer, app->config);
    tw_heartbeat_configure(app->heartbeat, app->config);
    tw_report_configure(app->report, app->config);
    tw_app_plan_status(app);
    warn_config(app);
    if (!app->refused)
        keep_as_last_good(app);
}

/* ---- HUP ---------------------------------------------------------------------------------- */

static void notify_reloading(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
               (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

/* What only a start can take. */
static int check_fixed(const struct tw_app *app, const struct tw_config *new, struct tw_error *e)
{
    if (strcmp(app->config->state_dir, new->state_dir) == 0)
        return 0;
    return tw_fail(e, "%s: state_dir changes only with a restart (svc -t): it is %s now", new->file,
                   app->config->state_dir);
}

/* The socket that `new` asks for, where it asks for another than there is: made before anything is
 * changed. *control NULL: it stays. */
static int prepare_control(struct tw_app *app, const struct tw_config *new,
                           struct tw_control **control, struct tw_error *e)
{
    const struct tw_config *old = app->config;
    *control = NULL;
    if (strcmp(old->control, new->control) == 0) {
        if (strcmp(old->control_group, new->control_group) != 0)
            return tw_control_give(new->control, new->control_group, e);
        return 0;
    }
    *control = tw_app_make_control(app, new, e);
    return *control ? 0 : -1;
}

static void refuse(struct tw_app *app, const char *why)
{
    tw_log_line(app->log, TW_LOG_RELOAD, TW_SELF, "refused, the old configuration stays: %s", why);
    free(app->refused);
    app->refused = tw_format("%s; the old configuration stays in force", why);
    tw_app_tell_config(app);
}

void tw_app_reload(void *context)
{
    struct tw_app *app = context;
    if (app->stopping)
        return;
    notify_reloading();
    struct tw_error e;
    struct tw_config *new = tw_config_load(app->options.config_file, &e);
    struct tw_control *control = NULL;
    if (!new || tw_config_check_secrets(new, &e) != 0 || check_fixed(app, new, &e) != 0 ||
        prepare_control(app, new, &control, &e) != 0) {
        tw_config_free(&new);
        refuse(app, e.text);
    } else {
        struct tw_config *old = app->config;
        app->config = new;
        if (control) {
            tw_control_free(&app->control);
            app->control = control;
        }
        free(app->refused);
        app->refused = NULL;
        tw_jobs_configure(app->jobs, new, tw_app_job_dropped, tw_app_job_changed, app);
        tw_app_use_config(app);
        tw_config_free(&old);
        tw_log_line(app->log, TW_LOG_RELOAD, TW_SELF, "%s is in force, jobs=%zu", app->config->file,
                    app->config->job_count);
        tw_app_tell_config(app);
    }
    sd_notify(0, "READY=1");
}
