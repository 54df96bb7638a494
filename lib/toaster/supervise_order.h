/* Orders to supervise: letters into SERVICE/supervise/control, and what its status shows of them.
 * Letters: supervise.c and svc.c of daemontools 0.76; daemontools-encore and runit know these, too.
 *   u up, d down (TERM and CONT), t TERM, c CONT, a ALRM, x: exit as soon as the service is down
 * u, d, c and x make supervise write its status anew at once; t and a do not. */
#ifndef TW_TOASTER_SUPERVISE_ORDER_H
#define TW_TOASTER_SUPERVISE_ORDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "toaster/procfs.h"
#include "toaster/supervise.h"

enum {
    TW_ORDER_STEADY_MS = 2000 /* up for so long is up: what cannot run is started once a second */
};

/* Sends letters, all in one write, and never waits. -1: errno says why: ENXIO or ENOENT: no
 * supervise is there; EAGAIN: it does not read what it is told; EINVAL: no fifo. */
int tw_supervise_send(const char *service, const char *letters, struct tw_error *e);

enum tw_order_goal {
    TW_ORDER_UP,        /* up, and stays so */
    TW_ORDER_RESTARTED, /* the same, with another pid than before */
    TW_ORDER_DOWN
};

enum tw_order_step {
    TW_ORDER_WAITS,
    TW_ORDER_DONE,
    TW_ORDER_ENDS_AT_ONCE /* it came up and ended before it was steady */
};

struct tw_order {
    enum tw_order_goal goal;
    pid_t before;    /* as it was when the order was given; 0: down */
    bool leaving;    /* it was up and told to stop: its end will be no crash */
    pid_t pid;       /* the one that must stay; 0: none has come yet */
    int64_t seen_ms; /* since when it is up, as far as it counts */
};

/* From the status before the order is given. `up_ms` is how long that pid has been up. Pure. */
struct tw_order tw_order_begin(enum tw_order_goal goal, const struct tw_supervise_status *before,
                               int64_t up_ms, int64_t now_ms);
/* Takes in the status as it is now. `now_ms` is monotonic. Pure. */
enum tw_order_step tw_order_see(struct tw_order *order, const struct tw_supervise_status *now,
                                int64_t now_ms);

/* How long ago the pid changed, by the wall clock; below 0 where that was set back since. */
int64_t tw_supervise_age_ms(const struct tw_supervise_status *status, int64_t wall_ns);
/* How long the pid has been up, by the wall clock; not below 0. */
int64_t tw_supervise_up_ms(const struct tw_supervise_status *status, int64_t wall_ns);

/* One status file, told from the next: supervise has written since if it differs. */
struct tw_status_mark {
    uint64_t inode;
    int64_t seconds;
    long nanoseconds;
};
struct tw_status_mark tw_status_mark_of(const char *service); /* zeroed: there is no status */
bool tw_status_mark_equal(struct tw_status_mark a, struct tw_status_mark b);

bool tw_svscan_is(const struct tw_proc *proc); /* or runit's runsvdir, by name */

/* The svscan of root's or ours among these processes whose directory this is: 1, its pid and its
 * state (proc(5)); 0: none; -1: cannot look. Who is not root sees only his own. */
int tw_svscan_find(const struct tw_procs *procs, const char *proc_root, const char *service_dir,
                   pid_t *pid, char *state, struct tw_error *e);

#endif
