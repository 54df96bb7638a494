/* For the tests of letters: the head of one, and whether a text is a message that a strict reader
 * would take. */
#ifndef TEST_ALERT_MESSAGE_CHECK_H
#define TEST_ALERT_MESSAGE_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/letter.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"

#define MESSAGE_LINE_MAX 998 /* RFC 5322, 2.1.1 */
#define NOW 1795227165       /* 2026-11-21 03:12:45 +0100 */

/* The same zone wherever the tests run, in winter one hour ahead. */
static inline int set_zone(void **state)
{
    (void)state;
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    return 0;
}

static inline struct tw_letter letter_of(const struct tw_letter_entry *entries, size_t count)
{
    static char *recipients[] = {(char *)"postmaster@example.com"};
    static const struct tw_strings to = {recipients, 1};
    return (struct tw_letter){.host = "mail.example.com",
                              .from = "toaster@example.com",
                              .to = &to,
                              .id = "1795227165.1.77",
                              .now_s = NOW,
                              .entries = entries,
                              .entry_count = count};
}

static inline char *header_of(const struct tw_buf *message, const char *name)
{
    struct tw_buf value = {0};
    tw_letter_header(tw_buf_text(message), message->len, name, &value);
    return tw_buf_take(&value);
}

static inline void assert_header(const struct tw_buf *message, const char *name, const char *want)
{
    char *value = header_of(message, name);
    assert_string_equal(value, want);
    free(value);
}

static inline size_t count_of(const char *text, const char *needle)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, needle)); at += strlen(needle))
        count++;
    return count;
}

/* Header lines: "Name: value" in printable ASCII, or folded and not blank. */
static inline void check_header_line(const char *line, size_t length, bool first)
{
    size_t name = 0;
    while (name < length && (isalnum((unsigned char)line[name]) || line[name] == '-'))
        name++;
    const bool named = name > 0 && name + 1 < length && line[name] == ':' && line[name + 1] == ' ';
    const bool folded = !first && length > 1 && line[0] == ' ' && line[1] != ' ';
    assert_true(named || folded);
    for (size_t i = 0; i < length; i++)
        assert_true(line[i] >= ' ' && line[i] <= '~');
}

static inline void check_headers(const char *text, const char *body)
{
    static const char *const once[] = {"Date",
                                       "From",
                                       "To",
                                       "Subject",
                                       "Message-ID",
                                       "Auto-Submitted",
                                       "MIME-Version",
                                       "Content-Type",
                                       "Content-Transfer-Encoding",
                                       "X-Toaster-Watcher"};
    char *headers = tw_strndup(text, (size_t)(body - text));
    char *marked = tw_format("\n%s", headers);
    for (size_t i = 0; i < TW_COUNT(once); i++) {
        char *name = tw_format("\n%s: ", once[i]);
        assert_int_equal(count_of(marked, name), 1);
        free(name);
    }
    static const char *const never[] = {"\nBcc:", "\nCc:", "\nReply-To:", "\nSender:"};
    for (size_t i = 0; i < TW_COUNT(never); i++)
        assert_null(strcasestr(marked, never[i]));
    free(marked);
    free(headers);
}

/* Gives the body. */
static inline const char *check_message(const struct tw_buf *message)
{
    const char *text = tw_buf_text(message);
    assert_int_equal(strlen(text), message->len);
    assert_true(message->len <= TW_LETTER_MAX);
    const char *gap = strstr(text, "\n\n");
    assert_non_null(gap);
    const char *body = gap + 2;
    assert_int_equal(text[message->len - 1], '\n');
    for (const char *line = text; *line; line = strchr(line, '\n') + 1) {
        const size_t length = strcspn(line, "\n");
        assert_true(length <= MESSAGE_LINE_MAX);
        if (line < gap)
            check_header_line(line, length, line == text);
        if (line >= body) {
            assert_true(line[0] != '.');
            assert_true(strncmp(line, "From ", 5) != 0);
        }
    }
    check_headers(text, body);
    /* Nothing that would have to be escaped: no control character, only whole UTF-8. */
    char *escaped = tw_escape_new(text, TW_ESCAPE_TEXT, 0);
    assert_string_equal(escaped, text);
    free(escaped);
    return body;
}

#endif
