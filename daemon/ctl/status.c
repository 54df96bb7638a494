/* Verbs that only show: status, config. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/units.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/term.h"

/* ---- for people --------------------------------------------------------------------------- */

struct moment {
    char text[32];
};

/* "14s ago", "in 40s", "never". */
static struct moment show_moment(int64_t at_s, int64_t now_s)
{
    struct moment moment;
    if (at_s == 0)
        snprintf(moment.text, sizeof moment.text, "-");
    else if (at_s > now_s)
        snprintf(moment.text, sizeof moment.text, "in %.24s", tw_duration_show(at_s - now_s).text);
    else
        snprintf(moment.text, sizeof moment.text, "%.20s ago", tw_duration_show(now_s - at_s).text);
    return moment;
}

static int width_of_names(const struct ctl_answer *answer)
{
    size_t width = 12;
    for (size_t i = 0; i < answer->aspect_count; i++)
        if (strlen(answer->aspects[i].name) > width)
            width = strlen(answer->aspects[i].name);
    for (size_t i = 0; i < answer->job_count; i++)
        if (strlen(answer->jobs[i].name) > width)
            width = strlen(answer->jobs[i].name);
    return width > 40 ? 40 : (int)width;
}

static void print_row(struct ctl_table *table, const struct ctl_aspect *aspect,
                      const struct ctl_job *job, int64_t now_s)
{
    const char *mark = aspect->stage >= TW_STAGE_OPEN ? tw_stage_name(aspect->stage) : "";
    ctl_table_add(table, ctl_level_colour(aspect->level), "%s", tw_level_name(aspect->level));
    ctl_table_add(table, CTL_PLAIN, "%s", aspect->name);
    ctl_table_add(table, CTL_PLAIN, "%s", tw_duration_show(now_s - aspect->since_s).text);
    ctl_table_add(table, CTL_PLAIN, "%s", show_moment(job ? job->last_end_s : 0, now_s).text);
    ctl_table_add(table, CTL_PLAIN, "%s", show_moment(job ? job->next_s : 0, now_s).text);
    ctl_table_add(table, CTL_PLAIN, "%s%s%s%s", aspect->text, mark[0] ? "  [" : "", mark,
                  mark[0] ? "]" : "");
    ctl_table_row(table);
}

static void print_new(struct ctl_table *table, const struct ctl_job *job, int64_t now_s)
{
    ctl_table_add(table, CTL_PLAIN, "none");
    ctl_table_add(table, CTL_PLAIN, "%s", job->name);
    ctl_table_add(table, CTL_PLAIN, "-");
    ctl_table_add(table, CTL_PLAIN, "%s", show_moment(job->last_end_s, now_s).text);
    ctl_table_add(table, CTL_PLAIN, "%s", show_moment(job->next_s, now_s).text);
    ctl_table_add(table, CTL_PLAIN, "%s",
                  job->running || job->last_end_s ? "its first run goes on" : "has not run yet");
    ctl_table_row(table);
}

static void print_table(const struct ctl_answer *answer)
{
    const struct ctl_column columns[] = {{"STATE", 7},     {"JOB/ASPECT", width_of_names(answer)},
                                         {"SINCE", 8},     {"LAST RUN", 10},
                                         {"NEXT RUN", 10}, {"WHAT", 0}};
    const int64_t now_s = time(NULL);
    struct ctl_table table;
    size_t failing = 0;
    ctl_table_begin(&table, columns, TW_COUNT(columns));
    ctl_table_titles(&table);
    for (size_t i = 0, job = 0; i < answer->aspect_count; i++) {
        const struct ctl_aspect *aspect = &answer->aspects[i];
        while (job < answer->job_count && i >= answer->jobs[job].first + answer->jobs[job].aspects)
            job++;
        const bool its = job < answer->job_count && i >= answer->jobs[job].first;
        failing += aspect->level == TW_LEVEL_FAIL || aspect->level == TW_LEVEL_UNKNOWN;
        print_row(&table, aspect, its ? &answer->jobs[job] : NULL, now_s);
    }
    for (size_t i = 0; i < answer->job_count; i++)
        if (answer->jobs[i].aspects == 0)
            print_new(&table, &answer->jobs[i], now_s);
    ctl_table_end(&table);
    printf("%zu job%s; of %zu aspect%s %zu failing\n", answer->job_count,
           answer->job_count == 1 ? "" : "s", answer->aspect_count,
           answer->aspect_count == 1 ? "" : "s", failing);
}

/* ---- for programs ------------------------------------------------------------------------- */

static void put_aspect(struct tw_buf *out, const struct ctl_aspect *aspect)
{
    tw_buf_puts(out, "{");
    ctl_json_text(out, "aspect", aspect->name);
    ctl_json_text(out, "state", tw_level_name(aspect->level));
    ctl_json_text(out, "incident", tw_stage_name(aspect->stage));
    ctl_json_time(out, "since", aspect->since_s);
    ctl_json_time(out, "opened", aspect->opened_s);
    ctl_json_text(out, "code", aspect->code);
    ctl_json_text(out, "text", aspect->text);
    tw_buf_puts(out, "}");
}

static void put_aspects(struct tw_buf *out, const struct ctl_answer *answer, size_t first,
                        size_t count)
{
    tw_buf_puts(out, "[");
    for (size_t i = first; i < first + count; i++) {
        tw_buf_puts(out, i > first ? ",\n    " : "\n    ");
        put_aspect(out, &answer->aspects[i]);
    }
    tw_buf_puts(out, "]");
}

/* {"jobs": [{"job", "last_start", "last_end", "next", "took_ms", "running", "aspects": [...]}],
 * "self": [...]} */
static void print_json(const struct ctl_answer *answer)
{
    struct tw_buf out = {0};
    size_t own = 0; /* the daemon's stand behind those of the jobs */
    for (size_t i = 0; i < answer->job_count; i++)
        own = answer->jobs[i].first + answer->jobs[i].aspects;
    tw_buf_puts(&out, "{\"jobs\": [");
    for (size_t i = 0; i < answer->job_count; i++) {
        const struct ctl_job *job = &answer->jobs[i];
        tw_buf_puts(&out, i ? ",\n {" : "\n {");
        ctl_json_text(&out, "job", job->name);
        ctl_json_time(&out, "last_start", job->last_start_s);
        ctl_json_time(&out, "last_end", job->last_end_s);
        ctl_json_time(&out, "next", job->next_s);
        ctl_json_number(&out, "took_ms", job->took_ms);
        ctl_json_flag(&out, "running", job->running);
        ctl_json_key(&out, "aspects");
        put_aspects(&out, answer, job->first, job->aspects);
        tw_buf_puts(&out, "}");
    }
    tw_buf_puts(&out, "\n],\n\"self\": ");
    put_aspects(&out, answer, own, answer->aspect_count - own);
    tw_buf_puts(&out, "}\n");
    fputs(tw_buf_text(&out), stdout);
    tw_buf_free(&out);
}

/* ---- verbs -------------------------------------------------------------------------------- */

int ctl_status(const struct ctl *ctl)
{
    struct tw_buf request = {0};
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_STATUS);
    tw_frame_end(&w);
    struct ctl_answer answer = {0};
    struct tw_error e = {""};
    int result = CTL_OK;
    const int asked = ctl_ask(ctl->config, &request, &answer, &e);
    if (asked != 0) {
        if (asked == 1)
            ctl_complain("%s (is it running? svstat %s/toaster-watcher)", e.text,
                         ctl->config->qmail.service);
        else
            ctl_complain("%s", e.text);
        result = CTL_SYSTEM;
    } else if (answer.code != 0) {
        ctl_complain_cannot("show the status", answer.text);
        result = answer.code;
    } else {
        ctl_tell_other_file(ctl, &answer);
        (ctl->json ? print_json : print_table)(&answer);
    }
    ctl_answer_free(&answer);
    tw_buf_free(&request);
    return result;
}

int ctl_config(const struct ctl *ctl)
{
    struct tw_buf out = {0};
    tw_config_write(ctl->config, false, &out);
    fputs(tw_buf_text(&out), stdout);
    tw_buf_free(&out);
    return CTL_OK;
}
