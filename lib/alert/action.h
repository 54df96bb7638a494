/* What `then` orders: its way to the worker that runs it, as the request frame TW_WIRE_ACT of
 * kinds/wire.h. */
#ifndef TW_ALERT_ACTION_H
#define TW_ALERT_ACTION_H

#include "base/buf.h"
#include "base/error.h"
#include "base/frame.h"
#include "base/strings.h"

/* Appends the request. */
void tw_action_put(struct tw_buf *out, const struct tw_strings *argv, const char *job,
                   const char *aspect);

/* In the worker: runs it as who we are, with TOASTER_JOB and TOASTER_ASPECT in its environment
 * (base/program.h). Appends what came of it, "exit 0". 0: it ended with 0; 1: it did not, or
 * could not be run; -1: no such request. Blocks until it ends. */
int tw_action_run(struct tw_frame *frame, struct tw_buf *out, struct tw_error *e);

#endif
