/* Values of headers. Knows RFC 5322 as far as messages of our own need it. */
#include "toaster/mailhead.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"

/* A header line may be 998 bytes (RFC 5322, 2.1.1); an address is at most 254 (RFC 5321). */
enum { TEXT_MAX = 300, HOST_MAX = 253, ID_MAX = 128 };

bool tw_mailhead_local(int64_t time_s, struct tm *tm)
{
    const time_t t = (time_t)time_s;
    return localtime_r(&t, tm) != NULL;
}

void tw_mailhead_zone(struct tw_buf *out, const struct tm *tm)
{
    const long minutes = labs(tm->tm_gmtoff) / 60;
    tw_buf_printf(out, " %c%02ld%02ld", tm->tm_gmtoff < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

/* Not by strftime, which would speak the locale's language. */
void tw_mailhead_date(struct tw_buf *out, int64_t time_s)
{
    static const char days[][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    struct tm tm;
    if (!tw_mailhead_local(time_s, &tm))
        tw_mailhead_local(0, &tm);
    tw_buf_printf(out, "%s, %d %s %04d %02d:%02d:%02d", days[tm.tm_wday], tm.tm_mday,
                  months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
    tw_mailhead_zone(out, &tm);
}

/* The two halves of a Message-ID: what cannot stand there becomes '-'. */
static void add_plain(struct tw_buf *out, const char *text, size_t max)
{
    if (!*text)
        tw_buf_puts(out, "localhost");
    for (size_t i = 0; i < max && text[i]; i++) {
        const bool plain = isascii((unsigned char)text[i]) && isalnum((unsigned char)text[i]);
        const bool dot =
            text[i] == '.' && i > 0 && text[i - 1] != '.' && text[i + 1] && i + 1 < max;
        tw_buf_add(out, plain || dot ? &text[i] : "-", 1);
    }
}

void tw_mailhead_word(struct tw_buf *out, const char *id)
{
    add_plain(out, id, ID_MAX);
}

void tw_mailhead_id(struct tw_buf *out, const char *id, const char *host)
{
    tw_buf_puts(out, "<");
    add_plain(out, id, ID_MAX);
    tw_buf_puts(out, "@");
    add_plain(out, host, HOST_MAX);
    tw_buf_puts(out, ">");
}

void tw_mailhead_text(struct tw_buf *out, const char *text)
{
    tw_escape(out, text, strlen(text), TW_ESCAPE_ASCII, TEXT_MAX);
}
