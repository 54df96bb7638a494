/* Transports as they are written. */
#include "files.h"

static struct tw_transport_config parse(const char *text, const char *qmail_dir)
{
    struct tw_transport_config out = {0};
    struct tw_error e = {""};
    if (tw_transport_parse(text, qmail_dir, &out, &e) != 0)
        fail_msg("%s", e.text);
    assert_string_equal(out.text, text);
    return out;
}

static void each_form_is_understood(void **state)
{
    (void)state;
    struct tw_transport_config t = parse("qmail-inject", "/opt/q");
    assert_int_equal(t.type, TW_TRANSPORT_QMAIL_INJECT);
    assert_string_equal(t.path, "/opt/q/bin/qmail-inject");
    assert_true(t.needs_qmail);
    tw_transport_clear(&t);
    assert_null(t.path);
    assert_null(t.text);

    t = parse("maildir:/home/x y/Maildir", "/opt/q");
    assert_int_equal(t.type, TW_TRANSPORT_MAILDIR);
    assert_string_equal(t.path, "/home/x y/Maildir");
    assert_false(t.needs_qmail);
    tw_transport_clear(&t);

    t = parse("sendmail:/nowhere/sendmail", "/opt/q");
    assert_int_equal(t.type, TW_TRANSPORT_SENDMAIL);
    assert_string_equal(t.path, "/nowhere/sendmail");
    assert_false(t.needs_qmail);
    tw_transport_clear(&t);
}

static void servers_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *shown;
        enum tw_transport_type type;
    } good[] = {
        {"smtp://relay.example.com", "relay.example.com", "smtp://relay.example.com",
         TW_TRANSPORT_SMTP},
        {"smtps://relay.example.com:465/", "relay.example.com", "smtps://relay.example.com:465/",
         TW_TRANSPORT_SMTP},
        {"smtp://[::1]:2525", "[::1]", "smtp://[::1]:2525", TW_TRANSPORT_SMTP},
        {"https://hooks.example.com/services/T0/secret", "hooks.example.com",
         "https://hooks.example.com/...", TW_TRANSPORT_HOOK},
        {"https://hooks.example.com?token=secret", "hooks.example.com",
         "https://hooks.example.com/...", TW_TRANSPORT_HOOK},
        {"http://127.0.0.1:8080/x", "127.0.0.1", "http://127.0.0.1:8080/...", TW_TRANSPORT_HOOK},
        {"http://localhost/x", "localhost", "http://localhost/...", TW_TRANSPORT_HOOK},
        {"http://[::1]/x", "[::1]", "http://[::1]/...", TW_TRANSPORT_HOOK},
    };
    for (size_t i = 0; i < TW_COUNT(good); i++) {
        struct tw_transport_config t = parse(good[i].text, "/var/qmail");
        assert_int_equal(t.type, good[i].type);
        assert_string_equal(t.host, good[i].host);
        assert_string_equal(t.shown, good[i].shown);
        assert_false(t.needs_qmail);
        tw_transport_clear(&t);
    }
}

static void servers_that_make_no_sense_are_refused_and_secrets_not_shown(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"hooks.example.com/x", "is no transport"},
        {"smtp://", "no host"},
        {"smtp://relay:0", "no port"},
        {"smtp://relay:70000", "no port"},
        {"smtp://relay:x", "no port"},
        {"smtp://relay/path", "nothing more"},
        {"smtp://-relay", "no host"},
        {"smtp://joe:secret@relay", "stand in the file that passwords names"},
        {"https://joe:secret@hooks/x", "stand in the file that passwords names"},
        {"http://hooks.example.com/secret", "only https://"},
        {"http://127.0.0.1.example.com/x", "only https://"},
        {"http://localhost.example.com/x", "only https://"},
        {"https://hooks example.com/", "no URL may hold"},
        {"https://hooks.example.com/\x01", "no URL may hold"},
        {"https://[::1/x", "no host"},
        {"https:///x", "no host"},
        {"ftp://hooks.example.com/", "is no transport"},
    };
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_transport_config out = {0};
        struct tw_error e = {""};
        assert_int_equal(tw_transport_parse(bad[i].text, "/var/qmail", &out, &e), -1);
        if (!strstr(e.text, bad[i].why))
            fail_msg("%s: %s", bad[i].text, e.text);
        assert_null(strstr(e.text, "secret"));
        assert_null(out.text);
        assert_null(out.host);
    }
}

static void anything_else_is_refused_with_the_forms_there_are(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",          "qmail-inject ",      "Qmail-inject", "qmail-inject:/x", "sendmail",
        "sendmail:", "sendmail:x",         "maildir",      "maildir:",        "maildir:Maildir",
        "maildir:~", "/usr/sbin/sendmail", " maildir:/x",  "mail\n"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_transport_config out = {0};
        struct tw_error e = {""};
        assert_int_equal(tw_transport_parse(bad[i], "/var/qmail", &out, &e), -1);
        assert_non_null(
            strstr(e.text, "\"qmail-inject\", \"sendmail:/PATH\", \"maildir:/PATH\", "));
        assert_null(out.text);
        assert_null(out.path);
    }
}

static void sendmail_below_qmail_needs_qmail(void **state)
{
    (void)state;
    struct tw_transport_config t = parse("sendmail:/opt/q/bin/sendmail", "/opt/q");
    assert_true(t.needs_qmail);
    tw_transport_clear(&t);
    t = parse("sendmail:/opt/qq/bin/sendmail", "/opt/q");
    assert_false(t.needs_qmail);
    tw_transport_clear(&t);
}

static void a_link_to_qmails_sendmail_needs_qmail(void **state)
{
    char *qmail = files_path(state, "qmail"), *link = files_path(state, "qmail-link");
    char *program = files_path(state, "qmail/sendmail"), *first = files_path(state, "first");
    char *second = files_path(state, "second"), *loop = files_path(state, "loop");
    assert_int_equal(mkdir(qmail, 0700), 0);
    files_write(state, "qmail/sendmail", "");
    assert_int_equal(symlink("qmail", link), 0);
    assert_int_equal(symlink(program, first), 0);
    assert_int_equal(symlink("first", second), 0);
    assert_int_equal(symlink("loop", loop), 0);
    const struct {
        const char *path, *dir;
        bool needs;
    } cases[] = {{first, qmail, true},      {second, qmail, true}, {second, link, true},
                 {program, link, true},     {loop, qmail, false},  {second, "/nowhere", false},
                 {"/nowhere", qmail, false}};
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        char *text = tw_format("sendmail:%s", cases[i].path);
        struct tw_transport_config t = parse(text, cases[i].dir);
        assert_int_equal(t.needs_qmail, cases[i].needs);
        tw_transport_clear(&t);
        free(text);
    }
    free(qmail);
    free(link);
    free(program);
    free(first);
    free(second);
    free(loop);
}

static void clearing_what_is_empty_is_harmless(void **state)
{
    (void)state;
    struct tw_transport_config t = {0};
    tw_transport_clear(&t);
    tw_transport_clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_form_is_understood),
        cmocka_unit_test(servers_are_understood),
        cmocka_unit_test(servers_that_make_no_sense_are_refused_and_secrets_not_shown),
        cmocka_unit_test(anything_else_is_refused_with_the_forms_there_are),
        cmocka_unit_test(sendmail_below_qmail_needs_qmail),
        files_test(a_link_to_qmails_sendmail_needs_qmail),
        cmocka_unit_test(clearing_what_is_empty_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
