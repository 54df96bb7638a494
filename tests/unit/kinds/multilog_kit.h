/* For the tests of kind `multilog`: a directory of multilog, and a /proc made by hand that shows
 * who holds its lock. */
#ifndef TEST_KINDS_MULTILOG_KIT_H
#define TEST_KINDS_MULTILOG_KIT_H

#include "kit.h"

#include <sys/sysmacros.h>

/* The settings want an absolute path; this is the scratch directory by another name. */
#define HERE "/proc/self/cwd/"
#define LOG HERE "log/send"

enum { PID = 4242 };

#define LINE "@400000006900000000000000 a line\n"
#define OLD_U "@400000006900000000000000.u"
#define NEW_U "@400000006900000100000000.u"

static inline void put_process(char letter, uid_t uid)
{
    char text[512];
    snprintf(text, sizeof text,
             "%d (multilog) %c 1 2 3 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 %d 1\n", PID, letter,
             100);
    mkdir("proc/4242", 0755);
    put_text("proc/4242/stat", text);
    snprintf(text, sizeof text,
             "Name:\tmultilog\nUid:\t%d\t%d\t%d\t%d\nGid:\t%d\t%d\t%d\t%d\n"
             "Groups:\t \n",
             (int)uid, (int)uid, (int)uid, (int)uid, (int)uid, (int)uid, (int)uid, (int)uid);
    put_text("proc/4242/status", text);
    put_text("proc/uptime", "1000000.00 1\n");
}

static inline void put_lock(int pid)
{
    struct stat st;
    char text[100];
    assert_int_equal(stat("log/send/lock", &st), 0);
    snprintf(text, sizeof text, "1: FLOCK  ADVISORY  WRITE %d %02x:%02x:%ju 0 EOF\n", pid,
             major(st.st_dev), minor(st.st_dev), (uintmax_t)st.st_ino);
    put_text("proc/locks.new", text); /* never seen half written */
    assert_int_equal(rename("proc/locks.new", "proc/locks"), 0);
}

static inline void touched(const char *path, int64_t at_s)
{
    const struct timespec times[2] = {{.tv_sec = at_s}, {.tv_sec = at_s}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* A multilog that runs and has written a minute ago. */
static inline struct kit make(void)
{
    static const char *const dirs[] = {"proc", "log", "log/send"};
    struct kit kit = kit_make(tw_kind_find("multilog"), "send");
    for (size_t i = 0; i < TW_COUNT(dirs); i++)
        make_dir(dirs[i]);
    kit_set(&kit, "dir", LOG);
    put_text("log/send/current", LINE);
    put_text("log/send/lock", "");
    put_text("log/send/state", "");
    touched("log/send/current", NOW_S - 60);
    put_process('S', geteuid());
    put_lock(PID);
    return kit;
}

static inline void nobody_holds_the_lock(void)
{
    put_text("proc/locks", "");
}

/* So that a run does not wait for a multilog to come. */
static inline void it_was_down(struct kit *kit)
{
    free(kit->memory);
    kit->memory = tw_strdup("1 - " LOG);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

#endif
