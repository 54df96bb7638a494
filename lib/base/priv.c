/* Giving up root. Knows credentials and one short-lived child; knows nothing of jobs. */
#include "base/priv.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"

enum { NOBODY = 65534 };

static bool is_exactly(uid_t uid, gid_t gid)
{
    uid_t ru, eu, su;
    gid_t rg, eg, sg;
    return getresuid(&ru, &eu, &su) == 0 && getresgid(&rg, &eg, &sg) == 0 && ru == uid &&
           eu == uid && su == uid && rg == gid && eg == gid && sg == gid;
}

/* Tries every way back. Only if all fail is root gone: a capability that was kept would let one
 * of them through. */
static bool root_can_be_had(void)
{
    return setuid(0) == 0 || seteuid(0) == 0 || setresuid(0, 0, 0) == 0 || setgid(0) == 0 ||
           setegid(0) == 0 || setgroups(0, NULL) == 0;
}

int tw_priv_drop(uid_t uid, gid_t gid, struct tw_error *e)
{
    if (uid == 0 || gid == 0)
        return tw_fail(e, "refusing to run as uid %ju, gid %ju: that is root", (uintmax_t)uid,
                       (uintmax_t)gid);
    /* -1 means "leave it as it is" to setresuid(2). */
    if (uid == (uid_t)-1 || gid == (gid_t)-1)
        return tw_fail(e, "refusing to run as uid -1 or gid -1: there is no such user");
    if (geteuid() != 0) {
        if (is_exactly(uid, gid))
            return 0;
        return tw_fail(e, "cannot become uid %ju, gid %ju: running as uid %ju, which is not root",
                       (uintmax_t)uid, (uintmax_t)gid, (uintmax_t)geteuid());
    }
    if (setgroups(0, NULL) != 0)
        return tw_fail_errno(e, "cannot give up the supplementary groups");
    if (setresgid(gid, gid, gid) != 0)
        return tw_fail_errno(e, "cannot become gid %ju", (uintmax_t)gid);
    if (setresuid(uid, uid, uid) != 0)
        return tw_fail_errno(e, "cannot become uid %ju", (uintmax_t)uid);
    if (getgroups(0, NULL) != 0 || root_can_be_had() || !is_exactly(uid, gid))
        return tw_fail(e, "cannot give up root for uid %ju: it could be had back", (uintmax_t)uid);
    return 0;
}

void tw_priv_nobody(uid_t *uid, gid_t *gid)
{
    const struct passwd *nobody = getpwnam("nobody");
    *uid = nobody ? nobody->pw_uid : NOBODY;
    *gid = nobody ? nobody->pw_gid : NOBODY;
}

/* ---- a child of its own ---- */

static _Noreturn void be_child(pid_t parent, const struct tw_priv_task *task, int out, int err)
{
    struct tw_error e = {""};
    int result = task->stay ? 0 : tw_priv_drop(task->uid, task->gid, &e);
    if (result == 0) {
        /* After the drop, which clears it (prctl(2)); the parent may have gone before. */
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
            _exit(111);
        result = task->work(task->context, out, &e);
    }
    if (result == 0)
        _exit(0);
    tw_write_all(err, e.text, strlen(e.text));
    _exit(1);
}

/* A pipe whose reading end never blocks. */
static int make_pipe(int ends[2])
{
    if (pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

static void close_both(const int ends[2])
{
    for (int i = 0; i < 2; i++)
        if (ends[i] >= 0)
            close(ends[i]);
}

int tw_priv_start(const struct tw_priv_task *task, struct tw_priv_child *child, struct tw_error *e)
{
    const pid_t parent = getpid();
    child->task = *task;
    int out[2] = {-1, -1};
    int err[2] = {-1, -1};
    if (make_pipe(out) != 0 || make_pipe(err) != 0) {
        tw_fail_errno(e, "cannot make a pipe");
    } else if ((child->pid = fork()) < 0) {
        tw_fail_errno(e, "cannot fork");
    } else if (child->pid == 0) {
        be_child(parent, task, out[1], err[1]);
    } else if ((child->pidfd = pidfd_open(child->pid, 0)) < 0) {
        tw_fail_errno(e, "cannot watch a child");
        kill(child->pid, SIGKILL);
        waitpid(child->pid, NULL, 0);
    } else {
        close(out[1]);
        close(err[1]);
        child->out = out[0];
        child->err = err[0];
        return 0;
    }
    close_both(out);
    close_both(err);
    return -1;
}

/* For `take`, in pieces; else gathered. */
static int take_chunk(const struct tw_priv_task *task, const char *chunk, size_t length,
                      struct tw_buf *out, struct tw_error *e)
{
    if (task->take)
        return task->take(task->take_context, chunk, length, e);
    if (length > task->max - out->len)
        return tw_fail(e, "a child wrote more than %zu bytes", task->max);
    tw_buf_add(out, chunk, length);
    return 0;
}

/* Takes all that is in the pipe. 1: nothing more for now; 0: its end; -1: error. */
static int drain(int fd, const struct tw_priv_task *task, struct tw_buf *out, bool *some,
                 struct tw_error *e)
{
    char chunk[8192];
    for (;;) {
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n == 0)
            return 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return errno == EAGAIN ? 1 : tw_fail_errno(e, "cannot read from a child");
        *some = true;
        if (take_chunk(task, chunk, (size_t)n, out, e) != 0)
            return -1;
    }
}

/* Until the child has ended. What still holds the pipe then is not waited for. */
static int collect(struct tw_priv_child *child, const struct tw_priv_task *task, struct tw_buf *out,
                   struct tw_error *e)
{
    int64_t deadline = tw_clock_ms() + task->timeout_ms;
    struct pollfd p[2] = {{.fd = child->pidfd, .events = POLLIN},
                          {.fd = child->out, .events = POLLIN}};
    while (p[0].revents == 0) {
        const int64_t left = deadline - tw_clock_ms();
        if (left <= 0)
            return tw_fail(e, "a child took longer than %d ms", task->timeout_ms);
        if (poll(p, 2, (int)left) < 0 && errno != EINTR)
            return tw_fail_errno(e, "cannot wait for a child");
        if (p[1].fd < 0)
            continue;
        bool some = false;
        const int more = drain(child->out, task, out, &some, e);
        if (some && task->beat)
            task->beat(task->beat_context);
        if (some && (task->beat || task->take))
            deadline = tw_clock_ms() + task->timeout_ms;
        if (more < 0)
            return -1;
        if (more == 0)
            p[1].fd = -1; /* closed, but not ended */
    }
    return 0;
}

/* Reaps it; the call has failed unless it ended with 0. */
static int judge(const struct tw_priv_child *child, struct tw_error *e)
{
    int status;
    while (waitpid(child->pid, &status, 0) < 0)
        if (errno != EINTR)
            return tw_fail_errno(e, "cannot wait for a child");
    if (WIFSIGNALED(status))
        return tw_fail(e, "a child died by signal %d (%s)", WTERMSIG(status),
                       strsignal(WTERMSIG(status)));
    if (WEXITSTATUS(status) == 0)
        return 0;
    struct tw_error said;
    const ssize_t n = read(child->err, said.text, sizeof said.text - 1);
    if (n <= 0)
        return tw_fail(e, "a child ended with exit code %d", WEXITSTATUS(status));
    said.text[n] = '\0';
    return tw_fail(e, "%s", said.text);
}

int tw_priv_wait(struct tw_priv_child *child, char **output, size_t *length, struct tw_error *e)
{
    struct tw_buf out = {0};
    *output = NULL;
    *length = 0;
    int result = collect(child, &child->task, &out, e);
    if (result == 0) {
        result = judge(child, e);
    } else {
        kill(child->pid, SIGKILL);
        while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(child->pidfd);
    close(child->out);
    close(child->err);
    if (result == 0) {
        *length = out.len;
        *output = tw_buf_take(&out);
    }
    tw_buf_free(&out);
    return result;
}

int tw_priv_run(const struct tw_priv_task *task, char **output, size_t *length, struct tw_error *e)
{
    struct tw_priv_child child;
    *output = NULL;
    *length = 0;
    return tw_priv_start(task, &child, e) == 0 ? tw_priv_wait(&child, output, length, e) : -1;
}
