/* The table of old keys. */
#include "import_kit.h"

#include "setup/oldkeys.h"

static void the_table_is_sorted_and_each_row_makes_sense(void **state)
{
    (void)state;
    size_t count;
    const struct tw_oldkey *keys = tw_oldkeys(&count);
    assert_true(count > 300);
    for (size_t i = 0; i < count; i++) {
        if (i && strcmp(keys[i - 1].key, keys[i].key) >= 0)
            fail_msg("%s does not stand before %s", keys[i - 1].key, keys[i].key);
        assert_ptr_equal(tw_oldkey_find(keys[i].key), &keys[i]);
        assert_true(tw_oldconf_is_name(keys[i].key));
        assert_true(keys[i].since >= TW_OLD_FIRST && keys[i].since <= keys[i].until);
        assert_true(keys[i].until <= TW_OLD_LAST);
        assert_true(keys[i].fate < TW_OLD_UNKNOWN);
    }
    assert_null(tw_oldkey_find("a"));
    assert_null(tw_oldkey_find("zzz"));
    assert_null(tw_oldkey_find("qmail_di"));
}

static void every_reason_has_a_word_and_a_sentence(void **state)
{
    (void)state;
    for (enum tw_old_fate fate = 0; fate < TW_OLD_FATES; fate++) {
        assert_non_null(tw_old_fate_word(fate));
        assert_null(strchr(tw_old_fate_word(fate), ' '));
        assert_non_null(tw_old_fate_why(fate));
    }
}

static void dns_lists_are_told_from_what_is_set_for_all_of_them(void **state)
{
    (void)state;
    assert_string_equal(tw_oldkey_dnsbl("rbl_zen.spamhaus.org"), "zen.spamhaus.org");
    assert_string_equal(tw_oldkey_dnsbl("rbl_dnsbl-1.uceprotect.net"), "dnsbl-1.uceprotect.net");
    assert_null(tw_oldkey_dnsbl("rbl_enable"));
    assert_null(tw_oldkey_dnsbl("rbl_timeout"));
    assert_null(tw_oldkey_dnsbl("rbl_zen.spamhaus.org_message"));
    assert_null(tw_oldkey_dnsbl("rbl_"));
    assert_null(tw_oldkey_dnsbl("rwl_list.dnswl.org"));
    assert_int_equal(tw_oldkey_fate("rbl_zen.spamhaus.org"), TW_OLD_TAKEN);
    assert_int_equal(tw_oldkey_fate("rbl_zen.spamhaus.org_message"), TW_OLD_RUN_FILES);
    assert_int_equal(tw_oldkey_fate("rwl_list.dnswl.org"), TW_OLD_RUN_FILES);
}

static void what_sounds_like_a_secret_is_one(void **state)
{
    (void)state;
    static const char *const secrets[] = {"vpopmail_mysql_pass",
                                          "vpopmail_mysql_repl_pass",
                                          "toaster_test_email_pass",
                                          "my_password",
                                          "phpMyAdmin_controlpassword",
                                          "install_roundcube_db_pass",
                                          "DB_PWD",
                                          "install_spamassassin_dbpass",
                                          "api_token",
                                          "install_squirrelmail_sql_pass"};
    for (size_t i = 0; i < TW_COUNT(secrets); i++)
        assert_int_equal(tw_oldkey_fate(secrets[i]), TW_OLD_SECRET);
    assert_int_equal(tw_oldkey_fate("smtpd_checkpasswd_bin"), TW_OLD_RUN_FILES);
    assert_int_equal(tw_oldkey_fate("maildir_clean_Tresh"), TW_OLD_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_is_sorted_and_each_row_makes_sense),
        cmocka_unit_test(every_reason_has_a_word_and_a_sentence),
        cmocka_unit_test(dns_lists_are_told_from_what_is_set_for_all_of_them),
        cmocka_unit_test(what_sounds_like_a_secret_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
