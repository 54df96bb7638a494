/* /proc/locks: lines as kernels write them, lines cut and garbled, and real locks. */
#include "scratch.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "toaster/locks.h"

static int parse(const char *line, struct tw_lock *lock)
{
    char *copy = tw_strndup(line, strlen(line)); /* so that the sanitizer sees its end */
    const int result = tw_lock_parse(copy, strlen(copy), lock);
    free(copy);
    return result;
}

/* ---- lines ---- */

static void a_line_gives_who_locks_which_file(void **state)
{
    (void)state;
    struct tw_lock l;
    assert_int_equal(parse("1: FLOCK  ADVISORY  WRITE 1234 fe:0a:11001933 0 EOF", &l), 0);
    assert_true(l.exclusive);
    assert_false(l.waiting);
    assert_int_equal(l.pid, 1234);
    assert_int_equal(l.major, 0xfe);
    assert_int_equal(l.minor, 0x0a);
    assert_int_equal(l.inode, 11001933);
    assert_int_equal(parse("99: POSIX  ADVISORY  WRITE 7 00:2f:18446744073709551615 4 9", &l), 0);
    assert_true(l.exclusive);
    assert_true(l.inode == UINT64_MAX);
}

static void who_waits_or_reads_or_leases_holds_no_exclusive_lock(void **state)
{
    (void)state;
    struct tw_lock l;
    assert_int_equal(parse("1: -> FLOCK  ADVISORY  WRITE 12 08:01:131 0 EOF", &l), 0);
    assert_true(l.waiting);
    assert_int_equal(parse("1:     -> POSIX  ADVISORY  WRITE 12 08:01:131 0 EOF", &l), 0);
    assert_true(l.waiting);
    assert_int_equal(parse("2: FLOCK  ADVISORY  READ  12 08:01:131 0 EOF", &l), 0);
    assert_false(l.exclusive);
    assert_int_equal(parse("3: LEASE  ACTIVE    WRITE 12 08:01:131 0 EOF", &l), 0);
    assert_false(l.exclusive);
    assert_int_equal(parse("4: DELEG  ACTIVE    READ  12 08:01:131 0 EOF", &l), 0);
    assert_false(l.exclusive);
}

static void a_lock_of_no_process_has_no_pid(void **state)
{
    (void)state;
    struct tw_lock l;
    assert_int_equal(parse("1: OFDLCK ADVISORY  WRITE -1 08:01:131 0 EOF", &l), 0);
    assert_true(l.exclusive);
    assert_int_equal(l.pid, 0);
    assert_int_equal(parse("1: FLOCK  ADVISORY  WRITE 0 08:01:131 0 EOF", &l), 0);
    assert_int_equal(l.pid, 0);
}

static void what_is_no_such_line_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "1:",
        "1: FLOCK",
        "FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 1234 <none>:0 0 EOF",
        "1: FLOCK  ADVISORY  WRITE -2 08:01:131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12x 08:01:131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 99999999999 08:01:131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 4294967295 08:01:131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12 08:01 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12 08:01:131:2 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12 08:01:-131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12 0x8:01:131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12 0000000008:01:131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12 08:01:131131131131131131131131131131131131131 0 EOF",
        "1: FLOCK  ADVISORY  WRITE 12",
    };
    struct tw_lock l = {.pid = 77};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_int_equal(parse(bad[i], &l), -1);
    assert_int_equal(l.pid, 77);
}

static void a_line_cut_anywhere_is_read_within_its_bounds(void **state)
{
    (void)state;
    static const char line[] = "1: -> FLOCK  ADVISORY  WRITE 1234 08:01:131 0 EOF";
    for (size_t length = 0; length < sizeof line; length++) {
        struct tw_lock l;
        char *copy = tw_alloc(length ? length : 1);
        memcpy(copy, line, length);
        (void)tw_lock_parse(copy, length, &l);
        free(copy);
    }
}

/* ---- the whole text ---- */

static struct stat make_file(const char *path)
{
    struct stat st;
    put_text(path, "");
    assert_int_equal(stat(path, &st), 0);
    return st;
}

static void add_lock(struct tw_buf *out, const char *what, int pid, dev_t dev, uintmax_t inode)
{
    tw_buf_printf(out, "1: %s %d %02x:%02x:%ju 0 EOF\n", what, pid, major(dev), minor(dev), inode);
}

static int holder_of(const struct stat *st, pid_t *pid)
{
    struct tw_error e;
    *pid = -1;
    const int result = tw_lock_holder("proc", st, pid, &e);
    if (result < 0)
        assert_true(e.text[0]);
    return result;
}

static void put_locks(struct tw_buf *text)
{
    mkdir("proc", 0755);
    put_bytes("proc/locks", tw_buf_text(text), text->len);
    tw_buf_clear(text);
}

static const char *const exclusive = "FLOCK  ADVISORY  WRITE";

static void the_holder_is_told_by_device_and_inode(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    pid_t pid;
    const struct stat st = make_file("lock");
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), 0);
    add_lock(&text, exclusive, 8, st.st_dev, (uintmax_t)st.st_ino + 1);
    add_lock(&text, exclusive, 9, st.st_dev, (uintmax_t)st.st_ino * 10);
    add_lock(&text, "-> FLOCK  ADVISORY  WRITE", 10, st.st_dev, st.st_ino);
    add_lock(&text, "FLOCK  ADVISORY  READ ", 11, st.st_dev, st.st_ino);
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), 0);
    add_lock(&text, "-> FLOCK  ADVISORY  WRITE", 10, st.st_dev, st.st_ino);
    add_lock(&text, exclusive, 12, st.st_dev, st.st_ino);
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), 1);
    assert_int_equal(pid, 12);
    add_lock(&text, exclusive, 0, st.st_dev, st.st_ino);
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), 1); /* held is held */
    assert_int_equal(pid, 0);
    tw_buf_free(&text);
}

static void thousands_of_other_locks_are_passed_over(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    pid_t pid;
    const struct stat st = make_file("lock");
    for (unsigned i = 0; i < 20000; i++)
        add_lock(&text, exclusive, 100, st.st_dev, (uintmax_t)st.st_ino + 1 + i);
    const size_t without = text.len;
    put_locks(&text);
    assert_true(without > 65536 * 2);
    assert_int_equal(holder_of(&st, &pid), 0);
    for (unsigned i = 0; i < 20000; i++) {
        add_lock(&text, exclusive, 100, st.st_dev, (uintmax_t)st.st_ino + 1 + i);
        if (i == 19990) /* lines fall on every side of the chunks that are read */
            add_lock(&text, exclusive, 31, st.st_dev, st.st_ino);
    }
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), 1);
    assert_int_equal(pid, 31);
    tw_buf_free(&text);
}

/* Every offset of the line to the end of a chunk. */
static void a_line_that_two_reads_cut_is_whole(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    pid_t pid;
    const struct stat st = make_file("lock");
    for (size_t before = 65536 - 70; before <= 65536; before++) {
        while (text.len + 100 < before)
            tw_buf_puts(&text, "1: FLOCK  ADVISORY  WRITE 3 08:01:9 0 EOF\n");
        while (text.len < before)
            tw_buf_puts(&text, text.len + 1 == before ? "\n" : "x");
        add_lock(&text, exclusive, 44, st.st_dev, st.st_ino);
        tw_buf_puts(&text, "2: FLOCK  ADVISORY  WRITE 3 08:01:9 0 EOF\n");
        put_locks(&text);
        assert_int_equal(holder_of(&st, &pid), 1);
        assert_int_equal(pid, 44);
    }
    tw_buf_free(&text);
}

static void what_cannot_be_read_is_no_answer(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    pid_t pid;
    const struct stat st = make_file("lock");
    assert_int_equal(holder_of(&st, &pid), -1); /* no proc at all */
    for (size_t i = 0; i < 1000; i++)
        tw_buf_puts(&text, "no line end ");
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), -1);
    unlink("proc/locks");
    make_dir("proc/locks");
    assert_int_equal(holder_of(&st, &pid), -1);
    tw_buf_free(&text);
}

/* ---- another device, as btrfs and overlayfs show it ---- */

static void another_device_counts_only_if_that_process_has_the_file_open(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    pid_t pid;
    const struct stat st = make_file("lock");
    add_lock(&text, exclusive, 20, st.st_dev + 1, st.st_ino);
    add_lock(&text, exclusive, 21, st.st_dev + 2, st.st_ino);
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), 0); /* both have ended */
    make_dir("proc/20");
    make_dir("proc/20/fd");
    put_text("other", "");
    assert_int_equal(symlink("../../../other", "proc/20/fd/3"), 0);
    assert_int_equal(symlink("/nowhere", "proc/20/fd/4"), 0);
    assert_int_equal(holder_of(&st, &pid), 0);
    make_dir("proc/21");
    make_dir("proc/21/fd");
    assert_int_equal(symlink("../../../lock", "proc/21/fd/5"), 0);
    assert_int_equal(holder_of(&st, &pid), 1);
    assert_int_equal(pid, 21);
    tw_buf_free(&text);
}

static void a_process_that_cannot_be_looked_at_leaves_it_open(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    pid_t pid;
    const struct stat st = make_file("lock");
    add_lock(&text, exclusive, 0, st.st_dev + 1, st.st_ino);
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), -1);
    add_lock(&text, exclusive, 22, st.st_dev + 1, st.st_ino);
    put_locks(&text);
    make_dir("proc/22");
    put_text("proc/22/fd", "no directory");
    assert_int_equal(holder_of(&st, &pid), -1);
    for (int i = 0; i < 40; i++) /* more than are looked at, all gone */
        add_lock(&text, exclusive, 1000 + i, st.st_dev + 1, st.st_ino);
    put_locks(&text);
    assert_int_equal(holder_of(&st, &pid), -1);
    tw_buf_free(&text);
}

/* ---- real ones ---- */

static void expect_real_lock(const char *path)
{
    struct stat st;
    struct tw_error e;
    pid_t pid = 0;
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(tw_lock_holder("/proc", &st, &pid, &e), 0);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(tw_lock_holder("/proc", &st, &pid, &e), 1);
    assert_int_equal(pid, getpid());
    close(fd);
    assert_int_equal(tw_lock_holder("/proc", &st, &pid, &e), 0);
}

static void a_real_lock_is_seen_and_not_touched(void **state)
{
    (void)state;
    expect_real_lock("lock");
}

static void on_an_overlay_too(void **state)
{
    (void)state;
    static const char *const dirs[] = {"low", "disk", "top"};
    for (size_t i = 0; i < TW_COUNT(dirs); i++)
        make_dir(dirs[i]);
    if (mount("tmpfs", "disk", "tmpfs", 0, NULL) != 0)
        skip();
    make_dir("disk/up");
    make_dir("disk/work");
    const bool mounted = mount("overlay", "top", "overlay", 0,
                               "lowerdir=low,upperdir=disk/up,workdir=disk/work") == 0;
    if (mounted)
        expect_real_lock("top/lock");
    if (!mounted)
        skip();
}

/* Also after a failure in between. */
static int unmount_and_remove(void **state)
{
    umount2("top", MNT_DETACH);
    umount2("disk", MNT_DETACH);
    return scratch_remove(state);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_gives_who_locks_which_file),
        cmocka_unit_test(who_waits_or_reads_or_leases_holds_no_exclusive_lock),
        cmocka_unit_test(a_lock_of_no_process_has_no_pid),
        cmocka_unit_test(what_is_no_such_line_is_refused),
        cmocka_unit_test(a_line_cut_anywhere_is_read_within_its_bounds),
        IN_SCRATCH(the_holder_is_told_by_device_and_inode),
        IN_SCRATCH(thousands_of_other_locks_are_passed_over),
        IN_SCRATCH(a_line_that_two_reads_cut_is_whole),
        IN_SCRATCH(what_cannot_be_read_is_no_answer),
        IN_SCRATCH(another_device_counts_only_if_that_process_has_the_file_open),
        IN_SCRATCH(a_process_that_cannot_be_looked_at_leaves_it_open),
        IN_SCRATCH(a_real_lock_is_seen_and_not_touched),
        cmocka_unit_test_setup_teardown(on_an_overlay_too, scratch_make, unmount_and_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
