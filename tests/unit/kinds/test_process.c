/* Kind `process`, over a /proc made by hand: names, counts, users, pidfiles, hostile names. */
#include "kit.h"

#include <pwd.h>

/* A process as the kernel shows it. `argv0` NULL: no cmdline, as a kernel thread's. */
static void put_process(pid_t pid, const char *comm, char state, uid_t uid, const char *argv0)
{
    char path[64];
    snprintf(path, sizeof path, "proc/%d", pid);
    if (mkdir(path, 0755) != 0)
        assert_int_equal(access(path, F_OK), 0);
    char *text = tw_format("%d (%s) %c 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 %d 1 1\n", pid,
                           comm, state, 1000 + pid);
    snprintf(path, sizeof path, "proc/%d/stat", pid);
    put_text(path, text);
    free(text);
    text =
        tw_format("Name:\t%s\nState:\t%c\nUid:\t%u\t%u\t%u\t%u\n", comm, state, uid, uid, uid, uid);
    snprintf(path, sizeof path, "proc/%d/status", pid);
    put_text(path, text);
    free(text);
    snprintf(path, sizeof path, "proc/%d/cmdline", pid);
    put_bytes(path, argv0 ? argv0 : "", argv0 ? strlen(argv0) + 1 : 0);
}

static struct kit make(const char *title)
{
    make_dir("proc");
    put_process(1, "init", 'S', 0, "/sbin/init");
    return kit_make(tw_kind_find("process"), title);
}

static void only_the_exact_name_counts(void **state)
{
    (void)state;
    struct kit kit = make("multilog");
    put_process(20, "multilogger", 'S', 0, "multilogger");
    put_process(21, "vi", 'S', 0, "vi multilog");
    put_process(22, "multi", 'S', 0, "multi");
    put_process(23, "Multilog", 'S', 0, "Multilog");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "no process multilog");
    assert_int_equal(kit.pids, 0);
    put_process(24, "multilog", 'S', 0, "multilog");
    kit_check(&kit, TW_LEVEL_OK, "ok", "running, pid 24");
    assert_int_equal(kit.pids, 1);
    assert_int_equal(kit.last_pid, 24);
    assert_int_equal(kit.last_ticks, 1024);
    kit_set(&kit, "name", "vi");
    kit_check(&kit, TW_LEVEL_OK, "ok", "running, pid 21");
    kit_free(&kit);
}

static void the_dead_do_not_count(void **state)
{
    (void)state;
    struct kit kit = make("clamd");
    put_process(20, "clamd", 'Z', 0, NULL);
    put_process(21, "clamd", 'X', 0, NULL);
    put_process(22, "clamd", 'x', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "no process clamd");
    for (const char *alive = "SRDTtI"; *alive; alive++) {
        put_process(20, "clamd", *alive, 0, NULL);
        kit_check(&kit, TW_LEVEL_OK, "ok", "pid 20");
    }
    kit_free(&kit);
}

static void too_few_and_too_many(void **state)
{
    (void)state;
    struct kit kit = make("spamd");
    kit_set(&kit, "min", "2");
    kit_set(&kit, "max", "3");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "no process spamd");
    put_process(20, "spamd", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "too-few", "1 process spamd, at least 2 should run");
    put_process(21, "spamd", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_OK, "ok", "2 processes");
    put_process(22, "spamd", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_OK, "ok", "3 processes");
    put_process(23, "spamd", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "too-many", "4 processes spamd, at most 3 should run");
    kit_free(&kit);
}

static void none_may_be_what_is_wanted(void **state)
{
    (void)state;
    struct kit kit = make("sendmail");
    kit_set(&kit, "min", "0");
    kit_set(&kit, "max", "0");
    kit_check(&kit, TW_LEVEL_OK, "ok", "0 processes");
    put_process(20, "sendmail", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "too-many", "1 process sendmail, at most 0");
    kit_free(&kit);
}

static void names_with_spaces_brackets_and_newlines(void **state)
{
    (void)state;
    static const char *const names[] = {"a b",       "a) S 1 (b", "((",       "))",
                                        ") Z 1 1 1", "a\nb",      "\x1b[31m", "Uid:\t0"};
    struct kit kit = make("clamd");
    for (size_t i = 0; i < TW_COUNT(names); i++)
        put_process((pid_t)(20 + i), names[i], 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "no process clamd");
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        kit_set(&kit, "name", names[i]);
        char expected[40];
        snprintf(expected, sizeof expected, "running, pid %zu", 20 + i);
        kit_check(&kit, TW_LEVEL_OK, "ok", expected);
    }
    kit_free(&kit);
}

/* A process may write what looks like a Uid line into its name. */
static void a_name_cannot_lend_a_uid(void **state)
{
    (void)state;
    struct kit kit = make("clamd");
    kit_set(&kit, "user", "root");
    kit_set(&kit, "name", "x\nUid:\t0\t0\t0");
    put_process(20, "x\nUid:\t0\t0\t0", 'S', NOBODY, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "of user root");
    kit_free(&kit);
}

static void long_names_are_confirmed_by_argv0(void **state)
{
    (void)state;
    struct kit kit = make("toaster-watcher-next");
    put_process(20, "toaster-watcher", 'S', 0, "/usr/sbin/toaster-watcher");
    put_process(21, "toaster-watcher", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "no process toaster-watcher-next");
    put_process(22, "toaster-watcher", 'S', 0, "/usr/sbin/toaster-watcher-next");
    kit_check(&kit, TW_LEVEL_OK, "ok", "pid 22");
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, kit.title), TW_PLACE_WORKER);
    kit_set(&kit, "name", "toaster-watcher");
    kit_check(&kit, TW_LEVEL_OK, "ok", "pid 20");
    assert_int_equal(kit.pids, 1);
    kit_free(&kit);
}

static void the_user_counts(void **state)
{
    (void)state;
    struct kit kit = make("clamd");
    const struct passwd *pw = getpwnam("nobody");
    if (!pw) {
        kit_free(&kit);
        skip();
    }
    kit_set(&kit, "user", "nobody");
    put_process(20, "clamd", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "no process clamd of user nobody");
    put_process(21, "clamd", 'S', pw->pw_uid, NULL);
    kit_check(&kit, TW_LEVEL_OK, "ok", "pid 21");
    unlink("proc/21/status"); /* it ended in between */
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "of user nobody");
    kit_set(&kit, "user", "no-such-user-here");
    kit_check(&kit, TW_LEVEL_FAIL, "no-user", "there is no user no-such-user-here");
    kit_free(&kit);
}

static void a_pidfile_that_is_right(void **state)
{
    (void)state;
    static const char *const texts[] = {"20", "20\n", "20 \t\r\n"};
    struct kit kit = make("clamd");
    kit_set(&kit, "pidfile", "/proc/self/cwd/clamd.pid");
    put_process(20, "clamd", 'S', 0, NULL);
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        put_text("clamd.pid", texts[i]);
        kit_check(&kit, TW_LEVEL_OK, "ok", "running, pid 20");
    }
    kit_free(&kit);
}

static void a_pidfile_that_is_stale(void **state)
{
    (void)state;
    struct kit kit = make("clamd");
    kit_set(&kit, "pidfile", "/proc/self/cwd/clamd.pid");
    put_process(20, "clamd", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "no-pidfile", "clamd.pid is not there");
    put_text("clamd.pid", "21\n");
    kit_check(&kit, TW_LEVEL_FAIL, "stale-pidfile", "pid 21, which is not running");
    put_process(21, "clamd", 'Z', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "stale-pidfile", "pid 21, which is not running");
    put_process(21, "bash", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "stale-pidfile", "pid 21, which is \"bash\", not clamd");
    kit_set(&kit, "user", "root");
    put_process(21, "clamd", 'S', NOBODY, NULL);
    kit_check(&kit, TW_LEVEL_FAIL, "stale-pidfile", "not clamd of user root");
    kit_free(&kit);
}

static void a_pidfile_with_nonsense(void **state)
{
    (void)state;
    static const char *const texts[] = {"",  "\n",  "abc",  "12x",     "-20",
                                        "0", "1 2", "0x14", "4194304", "99999999999999999999"};
    struct kit kit = make("clamd");
    kit_set(&kit, "pidfile", "/proc/self/cwd/clamd.pid");
    put_process(20, "clamd", 'S', 0, NULL);
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        put_text("clamd.pid", texts[i]);
        kit_check(&kit, TW_LEVEL_FAIL, "bad-pidfile", "holds no process id");
    }
    kit_free(&kit);
}

/* A pidfile lies where its daemon's user may put what he likes. */
static void a_pidfile_that_is_none(void **state)
{
    (void)state;
    struct kit kit = make("clamd");
    kit_set(&kit, "pidfile", "/proc/self/cwd/clamd.pid");
    put_process(20, "clamd", 'S', 0, NULL);
    char large[100];
    memset(large, '1', sizeof large);
    put_bytes("clamd.pid", large, sizeof large);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "clamd.pid");
    unlink("clamd.pid");
    assert_int_equal(mkfifo("clamd.pid", 0666), 0);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "clamd.pid");
    unlink("clamd.pid");
    assert_int_equal(symlink("/etc/passwd", "clamd.pid"), 0);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "clamd.pid");
    unlink("clamd.pid");
    make_dir("clamd.pid");
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "clamd.pid");
    kit_free(&kit);
}

static void no_proc_is_unknown(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("process"), "clamd");
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "proc");
    kit_free(&kit);
}

static void not_all_of_very_many_are_watched(void **state)
{
    (void)state;
    struct kit kit = make("imapd");
    for (pid_t pid = 100; pid < 2100; pid++)
        put_process(pid, "imapd", 'S', 0, NULL);
    kit_check(&kit, TW_LEVEL_OK, "ok", "2000 processes");
    assert_in_range(kit.pids, 1, 1000);
    kit_free(&kit);
}

static void what_may_block_goes_to_a_worker(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("process"), "clamd");
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, "clamd"), TW_PLACE_LOOP);
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, "fourteen-bytes"), TW_PLACE_LOOP);
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, "fifteen-bytes-x"), TW_PLACE_WORKER);
    kit_set(&kit, "user", "clamav");
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, "clamd"), TW_PLACE_WORKER);
    kit_free(&kit);
    kit = kit_make(tw_kind_find("process"), "clamd");
    kit_set(&kit, "pidfile", "/run/clamd.pid");
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, "clamd"), TW_PLACE_WORKER);
    kit_free(&kit);
}

static void settings_that_contradict_are_refused(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("process"), "clamd");
    struct tw_error e;
    assert_int_equal(kit.kind->validate(kit.settings, "clamd", &e), 0);
    kit_set(&kit, "max", "0");
    assert_int_equal(kit.kind->validate(kit.settings, "clamd", &e), -1);
    assert_string_equal(e.text, "max (0) is less than min (1)");
    kit_set(&kit, "min", "0");
    assert_int_equal(kit.kind->validate(kit.settings, "clamd", &e), 0);
    kit_set(&kit, "name", "/usr/sbin/clamd");
    assert_int_equal(kit.kind->validate(kit.settings, "clamd", &e), -1);
    kit_set(&kit, "name", "");
    assert_int_equal(kit.kind->validate(kit.settings, "clamd", &e), -1);
    kit_free(&kit);
}

static void the_advice_fits_what_is_wrong(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("process"), "clamd");
    kit_set(&kit, "pidfile", "/run/clamd.pid");
    kit_advice(&kit, "", "missing", "svstat service/*; svc -u DIR starts the service that runs it");
    kit_advice(&kit, "", "too-many", "ps -C clamd -o pid,ppid,user,lstart,args");
    kit_advice(&kit, "", "stale-pidfile",
               "ls -l /run/clamd.pid; ps -C clamd -o pid,user,lstart,args");
    kit.title = "svscan";
    kit_advice(&kit, "", "missing",
               "start svscan service as your system does at boot (svscanboot, inittab)");
    kit_free(&kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_the_exact_name_counts),
        TEST(the_dead_do_not_count),
        TEST(too_few_and_too_many),
        TEST(none_may_be_what_is_wanted),
        TEST(names_with_spaces_brackets_and_newlines),
        TEST(a_name_cannot_lend_a_uid),
        TEST(long_names_are_confirmed_by_argv0),
        TEST(the_user_counts),
        TEST(a_pidfile_that_is_right),
        TEST(a_pidfile_that_is_stale),
        TEST(a_pidfile_with_nonsense),
        TEST(a_pidfile_that_is_none),
        TEST(no_proc_is_unknown),
        TEST(not_all_of_very_many_are_watched),
        TEST(what_may_block_goes_to_a_worker),
        TEST(settings_that_contradict_are_refused),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
