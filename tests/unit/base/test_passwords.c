/* The file of passwords: which lines are one, what is found for a host, and which files are refused
 * with an error that holds no password. */
#include "toaster/scratch.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "base/passwords.h"

#define SECRET "s3cret"

static void put(const char *text)
{
    unlink("passwords");
    put_text("passwords", text);
    assert_int_equal(chmod("passwords", 0600), 0);
}

static void found(const char *host, const char *user, const char *password)
{
    char *got_user = NULL, *got_password = NULL;
    struct tw_error e = {""};
    if (tw_passwords_find("passwords", host, &got_user, &got_password, &e) != 1)
        fail_msg("%s: %s", host, e.text);
    assert_string_equal(got_user, user);
    assert_string_equal(got_password, password);
    free(got_user);
    free(got_password);
}

static void none(const char *host)
{
    char odd, *user = &odd, *password = &odd;
    struct tw_error e = {""};
    assert_int_equal(tw_passwords_find("passwords", host, &user, &password, &e), 0);
    assert_null(user);
    assert_null(password);
}

/* By both; the error has the words and no password. */
static void refused(const char *path, const char *word)
{
    char odd, *user = &odd, *password = &odd;
    struct tw_error e = {""}, same = {""};
    assert_int_equal(tw_passwords_check(path, &e), -1);
    assert_int_equal(tw_passwords_find(path, "relay", &user, &password, &same), -1);
    assert_null(user);
    assert_null(password);
    assert_string_equal(e.text, same.text);
    if (!strstr(e.text, path) || !strstr(e.text, word))
        fail_msg("no \"%s\" in \"%s\"", word, e.text);
    assert_null(strstr(e.text, SECRET));
}

static void good(void)
{
    struct tw_error e = {""};
    if (tw_passwords_check("passwords", &e) != 0)
        fail_msg("%s", e.text);
}

static void user_and_password_are_found_by_host_in_any_case(void **state)
{
    (void)state;
    put("relay.example.com joe secret\n[::1] - token\nhooks.example.com - T0/B0==");
    good();
    found("relay.example.com", "joe", "secret");
    found("RELAY.Example.Com", "joe", "secret");
    found("[::1]", "-", "token");
    found("hooks.example.com", "-", "T0/B0==");
    none("example.com");
    none("relay.example.co");
    none("relay.example.comx");
    none("");
    none("*");
    none("joe");
}

static void the_password_goes_up_to_the_end_of_the_line(void **state)
{
    (void)state;
    put("a joe with blanks\tand # more\nb\t \tjoe \t secret\n  c joe \"quoted\"\nd joe "
        "\xff\x01\xc3\n");
    good();
    found("a", "joe", "with blanks\tand # more");
    found("b", "joe", "secret");
    found("c", "joe", "\"quoted\"");
    found("d", "joe", "\xff\x01\xc3");
}

static void line_ends_of_others_are_taken_off(void **state)
{
    (void)state;
    put("# comment\r\n\r\na joe secret\r\nb joe more\r");
    good();
    found("a", "joe", "secret");
    found("b", "joe", "more");
}

static void comments_and_empty_lines_do_not_count(void **state)
{
    (void)state;
    put("#relay joe commented\n# a\n#\n\n   \n\t\n  # relay joe commented\nrelay joe true\n\n");
    good();
    found("relay", "joe", "true");
    none("#relay");
    none("#");
}

static void the_first_line_for_a_host_counts(void **state)
{
    (void)state;
    put("a joe one\nA jim two\n");
    found("a", "joe", "one");
}

static void an_empty_file_has_none(void **state)
{
    (void)state;
    put("");
    good();
    none("relay");
    none("");
}

static void a_line_that_lacks_something_is_named(void **state)
{
    (void)state;
    static const char *const bad[] = {
        SECRET,      "relay " SECRET, "relay " SECRET " ", "relay\t" SECRET "\t\r",
        SECRET "\r", "\xff\xfe"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        char *text = tw_format("# comment\n\n%s\nother joe " SECRET "\n", bad[i]);
        put(text);
        refused("passwords", "passwords:3: ");
        free(text);
    }
}

static void a_byte_that_ends_strings_is_refused(void **state)
{
    (void)state;
    static const char text[] = "relay joe " SECRET "\0more\n";
    put("");
    put_bytes("passwords", text, sizeof text - 1);
    refused("passwords", "NUL");
    put_bytes("passwords", "\0", 1);
    refused("passwords", "NUL");
    put_bytes("passwords", "relay joe " SECRET "\n\0", sizeof "relay joe " SECRET "\n");
    refused("passwords", "NUL");
}

static void what_is_too_large_is_refused_and_the_largest_taken(void **state)
{
    (void)state;
    enum { MOST = 64 * 1024 };
    struct tw_buf text = {0};
    tw_buf_puts(&text, "relay joe " SECRET "\n");
    while (text.len < MOST)
        tw_buf_puts(&text, "#");
    put(tw_buf_text(&text));
    good();
    found("relay", "joe", SECRET);
    tw_buf_puts(&text, "#");
    put(tw_buf_text(&text));
    refused("passwords", "cannot read");
    tw_buf_free(&text);
    assert_int_equal(truncate("passwords", (off_t)1 << 32), 0);
    refused("passwords", "cannot read");
}

static void a_long_password_is_found_whole(void **state)
{
    (void)state;
    char *text = tw_format("relay joe %060000d\n", 7), *password = tw_format("%060000d", 7);
    put(text);
    found("relay", "joe", password);
    free(text);
    free(password);
}

static void thousands_of_lines_are_taken(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    for (int i = 0; i < 4000; i++)
        tw_buf_printf(&text, "h%d u p%d\n", i, i);
    put(tw_buf_text(&text));
    good();
    found("h3999", "u", "p3999");
    tw_buf_free(&text);
}

static void a_file_that_others_may_use_in_any_way_is_refused(void **state)
{
    (void)state;
    put("relay joe " SECRET "\n");
    for (mode_t bit = 01; bit < 0100; bit <<= 1) {
        assert_int_equal(chmod("passwords", 0600 | bit), 0);
        refused("passwords", "chmod 600");
    }
    static const mode_t fine[] = {0600, 0400, 0700};
    for (size_t i = 0; i < TW_COUNT(fine); i++) {
        assert_int_equal(chmod("passwords", fine[i]), 0);
        good();
    }
}

static void a_file_of_someone_else_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    put("relay joe " SECRET "\n");
    assert_int_equal(chown("passwords", NOBODY, 0), 0);
    refused("passwords", "chown root");
    assert_int_equal(chown("passwords", 0, NOBODY), 0);
    good();
}

static bool is_refused_to_nobody(void *context)
{
    struct tw_error e = {""};
    return tw_passwords_check(context, &e) == -1 && strstr(e.text, "cannot open") &&
           strstr(e.text, "Permission denied");
}

static bool is_taken_by_nobody(void *context)
{
    struct tw_error e = {""};
    return tw_passwords_check(context, &e) == 0;
}

static void one_that_cannot_be_read_is_refused_and_ones_own_is_taken(void **state)
{
    (void)state;
    put("relay joe " SECRET "\n");
    assert_int_equal(chmod("passwords", 0), 0);
    assert_true(as_nobody(is_refused_to_nobody, (void *)(uintptr_t) "passwords"));
    assert_int_equal(chmod("passwords", 0600), 0);
    if (geteuid() == 0)
        assert_int_equal(chown("passwords", NOBODY, NOBODY), 0);
    assert_true(as_nobody(is_taken_by_nobody, (void *)(uintptr_t) "passwords"));
}

static void what_is_no_file_is_refused_without_waiting(void **state)
{
    (void)state;
    put("relay joe " SECRET "\n");
    refused("missing", "No such file");
    refused("passwords/x", "Not a directory");
    make_dir("dir");
    assert_int_equal(chmod("dir", 0700), 0);
    refused("dir", "is no regular file");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    refused("fifo", "is no regular file");
    refused("/dev/null", "is no regular file");
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    refused("socket", "cannot open");
    close(fd);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    put("relay joe " SECRET "\n");
    assert_int_equal(symlink("passwords", "link"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    refused("link", "cannot open");
    refused("dangling", "cannot open");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(user_and_password_are_found_by_host_in_any_case),
        TEST(the_password_goes_up_to_the_end_of_the_line),
        TEST(line_ends_of_others_are_taken_off),
        TEST(comments_and_empty_lines_do_not_count),
        TEST(the_first_line_for_a_host_counts),
        TEST(an_empty_file_has_none),
        TEST(a_line_that_lacks_something_is_named),
        TEST(a_byte_that_ends_strings_is_refused),
        TEST(what_is_too_large_is_refused_and_the_largest_taken),
        TEST(a_long_password_is_found_whole),
        TEST(thousands_of_lines_are_taken),
        TEST(a_file_that_others_may_use_in_any_way_is_refused),
        TEST(a_file_of_someone_else_is_refused),
        TEST(one_that_cannot_be_read_is_refused_and_ones_own_is_taken),
        TEST(what_is_no_file_is_refused_without_waiting),
        TEST(a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
