/* For the tests of workers: requests with all that becomes of them written down, and the promise
 * that in the end nothing runs on and no descriptor is left. */
#ifndef TEST_WATCHER_WORKERS_KIT_H
#define TEST_WATCHER_WORKERS_KIT_H

#include "misbehave.h"

#include <dirent.h>
#include <limits.h>

#include "toaster/procfs.h"
#include "watcher/worker.h"

/* SHORT_MS is for one who never answers: a worker's start may take as long. What is answered within
 * QUICK_MS is not slow. */
enum {
    SLOTS = 4,
    STEP_MS = 5,
    LIMIT_MS = 60000 * PATIENCE,
    LONG_MS = 30000 * PATIENCE,
    SHORT_MS = 700,
    QUICK_MS = 150
};

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

static inline size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static inline void begun(void *context)
{
    struct ask *ask = context;
    assert_int_equal(ask->ended, 0);
    ask->begun++;
    ask->begun_ms = tw_loop_now_ms(ask->kit->loop);
}

static inline int report(void *context, struct tw_frame *frame)
{
    struct ask *ask = context;
    assert_int_equal(ask->begun, 1);
    assert_int_equal(ask->ended, 0);
    if (frame->type == TW_WIRE_PROGRESS)
        return 2;
    ask->reports++;
    if (frame->type == TW_WIRE_END)
        return tw_frame_number(frame) == 0 && tw_frame_done(frame) ? 1 : -1;
    char *text = tw_frame_text(frame, TW_WIRE_TEXT_MAX);
    tw_buf_puts(&ask->text, text);
    free(text);
    return frame->type == TW_WIRE_TEXT && tw_frame_done(frame) ? 0 : -1;
}

static inline struct ask *submit(struct kit *kit, const char *what, int64_t timeout_ms, bool alone);

static inline void ended(void *context, enum tw_outcome outcome, const char *detail)
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

static inline struct ask *put(struct kit *kit, struct tw_request *request)
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

static inline struct ask *submit_for(struct kit *kit, const char *key, const char *what,
                                     int64_t timeout_ms, bool alone)
{
    struct tw_request request = {
        .timeout_ms = timeout_ms, .alone = alone, .reports_max = 50, .key = key};
    struct tw_frame_writer w = tw_frame_begin(&request.frame, TW_WIRE_RUN);
    tw_frame_put_text(&w, what);
    tw_frame_end(&w);
    return put(kit, &request);
}

static inline struct ask *submit(struct kit *kit, const char *what, int64_t timeout_ms, bool alone)
{
    return submit_for(kit, NULL, what, timeout_ms, alone);
}

static inline char *self_path(void)
{
    char path[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    assert_true(length > 0);
    return tw_strndup(path, (size_t)length);
}

/* Programs stand in BUILD/bin, tests in BUILD/tests. */
static inline char *real_worker(void)
{
    char *self = self_path();
    *strrchr(self, '/') = '\0';
    *strrchr(self, '/') = '\0';
    char *path = tw_format("%s/bin/toaster-worker", self);
    free(self);
    return path;
}

static inline void step(void *context)
{
    struct kit *kit = context;
    if (kit->until(kit) || tw_loop_now_ms(kit->loop) > kit->until_ms)
        tw_loop_stop(kit->loop);
    else
        tw_timer_set(kit->step, STEP_MS);
}

/* Runs the loop until the condition holds; fails if it never does. */
static inline void run_until(struct kit *kit, bool (*until)(struct kit *kit))
{
    kit->until = until;
    kit->until_ms = tw_loop_now_ms(kit->loop) + LIMIT_MS;
    tw_timer_set(kit->step, 0);
    tw_loop_run(kit->loop);
    assert_true(until(kit));
}

static inline bool all_ended(struct kit *kit)
{
    return tw_workers_open(kit->workers) == 0;
}

static inline bool all_closed(struct kit *kit)
{
    return count_files() == kit->files;
}

static inline struct kit *make(char *program)
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

static inline struct kit *make_bad(void)
{
    return make(self_path());
}

/* All is over: each request ended once, no worker or grandchild runs, no descriptor is left. */
static inline void drop(struct kit *kit)
{
    run_until(kit, all_ended);
    run_until(kit, all_closed);
    assert_int_equal(tw_workers_stuck(kit->workers), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* we also adopt what they leave behind */
    for (size_t i = 0; i < kit->count; i++) {
        assert_int_equal(kit->asks[i].ended, 1);
        assert_in_range(kit->asks[i].begun, 0, 1);
        free(kit->asks[i].detail);
        tw_buf_free(&kit->asks[i].text);
    }
    tw_workers_free(&kit->workers);
    tw_timer_free(&kit->step);
    tw_loop_free(&kit->loop);
    free(kit->program);
    free(kit);
}

static inline void expect(const struct ask *ask, enum tw_outcome outcome, const char *detail)
{
    if (ask->ended != 1 || ask->outcome != outcome || !strstr(ask->detail, detail))
        fail_msg("ended %zu times, outcome %d: %s", ask->ended, (int)ask->outcome,
                 ask->detail ? ask->detail : "");
}

static inline void reap_grandchild(const struct ask *ask, int signal)
{
    const pid_t pid = (pid_t)strtol(tw_buf_text(&ask->text), NULL, 10);
    int status = 0;
    assert_true(pid > 1);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

#endif
