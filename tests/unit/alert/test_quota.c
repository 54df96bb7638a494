/* How many letters may be written: the bound of an hour, the pause after a long one, clocks that
 * are set, and the times as a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "alert/quota.h"
#include "base/mem.h"

#define NOW 1795227165
#define HOUR 3600

/* As many single letters, a second apart; the last one is written at the time that is given. */
static void write_letters(struct tw_quota *quota, size_t count, int64_t max, int64_t last_s)
{
    for (size_t i = 0; i < count; i++)
        tw_quota_count(quota, max, 1, last_s - (int64_t)(count - 1 - i));
}

static void the_first_letter_need_not_wait(void **state)
{
    (void)state;
    static const int64_t moments[] = {0, 1, 59, 60, 3599, NOW, INT64_MAX};
    const struct tw_quota quota = {0};
    for (size_t i = 0; i < TW_COUNT(moments); i++) {
        assert_int_equal(tw_quota_held_s(&quota, moments[i]), 0);
        assert_false(tw_quota_is_last(&quota, 2, moments[i]));
        assert_true(tw_quota_is_last(&quota, 1, moments[i]));
    }
}

static void with_the_last_of_the_hour_letters_are_held_for_an_hour(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(tw_quota_held_s(&quota, NOW + i), 0);
        assert_int_equal(tw_quota_is_last(&quota, 5, NOW + i), false);
        assert_false(tw_quota_count(&quota, 5, 1, NOW + i));
    }
    assert_true(tw_quota_is_last(&quota, 5, NOW + 4));
    assert_true(tw_quota_count(&quota, 5, 1, NOW + 4));
    assert_int_equal(tw_quota_held_s(&quota, NOW + 4), HOUR);
    assert_int_equal(tw_quota_held_s(&quota, NOW + 4 + HOUR - 1), 1);
    assert_int_equal(tw_quota_held_s(&quota, NOW + 4 + HOUR), 0);
}

static void one_letter_an_hour_is_the_least(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    for (int hour = 0; hour < 3; hour++) {
        const int64_t now_s = NOW + hour * HOUR;
        assert_int_equal(tw_quota_held_s(&quota, now_s), 0);
        assert_true(tw_quota_is_last(&quota, 1, now_s));
        assert_true(tw_quota_count(&quota, 1, 1, now_s));
        assert_int_equal(tw_quota_held_s(&quota, now_s + HOUR - 1), 1);
    }
}

static void what_was_written_an_hour_ago_counts_no_more(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    write_letters(&quota, 3, 5, NOW);
    assert_true(tw_quota_is_last(&quota, 4, NOW + HOUR - 3));
    assert_false(tw_quota_is_last(&quota, 4, NOW + HOUR - 2));
    assert_true(tw_quota_is_last(&quota, 1, NOW + HOUR));
    assert_false(tw_quota_count(&quota, 2, 1, NOW + HOUR));
    assert_int_equal(quota.count, 1);
}

static void the_greatest_bound_is_kept_and_none_beyond_it_is_remembered(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    for (int i = 0; i < TW_QUOTA_TIMES_MAX - 1; i++)
        assert_false(tw_quota_count(&quota, TW_QUOTA_TIMES_MAX, 1, NOW));
    assert_true(tw_quota_is_last(&quota, TW_QUOTA_TIMES_MAX, NOW));
    for (int i = 0; i < 5; i++)
        assert_true(tw_quota_count(&quota, TW_QUOTA_TIMES_MAX, 1, NOW));
    assert_int_equal(quota.count, TW_QUOTA_TIMES_MAX);
    assert_true(tw_quota_held_s(&quota, NOW) == HOUR);
}

static void a_bound_that_was_raised_ends_with_the_next_letter_the_waiting(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    write_letters(&quota, 3, 3, NOW);
    assert_int_equal(tw_quota_held_s(&quota, NOW), HOUR);
    assert_false(tw_quota_count(&quota, 20, 1, NOW + 1));
    assert_int_equal(tw_quota_held_s(&quota, NOW + 1), 0);
}

static void after_a_long_letter_there_is_a_pause_of_a_minute(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    tw_quota_count(&quota, 20, TW_QUOTA_LONG, NOW);
    assert_int_equal(tw_quota_held_s(&quota, NOW), 0);
    tw_quota_count(&quota, 20, TW_QUOTA_LONG + 1, NOW);
    assert_int_equal(tw_quota_held_s(&quota, NOW), TW_QUOTA_PAUSE_S);
    tw_quota_count(&quota, 20, 1, NOW + 1);
    assert_int_equal(tw_quota_held_s(&quota, NOW + 1), TW_QUOTA_PAUSE_S - 1);
    assert_int_equal(tw_quota_held_s(&quota, NOW + TW_QUOTA_PAUSE_S), 0);
    tw_quota_count(&quota, 20, SIZE_MAX, NOW + 100);
    assert_int_equal(tw_quota_held_s(&quota, NOW + 101), TW_QUOTA_PAUSE_S - 1);
}

static void the_longer_wait_of_both_counts(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    tw_quota_count(&quota, 1, 100, NOW);
    assert_int_equal(tw_quota_held_s(&quota, NOW), HOUR);
    assert_int_equal(tw_quota_held_s(&quota, NOW + HOUR - 10), 10);
    tw_quota_count(&quota, 1, 100, NOW + HOUR - 10);
    tw_quota_count(&quota, 9, 0, NOW + HOUR - 9);
    assert_int_equal(tw_quota_held_s(&quota, NOW + HOUR), TW_QUOTA_PAUSE_S - 10);
}

static void a_clock_set_back_ends_the_wait_and_forgets_the_future(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    write_letters(&quota, 5, 5, NOW);
    tw_quota_count(&quota, 5, 100, NOW);
    assert_int_equal(tw_quota_held_s(&quota, NOW - 10), 0);
    assert_int_equal(tw_quota_held_s(&quota, NOW - 10 * HOUR), 0);
    assert_int_equal(tw_quota_held_s(&quota, 0), 0);
    assert_false(tw_quota_is_last(&quota, 2, NOW - 10 * HOUR));
    assert_false(tw_quota_count(&quota, 5, 1, NOW - 10 * HOUR));
    assert_int_equal(quota.count, 1);
}

static void a_clock_set_forward_ends_the_wait(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    write_letters(&quota, 5, 5, NOW);
    assert_int_equal(tw_quota_held_s(&quota, NOW + 100 * HOUR), 0);
    assert_false(tw_quota_is_last(&quota, 2, NOW + 100 * HOUR));
    assert_int_equal(tw_quota_held_s(&quota, INT64_MAX), 0);
}

static void expect_text(const struct tw_quota *quota, const char *expected)
{
    struct tw_buf out = {0};
    tw_quota_write(quota, &out);
    assert_string_equal(tw_buf_text(&out), expected);
    tw_buf_free(&out);
}

static void the_times_are_read_back_as_they_were_written(void **state)
{
    (void)state;
    struct tw_quota quota = {0}, again = {.count = 7, .times_s = {1, 2, 3}};
    struct tw_buf out = {0};
    expect_text(&quota, "");
    tw_quota_read(&again, "");
    assert_int_equal(again.count, 0);
    write_letters(&quota, TW_QUOTA_TIMES_MAX, TW_QUOTA_TIMES_MAX + 1, NOW);
    tw_quota_write(&quota, &out);
    tw_quota_read(&again, tw_buf_text(&out));
    assert_int_equal(again.count, TW_QUOTA_TIMES_MAX);
    assert_memory_equal(again.times_s, quota.times_s, sizeof quota.times_s);
    assert_true(tw_quota_is_last(&again, TW_QUOTA_TIMES_MAX, NOW));
    tw_buf_free(&out);
}

static void more_times_than_are_remembered_are_no_harm(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    struct tw_buf text = {0};
    for (int i = 0; i < 100000; i++)
        tw_buf_printf(&text, "%d ", NOW);
    tw_quota_read(&quota, tw_buf_text(&text));
    assert_int_equal(quota.count, TW_QUOTA_TIMES_MAX);
    tw_buf_free(&text);
}

static void a_garbled_text_holds_nothing_back(void **state)
{
    (void)state;
    static const char *const garbled[] = {"x",
                                          "-",
                                          "0",
                                          "-1 -2 -9223372036854775808",
                                          "99999999999999999999999999 99999999999999999999999999",
                                          " \t\n",
                                          "\xff\xfe\x01",
                                          "0x10",
                                          "-99999999999999999999999999"};
    for (size_t i = 0; i < TW_COUNT(garbled); i++) {
        struct tw_quota quota = {0};
        tw_quota_read(&quota, garbled[i]);
        assert_int_equal(tw_quota_held_s(&quota, NOW), 0);
        assert_false(tw_quota_is_last(&quota, 2, NOW));
        assert_false(tw_quota_count(&quota, 2, 1, NOW));
    }
}

static void what_makes_no_sense_is_passed_over_and_the_rest_is_read(void **state)
{
    (void)state;
    struct tw_quota quota = {0};
    tw_quota_read(&quota, "-5 0 1795227000 -7 1795227001");
    expect_text(&quota, "1795227000 1795227001");
    tw_quota_read(&quota, "1795227000 x 1795227001");
    expect_text(&quota, "1795227000 1795227001");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_letter_need_not_wait),
        cmocka_unit_test(with_the_last_of_the_hour_letters_are_held_for_an_hour),
        cmocka_unit_test(one_letter_an_hour_is_the_least),
        cmocka_unit_test(what_was_written_an_hour_ago_counts_no_more),
        cmocka_unit_test(the_greatest_bound_is_kept_and_none_beyond_it_is_remembered),
        cmocka_unit_test(a_bound_that_was_raised_ends_with_the_next_letter_the_waiting),
        cmocka_unit_test(after_a_long_letter_there_is_a_pause_of_a_minute),
        cmocka_unit_test(the_longer_wait_of_both_counts),
        cmocka_unit_test(a_clock_set_back_ends_the_wait_and_forgets_the_future),
        cmocka_unit_test(a_clock_set_forward_ends_the_wait),
        cmocka_unit_test(the_times_are_read_back_as_they_were_written),
        cmocka_unit_test(more_times_than_are_remembered_are_no_harm),
        cmocka_unit_test(a_garbled_text_holds_nothing_back),
        cmocka_unit_test(what_makes_no_sense_is_passed_over_and_the_rest_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
