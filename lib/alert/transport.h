/* How a letter leaves: one function a transport. All block; toaster-worker calls them. */
#ifndef TW_ALERT_TRANSPORT_H
#define TW_ALERT_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strings.h"
#include "config/config.h"

/* What became of a letter. */
enum tw_delivery {
    TW_DELIVERY_TAKEN,   /* the transport has it: a program ended with 0; the file is in new/; a
                            server said yes */
    TW_DELIVERY_NOT_NOW, /* it may do better later */
    TW_DELIVERY_PARTLY,  /* taken, but not for all: who has not got it may do so later */
    TW_DELIVERY_REFUSED  /* to offer this letter again makes no sense: HTTP 4xx (but 408, 425 and
                            429) or a redirect, SMTP 5xx */
};

/* What a transport may need beside the letter. Borrowed. */
struct tw_transport_needs {
    const struct tw_strings *to;
    const char *host;      /* ours */
    const char *passwords; /* files; NULL or "": none */
    const char *ca_file;
};

/* Hands over the letter.
 * A program is run without a shell, with a clean environment (PATH, LOGNAME=root), the letter on
 * standard input, its output bounded and put into the error if it fails:
 *   QMAIL/bin/qmail-inject -a -f '' -- TO...      envelope sender empty: no bounces of alerts
 *   SENDMAIL -i -f '' -- TO...
 * A Maildir is delivered to as its owner, which ends this process' rights for good. So does SMTP,
 * and a web hook, which get what alert/hook.h makes of the letter: from root this becomes nobody
 * before it speaks to anyone. All but TAKEN with an error; TAKEN with one, if a server has refused
 * some of the addresses for good. The error of PARTLY begins with the addresses that are left,
 * blanks between them, and a newline. */
enum tw_delivery tw_transport_deliver(const struct tw_transport_config *transport,
                                      const struct tw_transport_needs *needs, const char *text,
                                      size_t length, struct tw_error *e);

/* The order to try: as configured, but for a letter about qmail those that do not need it first.
 * Writes indexes into `order` (as many as there are). Pure. */
void tw_transport_order(const struct tw_via *via, bool about_qmail, size_t *order);

#endif
