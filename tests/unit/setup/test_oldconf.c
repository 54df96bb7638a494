/* The old format, line by line, as the old script's parser took it. */
#include "import_kit.h"

static struct tw_oldconf parsed;
static struct tw_strings notes;

static int begin(void **state)
{
    (void)state;
    parsed = (struct tw_oldconf){0};
    notes = (struct tw_strings){0};
    return 0;
}

static int end(void **state)
{
    (void)state;
    tw_oldconf_free(&parsed);
    tw_strings_free(&notes);
    return 0;
}

static void parse(const char *text)
{
    struct tw_error e = {""};
    tw_oldconf_free(&parsed);
    tw_strings_free(&notes);
    if (tw_oldconf_parse("f", text, strlen(text), &parsed, &notes, &e) != 0)
        fail_msg("%s", e.text);
}

/* `value` NULL: there is no such key. */
static void check(const char *text, const char *key, const char *value)
{
    parse(text);
    const struct tw_oldconf_entry *entry = tw_oldconf_find(&parsed, key);
    if (!value) {
        assert_null(entry);
        return;
    }
    if (!entry)
        fail_msg("no key \"%s\" in \"%s\"", key, text);
    assert_string_equal(entry->value, value);
}

static void a_line_is_a_key_and_a_value_with_any_blanks_around_them(void **state)
{
    (void)state;
    check("a = b\n", "a", "b");
    check("a=b", "a", "b");
    check("\t a\t=\tb c \t\n", "a", "b c");
    check("a = b = c\n", "a", "b = c");
    check("a =\n", "a", "");
    check("rbl_dnsbl-1.uceprotect.net = 1\n", "rbl_dnsbl-1.uceprotect.net", "1");
    check("a = b\r\n", "a", "b");
    check("a = b\v\f\n", "a", "b");
    check("a = \xe9\xa0\n", "a", "\xe9\xa0");
}

static void a_comment_ends_a_value_with_or_without_a_blank(void **state)
{
    (void)state;
    check("a = b # c\n", "a", "b");
    assert_false(parsed.entries[0].cut);
    check("a = b#c # d\n", "a", "b");
    assert_true(parsed.entries[0].cut);
    check("a = b c  #d\n", "a", "b c");
    check("a = # c\n", "a", "");
    assert_false(parsed.entries[0].cut);
    check("a = #c\n", "a", "");
    assert_true(parsed.entries[0].cut);
    /* As the regular expression has it: the first thing before a "#" may be another one. */
    check("a = # b # c\n", "a", "# b");
    check("a = ##\n", "a", "#");
}

static void comments_and_blank_lines_are_passed_over(void **state)
{
    (void)state;
    parse("# a = b\n\n   \n\t\n  # c = d\n\r\n+\n");
    assert_int_equal(parsed.count, 0);
    assert_int_equal(notes.count, 1); /* of the CR */
    parse("");
    assert_int_equal(parsed.count, 0);
    assert_int_equal(notes.count, 0);
}

static void what_was_passed_over_is_noted_with_its_line_and_never_quoted(void **state)
{
    (void)state;
    parse("a = 1\nvpopmail_mysql_pass hunter2\n= hunter2\n0 = hunter2\n");
    assert_int_equal(parsed.count, 1);
    assert_int_equal(notes.count, 3);
    assert_string_equal(notes.items[0], "f:2: no \"=\": passed over, as the old script did");
    assert_string_equal(notes.items[1],
                        "f:3: no key before \"=\": passed over, as the old script did");
    assert_string_equal(notes.items[2],
                        "f:4: no key before \"=\": passed over, as the old script did");
}

static void of_a_key_that_stands_there_twice_the_last_one_counts(void **state)
{
    (void)state;
    check("a = 1\nb = 2\na = 3\na = 4\n", "a", "4");
    assert_int_equal(parsed.count, 4);
    assert_int_equal(parsed.key_count, 2);
    assert_true(parsed.entries[0].superseded);
    assert_false(parsed.entries[1].superseded);
    assert_true(parsed.entries[2].superseded);
    assert_false(parsed.entries[3].superseded);
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.items[0], "f:4: a stands on line 1, too: this one counts, as it did");
    check("a = 1\n", "b", NULL);
    /* What is no name of a key may be a secret. */
    parse("pass is hunter2 = 1\npass is hunter2 = 2\n");
    assert_string_equal(notes.items[0],
                        "f:2: the same key stands on line 1, too: this one counts, as it did");
}

static void crlf_is_noted_once(void **state)
{
    (void)state;
    check("a = 1\r\nb = 2 # c\r\n\r\n", "b", "2");
    assert_int_equal(notes.count, 1);
    assert_string_equal(notes.items[0],
                        "f:1: lines end with CR and LF: taken as if it were LF alone");
}

static void a_nul_byte_is_no_text(void **state)
{
    (void)state;
    struct tw_error e = {""};
    assert_int_equal(tw_oldconf_parse("f", "a = 1\nb = \0\n", 12, &parsed, &notes, &e), -1);
    assert_string_equal(e.text, "f:2: a NUL byte: this is no text");
}

static void names_of_keys_are_told_from_all_else(void **state)
{
    (void)state;
    assert_true(tw_oldconf_is_name("qmail_smtpd_auth_0.31"));
    assert_true(tw_oldconf_is_name("rbl_dnsbl-1.uceprotect.net"));
    assert_false(tw_oldconf_is_name(""));
    assert_false(tw_oldconf_is_name("a b"));
    assert_false(tw_oldconf_is_name("a\x1b"));
    assert_false(tw_oldconf_is_name("\xe9"));
    char name[200];
    memset(name, 'a', sizeof name);
    name[sizeof name - 1] = '\0';
    assert_false(tw_oldconf_is_name(name));
}

/* ---- the file ----------------------------------------------------------------------------- */

static void refuse(const char *path, const char *part)
{
    char *text;
    size_t length;
    struct tw_error e = {""};
    assert_int_equal(tw_oldconf_read(path, &text, &length, &e), -1);
    assert_null(text);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static void only_a_small_regular_file_that_others_may_not_read_is_read(void **state)
{
    (void)state;
    char *text;
    size_t length;
    struct tw_error e = {""};
    put_text("f", "a = 1\n");
    refuse("f", "cannot use f: others have rights to it (mode 0644), and it holds passwords: chmod "
                "600 it first");
    for (mode_t mode = 0601; mode <= 0604; mode = mode == 0602 ? 0604 : mode + 1) {
        assert_int_equal(chmod("f", mode), 0);
        refuse("f", "others have rights to it");
    }
    assert_int_equal(chmod("f", 0660), 0);
    assert_int_equal(tw_oldconf_read("f", &text, &length, &e), 0);
    assert_string_equal(text, "a = 1\n");
    assert_int_equal(length, 6);
    free(text);
    assert_int_equal(symlink("f", "link"), 0);
    assert_int_equal(tw_oldconf_read("link", &text, &length, &e), 0);
    free(text);
    make_dir("d");
    assert_int_equal(mkfifo("p", 0600), 0);
    refuse("d", "cannot read d: it is a directory");
    refuse("p", "cannot read p: it is no regular file");
    refuse("none", "cannot open none: No such file");
    assert_int_equal(truncate("f", (1 << 20) + 1), 0);
    refuse("f", "cannot read f: more than 1 MB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
        TEST(a_line_is_a_key_and_a_value_with_any_blanks_around_them),
        TEST(a_comment_ends_a_value_with_or_without_a_blank),
        TEST(comments_and_blank_lines_are_passed_over),
        TEST(what_was_passed_over_is_noted_with_its_line_and_never_quoted),
        TEST(of_a_key_that_stands_there_twice_the_last_one_counts),
        TEST(crlf_is_noted_once),
        TEST(a_nul_byte_is_no_text),
        TEST(names_of_keys_are_told_from_all_else),
        cmocka_unit_test_setup_teardown(only_a_small_regular_file_that_others_may_not_read_is_read,
                                        scratch_make, scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
