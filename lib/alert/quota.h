/* How many letters may be written: at most so many an hour, then one summary an hour; and after a
 * long letter none for a minute, so that a storm is a few letters, however fast it comes. Pure. */
#ifndef TW_ALERT_QUOTA_H
#define TW_ALERT_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    TW_QUOTA_TIMES_MAX = 1000, /* letters of the last hour that are remembered */
    TW_QUOTA_LONG = 20,        /* a letter about more than so many is a long one */
    TW_QUOTA_PAUSE_S = 60
};

/* Zeroed: no letter was written. */
struct tw_quota {
    int64_t times_s[TW_QUOTA_TIMES_MAX];
    size_t count;
    int64_t summary_s; /* letters are held back until then; 0: they are not */
    int64_t long_s;    /* when the last long one was written */
};

/* Seconds until a letter may be written; 0: now. A clock set back ends the wait. */
int64_t tw_quota_held_s(const struct tw_quota *quota, int64_t now_s);
/* Would the next letter be the last single one of this hour? */
bool tw_quota_is_last(const struct tw_quota *quota, int64_t max_per_hour, int64_t now_s);
/* One more, about so many things. True if it is the last single one of this hour. */
bool tw_quota_count(struct tw_quota *quota, int64_t max_per_hour, size_t things, int64_t now_s);

/* The times as a text, and back: what makes no sense is passed over. */
void tw_quota_write(const struct tw_quota *quota, struct tw_buf *out);
void tw_quota_read(struct tw_quota *quota, const char *text);

#endif
