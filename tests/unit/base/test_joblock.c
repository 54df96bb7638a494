/* Job locks between real processes. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/joblock.h"
#include "base/mem.h"
#include "patience.h"

struct fixture {
    char dir[64];
    struct tw_joblock *lock;
};

static int set_up(void **state)
{
    struct fixture *f = tw_alloc(sizeof *f);
    alarm(60 * PATIENCE);
    snprintf(f->dir, sizeof f->dir, "/tmp/toaster-watcher-lock.XXXXXX");
    if (!mkdtemp(f->dir))
        return -1;
    f->lock = tw_joblock_open(f->dir, NULL);
    *state = f;
    return f->lock ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    alarm(0);
    tw_joblock_close(&f->lock);
    tw_joblock_close(&f->lock); /* harmless */
    char *path = tw_format("%s/lock", f->dir);
    unlink(path);
    free(path);
    rmdir(f->dir);
    free(f);
    return 0;
}

/* A process that holds a job until it is told to go. */
struct other {
    pid_t pid;
    int go; /* closing it ends the process */
};

static struct other hold(const struct fixture *f, const char *job)
{
    int go[2];
    int ready[2];
    char answer = 'x';
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(ready), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        pid_t holder;
        close(go[1]);
        struct tw_joblock *lock = tw_joblock_open(f->dir, NULL);
        answer = lock && tw_joblock_take(lock, job, &holder, NULL) == 0 ? 'y' : 'n';
        if (write(ready[1], &answer, 1) == 1 && read(go[0], &answer, 1) == 0)
            _exit(0);
        _exit(1);
    }
    close(go[0]);
    close(ready[1]);
    assert_int_equal(read(ready[0], &answer, 1), 1);
    close(ready[0]);
    assert_int_equal(answer, 'y');
    return (struct other){pid, go[1]};
}

static void end(struct other other)
{
    int status;
    close(other.go);
    assert_int_equal(waitpid(other.pid, &status, 0), other.pid);
}

static void expect_free(const struct fixture *f, const char *job)
{
    pid_t holder = -1;
    assert_int_equal(tw_joblock_take(f->lock, job, &holder, NULL), 0);
    tw_joblock_release(f->lock, job);
}

static void expect_held(const struct fixture *f, const char *job, pid_t pid)
{
    pid_t holder = -1;
    assert_int_equal(tw_joblock_take(f->lock, job, &holder, NULL), 1);
    assert_int_equal(holder, pid);
}

static void what_another_process_holds_is_named(void **state)
{
    struct fixture *f = *state;
    const struct other other = hold(f, "expire.nightly");
    expect_held(f, "expire.nightly", other.pid);
    expect_held(f, "expire.nightly", other.pid);
    end(other);
    expect_free(f, "expire.nightly");
}

static void each_job_has_a_lock_of_its_own(void **state)
{
    struct fixture *f = *state;
    const struct other other = hold(f, "expire.nightly");
    const struct other daemon = hold(f, TW_JOBLOCK_DAEMON);
    expect_free(f, "expire.nightlz");
    expect_free(f, "learn.bayes");
    expect_held(f, TW_JOBLOCK_DAEMON, daemon.pid);
    expect_held(f, "expire.nightly", other.pid);
    end(daemon);
    end(other);
}

static void a_lock_vanishes_with_its_process(void **state)
{
    struct fixture *f = *state;
    const struct other other = hold(f, TW_JOBLOCK_DAEMON);
    kill(other.pid, SIGKILL);
    end(other);
    expect_free(f, TW_JOBLOCK_DAEMON);
}

static void the_same_process_may_take_it_twice(void **state)
{
    struct fixture *f = *state;
    pid_t holder;
    assert_int_equal(tw_joblock_take(f->lock, "a", &holder, NULL), 0);
    assert_int_equal(tw_joblock_take(f->lock, "a", &holder, NULL), 0);
    tw_joblock_release(f->lock, "a");
    end(hold(f, "a"));
}

static void releasing_one_keeps_the_others(void **state)
{
    struct fixture *f = *state;
    pid_t holder;
    assert_int_equal(tw_joblock_take(f->lock, "a", &holder, NULL), 0);
    assert_int_equal(tw_joblock_take(f->lock, "b", &holder, NULL), 0);
    tw_joblock_release(f->lock, "a");
    tw_joblock_release(f->lock, "never taken");
    end(hold(f, "a"));
    int status;
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tw_joblock *lock = tw_joblock_open(f->dir, NULL);
        _exit(lock && tw_joblock_take(lock, "b", &holder, NULL) == 1 && holder == getppid() ? 0
                                                                                            : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void closing_releases_all(void **state)
{
    struct fixture *f = *state;
    pid_t holder;
    assert_int_equal(tw_joblock_take(f->lock, "a", &holder, NULL), 0);
    tw_joblock_close(&f->lock);
    assert_null(f->lock);
    end(hold(f, "a"));
}

static void a_long_and_odd_name_is_as_good(void **state)
{
    struct fixture *f = *state;
    char *name = tw_alloc(100001);
    memset(name, 0xff, 100000);
    const struct other other = hold(f, name);
    expect_held(f, name, other.pid);
    name[99999] = 'x';
    expect_free(f, name);
    end(other);
    free(name);
}

static void the_file_is_its_owners_alone(void **state)
{
    struct fixture *f = *state;
    struct stat st;
    char *path = tw_format("%s/lock", f->dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    free(path);
}

static void what_cannot_be_opened_is_told(void **state)
{
    struct fixture *f = *state;
    struct tw_error e = {""};
    assert_null(tw_joblock_open("/nonexistent", &e));
    assert_string_equal(e.text, "cannot look at /nonexistent: No such file or directory");
    char *path = tw_format("%s/lock", f->dir);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/tmp/toaster-watcher-no-such-file", path), 0);
    assert_null(tw_joblock_open(f->dir, &e));
    free(path);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_another_process_holds_is_named), TEST(each_job_has_a_lock_of_its_own),
        TEST(a_lock_vanishes_with_its_process),    TEST(the_same_process_may_take_it_twice),
        TEST(releasing_one_keeps_the_others),      TEST(closing_releases_all),
        TEST(a_long_and_odd_name_is_as_good),      TEST(the_file_is_its_owners_alone),
        TEST(what_cannot_be_opened_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
