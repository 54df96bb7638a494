/* What is written for a machine: a good configuration that watches what was found. */
#include "setup/world.h"

static void a_bare_machine_is_told_so(void **state)
{
    char *notes, *text = world_text(state, &notes);
    assert_has(notes, "Nothing of a mail system was found");
    assert_has(notes, "NO LETTER CAN BE SENT");
    assert_has(notes, "CHECK THIS: who reads postmaster@");
    assert_has(text, "# Nothing of a mail system was found");
    assert_has(text, "\n    via = {}\n");
    assert_lacks(text, "\nservice ");
    assert_lacks(text, "\nprocess ");
    assert_lacks(text, "\ndisk ");
    assert_lacks(text, "\nmultilog ");
    assert_lacks(text, "\naliases ");
    assert_lacks(text, "\nfile ");
    free(text);
    free(notes);
}

static void make_toaster(void)
{
    world_program("var/qmail/bin/qmail-inject");
    world_program("var/qmail/bin/qmail-send");
    world_program("usr/bin/spamassassin");
    world_file("var/qmail/control/me", "mx.example.com\n", 0644);
    world_file("var/qmail/control/rcpthosts", "example.com\n", 0644);
    world_file("var/qmail/alias/.qmail-postmaster", "root\n", 0644);
    world_file("var/qmail/alias/.qmail-root", "admin@example.com\n", 0644);
    world_file("var/qmail/users/assign",
               "+example.com-:example.com:89:89:/home/vpopmail/domains/example.com:-::\n.\n", 0644);
    world_way("home/vpopmail/domains/example.com/");
    world_way("var/log/mail/send/");
    world_service("var/service", "send", "#!/bin/sh\nexec multilog t /var/log/mail/send\n");
    world_service("var/service", "clear", NULL);
    world_process(10, 1, "svscan", 0, "../../var/service");
    world_process(11, 10, "supervise", 0, "../../var/service/send");
    world_process(12, 11, "qmail-send", 0, NULL);
    world_process(20, 1, "clamd", 101, NULL);
    world_file("etc/passwd",
               "root:x:0:0::/root:/bin/sh\nclamav:x:101:101::/:/bin/false\n"
               "debian-spamd:x:102:102::/:/bin/false\n",
               0644);
}

static void a_toaster_is_watched(void **state)
{
    make_toaster();
    char *notes, *text = world_text(state, &notes);
    assert_string_equal(notes, "");
    assert_has(text, "\npostmaster = \"admin@example.com\"\n");
    assert_has(text, "\nhostname = \"mx.example.com\"\n");
    assert_has(text, "# Mail for postmaster goes to admin@example.com, by "
                     "/var/qmail/alias/.qmail-root.");
    assert_has(text, "\n    dir       = \"/var/qmail\"\n");
    assert_has(text, "\n    service   = \"/var/service\"\n");
    assert_has(text, "\n    via = {\"qmail-inject\"}\n");
    assert_has(text, "\n    require = {\"clear\", \"send\"}");
    assert_has(text, "\nservice \"clear\" { log = \"none\" }");
    assert_lacks(text, "\nservice \"send\"");
    assert_has(text, "\nmultilog \"send\" {\n    dir = \"/var/log/mail/send\"\n");
    assert_has(text, "\nprocess \"svscan\" { user = \"root\" }\n");
    assert_has(text, "\nprocess \"clamd\" { user = \"clamav\" }\n");
    assert_lacks(text, "\nprocess \"qmail-send\"");
    assert_has(text, "\n# qmail-send runs, and is watched as a service.\n");
    assert_has(text, "\nfile \"rcpthosts\" {\n    path      = \"/var/qmail/control/rcpthosts\"\n");
    assert_has(text, "\naliases \"qmail\" { }\n");
    assert_has(text, "\ndisk \"var\" { path = \"/var\" }\n");
    assert_has(text, "\n    vpopmail = \"/home/vpopmail\"\n");
    assert_has(text, "# 1 domain. ");
    assert_has(text, "SpamAssassin    /usr/bin/spamassassin\n");
    assert_has(text, "#     user    = \"debian-spamd\"");
    free(text);
    free(notes);
}

/* Puts the marks away from the lines of a comment that are a section: what an admin would do. */
static void uncomment(char *text, const char *section)
{
    char *at = strstr(text, section);
    assert_non_null(at);
    while (strncmp(at, "# }", 3) != 0) {
        at[0] = at[1] = ' ';
        at = strchr(at, '\n') + 1;
    }
    at[0] = at[1] = ' ';
}

static void what_would_change_something_is_there_but_not_active(void **state)
{
    make_toaster();
    char *notes, *text = world_text(state, &notes);
    struct tw_error e = {""};
    assert_lacks(text, "\nexpire ");
    assert_lacks(text, "\nlearn ");
    uncomment(text, "# expire \"nightly\"");
    uncomment(text, "# learn \"bayes\"");
    if (tw_proof_config(text, strlen(text), &e) != 0)
        fail_msg("%s", e.text);
    free(text);
    free(notes);
}

static void a_file_is_named_as_it_is(void **state)
{
    static const char odd[] = "var/log/a \"b\\${HOME}";
    make_toaster();
    char *path = tw_format("%s/", odd);
    world_way(path);
    world_service("var/service", "odd", "#!/bin/sh\nexec multilog t '/var/log/a \"b\\${HOME}'\n");
    char *notes, *text = world_text(state, &notes);
    assert_has(text, "multilog \"odd\" {\n    dir = \"/var/log/a \\\"b\\\\\\${HOME}\"\n");
    free(path);
    free(text);
    free(notes);
}

static void odd_names_bend_neither_file_nor_terminal(void **state)
{
    make_toaster();
    world_service("var/service", "evil\nprocess \"x\" { }\n#", NULL);
    world_service("var/service", "red\x1b[31m", NULL);
    world_service("var/service", "\xff\xfe", NULL);
    world_service("var/service", "-rf", "#!/bin/sh\nexec multilog t ./main\n");
    world_way("var/service/-rf/log/main/");
    world_service("var/service", "*", NULL);
    world_service("var/service", "..hidden", NULL);
    world_file("var/qmail/alias/.qmail-root", "&x\x1b[31m\"}; # @example.com\n", 0644);
    char *notes, *text = world_text(state, &notes);
    for (const char *at = text; *at; at++)
        assert_true(*at == '\n' || (unsigned char)*at >= 0x20);
    assert_lacks(text, "\nprocess \"x\"");
    assert_lacks(text, "multilog \"-rf\"");
    assert_has(text, "Left out: /var/service/red\\x1b[31m has a name that no job can have.");
    assert_has(notes, "Left out: /var/service/\\xff");
    assert_has(text, "\npostmaster = \"postmaster@mx.example.com\"\n");
    assert_has(text, "Where mail for root goes is not plain in /var/qmail/alias/.qmail-root:");
    assert_has(notes, "CHECK THIS");
    free(text);
    free(notes);
}

static void what_is_not_well_is_told_at_once(void **state)
{
    make_toaster();
    world_file("var/service/send/down", "", 0644);
    world_way("var/service/empty/");
    world_file("var/qmail/control/rcpthosts", "", 0666);
    world_file("var/qmail/users/assign", "+broken.example-:\n", 0644);
    char *notes, *text = world_text(state, &notes);
    assert_has(notes, "/var/service/send has a file down");
    assert_has(notes, "/var/service/empty has no file run");
    assert_has(notes, "rcpthosts is empty");
    assert_has(notes, "has mode 0666");
    assert_has(notes, "users/assign:1: a broken row");
    free(text);
    free(notes);
    assert_int_equal(unlink("var/qmail/control/rcpthosts"), 0);
    text = world_text(state, &notes);
    assert_has(notes, "IT IS NOT THERE: /var/qmail/control/rcpthosts");
    assert_lacks(text, "\nfile ");
    free(text);
    free(notes);
}

static void sendmail_does_where_there_is_no_qmail(void **state)
{
    world_program("usr/sbin/sendmail");
    char *notes, *text = world_text(state, &notes);
    assert_has(text, "\n    via = {\"sendmail:/usr/sbin/sendmail\"}\n");
    free(text);
    free(notes);
}

static void hundreds_of_services_are_a_good_configuration(void **state)
{
    for (int i = 0; i < TW_MACHINE_SERVICES + 20; i++) {
        char *name = tw_format("service-number-%d", i);
        world_service("var/service", name, i % 2 ? NULL : "#!/bin/sh\nexec multilog t ./main\n");
        free(name);
    }
    char *notes, *text = world_text(state, &notes);
    assert_has(notes, "more than 500 services");
    free(text);
    free(notes);
}

static void a_line_of_an_error_is_told(void **state)
{
    (void)state;
    struct tw_error e;
    static const char bad[] = "verbose = no\nnonsense = 1\n";
    assert_int_equal(tw_proof_config(bad, strlen(bad), &e), -1);
    assert_int_equal(strncmp(e.text, "line 2: ", 8), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(a_bare_machine_is_told_so),
        world_test(a_toaster_is_watched),
        world_test(what_would_change_something_is_there_but_not_active),
        world_test(a_file_is_named_as_it_is),
        world_test(odd_names_bend_neither_file_nor_terminal),
        world_test(what_is_not_well_is_told_at_once),
        world_test(sendmail_does_where_there_is_no_qmail),
        world_test(hundreds_of_services_are_a_good_configuration),
        world_test(a_line_of_an_error_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
