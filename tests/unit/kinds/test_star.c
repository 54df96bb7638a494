/* Kind `service` with the title "*": every directory of svscan's, and names that are no titles. */
#include "kit.h"

static struct kit make_star(void)
{
    make_dir("service");
    return kit_make(tw_kind_find("service"), "*");
}

static void star_asks_for_each_directory(void **state)
{
    (void)state;
    struct kit kit = make_star();
    kit_check(&kit, TW_LEVEL_WARN, "empty", "there is no service in service");
    make_dir("service/smtp");
    make_dir("service/.hidden");
    kit_check(&kit, TW_LEVEL_OK, "ok", "1 service in service");
    make_dir("elsewhere");
    assert_int_equal(symlink("../elsewhere", "service/send"), 0);
    assert_int_equal(symlink("../nowhere", "service/dangling"), 0);
    put_text("service/file", "");
    kit_check(&kit, TW_LEVEL_OK, "ok", "2 services in service");
    assert_int_equal(kit.instances.count, 2);
    assert_true(tw_strings_has(&kit.instances, "smtp"));
    assert_true(tw_strings_has(&kit.instances, "send"));
    assert_true(tw_strings_has(&kit.dirs, "service *"));
    kit_free(&kit);
}

static void what_is_required_is_asked_for_always(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("service"), "*");
    static const char *const required[] = {"send", "smtp"};
    struct tw_error e;
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "require", required, 2, &e),
                     0);
    kit_check(&kit, TW_LEVEL_FAIL, "gone", "cannot read service: No such file");
    assert_int_equal(kit.instances.count, 2);
    put_text("service", "");
    kit_check(&kit, TW_LEVEL_FAIL, "gone", "Not a directory");
    unlink("service");
    assert_int_equal(symlink("service", "service"), 0);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "symbolic links");
    assert_true(tw_strings_has(&kit.instances, "send"));
    assert_true(tw_strings_has(&kit.dirs, "service *"));
    kit_free(&kit);
}

static void names_that_are_no_titles(void **state)
{
    (void)state;
    struct kit kit = make_star();
    make_dir("service/good");
    make_dir("service/a b");
    kit_check(&kit, TW_LEVEL_OK, "ok", "2 services");
    kit_expect(&kit, "names", TW_LEVEL_WARN, "bad-name",
               "not watched, for their names have what titles cannot have: \"a b\"");
    assert_int_equal(kit.instances.count, 1);
    char name[300] = "service/";
    memset(name + 8, 'x', 200);
    make_dir(name);
    make_dir("service/-dash");
    make_dir("service/new\nline");
    make_dir("service/\x1b[2J");
    make_dir("service/\xff");
    kit_check(&kit, TW_LEVEL_OK, "ok", "7 services");
    assert_int_equal(kit.instances.count, 1);
    assert_non_null(kit_find(&kit, "names"));
    assert_int_equal(kit_find(&kit, "names")->level, TW_LEVEL_WARN);
    kit_free(&kit);
}

static void ten_thousand_services(void **state)
{
    (void)state;
    struct kit kit = make_star();
    for (int i = 0; i < 10000; i++) {
        char name[40];
        snprintf(name, sizeof name, "service/s%d", i);
        make_dir(name);
    }
    kit_check(&kit, TW_LEVEL_OK, "ok", "10000 services");
    assert_int_equal(kit.instances.count, 10000);
    kit_free(&kit);
}

static void settings_that_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"good", "a b"};
    struct kit kit = kit_make(tw_kind_find("service"), "smtp");
    struct tw_error e;
    assert_int_equal(kit.kind->validate(kit.settings, "smtp", &e), 0);
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "require", bad, 1, &e), 0);
    assert_int_equal(kit.kind->validate(kit.settings, "*", &e), 0);
    assert_int_equal(kit.kind->validate(kit.settings, "smtp", &e), -1);
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "require", bad, 2, &e), 0);
    assert_int_equal(kit.kind->validate(kit.settings, "*", &e), -1);
    assert_non_null(strstr(e.text, "\"a b\""));
    kit_free(&kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(star_asks_for_each_directory), TEST(what_is_required_is_asked_for_always),
        TEST(names_that_are_no_titles),     TEST(ten_thousand_services),
        TEST(settings_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
