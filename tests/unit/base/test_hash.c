/* FNV-1a, by the values that its authors give. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hash.h"

static void it_is_the_hash_that_it_says(void **state)
{
    (void)state;
    assert_true(tw_hash(TW_HASH_START, "", 0) == 0xcbf29ce484222325ULL);
    assert_true(tw_hash(TW_HASH_START, "a", 1) == 0xaf63dc4c8601ec8cULL);
    assert_true(tw_hash(TW_HASH_START, "foobar", 6) == 0x85944171f73967e8ULL);
    assert_true(tw_hash(tw_hash(TW_HASH_START, "foo", 3), "bar", 3) == 0x85944171f73967e8ULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_the_hash_that_it_says)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
