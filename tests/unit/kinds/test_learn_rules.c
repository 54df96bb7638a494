/* Which messages are offered to the filter. */
#include "toaster/scratch.h"

#include "base/units.h"
#include "kinds/learn_rules.h"

enum { NOW_S = 1800000000, DAY_S = 86400 };

static struct tw_learn_settings settings_with(const char *const *pairs)
{
    struct tw_learn_settings settings = {0};
    struct tw_error e = {""};
    tw_options_init(tw_learn_options, &settings);
    for (; pairs && *pairs; pairs += 2)
        if (tw_options_set(tw_learn_options, &settings, pairs[0], &pairs[1], 1, &e) != 0)
            fail_msg("%s", e.text);
    return settings;
}

static void free_settings(struct tw_learn_settings *settings)
{
    tw_options_free(tw_learn_options, settings);
}

static enum tw_learn_class class_of(const struct tw_learn_settings *settings, const char *path)
{
    struct tw_folder_names *names = tw_learn_folders(settings);
    const enum tw_learn_class class = tw_learn_class_of(settings, names, path);
    tw_folder_names_free(&names);
    return class;
}

static void folders_teach_by_their_names(void **state)
{
    (void)state;
    static const char *const ham[] = {"",          ".Archive", ".Spammer",    ".Sentinel",
                                      "Work/2024", ".Trashy",  ".INBOX.Bills"};
    static const char *const spam[] = {".Spam",       ".Junk",      ".Junk E-mail",
                                       ".INBOX.spam", ".Spam.2024", "junk/old"};
    static const char *const none[] = {
        ".Trash",  ".Sent",       ".Sent.2024",       ".sent-mail",      ".Drafts",
        ".Notes",  ".Chats",      ".Outbox",          ".Templates.Mine", ".INBOX.Drafts",
        "Trash/x", ".Sent Items", ".Deleted Messages"};
    struct tw_learn_settings settings = settings_with(NULL);
    for (size_t i = 0; i < TW_COUNT(ham); i++)
        assert_int_equal(class_of(&settings, ham[i]), TW_LEARN_HAM);
    for (size_t i = 0; i < TW_COUNT(spam); i++)
        assert_int_equal(class_of(&settings, spam[i]), TW_LEARN_SPAM);
    for (size_t i = 0; i < TW_COUNT(none); i++)
        assert_int_equal(class_of(&settings, none[i]), TW_LEARN_NONE);
    free_settings(&settings);
}

static void the_configuration_may_add_to_them(void **state)
{
    (void)state;
    struct tw_learn_settings settings = settings_with((const char *const[]){
        "spam_folders", "Chats", "never_folders", "Gesendet & so", "ham", "yes", NULL});
    assert_int_equal(class_of(&settings, ".Chats"), TW_LEARN_SPAM); /* who writes so means it */
    assert_int_equal(class_of(&settings, ".Spam"), TW_LEARN_HAM);
    assert_int_equal(class_of(&settings, ".Gesendet &- so"), TW_LEARN_NONE);
    assert_int_equal(class_of(&settings, ".Trash"), TW_LEARN_NONE);
    free_settings(&settings);
    settings = settings_with((const char *const[]){"spam", "no", NULL});
    assert_int_equal(class_of(&settings, ".Spam"), TW_LEARN_NONE); /* and no ham, either */
    free_settings(&settings);
    settings = settings_with((const char *const[]){"ham", "no", NULL});
    assert_int_equal(class_of(&settings, ""), TW_LEARN_NONE);
    free_settings(&settings);
}

static int64_t from_s(const struct tw_learn_settings *settings, enum tw_learn_class class,
                      enum tw_mail_dir dir, const char *name, int64_t size)
{
    struct tw_message message;
    const struct stat st = {
        .st_size = size, .st_mtim = {NOW_S - 9 * DAY_S, 0}, .st_ctim = {NOW_S - 2 * DAY_S, 0}};
    assert_true(tw_message_parse(name, &message));
    return tw_learn_from_s(settings, class, dir, &message, &st);
}

static void messages_are_offered_when_their_user_has_judged_them(void **state)
{
    (void)state;
    struct tw_learn_settings settings = settings_with(NULL);
    const int64_t old_s = NOW_S - 2 * DAY_S + DAY_S; /* ham_age after it came */
    static const struct {
        enum tw_learn_class class;
        enum tw_mail_dir dir;
        const char *name;
        int64_t size, from_s; /* 0: never */
    } cases[] = {
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,S", 10, INT64_MIN},
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,FRS", 10, INT64_MIN},
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,", 10, 0},
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b", 10, 0},
        {TW_LEARN_SPAM, TW_DIR_NEW, "1.a.b", 10, 0},
        {TW_LEARN_SPAM, TW_DIR_NEW, "1.a.b:2,S", 10, 0}, /* flags count in cur only */
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,ST", 10, 0},
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,DS", 10, 0},
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,S", 0, 0},
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,S", 500 * 1024, INT64_MIN},
        {TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,S", 500 * 1024 + 1, 0},
        {TW_LEARN_HAM, TW_DIR_CUR, "1.a.b:2,S", 10, 1},
        {TW_LEARN_HAM, TW_DIR_CUR, "1.a.b:2,", 10, 0},
        {TW_LEARN_HAM, TW_DIR_NEW, "1.a.b", 10, 0},
        {TW_LEARN_HAM, TW_DIR_CUR, "1.a.b:2,DS", 10, 0},
        {TW_LEARN_NONE, TW_DIR_CUR, "1.a.b:2,S", 10, 0},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        const int64_t wanted = cases[i].from_s == 0   ? INT64_MAX
                               : cases[i].from_s == 1 ? old_s
                                                      : cases[i].from_s;
        assert_true(from_s(&settings, cases[i].class, cases[i].dir, cases[i].name, cases[i].size) ==
                    wanted);
    }
    struct tw_message read;
    const struct stat far = {.st_size = 10, .st_mtim = {INT64_MAX, 0}};
    assert_true(tw_message_parse("1.a.b:2,S", &read));
    assert_true(tw_learn_from_s(&settings, TW_LEARN_HAM, TW_DIR_CUR, &read, &far) == INT64_MAX);
    settings.spam_unread = true;
    assert_true(from_s(&settings, TW_LEARN_SPAM, TW_DIR_NEW, "1.a.b", 10) == INT64_MIN);
    assert_true(from_s(&settings, TW_LEARN_SPAM, TW_DIR_CUR, "1.a.b:2,T", 10) == INT64_MAX);
    assert_true(from_s(&settings, TW_LEARN_HAM, TW_DIR_NEW, "1.a.b", 10) == INT64_MAX);
    free_settings(&settings);
}

static void samples_get_thinner_with_the_mailbox(void **state)
{
    (void)state;
    static const int64_t cases[][2] = {{0, 1},     {2500, 1},   {2501, 10},  {5000, 10},
                                       {5001, 25}, {10000, 25}, {10001, 50}, {1000000, 50}};
    for (size_t i = 0; i < TW_COUNT(cases); i++)
        assert_int_equal(tw_learn_sample(cases[i][0]), cases[i][1]);
}

static void what_decides_is_in_the_rule(void **state)
{
    (void)state;
    static const char *const pairs[][3] = {{"spam", "no"},           {"ham", "no"},
                                           {"spam_unread", "yes"},   {"ham_age", "2d"},
                                           {"max_size", "1M"},       {"spam_folders", "Bulk"},
                                           {"never_folders", "Bulk"}};
    static const char *const others[][3] = {{"rate", "7"}, {"backend", "spamd"}, {"max_load", "9"}};
    struct tw_learn_settings plain = settings_with(NULL);
    for (size_t i = 0; i < TW_COUNT(pairs); i++) {
        struct tw_learn_settings other = settings_with(pairs[i]);
        assert_true(tw_learn_rule_hash(&other) != tw_learn_rule_hash(&plain));
        free_settings(&other);
    }
    for (size_t i = 0; i < TW_COUNT(others); i++) {
        struct tw_learn_settings other = settings_with(others[i]);
        assert_true(tw_learn_rule_hash(&other) == tw_learn_rule_hash(&plain));
        free_settings(&other);
    }
    free_settings(&plain);
}

static void keys_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *pairs[7];
        const char *part; /* NULL: it is fine */
    } cases[] = {
        {{NULL}, NULL},
        {{"user", "root", NULL}, "never root"},
        {{"user", "debian-spamd", NULL}, NULL},
        {{"spam", "no", "ham", "no", NULL}, "nothing to learn"},
        {{"spam_folders", "Bulk", "never_folders", "bulk", NULL}, "which is it"},
        {{"spam_folders", "/Bulk", NULL}, "no name of a folder"},
        {{"backend", "command", NULL}, "run is missing"},
        {{"backend", "command", "run", "/bin/true", NULL}, "user is missing"},
        {{"backend", "command", "run", "/bin/true", "user", "nobody", NULL}, NULL},
        {{"backend", "command", "run", "x%q", "user", "nobody", NULL}, "%q"},
        {{"backend", "command", "run", "x%", "user", "nobody", NULL}, "write %c"},
        {{"backend", "spamd", "socket", "spamd", NULL}, "no place of spamd"},
        {{"backend", "spamd", "socket", "[::1]:783", NULL}, NULL},
        {{"backend", "rspamd", "url", "127.0.0.1:11334", NULL}, "no place of rspamd"},
        {{"backend", "rspamd", "url", "http://", NULL}, "no place of rspamd"},
        {{"backend", "rspamd", "url", "http://127.0.0.1/a b", NULL}, "no place of rspamd"},
        {{"backend", "rspamd", "url", "https://filter.example.com/rspamd", NULL}, NULL},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_learn_settings settings = settings_with(cases[i].pairs);
        struct tw_error e = {""};
        assert_int_equal(tw_learn_check(&settings, &e), cases[i].part ? -1 : 0);
        if (cases[i].part && !strstr(e.text, cases[i].part))
            fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].part);
        free_settings(&settings);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folders_teach_by_their_names),
        cmocka_unit_test(the_configuration_may_add_to_them),
        cmocka_unit_test(messages_are_offered_when_their_user_has_judged_them),
        cmocka_unit_test(samples_get_thinner_with_the_mailbox),
        cmocka_unit_test(what_decides_is_in_the_rule),
        cmocka_unit_test(keys_that_make_no_sense_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
