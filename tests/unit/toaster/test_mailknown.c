/* What is known of a mailbox is read back whole or not at all, and stamps say when to trust it. */
#include "toaster/scratch.h"

#include "toaster/mailknown.h"

enum { NOW_S = 1800000000 };
#define NOW_NS ((int64_t)NOW_S * 1000000000)

static struct tw_known_folder folder(const char *path, int64_t n)
{
    return (struct tw_known_folder){.folder = {.path = (char *)(uintptr_t)path,
                                               .is_maildir = n & 1,
                                               .no_expire = n & 2,
                                               .self = {(uint64_t)n, n + 1, n + 2},
                                               .dirs = {{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}},
                                    .messages = n,
                                    .first_s = NOW_S + n,
                                    .scanned_s = NOW_S,
                                    .kept_s = n};
}

static void what_the_index_holds_is_read_back_or_not_at_all(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    struct tw_known known;
    const struct tw_known_folder a = folder("", 1), b = folder(".Tr\377ash", 2);
    tw_known_begin(&out, 77, 2);
    tw_known_add(&out, &a, NOW_NS);
    tw_known_add(&out, &b, NOW_NS);
    assert_true(tw_known_read(out.data, out.len, 77, &known));
    assert_int_equal(known.count, 2);
    const struct tw_known_folder *found = tw_known_find(&known, ".Tr\377ash", 0);
    assert_non_null(found);
    assert_true(!found->folder.is_maildir && found->folder.no_expire && found->messages == 2 &&
                found->kept_s == 2);
    assert_true(tw_stamp_equal(&found->folder.dirs[2], &b.folder.dirs[2]));
    assert_true(tw_stamp_equal(&found->folder.self, &b.folder.self));
    assert_null(tw_known_find(&known, ".Trash", 1));
    tw_known_free(&known);
    assert_false(tw_known_read(out.data, out.len, 78, &known)); /* of another rule */
    for (size_t length = 0; length < out.len; length++)
        assert_false(tw_known_read(out.data, length, 77, &known));
    unsigned seed = 11;
    for (int round = 0; round < 20000; round++) {
        struct tw_buf bad = {0};
        tw_buf_add(&bad, out.data, out.len);
        for (int i = 0; i < 4; i++)
            bad.data[(size_t)rand_r(&seed) % bad.len] = (char)(rand_r(&seed) % 256);
        if (tw_known_read(bad.data, bad.len, 77, &known))
            tw_known_free(&known);
        tw_buf_free(&bad);
    }
    tw_buf_free(&out);
}

static void stamps_are_trusted_only_when_they_have_settled(void **state)
{
    (void)state;
    const int64_t now_ns = NOW_NS;
    const struct tw_stamp none = {0}, old = {5, now_ns - 3000000000, now_ns - 2000000001},
                          fresh = {5, now_ns - 3000000000, now_ns - 2000000000},
                          ahead = {5, now_ns + 1, 1};
    assert_false(tw_stamp_equal(&none, &none));
    assert_false(tw_stamp_settled(&none, now_ns));
    assert_true(tw_stamp_settled(&old, now_ns));
    assert_false(tw_stamp_settled(&fresh, now_ns));
    assert_false(tw_stamp_settled(&ahead, now_ns));
    assert_true(tw_stamp_equal(&old, &old));
    assert_false(tw_stamp_equal(&old, &fresh));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_index_holds_is_read_back_or_not_at_all),
        cmocka_unit_test(stamps_are_trusted_only_when_they_have_settled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
