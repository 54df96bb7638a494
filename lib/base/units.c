/* Durations, sizes, shares, modes and times, read and written. Pure but for the time zone; knows
 * nothing of which key they belong to. */
#include "base/units.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

/* How much of a wrong text an error quotes. */
#define QUOTED "\"%.40s\""

struct unit {
    char letter; /* '\0': none is written */
    int64_t factor;
};

static const struct unit durations[] = {
    {'w', 7L * 24 * 3600}, {'d', 24L * 3600}, {'h', 3600}, {'m', 60}, {'s', 1}};
static const struct unit sizes[] = {
    {'T', 1LL << 40}, {'G', 1LL << 30}, {'M', 1LL << 20}, {'K', 1LL << 10}, {'\0', 1}};

static const int64_t century_s = 36525LL * 24 * 3600;

/* Reads decimal digits; NULL where there are none or the number is too large, else what follows. */
static const char *digits(const char *text, int64_t *number)
{
    const char *at = text;
    *number = 0;
    for (; *at >= '0' && *at <= '9'; at++)
        if (__builtin_mul_overflow(*number, 10, number) ||
            __builtin_add_overflow(*number, *at - '0', number))
            return NULL;
    return at == text ? NULL : at;
}

/* A number and one of the units, nothing before, between or behind. */
static bool parse(const char *text, const struct unit *units, size_t count, int64_t *value)
{
    int64_t number;
    const char *at = digits(text, &number);
    if (!at || (at[0] && at[1]))
        return false;
    for (size_t i = 0; i < count; i++)
        if (units[i].letter == *at)
            return !__builtin_mul_overflow(number, units[i].factor, value);
    return false;
}

static void write_unit(struct tw_buf *out, const struct unit *units, size_t count, int64_t value)
{
    if (value < 0) {
        tw_buf_puts(out, "never");
        return;
    }
    size_t i = 0;
    while (i < count - 1 && (value == 0 || value % units[i].factor != 0))
        i++;
    tw_buf_printf(out, "%" PRId64, value / units[i].factor);
    tw_buf_add(out, &units[i].letter, units[i].letter ? 1 : 0);
}

int tw_duration_parse(const char *text, int64_t *seconds, struct tw_error *e)
{
    int64_t value;
    if (strcmp(text, "never") == 0) {
        *seconds = TW_NEVER;
        return 0;
    }
    const char *behind = digits(text, &value);
    if (behind && *behind == '\0')
        return tw_fail(e,
                       QUOTED " has no unit: write \"%" PRId64 "d\", \"%" PRId64 "h\", \"%" PRId64
                              "m\", \"%" PRId64 "s\" or \"%" PRId64 "w\"",
                       text, value, value, value, value, value);
    if (!parse(text, durations, TW_COUNT(durations), &value))
        return tw_fail(e,
                       QUOTED " is not a duration: write a whole number and its unit, like "
                              "\"30s\", \"5m\", \"4h\", \"14d\" or \"2w\", or \"never\"",
                       text);
    if (value > century_s)
        return tw_fail(e, QUOTED " is too long: write at most 100 years (\"36525d\"), or \"never\"",
                       text);
    *seconds = value;
    return 0;
}

int tw_size_parse(const char *text, int64_t *bytes, struct tw_error *e)
{
    int64_t value = TW_NEVER;
    if (strcmp(text, "never") != 0 && !parse(text, sizes, TW_COUNT(sizes), &value))
        return tw_fail(e,
                       QUOTED " is not a size: write a whole number of bytes, or one with its "
                              "unit, like \"100K\", \"1M\", \"2G\" or \"1T\", or \"never\"",
                       text);
    *bytes = value;
    return 0;
}

/* How a percentage is kept below TW_NEVER. Its own inverse. */
static int64_t percentage(int64_t number)
{
    return TW_NEVER - 1 - number;
}

int tw_share_parse(const char *text, int64_t *share, struct tw_error *e)
{
    int64_t value = TW_NEVER;
    const char *behind = digits(text, &value);
    if (behind && strcmp(behind, "%") == 0) {
        if (value > 100)
            return tw_fail(e, QUOTED " is more than all: write at most \"100%%\"", text);
        *share = percentage(value);
        return 0;
    }
    value = TW_NEVER;
    if (strcmp(text, "never") != 0 && !parse(text, sizes, TW_COUNT(sizes), &value))
        return tw_fail(e,
                       QUOTED " is not a share: write a whole percentage, like \"10%%\", or an "
                              "amount, like \"500M\" or \"10000\", or \"never\"",
                       text);
    *share = value;
    return 0;
}

int64_t tw_share_of(int64_t share, int64_t total)
{
    if (share >= TW_NEVER)
        return share;
    return total / 100 * percentage(share) + total % 100 * percentage(share) / 100;
}

int tw_mode_parse(const char *text, int64_t *mode, struct tw_error *e)
{
    int64_t value = 0;
    if (strcmp(text, "never") == 0) {
        *mode = TW_NEVER;
        return 0;
    }
    const char *at = text;
    for (; *at >= '0' && *at <= '7' && value <= 07777; at++)
        value = value * 8 + (*at - '0');
    if (at == text || *at || value > 07777)
        return tw_fail(e,
                       QUOTED " is not a file mode: write octal digits, like \"0644\", or "
                              "\"never\"",
                       text);
    *mode = value;
    return 0;
}

int tw_decimal_parse(const char *text, int64_t *hundredths, struct tw_error *e)
{
    int64_t whole = TW_NEVER, part = 0;
    if (strcmp(text, "never") == 0) {
        *hundredths = TW_NEVER;
        return 0;
    }
    const char *at = digits(text, &whole);
    if (at && at[0] == '.') {
        const char *from = at + 1;
        at = digits(from, &part);
        part = at && at == from + 1 ? part * 10 : part;
        at = at && at <= from + 2 ? at : NULL;
    }
    if (!at || *at || whole > INT64_MAX / 1000)
        return tw_fail(e,
                       QUOTED " is not a number: write one with at most two digits behind the "
                              "point, like \"2.5\", or \"never\"",
                       text);
    *hundredths = whole * 100 + part;
    return 0;
}

void tw_duration_write(struct tw_buf *out, int64_t seconds)
{
    write_unit(out, durations, TW_COUNT(durations), seconds);
}

void tw_size_write(struct tw_buf *out, int64_t bytes)
{
    write_unit(out, sizes, TW_COUNT(sizes), bytes);
}

void tw_share_write(struct tw_buf *out, int64_t share)
{
    if (share < TW_NEVER)
        tw_buf_printf(out, "%" PRId64 "%%", percentage(share));
    else
        tw_size_write(out, share);
}

void tw_decimal_write(struct tw_buf *out, int64_t hundredths)
{
    if (hundredths < 0)
        tw_buf_puts(out, "never");
    else if (hundredths % 10)
        tw_buf_printf(out, "%" PRId64 ".%02d", hundredths / 100, (int)(hundredths % 100));
    else
        tw_buf_printf(out, "%" PRId64 ".%d", hundredths / 100, (int)(hundredths % 100 / 10));
}

struct tw_unit_text tw_duration_show(int64_t seconds)
{
    struct tw_unit_text show = {"never"};
    if (seconds < 0)
        return show;
    size_t i = 1; /* days are the largest: nobody counts an outage in weeks */
    while (i < TW_COUNT(durations) - 1 && seconds < durations[i].factor)
        i++;
    const int64_t first = seconds / durations[i].factor;
    const int length =
        snprintf(show.text, sizeof show.text, "%" PRId64 "%c", first, durations[i].letter);
    if (i == TW_COUNT(durations) - 1)
        return show;
    const int64_t second = seconds % durations[i].factor / durations[i + 1].factor;
    if (second)
        snprintf(show.text + length, sizeof show.text - (size_t)length, " %" PRId64 "%c", second,
                 durations[i + 1].letter);
    return show;
}

struct tw_unit_text tw_size_show(int64_t bytes)
{
    struct tw_unit_text show = {"never"};
    if (bytes < 0)
        return show;
    size_t i = 0;
    while (i < TW_COUNT(sizes) - 1 && bytes < sizes[i].factor)
        i++;
    const int64_t whole = bytes / sizes[i].factor;
    const int64_t rest = bytes % sizes[i].factor;
    if (bytes < 1024)
        snprintf(show.text, sizeof show.text, "%" PRId64 " byte%s", bytes, bytes == 1 ? "" : "s");
    else if (rest == 0)
        snprintf(show.text, sizeof show.text, "%" PRId64 "%c", whole, sizes[i].letter);
    else
        snprintf(show.text, sizeof show.text, "%" PRId64 ".%d%c", whole,
                 (int)(rest * 10 / sizes[i].factor), sizes[i].letter);
    return show;
}

struct tw_unit_text tw_time_show(int64_t at_s)
{
    struct tw_unit_text out = {"?"};
    const time_t at = (time_t)at_s;
    struct tm local;
    if (localtime_r(&at, &local))
        strftime(out.text, sizeof out.text, "%Y-%m-%d %H:%M:%S", &local);
    return out;
}
