/* Keeps two processes from running one job, and two daemons from serving one state_dir: byte
 * ranges of STATE_DIR/lock, a range for each job's name (by hash), held by fcntl(2) record locks.
 * They vanish with the process. Taking one never waits. */
#ifndef TW_BASE_JOBLOCK_H
#define TW_BASE_JOBLOCK_H

#include <sys/types.h>

#include "base/error.h"

struct tw_joblock;

/* Opens STATE_DIR/lock, creating it; not in a directory that others can write. May block on the
 * disk. NULL with an error. */
struct tw_joblock *tw_joblock_open(const char *state_dir, struct tw_error *e);
void tw_joblock_close(struct tw_joblock **lock); /* releases all */

/* 0: taken. 1: another process has it; *holder is its pid. -1: error. The same process taking it
 * twice succeeds twice: the caller knows what it runs. */
int tw_joblock_take(struct tw_joblock *lock, const char *job, pid_t *holder, struct tw_error *e);
void tw_joblock_release(struct tw_joblock *lock, const char *job);

/* The name that stands for the daemon itself. */
#define TW_JOBLOCK_DAEMON ""

#endif
