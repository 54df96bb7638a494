/* Amounts that may run out, as they were over the last day, and how fast they go: what is left is
 * sampled, a slope fitted. Pure; knows neither what is measured nor what is too fast. */
#ifndef TW_BASE_TREND_H
#define TW_BASE_TREND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    TW_TREND_SERIES = 2,   /* amounts sampled together */
    TW_TREND_EACH_S = 900, /* at most one sample in so long */
    TW_TREND_DAY_S = 86400,
    TW_TREND_MAX = 98 /* samples: a day's, and one of this time yesterday */
};

struct tw_sample {
    int64_t at_s;                  /* Unix time */
    int64_t left[TW_TREND_SERIES]; /* from 0 on */
};

struct tw_trend {
    struct tw_sample samples[TW_TREND_MAX]; /* by time, no two of one */
    size_t count;
};

/* Reads what tw_trend_write wrote, up to the end of the text or its line. -1, and an empty trend:
 * it is not such a text. */
int tw_trend_parse(const char *text, struct tw_trend *trend);
void tw_trend_write(const struct tw_trend *trend, struct tw_buf *out); /* one line, no newline */

/* Drops what is older than a day (and a little), not before `now_s`, or out of order: the clock
 * was set. */
void tw_trend_forget(struct tw_trend *trend, int64_t now_s);

/* Takes in a sample, the latest; the oldest goes where there is no room. False: it is too early
 * for one. */
bool tw_trend_add(struct tw_trend *trend, const struct tw_sample *sample);

/* Seconds from the first sample to `now_s`; 0 if there is none. */
int64_t tw_trend_span(const struct tw_trend *trend, int64_t now_s);

/* How much of one amount goes in a second, by the samples and this moment's; not above 0: it does
 * not go. `recent_s` is how much of the past must show it too. What comes and goes is not taken
 * for growth: the result is the least of
 *   - the least-squares line over the samples,
 *   - the middle one of the slopes between any two (a backup that lies there for some hours, or one
 *     large file, does not move it),
 *   - the difference from this time yesterday (nor what happens every day),
 *   - the least-squares line over the last `recent_s` (nor what has ended). */
double tw_trend_pace(const struct tw_trend *trend, const struct tw_sample *now, size_t series,
                     int64_t recent_s);

/* In how many seconds the amount is gone at this pace; INT64_MAX: it does not go. */
int64_t tw_trend_gone_in(int64_t left, double pace);

#endif
