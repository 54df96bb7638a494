/* multilog's directories: found through run scripts, read to their end, whatever lies there. */
#include "scratch.h"

#include <errno.h>

#include "base/tai64n.h"
#include "toaster/multilog.h"

#define OLD_NAME "@400000006900000000000000.s"
#define NEW_NAME "@400000006900000100000000.u"

/* ---- finding ---- */

static void put_run(const char *text)
{
    mkdir("smtp", 0755);
    mkdir("smtp/log", 0755);
    put_text("smtp/log/run", text);
}

/* "@" in a script stands for the scratch directory. */
static void expect_dir(const char *root, const char *script, const char *expected)
{
    struct tw_buf text = {0}, want = {0};
    struct tw_error e;
    for (const char *p = script; *p; p++)
        *p == '@' ? tw_buf_puts(&text, root) : tw_buf_add(&text, p, 1);
    for (const char *p = expected; *p; p++)
        *p == '@' ? tw_buf_puts(&want, root) : tw_buf_add(&want, p, 1);
    put_run(tw_buf_text(&text));
    char *dir = tw_multilog_find("smtp", "logs", &e);
    assert_non_null(dir);
    assert_string_equal(dir, tw_buf_text(&want));
    free(dir);
    tw_buf_free(&text);
    tw_buf_free(&want);
}

static void the_directory_is_multilogs_last_argument_that_is_one(void **state)
{
    const char *root = *state;
    static const char *const dirs[] = {"smtp", "smtp/log", "smtp/log/main", "a",
                                       "b",    "a b",      "logs",          "logs/smtp"};
    for (size_t i = 0; i < TW_COUNT(dirs); i++)
        make_dir(dirs[i]);
    expect_dir(root, "#!/bin/sh\nexec setuidgid qmaill multilog t s100000 n20 @/a 2>&1\n", "@/a");
    expect_dir(root, "exec /usr/bin/multilog t @/a", "@/a");
    expect_dir(root, "multilog t ./main\n", "smtp/log/main");
    expect_dir(root, "multilog t ../../b\n", "smtp/log/../../b");
    expect_dir(root, "multilog t @/a '-*' '+x @/z' @/b\n", "@/b");
    expect_dir(root, "multilog t \"@/a b\" > /dev/null 2>/dev/null", "@/a b");
    expect_dir(root, "multilog t '@'/a # @/b\n", "@/a");
    expect_dir(root, "# multilog t @/a\ncd @/a\n  exec multilog t \\\n  n10 \\\n  @/b\n", "@/b");
    expect_dir(root, "multilog t $DIR\nmultilog t @/b", "@/b");
    expect_dir(root, "multilog t =@/a !@/a @/b", "@/b");
}

static void without_such_an_argument_the_usual_places_are_tried(void **state)
{
    const char *root = *state;
    struct tw_error e;
    assert_null(tw_multilog_find("smtp", "logs", &e));
    assert_non_null(strstr(e.text, "logs/smtp"));
    static const char *const scripts[] = {"",
                                          "multilog",
                                          "multilog t ./nowhere",
                                          "multilog '/a b",
                                          "exec notmultilog @/a",
                                          "mymultilog.sh @/a",
                                          "\\\n\\\n\\",
                                          "multilog t $LOG/x",
                                          "multilog t @/file",
                                          "#multilog @/a"};
    make_dir("smtp");
    make_dir("smtp/log");
    make_dir("smtp/log/main");
    make_dir("a");
    put_text("file", "");
    for (size_t i = 0; i < TW_COUNT(scripts); i++)
        expect_dir(root, scripts[i], "smtp/log/main");
    make_dir("logs");
    make_dir("logs/smtp");
    expect_dir(root, "", "logs/smtp");
    char *dir = tw_multilog_find("smtp///", "logs", &e);
    assert_string_equal(dir, "logs/smtp");
    free(dir);
}

static void a_script_that_is_no_script_is_passed_over(void **state)
{
    (void)state;
    struct tw_error e;
    make_dir("smtp");
    make_dir("smtp/log");
    make_dir("logs");
    make_dir("logs/smtp");
    assert_int_equal(mkfifo("smtp/log/run", 0755), 0);
    char *dir = tw_multilog_find("smtp", "logs", &e);
    assert_string_equal(dir, "logs/smtp");
    free(dir);
    unlink("smtp/log/run");
    put_text("smtp/log/run", "multilog t /\n");
    assert_int_equal(truncate("smtp/log/run", 1 << 20), 0);
    dir = tw_multilog_find("smtp", "logs", &e);
    assert_string_equal(dir, "logs/smtp");
    free(dir);
    assert_int_equal(rename("smtp/log/run", "real"), 0);
    put_text("real", "multilog t /\n");
    assert_int_equal(symlink("../../real", "smtp/log/run"), 0);
    dir = tw_multilog_find("smtp", "logs", &e);
    assert_string_equal(dir, "/");
    free(dir);
    assert_null(tw_multilog_find("", "logs/none", &e));
}

/* ---- reading ---- */

static void expect_tail(size_t lines, const char *expected)
{
    struct tw_buf out = {0};
    struct tw_error e;
    assert_int_equal(tw_multilog_tail("log", lines, &out, &e), 0);
    assert_string_equal(tw_buf_text(&out), expected);
    tw_buf_free(&out);
}

static void expect_refused(const char *why)
{
    struct tw_buf out = {0};
    struct tw_error e;
    assert_int_equal(tw_multilog_tail("log", 20, &out, &e), -1);
    assert_non_null(strstr(e.text, why));
    assert_int_equal(out.len, 0);
    tw_buf_free(&out);
}

static void the_last_lines_of_current_are_given(void **state)
{
    (void)state;
    make_dir("log");
    put_text("log/current", "a\nb\n\nd\n");
    expect_tail(0, "");
    expect_tail(1, "d\n");
    expect_tail(2, "\nd\n");
    expect_tail(4, "a\nb\n\nd\n");
    expect_tail(SIZE_MAX, "a\nb\n\nd\n");
    put_text("log/current", "a\nno newline");
    expect_tail(1, "no newline\n");
    expect_tail(2, "a\nno newline\n");
    put_text("log/current", "");
    expect_tail(5, "");
    put_text("log/current", "\n");
    expect_tail(5, "\n");
}

static void the_newest_finished_file_fills_up(void **state)
{
    (void)state;
    make_dir("log");
    put_text("log/current", "c\n");
    put_text("log/" OLD_NAME, "old\n");
    put_text("log/" NEW_NAME, "a\nb\n");
    put_text("log/@400000006900000200000000.t", "other suffix\n");
    put_text("log/@40000000690000020000000G.s", "no label\n");
    put_text("log/@400000006900000300000000.s.gz", "longer\n");
    put_text("log/zzz", "other\n");
    expect_tail(1, "c\n");
    expect_tail(2, "b\nc\n");
    expect_tail(9, "a\nb\nc\n");
    put_text("log/current", "");
    expect_tail(1, "b\n");
}

static void while_current_is_being_replaced_the_finished_file_stands_for_it(void **state)
{
    (void)state;
    make_dir("log");
    expect_refused("no log in log");
    put_text("log/" NEW_NAME, "a\nb\n");
    expect_tail(1, "b\n");
    expect_tail(9, "a\nb\n");
    /* Renamed after we had opened it: as if by the other name. */
    assert_int_equal(link("log/" NEW_NAME, "log/current"), 0);
    expect_tail(9, "a\nb\n");
}

static void a_finished_file_that_cannot_be_used_only_gives_no_lines(void **state)
{
    (void)state;
    make_dir("log");
    put_text("log/current", "c\n");
    assert_int_equal(symlink("/etc/passwd", "log/" NEW_NAME), 0);
    expect_tail(9, "c\n");
    unlink("log/" NEW_NAME);
    assert_int_equal(mkfifo("log/" NEW_NAME, 0644), 0);
    expect_tail(9, "c\n");
    unlink("log/current");
    expect_refused("not a regular file");
}

static void a_current_that_is_no_regular_file_is_refused(void **state)
{
    (void)state;
    expect_refused("cannot open log: No such file");
    put_text("log", "");
    expect_refused("cannot open log: Not a directory");
    unlink("log");
    make_dir("log");
    assert_int_equal(symlink("/etc/passwd", "log/current"), 0);
    expect_refused("log/current");
    unlink("log/current");
    assert_int_equal(mkfifo("log/current", 0644), 0);
    expect_refused("not a regular file");
    unlink("log/current");
    make_dir("log/current");
    expect_refused("not a regular file");
}

static void long_lines_are_cut(void **state)
{
    (void)state;
    char line[1003];
    struct tw_buf out = {0};
    memset(line, 'x', 1000);
    line[1000] = '\n';
    line[1001] = 'y';
    line[1002] = '\n';
    make_dir("log");
    put_bytes("log/current", line, sizeof line);
    assert_int_equal(tw_multilog_tail("log", 9, &out, NULL), 0);
    assert_int_equal(out.len, 503);
    assert_string_equal(tw_buf_text(&out) + 499, "x\ny\n");
    tw_buf_free(&out);
}

static void a_huge_file_costs_no_more_than_its_end(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    make_dir("log");
    put_text("log/current", "first\n");
    assert_int_equal(truncate("log/current", 100 << 20), 0); /* one line of 100 MB of zeros */
    assert_int_equal(tw_multilog_tail("log", 20, &out, NULL), 0);
    assert_int_equal(out.len, 501);
    assert_int_equal(out.data[0], 0);
    tw_buf_clear(&out);
    const int fd = open("log/current", O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(tw_write_all(fd, "\nlast\n", 6), 0);
    close(fd);
    assert_int_equal(tw_multilog_tail("log", 20, &out, NULL), 0);
    assert_string_equal(tw_buf_text(&out), "last\n"); /* the line that is cut is left out */
    tw_buf_free(&out);
}

static void binary_bytes_come_as_they_are(void **state)
{
    (void)state;
    static const char bytes[] = "\x1b[2J\0\xff\r\n@4000\n@400000006900000000000000\n";
    struct tw_buf out = {0};
    make_dir("log");
    put_bytes("log/current", bytes, sizeof bytes - 1);
    assert_int_equal(tw_multilog_tail("log", 3, &out, NULL), 0);
    assert_memory_equal(out.data, "\x1b[2J\0\xff\r\n@4000\n2025-", 19);
    tw_buf_free(&out);
}

/* ---- as the owner ---- */

static void as_root_only_what_the_owner_could_read_is_read(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    struct tw_error e;
    make_dir("log");
    put_text("log/current", "mine\n");
    if (geteuid() != 0) { /* then there is nothing to give up */
        assert_int_equal(tw_multilog_tail_as_owner("log", 9, &out, &e), 0);
        assert_string_equal(tw_buf_text(&out), "mine\n");
        tw_buf_free(&out);
        skip();
    }
    assert_int_equal(tw_multilog_tail_as_owner("log", 9, &out, &e), 0);
    chmod("log", 0775);
    assert_int_equal(tw_multilog_tail_as_owner("log", 9, &out, &e), -1);
    assert_non_null(strstr(e.text, "others may write"));
    chmod("log", 0700);
    assert_int_equal(chown("log", NOBODY, 0), 0);
    tw_buf_clear(&out);
    assert_int_equal(tw_multilog_tail_as_owner("log", 9, &out, &e), 0);
    assert_string_equal(tw_buf_text(&out), "mine\n");
    /* A hard link to a file of root's, say: what is not the owner's to read stays unread. */
    chmod("log/current", 0600);
    assert_int_equal(tw_multilog_tail_as_owner("log", 9, &out, &e), -1);
    assert_non_null(strstr(e.text, "log/current: Permission denied"));
    assert_int_equal(tw_multilog_tail_as_owner("none", 9, &out, &e), -1);
    tw_buf_free(&out);
}

static void the_way_to_the_log_need_not_be_open_to_its_owner(void **state)
{
    if (geteuid() != 0)
        skip();
    struct tw_buf out = {0};
    struct tw_error e;
    make_dir("log");
    put_text("log/current", "mine\n");
    assert_int_equal(chown("log", NOBODY, NOBODY), 0);
    chmod(*state, 0700);
    assert_int_equal(tw_multilog_tail_as_owner("log", 9, &out, &e), 0);
    assert_string_equal(tw_buf_text(&out), "mine\n");
    tw_buf_free(&out);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(the_directory_is_multilogs_last_argument_that_is_one),
        IN_SCRATCH(without_such_an_argument_the_usual_places_are_tried),
        IN_SCRATCH(a_script_that_is_no_script_is_passed_over),
        IN_SCRATCH(the_last_lines_of_current_are_given),
        IN_SCRATCH(the_newest_finished_file_fills_up),
        IN_SCRATCH(while_current_is_being_replaced_the_finished_file_stands_for_it),
        IN_SCRATCH(a_finished_file_that_cannot_be_used_only_gives_no_lines),
        IN_SCRATCH(a_current_that_is_no_regular_file_is_refused),
        IN_SCRATCH(long_lines_are_cut),
        IN_SCRATCH(a_huge_file_costs_no_more_than_its_end),
        IN_SCRATCH(binary_bytes_come_as_they_are),
        IN_SCRATCH(as_root_only_what_the_owner_could_read_is_read),
        IN_SCRATCH(the_way_to_the_log_need_not_be_open_to_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
