/* Values that must have a form of their own: addresses, host names, transports, the socket's path.
 * Pure but for a transport's links. */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "base/mem.h"
#include "config/parse.h"

/* Stricter than RFC 5321: what would need quoting in a header or could be taken for an option of
 * the program that sends the letter is refused. */
static int check_address(const char *value, struct tw_error *e)
{
    static const char special[] = "()<>[]:;\\,\"";
    const char *at = strchr(value, '@');
    const size_t length = strlen(value);
    bool good =
        at && at != value && at[1] && !strchr(at + 1, '@') && value[0] != '-' && length <= 254;
    for (size_t i = 0; i < length; i++)
        if (value[i] <= 0x20 || value[i] >= 0x7f || strchr(special, value[i]))
            good = false;
    return good ? 0 : tw_fail(e, "\"%s\" is no mail address: write user@domain", value);
}

static int check_hostname(const char *value, struct tw_error *e)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    const size_t length = strlen(value);
    if (length > 0 && length <= 253 && value[0] != '-' && value[0] != '.' &&
        strspn(value, allowed) == length)
        return 0;
    return tw_fail(e, "\"%s\" is no host name: letters, digits, dots and hyphens", value);
}

static int check_socket(const char *value, struct tw_error *e)
{
    const size_t max = sizeof(((struct sockaddr_un *)0)->sun_path) - 1; /* unix(7) */
    return strlen(value) <= max ? 0 : tw_fail(e, "a socket's path has at most %zu bytes", max);
}

static int check_transport(const char *value, struct tw_error *e)
{
    struct tw_transport_config transport = {0};
    const int result = tw_transport_parse(value, "/", &transport, e);
    tw_transport_clear(&transport);
    return result;
}

static int check_hook(const char *value, struct tw_error *e)
{
    char *host = NULL, *shown = NULL;
    struct tw_error why;
    const int result = tw_hook_parse(value, &host, &shown, &why);
    if (result != 0)
        tw_fail(e, "%s: write \"https://HOST/...\"", why.text);
    free(host);
    free(shown);
    return result;
}

static int check_clock(const char *value, struct tw_error *e)
{
    struct tw_window window;
    return tw_window_at_clock(value, &window, e);
}

int tw_config_check(const char *name, const char *value, struct tw_error *e)
{
    static const char mailboxes[] = "mailboxes.";
    static const struct {
        const char *name;
        int (*check)(const char *value, struct tw_error *e);
    } checks[] = {
        {"postmaster", check_address},  {"hostname", check_hostname},
        {"control", check_socket},      {"alert.to", check_address},
        {"alert.via", check_transport}, {"alert.escalate_via", check_transport},
        {"heartbeat.url", check_hook},  {"report.at", check_clock},
    };
    for (size_t i = 0; i < TW_COUNT(checks); i++)
        if (strcmp(checks[i].name, name) == 0)
            return checks[i].check(value, e);
    if (strncmp(name, mailboxes, strlen(mailboxes)) == 0)
        return tw_sources_check(name + strlen(mailboxes), value, e);
    return 0;
}
