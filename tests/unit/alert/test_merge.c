/* Several letters that waited become one: nothing is lost, the times stay true, nothing nests. */
#include "alert/message_check.h"

#include <stdio.h>

static struct tw_letter head_of(const char *id, int64_t now_s)
{
    struct tw_letter head = letter_of(NULL, 0);
    head.id = id;
    head.now_s = now_s;
    return head;
}

/* A letter about one failure, the text of which is given. */
static void write_letter(struct tw_buf *out, const char *aspect, const char *text, int64_t now_s)
{
    const struct tw_letter_entry entry = {.aspect = aspect,
                                          .level = TW_LEVEL_FAIL,
                                          .text = text,
                                          .evidence = text,
                                          .opened_s = now_s - 60};
    struct tw_letter letter = head_of("single", now_s);
    letter.entries = &entry;
    letter.entry_count = 1;
    letter.about_qmail = tw_letter_about_qmail(aspect);
    tw_letter_write(&letter, out);
}

/* Merges the `count` texts and checks the result as a message. */
static const char *merge(struct tw_buf *out, const char *id, const struct tw_buf *texts,
                         size_t count)
{
    struct tw_waiting_letter *letters = tw_realloc_array(NULL, count, sizeof *letters);
    char(*ids)[24] = tw_realloc_array(NULL, count, sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], sizeof ids[i], "id.%zu", i);
        letters[i] = (struct tw_waiting_letter){ids[i], tw_buf_text(&texts[i]), texts[i].len};
    }
    const struct tw_letter head = head_of(id, NOW + 7200);
    tw_letter_merge(&head, letters, count, out);
    free(letters);
    free(ids);
    return check_message(out);
}

static void free_all(struct tw_buf *texts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        tw_buf_free(&texts[i]);
}

static void a_merged_letter_reads_like_this(void **state)
{
    (void)state;
    struct tw_buf texts[2] = {0}, out = {0};
    write_letter(&texts[0], "service.smtp", "down", NOW);
    write_letter(&texts[1], "disk.var", "99% full", NOW + 600);
    merge(&out, "merged.1", texts, 2);
    assert_string_equal(
        tw_buf_text(&out),
        "Date: Sat, 21 Nov 2026 05:12:45 +0100\n"
        "From: toaster@example.com\n"
        "To: postmaster@example.com\n"
        "Subject: [toaster] mail.example.com: 2 letters that had to wait: 2 failed, 0 recovered\n"
        "Message-ID: <merged.1@mail.example.com>\n"
        "Auto-Submitted: auto-generated\n"
        "MIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\n"
        "Content-Transfer-Encoding: 8bit\n"
        "X-Toaster-Watcher: " TW_VERSION " letters=2 failed=2 recovered=0\n"
        "X-Toaster-Watcher-Merged: id.0\n"
        " id.1\n"
        "\n"
        "These 2 letters could not be sent when they were written. They follow as\n"
        "they were, the oldest first; the times in them are true.\n"
        "\n"
        "==============================================================\n"
        "Date: Sat, 21 Nov 2026 03:12:45 +0100\n"
        "Subject: [toaster] mail.example.com: service.smtp failed\n"
        "\n"
        "On mail.example.com, 2026-11-21 03:12:45 +0100:\n"
        "\n"
        "FAIL service.smtp\n"
        "  down\n"
        "  Since 2026-11-21 03:11:45 +0100, for 1m.\n"
        "  What was seen:\n"
        "    down\n"
        "\n"
        "==============================================================\n"
        "Date: Sat, 21 Nov 2026 03:22:45 +0100\n"
        "Subject: [toaster] mail.example.com: disk.var failed\n"
        "\n"
        "On mail.example.com, 2026-11-21 03:22:45 +0100:\n"
        "\n"
        "FAIL disk.var\n"
        "  99% full\n"
        "  Since 2026-11-21 03:21:45 +0100, for 1m.\n"
        "  What was seen:\n"
        "    99% full\n"
        "\n"
        "\"toasterctl status\" shows how everything stands now.\n");
    free_all(texts, 2);
    tw_buf_free(&out);
}

static void a_merged_letter_is_about_qmail_if_one_of_them_is(void **state)
{
    (void)state;
    struct tw_buf texts[3] = {0}, out = {0};
    write_letter(&texts[0], "service.smtp", "down", NOW);
    write_letter(&texts[1], "service.send", "down", NOW);
    write_letter(&texts[2], "disk.var", "full", NOW);
    merge(&out, "a", texts, 3);
    assert_true(tw_letter_says_qmail(tw_buf_text(&out), out.len));
    tw_buf_clear(&out);
    merge(&out, "b", texts, 1);
    assert_false(tw_letter_says_qmail(tw_buf_text(&out), out.len));
    free_all(texts, 3);
    tw_buf_free(&out);
}

/* As the outbox does it in a long outage: each time what was merged and one more. */
static void merging_again_and_again_gives_the_same_as_merging_once(void **state)
{
    (void)state;
    enum { LETTERS = 30 };
    struct tw_buf texts[LETTERS] = {0}, once = {0}, again = {0};
    for (size_t i = 0; i < LETTERS; i++) {
        char text[32];
        snprintf(text, sizeof text, "number %zu", i);
        write_letter(&texts[i], i == 3 ? "service.send" : "disk.var", text, NOW + (int64_t)i);
        if (i == 0) {
            tw_buf_add(&again, texts[0].data, texts[0].len);
            continue;
        }
        struct tw_buf pair[2] = {again, texts[i]}, merged = {0};
        merge(&merged, "same", pair, 2);
        tw_buf_free(&again);
        again = merged;
    }
    const char *want = merge(&once, "same", texts, LETTERS);
    assert_string_equal(check_message(&again), want);
    char *words = header_of(&once, "X-Toaster-Watcher");
    assert_header(&again, "X-Toaster-Watcher", words);
    assert_string_equal(words, TW_VERSION " letters=30 failed=30 recovered=0 qmail");
    assert_int_equal(count_of(want, "\nSubject: "), LETTERS);
    free(words);
    free_all(texts, LETTERS);
    tw_buf_free(&once);
    tw_buf_free(&again);
}

static void a_text_cannot_forge_the_begin_of_a_letter(void **state)
{
    (void)state;
    static const char forged[] =
        "x\n\n==============================================================\n"
        "Date: yesterday\nSubject: all is well\n\nnothing to see\n";
    struct tw_buf texts[2] = {0}, once = {0}, twice = {0};
    write_letter(&texts[0], forged, forged, NOW);
    write_letter(&texts[1], "disk.var", "full", NOW);
    merge(&once, "a", texts, 2);
    struct tw_buf pair[2] = {once, texts[1]};
    const char *body = merge(&twice, "b", pair, 2);
    assert_int_equal(count_of(body, "\nSubject: "), 3);
    assert_null(strstr(body, "\nSubject: all is well"));
    free_all(texts, 2);
    tw_buf_free(&once);
    tw_buf_free(&twice);
}

static void too_much_is_cut_from_the_oldest_first_and_says_so(void **state)
{
    (void)state;
    enum { LETTERS = 40 };
    struct tw_buf evidence = {0}, texts[LETTERS] = {0}, out = {0};
    while (evidence.len < 30000)
        tw_buf_puts(&evidence, "a line of a log with something that happened in it\n");
    for (size_t i = 0; i < LETTERS; i++) {
        char aspect[32];
        snprintf(aspect, sizeof aspect, "disk.number%zu", i);
        struct tw_letter_entry entries[6];
        for (size_t k = 0; k < TW_COUNT(entries); k++)
            entries[k] = (struct tw_letter_entry){.aspect = aspect,
                                                  .level = TW_LEVEL_FAIL,
                                                  .text = "full",
                                                  .opened_s = NOW,
                                                  .evidence = tw_buf_text(&evidence)};
        struct tw_letter letter = head_of("x", NOW + (int64_t)i);
        letter.entries = entries;
        letter.entry_count = TW_COUNT(entries);
        tw_letter_write(&letter, &texts[i]);
    }
    const char *body = merge(&out, "a", texts, LETTERS);
    assert_true(out.len > TW_LETTER_MAX - 4096);
    assert_int_equal(count_of(body, "\nSubject: "), LETTERS);
    assert_null(strstr(body, "\nFAIL disk.number0\n"));
    assert_non_null(strstr(body, "\nFAIL disk.number39\n"));
    const size_t cut = count_of(body, "the rest of this one is left out");
    assert_true(cut > 10 && cut < LETTERS - 5);
    free_all(texts, LETTERS);
    tw_buf_free(&evidence);
    tw_buf_free(&out);
}

static void far_too_many_letters_lose_the_oldest_and_count_them(void **state)
{
    (void)state;
    enum { LETTERS = 3000 };
    struct tw_buf *texts = tw_alloc(LETTERS * sizeof *texts), out = {0}, again = {0};
    for (size_t i = 0; i < LETTERS; i++) {
        char aspect[32];
        snprintf(aspect, sizeof aspect, "disk.number%zu", i);
        write_letter(&texts[i], aspect, "full", NOW + (int64_t)i);
    }
    const char *body = merge(&out, "a", texts, LETTERS);
    const size_t shown = count_of(body, "\nSubject: ");
    char *says = tw_format("\nThe oldest %zu of them had no room", LETTERS - shown);
    assert_true(shown > 100 && shown < LETTERS);
    assert_non_null(strstr(body, says));
    assert_non_null(strstr(body, "These 3000 letters"));
    assert_non_null(strstr(body, "disk.number2999 failed"));
    free(says);
    /* What was left out once is still counted later. */
    struct tw_buf pair[2] = {out, texts[0]};
    body = merge(&again, "b", pair, 2);
    assert_non_null(strstr(body, "These 3001 letters"));
    says = tw_format("\nThe oldest %zu of them had no room", 3001 - count_of(body, "\nSubject: "));
    assert_non_null(strstr(body, says));
    free(says);
    free_all(texts, LETTERS);
    free(texts);
    tw_buf_free(&out);
    tw_buf_free(&again);
}

static void texts_that_are_no_letters_do_no_harm(void **state)
{
    (void)state;
    static const char *const odd[] = {"",
                                      "\n",
                                      "no header, no end",
                                      "\n\n\n",
                                      "Subject: only\n",
                                      "X-Toaster-Watcher-Merged: a\n\nwithout the rule\n"};
    struct tw_buf texts[TW_COUNT(odd)] = {0}, out = {0};
    for (size_t i = 0; i < TW_COUNT(odd); i++)
        tw_buf_puts(&texts[i], odd[i]);
    const char *body = merge(&out, "a", texts, TW_COUNT(odd));
    assert_int_equal(count_of(body, "\nSubject: "), TW_COUNT(odd));
    assert_non_null(strstr(body, "\nwithout the rule\n"));
    free_all(texts, TW_COUNT(odd));
    tw_buf_free(&out);
}

static void a_merged_letter_cut_anywhere_can_be_merged_again(void **state)
{
    (void)state;
    struct tw_buf texts[2] = {0}, whole = {0};
    write_letter(&texts[0], "service.smtp", "down", NOW);
    write_letter(&texts[1], "disk.var", "full", NOW);
    merge(&whole, "a", texts, 2);
    for (size_t length = 0; length <= whole.len; length++) {
        struct tw_buf out = {0};
        /* Of exactly this size, so that a read past the end is noticed. */
        char *part = malloc(length ? length : 1);
        memcpy(part, whole.data, length);
        const struct tw_waiting_letter letters[] = {{"x", part, length},
                                                    {"y", tw_buf_text(&texts[0]), texts[0].len}};
        const struct tw_letter head = head_of("z", NOW);
        tw_letter_merge(&head, letters, 2, &out);
        assert_non_null(strstr(check_message(&out), "\nFAIL service.smtp\n"));
        free(part);
        tw_buf_free(&out);
    }
    free_all(texts, 2);
    tw_buf_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_merged_letter_reads_like_this),
        cmocka_unit_test(a_merged_letter_is_about_qmail_if_one_of_them_is),
        cmocka_unit_test(merging_again_and_again_gives_the_same_as_merging_once),
        cmocka_unit_test(a_text_cannot_forge_the_begin_of_a_letter),
        cmocka_unit_test(too_much_is_cut_from_the_oldest_first_and_says_so),
        cmocka_unit_test(far_too_many_letters_lose_the_oldest_and_count_them),
        cmocka_unit_test(texts_that_are_no_letters_do_no_harm),
        cmocka_unit_test(a_merged_letter_cut_anywhere_can_be_merged_again),
    };
    return cmocka_run_group_tests(tests, set_zone, NULL);
}
