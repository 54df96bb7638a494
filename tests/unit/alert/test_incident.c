/* The table of incidents: every cell, then its promises under a long random life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "alert/incident.h"

static const struct tw_incident_rule two = {.fail_after = 2, .ok_after = 2};

/* One step before each change that a count decides, by the rule `two`. */
static const struct tw_incident before[TW_STAGES] = {
    [TW_STAGE_QUIET] = {.stage = TW_STAGE_QUIET},
    [TW_STAGE_PENDING] = {.stage = TW_STAGE_PENDING, .opened_s = 100, .fails = 1, .unknowns = 2},
    [TW_STAGE_OPEN] = {.stage = TW_STAGE_OPEN, .opened_s = 100, .fails = 2, .oks = 1},
    [TW_STAGE_TOLD] = {.stage = TW_STAGE_TOLD, .letters = 1, .opened_s = 100, .fails = 2, .oks = 1},
    [TW_STAGE_CLOSING] = {.stage = TW_STAGE_CLOSING,
                          .letters = 1,
                          .opened_s = 100,
                          .closed_s = 150,
                          .oks = 2,
                          .unknowns = 2},
    [TW_STAGE_FLAPPING] = {.stage = TW_STAGE_FLAPPING,
                           .opened_s = 100,
                           .oks = 1,
                           .was_open = true,
                           .letters = 1,
                           .bad = true,
                           .changed_s = 150,
                           .opens = 5},
};

struct outcome {
    enum tw_stage stage;
    enum tw_incident_news news;
};

#define SAME(stage)                                                                                \
    {                                                                                              \
        {stage, TW_NEWS_NONE},                                                                     \
        {                                                                                          \
            stage, TW_NEWS_NONE                                                                    \
        }                                                                                          \
    }
#define BOTH(stage, news)                                                                          \
    {                                                                                              \
        {stage, news},                                                                             \
        {                                                                                          \
            stage, news                                                                            \
        }                                                                                          \
    }

/* Each cell: of a run that an event caused (and for letter and drop), of a scheduled one. */
static const struct outcome after[TW_STAGES][TW_INCIDENT_EVENTS][2] = {
    [TW_STAGE_QUIET] =
        {
            [TW_EVENT_FAIL] = SAME(TW_STAGE_PENDING),
            [TW_EVENT_GOOD] = SAME(TW_STAGE_QUIET),
            [TW_EVENT_UNKNOWN] = {{TW_STAGE_QUIET, TW_NEWS_NONE}, {TW_STAGE_PENDING, TW_NEWS_NONE}},
            [TW_EVENT_LETTER] = SAME(TW_STAGE_QUIET),
            [TW_EVENT_ACTED] = SAME(TW_STAGE_QUIET),
            [TW_EVENT_DROP] = SAME(TW_STAGE_QUIET),
        },
    [TW_STAGE_PENDING] =
        {
            [TW_EVENT_FAIL] = {{TW_STAGE_PENDING, TW_NEWS_NONE}, {TW_STAGE_OPEN, TW_NEWS_OPENED}},
            [TW_EVENT_GOOD] = SAME(TW_STAGE_QUIET),
            [TW_EVENT_UNKNOWN] = {{TW_STAGE_PENDING, TW_NEWS_NONE},
                                  {TW_STAGE_OPEN, TW_NEWS_OPENED}},
            [TW_EVENT_LETTER] = SAME(TW_STAGE_PENDING),
            [TW_EVENT_ACTED] = SAME(TW_STAGE_PENDING),
            [TW_EVENT_DROP] = SAME(TW_STAGE_QUIET),
        },
    [TW_STAGE_OPEN] =
        {
            [TW_EVENT_FAIL] = SAME(TW_STAGE_OPEN),
            [TW_EVENT_GOOD] = BOTH(TW_STAGE_QUIET, TW_NEWS_CLEARED),
            [TW_EVENT_UNKNOWN] = SAME(TW_STAGE_OPEN),
            [TW_EVENT_LETTER] = SAME(TW_STAGE_TOLD),
            [TW_EVENT_ACTED] = SAME(TW_STAGE_PENDING),
            [TW_EVENT_DROP] = BOTH(TW_STAGE_QUIET, TW_NEWS_CLEARED),
        },
    [TW_STAGE_TOLD] =
        {
            [TW_EVENT_FAIL] = SAME(TW_STAGE_TOLD),
            [TW_EVENT_GOOD] = BOTH(TW_STAGE_CLOSING, TW_NEWS_CLOSING),
            [TW_EVENT_UNKNOWN] = SAME(TW_STAGE_TOLD),
            [TW_EVENT_LETTER] = SAME(TW_STAGE_TOLD),
            [TW_EVENT_ACTED] = SAME(TW_STAGE_TOLD),
            [TW_EVENT_DROP] = BOTH(TW_STAGE_QUIET, TW_NEWS_CLOSED),
        },
    [TW_STAGE_CLOSING] =
        {
            [TW_EVENT_FAIL] = BOTH(TW_STAGE_TOLD, TW_NEWS_REOPENED),
            [TW_EVENT_GOOD] = SAME(TW_STAGE_CLOSING),
            [TW_EVENT_UNKNOWN] = {{TW_STAGE_CLOSING, TW_NEWS_NONE},
                                  {TW_STAGE_TOLD, TW_NEWS_REOPENED}},
            [TW_EVENT_ACTED] = SAME(TW_STAGE_CLOSING),
            [TW_EVENT_LETTER] = BOTH(TW_STAGE_QUIET, TW_NEWS_CLOSED),
            [TW_EVENT_DROP] = BOTH(TW_STAGE_QUIET, TW_NEWS_CLOSED),
        },
    [TW_STAGE_FLAPPING] =
        {
            [TW_EVENT_FAIL] = SAME(TW_STAGE_FLAPPING),
            [TW_EVENT_GOOD] = SAME(TW_STAGE_FLAPPING),
            [TW_EVENT_UNKNOWN] = SAME(TW_STAGE_FLAPPING),
            [TW_EVENT_LETTER] = SAME(TW_STAGE_FLAPPING),
            [TW_EVENT_ACTED] = SAME(TW_STAGE_FLAPPING),
            [TW_EVENT_DROP] = BOTH(TW_STAGE_QUIET, TW_NEWS_CLOSED),
        },
};

static void every_cell_leads_where_the_table_says(void **unused)
{
    (void)unused;
    for (int stage = 0; stage < TW_STAGES; stage++)
        for (int event = 0; event < TW_INCIDENT_EVENTS; event++)
            for (int scheduled = 0; scheduled < 2; scheduled++) {
                const struct outcome *want = &after[stage][event][scheduled];
                struct tw_incident incident = before[stage];
                const enum tw_incident_news news = tw_incident_step(
                    &incident, (enum tw_incident_event)event, scheduled == 1, 200, &two);
                if (incident.stage != want->stage || news != want->news)
                    fail_msg("stage %s, event %d, scheduled %d: %s and news %d",
                             tw_stage_name((enum tw_stage)stage), event, scheduled,
                             tw_stage_name(incident.stage), news);
            }
}

static enum tw_incident_news step(struct tw_incident *incident, enum tw_incident_event event,
                                  bool scheduled, int64_t now_s)
{
    return tw_incident_step(incident, event, scheduled, now_s, &two);
}

static void it_opened_when_the_first_failing_run_was_even_one_by_an_event(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    step(&i, TW_EVENT_FAIL, false, 100);
    step(&i, TW_EVENT_FAIL, true, 160);
    assert_int_equal(step(&i, TW_EVENT_FAIL, true, 220), TW_NEWS_OPENED);
    assert_int_equal(i.opened_s, 100);
}

static void failing_runs_by_events_alone_never_open(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    for (int n = 0; n < 1000; n++)
        assert_int_equal(step(&i, TW_EVENT_FAIL, false, 100 + n), TW_NEWS_NONE);
    assert_int_equal(i.stage, TW_STAGE_PENDING);
    assert_int_equal(i.fails, 0);
}

static void three_unknowns_in_a_row_open_and_a_good_one_between_begins_anew(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    step(&i, TW_EVENT_UNKNOWN, true, 1);
    step(&i, TW_EVENT_UNKNOWN, true, 2);
    step(&i, TW_EVENT_GOOD, false, 3);
    assert_int_equal(i.stage, TW_STAGE_QUIET);
    step(&i, TW_EVENT_UNKNOWN, true, 4);
    step(&i, TW_EVENT_UNKNOWN, true, 5);
    assert_int_equal(step(&i, TW_EVENT_UNKNOWN, true, 6), TW_NEWS_OPENED);
    assert_int_equal(i.opened_s, 4);
}

static void an_unknown_between_two_failing_runs_does_not_hide_them(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    step(&i, TW_EVENT_FAIL, true, 1);
    step(&i, TW_EVENT_UNKNOWN, true, 2);
    assert_int_equal(step(&i, TW_EVENT_FAIL, true, 3), TW_NEWS_OPENED);
}

static void a_failing_run_of_any_origin_starts_the_good_ones_afresh(void **unused)
{
    (void)unused;
    struct tw_incident i = {.stage = TW_STAGE_TOLD, .opened_s = 1};
    step(&i, TW_EVENT_GOOD, true, 2);
    step(&i, TW_EVENT_FAIL, true, 3);
    assert_int_equal(step(&i, TW_EVENT_GOOD, true, 4), TW_NEWS_NONE);
    step(&i, TW_EVENT_FAIL, false, 5);
    assert_int_equal(step(&i, TW_EVENT_GOOD, false, 6), TW_NEWS_NONE);
    assert_int_equal(step(&i, TW_EVENT_GOOD, false, 7), TW_NEWS_CLOSING);
    assert_int_equal(i.closed_s, 7);
}

static void three_unknowns_in_a_row_start_the_good_ones_afresh(void **unused)
{
    (void)unused;
    struct tw_incident i = {.stage = TW_STAGE_TOLD, .opened_s = 1};
    step(&i, TW_EVENT_GOOD, true, 2);
    for (int n = 0; n < TW_UNKNOWN_RUNS; n++)
        step(&i, TW_EVENT_UNKNOWN, true, 3 + n);
    assert_int_equal(step(&i, TW_EVENT_GOOD, true, 9), TW_NEWS_NONE);
    assert_int_equal(step(&i, TW_EVENT_GOOD, true, 10), TW_NEWS_CLOSING);
}

static void what_reopens_keeps_its_beginning_and_needs_all_its_good_runs_again(void **unused)
{
    (void)unused;
    struct tw_incident i = before[TW_STAGE_CLOSING];
    assert_int_equal(step(&i, TW_EVENT_FAIL, false, 200), TW_NEWS_REOPENED);
    assert_int_equal(i.opened_s, 100);
    assert_int_equal(i.closed_s, 0);
    assert_int_equal(step(&i, TW_EVENT_GOOD, true, 210), TW_NEWS_NONE);
    assert_int_equal(step(&i, TW_EVENT_GOOD, true, 220), TW_NEWS_CLOSING);
}

static void counts_at_their_top_stay_there(void **unused)
{
    (void)unused;
    for (int stage = 0; stage < TW_STAGES; stage++)
        for (int event = 0; event < TW_INCIDENT_EVENTS; event++) {
            struct tw_incident i = {.stage = (enum tw_stage)stage,
                                    .opened_s = 1,
                                    .closed_s = 1,
                                    .fails = INT64_MAX,
                                    .oks = INT64_MAX,
                                    .unknowns = INT64_MAX,
                                    .letters = INT64_MAX,
                                    .opens = INT64_MAX};
            step(&i, (enum tw_incident_event)event, true, 2);
            assert_true(i.fails >= 0 && i.oks >= 0 && i.unknowns >= 0 && i.letters >= 0 &&
                        i.opens >= 0);
        }
}

static void levels_become_events_and_stages_have_names(void **unused)
{
    (void)unused;
    assert_int_equal(tw_incident_event_of(TW_LEVEL_OK), TW_EVENT_GOOD);
    assert_int_equal(tw_incident_event_of(TW_LEVEL_WARN), TW_EVENT_GOOD);
    assert_int_equal(tw_incident_event_of(TW_LEVEL_FAIL), TW_EVENT_FAIL);
    assert_int_equal(tw_incident_event_of(TW_LEVEL_UNKNOWN), TW_EVENT_UNKNOWN);
    assert_string_equal(tw_stage_name(TW_STAGE_QUIET), "quiet");
    assert_string_equal(tw_stage_name(TW_STAGE_CLOSING), "closing");
}

static const struct tw_incident_rule one = {.fail_after = 1, .ok_after = 1};

static enum tw_incident_news at_once(struct tw_incident *i, enum tw_incident_event event,
                                     int64_t now_s)
{
    return tw_incident_step(i, event, true, now_s, &one);
}

/* Opens and is told and ends, once a minute; the time of the last opening. */
static int64_t open_often(struct tw_incident *i, int times, int64_t from_s)
{
    int64_t now_s = from_s;
    for (int n = 0; n < times; n++, now_s += 60) {
        assert_int_equal(at_once(i, TW_EVENT_FAIL, now_s), TW_NEWS_OPENED);
        at_once(i, TW_EVENT_LETTER, now_s + 1);
        assert_int_equal(at_once(i, TW_EVENT_GOOD, now_s + 2), TW_NEWS_CLOSING);
        assert_int_equal(at_once(i, TW_EVENT_LETTER, now_s + 3), TW_NEWS_CLOSED);
        assert_int_equal(i->stage, TW_STAGE_QUIET);
    }
    return now_s;
}

static void the_fifth_opening_within_an_hour_is_flapping(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    const int64_t fifth_s = open_often(&i, 4, 1000);
    assert_int_equal(at_once(&i, TW_EVENT_FAIL, fifth_s), TW_NEWS_FLAPPING);
    assert_int_equal(i.stage, TW_STAGE_FLAPPING);
    assert_int_equal(i.opens, 5);
    assert_false(i.flap_told);
    at_once(&i, TW_EVENT_LETTER, fifth_s + 5);
    assert_true(i.flap_told);
    assert_int_equal(i.told_s, fifth_s + 5);
}

static void four_in_an_hour_and_one_later_are_not(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    open_often(&i, 4, 1000);
    assert_int_equal(at_once(&i, TW_EVENT_FAIL, 1000 + TW_FLAP_S), TW_NEWS_OPENED);
}

static void what_came_and_went_untold_counts_as_an_opening_too(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    for (int n = 0; n < 4; n++) {
        assert_int_equal(at_once(&i, TW_EVENT_FAIL, 1000 + n * 20), TW_NEWS_OPENED);
        assert_int_equal(at_once(&i, TW_EVENT_GOOD, 1010 + n * 20), TW_NEWS_CLEARED);
    }
    assert_int_equal(at_once(&i, TW_EVENT_FAIL, 1100), TW_NEWS_FLAPPING);
}

static void what_reopens_before_its_end_is_told_flaps_too(void **unused)
{
    (void)unused;
    struct tw_incident i = {0};
    at_once(&i, TW_EVENT_FAIL, 1000);
    at_once(&i, TW_EVENT_LETTER, 1001);
    for (int n = 0; n < 3; n++) {
        at_once(&i, TW_EVENT_GOOD, 1010 + n * 20);
        assert_int_equal(at_once(&i, TW_EVENT_FAIL, 1020 + n * 20), TW_NEWS_REOPENED);
    }
    at_once(&i, TW_EVENT_GOOD, 1100);
    assert_int_equal(at_once(&i, TW_EVENT_FAIL, 1101), TW_NEWS_FLAPPING);
    assert_int_equal(i.closed_s, 0);
}

static struct tw_incident flapping(bool bad, int64_t changed_s, int64_t letters)
{
    return (struct tw_incident){.stage = TW_STAGE_FLAPPING,
                                .opened_s = 100,
                                .was_open = true,
                                .bad = bad,
                                .changed_s = changed_s,
                                .letters = letters,
                                .flap_told = letters > 0,
                                .opens = 5};
}

static void flapping_ends_when_it_was_well_for_an_hour(void **unused)
{
    (void)unused;
    struct tw_incident i = flapping(true, 1000, 1);
    assert_int_equal(at_once(&i, TW_EVENT_GOOD, 2000), TW_NEWS_NONE);
    assert_int_equal(i.changed_s, 2000);
    assert_int_equal(at_once(&i, TW_EVENT_GOOD, 2000 + TW_FLAP_S - 1), TW_NEWS_NONE);
    assert_int_equal(at_once(&i, TW_EVENT_GOOD, 2000 + TW_FLAP_S), TW_NEWS_CLOSING);
    assert_int_equal(i.stage, TW_STAGE_CLOSING);
    assert_int_equal(i.opens, 5);
}

static void flapping_that_nobody_was_told_of_ends_without_a_word(void **unused)
{
    (void)unused;
    struct tw_incident i = flapping(false, 1000, 0);
    assert_int_equal(at_once(&i, TW_EVENT_GOOD, 1000 + TW_FLAP_S), TW_NEWS_CLEARED);
    assert_int_equal(i.stage, TW_STAGE_QUIET);
}

static void flapping_that_fails_for_an_hour_is_open_and_to_be_told_anew(void **unused)
{
    (void)unused;
    struct tw_incident i = flapping(true, 1000, 1);
    assert_int_equal(at_once(&i, TW_EVENT_FAIL, 1000 + TW_FLAP_S), TW_NEWS_STEADY);
    assert_int_equal(i.stage, TW_STAGE_OPEN);
    assert_int_equal(i.opens, 0);
    /* Its end is told even if its letter did not come to be: its flapping was. */
    assert_int_equal(at_once(&i, TW_EVENT_GOOD, 1010 + TW_FLAP_S), TW_NEWS_CLOSING);
}

static void each_opening_while_it_flaps_is_counted_by_the_rule(void **unused)
{
    (void)unused;
    struct tw_incident i = flapping(false, 1000, 1);
    step(&i, TW_EVENT_FAIL, true, 1010);
    step(&i, TW_EVENT_GOOD, true, 1020); /* a blip of one run, by the rule `two` */
    assert_int_equal(i.opens, 5);
    assert_int_equal(i.changed_s, 1000);
    step(&i, TW_EVENT_FAIL, true, 1030);
    step(&i, TW_EVENT_FAIL, true, 1040);
    assert_int_equal(i.opens, 6);
    assert_true(i.bad);
    for (int n = 0; n < 2; n++)
        step(&i, TW_EVENT_GOOD, true, 1050 + n);
    assert_false(i.bad);
    for (int n = 0; n < TW_UNKNOWN_RUNS; n++)
        step(&i, TW_EVENT_UNKNOWN, true, 1060 + n);
    assert_true(i.bad);
    assert_int_equal(i.opens, 7);
}

static void a_clock_set_back_does_not_keep_it_flapping_for_days(void **unused)
{
    (void)unused;
    struct tw_incident i = flapping(false, 1000000, 1);
    assert_int_equal(at_once(&i, TW_EVENT_GOOD, 1000), TW_NEWS_NONE);
    assert_int_equal(at_once(&i, TW_EVENT_GOOD, 1000 + TW_FLAP_S), TW_NEWS_CLOSING);
}

static void after_an_order_it_must_fail_as_often_again(void **unused)
{
    (void)unused;
    struct tw_incident i = before[TW_STAGE_OPEN];
    i.was_open = true;
    assert_int_equal(step(&i, TW_EVENT_ACTED, false, 200), TW_NEWS_NONE);
    assert_true(i.acted);
    assert_int_equal(step(&i, TW_EVENT_FAIL, true, 210), TW_NEWS_NONE);
    assert_int_equal(step(&i, TW_EVENT_FAIL, true, 220), TW_NEWS_OPENED);
    assert_int_equal(i.opened_s, 100);
    assert_true(i.acted);
    assert_int_equal(i.opened_at_s[0], 0); /* it is the same one: no second opening */
}

static void what_an_order_has_mended_came_and_went(void **unused)
{
    (void)unused;
    struct tw_incident i = before[TW_STAGE_OPEN];
    i.was_open = true;
    step(&i, TW_EVENT_ACTED, false, 200);
    assert_true(tw_incident_is_on(&i));
    assert_int_equal(step(&i, TW_EVENT_GOOD, false, 210), TW_NEWS_CLEARED);
    assert_false(tw_incident_is_on(&i));
}

/* What an outsider remembers, who sees only the events and the news. */
struct witness {
    bool open, told;
    int64_t good; /* good runs since the last failing one */
};

static void check(struct witness *w, enum tw_incident_event event, bool scheduled,
                  enum tw_incident_news news, const struct tw_incident_rule *rule)
{
    const bool drop = event == TW_EVENT_DROP;
    switch (news) {
    case TW_NEWS_NONE:
        break;
    case TW_NEWS_LEVEL:
        fail_msg("that is not for a step to tell");
        break;
    case TW_NEWS_OPENED:
    case TW_NEWS_FLAPPING:
        assert_true(event == TW_EVENT_FAIL || event == TW_EVENT_UNKNOWN);
        assert_true(scheduled || w->told); /* or it reopens */
        w->open = true;
        break;
    case TW_NEWS_STEADY:
        assert_true(w->open && event != TW_EVENT_GOOD);
        break;
    case TW_NEWS_CLEARED: /* nobody was told: a recovery comes only after an alarm */
        assert_true(w->open && (!w->told || drop));
        assert_true(drop || event == TW_EVENT_GOOD);
        break;
    case TW_NEWS_CLOSING:
        assert_true(w->open && w->told);
        assert_true(event == TW_EVENT_GOOD && w->good >= (event == TW_EVENT_GOOD ? 1 : 0));
        break;
    case TW_NEWS_REOPENED:
        assert_true(w->open && w->told);
        assert_true(event == TW_EVENT_FAIL || event == TW_EVENT_UNKNOWN);
        break;
    case TW_NEWS_CLOSED:
        assert_true(w->open && w->told);
        assert_true(drop || event == TW_EVENT_LETTER);
        break;
    }
    (void)rule;
    if (news == TW_NEWS_CLEARED || news == TW_NEWS_CLOSED || (drop && !w->open))
        *w = (struct witness){0};
}

static uint32_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(*seed >> 33);
}

static void a_long_random_life_keeps_every_promise(void **unused)
{
    (void)unused;
    uint64_t seed = 20261121;
    struct tw_incident i = {0};
    struct witness w = {0};
    struct tw_incident_rule rule = {1, 1};
    int seen[TW_NEWS_CLOSED + 1] = {0};
    int64_t now_s = 1;
    for (int64_t n = 0; n < 1000000; n++) {
        if (n % 500 == 0 && i.stage == TW_STAGE_QUIET)
            rule = (struct tw_incident_rule){1 + draw(&seed) % 4, 1 + draw(&seed) % 4};
        /* Now hectic, now slow. */
        now_s += draw(&seed) % 100 ? 1 + draw(&seed) % ((n / 10000) % 2 ? 4000 : 60) : 5000;
        /* Letters come now and then, the job is rarely dropped. */
        const uint32_t dice = draw(&seed) % 40;
        const enum tw_incident_event event = dice == 0   ? TW_EVENT_DROP
                                             : dice == 1 ? TW_EVENT_ACTED
                                             : dice < 6  ? TW_EVENT_LETTER
                                             : dice < 18 ? TW_EVENT_FAIL
                                             : dice < 30 ? TW_EVENT_GOOD
                                                         : TW_EVENT_UNKNOWN;
        const bool scheduled = event <= TW_EVENT_UNKNOWN && draw(&seed) % 3 != 0;
        w.good = event == TW_EVENT_GOOD ? w.good + 1 : event == TW_EVENT_FAIL ? 0 : w.good;
        w.told = w.told || (event == TW_EVENT_LETTER && w.open && i.stage >= TW_STAGE_OPEN);
        const enum tw_incident_news news = tw_incident_step(&i, event, scheduled, now_s, &rule);
        seen[news]++;
        check(&w, event, scheduled, news, &rule);
        assert_true((i.opened_s > 0) == (i.stage != TW_STAGE_QUIET));
        assert_true((i.closed_s > 0) == (i.stage == TW_STAGE_CLOSING));
        assert_true(w.open == tw_incident_is_on(&i));
        assert_true(w.told == (i.letters > 0));
    }
    for (int news = 0; news <= TW_NEWS_CLOSED; news++)
        if (seen[news] <= 20 && news != TW_NEWS_LEVEL)
            fail_msg("news %d came %d times only", news, seen[news]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cell_leads_where_the_table_says),
        cmocka_unit_test(it_opened_when_the_first_failing_run_was_even_one_by_an_event),
        cmocka_unit_test(failing_runs_by_events_alone_never_open),
        cmocka_unit_test(three_unknowns_in_a_row_open_and_a_good_one_between_begins_anew),
        cmocka_unit_test(an_unknown_between_two_failing_runs_does_not_hide_them),
        cmocka_unit_test(a_failing_run_of_any_origin_starts_the_good_ones_afresh),
        cmocka_unit_test(three_unknowns_in_a_row_start_the_good_ones_afresh),
        cmocka_unit_test(what_reopens_keeps_its_beginning_and_needs_all_its_good_runs_again),
        cmocka_unit_test(counts_at_their_top_stay_there),
        cmocka_unit_test(the_fifth_opening_within_an_hour_is_flapping),
        cmocka_unit_test(four_in_an_hour_and_one_later_are_not),
        cmocka_unit_test(what_came_and_went_untold_counts_as_an_opening_too),
        cmocka_unit_test(what_reopens_before_its_end_is_told_flaps_too),
        cmocka_unit_test(flapping_ends_when_it_was_well_for_an_hour),
        cmocka_unit_test(flapping_that_nobody_was_told_of_ends_without_a_word),
        cmocka_unit_test(flapping_that_fails_for_an_hour_is_open_and_to_be_told_anew),
        cmocka_unit_test(each_opening_while_it_flaps_is_counted_by_the_rule),
        cmocka_unit_test(a_clock_set_back_does_not_keep_it_flapping_for_days),
        cmocka_unit_test(after_an_order_it_must_fail_as_often_again),
        cmocka_unit_test(what_an_order_has_mended_came_and_went),
        cmocka_unit_test(levels_become_events_and_stages_have_names),
        cmocka_unit_test(a_long_random_life_keeps_every_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
