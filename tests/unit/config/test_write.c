/* What tw_config_write writes is read back as the same configuration. */
#include "files.h"

static void reads_back(void **state, struct tw_config *config)
{
    struct tw_buf text = {0};
    tw_config_write(config, true, &text);
    files_write(state, "again.conf", tw_buf_text(&text));
    tw_buf_free(&text);
    struct tw_config *again = files_load(state, "again.conf");
    files_same(config, again);
    assert_string_equal(config->postmaster, again->postmaster);
    assert_string_equal(config->hostname, again->hostname);
    assert_int_equal(config->alert.via.count, again->alert.via.count);
    assert_int_equal(config->alert.to.count, again->alert.to.count);
    assert_int_equal(config->status_every_s, again->status_every_s);
    tw_config_free(&again);
    tw_config_free(&config);
}

static void the_defaults_read_back(void **state)
{
    reads_back(state, files_good(state, ""));
}

static void every_key_reads_back(void **state)
{
    reads_back(
        state,
        files_good(
            state,
            "postmaster = \"p@x\" hostname = h state_dir = /s control = /c\n"
            "control_group = \"g\" status_every = \"never\" verbose = on\n"
            "qmail { dir = /q supervise = /q/s service = /sv log = /l }\n"
            "web { htdocs = /w cgi_bin = /c }\n"
            "alert { via = {\"sendmail:/usr/sbin/sendmail\", \"maildir:/m\", "
            "\"qmail-inject\"}\n"
            "  to = {\"a@b\", \"c@d\"} group_wait = \"90s\" max_per_hour = 5 }\n"
            "defaults { every = \"61s\" timeout = \"2h\" fail_after = 2 ok_after = 3 }\n"
            "process \"a\" { name = \"n\" pidfile = /p user = u min = 0 max = 0\n"
            "  every = \"1d\" timeout = \"1s\" fail_after = 7 ok_after = 8\n"
            "  then = {\"svc\", \"-u\", \"$x \\\"y\"} depends = {\"service.*\", \"service.z\"} }\n"
            "service \"*\" { require = {\"send\"} log = syslog log_dir = /l restarts = 2\n"
            "  within = \"1w\" }\n"
            "service \"send\" { log = none }\n"
            "file \"f\" { path = /f max_size = \"3G\" not_empty = yes mode = \"07\"\n"
            "  max_age = \"36h\" }\n"
            "file \"g\" { path = /f max_size = \"never\" mode = \"04755\" }\n"
            "mailboxes { vpopmail = /v glob = {\"/s/%d/%u/M\", \"/h/%u\"} passwd = yes\n"
            "  exclude = {\"*@l\", \"a@b\"} uids = {\"89\"} }\n"
            "expire \"n\" { policy \"*@x\" { trash = \"never\" age = received flagged = yes }\n"
            "  every = \"1w\" window = \"22:00-04:30\" trash = \"14d\" read = \"1s\"\n"
            "  sent = \"never\" spam_age = moved flagged = no trash_folders = {\"Bin\", \"B/C\"}\n"
            "  fuse = \"500\" fuse_min = 0 quota_trash = yes keep_unlearned = no parallel = 64\n"
            "  policy \"a\\\"$@x\" { } policy \"u@x\" { unread = \"2d\" } }\n"));
}

static void reminders_escalation_heartbeat_and_report_read_back(void **state)
{
    files_write(state, "passwords", "");
    char *text = tw_format("alert { remind = \"90m\" escalate = \"1d\"\n"
                           "  escalate_via = {\"https://h.example/a$b'c?d=e&f\", \"smtps://r\"}\n"
                           "  passwords = \"%s/passwords\" ca_file = \"/c a\" }\n"
                           "heartbeat { url = \"https://h.example/$x\" every = \"90s\" }\n"
                           "report { every = \"30d\" at = \"00:01\" }\n",
                           (const char *)*state);
    reads_back(state, files_good(state, text));
    free(text);
    struct tw_config *c = files_load(state, "again.conf");
    assert_int_equal(c->alert.escalate_s, 86400);
    assert_int_equal(c->alert.escalate.count, 2);
    assert_string_equal(c->alert.escalate.items[0].text, "https://h.example/a$b'c?d=e&f");
    assert_string_equal(c->heartbeat.url, "https://h.example/$x");
    assert_string_equal(c->report.at, "00:01");
    tw_config_free(&c);
}

static void nasty_characters_read_back(void **state)
{
    struct tw_buf text = {0};
    tw_buf_puts(&text, "process \"all\" { name = \"");
    for (int c = 1; c < 256; c++)
        if (c != '/')
            tw_buf_printf(&text, "\\x%02x", (unsigned)c);
    tw_buf_puts(&text, "\" }\n"
                       "qmail { dir = \"/a b\\\"c\\\\d\\${HOME}\\x0a0\" }\n"
                       "alert { via = {\"maildir:/x\\ny\", 'maildir:/#{}=,()//*\\'' } }\n");
    struct tw_config *c = files_good(state, tw_buf_text(&text));
    tw_buf_free(&text);
    assert_string_equal(c->qmail.dir, "/a b\"c\\d${HOME}\n0");
    assert_string_equal(c->alert.via.items[0].path, "/x\ny");
    assert_string_equal(c->alert.via.items[1].path, "/#{}=,()//*'");
    reads_back(state, c);
}

static void an_empty_list_of_transports_reads_back_as_none(void **state)
{
    struct tw_config *c = files_good(state, "alert { via = {} }");
    assert_int_equal(c->alert.via.count, 0);
    reads_back(state, c);
    c = files_load(state, "again.conf");
    assert_int_equal(c->alert.via.count, 0);
    tw_config_free(&c);
}

static void what_was_written_in_parts_is_written_whole(void **state)
{
    files_write(state, "a.inc", "process \"z\" { }\nalert { max_per_hour = 2 }\n");
    char *text = tw_format("include(\"%s/*.inc\")\nalert { group_wait = \"1s\" }\n"
                           "process \"a\" { }\n",
                           (const char *)*state);
    struct tw_config *c = files_good(state, text);
    free(text);
    struct tw_buf out = {0};
    tw_config_write(c, false, &out);
    assert_null(strstr(tw_buf_text(&out), "include"));
    assert_non_null(strstr(tw_buf_text(&out), "process \"z\" {"));
    tw_buf_free(&out);
    reads_back(state, c);
}

static void the_longest_values_read_back(void **state)
{
    char *text = tw_format("process \"x\" { name = \"%04095d\" }\n", 7);
    reads_back(state, files_good(state, text));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(the_defaults_read_back),
        files_test(every_key_reads_back),
        files_test(reminders_escalation_heartbeat_and_report_read_back),
        files_test(nasty_characters_read_back),
        files_test(an_empty_list_of_transports_reads_back_as_none),
        files_test(what_was_written_in_parts_is_written_whole),
        files_test(the_longest_values_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
