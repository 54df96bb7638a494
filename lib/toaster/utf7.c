/* Modified UTF-7, and small letters. */
#include "toaster/utf7.h"

#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

/* ---- UTF-8 -------------------------------------------------------------------------------- */

static void put(struct tw_buf *out, uint32_t c)
{
    char bytes[4];
    size_t length = 0;
    if (c < 0x80) {
        bytes[length++] = (char)c;
    } else if (c < 0x800) {
        bytes[length++] = (char)(0xc0 | c >> 6);
        bytes[length++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        bytes[length++] = (char)(0xe0 | c >> 12);
        bytes[length++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[length++] = (char)(0x80 | (c & 0x3f));
    } else {
        bytes[length++] = (char)(0xf0 | c >> 18);
        bytes[length++] = (char)(0x80 | (c >> 12 & 0x3f));
        bytes[length++] = (char)(0x80 | (c >> 6 & 0x3f));
        bytes[length++] = (char)(0x80 | (c & 0x3f));
    }
    tw_buf_add(out, bytes, length);
}

/* The character at `text`, and how many bytes it has; 0: there is none (RFC 3629). */
static size_t get(const char *text, size_t left, uint32_t *c)
{
    const unsigned char *s = (const unsigned char *)text;
    const size_t length = left == 0      ? 0
                          : s[0] < 0x80  ? 1
                          : s[0] < 0xc2  ? 0
                          : s[0] < 0xe0  ? 2
                          : s[0] < 0xf0  ? 3
                          : s[0] <= 0xf4 ? 4
                                         : 0;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (length == 0 || length > left)
        return 0;
    *c = length == 1 ? s[0] : s[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        *c = *c << 6 | (s[i] & 0x3fU);
    }
    return *c < least[length] || *c > 0x10ffff || (*c >= 0xd800 && *c < 0xe000) ? 0 : length;
}

bool tw_utf8_valid(const char *text, size_t length)
{
    uint32_t c;
    for (size_t at = 0, size; at < length; at += size)
        if ((size = get(text + at, length - at, &c)) == 0)
            return false;
    return true;
}

static locale_t unicode;
static pthread_once_t unicode_once = PTHREAD_ONCE_INIT;

/* Of the C library itself (2.35), or the distribution's; without it only ASCII has no case. */
static void find_unicode(void)
{
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static uint32_t make_small(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c;
    pthread_once(&unicode_once, find_unicode);
    return unicode ? (uint32_t)towlower_l((wint_t)c, unicode) : c;
}

void tw_utf8_fold(const char *text, size_t length, struct tw_buf *out)
{
    const bool valid = tw_utf8_valid(text, length);
    uint32_t c;
    for (size_t at = 0, size; at < length; at += size) {
        size = valid ? get(text + at, length - at, &c) : 1;
        if (valid || (text[at] >= 'A' && text[at] <= 'Z'))
            put(out, make_small(valid ? c : (unsigned char)text[at]));
        else
            tw_buf_add(out, text + at, 1);
    }
}

/* ---- modified UTF-7 ----------------------------------------------------------------------- */

static int digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";
    const char *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

/* UTF-16, a unit at a time. */
struct units {
    uint32_t high; /* the first half of a pair, that waits for the other; 0: none */
};

static bool put_unit(struct units *u, uint32_t unit, struct tw_buf *out)
{
    const bool low = unit >= 0xdc00 && unit < 0xe000;
    if (low != (u->high != 0))
        return false;
    if (unit >= 0xd800 && unit < 0xdc00) {
        u->high = unit;
        return true;
    }
    /* A character that could stand for itself, or that has no place in a name. */
    if (unit < 0x20 || (unit < 0x7f && unit != '&'))
        return false;
    put(out, low ? 0x10000 + ((u->high - 0xd800) << 10) + (unit - 0xdc00) : unit);
    u->high = 0;
    return true;
}

/* What stands between "&" and "-". */
static bool decode_shifted(const char *text, size_t length, struct tw_buf *out)
{
    struct units units = {0};
    uint32_t bits = 0;
    int count = 0;
    for (size_t i = 0; i < length; i++) {
        const int value = digit(text[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        count += 6;
        if (count >= 16) {
            count -= 16;
            if (!put_unit(&units, bits >> count & 0xffff, out))
                return false;
            bits &= (1U << count) - 1;
        }
    }
    return length > 0 && count < 6 && bits == 0 && units.high == 0;
}

bool tw_utf7_decode(const char *text, size_t length, struct tw_buf *out)
{
    const size_t before = out->len;
    bool good = tw_utf8_valid(text, length);
    for (size_t at = 0; at < length && good;) {
        if (text[at] != '&') {
            tw_buf_add(out, text + at++, 1);
            continue;
        }
        const char *end = memchr(text + at, '-', length - at);
        const size_t size = end ? (size_t)(end - text) - at - 1 : 0;
        if (end && size == 0)
            tw_buf_puts(out, "&");
        else
            good = end && decode_shifted(text + at + 1, size, out);
        at += size + 2;
    }
    if (!good && out->data) {
        out->len = before;
        out->data[before] = '\0';
    }
    return good;
}
