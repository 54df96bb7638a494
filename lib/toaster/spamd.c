/* What is said to spamd and what it answers. */
#include "toaster/spamd.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "base/mem.h"

/* ---- where it is -------------------------------------------------------------------------- */

static int bad_place(const char *text, struct tw_error *e)
{
    return tw_fail(e,
                   "socket: \"%.200s\" is no place of spamd: write an address and a port, like "
                   "\"127.0.0.1:783\" or \"[::1]:783\", or the path of a socket",
                   text);
}

static int parse_path(const char *text, struct tw_spamd_place *place, struct tw_error *e)
{
    struct sockaddr_un *un = (void *)&place->address;
    if (strlen(text) >= sizeof un->sun_path)
        return tw_fail(e, "socket: the path is too long: at most %zu bytes",
                       sizeof un->sun_path - 1);
    un->sun_family = AF_UNIX;
    memcpy(un->sun_path, text, strlen(text) + 1);
    place->length = sizeof *un;
    return 0;
}

static bool parse_host(const char *host, unsigned short port, struct tw_spamd_place *place)
{
    struct sockaddr_in *in = (void *)&place->address;
    struct sockaddr_in6 *in6 = (void *)&place->address;
    if (inet_pton(AF_INET, strcmp(host, "localhost") == 0 ? "127.0.0.1" : host, &in->sin_addr) ==
        1) {
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        place->length = sizeof *in;
        return true;
    }
    if (inet_pton(AF_INET6, host, &in6->sin6_addr) != 1)
        return false;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(port);
    place->length = sizeof *in6;
    return true;
}

int tw_spamd_place_parse(const char *text, struct tw_spamd_place *place, struct tw_error *e)
{
    *place = (struct tw_spamd_place){.length = 0};
    if (text[0] == '/')
        return parse_path(text, place, e);
    const char *colon = strrchr(text, ':');
    const bool bracket = text[0] == '[';
    if (!colon || (bracket && (colon == text || colon[-1] != ']')) ||
        (!bracket && memchr(text, ':', (size_t)(colon - text))))
        return bad_place(text, e);
    char *host = tw_strndup(text + bracket, (size_t)(colon - text) - 2 * bracket);
    char *end;
    const unsigned long port = strtoul(colon + 1, &end, 10);
    const bool good = colon[1] >= '0' && colon[1] <= '9' && !*end && port > 0 && port < 65536 &&
                      parse_host(host, (unsigned short)port, place);
    free(host);
    return good ? 0 : bad_place(text, e);
}

/* ---- requests ----------------------------------------------------------------------------- */

void tw_spamd_put_tell(struct tw_buf *out, enum tw_spamd_order order, const char *user,
                       const char *message, size_t length)
{
    tw_buf_puts(out, "TELL SPAMC/1.5\r\n");
    if (order == TW_SPAMD_FORGET)
        tw_buf_puts(out, "Remove: local\r\n");
    else
        tw_buf_printf(out, "Message-class: %s\r\nSet: local\r\n",
                      order == TW_SPAMD_SPAM ? "spam" : "ham");
    if (user)
        tw_buf_printf(out, "User: %s\r\n", user);
    tw_buf_printf(out, "Content-length: %zu\r\n\r\n", length);
    tw_buf_add(out, message, length);
}

/* ---- answers ------------------------------------------------------------------------------ */

/* The next line without its end, copied; false: there is none, or it is too long. */
static bool next_line(const char **at, const char *end, char *line, size_t size)
{
    const char *newline = *at < end ? memchr(*at, '\n', (size_t)(end - *at)) : NULL;
    if (!newline)
        return false;
    size_t length = (size_t)(newline - *at);
    if (length && newline[-1] == '\r')
        length--;
    if (length >= size || memchr(*at, '\0', length))
        return false;
    memcpy(line, *at, length);
    line[length] = '\0';
    *at = newline + 1;
    return true;
}

/* Is "local" one of the words of the list? */
static bool has_local(const char *list)
{
    static const char separators[] = " ,\t";
    for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
        const size_t length = strcspn(list, separators);
        if (length == 5 && strncasecmp(list, "local", length) == 0)
            return true;
        list += length;
    }
    return false;
}

int tw_spamd_answer_parse(const char *text, size_t length, struct tw_spamd_answer *answer)
{
    static const char set[] = "DidSet:", removed[] = "DidRemove:";
    const char *at = text, *end = text + length;
    char line[1024];
    int consumed = 0;
    unsigned major, minor, code;
    *answer = (struct tw_spamd_answer){0};
    if (!next_line(&at, end, line, sizeof line) ||
        sscanf(line, "SPAMD/%1u.%1u %3u%n", &major, &minor, &code, &consumed) != 3 ||
        (line[consumed] && line[consumed] != ' '))
        return -1;
    answer->code = (int)code;
    snprintf(answer->words, sizeof answer->words, "%.190s",
             line + consumed + (line[consumed] == ' '));
    if (code != 0)
        return 0; /* errors are one line */
    while (next_line(&at, end, line, sizeof line)) {
        if (!line[0])
            return 0;
        if (!strchr(line, ':'))
            return -1;
        answer->did_set = answer->did_set || (strncasecmp(line, set, strlen(set)) == 0 &&
                                              has_local(line + strlen(set)));
        answer->did_remove =
            answer->did_remove ||
            (strncasecmp(line, removed, strlen(removed)) == 0 && has_local(line + strlen(removed)));
    }
    return -1; /* the blank line is missing: it was cut off */
}
