/* How a letter leaves: one function a transport. All block; toaster-worker calls them. */
#ifndef TW_ALERT_TRANSPORT_H
#define TW_ALERT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strings.h"
#include "config/config.h"

/* Hands over the letter. 0: the transport took it (a program ended with 0; the file is in new/).
 * A program is run without a shell, with a clean environment (PATH, LOGNAME=root), the letter on
 * standard input, its output bounded and put into the error if it fails:
 *   QMAIL/bin/qmail-inject -a -f '' -- TO...      envelope sender empty: no bounces of alerts
 *   SENDMAIL -i -f '' -- TO...
 * A Maildir is delivered to as its owner, which ends this process' rights for good. */
int tw_transport_deliver(const struct tw_transport_config *transport, const struct tw_strings *to,
                         const char *host, const char *text, size_t length, struct tw_error *e);

/* The order to try: as configured, but for a letter about qmail those that do not need it first.
 * Writes indexes into `order` (via_count of them). Pure. */
void tw_transport_order(const struct tw_transport_config *via, size_t count, bool about_qmail,
                        size_t *order);

#endif
