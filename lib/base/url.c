/* URLs, as far as we look into them. */
#include "base/url.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static bool is_name(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_", text[i]))
            return false;
    return length > 0 && text[0] != '-' && text[0] != '.';
}

static bool is_port(const char *text, size_t length)
{
    const size_t digits = strspn(text, "0123456789");
    return digits == length && length > 0 && length <= 5 && atoi(text) > 0 && atoi(text) < 65536;
}

/* HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT; the host is the caller's to free. */
static char *take_host(const char *text, size_t length)
{
    size_t host = strcspn(text, ":/?#");
    if (text[0] == '[') {
        host = strcspn(text, "]/?#");
        if (text[host] != ']' || strspn(text + 1, "0123456789abcdefABCDEF:.") != host - 1)
            return NULL;
        host++;
    } else if (host > length || !is_name(text, host)) {
        return NULL;
    }
    if (host < length && (text[host] != ':' || !is_port(text + host + 1, length - host - 1)))
        return NULL;
    return tw_strndup(text, host);
}

int tw_url_parse(const char *text, const char *const *schemes, char **host, char **shown,
                 struct tw_error *e)
{
    size_t i = 0;
    while (schemes[i] && strncmp(text, schemes[i], strlen(schemes[i])) != 0)
        i++;
    if (!schemes[i])
        return tw_fail(e, "\"%.*s...\" is no scheme that is known here",
                       (int)(strcspn(text, ":") < 20 ? strcspn(text, ":") : 20), text);
    /* No more of it is shown than the scheme: the rest may hold a secret, in the wrong place, too.
     */
    const int scheme = (int)strlen(schemes[i]);
    const char *rest = text + scheme;
    const size_t length = strcspn(rest, "/?#");
    if (strchr(rest, '@'))
        return tw_fail(e, "\"%.*s...\": user and password stand in the file that passwords names",
                       scheme, text);
    for (const char *at = text; *at; at++)
        if (*at <= 0x20 || *at >= 0x7f || strchr("\"<>\\^`{|}", *at))
            return tw_fail(e, "\"%.*s...\" holds what no URL may hold: blanks, quotes, or the like",
                           scheme, text);
    *host = take_host(rest, length);
    if (!*host)
        return tw_fail(e, "\"%.*s...\": that is no host, or no port", scheme, text);
    *shown = tw_format("%.*s%s", (int)(rest + length - text), text, rest[length] ? "/..." : "");
    return 0;
}
