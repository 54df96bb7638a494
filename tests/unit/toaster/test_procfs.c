/* Processes from /proc: the real one, and roots made by hand for what no kernel would write. */
#include "scratch.h"

#include <errno.h>
#include <sys/prctl.h>

#include "toaster/procfs.h"

#define NUMBERS " 1 2 3 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 173862 2400256 2\n"

static int parse(const char *text, struct tw_proc *proc)
{
    return tw_proc_parse_stat(text, strlen(text), proc);
}

/* PID/stat in the scratch directory, which is the root of these tests. */
static void put_stat(int pid, const char *comm, const char *rest)
{
    char path[32], text[512];
    snprintf(text, sizeof text, "%d (%s) %s", pid, comm, rest);
    snprintf(path, sizeof path, "%d", pid);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%d/stat", pid);
    put_text(path, text);
}

static void a_stat_text_gives_pid_state_comm_and_start(void **state)
{
    (void)state;
    struct tw_proc p;
    assert_int_equal(parse("5540 (qmail-send) R" NUMBERS, &p), 0);
    assert_int_equal(p.pid, 5540);
    assert_int_equal(p.state, 'R');
    assert_string_equal(p.comm, "qmail-send");
    assert_int_equal(p.start_ticks, 173862);
    assert_int_equal(p.parent, 1);
}

static void comm_may_hold_anything(void **state)
{
    (void)state;
    static const char *const names[] = {"a b",           ")",           "(",       "))((",
                                        "x) Z 1 1",      "a\nb",        "",        " ",
                                        ") S 1 2 3 4 5", "\x01\xff\\n", "(sd-pam)"};
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        struct tw_proc p;
        char text[512];
        snprintf(text, sizeof text, "7 (%s) S" NUMBERS, names[i]);
        assert_int_equal(parse(text, &p), 0);
        assert_string_equal(p.comm, names[i]);
        assert_int_equal(p.state, 'S');
        assert_int_equal(p.start_ticks, 173862);
        assert_int_equal(p.parent, 1);
    }
}

static void a_kernel_workers_long_name_is_cut(void **state)
{
    (void)state;
    struct tw_proc p;
    assert_int_equal(parse("9 (kworker/u8:3-events_unbound) I" NUMBERS, &p), 0);
    assert_string_equal(p.comm, "kworker/u8:3-ev");
}

static void a_text_cut_anywhere_before_the_start_time_ends_is_refused(void **state)
{
    (void)state;
    static const char text[] = "5540 (a) S 1) R" NUMBERS;
    const size_t needed = (size_t)(strstr(text, "173862 ") - text) + 7;
    for (size_t length = 0; length < sizeof text; length++) {
        struct tw_proc p;
        char *copy = tw_strndup(text, length); /* so that the sanitizer sees its end */
        const int result = tw_proc_parse_stat(copy, length, &p);
        assert_int_equal(result, length >= needed ? 0 : -1);
        free(copy);
    }
}

static void what_is_no_stat_text_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        "0 (a) S" NUMBERS,
        "-1 (a) S" NUMBERS,
        "99999999999999999999999 (a) S" NUMBERS,
        "2147483648 (a) S" NUMBERS,
        "1 a S" NUMBERS,
        "1(a) S" NUMBERS,
        "1 (a S" NUMBERS,
        "1 (a)S" NUMBERS,
        "1 (a) 5" NUMBERS,
        "1 (a) SS" NUMBERS,
        " 1 (a) S" NUMBERS,
        "1 (a) S  1 2 3 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 173862 2400256 2\n",
        "1 (a) S 1 2 3 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 -5 2400256 2\n",
        "1 (a) S 1 2 3 0 - 4194304 90 0 0 0 0 0 0 0 20 0 1 0 5 2400256 2\n",
        "1 (a) S 1 2 3 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 99999999999999999999 2400256 2\n"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        struct tw_proc p = {.pid = 42};
        assert_int_equal(parse(bad[i], &p), -1);
        assert_int_equal(p.pid, 42);
    }
}

static void a_pass_lists_processes_sorted_and_leaves_out_what_ended(void **state)
{
    static const char root[] = ".";
    (void)state;
    struct tw_procs procs;
    for (int pid = 300; pid > 0; pid--) /* more than one growth of the array */
        put_stat(pid, "worker", "S" NUMBERS);
    make_dir("1000"); /* gone: no stat any more */
    make_dir("1001"); /* ends while it is read */
    put_text("1001/stat", "");
    static const char *const others[] = {"self", "net", "12x", "007", "-3", "99999999999"};
    for (size_t i = 0; i < TW_COUNT(others); i++)
        make_dir(others[i]);
    put_stat(4194304, "a) R\n7 (b", "Z" NUMBERS);
    assert_int_equal(tw_procs_read(&procs, root, NULL), 0);
    assert_int_equal(procs.count, 301);
    for (int pid = 1; pid <= 300; pid++)
        assert_int_equal(procs.items[pid - 1].pid, pid);
    assert_string_equal(tw_procs_find(&procs, 4194304)->comm, "a) R\n7 (b");
    assert_int_equal(tw_procs_find(&procs, 4194304)->state, 'Z');
    assert_null(tw_procs_find(&procs, 1000));
    assert_null(tw_procs_find(&procs, 0));
    tw_procs_free(&procs);
    assert_null(tw_procs_find(&procs, 1));
}

static void what_cannot_be_read_is_an_error_not_an_absence(void **state)
{
    static const char root[] = ".";
    (void)state;
    struct tw_procs procs;
    struct tw_error e;
    assert_int_equal(tw_procs_read(&procs, "none", &e), -1);
    assert_non_null(strstr(e.text, "none: No such file"));
    put_stat(5, "fine", "S" NUMBERS);
    put_stat(6, "cut", "S 1 2");
    assert_int_equal(tw_procs_read(&procs, root, &e), -1);
    assert_non_null(strstr(e.text, "6/stat"));
    assert_null(procs.items);
    put_text("6/stat", "5 (another) S" NUMBERS);
    assert_int_equal(tw_procs_read(&procs, root, &e), -1);
}

static void one_process_is_read_alone(void **state)
{
    static const char root[] = ".";
    (void)state;
    struct tw_proc p;
    put_stat(7, "one", "S" NUMBERS);
    assert_int_equal(tw_proc_read(root, 7, &p), 0);
    assert_string_equal(p.comm, "one");
    assert_int_equal(tw_proc_read(root, 8, &p), -1);
    assert_int_equal(errno, ENOENT);
    put_text("7/stat", "");
    assert_int_equal(tw_proc_read(root, 7, &p), -1);
    assert_int_equal(errno, ESRCH);
    put_text("7/stat", "garbage");
    assert_int_equal(tw_proc_read(root, 7, &p), -1);
    assert_int_equal(errno, EBADMSG);
}

static void the_effective_uid_comes_from_the_true_uid_line(void **state)
{
    static const char root[] = ".";
    (void)state;
    uid_t uid;
    make_dir("7");
    const char *path = "7/status";
    put_text(path, "Name:\tx\nUid:\t0\t0\nUmask:\t0022\nUid:\t1\t89\t3\t4\nGid:\t5\t5\t5\t5\n");
    assert_int_equal(tw_proc_uid(root, 7, &uid), 0);
    assert_int_equal(uid, 89);
    static const char *const bad[] = {"",
                                      "Name:\tx\n",
                                      "Name:\tx\nUid:\t",
                                      "Name:\tx\nUid:\t0",
                                      "Name:\tx\nUid:\t0\t",
                                      "Name:\tx\nUid:\t0\t8",
                                      "Name:\tx\nUid:\t0\t99999999999\t0\n",
                                      "\nUid:\ta\tb\t"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        put_text(path, bad[i]);
        assert_int_equal(tw_proc_uid(root, 7, &uid), -1);
    }
    assert_int_equal(tw_proc_uid(root, 8, &uid), -1);
    assert_int_equal(errno, ENOENT);
}

static void argv0_is_the_programs_bare_name(void **state)
{
    static const char root[] = ".";
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *name;
    } cases[] = {
        {"/usr/bin/spamd\0-d", 17, "spamd"},
        {"qmail-send", 11, "qmail-send"},
        {"-bash", 6, "bash"},
        {"sshd: root@pts/0", 17, "sshd"},
        {"sshd: /usr/sbin/sshd -D [listener]", 35, "sshd"},
        {"nginx: master process /usr/sbin/nginx", 37, "nginx"},
        {"./a b", 6, "a b"},
        {"a\n(b", 5, "a\n(b"},
        {"", 0, NULL},
        {"\0x", 3, NULL},
        {"/usr/bin/", 10, NULL},
        {"-", 2, NULL},
        {": ", 3, NULL},
    };
    char name[32];
    make_dir("7");
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        put_bytes("7/cmdline", cases[i].bytes, cases[i].length);
        const int result = tw_proc_argv0(root, 7, name, sizeof name);
        assert_int_equal(result, cases[i].name ? 0 : -1);
        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
    }
    assert_int_equal(tw_proc_argv0(root, 8, name, sizeof name), -1);
}

static void an_endless_argv0_is_no_name(void **state)
{
    static const char root[] = ".";
    (void)state;
    char name[8192], huge[8192];
    memset(huge, 'a', sizeof huge);
    make_dir("7");
    put_bytes("7/cmdline", huge, sizeof huge);
    assert_int_equal(tw_proc_argv0(root, 7, name, sizeof name), -1);
    put_bytes("7/cmdline", huge, 31);
    assert_int_equal(tw_proc_argv0(root, 7, name, 32), 0);
    assert_int_equal(tw_proc_argv0(root, 7, name, 31), -1);
}

static void age_is_uptime_less_start(void **state)
{
    static const char root[] = ".";
    (void)state;
    const uint64_t hertz = (uint64_t)sysconf(_SC_CLK_TCK);
    const struct tw_proc p = {.pid = 7, .start_ticks = 100 * hertz};
    assert_int_equal(tw_proc_age_s(root, &p), -1);
    static const struct {
        const char *uptime;
        int64_t age_s;
    } cases[] = {{"160.99 12.0\n", 60}, {"100.00 1\n", 0}, {"99.99 1\n", 0},
                 {"50.00 1\n", -1},     {"", -1},          {"x", -1},
                 {"160", -1},           {"-5.0 1\n", -1}};
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        put_text("uptime", cases[i].uptime);
        assert_int_equal(tw_proc_age_s(root, &p), cases[i].age_s);
    }
}

static void a_root_path_that_is_too_long_is_refused(void **state)
{
    (void)state;
    char root[5000], name[16];
    struct tw_proc p = {0};
    uid_t uid;
    memset(root, 'x', sizeof root - 1);
    root[sizeof root - 1] = '\0';
    assert_int_equal(tw_proc_read(root, 1, &p), -1);
    assert_int_equal(tw_proc_uid(root, 1, &uid), -1);
    assert_int_equal(tw_proc_argv0(root, 1, name, sizeof name), -1);
    assert_int_equal(tw_proc_age_s(root, &p), -1);
}

static void we_find_ourselves_and_a_dead_child_in_the_real_proc(void **state)
{
    (void)state;
    struct tw_procs procs;
    struct tw_error e;
    struct tw_proc again;
    uid_t uid = (uid_t)-1;
    char argv0[64], before[16] = {0};
    prctl(PR_GET_NAME, before);
    prctl(PR_SET_NAME, "a) Z\n(b c");
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(0);
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)child, &info, WEXITED | WNOWAIT), 0);
    const int result = tw_procs_read(&procs, "/proc", &e);
    wait_for(child);
    assert_int_equal(result, 0);
    const struct tw_proc *self = tw_procs_find(&procs, getpid());
    assert_non_null(self);
    assert_string_equal(self->comm, "a) Z\n(b c");
    assert_int_equal(self->state, 'R');
    assert_int_equal(tw_procs_find(&procs, child)->state, 'Z');
    assert_int_equal(tw_proc_read("/proc", child, &again), -1);
    assert_true(errno == ENOENT || errno == ESRCH);
    assert_int_equal(tw_proc_read("/proc", getpid(), &again), 0);
    assert_int_equal(again.start_ticks, self->start_ticks);
    assert_in_range(tw_proc_age_s("/proc", self), 0, 3600);
    assert_int_equal(tw_proc_uid("/proc", getpid(), &uid), 0);
    assert_int_equal(uid, geteuid());
    assert_int_equal(tw_proc_argv0("/proc", getpid(), argv0, sizeof argv0), 0);
    assert_non_null(strstr(argv0, "procfs"));
    tw_procs_free(&procs);
    prctl(PR_SET_NAME, before);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stat_text_gives_pid_state_comm_and_start),
        cmocka_unit_test(comm_may_hold_anything),
        cmocka_unit_test(a_kernel_workers_long_name_is_cut),
        cmocka_unit_test(a_text_cut_anywhere_before_the_start_time_ends_is_refused),
        cmocka_unit_test(what_is_no_stat_text_is_refused),
        IN_SCRATCH(a_pass_lists_processes_sorted_and_leaves_out_what_ended),
        IN_SCRATCH(what_cannot_be_read_is_an_error_not_an_absence),
        IN_SCRATCH(one_process_is_read_alone),
        IN_SCRATCH(the_effective_uid_comes_from_the_true_uid_line),
        IN_SCRATCH(argv0_is_the_programs_bare_name),
        IN_SCRATCH(an_endless_argv0_is_no_name),
        IN_SCRATCH(age_is_uptime_less_start),
        cmocka_unit_test(a_root_path_that_is_too_long_is_refused),
        cmocka_unit_test(we_find_ourselves_and_a_dead_child_in_the_real_proc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
