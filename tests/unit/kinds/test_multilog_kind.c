/* Kind `multilog`, the main aspect and what letters say: every reason, with locks and processes as
 * a /proc made by hand shows them, and what may lie in the place of each file. The real multilog is
 * in the system tests. */
#include "multilog_kit.h"

/* ---- the main aspect ---- */

static void a_multilog_that_runs(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_check(&kit, TW_LEVEL_OK, "ok", "multilog (pid 4242) runs");
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "may write");
    kit_expect(&kit, "processor", TW_LEVEL_OK, "ok", "");
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "left");
    kit_expect(&kit, "files", TW_LEVEL_OK, "ok", "0 finished");
    assert_int_equal(kit.finding_count, 5);
    assert_int_equal(kit.notes.count, 0);
    assert_string_equal(kit.memory, "0 - " LOG);
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, kit.title), TW_PLACE_WORKER);
    kit_free(&kit);
}

static void without_a_directory_it_is_the_title_below_the_logs(void **state)
{
    (void)state;
    struct kit kit = make(), other = kit_make(kit.kind, "send");
    kit_check(&other, TW_LEVEL_OK, "ok", "runs");
    assert_string_equal(other.memory, "0 - log/send");
    kit_free(&other);
    kit_free(&kit);
}

static void a_holder_that_cannot_be_seen_holds_it(void **state)
{
    (void)state;
    struct kit kit = make();
    put_lock(0);
    kit_check(&kit, TW_LEVEL_OK, "ok", "multilog runs");
    put_lock(777); /* a pid of another container */
    kit_check(&kit, TW_LEVEL_OK, "ok", "multilog runs");
    kit_free(&kit);
}

static void one_that_has_ended(void **state)
{
    (void)state;
    struct kit kit = make();
    nobody_holds_the_lock();
    chmod("log/send/current", 0744);
    put_text("log/send/previous", "x");
    kit_set(&kit, "silent", "1s");
    kit_check(&kit, TW_LEVEL_FAIL, "ended", "it has ended, ");
    kit_expect(&kit, "", TW_LEVEL_FAIL, "ended", "mode 0744");
    /* What it cannot do any more is no second failure. */
    assert_true(tw_strings_has(&kit.withdrawn, "silent"));
    assert_true(tw_strings_has(&kit.withdrawn, "processor"));
    assert_string_equal(kit.memory, "1 - " LOG);
    put_lock(PID);
    chmod("log/send/current", 0644);
    unlink("log/send/previous");
    kit_check(&kit, TW_LEVEL_OK, "ok", "runs");
    assert_string_equal(kit.memory, "0 - " LOG);
    kit_free(&kit);
}

static void one_that_was_killed(void **state)
{
    (void)state;
    struct kit kit = make();
    nobody_holds_the_lock();
    kit_check(&kit, TW_LEVEL_FAIL, "not-running", "killed or has crashed");
    unlink("log/send/current");
    kit_check(&kit, TW_LEVEL_FAIL, "not-running", "there is no current");
    kit_free(&kit);
}

static void one_whose_files_were_removed(void **state)
{
    (void)state;
    struct kit kit = make();
    it_was_down(&kit);
    unlink("log/send/lock");
    kit_check(&kit, TW_LEVEL_FAIL, "no-lock", "there is no lock in");
    unlink("log/send/current");
    kit_check(&kit, TW_LEVEL_FAIL, "no-lock", "neither lock nor current");
    put_text("log/send/current", "");
    chmod("log/send/current", 0744);
    kit_check(&kit, TW_LEVEL_FAIL, "ended", "it has ended");
    kit_free(&kit);
}

static void one_that_is_stopped(void **state)
{
    (void)state;
    struct kit kit = make();
    put_process('T', geteuid());
    kit_check(&kit, TW_LEVEL_FAIL, "stopped", "multilog (pid 4242) on " LOG " is stopped");
    assert_true(tw_strings_has(&kit.withdrawn, "processor"));
    put_process('t', geteuid()); /* somebody looks at it with strace */
    kit_check(&kit, TW_LEVEL_OK, "ok", "runs");
    kit_free(&kit);
}

static void one_that_cannot_make_a_current(void **state)
{
    (void)state;
    struct kit kit = make();
    unlink("log/send/current");
    kit_check(&kit, TW_LEVEL_FAIL, "no-current", "there is no current");
    kit_free(&kit);
}

static void one_whose_current_is_executable(void **state)
{
    (void)state;
    struct kit kit = make();
    chmod("log/send/current", 0755);
    kit_check(&kit, TW_LEVEL_FAIL, "mode", "current has mode 0755");
    kit_expect(&kit, "processor", TW_LEVEL_OK, "ok", "");
    chmod("log/send/current", 0640); /* more private than multilog makes it */
    kit_check(&kit, TW_LEVEL_OK, "ok", "runs");
    kit_free(&kit);
}

static void no_directory(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "dir", HERE "log/none");
    kit_set(&kit, "silent", "1h");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "there is no directory " HERE "log/none");
    assert_int_equal(kit.finding_count, 1);
    assert_int_equal(kit.withdrawn.count, 5);
    kit_set(&kit, "silent", "never");
    kit_set(&kit, "processor", "never");
    kit_set(&kit, "dir", LOG "/current");
    kit_check(&kit, TW_LEVEL_FAIL, "no-dir", "current is no directory");
    assert_int_equal(kit.withdrawn.count, 3);
    assert_string_equal(kit.memory, "");
    kit_free(&kit);
}

static void a_directory_behind_a_link_that_others_can_change_is_not_looked_at(void **state)
{
    (void)state;
    struct kit kit = make();
    make_dir("log/open");
    chmod("log/open", 0777);
    assert_int_equal(symlink("../send", "log/open/send"), 0);
    kit_set(&kit, "dir", HERE "log/open/send");
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "symbolic link");
    chmod("log/open", 0755);
    kit_check(&kit, TW_LEVEL_OK, "ok", "runs"); /* the admin's own link */
    kit_free(&kit);
}

static void without_locks_nothing_is_known(void **state)
{
    (void)state;
    struct kit kit = make();
    unlink("proc/locks");
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "proc/locks");
    assert_true(tw_strings_has(&kit.withdrawn, "processor"));
    chmod("log/send/current", 0744);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "proc/locks");
    kit_free(&kit);
}

/* ---- a moment later it is right ---- */

/* The time that a run lets pass, in the place of the libc's nanosleep; when a fifth of a second of
 * it is over, what a start of multilog does happens. */
static int64_t passed_ms;
static void (*change)(void);

int nanosleep(const struct timespec *time, struct timespec *left)
{
    (void)left;
    passed_ms += time->tv_sec * 1000 + time->tv_nsec / 1000000;
    if (change && passed_ms >= 200) {
        change();
        change = NULL;
    }
    return 0;
}

static void check_is_well_when(struct kit *kit, void (*happens)(void))
{
    passed_ms = 0;
    change = happens;
    kit_check(kit, TW_LEVEL_OK, "ok", "runs");
    assert_null(change);
}

static void begin_current(void)
{
    put_text("log/send/new", "");
    rename("log/send/new", "log/send/current");
}

static void take_lock(void)
{
    chmod("log/send/current", 0644);
    put_lock(PID);
}

static void unmark_current(void)
{
    chmod("log/send/current", 0644);
}

static void a_rotation_a_start_and_a_restart_are_no_failures(void **state)
{
    (void)state;
    struct kit kit = make();
    unlink("log/send/current");
    check_is_well_when(&kit, begin_current);

    chmod("log/send/current", 0744);
    check_is_well_when(&kit, unmark_current);

    nobody_holds_the_lock(); /* killed, and supervise is about to start it again */
    check_is_well_when(&kit, take_lock);

    nobody_holds_the_lock(); /* ended just now */
    chmod("log/send/current", 0744);
    kit.now_s = time(NULL);
    check_is_well_when(&kit, take_lock);
    kit_free(&kit);
}

/* For how long it waits. */
static int64_t run_ms(struct kit *kit)
{
    passed_ms = 0;
    kit_run(kit);
    return passed_ms;
}

static void what_stays_down_is_waited_for_once(void **state)
{
    (void)state;
    struct kit kit = make();
    nobody_holds_the_lock();
    assert_true(run_ms(&kit) >= 1000);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "not-running", "");
    assert_int_equal(run_ms(&kit), 0);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "not-running", "");
    kit_free(&kit);
}

/* ---- other things in the place of files ---- */

static void put_thing(const char *path, int what)
{
    remove(path);
    if (what == 0)
        make_dir(path);
    else if (what == 1)
        assert_int_equal(mkfifo(path, 0644), 0);
    else if (what == 2)
        assert_int_equal(symlink("/dev/zero", path), 0);
    else
        assert_int_equal(symlink("nowhere", path), 0);
}

static void other_things_in_the_place_of_current_and_lock(void **state)
{
    (void)state;
    for (int what = 0; what < 4; what++) {
        struct kit kit = make();
        put_thing("log/send/current", what);
        assert_int_equal(run_ms(&kit), 0);
        kit_expect(&kit, "", TW_LEVEL_FAIL, "no-file", LOG "/current is no regular file");
        remove("log/send/current");
        put_text("log/send/current", LINE);
        put_thing("log/send/lock", what);
        kit_check(&kit, TW_LEVEL_FAIL, "no-file", LOG "/lock is no regular file");
        kit_free(&kit);
        assert_int_equal(nftw("log", scratch_forget, 16, FTW_DEPTH | FTW_PHYS), 0);
        assert_int_equal(nftw("proc", scratch_forget, 16, FTW_DEPTH | FTW_PHYS), 0);
    }
}

static void other_things_in_the_place_of_previous(void **state)
{
    (void)state;
    struct kit kit = make();
    for (int what = 1; what < 4; what++) { /* rename() replaces them */
        put_thing("log/send/previous", what);
        kit_run(&kit);
        kit_expect(&kit, "processor", TW_LEVEL_OK, "ok", "");
    }
    put_thing("log/send/previous", 0);
    kit_run(&kit);
    kit_expect(&kit, "processor", TW_LEVEL_FAIL, "no-file", "previous is a directory");
    kit_free(&kit);
}

/* ---- for letters ---- */

static void the_evidence_is_the_last_lines(void **state)
{
    (void)state;
    struct kit kit = make();
    setenv("TZ", "UTC", 1);
    char name[] = "multilog.send";
    struct tw_run run = kit_describe(&kit, name, NULL);
    struct tw_buf out = {0};
    kit.kind->evidence(&run, "", &out);
    assert_string_equal(tw_buf_text(&out),
                        "last lines of " LOG ":\n2025-10-27 23:27:50.000 a line\n");
    tw_buf_clear(&out);
    put_text("log/send/current", "");
    kit.kind->evidence(&run, "space", &out);
    assert_string_equal(tw_buf_text(&out), "last lines of " LOG ":\n(there are none)\n");
    tw_buf_clear(&out);
    unlink("log/send/current");
    assert_int_equal(symlink("/etc/passwd", "log/send/current"), 0);
    kit.kind->evidence(&run, "", &out);
    assert_int_equal(out.data[0], '(');
    assert_null(strstr(tw_buf_text(&out), "root:"));
    tw_buf_free(&out);
    kit_free(&kit);
}

static void the_advice_fits_what_is_wrong(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_advice(&kit, "", "ended", "svc -u service/send/log");
    kit_advice(&kit, "", "not-running", "svc -u service/send/log");
    kit_advice(&kit, "", "no-lock", "svc -ut service/send/log");
    kit_advice(&kit, "", "stopped", "svc -c service/send/log");
    kit_advice(&kit, "", "missing", "ls -ld " LOG);
    kit_advice(&kit, "", "no-file", "ls -la " LOG);
    kit_advice(&kit, "", "no-current", "ls -la " LOG);
    kit_advice(&kit, "writable", "no-right", "ls -la " LOG);
    kit_advice(&kit, "writable", "read-only", "findmnt -T " LOG "; dmesg | tail");
    kit_advice(&kit, "space", "full", "df -h " LOG);
    kit_advice(&kit, "space", "no-inodes", "df -i " LOG);
    kit_advice(&kit, "silent", "silent", "tail " LOG "/current | tai64nlocal");
    kit_advice(&kit, "files", "too-many", "ls -f " LOG " | head -n 50");
    kit_advice(&kit, "processor", "processor-fails",
               "ls -la " LOG "; ps -wwC readproctitle -o args= shows what multilog says");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_multilog_that_runs),
        TEST(without_a_directory_it_is_the_title_below_the_logs),
        TEST(a_holder_that_cannot_be_seen_holds_it),
        TEST(one_that_has_ended),
        TEST(one_that_was_killed),
        TEST(one_whose_files_were_removed),
        TEST(one_that_is_stopped),
        TEST(one_that_cannot_make_a_current),
        TEST(one_whose_current_is_executable),
        TEST(no_directory),
        TEST(a_directory_behind_a_link_that_others_can_change_is_not_looked_at),
        TEST(without_locks_nothing_is_known),
        TEST(a_rotation_a_start_and_a_restart_are_no_failures),
        TEST(what_stays_down_is_waited_for_once),
        TEST(other_things_in_the_place_of_current_and_lock),
        TEST(other_things_in_the_place_of_previous),
        TEST(the_evidence_is_the_last_lines),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
