/* Classes of folders, and the names that they have on disk. */
#include "scratch.h"

#include "toaster/folder.h"
#include "toaster/utf7.h"

static struct tw_folder_names *names(void)
{
    struct tw_strings sent = {0}, trash = {0}, spam = {0};
    tw_strings_add(&sent, "Sent");
    tw_strings_add(&sent, "Sent Items");
    tw_strings_add(&trash, "Trash");
    tw_strings_add(&trash, "GEL\303\226SCHTE ELEMENTE");
    tw_strings_add(&trash, "[Gmail]/Bin");
    tw_strings_add(&spam, "Junk");
    tw_strings_add(&spam, "R&D");
    struct tw_folder_names *made = tw_folder_names_new(&sent, &trash, &spam);
    tw_strings_free(&sent);
    tw_strings_free(&trash);
    tw_strings_free(&spam);
    return made;
}

static void a_folder_has_the_class_of_its_name(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        enum tw_folder_class class;
    } cases[] = {
        {"", TW_FOLDER_INBOX},
        {".Trash", TW_FOLDER_TRASH},
        {".tRaSH", TW_FOLDER_TRASH},
        {"Trash", TW_FOLDER_TRASH},
        {".Trash.Old.x", TW_FOLDER_TRASH},
        {"Trash/Old", TW_FOLDER_TRASH},
        {".INBOX.Trash", TW_FOLDER_TRASH},
        {"INBOX/Trash/x", TW_FOLDER_TRASH},
        {".inbox.Sent", TW_FOLDER_SENT},
        {".Sent", TW_FOLDER_SENT},
        {".Sent Items", TW_FOLDER_SENT},
        {".Gel&APY-schte Elemente", TW_FOLDER_TRASH},
        {".GEL&ANY-SCHTE elemente.a", TW_FOLDER_TRASH},
        {".gel\303\266schte elemente", TW_FOLDER_TRASH}, /* newer servers write UTF-8 */
        {".[Gmail].Bin", TW_FOLDER_TRASH},
        {"[gmail]/bin", TW_FOLDER_TRASH},
        {".Junk", TW_FOLDER_SPAM},
        {".R&-D", TW_FOLDER_SPAM},
        /* And none but these. */
        {".[Gmail]", TW_FOLDER_OTHER},
        {".Sent.2019", TW_FOLDER_OTHER},
        {".Trashcan", TW_FOLDER_OTHER},
        {".Tras", TW_FOLDER_OTHER},
        {".x.Trash", TW_FOLDER_OTHER},
        {"x/Trash", TW_FOLDER_OTHER},
        {".INBOX", TW_FOLDER_OTHER},
        {"INBOX", TW_FOLDER_OTHER},
        {".INBOX.INBOX.Trash", TW_FOLDER_OTHER},
        {".Trash.", TW_FOLDER_OTHER},
        {".Trash..x", TW_FOLDER_OTHER},
        {"..Trash", TW_FOLDER_OTHER},
        {".", TW_FOLDER_OTHER},
        {".Trash/x", TW_FOLDER_OTHER},
        {".&AFQ-rash", TW_FOLDER_OTHER}, /* "T" must stand for itself: not canonical */
        {".Trash\001", TW_FOLDER_OTHER},
        {".Trash\n", TW_FOLDER_OTHER},
        {".Tr\377ash", TW_FOLDER_OTHER},
        {"Junk.x", TW_FOLDER_OTHER},
    };
    struct tw_folder_names *n = names();
    for (size_t i = 0; i < TW_COUNT(cases); i++)
        if (tw_folder_class_of(n, cases[i].path) != cases[i].class)
            fail_msg("\"%s\" is of class %d", cases[i].path,
                     (int)tw_folder_class_of(n, cases[i].path));
    tw_folder_names_free(&n);
    tw_folder_names_free(&n);
}

static void modified_utf7_is_decoded_as_rfc_3501_has_it(void **state)
{
    (void)state;
    static const struct {
        const char *in, *out; /* NULL: none */
    } cases[] = {
        {"", ""},
        {"Trash", "Trash"},
        {"&-", "&"},
        {"a&-b&-", "a&b&"},
        {"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
         "~peter/mail/\345\217\260\345\214\227/\346\227\245\346\234\254\350\252\236"},
        {"&2D3cqQ-", "\360\237\222\251"}, /* a pair */
        {"&AOQ-", "\303\244"},
        {"&AOQ", NULL},  /* does not end */
        {"&", NULL},     /* nor this */
        {"&A-", NULL},   /* not a whole unit */
        {"&AOT-", NULL}, /* bits left over */
        {"&AOQA-", NULL},
        {"&2D0-", NULL},    /* half a pair */
        {"&3Kk-", NULL},    /* the other half */
        {"&2D0AQQ-", NULL}, /* half a pair and a letter */
        {"&AEE-", NULL},    /* "A" stands for itself */
        {"&AAo-", NULL},    /* a newline */
        {"&!!-", NULL},
        {"\377", NULL},
        {"\303\244", "\303\244"},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_buf out = {0};
        tw_buf_puts(&out, "before");
        const bool good = tw_utf7_decode(cases[i].in, strlen(cases[i].in), &out);
        if (good != !!cases[i].out ||
            strcmp(tw_buf_text(&out) + 6, cases[i].out ? cases[i].out : "") != 0)
            fail_msg("\"%s\" is \"%s\"", cases[i].in, tw_buf_text(&out));
        tw_buf_free(&out);
    }
}

static void whatever_a_name_is_nothing_breaks(void **state)
{
    (void)state;
    struct tw_folder_names *n = names();
    unsigned seed = 20261125;
    for (int round = 0; round < 50000; round++) {
        static const char some[] = "&&--AOQU,BTFw.//TrashINBOX\303\244\377\n\"";
        char *name = tw_alloc(260);
        const size_t length = (size_t)rand_r(&seed) % 258;
        for (size_t i = 0; i < length; i++)
            name[i] = (char)(rand_r(&seed) % 4 ? some[(size_t)rand_r(&seed) % (sizeof some - 1)]
                                               : 1 + rand_r(&seed) % 255);
        struct tw_buf shown = {0};
        const enum tw_folder_class class = tw_folder_class_of(n, name);
        assert_int_equal(class, tw_folder_class_of(n, name));
        assert_true(length == 0 || class != TW_FOLDER_INBOX);
        tw_folder_show(name, &shown);
        tw_buf_free(&shown);
        free(name);
    }
    tw_folder_names_free(&n);
}

static void names_of_the_configuration_are_checked(void **state)
{
    (void)state;
    static const char *const good[] = {"Trash", "[Gmail]/Trash", "Gel\303\266scht", "a.b", "&"};
    static const char *const bad[] = {"", "/a", "a/", "a//b", "a\nb", "\377"};
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_int_equal(tw_folder_names_check(good[i], &e), 0);
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_int_equal(tw_folder_names_check(bad[i], &e), -1);
    struct tw_strings a = {0}, b = {0};
    const char *which;
    tw_strings_add(&a, "Bin");
    tw_strings_add(&a, "GEL\303\226SCHT");
    tw_strings_add(&b, "Trash");
    assert_false(tw_folder_names_overlap(&a, &b, &which));
    tw_strings_add(&b, "gel\303\266scht");
    assert_true(tw_folder_names_overlap(&a, &b, &which));
    assert_string_equal(which, "GEL\303\226SCHT");
    tw_strings_free(&a);
    tw_strings_free(&b);
}

static void a_name_is_shown_as_mail_programs_do(void **state)
{
    (void)state;
    static const struct {
        const char *path, *shown;
    } cases[] = {{"", "Inbox"},
                 {".A.B&-C", "A/B&C"},
                 {"A/B.C", "A/B.C"},
                 {".Gel&APY-scht", "Gel\303\266scht"},
                 {".bad&", "bad&"}};
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_buf out = {0};
        tw_folder_show(cases[i].path, &out);
        assert_string_equal(tw_buf_text(&out), cases[i].shown);
        tw_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_has_the_class_of_its_name),
        cmocka_unit_test(modified_utf7_is_decoded_as_rfc_3501_has_it),
        cmocka_unit_test(whatever_a_name_is_nothing_breaks),
        cmocka_unit_test(names_of_the_configuration_are_checked),
        cmocka_unit_test(a_name_is_shown_as_mail_programs_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
