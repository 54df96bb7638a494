/* The promises of alerting, under a long random life: findings, silences, acknowledgements, orders,
 * restarts (orderly, and at a bad moment) and clocks that jump, as fast as they go.
 *
 * A witness who sees only what went in and the letters that came out checks that
 *   - every failure that lasts is told;
 *   - nothing is told twice;
 *   - there is no letter about what is silenced;
 *   - there are never more letters than the limits say, and none is too long;
 *   - a recovery comes only after an alarm, and after an alarm one comes;
 *   - what was acknowledged is neither reminded of nor escalated;
 *   - whoever waits for the digest never spins.
 * TW_DIGEST_STEPS and TW_DIGEST_SEED make it another life: after a change to alerting a million
 * steps with some other seeds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/letter.h"
#include "base/mem.h"
#include "base/units.h"
#include "watcher/digest.h"
#include "watcher/digest_state.h"
#include "watcher/retell.h"

enum { STEPS = 300000, RULES = 4, ENOUGH = 6 };

/* ---- the world ----------------------------------------------------------------------------------
 */

enum mood { GOOD, BAD, BLIND, FLAPPY };

struct witness {
    enum mood mood;
    bool flap_up;
    int64_t bad_ms;    /* monotonic: failing (scheduled, without a good run) since; 0: not */
    int64_t bad_runs;  /* such runs */
    int64_t silent_ms; /* monotonic: when it was last silenced */
    int64_t held_ms;   /* when it last was acted for, or the clock jumped */
    int64_t told_ms;   /* when it was last mentioned as failing or flapping; 0: not since its end */
    int64_t steady;    /* FAILED mentions since it was told well */
    int64_t flap_ms;   /* when it was last mentioned as flapping */
    bool alarmed;      /* somebody believes that it fails */
    bool escalated, acked;
};

struct world {
    uint64_t seed;
    int64_t now_s, now_ms, jumped_ms, limit_ms;
    struct tw_log *log;
    struct tw_aspects *aspects;
    struct tw_silences silences;
    struct tw_alert_config alert;
    struct tw_transport_config transport;
    struct tw_digest digest;
    struct witness seen[ASPECTS];
    int64_t letters_ms[TW_ROUTES][64]; /* the newest first */
    int64_t number;
    struct tw_buf last_letters[8]; /* of this step: they would be on disk */
    char ids[8][40];
    size_t last_count;
    /* how often it came to what is to be tested */
    size_t failed, flapping, recovered, reminders, escalations, restarts, crashes, summaries,
        belated;
};

static uint32_t draw(struct world *w, uint32_t below)
{
    w->seed = w->seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(w->seed >> 33) % below;
}

static struct tw_when now_of(const struct world *w)
{
    return (struct tw_when){w->now_s, w->now_ms};
}

static void on_news(void *context, struct tw_aspect *aspect, enum tw_incident_news what)
{
    struct world *w = context;
    if (what == TW_NEWS_CLEARED && w->digest.aspects)
        tw_digest_cleared(&w->digest, aspect, now_of(w));
}

static bool never_mending(void *context, const struct tw_aspect *aspect, int64_t now_ms)
{
    (void)context, (void)aspect, (void)now_ms;
    return false;
}

static bool first_is_grave(void *context, const struct tw_aspect *aspect)
{
    (void)context;
    return strcmp(aspect->name, "service.s0") == 0;
}

static void make_aspects(struct world *w)
{
    w->aspects = tw_aspects_new(w->log, (struct tw_state *)&no_state, on_news, w);
    tw_aspects_silences(w->aspects, &w->silences);
    tw_aspects_patience(w->aspects, 2 * w->alert.group_wait_s * 1000 + 20000);
    w->digest.aspects = w->aspects;
    w->digest.alert = &w->alert;
    w->digest.silences = &w->silences;
    w->digest.mending = never_mending;
    w->digest.grave = first_is_grave;
    w->digest.context = w;
}

static void choose_rules(struct world *w)
{
    static const int64_t waits[RULES] = {0, 1, 30, 300},
                         reminds[RULES] = {TW_NEVER, 600, 14400, 200000};
    static const int64_t escalates[RULES] = {TW_NEVER, 900, 3600, 40000},
                         most[RULES] = {1, 3, 20, 40};
    w->alert.group_wait_s = waits[draw(w, RULES)];
    w->alert.remind_s = reminds[draw(w, RULES)];
    w->alert.escalate_s = escalates[draw(w, RULES)];
    w->alert.max_per_hour = most[draw(w, RULES)];
    w->limit_ms = w->now_ms;
    w->alert.escalate = (struct tw_via){&w->transport, draw(w, 4) ? 1 : 0};
    tw_aspects_patience(w->aspects, 2 * w->alert.group_wait_s * 1000 + 20000);
}

/* ---- letters ------------------------------------------------------------------------------------
 */

static void check_limits(struct world *w, enum tw_route route)
{
    int64_t *times = w->letters_ms[route];
    memmove(times + 1, times, sizeof w->letters_ms[0] - sizeof *times);
    times[0] = w->now_ms;
    int64_t within = 0;
    /* A clock that jumps ends what waits by it. */
    for (size_t i = 0; i < TW_COUNT(w->letters_ms[0]) && times[i]; i++)
        within += times[i] > w->now_ms - 3600000 + 1000 && times[i] > w->jumped_ms;
    if (within > w->alert.max_per_hour + 1 && w->jumped_ms < w->now_ms - 3600000 &&
        w->limit_ms < w->now_ms - 3600000)
        fail_msg("%" PRId64 " letters within an hour, not %" PRId64, within, w->alert.max_per_hour);
}

static void check_mention(struct world *w, enum tw_route route, const struct tw_mention *m)
{
    struct tw_aspect *a = m->aspect;
    struct witness *seen = &w->seen[index_of(a->name)];
    if (tw_silences_on(&w->silences, a->job, a->name, w->now_s))
        fail_msg("a letter about %s, which is silenced", a->name);
    if (route == TW_ROUTE_ESCALATE) {
        assert_false(seen->acked || seen->escalated);
        assert_int_not_equal(m->topic, TW_TOPIC_RECOVERED);
        seen->escalated = seen->alarmed = true;
        return;
    }
    switch (m->topic) {
    case TW_TOPIC_FAILED:
        if (seen->told_ms && seen->flap_ms < seen->told_ms && seen->steady)
            fail_msg("%s is told twice", a->name);
        seen->steady++;
        seen->told_ms = w->now_ms;
        seen->alarmed = true;
        w->failed++;
        break;
    case TW_TOPIC_FLAPPING:
        if (seen->flap_ms && w->now_ms - seen->flap_ms < 3600000 - 1000 &&
            w->jumped_ms < seen->flap_ms && seen->alarmed && a->incident.flap_told)
            fail_msg("%s is told as flapping twice within an hour", a->name);
        if (seen->acked && a->incident.flap_told)
            fail_msg("%s is told as flapping, though acknowledged", a->name);
        seen->flap_ms = seen->told_ms = w->now_ms;
        seen->alarmed = true;
        w->flapping++;
        break;
    case TW_TOPIC_RECOVERED:
        /* But for what was over before its letter could be written, though that was overdue: this
         * one tells it all. */
        if (!seen->alarmed &&
            (a->incident.letters ||
             (w->jumped_ms < w->now_ms - 86400000 && w->limit_ms < w->now_ms - 86400000 &&
              a->incident.closed_s - a->incident.opened_s < 2 * w->alert.group_wait_s + 20)))
            fail_msg("%s is told as well again, of which no alarm told", a->name);
        w->belated += !seen->alarmed;
        assert_true(a->level != TW_LEVEL_FAIL);
        *seen = (struct witness){.mood = seen->mood,
                                 .flap_up = seen->flap_up,
                                 .silent_ms = seen->silent_ms,
                                 .held_ms = seen->held_ms};
        w->recovered++;
        break;
    case TW_TOPIC_REMINDER:
        if (!seen->alarmed || seen->acked)
            fail_msg("a reminder of %s, which %s (incident %" PRId64 ", opened %" PRId64
                     "s ago, %" PRId64 " letters)",
                     a->name, seen->acked ? "was acknowledged" : "was not told", a->id,
                     w->now_s - a->incident.opened_s, a->incident.letters);
        seen->told_ms = w->now_ms;
        w->reminders++;
        break;
    }
}

static void check_reminders(const struct world *w, const struct tw_mention *mentions, size_t count,
                            const int64_t *told_ms)
{
    int64_t oldest_ms = INT64_MAX;
    for (size_t i = 0; i < count; i++)
        if (mentions[i].topic == TW_TOPIC_REMINDER && told_ms[i] < oldest_ms)
            oldest_ms = told_ms[i];
    if (oldest_ms != INT64_MAX && oldest_ms > w->jumped_ms)
        assert_true(w->now_ms - oldest_ms >= (w->alert.remind_s - 1) * 1000);
}

/* What the composer would make of it, for its length and for a restart. */
static void write_letter(struct world *w, enum tw_route route, const struct tw_mention *mentions,
                         size_t count, bool last)
{
    static char *to_items[] = {(char *)"postmaster@example.com"};
    static const struct tw_strings to = {to_items, 1};
    struct tw_letter_entry entries[ASPECTS];
    static char longest[4000];
    memset(longest, 'x', sizeof longest - 1);
    for (size_t i = 0; i < count; i++) {
        const struct tw_aspect *a = mentions[i].aspect;
        const bool recovered = mentions[i].topic == TW_TOPIC_RECOVERED;
        entries[i] = (struct tw_letter_entry){.aspect = a->name,
                                              .id = a->id,
                                              .recovered = recovered,
                                              .flapping = mentions[i].topic == TW_TOPIC_FLAPPING ||
                                                          (recovered && a->incident.opens),
                                              .reminder = mentions[i].topic == TW_TOPIC_REMINDER,
                                              .opens = a->incident.opens,
                                              .level = recovered ? a->seen : a->level,
                                              .text = a->text,
                                              .evidence = longest,
                                              .opened_s = a->incident.opened_s,
                                              .closed_s = a->incident.closed_s};
        assert_true(a->id > 0);
    }
    const size_t slot = w->last_count < TW_COUNT(w->ids) ? w->last_count++ : 0;
    snprintf(w->ids[slot], sizeof w->ids[slot], "%010" PRId64 ".%09" PRId64 ".1", w->now_s,
             ++w->number);
    const struct tw_letter letter = {.host = "mail.example.com",
                                     .from = "toaster@example.com",
                                     .to = &to,
                                     .id = w->ids[slot],
                                     .now_s = w->now_s,
                                     .entries = entries,
                                     .entry_count = count,
                                     .unacked_s = route == TW_ROUTE_ESCALATE ? 1 : 0,
                                     .last_of_hour = last};
    tw_buf_clear(&w->last_letters[slot]);
    tw_letter_write(&letter, &w->last_letters[slot]);
    assert_true(w->last_letters[slot].len <= TW_LETTER_MAX);
}

static bool write_due(struct world *w, enum tw_route route)
{
    struct tw_mention *mentions;
    int64_t told_ms[ASPECTS];
    const size_t count = tw_digest_collect(&w->digest, route, now_of(w), &mentions);
    assert_true(count <= ASPECTS);
    for (size_t i = 0; i < count; i++) {
        const struct witness *seen = &w->seen[index_of(mentions[i].aspect->name)];
        told_ms[i] = seen->told_ms;
    }
    if (count) {
        check_limits(w, route);
        check_reminders(w, mentions, count, told_ms);
        w->summaries += tw_digest_sums_up(&w->digest, mentions, count);
        for (size_t i = 0; i < count; i++)
            check_mention(w, route, &mentions[i]);
        write_letter(w, route, mentions, count,
                     tw_quota_is_last(&w->digest.quotas[route], w->alert.max_per_hour, w->now_s));
        tw_digest_told(&w->digest, route, mentions, count, now_of(w));
        w->escalations += route == TW_ROUTE_ESCALATE;
    }
    free(mentions);
    return count > 0;
}

/* As the mailer does: whatever is due now. */
static void write_all(struct world *w)
{
    const struct tw_silence *over;
    while ((over = tw_silences_over(&w->silences, w->now_s)))
        tw_silences_remove(&w->silences, over->id);
    for (int turn = 0; tw_digest_next_ms(&w->digest, now_of(w)) <= w->now_ms; turn++) {
        bool any = false;
        for (int route = 0; route < TW_ROUTES; route++)
            any = write_due(w, (enum tw_route)route) || any;
        if (!any || turn > 3)
            fail_msg("the digest wants a letter to be written, and then there is none");
    }
}

static void note_silences(struct world *w)
{
    for (size_t i = 0; i < ASPECTS; i++) {
        char *name = part_name(i), *job = part_name(i / PARTS * PARTS);
        if (tw_silences_on(&w->silences, job, name, w->now_s))
            w->seen[i].silent_ms = w->now_ms;
        free(name);
        free(job);
    }
}

static void pass_time(struct world *w, int64_t ms)
{
    const int64_t end_ms = w->now_ms + ms;
    while (w->now_ms < end_ms) {
        int64_t next_ms = tw_digest_next_ms(&w->digest, now_of(w));
        next_ms = next_ms <= w->now_ms ? w->now_ms + 1 : next_ms;
        next_ms = next_ms < end_ms ? next_ms : end_ms;
        note_silences(w);
        changed_count = w->last_count = 0; /* all is on disk by now */
        history_id_before = history_id;
        /* The two clocks pass the second together. */
        w->now_s += next_ms / 1000 - w->now_ms / 1000;
        w->now_ms = next_ms;
        write_all(w);
    }
}

/* ---- what happens -------------------------------------------------------------------------------
 */

static void run(struct world *w, size_t i)
{
    struct witness *seen = &w->seen[i];
    const bool scheduled = draw(w, 5) > 0;
    enum tw_level level = TW_LEVEL_OK;
    if (seen->mood == BAD)
        level = TW_LEVEL_FAIL;
    else if (seen->mood == BLIND)
        level = TW_LEVEL_UNKNOWN;
    else if (seen->mood == FLAPPY) {
        seen->flap_up = !seen->flap_up;
        level = seen->flap_up ? TW_LEVEL_OK : TW_LEVEL_FAIL;
    }
    const struct tw_incident_rule rule = {1 + (int64_t)(i % 3), 1 + (int64_t)(i % 2)};
    char *name = part_name(i);
    char *job = tw_strndup(name, strcspn(name, "/"));
    const char *slash = strchr(name, '/');
    if (level == TW_LEVEL_OK) {
        seen->bad_ms = seen->bad_runs = 0;
    } else if (scheduled) {
        if (++seen->bad_runs == ENOUGH)
            seen->bad_ms = w->now_ms;
    }
    tw_aspects_finding(w->aspects, job,
                       &(struct tw_finding){level, slash ? slash + 1 : "", "code",
                                            level == TW_LEVEL_OK ? "well" : "not well"},
                       scheduled, &rule, now_of(w));
    free(name);
    free(job);
}

static void silence(struct world *w)
{
    char pattern[40];
    if (draw(w, 3) == 0 && w->silences.count) {
        tw_silences_remove(&w->silences,
                           w->silences.items[draw(w, (uint32_t)w->silences.count)].id);
        return;
    }
    if (w->silences.count > 3)
        return;
    snprintf(pattern, sizeof pattern, draw(w, 2) ? "service.s%u" : "*s%u/l*", draw(w, JOBS));
    assert_non_null(
        tw_silences_add(&w->silences, pattern, w->now_s, 60 + draw(w, 7200), "root", "why"));
}

static void ack(struct world *w)
{
    const size_t i = draw(w, ASPECTS);
    char *name = part_name(i);
    struct tw_aspect *a = tw_aspects_find(w->aspects, name);
    free(name);
    if (!a || !a->id)
        return;
    assert_ptr_equal(tw_aspects_by_id(w->aspects, a->id), a);
    tw_aspects_ack(w->aspects, a, "root", "seen", now_of(w));
    w->seen[i].acked = true;
}

static void act(struct world *w)
{
    char *name = part_name(draw(w, JOBS) * PARTS);
    tw_aspects_acted(w->aspects, name, now_of(w));
    for (size_t i = 0; i < ASPECTS; i++)
        w->seen[i].held_ms = w->now_ms, w->seen[i].bad_runs = w->seen[i].bad_ms = 0;
    free(name);
}

/* As restore.c does it. After a bad end the rows are as before this step, but for the letters. */
static void restart(struct world *w, bool orderly)
{
    tw_digest_next_ms(&w->digest, now_of(w));
    for (size_t i = 0; i < changed_count && !orderly; i++) {
        if (rows_before[changed[i]].there)
            copy_row(&rows[changed[i]], &rows_before[changed[i]].row);
        else
            clear_row(&rows[changed[i]]);
    }
    changed_count = 0;
    tw_aspects_free(&w->aspects);
    make_aspects(w);
    for (size_t i = 0; i < ASPECTS; i++)
        if (rows[i].there)
            tw_aspects_restore(w->aspects, &rows[i].row, w->now_ms);
    history_id = orderly ? history_id : history_id_before;
    tw_aspects_used_id(w->aspects, history_id);
    for (size_t i = 0; i < tw_aspects_count(w->aspects); i++)
        tw_aspects_at(w->aspects, i)->waits_until_ms = 0; /* as tw_depends_look would */
    for (size_t i = 0; i < w->last_count; i++)
        tw_retell(w->aspects, w->ids[i], tw_buf_text(&w->last_letters[i]), w->last_letters[i].len,
                  now_of(w));
    for (size_t i = 0; i < ASPECTS && !orderly; i++) { /* an ack may be lost, a letter not */
        char *name = part_name(i);
        const struct tw_aspect *a = tw_aspects_find(w->aspects, name);
        w->seen[i].acked = a && a->acked_s;
        free(name);
    }
    w->restarts += orderly;
    w->crashes += !orderly;
    for (size_t i = 0; i < ASPECTS; i++)
        w->seen[i].held_ms = w->now_ms, w->seen[i].bad_runs = w->seen[i].bad_ms = 0;
}

static void forget_acks(struct world *w)
{
    /* What an acknowledgement belongs to is over without a word. */
    for (size_t i = 0; i < ASPECTS; i++) {
        char *name = part_name(i);
        const struct tw_aspect *a = tw_aspects_find(w->aspects, name);
        free(name);
        if (a && a->id)
            continue;
        w->seen[i].acked = w->seen[i].escalated = false;
        if (w->seen[i].alarmed)
            fail_msg("%s was told as failing, and its end was not told", a ? a->name : "?");
    }
}

/* What has failed for so long, and was never silenced or put off meanwhile, must have been told. */
static void check_told(const struct world *w)
{
    const int64_t most_ms =
        (2 * 300 + 3600 + 2 * TW_QUOTA_PAUSE_S) * 1000 + 60000; /* the longest group_wait, an hour's
                                                                   limit, pauses */
    for (size_t i = 0; i < ASPECTS; i++) {
        const struct witness *seen = &w->seen[i];
        int64_t since_ms = seen->bad_ms;
        if (!since_ms || seen->bad_runs < ENOUGH)
            continue;
        since_ms = seen->silent_ms > since_ms ? seen->silent_ms : since_ms;
        since_ms = seen->held_ms > since_ms ? seen->held_ms : since_ms;
        since_ms = w->jumped_ms > since_ms ? w->jumped_ms : since_ms;
        char *name = part_name(i);
        const struct tw_aspect *a = tw_aspects_find(w->aspects, name);
        if (w->now_ms - since_ms > most_ms && !seen->alarmed)
            fail_msg("%s fails for %" PRId64 "s and nobody was told (stage %s, held %" PRId64
                     "s, waits %" PRId64 "s, next %" PRId64 "s, group_wait %" PRId64 "s, level %d)",
                     name, (w->now_ms - since_ms) / 1000,
                     a ? tw_stage_name(a->incident.stage) : "none",
                     tw_quota_held_s(&w->digest.quotas[0], w->now_s),
                     a ? (w->now_ms - a->wait_from_ms) / 1000 : 0,
                     (tw_digest_next_ms((struct tw_digest *)(uintptr_t)&w->digest, now_of(w)) -
                      w->now_ms) /
                         1000,
                     w->alert.group_wait_s, a ? (int)a->level : 0);
        free(name);
    }
}

static void step(struct world *w)
{
    const uint32_t dice = draw(w, 1000);
    changed_count = 0;
    w->last_count = 0;
    history_id_before = history_id;
    if (dice < 700) {
        run(w, draw(w, ASPECTS));
    } else if (dice < 850) {
        pass_time(w, draw(w, 20000));
    } else if (dice < 900) {
        w->seen[draw(w, ASPECTS)].mood = (enum mood)(draw(w, 3) ? GOOD : draw(w, 4));
    } else if (dice < 910) {
        pass_time(w, (int64_t)draw(w, 4 * 3600) * 1000);
    } else if (dice < 925) {
        silence(w);
    } else if (dice < 950) {
        ack(w);
    } else if (dice < 960) {
        act(w);
    } else if (dice < 964) {
        for (size_t i = 0; i < ASPECTS; i++)
            w->seen[i].mood = (enum mood)draw(w, 2); /* a storm, or its end */
    } else if (dice == 970) {
        const int64_t by_s = (int64_t)draw(w, 2 * 172800) - 172800;
        w->now_s = w->now_s + by_s > 1000000 ? w->now_s + by_s : w->now_s;
        w->jumped_ms = w->now_ms;
    } else if (dice < 974) {
        restart(w, true);
    } else if (dice == 975) {
        choose_rules(w);
    }
    write_all(w);
    if (draw(w, 200) == 0)
        restart(w, false);
    note_silences(w);
    check_told(w);
    forget_acks(w);
}

static int64_t number_of(const char *variable, int64_t fallback)
{
    const char *text = getenv(variable);
    return text ? strtoll(text, NULL, 10) : fallback;
}

static void a_long_random_life_keeps_every_promise(void **state)
{
    (void)state;
    struct world w = {.seed = (uint64_t)number_of("TW_DIGEST_SEED", 20261125),
                      .now_s = 1800000000,
                      .now_ms = 1000000};
    const int64_t steps = number_of("TW_DIGEST_STEPS", STEPS);
    w.log = tw_log_new(-1, 0);
    make_aspects(&w);
    choose_rules(&w);
    for (int64_t n = 0; n < steps; n++)
        step(&w);
    /* At last all is well, and everybody knows. */
    tw_silences_free(&w.silences);
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < ASPECTS; i++) {
            w.seen[i].mood = GOOD;
            run(&w, i);
        }
        write_all(&w);
        pass_time(&w, 60000);
    }
    for (size_t i = 0; i < ASPECTS; i++) {
        assert_false(w.seen[i].alarmed);
        clear_row(&rows[i]);
        clear_row(&rows_before[i]);
    }
    printf("%zu failures told, %zu recoveries, %zu flapping, %zu reminders, %zu escalations, %zu "
           "summaries, %zu restarts, %zu crashes\n",
           w.failed, w.recovered, w.flapping, w.reminders, w.escalations, w.summaries, w.restarts,
           w.crashes);
    assert_true(steps < STEPS ||
                (w.failed > 1000 && w.recovered > 1000 && w.flapping > 30 && w.reminders > 100 &&
                 w.escalations > 100 && w.summaries > 10 && w.restarts > 100 && w.crashes > 100));
    for (size_t i = 0; i < TW_COUNT(w.last_letters); i++)
        tw_buf_free(&w.last_letters[i]);
    tw_aspects_free(&w.aspects);
    tw_log_free(&w.log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_random_life_keeps_every_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
