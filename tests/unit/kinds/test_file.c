/* Kind `file`: every aspect and reason, and things that stand where a file should. */
#include "kit.h"

#include <sys/socket.h>
#include <sys/un.h>

/* The settings want an absolute path; this is the scratch directory by another name. */
#define HERE "/proc/self/cwd/"

static struct kit make(void)
{
    struct kit kit = kit_make(tw_kind_find("file"), "rcpthosts");
    kit_set(&kit, "path", HERE "f");
    return kit;
}

static void touched(int64_t at_s)
{
    const struct timespec times[2] = {{.tv_sec = at_s}, {.tv_sec = at_s}};
    assert_int_equal(utimensat(AT_FDCWD, "f", times, 0), 0);
}

static void a_file_that_is_there(void **state)
{
    (void)state;
    struct kit kit = make();
    put_text("f", "example.com\n");
    kit_check(&kit, TW_LEVEL_OK, "ok", "12 bytes");
    assert_int_equal(kit.finding_count, 1);
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, kit.title), TW_PLACE_WORKER);
    kit_free(&kit);
}

static void a_file_that_is_not_there(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "max_size", "1K");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "f is not there");
    assert_int_equal(kit.finding_count, 1);
    assert_true(tw_strings_has(&kit.withdrawn, "size"));
    assert_int_equal(symlink("nowhere", "f"), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "is a link that leads nowhere");
    put_text("g", "");
    kit_set(&kit, "path", HERE "g/f");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "g/f is not there");
    kit_free(&kit);
}

static void a_link_is_followed(void **state)
{
    (void)state;
    struct kit kit = make();
    put_text("g", "abc");
    assert_int_equal(symlink("g", "f"), 0);
    kit_check(&kit, TW_LEVEL_OK, "ok", "3 bytes");
    kit_free(&kit);
}

static void where_nobody_can_look_is_unknown(void **state)
{
    (void)state;
    struct kit kit = make();
    assert_int_equal(symlink("f", "f"), 0);
    kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", "symbolic links");
    kit_free(&kit);
}

static void make_socket(void)
{
    const struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "f"};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
}

static void other_things_are_no_files(void **state)
{
    (void)state;
    struct kit kit = make();
    make_dir("f");
    kit_check(&kit, TW_LEVEL_FAIL, "no-file", "f is a directory, not a file");
    rmdir("f");
    assert_int_equal(mkfifo("f", 0600), 0); /* nothing waits for a writer */
    kit_check(&kit, TW_LEVEL_FAIL, "no-file", "f is a fifo");
    unlink("f");
    make_socket();
    kit_check(&kit, TW_LEVEL_FAIL, "no-file", "f is a socket");
    unlink("f");
    assert_int_equal(symlink("/dev/zero", "f"), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "no-file", "f is a device");
    kit_free(&kit);
}

static void the_size(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "max_size", "1K");
    put_text("f", "");
    assert_int_equal(truncate("f", 1024), 0);
    kit_check(&kit, TW_LEVEL_OK, "ok", "1K");
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "1K");
    assert_int_equal(truncate("f", 1025), 0);
    kit_run(&kit);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "1");
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "too-large", "f is too large: 1025 bytes, limit 1024");
    assert_int_equal(truncate("f", 0), 0);
    kit_run(&kit);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "0 bytes");
    kit_set(&kit, "not_empty", "yes");
    kit_run(&kit);
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "empty", "f is empty");
    assert_int_equal(truncate("f", (off_t)1 << 42), 0);
    kit_run(&kit);
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "too-large", "f is too large: 4T");
    kit_free(&kit);
}

static void a_size_of_nothing_at_all(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "max_size", "0");
    put_text("f", "");
    kit_run(&kit);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "0 bytes");
    put_text("f", "x");
    kit_run(&kit);
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "too-large", "limit 0 bytes");
    kit_free(&kit);
}

static void the_mode(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool good;
    } cases[] = {{0644, true},  {0600, true},  {0, true},      {0664, false},
                 {0646, false}, {0755, false}, {04644, false}, {01644, false}};
    struct kit kit = make();
    kit_set(&kit, "mode", "0644");
    put_text("f", "x");
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        assert_int_equal(chmod("f", cases[i].mode), 0);
        char expected[60];
        snprintf(expected, sizeof expected,
                 cases[i].good ? "mode %04o" : "f has mode %04o, allowed is 0644", cases[i].mode);
        kit_run(&kit);
        kit_expect(&kit, "mode", cases[i].good ? TW_LEVEL_OK : TW_LEVEL_FAIL,
                   cases[i].good ? "ok" : "too-open", expected);
    }
    kit_free(&kit);
}

static void the_age(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "max_age", "1h");
    put_text("f", "x");
    touched(NOW_S - 3600);
    kit_run(&kit);
    kit_expect(&kit, "age", TW_LEVEL_OK, "ok", "written 1h ago");
    touched(NOW_S - 3601);
    kit_run(&kit);
    kit_expect(&kit, "age", TW_LEVEL_FAIL, "too-old", "f was last written 1h ago, limit 1h");
    touched(NOW_S + 86400); /* the clock was set back */
    kit_run(&kit);
    kit_expect(&kit, "age", TW_LEVEL_OK, "ok", "written 0s ago");
    touched(-1000);
    kit_run(&kit);
    kit_expect(&kit, "age", TW_LEVEL_FAIL, "too-old", "limit 1h");
    kit_free(&kit);
}

static void the_advice_fits_what_is_wrong(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "mode", "0640");
    kit_advice(&kit, "", "missing", "ls -ld " HERE "f");
    kit_advice(&kit, "", "no-file", "ls -l " HERE "f");
    kit_advice(&kit, "size", "too-large",
               "ls -l " HERE "f; fuser -v " HERE "f shows who writes it");
    kit_advice(&kit, "mode", "too-open", "chmod 0640 " HERE "f");
    kit_free(&kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_that_is_there),
        TEST(a_file_that_is_not_there),
        TEST(a_link_is_followed),
        TEST(where_nobody_can_look_is_unknown),
        TEST(other_things_are_no_files),
        TEST(the_size),
        TEST(a_size_of_nothing_at_all),
        TEST(the_mode),
        TEST(the_age),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
