/* What the state holds, brought back at the start. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/statedir.h"
#include "watcher/app_private.h"

/* The rows come while the state is being opened, before those who want them are there. */
struct rows {
    struct tw_state_aspect *aspects;
    struct tw_state_job *jobs;
    struct letter {
        char *id, *text;
        size_t length;
    } * letters;
    struct tw_strings keys, values, troubles;
    int64_t last_incident;
    struct tw_state_incident *open; /* as the history has them */
    size_t open_count;
    size_t aspect_count, job_count, letter_count;
};

static void on_aspect(void *context, const struct tw_state_aspect *row)
{
    struct rows *rows = context;
    rows->aspects = tw_realloc_array(rows->aspects, rows->aspect_count + 1, sizeof *row);
    struct tw_state_aspect *copy = &rows->aspects[rows->aspect_count++];
    *copy = *row;
    copy->aspect = tw_strdup(row->aspect);
    copy->job = tw_strdup(row->job);
    copy->code = tw_strdup(row->code);
    copy->text = tw_strdup(row->text);
    copy->openings = tw_strdup(row->openings);
    copy->acked_by = tw_strdup(row->acked_by);
    copy->note = tw_strdup(row->note);
}

static void on_job(void *context, const struct tw_state_job *row)
{
    struct rows *rows = context;
    rows->jobs = tw_realloc_array(rows->jobs, rows->job_count + 1, sizeof *row);
    struct tw_state_job *copy = &rows->jobs[rows->job_count++];
    *copy = *row;
    copy->job = tw_strdup(row->job);
    copy->memory = tw_strdup(row->memory);
}

static void on_value(void *context, const char *key, const char *value)
{
    struct rows *rows = context;
    tw_strings_add(&rows->keys, key);
    tw_strings_add(&rows->values, value);
}

static void on_incident(void *context, const struct tw_state_incident *row)
{
    struct rows *rows = context;
    if (row->id > rows->last_incident)
        rows->last_incident = row->id;
    if (row->closed_s)
        return;
    rows->open = tw_realloc_array(rows->open, rows->open_count + 1, sizeof *rows->open);
    struct tw_state_incident *copy = &rows->open[rows->open_count++];
    *copy = *row;
    copy->aspect = tw_strdup(row->aspect);
    copy->text = tw_strdup(row->text);
    copy->acked_by = tw_strdup(row->acked_by);
    copy->note = tw_strdup(row->note);
}

static void on_letter(void *context, const char *id, const char *bytes, size_t length)
{
    struct rows *rows = context;
    rows->letters = tw_realloc_array(rows->letters, rows->letter_count + 1, sizeof *rows->letters);
    rows->letters[rows->letter_count++] =
        (struct letter){tw_strdup(id), tw_strndup(bytes, length), length};
}

static void on_trouble(void *context, const char *text)
{
    struct rows *rows = context;
    tw_strings_add(&rows->troubles, text);
}

static void free_rows(struct rows *rows)
{
    for (size_t i = 0; i < rows->aspect_count; i++) {
        free((char *)rows->aspects[i].aspect);
        free((char *)rows->aspects[i].job);
        free((char *)rows->aspects[i].code);
        free((char *)rows->aspects[i].text);
        free((char *)rows->aspects[i].openings);
        free((char *)rows->aspects[i].acked_by);
        free((char *)rows->aspects[i].note);
    }
    for (size_t i = 0; i < rows->job_count; i++) {
        free((char *)rows->jobs[i].job);
        free((char *)rows->jobs[i].memory);
    }
    for (size_t i = 0; i < rows->letter_count; i++) {
        free(rows->letters[i].id);
        free(rows->letters[i].text);
    }
    for (size_t i = 0; i < rows->open_count; i++) {
        free((char *)rows->open[i].aspect);
        free((char *)rows->open[i].text);
        free((char *)rows->open[i].acked_by);
        free((char *)rows->open[i].note);
    }
    free(rows->open);
    free(rows->aspects);
    free(rows->jobs);
    free(rows->letters);
    tw_strings_free(&rows->keys);
    tw_strings_free(&rows->values);
    tw_strings_free(&rows->troubles);
}

static void restore_jobs(struct tw_app *app, const struct rows *rows)
{
    for (size_t i = 0; i < rows->job_count; i++) {
        const struct tw_state_job *row = &rows->jobs[i];
        if (!tw_jobs_restore(app->jobs, row->job, row->last_start_s, row->last_end_s, row->memory))
            tw_state_drop_job(app->state, row->job);
    }
}

/* What was known of jobs that are no longer configured is dropped without a word. */
static void restore_aspects(struct tw_app *app, const struct rows *rows)
{
    const struct tw_when when = tw_app_now(app);
    for (size_t i = 0; i < rows->aspect_count; i++) {
        const struct tw_state_aspect *row = &rows->aspects[i];
        if (strcmp(row->job, TW_SELF) == 0 || tw_jobs_find(app->jobs, row->job))
            tw_aspects_restore(app->aspects, row, when.now_ms);
        else
            tw_state_drop_aspect(app->state, row->aspect);
    }
}

static int by_id(const void *a, const void *b)
{
    const struct tw_aspect *x = *(const struct tw_aspect *const *)a;
    const struct tw_aspect *y = *(const struct tw_aspect *const *)b;
    return x->id < y->id ? -1 : x->id > y->id;
}

/* How each incident failed; and the end of those that were dropped with their jobs, or whose end
 * did not reach the disk. */
static void restore_history(struct tw_app *app, const struct rows *rows)
{
    const size_t count = tw_aspects_count(app->aspects);
    struct tw_aspect **sorted = tw_alloc((count + 1) * sizeof(struct tw_aspect *));
    for (size_t i = 0; i < count; i++)
        sorted[i] = tw_aspects_at(app->aspects, i);
    qsort(sorted, count, sizeof(struct tw_aspect *), by_id);
    for (size_t i = 0; i < rows->open_count; i++) {
        struct tw_state_incident row = rows->open[i];
        const struct tw_aspect key = {.id = row.id}, *wanted = &key;
        struct tw_aspect **found =
            bsearch(&wanted, sorted, count, sizeof(struct tw_aspect *), by_id);
        if (found) {
            tw_aspects_seen(
                *found, row.level == TW_LEVEL_UNKNOWN ? TW_LEVEL_UNKNOWN : TW_LEVEL_FAIL, row.text);
        } else {
            row.closed_s = time(NULL);
            tw_state_put_incident(app->state, &row);
        }
    }
    free(sorted);
}

/* A letter may have told of a job that was dropped since. */
static void drop_jobless(struct tw_app *app)
{
    for (size_t i = tw_aspects_count(app->aspects); i-- > 0;) {
        const struct tw_aspect *aspect = tw_aspects_at(app->aspects, i);
        char *job = tw_strdup(aspect->job);
        if (strcmp(job, TW_SELF) != 0 && !tw_jobs_find(app->jobs, job)) {
            tw_aspects_job_gone(app->aspects, job, tw_app_now(app));
            i = tw_aspects_count(app->aspects);
        }
        free(job);
    }
}

static void tell_troubles(struct tw_app *app, const struct rows *rows)
{
    struct tw_buf text = {0};
    for (size_t i = 0; i < rows->troubles.count; i++)
        tw_buf_printf(&text, "%s%s", i ? "; " : "", rows->troubles.items[i]);
    /* A database begun afresh is worth a line; a directory that nothing is kept in, a letter. */
    if (tw_statedir_check(app->config->state_dir, NULL) != 0)
        tw_aspects_self(app->aspects, "database", TW_LEVEL_FAIL, "not-kept", tw_buf_text(&text),
                        tw_app_now(app));
    else if (text.len)
        tw_aspects_self(app->aspects, "database", TW_LEVEL_WARN, "set-aside", tw_buf_text(&text),
                        tw_app_now(app));
    else
        tw_aspects_self(app->aspects, "database", TW_LEVEL_OK, "ok", "read", tw_app_now(app));
    tw_buf_free(&text);
}

static void restore_letter(struct tw_app *app, const struct letter *letter)
{
    tw_mailer_restore_letter(app->mailer, letter->id, letter->text, letter->length);
    tw_report_restore_letter(app->report, letter->id, letter->text, letter->length);
}

static void restore_scheduled(struct tw_app *app, const char *key, const char *value)
{
    const size_t length = strlen(TW_APP_SCHEDULED);
    char *rest;
    if (strncmp(key, TW_APP_SCHEDULED, length) != 0)
        return;
    const int64_t scheduled_s = strtoll(value, &rest, 10);
    tw_jobs_restore_scheduled(app->jobs, key + length, scheduled_s,
                              strcmp(rest, TW_APP_UNFINISHED) == 0);
}

void tw_app_restore(struct tw_app *app)
{
    struct rows rows = {0};
    const struct tw_state_reader reader = {
        .aspect = on_aspect,
        .job = on_job,
        .value = on_value,
        .letter = on_letter,
        .trouble = on_trouble,
        .context = &rows,
        .incident = on_incident,
    };
    app->state = tw_state_open(app->config->state_dir, false, &reader);
    app->aspects = tw_aspects_new(app->log, app->state, tw_app_news, app);
    tw_aspects_silences(app->aspects, &app->silences);
    app->actions = tw_app_make_actions(app);
    app->mailer = tw_mailer_new(&(struct tw_mailer_parts){.loop = app->loop,
                                                          .log = app->log,
                                                          .state = app->state,
                                                          .aspects = app->aspects,
                                                          .jobs = app->jobs,
                                                          .workers = app->workers,
                                                          .actions = app->actions,
                                                          .silences = &app->silences});
    tw_aspects_on_over(app->aspects, tw_app_over, app);
    app->heartbeat = tw_heartbeat_new(&(struct tw_heartbeat_parts){.loop = app->loop,
                                                                   .workers = app->workers,
                                                                   .aspects = app->aspects,
                                                                   .sick = tw_app_is_sick,
                                                                   .context = app});
    app->report = tw_report_new(&(struct tw_report_parts){.loop = app->loop,
                                                          .log = app->log,
                                                          .state = app->state,
                                                          .aspects = app->aspects,
                                                          .jobs = app->jobs,
                                                          .post = tw_mailer_post(app->mailer)});
    tw_mailer_configure(app->mailer, app->config);
    tw_jobs_configure(app->jobs, app->config, NULL, NULL, NULL);
    restore_jobs(app, &rows);
    restore_aspects(app, &rows);
    tw_aspects_used_id(app->aspects, rows.last_incident);
    const struct tw_hand hand = tw_app_hand(app);
    for (size_t i = 0; i < rows.keys.count; i++) {
        tw_mailer_restore_value(app->mailer, rows.keys.items[i], rows.values.items[i]);
        tw_actions_restore_value(app->actions, rows.keys.items[i], rows.values.items[i]);
        restore_scheduled(app, rows.keys.items[i], rows.values.items[i]);
        tw_report_restore_value(app->report, rows.keys.items[i], rows.values.items[i]);
        tw_hand_restore_value(&hand, rows.keys.items[i], rows.values.items[i]);
    }
    for (size_t i = 0; i < rows.letter_count; i++)
        restore_letter(app, &rows.letters[i]);
    drop_jobless(app);
    restore_history(app, &rows);
    tell_troubles(app, &rows);
    free_rows(&rows);
}
