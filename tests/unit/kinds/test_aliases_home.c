/* Kind `aliases`: the home itself, and aliases that forward to each other. */
#include "aliases_kit.h"

#include <pwd.h>

static void names_are_withdrawn(const struct kit *kit)
{
    assert_int_equal(kit->finding_count, 1);
    assert_true(tw_strings_has(&kit->withdrawn, "postmaster"));
    assert_true(tw_strings_has(&kit->withdrawn, "root"));
    assert_true(tw_strings_has(&kit->withdrawn, "mailer-daemon"));
}

static void a_home_that_is_not_there(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    kit_set(&kit, "dir", "/no/such/home");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "/no/such/home is not there: qmail defers");
    names_are_withdrawn(&kit);
    kit_set(&kit, "dir", "/dev/null");
    kit_check(&kit, TW_LEVEL_FAIL, "no-directory", "/dev/null is not a directory");
    names_are_withdrawn(&kit);
    kit_free(&kit);
}

static void who_may_write_to_the_home(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    assert_int_equal(chmod(HOME, 0757), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "writable", HOME " is writable by everyone (mode 0757)");
    assert_int_equal(chmod(HOME, 02775), 0);
    if (geteuid() == 0) {
        kit_check(&kit, TW_LEVEL_WARN, "group-writable", "(mode 2775)");
        kit_expect(&kit, "root", TW_LEVEL_OK, "ok",
                   "1 address, 0 programs, 0 files"); /* looked at all the same */
    } else {
        kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "others may write"); /* not as ourselves */
    }
    assert_int_equal(chmod(HOME, 02755), 0); /* as qmail installs it */
    kit_check(&kit, TW_LEVEL_OK, "ok", "3 names");
    kit_free(&kit);
}

static void a_sticky_home_is_edited_but_not_for_ever(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    assert_int_equal(chmod(HOME, 01755), 0);
    const int64_t now_s = time(NULL);
    kit.now_s = now_s;
    kit_check(&kit, TW_LEVEL_WARN, "sticky", "has the sticky bit");
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit.now_s = now_s + 890;
    kit_check(&kit, TW_LEVEL_WARN, "sticky", "has the sticky bit");
    kit.now_s = now_s + 910;
    kit_check(&kit, TW_LEVEL_FAIL, "sticky", "qmail defers all mail for aliases");
    kit.now_s = now_s - 86400; /* the clock was set back: not edited for a day */
    kit_check(&kit, TW_LEVEL_FAIL, "sticky", "qmail defers all mail for aliases");
    kit_free(&kit);
}

static void a_home_that_its_user_cannot_enter(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    assert_int_equal(chmod(HOME, 0655), 0);
    if (geteuid() == 0) {
        kit_check(&kit, TW_LEVEL_FAIL, "unreachable", "nobody cannot enter " HOME);
        names_are_withdrawn(&kit);
        assert_int_equal(chmod(HOME, 0755), 0);
        assert_int_equal(chmod("qmail", 0700), 0); /* a directory on the way */
        kit_check(&kit, TW_LEVEL_FAIL, "unreachable", "nobody cannot enter " HOME);
        names_are_withdrawn(&kit);
    } else {
        kit_run(&kit);
        assert_int_not_equal(kit_find(&kit, "")->level, TW_LEVEL_OK);
    }
    assert_int_equal(chmod(HOME, 0755), 0);
    kit_free(&kit);
}

static void a_link_that_others_made_is_not_gone_through(void **state)
{
    struct kit kit = aliases_kit();
    make_dir("open");
    assert_int_equal(chmod("open", 0777), 0);
    assert_int_equal(symlink("../qmail/alias", "open/alias"), 0);
    char *path = tw_format("%s/open/alias", (const char *)*state);
    kit_set(&kit, "dir", path);
    free(path);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "a symbolic link that others can change");
    names_are_withdrawn(&kit);
    assert_int_equal(chmod("open", 0755), 0);
    kit_check(&kit, TW_LEVEL_OK, "ok", "3 names");
    kit_free(&kit);
}

/* It is alias's, or what others may read is what counts: never root's rights. */
static void a_home_of_root_s_is_not_looked_at_as_root(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct kit kit = aliases_kit();
    assert_int_equal(chown(HOME, 0, 0), 0);
    kit_check(&kit, TW_LEVEL_OK, "ok", "3 names");
    assert_int_equal(chmod(AT("root"), 0600), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "unreadable", "cannot read");
    kit_expect(&kit, "postmaster", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit_free(&kit);
}

static void an_alias_that_forwards_to_itself(void **state)
{
    (void)state;
    static const char *const forms[] = {"root\n", "&root\n", "&ROOT@Mail.Example.com\n",
                                        "a@b\nroot@localhost \n", "|prog\nroot\n./Maildir/\n"};
    struct kit kit = aliases_kit();
    for (size_t i = 0; i < TW_COUNT(forms); i++)
        root_is(&kit, forms[i], TW_LEVEL_FAIL, "loop",
                "mail for root runs in a circle, and qmail bounces it: root -> root");
    root_is(&kit, "root@example.com\n", TW_LEVEL_OK, "ok",
            "1 address, 0 programs, 0 files"); /* not local */
    root_is(&kit, "#root\n&you@example.com", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    root_is(&kit, "|forward root\n", TW_LEVEL_OK, "ok", "1 program, ");
    kit_free(&kit);
}

static void a_circle_through_others(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("root"), "&you@example.com\n&postmaster\n");
    put_text(AT("postmaster"), "ops.team@localhost\n");
    put_text(AT("ops:team"), "nobody-there@localhost\nx@y\nRoot\n");
    put_text(AT("mailer-daemon"), "postmaster\n");
    kit_run(&kit);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "3 names");
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "loop", "root -> postmaster -> ops.team -> root");
    kit_expect(&kit, "postmaster", TW_LEVEL_FAIL, "loop",
               "postmaster -> ops.team -> root -> postmaster");
    kit_expect(&kit, "mailer-daemon", TW_LEVEL_FAIL, "loop",
               "mailer-daemon -> postmaster -> ops.team -> root -> postmaster");
    put_text(AT("ops:team"), "&you@example.com\n");
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok", "2 addresses");
    kit_expect(&kit, "mailer-daemon", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit_free(&kit);
}

static void two_ways_to_one_place_are_no_circle(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("root"), "a\nb\na\n");
    put_text(AT("a"), "c\n");
    put_text(AT("b"), "c\n");
    put_text(AT("c"), "&you@example.com\n");
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok", "3 addresses");
    kit_free(&kit);
}

static void a_circle_through_a_default(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("default"), "&root\n");
    root_is(&kit, "no-such-name\n", TW_LEVEL_FAIL, "loop", "root -> no-such-name -> root");
    put_text(AT("no-default"), "&you@example.com\n"); /* comes before */
    root_is(&kit, "no-such-name\n", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit_free(&kit);
}

/* A user whose home is his own; NULL: there is none here. */
static const char *some_user(void)
{
    const struct passwd *pw;
    struct stat st;
    setpwent();
    while ((pw = getpwent()))
        if (pw->pw_uid && strlen(pw->pw_name) < 32 && stat(pw->pw_dir, &st) == 0 &&
            st.st_uid == pw->pw_uid)
            break;
    return pw ? pw->pw_name : NULL;
}

static void mail_for_a_user_comes_to_no_alias(void **state)
{
    (void)state;
    const char *name = some_user();
    if (!name)
        skip();
    struct kit kit = aliases_kit();
    char *user = tw_strdup(name), *file = tw_format("%s%s", AT(""), user);
    char *text = tw_format("%s\n", user);
    put_text(file, "root\n"); /* of old, and not used */
    root_is(&kit, text, TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    char *both = tw_format("%s-box\na\n", user);
    put_text(AT("a"), "b\n");
    put_text(AT("b"), "a\n");
    put_text(AT("default"), "a\n");
    root_is(&kit, both, TW_LEVEL_FAIL, "loop", "root -> a -> b -> a"); /* the user hides nothing */
    free(both);
    free(text);
    free(file);
    free(user);
    kit_free(&kit);
}

static void another_home_has_other_domains(void **state)
{
    struct kit kit = aliases_kit();
    char *path = tw_format("%s/other", (const char *)*state);
    make_dir("other");
    put_text("other/.qmail-root", "root@localhost\n");
    kit_set(&kit, "dir", path);
    kit_set(&kit, "require", "root");
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    free(path);
    kit_free(&kit);
}

static void without_control_files_plain_names_are_followed(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    unlink("qmail/control/locals");
    root_is(&kit, "root@localhost\n", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    root_is(&kit, "root@mail.example.com\n", TW_LEVEL_FAIL, "loop", "root -> root"); /* me */
    unlink("qmail/control/me");
    root_is(&kit, "root@mail.example.com\n", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    root_is(&kit, "root\n", TW_LEVEL_FAIL, "loop", "root -> root");
    kit_free(&kit);
}

static void control_files_that_cannot_be_read(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("root"), "root@localhost\nroot\n");
    assert_int_equal(chmod("qmail/control/locals", geteuid() == 0 ? 0600 : 0), 0);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look",
              "cannot follow the aliases: cannot read qmail/control/locals: Permission denied");
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok", "2 addresses");
    unlink("qmail/control/locals");
    assert_int_equal(mkfifo("qmail/control/locals", 0644), 0);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "qmail/control/locals");
    unlink("qmail/control/locals");
    put_text("qmail/control/locals", "");
    assert_int_equal(truncate("qmail/control/locals", (off_t)1 << 30), 0);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "File too large");
    assert_int_equal(chmod(HOME, 0757), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "writable", "everyone"); /* graver */
    kit_free(&kit);
}

static void put_chain(int length, const char *end)
{
    char path[60], text[60];
    for (int i = 0; i < length; i++) {
        snprintf(path, sizeof path, AT("c%d"), i);
        snprintf(text, sizeof text, "c%d\n", i + 1);
        put_text(path, i + 1 < length ? text : end);
    }
}

static void following_ends_somewhere(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_chain(400, "root\n");
    root_is(&kit, "c0\n", TW_LEVEL_FAIL, "loop", "root -> c0 -> c1 -> c2 -> c3");
    assert_non_null(strstr(kit_find(&kit, "root")->text, "c8 -> ... -> root"));
    put_chain(2000, "root\n");
    root_is(&kit, "c0\n", TW_LEVEL_OK, "ok",
            "1 address, 0 programs, 0 files"); /* not followed so far */
    struct tw_buf text = {0};
    for (int i = 0; i < 50000; i++)
        tw_buf_printf(&text, "x%d\n", i);
    root_is(&kit, tw_buf_text(&text), TW_LEVEL_WARN, "too-many-lines", "has more than 10000 lines");
    tw_buf_free(&text);
    kit_free(&kit);
}

static void as_many_names_as_a_list_holds(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    const char *values[1000];
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(values); i++)
        values[i] = tw_format("c%zu", i);
    put_chain(1000, "&you@example.com\n");
    assert_int_equal(
        tw_options_set(kit.kind->options, kit.settings, "require", values, TW_COUNT(values), &e),
        0);
    kit_check(&kit, TW_LEVEL_OK, "ok", "1000 names");
    assert_int_equal(kit.finding_count, 1001);
    kit_expect(&kit, "c999", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    for (size_t i = 0; i < TW_COUNT(values); i++)
        free((void *)(uintptr_t)values[i]);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_home_that_is_not_there),
        TEST(who_may_write_to_the_home),
        TEST(a_sticky_home_is_edited_but_not_for_ever),
        TEST(a_home_that_its_user_cannot_enter),
        TEST(a_link_that_others_made_is_not_gone_through),
        TEST(a_home_of_root_s_is_not_looked_at_as_root),
        TEST(an_alias_that_forwards_to_itself),
        TEST(a_circle_through_others),
        TEST(two_ways_to_one_place_are_no_circle),
        TEST(a_circle_through_a_default),
        TEST(mail_for_a_user_comes_to_no_alias),
        TEST(another_home_has_other_domains),
        TEST(without_control_files_plain_names_are_followed),
        TEST(control_files_that_cannot_be_read),
        TEST(following_ends_somewhere),
        TEST(as_many_names_as_a_list_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
