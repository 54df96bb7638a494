/* Text from outside (log lines, file names, other programs' output), made harmless for a log
 * line, a letter or a terminal: control characters (C0, DEL, C1), bytes that are not UTF-8, and
 * the Unicode marks that reorder or break lines (U+061C, U+200E/F, U+2028-202E, U+2066-2069) become
 * \xNN, a byte each; a tab becomes a space, a newline \n. All else stays. */
#ifndef TW_BASE_ESCAPE_H
#define TW_BASE_ESCAPE_H

#include "base/buf.h"

enum tw_escape {
    TW_ESCAPE_LINE, /* one line: newlines are escaped too */
    TW_ESCAPE_TEXT, /* several lines: newlines stay, a tab stays */
    TW_ESCAPE_ASCII /* one line for a header: every byte over 0x7e is escaped too */
};

/* Appends the escaped text; at most `max` bytes of output (0: no limit), then "...". */
void tw_escape(struct tw_buf *out, const char *in, size_t length, enum tw_escape mode, size_t max);

/* The same as a new string, the caller's to free. */
char *tw_escape_new(const char *in, enum tw_escape mode, size_t max);

/* Appends `in` as a JSON string with its quotes. Bytes that are no UTF-8 are escaped as above. */
void tw_escape_json(struct tw_buf *out, const char *in);

/* Appends `in` as one word of sh(1), in quotes where it needs them. Escapes nothing else. */
void tw_escape_shell(struct tw_buf *out, const char *in);

#endif
