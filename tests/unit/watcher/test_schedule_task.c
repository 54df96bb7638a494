/* When a task is due: single cases, and years of it, minute by minute, over changes of the clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "watcher/schedule.h"

enum { HOUR = 3600, DAY = 86400, WEEK = 7 * DAY };

static struct tw_window window_of(const char *text)
{
    struct tw_window window;
    struct tw_error e;
    if (tw_window_parse(text, &window, &e) != 0)
        fail_msg("%s", e.text);
    return window;
}

static int be_in_berlin(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    return 0;
}

/* "2024-03-31 01:00", in local time. */
static int64_t at(const char *text)
{
    struct tm tm = {.tm_isdst = -1};
    const char *end = text ? strptime(text, "%Y-%m-%d %H:%M", &tm) : NULL;
    if (!text)
        return 0;
    assert_true(end && !*end);
    return mktime(&tm);
}

static void without_a_window(void **state)
{
    (void)state;
    static const struct {
        int64_t every_s, last_s, now_s, due_s;
    } cases[] = {
        {HOUR, 0, 1000000, 1000000}, /* never yet: at once */
        {HOUR, 1000000, 1000001, 1000000 + HOUR},
        {HOUR, 1000000, 2000000, 1000000 + HOUR},    /* long ago: now */
        {HOUR, 1000000, 999000, 1000000 + HOUR},     /* the clock was set back a little */
        {HOUR, 1000000 + HOUR + 1, 1000000, 1000000} /* and by more than that */
    };
    const struct tw_window none = {0, 0};
    for (size_t i = 0; i < TW_COUNT(cases); i++)
        assert_int_equal(
            tw_schedule_task_due_s(&none, cases[i].every_s, cases[i].last_s, cases[i].now_s),
            cases[i].due_s);
}

static const struct {
    const char *window;
    int64_t every_s;
    const char *last, *now, *due;
} cases[] = {
    /* Never yet: the next window, or at once in one. */
    {"01:00-05:00", DAY, NULL, "2024-06-10 12:00", "2024-06-11 01:00"},
    {"01:00-05:00", DAY, NULL, "2024-06-10 01:00", "2024-06-10 01:00"},
    {"01:00-05:00", DAY, NULL, "2024-06-10 04:59", "2024-06-10 04:59"},
    {"01:00-05:00", DAY, NULL, "2024-06-10 05:00", "2024-06-11 01:00"},
    /* Once a window, however soon it would be due again. */
    {"01:00-05:00", DAY, "2024-06-10 01:00", "2024-06-10 01:01", "2024-06-11 01:00"},
    {"01:00-05:00", HOUR, "2024-06-10 01:00", "2024-06-10 03:00", "2024-06-11 01:00"},
    {"01:00-05:00", 1, "2024-06-10 04:59", "2024-06-10 04:59", "2024-06-11 01:00"},
    /* One that began late goes back to the beginning. */
    {"01:00-05:00", DAY, "2024-06-10 04:59", "2024-06-10 12:00", "2024-06-11 01:00"},
    {"01:00-05:00", WEEK, "2024-06-10 04:59", "2024-06-10 12:00", "2024-06-17 01:00"},
    /* Weekly, before, on and after its day. */
    {"01:00-05:00", WEEK, "2024-06-10 01:00", "2024-06-16 03:00", "2024-06-17 01:00"},
    {"01:00-05:00", WEEK, "2024-06-10 01:00", "2024-06-17 03:00", "2024-06-17 03:00"},
    {"01:00-05:00", WEEK, "2024-06-10 01:00", "2024-06-17 05:00", "2024-06-18 01:00"},
    {"01:00-05:00", WEEK, "2024-06-10 01:00", "2024-08-01 03:00", "2024-08-01 03:00"},
    /* No whole days. */
    {"01:00-05:00", 26 * HOUR, "2024-06-10 01:00", "2024-06-10 12:00", "2024-06-11 01:00"},
    {"01:00-05:00", 36 * HOUR, "2024-06-10 01:00", "2024-06-10 12:00", "2024-06-12 01:00"},
    /* The last run was outside of any window, before there was one. */
    {"01:00-05:00", DAY, "2024-06-10 12:00", "2024-06-10 13:00", "2024-06-12 01:00"},
    {"01:00-05:00", HOUR, "2024-06-10 00:30", "2024-06-10 00:40", "2024-06-10 01:00"},
    /* Over midnight. */
    {"22:00-06:00", DAY, "2024-06-10 22:00", "2024-06-11 03:00", "2024-06-11 22:00"},
    {"22:00-06:00", DAY, "2024-06-11 03:00", "2024-06-11 05:00", "2024-06-11 22:00"},
    {"22:00-06:00", DAY, "2024-06-10 05:00", "2024-06-11 03:00", "2024-06-11 03:00"},
    {"22:00-06:00", WEEK, "2024-06-11 03:00", "2024-06-11 12:00", "2024-06-17 22:00"},
    /* The night in which the clocks go forward from 02:00 to 03:00, and those around it. */
    {"01:00-01:30", DAY, "2024-03-30 01:20", "2024-03-30 12:00", "2024-03-31 01:00"},
    {"01:00-01:30", DAY, "2024-03-31 01:20", "2024-03-31 12:00", "2024-04-01 01:00"},
    {"01:00-01:30", WEEK, "2024-03-25 01:20", "2024-03-25 12:00", "2024-04-01 01:00"},
    {"02:15-02:45", DAY, "2024-03-30 02:40", "2024-03-30 12:00", "2024-03-31 03:15"},
    {"02:15-02:45", DAY, "2024-03-31 03:30", "2024-03-31 12:00", "2024-04-01 02:15"},
    {"02:15-02:45", WEEK, "2024-03-31 03:30", "2024-03-31 12:00", "2024-04-07 02:15"},
    /* And back from 03:00 to 02:00: what falls into both is one window. */
    {"01:00-01:30", DAY, "2024-10-27 01:20", "2024-10-27 12:00", "2024-10-28 01:00"},
    {"01:00-01:30", WEEK, "2024-10-21 01:20", "2024-10-21 12:00", "2024-10-28 01:00"},
    {"02:45-03:15", DAY, "2024-10-26 02:45", "2024-10-27 03:10", "2024-10-27 03:10"},
    /* The clock was set back inside of the window, to before it, and by a day and more. */
    {"01:00-05:00", DAY, "2024-06-10 03:00", "2024-06-10 02:00", "2024-06-11 01:00"},
    {"01:00-05:00", DAY, "2024-06-10 03:00", "2024-06-10 00:00", "2024-06-11 01:00"},
    {"01:00-05:00", DAY, "2024-06-10 03:00", "2024-06-09 02:00", "2024-06-09 02:00"},
    {"01:00-05:00", DAY, "2024-06-10 03:00", "2024-06-08 12:00", "2024-06-09 01:00"},
    {"01:00-05:00", WEEK, "2034-06-10 03:00", "2024-06-10 12:00", "2024-06-11 01:00"},
    {"01:00-05:00", WEEK, "2024-06-10 03:00", "2024-06-10 02:00", "2024-06-17 01:00"},
};

static void in_its_window(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        const struct tw_window window = window_of(cases[i].window);
        const int64_t due_s =
            tw_schedule_task_due_s(&window, cases[i].every_s, at(cases[i].last), at(cases[i].now));
        if (due_s != at(cases[i].due))
            fail_msg("case %zu, %s every %lld s, last %s, now %s: due %lld, not %s", i,
                     cases[i].window, (long long)cases[i].every_s,
                     cases[i].last ? cases[i].last : "never", cases[i].now, (long long)due_s,
                     cases[i].due);
    }
}

/* From 01:00 in summer to 01:00 in winter there are 25 hours; 02:30 comes twice in that night. */
static void the_hour_that_comes_twice_is_one_window(void **state)
{
    (void)state;
    const struct tw_window window = window_of("02:15-02:45");
    const int64_t first_s = at("2024-10-27 01:00") + HOUR + 15 * 60; /* 02:15 in summer time */
    assert_int_equal(tw_schedule_task_due_s(&window, DAY, at("2024-10-26 02:15"), first_s - HOUR),
                     first_s);
    for (int64_t last_s = first_s; last_s < first_s + 3 * HOUR / 2; last_s += 60)
        for (int64_t now_s = last_s; now_s < first_s + 3 * HOUR; now_s += 15 * 60)
            assert_int_equal(tw_schedule_task_due_s(&window, DAY, last_s, now_s),
                             at("2024-10-28 02:15"));
}

/* ---- years, minute by minute -------------------------------------------------------------- */

struct life {
    struct tw_window window;
    int64_t every_s;
    int64_t now_s, last_s, due_s;
    int64_t plan_s;       /* when it is to be computed anew */
    int64_t down_until_s; /* the daemon does not run; 0: it does */
    int64_t from_s;       /* of the occurrence that is, or comes next */
    int64_t until_s;
    int64_t number, ran; /* of this occurrence; of that in which it ran last, -1: none */
    unsigned seed;
};

static void run(struct life *life)
{
    const int64_t days = life->every_s / DAY;
    assert_true(life->now_s >= life->from_s && life->now_s < life->until_s);
    if (life->ran >= 0)
        assert_int_equal(life->number - life->ran, days);
    life->ran = life->number;
    life->last_s = life->now_s;
    life->plan_s = life->now_s;
}

/* Restarts are short enough to leave something of each window. */
static void live_a_minute(struct life *life)
{
    if (life->now_s >= life->until_s) {
        const struct tw_span span = tw_window_at(&life->window, life->now_s);
        assert_true(span.from_s >= life->until_s);
        life->from_s = span.from_s;
        life->until_s = span.to_s;
        life->number++;
    }
    if (rand_r(&life->seed) % 500 == 0) {
        life->down_until_s = life->now_s + rand_r(&life->seed) % (20 * 60);
        life->plan_s = life->down_until_s;
    }
    if (life->now_s < life->down_until_s)
        return;
    if (life->now_s >= life->plan_s) {
        life->plan_s = life->now_s + 600;
        life->due_s =
            tw_schedule_task_due_s(&life->window, life->every_s, life->last_s, life->now_s);
        assert_true(life->due_s >= life->now_s);
    }
    if (life->due_s <= life->now_s)
        run(life);
}

static void live(const char *window, int64_t every_s, unsigned seed)
{
    struct life life = {.window = window_of(window), .every_s = every_s, .ran = -1, .seed = seed};
    const int64_t end_s = at("2026-01-01 00:00");
    life.now_s = life.plan_s = at("2024-01-01 00:00");
    const struct tw_span span = tw_window_at(&life.window, life.now_s);
    life.from_s = span.from_s;
    life.until_s = span.to_s;
    for (; life.now_s < end_s; life.now_s += 60)
        live_a_minute(&life);
    assert_in_range(life.number, 730, 732);
    assert_true(life.number - life.ran <= every_s / DAY);
}

static void no_window_twice_and_none_missed(void **state)
{
    (void)state;
    static const char *const windows[] = {"01:00-05:00", "22:30-01:30", "02:15-02:45",
                                          "01:30-02:30", "02:30-03:30", "23:00-24:00"};
    for (size_t i = 0; i < TW_COUNT(windows); i++) {
        live(windows[i], DAY, 20240601 + (unsigned)i);
        live(windows[i], WEEK, 20240701 + (unsigned)i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_window),
        cmocka_unit_test(in_its_window),
        cmocka_unit_test(the_hour_that_comes_twice_is_one_window),
        cmocka_unit_test(no_window_twice_and_none_missed),
    };
    return cmocka_run_group_tests(tests, be_in_berlin, NULL);
}
