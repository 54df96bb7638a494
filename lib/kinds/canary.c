/* Kind `canary`: does the mail really come, and does what should not come stay away? Test mails are
 * sent through the front door and looked for in a mailbox. This file does one step of a round at
 * each run: it begins one, hands one mail over, or looks once; canary_round.c knows what it comes
 * to, canary_search.c looks with the rights of the mailbox's owner.
 *
 * Aspects: the main one (the server takes mail, the mailbox can be looked at), and one for each
 * test mail: clean, spam, virus, attach, clam. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kinds/canary_round.h"
#include "kinds/canary_search.h"

enum {
    WRITTEN_MS = 500, /* until the state is on disk, and the next mail goes: who takes over must
                         know of those before it */
    FIRST_LOOK_MS = 1000,
    SEND_MIN_MS = 10000,
    SEND_MAX_MS = 60000
};

/* One run, as it grows. */
struct state {
    const struct tw_run *run;
    const struct tw_canary_settings *settings;
    struct tw_canary_round round;
    int64_t began_ms;
};

/* The run's clock, which goes on while it sends. */
static int64_t now_s(const struct state *s)
{
    return s->run->now_s + (tw_clock_ms() - s->began_ms) / 1000;
}

static void remember(const struct state *s)
{
    struct tw_buf text = {0};
    tw_canary_write(&s->round, &text);
    s->run->sink->remember(s->run->sink->context, tw_buf_text(&text));
    tw_buf_free(&text);
}

static void look_again(const struct state *s, int64_t in_ms)
{
    s->run->sink->look_again(s->run->sink->context, in_ms);
}

/* The daemon: whoever sees another's round does not know what it was just sending. */
static char *who_we_are(void)
{
    struct tw_proc parent = {0};
    (void)tw_proc_read("/proc", getppid(), &parent);
    return tw_format("%d.%" PRIu64, (int)getppid(), parent.start_ticks);
}

/* ---- sending ------------------------------------------------------------------------------ */

static char *write_mail(const struct state *s, const struct tw_canary_mail *mail, size_t *length)
{
    const struct tw_canary_settings *settings = s->settings;
    const char *host = s->run->places->hostname;
    char *postmaster = tw_format("postmaster@%s", host);
    struct tw_buf text = {0};
    const struct tw_testmail_head head = {.from = settings->from ? settings->from : postmaster,
                                          .to = settings->to,
                                          .host = host,
                                          .id = mail->id,
                                          .now_s = s->run->now_s};
    tw_testmail_write(mail->type, &head, &text);
    free(postmaster);
    *length = text.len;
    return tw_buf_take(&text);
}

static void send_mail(struct state *s, struct tw_canary_mail *mail)
{
    const struct tw_canary_settings *settings = s->settings;
    const int64_t max_ms = settings->max_time_s * 1000, began_s = now_s(s);
    struct tw_error why = {""};
    size_t length;
    char *text = write_mail(s, mail, &length), *url = tw_mailout_url(settings->smtp, &why);
    const struct tw_mailout mailout = {.way = TW_MAILOUT_SMTP,
                                       .place = url,
                                       .to = settings->to,
                                       .hello = s->run->places->hostname,
                                       .timeout_ms = (int)(max_ms < SEND_MIN_MS   ? SEND_MIN_MS
                                                           : max_ms > SEND_MAX_MS ? SEND_MAX_MS
                                                                                  : max_ms),
                                       .alive = tw_report_progress,
                                       .context = (void *)(uintptr_t)s->run};
    const enum tw_mailout_result result =
        url ? tw_mailout_send(&mailout, text, length, &why) : TW_MAILOUT_FAILED;
    tw_canary_sent(mail, result, why.text, settings->max_time_s, began_s, now_s(s));
    free(text);
    free(url);
}

/* Where one cannot be handed over, others cannot: they are not tried. */
static void give_up_others(struct state *s, const struct tw_canary_mail *failed)
{
    for (size_t i = 0; i < s->round.mail_count; i++) {
        struct tw_canary_mail *mail = &s->round.mails[i];
        if (mail->fate != TW_CANARY_NEW)
            continue;
        mail->fate = TW_CANARY_FAILED;
        free(mail->said);
        mail->said = tw_strdup(failed->said);
    }
}

static bool has_new(const struct tw_canary_round *round)
{
    for (size_t i = 0; i < round->mail_count; i++)
        if (round->mails[i].fate == TW_CANARY_NEW)
            return true;
    return false;
}

static void send_next(struct state *s, struct tw_canary_mail *mail)
{
    send_mail(s, mail);
    if (mail->fate == TW_CANARY_FAILED)
        give_up_others(s, mail);
    remember(s);
    look_again(s, has_new(&s->round) ? WRITTEN_MS : FIRST_LOOK_MS);
}

/* ---- looking ------------------------------------------------------------------------------ */

static void on_seen(void *context, const struct tw_canary_sight *sight)
{
    struct state *s = context;
    char *text = tw_canary_saw(&s->round, sight, now_s(s));
    if (text)
        s->run->sink->note(s->run->sink->context, text);
    free(text);
}

/* Has one been seen that was not known? It is still there, until it is written down. */
static bool has_come(const struct tw_canary_round *round, const struct tw_strings *known)
{
    struct tw_strings now = {0};
    bool has = false;
    tw_canary_known(round, &now);
    for (size_t i = 0; i < now.count; i++)
        has = has || !tw_strings_has(known, now.items[i]);
    tw_strings_free(&now);
    return has;
}

/* As tw_canary_search. *again: it is to be looked at once more, for what has come is to be removed.
 */
static int search(struct state *s, bool for_mails, bool *again, struct tw_error *e)
{
    struct tw_strings ids = {0}, known = {0};
    if (for_mails) {
        tw_canary_ids(&s->round, &ids);
        tw_canary_known(&s->round, &known);
    }
    const struct tw_canary_search what = {.run = s->run,
                                          .ids = &ids,
                                          .known = &known,
                                          .since_s = tw_canary_since_s(&s->round, s->run->now_s),
                                          .seen = on_seen,
                                          .context = s};
    const int result = tw_canary_search(&what, e);
    *again = for_mails && has_come(&s->round, &known);
    if (result == 1 && for_mails && !*again)
        s->round.looked_s = s->run->now_s;
    tw_strings_free(&known);
    tw_strings_free(&ids);
    return result;
}

/* `searched` as of search(). Of what could not be looked for, only what was seen or said is known.
 */
static struct tw_canary_verdict judge(const struct state *s, const struct tw_canary_mail *mail,
                                      int searched)
{
    struct tw_canary_verdict verdict =
        tw_canary_judge(mail, s->settings->spam, s->settings->max_time_s, s->run->now_s);
    if (searched != 1 && !mail->folder && mail->fate == TW_CANARY_TAKEN &&
        strcmp(verdict.code, "accepted") != 0)
        verdict.level = TW_LEVEL_NONE;
    return verdict;
}

static void report_mail(const struct state *s, const struct tw_canary_mail *mail,
                        const struct tw_canary_verdict *verdict)
{
    tw_report(s->run, verdict->level, tw_testmail_name(mail->type), verdict->code, "%s",
              verdict->text ? verdict->text : "not known");
}

static bool all_known(const struct state *s)
{
    bool all = true;
    for (size_t i = 0; i < s->round.mail_count; i++) {
        const struct tw_canary_verdict verdict = judge(s, &s->round.mails[i], 1);
        all = all && verdict.text;
        free(verdict.text);
    }
    return all;
}

/* What has failed already is a line in the log at once; it counts when the round is over. */
static void report_early(struct state *s, int searched)
{
    for (size_t i = 0; i < s->round.mail_count; i++) {
        struct tw_canary_mail *mail = &s->round.mails[i];
        const struct tw_canary_verdict verdict = judge(s, mail, searched);
        if (verdict.level == TW_LEVEL_FAIL && !mail->told) {
            mail->told = true;
            report_mail(s, mail, &verdict);
        }
        free(verdict.text);
    }
}

static const struct tw_canary_mail *first_failed(const struct tw_canary_round *round)
{
    for (size_t i = 0; i < round->mail_count; i++)
        if (round->mails[i].fate == TW_CANARY_FAILED)
            return &round->mails[i];
    return NULL;
}

static void report_no_mailbox(const struct tw_run *run, const char *more)
{
    const struct tw_canary_settings *settings = run->settings;
    tw_report(run, TW_LEVEL_FAIL, "", "no-mailbox",
              "there is no mailbox %s: make it, or name one that toasterctl mailboxes lists%s",
              settings->to, more);
}

static void report_main(const struct state *s, int searched, const struct tw_error *why)
{
    const struct tw_run *run = s->run;
    const struct tw_canary_mail *failed = first_failed(&s->round);
    if (failed)
        tw_report(run, TW_LEVEL_FAIL, "", "cannot-reach", "cannot reach %s: %s", s->settings->smtp,
                  failed->said);
    else if (searched < 0)
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "cannot look for the test mails: %s",
                  why->text);
    else if (searched == 0)
        report_no_mailbox(run, "; it was there when the test mails were sent");
    else
        tw_report(run, TW_LEVEL_OK, "", "ok", "%zu test mail%s handed to %s and looked for in %s",
                  s->round.mail_count, s->round.mail_count == 1 ? "" : "s", s->settings->smtp,
                  s->settings->to);
}

static void finish(struct state *s, int searched, const struct tw_error *why)
{
    report_main(s, searched, why);
    for (size_t i = 0; i < s->round.mail_count; i++) {
        const struct tw_canary_mail *mail = &s->round.mails[i];
        const struct tw_canary_verdict verdict = judge(s, mail, searched);
        report_mail(s, mail, &verdict);
        free(verdict.text);
    }
    tw_canary_close(&s->round, s->run->now_s);
    remember(s);
}

static void look(struct state *s)
{
    struct tw_error why = {""};
    bool again;
    const int searched = search(s, true, &again, &why);
    if (!again && all_known(s)) {
        finish(s, searched, &why);
        return;
    }
    /* First: so that what is reported here does not count yet. */
    look_again(s, again ? WRITTEN_MS
                        : tw_canary_look_ms(&s->round, s->settings->max_time_s, s->run->now_s));
    report_early(s, searched);
    remember(s);
}

/* ---- the run ------------------------------------------------------------------------------ */

static void begin(struct state *s, const char *who)
{
    const struct tw_strings *send = &s->settings->send;
    enum tw_testmail types[TW_TESTMAILS];
    char *ids[TW_TESTMAILS];
    size_t count = 0;
    for (size_t i = 0; i < send->count && count < TW_TESTMAILS; i++)
        if (tw_testmail_find(send->items[i], &types[count]))
            ids[count++] = tw_testmail_id(s->run->now_s);
    tw_canary_begin(&s->round, s->settings->to, who, types, ids, count, s->run->now_s);
    for (size_t i = 0; i < count; i++)
        free(ids[i]);
    remember(s);
    look_again(s, WRITTEN_MS);
}

/* Nothing is known of the mails, since none is sent. */
static void report_none(const struct state *s)
{
    for (size_t i = 0; i < s->settings->send.count; i++)
        tw_report(s->run, TW_LEVEL_NONE, s->settings->send.items[i], "none", "not sent");
}

static void try_to_begin(struct state *s, const char *who)
{
    struct tw_error why;
    bool again;
    const int searched = search(s, false, &again, &why);
    if (searched == 1) {
        begin(s, who);
        return;
    }
    if (searched == 0)
        report_no_mailbox(s->run, "; nothing was sent");
    else
        tw_report(s->run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s; nothing was sent", why.text);
    report_none(s);
}

static void go_on(struct state *s, const char *who)
{
    bool write;
    struct tw_canary_mail *mail = tw_canary_next(&s->round, who, s->run->now_s, &write);
    if (mail && write) {
        remember(s);
        look_again(s, WRITTEN_MS);
    } else if (mail) {
        send_next(s, mail);
    } else {
        look(s);
    }
}

/* Mails that went to another mailbox cannot be looked for any more. */
static void forget_other(struct state *s)
{
    if (!s->round.to || strcmp(s->round.to, s->settings->to) == 0)
        return;
    const size_t left = s->round.late_count + (s->round.open ? s->round.mail_count : 0);
    if (left) {
        char *text = tw_format("test mails now go to %s: %zu of earlier ones may be left in %s",
                               s->settings->to, left, s->round.to);
        s->run->sink->note(s->run->sink->context, text);
        free(text);
    }
    tw_canary_free(&s->round);
}

static void canary_run(const struct tw_run *run)
{
    struct state s = {.run = run, .settings = run->settings, .began_ms = tw_clock_ms()};
    char *who = who_we_are();
    if (run->look_only) {
        tw_report(run, TW_LEVEL_WARN, "", "not-sent",
                  "no test mail is sent without the daemon, which remembers what to look for");
    } else {
        tw_canary_read(run->memory, &s.round);
        tw_canary_set_back(&s.round, run->now_s);
        forget_other(&s);
        if (s.round.open)
            go_on(&s, who);
        else
            try_to_begin(&s, who);
        tw_canary_free(&s.round);
    }
    free(who);
}

/* ---- letters ------------------------------------------------------------------------------ */

static void canary_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    struct tw_canary_round round;
    tw_canary_read(run->memory, &round);
    tw_canary_show(&round, aspect, out);
    tw_canary_free(&round);
}

static void canary_advice(const struct tw_run *run, const char *aspect, const char *code,
                          struct tw_buf *out)
{
    const struct tw_canary_settings *s = run->settings;
    if (strcmp(code, "no-mailbox") == 0 || strcmp(code, "cannot-look") == 0)
        tw_buf_puts(out, "toasterctl mailboxes");
    else
        tw_buf_printf(out, "toasterctl send-test %s --to %s --smtp %s",
                      aspect[0] ? aspect : s->send.items[0], s->to, s->smtp);
}

/* It waits for servers, so it shall hold up nobody. */
static bool canary_may_last(const void *settings)
{
    (void)settings;
    return true;
}

static int64_t canary_longer_than_s(const void *settings)
{
    return ((const struct tw_canary_settings *)settings)->max_time_s;
}

const struct tw_kind tw_kind_canary = {
    .name = "canary",
    .rounds_every = "1h",
    .longer_than_s = canary_longer_than_s,
    .options = tw_canary_options,
    .settings_size = sizeof(struct tw_canary_settings),
    .validate = tw_canary_validate,
    .may_last = canary_may_last,
    .run = canary_run,
    .evidence = canary_evidence,
    .advice = canary_advice,
};
