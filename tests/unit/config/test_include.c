/* Which files are read: includes, owners, modes, and what is no file. */
#include "files.h"

/* main.conf with an include of a name or pattern in the test's directory, on its second line. */
static void write_main(void **state, const char *pattern, const char *more)
{
    char *text = tw_format("# main\ninclude(\"%s/%s\")\n%s", (const char *)*state, pattern, more);
    files_write(state, "main.conf", text);
    free(text);
}

static void every_match_is_taken_in_whatever_number(void **state)
{
    for (int i = 0; i < 30; i++) {
        char *name = tw_format("i%02d.inc", i);
        char *text = tw_format("process \"p%d\" { min = %d }\n", i, i + 1);
        files_write(state, name, text);
        free(name);
        free(text);
    }
    files_write(state, "not-this.inc~", "nonsense");
    files_write(state, ".hidden.inc", "nonsense");
    write_main(state, "*.inc", "process \"main\" { }\n");
    struct tw_config *c = files_load(state, "main.conf");
    assert_int_equal(c->job_count, 31);
    files_key_is(c, "process.p0", "min", "1");
    files_key_is(c, "process.p29", "min", "30");
    tw_config_free(&c);
}

static void an_include_may_hold_anything_but_an_include(void **state)
{
    files_write(state, "a.inc", "verbose = yes\nalert { max_per_hour = 9 }\n");
    files_write(state, "b.inc", "");
    write_main(state, "*.inc", "defaults { every = \"9s\" }\nalert { group_wait = \"1s\" }\n");
    struct tw_config *c = files_load(state, "main.conf");
    assert_true(c->verbose);
    assert_int_equal(c->alert.max_per_hour, 9);
    assert_int_equal(c->alert.group_wait_s, 1);
    tw_config_free(&c);
    files_write(state, "b.inc", "\ninclude(\"/nowhere/*.inc\")\n");
    files_refused(state, "b.inc:2: ", "includes do not nest", NULL);
}

static void a_pattern_without_a_match_is_no_error_but_a_missing_name_is(void **state)
{
    write_main(state, "*.inc", "");
    struct tw_config *c = files_load(state, "main.conf");
    tw_config_free(&c);
    write_main(state, "no/such/directory/*.inc", "");
    c = files_load(state, "main.conf");
    tw_config_free(&c);
    write_main(state, "local.inc", "");
    files_refused(state, "main.conf:2: ", "local.inc", "No such file", NULL);
}

static void a_file_that_includes_itself_is_refused(void **state)
{
    write_main(state, "*.conf", "");
    files_refused(state, "main.conf:2: ", "includes do not nest", NULL);
    write_main(state, "main.conf", "");
    files_refused(state, "main.conf:2: ", "includes do not nest", NULL);
}

static void two_files_that_include_each_other_are_refused(void **state)
{
    char *text = tw_format("include(\"%s/main.conf\")\n", (const char *)*state);
    files_write(state, "a.inc", text);
    free(text);
    write_main(state, "a.inc", "");
    files_refused(state, "a.inc:1: ", "includes do not nest", NULL);
}

static void an_error_in_an_include_names_that_file_and_line(void **state)
{
    write_main(state, "*.inc", "process \"x\" { }\n");
    files_write(state, "z.inc", "process \"z\" { }\n");
    files_write(state, "a.inc", "# a\n\nprocess \"open\" {\n  min = 1\n");
    files_refused(state, "a.inc:3: ", "never closed", NULL);
    files_write(state, "a.inc", "process \"a\" { min = 1\n mni = 1 }\n");
    files_refused(state, "a.inc:2: ", "'mni'", "process.a", NULL);
    files_write(state, "a.inc", "defaults {\n\nevery = \"14\" }\n");
    files_refused(state, "a.inc:3: ", "every", NULL);
}

static void a_title_in_two_files_names_both_places(void **state)
{
    write_main(state, "*.inc", "\nprocess \"x\" { }\n");
    files_write(state, "a.inc", "# a\nprocess \"y\" { }\nprocess \"x\" { }\n");
    files_refused(state, "a.inc:3: process.x", "main.conf:4", NULL);
    files_write(state, "a.inc", "process \"y\" { }\n");
    files_write(state, "b.inc", "\nprocess \"y\" { }\n");
    files_refused(state, "b.inc:2: process.y", "a.inc:1", NULL);
}

static void a_key_in_two_files_names_both_places(void **state)
{
    write_main(state, "*.inc", "verbose = yes\n");
    files_write(state, "a.inc", "verbose = no\n");
    files_refused(state, "a.inc:1: verbose", "main.conf:3", NULL);
}

static void an_include_is_a_call_with_one_full_path(void **state)
{
    files_bad(state, "\ninclude(\"conf.d/*\")\n", ":2: ", "must begin with '/'");
    files_bad(state, "include(\"\")\n", ":1: ", "must begin with '/'");
    files_bad(state, "include()\n", ":1: ", "one pattern");
    files_bad(state, "include(\"/a/*\", \"/b/*\")\n", ":1: ", "one pattern");
    files_bad(state, "include = \"/a/*\"\n", ":1: ", "include");
    files_bad(state, "include \"/a/*\"\n", ":1: ", "include");
}

static void a_file_that_others_can_write_is_refused(void **state)
{
    static const mode_t modes[] = {0620, 0602, 0666, 0622, 0777};
    files_write(state, "main.conf", "");
    for (size_t i = 0; i < TW_COUNT(modes); i++) {
        files_chmod(state, "main.conf", modes[i]);
        files_refused(state, "main.conf", "writable by others", NULL);
    }
    files_chmod(state, "main.conf", 0644);
    write_main(state, "*.inc", "");
    files_write(state, "a.inc", "");
    files_chmod(state, "a.inc", 0660);
    files_refused(state, "a.inc", "writable by others", NULL);
}

static void a_file_of_someone_else_is_refused(void **state)
{
    if (geteuid() != 0)
        skip();
    files_write(state, "main.conf", "");
    char *path = files_path(state, "main.conf");
    assert_int_equal(chown(path, 12345, 0), 0);
    free(path);
    files_refused(state, "main.conf", "uid 12345", NULL);
}

static void a_file_that_cannot_be_read_is_refused(void **state)
{
    if (geteuid() == 0)
        skip();
    files_write(state, "main.conf", "");
    files_chmod(state, "main.conf", 0);
    files_refused(state, "main.conf", "Permission denied", NULL);
}

static void a_directory_of_includes_that_cannot_be_read_is_refused(void **state)
{
    if (geteuid() == 0)
        skip();
    char *path = files_path(state, "d");
    assert_int_equal(mkdir(path, 0), 0);
    write_main(state, "d/*.inc", "");
    files_refused(state, "main.conf:2: ", "cannot read", NULL);
    free(path);
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
    char *path = files_path(state, "main.conf");
    files_refused(state, "main.conf", "No such file", NULL);
    assert_int_equal(mkdir(path, 0700), 0);
    files_refused(state, "main.conf", "is a directory", NULL);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(mkfifo(path, 0600), 0);
    files_refused(state, "main.conf", "not a regular file", NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    files_refused(state, "main.conf", "not a regular file", NULL);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("main.conf", path), 0);
    files_refused(state, "main.conf", "cannot open", NULL);
    assert_int_equal(unlink(path), 0);
    free(path);
    write_main(state, "*.inc", "");
    path = files_path(state, "a.inc");
    assert_int_equal(mkfifo(path, 0600), 0);
    files_refused(state, "a.inc", "not a regular file", NULL);
    free(path);
}

static void a_link_is_followed_and_its_target_judged(void **state)
{
    char *path = files_path(state, "main.conf");
    assert_int_equal(symlink("target", path), 0);
    files_refused(state, "main.conf", "No such file", NULL);
    files_write(state, "target", "verbose = yes\n");
    struct tw_config *c = files_load(state, "main.conf");
    assert_true(c->verbose);
    tw_config_free(&c);
    files_chmod(state, "target", 0666);
    files_refused(state, "main.conf", "writable by others", NULL);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(every_match_is_taken_in_whatever_number),
        files_test(an_include_may_hold_anything_but_an_include),
        files_test(a_pattern_without_a_match_is_no_error_but_a_missing_name_is),
        files_test(a_file_that_includes_itself_is_refused),
        files_test(two_files_that_include_each_other_are_refused),
        files_test(an_error_in_an_include_names_that_file_and_line),
        files_test(a_title_in_two_files_names_both_places),
        files_test(a_key_in_two_files_names_both_places),
        files_test(an_include_is_a_call_with_one_full_path),
        files_test(a_file_that_others_can_write_is_refused),
        files_test(a_file_of_someone_else_is_refused),
        files_test(a_file_that_cannot_be_read_is_refused),
        files_test(a_directory_of_includes_that_cannot_be_read_is_refused),
        files_test(what_is_no_file_is_refused_without_waiting),
        files_test(a_link_is_followed_and_its_target_judged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
