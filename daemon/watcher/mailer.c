/* From incidents to letters. One letter is made at a time, in steps that each have a limit:
 *
 *   idle        until the digest has something to write (digest.h)
 *   confirming  the jobs of what failed are run once more; who is well again gets no letter
 *   gathering   workers fetch evidence for the first few
 *   then the letter is written, all at once, and it is idle again.
 *
 * A step that takes too long is cut short: a letter without evidence beats no letter. */
#include "watcher/mailer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "watcher/compose.h"
#include "watcher/depends.h"
#include "watcher/digest.h"
#include "watcher/retell.h"

enum {
    CONFIRM_MS = 10000,
    EVIDENCE_MS = 5000, /* for one aspect */
    GATHER_MS = 10000,  /* for all of them */
    EVIDENCE_COUNT = 10,
};

/* Values in the state. The number is the route's. */
#define KEY_TIMES "letters"
#define KEY_SUMMARY "summary"
static const char *const key_times[TW_ROUTES] = {KEY_TIMES, KEY_TIMES "/escalate"};
static const char *const key_summary[TW_ROUTES] = {KEY_SUMMARY, KEY_SUMMARY "/escalate"};

enum step { IDLE, CONFIRMING, GATHERING };

struct proof {
    char *aspect, *text;
};

struct tw_mailer {
    struct tw_mailer_parts parts;
    const struct tw_config *config;
    struct tw_post *posts[TW_ROUTES];
    struct tw_digest digest;
    struct tw_composer composer;
    struct tw_timer *timer; /* of the step */
    enum step step;
    size_t pending;     /* answers the step waits for */
    int64_t generation; /* of the letter: late answers are told by it */
    struct proof proofs[EVIDENCE_COUNT];
    size_t proof_count;
    bool started;
};

struct answer {
    struct tw_mailer *mailer;
    int64_t generation;
    size_t index;
};

static void consider(struct tw_mailer *m);

static struct tw_when now_is(const struct tw_mailer *m)
{
    return (struct tw_when){time(NULL), tw_loop_now_ms(m->parts.loop)};
}

/* ---- what outlives us --------------------------------------------------------------------- */

static void save_quota(const struct tw_mailer *m, enum tw_route route)
{
    const struct tw_quota *quota = &m->digest.quotas[route];
    struct tw_buf text = {0};
    tw_quota_write(quota, &text);
    tw_state_put_value(m->parts.state, key_times[route], tw_buf_text(&text));
    tw_buf_clear(&text);
    tw_buf_printf(&text, "%" PRId64 " %zu", quota->summary_s,
                  route == TW_ROUTE_ALERT ? m->digest.came_and_went : 0);
    tw_state_put_value(m->parts.state, key_summary[route], tw_buf_text(&text));
    tw_buf_free(&text);
}

void tw_mailer_restore_value(struct tw_mailer *mailer, const char *key, const char *value)
{
    for (int route = 0; route < TW_ROUTES; route++) {
        char *end;
        if (strcmp(key, key_times[route]) == 0)
            tw_quota_read(&mailer->digest.quotas[route], value);
        if (strcmp(key, key_summary[route]) != 0)
            continue;
        mailer->digest.quotas[route].summary_s = strtoll(value, &end, 10);
        if (route == TW_ROUTE_ALERT)
            mailer->digest.came_and_went = strtoull(end, NULL, 10);
    }
}

/* ---- for the digest ----------------------------------------------------------------------- */

/* What an order may be mending just now is not told before that has ended. */
static bool mending(void *context, const struct tw_aspect *aspect, int64_t now_ms)
{
    const struct tw_mailer *m = context;
    return tw_actions_pending(m->parts.actions, aspect->job, now_ms);
}

static bool grave(void *context, const struct tw_aspect *aspect)
{
    const struct tw_mailer *m = context;
    return tw_compose_concerns_qmail(&m->composer, aspect);
}

/* To be looked at once more before its letter is written. */
static bool needs_proof(const struct tw_mailer *m, const struct tw_aspect *aspect,
                        struct tw_when when)
{
    return aspect->incident.stage == TW_STAGE_OPEN && tw_digest_is_due(&m->digest, aspect, when);
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

static const char *proof_for(void *context, const char *aspect)
{
    const struct tw_mailer *m = context;
    for (size_t i = 0; i < m->proof_count; i++)
        if (strcmp(m->proofs[i].aspect, aspect) == 0)
            return m->proofs[i].text;
    return NULL;
}

/* Of the gravest, in the order that the letter will have. */
static void gather_for(struct tw_mailer *m, enum tw_route route, struct tw_when when)
{
    struct tw_mention *mentions;
    const size_t count = tw_digest_collect(&m->digest, route, when, &mentions);
    for (size_t i = 0; i < count && m->proof_count < EVIDENCE_COUNT; i++) {
        const struct tw_aspect *aspect = mentions[i].aspect;
        const struct tw_job *job = tw_jobs_find(m->parts.jobs, aspect->job);
        if (!job || mentions[i].topic != TW_TOPIC_FAILED || proof_for(m, aspect->name))
            continue;
        struct answer *answer = tw_alloc(sizeof *answer);
        *answer = (struct answer){m, m->generation, m->proof_count};
        m->proofs[m->proof_count++].aspect = tw_strdup(aspect->name);
        m->pending++;
        tw_jobs_evidence(m->parts.jobs, job, aspect->part, EVIDENCE_MS, evidence_came, answer);
    }
    free(mentions);
}

static void gather(struct tw_mailer *m)
{
    const struct tw_when when = now_is(m);
    m->step = GATHERING;
    m->pending = 1; /* ours, so that early answers do not end the step */
    tw_timer_set(m->timer, GATHER_MS);
    for (int route = 0; route < TW_ROUTES; route++)
        gather_for(m, (enum tw_route)route, when);
    answered(m);
}

/* ---- confirming --------------------------------------------------------------------------- */

static void confirmed(void *context, struct tw_job *job)
{
    (void)job;
    answered(context);
}

/* Not a task: it would change something, a day before its time. Nor a round, which takes minutes.
 */
static void run_once_more(struct tw_mailer *m, struct tw_job *job)
{
    if (tw_job_is_task(job) || tw_job_has_rounds(job))
        return;
    m->pending++;
    tw_jobs_ask(m->parts.jobs, job, confirmed, m);
}

/* Those that the jobs depend on are asked, too: what fails because of them may have been seen
 * first. */
static void confirm(struct tw_mailer *m)
{
    const struct tw_when when = now_is(m);
    const char *last = "";
    struct tw_strings parents = {0};
    m->step = CONFIRMING;
    m->generation++;
    m->pending = 1;
    tw_timer_set(m->timer, CONFIRM_MS);
    for (size_t i = 0; i < tw_aspects_count(m->parts.aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(m->parts.aspects, i);
        struct tw_job *job = tw_jobs_find(m->parts.jobs, aspect->job);
        if (!job || !needs_proof(m, aspect, when) || strcmp(aspect->job, last) == 0)
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

static void write_to(struct tw_mailer *m, enum tw_route route, const struct tw_letter *head,
                     const struct tw_mention *mentions, size_t count, struct tw_when when)
{
    struct tw_buf text = {0};
    tw_compose(&m->composer, head, mentions, count, when, &text);
    tw_post_add(m->posts[route], head->id, tw_buf_text(&text), text.len);
    tw_buf_free(&text);
}

/* When it was written, as its id has it: by that a later start knows which row is older. */
static int64_t write_letter(struct tw_mailer *m, enum tw_route route,
                            const struct tw_mention *mentions, size_t count, bool last_of_hour,
                            struct tw_when when)
{
    struct tw_letter head = tw_post_head(m->posts[route]);
    if (route == TW_ROUTE_ALERT) {
        head.summary = tw_digest_sums_up(&m->digest, mentions, count);
        head.came_and_went = m->digest.came_and_went;
    } else {
        head.unacked_s = m->config->alert.escalate_s;
    }
    head.last_of_hour = last_of_hour && !head.summary;
    write_to(m, route, &head, mentions, count, when);
    return head.now_s;
}

/* The end of what was escalated is told by the same way, at once. */
static void tell_escalated_ends(struct tw_mailer *m, const struct tw_mention *mentions,
                                size_t count, struct tw_when when)
{
    struct tw_mention *ends = tw_alloc((count + 1) * sizeof *ends);
    size_t end_count = 0;
    for (size_t i = 0; i < count; i++)
        if (mentions[i].topic == TW_TOPIC_RECOVERED && mentions[i].aspect->escalated_s)
            ends[end_count++] = mentions[i];
    if (end_count && m->config->alert.escalate.count) {
        struct tw_letter head = tw_post_head(m->posts[TW_ROUTE_ESCALATE]);
        head.escalated_ends = true;
        write_to(m, TW_ROUTE_ESCALATE, &head, ends, end_count, when);
    }
    free(ends);
}

static void compose_for(struct tw_mailer *m, enum tw_route route, struct tw_when when)
{
    struct tw_mention *mentions;
    const size_t count = tw_digest_collect(&m->digest, route, when, &mentions);
    if (count) {
        const bool last =
            tw_quota_is_last(&m->digest.quotas[route], m->config->alert.max_per_hour, when.now_s);
        when.now_s = write_letter(m, route, mentions, count, last, when);
        if (route == TW_ROUTE_ALERT)
            tell_escalated_ends(m, mentions, count, when);
        tw_digest_told(&m->digest, route, mentions, count, when);
        save_quota(m, route);
    }
    free(mentions);
}

static void compose(struct tw_mailer *m)
{
    const struct tw_when when = now_is(m);
    for (int route = 0; route < TW_ROUTES; route++)
        compose_for(m, (enum tw_route)route, when);
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
    int64_t at_ms = tw_depends_look(m->parts.jobs, m->parts.aspects, when.now_ms);
    const int64_t next_ms = tw_digest_next_ms(&m->digest, when);
    const bool now = next_ms <= when.now_ms;
    at_ms = next_ms < at_ms ? next_ms : at_ms;
    if (at_ms == INT64_MAX)
        tw_timer_stop(m->timer);
    else if (now)
        confirm(m);
    else
        tw_timer_set(m->timer, at_ms > when.now_ms ? at_ms - when.now_ms : 0);
}

void tw_mailer_news(struct tw_mailer *mailer, const struct tw_aspect *aspect,
                    enum tw_incident_news what)
{
    const size_t before = mailer->digest.came_and_went;
    if (what == TW_NEWS_CLEARED && mailer->config)
        tw_digest_cleared(&mailer->digest, aspect, now_is(mailer));
    if (mailer->digest.came_and_went != before)
        save_quota(mailer, TW_ROUTE_ALERT);
    tw_mailer_look(mailer);
}

void tw_mailer_look(struct tw_mailer *mailer)
{
    if (mailer->step == IDLE && mailer->started)
        tw_timer_set(mailer->timer, 0);
}

void tw_mailer_hurry(struct tw_mailer *mailer)
{
    for (int route = 0; route < TW_ROUTES; route++)
        tw_post_hurry(mailer->posts[route]);
}

size_t tw_mailer_waiting(const struct tw_mailer *mailer)
{
    return tw_post_waiting(mailer->posts[TW_ROUTE_ALERT]) +
           tw_post_waiting(mailer->posts[TW_ROUTE_ESCALATE]);
}

size_t tw_mailer_stuck(const struct tw_mailer *mailer)
{
    return tw_post_stuck(mailer->posts[TW_ROUTE_ALERT]) +
           tw_post_stuck(mailer->posts[TW_ROUTE_ESCALATE]);
}

bool tw_mailer_busy(const struct tw_mailer *mailer)
{
    return tw_post_busy(mailer->posts[TW_ROUTE_ALERT]) ||
           tw_post_busy(mailer->posts[TW_ROUTE_ESCALATE]);
}

void tw_mailer_care(struct tw_mailer *mailer)
{
    if (mailer->config->alert.escalate.count == 0)
        tw_post_move(mailer->posts[TW_ROUTE_ESCALATE], mailer->posts[TW_ROUTE_ALERT]);
}

bool tw_mailer_refused(const struct tw_mailer *mailer)
{
    return tw_post_refused(mailer->posts[TW_ROUTE_ALERT]) ||
           tw_post_refused(mailer->posts[TW_ROUTE_ESCALATE]);
}

void tw_mailer_stop(struct tw_mailer *mailer, tw_loop_call *idle, void *context)
{
    mailer->started = false;
    tw_timer_stop(mailer->timer);
    tw_jobs_unask(mailer->parts.jobs, mailer);
    for (int route = 0; route < TW_ROUTES; route++)
        tw_post_stop(mailer->posts[route], idle, context);
}

struct tw_post *tw_mailer_post(struct tw_mailer *mailer)
{
    return mailer->posts[TW_ROUTE_ALERT];
}

/* ---- begin and end ------------------------------------------------------------------------ */

struct tw_mailer *tw_mailer_new(const struct tw_mailer_parts *parts)
{
    struct tw_mailer *m = tw_alloc(sizeof *m);
    m->parts = *parts;
    for (int route = 0; route < TW_ROUTES; route++)
        m->posts[route] = tw_post_new(parts->loop, parts->log, parts->state, parts->workers,
                                      (enum tw_route)route);
    m->digest = (struct tw_digest){.aspects = parts->aspects,
                                   .silences = parts->silences,
                                   .mending = mending,
                                   .grave = grave,
                                   .context = m};
    m->composer = (struct tw_composer){.aspects = parts->aspects,
                                       .jobs = parts->jobs,
                                       .actions = parts->actions,
                                       .proof = proof_for,
                                       .context = m};
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
    for (int route = 0; route < TW_ROUTES; route++)
        tw_post_free(&m->posts[route]);
    free(m);
    *mailer = NULL;
}

void tw_mailer_configure(struct tw_mailer *mailer, const struct tw_config *config)
{
    mailer->config = config;
    mailer->digest.alert = &config->alert;
    mailer->composer.config_file = config->file;
    tw_aspects_patience(mailer->parts.aspects,
                        2 * config->alert.group_wait_s * 1000 + CONFIRM_MS + GATHER_MS);
    for (int route = 0; route < TW_ROUTES; route++)
        tw_post_configure(mailer->posts[route], config);
    tw_mailer_care(mailer);
    if (mailer->started)
        consider(mailer);
}

void tw_mailer_restore_letter(struct tw_mailer *mailer, const char *id, const char *text,
                              size_t length)
{
    const bool escalation = tw_retell(mailer->parts.aspects, id, text, length, now_is(mailer)) &&
                            mailer->config->alert.escalate.count > 0;
    tw_post_restore(mailer->posts[escalation ? TW_ROUTE_ESCALATE : TW_ROUTE_ALERT], id, text,
                    length);
}

void tw_mailer_start(struct tw_mailer *mailer)
{
    mailer->started = true;
    for (int route = 0; route < TW_ROUTES; route++)
        tw_post_start(mailer->posts[route]);
    consider(mailer);
}
