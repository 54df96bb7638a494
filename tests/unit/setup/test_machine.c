/* What is seen of a machine. */
#include "setup/world.h"

static void on_a_bare_machine_nothing_is_seen(void **state)
{
    struct tw_machine m;
    world_look(&m, state);
    assert_true(tw_machine_bare(&m));
    assert_false(m.qmail || m.service || m.inject || m.rcpthosts);
    assert_null(m.vpopmail);
    assert_null(m.sendmail);
    assert_null(m.postmaster.address);
    assert_string_equal(m.service_dir, "/var/service");
    assert_int_equal(m.service_count, 0);
    assert_int_equal(m.volume_count, 0);
    tw_machine_free(&m);
}

static void an_empty_directory_is_no_qmail(void **state)
{
    struct tw_machine m;
    world_way("var/qmail/supervise/");
    world_look(&m, state);
    assert_false(m.qmail);
    tw_machine_free(&m);
    world_program("var/qmail/bin/qmail-inject");
    world_look(&m, state);
    assert_true(m.qmail && m.inject);
    assert_false(tw_machine_bare(&m));
    tw_machine_free(&m);
}

static void vpopmail_is_where_passwd_says(void **state)
{
    struct tw_machine m;
    world_way("home/vpopmail/domains/");
    world_look(&m, state);
    assert_string_equal(m.vpopmail, "/home/vpopmail");
    tw_machine_free(&m);
    world_way("srv/vp/domains/");
    world_file("etc/passwd", "root:x:0:0::/root:/bin/sh\nvpopmail:x:89:89::/srv/vp:/bin/false\n",
               0644);
    world_look(&m, state);
    assert_string_equal(m.vpopmail, "/srv/vp");
    tw_machine_free(&m);
}

static void domains_are_counted_once(void **state)
{
    struct tw_machine m;
    world_way("home/vpopmail/domains/example.com/");
    world_file("var/qmail/users/assign",
               "+example.com-:example.com:89:89:/home/vpopmail/domains/example.com:-::\n"
               "+alias.example-:example.com:89:89:/home/vpopmail/domains/example.com:-::\n"
               "+bad-.:\n.\n",
               0644);
    world_look(&m, state);
    assert_int_equal(m.domains, 1);
    tw_machine_free(&m);
}

static void services_are_seen_with_their_logs(void **state)
{
    struct tw_machine m;
    world_way("var/log/mail/send/");
    world_service("service", "send",
                  "#!/bin/sh\nexec setuidgid qmaill multilog t /var/log/mail/send\n");
    world_service("service", "smtp", "#!/bin/sh\nexec multilog t ./main\n");
    world_way("service/smtp/log/main/");
    world_service("service", "syslogged", "#!/bin/sh\nexec logger -t x\n");
    world_service("service", "clear", NULL);
    world_service("service", ".hidden", NULL);
    world_file("service/clear/down", "", 0644);
    world_file("service/afile", "", 0644);
    world_look(&m, state);
    assert_true(m.service);
    assert_string_equal(m.service_dir, "/service");
    assert_int_equal(m.service_count, 4);
    assert_string_equal(m.services[0].name, "clear");
    assert_false(m.services[0].has_log);
    assert_true(m.services[0].down_file);
    assert_string_equal(m.services[1].log_dir, "/var/log/mail/send");
    assert_false(m.services[1].down_file || m.services[1].no_run);
    assert_string_equal(m.services[2].log_dir, "/service/smtp/log/main");
    assert_true(m.services[3].has_log);
    assert_null(m.services[3].log_dir);
    tw_machine_free(&m);
}

static void names_that_no_job_can_have_are_known(void **state)
{
    struct tw_machine m;
    world_service("service", "od\x1b[31md \"name\n", NULL);
    world_service("service", "good", NULL);
    world_look(&m, state);
    assert_int_equal(m.service_count, 2);
    assert_true(m.services[0].good_name);
    assert_false(m.services[1].good_name);
    tw_machine_free(&m);
}

static void the_directory_that_svscan_runs_on_comes_first(void **state)
{
    struct tw_machine m;
    world_way("var/service/");
    world_way("etc/service/");
    world_look(&m, state);
    assert_string_equal(m.service_dir, "/var/service");
    assert_false(m.svscan_there);
    tw_machine_free(&m);
    world_process(9, 1, "svscan", 2001, "../../var/service"); /* anybody may call himself so */
    world_look(&m, state);
    assert_false(m.svscan_there);
    tw_machine_free(&m);
    world_process(10, 1, "svscan", 0, "../../etc/service");
    world_look(&m, state);
    assert_string_equal(m.service_dir, "/etc/service");
    assert_true(m.svscan_there);
    tw_machine_free(&m);
}

static void a_directory_elsewhere_is_told_by_the_only_svscan(void **state)
{
    struct tw_machine m;
    char *elsewhere = tw_format("%s/srv/sv", (const char *)*state);
    world_service("srv/sv", "x", NULL);
    world_process(10, 1, "svscan", 0, elsewhere);
    world_process(11, 1, "svscan", 2001, elsewhere); /* not root's */
    world_look(&m, state);
    assert_string_equal(m.service_dir, "/srv/sv");
    assert_int_equal(m.service_count, 1);
    tw_machine_free(&m);
    world_process(12, 1, "svscan", 0, elsewhere);
    world_look(&m, state);
    assert_false(m.service);
    tw_machine_free(&m);
    free(elsewhere);
}

static const struct tw_machine_process *process(const struct tw_machine *m, const char *name)
{
    for (size_t i = 0; i < m->process_count; i++)
        if (strcmp(m->processes[i].name, name) == 0)
            return &m->processes[i];
    return NULL;
}

static void what_a_supervise_has_started_is_told_apart(void **state)
{
    struct tw_machine m;
    world_file("etc/passwd", "clamav:x:101:101::/:/bin/false\n", 0644);
    world_service("var/service", "spamd", NULL);
    world_service("elsewhere", "unbound", NULL);
    world_process(10, 1, "svscan", 0, "../../var/service");
    world_process(11, 10, "supervise", 0, "../../var/service/spamd");
    world_process(12, 11, "sh", 0, NULL);
    world_process(13, 12, "spamd", 0, NULL);
    /* Its service is none that will be watched. */
    world_process(14, 1, "supervise", 0, "../../elsewhere/unbound");
    world_process(15, 14, "unbound", 0, NULL);
    world_process(16, 1, "supervise", 0, NULL);
    world_process(17, 16, "named", 0, NULL);
    world_process(20, 1, "clamd", 101, NULL);
    world_process(19, 1, "clamd", 2001, NULL); /* anybody's */
    world_process(30, 1, "clamdx", 0, NULL);
    world_process(31, 31, "dovecot", 2001, NULL);
    world_look(&m, state);
    assert_int_equal(process(&m, "spamd")->unsupervised, 0);
    assert_int_equal(process(&m, "unbound")->unsupervised, 1);
    assert_int_equal(process(&m, "named")->unsupervised, 1);
    assert_int_equal(process(&m, "svscan")->unsupervised, 1);
    assert_int_equal(process(&m, "clamd")->count, 1);
    assert_string_equal(process(&m, "clamd")->user, "clamav");
    assert_null(process(&m, "dovecot"));
    assert_int_equal(m.process_count, 5);
    tw_machine_free(&m);
}

static const struct tw_machine_program *program(const struct tw_machine *m, const char *name)
{
    for (size_t i = 0; i < m->program_count; i++)
        if (strcmp(m->programs[i].name, name) == 0)
            return &m->programs[i];
    fail();
    return NULL;
}

static void programs_are_found_where_they_are_put(void **state)
{
    struct tw_machine m;
    world_program("usr/sbin/clamd");
    world_file("usr/sbin/dovecot", "", 0644); /* nothing that runs */
    world_program("var/qmail/bin/qmail-send");
    world_program("var/qmail/bin/simscan");
    world_way("home/vpopmail/domains/");
    world_program("home/vpopmail/bin/vadddomain");
    world_program("usr/lib/cgi-bin/qmailadmin");
    world_way("usr/share/squirrelmail/");
    world_process(20, 1, "clamd", 101, NULL);
    world_look(&m, state);
    assert_string_equal(program(&m, "ClamAV")->path, "/usr/sbin/clamd");
    assert_true(program(&m, "ClamAV")->runs);
    assert_null(program(&m, "Dovecot")->path);
    assert_string_equal(program(&m, "simscan")->path, "/var/qmail/bin/simscan");
    assert_string_equal(program(&m, "qmail")->path, "/var/qmail/bin/qmail-send");
    assert_false(program(&m, "qmail")->runs);
    assert_string_equal(program(&m, "vpopmail")->path, "/home/vpopmail/bin/vadddomain");
    assert_string_equal(program(&m, "qmailadmin")->path, "/usr/lib/cgi-bin/qmailadmin");
    assert_string_equal(program(&m, "squirrelmail")->path, "/usr/share/squirrelmail");
    tw_machine_free(&m);
}

static void one_file_system_is_one_disk(void **state)
{
    struct tw_machine m;
    world_way("var/qmail/control/");
    world_way("var/qmail/queue/");
    world_way("home/vpopmail/domains/");
    world_look(&m, state);
    assert_int_equal(m.volume_count, 1);
    assert_string_equal(m.volumes[0].title, "var");
    assert_string_equal(m.volumes[0].path, "/var");
    assert_int_equal(m.volumes[0].also.count, 2);
    tw_machine_free(&m);
}

static void fifos_in_the_place_of_files_are_not_waited_for(void **state)
{
    static const char *const names[] = {"var/qmail/control/me",
                                        "var/qmail/alias/.qmail-root",
                                        "var/qmail/control/rcpthosts",
                                        "etc/aliases",
                                        "etc/passwd",
                                        "service/x/log/run",
                                        "service/x/supervise/ok",
                                        "service/x/supervise/status",
                                        "usr/sbin/sendmail",
                                        "var/qmail/users/assign",
                                        "var/qmail/alias/.qmail-postmaster"};
    struct tw_machine m;
    world_service("service", "x", NULL);
    world_way("home/vpopmail/domains/");
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        world_way(names[i]);
        assert_int_equal(mkfifo(names[i], 0644), 0);
    }
    alarm(60 * PATIENCE); /* it would hang */
    world_look(&m, state);
    alarm(0);
    assert_false(m.rcpthosts);
    assert_null(m.sendmail);
    assert_null(m.me);
    assert_null(m.postmaster.address);
    assert_string_equal(m.postmaster.source, "/var/qmail/alias/.qmail-postmaster");
    tw_machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        world_test(on_a_bare_machine_nothing_is_seen),
        world_test(an_empty_directory_is_no_qmail),
        world_test(vpopmail_is_where_passwd_says),
        world_test(domains_are_counted_once),
        world_test(services_are_seen_with_their_logs),
        world_test(names_that_no_job_can_have_are_known),
        world_test(the_directory_that_svscan_runs_on_comes_first),
        world_test(a_directory_elsewhere_is_told_by_the_only_svscan),
        world_test(what_a_supervise_has_started_is_told_apart),
        world_test(programs_are_found_where_they_are_put),
        world_test(one_file_system_is_one_disk),
        world_test(fifos_in_the_place_of_files_are_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
