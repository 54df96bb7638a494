/* The lines of a .qmail file, as qmail-local reads them, and the files it tries for a name. */
#include "scratch.h"

#include "toaster/dotqmail.h"

static struct tw_dotqmail_summary judge(const char *text, bool x_bit)
{
    struct tw_dotqmail_summary sum;
    tw_dotqmail_judge(text, strlen(text), x_bit, &sum);
    return sum;
}

/* The types of all lines as letters, each followed by its text. */
static void reads_bytes(const char *bytes, size_t length, const char *expected)
{
    struct tw_dotqmail file = {.bytes = bytes, .length = length};
    struct tw_dotqmail_line line;
    struct tw_buf out = {0};
    for (size_t number = 1; tw_dotqmail_next(&file, &line); number++) {
        assert_int_equal(line.number, number);
        tw_buf_printf(&out, "%c:%.*s;", "b#|mM&L+"[line.type], (int)line.length, line.text);
    }
    assert_string_equal(tw_buf_text(&out), expected);
    tw_buf_free(&out);
}

static void reads(const char *text, const char *expected)
{
    reads_bytes(text, strlen(text), expected);
}

static void each_line_is_what_its_first_byte_says(void **state)
{
    (void)state;
    reads("", "");
    reads("# a comment\n", "#:# a comment;");
    reads("|preline procmail\n", "|:preline procmail;");
    reads("./Mailbox\n/var/mail/x\n", "m:./Mailbox;m:/var/mail/x;");
    reads("./Maildir/\n/home/x/\n.\n/\n", "M:./Maildir/;M:/home/x/;m:.;M:/;");
    reads("&a@b\na@b\n&&a\n a@b\n", "&:a@b;&:a@b;&:&a;&: a@b;");
    reads("+list\n+list2\n+\n", "L:+list;+:+list2;+:+;");
    reads("\n \t\n", "b:;b:;");
    reads("&\n|\n", "&:;|:;");
}

static void blanks_at_the_end_do_not_count(void **state)
{
    (void)state;
    reads("a@b \t \n./Maildir/ \n+list\t\n& \n#x ", "&:a@b;M:./Maildir/;L:+list;&:;#:#x;");
    reads("a@b", "&:a@b;"); /* nor does it matter whether there is a newline */
    reads("a@b\r\n", "&:a@b\r;");
    reads("a@b\n\n", "&:a@b;b:;");
}

static void a_nul_at_the_beginning_makes_a_line_blank(void **state)
{
    (void)state;
    struct tw_dotqmail_summary sum;
    tw_dotqmail_judge("\0a@b\n", 5, false, &sum);
    assert_int_equal(sum.fault, TW_DOTQMAIL_BLANK_FIRST);
    tw_dotqmail_judge("a\0@b\n", 5, false, &sum);
    assert_int_equal(sum.fault, TW_DOTQMAIL_BAD_LINE);
    assert_string_equal(sum.why, "it has a control character");
    reads_bytes("a\0\n\0", 4, "&:a;b:;");
}

static void sound_files(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t forwards, programs, files;
        bool x_bit;
    } cases[] = {
        {"&you@example.com\n", 1, 0, 0, false},
        {"you@example.com", 1, 0, 0, true},
        {"# who\n\n&a\n|cat\n./Maildir/\n/x\n", 1, 1, 2, false},
        {"a@b\n+list\nc@d\n", 2, 0, 0, false},
        {"a@b\n\n\n", 1, 0, 0, false},
        {"|prog\n", 0, 1, 0, false},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        const struct tw_dotqmail_summary sum = judge(cases[i].text, cases[i].x_bit);
        assert_int_equal(sum.fault, TW_DOTQMAIL_SOUND);
        assert_int_equal(sum.forwards, cases[i].forwards);
        assert_int_equal(sum.programs, cases[i].programs);
        assert_int_equal(sum.files, cases[i].files);
    }
}

static void the_gravest_fault_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tw_dotqmail_fault fault;
        size_t line;
        bool x_bit;
    } cases[] = {
        {"", TW_DOTQMAIL_EMPTY, 0, true},
        {"\n&a@b\n", TW_DOTQMAIL_BLANK_FIRST, 1, false},
        {" \t", TW_DOTQMAIL_BLANK_FIRST, 1, false},
        {"\n&a b\n|x\n", TW_DOTQMAIL_BLANK_FIRST, 1, true},
        {"a@b\n|x\n", TW_DOTQMAIL_FORWARD_ONLY, 2, true},
        {"a@b\n./x\n", TW_DOTQMAIL_FORWARD_ONLY, 2, true},
        {"a@b\n./x/\n./y/\n", TW_DOTQMAIL_FORWARD_ONLY, 2, true},
        {"|x\n+list\na@b\n./x\n", TW_DOTQMAIL_FORWARD_ONLY, 4, false},
        {"a b\n|x\n", TW_DOTQMAIL_FORWARD_ONLY, 2, true},
        {"# gone\n", TW_DOTQMAIL_NO_DELIVERY, 0, false},
        {"#\n\n+list\n", TW_DOTQMAIL_NO_DELIVERY, 0, false},
        {"+you@example.com\n", TW_DOTQMAIL_NO_DELIVERY, 0, false},
        {"|\n", TW_DOTQMAIL_NO_DELIVERY, 0, false},
        {"# x\na b@c\n<a@b>\n", TW_DOTQMAIL_BAD_LINE, 2, false},
        {"+x\n&\n", TW_DOTQMAIL_BAD_LINE, 2, false},
        {"|prog\r\n", TW_DOTQMAIL_BAD_LINE, 1, false},
        {"./Maildir/\r\n", TW_DOTQMAIL_BAD_LINE, 1, false},
        {"a@b\n\r\n", TW_DOTQMAIL_BAD_LINE, 2, false},
        {"a@b\n+x\n", TW_DOTQMAIL_PLUS_LINE, 2, false},
        {"#\r\na@b\n", TW_DOTQMAIL_SOUND, 0, false},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        const struct tw_dotqmail_summary sum = judge(cases[i].text, cases[i].x_bit);
        if (sum.fault != cases[i].fault || sum.line.number != cases[i].line)
            fail_msg("%zu: fault %d in line %zu", i, sum.fault, sum.line.number);
    }
}

static void a_legal_address_is_never_called_bad(void **state)
{
    (void)state;
    static const char *const good[] = {"you@example.com",
                                       "you+tag@example.com",
                                       "you",
                                       "a-b_c.d=e@x",
                                       "\"quoted\"@x.com",
                                       "j\xc3\xbcrgen@x.com",
                                       "a!b%c@x.com",
                                       "a@[192.0.2.1]",
                                       "a@x.com.",
                                       "o'brien@xn--bcher.de",
                                       "MAILER-DAEMON",
                                       "a@localhost",
                                       ".a.@x.com",
                                       "$x@y",
                                       "(a)@b",
                                       "a..b@x.com"};
    for (size_t i = 0; i < TW_COUNT(good); i++)
        if (tw_dotqmail_address_fault(good[i], strlen(good[i])))
            fail_msg("%s: %s", good[i], tw_dotqmail_address_fault(good[i], strlen(good[i])));
}

static void what_is_no_address(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "nothing stands there"},
        {" a@b", "space"},
        {"a@b (Name)", "space"},
        {"a\tb@c", "space"},
        {"<a@b>", "angle brackets"},
        {"a@b,c@d", "comma"},
        {"a@b@c", "more than one @"},
        {"@b", "before the @"},
        {"@", "before the @"},
        {"a@", "after the @"},
        {"a@.b", "dot too many"},
        {"a@b..c", "dot too many"},
        {"a\x01@b", "control character"},
        {"a\x7f@b", "control character"},
    };
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        const char *why = tw_dotqmail_address_fault(bad[i].text, strlen(bad[i].text));
        if (!why || !strstr(why, bad[i].why))
            fail_msg("\"%s\": %s", bad[i].text, why ? why : "good");
    }
    char long_one[1004];
    memset(long_one, 'x', sizeof long_one);
    assert_null(tw_dotqmail_address_fault(long_one, 1002));
    assert_non_null(tw_dotqmail_address_fault(long_one, 1003));
}

static void tries(const char *local, const char *expected)
{
    char *name = tw_dotqmail_name(local, strlen(local));
    struct tw_buf file = {0}, all = {0};
    for (size_t step = 0; tw_dotqmail_file(name, step, &file); step++)
        tw_buf_printf(&all, "%s ", tw_buf_text(&file));
    assert_string_equal(tw_buf_text(&all), expected);
    tw_buf_free(&file);
    tw_buf_free(&all);
    free(name);
}

static void the_files_that_are_tried_for_a_name(void **state)
{
    (void)state;
    tries("root", ".qmail-root .qmail-default ");
    tries("John.Doe", ".qmail-john:doe .qmail-default ");
    tries("mailer-daemon", ".qmail-mailer-daemon .qmail-mailer-default .qmail-default ");
    tries("a-b-", ".qmail-a-b- .qmail-a-b-default .qmail-a-default .qmail-default ");
    tries("", ".qmail- .qmail-default ");
    tries("\xc3\x9c-\xc3\x84", ".qmail-\xc3\x9c-\xc3\x84 .qmail-\xc3\x9c-default .qmail-default ");
    tries("../x", ".qmail-::/x .qmail-default ");
}

static void a_large_file_is_read_up_to_a_bound(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    struct tw_dotqmail_summary sum;
    for (int i = 0; i < TW_DOTQMAIL_LINES; i++)
        tw_buf_puts(&text, "#\n");
    tw_dotqmail_judge(text.data, text.len, false, &sum);
    assert_int_equal(sum.fault, TW_DOTQMAIL_NO_DELIVERY);
    tw_buf_puts(&text, "n"); /* which may deliver it */
    tw_dotqmail_judge(text.data, text.len, false, &sum);
    assert_int_equal(sum.fault, TW_DOTQMAIL_TOO_MANY);
    text.len -= strlen("#\nn");
    tw_buf_puts(&text, "no good\nnor this");
    tw_dotqmail_judge(text.data, text.len, false, &sum);
    assert_int_equal(sum.fault, TW_DOTQMAIL_BAD_LINE);
    assert_int_equal(sum.line.number, TW_DOTQMAIL_LINES);
    assert_int_equal(sum.forwards, 1);
    tw_buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_what_its_first_byte_says),
        cmocka_unit_test(blanks_at_the_end_do_not_count),
        cmocka_unit_test(a_nul_at_the_beginning_makes_a_line_blank),
        cmocka_unit_test(sound_files),
        cmocka_unit_test(the_gravest_fault_is_told_with_its_line),
        cmocka_unit_test(a_legal_address_is_never_called_bad),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(the_files_that_are_tried_for_a_name),
        cmocka_unit_test(a_large_file_is_read_up_to_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
