/* Which processes and services the old file says are there. A name becomes a process only if
 * something of that name runs all the time: what tcpserver or couriertcpd starts for a connection
 * does not, and is looked after as the service that listens for it. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "kinds/kind.h"
#include "setup/confout.h"
#include "setup/import_private.h"

enum log_method { LOG_MULTILOG, LOG_SYSLOG, LOG_NONE };

struct service {
    char *name;
    enum log_method log;
    const char *remark;
    const struct tw_oldconf_entry *named; /* what gave it another name; NULL: nothing */
    bool elsewhere;                       /* not in the directory that is watched */
};

enum { SERVICES_MAX = 5 }; /* send; two of qpsmtpd, smtp, submit; pop3; vpopmaild */

struct daemons {
    struct service services[SERVICES_MAX];
    size_t count;
    const char *pop3, *pop3_ssl; /* NULL: none */
    bool courier;
};

static enum log_method find_log(struct tw_importer *w, const char *key, enum log_method fallback)
{
    static const char *const words[] = {"multilog", "syslog", "disabled", "verbose",
                                        "stats",    "debug",  "maillogs", NULL};
    const char *word = tw_import_word(w, key, words);
    if (!word)
        return fallback;
    if (strcmp(word, "syslog") == 0)
        return LOG_SYSLOG;
    return strcmp(word, "disabled") == 0 ? LOG_NONE : LOG_MULTILOG;
}

/* ---- services ------------------------------------------------------------------------------ */

/* Without slashes at its end. */
static size_t directory_length(const char *dir, size_t length)
{
    while (length > 1 && dir[length - 1] == '/')
        length--;
    return length;
}

/* Up to 5.27 each service could have another name: qmail_service_smtp = qmail_service/smtpd */
enum { LAST_WITH_NAMES = 527 };

static void name_service(struct tw_importer *w, struct service *service, const char *name)
{
    static const char shortcut[] = "qmail_service/";
    char *key = tw_format("qmail_service_%s", name);
    const char *value = w->since <= LAST_WITH_NAMES ? tw_import_text(w, key) : NULL;
    const char *dir = tw_import_path(w, "qmail_service");
    const char *own = value ? strrchr(value, '/') : NULL;
    service->name = tw_strdup(name);
    if (value && (!own || !tw_title_valid(own + 1)))
        tw_import_wrong(w, tw_oldconf_find(w->conf, key), "= \"%s\" names no service", value);
    else if (value) {
        const size_t length = directory_length(value, (size_t)(own - value));
        dir = dir ? dir : "/var/service";
        service->elsewhere =
            strncmp(value, shortcut, length + 1) != 0 &&
            (directory_length(dir, strlen(dir)) != length || strncmp(value, dir, length) != 0);
        free(service->name);
        service->name = tw_strdup(own + 1);
        service->named = tw_oldconf_find(w->conf, key);
    }
    free(key);
}

static void add_service(struct tw_importer *w, struct daemons *d, const char *name,
                        enum log_method log, const char *remark)
{
    struct service *service = &d->services[d->count++];
    *service = (struct service){.log = log, .remark = remark};
    name_service(w, service, name);
}

/* Two of one name would be one job. */
static void check_names(struct tw_importer *w, const struct daemons *d)
{
    for (size_t i = 1; i < d->count; i++) {
        const struct service *service = &d->services[i];
        for (size_t k = 0; k < i; k++) {
            const struct service *other = &d->services[k];
            const struct tw_oldconf_entry *named = service->named ? service->named : other->named;
            if (named && !service->elsewhere && !other->elsewhere &&
                strcmp(service->name, other->name) == 0)
                tw_import_wrong(w, named, "= \"%s\" is a name that another service has, too",
                                named->value);
        }
    }
}

static bool is(const char *value, const char *word)
{
    return value && strcmp(value, word) == 0;
}

static const char *always(const struct tw_importer *w, const char *key)
{
    return tw_import_has(w, key) ? key : "always";
}

static void find_smtp(struct tw_importer *w, struct daemons *d)
{
    static const char *const words[] = {"qmail", "qpsmtpd", NULL};
    const bool smtp = is(tw_import_word(w, "smtpd_daemon", words), "qpsmtpd");
    const bool submit = is(tw_import_word(w, "submit_daemon", words), "qpsmtpd");
    const bool submits = tw_import_flag(w, "submit_enable");
    const enum log_method smtp_log = find_log(w, "smtpd_log_method", LOG_MULTILOG);
    const enum log_method submit_log = find_log(w, "submit_log_method", LOG_MULTILOG);
    if (smtp || (submits && submit))
        add_service(w, d, "qpsmtpd", LOG_MULTILOG, smtp ? "smtpd_daemon" : "submit_daemon");
    if (!smtp)
        add_service(w, d, "smtp", smtp_log, always(w, "smtpd_log_method"));
    if (submits && !submit)
        add_service(w, d, "submit", submit_log, "submit_enable, submit_log_method");
}

static struct daemons find_daemons(struct tw_importer *w)
{
    static const char *const words[] = {"qpop3d", "courier", "dovecot", NULL};
    struct daemons d = {0};
    /* Its run file took syslog where nothing was said; all others multilog. */
    add_service(w, &d, "send", find_log(w, "send_log_method", LOG_SYSLOG),
                always(w, "send_log_method"));
    find_smtp(w, &d);
    d.pop3 = tw_import_word(w, "pop3_daemon", words);
    d.pop3_ssl = tw_import_word(w, "pop3_ssl_daemon", words);
    const enum log_method log = find_log(w, "pop3_log_method", LOG_MULTILOG);
    if (is(d.pop3, "qpop3d") || tw_import_flag(w, "pop3_enable"))
        add_service(w, &d, "pop3", log, "pop3_daemon, pop3_log_method");
    if (tw_import_flag(w, "vpopmail_daemon"))
        add_service(w, &d, "vpopmaild", LOG_MULTILOG, "vpopmail_daemon: under tcpserver");
    d.courier = tw_import_installed(w, "install_courier_imap") || is(d.pop3, "courier") ||
                is(d.pop3_ssl, "courier");
    check_names(w, &d);
    return d;
}

static void free_daemons(struct daemons *d)
{
    for (size_t i = 0; i < d->count; i++)
        free(d->services[i].name);
}

static void write_service(struct tw_importer *w, const struct service *service)
{
    static const char *const logs[] = {"{ }", "{ log = \"syslog\" }", "{ log = \"none\" }"};
    if (service->elsewhere)
        tw_confout_comment(w->text,
                           "Not in qmail_service, which is the only directory that is watched:");
    const size_t start = w->text->len;
    tw_buf_printf(w->text, "%sservice ", service->elsewhere ? "# " : "");
    tw_option_quote(w->text, service->name);
    tw_buf_printf(w->text, " %s", logs[service->log]);
    tw_import_remark(w->text, start, service->remark);
}

static void write_per_connection(struct tw_importer *w, const struct daemons *d)
{
    static const char *const names[] = {"imapd", "imapd-ssl", "pop3d-ssl"};
    if (is(d->pop3, "dovecot") || is(d->pop3, "courier"))
        tw_confout_comment(w->text, "No service pop3: pop3_daemon is %s.", d->pop3);
    if (d->courier) {
        tw_buf_puts(w->text, "\n");
        tw_confout_comment(
            w->text, "Courier's servers run under couriertcpd, one for each connection: while "
                     "nobody is connected there are none, so they are no processes to look "
                     "for. If svscan runs what listens, say so, by the names it has there:");
        for (size_t i = 0; i < TW_COUNT(names); i++)
            tw_buf_printf(w->text, "# service \"%s\" { }\n", names[i]);
    }
    if (tw_import_installed(w, "install_qmail_deliverable")) {
        tw_buf_puts(w->text, "\n");
        tw_confout_comment(
            w->text, "install_qmail_deliverable: the old script wrote its run file, but never "
                     "linked it. If svscan runs it:");
        tw_buf_puts(w->text, "# service \"qmail-deliverable\" { }\n");
    }
}

static void write_unread_names(struct tw_importer *w)
{
    static const char *const keys[] = {"qmail_service_send", "qmail_service_smtp",
                                       "qmail_service_submit", "qmail_service_pop3"};
    for (size_t i = 0; w->since > LAST_WITH_NAMES && i < TW_COUNT(keys); i++)
        if (tw_import_has(w, keys[i]))
            tw_confout_comment(w->text, "%s: no version from 5.33 on read it.", keys[i]);
}

static void write_services(struct tw_importer *w, const struct daemons *d)
{
    tw_confout_heading(w->text, "services");
    write_unread_names(w);
    for (size_t i = 0; i < d->count; i++)
        write_service(w, &d->services[i]);
    write_per_connection(w, d);
}

/* ---- processes ----------------------------------------------------------------------------- */

static void process(struct tw_importer *w, const char *name, const char *user, const char *remark)
{
    const size_t start = w->text->len;
    tw_buf_printf(w->text, "process \"%s\" {", name);
    if (user) {
        tw_buf_puts(w->text, " user = ");
        tw_option_quote(w->text, user);
    }
    tw_buf_puts(w->text, " }");
    tw_import_remark(w->text, start, remark);
}

static void always_there(struct tw_importer *w, const struct daemons *d)
{
    bool multilog = false;
    for (size_t i = 0; i < d->count; i++)
        multilog = multilog || d->services[i].log == LOG_MULTILOG;
    process(w, "svscan", "root", "always; anybody may name a process so");
    const char *user = tw_import_user(w, "qmail_user_send");
    process(w, "qmail-send", user, user ? "always; qmail_user_send" : "always");
    if (multilog)
        process(w, "multilog", NULL, "the log methods");
}

/* Up to 5.13 install_mysql meant the server; from 5.26 on install_mysqld does. */
static void database(struct tw_importer *w)
{
    const char *key = tw_import_has(w, "install_mysqld") ? "install_mysqld" : "install_mysql";
    if (!tw_import_installed(w, key))
        return;
    tw_confout_comment(w->text,
                       "%s: the server mysqld is called mariadbd by now. Where it still is MySQL, "
                       "write mysqld.",
                       key);
    process(w, "mariadbd", NULL, key);
}

/* authdaemond came with version 4, which the old script asked for by a number over 4. */
static bool has_authdaemond(struct tw_importer *w)
{
    const char *version = tw_import_text(w, "install_courier_imap");
    return version && (!strchr("0123456789", version[0]) || strtod(version, NULL) > 4);
}

static void mail_servers(struct tw_importer *w, const struct daemons *d)
{
    const bool pop3 = tw_import_has(w, "pop3_daemon");
    if (tw_import_installed(w, "install_dovecot") || is(d->pop3, "dovecot") ||
        is(d->pop3_ssl, "dovecot"))
        process(w, "dovecot", NULL, pop3 ? "install_dovecot, pop3_daemon" : "install_dovecot");
    if (d->courier)
        process(w, "couriertcpd", NULL,
                pop3 ? "install_courier_imap, pop3_daemon" : "install_courier_imap");
    if (d->courier && has_authdaemond(w))
        process(w, "authdaemond", NULL, "install_courier_imap");
    if (tw_import_installed(w, "install_sqwebmail"))
        process(w, "sqwebmaild", NULL, "install_sqwebmail");
    if (is(d->pop3_ssl, "qpop3d")) {
        tw_confout_comment(w->text,
                           "pop3_ssl_daemon is qpop3d, behind stunnel, whose process has the name "
                           "that its package gave it:");
        tw_buf_puts(w->text, "# process \"stunnel\" { }\n");
    }
}

static void write_processes(struct tw_importer *w, const struct daemons *d, const char *clamav)
{
    tw_confout_heading(w->text, "processes, each by its exact name");
    always_there(w, d);
    if (tw_import_installed(w, "install_clamav")) {
        const char *from = clamav ? "install_clamav, install_clamav_user" : "install_clamav";
        process(w, "clamd", clamav, from);
        process(w, "freshclam", clamav, from);
    }
    if (tw_import_installed(w, "install_spamassassin"))
        process(w, "spamd", NULL, "install_spamassassin");
    mail_servers(w, d);
    database(w);
    if (tw_import_installed(w, "install_apache"))
        process(w, "httpd", NULL, "install_apache; on Debian it is apache2");
    if (tw_import_installed(w, "install_lighttpd"))
        process(w, "lighttpd", NULL, "install_lighttpd");
    /* The old script never looked: it asked for install_snmp, which no file had. */
    if (tw_import_installed(w, "install_net_snmpd") || tw_import_installed(w, "install_snmp"))
        process(w, "snmpd", NULL, "install_net_snmpd");
}

void tw_import_jobs(struct tw_importer *w)
{
    const char *clamav = tw_import_user(w, "install_clamav_user");
    struct daemons d = find_daemons(w);
    write_processes(w, &d, clamav);
    write_services(w, &d);
    free_daemons(&d);
}
