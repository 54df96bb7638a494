/* One message on its way out, to one address, by a way that is named: what send-test and the canary
 * hand their test mails over with. */
#ifndef TW_TOASTER_MAILOUT_H
#define TW_TOASTER_MAILOUT_H

#include <stddef.h>

#include "base/error.h"

enum tw_mailout_way {
    TW_MAILOUT_SMTP,         /* `place` is a URL: smtp://HOST[:PORT], smtps://... */
    TW_MAILOUT_QMAIL_INJECT, /* `place` is the program: /var/qmail/bin/qmail-inject */
    TW_MAILOUT_SENDMAIL      /* `place` is the program: /usr/sbin/sendmail */
};

enum tw_mailout_result {
    TW_MAILOUT_TAKEN,
    TW_MAILOUT_REFUSED,  /* the message, seen, now and for ever: SMTP 5xx at its end; a program that
                            ended with 100 */
    TW_MAILOUT_PUT_OFF,  /* not now: SMTP 4xx; a program that ended with 111, or sendmail's 75 */
    TW_MAILOUT_FAILED,   /* nobody has said yes or no: no connection, too late, any other end */
    TW_MAILOUT_UNWELCOME /* SMTP 5xx before the message was seen: we, or the address, are refused,
                            which says nothing about a filter that looks into messages */
};

/* Borrowed. */
struct tw_mailout {
    enum tw_mailout_way way;
    const char *place;
    const char *to;    /* must pass tw_mailout_check_address */
    const char *hello; /* of SMTP: our name */
    int timeout_ms;    /* for all of it */
    /* Called about once a second while a server is spoken to. NULL: nobody. */
    void (*alive)(void *context);
    void *context;
};

/* Hands it over, with an empty envelope sender: no bounces. Blocks, at most timeout_ms. `text` has
 * LF line ends.
 *
 * All is done by a child that is forked for it, so this process keeps its rights and may call this
 * again and again; for programs without threads (the child works without exec). From root the child
 * becomes nobody before it speaks to a server. A program is run with the rights that this process
 * has, as the transports of alerts are. Nothing goes on when this process dies, nor after the
 * timeout.
 *
 * Not TAKEN: the error has the server's words ("554 5.7.1 virus found") if it was REFUSED,
 * UNWELCOME or PUT_OFF over SMTP, the program's end and words if it ran, else what could not be
 * done. They may hold bytes from outside: escape them. A message may have gone out though it FAILED
 * by the time.
 */
enum tw_mailout_result tw_mailout_send(const struct tw_mailout *mailout, const char *text,
                                       size_t length, struct tw_error *e);

/* May this be a recipient: user@domain, printable ASCII without blanks, < > ( ) , ; : \ " and
 * [ ], at most 254 bytes. An error says what is wrong. Pure. */
int tw_mailout_check_address(const char *address, struct tw_error *e);

/* "HOST", "HOST:PORT", "[::1]:PORT" (and a URL as `place` has it) as a URL, the caller's to free.
 * NULL with an error. Pure. */
char *tw_mailout_url(const char *text, struct tw_error *e);

#endif
