/* The outbox: exactly one letter in the end, whatever fails in between, restarts included. */
#include "alert/message_check.h"

#include <stdio.h>

#include "alert/outbox.h"
#include "toaster/scratch.h"

#define MINUTE_MS (60 * 1000)

static struct tw_letter head_of(const char *id)
{
    struct tw_letter head = letter_of(NULL, 0);
    head.host = "mail";
    head.id = id;
    head.now_s = NOW + 900;
    return head;
}

static void write_letter(struct tw_buf *out, const char *id, const char *aspect)
{
    const struct tw_letter_entry entry = {
        .aspect = aspect, .level = TW_LEVEL_FAIL, .text = "down", .opened_s = NOW};
    struct tw_letter letter = head_of(id);
    letter.now_s = NOW;
    letter.entries = &entry;
    letter.entry_count = 1;
    letter.about_qmail = tw_letter_about_qmail(aspect);
    tw_letter_write(&letter, out);
}

static void add(struct tw_outbox *outbox, const char *id, const char *aspect)
{
    struct tw_buf text = {0};
    write_letter(&text, id, aspect);
    tw_outbox_add(outbox, id, text.data, text.len, 0);
    tw_buf_free(&text);
}

/* A merged letter of these ids, loaded under its own. */
static void load(struct tw_outbox *outbox, const char *id, const char *const *parts, size_t count)
{
    struct tw_buf text = {0}, out = {0};
    write_letter(&text, id, "disk.var");
    struct tw_waiting_letter letters[4];
    for (size_t i = 0; i < count; i++)
        letters[i] = (struct tw_waiting_letter){parts[i], text.data, text.len};
    const struct tw_letter head = head_of(id);
    if (count)
        tw_letter_merge(&head, letters, count, &out);
    const struct tw_buf *whole = count ? &out : &text;
    tw_outbox_load(outbox, id, whole->data, whole->len);
    tw_buf_free(&text);
    tw_buf_free(&out);
}

static const struct tw_outbox_letter *next(struct tw_outbox *outbox, int64_t now_ms,
                                           const char *new_id)
{
    const struct tw_letter head = head_of(new_id);
    return tw_outbox_next(outbox, now_ms, &head);
}

/* The same with a real disk, which a new letter must reach first. */
static const struct tw_outbox_letter *next_on_disk(struct tw_outbox *outbox, int64_t now_ms,
                                                   const char *new_id)
{
    const struct tw_outbox_letter *letter = NULL;
    for (int i = 0; i < 1000 * PATIENCE && !(letter = next(outbox, now_ms, new_id)); i++)
        usleep(10000);
    assert_non_null(letter);
    return letter;
}

static void an_empty_outbox_has_nothing_and_waits_for_nothing(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    assert_null(next(outbox, 0, "m"));
    assert_int_equal(tw_outbox_wake_ms(outbox, 0), -1);
    tw_outbox_taken(outbox, 0);
    tw_outbox_refused(outbox, 0);
    tw_outbox_hurry(outbox);
    assert_int_equal(tw_outbox_count(outbox), 0);
    tw_outbox_free(&outbox);
    assert_null(outbox);
    tw_outbox_free(&outbox);
}

static void letters_go_one_at_a_time_in_their_order(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    add(outbox, "a", "disk.var");
    add(outbox, "b", "service.send");
    assert_int_equal(tw_outbox_wake_ms(outbox, 0), 0);
    const struct tw_outbox_letter *letter = next(outbox, 0, "m");
    assert_string_equal(letter->id, "a");
    assert_false(letter->about_qmail);
    assert_null(next(outbox, 0, "m"));
    assert_int_equal(tw_outbox_wake_ms(outbox, 0), -1);
    add(outbox, "c", "disk.var"); /* what the caller holds stays where it is */
    assert_string_equal(letter->id, "a");
    tw_outbox_taken(outbox, 0);
    letter = next(outbox, 0, "m");
    assert_string_equal(letter->id, "b");
    assert_true(letter->about_qmail);
    tw_outbox_taken(outbox, 0);
    assert_string_equal(next(outbox, 0, "m")->id, "c");
    tw_outbox_free(&outbox);
}

static void three_failures_and_then_exactly_one_letter(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    add(outbox, "a", "disk.var");
    int64_t now_ms = 1000;
    for (int i = 0; i < 3; i++) {
        assert_string_equal(next(outbox, now_ms, "m")->id, "a");
        tw_outbox_refused(outbox, now_ms);
        assert_int_equal(tw_outbox_count(outbox), 1);
        now_ms = tw_outbox_wake_ms(outbox, now_ms);
    }
    assert_string_equal(next(outbox, now_ms, "m")->id, "a");
    tw_outbox_taken(outbox, 0);
    assert_int_equal(tw_outbox_count(outbox), 0);
    assert_null(next(outbox, now_ms + 1000 * MINUTE_MS, "m"));
    tw_outbox_free(&outbox);
}

static void the_back_off_doubles_from_5_seconds_to_15_minutes_and_ends_with_success(void **state)
{
    (void)state;
    static const int64_t want_s[] = {5, 10, 20, 40, 80, 160, 320, 640, 900, 900, 900};
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    add(outbox, "a", "disk.var");
    int64_t now_ms = 7;
    for (size_t i = 0; i < TW_COUNT(want_s); i++) {
        assert_non_null(next(outbox, now_ms, "m"));
        tw_outbox_refused(outbox, now_ms);
        const int64_t wake_ms = tw_outbox_wake_ms(outbox, now_ms);
        assert_int_equal(wake_ms - now_ms, want_s[i] * 1000);
        assert_null(next(outbox, wake_ms - 1, "m"));
        assert_int_equal(tw_outbox_wake_ms(outbox, wake_ms), 0);
        now_ms = wake_ms;
    }
    assert_non_null(next(outbox, now_ms, "m"));
    tw_outbox_taken(outbox, 0);
    add(outbox, "b", "disk.var");
    assert_non_null(next(outbox, now_ms, "m"));
    tw_outbox_refused(outbox, now_ms);
    assert_int_equal(tw_outbox_wake_ms(outbox, now_ms), now_ms + 5000);
    tw_outbox_free(&outbox);
}

static void a_new_letter_does_not_end_the_back_off_but_haste_does(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    add(outbox, "a", "disk.var");
    next(outbox, 0, "m");
    tw_outbox_refused(outbox, 0);
    add(outbox, "b", "disk.var");
    assert_null(next(outbox, 4999, "m"));
    assert_int_equal(tw_outbox_wake_ms(outbox, 4999), 5000);
    tw_outbox_hurry(outbox);
    assert_int_equal(tw_outbox_wake_ms(outbox, 1), 0);
    assert_string_equal(next(outbox, 1, "m")->id, "a");
    tw_outbox_free(&outbox);
}

static void a_clock_set_back_does_not_hold_letters_for_long(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    add(outbox, "a", "disk.var");
    next(outbox, 1000 * (int64_t)MINUTE_MS, "m");
    tw_outbox_refused(outbox, 1000 * (int64_t)MINUTE_MS);
    assert_int_equal(tw_outbox_wake_ms(outbox, 0), 0);
    assert_non_null(next(outbox, 0, "m"));
    tw_outbox_free(&outbox);
}

static void what_waited_goes_as_one_with_true_times_and_all_ids_differ(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    add(outbox, "first", "disk.var");
    next(outbox, 0, "unused");
    add(outbox, "a", "disk.var");
    add(outbox, "b", "service.send"); /* while the first is on its way */
    tw_outbox_refused(outbox, 0);
    add(outbox, "c", "disk.tmp");
    /* That one may have been taken all the same: it keeps its id. */
    assert_string_equal(next(outbox, 5000, "m1")->id, "first");
    assert_int_equal(tw_outbox_count(outbox), 2);
    tw_outbox_taken(outbox, 0);
    const struct tw_outbox_letter *letter = next(outbox, 5000, "unused");
    assert_string_equal(letter->id, "m1");
    assert_true(letter->about_qmail);
    struct tw_buf text = {0};
    tw_buf_add(&text, letter->text, letter->length);
    const char *body = check_message(&text);
    assert_header(&text, "X-Toaster-Watcher-Merged", "a b c");
    assert_header(&text, "Message-ID", "<m1@mail>");
    assert_header(&text, "Date", "Sat, 21 Nov 2026 03:27:45 +0100");
    assert_int_equal(count_of(body, "\nDate: Sat, 21 Nov 2026 03:12:45 +0100\n"), 3);
    tw_outbox_refused(outbox, 5000);
    assert_string_equal(next(outbox, 15000, "m2")->id, "m1"); /* nothing new: the same letter */
    tw_outbox_refused(outbox, 15000);
    add(outbox, "d", "disk.home");
    assert_string_equal(next(outbox, 35000, "m2")->id, "m1");
    tw_outbox_taken(outbox, 0);
    assert_string_equal(next(outbox, 35000, "m2")->id, "d");
    tw_outbox_taken(outbox, 0);
    assert_null(next(outbox, 35000, "m3"));
    tw_buf_free(&text);
    tw_outbox_free(&outbox);
}

static void a_merged_letter_replaces_its_parts_in_whatever_order_they_are_loaded(void **state)
{
    (void)state;
    /* m1 holds a and b; m2 holds m1 and c; d stands alone. */
    static const char *const of_m1[] = {"a", "b"}, *const of_m2[] = {"m1", "c"};
    static const char *const ids[] = {"a", "b", "c", "d", "m1", "m2"};
    for (int order = 0; order < 720; order++) {
        struct tw_outbox *outbox = tw_outbox_new(NULL);
        const char *left[6];
        memcpy(left, ids, sizeof ids);
        for (int rest = 6, code = order; rest > 0; code /= rest, rest--) {
            const int at = code % rest;
            const char *id = left[at];
            left[at] = left[rest - 1];
            if (strcmp(id, "m1") == 0)
                load(outbox, id, of_m1, 2);
            else if (strcmp(id, "m2") == 0)
                load(outbox, id, of_m2, 2);
            else
                load(outbox, id, NULL, 0);
        }
        assert_int_equal(tw_outbox_count(outbox), 2);
        bool seen = false;
        for (int i = 0; i < 2; i++) {
            const struct tw_outbox_letter *letter = next(outbox, 0, "m3");
            if (strcmp(letter->id, "m2") != 0 && strcmp(letter->id, "d") != 0)
                fail_msg("order %d: %s", order, letter->id);
            seen = seen || strstr(letter->text, "\nSubject: [toaster] mail: 2 letters that");
            tw_outbox_taken(outbox, 0);
        }
        assert_true(seen);
        tw_outbox_free(&outbox);
    }
}

static void what_all_refuse_for_good_is_in_nobodys_way(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    add(outbox, "poison", "disk.var");
    next(outbox, 0, "m");
    tw_outbox_hold(outbox);
    assert_true(tw_outbox_is_held(outbox));
    assert_int_equal(tw_outbox_wake_ms(outbox, 0), -1);
    assert_null(next(outbox, 1000 * (int64_t)MINUTE_MS, "m"));
    add(outbox, "a", "disk.var");
    add(outbox, "b", "disk.var");
    assert_string_equal(next(outbox, 0, "m")->id, "a");
    tw_outbox_refused(outbox, 0);
    add(outbox, "c", "disk.var");
    assert_string_equal(next(outbox, 5000, "m")->id, "a");
    tw_outbox_taken(outbox, 0);
    const struct tw_outbox_letter *letter = next(outbox, 5000, "unused");
    assert_string_equal(letter->id, "m");
    assert_int_equal(count_of(letter->text, "\nFAIL "), 2);
    tw_outbox_taken(outbox, 0);
    assert_null(next(outbox, 5000, "m"));
    assert_int_equal(tw_outbox_count(outbox), 1);
    tw_outbox_hurry(outbox);
    assert_false(tw_outbox_is_held(outbox));
    assert_string_equal(next(outbox, 5000, "m")->id, "poison");
    tw_outbox_taken(outbox, 0);
    assert_int_equal(tw_outbox_count(outbox), 0);
    tw_outbox_free(&outbox);
}

static void what_waits_can_go_another_way(void **state)
{
    (void)state;
    struct tw_outbox *from = tw_outbox_new(NULL), *other = tw_outbox_new(NULL);
    assert_false(tw_outbox_move(from, other));
    add(from, "a", "disk.var");
    add(from, "b", "disk.var");
    add(other, "c", "disk.var");
    assert_string_equal(next(from, 0, "m")->id, "a");
    assert_true(tw_outbox_move(from, other));
    assert_int_equal(tw_outbox_count(from), 1);
    assert_int_equal(tw_outbox_count(other), 2);
    tw_outbox_taken(from, 0);
    assert_null(next(from, 0, "m"));
    assert_int_equal(count_of(next(other, 0, "m")->text, "\nFAIL "), 2);
    tw_outbox_free(&from);
    tw_outbox_free(&other);
}

static void odd_files_on_disk_do_no_harm(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    static const char self[] = "X-Toaster-Watcher-Merged: x  x\n\nnames itself\n";
    tw_outbox_load(outbox, "empty", "", 0);
    assert_int_equal(tw_outbox_count(outbox), 0);
    tw_outbox_load(outbox, "x", self, strlen(self));
    tw_outbox_load(outbox, "y", "no header", 9);
    tw_outbox_load(outbox, "z", "\0\0\0\0", 4);
    assert_int_equal(tw_outbox_count(outbox), 3);
    assert_non_null(strstr(next(outbox, 0, "m")->text, "\nnames itself\n"));
    tw_outbox_free(&outbox);
}

static void more_than_a_hundred_go_in_merged_letters_of_a_hundred(void **state)
{
    (void)state;
    struct tw_outbox *outbox = tw_outbox_new(NULL);
    for (int i = 0; i < 250; i++) {
        char id[16];
        snprintf(id, sizeof id, "id%d", i);
        load(outbox, id, NULL, 0);
    }
    /* The first alone, which may have been on its way; then what was left, as the ids show. */
    static const char *const ids[] = {"id0", "m2", "m3"};
    static const char *const new_ids[] = {"m1", "m2", "m3"};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(next(outbox, 0, new_ids[i])->id, ids[i]);
        tw_outbox_taken(outbox, 0);
    }
    assert_int_equal(tw_outbox_count(outbox), 0);
    tw_outbox_free(&outbox);
}

/* ---- with a state on disk ---- */

struct found {
    struct tw_strings ids, texts;
};

static void on_letter(void *context, const char *id, const char *bytes, size_t length)
{
    struct found *found = context;
    char *text = tw_strndup(bytes, length);
    tw_strings_add(&found->ids, id);
    tw_strings_add(&found->texts, text);
    free(text);
}

static void on_aspect(void *context, const struct tw_state_aspect *row)
{
    (void)context, (void)row;
}

static void on_job(void *context, const struct tw_state_job *row)
{
    (void)context, (void)row;
}

static void on_value(void *context, const char *key, const char *value)
{
    (void)context, (void)key, (void)value;
}

static void on_trouble(void *context, const char *text)
{
    (void)context;
    fail_msg("%s", text);
}

static struct tw_state *open_state(const char *dir, struct tw_outbox **outbox)
{
    struct found found = {0};
    const struct tw_state_reader reader = {on_aspect, on_job,     on_value,
                                           on_letter, on_trouble, &found};
    struct tw_state *state = tw_state_open(dir, false, &reader);
    assert_int_equal(tw_state_start(state, NULL), 0);
    *outbox = tw_outbox_new(state);
    for (size_t i = 0; i < found.ids.count; i++)
        tw_outbox_load(*outbox, found.ids.items[i], found.texts.items[i],
                       strlen(found.texts.items[i]));
    tw_strings_free(&found.ids);
    tw_strings_free(&found.texts);
    return state;
}

static void close_state(struct tw_state **state, struct tw_outbox **outbox)
{
    tw_outbox_free(outbox);
    assert_true(tw_state_close(state, 10000));
}

static void transports_down_over_restarts_still_make_exactly_one(void **dir)
{
    struct tw_outbox *outbox;
    struct tw_state *state = open_state(*dir, &outbox);
    add(outbox, "a", "disk.var");
    next_on_disk(outbox, 0, "unused");
    close_state(&state, &outbox); /* in the middle of a try */

    state = open_state(*dir, &outbox);
    assert_int_equal(tw_outbox_count(outbox), 1);
    next_on_disk(outbox, 0, "unused");
    tw_outbox_refused(outbox, 0);
    add(outbox, "b", "disk.tmp");
    add(outbox, "c", "disk.home");
    assert_string_equal(next_on_disk(outbox, 5000, "m1")->id, "a");
    tw_outbox_refused(outbox, 5000);
    close_state(&state, &outbox);

    state = open_state(*dir, &outbox);
    assert_int_equal(tw_outbox_count(outbox), 2);
    assert_string_equal(next_on_disk(outbox, 0, "m2")->id, "a");
    tw_outbox_taken(outbox, 0);
    const struct tw_outbox_letter *letter = next_on_disk(outbox, 0, "m2");
    assert_string_equal(letter->id, "m1");
    assert_int_equal(count_of(letter->text, "\nFAIL "), 2);
    tw_outbox_taken(outbox, 0);
    close_state(&state, &outbox);

    state = open_state(*dir, &outbox);
    assert_int_equal(tw_outbox_count(outbox), 0);
    close_state(&state, &outbox);
}

/* After a crash the first alone may have been taken, which is known by its id. */
static void the_next_goes_when_the_last_is_off_the_disk(void **dir)
{
    struct tw_outbox *outbox;
    struct tw_state *state = open_state(*dir, &outbox);
    char *file = tw_format("%s/outbox/a.letter", (const char *)*dir);
    add(outbox, "a", "disk.var");
    add(outbox, "b", "disk.tmp");
    assert_string_equal(next_on_disk(outbox, 0, "unused")->id, "a");
    assert_int_equal(access(file, F_OK), 0);
    tw_outbox_taken(outbox, 0);
    assert_string_equal(next_on_disk(outbox, 0, "unused")->id, "b");
    assert_int_not_equal(access(file, F_OK), 0);
    free(file);
    close_state(&state, &outbox);
}

static void an_id_used_twice_loses_nothing(void **dir)
{
    struct tw_outbox *outbox;
    struct tw_state *state = open_state(*dir, &outbox);
    add(outbox, "first", "disk.var");
    next_on_disk(outbox, 0, "a");
    tw_outbox_refused(outbox, 0);
    add(outbox, "a", "disk.var");
    add(outbox, "b", "disk.tmp");
    assert_string_equal(next_on_disk(outbox, 5000, "a")->id, "first");
    close_state(&state, &outbox);
    state = open_state(*dir, &outbox);
    assert_int_equal(tw_outbox_count(outbox), 2);
    tw_outbox_hurry(outbox);
    assert_int_equal(count_of(next_on_disk(outbox, 0, "m")->text, "\nFAIL "), 2);
    close_state(&state, &outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_outbox_has_nothing_and_waits_for_nothing),
        cmocka_unit_test(letters_go_one_at_a_time_in_their_order),
        cmocka_unit_test(three_failures_and_then_exactly_one_letter),
        cmocka_unit_test(the_back_off_doubles_from_5_seconds_to_15_minutes_and_ends_with_success),
        cmocka_unit_test(a_new_letter_does_not_end_the_back_off_but_haste_does),
        cmocka_unit_test(a_clock_set_back_does_not_hold_letters_for_long),
        cmocka_unit_test(what_waited_goes_as_one_with_true_times_and_all_ids_differ),
        cmocka_unit_test(a_merged_letter_replaces_its_parts_in_whatever_order_they_are_loaded),
        cmocka_unit_test(what_all_refuse_for_good_is_in_nobodys_way),
        cmocka_unit_test(what_waits_can_go_another_way),
        cmocka_unit_test(odd_files_on_disk_do_no_harm),
        cmocka_unit_test(more_than_a_hundred_go_in_merged_letters_of_a_hundred),
        cmocka_unit_test_setup_teardown(transports_down_over_restarts_still_make_exactly_one,
                                        scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(the_next_goes_when_the_last_is_off_the_disk, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(an_id_used_twice_loses_nothing, scratch_make,
                                        scratch_remove),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
