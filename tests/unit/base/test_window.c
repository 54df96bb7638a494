/* Windows of the day. When tasks are due in them, and how clock changes count, is tested with the
 * schedule (watcher/test_schedule_task.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/window.h"

static int in_berlin(void **state)
{
    (void)state;
    setenv("TZ", "Europe/Berlin", 1);
    tzset();
    return 0;
}

static int64_t at(const char *text)
{
    struct tm tm = {.tm_isdst = -1};
    assert_non_null(strptime(text, "%Y-%m-%d %H:%M", &tm));
    return mktime(&tm);
}

static struct tw_window parsed(const char *text)
{
    struct tw_window window;
    struct tw_error e;
    if (tw_window_parse(text, &window, &e) != 0)
        fail_msg("%s", e.text);
    return window;
}

static void a_window_is_read_back_as_it_was_written(void **state)
{
    (void)state;
    static const char *const texts[] = {"01:00-05:00", "22:30-04:15", "00:00-23:59", "00:00-24:00",
                                        "23:59-00:00"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct tw_window window = {0, 0};
        struct tw_error e;
        struct tw_buf out = {0};
        if (strcmp(texts[i], "00:00-24:00") == 0) { /* all day is no window */
            assert_int_equal(tw_window_parse(texts[i], &window, &e), -1);
            continue;
        }
        window = parsed(texts[i]);
        assert_true(tw_window_any(&window));
        tw_window_write(&out, &window);
        assert_string_equal(tw_buf_text(&out), texts[i]);
        tw_buf_free(&out);
    }
    const struct tw_window never = parsed("never");
    assert_false(tw_window_any(&never));
}

static void what_is_no_window_is_refused_and_what_to_write_is_said(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "1:00-5:00",
                                      "01:00",
                                      "01:00-05:60",
                                      "25:00-26:00",
                                      "01:00-05:001",
                                      "01.00-05.00",
                                      "01:00-01:00",
                                      "24:00-01:00",
                                      " 1:00-05:00",
                                      "01:00 05:00",
                                      "-1:00-05:00"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct tw_window window = {7, 8};
        struct tw_error e = {""};
        assert_int_equal(tw_window_parse(bad[i], &window, &e), -1);
        assert_true(strstr(e.text, "01:00-05:00") || strstr(e.text, "leave it out"));
        assert_int_equal(window.from_min, 7);
    }
}

static void the_window_that_is_or_comes(void **state)
{
    (void)state;
    static const struct {
        const char *window, *now, *from, *to;
    } cases[] = {
        {"01:00-05:00", "2026-11-25 00:59", "2026-11-25 01:00", "2026-11-25 05:00"},
        {"01:00-05:00", "2026-11-25 01:00", "2026-11-25 01:00", "2026-11-25 05:00"},
        {"01:00-05:00", "2026-11-25 05:00", "2026-11-26 01:00", "2026-11-26 05:00"},
        {"22:00-04:00", "2026-11-25 03:59", "2026-11-24 22:00", "2026-11-25 04:00"},
        {"22:00-04:00", "2026-11-25 04:00", "2026-11-25 22:00", "2026-11-26 04:00"},
        {"22:00-24:00", "2026-11-25 23:00", "2026-11-25 22:00", "2026-11-26 00:00"},
        {"01:00-05:00", "2026-12-31 12:00", "2027-01-01 01:00", "2027-01-01 05:00"},
        /* The clocks go forward from 02:00 to 03:00, and back from 03:00 to 02:00. */
        {"01:00-05:00", "2026-03-29 00:00", "2026-03-29 01:00", "2026-03-29 05:00"},
        {"02:10-02:50", "2026-03-29 00:00", "2026-03-29 03:10", "2026-03-29 03:50"},
        {"01:00-05:00", "2026-10-25 00:00", "2026-10-25 01:00", "2026-10-25 05:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct tw_window window = parsed(cases[i].window);
        const struct tw_span span = tw_window_at(&window, at(cases[i].now));
        if (span.from_s != at(cases[i].from) || span.to_s != at(cases[i].to))
            fail_msg("case %zu: from %lld to %lld", i, (long long)span.from_s,
                     (long long)span.to_s);
    }
    const struct tw_window spring = parsed("01:00-05:00");
    struct tw_span span = tw_window_at(&spring, at("2026-03-29 00:00"));
    assert_int_equal(span.to_s - span.from_s, 3 * 3600);
    span = tw_window_at(&spring, at("2026-10-25 00:00"));
    assert_int_equal(span.to_s - span.from_s, 5 * 3600);
    const struct tw_window none = {0, 0};
    assert_true(tw_window_at(&none, 1).to_s == INT64_MAX);
}

static void a_time_of_day_is_a_window_of_one_minute(void **state)
{
    (void)state;
    static const struct {
        const char *clock, *window;
    } cases[] = {{"00:00", "00:00-00:01"},
                 {"08:00", "08:00-08:01"},
                 {"12:59", "12:59-13:00"},
                 {"23:59", "23:59-24:00"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tw_window window = {7, 8};
        struct tw_error e;
        struct tw_buf out = {0};
        assert_int_equal(tw_window_at_clock(cases[i].clock, &window, &e), 0);
        assert_true(tw_window_any(&window));
        tw_window_write(&out, &window);
        assert_string_equal(tw_buf_text(&out), cases[i].window);
        const struct tw_window again = parsed(tw_buf_text(&out));
        assert_memory_equal(&again, &window, sizeof window);
        tw_buf_free(&out);
    }
}

static void what_is_no_time_of_day_is_refused_and_what_to_write_is_said(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "8",
        "8:00",
        "08:0",
        "08:000",
        "24:00",
        "24:01",
        "25:00",
        "08:60",
        "08.00",
        "08-00",
        " 8:00",
        "08:00 ",
        "-8:00",
        "08:00-09:00",
        "never",
        "noon",
        "08:00\n",
        "+8:00",
        "0x:00",
        "99:99",
        "08::0",
        "\xff\xff:\xff\xff",
        "aa:bb",
        "08:0a",
        "8am00",
        "::::",
        "     ",
        "00000",
        "\x01",
    };
    char huge[10000];
    memset(huge, '0', sizeof huge - 1);
    huge[2] = ':';
    huge[sizeof huge - 1] = '\0';
    for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        struct tw_window window = {7, 8};
        struct tw_error e = {""};
        const char *text = i < sizeof bad / sizeof bad[0] ? bad[i] : huge;
        if (tw_window_at_clock(text, &window, &e) != -1)
            fail_msg("\"%s\" was taken", text);
        assert_non_null(strstr(e.text, "\"08:00\""));
        assert_int_equal(window.from_min, 7);
        assert_int_equal(window.to_min, 8);
    }
}

static void a_time_of_day_comes_once_a_day_whatever_the_clocks_do(void **state)
{
    (void)state;
    static const struct {
        const char *clock, *now, *from;
    } cases[] = {
        {"08:00", "2026-11-25 07:59", "2026-11-25 08:00"},
        {"08:00", "2026-11-25 08:00", "2026-11-25 08:00"},
        {"08:00", "2026-11-25 08:01", "2026-11-26 08:00"},
        {"00:00", "2026-11-25 00:01", "2026-11-26 00:00"},
        {"23:59", "2026-12-31 12:00", "2026-12-31 23:59"},
        {"23:59", "2027-01-01 00:00", "2027-01-01 23:59"},
        {"02:30", "2026-03-29 00:00", "2026-03-29 03:30"}, /* there is no half past two */
        {"08:00", "2026-10-25 00:00", "2026-10-25 08:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tw_window window;
        struct tw_error e;
        assert_int_equal(tw_window_at_clock(cases[i].clock, &window, &e), 0);
        const struct tw_span span = tw_window_at(&window, at(cases[i].now));
        if (span.from_s != at(cases[i].from) || span.to_s != span.from_s + 60)
            fail_msg("case %zu: from %lld to %lld", i, (long long)span.from_s,
                     (long long)span.to_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_window_is_read_back_as_it_was_written),
        cmocka_unit_test(what_is_no_window_is_refused_and_what_to_write_is_said),
        cmocka_unit_test(the_window_that_is_or_comes),
        cmocka_unit_test(a_time_of_day_is_a_window_of_one_minute),
        cmocka_unit_test(what_is_no_time_of_day_is_refused_and_what_to_write_is_said),
        cmocka_unit_test(a_time_of_day_comes_once_a_day_whatever_the_clocks_do),
    };
    return cmocka_run_group_tests(tests, in_berlin, NULL);
}
