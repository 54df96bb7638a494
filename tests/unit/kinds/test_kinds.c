/* The table of kinds, and what holds for every row of it. */
#include "kit.h"

static void each_kind_is_found_by_its_name(void **state)
{
    (void)state;
    for (size_t i = 0; tw_kinds[i]; i++) {
        assert_ptr_equal(tw_kind_find(tw_kinds[i]->name), tw_kinds[i]);
        assert_true(tw_title_valid(tw_kinds[i]->name));
        assert_null(strchr(tw_kinds[i]->name, '.')); /* a job is KIND.TITLE */
    }
    assert_null(tw_kind_find("proces"));
    assert_null(tw_kind_find("processes"));
    assert_null(tw_kind_find("Process"));
    assert_null(tw_kind_find(""));
}

static void take_value(void *context, const char *key, const char *const *values, size_t count)
{
    struct kit *kit = context;
    struct tw_error e = {""};
    if (tw_options_set(kit->kind->options, kit->settings, key, values, count, &e) != 0)
        fail_msg("%s: %s", kit->kind->name, e.text);
}

/* Keys lie within the settings, none twice, defaults are valid, and what is written out of one
 * settings makes an equal one. */
static void the_option_tables_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; tw_kinds[i]; i++) {
        const struct tw_kind *kind = tw_kinds[i];
        struct kit kit = kit_make(kind, "t"), copy = kit_make(kind, "t");
        for (const struct tw_option *o = kind->options; o->key; o++) {
            assert_ptr_equal(tw_options_find(kind->options, o->key), o);
            assert_true(o->offset < kind->settings_size);
            if (o->type == TW_OPT_PATH)
                kit_set(&kit, o->key, "/a/path");
        }
        assert_true(tw_options_equal(kind->options, kit.settings, kit.settings));
        tw_options_each(kind->options, kit.settings, take_value, &copy);
        assert_true(tw_options_equal(kind->options, kit.settings, copy.settings));
        kit_free(&kit);
        kit_free(&copy);
    }
}

/* Else toasterctl could not show them. */
static void a_kind_that_tells_says_which_rows(void **state)
{
    (void)state;
    for (size_t i = 0; tw_kinds[i]; i++)
        assert_int_equal(tw_kinds[i]->tell != NULL, tw_kinds[i]->tells != TW_TELLS_NOTHING);
}

/* The common keys of a check are no kind's own. */
static void no_kind_takes_a_common_key(void **state)
{
    (void)state;
    static const char *const common[] = {"every", "timeout", "fail_after", "ok_after"};
    for (size_t i = 0; tw_kinds[i]; i++)
        for (size_t k = 0; k < TW_COUNT(common); k++)
            assert_null(tw_options_find(tw_kinds[i]->options, common[k]));
}

static void titles(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "qmail-send", "imaps@993", "A.b_c-D", "0", "@x", "_"};
    static const char *const bad[] = {"",    ".",    ".hidden", "-x", "*",     "a b", "a/b",
                                      "a\n", "a\tb", "\"",      "ä",  "a\x1b", "a;b", "a:b"};
    char name[70];
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_true(tw_title_valid(good[i]));
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_false(tw_title_valid(bad[i]));
    memset(name, 'x', sizeof name);
    name[65] = '\0';
    assert_false(tw_title_valid(name));
    name[64] = '\0';
    assert_true(tw_title_valid(name));
}

static void levels_have_names(void **state)
{
    (void)state;
    assert_string_equal(tw_level_name(TW_LEVEL_NONE), "none");
    assert_string_equal(tw_level_name(TW_LEVEL_OK), "ok");
    assert_string_equal(tw_level_name(TW_LEVEL_WARN), "warn");
    assert_string_equal(tw_level_name(TW_LEVEL_FAIL), "fail");
    assert_string_equal(tw_level_name(TW_LEVEL_UNKNOWN), "unknown");
}

static void where_nothing_is_said_a_worker_runs_it(void **state)
{
    (void)state;
    const struct tw_kind kind = {.name = "none"};
    assert_int_equal(tw_kind_place(&kind, NULL, "x"), TW_PLACE_WORKER);
}

static void a_report_may_be_long(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("file"), "x");
    const struct tw_sink sink = {.finding = kit_on_finding, .context = &kit};
    char name[] = "file.x";
    const struct tw_run run = kit_describe(&kit, name, &sink);
    char *text = tw_alloc(100001);
    memset(text, '%', 100000);
    tw_report(&run, TW_LEVEL_WARN, "size", "code", "%s", text);
    kit_expect(&kit, "size", TW_LEVEL_WARN, "code", text);
    free(text);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_is_found_by_its_name),
        cmocka_unit_test(the_option_tables_are_sound),
        cmocka_unit_test(a_kind_that_tells_says_which_rows),
        cmocka_unit_test(no_kind_takes_a_common_key),
        cmocka_unit_test(titles),
        cmocka_unit_test(levels_have_names),
        cmocka_unit_test(where_nothing_is_said_a_worker_runs_it),
        cmocka_unit_test(a_report_may_be_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
