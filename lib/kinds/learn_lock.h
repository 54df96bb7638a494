/* One learn run at a time on this machine: STATE_DIR/learning.lock, held by flock(2), so that a
 * filter's program that outlives its run can go on holding it. */
#ifndef TW_KINDS_LEARN_LOCK_H
#define TW_KINDS_LEARN_LOCK_H

#include <stdbool.h>

#include "base/error.h"

/* Does not wait. The descriptor, to be closed; -1 with an error. *held: another has it. */
int tw_learn_lock(const char *state_dir, bool *held, struct tw_error *e);

#endif
