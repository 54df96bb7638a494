/* Another program, run to its end. Knows nothing of what it is for. */
#include "base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum {
    CHUNK = 2048,
    LOOK_MS = 50, /* how often to ask whether the program ended while others hold its pipe */
    GRACE_LOOKS = 100,
    LAST_READS = 1024, /* what a pipe may still hold (1 MB at most), in chunks */
    FAILED_FD = 3,
    KEPT_FD = 4
};

/* Is NAME=... among them? */
static bool sets(const struct tw_strings *more, const char *fixed)
{
    const size_t length = strcspn(fixed, "=") + 1;
    for (size_t i = 0; more && i < more->count; i++)
        if (strncmp(more->items[i], fixed, length) == 0)
            return true;
    return false;
}

static char **make_environment(const struct tw_strings *more)
{
    static const char *const fixed[] = {("PATH=" TW_PROGRAM_PATH), "LOGNAME=root", "HOME=/"};
    const size_t extra = more ? more->count : 0;
    char **environment = tw_alloc((TW_COUNT(fixed) + extra + 1) * sizeof *environment);
    size_t count = 0;
    for (size_t i = 0; i < TW_COUNT(fixed); i++)
        if (!sets(more, fixed[i]))
            environment[count++] = (char *)fixed[i];
    for (size_t i = 0; i < extra; i++)
        environment[count++] = more->items[i];
    return environment;
}

/* By TW_PROGRAM_PATH; not execvpe(3), which gives what it cannot run to a shell. */
static void find_and_run(char *const *argv, char **environment)
{
    char path[PATH_MAX];
    int why = ENOENT;
    if (strchr(argv[0], '/')) {
        execve(argv[0], argv, environment);
        return;
    }
    for (const char *dir = TW_PROGRAM_PATH; *dir; dir += strspn(dir, ":")) {
        const size_t length = strcspn(dir, ":");
        snprintf(path, sizeof path, "%.*s/%s", (int)length, dir, argv[0]);
        execve(path, argv, environment);
        why = errno == ENOENT || errno == ENOTDIR ? why : errno;
        dir += length;
    }
    errno = why;
}

/* In the child: nothing of ours but its input and the pipe. It dies with us, who keep its deadline,
 * unless it must not; what it begins itself does not. */
static _Noreturn void become(const struct tw_program *program, char **environment, pid_t parent,
                             int out, int failed)
{
    sigset_t none;
    const int in =
        program->in >= 0 ? program->in : open("/dev/null", O_RDONLY | O_NOCTTY | O_CLOEXEC);
    /* Out of the way of the numbers that are given away below. */
    const int keep = program->keep > 0 ? fcntl(program->keep, F_DUPFD_CLOEXEC, KEPT_FD + 1) : -1;
    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (program->outlives) {
        struct rlimit space;
        (void)setsid();
        (void)signal(SIGPIPE, SIG_IGN);
        if (getrlimit(RLIMIT_AS, &space) == 0) {
            space.rlim_cur = space.rlim_max;
            (void)setrlimit(RLIMIT_AS, &space);
        }
    } else {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (program->group)
            (void)setpgid(0, 0);
    }
    if (getppid() == parent && dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
        dup2(out, STDERR_FILENO) >= 0 && dup3(failed, FAILED_FD, O_CLOEXEC) >= 0) {
        closefrom(FAILED_FD + 1 + (keep >= 0 && dup2(keep, KEPT_FD) >= 0));
        find_and_run(program->argv, environment);
    }
    const int why = errno;
    tw_write_all(FAILED_FD, &why, sizeof why);
    _exit(127);
}

/* How the start ended: nothing is written where the program runs. */
static int read_failure(int fd)
{
    int why = 0;
    ssize_t n;
    do
        n = read(fd, &why, sizeof why);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof why ? why : 0;
}

static int start(const struct tw_program *program, pid_t *pid, int out, struct tw_error *e)
{
    int failed[2];
    if (pipe2(failed, O_CLOEXEC) != 0)
        return tw_fail_errno(e, "cannot make a pipe");
    char **environment = make_environment(program->more);
    const pid_t parent = getpid();
    *pid = fork();
    if (*pid == 0)
        become(program, environment, parent, out, failed[1]);
    const int forked = errno;
    free(environment);
    close(failed[1]);
    errno = *pid < 0 ? forked : read_failure(failed[0]);
    const int result = errno ? tw_fail_errno(e, "cannot run %s", program->argv[0]) : 0;
    close(failed[0]);
    if (result != 0 && *pid > 0)
        waitpid(*pid, NULL, 0);
    return result;
}

/* What it says: the beginning, and perhaps the end. */
struct gather {
    const struct tw_program *program;
    struct tw_buf *output, tail;
    size_t left_out;
};

static void trim_tail(struct gather *g)
{
    const size_t max = g->program->tail_max;
    if (g->tail.len <= max)
        return;
    g->left_out += g->tail.len - max;
    tw_buf_consume(&g->tail, g->tail.len - max);
}

static void gather(struct gather *g, const char *bytes, size_t length)
{
    const size_t room = g->program->output_max - g->output->len;
    const size_t head = length < room ? length : room;
    tw_buf_add(g->output, bytes, head);
    if (g->program->tail_max == 0)
        return;
    tw_buf_add(&g->tail, bytes + head, length - head);
    if (g->tail.len > 2 * g->program->tail_max)
        trim_tail(g);
}

static void join(struct gather *g)
{
    trim_tail(g);
    if (g->left_out)
        tw_buf_printf(g->output, "\n[%zu bytes left out]\n", g->left_out);
    tw_buf_add(g->output, g->tail.data, g->tail.len);
    tw_buf_free(&g->tail);
}

/* One read. 1: go on; 0: nothing now; -1: over. */
static int take_output(int fd, struct gather *g)
{
    char bytes[CHUNK];
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
    gather(g, bytes, (size_t)n);
    return n > 0 ? 1 : -1;
}

/* Has it ended? It stays a zombie, so that its number is still its group's alone. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

/* Nobody waits for it any longer: it may put its things in order, for a while. */
static void end(pid_t pid, bool group, int *status)
{
    const pid_t whom = group ? -pid : pid;
    kill(whom, SIGTERM);
    for (int i = 0; i < GRACE_LOOKS && !has_ended(pid); i++)
        poll(NULL, 0, LOOK_MS);
    kill(whom, SIGKILL);
    kill(pid, SIGKILL); /* it may have gone into another group */
    while (waitpid(pid, status, 0) < 0 && errno == EINTR)
        ;
}

/* Reads what the program says until it ends. The end of the pipe says nothing: a program may close
 * its output early, and what it leaves running may hold the pipe for ever. 1: it was no longer
 * waited for. */
static int attend(const struct tw_program *program, pid_t pid, int fd, struct tw_buf *output,
                  int *status)
{
    const int pidfd = pidfd_open(pid, 0); /* without, the end is seen a moment later */
    struct pollfd watched[] = {{.fd = fd, .events = POLLIN}, {.fd = pidfd, .events = POLLIN}};
    struct gather g = {.program = program, .output = output};
    int result = 0;
    pid_t ended;
    do {
        if (poll(watched, TW_COUNT(watched), LOOK_MS) > 0 && watched[0].revents &&
            take_output(fd, &g) < 0)
            watched[0].fd = -1;
        ended = waitpid(pid, status, WNOHANG);
        if (ended == 0 && program->wait && !program->wait(program->context, pid)) {
            end(pid, program->outlives || program->group, status);
            ended = pid;
            result = 1;
        }
    } while (ended == 0 || (ended < 0 && errno == EINTR));
    if (pidfd >= 0)
        close(pidfd);
    for (int i = 0; i < LAST_READS && take_output(fd, &g) > 0; i++)
        ;
    join(&g);
    return ended == pid ? result : -1;
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
    const int attended = result == 0 ? attend(program, pid, ends[0], output, status) : 0;
    if (attended != 0)
        result = tw_fail(e, attended > 0 ? "%s took too long" : "cannot wait for %s: no such child",
                         program->argv[0]);
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
