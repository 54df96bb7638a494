/* Verbs that list what a kind knows, without the daemon: mailboxes, run --dry-run. A toaster-worker
 * of our own looks; nothing is changed and nothing remembered. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"
#include "ctl/json.h"
#include "ctl/tell.h"
#include "kinds/listrows.h"
#include "kinds/maillist.h"
#include "kinds/programrows.h"
#include "kinds/wire.h"
#include "toaster/address.h"
#include "watcher/worker.h"

enum { FOR_EVER_MS = 24 * 3600 * 1000, PROBLEM_FIELDS = 2 };

/* ---- asking ------------------------------------------------------------------------------- */

static int on_report(void *context, struct tw_frame *frame)
{
    struct telling *t = context;
    const struct tw_sink none = {0};
    struct tw_strings fields = {0};
    if (frame->type == TW_WIRE_TEXT || frame->type == TW_WIRE_END) {
        int64_t result = 0;
        const int got = tw_wire_report(frame, &none, &t->why, &result);
        t->result = got == 1 ? result : t->result;
        return got;
    }
    if (frame->type == TW_WIRE_PROGRESS)
        return tw_frame_done(frame) ? 2 : -1;
    if (ctl_is_terminal() && !t->table.columns) /* rows are printed as they come */
        ctl_progress_clear(&t->progress);
    if (frame->type != TW_WIRE_ROW || tw_wire_get_row(frame, &fields) != 0) {
        tw_strings_free(&fields);
        return -1;
    }
    if (fields.count == PROBLEM_FIELDS) {
        ctl_progress_clear(&t->progress);
        ctl_complain("%s", fields.items[1]);
        t->problems++;
    } else if (fields.count == 1) {
        tw_strings_add(&t->seen, fields.items[0]);
    } else {
        t->row(t, &fields);
        t->progress.done = ++t->rows;
    }
    tw_strings_free(&fields);
    return 0;
}

static void on_ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct telling *t = context;
    if (outcome != TW_OUTCOME_DONE) {
        tw_buf_clear(&t->why);
        tw_buf_puts(&t->why, detail);
        t->result = 1;
    }
    tw_loop_stop(t->loop);
}

static const char *doing_of(const char *what)
{
    return strcmp(what, "mailboxes") == 0 ? "list mailboxes"
           : strcmp(what, "dry-run") == 0 ? "list what it would do"
                                          : what;
}

/* Has the kind tell; `settings` are of a job of it. */
int ctl_tell(struct telling *t, const struct tw_kind *kind, const char *name, const void *settings,
             const char *what, const struct tw_strings *arguments)
{
    char *program = tw_workers_find_program();
    const struct tw_places places = tw_config_places(t->ctl->config);
    const struct tw_run run = {.name = name,
                               .title = strchr(name, '.') + 1,
                               .settings = settings,
                               .places = &places,
                               .look_only = true,
                               .now_s = time(NULL),
                               .memory = ""};
    struct tw_request request = {.timeout_ms = FOR_EVER_MS,
                                 .alone = true,
                                 .reports_max = SIZE_MAX,
                                 .context = t,
                                 .report = on_report,
                                 .ended = on_ended};
    t->loop = tw_loop_new();
    if (!t->loop) {
        free(program);
        ctl_complain("cannot make an event loop");
        return CTL_SYSTEM;
    }
    struct tw_workers *workers = tw_workers_new(t->loop, program, 1);
    tw_wire_put_tell(&request.frame, &run, kind, what, arguments);
    tw_workers_submit(workers, &request);
    ctl_progress_begin(&t->progress, "%s", what);
    ctl_progress_on(&t->progress, t->loop);
    tw_loop_run(t->loop);
    ctl_progress_end(&t->progress);
    tw_workers_free(&workers);
    tw_loop_free(&t->loop);
    free(program);
    int result = CTL_OK;
    if (t->result != 0) {
        ctl_complain_cannot(doing_of(what), tw_buf_text(&t->why));
        result = CTL_SYSTEM;
    } else if (t->problems) {
        result = CTL_FAILED;
    }
    tw_buf_free(&t->why);
    return result;
}

/* ---- output ------------------------------------------------------------------------------- */

void ctl_put_escaped(const char *text, int width)
{
    char *clean = tw_escape_new(text, TW_ESCAPE_LINE, 0);
    printf("%-*s", width, clean);
    free(clean);
}

static void put_member(struct tw_buf *out, const char *key, const char *value, enum ctl_form form)
{
    if (form == CTL_TEXT) {
        ctl_json_text(out, key, value);
        return;
    }
    if (form == CTL_FLAG) {
        ctl_json_flag(out, key, value[0]);
        return;
    }
    ctl_json_key(out, key);
    tw_buf_puts(out, value[0] ? value : "null");
}

void ctl_print_object(const struct telling *t, const char *job, const struct ctl_member *members,
                      size_t count, const struct tw_strings *fields)
{
    struct tw_buf out = {0};
    tw_buf_puts(&out, t->rows ? ",\n {" : "\n {");
    if (job)
        put_member(&out, "job", job, CTL_TEXT);
    for (size_t i = 0; i < count; i++)
        put_member(&out, members[i].key, fields->items[members[i].field], members[i].form);
    tw_buf_puts(&out, "}");
    fwrite(out.data, 1, out.len, stdout);
    tw_buf_free(&out);
}

/* ---- mailboxes ---------------------------------------------------------------------------- */

static const struct ctl_member of_mailbox[] = {
    {"address", TW_MAILLIST_ADDRESS, CTL_TEXT}, {"directory", TW_MAILLIST_DIR, CTL_TEXT},
    {"owner", TW_MAILLIST_OWNER, CTL_NUMBER},   {"source", TW_MAILLIST_SOURCE, CTL_TEXT},
    {"state", TW_MAILLIST_STATE, CTL_TEXT},
};

static void mailbox_row(struct telling *t, const struct tw_strings *f)
{
    if (f->count != TW_MAILLIST_FIELDS)
        return;
    const char *state = f->items[TW_MAILLIST_STATE];
    t->problems += strcmp(state, "ok") != 0;
    if (t->ctl->json) {
        ctl_print_object(t, NULL, of_mailbox, TW_COUNT(of_mailbox), f);
        return;
    }
    ctl_table_add(&t->table, CTL_PLAIN, "%s", f->items[TW_MAILLIST_ADDRESS]);
    ctl_table_add(&t->table, CTL_PLAIN, "%s", f->items[TW_MAILLIST_DIR]);
    ctl_table_add(&t->table, CTL_PLAIN, "%s", f->items[TW_MAILLIST_OWNER]);
    ctl_table_add(&t->table, CTL_PLAIN, "%s", f->items[TW_MAILLIST_SOURCE]);
    if (strcmp(state, "ok") != 0)
        ctl_table_add(&t->table, CTL_RED, "%s", state);
    ctl_table_row(&t->table);
}

int ctl_mailboxes(const struct ctl *ctl)
{
    const struct tw_kind *kind = tw_kind_find("expire");
    const struct tw_sources *sources = &ctl->config->mailboxes;
    if (!sources->vpopmail && sources->glob.count == 0 && !sources->passwd) {
        ctl_complain("cannot list mailboxes: the section mailboxes of %s names no source: write "
                     "vpopmail, glob or passwd",
                     ctl->config->file);
        return CTL_FAILED;
    }
    struct telling t = {.ctl = ctl, .row = mailbox_row};
    static const struct ctl_column columns[] = {{.width = 30}, {0}, {0}, {0}, {0}};
    const struct tw_strings none = {0};
    void *settings = tw_alloc(kind->settings_size);
    tw_options_init(kind->options, settings);
    if (ctl->json)
        printf("[");
    ctl_table_begin(&t.table, columns, TW_COUNT(columns));
    int result = ctl_tell(&t, kind, "expire.mailboxes", settings, "mailboxes", &none);
    ctl_table_end(&t.table);
    if (ctl->json)
        printf(t.rows ? "\n]\n" : "]\n");
    if (result == CTL_OK && t.rows == 0) {
        ctl_complain("cannot list mailboxes: there is none by the section mailboxes of %s",
                     ctl->config->file);
        result = CTL_FAILED;
    }
    tw_options_free(kind->options, settings);
    free(settings);
    return result;
}

/* ---- run --dry-run ------------------------------------------------------------------------ */

static const struct ctl_member of_message[] = {
    {"address", TW_LIST_ADDRESS, CTL_TEXT}, {"file", TW_LIST_FILE, CTL_TEXT},
    {"class", TW_LIST_CLASS, CTL_TEXT},     {"age_s", TW_LIST_AGE_S, CTL_NUMBER},
    {"bytes", TW_LIST_BYTES, CTL_NUMBER},
};

static void due_row(struct telling *t, const struct tw_strings *f)
{
    if (f->count != TW_LIST_FIELDS)
        return;
    t->bytes += strtoll(f->items[TW_LIST_BYTES], NULL, 10);
    if (t->ctl->json) {
        ctl_print_object(t, NULL, of_message, TW_COUNT(of_message), f);
        return;
    }
    ctl_put_escaped(f->items[TW_LIST_CLASS], 6);
    printf("  %8s  ", tw_duration_show(strtoll(f->items[TW_LIST_AGE_S], NULL, 10)).text);
    ctl_put_escaped(f->items[TW_LIST_FILE], 0);
    printf("\n");
}

static const struct ctl_member of_program[] = {
    {"user", TW_PROGRAM_USER, CTL_TEXT},
    {"max_time_s", TW_PROGRAM_MAX_S, CTL_NUMBER},
    {"run", TW_PROGRAM_COMMAND, CTL_TEXT},
    {"why_not", TW_PROGRAM_WHY_NOT, CTL_TEXT},
};

static void program_row(struct telling *t, const struct tw_strings *f)
{
    if (f->count != TW_PROGRAM_FIELDS)
        return;
    if (f->items[TW_PROGRAM_WHY_NOT][0]) {
        ctl_complain("%s", f->items[TW_PROGRAM_WHY_NOT]);
        t->problems++;
    }
    if (t->ctl->json) {
        ctl_print_object(t, NULL, of_program, TW_COUNT(of_program), f);
        return;
    }
    printf("would be run as ");
    ctl_put_escaped(f->items[TW_PROGRAM_USER], 0);
    printf(", for %s at most: ",
           tw_duration_show(strtoll(f->items[TW_PROGRAM_MAX_S], NULL, 10)).text);
    ctl_put_escaped(f->items[TW_PROGRAM_COMMAND], 0);
    printf("\nnothing was run\n");
}

/* Every one of them is a mailbox's address. */
int ctl_take_addresses(char *const *arguments, struct tw_strings *out)
{
    for (; *arguments; arguments++) {
        const char *at = strchr(*arguments, '@');
        if (!at || at == *arguments || !at[1]) {
            ctl_complain(
                "cannot look into a mailbox: \"%s\" is no address of a mailbox: write user@domain "
                "(toasterctl mailboxes lists them)",
                *arguments);
            return -1;
        }
        tw_strings_add(out, *arguments);
    }
    return 0;
}

/* False, and says so: a mailbox that was asked for is not there. */
bool ctl_all_seen(const struct telling *t, const struct tw_strings *addresses)
{
    bool all = true;
    for (size_t i = 0; i < addresses->count; i++) {
        bool seen = false;
        for (size_t k = 0; k < t->seen.count && !seen; k++)
            seen = tw_address_matches(addresses->items[i], t->seen.items[k]) != TW_ADDRESS_OTHER;
        if (!seen)
            ctl_complain("cannot look into %s: there is no mailbox %s (toasterctl mailboxes lists "
                         "them)",
                         addresses->items[i], addresses->items[i]);
        all = all && seen;
    }
    return all;
}

int ctl_dry_run(const struct ctl *ctl)
{
    const char *name = ctl->arguments[0];
    const struct tw_job_config *job = tw_config_find(ctl->config, name);
    struct tw_strings addresses = {0};
    if (!job) {
        ctl_complain("cannot run %s: there is no job %s (toasterctl config shows them)", name,
                     name);
        return CTL_USAGE;
    }
    if (!job->kind->tell) {
        ctl_complain("cannot list what %s would do: it is no task, so it has no --dry-run", name);
        return CTL_USAGE;
    }
    if (ctl_take_addresses(ctl->arguments + 1, &addresses) != 0) {
        tw_strings_free(&addresses);
        return CTL_USAGE;
    }
    const bool learns = job->kind->tells == TW_TELLS_LEARNED;
    const bool runs = job->kind->tells == TW_TELLS_PROGRAM;
    struct telling t = {.ctl = ctl, .row = runs ? program_row : due_row};
    if (ctl->json)
        printf("[");
    int result = ctl_tell(&t, job->kind, job->name, job->settings, "dry-run", &addresses);
    if (result == CTL_OK && !ctl_all_seen(&t, &addresses))
        result = CTL_FAILED;
    if (ctl->json)
        printf(t.rows ? "\n]\n" : "]\n");
    else if (!runs)
        printf("%zu message%s, %s, would %s now; nothing was %s\n", t.rows, t.rows == 1 ? "" : "s",
               tw_size_show(t.bytes).text, learns ? "be learned" : "go",
               learns ? "learned" : "removed");
    tw_strings_free(&t.seen);
    tw_strings_free(&addresses);
    return result;
}
