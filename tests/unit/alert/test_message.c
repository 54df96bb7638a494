/* The frame of a message: headers, what they say, times, wrapped text. */
#include "alert/message_check.h"

#include "alert/message.h"

static void assert_value(const char *text, const char *name, const char *want)
{
    struct tw_buf value = {0};
    tw_letter_header(text, strlen(text), name, &value);
    assert_string_equal(tw_buf_text(&value), want);
    tw_buf_free(&value);
}

static void headers_are_read_back_unfolded_and_only_from_the_head(void **state)
{
    (void)state;
    const char *text = "A: one\nlong: a\n b\n\tc\nLongest:  x\n\nBody: no\nA: two\n";
    assert_value(text, "A", "one");
    assert_value(text, "Long", "a b c");
    assert_value(text, "longest", "x");
    assert_value(text, "Body", "");
    assert_value(text, "Lon", "");
    assert_value("", "A", "");
    assert_value("\nA: x\n", "A", "");
    assert_value("A:", "A", "");
    assert_value("A", "A", "");
    assert_value("A: no end", "A", "no end");
    assert_value(" folded: first\nA: x", "A", "x");
}

static void the_body_begins_behind_the_first_empty_line(void **state)
{
    (void)state;
    assert_int_equal(tw_message_body("", 0), 0);
    assert_int_equal(tw_message_body("\n", 1), 1);
    assert_int_equal(tw_message_body("A: x\n\nb\n\nc", 11), 6);
    assert_int_equal(tw_message_body("A: x\n", 5), 5);
    assert_int_equal(tw_message_body("A: x\n\n", 5), 5);
}

static void assert_tally(const char *text, struct tw_message_tally want)
{
    struct tw_message_tally got;
    tw_message_tally(text, strlen(text), &got);
    assert_int_equal(got.letters, want.letters);
    assert_int_equal(got.failed, want.failed);
    assert_int_equal(got.recovered, want.recovered);
    assert_int_equal(got.qmail, want.qmail);
    assert_int_equal(got.reminders, want.reminders);
    assert_string_equal(got.type, want.type ? want.type : "alert");
    assert_int_equal(tw_letter_says_qmail(text, strlen(text)), want.qmail);
}

static void the_tally_is_what_the_words_say(void **state)
{
    (void)state;
    assert_tally("", (struct tw_message_tally){.letters = 1});
    assert_tally("Subject: failed=3 qmail\n\nX-Toaster-Watcher: 1 failed=3 qmail\n",
                 (struct tw_message_tally){.letters = 1});
    assert_tally("X-Toaster-Watcher: 0.1.0 failed=2 recovered=1 qmail\n\n",
                 (struct tw_message_tally){1, 2, 1, .qmail = true});
    assert_tally("X-Toaster-Watcher: 0.1.0 failed=0 recovered=0 reminders=3 escalation\n\n",
                 (struct tw_message_tally){1, .reminders = 3, .type = "escalation"});
    assert_tally("X-Toaster-Watcher: 0.1.0 letters=7 failed=20 recovered=0\n\n",
                 (struct tw_message_tally){7, 20, 0, false});
    assert_tally("X-Toaster-Watcher: letters=0 failed= noqmail qmail=yes\n",
                 (struct tw_message_tally){.letters = 1});
    for (size_t letters = 1; letters < 3; letters++) {
        struct tw_buf text = {0};
        const struct tw_message_tally tally = {letters, 4, 5, letters == 2};
        tw_buf_puts(&text, "X-Toaster-Watcher: 1");
        tw_message_words(&tally, &text);
        assert_tally(tw_buf_text(&text), tally);
        tw_buf_free(&text);
    }
}

static void assert_time(int64_t time_s, const char *want)
{
    struct tw_buf out = {0};
    tw_message_time(&out, time_s);
    assert_string_equal(tw_buf_text(&out), want);
    tw_buf_free(&out);
}

static void times_follow_the_clock_change_and_a_time_that_never_was_says_so(void **state)
{
    (void)state;
    assert_time(1792889999, "2026-10-25 02:59:59 +0200"); /* the last second of summer time */
    assert_time(1792890000, "2026-10-25 02:00:00 +0100");
    assert_time(INT64_MAX, "(time unknown)");
    setenv("TZ", "ABC+3:30", 1);
    tzset();
    assert_time(0, "1969-12-31 20:30:00 -0330");
    set_zone(NULL);
}

static void assert_paragraph(const char *text, const char *indent, size_t max, const char *want)
{
    struct tw_buf out = {0};
    tw_message_paragraph(&out, text, indent, max);
    assert_string_equal(tw_buf_text(&out), want);
    tw_buf_free(&out);
}

static void a_paragraph_is_indented_escaped_and_cut(void **state)
{
    (void)state;
    assert_paragraph("", "  ", 0, "");
    assert_paragraph("\n\n", "  ", 0, "");
    assert_paragraph("one", "  ", 0, "  one\n");
    assert_paragraph("  one   two  ", "  ", 0, "  one two\n");
    assert_paragraph("one\n\ntwo\n", "  ", 0, "  one\n\n  two\n");
    assert_paragraph(".\nFrom x", "  ", 0, "  .\n  From x\n");
    assert_paragraph("a\033[2J\r", "    ", 0, "    a\\x1b[2J\\x0d\n");
    assert_paragraph("abcdefgh", "", 4, "abcd...\n");
}

/* Every line but a single long word keeps to the width, counted in characters. */
static void a_paragraph_is_wrapped_at_blanks(void **state)
{
    (void)state;
    char words[2000] = "";
    for (size_t i = 0; i < 100; i++)
        strcat(words, i % 3 ? "w\u00f6rter " : "und ");
    struct tw_buf out = {0};
    tw_message_paragraph(&out, words, "  ", 0);
    for (const char *line = tw_buf_text(&out); *line; line = strchr(line, '\n') + 1) {
        size_t columns = 0;
        for (const char *at = line; *at != '\n'; at++)
            columns += ((unsigned char)*at & 0xC0) != 0x80;
        assert_true(columns <= TW_MESSAGE_WIDTH);
        assert_true(strchr(line, '\n')[1] == '\0' || columns > TW_MESSAGE_WIDTH - 9);
        assert_true(strncmp(line, "  ", 2) == 0 && line[2] != ' ');
    }
    assert_int_equal(count_of(tw_buf_text(&out), "w\u00f6rter"), 66);
    tw_buf_free(&out);
}

static void a_word_too_long_for_a_line_is_broken_between_characters(void **state)
{
    (void)state;
    struct tw_buf word = {0}, out = {0};
    tw_buf_puts(&word, "x"); /* so that the break falls into a character */
    for (size_t i = 0; i < 3000; i++)
        tw_buf_puts(&word, "\u00fc");
    tw_message_paragraph(&out, tw_buf_text(&word), "  ", 0);
    assert_int_equal(count_of(tw_buf_text(&out), "\u00fc"), 3000);
    for (const char *line = tw_buf_text(&out); *line; line = strchr(line, '\n') + 1)
        assert_true(strcspn(line, "\n") <= MESSAGE_LINE_MAX);
    char *safe = tw_escape_new(tw_buf_text(&out), TW_ESCAPE_TEXT, 0);
    assert_string_equal(safe, tw_buf_text(&out));
    free(safe);
    tw_buf_free(&word);
    tw_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_are_read_back_unfolded_and_only_from_the_head),
        cmocka_unit_test(the_body_begins_behind_the_first_empty_line),
        cmocka_unit_test(the_tally_is_what_the_words_say),
        cmocka_unit_test(times_follow_the_clock_change_and_a_time_that_never_was_says_so),
        cmocka_unit_test(a_paragraph_is_indented_escaped_and_cut),
        cmocka_unit_test(a_paragraph_is_wrapped_at_blanks),
        cmocka_unit_test(a_word_too_long_for_a_line_is_broken_between_characters),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
