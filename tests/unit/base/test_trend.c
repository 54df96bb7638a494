/* Slopes of what is left on a disk: what goes on is seen, what comes and goes is not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/trend.h"

enum { NOW_S = 1800000000, QUARTER_S = 900, HOUR_S = 3600 };
static const int64_t gig = 1LL << 30;
static const int64_t recent_s = 3L * HOUR_S;

/* What was left at a time, in hours before now (0), as a test describes it, in G. */
typedef double shape(double hour);

/* The last `hours`, a sample each quarter of an hour; a pace in G an hour. */
static double pace_of(shape *left, double hours, struct tw_trend *trend)
{
    struct tw_trend own;
    trend = trend ? trend : &own;
    trend->count = 0;
    for (int64_t ago_s = (int64_t)(hours * HOUR_S); ago_s > 0; ago_s -= QUARTER_S) {
        const double hour = -(double)ago_s / HOUR_S;
        tw_trend_add(trend,
                     &(struct tw_sample){NOW_S - ago_s, {(int64_t)(left(hour) * (double)gig), 0}});
    }
    tw_trend_forget(trend, NOW_S);
    const struct tw_sample now = {NOW_S, {(int64_t)(left(0) * (double)gig), 0}};
    return tw_trend_pace(trend, &now, 0, recent_s) * HOUR_S / (double)gig;
}

static void expect_pace(shape *left, double hours, double low, double high)
{
    const double pace = pace_of(left, hours, NULL);
    if (!(pace >= low && pace <= high))
        fail_msg("the pace is %f, not from %f to %f", pace, low, high);
}

static double flat(double hour)
{
    (void)hour;
    return 50;
}

static double steady(double hour)
{
    return 20 - 2 * hour;
}

static double growing_back(double hour)
{
    return 20 + hour;
}

static void what_stays_has_no_pace_and_what_goes_steadily_has_its_own(void **state)
{
    (void)state;
    expect_pace(flat, 24, 0, 0);
    expect_pace(steady, 24.3, 1.999, 2.001);
    expect_pace(steady, 2, 1.999, 2.001);
    expect_pace(growing_back, 24, -1.001, -0.999);
}

/* Half a percent up and down, by a generator that is the same each time. */
static double noisy(double hour)
{
    const uint32_t mixed = (uint32_t)(int)(hour * 4) * 2654435761U;
    return 50 + (double)(mixed >> 16) / 65536.0 * 0.5;
}

static double noisy_and_steady(double hour)
{
    return noisy(hour) - 2 * hour;
}

static void noise_has_none(void **state)
{
    (void)state;
    expect_pace(noisy, 24, -0.1, 0.02);
    expect_pace(noisy, 3, -0.2, 0.15);
    expect_pace(noisy_and_steady, 24, 1.8, 2.05);
}

/* A backup of 30 G, two hours long, written and removed each day, now at each hour of its day. */
static double backup_at;
static double hour_of_day(double hour)
{
    hour -= backup_at;
    while (hour < 0)
        hour += 24;
    return hour;
}

static double backup(double hour)
{
    const double of_day = hour_of_day(hour);
    return 40 - (of_day < 1 ? 30 * of_day : of_day < 2 ? 30 : 0);
}

static void a_nightly_backup_has_none_at_any_hour(void **state)
{
    (void)state;
    for (backup_at = 0; backup_at < 24; backup_at += 0.25) {
        expect_pace(backup, 24.3, -1000, 0.001);
        expect_pace(backup, 12, -1000, 0.001); /* not seen yesterday: most of the time counts */
    }
}

/* Logs of 1 G an hour that are rotated away at once each day: seen yesterday, nothing goes. */
static double logs(double hour)
{
    return 30 - hour_of_day(hour);
}

static void a_daily_rotation_has_none_at_any_hour(void **state)
{
    (void)state;
    for (backup_at = 0; backup_at < 24; backup_at += 0.25)
        expect_pace(logs, 24.3, -1000, 0.06);
}

static void a_rotation_a_while_ago_counts_before_yesterday_is_known(void **state)
{
    (void)state;
    backup_at = 8; /* at -16 h */
    expect_pace(logs, 22, -1000, 0);
}

static double big_file(double hour)
{
    return hour < -14 ? 50 : 10;
}

static void one_large_file_is_no_pace(void **state)
{
    (void)state;
    expect_pace(big_file, 24, -1000, 0.001);
}

static double ended(double hour)
{
    return hour < -3 ? 20 - 4 * (hour + 3) : 20;
}

static double deleted(double hour)
{
    return hour < -0.5 ? 20 - 4 * hour : 90;
}

static void what_has_ended_has_none(void **state)
{
    (void)state;
    expect_pace(ended, 24, 0, 0.001);
    expect_pace(deleted, 24, -1000, 0);
}

static double began(double hour)
{
    return hour < -12 ? 44 : 20 - 2 * hour;
}

static void what_has_gone_for_half_a_day_is_seen(void **state)
{
    (void)state;
    expect_pace(began, 24, 0.5, 2);
}

static void expect_near(double value, double expected)
{
    assert_true(value > expected - 1e-6 && value < expected + 1e-6);
}

static void few_samples_will_do(void **state)
{
    (void)state;
    struct tw_trend trend = {.count = 0};
    const struct tw_sample now = {NOW_S, {1000, 0}};
    assert_true(tw_trend_pace(&trend, &now, 0, recent_s) == 0);
    assert_true(tw_trend_add(&trend, &(struct tw_sample){NOW_S - 1000, {2000, 0}}));
    expect_near(tw_trend_pace(&trend, &now, 0, recent_s), 1);
}

static void petabytes_and_the_largest_numbers_do_not_overflow(void **state)
{
    (void)state;
    struct tw_trend trend = {.count = 0};
    const struct tw_sample now = {NOW_S, {0, INT64_MAX}};
    for (int64_t i = 90; i > 0; i--)
        tw_trend_add(&trend, &(struct tw_sample){NOW_S - i * QUARTER_S, {INT64_MAX, 0}});
    assert_true(tw_trend_pace(&trend, &now, 0, recent_s) >= 0);
    assert_true(tw_trend_pace(&trend, &now, 1, recent_s) <= 0);

    const int64_t peta = 1LL << 50; /* 1 K a second of 100 P */
    trend.count = 0;
    for (int64_t i = 90; i > 0; i--)
        tw_trend_add(&trend, &(struct tw_sample){NOW_S - i * QUARTER_S,
                                                 {100 * peta + i * QUARTER_S * 1024, 0}});
    const double pace =
        tw_trend_pace(&trend, &(struct tw_sample){NOW_S, {100 * peta, 0}}, 0, recent_s);
    expect_near(pace, 1024);
    assert_true(tw_trend_gone_in(100 * peta, pace) == 100 * peta / 1024);
}

static void what_does_not_go_is_never_gone(void **state)
{
    (void)state;
    assert_true(tw_trend_gone_in(100, 0) == INT64_MAX);
    assert_true(tw_trend_gone_in(100, -1) == INT64_MAX);
    assert_true(tw_trend_gone_in(INT64_MAX, 1e-9) == INT64_MAX);
    assert_true(tw_trend_gone_in(100, 10) == 10);
    assert_true(tw_trend_gone_in(0, 10) == 0);
}

static void a_sample_each_quarter_of_an_hour_and_no_more_than_fit(void **state)
{
    (void)state;
    struct tw_trend trend = {.count = 0};
    for (int64_t at_s = NOW_S - 3L * 86400; at_s < NOW_S; at_s += 60) {
        tw_trend_add(&trend, &(struct tw_sample){at_s, {at_s, 1}});
        assert_true(trend.count <= TW_TREND_MAX);
    }
    assert_int_equal(trend.count, TW_TREND_MAX);
    for (size_t i = 1; i < trend.count; i++)
        assert_int_equal(trend.samples[i].at_s - trend.samples[i - 1].at_s, QUARTER_S);
    tw_trend_forget(&trend, NOW_S);
    assert_in_range(tw_trend_span(&trend, NOW_S), 86400, 86400 + 1200);
}

static void samples_of_another_time_are_dropped(void **state)
{
    (void)state;
    struct tw_trend trend = {.count = 5,
                             .samples = {{NOW_S - 90000, {1, 1}},
                                         {NOW_S - 5000, {2, 2}},
                                         {NOW_S - 6000, {3, 3}}, /* out of order */
                                         {NOW_S - 4000, {4, 4}},
                                         {NOW_S + 10, {5, 5}}}};
    tw_trend_forget(&trend, NOW_S);
    assert_int_equal(trend.count, 2);
    assert_int_equal(trend.samples[0].left[0], 2);
    assert_int_equal(trend.samples[1].left[0], 4);
    assert_int_equal(tw_trend_span(&trend, NOW_S), 5000);
    tw_trend_forget(&trend, 5); /* the clock has lost its battery */
    assert_int_equal(trend.count, 0);
    assert_int_equal(tw_trend_span(&trend, NOW_S), 0);
}

static void the_text_is_read_back(void **state)
{
    (void)state;
    struct tw_trend trend, copy;
    struct tw_buf text = {0};
    pace_of(steady, 24.3, &trend);
    trend.samples[3].left[1] = INT64_MAX;
    tw_trend_write(&trend, &text);
    assert_int_equal(tw_trend_parse(tw_buf_text(&text), &copy), 0);
    assert_int_equal(copy.count, trend.count);
    assert_memory_equal(copy.samples, trend.samples, trend.count * sizeof trend.samples[0]);
    tw_buf_puts(&text, "\nanother line");
    assert_int_equal(tw_trend_parse(tw_buf_text(&text), &copy), 0);
    assert_int_equal(copy.count, trend.count);
    assert_int_equal(tw_trend_parse("", &copy), 0);
    assert_int_equal(copy.count, 0);
    tw_buf_free(&text);
}

static void a_damaged_text_is_no_trend(void **state)
{
    (void)state;
    static const char *const bad[] = {"x",
                                      "1",
                                      "1,2",
                                      "1,2,",
                                      "1,2,3 ",
                                      "1,2,3,4",
                                      "-1,2,3",
                                      "1,-2,3",
                                      "1, 2,3",
                                      "1,2,3  4,5,6",
                                      "1,2,3 4",
                                      "1,2,3 4,5,6x",
                                      "1,2,3;4,5,6",
                                      " 1,2,3",
                                      "1,2,9223372036854775808",
                                      "99999999999999999999,1,1",
                                      "+1,2,3",
                                      "0x1,2,3"};
    struct tw_trend trend;
    struct tw_buf text = {0};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        trend.count = 7;
        if (tw_trend_parse(bad[i], &trend) != -1 || trend.count != 0)
            fail_msg("\"%s\" was taken", bad[i]);
    }
    for (int i = 0; i < TW_TREND_MAX + 1; i++)
        tw_buf_printf(&text, "%s%d,1,1", i ? " " : "", i);
    assert_int_equal(tw_trend_parse(tw_buf_text(&text), &trend), -1);
    assert_int_equal(trend.count, 0);
    tw_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stays_has_no_pace_and_what_goes_steadily_has_its_own),
        cmocka_unit_test(noise_has_none),
        cmocka_unit_test(a_nightly_backup_has_none_at_any_hour),
        cmocka_unit_test(a_daily_rotation_has_none_at_any_hour),
        cmocka_unit_test(a_rotation_a_while_ago_counts_before_yesterday_is_known),
        cmocka_unit_test(one_large_file_is_no_pace),
        cmocka_unit_test(what_has_ended_has_none),
        cmocka_unit_test(what_has_gone_for_half_a_day_is_seen),
        cmocka_unit_test(few_samples_will_do),
        cmocka_unit_test(petabytes_and_the_largest_numbers_do_not_overflow),
        cmocka_unit_test(what_does_not_go_is_never_gone),
        cmocka_unit_test(a_sample_each_quarter_of_an_hour_and_no_more_than_fit),
        cmocka_unit_test(samples_of_another_time_are_dropped),
        cmocka_unit_test(the_text_is_read_back),
        cmocka_unit_test(a_damaged_text_is_no_trend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
