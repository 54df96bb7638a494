/* Durations, sizes, shares and modes as the configuration writes them, and as a person reads
 * them, and times. Every parser takes the whole text or fails with a sentence that says what to
 * write. */
#ifndef TW_BASE_UNITS_H
#define TW_BASE_UNITS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

#define TW_NEVER (-1)
/* Of a duration that may be left out (base/option.h): nothing was written, not even "never". */
#define TW_UNSET INT64_MIN

/* "30s" "5m" "4h" "14d" "2w" in seconds, "never" as TW_NEVER. A number without a unit is an
 * error: "14" could be seconds or days. At most 100 years. */
int tw_duration_parse(const char *text, int64_t *seconds, struct tw_error *e);

/* "100" "100K" "1M" "2G" "1T" in bytes (powers of 1024), "never" as TW_NEVER. */
int tw_size_parse(const char *text, int64_t *bytes, struct tw_error *e);

/* "0644" or "644": octal, up to 07777; "never" as TW_NEVER. */
int tw_mode_parse(const char *text, int64_t *mode, struct tw_error *e);

/* "10%" of something, or an amount of it like a size ("2G"; "5000" inodes); "never". One number:
 * TW_NEVER, an amount from 0 on, or, below TW_NEVER, a percentage. */
int tw_share_parse(const char *text, int64_t *share, struct tw_error *e);
/* How much of `total` (at least 0) that is, rounded down; TW_NEVER stays. Never overflows. */
int64_t tw_share_of(int64_t share, int64_t total);

/* "2", "2.5" or "0.25", "never": in hundredths. */
int tw_decimal_parse(const char *text, int64_t *hundredths, struct tw_error *e);

/* Exactly, as the parsers above read it back: 90 is "90s", 3600 "1h". */
void tw_duration_write(struct tw_buf *out, int64_t seconds);
void tw_size_write(struct tw_buf *out, int64_t bytes);
void tw_share_write(struct tw_buf *out, int64_t share);
void tw_decimal_write(struct tw_buf *out, int64_t hundredths);

/* For a person, two units at most: "12s", "3m 5s", "2d 4h"; "18.1M"; what is
 * below zero is "never". The text is in a buffer inside the returned struct. */
struct tw_unit_text {
    char text[32];
};
struct tw_unit_text tw_duration_show(int64_t seconds);
struct tw_unit_text tw_size_show(int64_t bytes);
/* Local time, "2026-11-21 03:12:45"; "?" where there is no such time. */
struct tw_unit_text tw_time_show(int64_t at_s);

#endif
