/* Errors as sentences. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/error.h"

static void it_says_what_and_why_and_keeps_errno(void **state)
{
    (void)state;
    struct tw_error e;
    errno = EACCES;
    assert_int_equal(tw_fail_errno(&e, "cannot read %s", "/x"), -1);
    assert_string_equal(e.text, "cannot read /x: Permission denied");
    assert_int_equal(errno, EACCES);
}

static void nobody_need_listen(void **state)
{
    (void)state;
    assert_int_equal(tw_fail(NULL, "%d", 1), -1);
    assert_int_equal(tw_fail_errno(NULL, "%d", 1), -1);
}

static void an_error_may_be_wrapped_in_place(void **state)
{
    (void)state;
    struct tw_error e;
    tw_fail(&e, "inner");
    tw_fail(&e, "outer: %s", e.text);
    assert_string_equal(e.text, "outer: inner");
    errno = ENOENT;
    tw_fail_errno(&e, "more %s", e.text);
    assert_string_equal(e.text, "more outer: inner: No such file or directory");
}

static void a_long_sentence_is_cut(void **state)
{
    (void)state;
    struct tw_error e;
    errno = ENOENT;
    tw_fail_errno(&e, "%01000d", 0);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void a_number_that_is_no_error_is_said_to_be_unknown(void **state)
{
    (void)state;
    struct tw_error e;
    errno = 99999;
    tw_fail_errno(&e, "x");
    assert_string_equal(e.text, "x: unknown error");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_says_what_and_why_and_keeps_errno),
        cmocka_unit_test(nobody_need_listen),
        cmocka_unit_test(an_error_may_be_wrapped_in_place),
        cmocka_unit_test(a_long_sentence_is_cut),
        cmocka_unit_test(a_number_that_is_no_error_is_said_to_be_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
