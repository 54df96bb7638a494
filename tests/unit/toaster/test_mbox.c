/* Messages in an mbox stream are told apart, and stay what they are. */
#include "toaster/scratch.h"

#include "toaster/mbox.h"

static const char from[] = "From toaster-watcher@localhost Thu Jan  1 00:00:00 1970\n";

static void becomes(const char *message, size_t length, const char *wanted, size_t wanted_length)
{
    struct tw_buf out = {0}, all = {0};
    tw_mbox_add(&out, message, length);
    tw_buf_puts(&all, from);
    tw_buf_add(&all, wanted, wanted_length);
    assert_int_equal(out.len, all.len);
    assert_memory_equal(out.data, all.data, all.len);
    tw_buf_free(&out);
    tw_buf_free(&all);
}

#define BECOMES(message, wanted) becomes(message, sizeof(message) - 1, wanted, sizeof(wanted) - 1)

static void messages_are_wrapped_and_escaped(void **state)
{
    (void)state;
    BECOMES("Subject: a\n\nb\n", "Subject: a\n\nb\n\n");
    BECOMES("Subject: a\n\nb", "Subject: a\n\nb\n\n");
    BECOMES("", "\n\n");
    BECOMES("\n", "\n\n");
    BECOMES("a\nFrom here\nFrom: not\n From neither\n>From kept\n",
            "a\n>From here\nFrom: not\n From neither\n>From kept\n\n");
    BECOMES("From joe Thu\nSubject: a\n", "Subject: a\n\n"); /* an envelope */
    BECOMES("From joe\nFrom jim\nb\n", ">From jim\nb\n\n");
    BECOMES("From joe", "\n\n");
    BECOMES("a\0b\r\nFrom c\r\n", "a\0b\r\n>From c\r\n\n");
    BECOMES("a\nFrom ", "a\n>From \n\n");
    BECOMES("a\nFrom", "a\nFrom\n\n");
}

/* Whatever the bytes, the stream has as many From lines as messages. */
static void no_message_looks_like_two(void **state)
{
    (void)state;
    static const char *const parts[] = {"From ", "\n", "a", "\r", "From", ">", " "};
    unsigned seed = 9;
    for (int round = 0; round < 20000; round++) {
        struct tw_buf message = {0}, out = {0};
        for (int i = rand_r(&seed) % 12; i > 0; i--)
            tw_buf_puts(&message, parts[(size_t)rand_r(&seed) % TW_COUNT(parts)]);
        tw_mbox_add(&out, tw_buf_text(&message), message.len);
        tw_mbox_add(&out, tw_buf_text(&message), message.len);
        size_t count = 0;
        for (const char *at = out.data; at; at = strchr(at, '\n'), at += at != NULL)
            count += strncmp(at, "From ", 5) == 0;
        assert_int_equal(count, 2);
        tw_buf_free(&message);
        tw_buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_wrapped_and_escaped),
        cmocka_unit_test(no_message_looks_like_two),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
