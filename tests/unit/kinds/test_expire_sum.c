/* What a child says is added up, or refused. */
#include "toaster/scratch.h"

#include "kinds/expire_sum.h"

static struct tw_expire_domain domain(const char *name, int64_t messages, int64_t trash)
{
    struct tw_expire_domain d = {
        .name = (char *)(uintptr_t)name, .mailboxes = 2, .messages = messages};
    d.due[TW_EXPIRE_TRASH] = (struct tw_expire_amount){trash, 10 * trash};
    d.due[TW_EXPIRE_TMP] = (struct tw_expire_amount){7, 70};
    return d;
}

/* All frames in `in` go into the sum; the number of those that were refused. */
static size_t take_all(struct tw_expire_sum *sum, const struct tw_buf *in)
{
    struct tw_frame frame;
    size_t at = 0, refused = 0;
    while (tw_frame_next(in, &at, TW_CHILD_FRAME_MAX, &frame) > 0)
        refused += tw_expire_sum_take(sum, &frame) != 0;
    return refused;
}

static void fill(struct tw_buf *out)
{
    const struct tw_expire_domain b = domain("b.example", 100, 30), a = domain("a.example", 50, 5);
    const struct tw_expire_sum totals = {
        .mailboxes = 4, .missing = 1, .folders = 9, .skipped = 3, .scanned = 150};
    struct tw_expire_sum gone = {.errors = 1, .left = 3};
    gone.gone[TW_EXPIRE_SPAM] = (struct tw_expire_amount){11, 12};
    tw_expire_put_domain(out, &b);
    tw_expire_put_domain(out, &a);
    tw_expire_put_domain(out, &b); /* of another owner */
    tw_expire_put_totals(out, &totals);
    tw_expire_put_gone(out, &gone);
}

static void what_is_said_is_added_up(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    struct tw_expire_sum sum = {0};
    fill(&out);
    assert_int_equal(take_all(&sum, &out), 0);
    assert_int_equal(sum.domain_count, 2);
    assert_string_equal(sum.domains[0].name, "a.example");
    assert_int_equal(sum.domains[1].messages, 200);
    assert_int_equal(tw_expire_domain_due(&sum.domains[1]), 60); /* leftovers are no messages */
    assert_int_equal(tw_expire_sum_messages(&sum), 250);
    assert_int_equal(tw_expire_sum_class(&sum, TW_EXPIRE_TMP).count, 21);
    assert_int_equal(tw_expire_sum_class(&sum, TW_EXPIRE_TRASH).bytes, 650);
    assert_int_equal(sum.skipped, 3);
    assert_int_equal(sum.gone[TW_EXPIRE_SPAM].bytes, 12);
    assert_int_equal(sum.left, 3);
    tw_expire_sum_free(&sum);
    tw_buf_free(&out);
}

static void inodes_travel_in_pieces(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    struct tw_inodes inodes = {0};
    struct tw_mail_base base = {.path = (char *)(uintptr_t) "/v/example.com"};
    const struct tw_mailbox mailbox = {.address = (char *)(uintptr_t) "joe@example.com",
                                       .below = (char *)(uintptr_t) "joe/Maildir",
                                       .base = &base};
    for (uint64_t i = 0; i < 20001; i++)
        tw_inodes_add(&inodes, i << 40 | i);
    tw_expire_put_due(&out, &mailbox, ".Tr\nash", TW_DIR_NEW, &inodes);
    struct tw_frame frame;
    size_t at = 0, count = 0;
    while (tw_frame_next(&out, &at, TW_CHILD_FRAME_MAX, &frame) > 0) {
        struct tw_expire_due due;
        assert_int_equal(tw_expire_get_due(&frame, &due), 0);
        assert_string_equal(due.address, "joe@example.com");
        assert_string_equal(due.folder, ".Tr\nash");
        assert_int_equal(due.dir, TW_DIR_NEW);
        for (size_t k = 0; k < due.bytes; k += sizeof(uint64_t), count++)
            assert_memory_equal(due.inodes + k, &inodes.items[count], sizeof(uint64_t));
        tw_expire_due_clear(&due);
    }
    assert_int_equal(count, inodes.count);
    free(inodes.items);
    tw_buf_free(&out);
}

static void nonsense_is_refused_and_overflows_nothing(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    struct tw_expire_domain huge = domain("x", INT64_MAX, 1);
    struct tw_expire_sum sum = {0};
    tw_expire_put_domain(&out, &huge);
    huge = domain("x", -1, 1);
    tw_expire_put_domain(&out, &huge);
    assert_int_equal(take_all(&sum, &out), 2);
    tw_buf_clear(&out);
    huge = domain("y", (int64_t)1 << 48, 1);
    tw_expire_put_domain(&out, &huge);
    for (int i = 0; i < 100000; i++) /* each by itself could be */
        (void)take_all(&sum, &out);
    assert_true(tw_expire_sum_messages(&sum) > 0);
    tw_expire_sum_free(&sum);
    tw_buf_clear(&out);
    fill(&out);
    unsigned seed = 5;
    for (int round = 0; round < 3000; round++) {
        struct tw_buf bad = {0};
        tw_buf_add(&bad, out.data, out.len);
        for (int i = 0; i < 6; i++)
            bad.data[(size_t)rand_r(&seed) % bad.len] = (char)(rand_r(&seed) % 256);
        take_all(&sum, &bad);
        struct tw_frame frame;
        struct tw_expire_due due;
        size_t at = 0;
        while (tw_frame_next(&bad, &at, TW_CHILD_FRAME_MAX, &frame) > 0)
            if (tw_expire_get_due(&frame, &due) == 0)
                tw_expire_due_clear(&due);
        tw_buf_free(&bad);
        if (round % 100 == 99)
            tw_expire_sum_free(&sum);
    }
    tw_expire_sum_free(&sum);
    tw_buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_is_added_up),
        cmocka_unit_test(inodes_travel_in_pieces),
        cmocka_unit_test(nonsense_is_refused_and_overflows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
