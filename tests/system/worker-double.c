/* A double of toaster-worker: the real one, but stat(2) or statvfs(3) of a path with one of the
 * parts below makes it hang, die or talk nonsense, as a broken file system or a broken worker
 * would. And stat(2) of what lies in waits/ answers only when there is a file "go" beside it; a
 * file that is renamed from slow-... is renamed, but the call comes back only then. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kinds/wire.h"

int __real_stat(const char *path, struct stat *st);
int __wrap_stat(const char *path, struct stat *st);
int __real_statvfs(const char *path, struct statvfs *answer);
int __wrap_statvfs(const char *path, struct statvfs *answer);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);

/* Under a name by which a test finds it. */
static void hang(void)
{
    prctl(PR_SET_NAME, "worker-hangs");
    for (;;)
        pause();
}

static void hang_hard(void)
{
    signal(SIGTERM, SIG_IGN);
    hang();
}

static void be_killed(void)
{
    raise(SIGKILL);
}

static void say_something(void)
{
    static const char text[] = "Segmentation fault\n";
    tw_write_all(STDERR_FILENO, text, strlen(text));
    _exit(3);
}

/* More frames than one run may have; they have no meaning in it and so leave no other trace. */
static void flood(void)
{
    struct tw_buf frame = {0};
    struct tw_frame_writer w = tw_frame_begin(&frame, TW_WIRE_TEXT);
    tw_frame_put_text(&w, "more and more");
    tw_frame_end(&w);
    while (tw_write_all(STDOUT_FILENO, frame.data, frame.len) == 0)
        ;
    hang();
}

static void write_garbage(void)
{
    static const char garbage[] = "\xff\xfe\xfd\xfc no frame at all \x1b[2J\n";
    tw_write_all(STDOUT_FILENO, garbage, sizeof garbage);
    hang();
}

static void close_output(void)
{
    close(STDOUT_FILENO);
    hang();
}

/* Somebody else holds the pipe's end from now on. */
static void leave_a_child(void)
{
    if (fork() == 0)
        hang_hard();
}

static void leave_a_child_and_end(void)
{
    leave_a_child();
    _exit(0);
}

/* Each such file lets one pass. */
static void wait_for_go_beside(const char *path)
{
    char *go = tw_format("%.*s/go", (int)(strrchr(path, '/') - path), path);
    prctl(PR_SET_NAME, "worker-hangs");
    while (unlink(go) != 0)
        usleep(20000);
    prctl(PR_SET_NAME, "toaster-worker");
    free(go);
}

static void act_for(const char *path)
{
    static const struct {
        const char *part;
        void (*act)(void);
    } acts[] = {
        {"/hang/", hang},
        {"/hang-hard/", hang_hard},
        {"/killed/", be_killed},
        {"/exits/", say_something},
        {"/flood/", flood},
        {"/garbage/", write_garbage},
        {"/closes/", close_output},
        {"/child/", leave_a_child},
        {"/child-ends/", leave_a_child_and_end},
    };
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        if (strstr(path, acts[i].part))
            acts[i].act();
    if (strstr(path, "/waits/"))
        wait_for_go_beside(path);
}

int __wrap_stat(const char *path, struct stat *st)
{
    act_for(path);
    return __real_stat(path, st);
}

int __wrap_statvfs(const char *path, struct statvfs *answer)
{
    act_for(path);
    return __real_statvfs(path, answer);
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    const int result = __real_renameat2(from_dir, from, to_dir, to, flags);
    while (strncmp(from, "slow-", 5) == 0 && faccessat(from_dir, "go", F_OK, 0) != 0)
        usleep(20000);
    return result;
}
