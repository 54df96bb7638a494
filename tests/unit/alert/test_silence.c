/* Silences: what a pattern fits, which one keeps an aspect quiet until when, clocks that are set,
 * and the text form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/silence.h"
#include "base/mem.h"

#define NOW 1795227165

static const struct tw_silence *add(struct tw_silences *list, const char *pattern, int64_t length_s)
{
    const struct tw_silence *silence =
        tw_silences_add(list, pattern, NOW, length_s, "root", "works");
    assert_non_null(silence);
    return silence;
}

static void a_pattern_fits_a_job_for_all_of_its_aspects_or_one_aspect(void **state)
{
    (void)state;
    static const struct {
        const char *pattern, *job, *aspect;
        bool fits;
    } cases[] = {
        {"service.smtp", "service.smtp", "service.smtp/log", true},
        {"service.smtp/log", "service.smtp", "service.smtp/log", true},
        {"service.smtp/log", "service.smtp", "service.smtp", false},
        {"service.smt", "service.smtp", "service.smtp", false},
        {"*", "service.smtp", "service.smtp/log", true},
        {"*", "", "", true},
        {"", "service.smtp", "service.smtp", false},
        {"*/log", "service.smtp", "service.smtp/log", true},
        {"*/log", "service.smtp", "service.smtp", false},
        {"s*g", "service.smtp", "service.smtp/log", true},
        {"service.*", "service..hidden", "service..hidden", true},
        {"service.?mtp", "service.smtp", "service.smtp", true},
        {"service?smtp?log", "service.smtp", "service.smtp/log", true},
        {"service.[a-s]mtp", "service.smtp", "service.smtp", true},
        {"service.[!s]mtp", "service.smtp", "service.smtp", false},
        {"service.[", "service.smtp", "service.smtp", false},
        {"service.[", "service.[", "service.[", true},
        {"service.\\*", "service.*", "service.*", true},
        {"service.\\*", "service.smtp", "service.smtp", false},
        {"service.smtp\\", "service.smtp", "service.smtp", false},
        {"SERVICE.smtp", "service.smtp", "service.smtp", false},
        {"\xff*", "\xff\xfe", "x", true},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++)
        if (tw_silence_fits(cases[i].pattern, cases[i].job, cases[i].aspect) != cases[i].fits)
            fail_msg("case %zu: %s", i, cases[i].pattern);
}

static void a_hostile_pattern_takes_no_time(void **state)
{
    (void)state;
    char pattern[TW_SILENCE_PATTERN_MAX + 1], name[256];
    for (size_t i = 0; i < sizeof pattern - 1; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    memcpy(pattern + sizeof pattern - 3, "*b", 3);
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    const clock_t begun = clock();
    assert_false(tw_silence_fits(pattern, name, name));
    assert_true(clock() - begun < 2 * CLOCKS_PER_SEC);
}

static void numbers_grow_and_none_is_given_twice(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    for (int64_t id = 1; id <= 5; id++)
        assert_int_equal(add(&list, "a", 10)->id, id);
    tw_silences_remove(&list, 5);
    tw_silences_remove(&list, 2);
    tw_silences_remove(&list, 99);
    assert_int_equal(add(&list, "a", 10)->id, 6);
    assert_int_equal(list.count, 4);
    for (size_t i = 1; i < list.count; i++)
        assert_true(list.items[i - 1].id < list.items[i].id);
    assert_null(tw_silences_find(&list, 2));
    assert_int_equal(tw_silences_find(&list, 3)->id, 3);
    assert_null(tw_silences_find(&list, 0));
    tw_silences_free(&list);
    assert_null(list.items);
    assert_int_equal(list.count, 0);
}

static void there_is_a_most_and_then_none_is_added(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    for (int i = 0; i < TW_SILENCES_MAX; i++)
        add(&list, "a", 10);
    assert_null(tw_silences_add(&list, "a", NOW, 10, "root", ""));
    assert_int_equal(tw_silences_read(&list, "1000 1 2\na\nroot\n"), -1);
    assert_int_equal(list.count, TW_SILENCES_MAX);
    tw_silences_remove(&list, 1);
    assert_non_null(tw_silences_add(&list, "a", NOW, 10, "root", ""));
    tw_silences_free(&list);
}

static void texts_are_copied_and_cut(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    char huge[5000];
    memset(huge, 'x', sizeof huge - 1);
    huge[sizeof huge - 1] = '\0';
    const struct tw_silence *silence = tw_silences_add(&list, huge, NOW, 10, huge, huge);
    memset(huge, 'y', sizeof huge - 1);
    assert_int_equal(strlen(silence->pattern), TW_SILENCE_PATTERN_MAX);
    assert_int_equal(strlen(silence->by), TW_SILENCE_BY_MAX);
    assert_int_equal(strlen(silence->note), TW_SILENCE_NOTE_MAX);
    assert_int_equal(silence->pattern[0], 'x');
    tw_silences_free(&list);
}

static void the_one_that_lasts_longest_keeps_quiet_until_its_end(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    assert_null(tw_silences_on(&list, "service.smtp", "service.smtp/log", NOW));
    assert_true(tw_silences_next_end_s(&list) == INT64_MAX);
    add(&list, "service.*", 10);
    add(&list, "*", 30);
    add(&list, "service.smtp", 20);
    add(&list, "process.*", 100);
    assert_int_equal(tw_silences_next_end_s(&list), NOW + 10);
    assert_int_equal(tw_silences_on(&list, "service.smtp", "service.smtp/log", NOW)->id, 2);
    assert_int_equal(tw_silences_on(&list, "service.smtp", "service.smtp/log", NOW + 29)->id, 2);
    assert_null(tw_silences_on(&list, "service.smtp", "service.smtp/log", NOW + 30));
    assert_int_equal(tw_silences_on(&list, "process.x", "process.x", NOW + 30)->id, 4);
    tw_silences_free(&list);
}

/* Ends all that is over, as the daemon does; how many. */
static size_t end_all(struct tw_silences *list, int64_t now_s)
{
    size_t count = 0;
    for (const struct tw_silence *over; (over = tw_silences_over(list, now_s)); count++)
        tw_silences_remove(list, over->id);
    return count;
}

static void what_is_over_is_given_one_by_one(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    assert_int_equal(end_all(&list, NOW), 0);
    add(&list, "a", 10);
    add(&list, "b", 20);
    add(&list, "c", 10);
    assert_int_equal(end_all(&list, NOW + 9), 0);
    assert_int_equal(end_all(&list, NOW + 10), 2);
    assert_int_equal(list.count, 1);
    assert_string_equal(list.items[0].pattern, "b");
    assert_int_equal(end_all(&list, INT64_MAX), 1);
    tw_silences_free(&list);
}

static void a_clock_set_back_makes_none_longer(void **state)
{
    (void)state;
    static const int64_t steps[] = {1, 3600, 86400, NOW - 100};
    for (size_t i = 0; i < TW_COUNT(steps); i++) {
        struct tw_silences list = {0};
        add(&list, "a", 600);
        assert_int_equal(end_all(&list, NOW + 100), 0);
        const int64_t now_s = NOW + 100 - steps[i];
        assert_int_equal(end_all(&list, now_s), 0);
        assert_int_equal(tw_silences_next_end_s(&list), now_s + 500);
        assert_int_equal(end_all(&list, now_s + 499), 0);
        assert_int_equal(end_all(&list, now_s + 500), 1);
        tw_silences_free(&list);
    }
}

static void a_clock_that_goes_to_and_fro_makes_none_longer(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    add(&list, "a", 600);
    end_all(&list, NOW);
    end_all(&list, NOW + 300);
    end_all(&list, NOW);
    end_all(&list, NOW + 200);
    end_all(&list, NOW + 100);
    assert_true(tw_silences_next_end_s(&list) <= NOW + 600);
    tw_silences_free(&list);
}

static void silences_of_another_lifetime_of_the_clock_are_read_back(void **state)
{
    (void)state;
    struct tw_silences list = {0}, again = {0};
    struct tw_buf text = {0};
    add(&list, "a", 600);
    end_all(&list, NOW + 100);
    end_all(&list, 50); /* the battery of the clock is empty: it began 100 s ago, before 1970 */
    tw_silence_write(&list.items[0], &text);
    assert_int_equal(tw_silences_read(&again, tw_buf_text(&text)), 0);
    assert_int_equal(again.items[0].until_s, 550);
    tw_buf_free(&text);
    tw_silences_free(&list);
    tw_silences_free(&again);
}

static void assert_reads_back(const char *pattern, const char *by, const char *note,
                              const char *note_then)
{
    struct tw_silences list = {0}, again = {0};
    struct tw_buf text = {0};
    list.last_id = 41;
    tw_silence_write(tw_silences_add(&list, pattern, NOW, 600, by, note), &text);
    assert_int_equal(tw_silences_read(&again, tw_buf_text(&text)), 0);
    assert_int_equal(again.count, 1);
    assert_int_equal(again.last_id, 42);
    assert_int_equal(again.items[0].id, 42);
    assert_int_equal(again.items[0].from_s, NOW);
    assert_int_equal(again.items[0].until_s, NOW + 600);
    assert_string_equal(again.items[0].pattern, pattern);
    assert_string_equal(again.items[0].by, by);
    assert_string_equal(again.items[0].note, note_then);
    assert_int_equal(tw_silences_read(&again, tw_buf_text(&text)), -1);
    assert_int_equal(again.count, 1);
    tw_buf_free(&text);
    tw_silences_free(&list);
    tw_silences_free(&again);
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    char pattern[TW_SILENCE_PATTERN_MAX + 1], note[TW_SILENCE_NOTE_MAX + 1];
    memset(pattern, '*', sizeof pattern - 1);
    memset(note, 'n', sizeof note - 1);
    pattern[sizeof pattern - 1] = note[sizeof note - 1] = '\0';
    assert_reads_back("service.*", "root", "the disk is changed", "the disk is changed");
    assert_reads_back("*", "", "", "");
    assert_reads_back(pattern, "uid 1000", note, note);
    assert_reads_back(" a b\t", "\xff\x01", "\xc3\xbc \r \x1b[0m", "\xc3\xbc \r \x1b[0m");
    assert_reads_back("1 2 3", "4 5 6", "7\n8\n9 9 9\n*", "7 8 9 9 9 *");
}

static void what_is_no_silence_is_refused_and_adds_nothing(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "\n",
        "1",
        "1 2",
        "1 2 3",
        "1 2 3\n",
        "1 2 3\n\nroot\nnote",
        "0 2 3\na\nb\nc",
        "-1 2 3\na\nb\nc",
        "1 -2 3\na\nb\nc",
        "1 3 2\na\nb\nc",
        "1 2 -3\na\nb\nc",
        "1 2 3 4\na\nb\nc",
        "1 2 3 a\nb\nc",
        "x1 2 3\na\nb\nc",
        "1 2 3x\na\nb\nc",
        "7\na\nb\nc",
        "\xff\xff\xff\xff",
    };
    struct tw_silences list = {0};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        if (tw_silences_read(&list, bad[i]) != -1)
            fail_msg("\"%s\" was taken", bad[i]);
        assert_int_equal(list.count, 0);
    }
    assert_int_equal(list.last_id, 0);
    tw_silences_free(&list);
}

static void a_text_that_ends_early_has_empty_lines(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    assert_int_equal(tw_silences_read(&list, "1 2 3\na"), 0);
    assert_string_equal(list.items[0].pattern, "a");
    assert_string_equal(list.items[0].by, "");
    assert_string_equal(list.items[0].note, "");
    tw_silences_free(&list);
}

static void texts_of_a_garbled_state_are_cut(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    char *text = tw_format("1 2 3\n%05000d\n%05000d\n%05000d", 0, 0, 0);
    assert_int_equal(tw_silences_read(&list, text), 0);
    assert_int_equal(strlen(list.items[0].pattern), TW_SILENCE_PATTERN_MAX);
    assert_int_equal(strlen(list.items[0].by), TW_SILENCE_BY_MAX);
    assert_int_equal(strlen(list.items[0].note), TW_SILENCE_NOTE_MAX);
    free(text);
    tw_silences_free(&list);
}

/* What strtoll(3) makes of it is INT64_MAX: there is no next number. */
static void the_greatest_number_in_a_garbled_state_does_no_harm(void **state)
{
    (void)state;
    struct tw_silences list = {0};
    tw_silences_read(&list, "99999999999999999999999 2 3\na\nroot\nnote");
    const struct tw_silence *silence = tw_silences_add(&list, "b", NOW, 10, "root", "");
    assert_non_null(silence);
    assert_true(silence->id > 0);
    tw_silences_free(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_fits_a_job_for_all_of_its_aspects_or_one_aspect),
        cmocka_unit_test(a_hostile_pattern_takes_no_time),
        cmocka_unit_test(numbers_grow_and_none_is_given_twice),
        cmocka_unit_test(there_is_a_most_and_then_none_is_added),
        cmocka_unit_test(texts_are_copied_and_cut),
        cmocka_unit_test(the_one_that_lasts_longest_keeps_quiet_until_its_end),
        cmocka_unit_test(what_is_over_is_given_one_by_one),
        cmocka_unit_test(a_clock_set_back_makes_none_longer),
        cmocka_unit_test(a_clock_that_goes_to_and_fro_makes_none_longer),
        cmocka_unit_test(silences_of_another_lifetime_of_the_clock_are_read_back),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(what_is_no_silence_is_refused_and_adds_nothing),
        cmocka_unit_test(a_text_that_ends_early_has_empty_lines),
        cmocka_unit_test(texts_of_a_garbled_state_are_cut),
        cmocka_unit_test(the_greatest_number_in_a_garbled_state_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
