/* Kind `service`, over service directories made by hand: the six tests, the live state, restarts
 * and what is remembered of them. */
#include "kit.h"

/* The one service of most tests, and who holds its fifos as supervise would. */
struct service {
    struct kit kit;
    int main_fd, log_fd;
};

static void put_status(const char *path, int64_t at_s, uint32_t pid, bool paused, char want)
{
    const uint64_t tai = (uint64_t)at_s + TW_TAI_OFFSET;
    unsigned char bytes[18] = {0};
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)(tai >> (56 - 8 * i));
    for (int i = 0; i < 4; i++)
        bytes[12 + i] = (unsigned char)(pid >> (8 * i));
    bytes[16] = paused;
    bytes[17] = (unsigned char)want;
    put_bytes(path, bytes, sizeof bytes);
}

static void put_main(int64_t age_s, uint32_t pid, char want)
{
    put_status("service/smtp/supervise/status", NOW_S - age_s, pid, false, want);
}

static void put_log(int64_t age_s, uint32_t pid, char want)
{
    put_status("service/smtp/log/supervise/status", NOW_S - age_s, pid, false, want);
}

static void put_script(const char *path)
{
    put_text(path, "#!/bin/sh\n");
    assert_int_equal(chmod(path, 0755), 0);
}

static int hold_ok(const char *path)
{
    assert_int_equal(mkfifo(path, 0600), 0);
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

/* Both are up since an hour, as pids 100 and 101, and want to be. */
static struct service make(void)
{
    make_dir("service");
    make_dir("service/smtp");
    make_dir("service/smtp/supervise");
    make_dir("service/smtp/log");
    make_dir("service/smtp/log/supervise");
    put_script("service/smtp/run");
    put_script("service/smtp/log/run");
    put_main(3600, 100, 'u');
    put_log(3600, 101, 'u');
    return (struct service){.kit = kit_make(tw_kind_find("service"), "smtp"),
                            .main_fd = hold_ok("service/smtp/supervise/ok"),
                            .log_fd = hold_ok("service/smtp/log/supervise/ok")};
}

static void drop(struct service *s)
{
    kit_free(&s->kit);
    close(s->main_fd);
    close(s->log_fd);
}

static void a_service_that_is_well(void **state)
{
    (void)state;
    struct service s = make();
    kit_check(&s.kit, TW_LEVEL_OK, "ok", "up (pid 100) for 1h");
    kit_expect(&s.kit, "log", TW_LEVEL_OK, "ok", "up (pid 101) for 1h");
    assert_int_equal(s.kit.finding_count, 2);
    assert_int_equal(s.kit.notes.count, 0);
    assert_int_equal(s.kit.look_again_ms, -1);
    assert_true(tw_strings_has(&s.kit.dirs, "service/smtp/supervise status"));
    assert_true(tw_strings_has(&s.kit.dirs, "service/smtp/log/supervise status"));
    assert_int_equal(tw_kind_place(s.kit.kind, s.kit.settings, "smtp"), TW_PLACE_LOOP);
    drop(&s);
}

static void the_faults_of_the_directory(void **state)
{
    (void)state;
    struct service s = make();
    assert_int_equal(chmod("service/smtp/run", 0644), 0);
    kit_check(&s.kit, TW_LEVEL_FAIL, "run-not-executable", "smtp/run is not executable");
    unlink("service/smtp/run");
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-run", "smtp/run is not there");
    make_dir("service/smtp/run");
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-run", "or no file");
    rmdir("service/smtp/run");
    put_script("service/smtp/run");
    put_text("service/smtp/down", "");
    kit_check(&s.kit, TW_LEVEL_FAIL, "down-file", "smtp/down exists");
    kit_expect(&s.kit, "log", TW_LEVEL_OK, "ok", "up");
    unlink("service/smtp/run");
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-run", "; service/smtp/down exists"); /* all are said */
    drop(&s);
}

static void the_faults_of_the_log(void **state)
{
    (void)state;
    struct service s = make();
    assert_int_equal(chmod("service/smtp/log/run", 0644), 0);
    kit_run(&s.kit);
    kit_expect(&s.kit, "", TW_LEVEL_OK, "ok", "up");
    kit_expect(&s.kit, "log", TW_LEVEL_FAIL, "run-not-executable", "log/run is not executable");
    unlink("service/smtp/log/run");
    kit_run(&s.kit);
    kit_expect(&s.kit, "log", TW_LEVEL_FAIL, "no-run", "log/run is not there");
    put_text("service/smtp/log/down", "");
    put_script("service/smtp/log/run");
    kit_run(&s.kit);
    kit_expect(&s.kit, "log", TW_LEVEL_FAIL, "down-file", "log/down exists");
    assert_int_equal(rename("service/smtp/log", "service/smtp/old"), 0);
    kit_run(&s.kit);
    kit_expect(&s.kit, "log", TW_LEVEL_FAIL, "no-log", "there is no directory service/smtp/log");
    put_text("service/smtp/log", "");
    kit_run(&s.kit);
    kit_expect(&s.kit, "log", TW_LEVEL_FAIL, "no-log", "there is no directory");
    kit_expect(&s.kit, "", TW_LEVEL_OK, "ok", "up");
    drop(&s);
}

static void without_a_log_nothing_is_said_of_one(void **state)
{
    (void)state;
    static const char *const choices[] = {"syslog", "none"};
    struct service s = make();
    unlink("service/smtp/log/run");
    for (size_t i = 0; i < TW_COUNT(choices); i++) {
        kit_set(&s.kit, "log", choices[i]);
        kit_check(&s.kit, TW_LEVEL_OK, "ok", "up");
        assert_int_equal(s.kit.finding_count, 1);
    }
    drop(&s);
}

static void a_service_that_is_gone(void **state)
{
    (void)state;
    struct service s = make();
    assert_int_equal(rename("service/smtp", "elsewhere"), 0);
    kit_check(&s.kit, TW_LEVEL_FAIL, "gone", "there is no directory service/smtp");
    assert_string_equal(s.kit.memory, "");
    assert_int_equal(rename("elsewhere", "service/smtp"), 0);
    kit_check(&s.kit, TW_LEVEL_OK, "ok", "up");
    char *memory = tw_strdup(s.kit.memory);
    assert_int_equal(rename("service/smtp", "elsewhere"), 0);
    kit_check(&s.kit, TW_LEVEL_FAIL, "gone", "was there and is gone");
    assert_int_equal(s.kit.finding_count, 1);
    assert_string_equal(s.kit.memory, memory);
    put_text("service/smtp", "no directory");
    kit_check(&s.kit, TW_LEVEL_FAIL, "gone", "is gone");
    free(memory);
    drop(&s);
}

static void a_directory_that_cannot_be_looked_at(void **state)
{
    (void)state;
    struct service s = make();
    assert_int_equal(rename("service/smtp", "elsewhere"), 0);
    assert_int_equal(symlink("smtp", "service/smtp"), 0);
    kit_check(&s.kit, TW_LEVEL_UNKNOWN, "cannot-look", "service/smtp");
    drop(&s);
}

static void no_supervise(void **state)
{
    (void)state;
    struct service s = make();
    close(s.main_fd);
    s.main_fd = -1;
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-supervise", "supervise is not running");
    kit_expect(&s.kit, "log", TW_LEVEL_OK, "ok", "up");
    unlink("service/smtp/supervise/ok");
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-supervise", "supervise is not running");
    put_text("service/smtp/down", "");
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-supervise", "not running; service/smtp/down exists");
    close(s.log_fd);
    s.log_fd = -1;
    kit_run(&s.kit);
    kit_expect(&s.kit, "log", TW_LEVEL_FAIL, "no-supervise", "supervise is not running");
    drop(&s);
}

/* svscan looks every five seconds: what has just come may have no supervise yet. */
static void a_service_that_has_just_come_has_a_moment(void **state)
{
    (void)state;
    struct service s = make();
    close(s.main_fd);
    s.main_fd = -1;
    s.kit.now_s = time(NULL);
    kit_run(&s.kit);
    assert_null(kit_find(&s.kit, ""));
    assert_true(s.kit.look_again_ms > 0);
    s.kit.now_s += 60;
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-supervise", "supervise is not running");
    drop(&s);
}

static void supervise_ok_that_is_no_fifo(void **state)
{
    (void)state;
    struct service s = make();
    unlink("service/smtp/supervise/ok");
    put_text("service/smtp/supervise/ok", "");
    kit_check(&s.kit, TW_LEVEL_FAIL, "no-supervise", "supervise is not running");
    unlink("service/smtp/supervise/ok");
    assert_int_equal(symlink("ok", "service/smtp/supervise/ok"), 0);
    kit_check(&s.kit, TW_LEVEL_UNKNOWN, "cannot-look", "supervise/ok");
    drop(&s);
}

static void a_status_that_is_none(void **state)
{
    (void)state;
    static const char zeros[64], *const path = "service/smtp/supervise/status";
    static const size_t sizes[] = {0, 1, 17, 18, 19, 20, 26, 35, 40, 43, 64};
    struct service s = make();
    for (size_t i = 0; i < TW_COUNT(sizes); i++) {
        put_bytes(path, zeros, sizes[i]);
        kit_check(&s.kit, TW_LEVEL_UNKNOWN, "bad-status", "supervise/status");
    }
    put_bytes(path, zeros, 35);
    kit_check(&s.kit, TW_LEVEL_UNKNOWN, "bad-status", "s6");
    put_main(10, 5000000, 'u');
    kit_check(&s.kit, TW_LEVEL_UNKNOWN, "bad-status", "no process has the number");
    put_main(10, 100, 'x');
    kit_check(&s.kit, TW_LEVEL_UNKNOWN, "bad-status", "want is byte 0x78");
    unlink(path);
    kit_check(&s.kit, TW_LEVEL_UNKNOWN, "bad-status", "No such file");
    assert_int_equal(mkfifo(path, 0600), 0);
    kit_check(&s.kit, TW_LEVEL_UNKNOWN, "bad-status", "supervise/status");
    kit_expect(&s.kit, "log", TW_LEVEL_OK, "ok", "up");
    drop(&s);
}

static void down_and_wanted_down(void **state)
{
    (void)state;
    struct service s = make();
    put_main(120, 0, 'd');
    kit_check(&s.kit, TW_LEVEL_FAIL, "down", "down for 2m (normally up), want d");
    put_main(0, 0, 'd'); /* told so: nothing to wait for */
    kit_check(&s.kit, TW_LEVEL_FAIL, "down", "down for 0s (normally up), want d");
    put_main(120, 0, 'u');
    kit_check(&s.kit, TW_LEVEL_FAIL, "down", "down for 2m (normally up), want u");
    put_main(120, 0, 0);
    kit_check(&s.kit, TW_LEVEL_FAIL, "down", "down for 2m (normally up)");
    put_main(120, 100, 'd');
    kit_check(&s.kit, TW_LEVEL_FAIL, "want-down", "up (pid 100) but wanted down");
    put_log(5, 0, 'd');
    kit_run(&s.kit);
    kit_expect(&s.kit, "log", TW_LEVEL_FAIL, "down", "down for 5s (normally up), want d");
    drop(&s);
}

static void paused(void **state)
{
    (void)state;
    struct service s = make();
    put_status("service/smtp/supervise/status", NOW_S - 9, 100, true, 'u');
    kit_check(&s.kit, TW_LEVEL_FAIL, "paused", "paused (pid 100)");
    put_status("service/smtp/supervise/status", NOW_S - 9, 100, true, 'd');
    kit_check(&s.kit, TW_LEVEL_FAIL, "want-down", "wanted down; paused (pid 100)");
    put_status("service/smtp/supervise/status", NOW_S - 9, 0, true, 'u'); /* nothing to pause */
    kit_check(&s.kit, TW_LEVEL_FAIL, "down", "down for 9s (normally up)");
    drop(&s);
}

/* supervise starts at once what ended: what is seen in between is not judged. */
static void between_two_lives_it_is_looked_at_again(void **state)
{
    (void)state;
    struct service s = make();
    kit_run(&s.kit);
    put_main(0, 0, 'u');
    kit_run(&s.kit);
    assert_null(kit_find(&s.kit, ""));
    kit_expect(&s.kit, "log", TW_LEVEL_OK, "ok", "up");
    assert_true(s.kit.look_again_ms > 0 && s.kit.look_again_ms <= 5000);
    put_main(0, 102, 'u');
    kit_check(&s.kit, TW_LEVEL_OK, "ok", "up (pid 102)");
    assert_int_equal(s.kit.notes.count, 1);
    put_main(-1, 0, 'u'); /* supervise's clock is a few milliseconds before ours */
    kit_run(&s.kit);
    assert_null(kit_find(&s.kit, ""));
    put_main(0, 103, 'u');
    kit_check(&s.kit, TW_LEVEL_OK, "ok", "up (pid 103)");
    assert_int_equal(s.kit.notes.count, 1);
    put_main(-2, 0, 'u'); /* the clock was set back: no way to tell, so it is judged */
    kit_check(&s.kit, TW_LEVEL_FAIL, "down", "down for 0s (normally up)");
    drop(&s);
}

static void one_restart_is_a_note(void **state)
{
    (void)state;
    struct service s = make();
    kit_run(&s.kit);
    put_main(2, 200, 'u');
    kit_check(&s.kit, TW_LEVEL_OK, "ok", "up (pid 200)");
    assert_int_equal(s.kit.notes.count, 1);
    assert_string_equal(s.kit.notes.items[0], "restarted, pid 100 is now 200");
    kit_run(&s.kit);
    assert_int_equal(s.kit.notes.count, 0);
    put_log(2, 201, 'u');
    kit_run(&s.kit);
    assert_string_equal(s.kit.notes.items[0], "log restarted, pid 101 is now 201");
    drop(&s);
}

/* What the admin took down and up again was not restarted by supervise. */
static void down_and_up_is_no_restart(void **state)
{
    (void)state;
    struct service s = make();
    kit_run(&s.kit);
    for (uint32_t pid = 200; pid < 220; pid++) {
        put_main(5, 0, 'd');
        kit_check(&s.kit, TW_LEVEL_FAIL, "down", "want d");
        put_main(3, pid, 'u');
        kit_check(&s.kit, TW_LEVEL_OK, "ok", "up");
        assert_int_equal(s.kit.notes.count, 0);
    }
    drop(&s);
}

static void new_pid(struct service *s, uint32_t pid)
{
    put_main(0, pid, 'u');
    kit_run(&s->kit);
}

static void too_many_restarts_are_flapping(void **state)
{
    (void)state;
    struct service s = make();
    kit_set(&s.kit, "restarts", "3");
    kit_set(&s.kit, "within", "1m");
    kit_run(&s.kit);
    for (uint32_t pid = 201; pid <= 203; pid++) {
        new_pid(&s, pid);
        kit_expect(&s.kit, "", TW_LEVEL_OK, "ok", "up");
    }
    new_pid(&s, 204);
    kit_expect(&s.kit, "", TW_LEVEL_FAIL, "flapping", "4 new pids within 1m, limit 3");
    assert_int_equal(s.kit.notes.count, 0);
    s.kit.now_s += 59;
    kit_check(&s.kit, TW_LEVEL_FAIL, "flapping", "4 new pids");
    s.kit.now_s += 1;
    kit_check(&s.kit, TW_LEVEL_OK, "ok", "up (pid 204) for 1m");
    drop(&s);
}

static void flapping_is_remembered_over_a_restart(void **state)
{
    (void)state;
    struct service s = make();
    kit_set(&s.kit, "restarts", "1");
    kit_run(&s.kit);
    new_pid(&s, 201);
    new_pid(&s, 202);
    kit_expect(&s.kit, "", TW_LEVEL_FAIL, "flapping", "2 new pids");
    struct kit fresh = kit_make(tw_kind_find("service"), "smtp");
    kit_set(&fresh, "restarts", "1");
    free(fresh.memory);
    fresh.memory = tw_strdup(s.kit.memory);
    kit_check(&fresh, TW_LEVEL_FAIL, "flapping", "2 new pids");
    assert_int_equal(fresh.notes.count, 0);
    kit_free(&fresh);
    drop(&s);
}

static void as_many_as_can_be_counted(void **state)
{
    (void)state;
    struct service s = make();
    kit_set(&s.kit, "restarts", "31");
    kit_run(&s.kit);
    for (uint32_t pid = 201; pid <= 231; pid++) {
        new_pid(&s, pid);
        kit_expect(&s.kit, "", TW_LEVEL_OK, "ok", "up");
    }
    for (uint32_t pid = 232; pid <= 300; pid++) {
        new_pid(&s, pid);
        kit_expect(&s.kit, "", TW_LEVEL_FAIL, "flapping", "limit 31");
    }
    assert_true(strlen(s.kit.memory) < 1024);
    drop(&s);
}

static void the_clock_set_back(void **state)
{
    (void)state;
    struct service s = make();
    kit_set(&s.kit, "restarts", "2");
    kit_run(&s.kit);
    for (uint32_t pid = 201; pid <= 203; pid++)
        new_pid(&s, pid);
    kit_expect(&s.kit, "", TW_LEVEL_FAIL, "flapping", "3 new pids");
    s.kit.now_s -= 86400; /* starts from the future do not count: it would flap for a day */
    kit_check(&s.kit, TW_LEVEL_OK, "ok", "up (pid 203) for 0s");
    put_main(-100, 0, 'd');
    kit_check(&s.kit, TW_LEVEL_FAIL, "down", "down for 0s (normally up)");
    drop(&s);
}

static void memory_that_is_garbled(void **state)
{
    (void)state;
    static const char *const texts[] = {" ",
                                        ",",
                                        ",,,,,,",
                                        "x",
                                        "100",
                                        "100 101 102 103",
                                        "100,,,1 101,",
                                        "-100,-1,-2 -101",
                                        "99999999999999999999999,99999999999999999999999 1",
                                        "100,1799999999,1799999999x1799999999 \n",
                                        "100\n101",
                                        "\xff\xfe\x01",
                                        "0x64,5",
                                        "1e9"};
    struct service s = make();
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        free(s.kit.memory);
        s.kit.memory = tw_strdup(texts[i]);
        kit_check(&s.kit, TW_LEVEL_OK, "ok", "up (pid 100)");
        kit_expect(&s.kit, "log", TW_LEVEL_OK, "ok", "up (pid 101)");
        kit_run(&s.kit);
        assert_int_equal(s.kit.notes.count, 0); /* what is remembered now is sound */
    }
    drop(&s);
}

static void memory_of_random_bytes(void **state)
{
    (void)state;
    static const char bytes[] = "0123456789,,,,  -x";
    struct service s = make();
    unsigned seed = 4711;
    for (int round = 0; round < 2000; round++) {
        char text[400];
        const size_t length = (size_t)rand_r(&seed) % (sizeof text - 1);
        for (size_t i = 0; i < length; i++)
            text[i] = bytes[(size_t)rand_r(&seed) % (sizeof bytes - 1)];
        text[length] = '\0';
        free(s.kit.memory);
        s.kit.memory = tw_strdup(text);
        kit_run(&s.kit);
        assert_int_equal(s.kit.finding_count, 2);
        assert_true(kit_find(&s.kit, "")->level == TW_LEVEL_OK ||
                    strcmp(kit_find(&s.kit, "")->code, "flapping") == 0);
    }
    drop(&s);
}

/* ---- letters ------------------------------------------------------------------------------ */

static void the_evidence_is_what_svstat_and_the_log_say(void **state)
{
    (void)state;
    struct service s = make();
    make_dir("log");
    make_dir("log/smtp");
    assert_int_equal(chmod("log", 0755), 0);
    put_main(120, 0, 'd');
    put_text("log/smtp/current", "@400000006b49d20a00000000 cannot bind\nno label\n");
    char name[] = "service.smtp";
    const struct tw_run run = kit_describe(&s.kit, name, NULL);
    struct tw_buf out = {0};
    s.kit.kind->evidence(&run, "", &out);
    const char *text = tw_buf_text(&out);
    assert_non_null(strstr(text, "service/smtp: down 120 seconds, normally up\n"));
    assert_non_null(strstr(text, "service/smtp/log: up (pid 101) 3600 seconds\n"));
    assert_non_null(strstr(text, " cannot bind\nno label\n"));
    tw_buf_free(&out);
    drop(&s);
}

static void evidence_of_nothing_at_all(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("service"), "smtp");
    char name[] = "service.smtp";
    const struct tw_run run = kit_describe(&kit, name, NULL);
    struct tw_buf out = {0};
    kit.kind->evidence(&run, "log", &out);
    assert_non_null(strstr(tw_buf_text(&out), "service/smtp: no such directory"));
    tw_buf_clear(&out);
    kit.title = "*";
    const struct tw_run star = kit_describe(&kit, name, NULL);
    kit.kind->evidence(&star, "", &out);
    assert_int_equal(out.len, 0);
    tw_buf_free(&out);
    kit_free(&kit);
}

static void the_advice_fits_what_is_wrong(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("service"), "smtp");
    kit_advice(&kit, "", "down", "svc -u service/smtp");
    kit_advice(&kit, "log", "down", "svc -u service/smtp/log");
    kit_advice(&kit, "", "want-down", "svc -u service/smtp");
    kit_advice(&kit, "", "paused", "svc -c service/smtp");
    kit_advice(&kit, "log", "run-not-executable", "chmod +x service/smtp/log/run");
    kit_advice(&kit, "", "down-file", "rm service/smtp/down");
    kit_advice(&kit, "", "gone",
               "ls -ld service/smtp; if it is gone for good, take smtp out of the configuration");
    kit_advice(&kit, "", "no-supervise", "ps -C svscan; ls -la service/smtp");
    kit_advice(&kit, "", "flapping", "read the log above; svc -d service/smtp stops the loop");
    kit_advice(&kit, "", "bad-status", "ls -la service/smtp");
    kit.title = "*";
    kit_advice(&kit, "", "gone", "ls -ld service");
    kit_free(&kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_service_that_is_well),
        TEST(the_faults_of_the_directory),
        TEST(the_faults_of_the_log),
        TEST(without_a_log_nothing_is_said_of_one),
        TEST(a_service_that_is_gone),
        TEST(a_directory_that_cannot_be_looked_at),
        TEST(no_supervise),
        TEST(a_service_that_has_just_come_has_a_moment),
        TEST(supervise_ok_that_is_no_fifo),
        TEST(a_status_that_is_none),
        TEST(down_and_wanted_down),
        TEST(paused),
        TEST(between_two_lives_it_is_looked_at_again),
        TEST(one_restart_is_a_note),
        TEST(down_and_up_is_no_restart),
        TEST(too_many_restarts_are_flapping),
        TEST(flapping_is_remembered_over_a_restart),
        TEST(as_many_as_can_be_counted),
        TEST(the_clock_set_back),
        TEST(memory_that_is_garbled),
        TEST(memory_of_random_bytes),
        TEST(the_evidence_is_what_svstat_and_the_log_say),
        TEST(evidence_of_nothing_at_all),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
