/* The parent's side of toaster-worker, against the real one and against one that misbehaves: this
 * program itself, which does what the request says when it is started as toaster-worker. */
#include "workers_kit.h"

/* ---- one that misbehaves ------------------------------------------------------------------ */

/* No answer took so long that another worker may have come to help. */
static bool all_were_quick(const struct kit *kit)
{
    for (size_t i = 0; i < kit->count; i++)
        if (kit->asks[i].begun && kit->asks[i].ended_ms - kit->asks[i].begun_ms >= QUICK_MS)
            return false;
    return true;
}

static bool same_worker(const struct ask *a, const struct ask *b)
{
    return strcmp(tw_buf_text(&a->text), tw_buf_text(&b->text)) == 0;
}

static size_t count_workers(const struct kit *kit)
{
    size_t count = 0;
    for (size_t i = 0; i < kit->count; i++) {
        size_t k = 0;
        while (!same_worker(&kit->asks[k], &kit->asks[i]))
            k++;
        count += k == i;
    }
    return count;
}

static void many_share_one_worker(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < 500; i++)
        submit(kit, "ok", LONG_MS, false);
    assert_int_equal(tw_workers_open(kit->workers), 500);
    run_until(kit, all_ended);
    for (size_t i = 0; i < 500; i++)
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
    assert_in_range(count_workers(kit), 1, all_were_quick(kit) ? 1 : SLOTS);
    drop(kit);
}

/* One that starts, and each that is started to help it: they serve on, however slow they were. */
static void slow_starts_are_no_more_than_the_slots(void **state)
{
    (void)state;
    char *self = self_path();
    char *script = tw_format(
        "#!/bin/bash\necho >>started\nsleep 0.3\nexec -a toaster-worker %s \"$1\"\n", self);
    put_text("slow", script);
    chmod("slow", 0755);
    struct kit *kit = make(tw_strdup("./slow"));
    for (int i = 0; i < 500; i++)
        submit(kit, i % 100 == 99 ? "slow 300" : "ok", LONG_MS, false);
    run_until(kit, all_ended);
    for (size_t i = 0; i < 500; i++)
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
    struct stat st; /* a byte of each */
    assert_int_equal(stat("started", &st), 0);
    assert_in_range(st.st_size, 1, SLOTS);
    free(script);
    free(self);
    drop(kit);
}

static void what_is_alone_shares_nothing(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *shared = submit(kit, "ok", LONG_MS, false);
    const struct ask *one = submit(kit, "ok", LONG_MS, true);
    const struct ask *two = submit(kit, "ok", LONG_MS, true);
    run_until(kit, all_ended);
    assert_string_not_equal(tw_buf_text(&one->text), tw_buf_text(&two->text));
    assert_string_not_equal(tw_buf_text(&one->text), tw_buf_text(&shared->text));
    drop(kit);
}

/* Each kind of misbehaviour: what its request becomes. The good ones around it go on. */
static void one_that_misbehaves_takes_none_with_it(void **state)
{
    (void)state;
    static const struct {
        const char *what;
        int64_t timeout_ms;
        enum tw_outcome outcome;
        const char *detail;
    } cases[] = {
        {"exit", LONG_MS, TW_OUTCOME_DIED, "its worker ended with exit code 3"},
        {"killed", LONG_MS, TW_OUTCOME_DIED, "its worker was killed by signal 9"},
        {"half and exit", LONG_MS, TW_OUTCOME_DIED, "its worker ended with exit code 0"},
        {"garbage", LONG_MS, TW_OUTCOME_DIED, "its worker spoke nonsense"},
        {"huge", LONG_MS, TW_OUTCOME_DIED, "its worker spoke nonsense"},
        {"empty", LONG_MS, TW_OUTCOME_DIED, "its worker spoke nonsense"},
        {"flood", LONG_MS, TW_OUTCOME_DIED, "its worker said more than it may"},
        {"flood bytes", LONG_MS, TW_OUTCOME_DIED, "its worker spoke nonsense"},
        {"hang", SHORT_MS, TW_OUTCOME_TIMEOUT, "no answer within 1 s"},
        {"half", SHORT_MS, TW_OUTCOME_TIMEOUT, "no answer within 1 s"},
        {"ignore", SHORT_MS, TW_OUTCOME_TIMEOUT, "no answer within 1 s"},
        {"stopped", SHORT_MS, TW_OUTCOME_TIMEOUT, "no answer within 1 s"},
        {"close", LONG_MS, TW_OUTCOME_DIED, "its worker closed the conversation"},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct kit *kit = make_bad();
        const struct ask *before = submit(kit, "ok", LONG_MS, false);
        const struct ask *bad = submit(kit, cases[i].what, cases[i].timeout_ms, false);
        const struct ask *after = submit(kit, "ok", LONG_MS, false);
        const struct ask *last = submit(kit, "ok", LONG_MS, false);
        run_until(kit, all_ended);
        expect(before, TW_OUTCOME_DONE, "");
        expect(bad, cases[i].outcome, cases[i].detail);
        expect(after, TW_OUTCOME_DONE, "");
        expect(last, TW_OUTCOME_DONE, "");
        assert_true(same_worker(after, last) || after->ended_ms - after->begun_ms >= QUICK_MS);
        drop(kit);
    }
}

/* Far longer than its timeout, and more frames than it may report; those behind it do not wait. */
static void progress_moves_the_deadline(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *steady = submit(kit, "steady 60", 3000, false);
    const struct ask *after = submit(kit, "ok", LONG_MS, false);
    run_until(kit, all_ended);
    expect(steady, TW_OUTCOME_DONE, "");
    expect(after, TW_OUTCOME_DONE, "");
    assert_true(after->ended_ms < steady->ended_ms);
    assert_string_not_equal(tw_buf_text(&steady->text), tw_buf_text(&after->text));
    drop(kit);
}

static struct ask *submit_long(struct kit *kit, const char *what)
{
    struct tw_request request = {.timeout_ms = LONG_MS, .may_last = true, .reports_max = 50};
    struct tw_frame_writer w = tw_frame_begin(&request.frame, 1);
    tw_frame_put_text(&w, what);
    tw_frame_end(&w);
    return put(kit, &request);
}

/* However many there are, and however long they take: they wait for each other, nobody else does.
 */
static void those_that_last_take_no_more_than_two_workers(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    struct ask *longer[5];
    for (size_t i = 0; i < TW_COUNT(longer); i++)
        longer[i] = submit_long(kit, "steady 20");
    const struct ask *other = submit(kit, "ok", LONG_MS, false);
    run_until(kit, all_ended);
    expect(other, TW_OUTCOME_DONE, "");
    for (size_t i = 0; i < TW_COUNT(longer); i++) {
        expect(longer[i], TW_OUTCOME_DONE, "");
        assert_true(other->ended_ms < longer[i]->ended_ms);
        size_t beside = 0;
        for (size_t k = 0; k < TW_COUNT(longer); k++)
            beside += longer[k]->begun_ms < longer[i]->ended_ms &&
                      longer[k]->ended_ms > longer[i]->ended_ms;
        assert_true(beside < 2);
    }
    drop(kit);
}

static void a_flood_is_bounded(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *bad = submit(kit, "flood", LONG_MS, false);
    run_until(kit, all_ended);
    assert_int_equal(bad->reports, 50);
    drop(kit);
}

static void what_it_says_at_its_death_is_told(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *bad = submit(kit, "complain", LONG_MS, false);
    run_until(kit, all_ended);
    expect(bad, TW_OUTCOME_DIED, "its worker ended with exit code 4: out of cheese");
    drop(kit);
}

/* More said after the end: nothing that came from it can be trusted. */
static void an_end_too_many(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *bad = submit(kit, "twice", LONG_MS, true);
    run_until(kit, all_ended);
    assert_true(bad->outcome == TW_OUTCOME_DIED || bad->outcome == TW_OUTCOME_DONE);
    const struct ask *good = submit(kit, "ok", LONG_MS, false);
    run_until(kit, all_ended);
    expect(good, TW_OUTCOME_DONE, "");
    drop(kit);
}

/* The next request may have been sent already, and dies with it; its own answer counts, and nothing
 * is lost. */
static void one_that_dies_after_its_answer(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < 20; i++) {
        submit(kit, "end and exit", LONG_MS, i % 2);
        submit(kit, "ok", LONG_MS, false);
    }
    run_until(kit, all_ended);
    size_t done = 0;
    for (size_t i = 0; i < kit->count; i++) {
        const struct ask *ask = &kit->asks[i];
        done += ask->outcome == TW_OUTCOME_DONE;
        if (ask->outcome != TW_OUTCOME_DONE)
            expect(ask, TW_OUTCOME_DIED, "its worker ended with exit code 0");
        assert_true(ask->reports == 0 || ask->outcome == TW_OUTCOME_DONE);
    }
    assert_true(done >= kit->count / 2);
    drop(kit);
}

static void a_grandchild_that_holds_the_pipe_is_ended(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *bad = submit(kit, "grandchild", LONG_MS, false);
    const struct ask *late = submit(kit, "grandchild after all", LONG_MS, true);
    const struct ask *good = submit(kit, "ok", LONG_MS, true);
    run_until(kit, all_ended);
    expect(bad, TW_OUTCOME_DIED, "its worker ended with exit code 0");
    expect(late, TW_OUTCOME_DONE, "");
    expect(good, TW_OUTCOME_DONE, "");
    run_until(kit, all_closed);
    reap_grandchild(bad, SIGKILL);
    reap_grandchild(late, SIGKILL);
    drop(kit);
}

/* One that left the group cannot be ended, but holds nothing up. */
static void a_grandchild_out_of_the_group_holds_nothing_up(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *bad = submit(kit, "stray grandchild", LONG_MS, false);
    run_until(kit, all_ended);
    expect(bad, TW_OUTCOME_DIED, "its worker ended with exit code 0");
    run_until(kit, all_closed);
    kill((pid_t)strtol(tw_buf_text(&bad->text), NULL, 10), SIGTERM);
    reap_grandchild(bad, SIGTERM);
    drop(kit);
}

static bool one_is_stuck(struct kit *kit)
{
    return tw_workers_stuck(kit->workers) == 1;
}

static bool none_is_stuck(struct kit *kit)
{
    return tw_workers_stuck(kit->workers) == 0;
}

/* The worker is dead, but not what it has begun: the next run would only begin another. */
static void a_child_that_outlives_its_worker_still_counts(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    const struct ask *bad = submit_for(kit, "a", "one that stays", 3000, false);
    run_until(kit, all_ended);
    expect(bad, TW_OUTCOME_TIMEOUT, "no answer within 3 s");
    run_until(kit, one_is_stuck);
    run_until(kit, all_closed);
    for (int i = 0; i < 2; i++) {
        const struct ask *again = submit_for(kit, "a", "ok", LONG_MS, i);
        const struct ask *other = submit_for(kit, "b", "slow 1500", LONG_MS, i);
        run_until(kit, all_ended);
        expect(again, TW_OUTCOME_TIMEOUT, "its last run still hangs and cannot be killed");
        expect(other, TW_OUTCOME_DONE, "");
        assert_true(one_is_stuck(kit)); /* looked at meanwhile */
    }
    const pid_t parent = (pid_t)strtol(tw_buf_text(&bad->text), NULL, 10);
    assert_true(parent > 1);
    kill(parent, SIGTERM);
    reap_grandchild(bad, SIGTERM);
    run_until(kit, none_is_stuck);
    const struct ask *last = submit_for(kit, "a", "ok", LONG_MS, false);
    run_until(kit, all_ended);
    expect(last, TW_OUTCOME_DONE, "");
    drop(kit);
}

/* Ten with one that hangs: the other nine do not wait for its deadline. */
static void one_of_ten_hangs(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < 10; i++)
        submit(kit, i == 3 ? "ignore" : "ok", i == 3 ? 6000 : LONG_MS, false);
    run_until(kit, all_ended);
    for (size_t i = 0; i < 10; i++) {
        if (i == 3)
            expect(&kit->asks[i], TW_OUTCOME_TIMEOUT, "no answer within 6 s");
        else
            expect(&kit->asks[i], TW_OUTCOME_DONE, "");
        assert_true(i == 3 || kit->asks[i].ended_ms < kit->asks[3].ended_ms);
    }
    drop(kit);
}

static size_t under_way(const struct kit *kit)
{
    size_t count = 0;
    for (size_t i = 0; i < kit->count; i++)
        count += kit->asks[i].begun && !kit->asks[i].ended;
    return count;
}

static bool slots_are_full(struct kit *kit)
{
    return under_way(kit) == SLOTS;
}

static bool more_than_half_ended(struct kit *kit)
{
    assert_true(under_way(kit) <= SLOTS);
    return tw_workers_open(kit->workers) <= kit->count / 2;
}

/* Those that hang take no slot for longer than their deadline. */
static void slots_are_bounded_and_not_lost(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < SLOTS + 2; i++)
        submit(kit, "ignore", 3000, false);
    run_until(kit, slots_are_full);
    run_until(kit, more_than_half_ended);
    run_until(kit, all_ended);
    for (size_t i = 0; i < kit->count; i++)
        expect(&kit->asks[i], TW_OUTCOME_TIMEOUT, "no answer");
    for (int i = 0; i < SLOTS; i++)
        submit(kit, "slow 3000", LONG_MS, false);
    run_until(kit, slots_are_full); /* all of them are there again */
    run_until(kit, all_ended);
    for (size_t i = SLOTS + 2; i < kit->count; i++)
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
    drop(kit);
}

/* Those that are let go hold no slot, even if they do not exit as they should. */
static void the_queue_does_not_wait_for_an_exit(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < SLOTS; i++)
        submit(kit, "slow, then ignore", LONG_MS, false);
    run_until(kit, slots_are_full);
    run_until(kit, all_ended);
    const int64_t asked_ms = tw_loop_now_ms(kit->loop);
    const struct ask *last = submit(kit, "ok", LONG_MS, false);
    run_until(kit, all_ended);
    expect(last, TW_OUTCOME_DONE, "");
    for (int i = 0; i < SLOTS; i++) {
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
        if (last->ended_ms - asked_ms > 1000)
            continue;        /* so late that it may have been killed meanwhile */
        struct tw_proc proc; /* it is there still */
        const pid_t pid = (pid_t)strtol(tw_buf_text(&kit->asks[i].text), NULL, 10);
        assert_int_equal(tw_proc_read("/proc", pid, &proc), 0);
        assert_int_not_equal(proc.state, 'Z');
    }
    drop(kit);
}

static void an_end_may_ask_for_more(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    submit(kit, "ok", LONG_MS, false)->submit_more = true;
    submit(kit, "exit", LONG_MS, false)->submit_more = true;
    submit(kit, "hang", SHORT_MS, true)->submit_more = true;
    run_until(kit, all_ended);
    assert_int_equal(kit->count, 6);
    drop(kit);
}

static void a_large_request_is_no_trouble(void **state)
{
    (void)state;
    put_text("deaf", "#!/bin/sh\nexec sleep 10000\n");
    chmod("deaf", 0755);
    struct kit *kit = make_bad();
    char *large = tw_alloc(900001);
    memset(large, 'x', 900000);
    const struct ask *taken = submit(kit, large, LONG_MS, true); /* not known: only the end */
    run_until(kit, all_ended);
    expect(taken, TW_OUTCOME_DONE, "");
    drop(kit);
    kit = make(tw_strdup("./deaf"));
    const struct ask *unread = submit(kit, large, SHORT_MS, false);
    run_until(kit, all_ended);
    expect(unread, TW_OUTCOME_TIMEOUT, "no answer");
    free(large);
    drop(kit);
}

static void programs_that_do_not_start(void **state)
{
    (void)state;
    put_text("garbage", "\x7f garbage");
    put_text("plain", "#!/bin/sh\n");
    put_text("exits", "#!/bin/sh\nexit 7\n");
    put_text("no-interpreter", "#!/no/such/interpreter\n");
    chmod("garbage", 0755);
    chmod("exits", 0755);
    chmod("no-interpreter", 0755);
    static const struct {
        const char *program;
        enum tw_outcome outcome;
        const char *detail;
    } cases[] = {
        {"nowhere", TW_OUTCOME_NO_WORKER, "cannot start nowhere: No such file"},
        {"plain", TW_OUTCOME_NO_WORKER, "cannot start plain: Permission denied"},
        {"garbage", TW_OUTCOME_NO_WORKER, "cannot start garbage: Exec format error"},
        {"no-interpreter", TW_OUTCOME_NO_WORKER, "cannot start no-interpreter: No such file"},
        {"exits", TW_OUTCOME_DIED, "its worker ended with exit code 7"},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct kit *kit = make(tw_strdup(cases[i].program));
        for (int k = 0; k < 20; k++)
            submit(kit, "ok", LONG_MS, k % 2);
        run_until(kit, all_ended);
        for (size_t k = 0; k < kit->count; k++)
            expect(&kit->asks[k], cases[i].outcome, cases[i].detail);
        drop(kit);
    }
}

static bool some_begun(struct kit *kit)
{
    return under_way(kit) >= 2;
}

/* At the end of the daemon all are told, once, and nothing goes on. */
static void the_end_cancels_all(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    submit(kit, "ignore", LONG_MS, true);
    submit(kit, "hang", LONG_MS, false);
    for (int i = 0; i < 10; i++)
        submit(kit, "ok", LONG_MS, false);
    run_until(kit, some_begun);
    tw_workers_free(&kit->workers);
    assert_null(kit->workers);
    assert_int_equal(count_files(), kit->files);
    for (size_t i = 0; i < 2; i++)
        expect(&kit->asks[i], TW_OUTCOME_CANCELLED, "stopped");
    for (size_t i = 0; i < kit->count; i++) {
        assert_int_equal(kit->asks[i].ended, 1);
        free(kit->asks[i].detail);
        tw_buf_free(&kit->asks[i].text);
    }
    for (int status; waitpid(-1, &status, 0) > 0;)
        assert_true(WIFSIGNALED(status) || WIFEXITED(status));
    tw_timer_free(&kit->step);
    tw_loop_free(&kit->loop);
    free(kit->program);
    free(kit);
}

/* ---- the real one ------------------------------------------------------------------------- */

static struct ask *submit_file(struct kit *kit, const char *path, const char *aspect)
{
    struct tw_request request = {.timeout_ms = LONG_MS, .reports_max = TW_WIRE_REPORTS_MAX};
    const struct tw_kind *kind = tw_kind_find("file");
    const struct tw_places places = {
        .qmail_dir = "/q", .service_dir = "/s", .log_dir = "/l", .proc_root = "/proc"};
    const struct tw_run run = {.name = "file.x",
                               .title = "x",
                               .places = &places,
                               .now_s = 1800000000,
                               .memory = "",
                               .settings = tw_alloc(kind->settings_size)};
    void *settings = (void *)run.settings;
    tw_options_init(kind->options, settings);
    assert_int_equal(tw_options_set(kind->options, settings, "path", &path, 1, NULL), 0);
    tw_wire_put_run(&request.frame, &run, kind, 1, aspect);
    tw_options_free(kind->options, settings);
    free(settings);
    return put(kit, &request);
}

static bool there_is_none(const char *program)
{
    return access(program, X_OK) != 0;
}

/* `report` above takes text and ends alone: a finding is what it calls nonsense, and here that
 * shows that one came. */
static void the_real_worker_answers(void **state)
{
    (void)state;
    char *program = real_worker();
    if (there_is_none(program)) {
        free(program);
        skip();
    }
    struct kit *kit = make(program);
    for (int i = 0; i < 300; i++)
        submit_file(kit, "/etc/passwd", "size"); /* evidence: kind file has none, so only the end */
    run_until(kit, all_ended);
    for (size_t i = 0; i < kit->count; i++) {
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
        assert_int_equal(kit->asks[i].reports, 1);
    }
    const struct ask *finding = submit_file(kit, "/etc/passwd", NULL);
    run_until(kit, all_ended);
    expect(finding, TW_OUTCOME_DIED, "its worker spoke nonsense");
    drop(kit);
}

static void the_real_worker_refuses_nonsense(void **state)
{
    (void)state;
    char *program = real_worker();
    if (there_is_none(program)) {
        free(program);
        skip();
    }
    struct kit *kit = make(program);
    const struct ask *bad = submit(kit, "no kind", LONG_MS, false);
    const struct ask *good = submit_file(kit, "/etc/passwd", "size");
    run_until(kit, all_ended);
    expect(bad, TW_OUTCOME_DIED, "its worker ended with exit code 111");
    expect(good, TW_OUTCOME_DONE, "");
    drop(kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[0], "toaster-worker") == 0)
        be_a_worker();
    const struct CMUnitTest tests[] = {
        TEST(many_share_one_worker),
        TEST(slow_starts_are_no_more_than_the_slots),
        TEST(what_is_alone_shares_nothing),
        TEST(one_that_misbehaves_takes_none_with_it),
        TEST(progress_moves_the_deadline),
        TEST(those_that_last_take_no_more_than_two_workers),
        TEST(a_flood_is_bounded),
        TEST(what_it_says_at_its_death_is_told),
        TEST(an_end_too_many),
        TEST(one_that_dies_after_its_answer),
        TEST(a_grandchild_that_holds_the_pipe_is_ended),
        TEST(a_grandchild_out_of_the_group_holds_nothing_up),
        TEST(a_child_that_outlives_its_worker_still_counts),
        TEST(one_of_ten_hangs),
        TEST(slots_are_bounded_and_not_lost),
        TEST(the_queue_does_not_wait_for_an_exit),
        TEST(an_end_may_ask_for_more),
        TEST(a_large_request_is_no_trouble),
        TEST(programs_that_do_not_start),
        TEST(the_end_cancels_all),
        TEST(the_real_worker_answers),
        TEST(the_real_worker_refuses_nonsense),
    };
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
