/* One message on its way out: what the ends of programs mean, that a hang ends, that the caller
 * keeps its rights, and who may be asked to hand over what to whom. SMTP with all its answers is
 * system/send-test.test's. */
#include "toaster/scratch.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "toaster/mailout.h"

static const char text[] = "Subject: a\n\nb\n";

static void make_program(const char *script)
{
    char *whole = tw_format("#!/bin/sh\n%s\n", script);
    put_text("program", whole);
    free(whole);
    assert_int_equal(chmod("program", 0755), 0);
}

static enum tw_mailout_result send_by(enum tw_mailout_way way, const char *place, const char *to,
                                      int timeout_ms, struct tw_error *e)
{
    const struct tw_mailout mailout = {way, place, to, "mail.example.com", timeout_ms};
    return tw_mailout_send(&mailout, text, sizeof text - 1, e);
}

static void a_program_gets_the_message_and_the_address(void **state)
{
    (void)state;
    struct tw_error e;
    char *data;
    size_t length;
    const uid_t before = geteuid();
    make_program("echo \"$*\" >got; cat >>got");
    for (int i = 0; i < 2; i++) /* again and again */
        assert_int_equal(
            send_by(TW_MAILOUT_QMAIL_INJECT, "./program", "joe@example.net", 60000, &e),
            TW_MAILOUT_TAKEN);
    assert_int_equal(tw_file_read(AT_FDCWD, "got", 1000, &data, &length, &e), 0);
    assert_string_equal(data, "-a -f  -- joe@example.net\nSubject: a\n\nb\n");
    free(data);
    assert_int_equal(send_by(TW_MAILOUT_SENDMAIL, "./program", "joe@example.net", 60000, &e),
                     TW_MAILOUT_TAKEN);
    assert_int_equal(tw_file_read(AT_FDCWD, "got", 1000, &data, &length, &e), 0);
    assert_string_equal(data, "-i -f  -- joe@example.net\nSubject: a\n\nb\n");
    free(data);
    assert_int_equal(geteuid(), before);
}

static void its_end_says_what_became_of_it(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        enum tw_mailout_way way;
        enum tw_mailout_result result;
        const char *why;
    } cases[] = {
        {"echo no; exit 100", TW_MAILOUT_QMAIL_INJECT, TW_MAILOUT_REFUSED, "exit 100: no"},
        {"echo no; exit 111", TW_MAILOUT_QMAIL_INJECT, TW_MAILOUT_PUT_OFF, "exit 111: no"},
        {"exit 75", TW_MAILOUT_SENDMAIL, TW_MAILOUT_PUT_OFF, "exit 75"},
        {"exit 75", TW_MAILOUT_QMAIL_INJECT, TW_MAILOUT_FAILED, "exit 75"},
        {"exit 1", TW_MAILOUT_QMAIL_INJECT, TW_MAILOUT_FAILED, "exit 1"},
        {"kill -9 $$", TW_MAILOUT_SENDMAIL, TW_MAILOUT_FAILED, "killed by signal 9"},
    };
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        make_program(cases[i].script);
        assert_int_equal(send_by(cases[i].way, "./program", "a@b", 60000, &e), cases[i].result);
        assert_non_null(strstr(e.text, cases[i].why));
    }
    assert_int_equal(send_by(TW_MAILOUT_SENDMAIL, "./none", "a@b", 60000, &e), TW_MAILOUT_FAILED);
    assert_non_null(strstr(e.text, "cannot run ./none"));
    /* Far more than an error may hold. */
    make_program("head -c 100000 /dev/zero | tr '\\0' x; exit 100");
    assert_int_equal(send_by(TW_MAILOUT_SENDMAIL, "./program", "a@b", 60000, &e),
                     TW_MAILOUT_REFUSED);
}

static void nobody_is_waited_for_longer_than_said(void **state)
{
    (void)state;
    struct tw_error e;
    make_program("exec sleep 1000");
    assert_int_equal(send_by(TW_MAILOUT_SENDMAIL, "./program", "a@b", 300, &e), TW_MAILOUT_FAILED);
    assert_non_null(strstr(e.text, "longer than 300 ms"));

    /* A server that takes the connection and says nothing; without toaster-net it fails, too. */
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(fd, 5), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    char *url = tw_format("smtp://127.0.0.1:%d", ntohs(address.sin_port));
    const uid_t before = geteuid();
    assert_int_equal(send_by(TW_MAILOUT_SMTP, url, "a@b", 1000, &e), TW_MAILOUT_FAILED);
    assert_int_equal(geteuid(), before);
    free(url);
    close(fd);
}

static void what_is_no_address_goes_to_no_program(void **state)
{
    (void)state;
    struct tw_error e;
    make_program("touch ran");
    assert_int_equal(send_by(TW_MAILOUT_SENDMAIL, "./program", "a@b\nBcc: c@d", 60000, &e),
                     TW_MAILOUT_FAILED);
    assert_int_equal(send_by(TW_MAILOUT_SENDMAIL, "./program", "-oQ/tmp", 60000, &e),
                     TW_MAILOUT_FAILED);
    assert_int_equal(access("ran", F_OK), -1);
}

static void addresses_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"a@b", "postmaster@example.com",
                                       "a+b.c-d_e=f%g@example.org"};
    static const char *const bad[] = {"",
                                      "postmaster",
                                      "@example.com",
                                      "a@",
                                      "a@b@c",
                                      "a b@example.com",
                                      "a@example.com\nBcc: b@example.com",
                                      "a@example.com\r",
                                      "a@example.com,b@example.com",
                                      "<a@example.com>",
                                      "Joe <a@example.com>",
                                      "a@example.com>",
                                      "\"a\"@example.com",
                                      "-a@example.com",
                                      "a@[127.0.0.1]",
                                      "\xc3\xa4@example.com",
                                      "a@example.com\x7f"};
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_int_equal(tw_mailout_check_address(good[i], &e), 0);
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_int_equal(tw_mailout_check_address(bad[i], &e), -1);
    char *much = tw_alloc(300);
    memset(much, 'a', 299);
    much[1] = '@';
    assert_int_equal(tw_mailout_check_address(much, &e), -1);
    assert_non_null(strstr(e.text, "299 bytes"));
    much[254] = '\0';
    assert_int_equal(tw_mailout_check_address(much, &e), 0);
    free(much);
}

static void servers_are_checked(void **state)
{
    (void)state;
    static const char *const good[][2] = {{"localhost", "smtp://localhost"},
                                          {"mail.example.com:25", "smtp://mail.example.com:25"},
                                          {"[::1]:2525", "smtp://[::1]:2525"},
                                          {"smtp://localhost:25", "smtp://localhost:25"},
                                          {"smtps://localhost", "smtps://localhost"}};
    static const char *const bad[] = {"",        ":25",         "localhost:",      "localhost:0",
                                      "a:70000", "a:2x",        "a b:25",          "http://a",
                                      "a:25/x",  "smtp://a/",   "joe@a:25",        "a:25\n",
                                      "::1:25",  "[::1",        "smtp://smtp://a", "smtp://",
                                      "://a",    "file:///etc", "a:25#",           "a?b"};
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        char *url = tw_mailout_url(good[i][0], &e);
        assert_non_null(url);
        assert_string_equal(url, good[i][1]);
        free(url);
    }
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        assert_null(tw_mailout_url(bad[i], &e));
        assert_non_null(strstr(e.text, "is no server: write HOST or HOST:PORT"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_program_gets_the_message_and_the_address, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(its_end_says_what_became_of_it, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(nobody_is_waited_for_longer_than_said, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(what_is_no_address_goes_to_no_program, scratch_make,
                                        scratch_remove),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(servers_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
