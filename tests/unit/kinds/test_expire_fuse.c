/* What keeps a run from removing anything, and what it remembers of that. */
#include "toaster/scratch.h"

#include <inttypes.h>

#include "base/units.h"
#include "kinds/expire_fuse.h"

enum { NOW_S = 1800000000, DAY = 86400 };

struct kit {
    struct tw_expire_settings settings;
    struct tw_expire_sum sum;
    struct tw_expire_memory memory;
    struct tw_expire_verdict verdict;
    struct tw_expire_clocks now;
};

static void set(struct kit *k, const char *key, const char *value)
{
    struct tw_error e;
    if (tw_options_set(tw_expire_options, &k->settings, key, &value, 1, &e) != 0)
        fail_msg("%s", e.text);
}

static struct kit make(void)
{
    struct kit k = {.now = {NOW_S, 1000, "one"}};
    tw_options_init(tw_expire_options, &k.settings);
    set(&k, "fuse", "25%");
    set(&k, "fuse_min", "100");
    set(&k, "trash", "14d");
    return k;
}

static void due(struct kit *k, const char *domain, int64_t messages, int64_t count)
{
    struct tw_expire_domain *d = tw_expire_sum_domain(&k->sum, domain);
    d->messages = messages;
    d->due[TW_EXPIRE_TRASH].count = count;
}

/* As from one run to the next: what is remembered goes through its text. */
static void judge(struct kit *k, bool confirm)
{
    struct tw_buf text = {0};
    tw_expire_memory_write(&k->memory, &text);
    tw_expire_memory_free(&k->memory);
    tw_expire_memory_read(tw_buf_text(&text), &k->memory);
    tw_buf_free(&text);
    tw_expire_verdict_free(&k->verdict);
    tw_expire_judge(&k->settings, &k->sum, &k->now, DAY, confirm, &k->memory, &k->verdict);
}

static void done(struct kit *k)
{
    tw_options_free(tw_expire_options, &k->settings);
    tw_expire_sum_free(&k->sum);
    tw_expire_memory_free(&k->memory);
    tw_expire_verdict_free(&k->verdict);
}

static void rules_are_asked_about_once_and_then_confirmed(void **state)
{
    (void)state;
    struct kit k = make();
    judge(&k, true); /* nothing was told yet, so nothing can be meant */
    assert_true(k.verdict.unconfirmed && k.verdict.newly_asked && tw_expire_blocks_all(&k.verdict));
    judge(&k, false);
    assert_true(k.verdict.unconfirmed && !k.verdict.newly_asked);
    judge(&k, true);
    assert_false(k.verdict.unconfirmed || tw_expire_blocks_all(&k.verdict));
    judge(&k, false);
    assert_false(k.verdict.unconfirmed);
    set(&k, "trash", "20d"); /* laxer: taken as it is */
    judge(&k, false);
    assert_false(k.verdict.unconfirmed);
    set(&k, "trash", "14d"); /* as it was: stricter than what holds now */
    judge(&k, true);
    assert_true(k.verdict.unconfirmed && k.verdict.newly_asked);
    set(&k, "trash", "13d"); /* another than was asked about */
    judge(&k, true);
    assert_true(k.verdict.unconfirmed && k.verdict.newly_asked);
    done(&k);
}

static void very_many_policies_are_confirmed_by_their_hash_alone(void **state)
{
    (void)state;
    struct kit k = make();
    for (int i = 0; i < 2000; i++) {
        char title[60];
        snprintf(title, sizeof title, "a-rather-long-name-%d@a-rather-long.example", i);
        const char *const values[] = {title, "trash", "30d"};
        assert_int_equal(tw_options_set(tw_expire_options, &k.settings, "policy", values, 3, NULL),
                         0);
    }
    judge(&k, false);
    judge(&k, true);
    judge(&k, false);
    assert_false(k.verdict.unconfirmed);
    struct tw_buf text = {0};
    tw_expire_memory_write(&k.memory, &text);
    assert_true(text.len < 60000);
    tw_buf_free(&text);
    set(&k, "trash", "20d"); /* laxer, but nobody can tell */
    judge(&k, false);
    assert_true(k.verdict.unconfirmed);
    done(&k);
}

static void confirm_rules(struct kit *k)
{
    judge(k, false);
    judge(k, true);
}

static void more_than_the_share_and_more_than_the_least_trips(void **state)
{
    (void)state;
    static const struct {
        int64_t messages, due;
        bool trips;
    } cases[] = {
        {400, 100, false}, {400, 101, true},   {404, 101, false},
        {403, 101, true},  {1000, 250, false}, {1000, 251, true},
        {0, 0, false},     {100, 100, false},  {101, 101, true},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct kit k = make();
        confirm_rules(&k);
        due(&k, "a.example", cases[i].messages, cases[i].due);
        due(&k, "b.example", 10000, 0);
        judge(&k, false);
        assert_false(k.verdict.fuse_all);
        assert_int_equal(k.verdict.blocked.count, cases[i].trips);
        assert_false(tw_expire_blocks_all(&k.verdict)); /* the other domain goes on */
        done(&k);
    }
}

static void leftovers_in_tmp_are_no_messages(void **state)
{
    (void)state;
    struct kit k = make();
    confirm_rules(&k);
    tw_expire_sum_domain(&k.sum, "a.example")->due[TW_EXPIRE_TMP].count = 100000;
    judge(&k, false);
    assert_int_equal(k.verdict.texts.count, 0);
    done(&k);
}

static void a_confirmation_counts_for_what_was_told_and_a_tenth_more(void **state)
{
    (void)state;
    struct kit k = make();
    confirm_rules(&k);
    due(&k, "a.example", 1000, 500);
    judge(&k, true); /* was not told before */
    assert_int_equal(k.verdict.blocked.count, 1);
    due(&k, "a.example", 1000, 551);
    judge(&k, true);
    assert_true(k.verdict.blocked.count == 1 && k.verdict.void_confirm);
    due(&k, "a.example", 1000, 606); /* a tenth over 551, which it has told now */
    judge(&k, true);
    assert_int_equal(k.verdict.blocked.count, 0);
    assert_false(tw_expire_blocks_all(&k.verdict));
    judge(&k, false); /* good for that once */
    assert_int_equal(k.verdict.blocked.count, 1);
    due(&k, "a.example", 1000, 10); /* it is over by itself */
    judge(&k, false);
    assert_int_equal(tw_expire_memory_trip(&k.memory, "a.example"), 0);
    due(&k, "a.example", 1000, 500);
    judge(&k, true);
    assert_int_equal(k.verdict.blocked.count, 1);
    done(&k);
}

/* More of it than may be kept is not kept, and the text stays small enough to be. */
static void the_memory_has_bounds(void **state)
{
    (void)state;
    struct kit k = make();
    confirm_rules(&k);
    for (int i = 0; i < 3000; i++) {
        char name[300];
        snprintf(name, sizeof name, "%0250d.example", i);
        due(&k, name, 1000, 900);
    }
    char *line = tw_alloc(7001);
    memset(line, 'x', 7000);
    for (int i = 0; i < 100; i++)
        tw_strings_add(&k.memory.notes.report, line);
    free(line);
    judge(&k, false);
    assert_int_equal(k.verdict.blocked.count, 3000);
    struct tw_buf text = {0};
    tw_expire_memory_write(&k.memory, &text);
    assert_true(text.len < 64 * 1024);
    tw_buf_free(&text);
    judge(&k, true); /* counts for those that were kept */
    assert_true(k.verdict.blocked.count < 3000 && k.verdict.blocked.count > 0);
    done(&k);
}

static void never_switches_it_off(void **state)
{
    (void)state;
    struct kit k = make();
    set(&k, "fuse", "never");
    confirm_rules(&k);
    due(&k, "a.example", 1000, 1000);
    judge(&k, false);
    assert_int_equal(k.verdict.texts.count, 0);
    done(&k);
}

static void the_clock_is_trusted_within_bounds(void **state)
{
    (void)state;
    static const struct {
        int64_t passed_s, boot_passed_s;
        const char *boot;
        const char *said; /* NULL: nothing */
    } cases[] = {
        {DAY, DAY, "one", NULL},
        {0, 0, "one", NULL},
        {-1, 10, "one", "before the last run"},
        {3 * DAY, 2 * DAY, "one", NULL},
        {3 * DAY + 1, 2 * DAY, "one", "forward by"},
        {DAY, 2 * DAY + 1, "one", "back by"},
        {31 * DAY, 5, "two", NULL},
        {31 * DAY + 1, 5, "two", "started anew"},
        {-1, 5, "two", "before the last run"},
        {31 * DAY + 1, 5, "", "started anew"},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        const struct tw_expire_clocks last = {NOW_S, 1000, "one"};
        struct tw_expire_clocks now = {NOW_S + cases[i].passed_s, 1000 + cases[i].boot_passed_s,
                                       ""};
        strcpy(now.boot, cases[i].boot);
        char *said = tw_expire_clock_trouble(&last, &now, DAY);
        if (!said != !cases[i].said || (said && !strstr(said, cases[i].said)))
            fail_msg("case %zu: %s", i, said ? said : "nothing");
        free(said);
    }
    const struct tw_expire_clocks first = {0, 0, ""}, now = {NOW_S, 5, "one"};
    assert_null(tw_expire_clock_trouble(&first, &now, DAY));
}

static void a_clock_is_believed_again_when_it_is_right_or_confirmed(void **state)
{
    (void)state;
    struct kit k = make();
    confirm_rules(&k);
    k.now.wall_s -= 5000;
    judge(&k, true); /* nobody had told it */
    assert_true(k.verdict.bad_clock && tw_expire_blocks_all(&k.verdict));
    k.now.wall_s += 5000;
    judge(&k, false);
    assert_false(k.verdict.bad_clock);
    k.now.wall_s -= 5000;
    judge(&k, false);
    judge(&k, true);
    assert_false(k.verdict.bad_clock);
    judge(&k, false);
    assert_false(k.verdict.bad_clock);
    done(&k);
}

/* ---- what is kept ------------------------------------------------------------------------- */

static void whatever_the_memory_holds_nothing_breaks(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "\n\n",
                                        "confirmed",
                                        "confirmed xyz\n",
                                        "trip 5\ntrip -1 a\ntrip x y\ntrip 7 b\n",
                                        "at\nat 5\nat 5 a@b\n",
                                        "clocks 1\nclocks a b c\n",
                                        "rule x\nconfirmed 0000000000000001\n",
                                        "report\nreport due x\n"};
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        struct tw_expire_memory m;
        tw_expire_memory_read(texts[i], &m);
        assert_null(m.rules); /* never, without their own hash */
        tw_expire_memory_free(&m);
    }
    unsigned seed = 3;
    for (int round = 0; round < 20000; round++) {
        static const char some[] = "confirmed asked rule trip at clocks report \n\n 0123456789-abc";
        char text[200] = "";
        const size_t length = (size_t)rand_r(&seed) % sizeof text;
        for (size_t i = 0; i + 1 < length; i++)
            text[i] = some[(size_t)rand_r(&seed) % (sizeof some - 1)];
        struct tw_expire_memory m;
        tw_expire_memory_read(text, &m);
        tw_expire_memory_free(&m);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_asked_about_once_and_then_confirmed),
        cmocka_unit_test(very_many_policies_are_confirmed_by_their_hash_alone),
        cmocka_unit_test(more_than_the_share_and_more_than_the_least_trips),
        cmocka_unit_test(leftovers_in_tmp_are_no_messages),
        cmocka_unit_test(a_confirmation_counts_for_what_was_told_and_a_tenth_more),
        cmocka_unit_test(the_memory_has_bounds),
        cmocka_unit_test(never_switches_it_off),
        cmocka_unit_test(the_clock_is_trusted_within_bounds),
        cmocka_unit_test(a_clock_is_believed_again_when_it_is_right_or_confirmed),
        cmocka_unit_test(whatever_the_memory_holds_nothing_breaks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
