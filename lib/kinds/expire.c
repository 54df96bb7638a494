/* Kind `expire`: removes old mail from mailboxes, and nothing else. This file is the side with the
 * daemon's rights: whose mailboxes there are, a child with each owner's rights that looks
 * (expire_look.c), the decision (expire_fuse.c), and a child that removes (expire_remove.c).
 *
 * Aspects: the main one (there are mailboxes), confirm, fuse, mailboxes, folders. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/units.h"
#include "kinds/expire_fuse.h"
#include "kinds/expire_owner.h"
#include "toaster/mailindex.h"

enum { DOMAINS_TOLD = 20, DOMAINS_SHOWN = 100, DOMAINS_COUNTED = 200 };

/* One run, as it grows. */
struct state {
    const struct tw_run *run;
    const struct tw_expire_settings *settings;
    struct tw_mail_owners owners;
    struct tw_expire_sum sum;
    struct tw_expire_memory memory;
    struct tw_expire_verdict verdict;
    struct tw_expire_intake *intakes; /* one for each look: what is due there */
    size_t *owner_of;                 /* whose look that was */
    size_t intake_count;
    int64_t room; /* for so many more inodes of what is due */
    int64_t began_ms, look_end_ms, end_ms;
    bool cut; /* the window did not suffice for all mailboxes */
};

/* ---- looking ------------------------------------------------------------------------------ */

static void tell_of_owner(struct state *s, const struct tw_mail_owner *owner, const char *code,
                          const struct tw_error *why)
{
    char *text = tw_format("mailboxes of uid %ju: %s", (uintmax_t)owner->uid, why->text);
    tw_problems_add(&s->sum.problems, code, text, 0);
    free(text);
}

static void go_on_at(struct state *s, size_t owner, const char *at)
{
    s->cut = true;
    tw_task_notes_go_on(&s->memory.notes, s->owners.items[owner].uid, at);
}

/* A tw_task_each. */
static bool look_at(void *context, size_t owner, const char *after, const char *upto)
{
    struct state *s = context;
    const struct tw_run *run = s->run;
    const struct tw_mail_owner *o = &s->owners.items[owner];
    struct tw_expire_task task = {
        .child = {.run = run, .owner = o, .after = after, .upto = upto, .end_ms = s->look_end_ms},
        .room = s->room};
    struct tw_expire_intake *intake = &s->intakes[s->intake_count];
    struct tw_error e;
    char *index = NULL;
    if (s->cut)
        return false;
    if (tw_mailindex_prepare(run->places->state_dir, o->uid, o->gid, &index, &e) != 0)
        tw_problems_add(&s->sum.problems, "no-index", e.text, 0);
    task.child.index_dir = index;
    intake->sum = &s->sum;
    s->owner_of[s->intake_count++] = owner;
    if (tw_expire_as_owner(&task, tw_expire_look, intake, &e) != 0) {
        tell_of_owner(s, o, "cannot-look", &e);
        tw_buf_free(&intake->due); /* half a count is no ground to remove anything */
        intake->inodes = 0;
    }
    s->room -= (int64_t)intake->inodes;
    intake->after = tw_strdup(after);
    if (intake->child.at)
        go_on_at(s, owner, intake->child.at);
    free(index);
    return intake->child.anew;
}

static void look_at_all(struct state *s)
{
    const size_t looks = s->owners.count + 1; /* one owner's may be in two parts */
    s->intakes = tw_alloc(looks * sizeof *s->intakes);
    s->owner_of = tw_alloc(looks * sizeof *s->owner_of);
    tw_task_go_round(&s->memory.notes, &s->owners, look_at, s);
}

/* ---- removing ----------------------------------------------------------------------------- */

static void remove_all(struct state *s)
{
    struct tw_error e;
    bool cut = false;
    for (size_t i = 0; i < s->intake_count; i++) {
        struct tw_expire_intake *intake = &s->intakes[i];
        const struct tw_mail_owner *owner = &s->owners.items[s->owner_of[i]];
        if (intake->due.len == 0)
            continue;
        struct tw_expire_intake result = {.sum = &s->sum};
        const struct tw_expire_task task = {
            .child = {.run = s->run, .owner = owner, .end_ms = s->end_ms},
            .due = &intake->due,
            .blocked = &s->verdict.blocked};
        if (tw_expire_as_owner(&task, tw_expire_remove, &result, &e) != 0) {
            tell_of_owner(s, owner, "cannot-remove", &e);
            s->sum.errors++;
        }
        /* The first that was not done comes first next time. */
        if (result.child.at && !cut) {
            const bool some = strcmp(result.child.at, TW_CHILD_NONE_DONE) != 0;
            go_on_at(s, s->owner_of[i],
                     some            ? result.child.at
                     : intake->after ? intake->after
                                     : TW_CHILD_NONE_DONE);
            cut = true;
        }
        tw_expire_intake_free(&result);
    }
}

/* ---- saying ------------------------------------------------------------------------------- */

/* For people, those classes alone of which there is any. */
static void say_some(struct tw_buf *out, const struct tw_expire_amount *amounts)
{
    const size_t before = out->len;
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        if (amounts[class].count)
            tw_buf_printf(out, "%s%s=%" PRId64, out->len > before ? " " : "",
                          tw_expire_class_names[class], amounts[class].count);
    if (out->len == before)
        tw_buf_puts(out, "none");
}

static void say_amounts(struct tw_buf *out, const struct tw_expire_amount *amounts)
{
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        tw_buf_printf(out, " %s=%" PRId64, tw_expire_class_names[class], amounts[class].count);
}

/* By class, and of all classes. */
static struct tw_expire_amount due_of_all(const struct state *s, struct tw_expire_amount *amounts)
{
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        amounts[class] = tw_expire_sum_class(&s->sum, class);
    return tw_expire_amounts_all(amounts);
}

/* "18.1M", and without a unit what is less than a thousand. */
static struct tw_unit_text figure(int64_t bytes)
{
    struct tw_unit_text text = tw_size_show(bytes);
    text.text[strcspn(text.text, " ")] = '\0';
    return text;
}

static struct tw_unit_text took(const struct state *s)
{
    struct tw_unit_text text;
    snprintf(text.text, sizeof text.text, "%.1fs", (double)(tw_clock_ms() - s->began_ms) / 1000);
    return text;
}

/* The DONE line, which is also what the status shows. */
static char *summary_of(const struct state *s)
{
    struct tw_buf out = {0};
    struct tw_expire_amount due[TW_EXPIRE_CLASSES];
    const struct tw_expire_amount all = due_of_all(s, due);
    const struct tw_expire_amount gone = tw_expire_amounts_all(s->sum.gone);
    tw_buf_printf(&out,
                  "mailboxes=%" PRId64 " folders=%" PRId64 " skipped=%" PRId64 " scanned=%" PRId64
                  " due=%" PRId64 " expired=%" PRId64,
                  s->sum.mailboxes, s->sum.folders, s->sum.skipped, s->sum.scanned, all.count,
                  gone.count);
    say_amounts(&out, s->sum.gone);
    if (s->sum.kept)
        tw_buf_printf(&out, " kept=%" PRId64, s->sum.kept);
    if (s->sum.unlearned)
        tw_buf_printf(&out, " unlearned=%" PRId64, s->sum.unlearned);
    tw_buf_printf(&out, " bytes=%s errors=%" PRId64 " problems=%" PRId64 " took=%s",
                  figure(gone.bytes).text, s->sum.errors, tw_problems_total(&s->sum.problems),
                  took(s).text);
    if (s->cut)
        tw_buf_puts(&out, " (the window has ended: the next run goes on from there)");
    return tw_buf_take(&out);
}

static void remember_line(struct state *s, const char *aspect, char *line)
{
    char *both = tw_format("%s %s", aspect, line);
    tw_strings_add(&s->memory.notes.report, both);
    free(both);
    free(line);
}

static char *domain_line(const struct tw_expire_domain *domain)
{
    struct tw_buf out = {0};
    tw_buf_printf(&out, "%s: %" PRId64 " of %" PRId64 " messages in %" PRId64 " mailboxes, %s: ",
                  domain->name, tw_expire_domain_due(domain), domain->messages, domain->mailboxes,
                  tw_size_show(tw_expire_amounts_all(domain->due).bytes).text);
    say_some(&out, domain->due);
    return tw_buf_take(&out);
}

static int by_due(const void *a, const void *b)
{
    const int64_t x = tw_expire_domain_due(*(const struct tw_expire_domain *const *)a);
    const int64_t y = tw_expire_domain_due(*(const struct tw_expire_domain *const *)b);
    return x < y ? 1 : x > y ? -1 : 0;
}

/* What would go, by class and domain, the most first: for the letter, and what is asked about for
 * the first time into the log, too. */
static void report_due(struct state *s)
{
    struct tw_buf classes = {0};
    struct tw_expire_amount due[TW_EXPIRE_CLASSES];
    const struct tw_expire_amount all = due_of_all(s, due);
    const struct tw_expire_domain **sorted =
        tw_alloc((s->sum.domain_count + 1) * sizeof(struct tw_expire_domain *));
    tw_buf_printf(&classes, "in all: %" PRId64 " of %" PRId64 " messages, %s: ", all.count,
                  tw_expire_sum_messages(&s->sum), tw_size_show(all.bytes).text);
    say_some(&classes, due);
    remember_line(s, "due", tw_strdup(tw_buf_text(&classes)));
    tw_buf_free(&classes);
    for (size_t i = 0; i < s->sum.domain_count; i++)
        sorted[i] = &s->sum.domains[i];
    qsort(sorted, s->sum.domain_count, sizeof(struct tw_expire_domain *), by_due);
    for (size_t i = 0; i < s->sum.domain_count && i < DOMAINS_SHOWN; i++) {
        char *line = domain_line(sorted[i]);
        if (s->verdict.newly_asked && i < DOMAINS_TOLD && tw_expire_domain_due(sorted[i])) {
            char *note = tw_format("would remove, of %s", line);
            s->run->sink->note(s->run->sink->context, note);
            free(note);
        }
        remember_line(s, "due", line);
    }
    if (s->sum.domain_count > DOMAINS_SHOWN)
        remember_line(s, "due",
                      tw_format("and %zu more domains", s->sum.domain_count - DOMAINS_SHOWN));
    free(sorted);
}

/* What stands in the way of the sums, by aspect. A mailbox whose user has done something odd is a
 * warning; what keeps mail from being cleaned, or has not told who has mail, is a failure. */
static const struct tw_problem_rule rules[] = {
    {"read-only", "folders", TW_LEVEL_FAIL},  {"cannot-remove", "folders", TW_LEVEL_FAIL},
    {"unreadable", "folders", TW_LEVEL_FAIL}, {"maildirsize", "folders", TW_LEVEL_WARN},
    {"foreign", "folders", TW_LEVEL_WARN},    {"other-fs", "folders", TW_LEVEL_WARN},
    {"no-file", "folders", TW_LEVEL_WARN},    {"no-date", "folders", TW_LEVEL_WARN},
    {"too-deep", "folders", TW_LEVEL_WARN},   {"index-damaged", "index", TW_LEVEL_WARN},
    {"no-index", "index", TW_LEVEL_WARN},
};

static void report_problems(struct state *s, const char *aspect, const char *well)
{
    tw_problems_report(s->run, &s->sum.problems, rules, TW_COUNT(rules), aspect, well,
                       &s->memory.notes.report);
}

static void report_rules(const struct state *s)
{
    struct tw_expire_amount due[TW_EXPIRE_CLASSES];
    const struct tw_expire_amount all = due_of_all(s, due);
    struct tw_buf classes = {0};
    say_some(&classes, due);
    if (s->verdict.unconfirmed)
        tw_report(s->run, TW_LEVEL_FAIL, "confirm", "unconfirmed",
                  "new rules would remove %" PRId64 " of %" PRId64 " messages, %s (%s); nothing is "
                  "removed before: toasterctl run %s --confirm",
                  all.count, tw_expire_sum_messages(&s->sum), tw_size_show(all.bytes).text,
                  tw_buf_text(&classes), s->run->name);
    else
        tw_report(s->run, TW_LEVEL_OK, "confirm", "ok", "the rules are confirmed");
    tw_buf_free(&classes);
}

static void report_fuse(const struct state *s)
{
    const struct tw_expire_verdict *v = &s->verdict;
    if (v->bad_clock) {
        tw_report(s->run, TW_LEVEL_FAIL, "fuse", "clock",
                  "%s: nothing is removed until it is right, or: toasterctl run %s --confirm",
                  v->clock, s->run->name);
        return;
    }
    if (v->texts.count == 0) {
        tw_report(s->run, TW_LEVEL_OK, "fuse", "ok", "no more is due than may be");
        return;
    }
    struct tw_buf text = {0};
    tw_buf_puts(&text, v->texts.items[0]);
    if (v->texts.count > 1)
        tw_buf_printf(&text, ", and so on (%zu more)", v->texts.count - 1);
    tw_report(s->run, TW_LEVEL_FAIL, "fuse", "too-many",
              "%s: more than the fuse allows, so nothing is removed %s%s; if it is right: "
              "toasterctl run %s --confirm",
              tw_buf_text(&text), v->fuse_all ? "anywhere" : "there",
              v->void_confirm
                  ? " (it has grown by a tenth since it was told, so the confirmation does "
                    "not count)"
                  : "",
              s->run->name);
    tw_buf_free(&text);
}

/* What is gone, by domain, for the weekly report. */
static void report_figures(const struct state *s)
{
    const struct tw_sink *sink = s->run->sink;
    struct tw_figure others = {"expired", "other domains", 0, 0};
    size_t told = 0;
    for (size_t i = 0; i < s->sum.domain_count; i++) {
        const struct tw_expire_domain *domain = &s->sum.domains[i];
        if (domain->gone.count == 0)
            continue;
        if (told++ < DOMAINS_COUNTED) {
            sink->figure(sink->context,
                         &(struct tw_figure){"expired", domain->name, domain->gone.count,
                                             domain->gone.bytes});
        } else {
            others.count += domain->gone.count;
            others.bytes += domain->gone.bytes;
        }
    }
    if (others.count)
        sink->figure(sink->context, &others);
}

static void report(struct state *s)
{
    const struct tw_mailbox_tally tally = {
        .mailboxes = s->sum.mailboxes, .missing = s->sum.missing, .cut = s->cut};
    struct tw_buf memory = {0};
    char *summary = summary_of(s);
    tw_strings_free(&s->memory.notes.report);
    for (size_t i = 0; i < s->verdict.texts.count; i++)
        remember_line(s, "fuse", tw_strdup(s->verdict.texts.items[i]));
    report_due(s);
    tw_report_mailboxes(s->run, &tally, summary);
    report_rules(s);
    report_fuse(s);
    tw_problems_report_mailboxes(s->run, &s->sum.problems, &s->memory.notes.report);
    report_problems(s, "folders", "nothing stood in the way");
    report_problems(s, "index", "in use");
    s->run->sink->done(s->run->sink->context, summary);
    report_figures(s);
    tw_expire_memory_write(&s->memory, &memory);
    s->run->sink->remember(s->run->sink->context, tw_buf_text(&memory));
    tw_buf_free(&memory);
    free(summary);
}

/* ---- the run ------------------------------------------------------------------------------ */

static void read_clocks(const struct tw_run *run, struct tw_expire_clocks *clocks)
{
    char *path = tw_format("%s/sys/kernel/random/boot_id", run->places->proc_root), *text;
    size_t length;
    struct timespec boot = {0};
    *clocks = (struct tw_expire_clocks){.wall_s = run->now_s};
    clock_gettime(CLOCK_BOOTTIME, &boot);
    clocks->boot_s = boot.tv_sec;
    if (tw_file_read(AT_FDCWD, path, 200, &text, &length, NULL) == 0) {
        snprintf(clocks->boot, sizeof clocks->boot, "%.*s", (int)strcspn(text, " \n"), text);
        free(text);
    }
    free(path);
}

/* At most half the time is spent on looking, so that what was looked at can be removed, too. */
static void plan(struct state *s)
{
    const struct tw_run *run = s->run;
    s->began_ms = tw_clock_ms();
    s->look_end_ms = s->end_ms = INT64_MAX;
    if (run->until_s == 0)
        return;
    const int64_t left_ms = run->until_s > run->now_s ? (run->until_s - run->now_s) * 1000 : 0;
    s->end_ms = s->began_ms + left_ms;
    s->look_end_ms = s->began_ms + left_ms / 2;
}

static void expire_run(const struct tw_run *run)
{
    struct state s = {.run = run, .settings = run->settings, .room = TW_EXPIRE_DUE_MAX};
    struct tw_expire_clocks clocks;
    tw_expire_memory_read(run->memory, &s.memory);
    plan(&s);
    read_clocks(run, &clocks);
    tw_mail_owners_read(run->places->sources, run->places->qmail_dir, run->places->hostname,
                        &s.owners, tw_problems_tell, &s.sum.problems);
    look_at_all(&s);
    tw_expire_judge(s.settings, &s.sum, &clocks, run->every_s, run->confirm, &s.memory, &s.verdict);
    if (!tw_expire_blocks_all(&s.verdict) && !run->look_only)
        remove_all(&s);
    report(&s);
    for (size_t i = 0; i < s.intake_count; i++)
        tw_expire_intake_free(&s.intakes[i]);
    free(s.intakes);
    free(s.owner_of);
    tw_mail_owners_free(&s.owners);
    tw_expire_verdict_free(&s.verdict);
    tw_expire_memory_free(&s.memory);
    tw_expire_sum_free(&s.sum);
}

/* ---- letters ------------------------------------------------------------------------------ */

static void expire_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    struct tw_expire_memory memory;
    tw_expire_memory_read(run->memory, &memory);
    if (aspect[0])
        tw_task_notes_show(&memory.notes, aspect, out);
    if (strcmp(aspect, "confirm") == 0 || strcmp(aspect, "fuse") == 0) {
        tw_buf_puts(out, "What is due:\n");
        tw_task_notes_show(&memory.notes, "due", out);
    }
    tw_expire_memory_free(&memory);
}

static void expire_advice(const struct tw_run *run, const char *aspect, const char *code,
                          struct tw_buf *out)
{
    if (strcmp(aspect, "confirm") == 0 || strcmp(code, "too-many") == 0)
        tw_buf_printf(out, "toasterctl run %s --dry-run | less; toasterctl run %s --confirm",
                      run->name, run->name);
    else if (strcmp(code, "clock") == 0)
        tw_buf_printf(out, "date; toasterctl run %s --confirm", run->name);
    else if (strcmp(aspect, "folders") == 0 && strcmp(code, "read-only") == 0)
        tw_buf_puts(out, "dmesg | tail; cat /proc/mounts");
    else if (strcmp(code, "no-assign") == 0)
        tw_buf_printf(out, "ls -l %s/users/assign", run->places->qmail_dir);
    else
        tw_buf_puts(out, "toasterctl mailboxes");
}

static int expire_validate(const void *settings, const char *title, struct tw_error *e)
{
    (void)title;
    return tw_expire_check(settings, e);
}

const struct tw_kind tw_kind_expire = {
    .name = "expire",
    .task_every = "1d",
    .peers = "learn",
    .options = tw_expire_options,
    .settings_size = sizeof(struct tw_expire_settings),
    .validate = expire_validate,
    .run = expire_run,
    .evidence = expire_evidence,
    .advice = expire_advice,
    .tells = TW_TELLS_CLEANED,
    .tell = tw_expire_tell,
};
