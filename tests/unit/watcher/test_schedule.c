/* When a job is due: the grid, and its promises under a long random life. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "watcher/schedule.h"

enum { MINUTE = 60000, QUARTER = TW_BACKOFF_MAX_MS };

static void what_begins_is_due_at_once(void **state)
{
    (void)state;
    const struct tw_schedule s = tw_schedule_begin(MINUTE, 100, 12345);
    assert_true(tw_schedule_due(&s, 12345));
    assert_false(tw_schedule_due(&s, 12344));
    assert_int_equal(s.overlaps, 0);
    assert_int_equal(s.failures, 0);
}

static void runs_fall_on_the_grid(void **state)
{
    (void)state;
    static const struct {
        int64_t started_ms, due_ms;
    } cases[] = {{100, 60100},     {60100, 120100}, {60101, 120100}, {60050, 120100},
                 {90099, 120100},  {90100, 180100}, {0, 60100},      {70000, 120100},
                 {119999, 180100}, {120100, 180100}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tw_schedule s = tw_schedule_begin(MINUTE, 100, 0);
        tw_schedule_started(&s, cases[i].started_ms);
        assert_int_equal(s.due_ms, cases[i].due_ms);
    }
}

/* What shares a pass over /proc shall be due in the same moment; other kinds at another. */
static void a_phase_belongs_to_a_kind(void **state)
{
    (void)state;
    static const int64_t intervals[] = {1, 7, 1000, MINUTE, 86400000};
    for (size_t i = 0; i < sizeof intervals / sizeof intervals[0]; i++) {
        const int64_t phase = tw_schedule_phase("process", intervals[i]);
        assert_in_range(phase, 0, intervals[i] - 1);
        assert_int_equal(phase, tw_schedule_phase("process", intervals[i]));
    }
    assert_int_not_equal(tw_schedule_phase("process", MINUTE), tw_schedule_phase("file", MINUTE));
    assert_int_not_equal(tw_schedule_phase("process", MINUTE),
                         tw_schedule_phase("service", MINUTE));
    assert_int_equal(tw_schedule_phase("", 1), 0);
}

static void two_jobs_meet_wherever_they_begin(void **state)
{
    (void)state;
    struct tw_schedule a = tw_schedule_begin(MINUTE, 700, 5),
                       b = tw_schedule_begin(MINUTE, 700, 29999);
    tw_schedule_started(&a, 5);
    tw_schedule_started(&b, 29999);
    assert_int_equal(a.due_ms, b.due_ms);
}

static void an_overlap_is_counted_and_passed_over(void **state)
{
    (void)state;
    struct tw_schedule s = tw_schedule_begin(MINUTE, 0, 0);
    tw_schedule_started(&s, 0);
    tw_schedule_overlap(&s, 60000);
    assert_int_equal(s.overlaps, 1);
    assert_int_equal(s.due_ms, 120000);
    tw_schedule_overlap(&s, 190000); /* seen late: one, not two */
    assert_int_equal(s.overlaps, 2);
    assert_int_equal(s.due_ms, 240000);
    tw_schedule_ended(&s, true, 200000);
    assert_int_equal(s.due_ms, 240000);
}

static void what_cannot_look_is_put_off_ever_longer(void **state)
{
    (void)state;
    static const int64_t waits[] = {1, 2, 4, 8, 15, 15, 15};
    struct tw_schedule s = tw_schedule_begin(MINUTE, 0, 0);
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        const int64_t now_ms = s.due_ms;
        tw_schedule_started(&s, now_ms);
        tw_schedule_ended(&s, false, now_ms + 10);
        assert_int_equal(s.due_ms, now_ms + waits[i] * MINUTE);
    }
    const int64_t now_ms = s.due_ms;
    tw_schedule_started(&s, now_ms);
    tw_schedule_ended(&s, true, now_ms + 10);
    assert_int_equal(s.failures, 0);
    assert_int_equal(s.due_ms, now_ms + MINUTE);
    tw_schedule_started(&s, s.due_ms);
    tw_schedule_ended(&s, false, now_ms + MINUTE + 10);
    assert_int_equal(s.due_ms, now_ms + 2 * MINUTE);
}

static void a_long_interval_is_its_own_cap(void **state)
{
    (void)state;
    const int64_t day = 86400000;
    struct tw_schedule s = tw_schedule_begin(day, 0, 0);
    for (int i = 1; i < 200; i++) {
        tw_schedule_started(&s, s.due_ms);
        tw_schedule_ended(&s, false, s.due_ms - day + 10);
        assert_int_equal(s.due_ms, i * day);
    }
}

static void failures_without_end_do_not_overflow(void **state)
{
    (void)state;
    struct tw_schedule s = tw_schedule_begin(1, 0, 0);
    s.failures = INT64_MAX - 2;
    tw_schedule_started(&s, 0);
    tw_schedule_ended(&s, false, 0);
    assert_in_range(s.due_ms, 1, QUARTER + 1);
    s = tw_schedule_begin(INT64_C(100) * 366 * 86400000, 5, 0); /* as long as can be written */
    tw_schedule_started(&s, 1);
    tw_schedule_ended(&s, false, 1);
    tw_schedule_ended(&s, false, 1);
    assert_true(s.due_ms > 0 && s.due_ms <= 2 * s.every_ms);
}

static void sooner_never_puts_off(void **state)
{
    (void)state;
    struct tw_schedule s = tw_schedule_begin(MINUTE, 0, 0);
    tw_schedule_started(&s, 0);
    tw_schedule_sooner(&s, 70000);
    assert_int_equal(s.due_ms, 60000);
    tw_schedule_sooner(&s, 2000);
    assert_int_equal(s.due_ms, 2000);
    tw_schedule_started(&s, 2000);
    assert_int_equal(s.due_ms, 60000);
    tw_schedule_sooner(&s, 50000); /* brought forward a little: the next one is not at once */
    tw_schedule_started(&s, 50000);
    assert_int_equal(s.due_ms, 120000);
}

static void another_interval(void **state)
{
    (void)state;
    struct tw_schedule s = tw_schedule_begin(3600000, 0, 0);
    tw_schedule_started(&s, 0);
    tw_schedule_change(&s, MINUTE, 500, 10000);
    assert_int_equal(s.due_ms, 60500);
    tw_schedule_started(&s, 60500);
    assert_int_equal(s.due_ms, 120500);
    tw_schedule_change(&s, 3600000, 0, 70000); /* not later than it was */
    assert_int_equal(s.due_ms, 120500);
    tw_schedule_started(&s, 120500);
    assert_int_equal(s.due_ms, 3600000);
}

static void another_interval_ends_a_long_wait(void **state)
{
    (void)state;
    struct tw_schedule s = tw_schedule_begin(MINUTE, 0, 0);
    for (int i = 0; i < 6; i++) {
        tw_schedule_started(&s, s.due_ms);
        tw_schedule_ended(&s, false, s.due_ms);
    }
    const int64_t now_ms = s.due_ms - 14 * MINUTE;
    tw_schedule_change(&s, 1000, 0, now_ms);
    assert_int_equal(s.due_ms, now_ms + 1000);
}

/* ---- a long random life ------------------------------------------------------------------- */

struct life {
    struct tw_schedule s;
    int64_t now_ms, last_ms; /* of the last scheduled run */
    bool running, looked, forward;
};

static void begin_run(struct life *life)
{
    const int64_t every_ms = life->s.every_ms;
    if (!life->forward) {
        assert_true(life->now_ms - life->last_ms > every_ms / 2);
        assert_int_equal((life->now_ms - life->s.phase_ms) % every_ms, 0);
    }
    if (life->looked)
        assert_true(life->now_ms - life->last_ms <= every_ms + (every_ms + 1) / 2);
    tw_schedule_started(&life->s, life->now_ms);
    assert_true(life->s.due_ms > life->now_ms + every_ms / 2);
    assert_true(life->s.due_ms <= life->now_ms + every_ms + (every_ms + 1) / 2);
    life->last_ms = life->now_ms;
    life->running = true;
    life->forward = false;
    life->looked = true;
}

/* It ends so soon that the next point of the grid is not reached. */
static void end_run(struct life *life, bool looked)
{
    const int64_t failures = life->s.failures;
    tw_schedule_ended(&life->s, looked, life->now_ms);
    const int64_t most = life->s.every_ms > QUARTER ? life->s.every_ms : QUARTER;
    assert_true(life->s.due_ms <= life->now_ms + most + life->s.every_ms);
    assert_int_equal(life->s.failures, looked ? 0 : failures + 1);
    life->looked = looked;
    life->running = false;
}

/* Each step: time goes to the next thing that may happen, and one thing does. */
static void one_life(unsigned *seed)
{
    const int64_t every_ms = 1 + rand_r(seed) % 200000;
    struct life life = {.s = tw_schedule_begin(every_ms, rand_r(seed) % every_ms, 1000000),
                        .now_ms = 1000000,
                        .last_ms = 1000000 - every_ms,
                        .forward = true};
    for (int step = 0; step < 500; step++) {
        const int64_t left_ms = life.s.due_ms - life.now_ms;
        const int what = rand_r(seed) % 8;
        if (life.running) {
            life.now_ms += left_ms > 1 ? rand_r(seed) % left_ms : 0;
            end_run(&life, what > 1);
        } else if (what == 0 && left_ms > 0) { /* an event: the next scheduled run soon */
            life.now_ms += rand_r(seed) % left_ms;
            const int64_t before = life.s.due_ms;
            tw_schedule_sooner(&life.s, life.now_ms + 2000);
            assert_true(life.s.due_ms <= before);
            life.forward |= life.s.due_ms < before;
        } else {
            if (left_ms > 1)
                assert_false(tw_schedule_due(&life.s, life.now_ms + left_ms - 1));
            life.now_ms = life.s.due_ms > life.now_ms ? life.s.due_ms : life.now_ms;
            assert_true(tw_schedule_due(&life.s, life.now_ms));
            begin_run(&life);
        }
    }
}

static void neither_too_close_nor_too_late(void **state)
{
    (void)state;
    unsigned seed = 20240503;
    for (int i = 0; i < 2000; i++)
        one_life(&seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_begins_is_due_at_once),
        cmocka_unit_test(runs_fall_on_the_grid),
        cmocka_unit_test(a_phase_belongs_to_a_kind),
        cmocka_unit_test(two_jobs_meet_wherever_they_begin),
        cmocka_unit_test(an_overlap_is_counted_and_passed_over),
        cmocka_unit_test(what_cannot_look_is_put_off_ever_longer),
        cmocka_unit_test(a_long_interval_is_its_own_cap),
        cmocka_unit_test(failures_without_end_do_not_overflow),
        cmocka_unit_test(sooner_never_puts_off),
        cmocka_unit_test(another_interval),
        cmocka_unit_test(another_interval_ends_a_long_wait),
        cmocka_unit_test(neither_too_close_nor_too_late),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
