/* Names of messages. */
#include "scratch.h"

#include "toaster/message.h"

static struct tw_message parsed(const char *name)
{
    struct tw_message m;
    assert_true(tw_message_parse(name, &m));
    return m;
}

static void flags_stand_behind_the_last_info(void **state)
{
    (void)state;
    assert_true(parsed("1.a.host:2,S").seen);
    assert_false(parsed("1.a.host:2,").seen);
    assert_false(parsed("1.a.host").seen);
    assert_false(parsed("1.S.host").seen);
    assert_false(parsed("1.a.host:1,S").seen); /* experimental: of no meaning */
    assert_false(parsed("1.a.host:2").seen);
    assert_false(parsed("1.a:2,S.host:2,F").seen);
    const struct tw_message all = parsed("1.a.host,S=5:2,DFPRSTabc");
    assert_true(all.draft && all.flagged && all.passed && all.replied && all.seen && all.trashed);
    assert_true(parsed("1.a.host:2,TFS").flagged); /* in whatever order */
}

static void a_size_is_a_whole_number_before_the_flags(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int64_t size;
    } cases[] = {
        {"1.a.host,S=1234:2,S", 1234},
        {"1.a.host,S=1234", 1234},
        {"1.a.host,S=1234,W=1300:2,S", 1234},
        {"1.a.host,W=1300,S=1234:2,S", 1234},
        {"1.a.host,S=0:2,", 0},
        {"1.a.host,S=:2,", -1},
        {"1.a.host,S=-5:2,", -1},
        {"1.a.host,S=5x:2,", -1},
        {"1.a.host:2,S,S=77", -1},
        {"1.a.host,S=99999999999999999999:2,", -1},
        {"1.a.host,S=9223372036854775807:2,", -1},
        /* Of two such the sum would be no number any more. */
        {"1.a.host,S=9223372036854775799:2,", -1},
        {"1.a.host,S=1099511627776:2,", 1099511627776},
        {"1.a.host,S=1099511627777:2,", -1},
        {"1.a.host,W=5", -1},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++)
        assert_int_equal(parsed(cases[i].name).size_bytes, cases[i].size);
}

static void a_name_with_a_dot_first_is_no_message(void **state)
{
    (void)state;
    struct tw_message m;
    assert_false(tw_message_parse(".1.a.host:2,S", &m));
    assert_false(tw_message_parse(".", &m));
    assert_true(tw_message_parse(":2,S", &m));
    assert_true(tw_message_parse(",S=", &m));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_stand_behind_the_last_info),
        cmocka_unit_test(a_size_is_a_whole_number_before_the_flags),
        cmocka_unit_test(a_name_with_a_dot_first_is_no_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
