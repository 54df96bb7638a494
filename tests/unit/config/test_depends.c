/* `then` and `depends`: what they may hold, and who may wait for whom. */
#include "files.h"

static void both_are_read_and_compared(void **state)
{
    struct tw_config *a = files_good(state, "file \"a\" { path = /a }\n"
                                            "process \"b\" { depends = {\"file.a\"}\n"
                                            "  then = {\"svc\", \"-u\", \"/s/b\"} }\n");
    const struct tw_job_config *b = tw_config_find(a, "process.b");
    assert_int_equal(b->depends.count, 1);
    assert_string_equal(b->depends.items[0], "file.a");
    assert_int_equal(b->then.count, 3);
    assert_string_equal(b->then.items[2], "/s/b");
    struct tw_config *other = files_good(state, "file \"a\" { path = /a then = {} }\n"
                                                "process \"b\" { depends = {\"file.a\"}\n"
                                                "  then = {\"svc\", \"-d\", \"/s/b\"} }\n");
    assert_true(tw_job_config_equal(tw_config_find(a, "file.a"), tw_config_find(other, "file.a")));
    assert_false(tw_job_config_equal(b, tw_config_find(other, "process.b")));
    tw_config_free(&a);
    tw_config_free(&other);
}

static void what_a_job_depends_on_must_be_a_job(void **state)
{
    files_bad(state, "process \"b\" {\n depends = {\"file.a\"} }\n",
              ":2: ", "process.b: depends: there is no job file.a");
    files_bad(state, "process \"b\" { depends = {\"\"} }\n", ":1: ", "there is no job");
    files_bad(state, "process \"a\" { }\nprocess \"b\" { depends = {\"process.a\", \"a\"} }\n",
              ":2: ", "there is no job a");
    files_bad(state, "service \"*\" { }\nprocess \"b\" { depends = {\"service.a/log\"} }\n",
              ":2: ", "there is no job service.a/log");
}

static void what_a_star_may_bring_is_a_job(void **state)
{
    struct tw_config *c = files_good(state, "service \"*\" { }\n"
                                            "process \"b\" { depends = {\"service.smtp\"} }\n");
    assert_string_equal(tw_config_job_named(c, "service.smtp")->name, "service.*");
    assert_null(tw_config_job_named(c, "process.smtp"));
    tw_config_free(&c);
}

static void nobody_waits_for_himself(void **state)
{
    files_bad(state, "process \"a\" {\n depends = {\"process.a\"} }\n",
              ":2: ", "process.a: depends: it would wait for itself: process.a -> process.a");
    files_bad(state,
              "process \"a\" { depends = {\"process.b\"} }\n"
              "process \"b\" { depends = {\"process.c\"} }\n"
              "process \"c\" {\n depends = {\"process.b\"} }\n",
              ":4: ", "itself: process.b -> process.c -> process.b");
    files_bad(state, "service \"*\" { depends = {\"service.x\"} }\n", ":1: ", "wait for itself");
    files_bad(state,
              "service \"*\" { depends = {\"service.x\"} }\n"
              "service \"x\" { depends = {\"service.y\"} }\n",
              ":", "wait for itself");
}

static char *chain(int length)
{
    struct tw_buf text = {0};
    for (int i = 1; i < length; i++)
        tw_buf_printf(&text, "process \"p%d\" { depends = {\"process.p%d\"} }\n", i, i + 1);
    tw_buf_printf(&text, "process \"p%d\" { }\n", length);
    return tw_buf_take(&text);
}

static void many_may_wait_for_many(void **state)
{
    struct tw_buf text = {0};
    for (int i = 0; i < 100; i++) {
        tw_buf_printf(&text, "process \"p%d\" { depends = {", i);
        for (int j = i + 1; j < 100; j++) /* 2^98 ways, if each were walked */
            tw_buf_printf(&text, "%s\"process.p%d\"", j > i + 1 ? "," : "", j);
        tw_buf_puts(&text, "} }\n");
    }
    struct tw_config *c = files_good(state, tw_buf_text(&text));
    tw_config_free(&c);
    tw_buf_free(&text);
}

static void a_chain_has_an_end(void **state)
{
    char *text = chain(TW_DEPENDS_MAX);
    struct tw_config *c = files_good(state, text);
    tw_config_free(&c);
    free(text);
    text = chain(TW_DEPENDS_MAX + 1);
    files_bad(state, text, ":", "depends: the chain is longer than 100");
    free(text);
    text = chain(2000);
    files_bad(state, text, ":", "depends: the chain is longer than 100");
    free(text);
}

static void an_order_is_an_argument_list(void **state)
{
    static const char *const bad[] = {"", "svc -u /service/x", "./svc", "bin/svc", "/bin/svc\t-u"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        char *text = tw_format("process \"a\" { then = {\"%s\"} }\n", bad[i]);
        files_bad(state, text, ":1: ", "each argument on its own");
        free(text);
    }
    files_bad(state, "defaults { then = {\"svc\"} }\n", ":1: ", "unknown section or key 'then'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(both_are_read_and_compared),     files_test(what_a_job_depends_on_must_be_a_job),
        files_test(what_a_star_may_bring_is_a_job), files_test(nobody_waits_for_himself),
        files_test(many_may_wait_for_many),         files_test(a_chain_has_an_end),
        files_test(an_order_is_an_argument_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
