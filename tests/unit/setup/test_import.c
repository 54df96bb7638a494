/* What becomes of values: who, where, processes, services, programs, and all that makes no sense.
 */
#include "import_kit.h"

/* A key that every version had, so that a text is a file of the old script. */
#define OLD "qmail_dir = /var/qmail\n"

static void address_and_host_name_come_over(void **state)
{
    (void)state;
    check_lines("toaster_admin_email = admin@example.com\ntoaster_hostname = mail.example.com\n",
                LINES("postmaster = \"admin@example.com\"", "hostname = \"mail.example.com\""));
    check_lines("toaster_hostname = system\n",
                LINES("# hostname: the system's own, since toaster_hostname is \"system\"", NULL,
                      "hostname = \"system\""));
}

static void the_host_name_qmail_is_what_control_me_says(void **state)
{
    (void)state;
    static const char old[] = "toaster_hostname = qmail\nqmail_dir = /opt/qmail\n";
    struct imported out = import_with(old, strlen(old), "mx.example.net");
    char *path = tw_import_wants_me(&out.conf);
    assert_string_equal(path, "/opt/qmail/control/me");
    free(path);
    assert_true(has_line(tw_buf_text(&out.import.text), "hostname = \"mx.example.net\""));
    assert_int_equal(out.import.notes.count, 0);
    imported_free(&out);
    static const char *const useless[] = {NULL, "", "a b"};
    for (size_t i = 0; i < TW_COUNT(useless); i++) {
        out = import_with(old, strlen(old), useless[i]);
        assert_int_equal(out.result, 0);
        assert_null(strstr(tw_buf_text(&out.import.text), "\nhostname ="));
        assert_int_equal(out.import.notes.count, 1);
        assert_non_null(strstr(out.import.notes.items[0], "old.conf:1: toaster_hostname is qmail"));
        imported_free(&out);
    }
    out = import(OLD "toaster_hostname = mail.example.com\n");
    assert_null(tw_import_wants_me(&out.conf));
    imported_free(&out);
}

static void directories_come_over(void **state)
{
    (void)state;
    check_lines("qmail_dir = /q\nqmail_supervise = /s\nqmail_service = /service\n"
                "qmail_log_base = /l\nvpopmail_home_dir = /v\n",
                LINES("dir = \"/q\"", "supervise = \"/s\"", "service = \"/service\"",
                      "log = \"/l\"", "vpopmail = \"/v\""));
    check_lines("toaster_verbose = 0\n",
                LINES("vpopmail = \"/usr/local/vpopmail\"", NULL, "dir = \"/var/qmail\""));
}

static void places_of_web_pages_come_over(void **state)
{
    (void)state;
    check_lines("toaster_http_docs = /w/d\ntoaster_cgi_bin = /w/c\n",
                LINES("web {", "htdocs = \"/w/d\"", "cgi_bin = \"/w/c\""));
    check_lines("toaster_cgi-bin = /w/c\n", LINES("cgi_bin = \"/w/c\"", NULL, "htdocs = \"/w/d\""));
    check_lines(OLD, LINES("qmail {", NULL, "web {"));
}

static void only_what_has_a_process_of_that_name_becomes_one(void **state)
{
    (void)state;
    check_lines(OLD, LINES("process \"svscan\" { user = \"root\" }", "process \"qmail-send\" { }",
                           NULL, "process \"clamd\" { }", "process \"spamd\" { }",
                           "process \"couriertcpd\" { }", "process \"dovecot\" { }"));
    check_lines("install_clamav = 1\ninstall_clamav_user = clamav\ninstall_spamassassin = 3.4\n"
                "install_dovecot = port\ninstall_sqwebmail = 1\ninstall_lighttpd = 1\n"
                "install_apache = 2\ninstall_net_snmpd = 5\n",
                LINES("process \"clamd\" { user = \"clamav\" }",
                      "process \"freshclam\" { user = \"clamav\" }", "process \"spamd\" { }",
                      "process \"dovecot\" { }", "process \"sqwebmaild\" { }",
                      "process \"lighttpd\" { }", "process \"httpd\" { }",
                      "process \"snmpd\" { }"));
    check_lines("install_courier_imap = 4.1.1\nvpopmail_daemon = 1\n",
                LINES("process \"couriertcpd\" { }", "process \"authdaemond\" { }",
                      "# service \"imapd\" { }", "# service \"imapd-ssl\" { }",
                      "# service \"pop3d-ssl\" { }", "service \"vpopmaild\" { }", NULL,
                      "process \"imapd\" { }", "process \"vpopmaild\" { }"));
    check_lines("install_courier_imap = 1.7.0\n",
                LINES("process \"couriertcpd\" { }", NULL, "process \"authdaemond\" { }"));
    check_lines("install_courier_imap = 0\ninstall_dovecot =\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL, "process \"couriertcpd\" { }",
                      "# service \"imapd\" { }", "process \"dovecot\" { }"));
    check_lines("pop3_ssl_daemon = courier\n", LINES("process \"couriertcpd\" { }"));
    check_lines("pop3_ssl_daemon = qpop3d\n", LINES("# process \"stunnel\" { }"));
}

static void mysqld_is_mariadbd_by_now(void **state)
{
    (void)state;
    check_lines("install_mysql = 41\n", LINES("process \"mariadbd\" { }"));
    /* Since 5.26 there is a key of its own for the server. */
    check_lines("install_mysql = 5\ninstall_mysqld = 0\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL, "process \"mariadbd\" { }"));
    check_lines("install_mysqld = 1\n",
                LINES("process \"mariadbd\" { }", NULL, "process \"mysqld\" { }"));
}

static void services_and_their_logs_are_what_the_daemons_and_log_methods_say(void **state)
{
    (void)state;
    check_lines("send_log_method = multilog\nsmtpd_log_method = disabled\nsubmit_enable = 1\n"
                "submit_log_method = Stats\npop3_daemon = qpop3d\npop3_log_method = syslog\n",
                LINES("service \"send\" { }", "service \"smtp\" { log = \"none\" }",
                      "service \"submit\" { }", "service \"pop3\" { log = \"syslog\" }",
                      "process \"multilog\" { }", NULL, "service \"qpsmtpd\" { }"));
    check_lines(OLD "smtpd_log_method = syslog\npop3_daemon = courier\nsubmit_enable = 0\n",
                LINES("service \"send\" { log = \"syslog\" }",
                      "service \"smtp\" { log = \"syslog\" }", NULL, "process \"multilog\" { }",
                      "service \"pop3\" { }", "service \"submit\" { }"));
    check_lines(
        "smtpd_daemon = qpsmtpd\nsubmit_enable = 1\nsubmit_daemon = qpsmtpd\n",
        LINES("service \"qpsmtpd\" { }", NULL, "service \"smtp\" { }", "service \"submit\" { }"));
    check_lines(
        "submit_enable = 1\nsubmit_daemon = qpsmtpd\n",
        LINES("service \"qpsmtpd\" { }", "service \"smtp\" { }", NULL, "service \"submit\" { }"));
}

static void a_service_has_the_name_that_it_was_given(void **state)
{
    (void)state;
    check_lines("qmail_service_smtp = qmail_service/smtpd\n",
                LINES("service \"smtpd\" { }", NULL, "service \"smtp\" { }"));
    check_lines("qmail_service = /s\nqmail_service_smtp = /s/x\n", LINES("service \"x\" { }"));
    check_lines("qmail_service_smtp = /var/service/x\n", LINES("service \"x\" { }"));
    check_lines("qmail_service = /s/\nqmail_service_smtp = /s/x\nqmail_service_send = /s//y\n",
                LINES("service \"x\" { }", "service \"y\" { log = \"syslog\" }"));
    check_lines("qmail_service = /s\nqmail_service_smtp = /elsewhere/x\n",
                LINES("# service \"x\" { }", NULL, "service \"x\" { }"));
    /* From 5.33 on nothing read it. */
    check_lines("qmail_service_smtp = qmail_service/smtpd\nsmtpd_daemon = qmail\n",
                LINES("service \"smtp\" { }",
                      "# qmail_service_smtp: no version from 5.33 on read it.", NULL,
                      "service \"smtpd\" { }"));
    check_errors("qmail_service_smtp = qmail_service/a234567890123456789012345678901234567890123456"
                 "7890123456789012345\n", /* a title has 64 at most */
                 LINES("old.conf:1: qmail_service_smtp = \"qmail_service/a23456789012345678901234"
                       "56789012345678901234567890123456789012345\" names no service"));
    check_errors("qmail_service_smtp = qmail_service/..\nqmail_service_send = x\n",
                 LINES("old.conf:2: qmail_service_send = \"x\" names no service",
                       "old.conf:1: qmail_service_smtp = \"qmail_service/..\" names no service"));
}

static void two_services_of_one_name_are_an_error_with_its_line(void **state)
{
    (void)state;
    check_errors("qmail_service_smtp = qmail_service/in\nqmail_service_submit = qmail_service/in\n"
                 "submit_enable = 1\n",
                 LINES("old.conf:2: qmail_service_submit = \"qmail_service/in\" is a name that "
                       "another service has, too"));
    check_errors("qmail_service_send = qmail_service/smtp\n",
                 LINES("old.conf:1: qmail_service_send = \"qmail_service/smtp\" is a name that "
                       "another service has, too"));
    check_lines("qmail_service_send = qmail_service/smtp\nqmail_service_smtp = "
                "qmail_service/send\n",
                LINES("service \"smtp\" { log = \"syslog\" }", "service \"send\" { }"));
    check_lines("qmail_service_send = /elsewhere/smtp\n",
                LINES("service \"smtp\" { }", "# service \"smtp\" { log = \"syslog\" }"));
}

static void what_else_the_old_script_ran_becomes_programs(void **state)
{
    (void)state;
    check_lines("vpopmail_roaming_users = 1\nvpopmail_home_dir = /home/vp\nvpopmail_user = vp\n"
                "install_isoqlog = port\ntoaster_prefix = /opt\ninstall_sqwebmail = 5\n",
                LINES("program \"clearopensmtp\" {", "run = {\"/home/vp/bin/clearopensmtp\"}",
                      "user = \"vp\"", "program \"isoqlog\" {", "run = {\"/opt/bin/isoqlog\"}",
                      "program \"sqwebmail-cache\" {",
                      "run = {\"/usr/local/share/sqwebmail/cleancache.pl\"}"));
    check_lines(OLD "vpopmail_roaming_users = 0\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL, "program \"clearopensmtp\" {",
                      "program \"isoqlog\" {", "program \"sqwebmail-cache\" {"));
    /* Left to cron by then. */
    check_lines("install_sqwebmail = 5\nqmail_group = qmail\n",
                LINES("process \"sqwebmaild\" { }", NULL, "program \"sqwebmail-cache\" {"));
    check_lines("vpopmail_roaming_users = 1\ninstall_isoqlog = 1\nqmail_chk_usr_patch = 1\n",
                LINES("# vpopmail_roaming_users: versions before 4.10 left clearopensmtp to cron, "
                      "so it is not run here.",
                      "# install_isoqlog: versions before 4.10 left isoqlog to cron, so it is not "
                      "run here.",
                      NULL, "program \"clearopensmtp\" {", "program \"isoqlog\" {"));
}

static void what_nothing_here_does_is_said(void **state)
{
    (void)state;
    static const char tls[] = "# Once a day it made qmail's temporary TLS keys anew (rsa512.pem, "
                              "dh512.pem and dh1024.pem in";
    static const char logs[] = "# It compressed the logs of the day before that maillogs had "
                               "written (sendlog and smtplog below";
    static const char simscan[] = "# install_simscan: it ran simscanmk when control/simcontrol "
                                  "was newer than simcontrol.cdb. Now run";
    check_lines(OLD "install_simscan = 1.4.0\n", LINES(tls, logs, simscan));
    check_lines(OLD "install_simscan = 0\n", LINES(tls, logs, NULL, simscan));
    check_lines("install_simscan = 1\nqmail_group = qmail\n", LINES(tls, NULL, logs, simscan));
    check_lines("qmail_scanner_fprot = 0\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL, tls, logs));
}

static void the_watchers_log_keeps_its_limit(void **state)
{
    (void)state;
    check_lines("toaster_watcher_log = /l/watcher.log\n",
                LINES("file \"watcher.log\" {", "path = \"/l/watcher.log\"", "max_size = \"1M\"",
                      "compress = yes"));
    check_lines(OLD "toaster_watcher_log = 0\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL, "file \"watcher.log\" {"));
    check_errors(OLD "toaster_watcher_log = /var/log/\n",
                 LINES("old.conf:2: toaster_watcher_log = \"/var/log/\" is no name of a file"));
}

static void enabled_dns_lists_stand_in_a_comment(void **state)
{
    (void)state;
    check_lines("rbl_enable = 1\nrbl_zen.spamhaus.org = 1 # x\nrbl_bl.spamcop.net = 0\n"
                "rbl_psbl.surriel.com = 3\nrbl_timeout = 60\n",
                LINES("# dnsbl \"zen.spamhaus.org\" { }", "# dnsbl \"psbl.surriel.com\" { }", NULL,
                      "# dnsbl \"bl.spamcop.net\" { }", "# dnsbl \"timeout\" { }"));
    check_errors("rbl_enable = yes\nrbl_a.example = on\n",
                 LINES("old.conf:2: rbl_a.example = \"on\" is no whole number from 0 to 9999",
                       "old.conf:1: rbl_enable = \"yes\" is neither 0 nor 1 (the old script took "
                       "all but 0 for a yes)"));
}

static void what_makes_no_sense_is_told_with_its_line_all_at_once(void **state)
{
    (void)state;
    check_errors(
        "toaster_admin_email = admin\n\ntoaster_hostname = -x\nqmail_dir = qmail\n"
        "install_clamav = no\npop3_daemon = cyrus\nsubmit_enable = 2\n"
        "maildir_clean_Trash = 2 weeks\nmaildir_clean_interval = 400\n"
        "install_clamav_user = a b\nqmail_log_base = /\x1b[1m\n",
        LINES("old.conf:1: toaster_admin_email = \"admin\" is no mail address: write "
              "user@domain",
              "old.conf:3: toaster_hostname = \"-x\" is no host name: letters, digits, dots "
              "and hyphens",
              "old.conf:4: qmail_dir = \"qmail\" is no path: it must begin with \"/\"",
              "old.conf:11: qmail_log_base has a tab, a control character or bytes that "
              "are no UTF-8",
              "old.conf:10: install_clamav_user = \"a b\" is no name of a user",
              "old.conf:7: submit_enable = \"2\" is neither 0 nor 1 (the old script took "
              "all but 0 for a yes)",
              "old.conf:6: pop3_daemon = \"cyrus\" makes no sense: it must be qpop3d, "
              "courier or dovecot",
              "old.conf:5: install_clamav = \"no\" is neither 0, 1, a version nor \"port\" "
              "(the old script took all but 0 for a yes)",
              "old.conf:9: maildir_clean_interval = \"400\" is no whole number from 0 to "
              "365",
              "old.conf:8: maildir_clean_Trash = \"2 weeks\" is no whole number from 0 to "
              "36000"));
    check_errors("nothing = 1\n", LINES("old.conf: no key that any version of the old script had"));
}

static void a_value_that_counts_no_more_is_no_error(void **state)
{
    (void)state;
    check_lines("install_clamav = no\ninstall_clamav = 1\n", LINES("process \"clamd\" { }"));
}

static void a_number_sign_in_a_value_is_noted_where_the_value_is_used(void **state)
{
    (void)state;
    struct imported out = import(OLD "vpopmail_user = vp#x\nvpopmail_mysql_pass = a#b\n"
                                     "vpopmail_roaming_users = 1\n");
    assert_int_equal(out.import.notes.count, 1);
    assert_string_equal(out.import.notes.items[0],
                        "old.conf:2: vpopmail_user: all from the \"#\" on is a comment, as it was");
    assert_true(has_line(tw_buf_text(&out.import.text), "user = \"vp\""));
    imported_free(&out);
}

static void no_secret_comes_into_text_errors_or_notes(void **state)
{
    (void)state;
    static const char secret[] = "hunter2";
    struct imported out =
        import(OLD "vpopmail_mysql_pass = hunter2\nvpopmail_mysql_pass = #hunter2\n"
                   "own_password = hunter2\nsecret hunter2\nthe pass is hunter2 = 1\n"
                   "phpMyAdmin_controlpassword = hunter2#hunter2\nqmail_service = x\n");
    assert_int_equal(out.result, -1);
    imported_free(&out);
    out = import(OLD "vpopmail_mysql_pass = hunter2\nvpopmail_mysql_pass = #hunter2\n"
                     "own_password = hunter2\nsecret hunter2\nthe pass is hunter2 = 1\n"
                     "phpMyAdmin_controlpassword = hunter2#hunter2\n");
    assert_int_equal(out.result, 0);
    assert_null(strstr(tw_buf_text(&out.import.text), secret));
    for (size_t i = 0; i < out.import.notes.count; i++)
        assert_null(strstr(out.import.notes.items[i], secret));
    assert_int_equal(out.import.notes.count, 3); /* the key twice, no "=", no name of a key */
    imported_free(&out);
}

static void every_key_without_successor_is_listed_with_its_reason(void **state)
{
    (void)state;
    check_lines(
        OLD "install_ezmlm = 1\nsmtpd_recordio = 0\nvpopmail_mysql_pass = x\n"
            "colour = red\nrbl_a.example_message = go away\nlog_password = x\n"
            "qs_quarantine_process = 1\n",
        LINES("# secret: passwords are not carried over", "# vpopmail_mysql_pass log_password",
              "# smtpd_recordio rbl_a.example_message",
              "# quarantine: nothing here looks after that of qmail-scanner",
              "# qs_quarantine_process", "# built: how programs were chosen, built and installed",
              "# install_ezmlm", "# unknown: no version had it: a typing error?", "# colour", NULL,
              "# qmail_dir"));
}

static void nothing_breaks_out_of_a_comment_or_a_string(void **state)
{
    (void)state;
    struct imported out = {0};
    struct tw_error e = {""};
    static const char old[] = OLD "toaster_watcher_log = /a\"b\\c${HOME}$x'd/*e\n"
                                  "a\rprocess \"x\" { } = 1\nb\x1b[2J = 1\n";
    assert_int_equal(tw_oldconf_parse("/x/o\nprocess \"y\" { }", old, strlen(old), &out.conf,
                                      &out.import.notes, &e),
                     0);
    assert_int_equal(tw_import_make(&out.conf, NULL, &out.import), 0);
    const char *text = tw_buf_text(&out.import.text);
    if (tw_proof_config(text, out.import.text.len, &e) != 0)
        fail_msg("%s:\n%s", e.text, text);
    assert_true(has_line(text, "path = \"/a\\\"b\\\\c\\${HOME}\\$x'd/*e\""));
    assert_null(strstr(text, "process \"x\""));
    assert_null(strchr(text, '\r'));
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "\nprocess \"y\""));
    imported_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(address_and_host_name_come_over),
        cmocka_unit_test(the_host_name_qmail_is_what_control_me_says),
        cmocka_unit_test(directories_come_over),
        cmocka_unit_test(places_of_web_pages_come_over),
        cmocka_unit_test(only_what_has_a_process_of_that_name_becomes_one),
        cmocka_unit_test(mysqld_is_mariadbd_by_now),
        cmocka_unit_test(services_and_their_logs_are_what_the_daemons_and_log_methods_say),
        cmocka_unit_test(a_service_has_the_name_that_it_was_given),
        cmocka_unit_test(two_services_of_one_name_are_an_error_with_its_line),
        cmocka_unit_test(what_else_the_old_script_ran_becomes_programs),
        cmocka_unit_test(what_nothing_here_does_is_said),
        cmocka_unit_test(the_watchers_log_keeps_its_limit),
        cmocka_unit_test(enabled_dns_lists_stand_in_a_comment),
        cmocka_unit_test(what_makes_no_sense_is_told_with_its_line_all_at_once),
        cmocka_unit_test(a_value_that_counts_no_more_is_no_error),
        cmocka_unit_test(a_number_sign_in_a_value_is_noted_where_the_value_is_used),
        cmocka_unit_test(no_secret_comes_into_text_errors_or_notes),
        cmocka_unit_test(every_key_without_successor_is_listed_with_its_reason),
        cmocka_unit_test(nothing_breaks_out_of_a_comment_or_a_string),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
