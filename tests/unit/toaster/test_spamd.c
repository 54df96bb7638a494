/* What spamd is told, and what it may answer. */
#include "toaster/scratch.h"

#include "toaster/spamd.h"

static void places_are_addresses_or_paths(void **state)
{
    (void)state;
    static const char *const good[] = {"127.0.0.1:783", "[::1]:783", "localhost:1",
                                       "/run/spamd.sock", "10.0.0.1:65535"};
    static const char *const bad[] = {"",          "783",           ":783",      "127.0.0.1",
                                      "::1:783",   "[::1]",         "[::1]783",  "127.0.0.1:0",
                                      "1.2.3.4:x", "1.2.3.4:65536", "[1.2.3:1",  "host.example:783",
                                      "[]:783",    "1.2.3.4:-1",    "1.2.3.4: 1"};
    struct tw_spamd_place place;
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(good); i++)
        if (tw_spamd_place_parse(good[i], &place, &e) != 0)
            fail_msg("%s: %s", good[i], e.text);
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        if (tw_spamd_place_parse(bad[i], &place, &e) == 0)
            fail_msg("%s was taken", bad[i]);
    char path[300] = "/";
    memset(path + 1, 'x', sizeof path - 2);
    assert_int_equal(tw_spamd_place_parse(path, &place, &e), -1);
    assert_non_null(strstr(e.text, "too long"));
}

static void requests_are_as_the_protocol_has_them(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    tw_spamd_put_tell(&out, TW_SPAMD_SPAM, "joe@example.com", "a\n", 2);
    assert_string_equal(tw_buf_text(&out), "TELL SPAMC/1.5\r\nMessage-class: spam\r\nSet: local\r\n"
                                           "User: joe@example.com\r\nContent-length: 2\r\n\r\na\n");
    tw_buf_clear(&out);
    tw_spamd_put_tell(&out, TW_SPAMD_FORGET, NULL, "", 0);
    assert_string_equal(tw_buf_text(&out),
                        "TELL SPAMC/1.5\r\nRemove: local\r\nContent-length: 0\r\n\r\n");
    tw_buf_free(&out);
}

static int parse(const char *text, struct tw_spamd_answer *answer)
{
    return tw_spamd_answer_parse(text, strlen(text), answer);
}

static void answers_are_read_strictly(void **state)
{
    (void)state;
    struct tw_spamd_answer a;
    assert_int_equal(parse("SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\n\r\n\r\n", &a), 0);
    assert_true(a.code == 0 && a.did_set && !a.did_remove);
    assert_int_equal(parse("SPAMD/1.1 0 EX_OK\nDidRemove: remote,local\n\n", &a), 0);
    assert_true(a.did_remove && !a.did_set);
    assert_int_equal(parse("SPAMD/1.1 0 EX_OK\r\n\r\n", &a), 0);
    assert_true(!a.did_set && !a.did_remove);
    assert_int_equal(parse("SPAMD/1.1 0 EX_OK\r\nDidSet: remote, locally\r\n\r\n", &a), 0);
    assert_false(a.did_set);
    assert_int_equal(parse("SPAMD/1.0 69 Service Unavailable: no\r\n", &a), 0);
    assert_true(a.code == 69);
    assert_string_equal(a.words, "Service Unavailable: no");
    static const char *const bad[] = {"",
                                      "\r\n",
                                      "SPAMD/1.1",
                                      "SPAMD/1.1 0 EX_OK",
                                      "SPAMD/1.1 0 EX_OK\r\n",
                                      "SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\n",
                                      "SPAMD/1.1 0x EX_OK\r\n\r\n",
                                      "SPAMD/1.1 0 EX_OK\r\nnothing\r\n\r\n",
                                      "HTTP/1.1 200 OK\r\n\r\n",
                                      "spamd/1.1 0 EX_OK\r\n\r\n"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        if (parse(bad[i], &a) == 0)
            fail_msg("%s was taken", bad[i]);
    assert_int_equal(tw_spamd_answer_parse("SPAMD/1.1 0 EX\0OK\r\n\r\n", 22, &a), -1);
}

static void nothing_in_an_answer_breaks_anything(void **state)
{
    (void)state;
    static const char good[] = "SPAMD/1.1 0 EX_OK\r\nDidSet: local\r\nX: y\r\n\r\n";
    unsigned seed = 4;
    for (int round = 0; round < 30000; round++) {
        char bad[sizeof good];
        struct tw_spamd_answer a;
        memcpy(bad, good, sizeof good);
        for (int i = 0; i < 3; i++)
            bad[(size_t)rand_r(&seed) % (sizeof good - 1)] = (char)(rand_r(&seed) % 256);
        (void)tw_spamd_answer_parse(bad, (size_t)rand_r(&seed) % sizeof good, &a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(places_are_addresses_or_paths),
        cmocka_unit_test(requests_are_as_the_protocol_has_them),
        cmocka_unit_test(answers_are_read_strictly),
        cmocka_unit_test(nothing_in_an_answer_breaks_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
