/* Transports against real programs (small scripts) and a real Maildir. */
#include "toaster/scratch.h"

#include <dirent.h>
#include <signal.h>

#include "alert/transport.h"
#include "base/program.h"

static const char letter[] = "Subject: x\n\nbody\n.\nFrom me\n";

static char *addresses[] = {(char *)"postmaster@example.com", (char *)"-oops@example.com"};
static const struct tw_strings to = {addresses, 2};

static void put_script(const char *name, const char *text)
{
    char *whole = tw_format("#!/bin/sh\n%s\n", text);
    put_text(name, whole);
    assert_int_equal(chmod(name, 0755), 0);
    free(whole);
}

static int deliver(const char *dir, const char *name, enum tw_transport_type type,
                   struct tw_error *e)
{
    char *path = tw_format("%s/%s", dir, name);
    const struct tw_transport_config transport = {.text = path, .type = type, .path = path};
    const struct tw_transport_needs needs = {.to = &to, .host = "mail.example.com"};
    const enum tw_delivery result =
        tw_transport_deliver(&transport, &needs, letter, strlen(letter), e);
    free(path);
    return result == TW_DELIVERY_TAKEN ? 0 : -1;
}

static int send_by(const char *dir, const char *name, struct tw_error *e)
{
    return deliver(dir, name, TW_TRANSPORT_SENDMAIL, e);
}

static void assert_content(const char *path, const char *want)
{
    char *text = NULL;
    size_t length = 0;
    assert_int_equal(tw_file_read(AT_FDCWD, path, 1 << 20, &text, &length, NULL), 0);
    assert_string_equal(text, want);
    free(text);
}

static void assert_error(const struct tw_error *e, const char *dir, const char *rest)
{
    char *want = tw_format("%s/%s", dir, rest);
    assert_string_equal(e->text, want);
    free(want);
}

static void a_program_gets_the_letter_its_arguments_and_a_clean_environment(void **dir)
{
    struct tw_error e = {0};
    char *script = tw_format("cd '%s'; cat >mail; printf '%%s\\n' \"$@\" >args; env | "
                             "grep -v -e ^PWD= -e ^OLDPWD= -e ^_= -e ^SHLVL= | sort >env",
                             (const char *)*dir);
    put_script("program", script);
    setenv("SECRET", "x", 1);
    assert_int_equal(send_by(*dir, "program", &e), 0);
    assert_content("mail", letter);
    assert_content("args", "-i\n-f\n\n--\npostmaster@example.com\n-oops@example.com\n");
    assert_content("env", "HOME=/\nLOGNAME=root\n"
                          "PATH=" TW_PROGRAM_PATH "\n");
    assert_int_equal(deliver(*dir, "program", TW_TRANSPORT_QMAIL_INJECT, &e), 0);
    assert_content("args", "-a\n-f\n\n--\npostmaster@example.com\n-oops@example.com\n");
    free(script);
}

static void a_program_has_no_other_descriptors_and_default_signals(void **dir)
{
    struct tw_error e = {0};
    const int extra = dup(STDERR_FILENO); /* not close-on-exec */
    sigset_t blocked, before;
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigprocmask(SIG_BLOCK, &blocked, &before);
    signal(SIGPIPE, SIG_IGN);
    char *script = tw_format("cd '%s'; ls /proc/self/fd >fds; "
                             "grep -e ^SigBlk -e ^SigIgn /proc/self/status >signals",
                             (const char *)*dir);
    put_script("program", script);
    assert_int_equal(send_by(*dir, "program", &e), 0);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(extra);
    assert_content("fds", "0\n1\n2\n3\n"); /* 3 is the directory that ls reads */
    char *text = NULL;
    size_t length = 0;
    unsigned long mask = 1, ignored = 1;
    assert_int_equal(tw_file_read(AT_FDCWD, "signals", 4096, &text, &length, NULL), 0);
    assert_int_equal(sscanf(text, "SigBlk: %lx SigIgn: %lx", &mask, &ignored), 2);
    assert_int_equal(mask, 0);
    assert_int_equal(ignored & 0x7fffffff, 0); /* 32 and 33 are the C library's own */
    free(text);
    free(script);
}

static void a_program_stays_in_the_group_that_the_deadline_ends(void **dir)
{
    struct tw_error e = {0};
    char *script = tw_format("cut -d' ' -f5 /proc/self/stat >'%s/group'", (const char *)*dir);
    char *want = tw_format("%d\n", (int)getpgrp());
    put_script("program", script);
    assert_int_equal(send_by(*dir, "program", &e), 0);
    assert_content("group", want);
    free(want);
    free(script);
}

static void a_refusal_is_told_with_code_and_words(void **dir)
{
    struct tw_error e = {0};
    put_script("program", "echo 'qmail-inject: fatal: bad address' >&2; echo; exit 100");
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_error(&e, *dir, "program: exit 100: qmail-inject: fatal: bad address");
    put_script("program", "exit 111");
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_error(&e, *dir, "program: exit 111");
    put_script("program", "printf 'a\\000b\\n'; exit 1");
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_error(&e, *dir, "program: exit 1: a\1b");
}

static void a_death_by_signal_is_a_failure(void **dir)
{
    struct tw_error e = {0};
    put_script("program", "echo dying; kill -KILL $$");
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_error(&e, *dir, "program: killed by signal 9 (Killed): dying");
}

static void what_cannot_be_run_says_why(void **dir)
{
    struct tw_error e = {0};
    assert_int_equal(send_by(*dir, "missing", &e), -1);
    assert_non_null(strstr(e.text, "/missing: No such file or directory"));
    put_script("program", "exit 0");
    assert_int_equal(chmod("program", 0644), 0);
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_non_null(strstr(e.text, "/program: Permission denied"));
    put_text("program", "no first line of a script");
    assert_int_equal(chmod("program", 0755), 0);
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_non_null(strstr(e.text, "/program: Exec format error"));
    make_dir("directory");
    assert_int_equal(send_by(*dir, "directory", &e), -1);
    assert_non_null(strstr(e.text, "/directory: Permission denied"));
}

static void a_megabyte_of_output_neither_blocks_nor_fails(void **dir)
{
    struct tw_error e = {0};
    put_script("program", "head -c 1048576 /dev/zero | tr '\\000' x");
    assert_int_equal(send_by(*dir, "program", &e), 0);
    put_script("program", "head -c 1048576 /dev/zero | tr '\\000' x >&2; exit 3");
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_non_null(strstr(e.text, "program: exit 3: xxxx"));
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

static void a_program_may_close_its_output_and_leave_the_letter_unread(void **dir)
{
    struct tw_error e = {0};
    put_script("program", "exec <&- >&- 2>&-; exit 0");
    assert_int_equal(send_by(*dir, "program", &e), 0);
    put_script("program", "exec >&- 2>&-; cat >/dev/null; exit 7");
    assert_int_equal(send_by(*dir, "program", &e), -1);
    assert_error(&e, *dir, "program: exit 7");
}

/* The grandchild writes until a file appears, which it does after the call came back; so a call
 * that waited for it would never come back. */
static void assert_not_held(const char *dir, const char *grandchild)
{
    struct tw_error e = {0};
    char *script =
        tw_format("cd '%s'; rm -f gone stop; (trap '' PIPE; while [ ! -e stop ]; do %s; done; "
                  ">gone) & echo parent; exit 5",
                  dir, grandchild);
    put_script("program", script);
    assert_int_equal(send_by(dir, "program", &e), -1);
    assert_non_null(strstr(e.text, "program: exit 5"));
    put_text("stop", "");
    for (int i = 0; i < 1000 * PATIENCE && access("gone", F_OK) != 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    free(script);
}

static void a_grandchild_that_holds_the_pipe_does_not_hold_us(void **dir)
{
    assert_not_held(*dir, "sleep 0.1");
    assert_not_held(*dir, "echo noise 2>/dev/null || sleep 0.1");
}

static void a_letter_of_a_megabyte_arrives_whole(void **dir)
{
    struct tw_error e = {0};
    struct tw_buf big = {0};
    while (big.len < 1 << 20)
        tw_buf_puts(&big, "a line\n");
    char *script = tw_format("wc -c >'%s/size'", (const char *)*dir);
    char *path = tw_format("%s/program", (const char *)*dir), *want = tw_format("%zu\n", big.len);
    put_script("program", script);
    const struct tw_transport_config transport = {
        .text = path, .type = TW_TRANSPORT_SENDMAIL, .path = path};
    const struct tw_transport_needs needs = {.to = &to, .host = "h"};
    assert_int_equal(tw_transport_deliver(&transport, &needs, big.data, big.len, &e),
                     TW_DELIVERY_TAKEN);
    assert_content("size", want);
    free(want);
    free(path);
    free(script);
    tw_buf_free(&big);
}

static void a_failure_leaves_no_descriptor_and_no_child(void **dir)
{
    struct tw_error e = {0};
    const int first = dup(STDERR_FILENO);
    put_script("program", "exit 1");
    for (int i = 0; i < 3; i++) {
        assert_int_equal(send_by(*dir, "missing", &e), -1);
        assert_int_equal(send_by(*dir, "program", &e), -1);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    close(first);
    assert_int_equal(dup(STDERR_FILENO), first);
    close(first);
}

/* In a child, since the rights are gone afterwards. As root the Maildir is nobody's. */
static bool delivers(const char *dir)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tw_error e = {0};
        _exit(deliver(dir, "Maildir", TW_TRANSPORT_MAILDIR, &e) == 0 ? 0 : 1);
    }
    return wait_for(pid) == 0;
}

static void a_maildir_gets_the_letter_as_its_owner(void **dir)
{
    static const char *const parts[] = {"Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"};
    for (size_t i = 0; i < TW_COUNT(parts); i++) {
        make_dir(parts[i]);
        if (geteuid() == 0)
            assert_int_equal(chown(parts[i], NOBODY, NOBODY), 0);
    }
    assert_true(delivers(*dir));
    DIR *new = opendir("Maildir/new");
    assert_non_null(new);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(new));) {
        if (entry->d_name[0] == '.')
            continue;
        struct stat st;
        char *path = tw_format("Maildir/new/%s", entry->d_name);
        assert_content(path, letter);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_uid, geteuid() == 0 ? NOBODY : geteuid());
        free(path);
        count++;
    }
    closedir(new);
    assert_int_equal(count, 1);
    assert_int_equal(rmdir("Maildir/tmp"), 0);
    assert_false(delivers(*dir));
}

static void letters_about_qmail_go_first_to_those_that_do_not_need_it(void **dir)
{
    (void)dir;
    struct tw_transport_config items[] = {{.needs_qmail = true},
                                          {.needs_qmail = false},
                                          {.needs_qmail = true},
                                          {.needs_qmail = false}};
    struct tw_via via = {items, 4};
    static const size_t as_written[] = {0, 1, 2, 3}, without_first[] = {1, 3, 0, 2};
    size_t order[4];
    tw_transport_order(&via, false, order);
    assert_memory_equal(order, as_written, sizeof order);
    tw_transport_order(&via, true, order);
    assert_memory_equal(order, without_first, sizeof order);
    via.count = 0;
    tw_transport_order(&via, true, NULL);
    via.count = 1;
    tw_transport_order(&via, true, order);
    assert_int_equal(order[0], 0);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(a_program_gets_the_letter_its_arguments_and_a_clean_environment),
        IN_SCRATCH(a_program_has_no_other_descriptors_and_default_signals),
        IN_SCRATCH(a_program_stays_in_the_group_that_the_deadline_ends),
        IN_SCRATCH(a_refusal_is_told_with_code_and_words),
        IN_SCRATCH(a_death_by_signal_is_a_failure),
        IN_SCRATCH(what_cannot_be_run_says_why),
        IN_SCRATCH(a_megabyte_of_output_neither_blocks_nor_fails),
        IN_SCRATCH(a_program_may_close_its_output_and_leave_the_letter_unread),
        IN_SCRATCH(a_grandchild_that_holds_the_pipe_does_not_hold_us),
        IN_SCRATCH(a_letter_of_a_megabyte_arrives_whole),
        IN_SCRATCH(a_failure_leaves_no_descriptor_and_no_child),
        IN_SCRATCH(a_maildir_gets_the_letter_as_its_owner),
        cmocka_unit_test(letters_about_qmail_go_first_to_those_that_do_not_need_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
