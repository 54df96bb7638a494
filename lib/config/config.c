/* The typed configuration: which keys there are outside the kinds, and how files become one value.
 * Knows no syntax. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/passwords.h"
#include "base/units.h"
#include "config/parse.h"

enum { HOUR = 3600, DAY = 86400, COUNT_MAX = 1000 };

#define TOP(member) offsetof(struct tw_config, member)

const struct tw_option tw_config_top[] = {
    {"postmaster", TW_OPT_STRING, TOP(postmaster)},
    {"hostname", TW_OPT_STRING, TOP(hostname)},
    {"state_dir", TW_OPT_PATH, TOP(state_dir), .fallback = TW_DEFAULT_STATE_DIR},
    {"control", TW_OPT_PATH, TOP(control), .fallback = "/run/toaster-watcher.sock"},
    {"control_group", TW_OPT_STRING, TOP(control_group), .fallback = ""},
    {"status_every", TW_OPT_DURATION, TOP(status_every_s), .fallback = "1h", .min = 1,
     .max = 365L * DAY},
    {"verbose", TW_OPT_BOOL, TOP(verbose), .fallback = "no"},
    {NULL},
};

static const struct tw_option qmail_options[] = {
    {"dir", TW_OPT_PATH, TOP(qmail.dir), .fallback = "/var/qmail"},
    {"supervise", TW_OPT_PATH, TOP(qmail.supervise), .fallback = "/var/qmail/supervise"},
    {"service", TW_OPT_PATH, TOP(qmail.service), .fallback = "/var/service"},
    {"log", TW_OPT_PATH, TOP(qmail.log), .fallback = "/var/log/mail"},
    {NULL},
};

static const struct tw_option web_options[] = {
    {"htdocs", TW_OPT_PATH, TOP(web.htdocs)},
    {"cgi_bin", TW_OPT_PATH, TOP(web.cgi_bin)},
    {NULL},
};

static const struct tw_option alert_options[] = {
    {"via", TW_OPT_LIST, TOP(alert.via_text), .fallback = "qmail-inject"},
    {"to", TW_OPT_LIST, TOP(alert.to)},
    {"group_wait", TW_OPT_DURATION, TOP(alert.group_wait_s), .fallback = "30s",
     .flags = TW_OPT_NO_NEVER, .min = 0, .max = DAY},
    {"max_per_hour", TW_OPT_INT, TOP(alert.max_per_hour), .fallback = "20", .min = 1,
     .max = COUNT_MAX},
    {"remind", TW_OPT_DURATION, TOP(alert.remind_s), .fallback = "4h", .min = 1, .max = 365L * DAY},
    {"escalate", TW_OPT_DURATION, TOP(alert.escalate_s), .min = 1, .max = 365L * DAY},
    {"escalate_via", TW_OPT_LIST, TOP(alert.escalate_text)},
    {"passwords", TW_OPT_PATH, TOP(alert.passwords)},
    {"ca_file", TW_OPT_PATH, TOP(alert.ca_file)},
    {NULL},
};

static const struct tw_option heartbeat_options[] = {
    {"url", TW_OPT_STRING, TOP(heartbeat.url)},
    {"every", TW_OPT_DURATION, TOP(heartbeat.every_s), .fallback = "5m", .flags = TW_OPT_NO_NEVER,
     .min = 1, .max = DAY},
    {NULL},
};

static const struct tw_option report_options[] = {
    {"every", TW_OPT_DURATION, TOP(report.every_s), .min = DAY, .max = 365L * DAY},
    {"at", TW_OPT_STRING, TOP(report.at), .fallback = "08:00"},
    {NULL},
};

#define COMMON(member) offsetof(struct tw_common, member)

/* Their least values are all over 0: in a job, 0 means not written. */
const struct tw_option tw_config_common[] = {
    {"every", TW_OPT_DURATION, COMMON(every_s), .fallback = "1m", .flags = TW_OPT_NO_NEVER,
     .min = 1, .max = 365L * DAY},
    {"timeout", TW_OPT_DURATION, COMMON(timeout_s), .fallback = "30s", .flags = TW_OPT_NO_NEVER,
     .min = 1, .max = DAY},
    {"fail_after", TW_OPT_INT, COMMON(fail_after), .fallback = "1", .min = 1, .max = COUNT_MAX},
    {"ok_after", TW_OPT_INT, COMMON(ok_after), .fallback = "1", .min = 1, .max = COUNT_MAX},
    {NULL},
};

#define JOB(member) offsetof(struct tw_job_config, member)

const struct tw_option tw_config_job[] = {
    {"then", TW_OPT_LIST, JOB(then)},
    {"depends", TW_OPT_LIST, JOB(depends)},
    {NULL},
};

const struct tw_option tw_config_task[] = {
    {"window", TW_OPT_WINDOW, JOB(window)},
    {NULL},
};

const struct tw_config_section tw_config_sections[] = {
    {"qmail", qmail_options, 0},
    {"web", web_options, 0},
    {"mailboxes", tw_sources_options, TOP(mailboxes)},
    {"alert", alert_options, 0},
    {"heartbeat", heartbeat_options, 0},
    {"report", report_options, 0},
    {"defaults", tw_config_common, TOP(defaults)},
    {NULL},
};

/* ---- loading -------------------------------------------------------------------------------- */

static struct tw_config *new_config(const char *file)
{
    struct tw_config *config = tw_alloc(sizeof *config);
    config->file = tw_strdup(file);
    tw_options_init(tw_config_top, config);
    for (const struct tw_config_section *s = tw_config_sections; s->name; s++)
        tw_options_init(s->options, (char *)config + s->offset);
    return config;
}

/* The old script's file has the same name, and may lie where ours is looked for. The first line
 * with a key that it always had, and that is none of ours; 0: there is none. */
static int find_old_line(const char *text)
{
    static const char *const keys[] = {"toaster_admin_email", "toaster_hostname"};
    int line = 1;
    for (const char *at = text; *at; line++) {
        at += strspn(at, " \t");
        for (size_t i = 0; i < TW_COUNT(keys); i++) {
            const size_t length = strlen(keys[i]);
            if (strncmp(at, keys[i], length) == 0 && at[length + strspn(at + length, " \t")] == '=')
                return line;
        }
        at += strcspn(at, "\n");
        at += *at == '\n';
    }
    return 0;
}

static int explain_old(const char *text, struct tw_error *e)
{
    const struct tw_error why = *e;
    const int line = find_old_line(text);
    if (!line)
        return -1;
    return tw_fail(e,
                   "%s (line %d is one of the old script's file: toasterctl import makes a new "
                   "configuration of that)",
                   why.text, line);
}

/* `from`: where the file was included, NULL for the main one. */
static int take_file(struct tw_parser *parser, const char *file, const char *from,
                     struct tw_error *e)
{
    char *text;
    size_t length;
    struct tw_error why;
    if (tw_config_read(file, &text, &length, &why) != 0)
        return tw_fail(e, "%s%s%s", from ? from : "", from ? ": include: " : "", why.text);
    int result = tw_config_prepare(text, length, file, e);
    if (result == 0)
        result = tw_parser_take(parser, file, text, !from, e);
    if (result != 0)
        result = explain_old(text, e);
    free(text);
    return result;
}

static int take_include(struct tw_parser *parser, const char *main_file,
                        const struct tw_include *include, struct tw_error *e)
{
    struct tw_strings files = {0};
    struct tw_error why;
    char *from = tw_format("%s:%d", main_file, include->line);
    int result = 0;
    if (tw_config_expand(include->pattern, &files, &why) != 0)
        result = tw_fail(e, "%s: include: %s", from, why.text);
    for (size_t i = 0; i < files.count && result == 0; i++)
        result = take_file(parser, files.items[i], from, e);
    tw_strings_free(&files);
    free(from);
    return result;
}

char *tw_config_system_hostname(void)
{
    char name[256];
    if (gethostname(name, sizeof name) != 0)
        return tw_strdup("localhost");
    name[sizeof name - 1] = '\0';
    return tw_strdup(tw_config_check("hostname", name, NULL) == 0 ? name : "localhost");
}

static int compare_jobs(const void *a, const void *b)
{
    return strcmp(((const struct tw_job_config *)a)->name, ((const struct tw_job_config *)b)->name);
}

/* What a task does not say of itself. The section `defaults` is for checks: a fail_after of 3 would
 * hold the letter of a nightly task back for two days. */
static struct tw_common task_defaults(const struct tw_kind *kind)
{
    struct tw_common common = {.timeout_s = 300, .fail_after = 1, .ok_after = 1};
    tw_duration_parse(kind->task_every, &common.every_s, NULL);
    return common;
}

/* Defaults that depend on other keys, which may be written anywhere. */
static void fill_in(struct tw_config *config)
{
    if (!config->hostname)
        config->hostname = tw_config_system_hostname();
    if (!config->postmaster)
        config->postmaster = tw_format("postmaster@%s", config->hostname);
    if (config->alert.to.count == 0)
        tw_strings_add(&config->alert.to, config->postmaster);
    for (size_t i = 0; i < config->job_count; i++) {
        struct tw_common *common = &config->jobs[i].common;
        const struct tw_kind *kind = config->jobs[i].kind;
        const struct tw_common defaults = kind->task_every ? task_defaults(kind) : config->defaults;
        if (kind->rounds_every && !common->every_s)
            tw_duration_parse(kind->rounds_every, &common->every_s, NULL);
        common->every_s = common->every_s ? common->every_s : defaults.every_s;
        common->timeout_s = common->timeout_s ? common->timeout_s : defaults.timeout_s;
        common->fail_after = common->fail_after ? common->fail_after : defaults.fail_after;
        common->ok_after = common->ok_after ? common->ok_after : defaults.ok_after;
    }
    if (config->job_count)
        qsort(config->jobs, config->job_count, sizeof *config->jobs, compare_jobs);
}

static int check_every(const struct tw_config *config, const struct tw_seen *seen,
                       struct tw_error *e)
{
    for (size_t i = 0; i < config->job_count; i++) {
        const struct tw_job_config *job = &config->jobs[i];
        const int64_t most_s =
            job->kind->longer_than_s ? job->kind->longer_than_s(job->settings) : 0;
        if (job->common.every_s > most_s)
            continue;
        struct tw_buf where = {0};
        tw_seen_where(seen, job->name, &where);
        tw_fail(e, "%s%s: every must be longer than %s", tw_buf_text(&where), job->name,
                tw_duration_show(most_s).text);
        tw_buf_free(&where);
        return -1;
    }
    return 0;
}

static void list_peers(struct tw_config *config)
{
    config->peers = tw_alloc((config->job_count + 1) * sizeof *config->peers);
    for (size_t i = 0; i < config->job_count; i++) {
        const struct tw_job_config *job = &config->jobs[i];
        if (tw_kind_is_peer(job->kind))
            config->peers[config->peer_count++] =
                (struct tw_peer){job->kind, job->name, job->common.every_s, job->settings};
    }
}

/* A key that says nothing without another one. */
static int alone(const struct tw_seen *seen, const char *key, const char *section,
                 const char *other, struct tw_error *e)
{
    struct tw_buf where = {0};
    char *mark = tw_format("%s in %s", key, section);
    tw_seen_where(seen, mark, &where);
    tw_fail(e, "%s%s.%s says nothing without %s.%s", tw_buf_text(&where), section, key, section,
            other);
    tw_buf_free(&where);
    free(mark);
    return -1;
}

/* By values, not by what was seen: what is written back (last-good.conf) has every default, and no
 * "never" where that is the default, and must be taken, too. */
static int check_sections(const struct tw_config *config, const struct tw_seen *seen,
                          struct tw_error *e)
{
    const struct tw_alert_config *alert = &config->alert;
    if (alert->escalate_s != TW_NEVER && alert->escalate_text.count == 0)
        return alone(seen, "escalate", "alert", "escalate_via", e);
    if (alert->escalate_text.count && alert->escalate_s == TW_NEVER)
        return alone(seen, "escalate_via", "alert", "escalate", e);
    if (!config->heartbeat.url && config->heartbeat.every_s != 300)
        return alone(seen, "every", "heartbeat", "url", e);
    if (config->report.every_s == TW_NEVER && strcmp(config->report.at, "08:00") != 0)
        return alone(seen, "at", "report", "every", e);
    return 0;
}

static int take_all(struct tw_config *config, const char *file, struct tw_error *e)
{
    struct tw_parser *parser = tw_parser_new(config);
    int result = take_file(parser, file, NULL, e);
    size_t count;
    const struct tw_include *includes = tw_parser_includes(parser, &count);
    for (size_t i = 0; i < count && result == 0; i++)
        result = take_include(parser, file, &includes[i], e);
    if (result == 0) {
        fill_in(config);
        list_peers(config);
        result = tw_config_check_depends(config, tw_parser_seen(parser), e);
    }
    if (result == 0)
        result = check_every(config, tw_parser_seen(parser), e);
    if (result == 0) {
        struct tw_buf where = {0};
        tw_seen_where(tw_parser_seen(parser), "passwords in alert", &where);
        config->alert.passwords_where = tw_buf_take(&where);
        result = check_sections(config, tw_parser_seen(parser), e);
    }
    tw_parser_free(&parser);
    return result;
}

static int make_transports(const struct tw_strings *texts, const char *qmail_dir,
                           struct tw_via *via, struct tw_error *e)
{
    via->items = tw_alloc((texts->count + 1) * sizeof *via->items);
    for (; via->count < texts->count; via->count++)
        if (tw_transport_parse(texts->items[via->count], qmail_dir, &via->items[via->count], e) !=
            0)
            return -1;
    return 0;
}

static int make_all_transports(struct tw_config *config, struct tw_error *e)
{
    struct tw_alert_config *alert = &config->alert;
    const char *qmail_dir = config->qmail.dir;
    return make_transports(&alert->via_text, qmail_dir, &alert->via, e) == 0 &&
                   make_transports(&alert->escalate_text, qmail_dir, &alert->escalate, e) == 0
               ? 0
               : -1;
}

static void free_via(struct tw_via *via)
{
    for (size_t i = 0; i < via->count; i++)
        tw_transport_clear(&via->items[i]);
    free(via->items);
}

struct tw_config *tw_config_load(const char *file, struct tw_error *e)
{
    struct tw_config *config = new_config(file);
    if (take_all(config, file, e) == 0 && make_all_transports(config, e) == 0)
        return config;
    tw_config_free(&config);
    return NULL;
}

/* ---- the value ------------------------------------------------------------------------------ */

void tw_config_clear_job(struct tw_job_config *job)
{
    tw_options_free(job->kind->options, job->settings);
    tw_options_free(tw_config_job, job);
    free(job->settings);
    free(job->name);
    free(job->title);
}

void tw_config_free(struct tw_config **config)
{
    struct tw_config *c = *config;
    *config = NULL;
    if (!c)
        return;
    for (size_t i = 0; i < c->job_count; i++)
        tw_config_clear_job(&c->jobs[i]);
    free(c->jobs);
    free(c->peers);
    free(c->alert.passwords_where);
    free_via(&c->alert.via);
    free_via(&c->alert.escalate);
    tw_options_free(tw_config_top, c);
    for (const struct tw_config_section *s = tw_config_sections; s->name; s++)
        tw_options_free(s->options, (char *)c + s->offset);
    free(c->file);
    free(c);
}

int tw_config_check_secrets(const struct tw_config *config, struct tw_error *e)
{
    struct tw_error why;
    if (!config->alert.passwords || tw_passwords_check(config->alert.passwords, &why) == 0)
        return 0;
    return tw_fail(e, "%salert.passwords: %s", config->alert.passwords_where, why.text);
}

const char *tw_config_default_file(void)
{
    static const char *const files[] = {
        "/etc/toaster-watcher.conf",
        "/usr/local/etc/toaster-watcher.conf",
        "/opt/local/etc/toaster-watcher.conf",
    };
    for (size_t i = 0; i < TW_COUNT(files); i++)
        if (access(files[i], F_OK) == 0)
            return files[i];
    return NULL;
}

const struct tw_job_config *tw_config_find(const struct tw_config *config, const char *name)
{
    const struct tw_job_config key = {.name = (char *)(uintptr_t)name};
    if (config->job_count == 0)
        return NULL;
    return bsearch(&key, config->jobs, config->job_count, sizeof *config->jobs, compare_jobs);
}

bool tw_job_config_equal(const struct tw_job_config *a, const struct tw_job_config *b)
{
    return a->kind == b->kind && strcmp(a->name, b->name) == 0 &&
           tw_options_equal(tw_config_common, &a->common, &b->common) &&
           tw_options_equal(tw_config_job, a, b) && tw_options_equal(tw_config_task, a, b) &&
           tw_options_equal(a->kind->options, a->settings, b->settings);
}

struct tw_places tw_config_places(const struct tw_config *config)
{
    return (struct tw_places){.qmail_dir = config->qmail.dir,
                              .service_dir = config->qmail.service,
                              .log_dir = config->qmail.log,
                              .proc_root = "/proc",
                              .state_dir = config->state_dir,
                              .hostname = config->hostname,
                              .sources = &config->mailboxes,
                              .peers = config->peers,
                              .peer_count = config->peer_count};
}
