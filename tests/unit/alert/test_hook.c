/* What a web hook gets: JSON that every reader takes, whatever is in the letter, with the members
 * that the manual names. */
#include "alert/message_check.h"

#include <stdio.h>

#include "alert/hook.h"
#include "alert/told.h"
#include "base/source.h"

/* ---- a strict reader of JSON (RFC 8259) ----------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Each gives the end of what begins here, or NULL. */
static const char *skip_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    for (; *at != '"'; at++) {
        if ((unsigned char)*at < 0x20)
            return NULL;
        if (*at != '\\')
            continue;
        at++;
        if (*at == 'u' && strspn(at + 1, "0123456789abcdefABCDEF") >= 4)
            at += 4;
        else if (!*at || !strchr("\"\\/bfnrt", *at))
            return NULL;
    }
    return at + 1;
}

static const char *skip_number(const char *at)
{
    at += *at == '-';
    const size_t digits = strspn(at, "0123456789");
    return digits && (digits == 1 || *at != '0') ? at + digits : NULL;
}

static const char *skip_value(const char *at, int depth);

/* Members of an object or array, up to its end. NOLINTNEXTLINE(misc-no-recursion): bounded */
static const char *skip_members(const char *at, char end, int depth)
{
    at = skip_blanks(at + 1);
    if (*at == end)
        return at + 1;
    for (;;) {
        if (end == '}') {
            at = skip_string(at);
            if (!at || *(at = skip_blanks(at)) != ':')
                return NULL;
            at = skip_blanks(at + 1);
        }
        at = skip_value(at, depth + 1);
        if (!at)
            return NULL;
        at = skip_blanks(at);
        if (*at == end)
            return at + 1;
        if (*at != ',')
            return NULL;
        at = skip_blanks(at + 1);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): bounded */
static const char *skip_value(const char *at, int depth)
{
    if (depth > 8)
        return NULL;
    if (*at == '{' || *at == '[')
        return skip_members(at, *at == '{' ? '}' : ']', depth);
    if (strncmp(at, "null", 4) == 0)
        return at + 4;
    return *at == '"' ? skip_string(at) : skip_number(at);
}

/* The value of a member, which must be there once. */
static const char *member(const char *object, const char *key)
{
    const char *found = NULL, *at = skip_blanks(object + 1);
    assert_int_equal(*object, '{');
    while (*at != '}') {
        const char *end = skip_string(at);
        const bool same = strncmp(at + 1, key, strlen(key)) == 0 && at[1 + strlen(key)] == '"';
        at = skip_blanks(skip_blanks(end) + 1);
        if (same) {
            assert_null(found);
            found = at;
        }
        at = skip_blanks(skip_value(at, 0));
        at = *at == ',' ? skip_blanks(at + 1) : at;
    }
    if (!found)
        fail_msg("no member \"%s\"", key);
    return found;
}

static size_t count_members(const char *at)
{
    const char end = *at == '{' ? '}' : ']';
    size_t count = 0;
    for (at = skip_blanks(at + 1); *at != end; count++) {
        if (end == '}')
            at = skip_blanks(skip_blanks(skip_string(at)) + 1);
        at = skip_blanks(skip_value(at, 0));
        at = *at == ',' ? skip_blanks(at + 1) : at;
    }
    return count;
}

static const char *item(const char *array, size_t index)
{
    const char *at = skip_blanks(array + 1);
    while (index--)
        at = skip_blanks(skip_blanks(skip_value(at, 0)) + 1);
    return at;
}

/* A string's text; what is over ASCII stands as it is. */
static char *text_of(const char *at)
{
    struct tw_buf out = {0};
    assert_int_equal(*at, '"');
    for (at++; *at != '"'; at++) {
        char c = *at;
        if (c == '\\' && *++at == 'u') {
            unsigned code;
            assert_int_equal(sscanf(at + 1, "%4x", &code), 1);
            tw_buf_printf(&out, code < 0x80 ? "%c" : "<%x>", code);
            at += 4;
            continue;
        }
        if (c == '\\')
            c = *at == 'n' ? '\n' : *at == 't' ? '\t' : *at == 'r' ? '\r' : *at;
        tw_buf_add(&out, &c, 1);
    }
    return tw_buf_take(&out);
}

static void text_is(const char *object, const char *key, const char *expected)
{
    char *text = text_of(member(object, key));
    if (strcmp(text, expected) != 0)
        fail_msg("%s is \"%s\" and not \"%s\"", key, text, expected);
    free(text);
}

static void number_is(const char *object, const char *key, int64_t expected)
{
    const char *value = member(object, key);
    assert_non_null(skip_number(value));
    assert_true(strtoll(value, NULL, 10) == expected);
}

static void is_null(const char *object, const char *key)
{
    assert_int_equal(strncmp(member(object, key), "null", 4), 0);
}

/* ---- letters and what becomes of them ------------------------------------------------------- */

/* An object, well formed, in whole UTF-8 and with nothing that a terminal might obey; all members
 * are there, and no others. The caller frees it. */
static char *hook_of(const char *text, size_t length)
{
    static const char *const keys[] = {"host",      "id",        "time",   "type",
                                       "subject",   "text",      "failed", "recovered",
                                       "reminders", "incidents", "more"};
    static const char *const of_incidents[] = {"id",     "aspect", "state", "level",
                                               "opened", "closed", "text"};
    struct tw_buf out = {0};
    tw_buf_puts(&out, "before");
    tw_hook_write(text, length, &out);
    assert_int_equal(strncmp(tw_buf_text(&out), "before{", 7), 0);
    char *json = tw_strdup(tw_buf_text(&out) + 6);
    assert_int_equal(strlen(json), out.len - 6);
    tw_buf_free(&out);
    const char *end = skip_value(json, 0);
    if (!end)
        fail_msg("no JSON: %s", json);
    assert_string_equal(skip_blanks(end), "");
    char *escaped = tw_escape_new(json, TW_ESCAPE_TEXT, 0);
    assert_string_equal(escaped, json);
    free(escaped);
    for (size_t i = 0; i < TW_COUNT(keys); i++)
        member(json, keys[i]);
    assert_int_equal(count_members(json), TW_COUNT(keys));
    const char *incidents = member(json, "incidents");
    assert_int_equal(*incidents, '[');
    const size_t count = count_members(incidents);
    assert_true(count <= TW_TOLD_DETAILED);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < TW_COUNT(of_incidents); k++)
            member(item(incidents, i), of_incidents[k]);
        assert_int_equal(count_members(item(incidents, i)), TW_COUNT(of_incidents));
    }
    return json;
}

static char *hook_of_letter(const struct tw_letter *letter)
{
    struct tw_buf out = {0};
    tw_letter_write(letter, &out);
    char *json = hook_of(tw_buf_text(&out), out.len);
    tw_buf_free(&out);
    return json;
}

static const struct tw_letter_entry smtp = {.aspect = "service.smtp",
                                            .id = 7,
                                            .level = TW_LEVEL_FAIL,
                                            .text = "down, \"want\" \\u",
                                            .opened_s = NOW - 40};
static const struct tw_letter_entry disk = {.aspect = "disk.var",
                                            .id = 5,
                                            .level = TW_LEVEL_UNKNOWN,
                                            .reminder = true,
                                            .text = "Input/output error",
                                            .opened_s = NOW - 3600};
static const struct tw_letter_entry clamd = {.aspect = "process.clamd",
                                             .id = 6,
                                             .level = TW_LEVEL_FAIL,
                                             .recovered = true,
                                             .text = "1 process",
                                             .opened_s = NOW - 725,
                                             .closed_s = NOW};
static const struct tw_letter_entry pop = {.aspect = "service.pop3/log",
                                           .id = 9,
                                           .level = TW_LEVEL_FAIL,
                                           .flapping = true,
                                           .opens = 5,
                                           .text = "",
                                           .opened_s = NOW - 9};

static void a_letter_becomes_this_object(void **state)
{
    (void)state;
    const struct tw_letter_entry entries[] = {smtp, disk, clamd, pop};
    struct tw_letter letter = letter_of(entries, 4);
    char *json = hook_of_letter(&letter);
    text_is(json, "host", "mail.example.com");
    text_is(json, "id", "<1795227165.1.77@mail.example.com>");
    number_is(json, "time", NOW);
    text_is(json, "type", "alert");
    number_is(json, "failed", 2);
    number_is(json, "recovered", 1);
    number_is(json, "reminders", 1);
    number_is(json, "more", 0);
    const char *incidents = member(json, "incidents");
    assert_int_equal(count_members(incidents), 4);
    const char *first = item(incidents, 0);
    number_is(first, "id", 7);
    text_is(first, "aspect", "service.smtp");
    text_is(first, "state", "failed");
    text_is(first, "level", "fail");
    number_is(first, "opened", NOW - 40);
    is_null(first, "closed");
    text_is(first, "text", "down, \"want\" \\u");
    text_is(item(incidents, 1), "state", "reminder");
    text_is(item(incidents, 1), "level", "unknown");
    text_is(item(incidents, 2), "state", "recovered");
    number_is(item(incidents, 2), "closed", NOW);
    text_is(item(incidents, 3), "state", "flapping");
    text_is(item(incidents, 3), "text", "");
    free(json);
}

static void subject_and_text_are_those_of_the_mail(void **state)
{
    (void)state;
    struct tw_letter_entry entry = smtp;
    entry.evidence = "M\xc3\xbcll \"x\" \\ \xf0\x9f\x98\x80\n\tindented\n";
    const struct tw_letter letter = letter_of(&entry, 1);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    char *json = hook_of(tw_buf_text(&out), out.len);
    text_is(json, "subject", "[toaster] mail.example.com: service.smtp failed");
    text_is(json, "text", strstr(tw_buf_text(&out), "\n\n") + 2);
    tw_buf_free(&out);
    free(json);
}

static void each_type_is_told(void **state)
{
    (void)state;
    struct tw_letter letter = letter_of(&smtp, 1);
    letter.unacked_s = 3600;
    char *json = hook_of_letter(&letter);
    text_is(json, "type", "escalation");
    free(json);
    struct tw_buf out = {0};
    letter = letter_of(NULL, 0);
    tw_letter_write_test(&letter, &out);
    json = hook_of(tw_buf_text(&out), out.len);
    text_is(json, "type", "test");
    assert_int_equal(count_members(member(json, "incidents")), 0);
    number_is(json, "more", 0);
    free(json);
    tw_buf_free(&out);
    static const char report[] = "Message-ID: <5.6@h>\nX-Toaster-Watcher: 1 failed=0 report\n\nx\n";
    json = hook_of(report, sizeof report - 1);
    text_is(json, "type", "report");
    free(json);
}

static void incidents_beyond_the_first_are_counted(void **state)
{
    (void)state;
    enum { ALL = 6000 };
    struct tw_letter_entry *entries = tw_realloc_array(NULL, ALL, sizeof *entries);
    for (size_t i = 0; i < ALL; i++) {
        entries[i] = smtp;
        entries[i].id = (int64_t)i + 1;
    }
    const struct tw_letter letter = letter_of(entries, ALL);
    char *json = hook_of_letter(&letter);
    assert_int_equal(count_members(member(json, "incidents")), TW_TOLD_DETAILED);
    number_is(json, "more", ALL - TW_TOLD_DETAILED);
    number_is(json, "failed", ALL);
    free(entries);
    free(json);
}

static void a_merged_letter_is_one_object_with_all_of_them(void **state)
{
    (void)state;
    const struct tw_letter_entry entries[] = {smtp, disk, clamd, pop};
    struct tw_buf letters[2] = {{0}, {0}}, out = {0};
    struct tw_waiting_letter waiting[2];
    for (size_t i = 0; i < 2; i++) {
        const struct tw_letter letter = letter_of(entries + 2 * i, 2);
        tw_letter_write(&letter, &letters[i]);
        waiting[i] = (struct tw_waiting_letter){"1", tw_buf_text(&letters[i]), letters[i].len};
    }
    const struct tw_letter head = letter_of(NULL, 0);
    tw_letter_merge(&head, waiting, 2, &out);
    char *json = hook_of(tw_buf_text(&out), out.len);
    assert_int_equal(count_members(member(json, "incidents")), 4);
    number_is(json, "failed", 2);
    number_is(json, "recovered", 1);
    number_is(json, "reminders", 1);
    number_is(json, "more", 0);
    text_is(json, "text", strstr(tw_buf_text(&out), "\n\n") + 2);
    free(json);
    for (size_t i = 0; i < 2; i++)
        tw_buf_free(&letters[i]);
    tw_buf_free(&out);
}

static const char *const hostile[] = {
    "",
    "\"}, \"id\": \"forged\", {\"",
    "\\",
    "\\\"",
    "\\u0000\\ud800",
    "x\nBcc: victim@example.org\n\nbody",
    "\n.\n",
    "\033[2J\033]0;owned\007\b\b\177",
    "\xff\xfe\xc3(\xe2\x80\xae right to left \xed\xa0\x80",
    "\x01\x02\x03\x04\x05\x0b\x0c\x0e\x1f\x80\x9f",
    "\xe2\x80\xa8 line separator \xc2\x85 next line",
    "</script><script>alert(1)</script>",
    "% s%n%s \\n",
    "\t\t\r\r",
};

static void hostile_text_in_every_field_leaves_it_well_formed(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(hostile); i++) {
        struct tw_letter_entry entries[] = {smtp, clamd};
        for (size_t k = 0; k < 2; k++) {
            entries[k].aspect = entries[k].text = hostile[i];
            entries[k].evidence = entries[k].advice = hostile[i];
        }
        struct tw_letter letter = letter_of(entries, 2);
        letter.host = letter.from = letter.id = hostile[i];
        free(hook_of_letter(&letter));
    }
}

/* The outbox may hold anything, after a crash or an administrator. */
static void what_is_no_letter_becomes_an_object_all_the_same(void **state)
{
    (void)state;
    static const char *const odd[] = {
        "",
        "\n",
        "\n\n",
        "x",
        "Subject: x",
        "Message-ID:\nSubject:\n\n",
        "Message-ID: <@>\n\n",
        "Message-ID: <99999999999999999999999@h\"\\>\n\n",
        "Message-ID: <-99999999999999999999999@\xff\x01>\n\n",
        "Message-ID: no@angles\n\n",
        "X-Toaster-Watcher: 1 failed=-1 recovered=99999999999999999999999 reminders=x\n\n",
        "X-Toaster-Watcher-Incident: 1 failed fail 2 3 \"\\\x01\xff text \"\\\x01\xff\n\n",
        "X-Toaster-Watcher-Incident: 9223372036854775807 failed fail 9223372036854775807 1 a\n\n",
        "X-Toaster-Watcher-Told: failed 1-1000000,1-1000000,1-1000000\n\n\x01",
        "Subject: \xff\xfe\"\\\x01\x1b\n\n\xff\xfe\"\\\x01\x1b",
    };
    for (size_t i = 0; i < TW_COUNT(odd); i++)
        free(hook_of(odd[i], strlen(odd[i])));
    static const char nul[] = "Subject: a\0b\n\nbody\0more";
    char *json = hook_of(nul, sizeof nul - 1);
    free(json);
}

static void no_time_is_null(void **state)
{
    (void)state;
    static const char text[] = "Message-ID: <x@h>\n"
                               "X-Toaster-Watcher-Incident: 1 failed fail 0 0 a b\n\n";
    char *json = hook_of(text, sizeof text - 1);
    is_null(json, "time");
    is_null(item(member(json, "incidents"), 0), "opened");
    is_null(item(member(json, "incidents"), 0), "closed");
    free(json);
}

static void all_bytes_there_are_leave_it_well_formed(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    tw_buf_puts(&text, "Subject: ");
    for (int part = 0; part < 2; part++) {
        for (int c = 1; c < 256; c++)
            if (c != '\n')
                tw_buf_add(&text, &(char){(char)c}, 1);
        tw_buf_puts(&text, part ? "" : "\n\n");
    }
    free(hook_of(tw_buf_text(&text), text.len));
    tw_buf_free(&text);
}

static void a_letter_cut_anywhere_leaves_it_well_formed(void **state)
{
    (void)state;
    struct tw_letter_entry entries[] = {smtp, clamd};
    entries[0].evidence = "M\xc3\xbcll \xf0\x9f\x98\x80\n";
    const struct tw_letter letter = letter_of(entries, 2);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    for (size_t length = 0; length <= out.len; length += 3) {
        char *cut = tw_alloc(length + 1);
        memcpy(cut, out.data, length);
        free(hook_of(cut, length));
        free(cut);
    }
    tw_buf_free(&out);
}

static void a_megabyte_is_taken(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    tw_buf_puts(&text, "Subject: x\n\n");
    while (text.len < 1024 * 1024)
        tw_buf_puts(&text, "\x01\xff\"\\\n");
    free(hook_of(tw_buf_text(&text), text.len));
    tw_buf_free(&text);
}

/* The page of the source tree, from its heading to the next one. */
static char *manual_of_hooks(void)
{
    char *page = read_source("lib/config/toaster-watcher.conf.5");
    const char *begin = strstr(page, "\n.Ss Web hooks\n");
    assert_non_null(begin);
    const char *end = strstr(begin + 1, "\n.S");
    assert_non_null(end);
    char *part = tw_strndup(begin, (size_t)(end - begin));
    free(page);
    return part;
}

static bool has_word(const char *text, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = text; (at = strstr(at, word)); at += length)
        if (strchr(" \n", at[-1]) && strchr(" \n,", at[length]))
            return true;
    return false;
}

static void the_manual_names_every_member_and_value(void **state)
{
    (void)state;
    const struct tw_letter_entry entries[] = {smtp};
    const struct tw_letter letter = letter_of(entries, 1);
    char *manual = manual_of_hooks(), *json = hook_of_letter(&letter);
    const char *objects[] = {json, item(member(json, "incidents"), 0)};
    for (size_t i = 0; i < 2; i++) {
        const char *at = skip_blanks(objects[i] + 1);
        while (*at != '}') {
            char *key = text_of(at);
            if (!has_word(manual, key))
                fail_msg("\"%s\" is not in the manual", key);
            free(key);
            at = skip_blanks(skip_blanks(skip_string(at)) + 1);
            at = skip_blanks(skip_value(at, 0));
            at = *at == ',' ? skip_blanks(at + 1) : at;
        }
    }
    static const char *const values[] = {"alert", "escalation", "report",
                                         "test",  "fail",       "unknown"};
    for (size_t i = 0; i < TW_COUNT(values); i++)
        assert_true(has_word(manual, values[i]));
    for (int i = 0; i < TW_TOLD_STATES; i++)
        assert_true(has_word(manual, tw_told_name((enum tw_told_state)i)));
    free(manual);
    free(json);
}

static void the_reader_of_these_tests_is_strict(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",   "{", "{\"a\"}",  "{\"a\": }", "{a: 1}",    "[1,]",   "[1 2]",        "{\"a\": 1,}",
        "01", "-", "\"\x01\"", "\"\\x41\"", "\"\\u12\"", "\"\n\"", "{\"a\": 'x'}", "nul"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_null(skip_value(bad[i], 0));
    static const char good[] = "{\"a\": [1, -2, null, \"\\u00e4\\n\"], \"b\" : {}, \"c\": []}";
    assert_string_equal(skip_value(good, 0), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_becomes_this_object),
        cmocka_unit_test(subject_and_text_are_those_of_the_mail),
        cmocka_unit_test(each_type_is_told),
        cmocka_unit_test(incidents_beyond_the_first_are_counted),
        cmocka_unit_test(a_merged_letter_is_one_object_with_all_of_them),
        cmocka_unit_test(hostile_text_in_every_field_leaves_it_well_formed),
        cmocka_unit_test(what_is_no_letter_becomes_an_object_all_the_same),
        cmocka_unit_test(no_time_is_null),
        cmocka_unit_test(all_bytes_there_are_leave_it_well_formed),
        cmocka_unit_test(a_letter_cut_anywhere_leaves_it_well_formed),
        cmocka_unit_test(a_megabyte_is_taken),
        cmocka_unit_test(the_manual_names_every_member_and_value),
        cmocka_unit_test(the_reader_of_these_tests_is_strict),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
