/* The frame of a message (RFC 5322): the headers that every letter of ours has, written and read
 * back, and times and text as letters show them. For letter.c and merge.c. Pure. */
#ifndef TW_ALERT_MESSAGE_H
#define TW_ALERT_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "alert/letter.h"
#include "base/buf.h"

#define TW_MESSAGE_WIDTH 76 /* columns that our own text keeps to */

/* How every letter ends. */
#define TW_MESSAGE_CLOSING "\n\"toasterctl status\" shows how everything stands now.\n"

/* Appends every header and no empty line: the caller may add headers of its own, then "\n".
 * `subject` must be escaped already; `words` go behind the version in X-Toaster-Watcher. */
void tw_message_head(const struct tw_letter *letter, const char *subject, const char *words,
                     struct tw_buf *out);

/* What X-Toaster-Watcher says of a letter; of a text without that header: one letter, no more. */
struct tw_message_tally {
    size_t letters; /* 1, or how many a merged one holds */
    size_t failed, recovered, reminders;
    bool qmail;
    const char *type; /* "alert", "escalation", "report", "test" */
};
void tw_message_tally(const char *text, size_t length, struct tw_message_tally *tally);
void tw_message_words(const struct tw_message_tally *tally, struct tw_buf *out);

/* Calls `each` with the value, unfolded, of every header of that name. */
void tw_message_each_header(const char *text, size_t length, const char *name,
                            void (*each)(void *context, const char *value), void *context);

/* Where the body begins: behind the first empty line; `length` if there is none. */
size_t tw_message_body(const char *text, size_t length);

/* "2026-11-21 03:12:45 +0100": local time, and which. */
void tw_message_time(struct tw_buf *out, int64_t time_s);

/* Text from outside as a paragraph: escaped, at most `max` bytes, each line behind `indent` and
 * wrapped at blanks, ended by a newline. Newlines in it stay. Indented, a line can be taken for
 * neither an envelope line ("From ") nor the end of the message ("."). */
void tw_message_paragraph(struct tw_buf *out, const char *text, const char *indent, size_t max);

#endif
