/* A directory of multilog, listed: names, sizes, what was cut off, and what else may lie there. */
#include "scratch.h"

#include "toaster/logdir.h"

enum { NOW_S = 1800000000 };

/* Labels: 4000000069000000 is 1761607670 (2025-10-27). */
#define OLD_S "@400000006900000000000000.s"
#define MID_U "@400000006900000100000000.u"
#define NEW_S "@400000006900000200000000.s"
#define NEW_U "@400000006900000300000000.u"

static struct tw_logdir read_log(const char *seen)
{
    struct tw_logdir out;
    struct tw_error e;
    const int at = open("log", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(at >= 0);
    if (tw_logdir_read(at, "log", seen, NOW_S, &out, &e) != 0)
        fail_msg("%s", e.text);
    close(at);
    return out;
}

static void touched(const char *path, int64_t at_s)
{
    const struct timespec times[2] = {{.tv_sec = at_s}, {.tv_sec = at_s}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void names_of_finished_files(void **state)
{
    (void)state;
    assert_true(tw_logdir_finished(OLD_S));
    assert_true(tw_logdir_finished(MID_U));
    assert_true(tw_logdir_unsafe(MID_U));
    assert_false(tw_logdir_unsafe(OLD_S));
    static const char *const bad[] = {"",
                                      "current",
                                      "@",
                                      "@400000006900000000000000",
                                      "@400000006900000000000000.",
                                      "@400000006900000000000000.t",
                                      "@400000006900000000000000.s.gz",
                                      "@40000000690000000000000G.s",
                                      "@400000006900000000000000s.",
                                      "400000006900000000000000.su"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_false(tw_logdir_finished(bad[i]) || tw_logdir_unsafe(bad[i]));
}

static void an_empty_directory(void **state)
{
    (void)state;
    make_dir("log");
    const struct tw_logdir l = read_log("");
    assert_int_equal(l.entries, 0);
    assert_int_equal(l.finished, 0);
    assert_int_equal(l.largest, 0);
    assert_true(l.written_s == INT64_MIN);
    assert_string_equal(l.newest, "");
    assert_string_equal(l.newest_u, "");
    assert_int_equal(l.new_u, 0);
}

static void what_multilog_leaves(void **state)
{
    (void)state;
    make_dir("log");
    put_text("log/current", "not counted");
    put_text("log/lock", "");
    put_text("log/" OLD_S, "four");
    put_text("log/" MID_U, "fives");
    put_text("log/" NEW_S, "");
    touched("log/" OLD_S, NOW_S - 100);
    touched("log/" MID_U, NOW_S - 50);
    touched("log/" NEW_S, NOW_S - 10); /* empty: when it was made, no line */
    const struct tw_logdir l = read_log("");
    assert_int_equal(l.entries, 5);
    assert_false(l.more);
    assert_int_equal(l.finished, 3);
    assert_int_equal(l.largest, 5);
    assert_int_equal(l.written_s, NOW_S - 50);
    assert_string_equal(l.newest, NEW_S);
    assert_string_equal(l.newest_u, MID_U);
    assert_int_equal(l.u_bytes, 5);
    assert_int_equal(l.u_written_s, NOW_S - 50);
}

static void what_is_new_is_told_by_the_name(void **state)
{
    (void)state;
    make_dir("log");
    put_text("log/" MID_U, "a");
    put_text("log/" NEW_U, "bc");
    assert_int_equal(read_log("").new_u, 2);
    assert_int_equal(read_log(MID_U).new_u, 1);
    assert_int_equal(read_log(NEW_U).new_u, 0);
    assert_string_equal(read_log(MID_U).newest_u, NEW_U);
}

/* A clock that was wrong once must not hide every outage after it. */
static void a_label_from_the_future_is_no_outage(void **state)
{
    (void)state;
    make_dir("log");
    put_text("log/" MID_U, "a");
    put_text("log/@4000000080000000aaaaaaa0.u", ""); /* no label: nanoseconds */
    put_text("log/@400000008000000000000000.u", "");
    const struct tw_logdir l = read_log("");
    assert_int_equal(l.new_u, 1);
    assert_string_equal(l.newest_u, MID_U);
    assert_string_equal(l.newest, "@400000008000000000000000.u");
}

/* One file from years to come must not make the log look fresh for ever. */
static void a_time_from_the_future_is_no_last_line(void **state)
{
    (void)state;
    make_dir("log");
    put_text("log/" OLD_S, "larger");
    put_text("log/" MID_U, "a");
    touched("log/" OLD_S, NOW_S + 61);
    touched("log/" MID_U, NOW_S - 7200);
    assert_int_equal(read_log("").written_s, NOW_S - 7200);
    assert_int_equal(read_log("").largest, 6); /* there it is, all the same */
    touched("log/" MID_U, NOW_S + 300000000);
    assert_true(read_log("").written_s == INT64_MIN);
    touched("log/" OLD_S, NOW_S + 60);
    assert_int_equal(read_log("").written_s, NOW_S + 60);
}

static void links_and_other_things_are_not_looked_into(void **state)
{
    (void)state;
    make_dir("log");
    put_text("big", "far larger than all that is in the log");
    assert_int_equal(symlink("../big", "log/" OLD_S), 0);
    assert_int_equal(mkfifo("log/" MID_U, 0600), 0);
    make_dir("log/" NEW_S);
    assert_int_equal(symlink("nowhere", "log/" NEW_U), 0);
    const struct tw_logdir l = read_log("");
    assert_int_equal(l.finished, 4);
    assert_int_equal(l.largest, 0);
    assert_true(l.written_s == INT64_MIN);
    assert_int_equal(l.u_bytes, -1);
}

static void a_huge_directory_is_read_in_part(void **state)
{
    (void)state;
    make_dir("log");
    put_text("0", ""); /* links are made faster than files, and one file may have 65,000 */
    put_text("1", "");
    const int at = open("log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < TW_LOGDIR_ENTRIES_MAX + 1; i++) {
        char name[40];
        snprintf(name, sizeof name, "@4000000069%06x00000000.s", (unsigned)i);
        assert_int_equal(linkat(AT_FDCWD, i % 2 ? "1" : "0", at, name, 0), 0);
    }
    const struct tw_logdir l = read_log("");
    assert_int_equal(l.entries, TW_LOGDIR_ENTRIES_MAX);
    assert_true(l.more);
    unlinkat(at, "@400000006900000000000000.s", 0);
    close(at);
    assert_false(read_log("").more); /* exactly as many as may be */
}

/* Of very many the newest is looked at in any case. */
static void of_many_files_the_newest_counts(void **state)
{
    (void)state;
    make_dir("log");
    for (int i = 0; i < TW_LOGDIR_STATS_MAX + 500; i++) {
        char name[40];
        snprintf(name, sizeof name, "log/@4000000069%06x00000000.s", (unsigned)i);
        put_text(name, "x");
        touched(name, NOW_S - 1000);
    }
    put_text("log/@400000006910000000000000.s", "xyz");
    touched("log/@400000006910000000000000.s", NOW_S - 1);
    const struct tw_logdir l = read_log("");
    assert_int_equal(l.largest, 3);
    assert_int_equal(l.written_s, NOW_S - 1);
}

static bool cannot_list(void *context)
{
    (void)context;
    struct tw_logdir out;
    struct tw_error e;
    const int at = open("log", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return tw_logdir_read(at, "log", "", NOW_S, &out, &e) == -1 &&
           strstr(e.text, "cannot list log");
}

static void what_cannot_be_listed_is_an_error(void **state)
{
    (void)state;
    make_dir("log");
    chmod("log", 0311);
    assert_true(as_nobody(cannot_list, NULL));
    chmod("log", 0755);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_finished_files),
        IN_SCRATCH(an_empty_directory),
        IN_SCRATCH(what_multilog_leaves),
        IN_SCRATCH(what_is_new_is_told_by_the_name),
        IN_SCRATCH(a_label_from_the_future_is_no_outage),
        IN_SCRATCH(a_time_from_the_future_is_no_last_line),
        IN_SCRATCH(links_and_other_things_are_not_looked_into),
        IN_SCRATCH(a_huge_directory_is_read_in_part),
        IN_SCRATCH(of_many_files_the_newest_counts),
        IN_SCRATCH(what_cannot_be_listed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
