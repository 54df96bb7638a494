/* The parent's side of toaster-worker, against the real one and against one that misbehaves: this
 * program itself, which does what the request says when it is started as toaster-worker. */
#include "toaster/scratch.h"

#include <dirent.h>
#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>

#include "kinds/wire.h"
#include "toaster/procfs.h"
#include "watcher/worker.h"

enum { SLOTS = 4, STEP_MS = 5, LIMIT_MS = 60000, LONG_MS = 30000, SHORT_MS = 700 };

/* ---- the worker that misbehaves ----------------------------------------------------------- */

static void say(const void *bytes, size_t length)
{
    if (tw_write_all(STDOUT_FILENO, bytes, length) != 0)
        _exit(9);
}

static void say_frame(uint8_t type, const char *text, int64_t number)
{
    struct tw_buf out = {0};
    struct tw_frame_writer w = tw_frame_begin(&out, type);
    if (text)
        tw_frame_put_text(&w, text);
    else
        tw_frame_put_number(&w, number);
    tw_frame_end(&w);
    say(out.data, out.len);
    tw_buf_free(&out);
}

static void say_pid(pid_t pid)
{
    char text[24];
    snprintf(text, sizeof text, "%d", (int)pid);
    say_frame(TW_WIRE_TEXT, text, 0);
}

static void say_end(void)
{
    say_frame(TW_WIRE_END, NULL, 0);
}

static void hang(void)
{
    for (;;)
        pause();
}

/* A grandchild that holds the pipe, in the group or out of it. */
static void leave_a_grandchild(bool own_group)
{
    const pid_t pid = fork();
    if (pid == 0) {
        if (own_group)
            setpgid(0, 0);
        alarm(20); /* should nobody end it */
        hang();
    }
    say_pid(pid);
}

static void flood(bool with_frames)
{
    char chunk[4096];
    memset(chunk, 'x', sizeof chunk);
    for (;;)
        if (with_frames)
            say_frame(TW_WIRE_TEXT, "x", 0);
        else
            say(chunk, sizeof chunk);
}

static void misbehave(const char *what)
{
    if (strcmp(what, "ok") == 0) {
        say_pid(getpid());
    } else if (strncmp(what, "slow ", 5) == 0) {
        const long ms = strtol(what + 5, NULL, 10);
        nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
        say_pid(getpid());
    } else if (strcmp(what, "exit") == 0) {
        _exit(3);
    } else if (strcmp(what, "complain") == 0) {
        fputs("out of cheese", stderr);
        _exit(4);
    } else if (strcmp(what, "killed") == 0) {
        kill(getpid(), SIGKILL);
    } else if (strcmp(what, "hang") == 0) {
        hang();
    } else if (strcmp(what, "ignore") == 0) {
        signal(SIGTERM, SIG_IGN);
        hang();
    } else if (strcmp(what, "stopped") == 0) {
        kill(getpid(), SIGSTOP);
    } else if (strcmp(what, "garbage") == 0) {
        say("\x20\0\0\0\x09garbage garbage garbage garbage", 37);
        hang();
    } else if (strcmp(what, "huge") == 0) {
        say("\xff\xff\xff\xff", 4);
        hang();
    } else if (strcmp(what, "empty") == 0) {
        say("\0\0\0\0", 4);
        hang();
    } else if (strcmp(what, "half") == 0) {
        say("\x10\0\0\0\x0b", 5);
        hang();
    } else if (strcmp(what, "half and exit") == 0) {
        say("\x10\0\0\0\x0b", 5);
        _exit(0);
    } else if (strcmp(what, "flood") == 0) {
        flood(true);
    } else if (strcmp(what, "flood bytes") == 0) {
        flood(false);
    } else if (strcmp(what, "close") == 0) {
        close(STDOUT_FILENO);
        hang();
    } else if (strcmp(what, "grandchild") == 0 || strcmp(what, "stray grandchild") == 0) {
        leave_a_grandchild(what[0] == 's');
        _exit(0);
    } else if (strcmp(what, "grandchild after all") == 0) {
        leave_a_grandchild(false);
    } else if (strcmp(what, "twice") == 0) {
        say_end();
    } else if (strcmp(what, "end and exit") == 0) {
        say_pid(getpid());
        say_end();
        _exit(0);
    } else if (strcmp(what, "slow, then ignore") == 0) {
        nanosleep(&(struct timespec){1, 500000000}, NULL);
        say_pid(getpid());
        say_end();
        signal(SIGTERM, SIG_IGN);
        hang();
    }
    say_end();
}

/* Takes one request after the other; each is a frame with one text. No look for leaks at its end:
 * that starts a process, which would outlive it if it is killed just then. */
static void be_a_worker(void)
{
    struct tw_buf in = {0};
    char chunk[65536];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (ssize_t n; (n = read(STDIN_FILENO, chunk, sizeof chunk)) > 0;) {
        tw_buf_add(&in, chunk, (size_t)n);
        size_t position = 0;
        struct tw_frame frame;
        while (tw_frame_next(&in, &position, TW_WIRE_REQUEST_MAX, &frame) == 1) {
            char *what = tw_frame_text(&frame, TW_WIRE_REQUEST_MAX);
            misbehave(what);
            free(what);
        }
        tw_buf_consume(&in, position);
    }
    _exit(0);
}

/* ---- the parent --------------------------------------------------------------------------- */

struct ask {
    size_t begun, ended, reports;
    enum tw_outcome outcome;
    char *detail;
    struct tw_buf text;
    int64_t begun_ms, ended_ms;
    struct kit *kit;
    bool submit_more; /* from its end, as a job's next run may */
};

struct kit {
    struct tw_loop *loop;
    struct tw_workers *workers;
    struct tw_timer *step;
    char *program;
    size_t files; /* open before */
    int64_t until_ms;
    bool (*until)(struct kit *kit);
    struct ask asks[600];
    size_t count;
};

static size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static void begun(void *context)
{
    struct ask *ask = context;
    assert_int_equal(ask->ended, 0);
    ask->begun++;
    ask->begun_ms = tw_loop_now_ms(ask->kit->loop);
}

static int report(void *context, struct tw_frame *frame)
{
    struct ask *ask = context;
    assert_in_range(ask->begun, 1, 2);
    assert_int_equal(ask->ended, 0);
    ask->reports++;
    if (frame->type == TW_WIRE_END)
        return tw_frame_number(frame) == 0 && tw_frame_done(frame) ? 1 : -1;
    char *text = tw_frame_text(frame, TW_WIRE_TEXT_MAX);
    tw_buf_puts(&ask->text, text);
    free(text);
    return frame->type == TW_WIRE_TEXT && tw_frame_done(frame) ? 0 : -1;
}

static struct ask *submit(struct kit *kit, const char *what, int64_t timeout_ms, bool alone);

static void ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct ask *ask = context;
    assert_non_null(detail);
    ask->ended++;
    ask->outcome = outcome;
    free(ask->detail);
    ask->detail = tw_strdup(detail);
    ask->ended_ms = tw_loop_now_ms(ask->kit->loop);
    if (ask->submit_more)
        submit(ask->kit, "ok", LONG_MS, false);
}

static struct ask *put(struct kit *kit, struct tw_request *request)
{
    assert_true(kit->count < TW_COUNT(kit->asks));
    struct ask *ask = &kit->asks[kit->count++];
    ask->kit = kit;
    request->context = ask;
    request->begun = begun;
    request->report = report;
    request->ended = ended;
    tw_workers_submit(kit->workers, request);
    assert_int_equal(ask->ended, 0);
    return ask;
}

static struct ask *submit(struct kit *kit, const char *what, int64_t timeout_ms, bool alone)
{
    struct tw_request request = {.timeout_ms = timeout_ms, .alone = alone, .reports_max = 50};
    struct tw_frame_writer w = tw_frame_begin(&request.frame, TW_WIRE_RUN);
    tw_frame_put_text(&w, what);
    tw_frame_end(&w);
    return put(kit, &request);
}

static char *self_path(void)
{
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(length > 0);
    return tw_strndup(path, (size_t)length);
}

/* Programs stand in BUILD/bin, tests in BUILD/tests. */
static char *real_worker(void)
{
    char *self = self_path();
    *strrchr(self, '/') = '\0';
    *strrchr(self, '/') = '\0';
    char *path = tw_format("%s/bin/toaster-worker", self);
    free(self);
    return path;
}

static void step(void *context)
{
    struct kit *kit = context;
    if (kit->until(kit) || tw_loop_now_ms(kit->loop) > kit->until_ms)
        tw_loop_stop(kit->loop);
    else
        tw_timer_set(kit->step, STEP_MS);
}

/* Runs the loop until the condition holds; fails if it never does. */
static void run_until(struct kit *kit, bool (*until)(struct kit *kit))
{
    kit->until = until;
    kit->until_ms = tw_loop_now_ms(kit->loop) + LIMIT_MS;
    tw_timer_set(kit->step, 0);
    tw_loop_run(kit->loop);
    assert_true(until(kit));
}

static bool all_ended(struct kit *kit)
{
    return tw_workers_open(kit->workers) == 0;
}

static bool all_closed(struct kit *kit)
{
    return count_files() == kit->files;
}

static struct kit *make(char *program)
{
    struct kit *kit = tw_alloc(sizeof *kit);
    kit->program = program;
    kit->loop = tw_loop_new();
    assert_non_null(kit->loop);
    kit->step = tw_timer_new(kit->loop, step, kit);
    kit->workers = tw_workers_new(kit->loop, program, SLOTS);
    kit->until = all_ended;
    /* libev makes its descriptors at the first turn. */
    tw_timer_set(kit->step, 0);
    tw_loop_run(kit->loop);
    kit->files = count_files();
    return kit;
}

static struct kit *make_bad(void)
{
    return make(self_path());
}

/* All is over: each request ended once, no worker or grandchild runs, no descriptor is left. */
static void drop(struct kit *kit)
{
    run_until(kit, all_ended);
    run_until(kit, all_closed);
    assert_int_equal(tw_workers_stuck(kit->workers), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* we also adopt what they leave behind */
    for (size_t i = 0; i < kit->count; i++) {
        assert_int_equal(kit->asks[i].ended, 1);
        assert_in_range(kit->asks[i].begun, 0, 2);
        free(kit->asks[i].detail);
        tw_buf_free(&kit->asks[i].text);
    }
    tw_workers_free(&kit->workers);
    tw_timer_free(&kit->step);
    tw_loop_free(&kit->loop);
    free(kit->program);
    free(kit);
}

static void expect(const struct ask *ask, enum tw_outcome outcome, const char *detail)
{
    if (ask->ended != 1 || ask->outcome != outcome || !strstr(ask->detail, detail))
        fail_msg("ended %zu times, outcome %d: %s", ask->ended, (int)ask->outcome,
                 ask->detail ? ask->detail : "");
}

static void reap_grandchild(const struct ask *ask, int signal)
{
    const pid_t pid = (pid_t)strtol(tw_buf_text(&ask->text), NULL, 10);
    int status = 0;
    assert_true(pid > 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

/* ---- one that misbehaves ------------------------------------------------------------------ */

static void many_share_one_worker(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < 500; i++)
        submit(kit, "ok", LONG_MS, false);
    assert_int_equal(tw_workers_open(kit->workers), 500);
    run_until(kit, all_ended);
    for (size_t i = 0; i < 500; i++) {
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
        assert_string_equal(tw_buf_text(&kit->asks[i].text), tw_buf_text(&kit->asks[0].text));
    }
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
        assert_string_equal(tw_buf_text(&after->text), tw_buf_text(&last->text));
        drop(kit);
    }
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

/* One that ended after its answer has not begun with the next request. */
static void a_request_is_not_given_to_the_dead(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < 20; i++) {
        submit(kit, "end and exit", LONG_MS, false);
        submit(kit, "ok", LONG_MS, false);
    }
    run_until(kit, all_ended);
    for (size_t i = 0; i < kit->count; i++)
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
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

/* Ten with one that hangs: the other nine do not wait for its deadline. */
static void one_of_ten_hangs(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < 10; i++)
        submit(kit, i == 3 ? "ignore" : "ok", 4000, false);
    run_until(kit, all_ended);
    for (size_t i = 0; i < 10; i++) {
        if (i == 3)
            expect(&kit->asks[i], TW_OUTCOME_TIMEOUT, "no answer within 4 s");
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
    for (int i = 0; i < 2 * SLOTS; i++)
        submit(kit, "ignore", SHORT_MS, false);
    run_until(kit, slots_are_full);
    run_until(kit, more_than_half_ended);
    run_until(kit, all_ended);
    for (size_t i = 0; i < kit->count; i++)
        expect(&kit->asks[i], TW_OUTCOME_TIMEOUT, "no answer");
    for (int i = 0; i < 2 * SLOTS; i++)
        submit(kit, "slow 600", LONG_MS, false);
    run_until(kit, slots_are_full); /* all of them are there again */
    run_until(kit, all_ended);
    for (size_t i = 2 * SLOTS; i < kit->count; i++)
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
    drop(kit);
}

/* Once it has answered, a slow one holds no slot, even if it does not exit as it should. */
static void the_queue_does_not_wait_for_an_exit(void **state)
{
    (void)state;
    struct kit *kit = make_bad();
    for (int i = 0; i < SLOTS; i++)
        submit(kit, "slow, then ignore", LONG_MS, false);
    run_until(kit, slots_are_full);
    const struct ask *last = submit(kit, "ok", LONG_MS, false);
    run_until(kit, all_ended);
    expect(last, TW_OUTCOME_DONE, "");
    for (int i = 0; i < SLOTS; i++) {
        expect(&kit->asks[i], TW_OUTCOME_DONE, "");
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
    const struct tw_places places = {"/q", "/s", "/l", "/proc"};
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
        TEST(what_is_alone_shares_nothing),
        TEST(one_that_misbehaves_takes_none_with_it),
        TEST(a_flood_is_bounded),
        TEST(what_it_says_at_its_death_is_told),
        TEST(an_end_too_many),
        TEST(a_request_is_not_given_to_the_dead),
        TEST(a_grandchild_that_holds_the_pipe_is_ended),
        TEST(a_grandchild_out_of_the_group_holds_nothing_up),
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
