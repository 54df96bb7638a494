/* How a transport is written. Delivering is alert/transport.c's. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
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

int tw_transport_parse(const char *text, const char *qmail_dir, struct tw_transport_config *out,
                       struct tw_error *e)
{
    static const char sendmail[] = "sendmail:", maildir[] = "maildir:";
    if (strcmp(text, "qmail-inject") == 0) {
        out->type = TW_TRANSPORT_QMAIL_INJECT;
        out->path = tw_format("%s/bin/qmail-inject", qmail_dir);
        out->needs_qmail = true;
    } else if (strncmp(text, sendmail, strlen(sendmail)) == 0 && text[strlen(sendmail)] == '/') {
        out->type = TW_TRANSPORT_SENDMAIL;
        out->path = tw_strdup(text + strlen(sendmail));
        out->needs_qmail = leads_below(out->path, qmail_dir);
    } else if (strncmp(text, maildir, strlen(maildir)) == 0 && text[strlen(maildir)] == '/') {
        out->type = TW_TRANSPORT_MAILDIR;
        out->path = tw_strdup(text + strlen(maildir));
    } else {
        return tw_fail(e,
                       "\"%s\" is no transport: write \"qmail-inject\", \"sendmail:/PATH\" or "
                       "\"maildir:/PATH\"",
                       text);
    }
    out->text = tw_strdup(text);
    return 0;
}

void tw_transport_clear(struct tw_transport_config *transport)
{
    free(transport->text);
    free(transport->path);
    *transport = (struct tw_transport_config){0};
}
