/* The number of letters. Knows neither what is in them nor whether they left. */
#include "alert/quota.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { HOUR_S = 3600 };

static int64_t left_s(int64_t until_s, int64_t most_s, int64_t now_s)
{
    const int64_t left = until_s - now_s;
    return left > 0 && left <= most_s ? left : 0;
}

int64_t tw_quota_held_s(const struct tw_quota *quota, int64_t now_s)
{
    const int64_t hour = left_s(quota->summary_s, HOUR_S, now_s);
    const int64_t pause =
        quota->long_s ? left_s(quota->long_s + TW_QUOTA_PAUSE_S, TW_QUOTA_PAUSE_S, now_s) : 0;
    return hour > pause ? hour : pause;
}

bool tw_quota_is_last(const struct tw_quota *quota, int64_t max_per_hour, int64_t now_s)
{
    int64_t recent = 1;
    for (size_t i = 0; i < quota->count; i++)
        recent += quota->times_s[i] > now_s - HOUR_S && quota->times_s[i] <= now_s;
    return recent >= max_per_hour;
}

static void forget_old(struct tw_quota *quota, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < quota->count; i++)
        if (quota->times_s[i] > now_s - HOUR_S && quota->times_s[i] <= now_s)
            quota->times_s[kept++] = quota->times_s[i];
    quota->count = kept;
}

bool tw_quota_count(struct tw_quota *quota, int64_t max_per_hour, size_t things, int64_t now_s)
{
    forget_old(quota, now_s);
    if (quota->count < TW_QUOTA_TIMES_MAX)
        quota->times_s[quota->count++] = now_s;
    const bool full = (int64_t)quota->count >= max_per_hour;
    quota->summary_s = full ? now_s + HOUR_S : 0;
    if (things > TW_QUOTA_LONG)
        quota->long_s = now_s;
    return full;
}

void tw_quota_write(const struct tw_quota *quota, struct tw_buf *out)
{
    for (size_t i = 0; i < quota->count; i++)
        tw_buf_printf(out, "%s%" PRId64, i ? " " : "", quota->times_s[i]);
}

void tw_quota_read(struct tw_quota *quota, const char *text)
{
    char *end;
    quota->count = 0;
    for (const char *at = text; *at && quota->count < TW_QUOTA_TIMES_MAX; at = end) {
        const int64_t time_s = strtoll(at, &end, 10);
        const size_t word = strspn(at, " ") + strcspn(at + strspn(at, " "), " ");
        if (end == at + word && time_s > 0)
            quota->times_s[quota->count++] = time_s;
        end = (char *)(uintptr_t)(at + word);
    }
}
