/* New files: whole or not at all, and never over another. */
#include "../toaster/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/resource.h>

#include "setup/newfile.h"

static void expect(const char *path, const char *text)
{
    char *data;
    size_t length;
    struct tw_error e = {""};
    assert_int_equal(tw_file_read(AT_FDCWD, path, 1 << 20, &data, &length, &e), 0);
    assert_string_equal(data, text);
    free(data);
}

static int entries(const char *path)
{
    DIR *dir = opendir(path);
    int count = 0;
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count - 2;
}

static void refuse(const char *path, int error, const char *part)
{
    struct tw_error e = {""};
    assert_int_equal(tw_newfile_write(path, "new\n", 4, &e), -1);
    assert_int_equal(errno, error);
    if (!strstr(e.text, part))
        fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static void a_new_file_has_the_text_and_mode_0644_whatever_the_umask(void **state)
{
    (void)state;
    struct tw_error e = {""};
    struct stat st;
    umask(077);
    assert_int_equal(tw_newfile_write("plain", "a\nb\n", 4, &e), 0);
    make_dir("below");
    assert_int_equal(tw_newfile_write("below/x.conf", "", 0, &e), 0);
    umask(022);
    expect("plain", "a\nb\n");
    expect("below/x.conf", "");
    assert_int_equal(stat("plain", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(entries("below"), 1);
    assert_int_equal(entries("."), 2);
}

static void what_is_there_is_never_written_over(void **state)
{
    (void)state;
    put_text("old", "old\n");
    make_dir("dir");
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    refuse("old", EEXIST, "cannot write old: there is one already");
    refuse("./old", EEXIST, "there is one already");
    refuse("dir", EEXIST, "there is one already");
    refuse("dangling", EEXIST, "there is one already");
    expect("old", "old\n");
    assert_int_equal(access("nowhere", F_OK), -1);
    assert_int_equal(entries("."), 3);
}

static void a_name_that_cannot_be_is_refused(void **state)
{
    (void)state;
    put_text("file", "");
    refuse("no/such", ENOENT, "cannot open the directory of no/such: No such file");
    refuse("file/x", ENOTDIR, "cannot open the directory of file/x: Not a directory");
    refuse("", EINVAL, "no name of a file");
    refuse("new/", EINVAL, "cannot write \"new/\": that is no name of a file");
    assert_int_equal(entries("."), 1);
}

static void a_disk_that_takes_no_more_leaves_nothing_behind(void **state)
{
    (void)state;
    struct rlimit old;
    getrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit small = {2, old.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    struct tw_error e = {""};
    const int result = tw_newfile_write("x", "new\n", 4, &e);
    const int error = errno;
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(result, -1);
    assert_int_equal(error, EFBIG);
    assert_non_null(strstr(e.text, "cannot write x: File too large"));
    assert_int_equal(entries("."), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
        TEST(a_new_file_has_the_text_and_mode_0644_whatever_the_umask),
        TEST(what_is_there_is_never_written_over),
        TEST(a_name_that_cannot_be_is_refused),
        TEST(a_disk_that_takes_no_more_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
