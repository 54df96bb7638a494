/* The header lines that name incidents: what a letter writes is read back, from a merged one, too;
 * hostile texts spoil neither the message nor what is read. */
#include "alert/told_kit.h"

#include <stdio.h>

static struct tw_buf write_letter(const struct tw_letter_entry *entries, size_t count)
{
    const struct tw_letter letter = letter_of(entries, count);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    return out;
}

static struct tw_buf merge(const struct tw_buf *letters, size_t count)
{
    const struct tw_letter head = letter_of(NULL, 0);
    struct tw_waiting_letter *waiting = tw_alloc(count * sizeof *waiting);
    struct tw_buf out = {0};
    for (size_t i = 0; i < count; i++)
        waiting[i] =
            (struct tw_waiting_letter){"1795227165.1.77", tw_buf_text(&letters[i]), letters[i].len};
    tw_letter_merge(&head, waiting, count, &out);
    free(waiting);
    return out;
}

static struct tw_buf merge_one(const struct tw_buf *letter)
{
    return merge(letter, 1);
}

/* ---- what is read ------------------------------------------------------------------------- */

/* Which numbers are named in each state. */
struct named {
    bool *is[TW_TOLD_STATES];
    size_t most;
};

static void mark_span(void *context, enum tw_told_state state, int64_t first, int64_t last)
{
    struct named *named = context;
    assert_true(first > 0 && last >= first && (size_t)last < named->most);
    for (int64_t id = first; id <= last; id++)
        named->is[state][id] = true;
}

static struct named names_of(const struct tw_buf *message, size_t most)
{
    struct named named = {.most = most};
    for (int i = 0; i < TW_TOLD_STATES; i++)
        named.is[i] = tw_alloc(most);
    tw_told_ids(tw_buf_text(message), message->len, mark_span, &named);
    return named;
}

static void free_names(struct named *named)
{
    for (int i = 0; i < TW_TOLD_STATES; i++)
        free(named->is[i]);
}

/* ---- a letter ----------------------------------------------------------------------------- */

static const struct tw_letter_entry some[] = {
    {.aspect = "service.smtp",
     .id = 7,
     .level = TW_LEVEL_FAIL,
     .text = "down for 12s, want u",
     .opened_s = NOW - 40},
    {.aspect = "disk.var",
     .id = 5,
     .level = TW_LEVEL_UNKNOWN,
     .text = "Input/output error",
     .opened_s = NOW - 3600,
     .reminder = true},
    {.aspect = "process.clamd",
     .id = 6,
     .level = TW_LEVEL_FAIL,
     .text = "1 process",
     .opened_s = NOW - 725,
     .closed_s = NOW,
     .recovered = true,
     .flapping = true},
    {.aspect = "service.pop3/log",
     .id = 9,
     .level = TW_LEVEL_FAIL,
     .text = "",
     .opened_s = NOW - 9,
     .flapping = true,
     .opens = 5},
    {.aspect = "file.x", .id = 0, .level = TW_LEVEL_FAIL, .text = "has no number"},
    {.aspect = "service.imap",
     .id = 8,
     .level = TW_LEVEL_FAIL,
     .text = "down",
     .opened_s = NOW - 1},
};
static const char some_told[] =
    "7 failed fail 1795227125-0 [service.smtp] [down for 12s, want u]\n"
    "5 reminder unknown 1795223565-0 [disk.var] [Input/output error]\n"
    "6 recovered fail 1795226440-1795227165 [process.clamd] [1 process]\n"
    "9 flapping fail 1795227156-0 [service.pop3/log] []\n"
    "8 failed fail 1795227164-0 [service.imap] [down]\n";
static const char some_spans[] = "failed 7-8\nflapping 9-9\nrecovered 6-6\nreminder 5-5\n";

static void what_a_letter_tells_is_read_back(void **state)
{
    (void)state;
    struct tw_buf letter = write_letter(some, TW_COUNT(some));
    check_message(&letter);
    expect_told(&letter, 5, some_told);
    expect_spans(&letter, 5, some_spans);
    tw_buf_free(&letter);
}

static void a_letter_without_numbers_names_none(void **state)
{
    (void)state;
    struct tw_letter_entry entries[] = {some[4], some[4]};
    entries[1].id = -3;
    struct tw_buf letter = write_letter(entries, 2);
    check_message(&letter);
    expect_told(&letter, 0, "");
    expect_spans(&letter, 0, "");
    assert_null(strstr(tw_buf_text(&letter), "X-Toaster-Watcher-Incident"));
    assert_null(strstr(tw_buf_text(&letter), "X-Toaster-Watcher-Told"));
    tw_buf_free(&letter);
}

static void the_same_is_read_of_merged_letters_and_of_those_merged_anew(void **state)
{
    (void)state;
    struct tw_buf letters[] = {write_letter(some, 3), write_letter(some + 3, 3)};
    struct tw_buf merged = merge(letters, 2);
    struct tw_buf again = merge_one(&merged);
    for (int i = 0; i < 2; i++) {
        check_message(i ? &again : &merged);
        expect_told(i ? &again : &merged, 5, some_told);
        struct named named = names_of(i ? &again : &merged, 100);
        assert_true(named.is[TW_TOLD_FAILED][7] && named.is[TW_TOLD_FAILED][8]);
        assert_true(named.is[TW_TOLD_RECOVERED][6] && named.is[TW_TOLD_REMINDER][5]);
        assert_true(named.is[TW_TOLD_FLAPPING][9]);
        free_names(&named);
    }
    for (size_t i = 0; i < 2; i++)
        tw_buf_free(&letters[i]);
    tw_buf_free(&merged);
    tw_buf_free(&again);
}

static void what_stands_in_a_body_is_not_read(void **state)
{
    (void)state;
    struct tw_letter_entry entry = some[0];
    entry.text = entry.evidence = entry.advice =
        "x\nX-Toaster-Watcher-Told: failed 99\n\nX-Toaster-Watcher-Told: failed 98\n"
        "X-Toaster-Watcher-Incident: 97 failed fail 1 0 a b\n";
    struct tw_buf letter = write_letter(&entry, 1), merged = merge_one(&letter);
    expect_spans(&letter, 1, "failed 7-7\n");
    expect_spans(&merged, 1, "failed 7-7\n");
    struct tw_buf seen = {0};
    assert_int_equal(tw_told_each(tw_buf_text(&merged), merged.len, put_told, &seen), 1);
    tw_buf_free(&seen);
    tw_buf_free(&letter);
    tw_buf_free(&merged);
}

/* ---- many --------------------------------------------------------------------------------- */

enum { MANY = 6000 };

/* Numbers from `first` on, each `step` after the one before, in no order. */
static struct tw_letter_entry *many_entries(size_t count, int64_t first, int64_t step)
{
    struct tw_letter_entry *entries = tw_realloc_array(NULL, count, sizeof *entries);
    for (size_t i = 0; i < count; i++) {
        entries[i] = some[0];
        entries[i].id = first + (int64_t)(i * 7 % count) * step;
    }
    return entries;
}

static void thousands_that_follow_each_other_are_one_span(void **state)
{
    (void)state;
    struct tw_letter_entry *entries = many_entries(MANY, 1001, 1);
    struct tw_buf letter = write_letter(entries, MANY), merged = merge_one(&letter);
    check_message(&letter);
    check_message(&merged);
    expect_spans(&letter, MANY, "failed 1001-7000\n");
    expect_spans(&merged, MANY, "failed 1001-7000\n");
    assert_int_equal(count_of(tw_buf_text(&letter), "\nX-Toaster-Watcher-Incident: "),
                     TW_TOLD_DETAILED);
    assert_int_equal(count_of(tw_buf_text(&merged), "\nX-Toaster-Watcher-Incident: "),
                     TW_TOLD_DETAILED);
    free(entries);
    tw_buf_free(&letter);
    tw_buf_free(&merged);
}

static void a_number_that_comes_twice_is_named_once(void **state)
{
    (void)state;
    const struct tw_letter_entry entries[] = {some[0], some[0], some[5], some[0]};
    struct tw_buf letter = write_letter(entries, 4);
    expect_spans(&letter, 2, "failed 7-8\n");
    tw_buf_free(&letter);
}

static void all_are_named(const struct tw_buf *message, int64_t first, int64_t step)
{
    const size_t most = (size_t)(first + (MANY + 1) * step);
    struct named named = names_of(message, most);
    size_t missing = 0, wrong = 0;
    for (size_t id = 0; id < most; id++) {
        const bool wanted = (int64_t)id >= first && ((int64_t)id - first) % step == 0 &&
                            (int64_t)id < first + MANY * step;
        missing += wanted && !named.is[TW_TOLD_FAILED][id];
        wrong += !wanted && named.is[TW_TOLD_FAILED][id];
    }
    free_names(&named);
    assert_int_equal(wrong, 0);
    assert_int_equal(missing, 0);
}

static void thousands_that_do_not_follow_each_other_are_all_named(void **state)
{
    (void)state;
    struct tw_letter_entry *entries = many_entries(MANY, 100001, 2);
    struct tw_buf letter = write_letter(entries, MANY), merged = merge_one(&letter);
    free(entries);
    check_message(&letter);
    check_message(&merged);
    all_are_named(&letter, 100001, 2);
    all_are_named(&merged, 100001, 2);
    tw_buf_free(&letter);
    tw_buf_free(&merged);
}

static void a_merged_letter_has_details_of_the_first_ones_only(void **state)
{
    (void)state;
    struct tw_buf letters[10];
    for (size_t i = 0; i < 10; i++) {
        struct tw_letter_entry *entries = many_entries(8, (int64_t)i * 8 + 1, 1);
        letters[i] = write_letter(entries, 8);
        free(entries);
    }
    struct tw_buf merged = merge(letters, 10), again = merge_one(&merged);
    check_message(&merged);
    for (int i = 0; i < 2; i++) {
        const struct tw_buf *message = i ? &again : &merged;
        struct tw_buf seen = {0};
        assert_int_equal(tw_told_each(tw_buf_text(message), message->len, put_told, &seen),
                         TW_TOLD_DETAILED);
        assert_int_equal(tw_told_ids(tw_buf_text(message), message->len, NULL, NULL), 80);
        tw_buf_free(&seen);
    }
    for (size_t i = 0; i < 10; i++)
        tw_buf_free(&letters[i]);
    tw_buf_free(&merged);
    tw_buf_free(&again);
}

static void a_copy_counts_what_has_a_line_so_far(void **state)
{
    (void)state;
    struct tw_buf letter = write_letter(some, TW_COUNT(some));
    static const size_t before[] = {0, TW_TOLD_DETAILED - 2, TW_TOLD_DETAILED,
                                    TW_TOLD_DETAILED + 9};
    static const size_t copied[] = {5, 2, 0, 0};
    for (size_t i = 0; i < TW_COUNT(before); i++) {
        size_t detailed = before[i];
        struct tw_buf out = {0};
        tw_told_copy(tw_buf_text(&letter), letter.len, &detailed, &out);
        assert_int_equal(detailed, before[i] + copied[i]);
        assert_int_equal(count_of(tw_buf_text(&out), "X-Toaster-Watcher-Incident: "), copied[i]);
        expect_spans(&out, 5, some_spans);
        tw_buf_free(&out);
    }
    tw_buf_free(&letter);
}

/* ---- hostile ------------------------------------------------------------------------------ */

/* A line of blanks would end the headers for some readers (RFC 5322, 3.2.2 and 4.2). */
static void check_no_blank_line(const struct tw_buf *message)
{
    const char *text = tw_buf_text(message);
    const char *body = strstr(text, "\n\n");
    for (const char *line = text; line < body; line = strchr(line, '\n') + 1)
        if (strspn(line, " \t") == strcspn(line, "\n"))
            fail_msg("a line of blanks among the headers");
}

static void expect_text(const struct tw_buf *message, const char *text)
{
    struct tw_buf expected = {0};
    char *escaped = tw_escape_new(text, TW_ESCAPE_ASCII, 300);
    tw_buf_printf(&expected, "7 failed fail 1795227125-0 [service.smtp] [%s]\n", escaped);
    expect_told(message, 1, tw_buf_text(&expected));
    free(escaped);
    tw_buf_free(&expected);
}

static void check_text(const char *text)
{
    struct tw_letter_entry entry = some[0];
    entry.text = text;
    struct tw_buf letter = write_letter(&entry, 1);
    struct tw_buf merged = merge_one(&letter), again = merge_one(&merged);
    check_message(&letter);
    check_message(&merged);
    check_message(&again);
    expect_text(&letter, text);
    expect_text(&merged, text);
    expect_text(&again, text);
    tw_buf_free(&letter);
    tw_buf_free(&merged);
    tw_buf_free(&again);
}

static void hostile_texts_are_read_back_escaped(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "x\nBcc: victim@example.org\n\nbody",
        "x\r\nX-Toaster-Watcher-Told: failed 1-100\r\n",
        "\n.\n",
        "From x",
        "\033[2J\033]0;owned\007\b\b\177",
        "\xff\xfe\xc3(\xe2\x80\xae right to left \xed\xa0\x80",
        "\xe2\x80\xa8 line separator \xc2\x85 next line",
        "% s%n%s \\n \\",
        "8 failed fail 1 2 service.pop x",
        "\"quoted\" <a@b> (c) =?utf-8?q?x?=",
        "a lot of words that go on and on until the line is full, and then some more of them",
    };
    for (size_t i = 0; i < TW_COUNT(hostile); i++)
        check_text(hostile[i]);
    char *word = tw_format("%0298d", 7), *huge = tw_format("%0100000d", 7);
    check_text(word);
    check_text(huge);
    free(word);
    free(huge);
}

static void commas_stay_as_they_are(void **state)
{
    (void)state;
    check_text(
        "no process a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t,u,v,w,x,y,z,aa,bb,cc,dd,ee,ff,gg,"
        "hh,ii,jj,kk,ll,mm,nn,oo,pp,qq");
}

static void blanks_leave_no_blank_line_among_the_headers(void **state)
{
    (void)state;
    static const char *const blanks[] = {" ", "   ", "\t", "  x", "x  ", "   \t   \t  "};
    struct tw_letter_entry entry = some[0];
    for (size_t i = 0; i < TW_COUNT(blanks); i++) {
        entry.text = blanks[i];
        struct tw_buf letter = write_letter(&entry, 1), merged = merge_one(&letter);
        check_no_blank_line(&letter);
        check_no_blank_line(&merged);
        expect_spans(&letter, 1, "failed 7-7\n");
        expect_spans(&merged, 1, "failed 7-7\n");
        tw_buf_free(&letter);
        tw_buf_free(&merged);
    }
}

static void many_blanks_in_a_row_leave_no_blank_line_in_a_merged_letter(void **state)
{
    (void)state;
    struct tw_letter_entry entry = some[0];
    for (int words = 20; words < 80; words += 7) {
        char *text = tw_format("%0*d%*sx%*s", words, 7, 150, "", 80, "");
        entry.text = text;
        struct tw_buf letter = write_letter(&entry, 1), merged = merge_one(&letter);
        check_no_blank_line(&letter);
        check_no_blank_line(&merged);
        free(text);
        tw_buf_free(&letter);
        tw_buf_free(&merged);
    }
}

/* Such as no job has; still nothing else may be read of the message than what it tells. */
static void hostile_aspects_leave_the_message_whole_and_name_no_other(void **state)
{
    (void)state;
    static const char *const hostile[] = {
        "x\nBcc: victim@example.org\n\nbody",
        "a\n8 failed fail 1 2 b",
        "\xff\xfe\x01",
        "a,b,c",
        "x\r\nX-Toaster-Watcher-Told: failed 1-100",
        "a/b/c//",
        "..",
        "%s%n",
    };
    struct tw_letter_entry entry = some[0];
    for (size_t i = 0; i < TW_COUNT(hostile); i++) {
        entry.aspect = hostile[i];
        struct tw_buf letter = write_letter(&entry, 1), merged = merge_one(&letter), seen = {0};
        check_message(&letter);
        check_message(&merged);
        expect_spans(&letter, 1, "failed 7-7\n");
        expect_spans(&merged, 1, "failed 7-7\n");
        assert_int_equal(tw_told_each(tw_buf_text(&letter), letter.len, put_told, &seen), 1);
        assert_int_equal(strncmp(tw_buf_text(&seen), "7 failed fail ", 14), 0);
        tw_buf_free(&seen);
        tw_buf_free(&letter);
        tw_buf_free(&merged);
    }
}

static void the_longest_aspect_of_a_job_is_read_back(void **state)
{
    (void)state;
    char *aspect = tw_format("multilog.%064d/%064d", 7, 8);
    char *expected = tw_format("7 failed fail 1795227125-0 [%s] [x]\n", aspect);
    struct tw_letter_entry entry = some[0];
    entry.aspect = aspect;
    entry.text = "x";
    struct tw_buf letter = write_letter(&entry, 1), merged = merge_one(&letter);
    check_message(&letter);
    expect_told(&letter, 1, expected);
    expect_told(&merged, 1, expected);
    free(aspect);
    free(expected);
    tw_buf_free(&letter);
    tw_buf_free(&merged);
}

static void a_message_cut_anywhere_is_read_without_harm(void **state)
{
    (void)state;
    struct tw_buf letter = write_letter(some, TW_COUNT(some));
    for (size_t length = 0; length <= letter.len; length++) {
        char *cut = tw_alloc(length + 1);
        memcpy(cut, letter.data, length);
        struct tw_buf seen = {0}, out = {0};
        size_t detailed = 0;
        assert_true(tw_told_each(cut, length, put_told, &seen) <= 5);
        tw_told_ids(cut, length, put_span, &seen);
        tw_told_copy(cut, length, &detailed, &out);
        tw_buf_free(&seen);
        tw_buf_free(&out);
        free(cut);
    }
    tw_buf_free(&letter);
}

static void each_state_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < TW_TOLD_STATES; i++)
        for (int k = 0; k < i; k++)
            assert_string_not_equal(tw_told_name((enum tw_told_state)i),
                                    tw_told_name((enum tw_told_state)k));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_letter_tells_is_read_back),
        cmocka_unit_test(a_letter_without_numbers_names_none),
        cmocka_unit_test(the_same_is_read_of_merged_letters_and_of_those_merged_anew),
        cmocka_unit_test(what_stands_in_a_body_is_not_read),
        cmocka_unit_test(thousands_that_follow_each_other_are_one_span),
        cmocka_unit_test(a_number_that_comes_twice_is_named_once),
        cmocka_unit_test(thousands_that_do_not_follow_each_other_are_all_named),
        cmocka_unit_test(a_merged_letter_has_details_of_the_first_ones_only),
        cmocka_unit_test(a_copy_counts_what_has_a_line_so_far),
        cmocka_unit_test(hostile_texts_are_read_back_escaped),
        cmocka_unit_test(commas_stay_as_they_are),
        cmocka_unit_test(blanks_leave_no_blank_line_among_the_headers),
        cmocka_unit_test(many_blanks_in_a_row_leave_no_blank_line_in_a_merged_letter),
        cmocka_unit_test(hostile_aspects_leave_the_message_whole_and_name_no_other),
        cmocka_unit_test(the_longest_aspect_of_a_job_is_read_back),
        cmocka_unit_test(a_message_cut_anywhere_is_read_without_harm),
        cmocka_unit_test(each_state_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
