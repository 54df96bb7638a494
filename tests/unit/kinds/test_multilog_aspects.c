/* Kind `multilog`, beside the main aspect: processor, silent, writable, space, files, and what an
 * outage has left. */
#include "multilog_kit.h"

#include <sys/mount.h>

/* ---- processor ---- */

static void a_previous_that_stays(void **state)
{
    (void)state;
    struct kit kit = make();
    put_text("log/send/previous", LINE);
    kit.now_s = time(NULL) + 58; /* its ctime is now, whatever touch says */
    touched("log/send/previous", NOW_S - 90000);
    kit_run(&kit);
    kit_expect(&kit, "processor", TW_LEVEL_OK, "ok", "");
    kit.now_s = time(NULL) + 62;
    kit_run(&kit);
    kit_expect(&kit, "processor", TW_LEVEL_FAIL, "unfinished", "previous stays, for 1m");
    put_text("log/send/processed", "");
    kit_run(&kit);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "runs");
    kit_expect(&kit, "processor", TW_LEVEL_FAIL, "processor-fails", "the processor fails");
    kit_set(&kit, "processor", "1h"); /* it may take so long */
    kit_run(&kit);
    kit_expect(&kit, "processor", TW_LEVEL_OK, "ok", "");
    kit_set(&kit, "processor", "never");
    kit_run(&kit);
    assert_null(kit_find(&kit, "processor"));
    assert_false(tw_strings_has(&kit.withdrawn, "processor"));
    kit_set(&kit, "processor", "1m");
    kit.now_s = 1000; /* the clock was set back */
    kit_run(&kit);
    kit_expect(&kit, "processor", TW_LEVEL_OK, "ok", "");
    unlink("log/send/previous"); /* leftovers alone are none */
    kit.now_s = NOW_S;
    kit_run(&kit);
    kit_expect(&kit, "processor", TW_LEVEL_OK, "ok", "");
    kit_free(&kit);
}

/* ---- silent ---- */

static void the_silence(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "silent", "1h");
    touched("log/send/current", NOW_S - 3600);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_OK, "ok", "last line 1h ago");
    touched("log/send/current", NOW_S - 3601);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_FAIL, "silent", "no new line in " LOG " for 1h");
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "runs");
    touched("log/send/current", NOW_S + 60); /* clocks differ a little */
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_OK, "ok", "last line 0s ago");
    touched("log/send/current", -1000);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_FAIL, "silent", "no new line");
    kit_free(&kit);
}

static void a_new_empty_current_is_no_line(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "silent", "1h");
    put_text("log/send/current", "");
    touched("log/send/current", NOW_S);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_OK, "ok", "last line 0s ago"); /* nothing older is known */
    put_text("log/send/" OLD_U, LINE);
    touched("log/send/" OLD_U, NOW_S - 7200);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_FAIL, "silent", "for 2h");
    kit_free(&kit);
}

static void a_finished_file_from_the_future_hides_no_silence(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "silent", "1h");
    put_text("log/send/" OLD_U, LINE);
    touched("log/send/" OLD_U, NOW_S + 300000000);
    touched("log/send/current", NOW_S - 7200);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_FAIL, "silent", "for 2h");
    touched("log/send/current", NOW_S - 60);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_OK, "ok", "last line 1m ago");
    put_text("log/send/current", ""); /* nor if it is all there is to tell */
    touched("log/send/current", NOW_S - 7200);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_FAIL, "silent", "for 2h");
    kit_free(&kit);
}

/* The clock was set back, or somebody plays with touch: neither fresh nor silent. */
static void a_current_from_the_future_tells_nothing(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "silent", "1h");
    touched("log/send/current", NOW_S + 86400);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_UNKNOWN, "clock", "/current is 1d ahead of the clock");
    put_text("log/send/" OLD_U, LINE);
    touched("log/send/" OLD_U, NOW_S - 7200);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_UNKNOWN, "clock", "cannot tell when");
    touched("log/send/" OLD_U, NOW_S - 600); /* and what is in current came after */
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_OK, "ok", "last line 10m ago");
    put_text("log/send/current", "");
    touched("log/send/current", NOW_S + 86400);
    touched("log/send/" OLD_U, NOW_S - 7200);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_FAIL, "silent", "for 2h");
    unlink("log/send/" OLD_U);
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_UNKNOWN, "clock", "cannot tell when");
    put_process('S', geteuid());
    put_text("proc/uptime", "61.00 1\n");
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_OK, "ok",
               "last line some time ago, but multilog runs for 1m");
    kit_free(&kit);
}

static void time_in_which_multilog_did_not_run_is_no_silence(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "silent", "1h");
    touched("log/send/current", NOW_S - 90000);
    put_text("proc/uptime", "61.00 1\n"); /* the process began 1 s after the start */
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_OK, "ok", "ago, but multilog runs for 1m");
    put_text("proc/uptime", "3602.00 1\n");
    kit_run(&kit);
    kit_expect(&kit, "silent", TW_LEVEL_FAIL, "silent", "no new line");
    kit_free(&kit);
}

/* ---- writable ---- */

static void as_user(uid_t uid)
{
    put_process('S', uid);
    assert_int_equal(chown("log/send", uid, uid), 0);
    assert_int_equal(chown("log/send/current", uid, uid), 0);
    assert_int_equal(chown("log/send/lock", uid, uid), 0);
}

static void the_user_of_the_log_may_write(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct kit kit = make();
    as_user(NOBODY);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "nobody may write");
    assert_int_equal(chown("log/send", 0, 0), 0);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "no-right",
               "nobody may not write " LOG " (of root, mode 0755), so multilog cannot rotate: "
               "chown 65534 " LOG);
    chmod("log/send", 0773);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "");
    as_user(NOBODY);
    chmod("log/send", 0300); /* as root we need no right to look */
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "");
    chmod("log/send", 0500);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "no-right", "chmod u+rwx " LOG);
    kit_free(&kit);
}

static void the_files_too(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct kit kit = make();
    as_user(NOBODY);
    assert_int_equal(chown("log/send/lock", 0, 0), 0);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "no-right", "will not start again");
    as_user(NOBODY);
    assert_int_equal(chown("log/send/current", 0, 0), 0);
    chmod("log/send/current", 0646); /* that it may write it is not enough */
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "not-owner",
               "current belongs to root, but nobody writes it");
    as_user(NOBODY);
    chmod("log/send/current", 0444);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "no-right", "chmod u+w " LOG "/current");
    put_process('S', 0); /* root may do all that */
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "root may write");
    kit_free(&kit);
}

/* Root has once started it by hand, and now its own user cannot. */
static void while_none_runs_the_logs_user_is_told_by_the_directory(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct kit kit = make();
    as_user(NOBODY);
    it_was_down(&kit);
    nobody_holds_the_lock();
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "nobody may write");
    assert_int_equal(chown("log/send/current", 0, 0), 0);
    assert_int_equal(chown("log/send/lock", 0, 0), 0);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "not-owner", "belongs to root");
    as_user(NOBODY);
    assert_int_equal(chown("log/send", 0, 0), 0);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "no-right", "nobody may not write " LOG);
    unlink("log/send/current");
    assert_int_equal(chown("log/send", NOBODY, NOBODY), 0);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "nobody may write");
    kit_free(&kit);
}

static bool foreign_is_unknown(void *context)
{
    struct kit *kit = context;
    kit_run(kit);
    const struct kit_finding *found = kit_find(kit, "writable");
    return found && found->level == TW_LEVEL_UNKNOWN && strcmp(found->code, "cannot-look") == 0;
}

static void who_cannot_ask_does_not_say_no(void **state)
{
    (void)state;
    struct kit kit = make();
    put_process('S', 12345); /* by the bits it may not; an access list we cannot ask about */
    assert_true(as_nobody(foreign_is_unknown, &kit));
    kit_free(&kit);
}

/* ---- space and files ---- */

static void space_is_measured_by_what_multilog_may_need(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "left");
    assert_int_equal(truncate("log/send/current", (off_t)1 << 40), 0); /* no more than 32M */
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "left");
    kit_free(&kit);
}

/* Files as make() makes them, on a file system of their own. */
static bool on_disk(const char *options)
{
    umount2("log/send", MNT_DETACH);
    if (mount("tmpfs", "log/send", "tmpfs", 0, options) != 0)
        return false;
    put_text("log/send/current", LINE);
    put_text("log/send/lock", "");
    put_lock(PID);
    return true;
}

/* Also after a failure in between. */
static int unmount_and_remove(void **state)
{
    while (umount2("log/send", MNT_DETACH) == 0)
        ;
    return scratch_remove(state);
}

static void a_disk_that_is_nearly_full(void **state)
{
    (void)state;
    struct kit kit = make();
    if (!on_disk("size=1044k,mode=755")) {
        kit_free(&kit);
        skip();
    }
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "left");
    put_text("log/send/filler", "x");
    assert_int_equal(truncate("log/send/filler", 1), 0);
    char *block = tw_alloc(32768);
    put_bytes("log/send/filler", block, 32768);
    free(block);
    kit_run(&kit);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "runs");
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "full", "needs");
    assert_true(on_disk("size=30m,mode=755"));
    assert_int_equal(truncate("log/send/current", 16000000), 0);
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "full", "30");
    assert_true(on_disk("size=30m,nr_inodes=12,mode=755"));
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "no-inodes", "9 inodes left for root");
    assert_true(on_disk("size=30m,nr_inodes=13,mode=755"));
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "left");
    assert_int_equal(mount(NULL, "log/send", NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "read-only", "is mounted read-only");
    kit_free(&kit);
}

static void names_that_are_none_of_multilogs_do_no_harm(void **state)
{
    (void)state;
    struct kit kit = make();
    put_text("log/send/@4000000069000000zzzzzzzz.u", "");
    put_text("log/send/\n\x1b[2J", "");
    put_text("log/send/@", "");
    kit_check(&kit, TW_LEVEL_OK, "ok", "runs");
    kit_expect(&kit, "files", TW_LEVEL_OK, "ok", "0 finished");
    assert_int_equal(kit.notes.count, 0);
    kit_free(&kit);
}

static bool cannot_list(void *context)
{
    struct kit *kit = context;
    kit_run(kit);
    const struct kit_finding *files = kit_find(kit, "files"), *silent = kit_find(kit, "silent");
    return files && files->level == TW_LEVEL_UNKNOWN && silent &&
           silent->level == TW_LEVEL_UNKNOWN && strstr(kit->memory, "0 ? ");
}

static void a_directory_that_cannot_be_listed_is_unknown(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "silent", "1h");
    put_text("log/send/current", "");
    chmod("log/send", 0311);
    assert_true(as_nobody(cannot_list, &kit));
    chmod("log/send", 0755);
    kit_free(&kit);
}

/* ---- outages ---- */

static void an_outage_is_told_once(void **state)
{
    (void)state;
    struct kit kit = make();
    setenv("TZ", "UTC", 1);
    put_text("log/send/" OLD_U, LINE);
    kit_run(&kit); /* the first look only remembers */
    assert_int_equal(kit.notes.count, 0);
    assert_string_equal(kit.memory, "0 " OLD_U " " LOG);
    kit_run(&kit);
    assert_int_equal(kit.notes.count, 0);
    put_text("log/send/" NEW_U, LINE);
    touched("log/send/" NEW_U, 1761607500);
    kit_check(&kit, TW_LEVEL_OK, "ok", "runs");
    assert_int_equal(kit.notes.count, 1);
    assert_string_equal(kit.notes.items[0],
                        "an outage or a crash cut off " LOG "/" NEW_U
                        ": last line at 2025-10-27 23:25:00, multilog started again at "
                        "2025-10-27 23:27:51");
    assert_string_equal(kit.memory, "0 " NEW_U " " LOG);
    kit_run(&kit);
    assert_int_equal(kit.notes.count, 0);
    unlink("log/send/" NEW_U); /* the older one is left, and is no news */
    kit_run(&kit);
    assert_int_equal(kit.notes.count, 0);
    assert_string_equal(kit.memory, "0 " NEW_U " " LOG);
    kit_free(&kit);
}

static void several_at_once_are_counted(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_run(&kit);
    put_text("log/send/" OLD_U, LINE);
    put_text("log/send/" NEW_U, "");
    kit_run(&kit);
    assert_int_equal(kit.notes.count, 1);
    assert_non_null(strstr(kit.notes.items[0], NEW_U ": it is empty, "));
    assert_non_null(strstr(kit.notes.items[0], "; 2 such files are new"));
    kit_free(&kit);
}

static void memory_that_is_damaged_or_of_another_directory_is_a_first_look(void **state)
{
    (void)state;
    static const char *const bad[] = {"0 - /another/dir",
                                      "0 - " LOG "x",
                                      "0 " LOG,
                                      "0",
                                      "0 ",
                                      "0  " LOG,
                                      "2 - " LOG,
                                      "0 -- " LOG,
                                      "0 @4000000069000000 " LOG,
                                      "0 @400000006900000000000000.s " LOG,
                                      "0 @400000006900000000000000.uuuuuuuuuuuu " LOG,
                                      "0 \xff " LOG,
                                      " - " LOG};
    struct kit kit = make();
    put_text("log/send/" NEW_U, LINE);
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        free(kit.memory);
        kit.memory = tw_strdup(bad[i]);
        kit_check(&kit, TW_LEVEL_OK, "ok", "runs");
        assert_int_equal(kit.notes.count, 0);
        assert_string_equal(kit.memory, "0 " NEW_U " " LOG);
    }
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_previous_that_stays),
        TEST(the_silence),
        TEST(a_new_empty_current_is_no_line),
        TEST(a_finished_file_from_the_future_hides_no_silence),
        TEST(a_current_from_the_future_tells_nothing),
        TEST(time_in_which_multilog_did_not_run_is_no_silence),
        TEST(the_user_of_the_log_may_write),
        TEST(the_files_too),
        TEST(while_none_runs_the_logs_user_is_told_by_the_directory),
        TEST(who_cannot_ask_does_not_say_no),
        TEST(space_is_measured_by_what_multilog_may_need),
        cmocka_unit_test_setup_teardown(a_disk_that_is_nearly_full, scratch_make,
                                        unmount_and_remove),
        TEST(names_that_are_none_of_multilogs_do_no_harm),
        TEST(a_directory_that_cannot_be_listed_is_unknown),
        TEST(an_outage_is_told_once),
        TEST(several_at_once_are_counted),
        TEST(memory_that_is_damaged_or_of_another_directory_is_a_first_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
