/* What a letter says, for a reader who was asleep a minute ago: how many, which, since when, what
 * was seen, what to type. Knows nothing of where entries come from and how a letter leaves. */
#include "alert/letter.h"

#include <stdlib.h>
#include <string.h>

#include "alert/message.h"
#include "alert/told.h"
#include "base/escape.h"
#include "base/mem.h"
#include "base/units.h"

enum {
    SUBJECT_MAX = 120,
    SUBJECT_HOST = 40,
    SUBJECT_NAME = 50,
    BODY_NAME = 200,
    TEXT_MAX = 800,
    SHORT_TEXT = 120,
    EVIDENCE_LINE = 500,
    EVIDENCE_LINES = 60, /* if there are more lines or bytes, */
    EVIDENCE_MAX = 12 * 1024,
    HEAD_LINES = 20, /* so many of its beginning are shown, */
    HEAD_MAX = 4 * 1024,
    TAIL_LINES = 40, /* and of its end, where programs say why they gave up */
    TAIL_MAX = 8 * 1024,
    MANY = 20,     /* with more entries than this, */
    DETAILED = 10, /* so many are written out and the others get a line each */
    WAITING = 20,  /* so many of those that wait for an entry are named */
    TAIL = 1024    /* room for what stands behind the entries */
};

static struct tw_unit_text lasted(const struct tw_letter_entry *entry, int64_t until_s)
{
    /* The clock may have been set back in between. */
    const bool sane = entry->opened_s > 0 && until_s > entry->opened_s;
    return tw_duration_show(sane ? until_s - entry->opened_s : 0);
}

static void add_verdict(struct tw_buf *out, const struct tw_message_tally *tally)
{
    const struct {
        size_t count;
        const char *what;
    } parts[] = {{tally->failed, "failed"},
                 {tally->recovered, "recovered"},
                 {tally->reminders, "still failing"}};
    bool any = false;
    for (size_t i = 0; i < TW_COUNT(parts); i++) {
        if (parts[i].count)
            tw_buf_printf(out, "%s%zu %s", any ? ", " : "", parts[i].count, parts[i].what);
        any = any || parts[i].count;
    }
}

static void add_one(struct tw_buf *out, const struct tw_letter_entry *entry, int64_t now_s)
{
    const bool unknown = entry->level == TW_LEVEL_UNKNOWN && !entry->recovered && !entry->flapping;
    if (unknown)
        tw_buf_puts(out, entry->reminder ? "still cannot check " : "cannot check ");
    tw_escape(out, entry->aspect, strlen(entry->aspect), TW_ESCAPE_ASCII, SUBJECT_NAME);
    if (unknown)
        return;
    if (entry->recovered)
        tw_buf_printf(out, " is well again after %s", lasted(entry, entry->closed_s).text);
    else if (entry->flapping)
        tw_buf_printf(out, " is flapping, opened %lld times", (long long)entry->opens);
    else if (entry->reminder)
        tw_buf_printf(out, " still fails, for %s", lasted(entry, now_s).text);
    else
        tw_buf_puts(out, " failed");
}

/* ": a, b, c and 7 more", as many as the subject has room for and at least one. */
static void add_names(struct tw_buf *out, const struct tw_letter *letter)
{
    const size_t more = strlen(" and 123456 more");
    size_t shown = 0;
    for (; shown < letter->entry_count; shown++) {
        char *name = tw_escape_new(letter->entries[shown].aspect, TW_ESCAPE_ASCII, SUBJECT_NAME);
        const bool fits = shown == 0 || out->len + 2 + strlen(name) + more <= SUBJECT_MAX;
        if (fits)
            tw_buf_printf(out, "%s%s", shown ? ", " : ": ", name);
        free(name);
        if (!fits)
            break;
    }
    const size_t rest = letter->entry_count - shown;
    if (shown && rest)
        tw_buf_printf(out, " and %zu more", rest);
}

static void add_subject(struct tw_buf *out, const struct tw_letter *letter,
                        const struct tw_message_tally *tally)
{
    tw_buf_puts(out, "[toaster] ");
    tw_escape(out, letter->host, strlen(letter->host), TW_ESCAPE_ASCII, SUBJECT_HOST);
    tw_buf_puts(out, letter->unacked_s ? ": NOT ACKNOWLEDGED: "
                     : letter->summary ? ": summary: "
                                       : ": ");
    if (letter->entry_count == 1) {
        add_one(out, letter->entries, letter->now_s);
    } else {
        add_verdict(out, tally);
        add_names(out, letter);
    }
}

static const char *word_of(const struct tw_letter_entry *entry)
{
    if (entry->recovered)
        return "OK";
    if (entry->flapping)
        return "FLAPPING";
    return entry->level == TW_LEVEL_UNKNOWN ? "UNKNOWN" : "FAIL";
}

static const char *line_end(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline : end;
}

static void add_evidence_line(struct tw_buf *out, const char *at, const char *stop)
{
    tw_buf_puts(out, stop > at ? "    " : "");
    tw_escape(out, at, (size_t)(stop - at), TW_ESCAPE_TEXT, EVIDENCE_LINE);
    tw_buf_puts(out, "\n");
}

/* Where the last lines begin that a letter shows, not before `from`, which begins a line. */
static const char *find_tail(const char *from, const char *end)
{
    const char *tail = end;
    struct tw_buf text = {0};
    for (size_t lines = 0; lines < TAIL_LINES && tail > from; lines++) {
        const char *stop = tail == end ? end : tail - 1, *at = stop;
        while (at > from && at[-1] != '\n')
            at--;
        add_evidence_line(&text, at, stop);
        if (text.len > TAIL_MAX)
            break;
        tail = at;
    }
    tw_buf_free(&text);
    return tail;
}

static void add_tail(struct tw_buf *out, const char *from, const char *end)
{
    const char *tail = find_tail(from, end);
    size_t left = 0;
    for (const char *at = from; at < tail; at++) {
        at = line_end(at, tail);
        left++;
    }
    if (left)
        tw_buf_printf(out, "    (%zu more line%s)\n", left, left == 1 ? "" : "s");
    for (const char *at = tail; at < end; at++) {
        const char *stop = line_end(at, end);
        add_evidence_line(out, at, stop);
        at = stop;
    }
}

/* All of it, or its beginning and its end. */
static void add_evidence(struct tw_buf *out, const char *evidence)
{
    const size_t start = out->len;
    const char *end = evidence + strlen(evidence);
    while (end > evidence && end[-1] == '\n')
        end--;
    const char *head = evidence;
    size_t lines = 0, head_length = start;
    for (const char *at = evidence; at < end; at++) {
        const char *stop = line_end(at, end);
        add_evidence_line(out, at, stop);
        if (++lines > EVIDENCE_LINES || out->len - start > EVIDENCE_MAX) {
            out->len = head_length;
            out->data[head_length] = '\0';
            add_tail(out, head, end);
            return;
        }
        if (lines <= HEAD_LINES && out->len - start <= HEAD_MAX) {
            head_length = out->len;
            head = stop < end ? stop + 1 : end;
        }
        at = stop;
    }
}

static void add_times(struct tw_buf *out, const struct tw_letter_entry *entry, int64_t now_s)
{
    tw_buf_puts(out, entry->recovered ? "  Failed from " : "  Since ");
    tw_message_time(out, entry->opened_s);
    if (entry->recovered) {
        tw_buf_puts(out, "\n  to ");
        tw_message_time(out, entry->closed_s);
        tw_buf_printf(out, ": %s", lasted(entry, entry->closed_s).text);
    } else {
        tw_buf_printf(out, ", for %s", lasted(entry, now_s).text);
    }
    if (entry->id)
        tw_buf_printf(out, "; incident %lld", (long long)entry->id);
    tw_buf_puts(out, ".\n");
    if (entry->flapping)
        tw_buf_printf(out,
                      entry->recovered
                          ? "  It opened %lld times, and has been well for an hour.\n"
                          : "  It has opened %lld times so far: no letter about each, but "
                            "one an hour.\n",
                      (long long)entry->opens);
    if (entry->acked) {
        tw_buf_puts(out, "  ");
        tw_escape(out, entry->acked, strlen(entry->acked), TW_ESCAPE_LINE, EVIDENCE_LINE);
        tw_buf_puts(out, "\n");
    }
}

static bool cannot_check(const struct tw_letter_entry *entry)
{
    return !entry->recovered && entry->level == TW_LEVEL_UNKNOWN;
}

static void add_order(struct tw_buf *out, const struct tw_letter_entry *entry)
{
    if (!entry->order)
        return;
    tw_buf_puts(out, "  What then did, at ");
    tw_message_time(out, entry->order_s);
    tw_buf_puts(out, ":\n    ");
    tw_escape(out, entry->order, strlen(entry->order), TW_ESCAPE_LINE, EVIDENCE_LINE);
    tw_buf_puts(out, "\n");
}

static void add_waiting(struct tw_buf *out, const struct tw_letter_entry *entry)
{
    const size_t count = entry->waiting ? entry->waiting->count : 0;
    if (!count)
        return;
    if (entry->recovered)
        tw_buf_puts(out, "  Still failing, though it may have been because of it:\n");
    else
        tw_buf_printf(out, "  Waiting for it, without %s of %s own:\n",
                      count == 1 ? "a letter" : "letters", count == 1 ? "its" : "their");
    for (size_t i = 0; i < count && i < WAITING; i++) {
        tw_buf_puts(out, "    ");
        tw_escape(out, entry->waiting->items[i], strlen(entry->waiting->items[i]), TW_ESCAPE_LINE,
                  EVIDENCE_LINE);
        tw_buf_puts(out, "\n");
    }
    if (count > WAITING)
        tw_buf_printf(out, "    (%zu more)\n", count - WAITING);
}

static void add_block(struct tw_buf *out, const struct tw_letter_entry *entry, int64_t now_s)
{
    tw_buf_printf(out, "\n%s ", word_of(entry));
    tw_escape(out, entry->aspect, strlen(entry->aspect), TW_ESCAPE_LINE, BODY_NAME);
    tw_buf_puts(out, "\n");
    if (cannot_check(entry)) {
        char *text = tw_format("cannot check %s: %s", entry->aspect, entry->text);
        tw_message_paragraph(out, text, "  ", TEXT_MAX);
        free(text);
    } else {
        tw_message_paragraph(out, entry->text, "  ", TEXT_MAX);
    }
    add_times(out, entry, now_s);
    if (entry->evidence && *entry->evidence) {
        tw_buf_puts(out, "  What was seen:\n");
        add_evidence(out, entry->evidence);
    }
    if (entry->advice && *entry->advice) {
        tw_buf_puts(out, "  What would help:\n    ");
        tw_escape(out, entry->advice, strlen(entry->advice), TW_ESCAPE_LINE, EVIDENCE_LINE);
        tw_buf_puts(out, "\n");
    }
    add_order(out, entry);
    add_waiting(out, entry);
}

static void add_line(struct tw_buf *out, const struct tw_letter_entry *entry)
{
    tw_buf_printf(out, "%s ", word_of(entry));
    tw_escape(out, entry->aspect, strlen(entry->aspect), TW_ESCAPE_LINE, BODY_NAME);
    tw_buf_puts(out, ": ");
    tw_escape(out, entry->text, strlen(entry->text), TW_ESCAPE_LINE, SHORT_TEXT);
    if (entry->recovered) {
        tw_buf_printf(out, " (after %s)\n", lasted(entry, entry->closed_s).text);
    } else {
        tw_buf_puts(out, " (since ");
        tw_message_time(out, entry->opened_s);
        tw_buf_puts(out, ")\n");
    }
}

/* Writes entries while the message stays below `limit` bytes; how many had no room. */
static size_t add_entries(struct tw_buf *out, const struct tw_letter *letter, size_t limit)
{
    const size_t detailed = letter->entry_count > MANY ? DETAILED : letter->entry_count;
    struct tw_buf piece = {0};
    bool after_block = true;
    size_t i = 0;
    for (; i < letter->entry_count; i++) {
        const struct tw_letter_entry *entry = &letter->entries[i];
        bool block = i < detailed;
        tw_buf_clear(&piece);
        if (block)
            add_block(&piece, entry, letter->now_s);
        if (!block || out->len + piece.len > limit) {
            tw_buf_clear(&piece);
            tw_buf_puts(&piece, after_block ? "\n" : "");
            add_line(&piece, entry);
            block = false;
        }
        if (out->len + piece.len > limit)
            break;
        tw_buf_add(out, piece.data, piece.len);
        after_block = block;
    }
    tw_buf_free(&piece);
    return letter->entry_count - i;
}

static void add_summary(struct tw_buf *out, const struct tw_letter *letter,
                        const struct tw_message_tally *tally)
{
    if (tally->failed + tally->recovered + tally->reminders > 1) { /* one says so itself */
        add_verdict(out, tally);
        tw_buf_puts(out, ".\n");
    }
    if (letter->unacked_s)
        tw_buf_printf(out,
                      "Nobody has acknowledged this for %s: toasterctl ack INCIDENT \"WHY\".\n",
                      tw_duration_show(letter->unacked_s).text);
    if (letter->summary)
        tw_buf_puts(out, "So many letters were due that this one sums up the last hour.\n");
    if (letter->last_of_hour)
        tw_buf_puts(out, "This is the last single letter of this hour (max_per_hour): what\n"
                         "follows comes in one summary an hour.\n");
    if (letter->came_and_went == 1)
        tw_buf_puts(out, "1 more failed and was well again while letters were held back.\n");
    if (letter->came_and_went > 1)
        tw_buf_printf(out, "%zu more failed and were well again while letters were held back.\n",
                      letter->came_and_went);
}

static void add_body(struct tw_buf *out, const struct tw_letter *letter,
                     const struct tw_message_tally *tally, size_t limit)
{
    tw_buf_puts(out, "On ");
    tw_escape(out, letter->host, strlen(letter->host), TW_ESCAPE_LINE, BODY_NAME);
    tw_buf_puts(out, ", ");
    tw_message_time(out, letter->now_s);
    tw_buf_puts(out, ":\n");
    add_summary(out, letter, tally);
    const size_t rest = add_entries(out, letter, limit);
    if (rest)
        tw_buf_printf(out, "\n%zu more failed or recovered, for which there is no room here.\n",
                      rest);
    tw_buf_puts(out, TW_MESSAGE_CLOSING);
}

void tw_letter_write(const struct tw_letter *letter, struct tw_buf *out)
{
    const size_t limit = out->len + TW_LETTER_MAX - TAIL;
    struct tw_message_tally tally = {
        .letters = 1,
        .qmail = letter->about_qmail,
        .type = letter->unacked_s || letter->escalated_ends ? "escalation" : "alert"};
    for (size_t i = 0; i < letter->entry_count; i++) {
        const struct tw_letter_entry *entry = &letter->entries[i];
        tally.failed += !entry->recovered && !entry->reminder;
        tally.recovered += entry->recovered;
        tally.reminders += entry->reminder;
    }
    struct tw_buf subject = {0}, words = {0};
    add_subject(&subject, letter, &tally);
    tw_message_words(&tally, &words);
    tw_message_head(letter, tw_buf_text(&subject), tw_buf_text(&words), out);
    tw_told_write(letter, out);
    tw_buf_puts(out, "\n");
    add_body(out, letter, &tally, limit);
    tw_buf_free(&subject);
    tw_buf_free(&words);
}

void tw_letter_write_test(const struct tw_letter *letter, struct tw_buf *out)
{
    const struct tw_message_tally tally = {.letters = 1, .type = "test"};
    struct tw_buf subject = {0}, words = {0};
    tw_buf_puts(&subject, "[toaster] ");
    tw_escape(&subject, letter->host, strlen(letter->host), TW_ESCAPE_ASCII, SUBJECT_HOST);
    tw_buf_puts(&subject, ": a test, nothing failed");
    tw_message_words(&tally, &words);
    tw_message_head(letter, tw_buf_text(&subject), tw_buf_text(&words), out);
    tw_buf_puts(out, "\nOn ");
    tw_escape(out, letter->host, strlen(letter->host), TW_ESCAPE_LINE, BODY_NAME);
    tw_buf_puts(out, ", ");
    tw_message_time(out, letter->now_s);
    tw_buf_puts(out,
                ":\nSomebody has typed \"toasterctl test-alert\". Letters about failures would\n"
                "come this way, too.\n" TW_MESSAGE_CLOSING);
    tw_buf_free(&subject);
    tw_buf_free(&words);
}

bool tw_letter_about_qmail(const char *aspect)
{
    /* What qmail-start(8) runs, under the names that toasters give to it. */
    static const char *const names[] = {"svscan",       "send",        "qmail",
                                        "qmail-send",   "qmail-start", "qmail-lspawn",
                                        "qmail-rspawn", "qmail-clean", "qmail-todo"};
    if (strncmp(aspect, "process.", 8) != 0 && strncmp(aspect, "service.", 8) != 0)
        return false;
    const char *title = aspect + 8;
    const size_t length = strcspn(title, "/");
    for (size_t i = 0; i < TW_COUNT(names); i++)
        if (strlen(names[i]) == length && strncmp(title, names[i], length) == 0)
            return true;
    return false;
}
