/* Supervised services: hand-made status files and directories, good and bad. */
#include "scratch.h"

#include <errno.h>

#include "base/tai64n.h"
#include "toaster/supervise.h"

enum { NOW_S = 1800000000 };

static void make_status(unsigned char bytes[40], int64_t at_s, uint32_t ns, uint32_t pid, char want)
{
    const uint64_t tai = (uint64_t)at_s + TW_TAI_OFFSET;
    memset(bytes, 0, 40);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(tai >> (56 - 8 * i));
    for (int i = 0; i < 4; i++) {
        bytes[8 + i] = (unsigned char)(ns >> (24 - 8 * i));
        bytes[12 + i] = (unsigned char)(pid >> (8 * i));
    }
    bytes[17] = (unsigned char)want;
}

/* A service directory with all that the six tests ask for. */
static const char *make_service(void)
{
    static const char service[] = "smtp";
    make_dir(service);
    make_dir("smtp/log");
    make_dir("smtp/supervise");
    put_text("smtp/run", "#!/bin/sh\n");
    put_text("smtp/log/run", "#!/bin/sh\n");
    chmod("smtp/run", 0755);
    chmod("smtp/log/run", 0755);
    return service;
}

static unsigned faults_of(const char *service, bool with_log)
{
    unsigned faults = ~0U;
    struct tw_error e;
    assert_int_equal(tw_service_test(service, with_log, &faults, &e), 0);
    return faults;
}

static void the_first_18_bytes_count(void **state)
{
    (void)state;
    unsigned char bytes[40];
    struct tw_supervise_status s;
    make_status(bytes, NOW_S, 999999999, 0x12345, 'u');
    bytes[16] = 1;
    static const size_t sizes[] = {18, 20, 40};
    for (size_t i = 0; i < TW_COUNT(sizes); i++) {
        memset(bytes + 18, 0xff, 22);
        assert_int_equal(tw_supervise_parse(bytes, sizes[i], &s, NULL), 0);
        assert_int_equal(s.changed_s, NOW_S);
        assert_int_equal(s.changed_ns, 999999999);
        assert_int_equal(s.pid, 0x12345);
        assert_true(s.paused);
        assert_int_equal(s.want, 'u');
    }
}

static void other_sizes_are_refused_and_s6_is_named(void **state)
{
    (void)state;
    unsigned char bytes[64] = {0};
    struct tw_supervise_status s;
    struct tw_error e;
    make_status(bytes, NOW_S, 0, 1, 'u');
    for (size_t length = 0; length < sizeof bytes; length++) {
        if (length == 18 || length == 20 || length == 40)
            continue;
        assert_int_equal(tw_supervise_parse(bytes, length, &s, &e), -1);
        const bool s6 = length == 26 || length == 35 || length == 43;
        assert_int_equal(strstr(e.text, "s6") != NULL, s6);
    }
}

static void garbled_bytes_are_refused(void **state)
{
    (void)state;
    unsigned char bytes[40];
    struct tw_supervise_status s;
    static const struct {
        int64_t at_s;
        uint32_t ns, pid;
        char want;
        int result;
    } cases[] = {
        {631152000, 0, 0, 0, 0}, /* 1990 */
        {631151999, 0, 0, 0, -1},
        {0, 0, 0, 0, -1},
        {-(int64_t)TW_TAI_OFFSET, 0, 0, 0, -1}, /* all zeros */
        {INT64_MAX - (int64_t)TW_TAI_OFFSET, 0, 0, 0, 0},
        {NOW_S, 1000000000, 0, 0, -1},
        {NOW_S, 0, 4194304, 'd', 0},
        {NOW_S, 0, 4194305, 'd', -1},
        {NOW_S, 0, UINT32_MAX, 'u', -1}, /* below 0 */
        {NOW_S, 0, 0x01000000, 'u', -1}, /* big-endian */
        {NOW_S, 0, 1, 'x', -1},
        {NOW_S, 0, 1, '\xff', -1},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        make_status(bytes, cases[i].at_s, cases[i].ns, cases[i].pid, cases[i].want);
        assert_int_equal(tw_supervise_parse(bytes, 18, &s, NULL), cases[i].result);
    }
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(tw_supervise_parse(bytes, 18, &s, NULL), -1);
}

static void a_status_that_cannot_be_used_says_why(void **state)
{
    (void)state;
    const char *const service = make_service();
    struct tw_supervise_status s;
    struct tw_error e;
    assert_int_equal(tw_supervise_read(service, &s, &e), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(tw_supervise_read("none", &s, &e), -1);
    assert_int_equal(errno, ENOENT);
    const char *status = "smtp/supervise/status";
    put_text(status, "half");
    assert_int_equal(tw_supervise_read(service, &s, &e), -1);
    assert_int_equal(errno, EBADMSG);
    assert_non_null(strstr(e.text, "smtp/supervise/status"));
    assert_int_equal(truncate(status, 1 << 30), 0);
    assert_int_equal(tw_supervise_read(service, &s, &e), -1);
    assert_int_not_equal(errno, ENOENT);
    unlink(status);
    assert_int_equal(mkfifo(status, 0644), 0);
    assert_int_equal(tw_supervise_read(service, &s, &e), -1);
    unlink(status);
    assert_int_equal(symlink("/etc/passwd", status), 0);
    assert_int_equal(tw_supervise_read(service, &s, &e), -1);
    unlink(status);
    make_dir(status);
    assert_int_equal(tw_supervise_read(service, &s, &e), -1);
}

static void supervise_runs_only_if_somebody_reads_the_fifo(void **state)
{
    (void)state;
    const char *const service = make_service();
    const char *ok = "smtp/supervise/ok";
    struct tw_error e;
    assert_int_equal(tw_supervise_running("none", &e), 0);
    assert_int_equal(tw_supervise_running("smtp/run", &e), 0);
    assert_int_equal(tw_supervise_running(service, &e), 0);
    make_dir(ok);
    assert_int_equal(tw_supervise_running(service, &e), 0);
    rmdir(ok);
    put_text(ok, "");
    assert_int_equal(tw_supervise_running(service, &e), 0);
    unlink(ok);
    assert_int_equal(symlink("ok", ok), 0);
    assert_int_equal(tw_supervise_running(service, &e), -1);
    unlink(ok);
    assert_int_equal(mkfifo(ok, 0600), 0);
    assert_int_equal(tw_supervise_running(service, &e), 0);
    const int reader = open(ok, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(tw_supervise_running(service, &e), 1);
    /* Nor through a link: whoever may put one there must not have root open what he likes. */
    assert_int_equal(rename(ok, "elsewhere"), 0);
    assert_int_equal(symlink("../../elsewhere", ok), 0);
    assert_int_equal(tw_supervise_running(service, &e), -1);
    assert_int_equal(rename("elsewhere", ok), 0);
    /* Nor through a link: whoever may put one there must not have root open what he likes. */
    assert_int_equal(rename(ok, "elsewhere"), 0);
    assert_int_equal(symlink("../../elsewhere", ok), 0);
    assert_int_equal(tw_supervise_running(service, &e), -1);
    assert_int_equal(rename("elsewhere", ok), 0);
    close(reader);
    assert_int_equal(tw_supervise_running(service, &e), 0);
}

static bool cannot_look(void *context)
{
    static const char service[] = "smtp";
    (void)context;
    struct tw_error e;
    unsigned faults;
    struct tw_supervise_status s;
    return tw_supervise_running(service, &e) == -1 && strstr(e.text, "Permission denied") &&
           tw_service_test(service, true, &faults, &e) == -1 &&
           strstr(e.text, "Permission denied") && tw_supervise_read(service, &s, &e) == -1 &&
           errno == EACCES;
}

static void without_permission_it_cannot_look(void **state)
{
    (void)state;
    const char *const service = make_service();
    assert_int_equal(mkfifo("smtp/supervise/ok", 0600), 0);
    chmod(service, 0);
    const bool held = as_nobody(cannot_look, NULL);
    chmod(service, 0755);
    assert_true(held);
}

static void each_of_the_six_tests_finds_its_fault(void **state)
{
    (void)state;
    const char *const service = make_service();
    assert_int_equal(faults_of(service, true), 0);
    chmod("smtp/run", 0644);
    assert_int_equal(faults_of(service, true), TW_SERVICE_RUN_NOT_EXEC);
    unlink("smtp/run");
    assert_int_equal(faults_of(service, true), TW_SERVICE_NO_RUN);
    make_dir("smtp/run");
    assert_int_equal(faults_of(service, true), TW_SERVICE_NO_RUN);
    put_text("smtp/down", "");
    chmod("smtp/log/run", 0600);
    put_text("smtp/log/down", "");
    assert_int_equal(faults_of(service, true), TW_SERVICE_NO_RUN | TW_SERVICE_DOWN_FILE |
                                                   TW_SERVICE_LOG_RUN_NOT_EXEC |
                                                   TW_SERVICE_LOG_DOWN_FILE);
    assert_int_equal(faults_of(service, false), TW_SERVICE_NO_RUN | TW_SERVICE_DOWN_FILE);
    unlink("smtp/log/run");
    unlink("smtp/log/down");
    unlink("smtp/down");
    assert_int_equal(faults_of(service, true), TW_SERVICE_NO_RUN | TW_SERVICE_NO_LOG_RUN);
    rmdir("smtp/log");
    assert_int_equal(faults_of(service, true), TW_SERVICE_NO_RUN | TW_SERVICE_NO_LOG);
    put_text("smtp/log", "");
    assert_int_equal(faults_of(service, true), TW_SERVICE_NO_RUN | TW_SERVICE_NO_LOG);
    assert_int_equal(faults_of("none", true), TW_SERVICE_NO_DIR);
    assert_int_equal(faults_of("smtp/log", true), TW_SERVICE_NO_DIR);
    assert_int_equal(faults_of("", true), TW_SERVICE_NO_DIR);
}

static void links_are_followed_as_supervise_follows_them(void **state)
{
    (void)state;
    const char *const service = make_service();
    rename("smtp/run", "smtp/run.real");
    assert_int_equal(symlink("run.real", "smtp/run"), 0);
    assert_int_equal(symlink("nowhere", "smtp/down"), 0);
    assert_int_equal(symlink("smtp", "alias"), 0);
    assert_int_equal(faults_of("alias", true), 0);
    unlink("smtp/run.real");
    assert_int_equal(faults_of(service, true), TW_SERVICE_NO_RUN);
    assert_int_equal(symlink("run", "smtp/run.real"), 0);
    unsigned faults;
    struct tw_error e;
    assert_int_equal(tw_service_test(service, true, &faults, &e), -1);
    assert_non_null(strstr(e.text, "smtp/run: Too many"));
}

static void svstats_words_are_put_for_each_state(void **state)
{
    (void)state;
    const char *const service = make_service();
    const char *ok = "smtp/supervise/ok";
    struct tw_buf out = {0};
    static const struct {
        int64_t at_s;
        uint32_t pid;
        char want;
        bool paused, down_file;
        const char *text;
    } cases[] = {
        {NOW_S - 12, 7, 'd', false, false, "up (pid 7) 12 seconds, want down"},
        {NOW_S - 12, 7, 'u', true, true, "up (pid 7) 12 seconds, normally down, paused"},
        {NOW_S + 99, 7, 0, false, false, "up (pid 7) 0 seconds"},
        {NOW_S - 86400, 0, 'u', true, false, "down 86400 seconds, normally up, want up"},
        {NOW_S, 0, 'd', false, true, "down 0 seconds"},
    };
    assert_int_equal(mkfifo(ok, 0600), 0);
    const int reader = open(ok, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        unsigned char bytes[40];
        make_status(bytes, cases[i].at_s, 0, cases[i].pid, cases[i].want);
        bytes[16] = cases[i].paused;
        put_bytes("smtp/supervise/status", bytes, 18);
        unlink("smtp/down");
        if (cases[i].down_file)
            put_text("smtp/down", "");
        tw_buf_clear(&out);
        tw_supervise_svstat(service, &out, NOW_S);
        char *expected = tw_format("%s: %s", service, cases[i].text);
        assert_string_equal(tw_buf_text(&out), expected);
        free(expected);
    }
    close(reader);
    tw_buf_free(&out);
}

static void svstat_says_why_it_cannot_say(void **state)
{
    (void)state;
    const char *const service = make_service();
    struct tw_buf out = {0};
    tw_supervise_svstat("none", &out, NOW_S);
    assert_non_null(strstr(tw_buf_text(&out), "none: no such directory"));
    tw_buf_clear(&out);
    tw_supervise_svstat(service, &out, NOW_S);
    assert_non_null(strstr(tw_buf_text(&out), "smtp: supervise not running"));
    tw_buf_clear(&out);
    assert_int_equal(mkfifo("smtp/supervise/ok", 0600), 0);
    const int reader = open("smtp/supervise/ok", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    put_text("smtp/supervise/status", "half");
    tw_supervise_svstat(service, &out, NOW_S);
    assert_non_null(strstr(tw_buf_text(&out), "status has 4 bytes"));
    assert_null(strchr(tw_buf_text(&out), '\n'));
    close(reader);
    tw_buf_free(&out);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_18_bytes_count),
        cmocka_unit_test(other_sizes_are_refused_and_s6_is_named),
        cmocka_unit_test(garbled_bytes_are_refused),
        IN_SCRATCH(a_status_that_cannot_be_used_says_why),
        IN_SCRATCH(supervise_runs_only_if_somebody_reads_the_fifo),
        IN_SCRATCH(without_permission_it_cannot_look),
        IN_SCRATCH(each_of_the_six_tests_finds_its_fault),
        IN_SCRATCH(links_are_followed_as_supervise_follows_them),
        IN_SCRATCH(svstats_words_are_put_for_each_state),
        IN_SCRATCH(svstat_says_why_it_cannot_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
