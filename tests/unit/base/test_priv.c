/* Giving up root, and running a child that has. Drops happen in a forked child, which reports by
 * its exit code. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/priv.h"
#include "patience.h"

enum { NOBODY = 65534, LONG_MS = 60000 * PATIENCE };

static uid_t some_uid(void)
{
    return geteuid() == 0 ? NOBODY : geteuid();
}

static gid_t some_gid(void)
{
    return geteuid() == 0 ? NOBODY : getegid();
}

static int with_alarm(void **state)
{
    (void)state;
    alarm(100 * PATIENCE);
    return 0;
}

/* Runs `body` in a child; its exit code. */
static int in_child(int (*body)(void))
{
    int status;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        _exit(body());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int drop_and_try_everything(void)
{
    struct tw_error e;
    const gid_t groups[] = {0, 1, 5};
    gid_t left[8];
    if (setgroups(3, groups) != 0)
        return 1;
    if (tw_priv_drop(NOBODY, NOBODY, &e) != 0)
        return 2;
    if (getgroups(8, left) != 0)
        return 3;
    if (setuid(0) == 0 || seteuid(0) == 0 || setreuid(0, 0) == 0 || setresuid(0, 0, 0) == 0)
        return 4;
    if (setgid(0) == 0 || setegid(0) == 0 || setgroups(1, groups) == 0)
        return 5;
    if (getuid() != NOBODY || geteuid() != NOBODY || getgid() != NOBODY || getegid() != NOBODY)
        return 6;
    if (kill(1, 0) == 0 || errno != EPERM)
        return 7;
    return open("/etc/shadow", O_RDONLY | O_CLOEXEC) >= 0 ? 8 : 0;
}

static void dropping_root_cannot_be_undone(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(drop_and_try_everything), 0);
}

static int drop_twice_then_to_another(void)
{
    struct tw_error e;
    if (geteuid() == 0 && tw_priv_drop(NOBODY, NOBODY, &e) != 0)
        return 1;
    if (tw_priv_drop(geteuid(), getegid(), &e) != 0)
        return 2;
    if (tw_priv_drop(geteuid() - 1, getegid(), &e) == 0 || !strstr(e.text, "not root"))
        return 3;
    return tw_priv_drop(geteuid(), getegid() - 1, &e) == 0 ? 4 : 0;
}

static void an_ordinary_user_stays_and_becomes_nobody_else(void **state)
{
    (void)state;
    if (geteuid() != 0 && getegid() == 0)
        skip();
    assert_int_equal(in_child(drop_twice_then_to_another), 0);
}

/* Effective uid nobody, saved uid root: that is no drop, though it looks like one. */
static int drop_with_root_in_store(void)
{
    struct tw_error e;
    if (setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, 0) != 0)
        return 1;
    return tw_priv_drop(NOBODY, NOBODY, &e) == 0 ? 2 : 0;
}

static void a_saved_root_is_not_overlooked(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(in_child(drop_with_root_in_store), 0);
}

static void root_and_nobody_at_all_are_refused(void **state)
{
    (void)state;
    struct tw_error e;
    const uid_t before = geteuid();
    assert_int_equal(tw_priv_drop(0, some_gid(), &e), -1);
    assert_non_null(strstr(e.text, "that is root"));
    assert_int_equal(tw_priv_drop(some_uid(), 0, &e), -1);
    assert_int_equal(tw_priv_drop((uid_t)-1, some_gid(), &e), -1);
    assert_int_equal(tw_priv_drop(some_uid(), (gid_t)-1, &e), -1);
    assert_int_equal(geteuid(), before);
}

/* ---- tw_priv_run ---- */

struct result {
    int code;
    char *output;
    size_t length;
    struct tw_error e;
};

static int open_descriptors(void)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* Runs it as an ordinary user and checks that neither a child nor a descriptor is left. */
static struct result run(int (*work)(void *context, int fd, struct tw_error *e), void *context,
                         size_t max, int timeout_ms)
{
    struct result r = {.output = NULL};
    const int before = open_descriptors();
    const struct tw_priv_task task = {.uid = some_uid(),
                                      .gid = some_gid(),
                                      .work = work,
                                      .context = context,
                                      .max = max,
                                      .timeout_ms = timeout_ms};
    r.code = tw_priv_run(&task, &r.output, &r.length, &r.e);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    assert_int_equal(open_descriptors(), before);
    return r;
}

static void expect_failure(struct result r, const char *text)
{
    assert_int_equal(r.code, -1);
    assert_null(r.output);
    assert_int_equal(r.length, 0);
    if (!strstr(r.e.text, text))
        fail_msg("%s", r.e.text);
}

static int tell_who(void *context, int fd, struct tw_error *e)
{
    int signal_number = 0;
    (void)context;
    (void)e;
    prctl(PR_GET_PDEATHSIG, &signal_number);
    return dprintf(fd, "%u %u %d", getuid(), getegid(), signal_number) > 0 ? 0 : -1;
}

static void the_work_runs_as_that_user_and_dies_with_its_parent(void **state)
{
    (void)state;
    struct result r = run(tell_who, NULL, 100, LONG_MS);
    assert_int_equal(r.code, 0);
    char *expected = tw_format("%u %u %d", some_uid(), some_gid(), SIGKILL);
    assert_string_equal(r.output, expected);
    assert_int_equal(r.length, strlen(expected));
    free(expected);
    free(r.output);
}

static int write_many(void *context, int fd, struct tw_error *e)
{
    const size_t *count = context;
    (void)e;
    for (size_t i = 0; i < *count; i++)
        if (tw_write_all(fd, i % 2 ? "x" : "\0", 1) != 0)
            return -1;
    return 0;
}

static void output_may_be_empty_binary_and_exactly_the_most(void **state)
{
    (void)state;
    size_t counts[] = {0, 3, 100000};
    for (size_t i = 0; i < TW_COUNT(counts); i++) {
        struct result r = run(write_many, &counts[i], counts[i], LONG_MS);
        assert_int_equal(r.code, 0);
        assert_int_equal(r.length, counts[i]);
        assert_int_equal(r.output[r.length], '\0');
        free(r.output);
    }
}

static int write_for_ever(void *context, int fd, struct tw_error *e)
{
    (void)context;
    (void)e;
    while (write(fd, "too much ", 9) > 0)
        ;
    return 0;
}

static void a_child_that_writes_too_much_is_ended(void **state)
{
    (void)state;
    size_t count = 101;
    expect_failure(run(write_many, &count, 100, LONG_MS), "wrote more than 100 bytes");
    expect_failure(run(write_for_ever, NULL, 1000, LONG_MS), "wrote more than 1000 bytes");
}

static int hang(void *context, int fd, struct tw_error *e)
{
    (void)e;
    signal(SIGTERM, SIG_IGN);
    if (context)
        close(fd); /* the pipe has ended, the child has not */
    while (pause() != 0)
        ;
    return 0;
}

static void a_child_that_hangs_is_killed(void **state)
{
    (void)state;
    int closed = 1;
    expect_failure(run(hang, NULL, 100, 50), "took longer than 50 ms");
    expect_failure(run(hang, &closed, 100, 50), "took longer than 50 ms");
    expect_failure(run(hang, NULL, 100, 0), "took longer than 0 ms");
}

static int die(void *context, int fd, struct tw_error *e)
{
    const int *number = context;
    (void)e;
    tw_write_all(fd, "half", 4);
    raise(*number);
    return 0;
}

static void a_child_that_dies_by_a_signal_has_failed(void **state)
{
    (void)state;
    int number = SIGKILL;
    expect_failure(run(die, &number, 100, LONG_MS), "died by signal 9");
    number = SIGTERM;
    expect_failure(run(die, &number, 100, LONG_MS), "died by signal 15");
}

static int fail_after_writing(void *context, int fd, struct tw_error *e)
{
    (void)context;
    tw_write_all(fd, "half", 4);
    return tw_fail(e, "cannot read /x: Permission denied");
}

static int leave(void *context, int fd, struct tw_error *e)
{
    (void)context;
    (void)fd;
    (void)e;
    _exit(7);
}

static void a_child_that_fails_says_why(void **state)
{
    (void)state;
    struct result r = run(fail_after_writing, NULL, 100, LONG_MS);
    expect_failure(r, "cannot read /x");
    assert_string_equal(r.e.text, "cannot read /x: Permission denied");
    expect_failure(run(leave, NULL, 100, LONG_MS), "ended with exit code 7");
}

static int leave_a_grandchild(void *context, int fd, struct tw_error *e)
{
    const int *ends = context;
    (void)e;
    if (fork() == 0) {
        char c;
        close(ends[1]);
        _exit(read(ends[0], &c, 1) != 0);
    }
    return tw_write_all(fd, "done", 4);
}

static void a_grandchild_that_holds_the_pipe_is_not_waited_for(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    struct result r = run(leave_a_grandchild, ends, 100, LONG_MS);
    close(ends[0]);
    close(ends[1]); /* ends the grandchild */
    assert_int_equal(r.code, 0);
    assert_string_equal(r.output, "done");
    free(r.output);
}

static void the_work_never_runs_as_root(void **state)
{
    (void)state;
    struct result r = {0};
    const struct tw_priv_task task = {.work = tell_who, .max = 100, .timeout_ms = LONG_MS};
    assert_int_equal(tw_priv_run(&task, &r.output, &r.length, &r.e), -1);
    assert_non_null(strstr(r.e.text, "that is root"));
    assert_null(r.output);
}

static int stay_root(void *context, int fd, struct tw_error *e)
{
    (void)context;
    (void)e;
    return dprintf(fd, "%u", geteuid()) > 0 ? 0 : -1;
}

static void only_a_task_that_stays_keeps_its_rights(void **state)
{
    (void)state;
    struct result r = {0};
    const struct tw_priv_task task = {
        .stay = true, .work = stay_root, .max = 100, .timeout_ms = LONG_MS};
    assert_int_equal(tw_priv_run(&task, &r.output, &r.length, &r.e), 0);
    char *expected = tw_format("%u", geteuid());
    assert_string_equal(r.output, expected);
    free(expected);
    free(r.output);
}

enum { BEATS = 60 };

/* Longer in all than its timeout, and by far not as long between two beats. */
static int beat_slowly(void *context, int fd, struct tw_error *e)
{
    (void)context;
    (void)e;
    for (int i = 0; i < BEATS; i++) {
        usleep(100000);
        if (write(fd, ".", 1) != 1)
            return -1;
    }
    return 0;
}

static void count_beat(void *context)
{
    ++*(int *)context;
}

static void what_still_beats_is_not_too_slow(void **state)
{
    (void)state;
    int beats = 0;
    struct result r = {0};
    const struct tw_priv_task task = {.uid = some_uid(),
                                      .gid = some_gid(),
                                      .work = beat_slowly,
                                      .max = 100,
                                      .timeout_ms = 5000,
                                      .beat = count_beat,
                                      .beat_context = &beats};
    assert_int_equal(tw_priv_run(&task, &r.output, &r.length, &r.e), 0);
    assert_int_equal(r.length, BEATS);
    assert_int_equal(strspn(r.output, "."), BEATS);
    assert_true(beats > 0 && beats <= BEATS);
    free(r.output);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dropping_root_cannot_be_undone),
        cmocka_unit_test(an_ordinary_user_stays_and_becomes_nobody_else),
        cmocka_unit_test(a_saved_root_is_not_overlooked),
        cmocka_unit_test(root_and_nobody_at_all_are_refused),
        cmocka_unit_test(the_work_runs_as_that_user_and_dies_with_its_parent),
        cmocka_unit_test(output_may_be_empty_binary_and_exactly_the_most),
        cmocka_unit_test(a_child_that_writes_too_much_is_ended),
        cmocka_unit_test(a_child_that_hangs_is_killed),
        cmocka_unit_test(a_child_that_dies_by_a_signal_has_failed),
        cmocka_unit_test(a_child_that_fails_says_why),
        cmocka_unit_test(a_grandchild_that_holds_the_pipe_is_not_waited_for),
        cmocka_unit_test(the_work_never_runs_as_root),
        cmocka_unit_test(only_a_task_that_stays_keeps_its_rights),
        cmocka_unit_test(what_still_beats_is_not_too_slow),
    };
    return cmocka_run_group_tests(tests, with_alarm, NULL);
}
