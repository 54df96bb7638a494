/* A program of the admin's is run as its user, and what it comes to is told. Programs here are
 * scripts in a scratch directory. */
#include "kit.h"

#include <limits.h>
#include <pwd.h>

static char *here(const char *name)
{
    char dir[PATH_MAX];
    assert_non_null(getcwd(dir, sizeof dir));
    return tw_format("%s/%s", dir, name);
}

static void make_script(const char *name, const char *text)
{
    char *whole = tw_format("#!/bin/sh\n%s\n", text);
    put_text(name, whole);
    assert_int_equal(chmod(name, 0755), 0);
    free(whole);
}

/* Nobody, where we are root; else who we are. */
static const char *someone(void)
{
    return geteuid() == 0 ? "nobody" : getpwuid(geteuid())->pw_name;
}

static struct kit kit_of(const char *program)
{
    struct kit kit = kit_make(tw_kind_find("program"), "x");
    char *path = here(program);
    kit_set(&kit, "run", path);
    kit_set(&kit, "user", someone());
    free(path);
    return kit;
}

static void a_good_end_is_well(void **state)
{
    (void)state;
    make_script("good", "echo all is well");
    struct kit kit = kit_of("good");
    kit_check(&kit, TW_LEVEL_OK, "ok", "exit 0 after ");
    assert_int_equal(kit.done.count, 0);
    assert_string_equal(kit.memory, "");
    kit_free(&kit);
}

static void evidence_has(struct kit *kit, const char *part)
{
    char *name = tw_strdup("program.x");
    const struct tw_run run = kit_describe(kit, name, NULL);
    struct tw_buf out = {0};
    kit->kind->evidence(&run, "", &out);
    if (!strstr(tw_buf_text(&out), part))
        fail_msg("\"%s\" is not in: %s", part, tw_buf_text(&out));
    tw_buf_free(&out);
    free(name);
}

static void a_bad_end_fails_with_the_last_line_and_the_output_as_evidence(void **state)
{
    (void)state;
    make_script("bad", "echo begins; echo 'cannot open it' >&2; echo; exit 3");
    struct kit kit = kit_of("bad");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 3: cannot open it");
    evidence_has(&kit, "/bad\nrun at ");
    evidence_has(&kit, "exit 3 after ");
    evidence_has(&kit, "it said:\nbegins\ncannot open it\n");
    make_script("bad", "true");
    kit_check(&kit, TW_LEVEL_OK, "ok", "exit 0");
    assert_string_equal(kit.memory, "");
    kit_free(&kit);
}

static void a_silent_failure_and_a_signal_are_told_as_such(void **state)
{
    (void)state;
    make_script("silent", "exit 111");
    make_script("killed", "echo last words; kill -SEGV $$");
    struct kit kit = kit_of("silent");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 111");
    evidence_has(&kit, "it said nothing");
    kit_free(&kit);
    kit = kit_of("killed");
    kit_check(&kit, TW_LEVEL_FAIL, "killed", "killed by signal 11");
    evidence_has(&kit, "last words");
    kit_free(&kit);
}

static void of_much_output_the_beginning_and_the_end_stay(void **state)
{
    (void)state;
    make_script("loud", "echo the beginning; seq 100000; echo the end; exit 1");
    struct kit kit = kit_of("loud");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 1: the end");
    evidence_has(&kit, "the beginning\n1\n2\n");
    evidence_has(&kit, "bytes left out]\n");
    evidence_has(&kit, "\n100000\nthe end\n");
    assert_true(strlen(kit.memory) < 16 * 1024);
    kit_free(&kit);
}

static void hostile_output_is_harmless(void **state)
{
    (void)state;
    make_script("hostile", "printf 'a\\033[2Jb\\000c\\377d'; exit 1");
    struct kit kit = kit_of("hostile");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 1: a");
    evidence_has(&kit, "a\\x1b[2Jb\\x00c\\xffd");
    make_script("hostile", "head -c 300000 /dev/zero; exit 1");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 1");
    assert_true(strlen(kit.memory) < 24 * 1024);
    kit_free(&kit);
}

/* What hangs after it has said something. Of the lowest priority, it may begin late on a busy
 * machine: then it is run anew, for longer. */
static void run_overlong(struct kit *kit)
{
    const struct kit_finding *found = NULL;
    for (int seconds = 4; seconds < 300 && (!found || strstr(found->text, "had said nothing"));
         seconds *= 4) {
        char *time = tw_format("%ds", seconds);
        kit_set(kit, "max_time", time);
        free(time);
        kit_run(kit);
        found = kit_find(kit, "");
        assert_non_null(found);
    }
}

static void what_hangs_is_ended_and_fails(void **state)
{
    (void)state;
    make_script("hangs", "echo waits for ever; sleep 1000");
    struct kit kit = kit_of("hangs");
    run_overlong(&kit);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "timeout", "it ran for longer than ");
    kit_expect(&kit, "", TW_LEVEL_FAIL, "timeout", "s and was ended, it had said: waits for ever");
    evidence_has(&kit, "waits for ever");
    assert_true(kit.progress > 0);
    kit_free(&kit);
}

static bool still_runs(const char *path)
{
    char *stat;
    size_t length;
    if (tw_file_read(AT_FDCWD, path, 1000, &stat, &length, NULL) != 0)
        return false;
    const bool zombie = strstr(stat, ") Z "); /* nobody buries it here, maybe */
    free(stat);
    return !zombie;
}

/* TERM it does not hear, and its children are in its group. */
static void what_does_not_hear_is_killed_with_its_children(void **state)
{
    (void)state;
    make_dir("out");
    assert_int_equal(chmod("out", 0777), 0);
    char *text = here("out"),
         *script = tw_format("trap '' TERM; (trap '' TERM; exec sleep 1000) & "
                             "echo $! >%s/child; echo deaf; sleep 1001; sleep 1002",
                             text);
    make_script("deaf", script);
    struct kit kit = kit_of("deaf");
    run_overlong(&kit);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "timeout", "it had said: deaf");
    free(script);
    free(text);
    char *pid;
    size_t length;
    assert_int_equal(tw_file_read(AT_FDCWD, "out/child", 100, &pid, &length, NULL), 0);
    char *path = tw_format("/proc/%d/stat", atoi(pid));
    for (int i = 0; i < 600 && still_runs(path); i++)
        usleep(100 * 1000); /* it is killed, but a busy machine takes its time to end it */
    assert_false(still_runs(path));
    free(path);
    free(pid);
    kit_free(&kit);
}

static void its_window_ends_it(void **state)
{
    (void)state;
    make_script("hangs", "sleep 1000");
    struct kit kit = kit_of("hangs");
    const struct tw_sink sink = kit_sink(&kit);
    char *name = tw_strdup("program.x");
    struct tw_run run = kit_describe(&kit, name, &sink);
    run.memory = "";
    run.until_s = kit.now_s + 1;
    kit.kind->run(&run);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "window",
               "its window ended while it ran, and so was it, it had said nothing");
    kit_forget(&kit);
    run.until_s = kit.now_s;
    kit.kind->run(&run);
    assert_int_equal(kit.finding_count, 0);
    assert_int_equal(kit.withdrawn.count, 1);
    free(name);
    kit_free(&kit);
}

static void what_is_not_there_or_no_program_is_said(void **state)
{
    (void)state;
    put_text("plain", "text");
    struct kit kit = kit_of("gone");
    kit_check(&kit, TW_LEVEL_FAIL, "cannot-run", "/gone: No such file or directory");
    kit_free(&kit);
    kit = kit_of("plain");
    kit_check(&kit, TW_LEVEL_FAIL, "cannot-run", "/plain: Permission denied");
    assert_int_equal(chmod("plain", 0755), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "cannot-run", "/plain: Exec format error");
    kit_free(&kit);
}

static void without_its_user_nothing_is_run(void **state)
{
    (void)state;
    make_script("touches", "echo >\"$0.ran\"");
    struct kit kit = kit_of("touches");
    kit_set(&kit, "user", "no-such-user-here");
    kit_check(&kit, TW_LEVEL_FAIL, "no-user", "there is no user \"no-such-user-here\"");
    kit_advice(&kit, "", "no-user", "id no-such-user-here");
    assert_int_equal(access("touches.ran", F_OK), -1);
    kit_free(&kit);
}

static void a_look_runs_nothing(void **state)
{
    (void)state;
    make_dir("out");
    assert_int_equal(chmod("out", 0777), 0);
    make_script("touches", "touch /tmp/never-$$");
    struct kit kit = kit_of("touches");
    kit.look_only = true;
    kit_run(&kit);
    assert_int_equal(kit.finding_count, 0);
    assert_int_equal(kit.withdrawn.count, 1);
    kit_free(&kit);
}

/* Groups, gid, uid; a clean environment; /, the umask, no descriptors, no way back. */
static void it_is_the_user_and_nothing_else(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_script("shows",
                "exec 2>&1\n"
                "echo uids $(grep -E '^(Uid|Gid|Groups):' /proc/self/status | tr -d '\\n\\t ')\n"
                "echo env $(env | grep -Ev '^(PWD|OLDPWD|SHLVL|_)=' | sort | tr '\\n' ' ')\n"
                "echo dir $(pwd) $(umask) $(ls /proc/self/fd | wc -w) in=$(cat)\n"
                "exit 1");
    struct kit kit = kit_of("shows");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 1: dir / 0022 4 in=");
    const struct passwd *pw = getpwnam("nobody");
    char *uids = tw_format("uids Uid:%u%u%u%uGid:%u%u%u%uGroups:\n", pw->pw_uid, pw->pw_uid,
                           pw->pw_uid, pw->pw_uid, pw->pw_gid, pw->pw_gid, pw->pw_gid, pw->pw_gid);
    char *env = tw_format("env HOME=%s LOGNAME=nobody PATH=/usr/local/sbin:", pw->pw_dir);
    evidence_has(&kit, uids);
    evidence_has(&kit, env);
    evidence_has(&kit, " USER=nobody\n");
    free(uids);
    free(env);
    kit_free(&kit);
}

static void root_runs_only_what_is_roots(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_script("mine", "id -u; exit 1");
    struct kit kit = kit_of("mine");
    kit_set(&kit, "user", "root");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 1: 0");
    assert_int_equal(chmod("mine", 0775), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "unsafe", "others than root may write to /");
    assert_int_equal(chmod("mine", 0755), 0);
    assert_int_equal(chown("mine", NOBODY, NOBODY), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "unsafe", "/mine, and so choose what is run as root");
    kit_free(&kit);
    make_dir("theirs");
    make_script("theirs/x", "exit 1");
    kit = kit_of("theirs/x");
    kit_set(&kit, "user", "root");
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 1");
    assert_int_equal(chown("theirs", NOBODY, NOBODY), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "unsafe", "/theirs, and so choose");
    kit_free(&kit);
    assert_int_equal(symlink("theirs/x", "link"), 0);
    kit = kit_of("link");
    kit_set(&kit, "user", "root");
    kit_check(&kit, TW_LEVEL_FAIL, "unsafe", "/theirs, and so choose");
    assert_int_equal(unlink("link"), 0);
    make_script("good", "exit 1");
    assert_int_equal(symlink("good", "link"), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "failed", "exit 1");
    assert_int_equal(unlink("link"), 0);
    assert_int_equal(symlink("link", "link"), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "unsafe", "too many links");
    kit_free(&kit);
}

/* Who could put something there in a moment must not choose what root runs. */
static void root_runs_nothing_that_comes_between_look_and_run(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_dir("sticky");
    assert_int_equal(chmod("sticky", 01777), 0);
    /* By the words of who looks: whoever runs it would speak of "gone/x" and of "link". */
    struct kit kit = kit_of("sticky/gone/x");
    kit_set(&kit, "user", "root");
    kit_check(&kit, TW_LEVEL_FAIL, "cannot-run", "sticky/gone/: No such file or directory");
    kit_free(&kit);
    assert_int_equal(symlink("sticky/x", "link"), 0);
    kit = kit_of("link");
    kit_set(&kit, "user", "root");
    kit_check(&kit, TW_LEVEL_FAIL, "cannot-run", "sticky/x: No such file or directory");
    kit_free(&kit);
}

static void expect_refused(const char *first, const char *user, const char *part)
{
    struct kit kit = kit_make(tw_kind_find("program"), "x");
    struct tw_error e = {""};
    if (first)
        kit_set(&kit, "run", first);
    kit_set(&kit, "user", user);
    assert_int_equal(kit.kind->validate(kit.settings, "x", &e), -1);
    assert_non_null(strstr(e.text, part));
    kit_free(&kit);
}

static void a_program_is_a_full_path_and_has_a_user(void **state)
{
    (void)state;
    expect_refused(NULL, "nobody", "run is empty");
    expect_refused("clearopensmtp", "nobody", "\"clearopensmtp\" is no full path");
    expect_refused("./x", "nobody", "no full path");
    expect_refused("/x", "", "user is empty");
}

static void advice_can_be_pasted(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("program"), "x");
    const char *const run[] = {"/bin/x y", "it's", "", "-a=b"};
    struct tw_error e;
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "run", run, 4, &e), 0);
    kit_set(&kit, "user", "vpopmail");
    kit_advice(&kit, "", "failed", "sudo -H -u vpopmail '/bin/x y' 'it'\\''s' '' -a=b");
    kit_advice(&kit, "", "cannot-run", "ls -lL '/bin/x y'");
    kit_free(&kit);
}

#define T(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_good_end_is_well),
        T(a_bad_end_fails_with_the_last_line_and_the_output_as_evidence),
        T(a_silent_failure_and_a_signal_are_told_as_such),
        T(of_much_output_the_beginning_and_the_end_stay),
        T(hostile_output_is_harmless),
        T(what_hangs_is_ended_and_fails),
        T(what_does_not_hear_is_killed_with_its_children),
        T(its_window_ends_it),
        T(what_is_not_there_or_no_program_is_said),
        T(without_its_user_nothing_is_run),
        T(a_look_runs_nothing),
        T(it_is_the_user_and_nothing_else),
        T(root_runs_only_what_is_roots),
        T(root_runs_nothing_that_comes_between_look_and_run),
        T(a_program_is_a_full_path_and_has_a_user),
        T(advice_can_be_pasted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
