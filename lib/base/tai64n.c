/* TAI64N labels. Knows their bytes; knows nothing of multilog's files. */
#include "base/tai64n.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* Lower-case hex digits, as multilog and tai64n write them. */
static bool hex(const char *text, size_t count, uint64_t *value)
{
    *value = 0;
    for (size_t i = 0; i < count; i++) {
        const char c = text[i];
        if (c >= '0' && c <= '9')
            *value = *value << 4 | (uint64_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            *value = *value << 4 | (uint64_t)(c - 'a' + 10);
        else
            return false;
    }
    return true;
}

int tw_tai64n_parse(const char *text, size_t length, int64_t *seconds, uint32_t *nanoseconds)
{
    uint64_t label;
    uint64_t fraction;
    if (length < TW_TAI64N_LABEL || text[0] != '@' || !hex(text + 1, 16, &label) ||
        !hex(text + 17, 8, &fraction))
        return -1;
    /* Labels from 2^63 on are reserved. */
    if (label >> 63 || fraction > 999999999)
        return -1;
    *seconds = (int64_t)label - (int64_t)TW_TAI_OFFSET;
    *nanoseconds = (uint32_t)fraction;
    return 0;
}

void tw_tai64n_decode_line(struct tw_buf *out, const char *line, size_t length)
{
    int64_t seconds;
    uint32_t nanoseconds;
    struct tm tm;
    size_t label = 0;
    if (tw_tai64n_parse(line, length, &seconds, &nanoseconds) == 0 &&
        localtime_r(&(time_t){seconds}, &tm)) {
        char text[64];
        const size_t used = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
        tw_buf_add(out, text, used);
        tw_buf_printf(out, ".%03u", (unsigned)(nanoseconds / 1000000));
        label = TW_TAI64N_LABEL;
    }
    tw_buf_add(out, line + label, length - label);
}
