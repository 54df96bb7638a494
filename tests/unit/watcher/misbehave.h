/* A toaster-worker that misbehaves: a test program that is started under that name does what each
 * request, a frame with one text, tells it. */
#ifndef TEST_WATCHER_MISBEHAVE_H
#define TEST_WATCHER_MISBEHAVE_H

#include "toaster/scratch.h"

#include <signal.h>
#include <sys/prctl.h>

#include "kinds/wire.h"

static inline void say(const void *bytes, size_t length)
{
    if (tw_write_all(STDOUT_FILENO, bytes, length) != 0)
        _exit(9);
}

static inline void say_frame(uint8_t type, const char *text, int64_t number)
{
    struct tw_buf out = {0};
    struct tw_frame_writer w = tw_frame_begin(&out, type);
    if (text)
        tw_frame_put_text(&w, text);
    else
        tw_frame_put_number(&w, number);
    tw_frame_end(&w);
    say(out.data, out.len);
    tw_buf_free(&out);
}

static inline void say_pid(pid_t pid)
{
    char text[24];
    snprintf(text, sizeof text, "%d", (int)pid);
    say_frame(TW_WIRE_TEXT, text, 0);
}

static inline void say_end(void)
{
    say_frame(TW_WIRE_END, NULL, 0);
}

static inline void hang(void)
{
    for (;;)
        pause();
}

/* A grandchild that holds the pipe, in the group or out of it. */
static inline void leave_a_grandchild(bool own_group)
{
    const pid_t pid = fork();
    if (pid == 0) {
        if (own_group)
            setpgid(0, 0);
        alarm(20 * PATIENCE); /* should nobody end it */
        hang();
    }
    say_pid(pid);
}

/* What hangs in the kernel stays in the group after its KILL. So does the dead child of one who
 * does not bury it, until that one, who is out of the group, ends. */
static inline void leave_one_that_stays(void)
{
    const pid_t pid = fork();
    if (pid == 0) {
        if (fork() == 0)
            hang();
        setpgid(0, 0);
        say_pid(getpid());
        close(STDOUT_FILENO);
        alarm(60 * PATIENCE);
        hang();
    }
    hang();
}

static inline void flood(bool with_frames)
{
    char chunk[4096];
    memset(chunk, 'x', sizeof chunk);
    for (;;)
        if (with_frames)
            say_frame(TW_WIRE_TEXT, "x", 0);
        else
            say(chunk, sizeof chunk);
}

static inline void misbehave(const char *what)
{
    if (strcmp(what, "ok") == 0) {
        say_pid(getpid());
    } else if (strncmp(what, "slow ", 5) == 0) {
        const long ms = strtol(what + 5, NULL, 10);
        nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
        say_pid(getpid());
    } else if (strncmp(what, "steady ", 7) == 0) {
        for (long left = strtol(what + 7, NULL, 10); left > 0; left--) {
            nanosleep(&(struct timespec){0, 100 * 1000000}, NULL);
            say_frame(TW_WIRE_PROGRESS, NULL, 0);
        }
        say_pid(getpid());
    } else if (strcmp(what, "exit") == 0) {
        _exit(3);
    } else if (strcmp(what, "complain") == 0) {
        fputs("out of cheese", stderr);
        _exit(4);
    } else if (strcmp(what, "killed") == 0) {
        kill(getpid(), SIGKILL);
    } else if (strcmp(what, "hang") == 0) {
        hang();
    } else if (strcmp(what, "ignore") == 0) {
        signal(SIGTERM, SIG_IGN);
        hang();
    } else if (strcmp(what, "stopped") == 0) {
        kill(getpid(), SIGSTOP);
    } else if (strcmp(what, "garbage") == 0) {
        say("\x20\0\0\0\x09garbage garbage garbage garbage", 37);
        hang();
    } else if (strcmp(what, "huge") == 0) {
        say("\xff\xff\xff\xff", 4);
        hang();
    } else if (strcmp(what, "empty") == 0) {
        say("\0\0\0\0", 4);
        hang();
    } else if (strcmp(what, "half") == 0) {
        say("\x10\0\0\0\x0b", 5);
        hang();
    } else if (strcmp(what, "half and exit") == 0) {
        say("\x10\0\0\0\x0b", 5);
        _exit(0);
    } else if (strcmp(what, "flood") == 0) {
        flood(true);
    } else if (strcmp(what, "flood bytes") == 0) {
        flood(false);
    } else if (strcmp(what, "close") == 0) {
        close(STDOUT_FILENO);
        hang();
    } else if (strcmp(what, "grandchild") == 0 || strcmp(what, "stray grandchild") == 0) {
        leave_a_grandchild(what[0] == 's');
        _exit(0);
    } else if (strcmp(what, "grandchild after all") == 0) {
        leave_a_grandchild(false);
    } else if (strcmp(what, "one that stays") == 0) {
        leave_one_that_stays();
    } else if (strcmp(what, "twice") == 0) {
        say_end();
    } else if (strcmp(what, "end and exit") == 0) {
        say_pid(getpid());
        say_end();
        _exit(0);
    } else if (strcmp(what, "slow, then ignore") == 0) {
        nanosleep(&(struct timespec){3, 0}, NULL);
        say_pid(getpid());
        say_end();
        signal(SIGTERM, SIG_IGN);
        hang();
    }
    say_end();
}

/* Takes one request after the other; each is a frame with one text. No look for leaks at its end:
 * that starts a process, which would outlive it if it is killed just then. */
static inline void be_a_worker(void)
{
    struct tw_buf in = {0};
    char chunk[65536];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (ssize_t n; (n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0;) {
        tw_buf_add(&in, chunk, (size_t)n);
        size_t position = 0;
        struct tw_frame frame;
        while (tw_frame_next(&in, &position, TW_WIRE_REQUEST_MAX, &frame) == 1) {
            char *what = tw_frame_text(&frame, TW_WIRE_REQUEST_MAX);
            misbehave(what);
            free(what);
        }
        tw_buf_consume(&in, position);
    }
    _exit(0);
}

#endif
