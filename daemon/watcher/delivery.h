/* One attempt to hand something to one transport, in a worker of its own. */
#ifndef TW_WATCHER_DELIVERY_H
#define TW_WATCHER_DELIVERY_H

#include "alert/transport.h"
#include "config/config.h"
#include "watcher/worker.h"

/* Called once. `why` is a sentence where it was not taken, and where it was, but not for all
 * (PARTLY: behind the addresses, as alert/transport.h has it); else "". Not called if the workers
 * are freed first. */
typedef void tw_delivered(void *context, enum tw_delivery result, const char *why);

/* Begins it: our name and passwords are the configuration's, as of now, and so are the addresses,
 * if `to` is NULL. Never blocks, never calls before it returns. */
void tw_delivery_begin(struct tw_workers *workers, const struct tw_config *config,
                       const struct tw_transport_config *transport, const struct tw_strings *to,
                       const char *text, size_t length, tw_delivered *done, void *context);

#endif
