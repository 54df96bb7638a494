/* What qmail-local makes of the bytes of a .qmail file, and which file it takes for a name. Pure.
 * Sources: dot-qmail(5), qmail-local.c and qmail-queue.c of notqmail. */
#ifndef TW_TOASTER_DOTQMAIL_H
#define TW_TOASTER_DOTQMAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum { TW_DOTQMAIL_LINES = 10000 }; /* of a file; what comes after is not looked at */

enum tw_dotqmail_type {
    TW_DOTQMAIL_BLANK,
    TW_DOTQMAIL_COMMENT,
    TW_DOTQMAIL_PROGRAM,
    TW_DOTQMAIL_MBOX,
    TW_DOTQMAIL_MAILDIR,
    TW_DOTQMAIL_FORWARD,
    TW_DOTQMAIL_LIST,   /* "+list": from here on only forward lines are allowed */
    TW_DOTQMAIL_IGNORED /* any other line that begins with '+' */
};

struct tw_dotqmail_line {
    enum tw_dotqmail_type type;
    size_t number;    /* from 1 */
    const char *text; /* without blanks at its end, '|' and '&'; into the bytes, no NUL behind it */
    size_t length;
};

/* Walks through the lines, the first TW_DOTQMAIL_LINES: start with the bytes and zeroes. */
struct tw_dotqmail {
    const char *bytes;
    size_t length, at, number;
};
bool tw_dotqmail_next(struct tw_dotqmail *file, struct tw_dotqmail_line *line);

/* The gravest first. */
enum tw_dotqmail_fault {
    TW_DOTQMAIL_EMPTY,        /* 0 bytes: the default delivery (defaultdelivery) is done */
    TW_DOTQMAIL_BLANK_FIRST,  /* its first line is blank: all mail is deferred */
    TW_DOTQMAIL_FORWARD_ONLY, /* a program or file line after +list, or with the x bit: deferred */
    TW_DOTQMAIL_NO_DELIVERY,  /* nothing is done: mail is thrown away */
    TW_DOTQMAIL_BAD_LINE,     /* no address, or a carriage return at the end */
    TW_DOTQMAIL_TOO_MANY,     /* lines: the rest of them was not looked at */
    TW_DOTQMAIL_PLUS_LINE,    /* a line that qmail-local ignores, though it is no comment */
    TW_DOTQMAIL_SOUND
};

struct tw_dotqmail_summary {
    enum tw_dotqmail_fault fault;
    struct tw_dotqmail_line line; /* that it is about; number 0: the file as a whole */
    const char *why;              /* of BAD_LINE, e.g. "it has a space" */
    size_t forwards, programs, files;
};

/* `x_bit`: the file's owner may execute it. */
void tw_dotqmail_judge(const char *bytes, size_t length, bool x_bit,
                       struct tw_dotqmail_summary *out);

/* Why this is no address qmail could deliver to, as "it has a space"; NULL: it is one. Strict only
 * where dot-qmail(5) is, for qmail takes the line as it is: quotes, '+' and UTF-8 are fine, and so
 * is an address without a domain. */
const char *tw_dotqmail_address_fault(const char *text, size_t length);

/* A local part as qmail-local looks for it: ASCII letters in lower case, colons for dots. The
 * caller frees it. */
char *tw_dotqmail_name(const char *local, size_t length);

/* The file that qmail-local tries at this step for such a name: at 0 ".qmail-NAME", then the
 * defaults, the most exact first. false: there is no further. */
bool tw_dotqmail_file(const char *name, size_t step, struct tw_buf *out);

#endif
