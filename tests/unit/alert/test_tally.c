/* What is added up between two reports: sums, the longest incidents, and all of it as a text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/tally.h"
#include "base/mem.h"

#define NOW 1795227165

static void add(struct tw_tally *tally, const char *what, const char *of, int64_t count,
                int64_t bytes)
{
    tw_tally_add(tally, &(struct tw_figure){what, of, count, bytes});
}

static void assert_sum(const struct tw_tally *tally, const char *what, int64_t count, int64_t bytes)
{
    const struct tw_figure sum = tw_tally_sum(tally, what);
    assert_string_equal(sum.what, what);
    assert_true(sum.count == count);
    assert_true(sum.bytes == bytes);
}

static void figures_of_one_name_are_added_and_stay_sorted(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    assert_sum(&tally, "expired", 0, 0);
    add(&tally, "learned", "b", 1, 10);
    add(&tally, "expired", "b", 2, 20);
    add(&tally, "expired", "a", 3, 30);
    add(&tally, "expired", "", 4, 40);
    add(&tally, "expired", "b", 5, 50);
    assert_int_equal(tally.figure_count, 4);
    static const char *const order[] = {"expired", "",  "expired", "a",
                                        "expired", "b", "learned", "b"};
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(tally.figures[i].what, order[2 * i]);
        assert_string_equal(tally.figures[i].of, order[2 * i + 1]);
    }
    assert_int_equal(tally.figures[2].count, 7);
    assert_sum(&tally, "expired", 14, 140);
    assert_sum(&tally, "learned", 1, 10);
    assert_sum(&tally, "expire", 0, 0);
    tw_tally_free(&tally);
}

static void sums_stop_at_the_greatest_number_and_never_shrink(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    add(&tally, "x", "a", INT64_MAX, INT64_MAX - 1);
    add(&tally, "x", "a", INT64_MAX, 5);
    add(&tally, "x", "b", 7, INT64_MAX);
    add(&tally, "x", "b", -5, INT64_MIN);
    assert_true(tally.figures[0].count == INT64_MAX && tally.figures[0].bytes == INT64_MAX);
    assert_int_equal(tally.figures[1].count, 7);
    assert_sum(&tally, "x", INT64_MAX, INT64_MAX);
    add(&tally, "new", "c", -1, -1);
    assert_sum(&tally, "new", 0, 0);
    tw_tally_free(&tally);
}

static void strings_are_copied(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    char what[] = "what", of[] = "of", aspect[] = "aspect";
    add(&tally, what, of, 1, 1);
    tw_tally_end(&tally, aspect, 1, 2, true);
    what[0] = of[0] = aspect[0] = 'X';
    assert_string_equal(tally.figures[0].what, "what");
    assert_string_equal(tally.figures[0].of, "of");
    assert_string_equal(tally.ends[0].aspect, "aspect");
    tw_tally_free(&tally);
}

static void domains_beyond_the_most_are_added_to_the_others(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    char of[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(of, sizeof of, "%d.example", i);
        add(&tally, i % 2 ? "expired" : "learned", of, 1, 2);
    }
    assert_in_range(tally.figure_count, TW_TALLY_FIGURES_MAX, TW_TALLY_FIGURES_MAX + 2);
    assert_sum(&tally, "expired", 2500, 5000);
    assert_sum(&tally, "learned", 2500, 5000);
    size_t others = 0;
    for (size_t i = 0; i < tally.figure_count; i++)
        if (strcmp(tally.figures[i].of, "others") == 0) {
            others++;
            assert_int_equal(tally.figures[i].count, 2000);
        }
    assert_int_equal(others, 2);
    add(&tally, "expired", "1.example", 1, 0); /* one that was there is still its own */
    assert_sum(&tally, "expired", 2501, 5000);
    tw_tally_free(&tally);
}

static void only_what_was_told_counts_as_an_incident(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    tw_tally_end(&tally, "a", NOW, NOW + 5, true);
    tw_tally_end(&tally, "b", NOW, NOW + 50, false);
    tw_tally_end(&tally, "c", NOW, NOW + 5, true);
    assert_int_equal(tally.over, 2);
    assert_int_equal(tally.blips, 1);
    assert_int_equal(tally.end_count, 2);
    assert_string_equal(tally.ends[0].aspect, "a");
    tw_tally_free(&tally);
}

static void the_longest_ends_are_kept_the_longest_first(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    char name[16];
    for (int i = 0; i < 1000; i++) {
        const int length = i * 7 % 1000; /* each length once, in no order */
        snprintf(name, sizeof name, "a%d", length);
        tw_tally_end(&tally, name, NOW, NOW + length, true);
    }
    assert_int_equal(tally.over, 1000);
    assert_int_equal(tally.end_count, TW_TALLY_ENDS_MAX);
    for (int i = 0; i < TW_TALLY_ENDS_MAX; i++) {
        snprintf(name, sizeof name, "a%d", 999 - i);
        assert_string_equal(tally.ends[i].aspect, name);
    }
    tw_tally_free(&tally);
}

static void an_end_before_its_begin_lasted_no_time(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    tw_tally_end(&tally, "back", NOW, NOW - 100000, true);
    tw_tally_end(&tally, "never", 0, INT64_MAX, true);
    tw_tally_end(&tally, "short", NOW, NOW + 1, true);
    assert_string_equal(tally.ends[0].aspect, "never");
    assert_string_equal(tally.ends[1].aspect, "short");
    assert_string_equal(tally.ends[2].aspect, "back");
    assert_int_equal(tally.ends[2].closed_s, NOW);
    tw_tally_free(&tally);
}

static void a_reset_leaves_only_its_time(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    add(&tally, "x", "a", 1, 1);
    tw_tally_end(&tally, "a", 1, 2, true);
    tw_tally_end(&tally, "a", 1, 2, false);
    tw_tally_reset(&tally, NOW);
    assert_int_equal(tally.since_s, NOW);
    assert_int_equal(tally.over + tally.blips, 0);
    assert_int_equal(tally.figure_count + tally.end_count, 0);
    assert_null(tally.figures);
    tw_tally_free(&tally);
    assert_int_equal(tally.since_s, 0);
}

static char *text_of(const struct tw_tally *tally)
{
    struct tw_buf out = {0};
    tw_tally_write(tally, &out);
    return tw_buf_take(&out);
}

static void assert_reads_back(const struct tw_tally *tally)
{
    struct tw_tally again = {0};
    char *text = text_of(tally);
    tw_tally_read(&again, text);
    char *second = text_of(&again);
    assert_string_equal(second, text);
    assert_int_equal(again.since_s, tally->since_s);
    assert_int_equal(again.over, tally->over);
    assert_int_equal(again.blips, tally->blips);
    assert_int_equal(again.figure_count, tally->figure_count);
    assert_int_equal(again.end_count, tally->end_count);
    free(text);
    free(second);
    tw_tally_free(&again);
}

static void what_was_written_is_read_back(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    char name[32];
    assert_reads_back(&tally);
    tw_tally_reset(&tally, NOW);
    add(&tally, "", "", 0, 0);
    add(&tally, "learned as spam", "\xc3\xbc.example", INT64_MAX, INT64_MAX);
    tw_tally_end(&tally, "", 0, INT64_MAX, true);
    for (int i = 0; i < TW_TALLY_FIGURES_MAX - 2; i++) {
        snprintf(name, sizeof name, "%d.example", i);
        add(&tally, "expired", name, i, i);
        tw_tally_end(&tally, name, NOW, NOW + i, i % 3 > 0);
    }
    assert_reads_back(&tally);
    tw_tally_free(&tally);
}

static void a_full_one_is_read_back_with_its_others(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    char name[32];
    for (int i = 0; i < 3000; i++) {
        snprintf(name, sizeof name, "%d.example", i);
        add(&tally, i % 2 ? "expired" : "learned", name, i, i);
    }
    assert_reads_back(&tally);
    tw_tally_free(&tally);
}

static void hostile_names_become_no_lines_and_fields(void **state)
{
    (void)state;
    struct tw_tally tally = {0}, again = {0};
    add(&tally, "a\tb", "c\nfigure\t9\t9\tx\ty", 1, 2);
    tw_tally_end(&tally, "e\nend\t1\t99\tf\r\x01", 5, 7, true);
    char *text = text_of(&tally);
    tw_tally_read(&again, text);
    assert_int_equal(again.figure_count, 1);
    assert_string_equal(again.figures[0].what, "a b");
    assert_string_equal(again.figures[0].of, "c figure 9 9 x y");
    assert_int_equal(again.end_count, 1);
    assert_string_equal(again.ends[0].aspect, "e end 1 99 f  ");
    free(text);
    tw_tally_free(&tally);
    tw_tally_free(&again);
}

static void lines_that_make_no_sense_are_passed_over(void **state)
{
    (void)state;
    static const char *const garbled[] = {"",
                                          "\t",
                                          "figure",
                                          "figure\t",
                                          "figure\t1",
                                          "figure\t1\t2",
                                          "figure\t1\t2\t",
                                          "figure\t1\t2\twhat",
                                          "figure\t-1\t2\twhat\tof",
                                          "figure\t1\t-2\twhat\tof",
                                          "figure\tx\t2\twhat\tof",
                                          "figure\t1\tx\twhat\tof",
                                          "figure\t\twhat\tof",
                                          "figures\t1\t2\twhat\tof",
                                          " figure\t1\t2\twhat\tof",
                                          "end",
                                          "end\t1",
                                          "end\t1\t2",
                                          "end\t-1\t2\ta",
                                          "ends\t1\t2\ta",
                                          "\xff\xfe\t1\t2\ta\tb"};
    for (size_t i = 0; i < TW_COUNT(garbled); i++) {
        struct tw_tally tally = {0};
        char *text =
            tw_format("5\t6\t7\n%s\nfigure\t1\t2\tw\to\n%s\nend\t1\t2\ta", garbled[i], garbled[i]);
        tw_tally_read(&tally, text);
        assert_int_equal(tally.since_s + tally.over + tally.blips, 18);
        if (tally.figure_count != 1 || tally.end_count != 1)
            fail_msg("\"%s\" was taken", garbled[i]);
        free(text);
        tw_tally_free(&tally);
    }
}

static void a_garbled_begin_leaves_it_empty(void **state)
{
    (void)state;
    static const char *const garbled[] = {"", "x", "\n", "-1\t2\t3", "1\t-2\t3", "1\t2\t-3\n"};
    for (size_t i = 0; i < TW_COUNT(garbled); i++) {
        struct tw_tally tally = {0};
        tw_tally_read(&tally, garbled[i]);
        assert_int_equal(tally.since_s + tally.over + tally.blips, 0);
        assert_int_equal(tally.figure_count + tally.end_count, 0);
        tw_tally_free(&tally);
    }
}

static void more_ends_than_are_kept_are_no_harm(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    struct tw_buf text = {0};
    tw_buf_puts(&text, "1\t2\t3\n");
    for (int i = 0; i < 2000; i++)
        tw_buf_printf(&text, "end\t0\t%d\ta%d\nfigure\t1\t1\tw\t%d\n", i, i, i);
    tw_tally_read(&tally, tw_buf_text(&text));
    assert_int_equal(tally.end_count, TW_TALLY_ENDS_MAX);
    assert_string_equal(tally.ends[0].aspect, "a1999");
    assert_in_range(tally.figure_count, TW_TALLY_FIGURES_MAX, TW_TALLY_FIGURES_MAX + 1);
    assert_sum(&tally, "w", 2000, 2000);
    tw_buf_free(&text);
    tw_tally_free(&tally);
}

/* What strtoll(3) makes of it is INT64_MAX: it cannot be counted on from there. */
static void the_greatest_numbers_in_a_garbled_state_do_no_harm(void **state)
{
    (void)state;
    struct tw_tally tally = {0};
    tw_tally_read(&tally, "99999999999999999999\t99999999999999999999\t99999999999999999999\n"
                          "figure\t99999999999999999999\t99999999999999999999\tw\to\n"
                          "end\t99999999999999999999\t99999999999999999999\ta\n");
    add(&tally, "w", "o", 1, 1);
    tw_tally_end(&tally, "a", 1, 2, true);
    tw_tally_end(&tally, "a", 1, 2, false);
    assert_true(tally.over > 0);
    assert_true(tally.blips > 0);
    tw_tally_free(&tally);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_of_one_name_are_added_and_stay_sorted),
        cmocka_unit_test(sums_stop_at_the_greatest_number_and_never_shrink),
        cmocka_unit_test(strings_are_copied),
        cmocka_unit_test(domains_beyond_the_most_are_added_to_the_others),
        cmocka_unit_test(only_what_was_told_counts_as_an_incident),
        cmocka_unit_test(the_longest_ends_are_kept_the_longest_first),
        cmocka_unit_test(an_end_before_its_begin_lasted_no_time),
        cmocka_unit_test(a_reset_leaves_only_its_time),
        cmocka_unit_test(what_was_written_is_read_back),
        cmocka_unit_test(a_full_one_is_read_back_with_its_others),
        cmocka_unit_test(hostile_names_become_no_lines_and_fields),
        cmocka_unit_test(lines_that_make_no_sense_are_passed_over),
        cmocka_unit_test(a_garbled_begin_leaves_it_empty),
        cmocka_unit_test(more_ends_than_are_kept_are_no_harm),
        cmocka_unit_test(the_greatest_numbers_in_a_garbled_state_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
