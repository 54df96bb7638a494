/* Windows, sections in sections, and keys that may be left out, in tables of options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/option.h"
#include "base/units.h"
#include "base/window.h"

struct inner {
    int64_t keep_s;
    char *mode;
};

struct settings {
    struct tw_window window;
    struct tw_sections rules;
    int64_t keep_s;
};

static const char *const modes[] = {"fast", "slow", NULL};

static const struct tw_option inner_options[] = {
    {"keep", TW_OPT_DURATION, offsetof(struct inner, keep_s), .flags = TW_OPT_MAY_BE_UNSET,
     .min = 1, .max = 1000},
    {"mode", TW_OPT_CHOICE, offsetof(struct inner, mode), .choices = modes},
    {NULL},
};

static int check_title(const char *title, struct tw_error *e)
{
    return strchr(title, '@') ? 0 : tw_fail(e, "\"%s\" has no @", title);
}

static const struct tw_option options[] = {
    {"window", TW_OPT_WINDOW, offsetof(struct settings, window)},
    {"rule", TW_OPT_SECTIONS, offsetof(struct settings, rules), .inner = inner_options,
     .inner_size = sizeof(struct inner), .check_title = check_title},
    {"keep", TW_OPT_DURATION, offsetof(struct settings, keep_s), .flags = TW_OPT_MAY_BE_UNSET},
    {NULL},
};

static int set(struct settings *s, const char *key, const char *a, const char *b, const char *c,
               struct tw_error *e)
{
    const char *const values[] = {a, b, c};
    return tw_options_set(options, s, key, values, (size_t)(!!a + !!b + !!c), e);
}

static void good(struct settings *s, const char *key, const char *a, const char *b, const char *c)
{
    struct tw_error e = {""};
    if (set(s, key, a, b, c, &e) != 0)
        fail_msg("%s", e.text);
}

static void copy_value(void *context, const char *key, const char *const *values, size_t count)
{
    struct tw_error e = {""};
    if (tw_options_set(options, context, key, values, count, &e) != 0)
        fail_msg("%s", e.text);
}

static void sections_travel_are_compared_and_written(void **state)
{
    (void)state;
    struct settings s = {0}, sent = {0};
    struct tw_buf out = {0};
    tw_options_init(options, &s);
    tw_options_init(options, &sent);
    good(&s, "window", "01:00-05:00", NULL, NULL);
    good(&s, "rule", "b@x", "keep", "5m");
    good(&s, "rule", "b@x", "mode", "slow");
    good(&s, "rule", "a\"@$x", NULL, NULL);
    good(&s, "rule", "c@x", "keep", "never");
    assert_int_equal(s.rules.count, 3);
    tw_options_each(options, &s, copy_value, &sent);
    assert_true(tw_options_equal(options, &s, &sent));
    tw_options_write(options, &s, "  ", false, &out);
    assert_string_equal(tw_buf_text(&out), "  window = \"01:00-05:00\"\n"
                                           "  rule \"b@x\" {\n"
                                           "      keep = \"5m\"\n"
                                           "      mode = \"slow\"\n"
                                           "  }\n"
                                           "  rule \"a\\\"@\\$x\" {\n"
                                           "  }\n"
                                           "  rule \"c@x\" {\n"
                                           "      keep = \"never\"\n"
                                           "  }\n");
    good(&sent, "rule", "c@x", "keep", "1m");
    assert_false(tw_options_equal(options, &s, &sent));
    good(&sent, "rule", "c@x", "keep", "never");
    assert_true(tw_options_equal(options, &s, &sent));
    good(&sent, "window", "01:00-05:01", NULL, NULL);
    assert_false(tw_options_equal(options, &s, &sent));
    good(&sent, "window", "01:00-05:00", NULL, NULL);
    good(&sent, "rule", "d@x", NULL, NULL);
    assert_false(tw_options_equal(options, &s, &sent));
    tw_buf_free(&out);
    tw_options_free(options, &s);
    tw_options_free(options, &sent);
}

static void not_written_is_not_never(void **state)
{
    (void)state;
    struct settings s = {0};
    struct tw_buf out = {0};
    tw_options_init(options, &s);
    assert_true(s.keep_s == TW_UNSET);
    tw_options_write(options, &s, "", false, &out);
    assert_string_equal(tw_buf_text(&out), "");
    good(&s, "keep", "never", NULL, NULL);
    assert_int_equal(s.keep_s, TW_NEVER);
    tw_options_write(options, &s, "", false, &out);
    assert_string_equal(tw_buf_text(&out), "keep = \"never\"\n");
    tw_buf_free(&out);
    tw_options_free(options, &s);
}

static void what_is_wrong_in_a_section_is_said_with_its_title(void **state)
{
    (void)state;
    struct settings s = {0};
    struct tw_error e = {""};
    tw_options_init(options, &s);
    assert_int_equal(set(&s, "rule", "none", "keep", "5m", &e), -1);
    assert_string_equal(e.text, "rule: \"none\" has no @");
    assert_int_equal(s.rules.count, 0);
    assert_int_equal(set(&s, "rule", "a@x", "keep", "0s", &e), -1);
    assert_non_null(strstr(e.text, "rule \"a@x\": keep: \"0s\" is too small"));
    assert_int_equal(set(&s, "rule", "a@x", "peek", "0s", &e), -1);
    assert_non_null(strstr(e.text, "unknown key \"peek\""));
    assert_int_equal(set(&s, "rule", NULL, NULL, NULL, &e), -1);
    assert_int_equal(set(&s, "window", "noon", NULL, NULL, &e), -1);
    assert_non_null(strstr(e.text, "window: \"noon\""));
    tw_options_free(options, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_travel_are_compared_and_written),
        cmocka_unit_test(not_written_is_not_never),
        cmocka_unit_test(what_is_wrong_in_a_section_is_said_with_its_title),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
