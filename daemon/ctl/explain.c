/* Verbs about one mailbox: what cleans it and what is learned of it, and forgetting that. Asked of
 * the kinds, without the daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/units.h"
#include "ctl/tell.h"
#include "kinds/expire_rows.h"
#include "kinds/learn_rows.h"

/* ---- what is cleaned ---------------------------------------------------------------------- */

static const struct ctl_member of_cleaned[] = {
    {"address", TW_EXPLAIN_ADDRESS, CTL_TEXT},     {"directory", TW_EXPLAIN_DIR, CTL_TEXT},
    {"folder", TW_EXPLAIN_FOLDER, CTL_TEXT},       {"class", TW_EXPLAIN_CLASS, CTL_TEXT},
    {"limit", TW_EXPLAIN_LIMIT, CTL_TEXT},         {"age", TW_EXPLAIN_CLOCK, CTL_TEXT},
    {"policy", TW_EXPLAIN_FROM, CTL_TEXT},         {"noexpire", TW_EXPLAIN_OPTED_OUT, CTL_FLAG},
    {"messages", TW_EXPLAIN_MESSAGES, CTL_NUMBER}, {"due", TW_EXPLAIN_DUE, CTL_NUMBER},
    {"kept", TW_EXPLAIN_KEPT, CTL_NUMBER},         {"due_bytes", TW_EXPLAIN_BYTES, CTL_NUMBER},
    {"next_due", TW_EXPLAIN_NEXT_S, CTL_NUMBER},
};

static void say_rule(struct tw_buf *out, const struct tw_strings *f)
{
    const char *class = f->items[TW_EXPLAIN_CLASS], *limit = f->items[TW_EXPLAIN_LIMIT];
    const char *from = f->items[TW_EXPLAIN_FROM];
    if (f->items[TW_EXPLAIN_OPTED_OUT][0])
        tw_buf_puts(out, "kept: its user has put a file .noexpire there");
    else if (!class[0])
        tw_buf_puts(out, "no rule is for it");
    else if (strcmp(limit, "never") == 0)
        tw_buf_printf(out, "%s: never", class);
    else
        tw_buf_printf(out, "%s: older than %s (%s)", class, limit, f->items[TW_EXPLAIN_CLOCK]);
    if (from[0])
        tw_buf_printf(out, ", by policy %s", from);
}

static void say_next(struct tw_buf *out, const char *words, const char *next)
{
    if (!next[0])
        return;
    char when[40] = "?"; /* a message may have any date */
    const time_t at = (time_t)strtoll(next, NULL, 10);
    struct tm local;
    if (localtime_r(&at, &local))
        strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
    tw_buf_printf(out, "%s%s", words, when);
}

static void end_mailbox(struct telling *t)
{
    if (t->mailbox) {
        ctl_progress_clear(&t->progress);
        ctl_table_end(&t->table);
    }
    free(t->mailbox);
    t->mailbox = NULL;
}

static void begin_mailbox(struct telling *t, const char *address, const char *dir)
{
    static const struct ctl_column columns[] = {{.width = 20}, {.width = 7, .right = true}, {0}};
    if (t->mailbox && strcmp(t->mailbox, address) == 0)
        return;
    end_mailbox(t);
    t->mailbox = tw_strdup(address);
    ctl_progress_clear(&t->progress);
    printf("%s, ", t->job->name);
    ctl_put_escaped(dir, 0);
    printf(":\n");
    ctl_table_begin(&t->table, columns, TW_COUNT(columns));
    t->table.indent = 2;
    t->table.tight = 1;
}

static void put_folder(struct telling *t, const char *folder, const char *messages,
                       struct tw_buf *text)
{
    ctl_table_add(&t->table, CTL_PLAIN, "%s", folder);
    ctl_table_add(&t->table, CTL_PLAIN, "%s", messages);
    ctl_table_add(&t->table, CTL_PLAIN, "%s", tw_buf_text(text));
    ctl_table_row(&t->table);
    tw_buf_free(text);
}

static void cleaned_row(struct telling *t, const struct tw_strings *f)
{
    if (f->count != TW_EXPLAIN_FIELDS)
        return;
    if (t->ctl->json) {
        ctl_print_object(t, t->job->name, of_cleaned, TW_COUNT(of_cleaned), f);
        return;
    }
    const char *due = f->items[TW_EXPLAIN_DUE], *kept = f->items[TW_EXPLAIN_KEPT];
    begin_mailbox(t, f->items[TW_EXPLAIN_ADDRESS], f->items[TW_EXPLAIN_DIR]);
    if (!f->items[TW_EXPLAIN_FOLDER][0])
        return;
    struct tw_buf text = {0};
    say_rule(&text, f);
    if (strcmp(due, "0") != 0)
        tw_buf_printf(&text, "; %s due now, %s", due,
                      tw_size_show(strtoll(f->items[TW_EXPLAIN_BYTES], NULL, 10)).text);
    if (strcmp(kept, "0") != 0)
        tw_buf_printf(&text, "; %s kept until a learn job has seen them", kept);
    say_next(&text, ", the next one ", f->items[TW_EXPLAIN_NEXT_S]);
    put_folder(t, f->items[TW_EXPLAIN_FOLDER], f->items[TW_EXPLAIN_MESSAGES], &text);
}

/* ---- what is learned ---------------------------------------------------------------------- */

static const struct ctl_member of_learned[] = {
    {"address", TW_LEARNED_ADDRESS, CTL_TEXT},     {"directory", TW_LEARNED_DIR, CTL_TEXT},
    {"folder", TW_LEARNED_FOLDER, CTL_TEXT},       {"class", TW_LEARNED_CLASS, CTL_TEXT},
    {"messages", TW_LEARNED_MESSAGES, CTL_NUMBER}, {"offered", TW_LEARNED_MARKED, CTL_NUMBER},
    {"next_run", TW_LEARNED_NEXT, CTL_NUMBER},     {"later_runs", TW_LEARNED_MORE, CTL_NUMBER},
    {"too_young", TW_LEARNED_WAITING, CTL_NUMBER}, {"old_enough", TW_LEARNED_WHEN_S, CTL_NUMBER},
    {"spared_by", TW_LEARNED_SPARED_BY, CTL_TEXT},
};

static void learned_row(struct telling *t, const struct tw_strings *f)
{
    if (f->count != TW_LEARNED_FIELDS)
        return;
    if (t->ctl->json) {
        ctl_print_object(t, t->job->name, of_learned, TW_COUNT(of_learned), f);
        return;
    }
    const char *class = f->items[TW_LEARNED_CLASS];
    begin_mailbox(t, f->items[TW_LEARNED_ADDRESS], f->items[TW_LEARNED_DIR]);
    if (!f->items[TW_LEARNED_FOLDER][0])
        return;
    struct tw_buf text = {0};
    if (!class[0]) {
        tw_buf_puts(&text, "nothing of it is learned");
        if (f->items[TW_LEARNED_SPARED_BY][0])
            tw_buf_printf(&text, ": test mails of %s come here", f->items[TW_LEARNED_SPARED_BY]);
        put_folder(t, f->items[TW_LEARNED_FOLDER], "", &text);
        return;
    }
    tw_buf_printf(&text, "%s: %s offered already, %s in the next run", class,
                  f->items[TW_LEARNED_MARKED], f->items[TW_LEARNED_NEXT]);
    if (strcmp(f->items[TW_LEARNED_MORE], "0") != 0)
        tw_buf_printf(&text, ", %s in later ones", f->items[TW_LEARNED_MORE]);
    if (strcmp(f->items[TW_LEARNED_WAITING], "0") != 0)
        tw_buf_printf(&text, "; %s too young", f->items[TW_LEARNED_WAITING]);
    say_next(&text, ", the first old enough ", f->items[TW_LEARNED_WHEN_S]);
    put_folder(t, f->items[TW_LEARNED_FOLDER], f->items[TW_LEARNED_MESSAGES], &text);
}

/* ---- both --------------------------------------------------------------------------------- */

static bool tells_of_mailboxes(const struct tw_kind *kind)
{
    return kind->tells == TW_TELLS_CLEANED || kind->tells == TW_TELLS_LEARNED;
}

int ctl_explain(const struct ctl *ctl)
{
    struct tw_strings addresses = {0};
    if (!ctl->arguments[0] || ctl->arguments[1])
        return ctl_misuse(
            ctl, "explain which mailbox? For example: toasterctl explain user@example.com");
    if (ctl_take_addresses(ctl->arguments, &addresses) != 0)
        return CTL_USAGE;
    struct telling t = {.ctl = ctl};
    int result = CTL_OK;
    size_t jobs = 0;
    if (ctl->json)
        printf("[");
    for (size_t i = 0; i < ctl->config->job_count; i++) {
        const struct tw_job_config *job = &ctl->config->jobs[i];
        if (!tells_of_mailboxes(job->kind))
            continue;
        jobs++;
        t.job = job;
        t.row = job->kind->tells == TW_TELLS_LEARNED ? learned_row : cleaned_row;
        const int asked = ctl_tell(&t, job->kind, job->name, job->settings, "explain", &addresses);
        end_mailbox(&t);
        result = asked > result ? asked : result;
    }
    if (ctl->json)
        printf(t.rows ? "\n]\n" : "]\n");
    if (jobs == 0) {
        ctl_complain("cannot explain %s: no job of %s cleans mailboxes or learns from them",
                     ctl->arguments[0], ctl->config->file);
        result = CTL_FAILED;
    } else if (t.rows == 0 && result == CTL_OK) {
        ctl_complain("cannot explain %s: there is no mailbox %s (toasterctl mailboxes lists them)",
                     ctl->arguments[0], ctl->arguments[0]);
        result = CTL_FAILED;
    }
    tw_strings_free(&t.seen);
    tw_strings_free(&addresses);
    return result;
}

/* ---- forget --learned --------------------------------------------------------------------- */

static void no_row(struct telling *t, const struct tw_strings *f)
{
    (void)t, (void)f;
}

int ctl_forget_learned(const struct ctl *ctl)
{
    struct tw_strings addresses = {0};
    struct telling t = {.ctl = ctl, .row = no_row};
    int result = CTL_OK;
    size_t jobs = 0;
    if (!ctl->arguments[0] || ctl->arguments[1])
        return ctl_misuse(ctl, "forget --learned of which mailbox? For example: toasterctl forget "
                               "--learned user@example.com");
    if (ctl_take_addresses(ctl->arguments, &addresses) != 0)
        return CTL_USAGE;
    for (size_t i = 0; i < ctl->config->job_count; i++) {
        const struct tw_job_config *job = &ctl->config->jobs[i];
        if (job->kind->tells != TW_TELLS_LEARNED)
            continue;
        jobs++;
        const int asked = ctl_tell(&t, job->kind, job->name, job->settings, "forget", &addresses);
        result = asked > result ? asked : result;
    }
    if (jobs == 0) {
        ctl_complain("cannot forget what was learned of %s: no job of %s learns", ctl->arguments[0],
                     ctl->config->file);
        result = CTL_FAILED;
    } else if (result == CTL_OK && !ctl_all_seen(&t, &addresses)) {
        result = CTL_FAILED;
    } else if (result == CTL_OK) {
        printf("what was learned of ");
        ctl_put_escaped(ctl->arguments[0], 0);
        printf(" is forgotten: the next run meets it as if for the first time (the filter itself "
               "forgets nothing)\n");
    }
    tw_strings_free(&t.seen);
    tw_strings_free(&addresses);
    return result;
}
