/* The admin's hand: silences and acknowledgements that are taken or refused, what is kept of them
 * on disk, and when they end. */
#include "watcher/control_kit.h"

#include <sys/mman.h>

#include "watcher/hand.h"

#define NOW 1800000000

static const struct tw_when when = {NOW, 5000};

static struct tw_hand hand_of(struct kit *kit)
{
    return (struct tw_hand){kit->log, NULL, kit->aspects, kit->jobs, &kit->silences};
}

static void find(struct kit *kit, const char *job, const char *part, enum tw_level level)
{
    const struct tw_incident_rule rule = {1, 1};
    tw_aspects_finding(kit->aspects, job, &(struct tw_finding){level, part, "code", "text"}, true,
                       &rule, when);
}

/* Three jobs; of process.a two aspects fail, of process.b one is well. */
static struct kit *make_failing(void)
{
    struct kit *kit = make("");
    find(kit, "process.a", "", TW_LEVEL_FAIL);
    find(kit, "process.a", "log", TW_LEVEL_FAIL);
    find(kit, "process.b", "", TW_LEVEL_OK);
    return kit;
}

static void silenced(const struct tw_hand *hand, const char *pattern, int64_t length_s,
                     const char *said)
{
    struct tw_buf out = {0};
    struct tw_error e = {""};
    if (tw_hand_silence(hand, pattern, length_s, "root", "works", when, &out, &e) != 0)
        fail_msg("%s", e.text);
    if (!strstr(tw_buf_text(&out), said))
        fail_msg("no \"%s\" in \"%s\"", said, tw_buf_text(&out));
    tw_buf_free(&out);
}

static void not_silenced(const struct tw_hand *hand, const char *pattern, int64_t length_s,
                         const char *note, const char *why)
{
    struct tw_buf out = {0};
    struct tw_error e = {""};
    const size_t before = hand->silences->count;
    assert_int_equal(tw_hand_silence(hand, pattern, length_s, "root", note, when, &out, &e), -1);
    if (!strstr(e.text, why))
        fail_msg("no \"%s\" in \"%s\"", why, e.text);
    assert_int_equal(hand->silences->count, before);
    assert_int_equal(out.len, 0);
}

static void a_silence_says_what_it_fits_and_keeps_that_quiet(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    silenced(&hand, "process.*", 7200, "silence 1: no letter about \"process.*\" for 2h: 3 jobs");
    silenced(&hand, "process.*", 60, "3 jobs, 3 aspects, 2 of them failing now");
    silenced(&hand, "process.a/log", 60, "0 jobs, 1 aspect, 1 of them failing now");
    silenced(&hand, "process.b", 60, "1 job, 1 aspect");
    silenced(&hand, "process.c", TW_HAND_LONGEST_S, "1 job, 0 aspects");
    assert_int_equal(kit->silences.count, 5);
    const struct tw_silence *on = tw_silences_on(&kit->silences, "process.a", "process.a", NOW);
    assert_int_equal(on->id, 1);
    assert_int_equal(on->from_s, NOW);
    assert_int_equal(on->until_s, NOW + 7200);
    assert_string_equal(on->by, "root");
    assert_string_equal(on->note, "works");
    drop(kit);
}

static void what_fits_nothing_is_refused(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    static const char *const none[] = {"process",    "process.d", "service.*", "PROCESS.*",
                                       "process.a/", "[",         "process.[", "*/*/*"};
    for (size_t i = 0; i < TW_COUNT(none); i++) {
        not_silenced(&hand, none[i], 60, "", "nothing is silenced");
        not_silenced(&hand, none[i], 60, "", none[i]);
    }
    drop(kit);
}

static void patterns_and_notes_and_times_that_are_wrong_are_refused(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    char text[2000];
    memset(text, '*', sizeof text);
    text[TW_SILENCE_PATTERN_MAX + 1] = '\0';
    not_silenced(&hand, text, 60, "", "a pattern is 1 to 200");
    text[TW_SILENCE_PATTERN_MAX] = '\0';
    silenced(&hand, text, 60, "3 jobs");
    static const char *const unclean[] = {"*\n", "*\t", "*\x7f", "*\x1b[0m", "\x01*"};
    not_silenced(&hand, "", 60, "", "a pattern is 1 to 200");
    for (size_t i = 0; i < TW_COUNT(unclean); i++) {
        not_silenced(&hand, unclean[i], 60, "", "a pattern is");
        not_silenced(&hand, "*", 60, unclean[i], "a note is one line");
    }
    memset(text, 'n', sizeof text);
    text[TW_SILENCE_NOTE_MAX + 1] = '\0';
    not_silenced(&hand, "*", 60, text, "a note is one line");
    static const int64_t lengths[] = {0, -1, INT64_MIN, TW_HAND_LONGEST_S + 1, INT64_MAX};
    for (size_t i = 0; i < TW_COUNT(lengths); i++)
        not_silenced(&hand, "*", lengths[i], "", "a year at most");
    drop(kit);
}

static void there_is_a_most_of_silences(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    for (int i = 0; i < TW_SILENCES_MAX; i++)
        silenced(&hand, "*", 60, "3 jobs");
    not_silenced(&hand, "*", 60, "", "there are 200 silences already");
    drop(kit);
}

static void unsilenced(const struct tw_hand *hand, const char *what, const char *said)
{
    struct tw_buf out = {0};
    struct tw_error e = {""};
    if (tw_hand_unsilence(hand, what, "root", &out, &e) != 0)
        fail_msg("%s", e.text);
    assert_string_equal(tw_buf_text(&out), said);
    tw_buf_free(&out);
}

static void silences_end_by_number_or_by_exactly_their_pattern(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    static const char *const patterns[] = {"*", "process.a", "process.*", "process.a"};
    for (size_t i = 0; i < TW_COUNT(patterns); i++)
        silenced(&hand, patterns[i], 60, "silence");
    static const char *const none[] = {
        "",   "0",   "-1",     "5",          "1x",
        "1 ", "x",   "**",     "process.b",  "99999999999999999999",
        "+",  "0x1", "proces", "process.a ", "-99999999999999999999"};
    for (size_t i = 0; i < TW_COUNT(none); i++) {
        struct tw_buf out = {0};
        struct tw_error e = {""};
        if (tw_hand_unsilence(&hand, none[i], "root", &out, &e) != -1)
            fail_msg("\"%s\" ended one", none[i]);
        assert_non_null(strstr(e.text, none[i]));
        assert_int_equal(kit->silences.count, 4);
    }
    unsilenced(&hand, "3", "1 silence is ended");
    assert_null(tw_silences_find(&kit->silences, 3));
    unsilenced(&hand, "process.a", "2 silences are ended");
    unsilenced(&hand, "*", "1 silence is ended");
    assert_int_equal(kit->silences.count, 0);
    drop(kit);
}

static void what_is_over_ends_by_itself(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    silenced(&hand, "*", 60, "silence 1");
    silenced(&hand, "*", 60, "silence 2");
    silenced(&hand, "*", 90, "silence 3");
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW + 59, 0}), 0);
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW + 60, 0}), 2);
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW + 60, 0}), 0);
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW - 1000000, 0}), 0);
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW - 1000000 + 29, 0}), 0);
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW - 1000000 + 30, 0}), 1);
    assert_int_equal(kit->silences.count, 0);
    drop(kit);
}

/* ---- acknowledgements --------------------------------------------------------------------- */

static void acknowledged(const struct tw_hand *hand, const char *what, const char *note)
{
    struct tw_buf out = {0};
    struct tw_error e = {""};
    if (tw_hand_ack(hand, what, "joe", note, when, &out, &e) != 0)
        fail_msg("%s", e.text);
    assert_non_null(strstr(tw_buf_text(&out), "no reminders and no escalation"));
    tw_buf_free(&out);
}

static void not_acknowledged(const struct tw_hand *hand, const char *what, const char *note,
                             const char *why)
{
    struct tw_buf out = {0};
    struct tw_error e = {""};
    if (tw_hand_ack(hand, what, "joe", note, when, &out, &e) != -1)
        fail_msg("\"%s\" was taken", what);
    if (!strstr(e.text, why))
        fail_msg("no \"%s\" in \"%s\"", why, e.text);
    assert_int_equal(out.len, 0);
}

static void an_incident_is_acknowledged_by_number_or_aspect(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    const struct tw_aspect *main_one = tw_aspects_find(kit->aspects, "process.a");
    const struct tw_aspect *log = tw_aspects_find(kit->aspects, "process.a/log");
    char number[32], note[] = "I see to it";
    snprintf(number, sizeof number, "%ld", (long)main_one->id);
    acknowledged(&hand, number, note);
    note[0] = 'X';
    assert_int_equal(main_one->acked_s, NOW);
    assert_string_equal(main_one->acked_by, "joe");
    assert_string_equal(main_one->note, "I see to it");
    assert_int_equal(log->acked_s, 0);
    acknowledged(&hand, "process.a/log", "");
    assert_int_equal(log->acked_s, NOW);
    acknowledged(&hand, "process.a", "another one");
    assert_string_equal(main_one->note, "another one");
    drop(kit);
}

static void what_is_no_open_incident_cannot_be_acknowledged(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    static const char *const none[] = {"",
                                       "0",
                                       "-1",
                                       "1x",
                                       "process.b",
                                       "process.c",
                                       "process.x",
                                       "process.a/log/",
                                       "process.*",
                                       "*",
                                       "/",
                                       "99",
                                       "99999999999999999999",
                                       "-99999999999999999999"};
    for (size_t i = 0; i < TW_COUNT(none); i++)
        not_acknowledged(&hand, none[i], "", "there is no open incident");
    char note[TW_SILENCE_NOTE_MAX + 2];
    memset(note, 'n', sizeof note - 1);
    note[sizeof note - 1] = '\0';
    not_acknowledged(&hand, "process.a", note, "a note is one line");
    not_acknowledged(&hand, "process.a", "two\nlines", "a note is one line");
    note[TW_SILENCE_NOTE_MAX] = '\0';
    acknowledged(&hand, "process.a", note);
    drop(kit);
}

static void one_that_is_over_cannot_be_acknowledged_and_a_new_one_is_not(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    const struct tw_hand hand = hand_of(kit);
    const struct tw_aspect *aspect = tw_aspects_find(kit->aspects, "process.a");
    char number[32];
    snprintf(number, sizeof number, "%ld", (long)aspect->id);
    acknowledged(&hand, number, "");
    find(kit, "process.a", "", TW_LEVEL_OK);
    not_acknowledged(&hand, number, "", "there is no open incident");
    not_acknowledged(&hand, "process.a", "", "there is no open incident");
    find(kit, "process.a", "", TW_LEVEL_FAIL);
    not_acknowledged(&hand, number, "", "there is no open incident");
    assert_int_equal(aspect->acked_s, 0);
    assert_null(aspect->acked_by);
    drop(kit);
}

/* ---- lines -------------------------------------------------------------------------------- */

static void every_change_is_one_line_whatever_is_in_it(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    struct tw_hand hand = hand_of(kit);
    struct tw_buf out = {0};
    struct tw_error e;
    char text[8192];
    const int fd = memfd_create("log", MFD_CLOEXEC);
    hand.log = tw_log_new(fd, 65536);
    const char *by = "joe\nFAIL forged: x", *note = "\xff\xc2\x9b %s%n";
    assert_int_equal(tw_hand_silence(&hand, "*", 60, by, note, when, &out, &e), 0);
    assert_int_equal(tw_hand_silence(&hand, "process.a", 61, by, "", when, &out, &e), 0);
    assert_int_equal(tw_hand_ack(&hand, "process.a", by, note, when, &out, &e), 0);
    assert_int_equal(tw_hand_unsilence(&hand, "1", by, &out, &e), 0);
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW + 61, 0}), 1);
    assert_int_equal(tw_hand_unsilence(&hand, "none", by, &out, &e), -1);
    const ssize_t length = pread(fd, text, sizeof text - 1, 0);
    assert_true(length > 0);
    text[length] = '\0';
    size_t lines = 0;
    for (const char *at = text; *at; at++)
        lines += *at == '\n';
    assert_int_equal(lines, 5);
    assert_null(strstr(text, "\nFAIL"));
    assert_non_null(strstr(text, "silence 1 of \"*\" for 1m by joe"));
    assert_non_null(strstr(text, "silence 2 of \"process.a\" by joe"));
    assert_non_null(strstr(text, "is over\n"));
    assert_non_null(strstr(text, "acknowledged by joe"));
    tw_log_free(&hand.log);
    tw_buf_free(&out);
    close(fd);
    drop(kit);
}

/* ---- the state ---------------------------------------------------------------------------- */

static void see_aspect(void *context, const struct tw_state_aspect *row)
{
    (void)context;
    (void)row;
}

static void see_job(void *context, const struct tw_state_job *row)
{
    (void)context;
    (void)row;
}

static void see_value(void *context, const char *key, const char *value)
{
    if (context)
        tw_buf_printf(context, "%s=%s\n", key, value);
}

static void see_letter(void *context, const char *id, const char *bytes, size_t length)
{
    (void)context;
    (void)id;
    (void)bytes;
    (void)length;
}

static void see_trouble(void *context, const char *text)
{
    (void)context;
    fail_msg("%s", text);
}

/* What values it holds goes into `seen`, if that is not NULL. */
static struct tw_state *open_state(struct tw_buf *seen)
{
    const struct tw_state_reader reader = {see_aspect,  see_job, see_value, see_letter,
                                           see_trouble, seen,    NULL};
    struct tw_state *opened = tw_state_open("state", false, &reader);
    struct tw_error e;
    assert_int_equal(tw_state_start(opened, &e), 0);
    return opened;
}

static void expect_values(struct tw_state **state, const char *expected)
{
    struct tw_buf seen = {0};
    assert_true(tw_state_close(state, 10000));
    *state = open_state(&seen);
    assert_string_equal(tw_buf_text(&seen), expected);
    tw_buf_free(&seen);
}

static void silences_are_kept_until_they_end(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    struct tw_hand hand = hand_of(kit);
    hand.state = open_state(NULL);
    silenced(&hand, "process.*", 60, "silence 1");
    silenced(&hand, "process.a", 90, "silence 2");
    silenced(&hand, "*", 30, "silence 3");
    assert_int_equal(tw_hand_look(&hand, (struct tw_when){NOW + 30, 0}), 1);
    unsilenced(&hand, "1", "1 silence is ended");
    expect_values(&hand.state, "silence/2=2 1800000000 1800000090\nprocess.a\nroot\nworks\n");
    unsilenced(&hand, "process.a", "1 silence is ended");
    expect_values(&hand.state, "");
    tw_state_close(&hand.state, 10000);
    drop(kit);
}

static void what_was_kept_is_restored_and_other_values_are_passed_over(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    struct tw_hand hand = hand_of(kit);
    hand.state = open_state(NULL);
    tw_state_put_value(hand.state, "letters", "1 2 3");
    tw_hand_restore_value(&hand, "silence/7", "7 1800000000 1800000090\nprocess.a\nroot\nworks");
    tw_hand_restore_value(&hand, "letters", "8 1800000000 1800000090\n*\nroot\nworks");
    tw_hand_restore_value(&hand, "silence", "8 1800000000 1800000090\n*\nroot\nworks");
    tw_hand_restore_value(&hand, "", "");
    assert_int_equal(kit->silences.count, 1);
    assert_int_equal(kit->silences.items[0].id, 7);
    silenced(&hand, "*", 60, "silence 8");
    expect_values(&hand.state, "letters=1 2 3\n"
                               "silence/8=8 1800000000 1800000060\n*\nroot\nworks\n");
    tw_state_close(&hand.state, 10000);
    drop(kit);
}

static void what_is_garbled_is_dropped_from_the_state(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    struct tw_hand hand = hand_of(kit);
    static const char *const garbled[] = {"", "x", "7", "0 1 2\n*\n\n", "7 2 1\n*\n\n", "\xff\n\n"};
    hand.state = open_state(NULL);
    for (size_t i = 0; i < TW_COUNT(garbled); i++) {
        tw_state_put_value(hand.state, "silence/7", garbled[i]);
        tw_hand_restore_value(&hand, "silence/7", garbled[i]);
        assert_int_equal(kit->silences.count, 0);
        expect_values(&hand.state, "");
    }
    tw_state_close(&hand.state, 10000);
    drop(kit);
}

/* Else it would be back with every start, whatever the admin does. */
static void one_kept_under_another_number_does_not_come_back_for_ever(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    struct tw_hand hand = hand_of(kit);
    static const char text[] = "7 1800000000 1800000090\n*\nroot\nworks";
    hand.state = open_state(NULL);
    tw_state_put_value(hand.state, "silence/5", text);
    tw_hand_restore_value(&hand, "silence/5", text);
    while (kit->silences.count) {
        struct tw_buf out = {0};
        struct tw_error e;
        assert_int_equal(tw_hand_unsilence(&hand, "*", "root", &out, &e), 0);
        tw_buf_free(&out);
    }
    expect_values(&hand.state, "");
    tw_state_close(&hand.state, 10000);
    drop(kit);
}

static bool garbled_value_is_no_harm(void *context)
{
    const struct tw_hand hand = hand_of(context);
    tw_hand_restore_value(&hand, "silence/1", "garbled");
    return hand.silences->count == 0;
}

static void without_a_state_a_garbled_value_is_passed_over(void **state)
{
    (void)state;
    struct kit *kit = make_failing();
    assert_true(as_nobody(garbled_value_is_no_harm, kit));
    drop(kit);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_silence_says_what_it_fits_and_keeps_that_quiet),
        TEST(what_fits_nothing_is_refused),
        TEST(patterns_and_notes_and_times_that_are_wrong_are_refused),
        TEST(there_is_a_most_of_silences),
        TEST(silences_end_by_number_or_by_exactly_their_pattern),
        TEST(what_is_over_ends_by_itself),
        TEST(an_incident_is_acknowledged_by_number_or_aspect),
        TEST(what_is_no_open_incident_cannot_be_acknowledged),
        TEST(one_that_is_over_cannot_be_acknowledged_and_a_new_one_is_not),
        TEST(every_change_is_one_line_whatever_is_in_it),
        TEST(silences_are_kept_until_they_end),
        TEST(what_was_kept_is_restored_and_other_values_are_passed_over),
        TEST(what_is_garbled_is_dropped_from_the_state),
        TEST(one_kept_under_another_number_does_not_come_back_for_ever),
        TEST(without_a_state_a_garbled_value_is_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
