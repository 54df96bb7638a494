/* One round of a canary. Knows neither mailbox nor server. */
#include "kinds/canary_round.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"

enum {
    ID_MAX = 64,
    ID_RANDOM = 32, /* hexadecimal digits */
    SAID_MAX = 300,
    LOOK_MAX_MS = 10000,
    RETRY_MAX_S = 30,
    MAILS_MAX = TW_TESTMAILS
};

static const char *const fates[TW_CANARY_FATES] = {"new",     "taken",  "refused", "unwelcome",
                                                   "put-off", "failed", "perhaps"};

/* ---- as text ------------------------------------------------------------------------------ */

/* As tw_testmail_id makes them. */
static bool is_id(const char *text)
{
    const size_t digits = strspn(text, "0123456789");
    return digits && digits < ID_MAX - ID_RANDOM && text[digits] == '.' &&
           strlen(text + digits + 1) == ID_RANDOM &&
           strspn(text + digits + 1, "0123456789abcdef") == ID_RANDOM;
}

/* The word at *at, which then is behind it and the blank that follows. */
static char *take_word(const char **at)
{
    const size_t length = strcspn(*at, " ");
    char *word = tw_strndup(*at, length);
    *at += length + ((*at)[length] == ' ');
    return word;
}

static bool take_number(const char **at, int64_t *out)
{
    char *word = take_word(at), *end;
    const bool good = word[0] >= '0' && word[0] <= '9' && strlen(word) < 16;
    *out = strtoll(word, &end, 10);
    const bool whole = good && *end == '\0';
    free(word);
    return whole;
}

static bool take_type(const char **at, enum tw_testmail *out)
{
    char *word = take_word(at);
    const bool good = tw_testmail_find(word, out);
    free(word);
    return good;
}

static bool take_id(const char **at, char **out)
{
    *out = take_word(at);
    if (is_id(*out))
        return true;
    free(*out);
    *out = NULL;
    return false;
}

static void free_mail(struct tw_canary_mail *mail)
{
    free(mail->id);
    free(mail->said);
    free(mail->folder);
}

static bool take_fate(const char **at, enum tw_canary_fate *out)
{
    char *word = take_word(at);
    size_t i = 0;
    while (i < TW_CANARY_FATES && strcmp(fates[i], word) != 0)
        i++;
    free(word);
    *out = (enum tw_canary_fate)i;
    return i < TW_CANARY_FATES;
}

/* "TYPE ID FATE SENT NEXT TOLD SAID" */
static void read_mail(struct tw_canary_round *round, const char *at)
{
    struct tw_canary_mail mail = {0};
    int64_t told;
    if (round->mail_count < MAILS_MAX && take_type(&at, &mail.type) && take_id(&at, &mail.id) &&
        take_fate(&at, &mail.fate) && take_number(&at, &mail.sent_s) &&
        take_number(&at, &mail.next_s) && take_number(&at, &told)) {
        mail.told = told != 0;
        mail.said = tw_strdup(at);
        round->mails = tw_realloc_array(round->mails, round->mail_count + 1, sizeof *round->mails);
        round->mails[round->mail_count++] = mail;
    } else {
        free_mail(&mail);
    }
}

/* "TOOK IN_SPAM LEFT FOLDER", of the mail in the line before */
static void read_seen(struct tw_canary_round *round, const char *at)
{
    int64_t took_s, in_spam, left;
    if (round->mail_count == 0 || !take_number(&at, &took_s) || !take_number(&at, &in_spam) ||
        !take_number(&at, &left))
        return;
    struct tw_canary_mail *mail = &round->mails[round->mail_count - 1];
    free(mail->folder);
    mail->took_s = took_s;
    mail->in_spam = in_spam != 0;
    mail->left = left & 1;
    mail->other = left & 2;
    mail->folder = tw_strdup(at);
}

static void add_late(struct tw_canary_round *round, enum tw_testmail type, const char *id,
                     int64_t sent_s, bool seen)
{
    if (round->late_count == TW_CANARY_LATE_MAX) {
        free(round->late[0].id);
        memmove(round->late, round->late + 1, --round->late_count * sizeof *round->late);
    }
    round->late = tw_realloc_array(round->late, round->late_count + 1, sizeof *round->late);
    round->late[round->late_count++] = (struct tw_canary_late){type, tw_strdup(id), sent_s, seen};
}

/* "TYPE ID SENT SEEN" */
static void read_late(struct tw_canary_round *round, const char *at)
{
    enum tw_testmail type;
    int64_t sent_s, seen;
    char *id = NULL;
    if (take_type(&at, &type) && take_id(&at, &id) && take_number(&at, &sent_s) &&
        take_number(&at, &seen))
        add_late(round, type, id, sent_s, seen != 0);
    free(id);
}

/* "OPEN BEGAN LOOKED WHO TO" */
static void read_round(struct tw_canary_round *round, const char *at)
{
    int64_t open;
    if (round->to || !take_number(&at, &open) || !take_number(&at, &round->began_s) ||
        !take_number(&at, &round->looked_s))
        return;
    round->open = open != 0;
    round->who = take_word(&at);
    round->to = tw_strdup(at);
}

void tw_canary_read(const char *text, struct tw_canary_round *round)
{
    static const struct {
        const char *word;
        void (*read)(struct tw_canary_round *round, const char *at);
    } lines[] = {
        {"round", read_round}, {"mail", read_mail}, {"seen", read_seen}, {"late", read_late}};
    *round = (struct tw_canary_round){0};
    while (*text) {
        const size_t length = strcspn(text, "\n");
        char *line = tw_strndup(text, length), *rest = strchr(line, ' ');
        for (size_t i = 0; rest && i < TW_COUNT(lines); i++)
            if (strlen(lines[i].word) == (size_t)(rest - line) &&
                strncmp(lines[i].word, line, (size_t)(rest - line)) == 0)
                lines[i].read(round, rest + 1);
        free(line);
        text += length + (text[length] == '\n');
    }
    /* Without its first line nobody knows where it went. */
    round->open = round->open && round->to && round->mail_count;
}

void tw_canary_write(const struct tw_canary_round *round, struct tw_buf *out)
{
    if (round->to)
        tw_buf_printf(out, "round %d %" PRId64 " %" PRId64 " %s %s\n", round->open, round->began_s,
                      round->looked_s, round->who, round->to);
    for (size_t i = 0; i < round->mail_count; i++) {
        const struct tw_canary_mail *mail = &round->mails[i];
        tw_buf_printf(out, "mail %s %s %s %" PRId64 " %" PRId64 " %d %s\n",
                      tw_testmail_name(mail->type), mail->id, fates[mail->fate], mail->sent_s,
                      mail->next_s, mail->told, mail->said);
        if (mail->folder)
            tw_buf_printf(out, "seen %" PRId64 " %d %d %s\n", mail->took_s, mail->in_spam,
                          mail->left + 2 * mail->other, mail->folder);
    }
    for (size_t i = 0; i < round->late_count; i++)
        tw_buf_printf(out, "late %s %s %" PRId64 " %d\n", tw_testmail_name(round->late[i].type),
                      round->late[i].id, round->late[i].sent_s, round->late[i].seen);
}

static void forget_mails(struct tw_canary_round *round)
{
    for (size_t i = 0; i < round->mail_count; i++)
        free_mail(&round->mails[i]);
    free(round->mails);
    round->mails = NULL;
    round->mail_count = 0;
}

void tw_canary_free(struct tw_canary_round *round)
{
    forget_mails(round);
    for (size_t i = 0; i < round->late_count; i++)
        free(round->late[i].id);
    free(round->late);
    free(round->who);
    free(round->to);
    *round = (struct tw_canary_round){0};
}

/* ---- sending ------------------------------------------------------------------------------ */

static void limit(int64_t *at_s, int64_t max_s)
{
    *at_s = *at_s > max_s ? max_s : *at_s;
}

void tw_canary_set_back(struct tw_canary_round *round, int64_t now_s)
{
    limit(&round->began_s, now_s);
    limit(&round->looked_s, now_s);
    for (size_t i = 0; i < round->mail_count; i++) {
        struct tw_canary_mail *mail = &round->mails[i];
        limit(&mail->sent_s, now_s);
        if (mail->next_s > now_s + RETRY_MAX_S)
            mail->next_s = now_s;
    }
    for (size_t i = 0; i < round->late_count; i++)
        limit(&round->late[i].sent_s, now_s);
}

void tw_canary_begin(struct tw_canary_round *round, const char *to, const char *who,
                     const enum tw_testmail *types, char *const *ids, size_t count, int64_t now_s)
{
    forget_mails(round);
    free(round->who);
    free(round->to);
    round->open = true;
    round->who = tw_strdup(who);
    round->to = tw_strdup(to);
    round->began_s = now_s;
    round->mails = tw_alloc((count + 1) * sizeof *round->mails);
    for (size_t i = 0; i < count; i++)
        round->mails[round->mail_count++] = (struct tw_canary_mail){
            .type = types[i], .id = tw_strdup(ids[i]), .said = tw_strdup("")};
}

static struct tw_canary_mail *first_new(const struct tw_canary_round *round)
{
    for (size_t i = 0; i < round->mail_count; i++)
        if (round->mails[i].fate == TW_CANARY_NEW)
            return &round->mails[i];
    return NULL;
}

/* What another process's run was about to send may be on its way: it is looked for, not sent
 * again. Those behind it were not yet tried, for they go one after another. */
static bool take_over(struct tw_canary_round *round, const char *who)
{
    struct tw_canary_mail *mail = first_new(round);
    if (strcmp(round->who, who) == 0)
        return false;
    free(round->who);
    round->who = tw_strdup(who);
    if (mail) {
        mail->fate = TW_CANARY_PERHAPS;
        mail->sent_s = mail->sent_s ? mail->sent_s : round->began_s;
    }
    return true;
}

struct tw_canary_mail *tw_canary_next(struct tw_canary_round *round, const char *who, int64_t now_s,
                                      bool *write)
{
    *write = take_over(round, who);
    for (size_t i = 0; i < round->mail_count && !first_new(round); i++) {
        struct tw_canary_mail *mail = &round->mails[i];
        if (mail->fate != TW_CANARY_PUT_OFF || !mail->next_s || mail->next_s > now_s)
            continue;
        mail->fate = TW_CANARY_NEW;
        *write = true;
    }
    return first_new(round);
}

/* One line, without what a terminal or our own lines could take for something else. */
static char *clean(const char *text)
{
    struct tw_buf out = {0};
    tw_escape(&out, text, strlen(text), TW_ESCAPE_LINE, SAID_MAX);
    return out.data ? tw_buf_take(&out) : tw_strdup("");
}

void tw_canary_sent(struct tw_canary_mail *mail, enum tw_mailout_result result, const char *said,
                    int64_t max_time_s, int64_t began_s, int64_t now_s)
{
    static const enum tw_canary_fate as[] = {[TW_MAILOUT_TAKEN] = TW_CANARY_TAKEN,
                                             [TW_MAILOUT_REFUSED] = TW_CANARY_REFUSED,
                                             [TW_MAILOUT_PUT_OFF] = TW_CANARY_PUT_OFF,
                                             [TW_MAILOUT_FAILED] = TW_CANARY_FAILED,
                                             [TW_MAILOUT_UNWELCOME] = TW_CANARY_UNWELCOME};
    const int64_t quarter_s = max_time_s / 4 + 1;
    mail->fate = as[result];
    mail->sent_s = mail->sent_s ? mail->sent_s : began_s;
    mail->next_s = now_s + (quarter_s < RETRY_MAX_S ? quarter_s : RETRY_MAX_S);
    if (mail->fate != TW_CANARY_PUT_OFF || mail->next_s >= mail->sent_s + max_time_s)
        mail->next_s = 0;
    free(mail->said);
    mail->said = result == TW_MAILOUT_TAKEN ? tw_strdup("") : clean(said);
}

/* ---- looking ------------------------------------------------------------------------------ */

/* May it be in the mailbox. */
static bool may_come(const struct tw_canary_mail *mail)
{
    return (!mail->folder || mail->other) && mail->sent_s &&
           (mail->fate == TW_CANARY_TAKEN || mail->fate == TW_CANARY_FAILED ||
            mail->fate == TW_CANARY_PERHAPS);
}

void tw_canary_ids(const struct tw_canary_round *round, struct tw_strings *out)
{
    for (size_t i = 0; i < round->mail_count; i++)
        if (round->mails[i].fate != TW_CANARY_NEW) /* a second copy is ours as well */
            tw_strings_add(out, round->mails[i].id);
    for (size_t i = 0; i < round->late_count; i++)
        tw_strings_add(out, round->late[i].id);
}

void tw_canary_known(const struct tw_canary_round *round, struct tw_strings *out)
{
    for (size_t i = 0; i < round->mail_count; i++)
        if (round->mails[i].folder && !round->mails[i].other)
            tw_strings_add(out, round->mails[i].id);
    for (size_t i = 0; i < round->late_count; i++)
        if (round->late[i].seen)
            tw_strings_add(out, round->late[i].id);
}

int64_t tw_canary_since_s(const struct tw_canary_round *round, int64_t now_s)
{
    int64_t sent_s = now_s, seen_s = now_s; /* the first was sent; all that came is seen */
    limit(&seen_s, round->began_s);
    limit(&seen_s, round->looked_s);
    for (size_t i = 0; i < round->mail_count; i++)
        if (round->mails[i].sent_s)
            limit(&sent_s, round->mails[i].sent_s);
    for (size_t i = 0; i < round->late_count; i++)
        limit(&sent_s, round->late[i].sent_s);
    return seen_s > sent_s ? seen_s : sent_s;
}

/* By the date of its file, if that can be; a clock that was set makes it "now". */
static int64_t took(int64_t sent_s, int64_t came_s, int64_t now_s)
{
    const int64_t at_s = came_s >= sent_s && came_s <= now_s ? came_s : now_s;
    return at_s > sent_s ? at_s - sent_s : 0;
}

/* Of two copies the one that is where it should not be counts. */
static void see(struct tw_canary_mail *mail, const char *folder, bool in_spam, int64_t took_s)
{
    if (mail->folder && (in_spam || !mail->in_spam))
        return;
    mail->took_s = took_s;
    mail->in_spam = in_spam;
    free(mail->folder);
    mail->folder = clean(folder);
}

static void forget_late(struct tw_canary_round *round, size_t index)
{
    free(round->late[index].id);
    memmove(round->late + index, round->late + index + 1,
            (--round->late_count - index) * sizeof *round->late);
}

static char *see_late(struct tw_canary_round *round, const struct tw_canary_late *late,
                      const struct tw_canary_sight *sight, int64_t now_s)
{
    const int64_t took_s = took(late->sent_s, sight->came_s, now_s);
    char *text =
        tw_format("%s mail took %" PRId64 " s: it was found in %s after its round was over",
                  tw_testmail_name(late->type), took_s, sight->folder);
    /* What should not have come at all speaks against the filter of today. */
    const bool bad =
        late->type == TW_TESTMAIL_SPAM ? !sight->in_spam : late->type != TW_TESTMAIL_CLEAN;
    char *where = tw_format("%s (one that was sent %s ago)", sight->folder,
                            tw_duration_show(now_s - late->sent_s).text);
    for (size_t i = 0; bad && i < round->mail_count; i++)
        if (round->mails[i].type == late->type && round->mails[i].fate != TW_CANARY_NEW) {
            round->mails[i].other |= !round->mails[i].folder;
            see(&round->mails[i], where, sight->in_spam, took_s);
        }
    free(where);
    return text;
}

char *tw_canary_saw(struct tw_canary_round *round, const struct tw_canary_sight *sight,
                    int64_t now_s)
{
    char *text = NULL;
    for (size_t i = 0; i < round->mail_count; i++) {
        struct tw_canary_mail *mail = &round->mails[i];
        if (strcmp(mail->id, sight->id) != 0 || mail->fate == TW_CANARY_NEW)
            continue;
        see(mail, sight->folder, sight->in_spam, took(mail->sent_s, sight->came_s, now_s));
        mail->left = !sight->removed;
        mail->other = false;
    }
    for (size_t i = 0; i < round->late_count; i++) {
        struct tw_canary_late *late = &round->late[i];
        if (strcmp(late->id, sight->id) != 0)
            continue;
        if (!late->seen)
            text = see_late(round, late, sight, now_s);
        late->seen = true;
        if (sight->removed)
            forget_late(round, i);
        break;
    }
    return text;
}

/* ---- judging ------------------------------------------------------------------------------ */

static struct tw_canary_verdict say(enum tw_level level, const char *code, char *text)
{
    return (struct tw_canary_verdict){level, code, text};
}

static const struct tw_canary_verdict not_yet = {TW_LEVEL_NONE, "none", NULL};

static bool is_over(const struct tw_canary_mail *mail, int64_t max_time_s, int64_t now_s)
{
    return now_s >= mail->sent_s + max_time_s;
}

/* Neither taken nor refused. */
static struct tw_canary_verdict judge_undelivered(const struct tw_canary_mail *mail)
{
    switch (mail->fate) {
    case TW_CANARY_PUT_OFF:
        return say(TW_LEVEL_FAIL, "put-off", tw_format("put off: %s", mail->said));
    case TW_CANARY_UNWELCOME:
        return say(TW_LEVEL_UNKNOWN, "unwelcome",
                   tw_format("refused before the server had seen it: %s", mail->said));
    case TW_CANARY_FAILED:
        return say(TW_LEVEL_NONE, "not-sent", tw_format("not handed over: %s", mail->said));
    default:
        return say(TW_LEVEL_UNKNOWN, "interrupted",
                   tw_strdup("the daemon ended while it was sent, and it has not come"));
    }
}

static struct tw_canary_verdict judge_clean(const struct tw_canary_mail *mail, int64_t max_time_s,
                                            int64_t now_s)
{
    const struct tw_unit_text max = tw_duration_show(max_time_s);
    if (mail->folder && mail->in_spam)
        return say(TW_LEVEL_FAIL, "spam", tw_format("clean mail came to %s", mail->folder));
    if (mail->folder && mail->took_s > max_time_s)
        return say(TW_LEVEL_FAIL, "slow",
                   tw_format("clean mail took %" PRId64 " s (limit %s)", mail->took_s, max.text));
    if (mail->folder)
        return say(TW_LEVEL_OK, "ok",
                   tw_format("came to %s after %" PRId64 " s", mail->folder, mail->took_s));
    if (mail->fate == TW_CANARY_REFUSED || mail->fate == TW_CANARY_UNWELCOME)
        return say(TW_LEVEL_FAIL, "refused", tw_format("refused: %s", mail->said));
    if (!is_over(mail, max_time_s, now_s))
        return not_yet;
    if (mail->fate != TW_CANARY_TAKEN)
        return judge_undelivered(mail);
    return say(TW_LEVEL_FAIL, "missing", tw_format("clean mail has not come within %s", max.text));
}

static struct tw_canary_verdict judge_spam(const struct tw_canary_mail *mail, const char *spam,
                                           int64_t max_time_s, int64_t now_s)
{
    const bool in_folder = strcmp(spam, "folder") == 0, refused = strcmp(spam, "refused") == 0;
    if (mail->folder && !mail->in_spam)
        return say(TW_LEVEL_FAIL, "let-through", tw_format("spam came to the %s", mail->folder));
    if (mail->folder)
        return in_folder
                   ? say(TW_LEVEL_OK, "ok",
                         tw_format("came to %s after %" PRId64 " s", mail->folder, mail->took_s))
                   : say(TW_LEVEL_FAIL, "in-folder",
                         tw_format("spam came to %s, it should be %s", mail->folder,
                                   refused ? "refused" : "gone"));
    if (mail->fate == TW_CANARY_REFUSED)
        return in_folder ? say(TW_LEVEL_FAIL, "refused",
                               tw_format("spam was refused, it should come to the Spam folder: %s",
                                         mail->said))
                         : say(TW_LEVEL_OK, "ok", tw_format("refused: %s", mail->said));
    if (refused && mail->fate == TW_CANARY_TAKEN)
        return say(TW_LEVEL_FAIL, "accepted", tw_strdup("spam was accepted, it should be refused"));
    if (mail->fate != TW_CANARY_UNWELCOME && !is_over(mail, max_time_s, now_s))
        return not_yet;
    if (mail->fate != TW_CANARY_TAKEN)
        return judge_undelivered(mail);
    return in_folder ? say(TW_LEVEL_FAIL, "missing",
                           tw_format("spam has not come to the Spam folder within %s",
                                     tw_duration_show(max_time_s).text))
                     : say(TW_LEVEL_OK, "ok", tw_strdup("accepted, and gone"));
}

/* What must be refused or vanish. */
static struct tw_canary_verdict judge_danger(const struct tw_canary_mail *mail, int64_t max_time_s,
                                             int64_t now_s)
{
    static const char *const what[TW_TESTMAILS] = {
        [TW_TESTMAIL_VIRUS] = "the virus scanner let EICAR through",
        [TW_TESTMAIL_ATTACH] = "an attachment that is a program was let through",
        [TW_TESTMAIL_CLAM] = "the virus scanner let EICAR in a zip file through"};
    if (mail->folder)
        return say(TW_LEVEL_FAIL, "let-through",
                   tw_format("%s: it came to %s", what[mail->type], mail->folder));
    if (mail->fate == TW_CANARY_REFUSED)
        return say(TW_LEVEL_OK, "ok", tw_format("refused: %s", mail->said));
    if (mail->fate != TW_CANARY_UNWELCOME && !is_over(mail, max_time_s, now_s))
        return not_yet;
    if (mail->fate != TW_CANARY_TAKEN)
        return judge_undelivered(mail);
    return say(TW_LEVEL_OK, "ok", tw_strdup("accepted, and gone"));
}

struct tw_canary_verdict tw_canary_judge(const struct tw_canary_mail *mail, const char *spam,
                                         int64_t max_time_s, int64_t now_s)
{
    if (mail->fate == TW_CANARY_NEW)
        return not_yet;
    /* What could not be handed over has no time to wait for, unless it comes all the same. */
    if (mail->fate == TW_CANARY_FAILED && !mail->folder)
        return judge_undelivered(mail);
    return mail->type == TW_TESTMAIL_CLEAN  ? judge_clean(mail, max_time_s, now_s)
           : mail->type == TW_TESTMAIL_SPAM ? judge_spam(mail, spam, max_time_s, now_s)
                                            : judge_danger(mail, max_time_s, now_s);
}

/* ---- the end ------------------------------------------------------------------------------ */

int64_t tw_canary_look_ms(const struct tw_canary_round *round, int64_t max_time_s, int64_t now_s)
{
    int64_t last_s = 0, ms;
    for (size_t i = 0; i < round->mail_count; i++)
        if (round->mails[i].sent_s > last_s)
            last_s = round->mails[i].sent_s;
    const int64_t passed_s = now_s > last_s ? now_s - last_s : 0,
                  left_s = last_s + max_time_s - now_s;
    ms = passed_s < 3 ? 1000 : passed_s < 10 ? 2000 : passed_s < 60 ? 5000 : LOOK_MAX_MS;
    if (left_s * 1000 < ms)
        ms = left_s > 0 ? left_s * 1000 : 500;
    return ms;
}

void tw_canary_close(struct tw_canary_round *round, int64_t now_s)
{
    round->open = false;
    for (size_t i = 0; i < round->mail_count; i++) {
        const struct tw_canary_mail *mail = &round->mails[i];
        if (may_come(mail) || mail->left)
            add_late(round, mail->type, mail->id, mail->sent_s, mail->left);
    }
    while (round->late_count && round->late[0].sent_s < now_s - TW_CANARY_LATE_S)
        forget_late(round, 0);
}

static void show_mail(const struct tw_canary_mail *mail, struct tw_buf *out)
{
    tw_buf_printf(out, "%-7s %s  ", tw_testmail_name(mail->type), mail->id);
    if (mail->fate == TW_CANARY_NEW) {
        tw_buf_puts(out, "not sent yet\n");
        return;
    }
    tw_buf_printf(out, "sent %s, %s%s%s",
                  mail->sent_s ? tw_time_show(mail->sent_s).text : "at no time", fates[mail->fate],
                  mail->said[0] ? ": " : "", mail->said);
    if (mail->folder)
        tw_buf_printf(out, "; seen in %s after %" PRId64 " s, and %s", mail->folder, mail->took_s,
                      mail->left ? "not removed" : "removed");
    tw_buf_puts(out, "\n");
}

void tw_canary_show(const struct tw_canary_round *round, const char *only, struct tw_buf *out)
{
    if (round->open)
        tw_buf_puts(out, "Since then a new round has begun:\n");
    for (size_t i = 0; i < round->mail_count; i++)
        if (!*only || strcmp(only, tw_testmail_name(round->mails[i].type)) == 0)
            show_mail(&round->mails[i], out);
}
