/* A real supervise: what we read of it must be what svstat says. */
#include "scratch.h"

#include <signal.h>

#include "toaster/supervise.h"

struct real {
    void *root;
    const char *service;
    pid_t supervise;
};

/* Ignores TERM, so that it stays up when it is told to go down. */
static const char run_script[] = "#!/bin/sh\ntrap '' TERM\nexec sleep 60\n";

static void svc(const struct real *real, const char *letters)
{
    const char *const argv[] = {"svc", letters, real->service, NULL};
    free(run_program(argv, -1));
}

static bool is_there(void *context)
{
    const struct real *real = context;
    return tw_supervise_running(real->service, NULL) == 1;
}

static bool is_up(void *context)
{
    const struct real *real = context;
    struct tw_supervise_status s;
    return tw_supervise_read(real->service, &s, NULL) == 0 && s.pid && s.want != 'd' && !s.paused;
}

static bool is_down(void *context)
{
    const struct real *real = context;
    struct tw_supervise_status s;
    return tw_supervise_read(real->service, &s, NULL) == 0 && !s.pid;
}

static bool is_paused(void *context)
{
    const struct real *real = context;
    struct tw_supervise_status s;
    return tw_supervise_read(real->service, &s, NULL) == 0 && s.pid && s.paused;
}

static bool is_wanted_down(void *context)
{
    const struct real *real = context;
    struct tw_supervise_status s;
    return tw_supervise_read(real->service, &s, NULL) == 0 && s.pid && s.want == 'd';
}

/* Ours and svstat's line, compared until both fell into the same second. */
static bool agrees(void *context)
{
    const struct real *real = context;
    const char *const argv[] = {"svstat", real->service, NULL};
    struct tw_buf ours = {0};
    const int64_t before_s = time(NULL);
    char *theirs = run_program(argv, -1);
    tw_supervise_svstat(real->service, &ours, before_s);
    tw_buf_puts(&ours, "\n");
    const bool same = strcmp(theirs, tw_buf_text(&ours)) == 0;
    const bool one_second = before_s == time(NULL);
    if (one_second && !same)
        print_error("ours:   %stheirs: %s", tw_buf_text(&ours), theirs);
    tw_buf_free(&ours);
    free(theirs);
    assert_true(same || !one_second);
    return same && one_second;
}

static int start_supervise(void **state)
{
    struct real *real = tw_alloc(sizeof *real);
    if (scratch_make(&real->root) != 0)
        return -1;
    *state = real;
    real->service = "a service";
    make_dir(real->service);
    put_text("a service/run", run_script);
    chmod("a service/run", 0755);
    const char *const argv[] = {"supervise", real->service, NULL};
    real->supervise = start_program(argv, -1, -1);
    return 0;
}

/* Whatever the test left: no service, no supervise. */
static int stop_supervise(void **state)
{
    struct real *real = *state;
    struct tw_supervise_status s;
    if (real->supervise) {
        kill(real->supervise, SIGKILL);
        wait_for(real->supervise);
    }
    if (tw_supervise_read(real->service, &s, NULL) == 0 && s.pid)
        kill(s.pid, SIGKILL);
    const int result = scratch_remove(&real->root);
    free(real);
    return result;
}

static void our_line_is_svstats_in_every_state(void **state)
{
    struct real *real = *state;
    if (!comes_true(is_there, real)) {
        assert_int_equal(wait_for(real->supervise), 127); /* not installed */
        real->supervise = 0;
        skip();
    }
    assert_true(comes_true(is_up, real));
    assert_true(comes_true(agrees, real));
    put_text("a service/down", "");
    assert_true(comes_true(agrees, real)); /* normally down */
    svc(real, "-p");
    assert_true(comes_true(is_paused, real));
    assert_true(comes_true(agrees, real));
    svc(real, "-c");
    assert_true(comes_true(is_up, real));
    svc(real, "-d");
    assert_true(comes_true(is_wanted_down, real));
    assert_true(comes_true(agrees, real));
    svc(real, "-k");
    assert_true(comes_true(is_down, real));
    assert_true(comes_true(agrees, real));
    unlink("a service/down");
    assert_true(comes_true(agrees, real)); /* normally up */
}

static void a_supervise_that_ended_is_not_running(void **state)
{
    struct real *real = *state;
    if (!comes_true(is_there, real))
        skip();
    svc(real, "-dxk");
    assert_int_equal(wait_for(real->supervise), 0);
    real->supervise = 0;
    assert_int_equal(tw_supervise_running(real->service, NULL), 0);
    assert_true(comes_true(agrees, real));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(our_line_is_svstats_in_every_state, start_supervise,
                                        stop_supervise),
        cmocka_unit_test_setup_teardown(a_supervise_that_ended_is_not_running, start_supervise,
                                        stop_supervise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
