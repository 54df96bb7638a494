/* Several letters that waited become one. Knows the layout of a merged letter: an introduction,
 * then for each letter a line of '=', its date and subject, an empty line and its body. What
 * comes from outside never stands at the begin of a line in a letter, so no text can look like
 * that line, and a merged letter can be taken apart and merged anew without nesting. */
#include <stdlib.h>
#include <string.h>

#include "alert/letter.h"
#include "alert/message.h"
#include "alert/told.h"
#include "base/escape.h"
#include "base/mem.h"

#define RULE "==============================================================\n"
#define BEGIN "\n" RULE
#define CUT "  (the rest of this one is left out: all together would be too long)\n"

enum { FIELD_MAX = 300, INTRODUCTION = 512 };

struct section {
    char *head; /* "Date: ...\nSubject: ...\n"; owned */
    const char *body;
    size_t length;
    bool cut;
};

struct sections {
    struct section *items;
    size_t count;
};

static void add_section(struct sections *all, char *head, const char *body, size_t length)
{
    const size_t closing = strlen(TW_MESSAGE_CLOSING);
    if (length >= closing && memcmp(body + length - closing, TW_MESSAGE_CLOSING, closing) == 0)
        length -= closing;
    while (length && body[length - 1] == '\n')
        length--;
    all->items = tw_realloc_array(all->items, all->count + 1, sizeof *all->items);
    all->items[all->count++] = (struct section){head, body, length, false};
}

static void add_field(struct tw_buf *out, const char *name, const struct tw_waiting_letter *letter)
{
    struct tw_buf value = {0};
    tw_letter_header(letter->text, letter->length, name, &value);
    tw_buf_printf(out, "%s: ", name);
    tw_escape(out, tw_buf_text(&value), value.len, TW_ESCAPE_ASCII, FIELD_MAX);
    tw_buf_puts(out, "\n");
    tw_buf_free(&value);
}

static void take_single(struct sections *all, const struct tw_waiting_letter *letter)
{
    struct tw_buf head = {0};
    add_field(&head, "Date", letter);
    add_field(&head, "Subject", letter);
    const size_t body = tw_message_body(letter->text, letter->length);
    add_section(all, tw_buf_take(&head), letter->text + body, letter->length - body);
}

static void take_merged(struct sections *all, const struct tw_waiting_letter *letter)
{
    const char *end = letter->text + letter->length;
    const char *at = memmem(letter->text, letter->length, BEGIN, strlen(BEGIN));
    while (at) {
        at += strlen(BEGIN);
        const char *next = memmem(at, (size_t)(end - at), BEGIN, strlen(BEGIN));
        const size_t size = (size_t)((next ? next : end) - at);
        const size_t body = tw_message_body(at, size);
        /* The empty line is no part of the head; the last one may have no body. */
        char *head = tw_strndup(at, body < size ? body - 1 : body);
        add_section(all, head, at + body, size - body);
        at = next;
    }
}

static bool is_merged(const struct tw_waiting_letter *letter)
{
    struct tw_buf ids = {0};
    tw_letter_header(letter->text, letter->length, "X-Toaster-Watcher-Merged", &ids);
    const bool merged = ids.len > 0 && memmem(letter->text, letter->length, BEGIN, strlen(BEGIN));
    tw_buf_free(&ids);
    return merged;
}

static size_t size_of(const struct section *section)
{
    return strlen(BEGIN) + strlen(section->head) + 1 + section->length + 1 +
           (section->cut ? strlen(CUT) : 0);
}

/* Cuts bodies, then leaves out whole letters, the oldest first, until `budget` bytes hold the
 * rest. Gives the first that stays. */
static size_t fit(struct sections *all, size_t budget)
{
    size_t total = 0;
    for (size_t i = 0; i < all->count; i++)
        total += size_of(&all->items[i]);
    for (size_t i = 0; i < all->count && total > budget; i++) {
        struct section *section = &all->items[i];
        const size_t excess = total - budget + strlen(CUT);
        if (section->length <= strlen(CUT))
            continue;
        total -= size_of(section);
        section->length = section->length > excess ? section->length - excess : 0;
        while (section->length && section->body[section->length] != '\n')
            section->length--;
        section->cut = true;
        total += size_of(section);
    }
    size_t first = 0;
    while (first < all->count && total > budget)
        total -= size_of(&all->items[first++]);
    return first;
}

static void add_introduction(struct tw_buf *out, size_t letters, size_t shown)
{
    tw_buf_printf(out,
                  "\nThese %zu letters could not be sent when they were written. They follow as\n"
                  "they were, the oldest first; the times in them are true.\n",
                  letters);
    if (shown < letters)
        tw_buf_printf(out, "The oldest %zu of them had no room and are left out.\n",
                      letters - shown);
}

static void add_subject(struct tw_buf *out, const char *host, const struct tw_message_tally *tally)
{
    tw_buf_puts(out, "[toaster] ");
    tw_escape(out, host, strlen(host), TW_ESCAPE_ASCII, 40);
    tw_buf_printf(out, ": %zu letters that had to wait", tally->letters);
    if (tally->failed || tally->recovered)
        tw_buf_printf(out, ": %zu failed, %zu recovered", tally->failed, tally->recovered);
}

static void write_head(const struct tw_letter *head, const struct tw_message_tally *tally,
                       const struct tw_waiting_letter *letters, size_t count, struct tw_buf *out)
{
    struct tw_buf subject = {0}, words = {0};
    add_subject(&subject, head->host, tally);
    tw_message_words(tally, &words);
    tw_message_head(head, tw_buf_text(&subject), tw_buf_text(&words), out);
    tw_buf_puts(out, "X-Toaster-Watcher-Merged:");
    for (size_t i = 0; i < count; i++) {
        tw_buf_puts(out, i ? "\n " : " ");
        tw_escape(out, letters[i].id, strlen(letters[i].id), TW_ESCAPE_ASCII, FIELD_MAX);
    }
    tw_buf_puts(out, "\n");
    size_t detailed = 0;
    for (size_t i = 0; i < count; i++)
        tw_told_copy(letters[i].text, letters[i].length, &detailed, out);
    tw_buf_free(&subject);
    tw_buf_free(&words);
}

void tw_letter_merge(const struct tw_letter *head, const struct tw_waiting_letter *letters,
                     size_t count, struct tw_buf *out)
{
    const size_t start = out->len;
    struct tw_message_tally tally = {.qmail = head->about_qmail};
    struct sections all = {0};
    for (size_t i = 0; i < count; i++) {
        struct tw_message_tally one;
        tw_message_tally(letters[i].text, letters[i].length, &one);
        tally.letters += one.letters;
        tally.failed += one.failed;
        tally.recovered += one.recovered;
        tally.reminders += one.reminders;
        tally.type = !tally.type || strcmp(tally.type, one.type) == 0 ? one.type : "alert";
        tally.qmail = tally.qmail || one.qmail;
        if (is_merged(&letters[i]))
            take_merged(&all, &letters[i]);
        else
            take_single(&all, &letters[i]);
    }
    write_head(head, &tally, letters, count, out);
    const size_t used = out->len - start + INTRODUCTION;
    const size_t first = fit(&all, TW_LETTER_MAX > used ? TW_LETTER_MAX - used : 0);
    add_introduction(out, tally.letters, all.count - first);
    for (size_t i = first; i < all.count; i++) {
        const struct section *section = &all.items[i];
        tw_buf_printf(out, BEGIN "%s\n", section->head);
        tw_buf_add(out, section->body, section->length);
        tw_buf_printf(out, "\n%s", section->cut ? CUT : "");
    }
    tw_buf_puts(out, TW_MESSAGE_CLOSING);
    for (size_t i = 0; i < all.count; i++)
        free(all.items[i].head);
    free(all.items);
}
