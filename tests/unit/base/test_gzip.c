/* Packing and reading back: what comes out is what went in, and what is damaged is noticed. */
#include "toaster/scratch.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/gentle.h"
#include "base/gzip.h"

static int count_beats(void *context, struct tw_error *e)
{
    (void)e;
    ++*(size_t *)context;
    return 0;
}

static int no_more(void *context, struct tw_error *e)
{
    (void)context;
    errno = ENOSPC;
    return tw_fail(e, "no more");
}

static int open_file(const char *path, int flags)
{
    const int fd = open(path, flags | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    return fd;
}

static int pack(const char *from, int64_t size, const char *to, struct tw_error *e)
{
    size_t beats = 0;
    const int in = open_file(from, O_RDONLY), out = open_file(to, O_RDWR | O_CREAT | O_TRUNC);
    const int result = tw_gzip_pack(in, size, out, count_beats, &beats, e);
    const int why = errno;
    assert_true(result != 0 || beats > 0);
    close(in);
    close(out);
    errno = why;
    return result;
}

static int same(const char *packed, const char *plain, int64_t size, struct tw_error *e)
{
    size_t beats = 0;
    const int a = open_file(packed, O_RDONLY), b = open_file(plain, O_RDONLY);
    const int result = tw_gzip_same(a, b, size, count_beats, &beats, e);
    const int why = errno;
    close(a);
    close(b);
    errno = why;
    return result;
}

static void differs(const char *packed, const char *plain, int64_t size, const char *part)
{
    struct tw_error e;
    assert_int_equal(same(packed, plain, size, &e), -1);
    assert_int_equal(errno, EBADMSG);
    if (!strstr(e.text, part))
        fail_msg("%s", e.text);
}

/* Text of so many bytes, the same each time; `noise` does not compress. */
static char *put_content(const char *path, size_t size, bool noise)
{
    char *bytes = tw_alloc(size + 1);
    unsigned next = 1;
    for (size_t i = 0; i < size; i++) {
        next = next * 1103515245U + 12345U;
        bytes[i] = noise ? (char)(next >> 16) : (char)('a' + i % 7 + (i % 50 == 0 ? next % 9 : 0));
    }
    put_bytes(path, bytes, size);
    return bytes;
}

static void what_is_packed_reads_back(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 200000, 3 << 20};
    for (size_t i = 0; i < TW_COUNT(sizes); i++)
        for (int noise = 0; noise < 2; noise++) {
            struct tw_error e;
            char *bytes = put_content("f", sizes[i], noise);
            if (pack("f", (int64_t)sizes[i], "f.gz", &e) != 0 ||
                same("f.gz", "f", (int64_t)sizes[i], &e) != 0)
                fail_msg("%zu bytes: %s", sizes[i], e.text);
            free(bytes);
        }
}

static void gzip_itself_reads_it(void **state)
{
    (void)state;
    struct tw_error e;
    char *bytes = put_content("f", 300000, false);
    assert_int_equal(pack("f", 300000, "f.gz", &e), 0);
    char *out = run_program((const char *const[]){"gzip", "-dc", "f.gz", NULL}, -1);
    assert_string_equal(out, bytes);
    free(out);
    free(bytes);
}

static void a_copy_of_something_else_is_noticed(void **state)
{
    (void)state;
    struct tw_error e;
    char *bytes = put_content("f", 100000, false);
    assert_int_equal(pack("f", 100000, "f.gz", &e), 0);
    differs("f.gz", "f", 99999, "more than");
    bytes[99998]++;
    put_bytes("g", bytes, 100000);
    differs("f.gz", "g", 100000, "something else");
    put_bytes("g", bytes, 50000);
    differs("f.gz", "g", 100000, "something else");
    bytes[99998]--;
    put_bytes("g", bytes, 100000);
    assert_int_equal(truncate("g", 100001), 0);
    differs("f.gz", "g", 100001, "less than");
    free(bytes);
}

static void a_damaged_copy_is_noticed(void **state)
{
    (void)state;
    struct tw_error e;
    char packed[65536];
    char *bytes = put_content("f", 100000, false);
    assert_int_equal(pack("f", 100000, "f.gz", &e), 0);
    const int fd = open_file("f.gz", O_RDONLY);
    const ssize_t size = read(fd, packed, sizeof packed);
    close(fd);
    assert_true(size > 100 && size < (ssize_t)sizeof packed);
    for (ssize_t length = 0; length < size; length += length < size - 20 ? 97 : 1) {
        put_bytes("g.gz", packed, (size_t)length);
        differs("g.gz", "f", 100000, "is cut off");
    }
    /* Of the ten bytes before these, time and system may be anything (RFC 1952). */
    for (ssize_t at = 10; at < size; at += at < size - 20 ? 41 : 1) {
        packed[at] ^= 4;
        put_bytes("g.gz", packed, (size_t)size);
        differs("g.gz", "f", 100000, "");
        packed[at] ^= 4;
    }
    packed[size] = 'x';
    put_bytes("g.gz", packed, (size_t)size + 1);
    differs("g.gz", "f", 100000, "behind its end");
    put_text("g.gz", "no gzip at all");
    differs("g.gz", "f", 100000, "is damaged");
    put_text("g.gz", "");
    differs("g.gz", "f", 100000, "is cut off");
    free(bytes);
}

/* A few bytes that would be a gigabyte: no more is unpacked than can be right. */
static void a_bomb_is_not_unpacked(void **state)
{
    (void)state;
    struct tw_error e;
    put_text("f", "");
    assert_int_equal(truncate("f", 64 << 20), 0);
    assert_int_equal(pack("f", 64 << 20, "f.gz", &e), 0);
    size_t beats = 0;
    const int a = open_file("f.gz", O_RDONLY), b = open_file("f", O_RDONLY);
    assert_int_equal(tw_gzip_same(a, b, 1000, count_beats, &beats, &e), -1);
    assert_int_equal(beats, 0);
    close(a);
    close(b);
}

static void a_file_that_shrinks_is_an_error(void **state)
{
    (void)state;
    struct tw_error e;
    put_text("f", "abc");
    assert_int_equal(pack("f", 4, "f.gz", &e), -1);
    assert_int_equal(errno, ENODATA);
    assert_int_equal(pack("f", 2, "f.gz", &e), 0); /* what came after is not ours */
    assert_int_equal(same("f.gz", "f", 2, &e), 0);
}

static void it_stops_when_told(void **state)
{
    (void)state;
    struct tw_error e;
    char *bytes = put_content("f", 300000, true);
    const int in = open_file("f", O_RDONLY), out = open_file("f.gz", O_RDWR | O_CREAT);
    assert_int_equal(tw_gzip_pack(in, 300000, out, no_more, NULL, &e), -1);
    assert_int_equal(errno, ENOSPC);
    assert_string_equal(e.text, "no more");
    assert_true(lseek(out, 0, SEEK_END) < 200000);
    close(out);
    assert_int_equal(pack("f", 300000, "f.gz", &e), 0);
    const int packed = open_file("f.gz", O_RDONLY);
    assert_int_equal(tw_gzip_same(packed, in, 300000, no_more, NULL, &e), -1);
    assert_int_equal(errno, ENOSPC);
    close(packed);
    close(in);
    free(bytes);
}

static void what_cannot_be_written_or_read_is_an_error(void **state)
{
    (void)state;
    struct tw_error e;
    size_t beats = 0;
    put_text("f", "abc");
    const int in = open_file("f", O_RDONLY), full = open_file("/dev/full", O_WRONLY);
    assert_int_equal(tw_gzip_pack(in, 3, full, count_beats, &beats, &e), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(tw_gzip_pack(full, 3, in, count_beats, &beats, &e), -1);
    assert_int_equal(errno, EBADF);
    assert_int_equal(tw_gzip_same(full, in, 3, count_beats, &beats, &e), -1);
    assert_int_equal(errno, EBADF);
    close(in);
    close(full);
}

static bool is_gentle(void *context)
{
    (void)context;
    const struct rlimit time = {.rlim_cur = 100, .rlim_max = 5000};
    struct rlimit now;
    if (setrlimit(RLIMIT_CPU, &time) != 0)
        return false;
    tw_gentle();
    return getpriority(PRIO_PROCESS, 0) == 19 && syscall(SYS_ioprio_get, 1, 0) >> 13 == 3 &&
           getrlimit(RLIMIT_CPU, &now) == 0 && now.rlim_cur == 5000;
}

static void gentle_work_gives_way_and_may_take_long(void **state)
{
    (void)state;
    assert_true(as_nobody(is_gentle, NULL));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_packed_reads_back),
        TEST(gzip_itself_reads_it),
        TEST(a_copy_of_something_else_is_noticed),
        TEST(a_damaged_copy_is_noticed),
        TEST(a_bomb_is_not_unpacked),
        TEST(a_file_that_shrinks_is_an_error),
        TEST(it_stops_when_told),
        TEST(what_cannot_be_written_or_read_is_an_error),
        TEST(gentle_work_gives_way_and_may_take_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
