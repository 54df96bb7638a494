/* What the kind `service` remembers of a service and of its log: the last pid, and when new ones
 * came. Pure. As text: "pid,starts,... pid,starts,...". */
#ifndef TW_KINDS_SERVICEMEMORY_H
#define TW_KINDS_SERVICEMEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

enum { TW_STARTS_MAX = 32 }; /* start times remembered; so `restarts` is at most one less */

struct tw_service_history {
    int64_t pid; /* the last that was up; 0: none was seen yet */
    int64_t starts[TW_STARTS_MAX];
    size_t count;
};

struct tw_service_memory {
    struct tw_service_history main, log;
};

struct tw_service_memory tw_service_memory_parse(const char *text);
void tw_service_memory_write(struct tw_buf *out, const struct tw_service_memory *memory);

/* Forgets starts older than the window (or from the future, after the clock was set back), takes
 * in a new pid; true if there was one. */
bool tw_service_take_pid(struct tw_service_history *history, pid_t pid, int64_t now_s,
                         int64_t within_s);

#endif
