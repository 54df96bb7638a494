/* Starting toaster-worker. */
#include "watcher/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/program.h"

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Both ends close-on-exec; ours never blocks. */
static int make_pipe(int *ours, int *theirs, bool we_write)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    *ours = ends[we_write ? 1 : 0];
    *theirs = ends[we_write ? 0 : 1];
    return fcntl(*ours, F_SETFL, O_NONBLOCK);
}

static void set_attributes(posix_spawnattr_t *attr)
{
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    /* A session of its own, and so a process group: of a terminal that we were started on, whoever
     * has it for his own may type there (TIOCSTI), also a user's program that a worker runs. */
    posix_spawnattr_setflags(attr,
                             POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(attr, &all);
    posix_spawnattr_setsigmask(attr, &none);
}

/* A clean environment: a path, and what makes times local. Sanitizer options are for tests. */
static char **make_environment(void)
{
    static const char *const kept[] = {"TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS"};
    char **env = tw_alloc((TW_COUNT(kept) + 2) * sizeof *env);
    size_t count = 0;
    env[count++] = tw_strdup("PATH=" TW_PROGRAM_PATH);
    for (size_t i = 0; i < TW_COUNT(kept); i++) {
        const char *value = getenv(kept[i]);
        if (value)
            env[count++] = tw_format("%s=%s", kept[i], value);
    }
    return env;
}

static int spawn(struct tw_child *child, const char *program, const int theirs[3])
{
    posix_spawnattr_t attr;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_init(&attr);
    posix_spawn_file_actions_init(&actions);
    set_attributes(&attr);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_adddup2(&actions, theirs[fd], fd);
    posix_spawn_file_actions_addclosefrom_np(&actions, 3);
    char parent[24], name[] = "toaster-worker";
    snprintf(parent, sizeof parent, "%d", getpid());
    char *argv[] = {name, parent, NULL};
    char **env = make_environment();
    const int result = posix_spawn(&child->pid, program, &actions, &attr, argv, env);
    for (size_t i = 0; env[i]; i++)
        free(env[i]);
    free(env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attr);
    return result;
}

int tw_child_spawn(struct tw_child *child, const char *program, struct tw_error *e)
{
    *child = (struct tw_child){.pid = -1, .pidfd = -1, .in = -1, .out = -1, .err = -1};
    int theirs[3] = {-1, -1, -1};
    int result = 0;
    if (make_pipe(&child->in, &theirs[0], true) != 0 ||
        make_pipe(&child->out, &theirs[1], false) != 0 ||
        make_pipe(&child->err, &theirs[2], false) != 0) {
        result = tw_fail_errno(e, "cannot make a pipe");
    } else {
        errno = spawn(child, program, theirs);
        if (errno)
            result = tw_fail_errno(e, "cannot start %s", program);
    }
    for (int fd = 0; fd < 3; fd++)
        close_fd(&theirs[fd]);
    if (result == 0) {
        child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
        if (child->pidfd < 0) {
            result = tw_fail_errno(e, "cannot watch %s", program);
            kill(child->pid, SIGKILL);
            waitpid(child->pid, NULL, 0);
        }
    }
    if (result != 0)
        tw_child_close(child);
    return result;
}

void tw_child_close_in(struct tw_child *child)
{
    close_fd(&child->in);
}

void tw_child_close(struct tw_child *child)
{
    close_fd(&child->pidfd);
    close_fd(&child->in);
    close_fd(&child->out);
    close_fd(&child->err);
}
