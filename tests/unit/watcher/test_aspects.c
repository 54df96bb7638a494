/* What is known of every aspect: which findings make a line, a row, news; what is dropped when;
 * rows from a damaged state. */
#include "toaster/scratch.h"

#include <sys/mman.h>

#include "watcher/aspects.h"

struct kit {
    int fd; /* where the log goes */
    off_t seen;
    struct tw_log *log;
    struct tw_aspects *aspects;
    struct tw_incident_rule rule;
    struct tw_when when;
    bool scheduled;
    size_t news;
    enum tw_incident_news last;
};

static void on_news(void *context, struct tw_aspect *aspect, enum tw_incident_news what)
{
    struct kit *kit = context;
    assert_non_null(aspect->name);
    assert_int_not_equal(what, TW_NEWS_NONE);
    if (what == TW_NEWS_LEVEL)
        return;
    kit->news++;
    kit->last = what;
}

static struct kit *make(struct tw_state *state)
{
    struct kit *kit = tw_alloc(sizeof *kit);
    *kit = (struct kit){.fd = memfd_create("log", MFD_CLOEXEC),
                        .rule = {1, 1},
                        .when = {1800000000, 5000},
                        .scheduled = true};
    kit->log = tw_log_new(kit->fd, 65536);
    kit->aspects = tw_aspects_new(kit->log, state, on_news, kit);
    return kit;
}

static void drop(struct kit *kit)
{
    tw_aspects_free(&kit->aspects);
    assert_null(kit->aspects);
    tw_log_free(&kit->log);
    close(kit->fd);
    free(kit);
}

/* The lines since the last look. */
static void expect_lines(struct kit *kit, const char *expected)
{
    char text[8192];
    const ssize_t length = pread(kit->fd, text, sizeof text - 1, kit->seen);
    assert_true(length >= 0);
    text[length] = '\0';
    kit->seen += length;
    assert_string_equal(text, expected);
}

static void expect_news(struct kit *kit, enum tw_incident_news what)
{
    assert_int_equal(kit->news, what != TW_NEWS_NONE);
    if (what != TW_NEWS_NONE)
        assert_int_equal(kit->last, what);
    kit->news = 0;
}

static bool find(struct kit *kit, enum tw_level level, const char *aspect, const char *code,
                 const char *text)
{
    kit->when.now_s++;
    kit->when.now_ms += 1000;
    return tw_aspects_finding(kit->aspects, "service.smtp",
                              &(struct tw_finding){level, aspect, code, text}, kit->scheduled,
                              &kit->rule, kit->when);
}

static void only_a_change_is_a_line(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_OK, "", "ok", "up (pid 1) for 1s"); /* good when first seen: none */
    find(kit, TW_LEVEL_OK, "", "ok", "up (pid 1) for 2s");
    expect_lines(kit, "");
    find(kit, TW_LEVEL_FAIL, "", "down", "down for 1s");
    find(kit, TW_LEVEL_FAIL, "", "down", "down for 2s");
    expect_lines(kit, "FAIL service.smtp: down for 1s\n");
    find(kit, TW_LEVEL_FAIL, "", "want-down", "up (pid 2) but wanted down"); /* another reason */
    expect_lines(kit, "FAIL service.smtp: up (pid 2) but wanted down\n");
    find(kit, TW_LEVEL_UNKNOWN, "", "no-answer", "cannot check");
    find(kit, TW_LEVEL_UNKNOWN, "", "no-answer", "cannot check");
    expect_lines(kit, "UNKNOWN service.smtp: cannot check\n");
    find(kit, TW_LEVEL_WARN, "", "empty", "nothing there");
    expect_lines(kit, "WARN service.smtp: nothing there\n");
    find(kit, TW_LEVEL_OK, "", "ok", "up again");
    find(kit, TW_LEVEL_OK, "", "other", "another word for well");
    expect_lines(kit, "OK service.smtp: up again (was warn for 1s)\n");
    drop(kit);
}

static void bad_when_first_seen_is_a_line(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_WARN, "names", "bad-name", "a b");
    find(kit, TW_LEVEL_UNKNOWN, "log", "bad-status", "garbled");
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    expect_lines(kit, "WARN service.smtp/names: a b\nUNKNOWN service.smtp/log: garbled\n"
                      "FAIL service.smtp: down\n");
    drop(kit);
}

static void a_recovery_says_how_long_it_was(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    kit->when.now_s += 3600;
    find(kit, TW_LEVEL_OK, "", "ok", "up");
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    kit->when.now_s -= 86400; /* the clock was set back */
    find(kit, TW_LEVEL_OK, "", "ok", "up");
    expect_lines(kit, "FAIL service.smtp: down\nOK service.smtp: up (was fail for 1h)\n"
                      "FAIL service.smtp: down\nOK service.smtp: up (was fail for 0s)\n");
    drop(kit);
}

static void what_comes_from_outside_is_escaped(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_FAIL, "", "down", "a\nFAIL service.x: b\x1b[2J");
    char text[200];
    const ssize_t length = pread(kit->fd, text, sizeof text - 1, 0);
    assert_true(length > 0 && text[length - 1] == '\n');
    assert_ptr_equal(memchr(text, '\n', (size_t)length), text + length - 1);
    assert_null(memchr(text, '\x1b', (size_t)length));
    drop(kit);
}

static void the_rule_decides_when_it_opens(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    kit->rule = (struct tw_incident_rule){3, 2};
    for (int i = 0; i < 2; i++) {
        assert_false(find(kit, TW_LEVEL_FAIL, "", "down", "down"));
        expect_news(kit, TW_NEWS_NONE);
    }
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    expect_news(kit, TW_NEWS_OPENED);
    struct tw_aspect *aspect = tw_aspects_find(kit->aspects, "service.smtp");
    assert_int_equal(aspect->incident.opened_s, 1800000001);
    assert_int_equal(aspect->wait_from_ms, kit->when.now_ms);
    tw_aspects_told(kit->aspects, aspect, kit->when);
    assert_int_equal(aspect->incident.stage, TW_STAGE_TOLD);
    find(kit, TW_LEVEL_OK, "", "ok", "up");
    expect_news(kit, TW_NEWS_NONE);
    find(kit, TW_LEVEL_WARN, "", "empty", "well enough");
    expect_news(kit, TW_NEWS_CLOSING);
    assert_int_equal(aspect->wait_from_ms, kit->when.now_ms);
    tw_aspects_told(kit->aspects, aspect, kit->when);
    expect_news(kit, TW_NEWS_CLOSED);
    assert_int_equal(aspect->incident.stage, TW_STAGE_QUIET);
    drop(kit);
}

/* What an event shows is to be confirmed by a scheduled run soon. */
static void a_failure_between_runs_asks_for_a_look(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    kit->scheduled = false;
    assert_true(find(kit, TW_LEVEL_FAIL, "", "down", "down"));
    assert_true(find(kit, TW_LEVEL_FAIL, "", "down", "down"));
    assert_false(find(kit, TW_LEVEL_UNKNOWN, "", "bad-status", "garbled"));
    expect_news(kit, TW_NEWS_NONE);
    kit->scheduled = true;
    assert_false(find(kit, TW_LEVEL_FAIL, "", "down", "down"));
    expect_news(kit, TW_NEWS_OPENED);
    kit->scheduled = false;
    assert_false(find(kit, TW_LEVEL_FAIL, "", "down", "down"));
    assert_false(find(kit, TW_LEVEL_OK, "", "ok", "up"));
    expect_news(kit, TW_NEWS_CLEARED);
    assert_false(find(kit, TW_LEVEL_OK, "", "ok", "up"));
    assert_false(find(kit, TW_LEVEL_WARN, "", "empty", "nothing"));
    drop(kit);
}

/* What cannot be known because another aspect fails: no line, no row of its own, and an incident
 * that is open stays so until it is seen well. */
static void what_is_not_known_says_nothing(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_NONE, "log", "not-looked", "the service is gone");
    assert_int_equal(tw_aspects_count(kit->aspects), 0);
    find(kit, TW_LEVEL_OK, "log", "ok", "up");
    find(kit, TW_LEVEL_NONE, "log", "not-looked", "the service is gone");
    find(kit, TW_LEVEL_OK, "log", "ok", "up");
    expect_lines(kit, "");
    expect_news(kit, TW_NEWS_NONE);
    find(kit, TW_LEVEL_FAIL, "log", "down", "down");
    expect_news(kit, TW_NEWS_OPENED);
    find(kit, TW_LEVEL_NONE, "log", "not-looked", "the service is gone");
    expect_news(kit, TW_NEWS_NONE);
    expect_lines(kit, "FAIL service.smtp/log: down\n");
    find(kit, TW_LEVEL_OK, "log", "ok", "up");
    expect_news(kit, TW_NEWS_CLEARED);
    drop(kit);
}

static void aspects_of_a_job_stand_side_by_side(void **state)
{
    (void)state;
    static const char *const jobs[] = {"service.b",   "service.a", "service.a.b",
                                       "service.a-b", "process.z", "service.a@b"};
    struct kit *kit = make(NULL);
    for (size_t i = 0; i < TW_COUNT(jobs); i++)
        for (int part = 2; part >= 0; part--) {
            static const char *const parts[] = {"", "log", "size"};
            tw_aspects_finding(kit->aspects, jobs[i],
                               &(struct tw_finding){TW_LEVEL_OK, parts[part], "ok", "well"}, true,
                               &kit->rule, kit->when);
        }
    assert_int_equal(tw_aspects_count(kit->aspects), 3 * TW_COUNT(jobs));
    for (size_t i = 0; i < TW_COUNT(jobs); i++) {
        size_t count;
        const size_t first = tw_aspects_of(kit->aspects, jobs[i], &count);
        assert_int_equal(count, 3);
        assert_string_equal(tw_aspects_at(kit->aspects, first)->name, jobs[i]);
        assert_string_equal(tw_aspects_at(kit->aspects, first + 1)->part, "log");
        assert_string_equal(tw_aspects_at(kit->aspects, first + 2)->part, "size");
    }
    size_t count;
    tw_aspects_of(kit->aspects, "service", &count);
    assert_int_equal(count, 0);
    assert_non_null(tw_aspects_find(kit->aspects, "service.a/log"));
    assert_null(tw_aspects_find(kit->aspects, "service.a/mode"));
    assert_null(tw_aspects_find(kit->aspects, "service.c"));
    assert_null(tw_aspects_find(kit->aspects, ""));
    assert_null(tw_aspects_find(kit->aspects, "/"));
    drop(kit);
}

static void the_sum(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_OK, "", "ok", "well");
    find(kit, TW_LEVEL_WARN, "a", "x", "so so");
    find(kit, TW_LEVEL_FAIL, "b", "x", "bad");
    find(kit, TW_LEVEL_FAIL, "c", "x", "bad");
    find(kit, TW_LEVEL_UNKNOWN, "d", "x", "no idea");
    const struct tw_aspect_counts sum = tw_aspects_sum(kit->aspects);
    assert_int_equal(sum.ok, 1);
    assert_int_equal(sum.warn, 1);
    assert_int_equal(sum.fail, 2);
    assert_int_equal(sum.unknown, 1);
    assert_int_equal(sum.incidents, 2);
    drop(kit);
}

static void all_of_a_job_is_said_on_demand(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_OK, "", "ok", "up");
    find(kit, TW_LEVEL_OK, "log", "ok", "up too");
    tw_aspects_say(kit->aspects, "service.smtp");
    tw_aspects_say(kit->aspects, "service.other");
    expect_lines(kit, "OK service.smtp: up\nOK service.smtp/log: up too\n");
    drop(kit);
}

/* ---- jobs that change or go --------------------------------------------------------------- */

static void a_dropped_job_closes_quietly(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    find(kit, TW_LEVEL_OK, "log", "ok", "up");
    expect_news(kit, TW_NEWS_OPENED);
    expect_lines(kit, "FAIL service.smtp: down\n");
    tw_aspects_job_gone(kit->aspects, "service.smt", kit->when);
    assert_int_equal(tw_aspects_count(kit->aspects), 2);
    tw_aspects_job_gone(kit->aspects, "service.smtp", kit->when);
    assert_int_equal(tw_aspects_count(kit->aspects), 0);
    expect_news(kit, TW_NEWS_CLEARED);
    expect_lines(kit, "");
    drop(kit);
}

static void under_new_settings_the_unsaid_is_dropped(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    find(kit, TW_LEVEL_FAIL, "log", "down", "down");
    tw_aspects_told(kit->aspects, tw_aspects_find(kit->aspects, "service.smtp/log"), kit->when);
    tw_aspects_job_ran(kit->aspects, "service.smtp", kit->when); /* nothing is stale yet */
    assert_int_equal(tw_aspects_count(kit->aspects), 2);
    tw_aspects_job_changed(kit->aspects, "service.smtp");
    assert_int_equal(tw_aspects_count(kit->aspects), 2);
    kit->news = 0;
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    tw_aspects_job_ran(kit->aspects, "service.smtp", kit->when);
    assert_int_equal(tw_aspects_count(kit->aspects), 1);
    assert_non_null(tw_aspects_find(kit->aspects, "service.smtp"));
    expect_news(kit, TW_NEWS_CLOSED);
    drop(kit);
}

/* ---- the daemon's own --------------------------------------------------------------------- */

static void own_aspects_are_seen_only_when_bad(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    tw_aspects_self(kit->aspects, "state", TW_LEVEL_OK, "ok", "written", kit->when);
    assert_int_equal(tw_aspects_count(kit->aspects), 0);
    for (int i = 0; i < 3; i++) /* the same again does nothing */
        tw_aspects_self(kit->aspects, "state", TW_LEVEL_FAIL, "cannot-write", "disk full",
                        kit->when);
    expect_lines(kit, "FAIL toaster-watcher/state: disk full\n");
    expect_news(kit, TW_NEWS_OPENED);
    tw_aspects_self(kit->aspects, "state", TW_LEVEL_FAIL, "cannot-write", "read-only", kit->when);
    assert_string_equal(tw_aspects_find(kit->aspects, "toaster-watcher/state")->text, "read-only");
    expect_lines(kit, "");
    for (int i = 0; i < 3; i++)
        tw_aspects_self(kit->aspects, "state", TW_LEVEL_OK, "ok", "written", kit->when);
    expect_lines(kit, "OK toaster-watcher/state: written (was fail for 0s)\n");
    expect_news(kit, TW_NEWS_CLEARED);
    drop(kit);
}

/* ---- the state ---------------------------------------------------------------------------- */

static struct tw_state_aspect row(void)
{
    return (struct tw_state_aspect){.aspect = "service.smtp/log",
                                    .job = "service.smtp",
                                    .level = TW_LEVEL_FAIL,
                                    .stage = TW_STAGE_TOLD,
                                    .since_s = 1799999000,
                                    .opened_s = 1799999001,
                                    .fails = 7,
                                    .code = "down",
                                    .text = "down for 3s"};
}

static void what_was_told_before_a_restart_is_not_told_again(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    const struct tw_state_aspect told = row();
    tw_aspects_restore(kit->aspects, &told, 77);
    const struct tw_aspect *aspect = tw_aspects_find(kit->aspects, "service.smtp/log");
    assert_non_null(aspect);
    assert_true(aspect->stale);
    assert_string_equal(aspect->part, "log");
    assert_int_equal(aspect->since_s, 1799999000);
    assert_int_equal(aspect->incident.opened_s, 1799999001);
    assert_int_equal(aspect->wait_from_ms, 77);
    find(kit, TW_LEVEL_FAIL, "log", "down", "down for 9s");
    assert_false(aspect->stale);
    assert_int_equal(aspect->incident.stage, TW_STAGE_TOLD);
    assert_int_equal(aspect->since_s, 1799999000);
    expect_lines(kit, "");
    expect_news(kit, TW_NEWS_NONE);
    tw_aspects_job_ran(kit->aspects, "service.smtp", kit->when);
    assert_int_equal(tw_aspects_count(kit->aspects), 1);
    drop(kit);
}

static void a_row_twice_counts_once(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    struct tw_state_aspect twice = row();
    tw_aspects_restore(kit->aspects, &twice, 0);
    twice.text = "another";
    tw_aspects_restore(kit->aspects, &twice, 0);
    assert_int_equal(tw_aspects_count(kit->aspects), 1);
    assert_string_equal(tw_aspects_at(kit->aspects, 0)->text, "down for 3s");
    drop(kit);
}

static void refused(struct tw_state_aspect bad)
{
    struct kit *kit = make(NULL);
    tw_aspects_restore(kit->aspects, &bad, 0);
    assert_int_equal(tw_aspects_count(kit->aspects), 0);
    drop(kit);
}

static void garbled_rows_are_passed_over(void **state)
{
    (void)state;
    static const int64_t numbers[] = {-1, 6, 1000, INT64_MIN, INT64_MAX, (int64_t)1 << 32 | 1};
    static const char *const names[] = {
        "", "service.smt", "service.smtp/", "service.smtpx", "process.x/log", "/log"};
    struct tw_state_aspect bad = row();
    for (size_t i = 0; i < TW_COUNT(numbers); i++) {
        bad = row();
        bad.level = numbers[i];
        refused(bad);
        bad = row();
        bad.stage = numbers[i];
        refused(bad);
    }
    bad = row();
    bad.level = TW_LEVEL_NONE;
    bad.aspect = bad.job; /* only others than the main one may have nothing to say */
    refused(bad);
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        bad = row();
        bad.aspect = names[i];
        refused(bad);
    }
}

/* Counters below zero would keep an incident from ever opening, or from ever closing. */
static void what_is_below_zero_is_passed_over(void **state)
{
    (void)state;
    struct tw_state_aspect bad = row();
    bad.fails = -1;
    refused(bad);
    bad = row();
    bad.oks = INT64_MIN;
    refused(bad);
    bad = row();
    bad.unknowns = -5;
    refused(bad);
    bad = row();
    bad.since_s = -1;
    refused(bad);
    bad = row();
    bad.opened_s = INT64_MIN;
    refused(bad);
    bad = row();
    bad.closed_s = INT64_MIN;
    refused(bad);
}

static void extreme_times_and_counters_do_no_harm(void **state)
{
    (void)state;
    static const int64_t extremes[] = {INT64_MAX, 0, 1};
    for (size_t i = 0; i < TW_COUNT(extremes); i++) {
        struct kit *kit = make(NULL);
        struct tw_state_aspect odd = row();
        odd.since_s = odd.opened_s = odd.closed_s = extremes[i];
        odd.fails = odd.oks = odd.unknowns = INT64_MAX;
        tw_aspects_restore(kit->aspects, &odd, 0);
        find(kit, TW_LEVEL_FAIL, "log", "down", "down");
        find(kit, TW_LEVEL_OK, "log", "ok", "up");
        find(kit, TW_LEVEL_UNKNOWN, "log", "no-answer", "no answer");
        find(kit, TW_LEVEL_FAIL, "log", "down", "down");
        assert_int_equal(tw_aspects_at(kit->aspects, 0)->level, TW_LEVEL_FAIL);
        drop(kit);
    }
}

/* A reader that keeps the one row there is. */
static void keep(void *context, const struct tw_state_aspect *found)
{
    tw_buf_printf(context, "%s of %s: %d %d [%s] [%s]\n", found->aspect, found->job,
                  (int)found->level, (int)found->stage, found->code, found->text);
}

static void pass_job(void *context, const struct tw_state_job *found)
{
    (void)context;
    (void)found;
}

static void pass_value(void *context, const char *key, const char *value)
{
    (void)context;
    (void)key;
    (void)value;
}

static void pass_letter(void *context, const char *id, const char *bytes, size_t length)
{
    (void)context;
    (void)id;
    (void)bytes;
    (void)length;
}

static void no_trouble(void *context, const char *text)
{
    (void)context;
    fail_msg("%s", text);
}

static struct tw_state *open_state(struct tw_buf *rows)
{
    const struct tw_state_reader reader = {keep,        pass_job,   pass_value,
                                           pass_letter, no_trouble, rows};
    char *here = getcwd(NULL, 0), *dir = tw_format("%s/state", here);
    struct tw_state *state = tw_state_open(dir, false, &reader);
    free(here);
    free(dir);
    return state;
}

static void changes_are_on_disk(void **state)
{
    (void)state;
    struct tw_buf rows = {0};
    struct tw_state *disk = open_state(&rows);
    struct tw_error e;
    assert_int_equal(tw_state_start(disk, &e), 0);
    struct kit *kit = make(disk);
    find(kit, TW_LEVEL_FAIL, "", "down", "down for 3s");
    find(kit, TW_LEVEL_FAIL, "gone", "x", "x");
    find(kit, TW_LEVEL_OK, "log", "ok", "up");
    tw_aspects_told(kit->aspects, tw_aspects_find(kit->aspects, "service.smtp"), kit->when);
    tw_aspects_job_changed(kit->aspects, "service.smtp");
    find(kit, TW_LEVEL_FAIL, "", "down", "down for 4s");
    find(kit, TW_LEVEL_OK, "log", "ok", "up");
    tw_aspects_job_ran(kit->aspects, "service.smtp", kit->when);
    assert_true(tw_state_close(&disk, 30000));
    drop(kit);
    disk = open_state(&rows);
    assert_true(tw_state_close(&disk, 30000));
    assert_string_equal(tw_buf_text(&rows),
                        "service.smtp of service.smtp: 3 3 [down] [down for 3s]\n"
                        "service.smtp/log of service.smtp: 1 0 [ok] [up]\n");
    tw_buf_free(&rows);
}

/* Letters may be held back for an hour: a failure that ended meanwhile is told all the same. */
static void what_ends_unwritten_after_long_is_told(void **state)
{
    (void)state;
    struct kit *kit = make(NULL);
    tw_aspects_patience(kit->aspects, 80000);
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    expect_news(kit, TW_NEWS_OPENED);
    kit->when.now_ms += 70000;
    find(kit, TW_LEVEL_OK, "", "ok", "up");
    expect_news(kit, TW_NEWS_CLEARED);
    find(kit, TW_LEVEL_FAIL, "", "down", "down");
    expect_news(kit, TW_NEWS_OPENED);
    struct tw_aspect *aspect = tw_aspects_at(kit->aspects, 0);
    const int64_t opened_s = aspect->incident.opened_s;
    kit->when.now_ms += 80001;
    kit->when.now_s += 80;
    find(kit, TW_LEVEL_OK, "", "ok", "up");
    expect_news(kit, TW_NEWS_CLOSING);
    assert_int_equal(aspect->incident.stage, TW_STAGE_CLOSING);
    assert_int_equal(aspect->incident.opened_s, opened_s);
    assert_true(aspect->incident.closed_s >= opened_s + 80);
    tw_aspects_told(kit->aspects, aspect, kit->when);
    expect_news(kit, TW_NEWS_CLOSED);
    drop(kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_a_change_is_a_line),
        TEST(bad_when_first_seen_is_a_line),
        TEST(a_recovery_says_how_long_it_was),
        TEST(what_comes_from_outside_is_escaped),
        TEST(the_rule_decides_when_it_opens),
        TEST(a_failure_between_runs_asks_for_a_look),
        TEST(what_is_not_known_says_nothing),
        TEST(aspects_of_a_job_stand_side_by_side),
        TEST(the_sum),
        TEST(all_of_a_job_is_said_on_demand),
        TEST(a_dropped_job_closes_quietly),
        TEST(under_new_settings_the_unsaid_is_dropped),
        TEST(own_aspects_are_seen_only_when_bad),
        TEST(what_was_told_before_a_restart_is_not_told_again),
        TEST(a_row_twice_counts_once),
        TEST(garbled_rows_are_passed_over),
        TEST(what_is_below_zero_is_passed_over),
        TEST(extreme_times_and_counters_do_no_harm),
        TEST(what_ends_unwritten_after_long_is_told),
        TEST(changes_are_on_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
