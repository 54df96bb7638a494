/* Which messages are due, for whom, and whether rules have become stricter. */
#include "toaster/scratch.h"

#include "base/units.h"
#include "kinds/expire_rules.h"

enum { NOW_S = 1800000000, DAY = 86400 };

static void set(struct tw_expire_settings *s, const char *key, const char *value)
{
    struct tw_error e;
    if (tw_options_set(tw_expire_options, s, key, &value, 1, &e) != 0)
        fail_msg("%s", e.text);
}

static void policy(struct tw_expire_settings *s, const char *title, const char *key,
                   const char *value)
{
    const char *const values[] = {title, key, value};
    struct tw_error e;
    if (tw_options_set(tw_expire_options, s, "policy", values, 3, &e) != 0)
        fail_msg("%s", e.text);
}

static struct tw_expire_settings settings(void)
{
    struct tw_expire_settings s = {0};
    tw_options_init(tw_expire_options, &s);
    return s;
}

static void clear(struct tw_expire_settings *s)
{
    tw_options_free(tw_expire_options, s);
}

static void what_is_not_written_is_never_due(void **state)
{
    (void)state;
    struct tw_expire_settings s = settings();
    const struct tw_expire_rule rule = tw_expire_rule_for(&s, "joe@example.com");
    const struct stat st = {.st_mtim.tv_sec = 700000000, .st_ctim.tv_sec = 700000000};
    bool odd = false;
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        assert_true(tw_expire_due_s(&rule, (enum tw_expire_class) class, false, &st, NOW_S, &odd) ==
                    INT64_MAX);
    assert_true(tw_expire_due_s(&rule, TW_EXPIRE_NONE, false, &st, NOW_S, &odd) == INT64_MAX);
    clear(&s);
}

static void the_most_exact_policy_goes_first_key_by_key(void **state)
{
    (void)state;
    struct tw_expire_settings s = settings();
    set(&s, "trash", "14d");
    set(&s, "spam", "7d");
    set(&s, "age", "received");
    policy(&s, "*@example.com", "trash", "30d");
    policy(&s, "*@example.com", "age", "moved");
    policy(&s, "boss@example.com", "trash", "never");
    policy(&s, "boss@example.com", "sent", "1d");
    policy(&s, "boss@example.com", "spam_age", "received");
    struct tw_expire_rule rule = tw_expire_rule_for(&s, "joe@other.example");
    assert_int_equal(rule.limit_s[TW_EXPIRE_TRASH], 14 * DAY);
    assert_null(rule.from[TW_EXPIRE_TRASH]);
    assert_true(rule.received[TW_EXPIRE_TRASH]);
    assert_false(rule.received[TW_EXPIRE_TMP]); /* by its own rule */
    rule = tw_expire_rule_for(&s, "JOE@example.com");
    assert_int_equal(rule.limit_s[TW_EXPIRE_TRASH], 30 * DAY);
    assert_string_equal(rule.from[TW_EXPIRE_TRASH], "*@example.com");
    assert_int_equal(rule.limit_s[TW_EXPIRE_SPAM], 7 * DAY);
    assert_int_equal(rule.limit_s[TW_EXPIRE_SENT], TW_NEVER);
    rule = tw_expire_rule_for(&s, "boss@example.com");
    assert_int_equal(rule.limit_s[TW_EXPIRE_TRASH], TW_NEVER);
    assert_string_equal(rule.from[TW_EXPIRE_TRASH], "boss@example.com");
    assert_int_equal(rule.limit_s[TW_EXPIRE_SENT], DAY);
    assert_int_equal(rule.limit_s[TW_EXPIRE_SPAM], 7 * DAY);
    clear(&s);
}

static void due_is_more_than_the_limit_to_the_second(void **state)
{
    (void)state;
    struct tw_expire_settings s = settings();
    set(&s, "trash", "14d");
    set(&s, "trash_age", "received");
    set(&s, "spam", "14d");
    const struct tw_expire_rule rule = tw_expire_rule_for(&s, "a@b");
    struct stat st = {.st_mtim.tv_sec = NOW_S - 14 * DAY, .st_ctim.tv_sec = NOW_S - 2 * DAY};
    bool odd = false;
    assert_int_equal(tw_expire_due_s(&rule, TW_EXPIRE_TRASH, false, &st, NOW_S, &odd), NOW_S + 1);
    st.st_mtim.tv_sec--;
    st.st_mtim.tv_nsec = 999999999;
    assert_int_equal(tw_expire_due_s(&rule, TW_EXPIRE_TRASH, false, &st, NOW_S, &odd), NOW_S);
    /* "moved": the later of both. */
    assert_int_equal(tw_expire_due_s(&rule, TW_EXPIRE_SPAM, false, &st, NOW_S, &odd),
                     NOW_S + 12 * DAY + 1);
    st.st_mtim.tv_sec = NOW_S - DAY;
    assert_int_equal(tw_expire_due_s(&rule, TW_EXPIRE_SPAM, false, &st, NOW_S, &odd),
                     NOW_S + 13 * DAY + 1);
    assert_false(odd);
    /* Starred mail is not, unless it is said. */
    assert_true(tw_expire_due_s(&rule, TW_EXPIRE_SPAM, true, &st, NOW_S, &odd) == INT64_MAX);
    clear(&s);
}

static void dates_that_cannot_be_are_told_and_keep(void **state)
{
    (void)state;
    struct tw_expire_settings s = settings();
    set(&s, "trash", "1d");
    set(&s, "age", "received");
    const struct tw_expire_rule rule = tw_expire_rule_for(&s, "a@b");
    static const int64_t odd_times[] = {
        0, -5, 631151999, NOW_S + DAY + 1, 4300000000, INT64_MAX - DAY, INT64_MAX};
    for (size_t i = 0; i < TW_COUNT(odd_times); i++) {
        const struct stat st = {.st_mtim.tv_sec = odd_times[i], .st_ctim.tv_sec = NOW_S};
        bool odd = false;
        assert_true(tw_expire_due_s(&rule, TW_EXPIRE_TRASH, false, &st, NOW_S, &odd) > NOW_S);
        assert_true(odd);
    }
    clear(&s);
}

static void a_message_is_of_the_class_of_its_place_and_flags(void **state)
{
    (void)state;
    const struct tw_message seen = {.seen = true}, unseen = {0};
    assert_int_equal(tw_expire_class_of(TW_FOLDER_INBOX, TW_DIR_CUR, &seen), TW_EXPIRE_READ);
    assert_int_equal(tw_expire_class_of(TW_FOLDER_INBOX, TW_DIR_CUR, &unseen), TW_EXPIRE_UNREAD);
    assert_int_equal(tw_expire_class_of(TW_FOLDER_INBOX, TW_DIR_NEW, &seen), TW_EXPIRE_UNREAD);
    assert_int_equal(tw_expire_class_of(TW_FOLDER_TRASH, TW_DIR_NEW, &unseen), TW_EXPIRE_TRASH);
    assert_int_equal(tw_expire_class_of(TW_FOLDER_OTHER, TW_DIR_CUR, &seen), TW_EXPIRE_NONE);
}

static void keys_that_contradict_each_other_are_refused(void **state)
{
    (void)state;
    struct tw_expire_settings s = settings();
    struct tw_error e = {""};
    assert_int_equal(tw_expire_check(&s, &e), 0);
    policy(&s, "*@example.com", "trash", "1d");
    policy(&s, "*@Example.com", "sent", "1d");
    assert_int_equal(tw_expire_check(&s, &e), -1);
    assert_non_null(strstr(e.text, "are for the same"));
    clear(&s);
    s = settings();
    set(&s, "trash_folders", "spam"); /* which has its defaults */
    assert_int_equal(tw_expire_check(&s, &e), -1);
    assert_non_null(strstr(e.text, "which rule holds there?"));
    set(&s, "spam_folders", "Junk");
    assert_int_equal(tw_expire_check(&s, &e), 0);
    set(&s, "sent_folders", "");
    assert_int_equal(tw_expire_check(&s, &e), -1);
    clear(&s);
}

/* ---- stricter ----------------------------------------------------------------------------- */

static void write_base(struct tw_expire_settings *s)
{
    *s = settings();
    set(s, "trash", "30d");
    set(s, "sent", "never");
    policy(s, "*@a.example", "trash", "60d");
    policy(s, "boss@a.example", "trash", "never");
}

struct change {
    const char *title, *key, *value; /* title NULL: of the job */
    bool stricter;
};

static void stricter_for_anybody_is_stricter(void **state)
{
    (void)state;
    static const struct change changes[] = {
        {NULL, "trash", "30d", false},
        {NULL, "trash", "31d", false},
        {NULL, "trash", "never", false},
        {NULL, "parallel", "9", false},
        {NULL, "fuse", "never", false},        /* is no rule */
        {NULL, "spam_age", "received", false}, /* there is no limit for spam */
        {NULL, "trash", "29d", true},
        {NULL, "sent", "900d", true},
        {NULL, "tmp", "36h", true},
        {NULL, "trash_age", "received", true},
        {NULL, "age", "received", true},
        {NULL, "flagged", "yes", true},
        {NULL, "trash_folders", "Bin", true},
        {NULL, "keep_unlearned", "no", true},
        {"*@a.example", "trash", "61d", false},
        {"*@a.example", "trash", "59d", true},
        {"*@b.example", "trash", "90d", false},
        {"*@b.example", "trash", "29d", true},
        {"boss@a.example", "trash", "900d", true},
        {"boss@a.example", "spam", "900d", true},
        {"joe@b.example", "trash", "never", false},
        {"joe@b.example", "trash", "1d", true},
        {"joe@a.example", "trash", "45d", true}, /* 60d before */
    };
    for (size_t i = 0; i < TW_COUNT(changes); i++) {
        struct tw_expire_settings old, new;
        struct tw_buf text = {0};
        write_base(&old);
        write_base(&new);
        tw_expire_rules_write(&old, &text);
        assert_false(tw_expire_is_stricter(&old, tw_buf_text(&text)));
        if (changes[i].title)
            policy(&new, changes[i].title, changes[i].key, changes[i].value);
        else
            set(&new, changes[i].key, changes[i].value);
        if (tw_expire_is_stricter(&new, tw_buf_text(&text)) != changes[i].stricter)
            fail_msg("case %zu: %s = %s", i, changes[i].key, changes[i].value);
        tw_buf_free(&text);
        clear(&old);
        clear(&new);
    }
}

static void a_policy_that_is_taken_out_may_make_it_stricter(void **state)
{
    (void)state;
    struct tw_expire_settings old, new = settings();
    struct tw_buf text = {0};
    write_base(&old);
    tw_expire_rules_write(&old, &text);
    set(&new, "trash", "30d");
    assert_true(tw_expire_is_stricter(&new, tw_buf_text(&text))); /* 60d, and never, before */
    set(&new, "trash", "never");
    assert_false(tw_expire_is_stricter(&new, tw_buf_text(&text)));
    tw_buf_free(&text);
    clear(&old);
    clear(&new);
}

static void rules_that_cannot_be_read_were_stricter_or_not_nobody_knows(void **state)
{
    (void)state;
    struct tw_expire_settings s = settings();
    struct tw_buf text = {0};
    tw_expire_rules_write(&s, &text);
    assert_true(tw_expire_is_stricter(&s, ""));
    assert_true(tw_expire_is_stricter(&s, "nonsense\n"));
    for (size_t length = 0; length + 2 < text.len; length++) {
        char *cut = tw_strndup(text.data, length);
        (void)tw_expire_is_stricter(&s, cut); /* whatever it says, it is read within its bounds */
        free(cut);
    }
    char *more = tw_format("%sjoe@x 1 2\n", tw_buf_text(&text));
    assert_true(tw_expire_is_stricter(&s, more));
    free(more);
    tw_buf_free(&text);
    clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_written_is_never_due),
        cmocka_unit_test(the_most_exact_policy_goes_first_key_by_key),
        cmocka_unit_test(due_is_more_than_the_limit_to_the_second),
        cmocka_unit_test(dates_that_cannot_be_are_told_and_keep),
        cmocka_unit_test(a_message_is_of_the_class_of_its_place_and_flags),
        cmocka_unit_test(keys_that_contradict_each_other_are_refused),
        cmocka_unit_test(stricter_for_anybody_is_stricter),
        cmocka_unit_test(a_policy_that_is_taken_out_may_make_it_stricter),
        cmocka_unit_test(rules_that_cannot_be_read_were_stricter_or_not_nobody_knows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
