/* Values of headers of messages that we write (RFC 5322). Whatever they are given, no newline gets
 * through. Pure but for the time zone. */
#ifndef TW_TOASTER_MAILHEAD_H
#define TW_TOASTER_MAILHEAD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "base/buf.h"

/* The local time. False: there is none for that number. */
bool tw_mailhead_local(int64_t time_s, struct tm *tm);
/* " +0100" */
void tw_mailhead_zone(struct tw_buf *out, const struct tm *tm);
/* "Sat, 21 Nov 2026 03:12:45 +0100" */
void tw_mailhead_date(struct tw_buf *out, int64_t time_s);
/* "<ID@HOST>": what cannot stand there becomes '-'; nothing becomes "localhost". */
void tw_mailhead_id(struct tw_buf *out, const char *id, const char *host);
/* The same ID by itself, as a header of its own may hold it. */
void tw_mailhead_word(struct tw_buf *out, const char *id);
/* An address, or other short text: escaped to ASCII, 300 bytes at most. */
void tw_mailhead_text(struct tw_buf *out, const char *text);

#endif
