/* For the tests of `compress`: a file d/f that is to be compressed, and looks at what became of it.
 */
#ifndef TEST_KINDS_COMPRESS_KIT_H
#define TEST_KINDS_COMPRESS_KIT_H

#include "kit.h"

#include <zlib.h>

enum { AT = NOW_S }; /* 2027-01-15 08:00:00 UTC */
#define PIECE "f.20270115T080000Z"

/* The file is d/f; nobody has anything open, as far as proc tells. */
static inline int place_make(void **state)
{
    if (scratch_make(state) != 0 || mkdir("proc", 0755) != 0 || mkdir("d", 0755) != 0)
        return -1;
    return 0;
}

static inline struct kit make(void **state)
{
    struct kit kit = kit_make(tw_kind_find("file"), "log");
    char *path = tw_format("%s/d/f", (const char *)*state);
    kit_set(&kit, "path", path);
    kit_set(&kit, "max_size", "100");
    kit_set(&kit, "compress", "yes");
    free(path);
    return kit;
}

static inline bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline void put_size(const char *path, size_t size)
{
    char *bytes = tw_alloc(size + 1);
    memset(bytes, 'x', size);
    put_bytes(path, bytes, size);
    free(bytes);
}

static inline void unpacks_to_size(const char *path, int size)
{
    char bytes[4096];
    gzFile gz = gzopen(path, "rb");
    assert_non_null(gz);
    assert_int_equal(gzread(gz, bytes, sizeof bytes), size);
    for (int i = 0; i < size; i++)
        assert_int_equal(bytes[i], 'x');
    assert_int_equal(gzclose(gz), Z_OK);
}

static inline size_t entries(const char *path)
{
    char *out = run_program((const char *const[]){"ls", "-A", path, NULL}, -1);
    size_t count = 0;
    for (const char *c = out; *c; c++)
        count += *c == '\n';
    free(out);
    return count;
}

static inline void is_done(const struct kit *kit, size_t count, const char *part)
{
    if (kit->done.count != count || (count && !strstr(kit->done.items[count - 1], part)))
        fail_msg("%zu done, the last: %s", kit->done.count,
                 kit->done.count ? kit->done.items[kit->done.count - 1] : "");
}

static inline void at(struct kit *kit, int64_t seconds)
{
    kit->now_s = AT + seconds;
    kit_run(kit);
}

static inline void put_holder(unsigned flags)
{
    char *text = tw_format("pos:\t0\nflags:\t0%o\nmnt_id:\t24\n", flags);
    make_dir("proc/7");
    make_dir("proc/7/fd");
    make_dir("proc/7/fdinfo");
    put_text("proc/7/fdinfo/1", text);
    put_text("proc/7/stat", "7 (multilog) S 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 77 1 1\n");
    assert_int_equal(symlink("../../../d/" PIECE, "proc/7/fd/1"), 0);
    free(text);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, place_make, scratch_remove)

#endif
