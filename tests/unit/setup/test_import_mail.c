/* Cleaning and teaching: which rules come into force, and from when on. */
#include "import_kit.h"

/* Keys that only files of these versions had. */
#define V333 "install_qmailscanner_version = 1.20\n"
#define V400 "simscan_args = 0\nmaildir_clean_Read_learn_days = 0\n"
#define V410 "install_openssl_port = 0\nmaildir_learn_Read = 0\n"
#define V513 "qmail_group = qmail\ninstall_openssl = 1\n"
#define V526 "install_lighttpd = 0\ninstall_smtp-delay = 0\n"
#define V533 "vpopmail_daemon = 0\n"
#define SINCE_400 "qmail_tarpit_count = 50\n"
#define WEEKLY "maildir_clean_interval = 7\n"
#define DAILY "maildir_learn_interval = 1\n"

static void a_rule_takes_nothing_earlier_than_find_did(void **state)
{
    (void)state;
    check_lines(V526 WEEKLY "maildir_clean_Trash = 14\nmaildir_clean_Sent = 180\n"
                            "maildir_clean_Spam = 0\n",
                LINES("expire \"maildir\" {", "every = \"7d\"", "age = \"received\"",
                      "trash = \"15d\"", "sent = \"181d\"", "trash_folders = {\"Trash\"}",
                      "sent_folders = {\"Sent\"}", NULL, "spam = \"1d\"",
                      "spam_folders = {\"Spam\"}"));
}

static void rules_with_misspelt_keys_stand_in_comments(void **state)
{
    (void)state;
    static const char rules[] = "maildir_clean_Unread = 365\nmaildir_clean_Read = 30\n"
                                "maildir_clean_Sent = 180\nmaildir_clean_Trash = 14\n"
                                "maildir_clean_Spam = 14\n" WEEKLY;
    static const char *const versions[] = {V410, V513};
    for (size_t i = 0; i < TW_COUNT(versions); i++) {
        char *old = tw_format("%s%s", versions[i], rules);
        check_lines(old, LINES("read = \"31d\"", "spam = \"15d\"", "# unread = \"366d\"",
                               "# sent = \"181d\"", "# trash = \"15d\"", NULL, "trash = \"15d\"",
                               "sent = \"181d\"", "unread = \"366d\""));
        free(old);
    }
    static const char *const later[] = {V526, V533};
    for (size_t i = 0; i < TW_COUNT(later); i++) {
        char *old = tw_format("%s%s", later[i], rules);
        check_lines(old, LINES("read = \"31d\"", "spam = \"15d\"", "unread = \"366d\"",
                               "sent = \"181d\"", "trash = \"15d\""));
        free(old);
    }
}

/* A younger script read an older file just as well. */
static void without_a_key_of_a_later_version_they_do_so_in_any_file(void **state)
{
    (void)state;
    static const char *const versions[] = {V333, V400, SINCE_400, ""};
    for (size_t i = 0; i < TW_COUNT(versions); i++) {
        char *old = tw_format("%s" WEEKLY "maildir_clean_Trash = 14\nmaildir_clean_Spam = 3\n",
                              versions[i]);
        check_lines(old, LINES("spam = \"4d\"", "# trash = \"15d\"", NULL, "trash = \"15d\""));
        free(old);
    }
}

static void who_had_spelt_them_as_the_script_did_keeps_the_rules(void **state)
{
    (void)state;
    check_lines(V513 WEEKLY "maidir_clean_Trash = 1\nmaildir_clean_Trash = 14\n"
                            "maidir_clean_Sent = 1\nmaildir_clean_Sent = 180\n"
                            "maidir_clean_Unread = 1\nmaildir_clean_Unread = 60\n"
                            "maildir_clean_Read = 90\n",
                LINES("trash = \"15d\"", "unread = \"91d\"", "# sent = \"181d\""));
}

/* The rule for unread mail is for cur/ too, here; there it was for new/ alone. */
static void unread_mail_in_cur_goes_no_earlier_than_read_mail_did(void **state)
{
    (void)state;
    check_lines(V526 WEEKLY "maildir_clean_Unread = 30\nmaildir_clean_Read = 90\n",
                LINES("read = \"91d\"", "unread = \"91d\""));
    check_lines(V526 WEEKLY "maildir_clean_Unread = 90\nmaildir_clean_Read = 30\n",
                LINES("read = \"31d\"", "unread = \"91d\""));
    check_lines(V526 WEEKLY "maildir_clean_Unread = 365\nmaildir_clean_Spam = 1\n",
                LINES("# unread = \"366d\"", "spam = \"2d\"", NULL, "unread = \"366d\""));
}

static void without_an_interval_or_a_rule_in_force_all_is_a_comment(void **state)
{
    (void)state;
    check_lines(V526 "maildir_clean_Trash = 14\nmaildir_clean_interval = 0\n",
                LINES("# expire \"maildir\" {", "# trash = \"15d\"",
                      "# maildir_clean_interval is 0 or not set: the old script removed none.",
                      NULL, "expire \"maildir\" {"));
    check_lines(V513 WEEKLY "maildir_clean_Trash = 14\n",
                LINES("# expire \"maildir\" {", "# trash = \"15d\"", NULL, "expire \"maildir\" {"));
    check_lines(V513 WEEKLY "maildir_clean_Trash = 0\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL, "# expire \"maildir\" {",
                      "expire \"maildir\" {"));
}

/* ---- teaching ----------------------------------------------------------------------------- */

#define LESSONS                                                                                    \
    DAILY "maildir_learn_Spam = 1\nmaildir_learn_Read = 1\nmaildir_learn_Read_days = 1\n"          \
          "install_spamassassin = 1\ninstall_spamassassin_flags = -v\t-u  spamd -x\n"

static void versions_that_taught_go_on_teaching(void **state)
{
    (void)state;
    static const char *const versions[] = {"install_openssl_port = 0\n", V513, V526};
    for (size_t i = 0; i < TW_COUNT(versions); i++) {
        char *old = tw_format("%s%s", versions[i], LESSONS);
        check_lines(old, LINES("learn \"maildir\" {", "every = \"1d\"", "user = \"spamd\"",
                               "spam = yes", "spam_unread = yes", "ham = yes", "ham_age = \"2d\""));
        free(old);
    }
    check_lines(V526 LESSONS,
                LINES("# Unlike before, each message is learned once, folders Junk and \"Junk "
                      "E-mail\" are spam, too, and"));
    check_lines(V400 WEEKLY "maildir_clean_Spam_learn = 1\nmaildir_clean_Read_learn = 1\n"
                            "install_spamassassin = 1\n",
                LINES("learn \"maildir\" {", "every = \"7d\"", "spam = yes", "ham = yes"));
}

static void versions_that_never_taught_have_it_in_a_comment(void **state)
{
    (void)state;
    check_lines(V533 LESSONS "maildir_learn_Spam_unread = 1\n",
                LINES("# learn \"maildir\" {", "# user = \"spamd\"", "# spam = yes",
                      "# spam_unread = yes", "# ham = yes", NULL, "learn \"maildir\" {"));
    check_lines(V333 WEEKLY "maildir_clean_Spam_learn = 1\ninstall_spamassassin = 1\n",
                LINES("# learn \"maildir\" {", NULL, "learn \"maildir\" {"));
    /* It may have been 5.54. */
    check_lines(LESSONS, LINES("# learn \"maildir\" {", NULL, "learn \"maildir\" {"));
}

static void dspam_is_told_by_whether_it_was_taught(void **state)
{
    (void)state;
    check_lines(V526 "install_dspam = 1\n",
                LINES("# install_dspam: before 5.33 no version taught dspam.", NULL,
                      "# learn \"maildir\" {"));
    check_lines(V533 "install_dspam = port\n",
                LINES("# install_dspam: from 5.33 on dspam was taught. For it: backend = "
                      "\"command\", and run as"));
    check_lines(V526 "install_dspam = 0\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL,
                      "# install_dspam: before 5.33 no version taught dspam."));
}

static void without_interval_or_filter_nothing_is_taught(void **state)
{
    (void)state;
    check_lines(
        V526 "maildir_learn_interval = 0\nmaildir_learn_Spam = 1\n"
             "install_spamassassin = 1\n",
        LINES("# The interval is 0 or not set, so nothing was learned.", "# learn \"maildir\" {"));
    check_lines(V526 WEEKLY "maildir_learn_Spam = 1\ninstall_spamassassin = 1\n",
                LINES("# There is no maildir_learn_interval, so nothing was learned.",
                      "# learn \"maildir\" {"));
    check_lines(V526 DAILY "maildir_learn_Spam = 1\ninstall_spamassassin = 0\n",
                LINES("# install_spamassassin is 0 or not set. If sa-learn was there all the same, "
                      "the old script taught",
                      "# learn \"maildir\" {"));
    check_lines(V526 DAILY "maildir_learn_Spam = 0\n",
                LINES("process \"svscan\" { user = \"root\" }", NULL, "# learn \"maildir\" {",
                      "learn \"maildir\" {"));
}

static void good_mail_is_not_learned_where_it_was_not(void **state)
{
    (void)state;
    check_lines(V526 DAILY "maildir_learn_Spam = 1\nmaildir_learn_Read = 1\n"
                           "maildir_learn_Read_days = 0\ninstall_spamassassin = 1\n",
                LINES("learn \"maildir\" {", "spam = yes", "ham = no"));
    /* Then nothing is left to learn, and a section that learns nothing would be refused. */
    check_lines(
        V526 DAILY "maildir_learn_Spam = 0\nmaildir_learn_Read = 1\n"
                   "maildir_learn_Read_days = 0\ninstall_spamassassin = 1\n",
        LINES("# learn \"maildir\" {", "# spam = no", "# ham = yes", NULL, "learn \"maildir\" {"));
}

static void root_is_never_the_filters_user(void **state)
{
    (void)state;
    static const char *const flags[] = {"-u root", "--username=root -x", "-x", "-u", "-u a;b"};
    for (size_t i = 0; i < TW_COUNT(flags); i++) {
        char *old = tw_format(V526 DAILY "maildir_learn_Spam = 1\ninstall_spamassassin = 1\n"
                                         "install_spamassassin_flags = %s\n",
                              flags[i]);
        struct imported out = import(old);
        assert_int_equal(out.result, 0);
        const char *learn = strstr(tw_buf_text(&out.import.text), "\nlearn ");
        assert_non_null(learn);
        assert_null(strstr(learn, "\n    user "));
        imported_free(&out);
        free(old);
    }
    check_lines(V526 DAILY "maildir_learn_Spam = 1\ninstall_spamassassin = 1\n"
                           "install_spamassassin_flags = -d --username=vp\n",
                LINES("user = \"vp\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_takes_nothing_earlier_than_find_did),
        cmocka_unit_test(rules_with_misspelt_keys_stand_in_comments),
        cmocka_unit_test(without_a_key_of_a_later_version_they_do_so_in_any_file),
        cmocka_unit_test(who_had_spelt_them_as_the_script_did_keeps_the_rules),
        cmocka_unit_test(unread_mail_in_cur_goes_no_earlier_than_read_mail_did),
        cmocka_unit_test(without_an_interval_or_a_rule_in_force_all_is_a_comment),
        cmocka_unit_test(versions_that_taught_go_on_teaching),
        cmocka_unit_test(versions_that_never_taught_have_it_in_a_comment),
        cmocka_unit_test(dspam_is_told_by_whether_it_was_taught),
        cmocka_unit_test(without_interval_or_filter_nothing_is_taught),
        cmocka_unit_test(good_mail_is_not_learned_where_it_was_not),
        cmocka_unit_test(root_is_never_the_filters_user),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
