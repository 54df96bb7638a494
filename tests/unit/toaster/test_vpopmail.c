/* vpopmail's files, as real ones wrote them, and broken ones. */
#include "scratch.h"

#include "toaster/address.h"
#include "toaster/sources.h"
#include "toaster/vpopmail.h"

static void domains_are_told_from_users(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        int result;
        const char *domain, *dir;
    } cases[] = {
        {"+big.example-:big.example:89:89:/home/vpopmail/domains/big.example:-::", 1, "big.example",
         "/home/vpopmail/domains/big.example"},
        {"+alias.example-:example.com:89:1005:/v/example.com//:-::", 1, "example.com",
         "/v/example.com"},
        {".", 0, NULL, NULL},
        {"", 0, NULL, NULL},
        {"=joe:joe:1000:1000:/home/joe:::", 0, NULL, NULL},
        {"+joe-:joe:1000:1000:/home/joe:-::", 0, NULL, NULL}, /* no dot: a user's */
        {"+example.com:example.com:89:89:/v:-::", 0, NULL, NULL},
        {"# +example.com-:example.com:89:89:/v:-::", 0, NULL, NULL},
        {"+example.com-:example.com:89:89", -1, NULL, NULL},
        {"+example.com-:example.com:x:89:/v:-::", -1, NULL, NULL},
        {"+example.com-:example.com:-1:89:/v:-::", -1, NULL, NULL},
        {"+example.com-:example.com:4294967295:89:/v:-::", -1, NULL, NULL},
        {"+example.com-:example.com:4294967296:89:/v:-::", -1, NULL, NULL},
        {"+example.com-::89:89:/v:-::", -1, NULL, NULL},
        {"+example.com-:a b:89:89:/v:-::", -1, NULL, NULL},
        {"+example.com-:example.com:89:89:v:-::", -1, NULL, NULL},
        {"+example.com-:example.com:89:89:/v/../x:-::", -1, NULL, NULL},
        {"+example.com-:example.com:89:89:/v//x:-::", -1, NULL, NULL},
        {"+example.com-:example.com:89:89:/:-::", -1, NULL, NULL},
        {"+example.com-:example.com:89:89::-::", -1, NULL, NULL},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_assign row = {0};
        if (tw_assign_parse(cases[i].line, strlen(cases[i].line), &row) != cases[i].result)
            fail_msg("case %zu: %s", i, cases[i].line);
        if (cases[i].domain) {
            assert_string_equal(row.domain, cases[i].domain);
            assert_string_equal(row.dir, cases[i].dir);
            assert_int_equal(row.uid, 89);
        }
        tw_assign_clear(&row);
    }
}

static void users_lie_below_their_domain(void **state)
{
    (void)state;
    static const char dir[] = "/v/big.example";
    static const struct {
        const char *line;
        int result;
        const char *user, *below;
    } cases[] = {
        {"postmaster:$6$salt$hash:1:0:Postmaster:/v/big.example/postmaster:NOQUOTA", 1,
         "postmaster", "postmaster"},
        {"u100:$6$salt$hash:1:0:u100:/v/big.example/0/u100:10000000S,1000C:clear", 1, "u100",
         "0/u100"},
        {"u1:x:1:0:a/b, c:/v/big.example/A/b/9/u1/:", 1, "u1", "A/b/9/u1"},
        {"", 0, NULL, NULL},
        {"# u1:x:1:0:u1:/v/big.example/u1:NOQUOTA", 0, NULL, NULL},
        {"u1:x:1:0:u1:/v/big.example", -1, NULL, NULL},
        {"u1:x:1:0:u1:/v/big.example:NOQUOTA", -1, NULL, NULL},
        {"u1:x:1:0:u1:/v/big.example/:NOQUOTA", -1, NULL, NULL},
        {"u1:x:1:0:u1:/v/big.example2/u1:NOQUOTA", -1, NULL, NULL},
        {"u1:x:1:0:u1:/v/big.example/../x:NOQUOTA", -1, NULL, NULL},
        {"u1:x:1:0:u1:/v/big.example/./x:NOQUOTA", -1, NULL, NULL},
        {"u1:x:1:0:u1:/v/big.example//x:NOQUOTA", -1, NULL, NULL},
        {"u1:x:1:0:u1:/etc:NOQUOTA", -1, NULL, NULL},
        {"u1:x:1:0:u1:big.example/u1:NOQUOTA", -1, NULL, NULL},
        {":x:1:0:u1:/v/big.example/u1:NOQUOTA", -1, NULL, NULL},
        {"a b:x:1:0:u1:/v/big.example/u1:NOQUOTA", -1, NULL, NULL},
        {"a/b:x:1:0:u1:/v/big.example/u1:NOQUOTA", -1, NULL, NULL},
        {"a@b:x:1:0:u1:/v/big.example/u1:NOQUOTA", -1, NULL, NULL},
        {"a\tb:x:1:0:u1:/v/big.example/u1:NOQUOTA", -1, NULL, NULL},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_vpasswd row = {0};
        struct tw_error why = {""};
        if (tw_vpasswd_parse(cases[i].line, strlen(cases[i].line), dir, &row, &why) !=
            cases[i].result)
            fail_msg("case %zu: %s", i, cases[i].line);
        assert_true(cases[i].result >= 0 || why.text[0]);
        if (cases[i].user) {
            assert_string_equal(row.user, cases[i].user);
            assert_string_equal(row.below, cases[i].below);
        }
        tw_vpasswd_clear(&row);
    }
    struct tw_vpasswd row;
    struct tw_error why;
    assert_int_equal(tw_vpasswd_parse("a\0b:x:1:0:u:/v/big.example/u:", 29, dir, &row, &why), -1);
}

static void vuserinfo_prints_directories_and_other_lines(void **state)
{
    (void)state;
    struct tw_vpasswd row = {0};
    struct tw_error why;
    static const char dashes[] = "------------------------------------------";
    static const char line[] = "/v/example.com/0/user1";
    assert_int_equal(tw_vuserinfo_parse(dashes, strlen(dashes), "/v/example.com", &row, &why), 0);
    assert_int_equal(tw_vuserinfo_parse("", 0, "/v/example.com", &row, &why), 0);
    assert_int_equal(tw_vuserinfo_parse(line, strlen(line), "/v/other", &row, &why), -1);
    assert_int_equal(tw_vuserinfo_parse(line, strlen(line), "/v/example.com", &row, &why), 1);
    assert_string_equal(row.user, "user1");
    assert_string_equal(row.below, "0/user1");
    tw_vpasswd_clear(&row);
}

static void whatever_a_line_is_nothing_breaks(void **state)
{
    (void)state;
    unsigned seed = 7;
    for (int round = 0; round < 50000; round++) {
        static const char some[] = "+-:/..u.x89 \n@";
        const size_t length = (size_t)rand_r(&seed) % 60;
        char *line = tw_alloc(length + 1);
        for (size_t i = 0; i < length; i++)
            line[i] = (char)(rand_r(&seed) % 8 ? some[(size_t)rand_r(&seed) % (sizeof some - 1)]
                                               : rand_r(&seed) % 256);
        struct tw_assign assign = {0};
        struct tw_vpasswd user = {0};
        struct tw_error why;
        if (tw_assign_parse(line, length, &assign) > 0)
            assert_true(assign.dir[0] == '/' && !strstr(assign.dir, "/../"));
        if (tw_vpasswd_parse(line, length, "/x", &user, &why) > 0)
            assert_true(user.below[0] && user.below[0] != '/');
        tw_assign_clear(&assign);
        tw_vpasswd_clear(&user);
        free(line);
    }
}

static void patterns_of_addresses(void **state)
{
    (void)state;
    static const char *const good[] = {"joe@example.com", "*@example.com", "a+b@x"};
    static const char *const bad[] = {"",     "joe",  "@x",    "joe@", "a@b@c", "*",
                                      "*x@y", "x*@y", "a b@c", "a@*",  "*@*"};
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_int_equal(tw_address_check(good[i], &e), 0);
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_int_equal(tw_address_check(bad[i], &e), -1);
    assert_int_equal(tw_address_matches("Joe@Example.com", "joe@example.COM"), TW_ADDRESS_EXACT);
    assert_int_equal(tw_address_matches("*@Example.com", "joe@example.com"), TW_ADDRESS_DOMAIN);
    assert_int_equal(tw_address_matches("*@example.com", "joe@sub.example.com"), TW_ADDRESS_OTHER);
    assert_int_equal(tw_address_matches("*@example.com", "joe@example.comx"), TW_ADDRESS_OTHER);
    assert_int_equal(tw_address_matches("joe@example.com", "xjoe@example.com"), TW_ADDRESS_OTHER);
    assert_int_equal(tw_address_matches("*@example.com", "example.com"), TW_ADDRESS_OTHER);
}

static void values_of_the_section_mailboxes(void **state)
{
    (void)state;
    static const struct {
        const char *key, *value;
        bool good;
    } cases[] = {
        {"glob", "/srv/mail/%d/%u/Maildir", true},
        {"glob", "/home/%u/Maildir", true},
        {"glob", "/srv/%u@%d", true},
        {"glob", "srv/%u", false},
        {"glob", "/srv/mail", false},
        {"glob", "/srv/%d/Maildir", false},
        {"glob", "/srv/%u/%u", false},
        {"glob", "/srv/%d/%d/%u", false},
        {"glob", "/srv/*/%u", false},
        {"glob", "/srv/%x/%u", false},
        {"glob", "/srv/%", false},
        {"glob", "/srv/../%u/Maildir", false},
        {"glob", "/srv//%u", false},
        {"exclude", "*@lists.example.com", true},
        {"exclude", "lists.example.com", false},
        {"uids", "89", true},
        {"uids", "0", false},
        {"uids", "-1", false},
        {"uids", "vpopmail", false},
        {"uids", "12345678901", false},
        {"vpopmail", "/home/vpopmail", true},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_error e = {""};
        const bool good = tw_sources_check(cases[i].key, cases[i].value, &e) == 0;
        if (good != cases[i].good || good == !!e.text[0])
            fail_msg("%s = %s: %s", cases[i].key, cases[i].value, e.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_are_told_from_users),
        cmocka_unit_test(users_lie_below_their_domain),
        cmocka_unit_test(vuserinfo_prints_directories_and_other_lines),
        cmocka_unit_test(whatever_a_line_is_nothing_breaks),
        cmocka_unit_test(patterns_of_addresses),
        cmocka_unit_test(values_of_the_section_mailboxes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
