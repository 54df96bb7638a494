/* Durations, sizes and modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"

typedef int parser(const char *text, int64_t *value, struct tw_error *e);

static void expect(parser *parse, const char *text, int64_t value)
{
    struct tw_error e = {""};
    int64_t got = 12345;
    assert_int_equal(parse(text, &got, &e), 0);
    assert_true(got == value);
}

static void refuse(parser *parse, const char *text, const char *part)
{
    struct tw_error e = {""};
    int64_t got;
    assert_int_equal(parse(text, &got, &e), -1);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" says: %s", text, e.text);
}

static void durations_have_five_units_and_never(void **state)
{
    (void)state;
    expect(tw_duration_parse, "30s", 30);
    expect(tw_duration_parse, "5m", 300);
    expect(tw_duration_parse, "4h", 14400);
    expect(tw_duration_parse, "14d", 14 * 86400);
    expect(tw_duration_parse, "2w", 14 * 86400);
    expect(tw_duration_parse, "0s", 0);
    expect(tw_duration_parse, "007m", 420);
    expect(tw_duration_parse, "never", TW_NEVER);
    expect(tw_duration_parse, "36525d", 36525LL * 86400);
}

static void a_duration_without_unit_says_what_to_write(void **state)
{
    (void)state;
    refuse(tw_duration_parse, "14", "\"14\" has no unit: write \"14d\", \"14h\", ");
    refuse(tw_duration_parse, "0", "write \"0d\", \"0h\", ");
}

static void what_is_no_duration_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",   " ",   "d",     "-1d",   "+1d",  "1.5h",   " 1d", "1d ",    "1 d",  "1D",
        "1y", "1dd", "1h30m", "Never", "0x1d", "never ", "1\n", "1\xffs", "1s\n", "nevernever"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        refuse(tw_duration_parse, bad[i], "is not a duration: write ");
}

static void a_duration_over_a_century_is_refused(void **state)
{
    (void)state;
    refuse(tw_duration_parse, "36526d", "at most 100 years");
    refuse(tw_duration_parse, "9223372036854775807s", "at most 100 years");
    refuse(tw_duration_parse, "9223372036854775807w", "write ");
    refuse(tw_duration_parse, "99999999999999999999999999999999d", "write ");
    refuse(tw_duration_parse, "9223372036854775808s", "write ");
}

static void a_huge_text_is_refused_and_quoted_in_part(void **state)
{
    (void)state;
    char *huge = malloc(1000001);
    assert_non_null(huge);
    memset(huge, '9', 1000000);
    huge[1000000] = '\0';
    refuse(tw_duration_parse, huge, "\"9999999999999999999999999999999999999999\" is not");
    refuse(tw_size_parse, huge, "is not a size: write ");
    refuse(tw_mode_parse, huge, "is not a file mode: write ");
    free(huge);
}

static void sizes_are_powers_of_1024(void **state)
{
    (void)state;
    expect(tw_size_parse, "0", 0);
    expect(tw_size_parse, "100", 100);
    expect(tw_size_parse, "100K", 102400);
    expect(tw_size_parse, "1M", 1048576);
    expect(tw_size_parse, "2G", 2147483648);
    expect(tw_size_parse, "1T", 1LL << 40);
    expect(tw_size_parse, "9223372036854775807", INT64_MAX);
    expect(tw_size_parse, "never", TW_NEVER);
}

static void what_is_no_size_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "K",
                                      "-1",
                                      "1k",
                                      "1m",
                                      "1KB",
                                      "1 K",
                                      "1.5M",
                                      "10%",
                                      "1P",
                                      "1\x80",
                                      "0x10",
                                      "9223372036854775808",
                                      "8388608T"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        refuse(tw_size_parse, bad[i], "is not a size: write ");
}

static void modes_are_octal(void **state)
{
    (void)state;
    expect(tw_mode_parse, "0644", 0644);
    expect(tw_mode_parse, "644", 0644);
    expect(tw_mode_parse, "0", 0);
    expect(tw_mode_parse, "07777", 07777);
    expect(tw_mode_parse, "never", TW_NEVER);
    static const char *const bad[] = {"",
                                      "8",
                                      "0o644",
                                      "-644",
                                      "10000",
                                      "u+r",
                                      " 644",
                                      "644 ",
                                      "rw-r--r--",
                                      "0x1",
                                      "77777777777777777777"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        refuse(tw_mode_parse, bad[i], "is not a file mode: write ");
}

static void shares_are_percentages_or_amounts(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t of_1000, of_max;
    } good[] = {
        {"10%", 100, INT64_MAX / 10},  {"0%", 0, 0}, {"100%", 1000, INT64_MAX},
        {"5M", 5 << 20, 5 << 20},      {"0", 0, 0},  {"1", 1, 1},
        {"never", TW_NEVER, TW_NEVER},
    };
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        struct tw_error e;
        int64_t share;
        struct tw_buf out = {0};
        assert_int_equal(tw_share_parse(good[i].text, &share, &e), 0);
        assert_int_equal(tw_share_of(share, 1000), good[i].of_1000);
        assert_int_equal(tw_share_of(share, INT64_MAX), good[i].of_max);
        tw_share_write(&out, share);
        assert_string_equal(tw_buf_text(&out), good[i].text);
        tw_buf_free(&out);
    }
    static const char *const bad[] = {"", "%", "ten", "10 %", "10%%", "-5%", "0.5%", " 10%", "10P"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        refuse(tw_share_parse, bad[i], "is not a share: write ");
    refuse(tw_share_parse, "101%", "is more than all: write ");
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    static const int64_t values[] = {TW_NEVER, 0,    1,     59,    60,      90,        1023,
                                     1024,     3600, 86400, 86401, 1048576, 604800000, 3155760000};
    for (size_t i = 0; i < TW_COUNT(values); i++) {
        struct tw_buf out = {0};
        tw_duration_write(&out, values[i]);
        expect(tw_duration_parse, tw_buf_text(&out), values[i]);
        tw_buf_clear(&out);
        tw_size_write(&out, values[i]);
        expect(tw_size_parse, tw_buf_text(&out), values[i]);
        tw_buf_free(&out);
    }
}

static void writing_takes_the_largest_unit_that_is_exact(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    tw_duration_write(&out, 90);
    tw_buf_puts(&out, " ");
    tw_duration_write(&out, 3600);
    tw_buf_puts(&out, " ");
    tw_duration_write(&out, 0);
    tw_buf_puts(&out, " ");
    tw_size_write(&out, 1536);
    tw_buf_puts(&out, " ");
    tw_size_write(&out, 3 << 20);
    assert_string_equal(tw_buf_text(&out), "90s 1h 0s 1536 3M");
    tw_buf_free(&out);
}

static void a_person_reads_two_units_at_most(void **state)
{
    (void)state;
    assert_string_equal(tw_duration_show(0).text, "0s");
    assert_string_equal(tw_duration_show(12).text, "12s");
    assert_string_equal(tw_duration_show(60).text, "1m");
    assert_string_equal(tw_duration_show(185).text, "3m 5s");
    assert_string_equal(tw_duration_show(3601).text, "1h");
    assert_string_equal(tw_duration_show(2 * 86400 + 4 * 3600 + 61).text, "2d 4h");
    assert_string_equal(tw_duration_show(30LL * 86400).text, "30d");
    assert_string_equal(tw_duration_show(INT64_MAX).text, "106751991167300d 15h");
    assert_string_equal(tw_duration_show(TW_NEVER).text, "never");
    assert_string_equal(tw_duration_show(INT64_MIN).text, "never");
}

static void a_person_reads_sizes_with_one_decimal(void **state)
{
    (void)state;
    assert_string_equal(tw_size_show(0).text, "0 bytes");
    assert_string_equal(tw_size_show(1023).text, "1023 bytes");
    assert_string_equal(tw_size_show(1).text, "1 byte");
    assert_string_equal(tw_size_show(1024).text, "1K");
    assert_string_equal(tw_size_show(18979226).text, "18.1M");
    assert_string_equal(tw_size_show(1048575).text, "1023.9K");
    assert_string_equal(tw_size_show(1048577).text, "1.0M");
    assert_string_equal(tw_size_show(INT64_MAX).text, "8388607.9T");
    assert_string_equal(tw_size_show(TW_NEVER).text, "never");
}

static void decimals_have_two_digits_at_most(void **state)
{
    (void)state;
    static const struct {
        const char *text, *written;
        int64_t hundredths;
    } good[] = {{"2", "2.0", 200},
                {"2.0", "2.0", 200},
                {"0.25", "0.25", 25},
                {"0.05", "0.05", 5},
                {"0", "0.0", 0},
                {"1000000.5", "1000000.5", 100000050},
                {"never", "never", TW_NEVER},
                {"12.30", "12.3", 1230}};
    static const char *const bad[] = {"",     ".5", "2.",    "2.125",
                                      "-1",   "+1", "2,5",   "1e3",
                                      "2.5x", " 2", "Never", "99999999999999999999"};
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        struct tw_buf out = {0};
        struct tw_error e;
        int64_t value;
        assert_int_equal(tw_decimal_parse(good[i].text, &value, &e), 0);
        assert_int_equal(value, good[i].hundredths);
        tw_decimal_write(&out, value);
        assert_string_equal(tw_buf_text(&out), good[i].written);
        tw_buf_free(&out);
    }
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        refuse(tw_decimal_parse, bad[i], "is not a number: write one ");
}

static void a_time_is_shown_as_it_is_here(void **state)
{
    (void)state;
    setenv("TZ", "CET-1", 1);
    tzset();
    assert_string_equal(tw_time_show(0).text, "1970-01-01 01:00:00");
    assert_string_equal(tw_time_show(1795230765).text, "2026-11-21 04:12:45");
    assert_string_equal(tw_time_show(INT64_MAX).text, "?");
    unsetenv("TZ");
    tzset();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(durations_have_five_units_and_never),
        cmocka_unit_test(a_duration_without_unit_says_what_to_write),
        cmocka_unit_test(what_is_no_duration_is_refused),
        cmocka_unit_test(a_duration_over_a_century_is_refused),
        cmocka_unit_test(a_huge_text_is_refused_and_quoted_in_part),
        cmocka_unit_test(sizes_are_powers_of_1024),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(modes_are_octal),
        cmocka_unit_test(shares_are_percentages_or_amounts),
        cmocka_unit_test(decimals_have_two_digits_at_most),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(writing_takes_the_largest_unit_that_is_exact),
        cmocka_unit_test(a_person_reads_two_units_at_most),
        cmocka_unit_test(a_person_reads_sizes_with_one_decimal),
        cmocka_unit_test(a_time_is_shown_as_it_is_here),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
