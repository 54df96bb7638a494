/* Mails that show whether a toaster's filters work: each a whole message (RFC 5322, MIME, ASCII, LF
 * line ends, no line over 998 bytes), harmless wherever it ends up. */
#ifndef TW_TOASTER_TESTMAIL_H
#define TW_TOASTER_TESTMAIL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum tw_testmail {
    TW_TESTMAIL_CLEAN,  /* nothing that a filter may object to */
    TW_TESTMAIL_SPAM,   /* the GTUBE line, which every SpamAssassin gives 1000 points */
    TW_TESTMAIL_VIRUS,  /* EICAR, which every virus scanner knows, in a text part by itself */
    TW_TESTMAIL_ATTACH, /* an attachment toaster-test.com: a DOS program that ends at once */
    TW_TESTMAIL_CLAM,   /* an attachment toaster-test.zip that holds EICAR as eicar.com */
    TW_TESTMAILS
};

/* The header that holds the id, for where a Message-ID was rewritten. */
#define TW_TESTMAIL_HEADER "X-Toaster-Test"

/* "clean", "spam", ... */
const char *tw_testmail_name(enum tw_testmail type);
bool tw_testmail_find(const char *name, enum tw_testmail *out);

/* What is to become of it where all is well: "should arrive in the Inbox". */
const char *tw_testmail_expect(enum tw_testmail type);

/* Strings are borrowed. Whatever stands in them, no newline gets through. */
struct tw_testmail_head {
    const char *from, *to, *host; /* addresses without < >; who we are */
    const char *id;               /* unique, [A-Za-z0-9.-], at most 128 bytes; what else is in it
                                     becomes '-'. It stands in Message-ID, as <ID@HOST>, in the
                                     header X-Toaster-Test, and in the text */
    int64_t now_s;
    const char *const *extra; /* more header lines, "Name: value" without newline, each at most 900
                                 bytes; ends with NULL; NULL: none */
};

/* Appends the message. Pure but for the time zone. */
void tw_testmail_write(enum tw_testmail type, const struct tw_testmail_head *head,
                       struct tw_buf *out);

/* A new id that nobody can guess: the time and 128 bits from the system. The caller frees it. */
char *tw_testmail_id(int64_t now_s);

#endif
