/* A canary's keys, whose mail it takes for its own, and what it does where it cannot send. */
#include "kit.h"

#include "kinds/canary_rules.h"
#include "kinds/canary_search.h"

#define ID_A "1800000000.00112233445566778899aabbccddeeff"
#define ID_B "1800000000.ffeeddccbbaa99887766554433221100"
#define ID_C "1800000000.0123456789abcdef0123456789abcdef"

static char *const ids[] = {ID_A, ID_B, ID_C};

static int match_bytes(const char *bytes, size_t length)
{
    const struct tw_strings known = {(char **)ids, 3};
    return tw_canary_match(bytes, length, &known);
}

static int match(const char *text)
{
    return match_bytes(text, strlen(text));
}

static void only_the_exact_id_in_our_header_is_ours(void **state)
{
    (void)state;
    assert_int_equal(match("Subject: x\nX-Toaster-Test: " ID_A "\n\n"), 0);
    assert_int_equal(match("Subject: x\r\nx-toaster-test:  " ID_B " \r\n\r\n"), 1);
    assert_int_equal(match("Message-Id: <" ID_C "@mail.example.com>\n\n"), 2);
    static const char *const others[] = {
        "",
        "\n",
        "X-Toaster-Test: " ID_A,
        "X-Toaster-Test: " ID_A "0\n\n",
        "X-Toaster-Test: 0" ID_A "\n\n",
        "X-Toaster-Test: " ID_A " " ID_B "\n\n",
        "X-Toaster-Test: 1800000000.00112233445566778899aabbccddeef\n\n",
        "X-Toaster-Tests: " ID_A "\n\n",
        "X-X-Toaster-Test: " ID_A "\n\n",
        " X-Toaster-Test: " ID_A "\n\n",
        "Subject: x\n\nX-Toaster-Test: " ID_A "\n",
        "Subject: x\r\n\r\nX-Toaster-Test: " ID_A "\n",
        "Message-ID: " ID_A "\n\n",
        "Message-ID: <x" ID_A "@y>\n\n",
        "Message-ID: <" ID_A "x@y>\n\n",
        "Message-ID: <" ID_A ">\n\n",
        "References: <" ID_A "@y>\n\n",
        "In-Reply-To: <" ID_A "@y>\n\n",
    };
    for (size_t i = 0; i < TW_COUNT(others); i++)
        if (match(others[i]) != -1)
            fail_msg("%zu is taken for ours: %s", i, others[i]);
    static const char nul[] = "X-Toaster-Test: " ID_A "\0\n\n";
    assert_int_equal(match_bytes(nul, sizeof nul - 1), -1);
}

static int set_send(struct kit *kit, const char *a, const char *b, struct tw_error *e)
{
    const char *const list[] = {a, b};
    const size_t count = !a ? 0 : !b ? 1 : 2;
    kit_set(kit, "to", "c@example.com");
    assert_int_equal(tw_options_set(kit->kind->options, kit->settings, "send", list, count, e), 0);
    return kit->kind->validate(kit->settings, "x", e);
}

static void expect_refused(struct kit *kit, const char *part)
{
    struct tw_error e = {""};
    assert_int_equal(kit->kind->validate(kit->settings, "x", &e), -1);
    if (!strstr(e.text, part))
        fail_msg("%s", e.text);
}

static void keys_are_checked(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("canary"), "x");
    struct tw_error e = {""};
    assert_int_equal(set_send(&kit, "clean", "virus", &e), 0);
    assert_int_equal(set_send(&kit, "clean", "clean", &e), -1);
    assert_non_null(strstr(e.text, "\"clean\" is written twice"));
    assert_int_equal(set_send(&kit, "ham", NULL, &e), -1);
    assert_non_null(strstr(e.text, "no test mail \"ham\""));
    assert_int_equal(set_send(&kit, NULL, NULL, &e), -1);
    assert_non_null(strstr(e.text, "send is empty"));
    assert_int_equal(set_send(&kit, "clean", NULL, &e), 0);
    kit_set(&kit, "to", "*@example.com");
    expect_refused(&kit, "to: ");
    kit_set(&kit, "to", "a@example.com,b@example.com");
    expect_refused(&kit, "to: ");
    kit_set(&kit, "to", "c@example.com");
    kit_set(&kit, "from", "postmaster");
    expect_refused(&kit, "from: ");
    kit_set(&kit, "from", "x@example.com");
    kit_set(&kit, "smtp", "127.0.0.1:x");
    expect_refused(&kit, "smtp: ");
    kit_set(&kit, "smtp", "[::1]:26");
    assert_int_equal(kit.kind->validate(kit.settings, "x", &e), 0);
    const char *bad = "sometimes", *never = "never";
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "spam", &bad, 1, &e), -1);
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "max_time", &never, 1, &e),
                     -1);
    kit_set(&kit, "max_time", "90s");
    assert_int_equal(kit.kind->longer_than_s(kit.settings), 90);
    kit_free(&kit);
}

static void a_look_without_a_daemon_sends_nothing_and_says_so(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("canary"), "x");
    kit_set(&kit, "to", "c@example.com");
    kit.look_only = true;
    kit_check(&kit, TW_LEVEL_WARN, "not-sent", "no test mail is sent without the daemon");
    assert_string_equal(kit.memory, "");
    assert_int_equal(kit.look_again_ms, -1);
    kit_free(&kit);
}

static void without_its_mailbox_nothing_is_sent(void **state)
{
    (void)state;
    static const struct tw_sources none = {0};
    struct kit kit = kit_make(tw_kind_find("canary"), "x");
    kit.places.sources = &none;
    kit.places.hostname = "mail.example.com";
    kit_set(&kit, "to", "c@example.com");
    kit_check(&kit, TW_LEVEL_FAIL, "no-mailbox", "there is no mailbox c@example.com: make it");
    assert_string_equal(kit.memory, "");
    assert_int_equal(kit.look_again_ms, -1);
    assert_true(tw_strings_has(&kit.withdrawn, "clean"));
    kit_advice(&kit, "", "no-mailbox", "toasterctl mailboxes");
    kit_advice(&kit, "clean", "missing",
               "toasterctl send-test clean --to c@example.com --smtp 127.0.0.1:25");
    kit_free(&kit);
}

static void nothing_is_learned_of_the_mailbox_that_it_sends_to(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("canary"), "x");
    kit_set(&kit, "to", "Canary@example.com");
    const struct tw_peer peer = {kit.kind, "canary.x", 3600, kit.settings};
    const struct tw_places places = {.peers = &peer, .peer_count = 1};
    assert_string_equal(tw_canary_of(&places, "canary@EXAMPLE.com"), "canary.x");
    assert_null(tw_canary_of(&places, "canary@example.org"));
    assert_null(tw_canary_of(&places, "xcanary@example.com"));
    kit_free(&kit);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(only_the_exact_id_in_our_header_is_ours),
        T(keys_are_checked),
        T(a_look_without_a_daemon_sends_nothing_and_says_so),
        T(without_its_mailbox_nothing_is_sent),
        T(nothing_is_learned_of_the_mailbox_that_it_sends_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
