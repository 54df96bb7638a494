/* From incidents to letters. One letter is made at a time, in steps that each have a limit:
 *
 *   idle        until the group is complete: every candidate has waited group_wait, or the oldest
 *               one twice that
 *   confirming  the jobs of what failed are run once more; who is well again gets no letter
 *   gathering   workers fetch evidence for the first few
 *   then the letter is written, all at once, and it is idle again.
 *
 * A step that takes too long is cut short: a letter without evidence beats no letter. */
#include "watcher/mailer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "watcher/depends.h"
#include "watcher/post.h"

enum {
    CONFIRM_MS = 10000,
    EVIDENCE_MS = 5000, /* for one aspect */
    GATHER_MS = 10000,  /* for all of them */
    EVIDENCE_COUNT = 10,
    HOUR_S = 3600,
    TIMES_MAX = 1000, /* letters of the last hour that are remembered */
};

#define KEY_TIMES "letters"
#define KEY_SUMMARY "summary"

enum step { IDLE, CONFIRMING, GATHERING };

struct proof {
    char *aspect, *text;
};

struct tw_mailer {
    struct tw_mailer_parts parts;
    const struct tw_config *config;
    struct tw_post *post;
    struct tw_timer *timer; /* of the step */
    enum step step;
    size_t pending;     /* answers the step waits for */
    int64_t generation; /* of the letter: late answers are told by it */
    struct proof proofs[EVIDENCE_COUNT];
    size_t proof_count;
    int64_t times_s[TIMES_MAX];
    size_t time_count;
    int64_t summary_s; /* letters are held back until then; 0: they are not */
    size_t came_and_went;
    bool started;
};

struct answer {
    struct tw_mailer *mailer;
    int64_t generation;
    size_t index;
};

static void consider(struct tw_mailer *m);
static void compose(struct tw_mailer *m);

static struct tw_when now_is(const struct tw_mailer *m)
{
    return (struct tw_when){time(NULL), tw_loop_now_ms(m->parts.loop)};
}

/* ---- max_per_hour ------------------------------------------------------------------------- */

static void forget_old_times(struct tw_mailer *m, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < m->time_count; i++)
        if (m->times_s[i] > now_s - HOUR_S && m->times_s[i] <= now_s)
            m->times_s[kept++] = m->times_s[i];
    m->time_count = kept;
}

static void save_times(const struct tw_mailer *m)
{
    struct tw_buf text = {0};
    for (size_t i = 0; i < m->time_count; i++)
        tw_buf_printf(&text, "%s%" PRId64, i ? " " : "", m->times_s[i]);
    tw_state_put_value(m->parts.state, KEY_TIMES, tw_buf_text(&text));
    tw_buf_clear(&text);
    tw_buf_printf(&text, "%" PRId64 " %zu", m->summary_s, m->came_and_went);
    tw_state_put_value(m->parts.state, KEY_SUMMARY, tw_buf_text(&text));
    tw_buf_free(&text);
}

void tw_mailer_restore_value(struct tw_mailer *mailer, const char *key, const char *value)
{
    char *end;
    if (strcmp(key, KEY_TIMES) == 0) {
        for (const char *at = value; *at && mailer->time_count < TIMES_MAX; at = end) {
            mailer->times_s[mailer->time_count] = strtoll(at, &end, 10);
            if (end == at)
                break;
            mailer->time_count++;
        }
    } else if (strcmp(key, KEY_SUMMARY) == 0) {
        mailer->summary_s = strtoll(value, &end, 10);
        mailer->came_and_went = strtoull(end, NULL, 10);
    }
}

/* Seconds until a letter may be written; 0: now. */
static int64_t held_back_s(const struct tw_mailer *m, int64_t now_s)
{
    const int64_t left_s = m->summary_s - now_s;
    return left_s > 0 && left_s <= HOUR_S ? left_s : 0;
}

/* Counts one more letter; true if it is the last one of this hour. */
static bool count_letter(struct tw_mailer *m, int64_t now_s)
{
    forget_old_times(m, now_s);
    if (m->time_count < TIMES_MAX)
        m->times_s[m->time_count++] = now_s;
    const bool full = (int64_t)m->time_count >= m->config->alert.max_per_hour;
    m->summary_s = full ? now_s + HOUR_S : 0;
    m->came_and_went = 0;
    save_times(m);
    return full;
}

/* ---- who is to be written about ----------------------------------------------------------- */

static bool is_failing(const struct tw_aspect *aspect)
{
    return aspect->level == TW_LEVEL_FAIL || aspect->level == TW_LEVEL_UNKNOWN;
}

/* What an order may be mending just now is not told before that has ended. */
static bool is_candidate(const struct tw_mailer *m, const struct tw_aspect *aspect, int64_t now_ms)
{
    if (aspect->incident.stage == TW_STAGE_OPEN)
        return is_failing(aspect) && !tw_depends_waits(aspect, now_ms) &&
               !tw_actions_pending(m->parts.actions, aspect->job, now_ms);
    return aspect->incident.stage == TW_STAGE_CLOSING;
}

static int64_t wait_ms(const struct tw_mailer *m)
{
    return m->config->alert.group_wait_s * 1000;
}

static bool is_due(const struct tw_mailer *m, const struct tw_aspect *aspect, int64_t now_ms)
{
    return is_candidate(m, aspect, now_ms) && aspect->wait_from_ms + wait_ms(m) <= now_ms;
}

/* When the next letter should begin to be made; INT64_MAX: nobody is to be written about. */
static int64_t group_ready_ms(const struct tw_mailer *m, int64_t now_ms)
{
    int64_t oldest = INT64_MAX, youngest = 0;
    for (size_t i = 0; i < tw_aspects_count(m->parts.aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(m->parts.aspects, i);
        if (!is_candidate(m, aspect, now_ms))
            continue;
        if (aspect->wait_from_ms < oldest)
            oldest = aspect->wait_from_ms;
        if (aspect->wait_from_ms > youngest)
            youngest = aspect->wait_from_ms;
    }
    if (oldest == INT64_MAX)
        return INT64_MAX;
    const int64_t most = oldest + 2 * wait_ms(m);
    return youngest + wait_ms(m) < most ? youngest + wait_ms(m) : most;
}

/* ---- gathering ---------------------------------------------------------------------------- */

static void answered(struct tw_mailer *m)
{
    if (m->pending && --m->pending == 0)
        tw_timer_set(m->timer, 0);
}

static void evidence_came(void *context, const char *evidence)
{
    struct answer *answer = context;
    struct tw_mailer *m = answer->mailer;
    if (answer->generation == m->generation && m->step == GATHERING) {
        m->proofs[answer->index].text = tw_strdup(evidence);
        answered(m);
    }
    free(answer);
}

static void clear_proofs(struct tw_mailer *m)
{
    for (size_t i = 0; i < m->proof_count; i++) {
        free(m->proofs[i].aspect);
        free(m->proofs[i].text);
        m->proofs[i] = (struct proof){0};
    }
    m->proof_count = 0;
}

static void gather(struct tw_mailer *m)
{
    const int64_t now_ms = tw_loop_now_ms(m->parts.loop);
    m->step = GATHERING;
    m->pending = 1; /* ours, so that early answers do not end the step */
    tw_timer_set(m->timer, GATHER_MS);
    const size_t count = tw_aspects_count(m->parts.aspects);
    for (size_t i = 0; i < count && m->proof_count < EVIDENCE_COUNT; i++) {
        const struct tw_aspect *aspect = tw_aspects_at(m->parts.aspects, i);
        const struct tw_job *job = tw_jobs_find(m->parts.jobs, aspect->job);
        if (!job || aspect->incident.stage != TW_STAGE_OPEN || !is_due(m, aspect, now_ms))
            continue;
        struct answer *answer = tw_alloc(sizeof *answer);
        *answer = (struct answer){m, m->generation, m->proof_count};
        m->proofs[m->proof_count++].aspect = tw_strdup(aspect->name);
        m->pending++;
        tw_jobs_evidence(m->parts.jobs, job, aspect->part, EVIDENCE_MS, evidence_came, answer);
    }
    answered(m);
}

/* ---- confirming --------------------------------------------------------------------------- */

static void confirmed(void *context, struct tw_job *job)
{
    (void)job;
    answered(context);
}

/* Not a task: it would change something, a day before its time. */
static void run_once_more(struct tw_mailer *m, struct tw_job *job)
{
    if (tw_job_is_task(job))
        return;
    m->pending++;
    tw_jobs_ask(m->parts.jobs, job, confirmed, m);
}

/* Those that the jobs depend on are asked, too: what fails because of them may have been seen
 * first. */
static void confirm(struct tw_mailer *m)
{
    const int64_t now_ms = tw_loop_now_ms(m->parts.loop);
    const char *last = "";
    struct tw_strings parents = {0};
    m->step = CONFIRMING;
    m->generation++;
    m->pending = 1;
    tw_timer_set(m->timer, CONFIRM_MS);
    for (size_t i = 0; i < tw_aspects_count(m->parts.aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(m->parts.aspects, i);
        struct tw_job *job = tw_jobs_find(m->parts.jobs, aspect->job);
        if (!job || aspect->incident.stage != TW_STAGE_OPEN || !is_due(m, aspect, now_ms) ||
            strcmp(aspect->job, last) == 0)
            continue;
        last = job->name;
        run_once_more(m, job);
        tw_depends_parents(m->parts.jobs, job, &parents);
    }
    for (size_t i = 0; i < parents.count; i++)
        run_once_more(m, tw_jobs_find(m->parts.jobs, parents.items[i]));
    tw_strings_free(&parents);
    answered(m);
}

/* ---- writing ------------------------------------------------------------------------------ */

static int by_kind_then_time(const void *a, const void *b)
{
    const struct tw_aspect *const *x = a, *const *y = b;
    const bool x_well = (*x)->incident.stage == TW_STAGE_CLOSING;
    const bool y_well = (*y)->incident.stage == TW_STAGE_CLOSING;
    if (x_well != y_well)
        return x_well ? 1 : -1;
    const int64_t difference = (*x)->incident.opened_s - (*y)->incident.opened_s;
    return difference < 0 ? -1 : difference > 0 ? 1 : strcmp((*x)->name, (*y)->name);
}

static const char *proof_for(const struct tw_mailer *m, const char *aspect)
{
    for (size_t i = 0; i < m->proof_count; i++)
        if (strcmp(m->proofs[i].aspect, aspect) == 0)
            return m->proofs[i].text;
    return NULL;
}

static char *advice_for(const struct tw_mailer *m, const struct tw_aspect *aspect)
{
    struct tw_buf text = {0};
    const struct tw_job *job = tw_jobs_find(m->parts.jobs, aspect->job);
    if (job && aspect->incident.stage == TW_STAGE_OPEN)
        tw_jobs_advice(m->parts.jobs, job, aspect->part, aspect->code, &text);
    else if (strcmp(aspect->name, TW_SELF "/config") == 0 && is_failing(aspect))
        tw_buf_printf(&text, "toaster-watcher -c %s -t", m->config->file);
    return tw_buf_take(&text);
}

/* Is there something that would have been told while letters were held back? */
static bool was_held_back(const struct tw_mailer *m, struct tw_aspect **about, size_t count)
{
    bool held = m->summary_s && m->came_and_went;
    for (size_t i = 0; i < count && m->summary_s && !held; i++) {
        const struct tw_incident *incident = &about[i]->incident;
        const bool well = incident->stage == TW_STAGE_CLOSING;
        held = (well ? incident->closed_s : incident->opened_s) < m->summary_s;
    }
    return held;
}

struct named {
    const char *key;
    bool qmail;
};

static void look_at_name(void *context, const char *key, const char *const *values, size_t count)
{
    struct named *named = context;
    if (strcmp(key, named->key) != 0 || count != 1)
        return;
    char *aspect = tw_format("process.%s", values[0]);
    named->qmail = tw_letter_about_qmail(aspect);
    free(aspect);
}

/* Does this concern mail's own way out: by the job's title, or by the process that it names. */
static bool concerns_qmail(const struct tw_mailer *m, const struct tw_aspect *aspect)
{
    const struct tw_job *job = tw_jobs_find(m->parts.jobs, aspect->job);
    struct named named = {"name", tw_letter_about_qmail(aspect->name)};
    if (job && !named.qmail && strcmp(job->config->kind->name, "process") == 0)
        tw_options_each(job->config->kind->options, job->config->settings, look_at_name, &named);
    return named.qmail;
}

/* While qmail is down, a letter about anything else would lie in its queue, too. */
static bool qmail_is_down(const struct tw_mailer *m)
{
    for (size_t i = 0; i < tw_aspects_count(m->parts.aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(m->parts.aspects, i);
        if (is_failing(aspect) && concerns_qmail(m, aspect))
            return true;
    }
    return false;
}

static struct tw_letter_entry describe(const struct tw_mailer *m, const struct tw_aspect *aspect,
                                       struct tw_strings *waiting)
{
    const bool recovered = aspect->incident.stage == TW_STAGE_CLOSING;
    struct tw_letter_entry entry = {
        .aspect = aspect->name,
        .recovered = recovered,
        .level = aspect->level,
        .text = aspect->text,
        .opened_s = aspect->incident.opened_s,
        .closed_s = aspect->incident.closed_s,
        .evidence = recovered ? NULL : proof_for(m, aspect->name),
        .advice = advice_for(m, aspect),
        .waiting = waiting,
    };
    entry.order = tw_actions_said(m->parts.actions, aspect->job, entry.opened_s, &entry.order_s);
    tw_depends_list(m->parts.jobs, m->parts.aspects, aspect->job, waiting);
    return entry;
}

static void free_entries(struct tw_letter_entry *entries, struct tw_strings *waiting, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        free((char *)entries[i].advice);
        tw_strings_free(&waiting[i]);
    }
    free(entries);
    free(waiting);
}

static void write_letter(struct tw_mailer *m, struct tw_aspect **about, size_t count,
                         struct tw_when when)
{
    struct tw_letter_entry *entries = tw_alloc(count * sizeof *entries);
    struct tw_strings *waiting = tw_alloc(count * sizeof *waiting);
    for (size_t i = 0; i < count; i++)
        entries[i] = describe(m, about[i], &waiting[i]);
    const bool summary = was_held_back(m, about, count);
    const size_t came_and_went = m->came_and_went;
    struct tw_letter letter = tw_post_head(m->post);
    letter.entries = entries;
    letter.entry_count = count;
    letter.came_and_went = came_and_went;
    letter.summary = summary;
    letter.last_of_hour = count_letter(m, when.now_s) && !summary;
    letter.about_qmail = qmail_is_down(m);
    struct tw_buf text = {0};
    tw_letter_write(&letter, &text);
    tw_post_add(m->post, letter.id, tw_buf_text(&text), text.len);
    tw_buf_free(&text);
    free_entries(entries, waiting, count);
}

static void compose(struct tw_mailer *m)
{
    const struct tw_when when = now_is(m);
    const size_t total = tw_aspects_count(m->parts.aspects);
    struct tw_aspect **about = tw_alloc((total + 1) * sizeof *about);
    size_t count = 0;
    for (size_t i = 0; i < total; i++) {
        struct tw_aspect *aspect = tw_aspects_at(m->parts.aspects, i);
        if (is_due(m, aspect, when.now_ms))
            about[count++] = aspect;
    }
    qsort(about, count, sizeof(struct tw_aspect *), by_kind_then_time);
    if (count)
        write_letter(m, about, count, when);
    for (size_t i = 0; i < count; i++)
        tw_aspects_told(m->parts.aspects, about[i], when);
    free(about);
    clear_proofs(m);
    m->step = IDLE;
    consider(m);
}

/* ---- the steps ---------------------------------------------------------------------------- */

static void next_step(void *context)
{
    struct tw_mailer *m = context;
    m->pending = 0;
    tw_depends_look(m->parts.jobs, m->parts.aspects, tw_loop_now_ms(m->parts.loop));
    switch (m->step) {
    case IDLE:
        consider(m);
        break;
    case CONFIRMING:
        tw_jobs_unask(m->parts.jobs, m);
        gather(m);
        break;
    case GATHERING:
        compose(m);
        break;
    }
}

static void consider(struct tw_mailer *m)
{
    if (m->step != IDLE || !m->started)
        return;
    const struct tw_when when = now_is(m);
    const int64_t again_ms = tw_depends_look(m->parts.jobs, m->parts.aspects, when.now_ms);
    const int64_t ready_ms = group_ready_ms(m, when.now_ms);
    const int64_t held_ms = when.now_ms + held_back_s(m, when.now_s) * 1000;
    int64_t at_ms = ready_ms == INT64_MAX || ready_ms > held_ms ? ready_ms : held_ms;
    if (again_ms < at_ms)
        at_ms = again_ms;
    if (at_ms == INT64_MAX) {
        tw_timer_stop(m->timer);
        return;
    }
    const int64_t left_ms = at_ms - when.now_ms;
    if (left_ms > 0)
        tw_timer_set(m->timer, left_ms);
    else
        confirm(m);
}

void tw_mailer_news(struct tw_mailer *mailer, const struct tw_aspect *aspect,
                    enum tw_incident_news what)
{
    if (what == TW_NEWS_CLEARED && aspect->waits_until_ms == 0 && mailer->config &&
        held_back_s(mailer, time(NULL)) > 0) {
        mailer->came_and_went++;
        save_times(mailer);
    }
    tw_mailer_look(mailer);
}

void tw_mailer_look(struct tw_mailer *mailer)
{
    if (mailer->step == IDLE && mailer->started)
        tw_timer_set(mailer->timer, 0);
}

void tw_mailer_hurry(struct tw_mailer *mailer)
{
    tw_post_hurry(mailer->post);
}

size_t tw_mailer_waiting(const struct tw_mailer *mailer)
{
    return tw_post_waiting(mailer->post);
}

bool tw_mailer_busy(const struct tw_mailer *mailer)
{
    return tw_post_busy(mailer->post);
}

void tw_mailer_stop(struct tw_mailer *mailer, tw_loop_call *idle, void *context)
{
    mailer->started = false;
    tw_timer_stop(mailer->timer);
    tw_jobs_unask(mailer->parts.jobs, mailer);
    tw_post_stop(mailer->post, idle, context);
}

/* ---- begin and end ------------------------------------------------------------------------ */

struct tw_mailer *tw_mailer_new(const struct tw_mailer_parts *parts)
{
    struct tw_mailer *m = tw_alloc(sizeof *m);
    m->parts = *parts;
    m->post = tw_post_new(parts->loop, parts->log, parts->state, parts->workers);
    m->timer = tw_timer_new(parts->loop, next_step, m);
    return m;
}

void tw_mailer_free(struct tw_mailer **mailer)
{
    struct tw_mailer *m = *mailer;
    if (!m)
        return;
    tw_jobs_unask(m->parts.jobs, m);
    clear_proofs(m);
    tw_timer_free(&m->timer);
    tw_post_free(&m->post);
    free(m);
    *mailer = NULL;
}

void tw_mailer_configure(struct tw_mailer *mailer, const struct tw_config *config)
{
    mailer->config = config;
    tw_aspects_patience(mailer->parts.aspects, 2 * wait_ms(mailer) + CONFIRM_MS + GATHER_MS);
    tw_post_configure(mailer->post, config);
    if (mailer->started)
        consider(mailer);
}

void tw_mailer_restore_letter(struct tw_mailer *mailer, const char *id, const char *text,
                              size_t length)
{
    tw_post_restore(mailer->post, id, text, length);
}

void tw_mailer_start(struct tw_mailer *mailer)
{
    mailer->started = true;
    tw_post_start(mailer->post);
    consider(mailer);
}
