/* TAI64N labels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/tai64n.h"

/* 1 January 1970, 00:00:00 UTC, and half a second (500000000 is hex 1dcd6500). */
#define EPOCH "@400000000000000a1dcd6500"

static int utc(void **state)
{
    (void)state;
    setenv("TZ", "UTC", 1);
    tzset();
    return 0;
}

static void expect_line(const char *line, const char *decoded)
{
    struct tw_buf out = {0};
    tw_tai64n_decode_line(&out, line, strlen(line));
    assert_string_equal(tw_buf_text(&out), decoded);
    tw_buf_free(&out);
}

static void a_label_gives_unix_time(void **state)
{
    (void)state;
    int64_t seconds = -1;
    uint32_t nanoseconds = 0;
    assert_int_equal(tw_tai64n_parse(EPOCH, 25, &seconds, &nanoseconds), 0);
    assert_true(seconds == 0);
    assert_int_equal(nanoseconds, 500000000);
    /* The example of libtai's tai64.html. */
    assert_int_equal(tw_tai64n_parse("@400000002a2b2c2d00000000 x", 27, &seconds, &nanoseconds), 0);
    assert_true(seconds == 0x2a2b2c2d - 10);
    assert_int_equal(nanoseconds, 0);
}

static void times_before_1970_are_negative(void **state)
{
    (void)state;
    int64_t seconds = 0;
    uint32_t nanoseconds;
    assert_int_equal(tw_tai64n_parse("@400000000000000900000000", 25, &seconds, &nanoseconds), 0);
    assert_true(seconds == -1);
}

static void what_is_no_label_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "@",
        "400000000000000a1dcd6500x",
        "@400000000000000a1dcd650",
        "@400000000000000A1DCD6500",
        "@400000000000000g1dcd6500",
        "@400000000000000a3b9aca00", /* 10^9 nanoseconds */
        "@400000000000000affffffff",
        "@800000000000000a00000000", /* reserved */
        "@ffffffffffffffff00000000",
        "@ 00000000000000a00000000",
        " @400000000000000a1dcd6500",
    };
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        int64_t seconds;
        uint32_t nanoseconds;
        assert_int_equal(tw_tai64n_parse(bad[i], strlen(bad[i]), &seconds, &nanoseconds), -1);
        expect_line(bad[i], bad[i]);
    }
}

static void a_label_is_never_read_beyond_the_length(void **state)
{
    (void)state;
    int64_t seconds;
    uint32_t nanoseconds;
    for (size_t length = 0; length < 25; length++) {
        char *exact = malloc(length + 1); /* so that a sanitizer sees one byte too far */
        assert_non_null(exact);
        memcpy(exact, EPOCH, length);
        assert_int_equal(tw_tai64n_parse(exact, length, &seconds, &nanoseconds), -1);
        free(exact);
    }
}

static void a_line_is_shown_with_its_local_time(void **state)
{
    (void)state;
    expect_line(EPOCH " starting", "1970-01-01 00:00:00.500 starting");
    expect_line(EPOCH, "1970-01-01 00:00:00.500");
    expect_line("no label", "no label");
    setenv("TZ", "XYZ-5:30", 1);
    tzset();
    expect_line(EPOCH " x", "1970-01-01 05:30:00.500 x");
    utc(NULL);
}

static void the_rest_of_a_line_is_left_alone(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    static const char line[] = EPOCH "\x1b[2J\0z";
    tw_tai64n_decode_line(&out, line, sizeof line - 1);
    assert_int_equal(out.len, 23 + 6);
    assert_memory_equal(out.data + 23, "\x1b[2J\0z", 6);
    tw_buf_free(&out);
}

static void a_time_no_calendar_holds_stays_a_label(void **state)
{
    (void)state;
    expect_line("@7fffffffffffffff00000000 x", "@7fffffffffffffff00000000 x");
    expect_line("@000000000000000000000000 x", "@000000000000000000000000 x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_label_gives_unix_time),
        cmocka_unit_test(times_before_1970_are_negative),
        cmocka_unit_test(what_is_no_label_is_refused),
        cmocka_unit_test(a_label_is_never_read_beyond_the_length),
        cmocka_unit_test(a_line_is_shown_with_its_local_time),
        cmocka_unit_test(the_rest_of_a_line_is_left_alone),
        cmocka_unit_test(a_time_no_calendar_holds_stays_a_label),
    };
    return cmocka_run_group_tests(tests, utc, NULL);
}
