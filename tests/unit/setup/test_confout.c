/* Comments of a new configuration. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "setup/confout.h"

static const char word[] = "0123456789012345678901234567890123456789"; /* 40 columns */

static void check(struct tw_buf *out, const char *expected)
{
    assert_string_equal(tw_buf_text(out), expected);
    tw_buf_free(out);
}

static void a_comment_is_broken_at_blanks_and_only_where_it_must_be(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    tw_confout_comment(&out, "  a   b");
    check(&out, "#   a   b\n");
    tw_confout_indented(&out, "    ", "%s %s 234567890123", word, word); /* 6 + 40 + 1 + 40 + 13 */
    check(&out, "    # 0123456789012345678901234567890123456789 "
                "0123456789012345678901234567890123456789 234567890123\n");
    tw_confout_indented(&out, "    ", "%s %s  2345678901234", word, word);
    check(&out, "    # 0123456789012345678901234567890123456789 "
                "0123456789012345678901234567890123456789\n    # 2345678901234\n");
    tw_confout_comment(&out, "%s%s%s x", word, word, word); /* what has no blanks stays whole */
    check(&out, "# 012345678901234567890123456789012345678901234567890123456789"
                "012345678901234567890123456789012345678901234567890123456789\n# x\n");
}

static void nothing_ends_a_comment(void **state)
{
    (void)state;
    struct tw_buf out = {0}, notes = {0};
    tw_confout_note(&notes, &out, "a\nb \x1b[m");
    assert_null(strchr(tw_buf_text(&out), '\x1b'));
    assert_ptr_equal(strchr(tw_buf_text(&out), '\n'), tw_buf_text(&out) + out.len - 1);
    check(&notes, tw_buf_text(&out) + strlen("# "));
    tw_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_comment_is_broken_at_blanks_and_only_where_it_must_be),
        cmocka_unit_test(nothing_ends_a_comment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
