/* What was learned as what is found again, whatever became of the message; and nonsense is no
 * ledger. */
#include "toaster/scratch.h"

#include "kinds/learn_ledger.h"

static struct tw_learn_key key(const char *name, ino_t inode, long date_s)
{
    const struct stat st = {.st_ino = inode, .st_mtim = {date_s, 5}};
    return tw_learn_key_of(name, &st);
}

static void add(struct tw_ledger_book *book, uint32_t folder, struct tw_learn_key k,
                enum tw_learn_class class, bool passed)
{
    struct tw_ledger ledger = {0};
    struct tw_buf out = {0};
    tw_ledger_add(&ledger, k, (struct tw_learn_mark){class, passed});
    tw_ledger_write(&ledger, &out);
    tw_ledger_book_add(book, folder, out.data, out.len);
    tw_ledger_book_sort(book);
    tw_ledger_free(&ledger);
    tw_buf_free(&out);
}

static void flags_are_no_part_of_a_message(void **state)
{
    (void)state;
    assert_true(tw_learn_name_of("1.a.host,S=5:2,S") == tw_learn_name_of("1.a.host,S=5:2,FRS"));
    assert_true(tw_learn_name_of("1.a.host,S=5:2,S") == tw_learn_name_of("1.a.host,S=5"));
    assert_true(tw_learn_name_of("1.a.host") != tw_learn_name_of("2.a.host"));
    assert_true(key("a", 7, 100).file == key("b", 7, 100).file);
    assert_true(key("a", 7, 100).file != key("a", 7, 101).file);
    assert_true(key("a", 7, 100).file != key("a", 8, 100).file);
}

static void a_message_is_found_by_its_name_or_its_file(void **state)
{
    (void)state;
    struct tw_ledger_book book = {0};
    struct tw_ledger_entry entry;
    struct tw_learn_mark mark;
    add(&book, 3, key("one", 1, 1), TW_LEARN_HAM, false);
    add(&book, 4, key("two", 2, 2), TW_LEARN_SPAM, true);
    assert_true(tw_ledger_find(&book, 3, tw_learn_name_of("one:2,S"), &entry));
    assert_true(tw_ledger_mark(&entry).class == TW_LEARN_HAM && !tw_ledger_mark(&entry).passed);
    assert_false(tw_ledger_find(&book, 4, tw_learn_name_of("one"), &entry));
    /* restored: the same name, another file */
    assert_true(tw_ledger_find_anywhere(&book, 3, key("one", 9, 9), TW_LEARN_HAM, &mark));
    /* moved: another name and folder, the same file */
    assert_true(tw_ledger_find_anywhere(&book, 7, key("new", 2, 2), TW_LEARN_HAM, &mark));
    assert_true(mark.class == TW_LEARN_SPAM && mark.passed);
    assert_false(tw_ledger_find_anywhere(&book, 7, key("one", 9, 9), TW_LEARN_HAM, &mark));
    tw_ledger_book_free(&book);
}

static void of_several_the_one_of_the_class_that_is_asked_for_counts(void **state)
{
    (void)state;
    struct tw_ledger_book book = {0};
    struct tw_learn_mark mark;
    add(&book, 0, key("a", 1, 1), TW_LEARN_HAM, false);
    add(&book, 1, key("b", 1, 1), TW_LEARN_SPAM, false);
    assert_true(tw_ledger_find_anywhere(&book, 2, key("c", 1, 1), TW_LEARN_SPAM, &mark));
    assert_int_equal(mark.class, TW_LEARN_SPAM);
    assert_true(tw_ledger_find_anywhere(&book, 2, key("c", 1, 1), TW_LEARN_HAM, &mark));
    assert_int_equal(mark.class, TW_LEARN_HAM);
    tw_ledger_book_free(&book);
}

static void many_take_sixteen_bytes_each(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct tw_ledger ledger = {0};
    struct tw_buf out = {0};
    struct tw_ledger_book book = {0};
    struct tw_ledger_entry entry;
    char name[32];
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "%d.M%d.host", i, i * 7);
        tw_ledger_add(&ledger, key(name, (ino_t)i + 1, i),
                      (struct tw_learn_mark){i % 2 ? TW_LEARN_HAM : TW_LEARN_SPAM, i % 3 == 0});
    }
    tw_ledger_write(&ledger, &out);
    assert_in_range(out.len, COUNT * 16, COUNT * 16 + 100); /* 40 are allowed */
    tw_ledger_book_add(&book, 0, out.data, out.len);
    tw_ledger_book_sort(&book);
    for (int i = 0; i < COUNT; i++) {
        snprintf(name, sizeof name, "%d.M%d.host:2,S", i, i * 7);
        assert_true(tw_ledger_find(&book, 0, tw_learn_name_of(name), &entry));
        assert_int_equal(tw_ledger_mark(&entry).class, i % 2 ? TW_LEARN_HAM : TW_LEARN_SPAM);
        assert_int_equal(tw_ledger_mark(&entry).passed, i % 3 == 0);
    }
    assert_false(tw_ledger_find(&book, 0, tw_learn_name_of("0.M1.host"), &entry));
    tw_ledger_free(&ledger);
    tw_ledger_book_free(&book);
    tw_buf_free(&out);
}

static void nonsense_is_no_ledger(void **state)
{
    (void)state;
    struct tw_ledger_book book = {0};
    struct tw_learn_mark mark;
    struct tw_ledger_entry entry;
    unsigned seed = 3;
    tw_ledger_book_sort(&book); /* an empty one */
    assert_false(tw_ledger_find(&book, 0, 1, &entry));
    assert_false(tw_ledger_find_anywhere(&book, 0, key("a", 1, 1), TW_LEARN_HAM, &mark));
    for (int round = 0; round < 3000; round++) {
        char bytes[200];
        const size_t length = (size_t)rand_r(&seed) % sizeof bytes;
        for (size_t i = 0; i < length; i++)
            bytes[i] = (char)(rand_r(&seed) % 256);
        if (length)
            bytes[0] = (char)(round % 3); /* 1 is the version */
        tw_ledger_book_add(&book, (uint32_t)round % 5, bytes, length);
        tw_ledger_book_sort(&book);
        tw_ledger_find(&book, 2, (uint64_t)round, &entry);
        tw_ledger_find_anywhere(&book, 1, key("x", (ino_t)round, 1), TW_LEARN_SPAM, &mark);
        if (round % 200 == 199)
            tw_ledger_book_free(&book);
    }
    tw_ledger_book_free(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flags_are_no_part_of_a_message),
        cmocka_unit_test(a_message_is_found_by_its_name_or_its_file),
        cmocka_unit_test(of_several_the_one_of_the_class_that_is_asked_for_counts),
        cmocka_unit_test(many_take_sixteen_bytes_each),
        cmocka_unit_test(nonsense_is_no_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
