/* Orders to supervise: fifos made by hand, and what follows from one status to the next. */
#include "scratch.h"

#include <errno.h>

#include "base/tai64n.h"
#include "toaster/supervise_order.h"

enum { NOW_MS = 5000000 };

static struct tw_supervise_status status_of(pid_t pid, char want)
{
    return (struct tw_supervise_status){.changed_s = 1800000000, .pid = pid, .want = want};
}

static enum tw_order_step see(struct tw_order *order, pid_t pid, int64_t after_ms)
{
    const struct tw_supervise_status now = status_of(pid, 'u');
    return tw_order_see(order, &now, NOW_MS + after_ms);
}

static struct tw_order begin(enum tw_order_goal goal, pid_t pid, char want, int64_t up_ms)
{
    const struct tw_supervise_status before = status_of(pid, want);
    return tw_order_begin(goal, &before, up_ms, NOW_MS);
}

/* ---- what came of it ----------------------------------------------------------------------- */

static void up_is_what_has_one_pid_for_two_seconds(void **state)
{
    (void)state;
    struct tw_order order = begin(TW_ORDER_UP, 0, 'd', 0);
    assert_int_equal(see(&order, 0, 10), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 7, 20), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 7, 2019), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 7, 2020), TW_ORDER_DONE);
}

static void what_ends_before_that_is_not_up(void **state)
{
    (void)state;
    struct tw_order order = begin(TW_ORDER_UP, 0, 'd', 0);
    assert_int_equal(see(&order, 7, 20), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 8, 1030), TW_ORDER_ENDS_AT_ONCE);
    order = begin(TW_ORDER_UP, 0, 'd', 0);
    assert_int_equal(see(&order, 7, 20), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 0, 1030), TW_ORDER_ENDS_AT_ONCE);
    order = begin(TW_ORDER_UP, 7, 'u', 400); /* it was in its loop already */
    assert_int_equal(see(&order, 8, 600), TW_ORDER_ENDS_AT_ONCE);
}

static void what_was_up_long_enough_needs_no_wait(void **state)
{
    (void)state;
    struct tw_order order = begin(TW_ORDER_UP, 7, 'u', 60000);
    assert_int_equal(see(&order, 7, 10), TW_ORDER_DONE);
    order = begin(TW_ORDER_UP, 7, 'u', 1500);
    assert_int_equal(see(&order, 7, 400), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 7, 500), TW_ORDER_DONE);
}

static void what_was_told_to_stop_may_end_once(void **state)
{
    (void)state;
    struct tw_order order = begin(TW_ORDER_UP, 7, 'd', 60000);
    assert_int_equal(see(&order, 7, 500), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 8, 600), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 8, 2600), TW_ORDER_DONE);
    order = begin(TW_ORDER_UP, 7, 'd', 60000);
    assert_int_equal(see(&order, 8, 600), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 9, 1600), TW_ORDER_ENDS_AT_ONCE);
}

static void a_restart_is_another_pid(void **state)
{
    (void)state;
    struct tw_order order = begin(TW_ORDER_RESTARTED, 7, 'u', 60000);
    assert_int_equal(see(&order, 7, 9000), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 0, 9100), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 8, 9200), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 8, 11200), TW_ORDER_DONE);
    order = begin(TW_ORDER_RESTARTED, 7, 'u', 60000);
    assert_int_equal(see(&order, 8, 100), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 9, 1100), TW_ORDER_ENDS_AT_ONCE);
}

static void down_is_no_pid(void **state)
{
    (void)state;
    struct tw_order order = begin(TW_ORDER_DOWN, 7, 'u', 60000);
    assert_int_equal(see(&order, 7, 9000), TW_ORDER_WAITS);
    assert_int_equal(see(&order, 0, 9001), TW_ORDER_DONE);
}

static void how_long_it_is_up_is_never_below_nothing(void **state)
{
    (void)state;
    struct tw_supervise_status up = status_of(7, 'u');
    up.changed_ns = 500000000;
    assert_int_equal(tw_supervise_up_ms(&up, 1800000003000000000), 2500);
    assert_int_equal(tw_supervise_up_ms(&up, 1700000000000000000), 0);
    up.pid = 0;
    assert_int_equal(tw_supervise_up_ms(&up, 1800000003000000000), 0);
    const struct tw_supervise_status garbled = {.changed_s = INT64_MAX - (int64_t)TW_TAI_OFFSET,
                                                .pid = 7};
    assert_true(tw_supervise_age_ms(&garbled, 1800000003000000000) < 0);
    assert_int_equal(tw_supervise_up_ms(&garbled, 1800000003000000000), 0);
}

/* ---- letters ------------------------------------------------------------------------------- */

static void letters_reach_who_reads_the_fifo(void **state)
{
    (void)state;
    char letters[8] = "";
    struct tw_error e;
    make_dir("smtp");
    make_dir("smtp/supervise");
    assert_int_equal(mkfifo("smtp/supervise/control", 0600), 0);
    const int reader = open("smtp/supervise/control", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(tw_supervise_send("smtp", "dx", &e), 0);
    assert_int_equal(read(reader, letters, sizeof letters), 2);
    assert_string_equal(letters, "dx");
    close(reader);
}

static void a_fifo_that_nobody_reads_is_an_error_at_once(void **state)
{
    (void)state;
    struct tw_error e;
    make_dir("smtp");
    make_dir("smtp/supervise");
    assert_int_equal(tw_supervise_send("smtp", "u", &e), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(mkfifo("smtp/supervise/control", 0600), 0);
    assert_int_equal(tw_supervise_send("smtp", "u", &e), -1);
    assert_int_equal(errno, ENXIO);
    assert_non_null(strstr(e.text, "supervise is not running"));
}

static void a_full_fifo_is_an_error_at_once(void **state)
{
    (void)state;
    struct tw_error e;
    char bytes[4096] = "";
    make_dir("smtp");
    make_dir("smtp/supervise");
    assert_int_equal(mkfifo("smtp/supervise/control", 0600), 0);
    const int both = open("smtp/supervise/control", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    while (write(both, bytes, sizeof bytes) > 0)
        ;
    assert_int_equal(tw_supervise_send("smtp", "u", &e), -1);
    assert_int_equal(errno, EAGAIN);
    assert_non_null(strstr(e.text, "does not read"));
    close(both);
}

/* Else letters would be written over whatever stands there. */
static void what_is_no_fifo_is_left_as_it_is(void **state)
{
    (void)state;
    struct tw_error e;
    char *text = NULL;
    size_t length;
    make_dir("smtp");
    make_dir("smtp/supervise");
    put_text("smtp/supervise/control", "precious");
    assert_int_equal(tw_supervise_send("smtp", "u", &e), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(unlink("smtp/supervise/control"), 0);
    put_text("file", "precious");
    assert_int_equal(symlink("../../file", "smtp/supervise/control"), 0);
    assert_int_equal(tw_supervise_send("smtp", "u", &e), -1);
    assert_int_equal(tw_file_read(AT_FDCWD, "file", 100, &text, &length, &e), 0);
    assert_string_equal(text, "precious");
    free(text);
}

static void a_link_to_another_fifo_is_not_followed(void **state)
{
    (void)state;
    char letter;
    struct tw_error e;
    make_dir("smtp");
    make_dir("smtp/supervise");
    assert_int_equal(mkfifo("other", 0600), 0);
    assert_int_equal(symlink("../../other", "smtp/supervise/control"), 0);
    const int reader = open("other", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(tw_supervise_send("smtp", "u", &e), -1);
    assert_int_equal(read(reader, &letter, 1), 0);
    close(reader);
}

static void a_status_written_anew_has_another_mark(void **state)
{
    (void)state;
    make_dir("smtp");
    make_dir("smtp/supervise");
    const struct tw_status_mark none = tw_status_mark_of("smtp");
    put_text("smtp/supervise/status", "1");
    const struct tw_status_mark first = tw_status_mark_of("smtp");
    assert_false(tw_status_mark_equal(none, first));
    assert_true(tw_status_mark_equal(first, tw_status_mark_of("smtp")));
    put_text("smtp/supervise/status.new", "1");
    assert_int_equal(rename("smtp/supervise/status.new", "smtp/supervise/status"), 0);
    assert_false(tw_status_mark_equal(first, tw_status_mark_of("smtp")));
}

/* ---- svscan -------------------------------------------------------------------------------- */

static void put_process(const char *dir, const char *stat, const char *cwd)
{
    make_dir(dir);
    char *path = tw_format("%s/stat", dir), *link = tw_format("%s/cwd", dir);
    put_text(path, stat);
    assert_int_equal(symlink(cwd, link), 0);
    free(path);
    free(link);
}

static int find_svscan(const char *service, pid_t *pid, char *state, struct tw_error *e)
{
    struct tw_procs procs = {0};
    assert_int_equal(tw_procs_read(&procs, "proc", e), 0);
    const int found = tw_svscan_find(&procs, "proc", service, pid, state, e);
    tw_procs_free(&procs);
    return found;
}

static void svscan_is_known_by_its_directory(void **state)
{
    const char *root = *state;
    char *service = tw_format("%s/service", root), *other = tw_format("%s/other", root);
    struct tw_error e;
    pid_t pid = 0;
    char what = 0;
    make_dir("service");
    make_dir("other");
    make_dir("proc");
    put_process("proc/11", "11 (svscan) S 1 11 11 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n",
                other);
    put_process("proc/12", "12 (sh) S 1 12 12 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n", service);
    assert_int_equal(find_svscan(service, &pid, &what, &e), 0);
    put_process("proc/13", "13 (svscan) T 1 13 13 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 100 0 0\n",
                service);
    assert_int_equal(find_svscan(service, &pid, &what, &e), 1);
    assert_int_equal(pid, 13);
    assert_int_equal(what, 'T');
    assert_int_equal(find_svscan("nowhere", &pid, &what, &e), -1);
    free(service);
    free(other);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(up_is_what_has_one_pid_for_two_seconds),
        cmocka_unit_test(what_ends_before_that_is_not_up),
        cmocka_unit_test(what_was_up_long_enough_needs_no_wait),
        cmocka_unit_test(what_was_told_to_stop_may_end_once),
        cmocka_unit_test(a_restart_is_another_pid),
        cmocka_unit_test(down_is_no_pid),
        cmocka_unit_test(how_long_it_is_up_is_never_below_nothing),
        IN_SCRATCH(letters_reach_who_reads_the_fifo),
        IN_SCRATCH(a_fifo_that_nobody_reads_is_an_error_at_once),
        IN_SCRATCH(a_full_fifo_is_an_error_at_once),
        IN_SCRATCH(what_is_no_fifo_is_left_as_it_is),
        IN_SCRATCH(a_link_to_another_fifo_is_not_followed),
        IN_SCRATCH(a_status_written_anew_has_another_mark),
        IN_SCRATCH(svscan_is_known_by_its_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
