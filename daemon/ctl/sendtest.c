/* The verb send-test: test mails, each handed over by the way that mail takes here, and whether
 * what came of it is what should. Whether they arrive is for the reader to see, or for a canary. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/term.h"
#include "toaster/handover.h"
#include "toaster/mailout.h"
#include "toaster/testmail.h"

enum { TIMEOUT_MS = 120000 /* a server may scan while we wait */, REASON_MAX = 400 };

#define QMAIL_DIR "/var/qmail"

/* Who sends what to whom, and how. */
struct errand {
    const struct ctl *ctl;
    char *host, *from, *to, *place;
    enum tw_mailout_way way;
    size_t printed;
};

struct outcome {
    char *id;
    enum tw_mailout_result result;
    bool good; /* as it should be, as far as can be seen here */
    struct tw_error why;
};

/* ---- what it is done with ------------------------------------------------------------------- */

static void find_names(struct errand *errand)
{
    const struct tw_config *config = errand->ctl->config;
    errand->host = config ? tw_strdup(config->hostname) : tw_config_system_hostname();
    errand->from =
        config ? tw_strdup(config->postmaster) : tw_format("postmaster@%s", errand->host);
}

static int find_recipient(struct errand *errand)
{
    const struct ctl *ctl = errand->ctl;
    struct tw_error e;
    if (!ctl->to && !ctl->config) {
        ctl_complain("cannot send: there is no configuration that names a postmaster; say who gets "
                     "it with --to");
        return CTL_USAGE;
    }
    errand->to = tw_strdup(ctl->to ? ctl->to : ctl->config->postmaster);
    if (tw_mailout_check_address(errand->to, &e) == 0)
        return CTL_OK;
    ctl_complain("cannot send to %s: %s", errand->to, e.text);
    return CTL_USAGE;
}

/* The first transport of alerts that is a program. */
static bool find_configured(struct errand *errand)
{
    const struct tw_via *via = errand->ctl->config ? &errand->ctl->config->alert.via : NULL;
    for (size_t i = 0; via && i < via->count; i++) {
        const struct tw_transport_config *transport = &via->items[i];
        if (transport->type != TW_TRANSPORT_QMAIL_INJECT &&
            transport->type != TW_TRANSPORT_SENDMAIL)
            continue;
        errand->way = transport->type == TW_TRANSPORT_SENDMAIL ? TW_MAILOUT_SENDMAIL
                                                               : TW_MAILOUT_QMAIL_INJECT;
        errand->place = tw_strdup(transport->path);
        return true;
    }
    return false;
}

static bool find_program(struct errand *errand)
{
    const struct tw_config *config = errand->ctl->config;
    errand->way = TW_MAILOUT_QMAIL_INJECT;
    errand->place = tw_format("%s/bin/qmail-inject", config ? config->qmail.dir : QMAIL_DIR);
    if (access(errand->place, X_OK) == 0)
        return true;
    for (const char *const *sendmail = tw_handover_sendmails; *sendmail; sendmail++)
        if (access(*sendmail, X_OK) == 0) {
            free(errand->place);
            errand->place = tw_strdup(*sendmail);
            errand->way = TW_MAILOUT_SENDMAIL;
            return true;
        }
    return false;
}

static int find_way(struct errand *errand)
{
    struct tw_error e;
    if (errand->ctl->smtp) {
        errand->way = TW_MAILOUT_SMTP;
        errand->place = tw_mailout_url(errand->ctl->smtp, &e);
        if (errand->place)
            return CTL_OK;
        ctl_complain("cannot send by --smtp: %s", e.text);
        return CTL_USAGE;
    }
    if (find_configured(errand) || find_program(errand))
        return CTL_OK;
    ctl_complain("cannot send: there is neither %s nor a sendmail; name a server with --smtp",
                 errand->place);
    return CTL_SYSTEM;
}

static int find_types(const struct ctl *ctl, enum tw_testmail *types, size_t *count)
{
    for (*count = 0; ctl->arguments[*count]; ++*count)
        if (!tw_testmail_find(ctl->arguments[*count], &types[*count])) {
            ctl_misuse(ctl,
                       "there is no test mail \"%s\": there are clean, spam, virus, attach and "
                       "clam",
                       ctl->arguments[*count]);
            return CTL_USAGE;
        }
    if (*count)
        return CTL_OK;
    return ctl_misuse(ctl, "which test mails? There are clean, spam, virus, attach and clam");
}

/* ---- one mail ------------------------------------------------------------------------------- */

static void send_one(const struct errand *errand, enum tw_testmail type, struct outcome *outcome)
{
    struct tw_buf text = {0};
    const int64_t now_s = time(NULL);
    *outcome = (struct outcome){.id = tw_testmail_id(now_s)};
    const struct tw_testmail_head head = {errand->from, errand->to, errand->host,
                                          outcome->id,  now_s,      NULL};
    const struct tw_mailout mailout = {errand->way, errand->place, errand->to, errand->host,
                                       TIMEOUT_MS};
    tw_testmail_write(type, &head, &text);
    outcome->result = tw_mailout_send(&mailout, tw_buf_text(&text), text.len, &outcome->why);
    /* Every one but the clean one is there to be refused. */
    outcome->good = outcome->result == TW_MAILOUT_TAKEN ||
                    (outcome->result == TW_MAILOUT_REFUSED && type != TW_TESTMAIL_CLEAN);
    tw_buf_free(&text);
}

/* What is said of it, beside the reason. */
static const char *word_of(const struct outcome *outcome, enum tw_testmail type)
{
    switch (outcome->result) {
    case TW_MAILOUT_TAKEN:
        return tw_testmail_expect(type);
    case TW_MAILOUT_REFUSED:
        return outcome->good ? "refused, as it should be: " : "refused: ";
    case TW_MAILOUT_PUT_OFF:
        return "put off: ";
    case TW_MAILOUT_UNWELCOME:
        return "refused before it was looked at: ";
    case TW_MAILOUT_FAILED:
        break;
    }
    return "";
}

static void print_text(const struct errand *errand, enum tw_testmail type,
                       const struct outcome *outcome)
{
    char *why = tw_escape_new(outcome->result == TW_MAILOUT_TAKEN ? "" : outcome->why.text,
                              TW_ESCAPE_LINE, REASON_MAX);
    printf("%s%-6s%s  %-6s  %s  via %s: %s%s\n", ctl_colour(outcome->good ? CTL_GREEN : CTL_RED),
           outcome->good ? "ok" : "FAILED", ctl_colour(CTL_PLAIN), tw_testmail_name(type),
           outcome->id, errand->place, word_of(outcome, type), why);
    free(why);
}

static void print_json(struct errand *errand, enum tw_testmail type, const struct outcome *outcome)
{
    static const char *const results[] = {"taken", "refused", "put_off", "failed", "unwelcome"};
    struct tw_buf out = {0};
    tw_buf_puts(&out, errand->printed++ ? ",\n {" : "[\n {");
    ctl_json_text(&out, "type", tw_testmail_name(type));
    ctl_json_flag(&out, "ok", outcome->good);
    ctl_json_text(&out, "id", outcome->id);
    ctl_json_text(&out, "to", errand->to);
    ctl_json_text(&out, "via", errand->place);
    ctl_json_text(&out, "result", results[outcome->result]);
    ctl_json_text(&out, "reason", outcome->result == TW_MAILOUT_TAKEN ? "" : outcome->why.text);
    ctl_json_text(&out, "expected", tw_testmail_expect(type));
    printf("%s}", tw_buf_text(&out));
    tw_buf_free(&out);
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* On a terminal a line says what is waited for, until the answer takes its place: one that does not
 * wrap, and goes without a code that a dumb one would show. Not by a struct ctl_progress, which
 * would have to be called while we wait. Gives back its width. */
static int show_progress(const struct errand *errand, enum tw_testmail type)
{
    int width = 0;
    if (!errand->ctl->json && ctl_is_terminal()) {
        char *line = tw_format("...     %-6s  via %s", tw_testmail_name(type), errand->place);
        width = printf("%.*s", ctl_terminal_width(STDOUT_FILENO) - 1, line);
        free(line);
    }
    fflush(stdout);
    return width;
}

static void hide_progress(int width)
{
    if (width > 0)
        printf("\r%*s\r", width, "");
}

/* Ends at the first that nobody has said yes or no to: for the next one it would be the same wait.
 */
static int send_all(struct errand *errand, const enum tw_testmail *types, size_t count)
{
    int code = CTL_OK;
    size_t i = 0;
    for (; i < count && code != CTL_SYSTEM; i++) {
        struct outcome outcome;
        const int width = show_progress(errand, types[i]);
        send_one(errand, types[i], &outcome);
        hide_progress(width);
        if (errand->ctl->json)
            print_json(errand, types[i], &outcome);
        else
            print_text(errand, types[i], &outcome);
        if (outcome.result == TW_MAILOUT_FAILED)
            code = CTL_SYSTEM;
        else if (!outcome.good)
            code = CTL_FAILED;
        free(outcome.id);
    }
    if (errand->ctl->json)
        puts("\n]");
    fflush(stdout);
    for (; i < count; i++)
        ctl_complain("%s was not tried", tw_testmail_name(types[i]));
    return code;
}

static void print_note(const struct errand *errand, const enum tw_testmail *types, size_t count)
{
    bool filtered = false;
    for (size_t i = 0; i < count; i++)
        filtered = filtered || types[i] != TW_TESTMAIL_CLEAN;
    if (filtered && errand->way != TW_MAILOUT_SMTP && !errand->ctl->json)
        puts("Mail from a program does not pass a scanner that hangs on SMTP (qmail-smtpd with "
             "QMAILQUEUE);\nwith --smtp HOST:PORT it does.");
}

int ctl_send_test(const struct ctl *ctl)
{
    struct errand errand = {.ctl = ctl};
    size_t count = 0;
    while (ctl->arguments[count])
        count++;
    enum tw_testmail *types = tw_realloc_array(NULL, count + 1, sizeof *types);
    int code = find_types(ctl, types, &count);
    if (code == CTL_OK)
        code = find_recipient(&errand);
    if (code == CTL_OK)
        code = find_way(&errand);
    if (code == CTL_OK) {
        find_names(&errand);
        code = send_all(&errand, types, count);
        if (code != CTL_SYSTEM)
            print_note(&errand, types, count);
    }
    free(types);
    free(errand.host);
    free(errand.from);
    free(errand.to);
    free(errand.place);
    return code;
}
