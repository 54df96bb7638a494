/* Text from outside made harmless: terminal escapes, header injection, broken UTF-8. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/escape.h"
#include "base/mem.h"

static void expect(const char *in, enum tw_escape mode, const char *out)
{
    char *got = tw_escape_new(in, mode, 0);
    assert_string_equal(got, out);
    free(got);
}

static void harmless_text_stays(void **state)
{
    (void)state;
    expect("", TW_ESCAPE_LINE, "");
    expect("delivery 5: success\\ ~", TW_ESCAPE_LINE, "delivery 5: success\\ ~");
    expect("Entwürfe/日本語/\U0001F600", TW_ESCAPE_LINE, "Entwürfe/日本語/\U0001F600");
}

static void a_terminal_gets_nothing_to_obey(void **state)
{
    (void)state;
    expect("\x1b[2J\x1b]0;owned\a", TW_ESCAPE_LINE, "\\x1b[2J\\x1b]0;owned\\x07");
    expect("\x1b[2J", TW_ESCAPE_TEXT, "\\x1b[2J");
    expect("\b\x7f\r", TW_ESCAPE_TEXT, "\\x08\\x7f\\x0d");
    /* U+009B is the one-character form of ESC [. */
    expect("\xc2\x9b"
           "2J\xc2\x80\xc2\xa0",
           TW_ESCAPE_LINE, "\\xc2\\x9b2J\\xc2\\x80\xc2\xa0");
}

static void marks_that_reorder_or_break_lines_show(void **state)
{
    (void)state;
    static const char *const marks[] = {"\u200e", "\u200f", "\u2028", "\u2029",
                                        "\u202a", "\u202e", "\u2066", "\u2069"};
    for (size_t i = 0; i < TW_COUNT(marks); i++) {
        char *got = tw_escape_new(marks[i], TW_ESCAPE_TEXT, 0);
        assert_int_equal(strlen(got), 12);
        assert_memory_equal(got, "\\xe2\\x8", 7);
        free(got);
    }
    expect("\u200d\u2027\u202f\u2065\u206a", TW_ESCAPE_LINE, "\u200d\u2027\u202f\u2065\u206a");
}

static void a_header_cannot_be_added(void **state)
{
    (void)state;
    expect("x\r\nBcc: all@example.com", TW_ESCAPE_LINE, "x\\x0d\\nBcc: all@example.com");
    expect("x\nBcc: y\tz", TW_ESCAPE_ASCII, "x\\nBcc: y z");
    expect("é~\x7f\u2028", TW_ESCAPE_ASCII, "\\xc3\\xa9~\\x7f\\xe2\\x80\\xa8");
}

static void several_lines_keep_newline_and_tab(void **state)
{
    (void)state;
    expect("a\tb\nc\r\n", TW_ESCAPE_TEXT, "a\tb\nc\\x0d\n");
    expect("a\tb\nc", TW_ESCAPE_LINE, "a b\\nc");
}

static void broken_utf8_becomes_bytes(void **state)
{
    (void)state;
    expect("\xff\xfe", TW_ESCAPE_LINE, "\\xff\\xfe");
    expect("\x80z", TW_ESCAPE_LINE, "\\x80z");
    expect("a\xc3", TW_ESCAPE_LINE, "a\\xc3");                 /* cut short */
    expect("\xe2\x82", TW_ESCAPE_LINE, "\\xe2\\x82");          /* cut short */
    expect("\xe2(\xa1", TW_ESCAPE_LINE, "\\xe2(\\xa1");        /* broken off */
    expect("\xc0\xaf", TW_ESCAPE_LINE, "\\xc0\\xaf");          /* "/" too long */
    expect("\xe0\x80\x8a", TW_ESCAPE_LINE, "\\xe0\\x80\\x8a"); /* newline too long */
    expect("\xf0\x80\x80\x8a", TW_ESCAPE_TEXT, "\\xf0\\x80\\x80\\x8a");
    expect("\xed\xa0\x80", TW_ESCAPE_LINE, "\\xed\\xa0\\x80");          /* a surrogate */
    expect("\xf4\x90\x80\x80", TW_ESCAPE_LINE, "\\xf4\\x90\\x80\\x80"); /* beyond U+10FFFF */
    expect("\xf8\x88\x80\x80\x80", TW_ESCAPE_LINE, "\\xf8\\x88\\x80\\x80\\x80");
}

static void bytes_after_a_nul_are_not_lost(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    tw_escape(&out, "a\0\x1b", 3, TW_ESCAPE_LINE, 0);
    assert_string_equal(tw_buf_text(&out), "a\\x00\\x1b");
    tw_buf_free(&out);
}

static void output_is_cut_between_characters(void **state)
{
    (void)state;
    char *got = tw_escape_new("abcdef", TW_ESCAPE_LINE, 4);
    assert_string_equal(got, "abcd...");
    free(got);
    got = tw_escape_new("abcd", TW_ESCAPE_LINE, 4);
    assert_string_equal(got, "abcd");
    free(got);
    got = tw_escape_new("ab\x1b", TW_ESCAPE_LINE, 5);
    assert_string_equal(got, "ab...");
    free(got);
    got = tw_escape_new("aé", TW_ESCAPE_LINE, 2);
    assert_string_equal(got, "a...");
    free(got);
}

static void the_limit_counts_only_what_is_appended(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    tw_buf_puts(&out, "before ");
    tw_escape(&out, "abc", 3, TW_ESCAPE_LINE, 3);
    assert_string_equal(tw_buf_text(&out), "before abc");
    tw_buf_free(&out);
}

/* Every two bytes: nothing below space, no DEL, and no more than what escaping may add. */
static void no_pair_of_bytes_comes_through_dangerous(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    for (unsigned i = 0; i < 65536; i++) {
        const char in[2] = {(char)(i >> 8), (char)(i & 0xff)};
        tw_buf_clear(&out);
        tw_escape(&out, in, 2, TW_ESCAPE_LINE, 0);
        assert_in_range(out.len, 2, 8);
        for (size_t k = 0; k < out.len; k++) {
            const unsigned char c = (unsigned char)out.data[k];
            assert_true(c >= 0x20 && c != 0x7f);
        }
    }
    tw_buf_free(&out);
}

static void json_is_quoted_and_pure(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    tw_escape_json(&out, "a\"b\\c\n\x1b\x7f é \u202e \xff");
    assert_string_equal(tw_buf_text(&out),
                        "\"a\\\"b\\\\c\\u000a\\u001b\\u007f é \\u202e \\\\xff\"");
    tw_buf_clear(&out);
    tw_escape_json(&out, "");
    assert_string_equal(tw_buf_text(&out), "\"\"");
    tw_buf_free(&out);
}

static void assert_word(const char *in, const char *out)
{
    struct tw_buf word = {0};
    tw_escape_shell(&word, in);
    assert_string_equal(tw_buf_text(&word), out);
    tw_buf_free(&word);
}

static void a_shell_reads_one_word_back(void **state)
{
    (void)state;
    assert_word("/var/log/mail/a-b_c.d@e:1,2+3%4=5", "/var/log/mail/a-b_c.d@e:1,2+3%4=5");
    assert_word("", "''");
    assert_word("a b", "'a b'");
    assert_word("$(id);`id`", "'$(id);`id`'");
    assert_word("it's", "'it'\\''s'");
    assert_word("~", "'~'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(harmless_text_stays),
        cmocka_unit_test(a_terminal_gets_nothing_to_obey),
        cmocka_unit_test(marks_that_reorder_or_break_lines_show),
        cmocka_unit_test(a_header_cannot_be_added),
        cmocka_unit_test(several_lines_keep_newline_and_tab),
        cmocka_unit_test(broken_utf8_becomes_bytes),
        cmocka_unit_test(bytes_after_a_nul_are_not_lost),
        cmocka_unit_test(output_is_cut_between_characters),
        cmocka_unit_test(the_limit_counts_only_what_is_appended),
        cmocka_unit_test(no_pair_of_bytes_comes_through_dangerous),
        cmocka_unit_test(json_is_quoted_and_pure),
        cmocka_unit_test(a_shell_reads_one_word_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
