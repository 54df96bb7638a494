/* The frame of a message. Knows RFC 5322 and 3834 as far as our own letters need them; does not
 * know what a letter says. */

#include "alert/message.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/escape.h"
#include "base/mem.h"
#include "toaster/mailhead.h"

enum { WORD_MAX = 500 };

void tw_message_time(struct tw_buf *out, int64_t time_s)
{
    struct tm tm;
    if (!tw_mailhead_local(time_s, &tm)) {
        tw_buf_puts(out, "(time unknown)");
        return;
    }
    tw_buf_printf(out, "%04d-%02d-%02d %02d:%02d:%02d", tm.tm_year + 1900, tm.tm_mon + 1,
                  tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    tw_mailhead_zone(out, &tm);
}

void tw_message_head(const struct tw_letter *letter, const char *subject, const char *words,
                     struct tw_buf *out)
{
    tw_buf_puts(out, "Date: ");
    tw_mailhead_date(out, letter->now_s);
    tw_buf_puts(out, "\nFrom: ");
    tw_mailhead_text(out, letter->from);
    tw_buf_puts(out, "\nTo: ");
    for (size_t i = 0; i < letter->to->count; i++) {
        tw_buf_puts(out, i ? ",\n " : "");
        tw_mailhead_text(out, letter->to->items[i]);
    }
    tw_buf_printf(out, "\nSubject: %s\nMessage-ID: ", subject);
    tw_mailhead_id(out, letter->id, letter->host);
    tw_buf_printf(out,
                  "\nAuto-Submitted: auto-generated\n" /* RFC 3834: no vacation replies */
                  "MIME-Version: 1.0\n"
                  "Content-Type: text/plain; charset=utf-8\n"
                  "Content-Transfer-Encoding: 8bit\n"
                  "X-Toaster-Watcher: %s%s\n",
                  TW_VERSION, words);
}

size_t tw_message_body(const char *text, size_t length)
{
    if (length && text[0] == '\n')
        return 1;
    const char *gap = memmem(text, length, "\n\n", 2);
    return gap ? (size_t)(gap - text) + 2 : length;
}

/* The end of the line that begins at `at`: its newline, or `end`. */
static const char *line_end(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return newline ? newline : end;
}

/* Does the line say NAME: ...? */
static bool is_header(const char *at, const char *stop, const char *name)
{
    const size_t length = strlen(name);
    return (size_t)(stop - at) > length && at[length] == ':' && strncasecmp(at, name, length) == 0;
}

void tw_message_each_header(const char *text, size_t length, const char *name,
                            void (*each)(void *context, const char *value), void *context)
{
    const char *end = text + tw_message_body(text, length);
    struct tw_buf value = {0};
    bool inside = false;
    for (const char *at = text; at < end; at++) {
        const char *stop = line_end(at, end);
        const bool folded = at < stop && (*at == ' ' || *at == '\t');
        if (inside && !folded) {
            each(context, tw_buf_text(&value));
            inside = false;
        }
        if (!inside && is_header(at, stop, name)) {
            inside = true;
            tw_buf_clear(&value);
            at += strlen(name) + 1;
        } else if (inside) {
            tw_buf_puts(&value, " ");
        }
        while (at < stop && (*at == ' ' || *at == '\t'))
            at++;
        if (inside)
            tw_buf_add(&value, at, (size_t)(stop - at));
        at = stop;
    }
    if (inside)
        each(context, tw_buf_text(&value));
    tw_buf_free(&value);
}

struct first {
    struct tw_buf *out;
    bool found;
};

static void take_first(void *context, const char *value)
{
    struct first *first = context;
    if (!first->found)
        tw_buf_puts(first->out, value);
    first->found = true;
}

void tw_letter_header(const char *text, size_t length, const char *name, struct tw_buf *out)
{
    struct first first = {out, false};
    tw_message_each_header(text, length, name, take_first, &first);
}

static bool word_number(const char *word, const char *key, size_t *number)
{
    const size_t length = strlen(key);
    if (strncmp(word, key, length) != 0)
        return false;
    *number = strtoul(word + length, NULL, 10);
    return true;
}

/* What a letter is beside an alert. */
static const char *const types[] = {"escalation", "report", "test"};

static void take_word(struct tw_message_tally *tally, const char *word)
{
    for (size_t i = 0; i < TW_COUNT(types); i++)
        if (strcmp(word, types[i]) == 0)
            tally->type = types[i];
    if (strcmp(word, "qmail") == 0)
        tally->qmail = true;
    else if (!word_number(word, "letters=", &tally->letters) &&
             !word_number(word, "failed=", &tally->failed) &&
             !word_number(word, "reminders=", &tally->reminders))
        word_number(word, "recovered=", &tally->recovered);
}

void tw_message_tally(const char *text, size_t length, struct tw_message_tally *tally)
{
    *tally = (struct tw_message_tally){.type = "alert"};
    struct tw_buf words = {0};
    tw_letter_header(text, length, "X-Toaster-Watcher", &words);
    char *rest = NULL;
    for (char *word = words.len ? strtok_r(words.data, " ", &rest) : NULL; word;
         word = strtok_r(NULL, " ", &rest))
        take_word(tally, word);
    if (tally->letters == 0)
        tally->letters = 1;
    tw_buf_free(&words);
}

bool tw_letter_says_qmail(const char *text, size_t length)
{
    struct tw_message_tally tally;
    tw_message_tally(text, length, &tally);
    return tally.qmail;
}

void tw_message_words(const struct tw_message_tally *tally, struct tw_buf *out)
{
    if (tally->letters != 1)
        tw_buf_printf(out, " letters=%zu", tally->letters);
    tw_buf_printf(out, " failed=%zu recovered=%zu", tally->failed, tally->recovered);
    if (tally->reminders)
        tw_buf_printf(out, " reminders=%zu", tally->reminders);
    if (tally->qmail)
        tw_buf_puts(out, " qmail");
    if (tally->type && strcmp(tally->type, "alert") != 0)
        tw_buf_printf(out, " %s", tally->type);
}

/* Columns, not bytes: UTF-8 continuation bytes take none. */
static size_t columns(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80;
    return count;
}

static void wrap_line(struct tw_buf *out, const char *line, const char *end, const char *indent)
{
    size_t used = 0;
    while (line < end) {
        while (line < end && *line == ' ')
            line++;
        const char *stop = line;
        while (stop < end && *stop != ' ')
            stop++;
        if (stop == line)
            break;
        if (stop - line > WORD_MAX)
            for (stop = line + WORD_MAX; ((unsigned char)*stop & 0xC0) == 0x80;)
                stop--;
        const size_t width = columns(line, (size_t)(stop - line));
        const bool fits = used && used + 1 + width <= TW_MESSAGE_WIDTH;
        if (used && !fits)
            tw_buf_puts(out, "\n");
        tw_buf_puts(out, fits ? " " : indent);
        used = fits ? used + 1 + width : strlen(indent) + width;
        tw_buf_add(out, line, (size_t)(stop - line));
        line = stop;
    }
    tw_buf_puts(out, "\n");
}

void tw_message_paragraph(struct tw_buf *out, const char *text, const char *indent, size_t max)
{
    struct tw_buf safe = {0};
    tw_escape(&safe, text, strlen(text), TW_ESCAPE_TEXT, max);
    const char *at = tw_buf_text(&safe);
    const char *end = at + safe.len;
    while (end > at && end[-1] == '\n')
        end--;
    for (; at < end; at++) {
        const char *stop = line_end(at, end);
        wrap_line(out, at, stop, indent);
        at = stop;
    }
    tw_buf_free(&safe);
}
