/* Header lines that name incidents, garbled: what makes no sense is passed over. */
#include "alert/told_kit.h"

static struct tw_buf message_with(const char *name, const char *value)
{
    struct tw_buf out = {0};
    tw_buf_printf(&out, "Subject: x\n%s:%s\nX-Y: z\n\nbody\n", name, value);
    return out;
}

static void garbled_details_are_passed_over(void **state)
{
    (void)state;
    static const char *const garbled[] = {
        "",
        " ",
        " x",
        " 1",
        " 1 failed",
        " 1 failed fail",
        " 1 failed fail 2",
        " 1 failed fail 2 3",
        " 1 failed fail 2 3 ",
        " 0 failed fail 2 3 aspect text",
        " -1 failed fail 2 3 aspect text",
        " 1 fail fail 2 3 aspect text",
        " 1 FAILED fail 2 3 aspect text",
        " 1 failedx fail 2 3 aspect text",
        " 1 failed fail -2 3 aspect text",
        " 1 failed fail 2 -3 aspect text",
        " failed fail 1 2 3 aspect text",
        " \xff\xfe\x01",
    };
    for (size_t i = 0; i < TW_COUNT(garbled); i++) {
        struct tw_buf message = message_with("X-Toaster-Watcher-Incident", garbled[i]);
        expect_told(&message, 0, "");
        tw_buf_free(&message);
    }
}

static void details_with_garbled_fields_are_passed_over(void **state)
{
    (void)state;
    static const char *const garbled[] = {
        " 1x failed fail 2 3 aspect text",
        " 1 failed perhaps 2 3 aspect text",
        " 1 failed ok 2 3 aspect text",
        " 1 failed fail x 3 aspect text",
        " 1 failed fail 2 3x aspect text",
        " 99999999999999999999 failed fail 2 3 aspect text",
        " 1 failed fail 99999999999999999999 3 aspect text",
    };
    size_t taken = 0;
    for (size_t i = 0; i < TW_COUNT(garbled); i++) {
        struct tw_buf message = message_with("X-Toaster-Watcher-Incident", garbled[i]), seen = {0};
        if (tw_told_each(tw_buf_text(&message), message.len, put_told, &seen) > 0) {
            print_error("taken:%s\n", garbled[i]);
            taken++;
        }
        tw_buf_free(&seen);
        tw_buf_free(&message);
    }
    assert_int_equal(taken, 0);
}

static void of_a_garbled_set_the_sound_begin_is_read(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        size_t count;
        const char *spans;
    } cases[] = {
        {"", 0, ""},
        {" ", 0, ""},
        {" failed", 0, ""},
        {" failed ", 0, ""},
        {" failed x", 0, ""},
        {" fail 1", 0, ""},
        {" 1-2", 0, ""},
        {" failed 0", 0, ""},
        {" failed -1", 0, ""},
        {" failed 1-", 0, ""},
        {" failed 5-4", 0, ""},
        {" failed 1-9223372036854775807", 0, ""},
        {" failed 99999999999999999999999-99999999999999999999999999", 1,
         "failed 9223372036854775807-9223372036854775807\n"},
        {" failed 1-2-3", 2, "failed 1-2\n"},
        {" failed 1,2,x,3", 2, "failed 1-1\nfailed 2-2\n"},
        {" recovered 1 2", 2, "recovered 1-1\nrecovered 2-2\n"},
        {" failed 1,", 1, "failed 1-1\n"},
        {" failed 3,\n 4-5,\n\t6", 4, "failed 3-3\nfailed 4-5\nfailed 6-6\n"},
        {" failed 1,\xff", 1, "failed 1-1\n"},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_buf message = message_with("X-Toaster-Watcher-Told", cases[i].value);
        expect_spans(&message, cases[i].count, cases[i].spans);
        tw_buf_free(&message);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(garbled_details_are_passed_over),
        cmocka_unit_test(details_with_garbled_fields_are_passed_over),
        cmocka_unit_test(of_a_garbled_set_the_sound_begin_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
