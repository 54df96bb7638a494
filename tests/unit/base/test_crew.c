/* Threads that share work: each item once, back in order, whatever takes how long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/crew.h"

enum { ITEMS = 2000 };

static atomic_int working, most;

static void work(void *context, void *item)
{
    int *number = item;
    const int now = atomic_fetch_add(&working, 1) + 1;
    int seen = atomic_load(&most);
    while (now > seen && !atomic_compare_exchange_weak(&most, &seen, now))
        ;
    if (*number % 97 == 0)
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    *number += *(const int *)context;
    atomic_fetch_sub(&working, 1);
}

static void all_come_back_in_order(size_t threads)
{
    static int items[ITEMS];
    int add = 100000, next = 0;
    struct tw_crew *crew = tw_crew_new(threads, work, &add);
    atomic_store(&most, 0);
    assert_null(tw_crew_take(crew));
    for (int i = 0; i < ITEMS; i++) {
        items[i] = i;
        if (tw_crew_full(crew)) {
            const int *item = tw_crew_take(crew);
            assert_ptr_equal(item, &items[next]);
            assert_int_equal(*item, add + next++);
        }
        tw_crew_give(crew, &items[i]);
    }
    for (const int *item; (item = tw_crew_take(crew));) {
        assert_ptr_equal(item, &items[next]);
        assert_int_equal(*item, add + next++);
    }
    assert_int_equal(next, ITEMS);
    tw_crew_free(&crew);
    assert_null(crew);
}

static void each_item_comes_back_once_and_in_order(void **state)
{
    (void)state;
    for (size_t threads = 0; threads < 9; threads += 2)
        all_come_back_in_order(threads);
}

static void one_works_alone_and_many_at_the_same_time(void **state)
{
    (void)state;
    all_come_back_in_order(1);
    assert_int_equal(atomic_load(&most), 1);
    all_come_back_in_order(32);
    assert_true(atomic_load(&most) > 1);
}

static atomic_bool goes_on;

static void slow(void *context, void *item)
{
    (void)context;
    (void)item;
    while (!atomic_load(&goes_on))
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void the_caller_need_not_wait_for_ever(void **state)
{
    (void)state;
    int item = 0;
    struct tw_crew *crew = tw_crew_new(2, slow, NULL);
    assert_true(tw_crew_wait(crew, 0));
    tw_crew_give(crew, &item);
    assert_false(tw_crew_wait(crew, 20));
    atomic_store(&goes_on, true);
    while (!tw_crew_wait(crew, 50))
        ;
    assert_ptr_equal(tw_crew_take(crew), &item);
    tw_crew_free(&crew);
}

static void a_crew_without_work_ends(void **state)
{
    (void)state;
    struct tw_crew *crew = tw_crew_new(16, work, NULL);
    tw_crew_free(&crew);
    tw_crew_free(&crew);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_item_comes_back_once_and_in_order),
        cmocka_unit_test(one_works_alone_and_many_at_the_same_time),
        cmocka_unit_test(the_caller_need_not_wait_for_ever),
        cmocka_unit_test(a_crew_without_work_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
