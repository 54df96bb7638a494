/* Verbs that run jobs: check, run; and forget. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/term.h"
#include "ctl/verbs.h"

static bool is_failing(const struct ctl_aspect *aspect)
{
    return aspect->level == TW_LEVEL_FAIL || aspect->level == TW_LEVEL_UNKNOWN;
}

/* In a pipe as a line of the log. */
static void print_aspect(struct ctl_table *table, const struct ctl_aspect *aspect)
{
    static const char *const words[] = {"UNKNOWN", "OK", "WARN", "FAIL", "UNKNOWN"};
    if (!ctl_is_terminal()) {
        char *text = tw_escape_new(aspect->text, TW_ESCAPE_LINE, 0);
        printf("%s %s: %s\n", words[aspect->level], aspect->name, text);
        free(text);
        return;
    }
    ctl_table_add(table, ctl_level_colour(aspect->level), "%s", words[aspect->level]);
    ctl_table_add(table, CTL_PLAIN, "%s", aspect->name);
    ctl_table_add(table, CTL_PLAIN, "%s", aspect->text);
    ctl_table_row(table);
}

/* A JSON array of what was found. */
static void print_json(const struct ctl_answer *answer)
{
    struct tw_buf out = {0};
    tw_buf_puts(&out, "[");
    for (size_t i = 0; i < answer->aspect_count; i++) {
        const struct ctl_aspect *aspect = &answer->aspects[i];
        tw_buf_puts(&out, i ? ",\n {" : "\n {");
        ctl_json_text(&out, "aspect", aspect->name);
        ctl_json_text(&out, "state", tw_level_name(aspect->level));
        ctl_json_text(&out, "code", aspect->code);
        ctl_json_text(&out, "text", aspect->text);
        tw_buf_puts(&out, "}");
    }
    tw_buf_puts(&out, answer->aspect_count ? "\n]\n" : "]\n");
    fputs(tw_buf_text(&out), stdout);
    tw_buf_free(&out);
}

static void put_names(struct tw_buf *request, char *const *names)
{
    int64_t count = 0;
    while (names[count])
        count++;
    struct tw_frame_writer w = tw_frame_begin(request, TW_CONTROL_CHECK);
    tw_frame_put_number(&w, count);
    for (int64_t i = 0; i < count; i++)
        tw_frame_put_text(&w, names[i]);
    tw_frame_end(&w);
}

static const struct tw_job_config *first_task(const struct ctl *ctl)
{
    for (char *const *name = ctl->arguments; *name; name++) {
        const struct tw_job_config *job = tw_config_find(ctl->config, *name);
        if (job && job->kind->task_every)
            return job;
    }
    return NULL;
}

/* Without a daemon: checks are run here. */
static int run_here(const struct ctl *ctl, struct ctl_answer *answer, const struct tw_error *why)
{
    struct tw_error e;
    const struct tw_job_config *task = first_task(ctl);
    if (task) {
        ctl_complain(
            "%s; only the daemon remembers what %s has asked and was told, so only it runs "
            "it; toasterctl run --dry-run %s works without",
            why->text, task->name, task->name);
        return CTL_SYSTEM;
    }
    if (ctl_foreground(ctl->config, ctl->arguments, answer, &e) == 0)
        return CTL_OK;
    ctl_complain_cannot(ctl->verb->name, e.text);
    return CTL_USAGE;
}

/* Through the daemon where one runs, else here. */
static int run_jobs(const struct ctl *ctl, const struct tw_buf *request, struct ctl_answer *answer)
{
    struct tw_error e = {""};
    const int asked = ctl_ask(ctl->config, request, answer, &e);
    if (asked == 1)
        return run_here(ctl, answer, &e);
    if (asked < 0) {
        ctl_complain("%s", e.text);
        return CTL_SYSTEM;
    }
    if (answer->code != 0)
        ctl_complain_cannot(ctl->verb->name, answer->text);
    else
        ctl_tell_other_file(ctl, answer);
    return answer->code;
}

static int report(const struct ctl *ctl, const struct tw_buf *request, bool all)
{
    struct ctl_answer answer = {0};
    int result = run_jobs(ctl, request, &answer);
    if (result == CTL_OK) {
        static const struct ctl_column columns[3];
        struct ctl_table table;
        if (ctl->json)
            print_json(&answer);
        ctl_table_begin(&table, columns, TW_COUNT(columns));
        for (size_t i = 0; i < answer.aspect_count; i++) {
            if (is_failing(&answer.aspects[i]))
                result = CTL_FAILED;
            if (!ctl->json && (all || is_failing(&answer.aspects[i])))
                print_aspect(&table, &answer.aspects[i]);
        }
        ctl_table_end(&table);
    }
    ctl_answer_free(&answer);
    return result;
}

int ctl_check(const struct ctl *ctl)
{
    struct tw_buf request = {0};
    put_names(&request, ctl->arguments);
    const int result = report(ctl, &request, false);
    tw_buf_free(&request);
    return result;
}

int ctl_run(const struct ctl *ctl)
{
    const char *name = ctl->arguments[0];
    if (ctl->dry_run && ctl->confirm)
        return ctl_misuse(ctl, "--dry-run removes nothing, so there is nothing to --confirm");
    if (!name || (ctl->arguments[1] && !ctl->dry_run))
        return ctl_misuse(ctl, "run what? One job, for example: toasterctl run service.smtp");
    if (ctl->dry_run)
        return ctl_dry_run(ctl);
    struct tw_buf request = {0};
    const struct tw_job_config *job = tw_config_find(ctl->config, name);
    const bool long_run = job && (job->kind->task_every || job->kind->rounds_every);
    if (long_run || ctl->confirm) {
        struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_RUN);
        tw_frame_put_text(&w, name);
        tw_frame_put_number(&w, ctl->confirm);
        tw_frame_end(&w);
    } else {
        put_names(&request, ctl->arguments);
    }
    const int result = report(ctl, &request, true);
    tw_buf_free(&request);
    return result;
}

int ctl_forget(const struct ctl *ctl)
{
    if (ctl->learned)
        return ctl_forget_learned(ctl);
    if (!ctl->arguments[0] || ctl->arguments[1])
        return ctl_misuse(ctl, "forget what? One job, for example: toasterctl forget service.smtp");
    struct tw_buf request = {0};
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_FORGET);
    tw_frame_put_text(&w, ctl->arguments[0]);
    tw_frame_end(&w);
    struct ctl_answer answer = {0};
    struct tw_error e = {""};
    int result = CTL_OK;
    if (ctl_ask(ctl->config, &request, &answer, &e) != 0) {
        ctl_complain("%s", e.text);
        result = CTL_SYSTEM;
    } else if (answer.code != 0) {
        ctl_complain_cannot("forget", answer.text);
        result = answer.code;
    } else {
        printf("%s is forgotten; it comes back if its directory is there or it is required\n",
               ctl->arguments[0]);
    }
    ctl_answer_free(&answer);
    tw_buf_free(&request);
    return result;
}
