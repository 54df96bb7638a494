/* Problems are counted by sort, travel as frames, and become one finding an aspect. */
#include "toaster/scratch.h"

#include "kinds/problems.h"

enum { TYPE = 9 };

static size_t take_all(struct tw_problems *problems, const struct tw_buf *in)
{
    struct tw_frame frame;
    size_t at = 0, refused = 0;
    while (tw_frame_next(in, &at, 1 << 20, &frame) > 0)
        refused += tw_problem_take(problems, &frame) != 0;
    return refused;
}

static void sorts_are_counted_and_the_first_texts_kept(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    struct tw_problems problems = {0};
    for (int i = 0; i < 20; i++)
        tw_problem_put(&out, TYPE, i % 2 ? "missing" : "link", "a text", i == 1 ? 4 : 0);
    assert_int_equal(take_all(&problems, &out), 0);
    assert_int_equal(problems.count, 2);
    assert_int_equal(problems.sorts[1].count, 14);
    assert_int_equal(problems.sorts[1].texts.count, 5);
    assert_int_equal(tw_problems_total(&problems), 24);
    tw_problems_free(&problems);
    tw_buf_free(&out);
}

static void nonsense_is_refused_and_overflows_nothing(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    struct tw_problems problems = {0};
    tw_problem_put(&out, TYPE, "x", "negative", -1);
    tw_problem_put(&out, TYPE, "x", "too many", INT64_MAX);
    assert_int_equal(take_all(&problems, &out), 2);
    tw_buf_clear(&out);
    tw_problem_put(&out, TYPE, "x", "many", (int64_t)1 << 48);
    for (int i = 0; i < 100000; i++) /* each by itself could be */
        (void)take_all(&problems, &out);
    assert_true(tw_problems_total(&problems) > 0);
    tw_problems_free(&problems);
    unsigned seed = 7;
    for (int round = 0; round < 2000; round++) {
        struct tw_buf bad = {0};
        tw_buf_add(&bad, out.data, out.len);
        for (int i = 0; i < 3; i++)
            bad.data[(size_t)rand_r(&seed) % bad.len] = (char)(rand_r(&seed) % 256);
        take_all(&problems, &bad);
        tw_buf_free(&bad);
    }
    tw_problems_free(&problems);
    tw_buf_free(&out);
}

struct seen {
    enum tw_level level;
    char code[32], text[256];
};

static void on_finding(void *context, const struct tw_finding *finding)
{
    struct seen *seen = context;
    seen->level = finding->level;
    snprintf(seen->code, sizeof seen->code, "%s", finding->code);
    snprintf(seen->text, sizeof seen->text, "%s", finding->text);
}

static void the_gravest_of_an_aspect_is_its_finding(void **state)
{
    (void)state;
    static const struct tw_problem_rule rules[] = {{"odd", "folders", TW_LEVEL_WARN},
                                                   {"bad", "folders", TW_LEVEL_FAIL},
                                                   {"gone", "mailboxes", TW_LEVEL_FAIL}};
    struct seen seen = {0};
    const struct tw_sink sink = {.finding = on_finding, .context = &seen};
    const struct tw_run run = {.name = "learn.x", .sink = &sink};
    struct tw_problems problems = {0};
    struct tw_strings lines = {0};
    tw_problems_report(&run, &problems, rules, 3, "folders", "all well", &lines);
    assert_int_equal(seen.level, TW_LEVEL_OK);
    assert_string_equal(seen.text, "all well");
    tw_problems_add(&problems, "odd", "an odd one", 1);
    tw_problems_add(&problems, "bad", "a bad one", 0);
    tw_problems_tell(&problems, "gone", "not there");
    tw_problems_report(&run, &problems, rules, 3, "folders", "all well", &lines);
    assert_int_equal(seen.level, TW_LEVEL_FAIL);
    assert_string_equal(seen.code, "bad");
    assert_string_equal(seen.text, "a bad one (and 2 more)");
    assert_int_equal(lines.count, 2);
    assert_string_equal(lines.items[0], "folders an odd one");
    tw_strings_free(&lines);
    tw_problems_free(&problems);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorts_are_counted_and_the_first_texts_kept),
        cmocka_unit_test(nonsense_is_refused_and_overflows_nothing),
        cmocka_unit_test(the_gravest_of_an_aspect_is_its_finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
