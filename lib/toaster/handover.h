/* The two ways a message goes out, for letters (alert/transport.h) and for test mails
 * (toaster/mailout.h). In the caller's process and with its rights. */
#ifndef TW_TOASTER_HANDOVER_H
#define TW_TOASTER_HANDOVER_H

#include "base/net.h"

/* Where a sendmail usually is, the most usual first; ends with NULL. */
extern const char *const tw_handover_sendmails[];

/* Runs PROGRAM OPTION -f '' -- TO..., with the message (LF line ends) on its standard input:
 * `option` is "-a" for qmail-inject, "-i" for sendmail. The envelope sender is empty: no bounces.
 * Blocks until it ends. 0: it ended with 0. -1 with an error that holds its words; *code is its
 * exit code, or -1 if it could not be run or died of a signal. */
int tw_handover_program(const char *program, const char *option, const struct tw_strings *to,
                        const char *text, size_t length, int *code, struct tw_error *e);

/* Makes it a request for mail: recipients, our name (borrowed), and in `body` (empty at first; the
 * caller's, as long as the request) the message with CR LF. Free headers with tw_strings_free. */
void tw_handover_mail(struct tw_net_request *request, const struct tw_strings *to,
                      const char *hello, const char *text, size_t length, struct tw_buf *body);

#endif
