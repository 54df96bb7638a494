/* What a good configuration becomes. */
#include "files.h"

#include "base/source.h"

static void an_empty_file_is_a_configuration_with_every_default(void **state)
{
    char host[256];
    assert_int_equal(gethostname(host, sizeof host), 0);
    struct tw_config *c = files_good(state, "");
    char *postmaster = tw_format("postmaster@%s", c->hostname),
         *file = files_path(state, "main.conf");
    assert_string_equal(c->file, file);
    assert_true(strcmp(c->hostname, host) == 0 || strcmp(c->hostname, "localhost") == 0);
    assert_string_equal(c->postmaster, postmaster);
    assert_string_equal(c->state_dir, "/var/lib/toaster-watcher");
    assert_string_equal(c->control, "/run/toaster-watcher.sock");
    assert_string_equal(c->control_group, "");
    assert_int_equal(c->status_every_s, 3600);
    assert_false(c->verbose);
    assert_string_equal(c->qmail.dir, "/var/qmail");
    assert_string_equal(c->qmail.supervise, "/var/qmail/supervise");
    assert_string_equal(c->qmail.service, "/var/service");
    assert_string_equal(c->qmail.log, "/var/log/mail");
    assert_int_equal(c->alert.via.count, 1);
    assert_int_equal(c->alert.via.items[0].type, TW_TRANSPORT_QMAIL_INJECT);
    assert_int_equal(c->alert.to.count, 1);
    assert_string_equal(c->alert.to.items[0], postmaster);
    assert_int_equal(c->alert.group_wait_s, 30);
    assert_int_equal(c->alert.max_per_hour, 20);
    assert_int_equal(c->alert.remind_s, 4 * 3600);
    assert_int_equal(c->alert.escalate_s, TW_NEVER);
    assert_int_equal(c->alert.escalate.count, 0);
    assert_null(c->alert.passwords);
    assert_null(c->alert.ca_file);
    assert_null(c->heartbeat.url);
    assert_int_equal(c->heartbeat.every_s, 300);
    assert_int_equal(c->report.every_s, TW_NEVER);
    assert_string_equal(c->report.at, "08:00");
    assert_int_equal(c->defaults.every_s, 60);
    assert_int_equal(c->defaults.timeout_s, 30);
    assert_int_equal(c->defaults.fail_after, 1);
    assert_int_equal(c->defaults.ok_after, 1);
    assert_int_equal(c->job_count, 0);
    assert_null(tw_config_find(c, "process.clamd"));
    free(postmaster);
    free(file);
    tw_config_free(&c);
    assert_null(c);
}

static void every_key_outside_the_kinds_is_taken(void **state)
{
    struct tw_config *c = files_good(state, "postmaster = \"p@example.com\"\n"
                                            "hostname = \"mail.example.com\"\n"
                                            "state_dir = \"/s\"\n"
                                            "control = \"/c\"\n"
                                            "control_group = \"adm\"\n"
                                            "status_every = \"never\"\n"
                                            "verbose = yes\n"
                                            "qmail { dir = \"/q\" supervise = \"/q/s\"\n"
                                            "  service = \"/sv\" log = \"/l\" }\n"
                                            "alert { via = {\"maildir:/m\", \"qmail-inject\"}\n"
                                            "  to = {\"a@b\", \"c@d\"} group_wait = \"0s\"\n"
                                            "  max_per_hour = 3 }\n"
                                            "defaults { every = \"2m\" timeout = \"9s\"\n"
                                            "  fail_after = 2 ok_after = 3 }\n");
    assert_string_equal(c->postmaster, "p@example.com");
    assert_string_equal(c->hostname, "mail.example.com");
    assert_string_equal(c->state_dir, "/s");
    assert_string_equal(c->control, "/c");
    assert_string_equal(c->control_group, "adm");
    assert_int_equal(c->status_every_s, TW_NEVER);
    assert_true(c->verbose);
    const struct tw_places places = tw_config_places(c);
    assert_string_equal(places.qmail_dir, "/q");
    assert_string_equal(c->qmail.supervise, "/q/s");
    assert_string_equal(places.service_dir, "/sv");
    assert_string_equal(places.log_dir, "/l");
    assert_string_equal(places.proc_root, "/proc");
    assert_int_equal(c->alert.via.count, 2);
    assert_string_equal(c->alert.via.items[0].path, "/m");
    assert_string_equal(c->alert.via.items[1].path, "/q/bin/qmail-inject");
    assert_int_equal(c->alert.to.count, 2);
    assert_string_equal(c->alert.to.items[1], "c@d");
    assert_int_equal(c->alert.group_wait_s, 0);
    assert_int_equal(c->alert.max_per_hour, 3);
    assert_int_equal(c->defaults.every_s, 120);
    assert_int_equal(c->defaults.timeout_s, 9);
    assert_int_equal(c->defaults.fail_after, 2);
    assert_int_equal(c->defaults.ok_after, 3);
    tw_config_free(&c);
}

static void reminders_escalation_heartbeat_and_report_are_taken(void **state)
{
    files_write(state, "passwords", "relay joe secret\n");
    char *text =
        tw_format("qmail { dir = \"/q\" }\n"
                  "alert { remind = \"never\" escalate = \"30m\"\n"
                  "  escalate_via = {\"https://hooks.example.com/T0/x\",\n"
                  "    \"smtp://relay.example.com:2525\", \"qmail-inject\"}\n"
                  "  passwords = \"%s/passwords\" ca_file = \"/nowhere/ca.pem\" }\n"
                  "heartbeat { url = \"https://hc.example.com/ping/x?y=z\" every = \"1s\" }\n"
                  "report { every = \"1w\" at = \"23:59\" }\n",
                  (const char *)*state);
    struct tw_config *c = files_good(state, text);
    free(text);
    char *passwords = files_path(state, "passwords");
    assert_int_equal(c->alert.remind_s, TW_NEVER);
    assert_int_equal(c->alert.escalate_s, 1800);
    assert_int_equal(c->alert.escalate.count, 3);
    assert_int_equal(c->alert.escalate_text.count, 3);
    assert_int_equal(c->alert.escalate.items[0].type, TW_TRANSPORT_HOOK);
    assert_string_equal(c->alert.escalate.items[0].shown, "https://hooks.example.com/...");
    assert_int_equal(c->alert.escalate.items[1].type, TW_TRANSPORT_SMTP);
    assert_string_equal(c->alert.escalate.items[1].host, "relay.example.com");
    assert_string_equal(c->alert.escalate.items[2].path, "/q/bin/qmail-inject");
    assert_int_equal(c->alert.via.count, 1);
    assert_string_equal(c->alert.passwords, passwords);
    assert_string_equal(c->alert.ca_file, "/nowhere/ca.pem");
    assert_string_equal(c->heartbeat.url, "https://hc.example.com/ping/x?y=z");
    assert_int_equal(c->heartbeat.every_s, 1);
    assert_int_equal(c->report.every_s, 7 * 86400);
    assert_string_equal(c->report.at, "23:59");
    free(passwords);
    tw_config_free(&c);
}

static void the_least_and_the_most_of_the_new_times_are_taken(void **state)
{
    struct tw_config *c = files_good(state, "alert { remind = \"365d\" escalate = \"1s\"\n"
                                            "  escalate_via = {\"maildir:/m\"} }\n"
                                            "heartbeat { every = \"1d\"\n"
                                            "  url = \"http://127.0.0.1:8080\" }\n"
                                            "report { at = \"00:00\" every = \"1d\" }\n");
    assert_int_equal(c->alert.remind_s, 365 * 86400);
    assert_int_equal(c->alert.escalate_s, 1);
    assert_int_equal(c->heartbeat.every_s, 86400);
    assert_int_equal(c->report.every_s, 86400);
    assert_string_equal(c->report.at, "00:00");
    tw_config_free(&c);
    c = files_good(state, "alert { escalate = \"never\" }\nreport { every = \"never\" }\n");
    assert_int_equal(c->alert.escalate_s, TW_NEVER);
    assert_int_equal(c->report.every_s, TW_NEVER);
    tw_config_free(&c);
}

/* Each by itself, in parts and in another file. */
static void what_belongs_together_may_stand_apart(void **state)
{
    files_write(state, "a.inc",
                "alert { escalate = \"5m\" }\nheartbeat { every = \"1m\" }\n"
                "report { at = \"07:00\" }\n");
    char *text = tw_format("include(\"%s/*.inc\")\n"
                           "alert { escalate_via = {\"maildir:/m\"} }\n"
                           "heartbeat { url = \"https://h/x\" }\nreport { every = \"1d\" }\n",
                           (const char *)*state);
    struct tw_config *c = files_good(state, text);
    free(text);
    assert_int_equal(c->alert.escalate_s, 300);
    assert_int_equal(c->alert.escalate.count, 1);
    assert_int_equal(c->heartbeat.every_s, 60);
    assert_string_equal(c->report.at, "07:00");
    tw_config_free(&c);
}

static void jobs_are_sorted_and_found_by_name(void **state)
{
    struct tw_config *c =
        files_good(state, "service \"smtp\" { }\n"
                          "service \"*\" { require = {\"send\", \"smtp\"} }\n"
                          "process \"clamd\" { max = 1 }\n"
                          "file \"a.b_c@d-e\" { path = \"/x\" max_size = \"2K\" }\n");
    assert_int_equal(c->job_count, 4);
    for (size_t i = 1; i < c->job_count; i++)
        assert_true(strcmp(c->jobs[i - 1].name, c->jobs[i].name) < 0);
    const struct tw_job_config *star = tw_config_find(c, "service.*");
    assert_non_null(star);
    assert_string_equal(star->title, "*");
    assert_ptr_equal(star->kind, tw_kind_find("service"));
    assert_non_null(tw_config_find(c, "service.smtp"));
    files_key_is(c, "process.clamd", "max", "1");
    files_key_is(c, "process.clamd", "min", "1");
    files_key_is(c, "file.a.b_c@d-e", "max_size", "2K");
    assert_null(tw_config_find(c, "service"));
    assert_null(tw_config_find(c, ""));
    tw_config_free(&c);
}

static void a_job_has_its_own_common_keys_or_the_defaults_wherever_those_stand(void **state)
{
    struct tw_config *c = files_good(state, "process \"a\" { every = \"5s\" ok_after = 7 }\n"
                                            "process \"b\" { }\n"
                                            "defaults { every = \"2h\" fail_after = 4 }\n");
    const struct tw_common *a = &tw_config_find(c, "process.a")->common;
    const struct tw_common *b = &tw_config_find(c, "process.b")->common;
    assert_int_equal(a->every_s, 5);
    assert_int_equal(a->timeout_s, 30);
    assert_int_equal(a->fail_after, 4);
    assert_int_equal(a->ok_after, 7);
    assert_int_equal(b->every_s, 7200);
    assert_int_equal(b->fail_after, 4);
    assert_int_equal(b->ok_after, 1);
    tw_config_free(&c);
}

static void a_task_has_defaults_of_its_own_and_a_window(void **state)
{
    struct tw_config *c = files_good(
        state, "defaults { every = \"2h\" timeout = \"7s\" fail_after = 4 ok_after = 3 }\n"
               "expire \"a\" { }\n"
               "expire \"b\" { window = \"01:00-05:00\" every = \"1w\" fail_after = 2 }\n");
    const struct tw_job_config *a = tw_config_find(c, "expire.a");
    const struct tw_job_config *b = tw_config_find(c, "expire.b");
    assert_int_equal(a->common.every_s, 86400);
    assert_int_equal(a->common.timeout_s, 300);
    assert_int_equal(a->common.fail_after, 1);
    assert_int_equal(a->common.ok_after, 1);
    assert_false(tw_window_any(&a->window));
    assert_int_equal(b->common.every_s, 7 * 86400);
    assert_int_equal(b->common.fail_after, 2);
    assert_int_equal(b->window.from_min, 60);
    struct tw_config *d = files_good(
        state, "expire \"b\" { window = \"01:00-05:01\" every = \"1w\" fail_after = 2 }\n");
    assert_false(tw_job_config_equal(b, tw_config_find(d, "expire.b")));
    tw_config_free(&c);
    tw_config_free(&d);
}

static void comments_line_ends_and_every_way_to_quote_are_understood(void **state)
{
    struct tw_config *c =
        files_good(state, "# a comment with \"one quote and a {\r\n"
                          "// another ' one\r\n"
                          "/* and\r\n \"more } */ hostname = 'h.example' # x\r\n"
                          "state_dir=/a//b\t// c\r\n"
                          "\r\n"
                          "process \"p\" { name = \"\\x41\\\"\\\\\\$\\tz\" }\r\n"
                          "process 'q' { name = '${HOME}\\n\\'' min = 2 max=3}\r\n"
                          "process r { name = \"\xc3\xbc$HOME\" user = ''}");
    assert_string_equal(c->hostname, "h.example");
    assert_string_equal(c->state_dir, "/a//b");
    files_key_is(c, "process.p", "name", "A\"\\$\tz");
    files_key_is(c, "process.q", "name", "${HOME}\\n'");
    files_key_is(c, "process.q", "max", "3");
    files_key_is(c, "process.r", "name", "\xc3\xbc$HOME");
    files_key_is(c, "process.r", "user", "");
    tw_config_free(&c);
}

static void a_section_without_a_title_may_be_written_in_parts(void **state)
{
    struct tw_config *c = files_good(state, "alert { group_wait = \"5s\" }\nalert { }\n"
                                            "alert { max_per_hour = 7 }\n");
    assert_int_equal(c->alert.group_wait_s, 5);
    assert_int_equal(c->alert.max_per_hour, 7);
    tw_config_free(&c);
}

static void a_title_that_looks_like_another_jobs_key_is_a_title(void **state)
{
    struct tw_config *c = files_good(state, "process \"a\" { min = 2 }\n"
                                            "process \"a.min\" { max = 3 }\n"
                                            "process \"a.min.max\" { }\n");
    assert_int_equal(c->job_count, 3);
    tw_config_free(&c);
}

static void an_empty_list_of_transports_is_none_and_of_addresses_the_postmaster(void **state)
{
    struct tw_config *c = files_good(state, "alert { via = {} to = {} }\npostmaster = \"a@b\"\n");
    assert_int_equal(c->alert.via.count, 0);
    assert_int_equal(c->alert.via_text.count, 0);
    assert_int_equal(c->alert.to.count, 1);
    assert_string_equal(c->alert.to.items[0], "a@b");
    tw_config_free(&c);
}

static void two_jobs_are_equal_only_if_name_and_every_key_are(void **state)
{
    struct tw_config *a = files_good(state, "process \"x\" { max = 2 }\nprocess \"y\" { max = 2 }\n"
                                            "service \"*\" { require = {\"x\"} }\n");
    struct tw_config *b = files_good(state, "process \"x\" { max = 2 }\n"
                                            "process \"y\" { max = 2 every = \"2m\" }\n"
                                            "service \"*\" { require = {\"x\", \"y\"} }\n");
    const struct tw_job_config *x = tw_config_find(a, "process.x");
    assert_true(tw_job_config_equal(x, tw_config_find(b, "process.x")));
    assert_false(tw_job_config_equal(x, tw_config_find(a, "process.y")));
    assert_false(
        tw_job_config_equal(tw_config_find(a, "process.y"), tw_config_find(b, "process.y")));
    assert_false(
        tw_job_config_equal(tw_config_find(a, "service.*"), tw_config_find(b, "service.*")));
    assert_false(tw_job_config_equal(x, tw_config_find(a, "service.*")));
    tw_config_free(&a);
    tw_config_free(&b);
}

static void thousands_of_jobs_are_taken(void **state)
{
    struct tw_buf text = {0};
    for (int i = 0; i < 5000; i++)
        tw_buf_printf(&text, "process \"p%d\" { min = 2 every = \"3m\" }\n", i);
    struct tw_config *c = files_good(state, tw_buf_text(&text));
    assert_int_equal(c->job_count, 5000);
    files_key_is(c, "process.p4999", "min", "2");
    tw_buf_free(&text);
    tw_config_free(&c);
}

static void state_dir_is(void **state, const char *text, const char *expected)
{
    files_write(state, "main.conf", text);
    char *file = files_path(state, "main.conf"), *dir = tw_config_state_dir(file);
    assert_string_equal(dir, expected);
    free(dir);
    free(file);
}

static void the_state_directory_is_told_from_a_broken_file(void **state)
{
    static const char none[] = "/var/lib/toaster-watcher";
    state_dir_is(state, "nonsense {\n state_dir = \"/x y\" # c\nstate_dir = \"/second\"\n", "/x y");
    state_dir_is(state, "process \"x {\nstate_dir='/x'\n", "/x");
    state_dir_is(state, "}\nstate_dir = /x", "/x");
    state_dir_is(state, "state_dir\t=\t/x\r\n", "/x");
    state_dir_is(state, "# state_dir = \"/no\"\n/*\nstate_dir = \"/no\"\n*/ {\n", none);
    state_dir_is(state, "", none);
    state_dir_is(state, "state_dir", none);
    state_dir_is(state, "state_dir = ", none);
    state_dir_is(state, "state_dir = \"", none);
    state_dir_is(state, "state_dir = \"/half\n", none);
    state_dir_is(state, "state_dir = \"relative\"\n", none);
    state_dir_is(state, "state_dir = \"/a\\x41\"\n", none);
    state_dir_is(state, "my_state_dir = \"/x\"\nstate_directory = \"/x\"\n", none);
}

static void the_state_directory_is_not_taken_from_a_file_that_others_can_write(void **state)
{
    state_dir_is(state, "state_dir = \"/x\"\n", "/x");
    files_chmod(state, "main.conf", 0620);
    char *file = files_path(state, "main.conf"), *dir = tw_config_state_dir(file);
    assert_string_equal(dir, "/var/lib/toaster-watcher");
    free(dir);
    dir = tw_config_state_dir("/nowhere/at/all");
    assert_string_equal(dir, "/var/lib/toaster-watcher");
    free(dir);
    free(file);
}

static void the_configuration_that_is_installed_is_taken_and_only_checks(void **state)
{
    char *text = read_source("etc/toaster-watcher.conf");
    struct tw_config *c = files_good(state, text);
    assert_non_null(tw_config_find(c, "service.*"));
    assert_int_equal(c->alert.via.count, 1);
    tw_config_free(&c);
    free(text);
}

static void names_key(const char *text, const char *key, const char *before, const char *after)
{
    char *wanted = tw_format("%s%s%s", before, key, after);
    if (!strstr(text, wanted))
        fail_msg("no \"%s\"", wanted);
    free(wanted);
}

/* The keys of a rendered configuration are all there are that have a value. */
static void manual_and_installed_configuration_name_every_key(void **state)
{
    char *manual = read_source("lib/config/toaster-watcher.conf.5");
    char *installed = read_source("etc/toaster-watcher.conf");
    struct tw_buf out = {0};
    struct tw_config *c = files_good(state, "");
    tw_config_write(c, true, &out);
    char *rest = NULL;
    for (char *line = strtok_r(out.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char key[64];
        if (sscanf(line, " %63[a-z_] =", key) != 1 || !strchr(line, '='))
            continue;
        names_key(manual, key, ".It Ic ", "\n");
        names_key(installed, key, " ", " ");
    }
    for (const struct tw_kind *const *kind = tw_kinds; *kind; kind++) {
        names_key(manual, (*kind)->name, ".Sh KIND ", "\n");
        for (const struct tw_option *o = (*kind)->options; o->key; o++) {
            names_key(manual, o->key, ".It Ic ", "\n");
            names_key(installed, o->key, " ", " ");
        }
    }
    static const char *const of_jobs[] = {"then", "depends"};
    for (size_t i = 0; i < TW_COUNT(of_jobs); i++) {
        names_key(manual, of_jobs[i], ".It Ic ", "\n");
        names_key(installed, of_jobs[i], " ", " ");
    }
    tw_buf_free(&out);
    tw_config_free(&c);
    free(manual);
    free(installed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(an_empty_file_is_a_configuration_with_every_default),
        files_test(every_key_outside_the_kinds_is_taken),
        files_test(reminders_escalation_heartbeat_and_report_are_taken),
        files_test(the_least_and_the_most_of_the_new_times_are_taken),
        files_test(what_belongs_together_may_stand_apart),
        files_test(jobs_are_sorted_and_found_by_name),
        files_test(a_job_has_its_own_common_keys_or_the_defaults_wherever_those_stand),
        files_test(a_task_has_defaults_of_its_own_and_a_window),
        files_test(comments_line_ends_and_every_way_to_quote_are_understood),
        files_test(a_section_without_a_title_may_be_written_in_parts),
        files_test(a_title_that_looks_like_another_jobs_key_is_a_title),
        files_test(an_empty_list_of_transports_is_none_and_of_addresses_the_postmaster),
        files_test(two_jobs_are_equal_only_if_name_and_every_key_are),
        files_test(thousands_of_jobs_are_taken),
        files_test(the_state_directory_is_told_from_a_broken_file),
        files_test(the_state_directory_is_not_taken_from_a_file_that_others_can_write),
        files_test(the_configuration_that_is_installed_is_taken_and_only_checks),
        files_test(manual_and_installed_configuration_name_every_key),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
