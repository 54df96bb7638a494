/* How a transport is written. Delivering is alert/transport.c's. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/url.h"
#include "config/config.h"

static bool starts_below(const char *path, const char *dir)
{
    const size_t length = strlen(dir);
    return strncmp(path, dir, length) == 0 && path[length] == '/';
}

/* /usr/sbin/sendmail is often a link to qmail's; and /var/qmail may be a link itself. */
static bool leads_below(const char *path, const char *dir)
{
    char *real_path = realpath(path, NULL), *real_dir = realpath(dir, NULL);
    const bool below =
        starts_below(path, dir) || (real_path && real_dir && starts_below(real_path, real_dir));
    free(real_path);
    free(real_dir);
    return below;
}

/* ---- URLs ----------------------------------------------------------------------------------- */

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}

static int take_smtp(const char *text, struct tw_transport_config *out, struct tw_error *e)
{
    static const char *const schemes[] = {"smtp://", "smtps://", NULL};
    if (tw_url_parse(text, schemes, &out->host, &out->shown, e) != 0)
        return -1;
    const char *rest = strstr(text, "://") + 3;
    rest += strcspn(rest, "/?#");
    if (rest[0] && strcmp(rest, "/") != 0)
        return tw_fail(e, "\"%s\": behind the host there is nothing more", out->shown);
    free(out->shown);
    out->shown = tw_strdup(text);
    out->type = TW_TRANSPORT_SMTP;
    return 0;
}

int tw_hook_parse(const char *text, char **host, char **shown, struct tw_error *e)
{
    static const char *const schemes[] = {"https://", "http://", NULL};
    if (tw_url_parse(text, schemes, host, shown, e) != 0)
        return -1;
    if (strncmp(text, "http://", 7) == 0 && *host && !is_loopback(*host))
        return tw_fail(e, "\"%s\": to another machine only https://", *shown);
    return 0;
}

/* ---- all ------------------------------------------------------------------------------------ */

static bool is_scheme(const char *text, const char *scheme)
{
    return strncmp(text, scheme, strlen(scheme)) == 0;
}

/* How much of what cannot be understood may be shown: what follows the host may be a secret. */
static size_t harmless(const char *text)
{
    const char *scheme = strstr(text, "://");
    if (strchr(text, '@'))
        return 0;
    if (scheme)
        return (size_t)(scheme - text) + 3;
    return text[0] == '/' ? strlen(text) : strcspn(text, "/");
}

int tw_transport_parse(const char *text, const char *qmail_dir, struct tw_transport_config *out,
                       struct tw_error *e)
{
    static const char sendmail[] = "sendmail:", maildir[] = "maildir:";
    const int shown = (int)harmless(text);
    int result = 0;
    if (strcmp(text, "qmail-inject") == 0) {
        out->type = TW_TRANSPORT_QMAIL_INJECT;
        out->path = tw_format("%s/bin/qmail-inject", qmail_dir);
        out->needs_qmail = true;
    } else if (is_scheme(text, sendmail) && text[strlen(sendmail)] == '/') {
        out->type = TW_TRANSPORT_SENDMAIL;
        out->path = tw_strdup(text + strlen(sendmail));
        out->needs_qmail = leads_below(out->path, qmail_dir);
    } else if (is_scheme(text, maildir) && text[strlen(maildir)] == '/') {
        out->type = TW_TRANSPORT_MAILDIR;
        out->path = tw_strdup(text + strlen(maildir));
    } else if (is_scheme(text, "smtp://") || is_scheme(text, "smtps://")) {
        result = take_smtp(text, out, e);
    } else if (is_scheme(text, "https://") || is_scheme(text, "http://")) {
        out->type = TW_TRANSPORT_HOOK;
        result = tw_hook_parse(text, &out->host, &out->shown, e);
    } else {
        return tw_fail(e,
                       "\"%.*s%s\" is no transport: write \"qmail-inject\", \"sendmail:/PATH\", "
                       "\"maildir:/PATH\", \"smtp://HOST\", \"smtps://HOST\" or "
                       "\"https://HOST/...\"",
                       shown < 100 ? shown : 100, text, text[shown] ? "..." : "");
    }
    out->text = tw_strdup(text);
    if (!out->shown)
        out->shown = tw_strdup(text);
    if (result != 0)
        tw_transport_clear(out);
    return result;
}

void tw_transport_clear(struct tw_transport_config *transport)
{
    free(transport->text);
    free(transport->path);
    free(transport->host);
    free(transport->shown);
    *transport = (struct tw_transport_config){0};
}
