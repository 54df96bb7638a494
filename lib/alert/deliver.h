/* A letter's way to the worker that hands it to one transport: the request frame
 * TW_WIRE_DELIVER of kinds/wire.h. */
#ifndef TW_ALERT_DELIVER_H
#define TW_ALERT_DELIVER_H

#include "alert/transport.h"
#include "base/frame.h"

/* Appends the request. */
void tw_deliver_put(struct tw_buf *out, const struct tw_transport_config *transport,
                    const struct tw_transport_needs *needs, const char *text, size_t length);

/* In the worker: takes the request apart and hands the letter over. What became of it; where it was
 * not taken, the error says why. Blocks; may give up this process' rights for good. */
enum tw_delivery tw_deliver_run(struct tw_frame *frame, struct tw_error *e);

#endif
