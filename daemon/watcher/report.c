/* The weekly letter. Adds up as things happen, also over restarts, and says it all at its time. */
#include "watcher/report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/message.h"
#include "alert/tally.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"

enum {
    LOOK_MS = 5 * 60 * 1000, /* at the wall clock, which may be set */
    SAVE_MS = 2000,          /* changes that come together are saved together */
    DAY_S = 86400,
    SLOW_JOBS = 5,
    SLOW_MS = 500, /* what is quicker is not worth a line */
    OPEN_SHOWN = 20,
    DOMAINS_SHOWN = 20,
    LINE_MAX_BYTES = 300
};

#define KEY "report"

struct tw_report_writer {
    struct tw_report_parts parts;
    const struct tw_config *config;
    struct tw_timer *timer, *save_timer;
    struct tw_tally tally;
};

static void save(void *context)
{
    const struct tw_report_writer *r = context;
    struct tw_buf text = {0};
    tw_tally_write(&r->tally, &text);
    tw_state_put_value(r->parts.state, KEY, tw_buf_text(&text));
    tw_buf_free(&text);
}

static void save_soon(struct tw_report_writer *r)
{
    if (!tw_timer_active(r->save_timer))
        tw_timer_set(r->save_timer, SAVE_MS);
}

/* ---- its sections: each appends lines, or nothing ------------------------------------------- */

static void add_escaped(struct tw_buf *out, const char *text)
{
    tw_escape(out, text, strlen(text), TW_ESCAPE_LINE, LINE_MAX_BYTES);
}

static void add_open(const struct tw_report_writer *r, struct tw_buf *out)
{
    size_t open = 0;
    for (size_t i = 0; i < tw_aspects_count(r->parts.aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(r->parts.aspects, i);
        if (!aspect->id || tw_aspects_silenced(r->parts.aspects, aspect, time(NULL)))
            continue;
        if (open++ == 0)
            tw_buf_puts(out, "\nOpen now:\n");
        if (open > OPEN_SHOWN)
            continue;
        tw_buf_printf(out, "  %s ", aspect->seen == TW_LEVEL_UNKNOWN ? "UNKNOWN" : "FAIL");
        add_escaped(out, aspect->name);
        tw_buf_puts(out, ": ");
        add_escaped(out, aspect->seen_text ? aspect->seen_text : "");
        tw_buf_puts(out, " (since ");
        tw_message_time(out, aspect->incident.opened_s);
        tw_buf_puts(out, ")\n");
    }
    if (open > OPEN_SHOWN)
        tw_buf_printf(out, "  (%zu more)\n", open - OPEN_SHOWN);
}

static void add_incidents(const struct tw_report_writer *r, struct tw_buf *out)
{
    const struct tw_tally *t = &r->tally;
    if (t->over + t->blips == 0)
        return;
    tw_buf_printf(out, "\nIncidents: %" PRId64 " over, %" PRId64 " more came and went untold.\n",
                  t->over, t->blips);
    for (size_t i = 0; i < t->end_count; i++) {
        const struct tw_tally_end *end = &t->ends[i];
        tw_buf_printf(out, "  %-9s ", tw_duration_show(end->closed_s - end->opened_s).text);
        add_escaped(out, end->aspect);
        tw_buf_puts(out, ", from ");
        tw_message_time(out, end->opened_s);
        tw_buf_puts(out, "\n");
    }
    if (t->over > (int64_t)t->end_count)
        tw_buf_printf(out, "  (%" PRId64 " shorter ones)\n", t->over - (int64_t)t->end_count);
}

/* All figures of one name: the sum, then by domain, the most first. */
static int by_count(const void *a, const void *b)
{
    const struct tw_figure *x = *(const struct tw_figure *const *)a;
    const struct tw_figure *y = *(const struct tw_figure *const *)b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->of, y->of);
}

static void add_amount(struct tw_buf *out, const struct tw_figure *figure)
{
    tw_buf_printf(out, "%" PRId64 " message%s", figure->count, figure->count == 1 ? "" : "s");
    if (figure->bytes)
        tw_buf_printf(out, ", %s", tw_size_show(figure->bytes).text);
}

static size_t add_figures_of(const struct tw_tally *t, size_t first, struct tw_buf *out)
{
    size_t end = first;
    while (end < t->figure_count && strcmp(t->figures[end].what, t->figures[first].what) == 0)
        end++;
    const size_t count = end - first;
    const struct tw_figure **sorted = tw_alloc((count + 1) * sizeof(struct tw_figure *));
    const struct tw_figure sum = tw_tally_sum(t, t->figures[first].what);
    for (size_t i = 0; i < count; i++)
        sorted[i] = &t->figures[first + i];
    qsort(sorted, count, sizeof(struct tw_figure *), by_count);
    tw_buf_printf(out, "\nMail %s: ", sum.what);
    add_amount(out, &sum);
    tw_buf_puts(out, "\n");
    for (size_t i = 0; i < count && i < DOMAINS_SHOWN; i++) {
        if (!*sorted[i]->of)
            continue;
        tw_buf_puts(out, "  ");
        add_escaped(out, sorted[i]->of);
        tw_buf_puts(out, ": ");
        add_amount(out, sorted[i]);
        tw_buf_puts(out, "\n");
    }
    if (count > DOMAINS_SHOWN)
        tw_buf_printf(out, "  (%zu more domains)\n", count - DOMAINS_SHOWN);
    free(sorted);
    return end;
}

static void add_slow(const struct tw_report_writer *r, struct tw_buf *out)
{
    const struct tw_job *slowest[SLOW_JOBS];
    size_t count = 0;
    for (size_t i = 0; i < tw_jobs_count(r->parts.jobs); i++) {
        const struct tw_job *job = tw_jobs_at(r->parts.jobs, i);
        size_t at = count;
        if (job->slowest_ms < SLOW_MS)
            continue;
        while (at > 0 && slowest[at - 1]->slowest_ms < job->slowest_ms)
            at--;
        if (at == SLOW_JOBS)
            continue;
        count += count < SLOW_JOBS;
        memmove(slowest + at + 1, slowest + at, (count - at - 1) * sizeof slowest[0]);
        slowest[at] = job;
    }
    if (count)
        tw_buf_puts(out, "\nThe slowest runs:\n");
    for (size_t i = 0; i < count; i++) {
        tw_buf_puts(out, "  ");
        add_escaped(out, slowest[i]->name);
        if (slowest[i]->slowest_ms < 60000)
            tw_buf_printf(out, ": %.1fs\n", (double)slowest[i]->slowest_ms / 1000);
        else
            tw_buf_printf(out, ": %s\n", tw_duration_show(slowest[i]->slowest_ms / 1000).text);
    }
}

static void add_disks(const struct tw_report_writer *r, struct tw_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < tw_aspects_count(r->parts.aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(r->parts.aspects, i);
        if (strncmp(aspect->job, "disk.", 5) != 0 || aspect->level == TW_LEVEL_NONE ||
            (*aspect->part && strcmp(aspect->part, "full") != 0))
            continue;
        tw_buf_puts(out, any ? "" : "\nDisks:\n");
        any = true;
        tw_buf_puts(out, "  ");
        add_escaped(out, aspect->name);
        tw_buf_puts(out, ": ");
        add_escaped(out, aspect->text);
        tw_buf_puts(out, "\n");
    }
}

/* ---- the letter --------------------------------------------------------------------------- */

static void add_subject(const struct tw_report_writer *r, struct tw_buf *out)
{
    const struct tw_figure gone = tw_tally_sum(&r->tally, "expired");
    size_t open = 0;
    for (size_t i = 0; i < tw_aspects_count(r->parts.aspects); i++)
        open += tw_aspects_at(r->parts.aspects, i)->id != 0;
    tw_buf_puts(out, "[toaster] ");
    tw_escape(out, r->config->hostname, strlen(r->config->hostname), TW_ESCAPE_ASCII, 40);
    tw_buf_printf(out, ": report: %" PRId64 " incident%s over, %zu open", r->tally.over,
                  r->tally.over == 1 ? "" : "s", open);
    if (gone.count)
        tw_buf_printf(out, ", %" PRId64 " messages expired", gone.count);
}

/* When it was written, as its id has it. */
static int64_t write_report(struct tw_report_writer *r, const struct tw_buf *sections,
                            int64_t now_s)
{
    const struct tw_letter head = tw_post_head(r->parts.post);
    const struct tw_message_tally words = {.letters = 1, .type = "report"};
    struct tw_buf subject = {0}, word = {0}, text = {0};
    add_subject(r, &subject);
    tw_message_words(&words, &word);
    tw_message_head(&head, tw_buf_text(&subject), tw_buf_text(&word), &text);
    tw_buf_puts(&text, "\nOn ");
    add_escaped(&text, head.host);
    tw_buf_puts(&text, ", from ");
    tw_message_time(&text, r->tally.since_s);
    tw_buf_puts(&text, "\nto ");
    tw_message_time(&text, now_s);
    tw_buf_printf(&text, ", %s:\n", tw_duration_show(now_s - r->tally.since_s).text);
    tw_buf_add(&text, tw_buf_text(sections), sections->len);
    tw_buf_puts(&text, TW_MESSAGE_CLOSING);
    tw_post_add(r->parts.post, head.id, tw_buf_text(&text), text.len);
    tw_buf_free(&subject);
    tw_buf_free(&word);
    tw_buf_free(&text);
    return head.now_s;
}

static void report_now(struct tw_report_writer *r, int64_t now_s)
{
    struct tw_buf sections = {0};
    add_open(r, &sections);
    add_incidents(r, &sections);
    for (size_t at = 0; at < r->tally.figure_count;)
        at = add_figures_of(&r->tally, at, &sections);
    add_slow(r, &sections);
    add_disks(r, &sections);
    if (sections.len)
        now_s = write_report(r, &sections, now_s);
    else
        tw_log_line(r->parts.log, TW_LOG_OK, TW_SELF, "nothing to report: no letter");
    tw_buf_free(&sections);
    tw_tally_reset(&r->tally, now_s);
    for (size_t i = 0; i < tw_jobs_count(r->parts.jobs); i++)
        tw_jobs_at(r->parts.jobs, i)->slowest_ms = 0;
    save(r);
}

/* ---- when --------------------------------------------------------------------------------- */

/* At that time of the day, on the day that is `every` after the last one. */
static int64_t due_s(const struct tw_report_writer *r)
{
    struct tw_window window;
    if (tw_window_at_clock(r->config->report.at, &window, NULL) != 0)
        return INT64_MAX; /* it was checked */
    return tw_window_at(&window, r->tally.since_s + r->config->report.every_s - DAY_S / 2).from_s;
}

static void look(void *context)
{
    struct tw_report_writer *r = context;
    const int64_t now_s = time(NULL);
    if (!r->config || r->config->report.every_s == TW_NEVER) {
        tw_timer_stop(r->timer);
        return;
    }
    if (r->tally.since_s == 0 || r->tally.since_s > now_s) {
        r->tally.since_s = now_s; /* from here on it is added up; or the clock was set back */
        save(r);
    }
    if (due_s(r) <= now_s)
        report_now(r, now_s);
    const int64_t left_s = due_s(r) - now_s;
    tw_timer_set(r->timer, left_s > 0 && left_s < LOOK_MS / 1000 ? left_s * 1000 : LOOK_MS);
}

/* ---- what is told ------------------------------------------------------------------------- */

static bool is_wanted(const struct tw_report_writer *r)
{
    return r->config && r->config->report.every_s != TW_NEVER;
}

void tw_report_figure(struct tw_report_writer *report, const struct tw_figure *figure)
{
    if (!is_wanted(report))
        return;
    tw_tally_add(&report->tally, figure);
    save_soon(report);
}

void tw_report_over(struct tw_report_writer *report, const struct tw_over *over)
{
    if (!is_wanted(report))
        return;
    tw_tally_end(&report->tally, over->aspect, over->opened_s, over->closed_s, over->told);
    save_soon(report);
}

void tw_report_restore_value(struct tw_report_writer *report, const char *key, const char *value)
{
    if (strcmp(key, KEY) == 0)
        tw_tally_read(&report->tally, value);
}

void tw_report_restore_letter(struct tw_report_writer *report, const char *id, const char *text,
                              size_t length)
{
    struct tw_message_tally words;
    tw_message_tally(text, length, &words);
    const int64_t written_s = strtoll(id, NULL, 10);
    if (strcmp(words.type, "report") == 0 && written_s > report->tally.since_s)
        tw_tally_reset(&report->tally, written_s);
}

struct tw_report_writer *tw_report_new(const struct tw_report_parts *parts)
{
    struct tw_report_writer *report = tw_alloc(sizeof *report);
    report->parts = *parts;
    report->timer = tw_timer_new(parts->loop, look, report);
    report->save_timer = tw_timer_new(parts->loop, save, report);
    return report;
}

void tw_report_free(struct tw_report_writer **report)
{
    struct tw_report_writer *r = *report;
    *report = NULL;
    if (!r)
        return;
    if (tw_timer_active(r->save_timer))
        save(r);
    tw_timer_free(&r->timer);
    tw_timer_free(&r->save_timer);
    tw_tally_free(&r->tally);
    free(r);
}

void tw_report_configure(struct tw_report_writer *report, const struct tw_config *config)
{
    report->config = config;
    tw_timer_set(report->timer, 0);
}
