/* Opening a directory on a path that somebody may bend, and working as its owner. */
#include "toaster/scratch.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>

#include "base/owner.h"

static void give_away(const char *path)
{
    if (geteuid() == 0)
        assert_int_equal(lchown(path, NOBODY, NOBODY), 0);
}

static char *full(void **state, const char *path)
{
    return tw_format("%s/%s", (const char *)*state, path);
}

static ino_t inode_of(const char *path)
{
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_ino;
}

static void opens(void **state, const char *path, const char *same_as)
{
    char *name = full(state, path);
    struct tw_error e;
    struct stat st;
    const int fd = tw_dir_open(name, &st, &e);
    if (fd < 0)
        fail_msg("%s", e.text);
    assert_int_equal(st.st_ino, inode_of(same_as));
    close(fd);
    free(name);
}

static void refuses(void **state, const char *path, int why, const char *text)
{
    char *name = full(state, path);
    struct tw_error e;
    assert_int_equal(tw_dir_open(name, NULL, &e), -1);
    assert_int_equal(errno, why);
    if (!strstr(e.text, text) || !strstr(e.text, name))
        fail_msg("%s", e.text);
    free(name);
}

static void a_link_of_ours_is_followed(void **state)
{
    make_dir("real");
    make_dir("real/below");
    assert_int_equal(symlink("real", "link"), 0);
    assert_int_equal(symlink("../real/./below", "real/up"), 0);
    char *absolute = full(state, "real");
    assert_int_equal(symlink(absolute, "absolute"), 0);
    free(absolute);
    opens(state, "real/below", "real/below");
    opens(state, "link/below", "real/below");
    opens(state, "//link//below//", "real/below");
    opens(state, "link/up", "real/below");
    opens(state, "absolute", "real");
    opens(state, "absolute/../link", "real");
}

static void a_link_that_others_could_make_is_not(void **state)
{
    make_dir("mine");
    make_dir("open");
    assert_int_equal(symlink("../mine", "open/link"), 0);
    opens(state, "open/link", "mine");
    assert_int_equal(chmod("open", 0775), 0);
    refuses(state, "open/link", ELOOP, "a symbolic link that others can change");
    assert_int_equal(chmod("open", 01757), 0);
    refuses(state, "open/link", ELOOP, "a symbolic link that others can change");
    assert_int_equal(chmod("open", 0755), 0);
    opens(state, "open/link", "mine");
    if (geteuid() != 0)
        return;
    give_away("open");
    refuses(state, "open/link", ELOOP, "a symbolic link that others can change");
    opens(state, "open", "open");
}

static void what_is_no_directory_is_refused(void **state)
{
    put_text("file", "x");
    assert_int_equal(mkfifo("fifo", 0600), 0);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(symlink("nowhere", "dangling"), 0);
    refuses(state, "file", ENOTDIR, "Not a directory");
    refuses(state, "fifo", ENOTDIR, "Not a directory");
    refuses(state, "file/x", ENOTDIR, "Not a directory");
    refuses(state, "missing", ENOENT, "No such file");
    refuses(state, "dangling", ENOENT, "No such file");
    refuses(state, "loop", ELOOP, "too many");
}

static int tell_uid(void *context, int fd, struct tw_error *e)
{
    (void)context;
    (void)e;
    return dprintf(fd, "%u", geteuid()) > 0 ? 0 : -1;
}

static int run_in(void **state, const char *path, char **output, struct tw_error *e)
{
    char *name = full(state, path);
    struct stat st;
    const int fd = tw_dir_open(name, &st, e);
    assert_true(fd >= 0);
    close(fd);
    size_t length;
    const struct tw_priv_task task = {.work = tell_uid, .max = 100, .timeout_ms = 20000};
    const int result = tw_owner_run(&st, name, &task, output, &length, e);
    free(name);
    return result;
}

static void the_work_has_the_owners_rights(void **state)
{
    char *output;
    struct tw_error e;
    make_dir("dir");
    assert_int_equal(run_in(state, "dir", &output, &e), 0);
    assert_int_equal(strtoul(output, NULL, 10), geteuid());
    free(output);
    assert_int_equal(chmod("dir", 0775), 0);
    assert_int_equal(run_in(state, "dir", &output, &e), -1);
    assert_non_null(strstr(e.text, "others may write to it"));
    if (geteuid() != 0)
        return;
    give_away("dir"); /* of its owner, who may let in whom he likes */
    assert_int_equal(run_in(state, "dir", &output, &e), 0);
    assert_int_equal(strtoul(output, NULL, 10), NOBODY);
    free(output);
}

static int tell_gid(void *context, int fd, struct tw_error *e)
{
    (void)context;
    (void)e;
    return dprintf(fd, "%u", getegid()) > 0 ? 0 : -1;
}

/* The group of a directory may read what its owner may not. */
static void the_directorys_group_is_not_the_owners(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    struct tw_error e;
    struct stat st;
    char *output;
    size_t length;
    const struct tw_priv_task task = {.work = tell_gid, .max = 100, .timeout_ms = 20000};
    make_dir("dir");
    assert_int_equal(chown("dir", 54321, 12345), 0); /* no such user */
    close(tw_dir_open("dir", &st, &e));
    assert_int_equal(tw_owner_run(&st, "dir", &task, &output, &length, &e), 0);
    assert_string_equal(output, "65534");
    free(output);
    const struct passwd *daemon = getpwnam("daemon");
    if (!daemon || !daemon->pw_uid || !daemon->pw_gid)
        return;
    char *group = tw_format("%u", daemon->pw_gid);
    assert_int_equal(chown("dir", daemon->pw_uid, 12345), 0);
    close(tw_dir_open("dir", &st, &e));
    assert_int_equal(tw_owner_run(&st, "dir", &task, &output, &length, &e), 0);
    assert_string_equal(output, group);
    free(group);
    free(output);
}

/* Root's, but in a user's, who can put another of root's in its place. */
static void a_way_that_can_be_bent_leads_to_no_work_as_root(void **state)
{
    char *output;
    struct tw_error e;
    make_dir("users");
    make_dir("users/a");
    make_dir("users/a/below");
    assert_int_equal(run_in(state, "users/a/below", &output, &e), 0);
    free(output);
    assert_int_equal(chmod("users", 0777), 0);
    assert_int_equal(run_in(state, "users/a/below", &output, &e), -1);
    assert_non_null(strstr(e.text, "others may write to a directory on the way"));
    assert_int_equal(chmod("users", 01777), 0); /* as /tmp: none but us may rename what is ours */
    assert_int_equal(run_in(state, "users/a/below", &output, &e), 0);
    free(output);
    assert_int_equal(symlink("below", "users/a/link"), 0);
    opens(state, "users/a/link", "users/a/below");
    if (geteuid() != 0)
        return;
    give_away("users");
    assert_int_equal(run_in(state, "users/a", &output, &e), -1);
    assert_int_equal(run_in(state, "users/a/below", &output, &e), -1);
    assert_int_equal(run_in(state, "users/a/../../users/a", &output, &e), -1);
    refuses(state, "users/a/link", ELOOP, "a symbolic link that others can change");
    give_away("users/a/below"); /* with no more rights than its owner has, it may be */
    assert_int_equal(run_in(state, "users/a/below", &output, &e), 0);
    free(output);
}

static void a_directory_that_was_swapped_is_not_worked_in(void **state)
{
    (void)state;
    struct tw_error e;
    struct stat st;
    char *output;
    size_t length;
    const struct tw_priv_task task = {.work = tell_gid, .max = 100, .timeout_ms = 20000};
    make_dir("a");
    make_dir("b");
    close(tw_dir_open("a", &st, &e));
    assert_int_equal(tw_owner_run(&st, "b", &task, &output, &length, &e), -1);
    assert_non_null(strstr(e.text, "swapped"));
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_link_of_ours_is_followed),
        TEST(a_link_that_others_could_make_is_not),
        TEST(what_is_no_directory_is_refused),
        TEST(the_work_has_the_owners_rights),
        TEST(the_directorys_group_is_not_the_owners),
        TEST(a_way_that_can_be_bent_leads_to_no_work_as_root),
        TEST(a_directory_that_was_swapped_is_not_worked_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
