/* TAI64N labels, as multilog and tai64n write them: '@', 16 hex digits of seconds, 8 of
 * nanoseconds. Source: cr.yp.to/libtai/tai64.html; Unix time is seconds - 2^62 - 10, as
 * tai64nlocal has it. */
#ifndef TW_BASE_TAI64N_H
#define TW_BASE_TAI64N_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Seconds between a TAI label and Unix time. */
#define TW_TAI_OFFSET 4611686018427387914ULL

#define TW_TAI64N_LABEL 25 /* bytes of a label, '@' included */

/* 0 and the Unix time, or -1 if the bytes do not begin with a whole label. */
int tw_tai64n_parse(const char *text, size_t length, int64_t *seconds, uint32_t *nanoseconds);

/* Appends one log line (no newline at its end) with its label, if it has one, written as local
 * time "2026-11-21 03:12:45.123". What follows is appended as it is: escape it later. */
void tw_tai64n_decode_line(struct tw_buf *out, const char *line, size_t length);

#endif
