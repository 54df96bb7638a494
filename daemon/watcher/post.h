/* The way out of a letter: from the outbox, through one transport after the other, in workers, with
 * a back-off where none takes it. */
#ifndef TW_WATCHER_POST_H
#define TW_WATCHER_POST_H

#include "alert/outbox.h"
#include "base/log.h"
#include "config/config.h"
#include "watcher/digest.h"
#include "watcher/loop.h"
#include "watcher/worker.h"

struct tw_post;

struct tw_post *tw_post_new(struct tw_loop *loop, struct tw_log *log, struct tw_state *state,
                            struct tw_workers *workers, enum tw_route route);
void tw_post_free(struct tw_post **post);
/* Must live until the next call. A letter on its way goes on under the old transport. */
void tw_post_configure(struct tw_post *post, const struct tw_config *config);
void tw_post_restore(struct tw_post *post, const char *id, const char *text, size_t length);
void tw_post_start(struct tw_post *post);

/* Host, addresses, time and a new id, for a letter that begins now. The strings live until the
 * next call, or the next configuration. */
struct tw_letter tw_post_head(struct tw_post *post);

/* Into the outbox, and out if nothing is in the way. */
void tw_post_add(struct tw_post *post, const char *id, const char *text, size_t length);
void tw_post_hurry(struct tw_post *post);
size_t tw_post_waiting(const struct tw_post *post);
size_t tw_post_stuck(const struct tw_post *post); /* of those, because they were refused */

/* All that waits, but for what is on its way just now, goes the other way. */
void tw_post_move(struct tw_post *from, struct tw_post *to);

/* Has every transport refused what waits, for good? It is offered again with the next letter, after
 * a reload, ALRM or a restart. */
bool tw_post_refused(const struct tw_post *post);

/* Is a letter on its way just now? */
bool tw_post_busy(const struct tw_post *post);
/* Sends no further letter; `idle` is called when the one on its way has ended. */
void tw_post_stop(struct tw_post *post, tw_loop_call *idle, void *context);

#endif
