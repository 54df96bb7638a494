/* Who reads the mail for postmaster and root. */
#include "setup/world.h"

/* Who gets it: an address, or "?" and why not, or "" where nothing is there. */
static void goes(void **state, const char *want)
{
    struct tw_machine m;
    world_look(&m, state);
    const char *got = m.postmaster.address ? m.postmaster.address : m.postmaster.source ? "?" : "";
    assert_string_equal(got, want);
    if (strcmp(want, "?") == 0)
        assert_non_null(m.postmaster.why);
    tw_machine_free(&m);
}

static void alias(const char *name, const char *text)
{
    char *path = tw_format("var/qmail/alias/.qmail-%s", name);
    world_file(path, text, 0644);
    free(path);
}

static int make_qmail(void **state)
{
    const int result = scratch_make(state);
    world_file("var/qmail/control/me", "mx.example.com\n", 0644);
    world_way("var/qmail/alias/");
    return result;
}

static void without_a_word_it_cannot_be_told(void **state)
{
    goes(state, "");
}

static void an_address_is_taken(void **state)
{
    alias("postmaster", "# who\n|true\n&pm@example.com\nother@example.com\n");
    goes(state, "pm@example.com");
}

static void a_name_is_followed(void **state)
{
    alias("postmaster", "root\n");
    alias("root", "&joe:smith\n");
    goes(state, "?"); /* no address that the configuration takes */
    alias("root", "joe\n");
    goes(state, "joe@mx.example.com");
    alias("joe", "joe@example.net");
    goes(state, "joe@example.net");
}

static void what_is_delivered_right_there_is_postmasters_own(void **state)
{
    alias("postmaster", "./Maildir/\n");
    goes(state, "postmaster@mx.example.com");
}

static void what_names_nobody_is_no_answer(void **state)
{
    alias("postmaster", "# nothing\n");
    goes(state, "?");
    alias("postmaster", "");
    goes(state, "?");
}

static void a_circle_ends(void **state)
{
    alias("postmaster", "root\n");
    alias("root", "postmaster\n");
    goes(state, "?");
}

static void what_would_bend_a_letter_is_no_answer(void **state)
{
    alias("postmaster", "&a\"b@example.com\n");
    goes(state, "?");
    alias("postmaster", "&-f@example.com\n");
    goes(state, "?");
    alias("postmaster", "&x/../../etc/passwd\n");
    goes(state, "x/../../etc/passwd@mx.example.com"); /* a name, and no path */
}

/* Where hard links to others' files are allowed, what is read as root may be anybody's secret. */
static void nothing_is_quoted_that_is_no_address(void **state)
{
    static const char *const secrets[] = {"root:$6$salt$hash@:20000:0:99999:7:::\n",
                                          "root:$6$salt$hash:20000:0:99999:7:::\n"};
    for (size_t i = 0; i < TW_COUNT(secrets); i++) {
        struct tw_machine m;
        alias("postmaster", secrets[i]);
        world_look(&m, state);
        assert_null(m.postmaster.address);
        assert_null(strstr(m.postmaster.why, "hash"));
        assert_null(strstr(m.postmaster.source, "hash"));
        tw_machine_free(&m);
    }
}

static void a_link_is_not_followed(void **state)
{
    put_text("secret", "pm@example.com\n");
    assert_int_equal(symlink("../../../secret", "var/qmail/alias/.qmail-postmaster"), 0);
    goes(state, "?");
}

static void etc_aliases_is_read_too(void **state)
{
    world_file("etc/aliases", "# postmaster: no@example.com\nPostmaster : root, more\nroot:\tjoe\n",
               0644);
    goes(state, "joe@mx.example.com");
    world_file("etc/aliases", "postmaster: \"root\"\nroot: admin@example.org ,x\r\n", 0644);
    goes(state, "admin@example.org");
    world_file("etc/aliases", "postmaster: |/bin/x\n", 0644);
    goes(state, "?");
    world_file("etc/aliases", "postmaster: root\nroot: postmaster\n", 0644);
    goes(state, "?");
    world_file("etc/aliases", "postmaster:\n", 0644);
    goes(state, "?");
    world_file("etc/aliases", "other: x@example.com\n", 0644);
    goes(state, "");
    alias("postmaster", "pm@example.com\n"); /* qmail's come first */
    goes(state, "pm@example.com");
}

#define test(name) cmocka_unit_test_setup_teardown(name, make_qmail, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(without_a_word_it_cannot_be_told),
        test(an_address_is_taken),
        test(a_name_is_followed),
        test(what_is_delivered_right_there_is_postmasters_own),
        test(what_names_nobody_is_no_answer),
        test(a_circle_ends),
        test(what_would_bend_a_letter_is_no_answer),
        test(nothing_is_quoted_that_is_no_address),
        test(a_link_is_not_followed),
        test(etc_aliases_is_read_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
