/* toasterctl service list: what svstat says of each service and its log, and how often the daemon
 * has seen them start anew. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/state.h"
#include "base/units.h"
#include "ctl/json.h"
#include "ctl/service.h"
#include "ctl/term.h"
#include "kinds/servicememory.h"

struct row {
    char *name, *path;
    const char *state; /* "up", "down", "odd", "none": no supervise, "unknown" */
    enum ctl_colour colour;
    bool known; /* status holds */
    struct tw_supervise_status status;
    bool normally_up, linked;
    int64_t restarts, within_s; /* -1: not known */
    struct tw_buf remark;       /* what is odd about it */
};

struct table {
    const struct ctl_services *places;
    struct row *rows;
    size_t count;
    int64_t now_s;
};

/* ---- looking ------------------------------------------------------------------------------- */

static void remark(struct row *row, const char *text)
{
    tw_buf_printf(&row->remark, "%s%s", row->remark.len ? "; " : "", text);
}

static void look_at_status(struct row *row)
{
    struct tw_error e;
    const int running = tw_supervise_running(row->path, &e);
    row->colour = CTL_RED;
    if (running == 0) {
        row->state = "none";
        remark(row, "supervise is not running");
    } else if (running < 0 || tw_supervise_read(row->path, &row->status, &e) != 0) {
        row->state = "unknown";
        row->colour = CTL_YELLOW;
        remark(row, e.text);
    } else {
        row->known = true;
        row->state = row->status.pid ? "up" : "down";
        if (row->status.pid && row->status.want != 'd' && !row->status.paused)
            row->colour = CTL_GREEN;
        else if (!row->normally_up || row->status.pid)
            row->colour = CTL_YELLOW;
        if (row->status.pid && row->status.paused)
            remark(row, "paused");
    }
}

static struct row *add_row(struct table *t, const char *name, const char *suffix, const char *path,
                           bool linked)
{
    t->rows = tw_realloc_array(t->rows, t->count + 1, sizeof *t->rows);
    struct row *row = &t->rows[t->count++];
    *row = (struct row){.name = tw_format("%s%s", name, suffix),
                        .path = tw_format("%s%s", path, suffix),
                        .linked = linked,
                        .restarts = -1};
    row->normally_up = ctl_service_normally_up(row->path);
    if (!linked)
        remark(row, "not linked");
    return row;
}

static void look_at(struct table *t, const struct ctl_service_entry *entry)
{
    struct row *row = add_row(t, entry->name, "", entry->path, entry->linked);
    char *target = tw_link_read(entry->path), *log = tw_format("%s/log", entry->path);
    unsigned faults = 0;
    struct stat st;
    struct tw_error e;
    if (tw_service_test(entry->path, false, &faults, &e) != 0) {
        row->state = "unknown";
        row->colour = CTL_YELLOW;
        remark(row, e.text);
    } else if (faults & TW_SERVICE_NO_DIR) {
        row->state = "odd";
        row->colour = CTL_RED;
        char *text = target ? tw_format("a link to %s, where no directory is", target)
                            : tw_strdup("no directory");
        remark(row, text);
        free(text);
    } else {
        look_at_status(row);
        if (faults & TW_SERVICE_NO_RUN)
            remark(row, "there is no run");
        if (faults & TW_SERVICE_RUN_NOT_EXEC)
            remark(row, "run is not executable");
        if (lstat(log, &st) == 0)
            look_at_status(add_row(t, entry->name, "/log", entry->path, entry->linked));
    }
    free(target);
    free(log);
}

/* ---- restarts, as the daemon remembers them ------------------------------------------------ */

static int64_t restarts_of(struct tw_service_history *history, int64_t now_s, int64_t within_s)
{
    tw_service_take_pid(history, 0, now_s, within_s);
    return (int64_t)history->count;
}

static void take_job(void *context, const struct tw_state_job *job)
{
    struct table *t = context;
    static const char kind[] = "service.";
    if (strncmp(job->job, kind, sizeof kind - 1) != 0)
        return;
    const char *name = job->job + sizeof kind - 1;
    const int64_t *within = ctl_service_setting(t->places, name, "within");
    const int64_t within_s = within ? *within : -1;
    struct tw_service_memory memory = tw_service_memory_parse(job->memory);
    for (size_t i = 0; i < t->count && within_s > 0; i++) {
        struct row *row = &t->rows[i];
        const size_t length = strlen(name);
        const bool log = row->linked && strncmp(row->name, name, length) == 0 &&
                         strcmp(row->name + length, "/log") == 0;
        if (!row->linked || (!log && strcmp(row->name, name) != 0))
            continue;
        row->within_s = within_s;
        row->restarts = restarts_of(log ? &memory.log : &memory.main, t->now_s, within_s);
    }
}

static void take_trouble(void *context, const char *text)
{
    (void)context;
    if (geteuid() == 0)
        ctl_complain("cannot tell restarts: %s", text);
}

static bool daemon_answers(const struct tw_config *config)
{
    struct tw_buf request = {0};
    struct tw_frame_writer w = tw_frame_begin(&request, TW_CONTROL_STATUS);
    tw_frame_end(&w);
    struct ctl_answer answer = {0};
    const bool answers = ctl_ask(config, &request, &answer, NULL) == 0 && answer.code == 0;
    ctl_answer_free(&answer);
    tw_buf_free(&request);
    return answers;
}

static void look_at_restarts(struct table *t)
{
    const struct tw_config *config = t->places->ctl->config;
    const struct tw_state_reader reader = {.job = take_job, .trouble = take_trouble, .context = t};
    if (!config || !daemon_answers(config))
        return;
    struct tw_state *state = tw_state_open(config->state_dir, true, &reader);
    tw_state_close(&state, 0);
}

/* ---- printing ------------------------------------------------------------------------------ */

static const char *want_of(const struct row *row)
{
    if (!row->known)
        return "-";
    return row->status.want == 'u' ? "up" : row->status.want == 'd' ? "down" : "once";
}

static int64_t for_s(const struct table *t, const struct row *row)
{
    return t->now_s > row->status.changed_s ? t->now_s - row->status.changed_s : 0;
}

static void print_row(const struct table *t, const struct row *row, struct ctl_table *table)
{
    const bool has_pid = row->known && row->status.pid;
    char *pid = has_pid ? tw_format("%d", (int)row->status.pid) : tw_strdup("-");
    ctl_table_add(table, CTL_PLAIN, "%s", row->name);
    ctl_table_add(table, row->colour, "%s", row->state);
    ctl_table_add(table, CTL_PLAIN, "%s", pid);
    ctl_table_add(table, CTL_PLAIN, "%s", row->known ? tw_duration_show(for_s(t, row)).text : "-");
    ctl_table_add(table, CTL_PLAIN, "%s", want_of(row));
    ctl_table_add(table, CTL_PLAIN, "%s", row->normally_up ? "up" : "down");
    if (row->restarts >= 0)
        ctl_table_add(table, CTL_PLAIN, "%" PRId64 " in %s", row->restarts,
                      tw_duration_show(row->within_s).text);
    else
        ctl_table_add(table, CTL_PLAIN, "-");
    if (row->remark.len)
        ctl_table_add(table, CTL_PLAIN, "%s", tw_buf_text(&row->remark));
    ctl_table_row(table);
    free(pid);
}

static void print_table(const struct table *t)
{
    static const struct ctl_column columns[] = {
        {.title = "SERVICE", .width = 20},  {.title = "STATE", .width = 7},
        {.title = "PID", .width = 7},       {.title = "FOR", .width = 8},
        {.title = "WANT", .width = 4},      {.title = "NORMALLY", .width = 8},
        {.title = "RESTARTS", .width = 10}, {.title = "REMARK"}};
    struct ctl_table table;
    size_t up = 0;
    ctl_table_begin(&table, columns, TW_COUNT(columns));
    if (t->count)
        ctl_table_titles(&table);
    for (size_t i = 0; i < t->count; i++) {
        print_row(t, &t->rows[i], &table);
        up += t->rows[i].known && t->rows[i].status.pid;
    }
    ctl_table_end(&table);
    ctl_service_print("%zu of %zu up", up, t->count);
}

static void put_number(struct tw_buf *out, const char *key, bool known, int64_t number)
{
    if (known)
        ctl_json_number(out, key, number);
    else
        ctl_json_text(out, key, NULL);
}

static void print_json(const struct table *t)
{
    struct tw_buf out = {0};
    tw_buf_puts(&out, "[");
    for (size_t i = 0; i < t->count; i++) {
        const struct row *row = &t->rows[i];
        tw_buf_puts(&out, i ? ",\n {" : "\n {");
        ctl_json_text(&out, "service", row->name);
        ctl_json_text(&out, "directory", row->path);
        ctl_json_text(&out, "state", row->state);
        put_number(&out, "pid", row->known && row->status.pid, row->status.pid);
        put_number(&out, "since", row->known, row->status.changed_s);
        put_number(&out, "for_s", row->known, for_s(t, row));
        ctl_json_text(&out, "want", row->known ? want_of(row) : NULL);
        ctl_json_text(&out, "normally", row->normally_up ? "up" : "down");
        ctl_json_flag(&out, "paused", row->known && row->status.paused);
        ctl_json_flag(&out, "linked", row->linked);
        put_number(&out, "restarts", row->restarts >= 0, row->restarts);
        put_number(&out, "restarts_within_s", row->restarts >= 0, row->within_s);
        ctl_json_text(&out, "remark", tw_buf_text(&row->remark));
        tw_buf_puts(&out, "}");
    }
    tw_buf_puts(&out, t->count ? "\n]\n" : "]\n");
    fwrite(out.data, 1, out.len, stdout);
    tw_buf_free(&out);
}

int ctl_service_list(const struct ctl_services *places)
{
    struct ctl_service_entries entries;
    struct table t = {.places = places, .now_s = time(NULL)};
    if (ctl_service_entries(places, &entries) != 0)
        return CTL_SYSTEM;
    for (size_t i = 0; i < entries.count; i++)
        look_at(&t, &entries.items[i]);
    look_at_restarts(&t);
    if (places->ctl->json)
        print_json(&t);
    else
        print_table(&t);
    for (size_t i = 0; i < t.count; i++) {
        free(t.rows[i].name);
        free(t.rows[i].path);
        tw_buf_free(&t.rows[i].remark);
    }
    free(t.rows);
    ctl_service_entries_free(&entries);
    return CTL_OK;
}
