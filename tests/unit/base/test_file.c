/* Small things done to files, in a directory of its own: wrong, hostile, half-written. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "patience.h"

static int enter(void **state)
{
    static const char template[] = "/tmp/toaster-watcher-file.XXXXXX";
    char *dir = tw_strdup(template);
    *state = dir;
    alarm(60 * PATIENCE);
    umask(022);
    return mkdtemp(dir) && chdir(dir) == 0 && mkdir("tmp", 0700) == 0 ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int leave(void **state)
{
    char *dir = *state;
    alarm(0);
    const int result = chdir("/") == 0 ? nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS) : -1;
    free(dir);
    return result;
}

static void make(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void expect(const char *path, size_t max, const char *text)
{
    struct tw_error e = {""};
    char *data;
    size_t length;
    if (tw_file_read(AT_FDCWD, path, max, &data, &length, &e) != 0)
        fail_msg("%s", e.text);
    assert_string_equal(data, text);
    assert_int_equal(length, strlen(text));
    free(data);
}

static void refuse(const char *path, size_t max, int error, const char *part)
{
    struct tw_error e = {""};
    char dummy = 0;
    char *data = &dummy;
    size_t length = 99;
    errno = 0;
    assert_int_equal(tw_file_read(AT_FDCWD, path, max, &data, &length, &e), -1);
    assert_int_equal(errno, error);
    assert_null(data);
    assert_int_equal(length, 0);
    assert_non_null(strstr(e.text, path));
    if (!strstr(e.text, part))
        fail_msg("%s", e.text);
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st.st_mode & 07777;
}

static void a_file_is_read_whole(void **state)
{
    (void)state;
    make("a", "some text\n");
    expect("a", 100, "some text\n");
    expect("a", 10, "some text\n");
    make("empty", "");
    expect("empty", 0, "");
}

static void a_file_is_read_relative_to_a_directory(void **state)
{
    (void)state;
    char *data;
    size_t length;
    make("tmp/a", "x");
    const int dir = open("tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(tw_file_read(dir, "a", 10, &data, &length, NULL), 0);
    assert_string_equal(data, "x");
    free(data);
    close(dir);
}

static void binary_is_read_as_it_is(void **state)
{
    (void)state;
    char big[20000];
    char *data;
    size_t length;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i % 251);
    assert_int_equal(tw_file_write(".", "big", big, sizeof big, 0600, NULL), 0);
    assert_int_equal(tw_file_read(AT_FDCWD, "big", sizeof big, &data, &length, NULL), 0);
    assert_int_equal(length, sizeof big);
    assert_memory_equal(data, big, sizeof big);
    assert_int_equal(data[length], '\0');
    free(data);
}

static void a_file_without_a_size_is_bounded_too(void **state)
{
    (void)state;
    char *data;
    size_t length;
    assert_int_equal(tw_file_read(AT_FDCWD, "/proc/self/stat", 4096, &data, &length, NULL), 0);
    assert_true(length > 10);
    free(data);
    refuse("/proc/self/stat", 10, EFBIG, "more than 10 bytes");
}

static void too_large_is_refused(void **state)
{
    (void)state;
    make("a", "12345678901");
    refuse("a", 10, EFBIG, "more than 10 bytes");
    refuse("a", 0, EFBIG, "more than 0 bytes");
    assert_int_equal(truncate("a", 1LL << 40), 0); /* a hole: not read, not held */
    refuse("a", 1000000, EFBIG, "more than 1000000 bytes");
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    (void)state;
    assert_int_equal(mkfifo("fifo", 0600), 0);
    refuse("fifo", 10, EINVAL, "not a regular file");
    refuse("tmp", 10, EINVAL, "not a regular file");
    refuse("/dev/null", 10, EINVAL, "not a regular file");
    const struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "socket"};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&name, sizeof name), 0);
    refuse("socket", 10, ENXIO, "cannot open");
    close(fd);
}

static void a_symlink_is_not_followed(void **state)
{
    (void)state;
    make("secret", "x");
    assert_int_equal(symlink("secret", "link"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    refuse("link", 10, ELOOP, "symbolic link");
    refuse("dangling", 10, ELOOP, "symbolic link");
}

static void a_link_is_read_as_it_is_written(void **state)
{
    (void)state;
    char longest[4096];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *const targets[] = {"../nowhere/at all", longest};
    for (size_t i = 0; i < TW_COUNT(targets); i++) {
        assert_int_equal(symlink(targets[i], "link"), 0);
        char *text = tw_link_read("link");
        assert_string_equal(text, targets[i]);
        free(text);
        assert_int_equal(unlink("link"), 0);
    }
    make("file", "x");
    assert_null(tw_link_read("file"));
    assert_int_equal(errno, EINVAL);
    assert_null(tw_link_read("link"));
    assert_int_equal(errno, ENOENT);
}

static void a_missing_file_is_told(void **state)
{
    (void)state;
    refuse("none", 10, ENOENT, "No such file");
    refuse("none/x", 10, ENOENT, "No such file");
}

static void a_file_is_written_with_exactly_its_mode(void **state)
{
    (void)state;
    umask(077);
    assert_int_equal(tw_file_write(".", "a", "one", 3, 0644, NULL), 0);
    expect("a", 10, "one");
    assert_int_equal(mode_of("a"), 0644);
    umask(0);
    assert_int_equal(tw_file_write(".", "a", "", 0, 0600, NULL), 0);
    expect("a", 10, "");
    assert_int_equal(mode_of("a"), 0600);
    assert_int_equal(access("tmp/a", F_OK), -1);
}

static void a_leftover_is_replaced_and_not_followed(void **state)
{
    (void)state;
    make("victim", "untouched");
    assert_int_equal(symlink("../victim", "tmp/a"), 0);
    assert_int_equal(tw_file_write(".", "a", "new", 3, 0600, NULL), 0);
    expect("a", 10, "new");
    expect("victim", 10, "untouched");
    make("tmp/a", "half");
    assert_int_equal(tw_file_write(".", "a", "newer", 5, 0600, NULL), 0);
    expect("a", 10, "newer");
}

static void expect_no_write(const char *dir, const char *name, const char *part)
{
    struct tw_error e = {""};
    assert_int_equal(tw_file_write(dir, name, "new", 3, 0600, &e), -1);
    if (!strstr(e.text, part))
        fail_msg("%s", e.text);
}

static void a_name_stays_in_its_directory(void **state)
{
    (void)state;
    static const char *const bad[] = {"", ".", "..", "a/b", "../a", "/a"};
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        expect_no_write(".", bad[i], "cannot write ");
}

static void a_write_that_fails_leaves_the_old_file_and_no_other(void **state)
{
    (void)state;
    make("a", "old");
    assert_int_equal(mkdir("d", 0700), 0);
    expect_no_write(".", "d", "cannot write ./d: Is a directory");
    assert_int_equal(access("tmp/d", F_OK), -1);
    assert_int_equal(rmdir("tmp"), 0);
    expect_no_write(".", "a", "cannot write ./a: No such file");
    assert_int_equal(symlink("d", "tmp"), 0);
    expect_no_write(".", "a", "cannot write ./a: ");
    expect_no_write("none", "a", "cannot open none: No such file");
    expect("a", 10, "old");
}

/* As on a full disk, the file can be begun but not ended. */
static void a_half_written_file_never_appears(void **state)
{
    (void)state;
    static char big[50000];
    struct rlimit old;
    struct tw_error e = {""};
    make("a", "old");
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit little = {10000, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &little), 0);
    const int result = tw_file_write(".", "a", big, sizeof big, 0600, &e);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(result, -1);
    assert_string_equal(e.text, "cannot write ./a: File too large");
    expect("a", 10, "old");
    assert_int_equal(access("tmp/a", F_OK), -1);
}

static void a_file_is_written_into_an_open_directory(void **state)
{
    (void)state;
    struct tw_error e;
    struct stat st;
    const int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    make("elsewhere", "precious");
    assert_int_equal(symlink("elsewhere", ".run.new"), 0); /* a leftover, or planted */
    assert_int_equal(tw_file_write_at(dir, "run", "one", 3, 0750, true, &e), 0);
    expect("run", 10, "one");
    expect("elsewhere", 10, "precious");
    assert_int_equal(stat("run", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0750);
    assert_int_equal(tw_file_write_at(dir, "run", "two", 3, 0750, true, &e), -1);
    assert_int_equal(errno, EEXIST);
    expect("run", 10, "one");
    assert_int_equal(tw_file_write_at(dir, "run", "two", 3, 0750, false, &e), 0);
    expect("run", 10, "two");
    assert_int_equal(lstat(".run.new", &st), -1);
    close(dir);
}

static void a_directory_is_made_with_exactly_its_mode(void **state)
{
    (void)state;
    umask(077);
    assert_int_equal(tw_dir_make("new", 0711, NULL), 0);
    assert_int_equal(mode_of("new"), 0711);
    assert_int_equal(tw_dir_make("new", 0711, NULL), 0);
    assert_int_equal(tw_dir_make("new", 0700, NULL), 0);
    assert_int_equal(mode_of("new"), 0700);
}

static void anothers_directory_keeps_its_mode(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir("theirs", 0755), 0);
    assert_int_equal(chown("theirs", 65534, 65534), 0);
    assert_int_equal(tw_dir_make("theirs", 0700, NULL), 0);
    assert_int_equal(mode_of("theirs"), 0755);
}

static void what_is_no_directory_is_refused(void **state)
{
    (void)state;
    struct tw_error e = {""};
    make("file", "");
    assert_int_equal(symlink("tmp", "link"), 0);
    chmod("tmp", 0755);
    assert_int_equal(tw_dir_make("file", 0700, &e), -1);
    assert_string_equal(e.text, "cannot make the directory file: Not a directory");
    assert_int_equal(tw_dir_make("link", 0700, &e), -1);
    assert_int_equal(mode_of("tmp"), 0755);
    assert_int_equal(tw_dir_make("none/x", 0700, &e), -1);
    assert_string_equal(e.text, "cannot make the directory none/x: No such file or directory");
}

static void all_bytes_go_through_a_small_pipe(void **state)
{
    (void)state;
    static char big[300000];
    int ends[2];
    int status;
    assert_int_equal(pipe(ends), 0);
    const pid_t reader = fork();
    assert_true(reader >= 0);
    if (reader == 0) {
        char chunk[1000];
        size_t got = 0;
        close(ends[1]);
        for (ssize_t n; (n = read(ends[0], chunk, sizeof chunk)) > 0;)
            got += (size_t)n;
        _exit(got != sizeof big);
    }
    close(ends[0]);
    assert_int_equal(tw_write_all(ends[1], big, sizeof big), 0);
    assert_int_equal(tw_write_all(ends[1], NULL, 0), 0);
    close(ends[1]);
    assert_int_equal(waitpid(reader, &status, 0), reader);
    assert_int_equal(status, 0);
    assert_int_equal(tw_write_all(-1, "x", 1), -1);
    assert_int_equal(errno, EBADF);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, enter, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_read_whole),
        TEST(a_file_is_read_relative_to_a_directory),
        TEST(binary_is_read_as_it_is),
        TEST(a_file_without_a_size_is_bounded_too),
        TEST(too_large_is_refused),
        TEST(what_is_no_regular_file_is_refused_without_waiting),
        TEST(a_symlink_is_not_followed),
        TEST(a_link_is_read_as_it_is_written),
        TEST(a_missing_file_is_told),
        TEST(a_file_is_written_with_exactly_its_mode),
        TEST(a_leftover_is_replaced_and_not_followed),
        TEST(a_name_stays_in_its_directory),
        TEST(a_write_that_fails_leaves_the_old_file_and_no_other),
        TEST(a_half_written_file_never_appears),
        TEST(a_file_is_written_into_an_open_directory),
        TEST(a_directory_is_made_with_exactly_its_mode),
        TEST(anothers_directory_keeps_its_mode),
        TEST(what_is_no_directory_is_refused),
        TEST(all_bytes_go_through_a_small_pipe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
