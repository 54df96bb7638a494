/* Another program, run to its end. Knows nothing of what it is for. */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"

enum {
    CHUNK = 2048,
    LOOK_MS = 50,     /* how often to ask whether the program ended while others hold its pipe */
    LAST_READS = 1024 /* what a pipe may still hold (1 MB at most), in chunks */
};

static char **make_environment(const struct tw_strings *more)
{
    static const char *const fixed[] = {"PATH=" TW_PROGRAM_PATH, "LOGNAME=root", "HOME=/"};
    const size_t extra = more ? more->count : 0;
    char **environment = tw_alloc((TW_COUNT(fixed) + extra + 1) * sizeof *environment);
    for (size_t i = 0; i < TW_COUNT(fixed); i++)
        environment[i] = (char *)fixed[i];
    for (size_t i = 0; i < extra; i++)
        environment[TW_COUNT(fixed) + i] = more->items[i];
    return environment;
}

/* Starts it with nothing of ours but its input and the pipe. */
static int start(const struct tw_program *program, pid_t *pid, int out, struct tw_error *e)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    if (program->in >= 0)
        posix_spawn_file_actions_adddup2(&files, program->in, STDIN_FILENO);
    else
        posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    char **environment = make_environment(program->more);
    errno = posix_spawnp(pid, program->argv[0], &files, &attributes, program->argv, environment);
    const int result = errno == 0 ? 0 : tw_fail_errno(e, "cannot run %s", program->argv[0]);
    free(environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return result;
}

/* One read, of which as much is kept as there is room for. 1: go on; 0: nothing now; -1: over. */
static int take_output(int fd, size_t max, struct tw_buf *output)
{
    char bytes[CHUNK];
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
    const size_t room = max - output->len;
    tw_buf_add(output, bytes, (size_t)n < room ? (size_t)n : room);
    return n > 0 ? 1 : -1;
}

/* Reads what the program says until it ends. The end of the pipe says nothing: a program may close
 * its output early, and what it leaves running may hold the pipe for ever. */
static int attend(pid_t pid, int fd, size_t max, struct tw_buf *output, int *status)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    pid_t ended;
    do {
        if (poll(&watched, 1, LOOK_MS) > 0 && take_output(fd, max, output) < 0)
            watched.fd = -1;
        ended = waitpid(pid, status, WNOHANG);
    } while (ended == 0 || (ended < 0 && errno == EINTR));
    for (int i = 0; i < LAST_READS && take_output(fd, max, output) > 0; i++)
        ;
    return ended == pid ? 0 : -1;
}

int tw_program_run(const struct tw_program *program, int *status, struct tw_buf *output,
                   struct tw_error *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tw_fail_errno(e, "cannot make a pipe");
    pid_t pid = -1;
    int result = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? start(program, &pid, ends[1], e)
                                                          : tw_fail_errno(e, "cannot use a pipe");
    close(ends[1]);
    if (result == 0 && attend(pid, ends[0], program->output_max, output, status) != 0)
        result = tw_fail(e, "cannot wait for %s: no such child", program->argv[0]);
    close(ends[0]);
    return result;
}

void tw_program_describe(int status, const struct tw_buf *output, struct tw_buf *out)
{
    if (WIFSIGNALED(status))
        tw_buf_printf(out, "killed by signal %d (%s)", WTERMSIG(status),
                      strsignal(WTERMSIG(status)));
    else
        tw_buf_printf(out, "exit %d", WEXITSTATUS(status));
    size_t length = output->len;
    while (length && strchr(" \r\n", output->data[length - 1]))
        length--;
    tw_buf_puts(out, length ? ": " : "");
    /* NULs, which would end the sentence, made visible to the escape. */
    for (size_t i = 0; i < length; i++)
        tw_buf_add(out, output->data[i] ? &output->data[i] : "\1", 1);
}
