/* What is remembered of a round, what is to be sent, and what a mail comes to. */
#include "kit.h"

#include "kinds/canary_round.h"

#define ID_A "1800000000.00112233445566778899aabbccddeeff"
#define ID_B "1800000000.ffeeddccbbaa99887766554433221100"
#define ID_C "1800000000.0123456789abcdef0123456789abcdef"

static const enum tw_testmail types[] = {TW_TESTMAIL_CLEAN, TW_TESTMAIL_SPAM, TW_TESTMAIL_VIRUS};
static char *const ids[] = {ID_A, ID_B, ID_C};

static struct tw_canary_round begun(void)
{
    struct tw_canary_round round = {0};
    tw_canary_begin(&round, "c@example.com", "me", types, ids, TW_COUNT(types), NOW_S);
    return round;
}

/* As the next run has it. */
static void travel(struct tw_canary_round *round)
{
    struct tw_buf text = {0}, again = {0};
    tw_canary_write(round, &text);
    tw_canary_free(round);
    tw_canary_read(tw_buf_text(&text), round);
    tw_canary_write(round, &again);
    assert_string_equal(tw_buf_text(&text), tw_buf_text(&again));
    tw_buf_free(&text);
    tw_buf_free(&again);
}

/* Where something is to be written first, it is. */
static struct tw_canary_mail *next_of(struct tw_canary_round *round, const char *who, int64_t now_s)
{
    bool write;
    struct tw_canary_mail *mail = tw_canary_next(round, who, now_s, &write);
    if (!write)
        return mail;
    travel(round);
    mail = tw_canary_next(round, who, now_s, &write);
    assert_false(write);
    return mail;
}

static void send_all(struct tw_canary_round *round, enum tw_mailout_result result)
{
    for (size_t i = 0; i < TW_COUNT(types); i++) {
        struct tw_canary_mail *mail = next_of(round, "me", NOW_S);
        assert_ptr_equal(mail, &round->mails[i]);
        tw_canary_sent(mail, result, "554 no", 120, NOW_S, NOW_S);
        travel(round);
    }
    assert_null(next_of(round, "me", NOW_S));
}

static void expect(const struct tw_canary_mail *mail, const char *spam, int64_t at_s,
                   enum tw_level level, const char *code, const char *part)
{
    const struct tw_canary_verdict v = tw_canary_judge(mail, spam, 120, at_s);
    if (v.level != level || strcmp(v.code, code) != 0 || !v.text || !strstr(v.text, part))
        fail_msg("%s, %s: %s", tw_level_name(v.level), v.code, v.text ? v.text : "(none)");
    free(v.text);
}

static void expect_open(const struct tw_canary_mail *mail, const char *spam, int64_t at_s)
{
    const struct tw_canary_verdict v = tw_canary_judge(mail, spam, 120, at_s);
    if (v.text)
        fail_msg("known already: %s", v.text);
}

static void saw(struct tw_canary_round *round, const char *id, const char *folder, bool in_spam,
                int64_t after_s)
{
    assert_null(tw_canary_saw(round,
                              &(struct tw_canary_sight){id, folder, in_spam, true, NOW_S + after_s},
                              NOW_S + after_s + 1));
    travel(round);
}

static void a_mail_is_sent_once_one_after_another(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    travel(&round);
    assert_true(round.open);
    send_all(&round, TW_MAILOUT_TAKEN);
    tw_canary_free(&round);
}

static void another_process_sends_only_what_cannot_have_been_sent(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    tw_canary_sent(next_of(&round, "me", NOW_S), TW_MAILOUT_TAKEN, "", 120, NOW_S, NOW_S);
    travel(&round);
    const struct tw_canary_mail *next = next_of(&round, "other", NOW_S + 5);
    assert_int_equal(next->type, TW_TESTMAIL_VIRUS);
    assert_int_equal(round.mails[1].fate, TW_CANARY_PERHAPS);
    travel(&round);
    next = next_of(&round, "other", NOW_S + 5);
    assert_ptr_equal(next, &round.mails[2]);
    expect_open(&round.mails[1], "folder", NOW_S + 60);
    expect(&round.mails[1], "folder", NOW_S + 120, TW_LEVEL_UNKNOWN, "interrupted", "ended while");
    saw(&round, ID_B, "Spam", true, 3);
    expect(&round.mails[1], "folder", NOW_S + 60, TW_LEVEL_OK, "ok", "came to Spam after 3 s");
    tw_canary_free(&round);
}

static void what_changes_who_sends_is_written_before_anything_goes(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    bool write;
    assert_ptr_equal(tw_canary_next(&round, "me", NOW_S, &write), &round.mails[0]);
    assert_false(write);
    assert_ptr_equal(tw_canary_next(&round, "other", NOW_S, &write), &round.mails[1]);
    assert_true(write);
    assert_ptr_equal(tw_canary_next(&round, "other", NOW_S, &write), &round.mails[1]);
    assert_false(write);
    tw_canary_free(&round);
}

static void a_second_try_that_was_interrupted_is_not_repeated(void **state)
{
    (void)state;
    struct tw_canary_round round = {0};
    bool write;
    tw_canary_begin(&round, "c@example.com", "me", types, ids, 2, NOW_S);
    tw_canary_sent(next_of(&round, "me", NOW_S), TW_MAILOUT_PUT_OFF, "451 later", 120, NOW_S,
                   NOW_S);
    tw_canary_sent(next_of(&round, "me", NOW_S), TW_MAILOUT_PUT_OFF, "451 later", 120, NOW_S + 2,
                   NOW_S + 2);
    assert_ptr_equal(tw_canary_next(&round, "me", NOW_S + 31, &write), &round.mails[0]);
    assert_true(write);
    travel(&round);
    const struct tw_canary_mail *mail = next_of(&round, "other", NOW_S + 60);
    assert_ptr_equal(mail, &round.mails[1]);
    assert_int_equal(round.mails[0].fate, TW_CANARY_PERHAPS);
    assert_int_equal(round.mails[0].sent_s, NOW_S);
    tw_canary_free(&round);
}

static void what_is_put_off_is_tried_again_in_its_time(void **state)
{
    (void)state;
    struct tw_canary_round round = {0};
    tw_canary_begin(&round, "c@example.com", "me", types, ids, 1, NOW_S);
    struct tw_canary_mail *mail = next_of(&round, "me", NOW_S);
    tw_canary_sent(mail, TW_MAILOUT_PUT_OFF, "451 later", 120, NOW_S, NOW_S + 1);
    assert_null(next_of(&round, "me", NOW_S + 2));
    travel(&round);
    mail = next_of(&round, "me", NOW_S + 40);
    assert_non_null(mail);
    tw_canary_sent(mail, TW_MAILOUT_PUT_OFF, "451 later", 120, NOW_S + 40, NOW_S + 100);
    assert_int_equal(mail->sent_s, NOW_S);
    assert_null(next_of(&round, "me", NOW_S + 1000));
    expect_open(mail, "folder", NOW_S + 119);
    expect(mail, "folder", NOW_S + 120, TW_LEVEL_FAIL, "put-off", "put off: 451 later");
    tw_canary_free(&round);
}

static void the_clean_one_must_come_in_time(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    const struct tw_canary_mail *clean = &round.mails[0];
    expect_open(clean, "folder", NOW_S + 1000);
    send_all(&round, TW_MAILOUT_TAKEN);
    clean = &round.mails[0];
    expect_open(clean, "folder", NOW_S + 119);
    expect(clean, "folder", NOW_S + 120, TW_LEVEL_FAIL, "missing", "has not come within 2m");
    saw(&round, ID_A, "Inbox", false, 340);
    expect(&round.mails[0], "folder", NOW_S + 341, TW_LEVEL_FAIL, "slow", "clean mail took 340 s");
    tw_canary_free(&round);
    round = begun();
    send_all(&round, TW_MAILOUT_TAKEN);
    saw(&round, ID_A, "Spam", true, 4);
    expect(&round.mails[0], "folder", NOW_S + 5, TW_LEVEL_FAIL, "spam", "clean mail came to Spam");
    saw(&round, ID_A, "Inbox", false, 5); /* another copy */
    expect(&round.mails[0], "folder", NOW_S + 6, TW_LEVEL_OK, "ok", "came to Inbox after 5 s");
    tw_canary_free(&round);
    round = begun();
    send_all(&round, TW_MAILOUT_REFUSED);
    expect(&round.mails[0], "folder", NOW_S, TW_LEVEL_FAIL, "refused", "refused: 554 no");
    tw_canary_free(&round);
}

static void spam_must_become_what_the_configuration_says(void **state)
{
    (void)state;
    static const struct {
        const char *spam;
        enum tw_mailout_result result;
        int seen; /* 0: not, 1: in Spam, 2: in the Inbox */
        int64_t at_s;
        enum tw_level level;
        const char *code;
    } cases[] = {
        {"folder", TW_MAILOUT_TAKEN, 1, 5, TW_LEVEL_OK, "ok"},
        {"folder", TW_MAILOUT_TAKEN, 2, 5, TW_LEVEL_FAIL, "let-through"},
        {"folder", TW_MAILOUT_TAKEN, 0, 120, TW_LEVEL_FAIL, "missing"},
        {"folder", TW_MAILOUT_REFUSED, 0, 0, TW_LEVEL_FAIL, "refused"},
        {"gone", TW_MAILOUT_TAKEN, 0, 120, TW_LEVEL_OK, "ok"},
        {"gone", TW_MAILOUT_TAKEN, 1, 5, TW_LEVEL_FAIL, "in-folder"},
        {"gone", TW_MAILOUT_TAKEN, 2, 5, TW_LEVEL_FAIL, "let-through"},
        {"gone", TW_MAILOUT_REFUSED, 0, 0, TW_LEVEL_OK, "ok"},
        {"refused", TW_MAILOUT_REFUSED, 0, 0, TW_LEVEL_OK, "ok"},
        {"refused", TW_MAILOUT_REFUSED, 2, 5, TW_LEVEL_FAIL, "let-through"},
        {"refused", TW_MAILOUT_TAKEN, 0, 0, TW_LEVEL_FAIL, "accepted"},
        {"refused", TW_MAILOUT_TAKEN, 1, 5, TW_LEVEL_FAIL, "in-folder"},
        {"refused", TW_MAILOUT_UNWELCOME, 0, 0, TW_LEVEL_UNKNOWN, "unwelcome"},
        {"folder", TW_MAILOUT_FAILED, 0, 0, TW_LEVEL_NONE, "not-sent"},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_canary_round round = begun();
        send_all(&round, cases[i].result);
        if (cases[i].seen)
            saw(&round, ID_B, cases[i].seen == 1 ? "Spam" : "Inbox", cases[i].seen == 1, 4);
        expect(&round.mails[1], cases[i].spam, NOW_S + cases[i].at_s, cases[i].level, cases[i].code,
               "");
        tw_canary_free(&round);
    }
}

static void a_virus_is_refused_or_gone_and_a_failure_wherever_it_is_seen(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    send_all(&round, TW_MAILOUT_TAKEN);
    expect_open(&round.mails[2], "folder", NOW_S + 119);
    expect(&round.mails[2], "folder", NOW_S + 120, TW_LEVEL_OK, "ok", "accepted, and gone");
    saw(&round, ID_C, "Spam", true, 5);
    expect(&round.mails[2], "folder", NOW_S + 6, TW_LEVEL_FAIL, "let-through",
           "the virus scanner let EICAR through: it came to Spam");
    tw_canary_free(&round);
    round = begun();
    send_all(&round, TW_MAILOUT_REFUSED);
    expect(&round.mails[2], "folder", NOW_S, TW_LEVEL_OK, "ok", "refused: 554 no");
    tw_canary_free(&round);
    round = begun();
    send_all(&round, TW_MAILOUT_UNWELCOME);
    expect(&round.mails[2], "folder", NOW_S, TW_LEVEL_UNKNOWN, "unwelcome", "before the server");
    tw_canary_free(&round);
}

static void what_comes_late_is_told_and_forgotten(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    struct tw_strings known = {0};
    send_all(&round, TW_MAILOUT_TAKEN);
    saw(&round, ID_B, "Spam", true, 2);
    tw_canary_close(&round, NOW_S + 200);
    travel(&round);
    assert_false(round.open);
    assert_int_equal(round.late_count, 2);
    static char *const new_ids[] = {"1800003600.00000000000000000000000000000000",
                                    "1800003600.00000000000000000000000000000001"};
    static const enum tw_testmail new_types[] = {TW_TESTMAIL_CLEAN, TW_TESTMAIL_VIRUS};
    tw_canary_begin(&round, "c@example.com", "me", new_types, new_ids, 2, NOW_S + 3600);
    round.mails[0].fate = round.mails[1].fate = TW_CANARY_TAKEN;
    round.mails[0].sent_s = round.mails[1].sent_s = NOW_S + 3600;
    tw_canary_ids(&round, &known);
    assert_int_equal(known.count, 4);
    assert_true(tw_strings_has(&known, ID_A));
    tw_strings_free(&known);
    char *text = tw_canary_saw(
        &round, &(struct tw_canary_sight){ID_A, "Inbox", false, true, NOW_S + 340}, NOW_S + 3610);
    assert_string_equal(text,
                        "clean mail took 340 s: it was found in Inbox after its round was over");
    free(text);
    expect_open(&round.mails[0], "folder", NOW_S + 3610);
    text = tw_canary_saw(&round, &(struct tw_canary_sight){ID_C, "Inbox", false, true, NOW_S + 340},
                         NOW_S + 3610);
    assert_non_null(text);
    free(text);
    expect(&round.mails[1], "folder", NOW_S + 3610, TW_LEVEL_FAIL, "let-through",
           "Inbox (one that was sent 1h");
    assert_int_equal(round.late_count, 0);
    assert_null(
        tw_canary_saw(&round, &(struct tw_canary_sight){ID_A, "Inbox", false, true, NOW_S}, NOW_S));
    tw_canary_free(&round);
}

static bool is_known(const struct tw_canary_round *round, const char *id)
{
    struct tw_strings known = {0};
    tw_canary_known(round, &known);
    const bool is = tw_strings_has(&known, id);
    tw_strings_free(&known);
    return is;
}

/* An earlier one speaks for it, but it may itself come when its round is over. */
static void what_an_earlier_one_spoke_for_is_looked_for_still(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    static const enum tw_testmail type[] = {TW_TESTMAIL_VIRUS};
    static char *const new_id[] = {"1800003600.00000000000000000000000000000001"};
    send_all(&round, TW_MAILOUT_TAKEN);
    tw_canary_close(&round, NOW_S + 200);
    tw_canary_begin(&round, "c@example.com", "me", type, new_id, 1, NOW_S + 3600);
    tw_canary_sent(next_of(&round, "me", NOW_S + 3600), TW_MAILOUT_TAKEN, "", 120, NOW_S + 3600,
                   NOW_S + 3600);
    struct tw_canary_sight at = {ID_C, "Inbox", false, false, NOW_S + 340};
    free(tw_canary_saw(&round, &at, NOW_S + 3610));
    at.removed = true;
    assert_null(tw_canary_saw(&round, &at, NOW_S + 3610));
    travel(&round);
    expect(&round.mails[0], "folder", NOW_S + 3610, TW_LEVEL_FAIL, "let-through", "(one that was");
    assert_false(is_known(&round, new_id[0]));
    tw_canary_close(&round, NOW_S + 3611);
    travel(&round);
    assert_int_equal(round.late_count, 3);
    assert_string_equal(round.late[2].id, new_id[0]);
    assert_false(round.late[2].seen);
    tw_canary_free(&round);
}

static void what_cannot_be_removed_is_told_once_and_removed_later(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    static char *const other_ids[] = {"1800003600.00000000000000000000000000000000",
                                      "1800003600.00000000000000000000000000000001",
                                      "1800003600.00000000000000000000000000000002"};
    struct tw_canary_sight at = {ID_B, "Inbox", false, false, NOW_S + 3};
    send_all(&round, TW_MAILOUT_TAKEN);
    assert_false(is_known(&round, ID_B));
    assert_null(tw_canary_saw(&round, &at, NOW_S + 4));
    travel(&round);
    assert_true(is_known(&round, ID_B));
    assert_false(is_known(&round, ID_A));
    saw(&round, ID_A, "Inbox", false, 3);
    saw(&round, ID_C, "Inbox", false, 3);
    travel(&round);
    tw_canary_close(&round, NOW_S + 200);
    travel(&round);
    assert_int_equal(round.late_count, 1);
    tw_canary_begin(&round, "c@example.com", "me", types, other_ids, TW_COUNT(types), NOW_S + 3600);
    send_all(&round, TW_MAILOUT_REFUSED);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(round.late_count, 1);
        assert_true(is_known(&round, ID_B));
        assert_null(tw_canary_saw(&round, &at, NOW_S + 3601));
        assert_null(round.mails[1].folder);
        travel(&round);
        at.removed = true;
    }
    assert_int_equal(round.late_count, 0);
    tw_canary_free(&round);
}

static void late_ones_are_bounded_in_number_and_time(void **state)
{
    (void)state;
    struct tw_canary_round round = {0};
    for (int i = 0; i < 3 * TW_CANARY_LATE_MAX; i++) {
        char *id = tw_format("%d.%032x", NOW_S, (unsigned)i), *const mine[] = {id};
        tw_canary_begin(&round, "c@example.com", "me", types, mine, 1, NOW_S + i);
        tw_canary_sent(&round.mails[0], TW_MAILOUT_TAKEN, "", 1, NOW_S + i, NOW_S + i);
        tw_canary_close(&round, NOW_S + i);
        free(id);
    }
    assert_int_equal(round.late_count, TW_CANARY_LATE_MAX);
    assert_non_null(strstr(round.late[TW_CANARY_LATE_MAX - 1].id, "12b")); /* 299 */
    travel(&round);
    struct tw_buf text = {0};
    tw_canary_write(&round, &text);
    assert_true(text.len < 16 * 1024);
    tw_buf_free(&text);
    tw_canary_close(&round, NOW_S + TW_CANARY_LATE_S + 3 * TW_CANARY_LATE_MAX);
    assert_int_equal(round.late_count, 0);
    tw_canary_free(&round);
}

static void a_garbled_memory_is_no_round(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "\n\n",
        "round",
        "round \n",
        "round 1\n",
        "round 1 5 0 me \n",
        "round x 5 0 me a@b\n",
        "round 1 5 0 me a@b\n",
        "mail clean " ID_A " taken 5 0 0 \n",
        "round 1 5 0 me a@b\nmail clean " ID_A " taken\n",
        "round 1 5 0 me a@b\nmail clean ../../x taken 5 0 0 \n",
        "round 1 5 0 me a@b\nmail clean 5.00112233445566778899aabbccddeef taken 5 0 0 \n",
        "round 1 5 0 me a@b\nmail wrong " ID_A " taken 5 0 0 \n",
        "round 1 5 0 me a@b\nmail clean " ID_A " eaten 5 0 0 \n",
        "round 1 5 0 me a@b\nmail clean " ID_A " taken -5 0 0 \n",
        "round 1 5 0 me a@b\nmail clean " ID_A " taken 99999999999999999999 0 0 \n",
        "seen 5 0 0 Inbox\n",
        "late clean x 5 0\n",
        "late clean " ID_A "\n",
        "late\n"};
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        struct tw_canary_round round;
        struct tw_strings known = {0};
        tw_canary_read(texts[i], &round);
        if (round.open || round.late_count)
            fail_msg("%zu is a round", i);
        tw_canary_ids(&round, &known);
        tw_strings_free(&known);
        tw_canary_free(&round);
    }
    struct tw_buf many = {0};
    struct tw_canary_round round;
    tw_buf_puts(&many, "round 1 5 0 me a@b\n");
    for (int i = 0; i < 1000; i++)
        tw_buf_puts(&many, "mail clean " ID_A " taken 5 0 0 \nlate clean " ID_B " 5 0\n");
    tw_canary_read(tw_buf_text(&many), &round);
    assert_int_equal(round.mail_count, TW_TESTMAILS);
    assert_int_equal(round.late_count, TW_CANARY_LATE_MAX);
    tw_canary_free(&round);
    tw_buf_free(&many);
}

static void a_servers_words_break_no_line(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    tw_canary_sent(next_of(&round, "me", NOW_S), TW_MAILOUT_REFUSED,
                   "554 a\nlate clean " ID_B " 5 0\n\033[2J", 120, NOW_S, NOW_S);
    travel(&round);
    assert_int_equal(round.late_count, 0);
    assert_string_equal(round.mails[0].said, "554 a\\nlate clean " ID_B " 5 0\\n\\x1b[2J");
    saw(&round, ID_A, "a\nlate clean " ID_B " 5 0", false, 1);
    assert_int_equal(round.late_count, 0);
    tw_canary_free(&round);
}

static void a_letter_shows_what_became_of_each_mail(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    struct tw_buf text = {0};
    tw_canary_show(&round, "", &text);
    assert_non_null(strstr(tw_buf_text(&text), "Since then a new round has begun:\n"));
    assert_non_null(strstr(tw_buf_text(&text), "clean   " ID_A "  not sent yet\n"));
    send_all(&round, TW_MAILOUT_TAKEN);
    saw(&round, ID_C, "Inbox", false, 3);
    tw_canary_close(&round, NOW_S + 300);
    tw_buf_clear(&text);
    tw_canary_show(&round, "virus", &text);
    assert_int_equal(strncmp(tw_buf_text(&text), "virus   " ID_C "  sent ", 58), 0);
    assert_non_null(strstr(tw_buf_text(&text), ", taken; seen in Inbox after 3 s, and removed"));
    assert_null(strstr(tw_buf_text(&text), ID_A));
    tw_buf_free(&text);
    tw_canary_free(&round);
}

static void looks_are_soon_at_first_and_end_with_the_time(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    send_all(&round, TW_MAILOUT_TAKEN);
    assert_int_equal(tw_canary_look_ms(&round, 120, NOW_S + 1), 1000);
    assert_int_equal(tw_canary_look_ms(&round, 120, NOW_S + 5), 2000);
    assert_int_equal(tw_canary_look_ms(&round, 120, NOW_S + 30), 5000);
    assert_int_equal(tw_canary_look_ms(&round, 120, NOW_S + 118), 2000);
    assert_int_equal(tw_canary_look_ms(&round, 120, NOW_S + 500), 500);
    assert_int_equal(tw_canary_look_ms(&round, 120, NOW_S - 500), 1000);
    tw_canary_free(&round);
}

/* A clock that was far ahead, and is set right in the middle of a round: else the round would be
 * over only when the clock is there again, and the mailbox be looked at each second until then. */
static void a_clock_that_is_set_back_holds_up_no_round(void **state)
{
    (void)state;
    const int64_t back_s = NOW_S - 30 * 86400;
    struct tw_canary_round round = begun();
    send_all(&round, TW_MAILOUT_TAKEN);
    tw_canary_sent(&round.mails[2], TW_MAILOUT_PUT_OFF, "451 later", 120, NOW_S, NOW_S);
    travel(&round);
    expect_open(&round.mails[0], "folder", back_s + 10 * 86400);
    tw_canary_set_back(&round, back_s);
    travel(&round);
    const struct tw_canary_mail *mail = next_of(&round, "me", back_s);
    assert_ptr_equal(mail, &round.mails[2]);
    expect_open(&round.mails[0], "folder", back_s + 119);
    expect(&round.mails[0], "folder", back_s + 120, TW_LEVEL_FAIL, "missing", "within 2m");
    tw_canary_close(&round, back_s + 120);
    assert_int_equal(round.late_count, 2);
    assert_true(tw_canary_since_s(&round, back_s + 200) <= back_s);
    /* What is late is forgotten in its time all the same. */
    round.late[0].sent_s = NOW_S + 86400;
    tw_canary_set_back(&round, NOW_S);
    assert_int_equal(round.late[0].sent_s, NOW_S);
    tw_canary_free(&round);
    /* Where it runs as it should, nothing changes. */
    round = begun();
    send_all(&round, TW_MAILOUT_PUT_OFF);
    struct tw_buf before = {0}, after = {0};
    tw_canary_write(&round, &before);
    tw_canary_set_back(&round, NOW_S);
    tw_canary_write(&round, &after);
    assert_string_equal(tw_buf_text(&before), tw_buf_text(&after));
    tw_buf_free(&before);
    tw_buf_free(&after);
    tw_canary_free(&round);
}

/* A mailbox that could not be looked at until now may hold all that was ever sent; one that was,
 * only what came since; and none what was sent later. */
static void messages_are_opened_that_may_be_ours(void **state)
{
    (void)state;
    struct tw_canary_round round = begun();
    send_all(&round, TW_MAILOUT_TAKEN);
    tw_canary_close(&round, NOW_S + 120);
    const int64_t next_s = NOW_S + 3600;
    tw_canary_begin(&round, "c@example.com", "me", types, ids, TW_COUNT(types), next_s);
    assert_int_equal(round.late_count, 3);
    assert_int_equal(tw_canary_since_s(&round, next_s + 10), NOW_S);
    round.looked_s = NOW_S + 60;
    assert_int_equal(tw_canary_since_s(&round, next_s + 10), NOW_S + 60);
    round.looked_s = next_s + 5;
    assert_int_equal(tw_canary_since_s(&round, next_s + 10), next_s);
    round.looked_s = NOW_S - 3600;
    assert_int_equal(tw_canary_since_s(&round, next_s + 10), NOW_S);
    tw_canary_free(&round);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_mail_is_sent_once_one_after_another),
        T(messages_are_opened_that_may_be_ours),
        T(another_process_sends_only_what_cannot_have_been_sent),
        T(what_changes_who_sends_is_written_before_anything_goes),
        T(a_second_try_that_was_interrupted_is_not_repeated),
        T(what_is_put_off_is_tried_again_in_its_time),
        T(the_clean_one_must_come_in_time),
        T(spam_must_become_what_the_configuration_says),
        T(a_virus_is_refused_or_gone_and_a_failure_wherever_it_is_seen),
        T(what_comes_late_is_told_and_forgotten),
        T(what_an_earlier_one_spoke_for_is_looked_for_still),
        T(what_cannot_be_removed_is_told_once_and_removed_later),
        T(late_ones_are_bounded_in_number_and_time),
        T(a_garbled_memory_is_no_round),
        T(a_servers_words_break_no_line),
        T(a_letter_shows_what_became_of_each_mail),
        T(looks_are_soon_at_first_and_end_with_the_time),
        T(a_clock_that_is_set_back_holds_up_no_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
