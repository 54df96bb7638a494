/* Letters: what a postmaster reads, and that no text from outside spoils the message. */
#include "alert/message_check.h"

#include <stdio.h>

static const struct tw_letter_entry smtp = {
    .aspect = "service.smtp",
    .level = TW_LEVEL_FAIL,
    .text = "down for 12s (normally up), want u",
    .opened_s = NOW - 40,
    .evidence = "/var/service/smtp: down 12 seconds, normally up\n"
                "2026-11-21 03:12:33.100 tcpserver: fatal: unable to bind: address already used\n",
    .advice = "svc -u /var/service/smtp"};
static const struct tw_letter_entry disk = {.aspect = "disk.var",
                                            .level = TW_LEVEL_UNKNOWN,
                                            .text = "cannot look at /var: Input/output error",
                                            .opened_s = NOW - 3600};
static const struct tw_letter_entry clamd = {.aspect = "process.clamd",
                                             .recovered = true,
                                             .text = "1 process",
                                             .opened_s = NOW - 725,
                                             .closed_s = NOW};

static void a_letter_reads_like_this(void **state)
{
    (void)state;
    const struct tw_letter_entry entries[] = {smtp, disk, clamd};
    const struct tw_letter letter = letter_of(entries, 3);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    check_message(&out);
    assert_string_equal(
        tw_buf_text(&out),
        "Date: Sat, 21 Nov 2026 03:12:45 +0100\n"
        "From: toaster@example.com\n"
        "To: postmaster@example.com\n"
        "Subject: [toaster] mail.example.com: 2 failed, 1 recovered: service.smtp, disk.var,"
        " process.clamd\n"
        "Message-ID: <1795227165.1.77@mail.example.com>\n"
        "Auto-Submitted: auto-generated\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        "X-Toaster-Watcher: " TW_VERSION " failed=2 recovered=1\n"
        "\n"
        "On mail.example.com, 2026-11-21 03:12:45 +0100:\n"
        "2 failed, 1 recovered.\n"
        "\n"
        "FAIL service.smtp\n"
        "  down for 12s (normally up), want u\n"
        "  Since 2026-11-21 03:12:05 +0100, for 40s.\n"
        "  What was seen:\n"
        "    /var/service/smtp: down 12 seconds, normally up\n"
        "    2026-11-21 03:12:33.100 tcpserver: fatal: unable to bind: address already used\n"
        "  What would help:\n"
        "    svc -u /var/service/smtp\n"
        "\n"
        "UNKNOWN disk.var\n"
        "  cannot check disk.var: cannot look at /var: Input/output error\n"
        "  Since 2026-11-21 02:12:45 +0100, for 1h.\n"
        "\n"
        "OK process.clamd\n"
        "  1 process\n"
        "  Failed from 2026-11-21 03:00:40 +0100\n"
        "  to 2026-11-21 03:12:45 +0100: 12m 5s.\n"
        "\n"
        "\"toasterctl status\" shows how everything stands now.\n");
    tw_buf_free(&out);
}

static char *body_of(const struct tw_letter *letter, char **subject)
{
    struct tw_buf out = {0};
    tw_letter_write(letter, &out);
    check_message(&out);
    *subject = header_of(&out, "Subject");
    const char *body = strstr(tw_buf_text(&out), "\n\n");
    assert_non_null(body);
    char *copy = tw_strdup(body + 2);
    tw_buf_free(&out);
    return copy;
}

static void expect_letter(const struct tw_letter *letter, const char *subject, const char *body)
{
    char *got_subject, *got = body_of(letter, &got_subject);
    assert_string_equal(got_subject, subject);
    assert_string_equal(got, body);
    free(got_subject);
    free(got);
}

static void flapping_reads_like_this_and_so_does_its_end(void **state)
{
    (void)state;
    struct tw_letter_entry entry = smtp;
    entry.evidence = entry.advice = NULL;
    entry.id = 17;
    entry.flapping = true;
    entry.opens = 5;
    const struct tw_letter letter = letter_of(&entry, 1);
    expect_letter(&letter, "[toaster] mail.example.com: service.smtp is flapping, opened 5 times",
                  "On mail.example.com, 2026-11-21 03:12:45 +0100:\n"
                  "\n"
                  "FLAPPING service.smtp\n"
                  "  down for 12s (normally up), want u\n"
                  "  Since 2026-11-21 03:12:05 +0100, for 40s; incident 17.\n"
                  "  It has opened 5 times so far: no letter about each, but one an hour.\n"
                  "\n"
                  "\"toasterctl status\" shows how everything stands now.\n");
    entry.recovered = true;
    entry.opened_s = NOW - 7200;
    entry.closed_s = NOW;
    entry.text = "up";
    expect_letter(&letter, "[toaster] mail.example.com: service.smtp is well again after 2h",
                  "On mail.example.com, 2026-11-21 03:12:45 +0100:\n"
                  "\n"
                  "OK service.smtp\n"
                  "  up\n"
                  "  Failed from 2026-11-21 01:12:45 +0100\n"
                  "  to 2026-11-21 03:12:45 +0100: 2h; incident 17.\n"
                  "  It opened 5 times, and has been well for an hour.\n"
                  "\n"
                  "\"toasterctl status\" shows how everything stands now.\n");
}

static void a_reminder_and_an_escalation_read_like_this(void **state)
{
    (void)state;
    struct tw_letter_entry entries[] = {smtp, disk};
    entries[0].evidence = entries[0].advice = NULL;
    entries[0].reminder = entries[1].reminder = true;
    entries[0].acked = "Acknowledged by joe, 2026-11-21 03:12:30 +0100: seen\n";
    struct tw_letter letter = letter_of(entries, 2);
    expect_letter(&letter, "[toaster] mail.example.com: 2 still failing: service.smtp, disk.var",
                  "On mail.example.com, 2026-11-21 03:12:45 +0100:\n"
                  "2 still failing.\n"
                  "\n"
                  "FAIL service.smtp\n"
                  "  down for 12s (normally up), want u\n"
                  "  Since 2026-11-21 03:12:05 +0100, for 40s.\n"
                  "  Acknowledged by joe, 2026-11-21 03:12:30 +0100: seen\\n\n"
                  "\n"
                  "UNKNOWN disk.var\n"
                  "  cannot check disk.var: cannot look at /var: Input/output error\n"
                  "  Since 2026-11-21 02:12:45 +0100, for 1h.\n"
                  "\n"
                  "\"toasterctl status\" shows how everything stands now.\n");
    letter = letter_of(entries, 1);
    char *subject, *body = body_of(&letter, &subject);
    assert_string_equal(subject, "[toaster] mail.example.com: service.smtp still fails, for 40s");
    free(subject);
    free(body);
    letter = letter_of(&entries[1], 1);
    body = body_of(&letter, &subject);
    assert_string_equal(subject, "[toaster] mail.example.com: still cannot check disk.var");
    free(subject);
    free(body);
    entries[0].reminder = false;
    entries[0].acked = NULL;
    letter = letter_of(entries, 1);
    letter.unacked_s = 3600;
    expect_letter(&letter, "[toaster] mail.example.com: NOT ACKNOWLEDGED: service.smtp failed",
                  "On mail.example.com, 2026-11-21 03:12:45 +0100:\n"
                  "Nobody has acknowledged this for 1h: toasterctl ack INCIDENT \"WHY\".\n"
                  "\n"
                  "FAIL service.smtp\n"
                  "  down for 12s (normally up), want u\n"
                  "  Since 2026-11-21 03:12:05 +0100, for 40s.\n"
                  "\n"
                  "\"toasterctl status\" shows how everything stands now.\n");
}

static void what_then_did_and_who_waits_stand_in_their_entry(void **state)
{
    (void)state;
    struct tw_strings waiting = {0};
    struct tw_letter_entry entries[] = {smtp, clamd};
    entries[0].order = "svc -u /var/service/smtp: exit 111: a\nb";
    entries[0].order_s = NOW - 39;
    entries[0].waiting = &waiting;
    entries[1].waiting = &waiting;
    tw_strings_add(&waiting, "process.clamd: no process clamd\x1b[0m");
    const struct tw_letter letter = letter_of(entries, 1);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    check_message(&out);
    assert_non_null(strstr(tw_buf_text(&out), "    svc -u /var/service/smtp\n"
                                              "  What then did, at 2026-11-21 03:12:06 +0100:\n"
                                              "    svc -u /var/service/smtp: exit 111: a\\nb\n"
                                              "  Waiting for it, without a letter of its own:\n"
                                              "    process.clamd: no process clamd\\x1b[0m\n"));
    for (int i = 0; i < 30; i++)
        tw_strings_add(&waiting, "service.x: down");
    tw_buf_clear(&out);
    tw_letter_write(&letter, &out);
    check_message(&out);
    assert_non_null(strstr(tw_buf_text(&out), "    service.x: down\n    (11 more)\n"));
    tw_strings_free(&waiting);
    tw_buf_free(&out);
}

static void assert_subject(const struct tw_letter *letter, const char *want)
{
    struct tw_buf out = {0};
    tw_letter_write(letter, &out);
    check_message(&out);
    assert_header(&out, "Subject", want);
    tw_buf_free(&out);
}

static void a_subject_says_host_what_and_how_many(void **state)
{
    (void)state;
    const struct tw_letter_entry three[] = {smtp, disk, {.aspect = "process.clamd", .text = ""}};
    const struct tw_letter_entry back[] = {clamd, clamd};
    struct tw_letter letter = letter_of(&smtp, 1);
    assert_subject(&letter, "[toaster] mail.example.com: service.smtp failed");
    letter = letter_of(&disk, 1);
    assert_subject(&letter, "[toaster] mail.example.com: cannot check disk.var");
    letter = letter_of(&clamd, 1);
    assert_subject(&letter, "[toaster] mail.example.com: process.clamd is well again after 12m 5s");
    letter = letter_of(three, 3);
    assert_subject(&letter, "[toaster] mail.example.com: 3 failed: service.smtp, disk.var,"
                            " process.clamd");
    letter = letter_of(back, 2);
    assert_subject(&letter, "[toaster] mail.example.com: 2 recovered: process.clamd,"
                            " process.clamd");
    letter = letter_of(three, 3);
    letter.summary = true;
    assert_subject(&letter, "[toaster] mail.example.com: summary: 3 failed: service.smtp,"
                            " disk.var, process.clamd");
}

static void what_was_held_back_is_told(void **state)
{
    (void)state;
    struct tw_letter letter = letter_of(&smtp, 1);
    letter.came_and_went = 7;
    letter.summary = true;
    letter.last_of_hour = true;
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    const char *body = check_message(&out);
    assert_non_null(strstr(body, "\n7 more failed and were well again while letters were held"));
    assert_non_null(strstr(body, "sums up the last hour"));
    assert_non_null(strstr(body, "max_per_hour"));
    tw_buf_free(&out);
}

static char *repeat(const char *piece, size_t bytes)
{
    struct tw_buf out = {0};
    while (out.len < bytes)
        tw_buf_puts(&out, piece);
    return tw_buf_take(&out);
}

static void many_entries_get_a_line_each_and_evidence_only_for_the_first_ten(void **state)
{
    (void)state;
    struct tw_letter_entry entries[60];
    for (size_t i = 0; i < 60; i++)
        entries[i] = i < 40 ? smtp : clamd;
    const struct tw_letter letter = letter_of(entries, 60);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    const char *body = check_message(&out);
    assert_int_equal(count_of(body, "What was seen:"), 10);
    assert_int_equal(
        count_of(body, "\nFAIL service.smtp: down for 12s (normally up), want u (since"), 30);
    assert_int_equal(count_of(body, "\nOK process.clamd: 1 process (after 12m 5s)"), 20);
    tw_buf_free(&out);
}

static char *numbered_lines(int count)
{
    struct tw_buf text = {0};
    for (int i = 1; i <= count; i++)
        tw_buf_printf(&text, "line %d.\n", i);
    return tw_buf_take(&text);
}

static void of_long_evidence_the_beginning_and_the_end_are_there(void **state)
{
    (void)state;
    for (int lines = 60; lines <= 100; lines += 40) {
        char *evidence = numbered_lines(lines);
        struct tw_letter_entry entry = smtp;
        entry.evidence = evidence;
        const struct tw_letter letter = letter_of(&entry, 1);
        struct tw_buf out = {0};
        tw_letter_write(&letter, &out);
        const char *body = check_message(&out);
        const bool all = lines == 60;
        assert_int_equal(count_of(body, "    line "), 60);
        assert_non_null(strstr(body, "    line 1.\n"));
        assert_non_null(strstr(body, all ? "    line 60.\n" : "    line 100.\n"));
        assert_int_equal(count_of(body, "    line 20.\n    (40 more lines)\n    line 61.\n"), !all);
        assert_int_equal(count_of(body, " more line"), !all);
        tw_buf_free(&out);
        free(evidence);
    }
}

static void twenty_entries_with_huge_evidence_are_all_there(void **state)
{
    (void)state;
    char *evidence =
        repeat("a line of a log, as long as such a line often is, and then some\n", 1024 * 1024);
    struct tw_letter_entry entries[20];
    for (size_t i = 0; i < 20; i++) {
        entries[i] = smtp;
        entries[i].evidence = evidence;
    }
    const struct tw_letter letter = letter_of(entries, 20);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    const char *body = check_message(&out);
    assert_int_equal(count_of(body, "\nFAIL service.smtp"), 20);
    assert_int_equal(count_of(body, " more lines)\n"), count_of(body, "What was seen:"));
    tw_buf_free(&out);
    free(evidence);
}

static void what_has_no_room_is_counted(void **state)
{
    (void)state;
    enum { ALL = 20000 };
    struct tw_letter_entry *entries = tw_realloc_array(NULL, ALL, sizeof *entries);
    for (size_t i = 0; i < ALL; i++)
        entries[i] = smtp;
    struct tw_letter letter = letter_of(entries, ALL);
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    const char *body = check_message(&out);
    const size_t shown = count_of(body, "\nFAIL service.smtp");
    char *rest = tw_format("\n%zu more failed or recovered, for which", ALL - shown);
    assert_true(shown > 1000);
    assert_non_null(strstr(body, rest));
    assert_non_null(strstr(body, "toasterctl status"));
    free(rest);
    tw_buf_free(&out);
    free(entries);
}

static void one_evidence_line_of_a_megabyte_is_cut(void **state)
{
    (void)state;
    char *line = repeat("x", 1024 * 1024);
    struct tw_letter_entry entry = smtp;
    entry.evidence = line;
    entry.text = line;
    entry.advice = line;
    entry.aspect = line;
    struct tw_letter letter = letter_of(&entry, 1);
    letter.host = letter.id = letter.from = line;
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    check_message(&out);
    assert_true(out.len < 8192);
    tw_buf_free(&out);
    free(line);
}

/* Each of these in every field at once. */
static const char *const hostile[] = {
    "",
    "x\nBcc: victim@example.org\n\nbody",
    "x\r\nBcc: victim@example.org\r\n\r\nbody",
    "\n.\n",
    ".\nFrom x Thu\n",
    "From x",
    "\033[2J\033]0;owned\007\b\b\177",
    "\xff\xfe\xc3(\xe2\x80\xae right to left \xed\xa0\x80",
    "\x01\x02\x03\x04\x05\x0b\x0c\x0e\x1f\x80\x9f",
    "\xe2\x80\xa8 line separator \xc2\x85 next line",
    "   leading, and trailing   \n   \n",
    "% s%n%s \\n \\",
    "==============================================================\n",
    "\n==============================================================\nDate: x\n\nforged",
};

static void check_hostile(const char *text)
{
    char *addresses[] = {(char *)text, (char *)"postmaster@example.com"};
    const struct tw_strings both = {addresses, 2};
    struct tw_letter_entry entries[] = {smtp, clamd};
    for (size_t i = 0; i < 2; i++) {
        entries[i].aspect = entries[i].text = text;
        entries[i].evidence = entries[i].advice = text;
    }
    struct tw_letter letter = letter_of(entries, 2);
    letter.host = letter.from = letter.id = text;
    if (*text)
        letter.to = &both;
    struct tw_buf out = {0};
    tw_letter_write(&letter, &out);
    const char *body = check_message(&out);
    assert_null(strstr(body, "\n======"));
    letter.entry_count = 1;
    tw_buf_clear(&out);
    tw_letter_write(&letter, &out);
    check_message(&out);
    tw_buf_free(&out);
}

static void hostile_text_in_every_field_leaves_the_message_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < TW_COUNT(hostile); i++)
        check_hostile(hostile[i]);
}

static void clocks_that_jumped_and_times_that_never_were_do_no_harm(void **state)
{
    (void)state;
    static const int64_t odd[] = {0, -1, NOW + 1000000, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < TW_COUNT(odd); i++)
        for (int recovered = 0; recovered < 2; recovered++) {
            struct tw_letter_entry entry = clamd;
            entry.recovered = recovered == 1;
            entry.opened_s = odd[i];
            struct tw_letter letter = letter_of(&entry, 1);
            struct tw_buf out = {0};
            tw_letter_write(&letter, &out);
            assert_null(strstr(check_message(&out), "-1s"));
            letter.now_s = odd[i];
            tw_buf_clear(&out);
            tw_letter_write(&letter, &out);
            check_message(&out);
            tw_buf_free(&out);
        }
}

static void what_stops_mail_is_known(void **state)
{
    (void)state;
    static const char *const yes[] = {"process.svscan",       "service.send",
                                      "service.send/log",     "process.qmail-send",
                                      "process.qmail-lspawn", "process.qmail-rspawn",
                                      "process.qmail-clean",  "service.qmail-send"};
    static const char *const no[] = {"",
                                     "service.",
                                     "service.smtp",
                                     "file.send",
                                     "process.sendmail",
                                     "process.qmail-smtpd",
                                     "service",
                                     "service.sen",
                                     "disk.svscan",
                                     "service./send"};
    for (size_t i = 0; i < TW_COUNT(yes); i++)
        assert_true(tw_letter_about_qmail(yes[i]));
    for (size_t i = 0; i < TW_COUNT(no); i++)
        assert_false(tw_letter_about_qmail(no[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_reads_like_this),
        cmocka_unit_test(flapping_reads_like_this_and_so_does_its_end),
        cmocka_unit_test(a_reminder_and_an_escalation_read_like_this),
        cmocka_unit_test(what_then_did_and_who_waits_stand_in_their_entry),
        cmocka_unit_test(a_subject_says_host_what_and_how_many),
        cmocka_unit_test(what_was_held_back_is_told),
        cmocka_unit_test(many_entries_get_a_line_each_and_evidence_only_for_the_first_ten),
        cmocka_unit_test(of_long_evidence_the_beginning_and_the_end_are_there),
        cmocka_unit_test(twenty_entries_with_huge_evidence_are_all_there),
        cmocka_unit_test(what_has_no_room_is_counted),
        cmocka_unit_test(one_evidence_line_of_a_megabyte_is_cut),
        cmocka_unit_test(hostile_text_in_every_field_leaves_the_message_whole),
        cmocka_unit_test(clocks_that_jumped_and_times_that_never_were_do_no_harm),
        cmocka_unit_test(what_stops_mail_is_known),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
