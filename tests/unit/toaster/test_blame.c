/* Who wrote most lately: sums, what is left out, and trees that somebody bends or makes endless. */
#include "scratch.h"

#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "base/strings.h"
#include "toaster/blame.h"

/* The roots want full paths; this is the scratch directory by another name, without a link that a
 * user could have made. */
static char *here(const char *below)
{
    char *cwd = realpath(".", NULL);
    char *path = tw_format("%s%s%s", cwd, *below ? "/" : "", below);
    free(cwd);
    return path;
}

/* Output with the scratch directory's name taken out. The caller frees. */
static char *blamed_of(const struct tw_strings *roots, int64_t since_s, bool inodes, int time_ms)
{
    struct tw_buf out = {0}, plain = {0};
    tw_blame(&(struct tw_blame){roots, since_s, inodes, time_ms}, &out);
    char *cwd = here("");
    const char *at = tw_buf_text(&out), *next;
    for (; (next = strstr(at, cwd)); at = next + strlen(cwd)) {
        tw_buf_add(&plain, at, (size_t)(next - at));
        tw_buf_puts(&plain, "@");
    }
    tw_buf_puts(&plain, at);
    free(cwd);
    tw_buf_free(&out);
    return tw_buf_take(&plain);
}

static char *blamed(const char *root, int64_t since_s, bool inodes)
{
    struct tw_strings roots = {0};
    char *path = here(root);
    tw_strings_add(&roots, path);
    free(path);
    char *text = blamed_of(&roots, since_s, inodes, 60000);
    tw_strings_free(&roots);
    return text;
}

static void expect(const char *root, int64_t since_s, bool inodes, const char *expected)
{
    char *text = blamed(root, since_s, inodes);
    assert_string_equal(text, expected);
    free(text);
}

static void has(char *text, const char *part, bool wanted)
{
    if (!strstr(text, part) == wanted)
        fail_msg("\"%s\" is%s in: %s", part, wanted ? " not" : "", text);
}

/* What the ctime of everything made so far is over or under. */
static int64_t just_before(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return now.tv_sec - 60;
}

static int64_t later(void)
{
    return just_before() + 3600;
}

static void put_files(const char *dir, int count)
{
    for (int i = 0; i < count; i++) {
        char *path = tw_format("%s/%d", dir, i);
        put_text(path, "");
        free(path);
    }
}

/* Each directory counts as one inode itself. */
static void directories_are_listed_by_what_was_written_below_them(void **state)
{
    (void)state;
    make_dir("log");
    make_dir("log/send");
    make_dir("log/smtp");
    put_files("log/send", 49);
    put_files("log/smtp", 9);
    put_files("log", 19);
    expect("log", just_before(), true,
           "@/log  80 of 80 inodes written in the last day\n"
           "@/log/send  50 of 50 inodes written in the last day\n"
           "@/log/smtp  10 of 10 inodes written in the last day\n");
}

static void what_is_older_is_in_the_total_only(void **state)
{
    (void)state;
    make_dir("d");
    put_files("d", 3);
    expect("d", later(), true, "nothing written in the last day was found\n");
}

static void bytes_are_those_on_the_disk(void **state)
{
    (void)state;
    make_dir("d");
    make_dir("d/sparse");
    make_dir("d/full");
    put_text("d/sparse/f", "");
    assert_int_equal(truncate("d/sparse/f", (off_t)1 << 40), 0);
    char *bytes = tw_alloc(4 << 20);
    memset(bytes, 'x', 4 << 20);
    put_bytes("d/full/f", bytes, 4 << 20);
    assert_int_equal(link("d/full/f", "d/full/g"), 0); /* counts once */
    free(bytes);
    sync();
    char *text = blamed("d", just_before(), false);
    has(text, "@/d/full  4", true);
    has(text, "M of 4", true);
    has(text, "@/d  ", false); /* its one child has it all */
    has(text, "T", false);
    free(text);
}

static void a_directory_that_one_below_it_fills_is_left_out(void **state)
{
    (void)state;
    make_dir("d");
    make_dir("d/a");
    make_dir("d/a/b");
    put_files("d/a/b", 17);
    put_text("d/a/f", "");
    /* 18 of d/a's 20 are b's: not more than nine tenths. 20 of d's 21 are a's. */
    expect("d", just_before(), true,
           "@/d/a  20 of 20 inodes written in the last day\n"
           "@/d/a/b  18 of 18 inodes written in the last day\n");
    put_text("d/a/b/more", "");
    expect("d", just_before(), true, "@/d/a/b  19 of 19 inodes written in the last day\n");
}

static void three_levels_and_ten_directories_at_most(void **state)
{
    (void)state;
    make_dir("d");
    make_dir("d/1");
    make_dir("d/1/2");
    make_dir("d/1/2/3");
    make_dir("d/1/2/3/4");
    put_files("d/1/2/3/4", 30);
    expect("d", just_before(), true, "@/d/1/2/3  32 of 32 inodes written in the last day\n");
    for (int i = 0; i < 12; i++) {
        char *path = tw_format("d/many-%d", i);
        make_dir(path);
        put_files(path, i);
        free(path);
    }
    char *text = blamed("d", just_before(), true);
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 10);
    has(text, "@/d/many-11  12 of", true);
    has(text, "@/d/many-4  5 of", true);
    has(text, "@/d/many-3  ", false);
    assert_true(strncmp(text, "@/d  ", 5) == 0);
    free(text);
}

/* What is not a directory is asked for and not opened: a fifo would wait for ever. */
static void nothing_but_directories_is_opened_and_no_link_is_followed(void **state)
{
    (void)state;
    make_dir("d");
    make_dir("other");
    put_files("other", 50);
    assert_int_equal(mkfifo("d/fifo", 0600), 0);
    assert_int_equal(symlink("../other", "d/link"), 0);
    assert_int_equal(symlink(".", "d/loop"), 0);
    assert_int_equal(symlink("nowhere", "d/dangling"), 0);
    expect("d", just_before(), true, "@/d  5 of 5 inodes written in the last day\n");
}

static void a_root_that_is_none_says_why(void **state)
{
    (void)state;
    put_text("f", "");
    char *text = blamed("none", just_before(), true);
    has(text, "cannot open @/none: No such file or directory\n", true);
    free(text);
    text = blamed("f", just_before(), true);
    has(text, "cannot open @/f: Not a directory\n", true);
    free(text);
}

static void a_root_through_a_link_that_others_can_make_is_refused(void **state)
{
    (void)state;
    make_dir("open");
    make_dir("d");
    assert_int_equal(chmod("open", 0777), 0);
    assert_int_equal(symlink("../d", "open/l"), 0);
    char *text = blamed("open/l", just_before(), true);
    has(text, "symbolic link that others can change", true);
    free(text);
}

static void a_name_cannot_forge_a_line(void **state)
{
    (void)state;
    make_dir("d");
    make_dir("d/a\nb\x1b[2J");
    put_files("d/a\nb\x1b[2J", 2);
    put_files("d", 10);
    char *text = blamed("d", just_before(), true);
    has(text, "@/d/a\\nb\\x1b[2J  3 of 3 inodes", true);
    free(text);
}

static void an_endless_depth_is_cut_and_said(void **state)
{
    (void)state;
    char *top = here("");
    make_dir("d");
    assert_int_equal(chdir("d"), 0);
    for (int i = 0; i < 300; i++) {
        make_dir("x");
        assert_int_equal(chdir("x"), 0);
    }
    assert_int_equal(chdir(top), 0);
    char *text = blamed("d", just_before(), true);
    has(text, "@/d/x/x/x  57 of 57 inodes", true);
    has(text, "incomplete: deeper than 60 directories was not looked\n", true);
    free(text);
    free(top);
}

static void when_time_is_up_it_says_so(void **state)
{
    (void)state;
    struct tw_strings roots = {0};
    char *path = here("d");
    make_dir("d");
    put_files("d", 9);
    tw_strings_add(&roots, path);
    tw_strings_add(&roots, path);
    char *text = blamed_of(&roots, just_before(), true, 0);
    has(text, "incomplete: time was up\n", true);
    has(text, "10 of", false);
    free(text);
    /* Each root has its own share of the time. */
    text = blamed_of(&roots, just_before(), true, 60000);
    has(text, "time was up", false);
    assert_string_equal(text, "@/d  10 of 10 inodes written in the last day\n"
                              "@/d  10 of 10 inodes written in the last day\n");
    free(text);
    free(path);
    tw_strings_free(&roots);
}

static bool looks_at_what_it_may_not(void *context)
{
    char *text = blamed("d", *(int64_t *)context, true);
    has(text, "@/d  3 of 3", true);
    has(text, "incomplete: 1 could not be read\n", true);
    free(text);
    return true;
}

static void what_may_not_be_read_is_said(void **state)
{
    (void)state;
    int64_t since_s = just_before();
    make_dir("d");
    put_files("d", 2);
    make_dir("d/closed");
    assert_int_equal(chmod("d/closed", 0), 0);
    assert_true(as_nobody(looks_at_what_it_may_not, &since_s));
    assert_int_equal(chmod("d/closed", 0755), 0);
}

static void another_file_system_is_not_entered(void **state)
{
    (void)state;
    make_dir("d");
    make_dir("d/m");
    if (mount("tmpfs", "d/m", "tmpfs", 0, "size=1m") != 0)
        skip();
    put_files("d/m", 50);
    char *text = blamed("d", just_before(), true);
    umount("d/m");
    assert_string_equal(text, "@/d  1 of 1 inodes written in the last day\n");
    free(text);
}

/* Somebody exchanges a directory and a link all the while: what is asked for is one, what would be
 * opened the other. */
static void a_directory_that_becomes_a_link_is_not_followed(void **state)
{
    (void)state;
    make_dir("d");
    make_dir("d/a");
    make_dir("other");
    put_files("other", 500);
    assert_int_equal(symlink("../other", "d/l"), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        for (prctl(PR_SET_PDEATHSIG, SIGKILL);;)
            renameat2(AT_FDCWD, "d/a", AT_FDCWD, "d/l", RENAME_EXCHANGE);
    for (int i = 0; i < 2000; i++) {
        char *text = blamed("d", just_before(), true);
        has(text, "50", false);
        free(text);
    }
    kill(pid, SIGKILL);
    wait_for(pid);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(directories_are_listed_by_what_was_written_below_them),
        TEST(what_is_older_is_in_the_total_only),
        TEST(bytes_are_those_on_the_disk),
        TEST(a_directory_that_one_below_it_fills_is_left_out),
        TEST(three_levels_and_ten_directories_at_most),
        TEST(nothing_but_directories_is_opened_and_no_link_is_followed),
        TEST(a_root_that_is_none_says_why),
        TEST(a_root_through_a_link_that_others_can_make_is_refused),
        TEST(a_name_cannot_forge_a_line),
        TEST(an_endless_depth_is_cut_and_said),
        TEST(when_time_is_up_it_says_so),
        TEST(what_may_not_be_read_is_said),
        TEST(another_file_system_is_not_entered),
        TEST(a_directory_that_becomes_a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
