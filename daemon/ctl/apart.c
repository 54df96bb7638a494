/* Looks in a child, with a deadline. */
#include "ctl/apart.h"

#include <poll.h>

#include "base/clock.h"
#include "base/priv.h"
#include "ctl/term.h"

enum { OUTPUT_MAX = 8 << 20, STEP_MS = 250 };

int ctl_look_apart(int (*work)(void *context, int fd, struct tw_error *e), void *context,
                   int timeout_ms, const char *what, char **output, size_t *length,
                   struct tw_error *e)
{
    const struct tw_priv_task task = {.stay = true,
                                      .work = work,
                                      .context = context,
                                      .max = OUTPUT_MAX,
                                      .timeout_ms = timeout_ms};
    const int64_t end_ms = tw_clock_ms() + timeout_ms;
    struct tw_priv_child child;
    struct ctl_progress progress = {0};
    if (tw_priv_start(&task, &child, e) != 0)
        return -1;
    ctl_progress_begin(&progress, "%s", what);
    struct pollfd ready[2] = {{.fd = child.pidfd, .events = POLLIN},
                              {.fd = child.out, .events = POLLIN}};
    int64_t left_ms = timeout_ms;
    while (left_ms > 0 && poll(ready, 2, left_ms < STEP_MS ? (int)left_ms : STEP_MS) == 0) {
        ctl_progress_show(&progress);
        left_ms = end_ms - tw_clock_ms();
    }
    ctl_progress_end(&progress);
    /* Once it writes it has seen all it wants. */
    child.task.timeout_ms = left_ms > 0 ? timeout_ms : 0;
    const int result = tw_priv_wait(&child, output, length, e);
    if (result != 0 && left_ms <= 0)
        return tw_fail(e, "a file system has not answered for %d s", timeout_ms / 1000);
    return result;
}
