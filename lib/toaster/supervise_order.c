/* Orders to supervise. Knows its fifo and what its status shows after a letter; knows nothing of
 * how long one is willing to wait. Source: supervise.c and svscan.c of daemontools 0.76. */
#include "toaster/supervise_order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* A reader is there, but is it supervise's fifo? And does it take the letters? */
static int send_to(int fd, const char *path, const char *letters, struct tw_error *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", path);
    if (!S_ISFIFO(st.st_mode)) {
        tw_fail(e, "%s is no fifo", path);
        errno = EINVAL;
        return -1;
    }
    const size_t length = strlen(letters);
    const ssize_t written = write(fd, letters, length); /* whole or not at all, see fifo(7) */
    if (written == (ssize_t)length)
        return 0;
    if (written >= 0 || errno == EAGAIN) {
        tw_fail(e, "%s is full: supervise does not read it", path);
        errno = EAGAIN;
        return -1;
    }
    return tw_fail_errno(e, "cannot write to %s", path);
}

int tw_supervise_send(const char *service, const char *letters, struct tw_error *e)
{
    char *path = tw_format("%s/supervise/control", service);
    int result;
    const int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ENXIO) {
        tw_fail(e, "supervise is not running: nobody reads %s", path);
        errno = ENXIO;
        result = -1;
    } else if (fd < 0) {
        result = tw_fail_errno(e, "cannot open %s", path);
    } else {
        result = send_to(fd, path, letters, e);
    }
    const int why = errno;
    if (fd >= 0)
        close(fd);
    free(path);
    errno = why;
    return result;
}

/* ---- what came of it ----------------------------------------------------------------------- */

struct tw_order tw_order_begin(enum tw_order_goal goal, const struct tw_supervise_status *before,
                               int64_t up_ms, int64_t now_ms)
{
    struct tw_order order = {.goal = goal, .before = before->pid};
    if (goal == TW_ORDER_UP && before->pid) {
        order.leaving = before->want == 'd';
        order.pid = before->pid;
        order.seen_ms = now_ms - (order.leaving ? 0 : up_ms);
    }
    return order;
}

enum tw_order_step tw_order_see(struct tw_order *order, const struct tw_supervise_status *now,
                                int64_t now_ms)
{
    if (order->goal == TW_ORDER_DOWN)
        return now->pid == 0 ? TW_ORDER_DONE : TW_ORDER_WAITS;
    if (order->pid && now->pid == order->pid)
        return now_ms - order->seen_ms >= TW_ORDER_STEADY_MS ? TW_ORDER_DONE : TW_ORDER_WAITS;
    if (order->pid && !order->leaving)
        return TW_ORDER_ENDS_AT_ONCE;
    order->leaving = false;
    order->pid = 0;
    if (now->pid && !(order->goal == TW_ORDER_RESTARTED && now->pid == order->before)) {
        order->pid = now->pid;
        order->seen_ms = now_ms;
    }
    return TW_ORDER_WAITS;
}

int64_t tw_supervise_age_ms(const struct tw_supervise_status *status, int64_t wall_ns)
{
    /* A damaged status may tell any time to come. */
    static const int64_t far_s = INT64_MAX / 1000 - 1;
    const int64_t changed_s = status->changed_s < far_s ? status->changed_s : far_s;
    return wall_ns / 1000000 - changed_s * 1000 - status->changed_ns / 1000000;
}

int64_t tw_supervise_up_ms(const struct tw_supervise_status *status, int64_t wall_ns)
{
    const int64_t up_ms = tw_supervise_age_ms(status, wall_ns);
    return status->pid && up_ms > 0 ? up_ms : 0;
}

struct tw_status_mark tw_status_mark_of(const char *service)
{
    char *path = tw_format("%s/supervise/status", service);
    struct stat st;
    struct tw_status_mark mark = {0};
    if (stat(path, &st) == 0)
        mark = (struct tw_status_mark){
            .inode = st.st_ino, .seconds = st.st_mtim.tv_sec, .nanoseconds = st.st_mtim.tv_nsec};
    free(path);
    return mark;
}

bool tw_status_mark_equal(struct tw_status_mark a, struct tw_status_mark b)
{
    return a.inode == b.inode && a.seconds == b.seconds && a.nanoseconds == b.nanoseconds;
}

/* ---- who starts supervise ------------------------------------------------------------------ */

bool tw_svscan_is(const struct tw_proc *proc)
{
    return strcmp(proc->comm, "svscan") == 0 || strcmp(proc->comm, "runsvdir") == 0;
}

int tw_svscan_find(const struct tw_procs *procs, const char *proc_root, const char *service_dir,
                   pid_t *pid, char *state, struct tw_error *e)
{
    struct stat dir, cwd;
    int found = 0;
    if (stat(service_dir, &dir) != 0)
        return tw_fail_errno(e, "cannot look at %s", service_dir);
    for (size_t i = 0; i < procs->count && !found; i++) {
        const struct tw_proc *proc = &procs->items[i];
        uid_t uid;
        if (!tw_svscan_is(proc) || (tw_proc_uid(proc_root, proc->pid, &uid) == 0 && uid != 0 &&
                                    uid != geteuid())) /* anybody may call himself so */
            continue;
        char *path = tw_format("%s/%d/cwd", proc_root, (int)proc->pid);
        found = stat(path, &cwd) == 0 && cwd.st_dev == dir.st_dev && cwd.st_ino == dir.st_ino;
        free(path);
        *pid = proc->pid;
        *state = proc->state;
    }
    return found;
}
