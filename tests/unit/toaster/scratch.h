/* For the tests of this directory: a directory of one's own that goes away with all that is in
 * it, small files put into it, and other programs run with their output caught. */
#ifndef TEST_TOASTER_SCRATCH_H
#define TEST_TOASTER_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "patience.h"

enum { NOBODY = 65534 };

/* cmocka's setup: *state becomes the path, which is the working directory during the test, so that
 * "a/b" is a file of the test's own. Others may walk into it. */
static inline int scratch_make(void **state)
{
    char *path = tw_strdup("/tmp/toaster-test-XXXXXX");
    *state = path;
    umask(022); /* other users look at what is made here */
    return mkdtemp(path) && chmod(path, 0755) == 0 ? chdir(path) : -1;
}

static inline int scratch_forget(const char *path, const struct stat *st, int type,
                                 struct FTW *where)
{
    (void)st, (void)type, (void)where;
    return remove(path);
}

static inline int scratch_remove(void **state)
{
    int result = chdir("/");
    if (result == 0)
        result = nftw(*state, scratch_forget, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return result;
}

static inline void make_dir(const char *path)
{
    assert_int_equal(mkdir(path, 0755), 0);
}

static inline void put_bytes(const char *path, const void *bytes, size_t length)
{
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    assert_int_equal(tw_write_all(fd, bytes, length), 0);
    close(fd);
}

static inline void put_text(const char *path, const char *text)
{
    put_bytes(path, text, strlen(text));
}

/* Starts a program with standard input from `in` and output to `out` (-1: /dev/null). It dies
 * with us. */
static inline pid_t start_program(const char *const argv[], int in, int out)
{
    const pid_t parent = getpid();
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(in < 0 ? null : in, STDIN_FILENO);
    dup2(out < 0 ? null : out, STDOUT_FILENO);
    if (getppid() == parent)
        execvp(argv[0], (char *const *)argv);
    _exit(127);
}

static inline int wait_for(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs it to its end; its output is the caller's to free. A program that is not installed skips
 * the test. */
static inline char *run_program(const char *const argv[], int in)
{
    int ends[2];
    struct tw_buf out = {0};
    char chunk[4096];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    const pid_t pid = start_program(argv, in, ends[1]);
    close(ends[1]);
    for (ssize_t n; (n = read(ends[0], chunk, sizeof chunk)) > 0;)
        tw_buf_add(&out, chunk, (size_t)n);
    close(ends[0]);
    const int code = wait_for(pid);
    if (code == 127) {
        tw_buf_free(&out);
        skip();
    }
    assert_int_equal(code, 0);
    return tw_buf_take(&out);
}

/* Waits until the condition holds; false after ten seconds. */
static inline bool comes_true(bool (*condition)(void *context), void *context)
{
    for (int i = 0; i < 1000; i++) {
        if (condition(context))
            return true;
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    }
    return false;
}

/* Runs `test` in a child, as nobody if we are root, so that permissions count. True if it said
 * so. */
static inline bool as_nobody(bool (*test)(void *context), void *context)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (geteuid() == 0 &&
            (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY)))
            _exit(2);
        _exit(test(context) ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

#endif
