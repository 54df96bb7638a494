/* Which addresses are delivered on this machine, by the control files. */
#include "scratch.h"

#include "toaster/locals.h"

static void has(const struct tw_locals *locals, const char *address, bool local, size_t length)
{
    size_t local_length;
    if (tw_locals_has(locals, address, strlen(address), &local_length) != local)
        fail_msg("%s", address);
    if (local)
        assert_int_equal(local_length, length);
}

static void domains_of_locals_in_any_case(void **state)
{
    (void)state;
    struct tw_locals locals;
    tw_locals_make(&locals, "# ours\nMail.Example.com \t\n\nlocalhost", "mail.example.com\n", NULL);
    has(&locals, "root@mail.example.com", true, 4);
    has(&locals, "Root@MAIL.example.COM", true, 4);
    has(&locals, "a@b@localhost", true, 3); /* the last @ counts */
    has(&locals, "root@example.com", false, 0);
    has(&locals, "root@mail.example.com.", false, 0);
    has(&locals, "root@xlocalhost", false, 0);
    has(&locals, "root@", false, 0);
    has(&locals, "root@# ours", false, 0);
    has(&locals, "root", true, 4); /* becomes root@mail.example.com */
    tw_locals_free(&locals);
}

static void domains_are_found_in_any_order(void **state)
{
    (void)state;
    struct tw_locals locals;
    tw_locals_make(&locals, "c.example\nB.example\na.example\nb.example\na\nab.example\n\xc3\xa4\n",
                   NULL, NULL);
    has(&locals, "x@a.example", true, 1);
    has(&locals, "x@A", true, 1);
    has(&locals, "x@b.EXAMPLE", true, 1);
    has(&locals, "x@c.example", true, 1);
    has(&locals, "x@ab.example", true, 1);
    has(&locals, "x@\xc3\xa4", true, 1);
    has(&locals, "x@a.", false, 0);
    has(&locals, "x@a.exampl", false, 0);
    has(&locals, "x@a.examplex", false, 0);
    has(&locals, "x@d", false, 0);
    size_t length;
    assert_false(tw_locals_has(&locals, "x@a\0more than is there", 22, &length));
    tw_locals_free(&locals);
}

static void without_locals_me_is_local(void **state)
{
    (void)state;
    struct tw_locals locals;
    tw_locals_make(&locals, NULL, "me.example.com \nnot this\n", NULL);
    has(&locals, "a@me.example.com", true, 1);
    has(&locals, "a@not this", false, 0);
    has(&locals, "a", true, 1);
    tw_locals_free(&locals);
}

static void an_empty_locals_has_no_domain(void **state)
{
    (void)state;
    struct tw_locals locals;
    tw_locals_make(&locals, "", "me.example.com\n", NULL);
    has(&locals, "a@me.example.com", false, 0);
    has(&locals, "a", false, 0); /* a virtual domain's, or another machine's */
    tw_locals_free(&locals);
}

static void an_address_without_a_domain_has_that_of_envnoathost(void **state)
{
    (void)state;
    struct tw_locals locals;
    tw_locals_make(&locals, "a.example\n", "a.example\n", "other.example\n");
    has(&locals, "x", false, 0);
    has(&locals, "x@a.example", true, 1);
    tw_locals_free(&locals);
    tw_locals_make(&locals, "a.example\n", "b.example\n", "A.example");
    has(&locals, "x", true, 1);
    tw_locals_free(&locals);
}

static void without_any_file_only_plain_names_are_local(void **state)
{
    (void)state;
    struct tw_locals locals;
    tw_locals_make(&locals, NULL, NULL, NULL);
    has(&locals, "x", true, 1);
    has(&locals, "x@y", false, 0);
    tw_locals_free(&locals);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(domains_of_locals_in_any_case),
        cmocka_unit_test(domains_are_found_in_any_order),
        cmocka_unit_test(without_locals_me_is_local),
        cmocka_unit_test(an_empty_locals_has_no_domain),
        cmocka_unit_test(an_address_without_a_domain_has_that_of_envnoathost),
        cmocka_unit_test(without_any_file_only_plain_names_are_local),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
