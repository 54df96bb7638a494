/* Text from outside made harmless. Knows UTF-8 and what a terminal or a mail reader might obey;
 * knows nothing of where the text goes. */
#include "base/escape.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PIECE = 32 }; /* the longest output for one character, with room to spare */

/* The length of the UTF-8 character at `s`, or 0 if there is none: cut short, overlong, a
 * surrogate or beyond U+10FFFF (RFC 3629, 3 and 4). */
static size_t decode(const unsigned char *s, size_t left, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const size_t length = s[0] < 0x80                    ? 1
                          : s[0] >= 0xc2 && s[0] <= 0xdf ? 2
                          : (s[0] & 0xf0) == 0xe0        ? 3
                          : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                                         : 0;
    if (length == 0 || length > left)
        return 0;
    uint32_t c = length == 1 ? s[0] : s[0] & (0x7fU >> length);
    for (size_t i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fU);
    }
    if (c < least[length] || (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
        return 0;
    *code = c;
    return length;
}

static bool harmful(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
           (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

/* Writes bytes as \xNN each; gives the length. */
static size_t put_hex(char *piece, const unsigned char *bytes, size_t count)
{
    size_t used = 0;
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(piece + used, PIECE - used, "\\x%02x", bytes[i]);
    return used;
}

/* Makes the output for the character at `s`; *used is how much of the input it was. */
static size_t escape_one(char *piece, const unsigned char *s, size_t left, enum tw_escape mode,
                         size_t *used)
{
    uint32_t c = 0;
    const size_t length = decode(s, left, &c);
    *used = length ? length : 1;
    const bool blank = length == 1 && (c == '\n' || c == '\t');
    if (blank && mode != TW_ESCAPE_TEXT)
        return (size_t)snprintf(piece, PIECE, "%s", c == '\n' ? "\\n" : " ");
    if (!blank && (length == 0 || harmful(c) || (mode == TW_ESCAPE_ASCII && c > 0x7e)))
        return put_hex(piece, s, *used);
    memcpy(piece, s, length);
    return length;
}

void tw_escape(struct tw_buf *out, const char *in, size_t length, enum tw_escape mode, size_t max)
{
    const size_t start = out->len;
    for (size_t at = 0, used; at < length; at += used) {
        char piece[PIECE];
        const size_t size =
            escape_one(piece, (const unsigned char *)in + at, length - at, mode, &used);
        if (max && out->len - start + size > max) {
            tw_buf_puts(out, "...");
            return;
        }
        tw_buf_add(out, piece, size);
    }
}

char *tw_escape_new(const char *in, enum tw_escape mode, size_t max)
{
    struct tw_buf out = {0};
    tw_escape(&out, in, strlen(in), mode, max);
    return tw_buf_take(&out);
}

void tw_escape_json(struct tw_buf *out, const char *in)
{
    const size_t length = strlen(in);
    tw_buf_puts(out, "\"");
    for (size_t at = 0, used; at < length; at += used) {
        const unsigned char *s = (const unsigned char *)in + at;
        uint32_t c = 0;
        used = decode(s, length - at, &c);
        if (used == 0) {
            tw_buf_printf(out, "\\\\x%02x", *s);
            used = 1;
        } else if (harmful(c)) {
            tw_buf_printf(out, "\\u%04x", (unsigned)c);
        } else {
            if (c == '"' || c == '\\')
                tw_buf_puts(out, "\\");
            tw_buf_add(out, s, used);
        }
    }
    tw_buf_puts(out, "\"");
}

void tw_escape_shell(struct tw_buf *out, const char *in)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
                                "_@%+=:,./-";
    if (in[0] && in[strspn(in, plain)] == '\0') {
        tw_buf_puts(out, in);
        return;
    }
    tw_buf_puts(out, "'");
    for (; *in; in++)
        if (*in == '\'')
            tw_buf_puts(out, "'\\''");
        else
            tw_buf_add(out, in, 1);
    tw_buf_puts(out, "'");
}
