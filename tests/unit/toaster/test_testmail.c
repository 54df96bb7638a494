/* Test mails: what they hold, that nothing hostile gets into a header, and who may be a recipient.
 */
#include "toaster/scratch.h"

#include "base/strings.h"
#include "toaster/testmail.h"

enum { NOW = 1800000000 };

static const struct tw_testmail_head plain = {.from = "postmaster@example.com",
                                              .to = "joe@example.net",
                                              .host = "mail.example.com",
                                              .id = "1800000000.cafe",
                                              .now_s = NOW};

static char *write_mail(enum tw_testmail type, const struct tw_testmail_head *head)
{
    struct tw_buf out = {0};
    tw_testmail_write(type, head, &out);
    return tw_buf_take(&out);
}

static size_t occurrences(const char *text, const char *what)
{
    size_t count = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        count++;
    return count;
}

/* Put together here, too. */
static char *join(const char *first, const char *second, const char *third)
{
    return tw_format("%s%s%s", first, second, third);
}

static void each_type_has_a_name_and_an_expectation(void **state)
{
    (void)state;
    static const char *const names[] = {"clean", "spam", "virus", "attach", "clam"};
    enum tw_testmail type;
    for (size_t i = 0; i < TW_TESTMAILS; i++) {
        assert_string_equal(tw_testmail_name((enum tw_testmail)i), names[i]);
        assert_true(tw_testmail_find(names[i], &type));
        assert_int_equal(type, i);
        assert_true(strncmp(tw_testmail_expect(type), "should ", 7) == 0);
    }
    assert_false(tw_testmail_find("", &type));
    assert_false(tw_testmail_find("Clean", &type));
    assert_false(tw_testmail_find("cleaner", &type));
}

static void the_id_stands_in_three_places(void **state)
{
    (void)state;
    for (int i = 0; i < TW_TESTMAILS; i++) {
        char *text = write_mail((enum tw_testmail)i, &plain);
        assert_int_equal(occurrences(text, "\nMessage-ID: <1800000000.cafe@mail.example.com>\n"),
                         1);
        assert_int_equal(occurrences(text, "\nX-Toaster-Test: 1800000000.cafe\n"), 1);
        assert_int_equal(occurrences(text, "\n1800000000.cafe\n"), 1);
        free(text);
    }
}

static void ids_are_unique_and_may_stand_in_a_header(void **state)
{
    (void)state;
    struct tw_strings seen = {0};
    for (int i = 0; i < 500; i++) {
        char *id = tw_testmail_id(NOW);
        assert_int_equal(strspn(id, "0123456789abcdef."), strlen(id));
        assert_int_equal(strlen(id), strlen("1800000000.") + 32);
        assert_false(tw_strings_has(&seen, id));
        tw_strings_add(&seen, id);
        free(id);
    }
    tw_strings_free(&seen);
}

static void only_the_right_ones_hold_what_filters_look_for(void **state)
{
    (void)state;
    char *gtube =
        join("\nXJS*C4JDBQAD", "N1.NSBN3*2IDNEN*GTUBE-STAN", "DARD-ANTI-UBE-TEST-EMAIL*C.34X\n");
    char *eicar = join("\n\nX5O!P%@AP[4\\PZ", "X54(P^)7CC)7}$EICAR-STAN",
                       "DARD-ANTIVIRUS-TEST-FILE!$H+H*\n--");
    for (int i = 0; i < TW_TESTMAILS; i++) {
        char *text = write_mail((enum tw_testmail)i, &plain);
        assert_int_equal(occurrences(text, gtube), i == TW_TESTMAIL_SPAM);
        assert_int_equal(occurrences(text, eicar), i == TW_TESTMAIL_VIRUS);
        assert_int_equal(occurrences(text, "name=\"toaster-test.com\""),
                         i == TW_TESTMAIL_ATTACH ? 2 : 0);
        assert_int_equal(occurrences(text, "name=\"toaster-test.zip\""),
                         i == TW_TESTMAIL_CLAM ? 2 : 0);
        free(text);
    }
    free(gtube);
    free(eicar);
}

static void lines_are_ascii_and_short_and_end_with_a_newline(void **state)
{
    (void)state;
    for (int i = 0; i < TW_TESTMAILS; i++) {
        char *text = write_mail((enum tw_testmail)i, &plain);
        size_t line = 0;
        for (const char *at = text; *at; at++) {
            line = *at == '\n' ? 0 : line + 1;
            assert_true(*at == '\n' || (*at >= 0x20 && *at < 0x7f));
            assert_true(line <= 100);
        }
        assert_int_equal(text[strlen(text) - 1], '\n');
        free(text);
    }
}

static void nothing_hostile_gets_into_a_header(void **state)
{
    (void)state;
    const char *const extra[] = {"X-More: a\nBcc: d@example.org\r\n\r\nbody", "X-Less: \xff\x01",
                                 NULL};
    const struct tw_testmail_head hostile = {.from = "a@example.com\nBcc: b@example.org",
                                             .to = "c@example.com\r\n\r\nX-Bad: 1",
                                             .host = "mail\n.example\n\nBcc: e",
                                             .id = "1\n2>\r\nBcc: f@example.org",
                                             .now_s = INT64_MAX,
                                             .extra = extra};
    for (int i = 0; i < TW_TESTMAILS; i++) {
        char *text = write_mail((enum tw_testmail)i, &hostile);
        assert_int_equal(occurrences(text, "\nBcc:"), 0);
        assert_int_equal(occurrences(text, "\nX-Bad"), 0);
        assert_int_equal(occurrences(text, "\r"), 0);
        char *body = strstr(text, "\n\n");
        assert_non_null(body);
        *body = '\0';
        for (const char *line = text; line;
             line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
            assert_true(strcspn(line, ": \n") > 0 && line[strcspn(line, ": \n")] == ':');
        assert_non_null(strstr(text, "\nX-More: a\\nBcc: d@example.org"));
        assert_non_null(strstr(text, "\nX-Less: \\xff\\x01"));
        assert_non_null(strstr(text, "\nX-Toaster-Test: 1-2---Bcc--f-example.org\n"));
        free(text);
    }
}

static void long_values_keep_lines_short(void **state)
{
    (void)state;
    char *much = tw_alloc(5001);
    memset(much, 'a', 5000);
    const char *const extra[] = {much, NULL};
    const struct tw_testmail_head head = {much, much, much, much, NOW, extra};
    char *text = write_mail(TW_TESTMAIL_CLEAN, &head);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        assert_true(strcspn(line, "\n") <= 998);
    free(text);
    free(much);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_type_has_a_name_and_an_expectation),
        cmocka_unit_test(the_id_stands_in_three_places),
        cmocka_unit_test(ids_are_unique_and_may_stand_in_a_header),
        cmocka_unit_test(only_the_right_ones_hold_what_filters_look_for),
        cmocka_unit_test(lines_are_ascii_and_short_and_end_with_a_newline),
        cmocka_unit_test(nothing_hostile_gets_into_a_header),
        cmocka_unit_test(long_values_keep_lines_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
