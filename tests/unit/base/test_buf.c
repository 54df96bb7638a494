/* The growing string. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void an_empty_buffer_is_an_empty_string(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    assert_string_equal(tw_buf_text(&buf), "");
    tw_buf_clear(&buf);
    tw_buf_consume(&buf, 5);
    tw_buf_printf(&buf, "%s", "");
    assert_string_equal(tw_buf_text(&buf), "");
    char *text = tw_buf_take(&buf);
    assert_string_equal(text, "");
    free(text);
    tw_buf_free(&buf);
}

static void bytes_stay_as_they_are_with_a_nul_behind(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    tw_buf_add(&buf, "a\0b", 3);
    tw_buf_add(&buf, NULL, 0);
    tw_buf_puts(&buf, "c");
    assert_int_equal(buf.len, 4);
    assert_memory_equal(buf.data, "a\0bc", 5);
    tw_buf_free(&buf);
}

static void it_grows_over_every_size(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    for (size_t i = 0; i < 100000; i++) {
        const char c = (char)('a' + i % 26);
        tw_buf_add(&buf, &c, 1);
        assert_int_equal(buf.data[buf.len], '\0');
    }
    assert_int_equal(buf.len, 100000);
    for (size_t i = 0; i < buf.len; i++)
        assert_int_equal(buf.data[i], 'a' + i % 26);
    tw_buf_free(&buf);
}

static void printf_appends_however_long(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    tw_buf_puts(&buf, "x=");
    tw_buf_printf(&buf, "%5000d", 7);
    assert_int_equal(buf.len, 5002);
    assert_int_equal(buf.data[5001], '7');
    tw_buf_printf(&buf, "%s", "!");
    assert_string_equal(buf.data + 5001, "7!");
    tw_buf_free(&buf);
}

static void consuming_drops_the_front_and_never_more(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    tw_buf_puts(&buf, "hello world");
    tw_buf_consume(&buf, 0);
    assert_string_equal(tw_buf_text(&buf), "hello world");
    tw_buf_consume(&buf, 6);
    assert_string_equal(tw_buf_text(&buf), "world");
    tw_buf_consume(&buf, SIZE_MAX);
    assert_int_equal(buf.len, 0);
    assert_string_equal(tw_buf_text(&buf), "");
    tw_buf_free(&buf);
}

static void clearing_keeps_the_memory(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    tw_buf_puts(&buf, "something");
    const size_t cap = buf.cap;
    tw_buf_clear(&buf);
    assert_int_equal(buf.len, 0);
    assert_int_equal(buf.cap, cap);
    tw_buf_puts(&buf, "new");
    assert_string_equal(tw_buf_text(&buf), "new");
    tw_buf_free(&buf);
    assert_null(buf.data);
}

static void taking_hands_the_string_over(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    tw_buf_puts(&buf, "mine");
    char *text = tw_buf_take(&buf);
    assert_null(buf.data);
    assert_int_equal(buf.len, 0);
    tw_buf_puts(&buf, "next");
    assert_string_equal(text, "mine");
    free(text);
    tw_buf_free(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_string),
        cmocka_unit_test(bytes_stay_as_they_are_with_a_nul_behind),
        cmocka_unit_test(it_grows_over_every_size),
        cmocka_unit_test(printf_appends_however_long),
        cmocka_unit_test(consuming_drops_the_front_and_never_more),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(taking_hands_the_string_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
