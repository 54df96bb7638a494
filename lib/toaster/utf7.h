/* Modified UTF-7, as IMAP names folders (RFC 3501, 5.1.3), and Unicode without case. Pure. */
#ifndef TW_TOASTER_UTF7_H
#define TW_TOASTER_UTF7_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

/* Appends the text as UTF-8. False: it is no modified UTF-7 (of bytes over 0x7e, too, those of
 * UTF-8 are taken as they are); nothing is appended then. */
bool tw_utf7_decode(const char *text, size_t length, struct tw_buf *out);

/* Appends UTF-8 with all letters made small; what is no UTF-8 as it is, but for ASCII letters. */
void tw_utf8_fold(const char *text, size_t length, struct tw_buf *out);
bool tw_utf8_valid(const char *text, size_t length);

#endif
