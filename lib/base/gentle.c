/* Priorities, for this process alone. */
#include "base/gentle.h"

#include <linux/ioprio.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LOWEST = 19 };

void tw_gentle(void)
{
    struct rlimit time;
    (void)setpriority(PRIO_PROCESS, 0, LOWEST);
    /* ioprio_set(2), which glibc does not have. */
    (void)syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
    if (getrlimit(RLIMIT_CPU, &time) == 0) {
        time.rlim_cur = time.rlim_max;
        (void)setrlimit(RLIMIT_CPU, &time);
    }
}
