/* A letter's way out over the net: SMTP, a web hook, and the heartbeat's ping, through toaster-net.
 */
#ifndef TW_ALERT_NETSEND_H
#define TW_ALERT_NETSEND_H

#include "alert/transport.h"

/* As tw_transport_deliver, for those three types. From root this process becomes nobody, for good.
 */
enum tw_delivery tw_netsend(const struct tw_transport_config *transport,
                            const struct tw_transport_needs *needs, const char *text, size_t length,
                            struct tw_error *e);

#endif
