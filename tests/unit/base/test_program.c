/* Other programs: what they get, how long they may, and which must not be interrupted. */
#include "toaster/scratch.h"

#include <signal.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/program.h"
#include "patience.h"

static int run(struct tw_program *program, const char *script, struct tw_buf *said, int *status,
               struct tw_error *e)
{
    char *const argv[] = {"/bin/sh", "-c", (char *)(uintptr_t)script, NULL};
    program->argv = argv;
    program->output_max = 1000;
    if (program->in == 0)
        program->in = -1;
    return tw_program_run(program, status, said, e);
}

static void it_gets_a_clean_environment_that_may_be_set(void **state)
{
    (void)state;
    struct tw_strings more = {0};
    struct tw_program program = {.more = &more};
    struct tw_buf said = {0};
    struct tw_error e;
    int status;
    setenv("SECRET", "x", 1);
    tw_strings_add(&more, "HOME=/home/joe");
    tw_strings_add(&more, "HOMER=y");
    assert_int_equal(run(&program, "env | grep -v ^_= | grep -v ^PWD= | sort", &said, &status, &e),
                     0);
    assert_int_equal(status, 0);
    assert_string_equal(tw_buf_text(&said),
                        "HOME=/home/joe\nHOMER=y\nLOGNAME=root\nPATH=" TW_PROGRAM_PATH "\n");
    tw_buf_free(&said);
    tw_strings_free(&more);
}

static void its_end_is_seen_at_once(void **state)
{
    (void)state;
    struct tw_error e;
    int status;
    const int64_t began_ms = tw_clock_ms();
    for (int i = 0; i < 40; i++) {
        struct tw_program program = {0};
        struct tw_buf said = {0};
        assert_int_equal(run(&program, "exec >&- 2>&-; exit 3", &said, &status, &e), 0);
        assert_int_equal(WEXITSTATUS(status), 3);
        tw_buf_free(&said);
    }
    assert_true(tw_clock_ms() - began_ms < 10000 * PATIENCE); /* not a look each second, or worse */
}

/* No longer than until there is a file of this name. */
static bool until_there_is(void *context, pid_t pid)
{
    (void)pid;
    return access(context, F_OK) != 0;
}

static void who_is_not_waited_for_any_longer_is_ended(void **state)
{
    (void)state;
    struct tw_program program = {.wait = until_there_is, .context = (char[]){"begun"}};
    struct tw_buf said = {0};
    struct tw_error e;
    int status;
    assert_int_equal(run(&program, "echo begun; : >begun; sleep 1000", &said, &status, &e), -1);
    assert_string_equal(e.text, "/bin/sh took too long");
    assert_string_equal(tw_buf_text(&said), "begun\n");
    tw_buf_free(&said);
    program.context = (char[]){"child"};
    program.outlives = true; /* with all that it has begun itself */
    assert_int_equal(run(&program,
                         "trap '' TERM; sleep 1000 & echo $! >new; mv new child; wait; wait", &said,
                         &status, &e),
                     -1);
    FILE *file = fopen("child", "re");
    int child = 0;
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%d", &child), 1);
    fclose(file);
    for (int i = 0; i < 100 * PATIENCE && kill(child, 0) == 0; i++)
        usleep(20000);
    assert_int_equal(kill(child, 0), -1);
    tw_buf_free(&said);
}

/* Its reader and all around it are killed while it works. */
static void who_must_not_be_interrupted_is_not(void **state)
{
    (void)state;
    const int lock = open("lock", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    const pid_t reader = fork();
    if (reader == 0) {
        setpgid(0, 0);
        struct tw_program program = {.outlives = true, .keep = lock};
        struct tw_buf said = {0};
        struct tw_error e;
        int status;
        (void)run(&program,
                  "echo a >begun; while [ ! -e go ]; do sleep 0.05; done; echo to nobody; "
                  "echo b >ended",
                  &said, &status, &e);
        _exit(0);
    }
    close(lock);
    for (int i = 0; i < 500 * PATIENCE && access("begun", F_OK) != 0; i++)
        usleep(10000);
    kill(-reader, SIGTERM);
    kill(reader, SIGKILL);
    assert_int_equal(waitpid(reader, NULL, 0), reader);
    const int again = open("lock", O_RDONLY | O_CLOEXEC);
    assert_int_equal(flock(again, LOCK_EX | LOCK_NB), -1); /* it keeps it */
    put_text("go", "");
    assert_int_equal(flock(again, LOCK_EX), 0);
    assert_int_equal(access("ended", F_OK), 0);
    close(again);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_gets_a_clean_environment_that_may_be_set),
        TEST(its_end_is_seen_at_once),
        TEST(who_is_not_waited_for_any_longer_is_ended),
        TEST(who_must_not_be_interrupted_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
