/* The configuration: files in, one immutable typed value out. Syntax by libConfuse; which keys
 * there are is said by tables (base/option.h): those of the sections in config.c, and each kind's.
 * Manual: toaster-watcher.conf(5). */
#ifndef TW_CONFIG_CONFIG_H
#define TW_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strings.h"
#include "base/window.h"
#include "kinds/kind.h"

/* What every check has. */
struct tw_common {
    int64_t every_s, timeout_s, fail_after, ok_after;
};

struct tw_job_config {
    char *name; /* "process.clamd"; "service.*" */
    char *title;
    const struct tw_kind *kind;
    struct tw_common common;         /* defaults filled in */
    struct tw_window window;         /* of a task; zeroed: any time */
    struct tw_strings then, depends; /* an argument list; names of jobs */
    void *settings;                  /* the kind's struct, by its option table */
};

enum tw_transport_type {
    TW_TRANSPORT_QMAIL_INJECT,
    TW_TRANSPORT_SENDMAIL,
    TW_TRANSPORT_MAILDIR,
    TW_TRANSPORT_SMTP,
    TW_TRANSPORT_HOOK,
    TW_TRANSPORT_PING, /* not a transport: the heartbeat's way out */
    TW_TRANSPORTS
};

struct tw_transport_config {
    char *text;  /* as written: "maildir:/home/..." */
    char *shown; /* the same for a log: of a URL that may hold a secret only the host */
    enum tw_transport_type type;
    char *path;       /* the program or the Maildir; NULL */
    char *host;       /* of a URL, without port; NULL */
    bool needs_qmail; /* qmail-inject; a sendmail that is (a link to) one below qmail.dir */
};

/* Parses "qmail-inject", "sendmail:/PATH", "maildir:/PATH", "smtp://HOST[:PORT]", "smtps://...",
 * "https://HOST/..." (to a loopback address also http://) into a zeroed struct. An error says
 * which forms there are. Resolves links of a sendmail (blocks), to see whether it is qmail's. */
int tw_transport_parse(const char *text, const char *qmail_dir, struct tw_transport_config *out,
                       struct tw_error *e);
void tw_transport_clear(struct tw_transport_config *transport); /* frees the members */

/* A web hook's URL, or the heartbeat's; as tw_url_parse. */
int tw_hook_parse(const char *text, char **host, char **shown, struct tw_error *e);

/* Transports, and the order that they are tried in. */
struct tw_via {
    struct tw_transport_config *items;
    size_t count;
};

struct tw_config {
    char *file; /* the main file, as given */
    char *postmaster, *hostname, *state_dir, *control;
    char *control_group; /* "": none */
    int64_t status_every_s;
    bool verbose;
    struct tw_qmail_config {
        char *dir, *supervise, *service, *log;
    } qmail;
    struct tw_web_config {
        char *htdocs, *cgi_bin; /* NULL: the usual places */
    } web;
    struct tw_sources mailboxes;
    struct tw_alert_config {
        struct tw_strings via_text, escalate_text; /* as written; may be empty */
        struct tw_strings to;                      /* never empty: the postmaster by default */
        int64_t group_wait_s, max_per_hour;
        int64_t remind_s, escalate_s; /* TW_NEVER: not at all */
        char *passwords, *ca_file;    /* NULL: none */
        char *passwords_where;        /* "FILE:LINE: "; NULL: nowhere */
        struct tw_via via, escalate;
    } alert;
    struct tw_heartbeat_config {
        char *url; /* NULL: none */
        int64_t every_s;
    } heartbeat;
    struct tw_report_config {
        int64_t every_s; /* TW_NEVER: none */
        char *at;        /* "08:00" */
    } report;
    struct tw_common defaults;
    struct tw_job_config *jobs; /* sorted by name, no name twice */
    size_t job_count;
    struct tw_peer *peers; /* those of them that others must know of */
    size_t peer_count;
};

/* Reads the file and its includes, completely checked. Every error names file and line, or the
 * file where there is no line. Each file must belong to root or to our effective uid and be
 * writable by no one else (neither group nor others). Blocks on the disk. NULL with an error.
 *
 * include("PATTERN") may stand at the top level of the main file only where a section may; each
 * match (in sorted order; none is no error) is parsed on its own and merged. A path without * ? [
 * must be there. An include inside an included file is an error. A title twice, or a key twice, in
 * whatever files, is an error. */
struct tw_config *tw_config_load(const char *file, struct tw_error *e);
void tw_config_free(struct tw_config **config);

/* The files of secrets that it names: may they be used? For whoever is about to bring it into
 * force, and not a part of loading: who may only look cannot read them, and a file that was spoilt
 * since must not keep a configuration that was good from being used. The error names file and line,
 * and what is wrong. Blocks on the disk. */
int tw_config_check_secrets(const struct tw_config *config, struct tw_error *e);

/* The first of /etc, /usr/local/etc, /opt/local/etc that has toaster-watcher.conf; NULL: none. */
const char *tw_config_default_file(void);

/* What `hostname` is where it is not set: the machine's own name, or "localhost" if that could not
 * stand in a header. The caller frees it. */
char *tw_config_system_hostname(void);

/* state_dir as far as it can be told from a file that is broken: its first top-level line
 * state_dir = "...", else the default. Only from a file whose owner and mode are right. The caller
 * frees. */
char *tw_config_state_dir(const char *file);

/* Where the last configuration that was in force lies, for a file that is broken. The caller
 * frees. */
char *tw_config_last_good(const char *file);

/* One written value of a key outside jobs, named as "postmaster" or "alert.to": has it the form
 * that such a value must have? What no form is asked of is well. */
int tw_config_check(const char *name, const char *value, struct tw_error *e);

/* The whole effective configuration in its own syntax: reads back as an equal configuration. */
void tw_config_write(const struct tw_config *config, bool secrets, struct tw_buf *out);

const struct tw_job_config *tw_config_find(const struct tw_config *config, const char *name);
/* So many jobs may wait for each other in a row. */
#define TW_DEPENDS_MAX 100
/* The same, or the "*" of that kind, which may bring a job of that name. */
const struct tw_job_config *tw_config_job_named(const struct tw_config *config, const char *name);
bool tw_job_config_equal(const struct tw_job_config *a, const struct tw_job_config *b);
struct tw_places tw_config_places(const struct tw_config *config); /* borrowed */

#endif
