/* Where things are, on machines made by hand. */
#include "toaster/scratch.h"

#include "setup/paths.h"

/* Makes a directory with its parents, below the test's own. */
static void make_way(const char *path)
{
    char *copy = tw_strdup(path);
    for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(copy, 0755);
        *slash = '/';
    }
    make_dir(path);
    free(copy);
}

static void look_at(struct tw_path paths[TW_PATHS], void **state, const char *file,
                    const struct tw_config *config)
{
    tw_paths_find(paths, *state, file, config);
}

static void is(const struct tw_path *path, const char *where, bool found, const char *source)
{
    assert_string_equal(path->path, where);
    assert_int_equal(path->found, found);
    assert_string_equal(tw_path_source_name(path->source), source);
}

static void on_a_bare_machine_all_is_a_fallback(void **state)
{
    struct tw_path paths[TW_PATHS];
    look_at(paths, state, NULL, NULL);
    is(&paths[TW_PATH_CONF], "/etc", false, "fallback");
    is(&paths[TW_PATH_LOGS], "/var/log/mail", false, "fallback");
    is(&paths[TW_PATH_HTDOCS], "/var/www/html", false, "fallback");
    is(&paths[TW_PATH_CGI_BIN], "/var/www/cgi-bin", false, "fallback");
    is(&paths[TW_PATH_QMAIL], "/var/qmail", false, "fallback");
    is(&paths[TW_PATH_SUPERVISE], "/var/qmail/supervise", false, "fallback");
    is(&paths[TW_PATH_SERVICE], "/var/service", false, "fallback");
    assert_string_equal(paths[TW_PATH_HTDOCS].what, "htdocs");
    assert_int_equal(paths[TW_PATH_HTDOCS].tried.count, 6);
    tw_paths_clear(paths);
}

static void the_first_place_that_is_there_counts(void **state)
{
    static const char *const later_first[] = {
        "usr/local/www/data",          "var/www/html",
        "Library/Webserver/Documents", "usr/local/www/mail",
        "usr/local/www/data/mail",     "usr/local/www/toaster"};
    struct tw_path paths[TW_PATHS];
    for (size_t i = 0; i < TW_COUNT(later_first); i++) {
        char *want = tw_format("/%s", later_first[i]);
        if (access(later_first[i], F_OK) != 0)
            make_way(later_first[i]);
        look_at(paths, state, NULL, NULL);
        is(&paths[TW_PATH_HTDOCS], want, true, "place");
        assert_int_equal(paths[TW_PATH_HTDOCS].tried.count, TW_COUNT(later_first) - i);
        tw_paths_clear(paths);
        free(want);
    }
}

static void services_and_supervise_directories_have_old_places_too(void **state)
{
    struct tw_path paths[TW_PATHS];
    make_dir("supervise");
    make_dir("service");
    look_at(paths, state, NULL, NULL);
    is(&paths[TW_PATH_SUPERVISE], "/supervise", true, "place");
    is(&paths[TW_PATH_SERVICE], "/service", true, "place");
    tw_paths_clear(paths);
    make_way("var/supervise");
    make_dir("var/service");
    look_at(paths, state, NULL, NULL);
    is(&paths[TW_PATH_SUPERVISE], "/var/supervise", true, "place");
    is(&paths[TW_PATH_SERVICE], "/var/service", true, "place");
    tw_paths_clear(paths);
}

static void a_file_is_no_directory(void **state)
{
    struct tw_path paths[TW_PATHS];
    make_way("var/www");
    put_text("var/www/html", "");
    assert_int_equal(mkfifo("var/qmail", 0644), 0);
    look_at(paths, state, NULL, NULL);
    is(&paths[TW_PATH_HTDOCS], "/var/www/html", false, "fallback");
    is(&paths[TW_PATH_QMAIL], "/var/qmail", false, "fallback");
    tw_paths_clear(paths);
}

static struct tw_config made_up(void)
{
    return (struct tw_config){
        .qmail = {.dir = "/q", .supervise = "/q/s", .service = "/sv", .log = "/l"},
        .web = {.htdocs = "/w"}};
}

static void what_the_configuration_says_comes_first(void **state)
{
    const struct tw_config config = made_up();
    struct tw_path paths[TW_PATHS];
    make_way("q/s");
    make_dir("sv");
    make_dir("l");
    make_dir("w");
    make_way("var/www/html");
    make_way("var/www/cgi-bin");
    make_dir("service");
    look_at(paths, state, NULL, &config);
    is(&paths[TW_PATH_LOGS], "/l", true, "configuration");
    is(&paths[TW_PATH_HTDOCS], "/w", true, "configuration");
    is(&paths[TW_PATH_CGI_BIN], "/var/www/cgi-bin", true, "place");
    is(&paths[TW_PATH_QMAIL], "/q", true, "configuration");
    is(&paths[TW_PATH_SUPERVISE], "/q/s", true, "configuration");
    is(&paths[TW_PATH_SERVICE], "/sv", true, "configuration");
    assert_string_equal(paths[TW_PATH_SERVICE].key, "qmail.service");
    tw_paths_clear(paths);
}

static void what_it_says_and_is_not_there_is_told(void **state)
{
    const struct tw_config config = made_up();
    struct tw_path paths[TW_PATHS];
    make_way("var/www/html");
    make_dir("service");
    look_at(paths, state, NULL, &config);
    is(&paths[TW_PATH_LOGS], "/l", false, "configuration");
    is(&paths[TW_PATH_HTDOCS], "/w", false, "configuration"); /* never another one than was said */
    is(&paths[TW_PATH_SERVICE], "/service", true, "fallback");
    assert_string_equal(paths[TW_PATH_SERVICE].configured, "/sv");
    assert_int_equal(paths[TW_PATH_SERVICE].tried.count, 3);
    tw_paths_clear(paths);
}

static void the_configuration_is_where_its_file_is(void **state)
{
    struct tw_path paths[TW_PATHS];
    make_way("opt/local/etc");
    put_text("opt/local/etc/toaster-watcher.conf", "");
    look_at(paths, state, NULL, NULL);
    is(&paths[TW_PATH_CONF], "/opt/local/etc", true, "place");
    tw_paths_clear(paths);
    make_dir("x");
    look_at(paths, state, "/x/y.conf", NULL);
    is(&paths[TW_PATH_CONF], "/x", true, "configuration");
    tw_paths_clear(paths);
    look_at(paths, state, "y.conf", NULL);
    is(&paths[TW_PATH_CONF], ".", true, "configuration");
    tw_paths_clear(paths);
}

#define test(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(on_a_bare_machine_all_is_a_fallback),
        test(the_first_place_that_is_there_counts),
        test(services_and_supervise_directories_have_old_places_too),
        test(a_file_is_no_directory),
        test(what_the_configuration_says_comes_first),
        test(what_it_says_and_is_not_there_is_told),
        test(the_configuration_is_where_its_file_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
