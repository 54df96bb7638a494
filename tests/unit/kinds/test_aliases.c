/* Kind `aliases`: what is in a file, whose it is and who may read it, and what stands in its place.
 */
#include "aliases_kit.h"

#include <sys/socket.h>
#include <sys/un.h>

static void sound_aliases_are_well(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    root_is(&kit, "# who\n&a@b\n|prog\n./Maildir/\n", TW_LEVEL_OK, "ok",
            "1 address, 1 program, 1 file");
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, kit.title), TW_PLACE_WORKER);
    kit_free(&kit);
}

static void what_is_in_the_file(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    root_is(
        &kit, "", TW_LEVEL_FAIL, "empty",
        "qmail/alias/.qmail-root is empty: mail for root goes where qmail puts mail by default");
    root_is(&kit, "\n&a@b\n", TW_LEVEL_FAIL, "blank-first-line",
            "the first line of qmail/alias/.qmail-root is blank: qmail defers all mail for root");
    root_is(&kit, "# gone\n", TW_LEVEL_FAIL, "no-delivery", "mail for root is thrown away");
    root_is(&kit, "#\n<a@b>\n", TW_LEVEL_FAIL, "bad-line",
            "line 2 of qmail/alias/.qmail-root is not right, it has angle brackets: \"<a@b>\"");
    root_is(&kit, "&a@b\n+x\n", TW_LEVEL_WARN, "ignored-line",
            "qmail ignores line 2 of qmail/alias/.qmail-root: \"+x\"");
    root_is(&kit, "a@b\n+list\n|x\n", TW_LEVEL_FAIL, "after-list",
            "line 3 of qmail/alias/.qmail-root is no address, but comes after +list");
    root_is(&kit, "&a@b\n", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit_free(&kit);
}

static void a_bad_line_is_told_in_part(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    char line[5001];
    memset(line, 'x', 5000);
    line[5000] = '\0';
    line[4000] = ' ';
    root_is(&kit, line, TW_LEVEL_FAIL, "bad-line", "too long");
    assert_true(strlen(kit_find(&kit, "root")->text) < 200);
    kit_free(&kit);
}

static void the_execute_bit_forbids_all_but_addresses(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    assert_int_equal(chmod(AT("root"), 0744), 0);
    root_is(&kit, "&a@b\n", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    root_is(&kit, "&a@b\n./Mailbox\n", TW_LEVEL_FAIL, "forward-only",
            "line 2 of qmail/alias/.qmail-root is no address, but the file has its execute bit");
    assert_int_equal(chmod(AT("root"), 0655), 0); /* the owner's bit alone counts */
    root_is(&kit, "&a@b\n./Mailbox\n", TW_LEVEL_OK, "ok", ", 1 file");
    kit_free(&kit);
}

static void who_may_write_to_the_file(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    assert_int_equal(chmod(AT("root"), 0646), 0);
    root_is(&kit, "&a@b\n", TW_LEVEL_FAIL, "writable", "is writable by everyone (mode 0646)");
    assert_int_equal(chmod(AT("root"), 0664), 0);
    root_is(&kit, "&a@b\n", TW_LEVEL_WARN, "group-writable", "mode 0664");
    root_is(&kit, "", TW_LEVEL_FAIL, "empty", "is empty"); /* graver */
    assert_int_equal(chmod(AT("root"), 0644), 0);
    root_is(&kit, "&a@b\n", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit_free(&kit);
}

static void whose_file_it_is(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct kit kit = aliases_kit();
    assert_int_equal(chown(AT("root"), 54321, 54321), 0);
    root_is(&kit, "&a@b\n", TW_LEVEL_WARN, "foreign-owner",
            "belongs to uid 54321, who so decides where mail for root goes");
    assert_int_equal(chown(AT("root"), NOBODY, 54321), 0);
    root_is(&kit, "&a@b\n", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit_free(&kit);
}

static void what_the_home_s_user_cannot_read(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    assert_int_equal(chmod(AT("root"), geteuid() == 0 ? 0640 : 0), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "unreadable",
               "cannot read qmail/alias/.qmail-root: qmail defers all mail for root");
    kit_expect(&kit, "postmaster", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    char *shown = evidence_of(&kit, "root");
    assert_string_equal(shown, "");
    free(shown);
    kit_free(&kit);
}

/* qmail-local has the first group of the user, not that of the directory (nor any other). */
static void the_group_that_counts_is_the_user_s(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct kit kit = aliases_kit();
    assert_int_equal(chown(HOME, NOBODY, 54321), 0);
    assert_int_equal(chown(AT("root"), 0, 54321), 0);
    assert_int_equal(chmod(AT("root"), 0640), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "unreadable", "nobody cannot read");
    assert_int_equal(chown(AT("root"), 0, NOBODY), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    kit_free(&kit);
}

static void a_link_is_followed_as_the_home_s_user(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    unlink(AT("root"));
    assert_int_equal(symlink(".qmail-postmaster", AT("root")), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    put_text("secret", "s3cret word\n");
    assert_int_equal(chmod("secret", geteuid() == 0 ? 0600 : 0), 0);
    unlink(AT("root"));
    assert_int_equal(symlink("../../secret", AT("root")), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "unreadable", "defers");
    char *shown = evidence_of(&kit, "root");
    assert_null(strstr(shown, "s3cret"));
    free(shown);
    make_dir("private"); /* where not even this can be seen: is it there? */
    put_text("private/secret", "s3cret word\n");
    assert_int_equal(chmod("private", geteuid() == 0 ? 0700 : 0), 0);
    unlink(AT("root"));
    assert_int_equal(symlink("../../private/secret", AT("root")), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "unreadable", "defers");
    assert_int_equal(chmod("private", 0755), 0);
    kit_free(&kit);
}

static void what_is_not_there(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    unlink(AT("root"));
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "missing",
               "qmail/alias/.qmail-root is not there: mail for root bounces");
    assert_int_equal(symlink("nowhere", AT("root")), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "dangling", "is a link that leads nowhere");
    unlink(AT("root"));
    assert_int_equal(symlink(".qmail-root", AT("root")), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "dangling", "is a link that leads nowhere");
    kit_free(&kit);
}

static void root_is_no_file(struct kit *kit, const char *what)
{
    kit_run(kit);
    kit_expect(kit, "root", TW_LEVEL_FAIL, "no-file", what);
    assert_int_equal(remove(AT("root")), 0);
}

static void other_things_are_passed_over_without_waiting(void **state)
{
    (void)state;
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = AT("root")};
    struct kit kit = aliases_kit();
    unlink(AT("root"));
    make_dir(AT("root"));
    root_is_no_file(&kit, ".qmail-root is a directory, not a file: mail for root bounces");
    assert_int_equal(mkfifo(AT("root"), 0644), 0);
    root_is_no_file(&kit, "is a fifo");
    assert_int_equal(symlink("/dev/zero", AT("root")), 0);
    root_is_no_file(&kit, "is a device");
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    root_is_no_file(&kit, "is a socket");
    kit_free(&kit);
}

static void a_huge_file_is_not_read(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("root"), "&a@b\n");
    assert_int_equal(truncate(AT("root"), (off_t)1 << 30), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "too-large",
               ".qmail-root is too large for a file of addresses: 1G, limit 1M");
    char *shown = evidence_of(&kit, "root");
    assert_non_null(strstr(shown, "1073741824 bytes\n"));
    assert_null(strstr(shown, "a@b"));
    free(shown);
    assert_int_equal(truncate(AT("root"), (off_t)(1 << 20) + 1), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "too-large", "limit 1M");
    assert_int_equal(truncate(AT("root"), 1 << 20), 0);
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_OK, "ok",
               "1 address, 0 programs, 0 files"); /* a last line of NULs is blank */
    kit_free(&kit);
}

static void a_default_takes_what_has_no_file(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("default"), "|fastforward -d /etc/aliases.cdb\n");
    unlink(AT("root"));
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_WARN, "by-default",
               ".qmail-root is not there: qmail/alias/.qmail-default takes mail for root");
    put_text(AT("default"), "#\n");
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "no-delivery", ".qmail-default has nothing");
    unlink(AT("mailer-daemon"));
    put_text(AT("mailer-default"), "");
    kit_run(&kit);
    kit_expect(&kit, "mailer-daemon", TW_LEVEL_FAIL, "empty", ".qmail-mailer-default is empty");
    make_dir(AT("root"));
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_FAIL, "no-file", "mail for root goes to a default");
    kit_free(&kit);
}

/* "echo > .qmail-root" would hide what is wrong in .qmail-default from root alone. */
static void the_advice_for_a_default_names_it(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("default"), "#\n");
    put_text(AT("mailer-default"), "");
    unlink(AT("root"));
    unlink(AT("mailer-daemon"));
    kit_run(&kit);
    assert_string_equal(kit.memory, "root=1 mailer-daemon=1 " HOME);
    kit_set(&kit, "dir", "/other");
    kit_advice(&kit, "root", "no-delivery", "cat -A /other/.qmail-root"); /* not of that home */
    kit_free(&kit);
}

/* The settings want an absolute path. */
static void the_advice_goes_by_what_is_remembered(void **state)
{
    (void)state;
    static const struct {
        const char *memory, *aspect, *file;
    } cases[] = {
        {"root=1 mailer-daemon=1 /h", "root", "/h/.qmail-default"},
        {"root=1 mailer-daemon=1 /h", "mailer-daemon", "/h/.qmail-mailer-default"},
        {"root=1 mailer-daemon=2 /h", "mailer-daemon", "/h/.qmail-default"},
        {"root=1 mailer-daemon=1 /h", "postmaster", "/h/.qmail-postmaster"},
        {"xroot=1 root-x=1 roo=1 /h", "root", "/h/.qmail-root"},
        {"root=2 /h", "root", "/h/.qmail-root"}, /* there is no such step */
        {"root=-1 /h", "root", "/h/.qmail-root"},
        {"root= /h", "root", "/h/.qmail-root"},
        {"root=1 /hh", "root", "/h/.qmail-root"},
        {"root=1", "root", "/h/.qmail-root"},
        {"root=1 ", "root", "/h/.qmail-root"},
        {"/h", "root", "/h/.qmail-root"},
        {"", "root", "/h/.qmail-root"},
    };
    struct kit kit = aliases_kit();
    kit_set(&kit, "dir", "/h");
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        char *expected = tw_format("cat -A %s", cases[i].file);
        free(kit.memory);
        kit.memory = tw_strdup(cases[i].memory);
        kit_advice(&kit, cases[i].aspect, "bad-line", expected);
        free(expected);
    }
    kit_free(&kit);
}

static void what_is_remembered_goes_with_the_fault(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    put_text(AT("default"), "#\n");
    unlink(AT("root"));
    kit_run(&kit);
    assert_string_equal(kit.memory, "root=1 " HOME);
    put_text(AT("default"), "a@b\n"); /* that root has no file of its own is about its own */
    kit_run(&kit);
    kit_expect(&kit, "root", TW_LEVEL_WARN, "by-default", "takes mail for root");
    assert_string_equal(kit.memory, "");
    kit_free(&kit);
}

static void lines_are_looked_at_up_to_a_bound(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    struct tw_buf text = {0};
    for (int i = 0; i < 10000; i++)
        tw_buf_puts(&text, "x@y\n");
    root_is(&kit, tw_buf_text(&text), TW_LEVEL_OK, "ok", "10000 addresses");
    tw_buf_puts(&text, "root\n");
    root_is(&kit, tw_buf_text(&text), TW_LEVEL_WARN, "too-many-lines",
            "qmail/alias/.qmail-root has more than 10000 lines: what comes after them");
    text.data[0] = ' '; /* graver */
    root_is(&kit, tw_buf_text(&text), TW_LEVEL_FAIL, "bad-line", "line 1 of");
    tw_buf_free(&text);
    kit_free(&kit);
}

static void names_are_looked_for_as_qmail_does(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    kit_set(&kit, "require", "John.Doe-X");
    put_text(AT("john:doe-x"), "&a@b\n");
    kit_run(&kit);
    kit_expect(&kit, "john.doe-x", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    assert_int_equal(kit.finding_count, 2);
    kit_advice(&kit, "john.doe-x", "missing",
               "echo '&you@example.com' > qmail/alias/.qmail-john:doe-x");
    kit_free(&kit);
}

static void names(const char *const *values, size_t count, const char *why)
{
    struct kit kit = aliases_kit();
    struct tw_error e = {""};
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "require", values, count, &e),
                     0);
    const int result = kit.kind->validate(kit.settings, kit.title, &e);
    if ((result == 0) != !why || (why && !strstr(e.text, why)))
        fail_msg("%s: %s", values[0], e.text);
    kit_free(&kit);
}

static void names_that_can_be_watched(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "a b", "../x", "a/b", "root@example.com",
                                      ".x",   "-x",  "a:b",  "a\n", "\xc3\xa4",
                                      "root*"};
    static const char *const twice[] = {"root", "postmaster", "Root"};
    static const char *const good[] = {"root", "john.doe", "a-b_c.D"};
    char long_one[66];
    memset(long_one, 'x', 65);
    long_one[65] = '\0';
    const char *long_name = long_one;
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        names(&bad[i], 1, "is no name of an alias");
    names(&long_name, 1, "is no name of an alias");
    names(twice, 3, "\"root\" is there twice");
    names(good, 3, NULL);
    names(good, 0, NULL);
}

static void the_evidence_is_the_beginning_of_the_file(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    assert_int_equal(chmod(AT("root"), 0640), 0);
    assert_int_equal(chown(AT("root"), geteuid() == 0 ? NOBODY : geteuid(), (gid_t)-1), 0);
    put_text(AT("root"), "&a b\nlast");
    char *shown = evidence_of(&kit, "root");
    assert_true(strncmp(shown, "qmail/alias/.qmail-root, mode 0640, owner ", 42) == 0);
    assert_non_null(strstr(shown, ", 9 bytes\n&a b\nlast\n"));
    free(shown);
    struct tw_buf text = {0};
    for (int i = 0; i < 60000; i++)
        tw_buf_puts(&text, "x@y z\n");
    put_text(AT("root"), tw_buf_text(&text));
    tw_buf_free(&text);
    shown = evidence_of(&kit, "root");
    assert_true(strlen(shown) < 300);
    assert_non_null(strstr(shown, "x@y z\n(and more)\n"));
    free(shown);
    static const char *const others[] = {"", "default", "../../secret", "ROOT"};
    for (size_t i = 0; i < TW_COUNT(others); i++) {
        shown = evidence_of(&kit, others[i]);
        assert_string_equal(shown, "");
        free(shown);
    }
    kit_free(&kit);
}

static void the_advice_fits_what_is_wrong(void **state)
{
    (void)state;
    struct kit kit = aliases_kit();
    kit_advice(&kit, "root", "missing", "echo '&you@example.com' > " AT("root"));
    kit_advice(&kit, "root", "dangling", "ls -l " AT("root")); /* nothing is written through it */
    kit_advice(&kit, "root", "unreadable", "find " AT("root") " -type f -exec chmod a+r {} +");
    kit_advice(&kit, "root", "writable", "find " AT("root") " -type f -exec chmod go-w {} +");
    kit_advice(&kit, "root", "forward-only", "find " AT("root") " -type f -exec chmod a-x {} +");
    kit_advice(&kit, "root", "after-list", "cat -A " AT("root")); /* no mode is to blame */
    kit_advice(&kit, "root", "no-delivery", "cat -A " AT("root"));
    kit_advice(&kit, "root", "too-many-lines", "wc -l " AT("root"));
    kit_advice(&kit, "root", "blank-first-line", "sed -i '/^[[:blank:]]*$/d' " AT("root"));
    kit_advice(&kit, "root", "bad-line", "cat -A " AT("root"));
    kit_advice(&kit, "root", "loop", "cat -A " AT("root"));
    kit_advice(&kit, "", "writable", "chmod go-w " HOME);
    kit_advice(&kit, "", "sticky", "chmod -t " HOME);
    kit_advice(&kit, "", "missing", "ls -ld " HOME);
    kit_set(&kit, "dir", "/home/alias");
    kit_advice(&kit, "", "unreachable", "namei -l /home/alias");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sound_aliases_are_well),
        TEST(what_is_in_the_file),
        TEST(a_bad_line_is_told_in_part),
        TEST(the_execute_bit_forbids_all_but_addresses),
        TEST(who_may_write_to_the_file),
        TEST(whose_file_it_is),
        TEST(what_the_home_s_user_cannot_read),
        TEST(the_group_that_counts_is_the_user_s),
        TEST(a_link_is_followed_as_the_home_s_user),
        TEST(what_is_not_there),
        TEST(other_things_are_passed_over_without_waiting),
        TEST(a_huge_file_is_not_read),
        TEST(a_default_takes_what_has_no_file),
        TEST(the_advice_for_a_default_names_it),
        TEST(the_advice_goes_by_what_is_remembered),
        TEST(what_is_remembered_goes_with_the_fault),
        TEST(lines_are_looked_at_up_to_a_bound),
        TEST(names_are_looked_for_as_qmail_does),
        TEST(names_that_can_be_watched),
        TEST(the_evidence_is_the_beginning_of_the_file),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
