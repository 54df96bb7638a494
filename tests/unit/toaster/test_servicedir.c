/* Service directories: made whole, completed, refused, and never half made. */
#include "scratch.h"

#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "toaster/servicedir.h"

enum { NOW_S = 1800000000 };

static const char run_text[] = "#!/bin/sh\nexec sleep 1000\n";

/* With all in the scratch directory, which is the working directory. */
static struct tw_servicedir wanted(const char *run)
{
    return (struct tw_servicedir){.supervise = "supervise",
                                  .name = "smtp",
                                  .log_root = "log",
                                  .run = run,
                                  .run_length = run ? strlen(run) : 0,
                                  .now = NOW_S};
}

static int make(const struct tw_servicedir *dir, struct tw_error *e)
{
    struct tw_strings said = {0};
    const int result = tw_servicedir_make(dir, &said, e);
    assert_int_equal(result == 0, said.count > 0);
    tw_strings_free(&said);
    return result;
}

static bool says(const struct tw_servicedir *dir, const char *what)
{
    struct tw_strings said = {0};
    bool found = false;
    assert_int_equal(tw_servicedir_make(dir, &said, NULL), 0);
    for (size_t i = 0; i < said.count; i++)
        found |= strstr(said.items[i], what) != NULL;
    tw_strings_free(&said);
    return found;
}

static mode_t mode_of(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void assert_text(const char *path, const char *text)
{
    char *is = NULL;
    size_t length;
    assert_int_equal(tw_file_read(AT_FDCWD, path, 65536, &is, &length, NULL), 0);
    assert_string_equal(is, text);
    free(is);
}

static bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static void all_that_svscan_needs_is_made(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    umask(077); /* which must not count */
    assert_int_equal(make(&dir, NULL), 0);
    umask(022);
    assert_int_equal(mode_of("supervise"), 0755);
    assert_int_equal(mode_of("supervise/smtp"), 01755);
    assert_int_equal(mode_of("supervise/smtp/run"), 0755);
    assert_int_equal(mode_of("supervise/smtp/log"), 0755);
    assert_int_equal(mode_of("supervise/smtp/log/run"), 0755);
    assert_int_equal(mode_of("log/smtp"), 0750);
    assert_text("supervise/smtp/run", run_text);
    assert_false(is_there("supervise/smtp/down"));
    assert_false(is_there("supervise/.smtp.new"));
}

static void a_skeleton_is_normally_down(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(NULL);
    struct tw_error e;
    char *text = NULL;
    size_t length;
    assert_true(says(&dir, "a file `down`"));
    assert_true(is_there("supervise/smtp/down"));
    assert_int_equal(tw_file_read(AT_FDCWD, "supervise/smtp/run", 65536, &text, &length, &e), 0);
    assert_int_equal(tw_servicedir_check_run(text, length, &e), 0);
    free(text);
    /* A run file takes its place without force, and says that `down` is still there. */
    const struct tw_servicedir given = wanted(run_text);
    assert_true(says(&given, "there is a file supervise/smtp/down"));
    assert_text("supervise/smtp/run", run_text);
}

static void twice_is_as_once(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    assert_int_equal(make(&dir, NULL), 0);
    assert_true(says(&dir, "says that already"));
    const struct tw_servicedir none = wanted(NULL);
    assert_true(says(&none, "stays as it is"));
    assert_text("supervise/smtp/run", run_text);
    assert_false(is_there("supervise/smtp/down"));
}

static void another_run_file_is_replaced_by_force_alone_and_kept(void **state)
{
    (void)state;
    struct tw_servicedir dir = wanted(run_text);
    struct tw_error e;
    char stamp[64];
    const time_t now = NOW_S;
    assert_int_equal(make(&dir, NULL), 0);
    chmod("supervise/smtp/run", 0700);
    dir = wanted("#!/bin/sh\nexec sleep 2000\n");
    assert_int_equal(make(&dir, &e), 1);
    assert_non_null(strstr(e.text, "--force"));
    assert_text("supervise/smtp/run", run_text);
    dir.force = true;
    assert_int_equal(make(&dir, &e), 0);
    assert_text("supervise/smtp/run", dir.run);
    assert_int_equal(mode_of("supervise/smtp/run"), 0755);
    strftime(stamp, sizeof stamp, "supervise/smtp/run.%Y%m%d-%H%M%S", localtime(&now));
    assert_text(stamp, run_text);
    assert_int_equal(mode_of(stamp), 0700);
    /* In the same second again: what was kept stays. */
    dir.run = run_text;
    dir.run_length = strlen(run_text);
    assert_int_equal(make(&dir, &e), 0);
    assert_text(stamp, run_text);
    strcat(stamp, ".1");
    assert_text(stamp, "#!/bin/sh\nexec sleep 2000\n");
}

static void a_large_program_stays_or_is_kept(void **state)
{
    (void)state;
    const struct tw_servicedir none = wanted(NULL);
    struct tw_servicedir dir = wanted(run_text);
    struct tw_error e;
    struct stat st;
    char stamp[64];
    const time_t now = NOW_S;
    const off_t large = 3 << 20;
    make_dir("supervise");
    make_dir("supervise/smtp");
    put_text("supervise/smtp/run", "\177ELF");
    assert_int_equal(truncate("supervise/smtp/run", large), 0);
    assert_true(says(&none, "run is there already, and stays as it is"));
    assert_true(is_there("supervise/smtp/log/run"));
    assert_int_equal(make(&dir, &e), 1);
    assert_non_null(strstr(e.text, "--force"));
    dir.force = true;
    assert_int_equal(make(&dir, &e), 0);
    assert_text("supervise/smtp/run", run_text);
    strftime(stamp, sizeof stamp, "supervise/smtp/run.%Y%m%d-%H%M%S", localtime(&now));
    assert_int_equal(stat(stamp, &st), 0);
    assert_int_equal(st.st_size, large);
}

static void what_is_in_the_way_is_refused_and_stays(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    struct tw_error e;
    make_dir("supervise");
    make_dir("elsewhere");
    put_text("supervise/smtp", "precious");
    assert_int_equal(make(&dir, &e), 1);
    assert_text("supervise/smtp", "precious");
    assert_int_equal(unlink("supervise/smtp"), 0);
    assert_int_equal(symlink("../elsewhere", "supervise/smtp"), 0);
    assert_int_equal(make(&dir, &e), 1);
    assert_false(is_there("elsewhere/run"));
    assert_int_equal(unlink("supervise/smtp"), 0);
    make_dir("supervise/smtp");
    assert_int_equal(symlink("/etc/passwd", "supervise/smtp/run"), 0);
    assert_int_equal(make(&dir, &e), 1);
    assert_non_null(strstr(e.text, "no regular file"));
    assert_int_equal(unlink("supervise/smtp/run"), 0);
    assert_int_equal(symlink("../../elsewhere", "supervise/smtp/log"), 0);
    assert_int_equal(make(&dir, &e), 1);
    assert_false(is_there("elsewhere/run"));
    assert_false(is_there("supervise/smtp/run"));
    assert_int_equal(mode_of("supervise/smtp"), mode_of("elsewhere")); /* no sticky bit */
}

static void a_directory_of_somebody_else_is_refused(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    struct tw_error e;
    if (geteuid() != 0)
        skip();
    make_dir("supervise");
    make_dir("supervise/smtp");
    assert_int_equal(chown("supervise/smtp", NOBODY, NOBODY), 0);
    assert_int_equal(make(&dir, &e), 1);
    assert_non_null(strstr(e.text, "belongs to uid"));
    assert_false(is_there("supervise/smtp/run"));
}

static void what_is_there_is_completed(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    make_dir("supervise");
    make_dir("supervise/smtp");
    put_text("supervise/smtp/other", "precious");
    make_dir("supervise/smtp/log");
    put_text("supervise/smtp/log/run", "#!/bin/sh\nexec cat\n");
    assert_true(says(&dir, "sticky bit"));
    assert_int_equal(mode_of("supervise/smtp"), 01755);
    assert_text("supervise/smtp/run", run_text);
    assert_text("supervise/smtp/other", "precious");
    assert_text("supervise/smtp/log/run", "#!/bin/sh\nexec cat\n");
    assert_int_equal(mode_of("supervise/smtp/log/run") & 0111, 0111);
    assert_false(is_there("log/smtp")); /* its own run says where the log goes */
}

/* Files cannot be written here, so all that was made is gone again: but nothing else. */
static bool cannot_make(void *context)
{
    struct tw_error e;
    const struct rlimit none = {0, 0};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
    return tw_servicedir_make(context, NULL, &e) == -1 && strstr(e.text, "cannot write");
}

static bool in_child(bool (*test)(void *context), void *context)
{
    const pid_t pid = fork();
    if (pid == 0)
        _exit(test(context) ? 0 : 1);
    return wait_for(pid) == 0;
}

static void nothing_is_left_half_made(void **state)
{
    (void)state;
    struct tw_servicedir dir = wanted(run_text);
    make_dir("supervise");
    make_dir("log");
    assert_true(in_child(cannot_make, &dir));
    assert_false(is_there("supervise/smtp"));
    assert_false(is_there("supervise/.smtp.new"));
    assert_false(is_there("log/smtp"));
    make_dir("supervise/smtp");
    assert_true(in_child(cannot_make, &dir));
    assert_true(is_there("supervise/smtp"));
    assert_false(is_there("supervise/smtp/log"));
}

static void what_an_interruption_left_is_gone_on_with(void **state)
{
    (void)state;
    struct tw_servicedir dir = wanted(run_text);
    make_dir("supervise");
    make_dir("supervise/.smtp.new");
    make_dir("supervise/.smtp.new/log");
    put_text("supervise/.smtp.new/.run.new", "#!/bi");
    assert_int_equal(make(&dir, NULL), 0);
    assert_text("supervise/smtp/run", run_text);
    assert_int_equal(mode_of("supervise/smtp"), 01755);
    assert_false(is_there("supervise/.smtp.new"));
    assert_false(is_there("supervise/smtp/.run.new"));
}

static void the_log_is_its_owners(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    if (geteuid() != 0)
        skip();
    make_dir("log");
    make_dir("log/smtp");
    assert_int_equal(chown("log/smtp", NOBODY, NOBODY), 0);
    assert_int_equal(make(&dir, NULL), 0);
    struct tw_buf text = {0};
    tw_servicedir_log_run(&text, "smtp", "nobody", "log/smtp");
    assert_text("supervise/smtp/log/run", tw_buf_text(&text));
    tw_buf_free(&text);
}

/* Nobody can become its owner, and root must not write where he can make links. */
static void a_log_of_no_user_is_refused(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    struct tw_error e;
    uid_t unknown = 54321;
    if (geteuid() != 0)
        skip();
    while (getpwuid(unknown))
        unknown++;
    make_dir("log");
    make_dir("log/smtp");
    assert_int_equal(chown("log/smtp", unknown, (gid_t)-1), 0);
    assert_int_equal(make(&dir, &e), 1);
    assert_non_null(strstr(e.text, "which is no user here"));
    assert_false(is_there("supervise/smtp"));
    assert_true(is_there("log/smtp"));
}

static void the_log_is_given_to_who_writes_it(void **state)
{
    (void)state;
    struct tw_servicedir dir = wanted(run_text);
    struct stat st;
    if (geteuid() != 0)
        skip();
    dir.log_user = "nobody";
    assert_int_equal(make(&dir, NULL), 0);
    assert_int_equal(stat("log/smtp", &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
}

static void roots_log_is_written_where_nobody_else_writes(void **state)
{
    (void)state;
    const struct tw_servicedir dir = wanted(run_text);
    struct tw_error e;
    if (geteuid() != 0)
        skip();
    make_dir("log");
    make_dir("log/smtp");
    assert_int_equal(chmod("log/smtp", 01777), 0);
    assert_int_equal(make(&dir, &e), 1);
    assert_non_null(strstr(e.text, "others than root may write to log/smtp"));
    assert_false(is_there("supervise/smtp"));
    assert_int_equal(chmod("log/smtp", 0755), 0);
    assert_int_equal(make(&dir, &e), 0);
}

/* Stands before the library's: what happens between it and the open that follows. */
static const char *swapped_with;

int mkdirat(int at, const char *name, mode_t mode)
{
    const int result = (int)syscall(SYS_mkdirat, at, name, mode);
    if (result == 0 && swapped_with)
        assert_int_equal(renameat2(at, name, at, swapped_with, RENAME_EXCHANGE), 0);
    return result;
}

static void what_is_swapped_for_the_log_is_given_to_nobody(void **state)
{
    (void)state;
    struct tw_servicedir dir = wanted(run_text);
    struct tw_error e;
    struct stat st;
    if (geteuid() != 0)
        skip();
    dir.log_user = "nobody";
    make_dir("supervise");
    make_dir("supervise/smtp");
    make_dir("supervise/smtp/log");
    make_dir("log");
    make_dir("log/secret");
    put_text("log/secret/file", "x");
    swapped_with = "secret";
    const int result = make(&dir, &e);
    swapped_with = NULL;
    assert_int_equal(result, 1);
    assert_string_equal(e.text, "log/smtp was swapped for another directory");
    assert_int_equal(stat("log/smtp", &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_true(is_there("log/smtp/file"));
    assert_false(is_there("supervise/smtp/log/run"));
}

static void without_root_the_log_is_ones_own(void **state)
{
    (void)state;
    struct tw_servicedir dir = wanted(run_text);
    struct tw_buf text = {0};
    if (geteuid() != 0)
        skip();
    dir.log_user = "daemon";
    assert_int_equal(chown(".", NOBODY, (gid_t)-1), 0);
    assert_int_equal(seteuid(NOBODY), 0);
    const bool made = says(&dir, "made the directory log/smtp, mode 0750, of nobody") &&
                      unlink("supervise/smtp/log/run") == 0;
    const bool again = says(&dir, "its owner writes the log: nobody");
    assert_int_equal(seteuid(0), 0);
    assert_true(made && again);
    tw_servicedir_log_run(&text, "smtp", NULL, "log/smtp");
    assert_text("supervise/smtp/log/run", tw_buf_text(&text));
    tw_buf_free(&text);
}

static void a_run_file_must_be_one(void **state)
{
    (void)state;
    struct tw_error e;
    static const char *const good[] = {"#!/bin/sh\n", "#! /usr/bin/env python3\nx\n", "#!/bin/sh",
                                       "\177ELF\1\2"};
    static const char *const bad[] = {"",     "exec smtpd\n", "#!/bin/sh\r\nexec smtpd\r\n",
                                      "#!\n", "#!sh\n",       "#"};
    for (size_t i = 0; i < TW_COUNT(good); i++)
        assert_int_equal(tw_servicedir_check_run(good[i], strlen(good[i]), &e), 0);
    for (size_t i = 0; i < TW_COUNT(bad); i++)
        assert_int_equal(tw_servicedir_check_run(bad[i], strlen(bad[i]), &e), -1);
}

/* By a real shell: the words that reach multilog. */
static void odd_directories_stay_one_word_of_the_shell(void **state)
{
    (void)state;
    struct tw_buf text = {0};
    tw_servicedir_log_run(&text, "smtp", NULL, "/a b/$(id)/it's");
    char *words = strstr(text.data, "exec multilog");
    assert_non_null(words);
    memcpy(words, "printf '%s.' ", 13); /* "exec multilog" is as long */
    const char *const argv[] = {"sh", "-c", text.data, NULL};
    char *out = run_program(argv, -1);
    assert_string_equal(out, "t.s1000000.n10./a b/$(id)/it's.");
    free(out);
    tw_buf_free(&text);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(all_that_svscan_needs_is_made),
        IN_SCRATCH(a_skeleton_is_normally_down),
        IN_SCRATCH(twice_is_as_once),
        IN_SCRATCH(another_run_file_is_replaced_by_force_alone_and_kept),
        IN_SCRATCH(a_large_program_stays_or_is_kept),
        IN_SCRATCH(what_is_in_the_way_is_refused_and_stays),
        IN_SCRATCH(a_directory_of_somebody_else_is_refused),
        IN_SCRATCH(what_is_there_is_completed),
        IN_SCRATCH(nothing_is_left_half_made),
        IN_SCRATCH(what_an_interruption_left_is_gone_on_with),
        IN_SCRATCH(the_log_is_its_owners),
        IN_SCRATCH(a_log_of_no_user_is_refused),
        IN_SCRATCH(the_log_is_given_to_who_writes_it),
        IN_SCRATCH(roots_log_is_written_where_nobody_else_writes),
        IN_SCRATCH(what_is_swapped_for_the_log_is_given_to_nobody),
        IN_SCRATCH(without_root_the_log_is_ones_own),
        cmocka_unit_test(a_run_file_must_be_one),
        cmocka_unit_test(odd_directories_stay_one_word_of_the_shell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
