/* The parent's side of toaster-worker. Knows nothing of what requests and frames mean.
 *
 * A request is over at its end frame, at its deadline, or when its worker is gone. A worker is gone
 * at the end of its pipe and when reaped: a grandchild may hold the pipe, so one second after the
 * reap the pipe is closed and the group killed. Where something of the group outlives that (a child
 * that hangs in the kernel) and the worker was given up for a job, it counts as hanging until the
 * group is gone: each run of the job would add another. */
#include "watcher/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "kinds/wire.h"
#include "watcher/spawn.h"

enum {
    PATIENCE_MS = 200, /* a request that takes longer no longer keeps the queue waiting */
    GRACE_MS = 2000,   /* from TERM to KILL */
    LINGER_MS = 1000,  /* between two looks at a group that outlives its worker */
    ORPHAN_MS = 1000,  /* from the reap to the end of a pipe that somebody else holds */
    LONG_SLOTS = 2,    /* workers of the queue of long ones */
    ALONE_STUCK_MAX = 8,
    STUCK_MAX = 32,    /* workers that will not die; past that no new ones */
    STDERR_MAX = 1024, /* kept of what a worker says there */
    CHUNK = 65536,
};

enum stage { WORKING, TERMED, KILLED };

struct request {
    struct tw_request r;
    struct request *next;
    char *key; /* our copy; NULL: none */
};

/* Requests that wait, and their workers. */
struct lane {
    struct request *first, *last;
    size_t slots;
};

struct worker {
    struct tw_workers *owner;
    struct worker *next;
    struct tw_child child;
    struct tw_watch *in_watch, *out_watch, *err_watch, *pid_watch;
    struct tw_timer *timer;
    struct tw_buf to_send, received, said;
    size_t reports;
    struct request *request; /* what it works at; NULL: idle or being ended */
    char *hangs_at;          /* the key of the request that it was given up for */
    int64_t deadline_ms;
    enum stage stage;
    struct lane *lane; /* NULL: alone */
    bool slow, reaped, eof;
    bool lingers; /* nothing is left of it but others in its group */
    int status;
};

struct tw_workers {
    struct tw_loop *loop;
    char *program;
    struct lane shared, longer, alone;
    struct worker *workers;
    struct tw_timer *kick;
    size_t open;
};

static void dispatch(void *context);

/* ---- requests ----------------------------------------------------------------------------- */

static void end_request(struct tw_workers *w, struct request *request, enum tw_outcome outcome,
                        const char *detail)
{
    w->open--;
    request->r.ended(request->r.context, outcome, detail);
    tw_buf_free(&request->r.frame);
    free(request->key);
    free(request);
}

static void push(struct lane *q, struct request *request)
{
    if (q->last)
        q->last->next = request;
    else
        q->first = request;
    q->last = request;
}

static struct request *pop(struct lane *q)
{
    struct request *request = q->first;
    if (request) {
        q->first = request->next;
        if (!q->first)
            q->last = NULL;
    }
    return request;
}

/* Of one sort, those that were told to end and have not. */
static size_t count_ending(const struct tw_workers *w, bool alone)
{
    size_t count = 0;
    for (const struct worker *worker = w->workers; worker; worker = worker->next)
        count += !worker->lane == alone && worker->stage != WORKING &&
                 (!worker->reaped || worker->lingers);
    return count;
}

/* Is the last worker of this job still there, or another of its group when it has ended itself, and
 * cannot be killed? Another would only hang, too. */
static bool hangs_still(const struct tw_workers *w, const char *key)
{
    for (const struct worker *worker = w->workers; worker && key; worker = worker->next)
        if ((worker->stage == KILLED || worker->reaped) && worker->hangs_at &&
            strcmp(worker->hangs_at, key) == 0)
            return true;
    return false;
}

/* ---- one worker --------------------------------------------------------------------------- */

static void hang_up(struct worker *worker)
{
    tw_watch_free(&worker->in_watch);
    tw_watch_free(&worker->out_watch);
    tw_watch_free(&worker->err_watch);
    tw_watch_free(&worker->pid_watch);
    tw_child_close(&worker->child);
}

static void forget_worker(struct worker *worker)
{
    struct worker **link = &worker->owner->workers;
    while (*link != worker)
        link = &(*link)->next;
    *link = worker->next;
    hang_up(worker);
    tw_timer_free(&worker->timer);
    tw_buf_free(&worker->to_send);
    tw_buf_free(&worker->received);
    tw_buf_free(&worker->said);
    free(worker->hangs_at);
    free(worker);
}

/* Tells the group to end; the timer goes on to KILL. */
static void end_worker(struct worker *worker)
{
    if (worker->stage != WORKING)
        return;
    /* A transport gets no grace: what it still did would come beside the next one's. */
    worker->stage = worker->lane ? TERMED : KILLED;
    kill(-worker->child.pid, worker->lane ? SIGTERM : SIGKILL);
    if (worker->lane)
        tw_timer_set(worker->timer, GRACE_MS);
}

/* Its request, if any, ends with this outcome; the worker is of no more use. */
static void give_up(struct worker *worker, enum tw_outcome outcome, const char *detail)
{
    struct request *request = worker->request;
    worker->request = NULL;
    if (request && request->key)
        worker->hangs_at = tw_strdup(request->key);
    end_worker(worker);
    if (request)
        end_request(worker->owner, request, outcome, detail);
    tw_timer_set(worker->owner->kick, 0);
}

static void err_ready(void *context)
{
    struct worker *worker = context;
    char chunk[STDERR_MAX];
    const ssize_t length = read(worker->child.err, chunk, sizeof chunk);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        tw_watch_free(&worker->err_watch);
        return;
    }
    const size_t room = STDERR_MAX - worker->said.len;
    tw_buf_add(&worker->said, chunk, (size_t)length < room ? (size_t)length : room);
}

static void describe_death(const struct worker *worker, char *text, size_t size)
{
    int used;
    if (WIFSIGNALED(worker->status))
        used = snprintf(text, size, "its worker was killed by signal %d", WTERMSIG(worker->status));
    else
        used =
            snprintf(text, size, "its worker ended with exit code %d", WEXITSTATUS(worker->status));
    if (worker->said.len && used > 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, ": %s", tw_buf_text(&worker->said));
}

/* Is there still something of its group? No other can have its number as long as there is. If we
 * are the ones who inherit its dead (pid 1 of a container), nobody else buries them. */
static bool group_lives(const struct worker *worker)
{
    while (waitpid(-worker->child.pid, NULL, WNOHANG) > 0)
        ;
    return kill(-worker->child.pid, 0) == 0;
}

/* False: nothing is left to wait for. It is killed once: later its number may be another's. */
static bool linger(struct worker *worker)
{
    if (!worker->hangs_at || !group_lives(worker))
        return false;
    if (!worker->lingers)
        kill(-worker->child.pid, SIGKILL);
    worker->stage = KILLED;
    worker->lingers = true;
    hang_up(worker);
    tw_timer_set(worker->timer, LINGER_MS);
    return true;
}

static void worker_gone(struct worker *worker)
{
    if (linger(worker))
        return;
    char detail[STDERR_MAX + 100];
    if (worker->err_watch)
        err_ready(worker); /* its last words may be in the pipe still */
    describe_death(worker, detail, sizeof detail);
    struct tw_workers *owner = worker->owner;
    struct request *request = worker->request;
    worker->request = NULL;
    forget_worker(worker);
    if (request)
        end_request(owner, request, TW_OUTCOME_DIED, detail);
    tw_timer_set(owner->kick, 0);
}

static void send_more(void *context)
{
    struct worker *worker = context;
    while (worker->to_send.len) {
        const ssize_t sent = write(worker->child.in, worker->to_send.data, worker->to_send.len);
        if (sent > 0)
            tw_buf_consume(&worker->to_send, (size_t)sent);
        else if (errno == EAGAIN)
            break;
        else if (errno != EINTR)
            tw_buf_clear(&worker->to_send); /* it is ending: the end of its pipe tells the rest */
    }
    if (!worker->to_send.len)
        tw_watch_free(&worker->in_watch);
    else if (!worker->in_watch)
        worker->in_watch =
            tw_watch_new(worker->owner->loop, worker->child.in, TW_LOOP_WRITE, send_more, worker);
}

static void set_request(struct worker *worker, struct request *request)
{
    const int64_t timeout_ms = request->r.timeout_ms;
    worker->request = request;
    worker->reports = 0;
    worker->slow = false;
    worker->deadline_ms = tw_loop_now_ms(worker->owner->loop) + timeout_ms;
    tw_timer_set(worker->timer, timeout_ms < PATIENCE_MS ? timeout_ms : PATIENCE_MS);
    tw_buf_add(&worker->to_send, request->r.frame.data, request->r.frame.len);
    tw_buf_free(&request->r.frame);
    if (request->r.begun)
        request->r.begun(request->r.context);
    send_more(worker);
}

/* No more work: at the end of its input it exits by itself. */
static void let_go(struct worker *worker)
{
    tw_watch_free(&worker->in_watch);
    tw_child_close_in(&worker->child);
    tw_timer_set(worker->timer, GRACE_MS);
}

static void next_request(struct worker *worker)
{
    struct tw_workers *w = worker->owner;
    struct lane *lane = worker->lane;
    struct request *request = lane ? pop(lane) : NULL;
    while (request && hangs_still(w, request->key)) {
        end_request(w, request, TW_OUTCOME_TIMEOUT,
                    "its last run still hangs and cannot be killed");
        request = pop(lane);
    }
    if (request)
        set_request(worker, request);
    else
        let_go(worker);
}

static void timer_fired(void *context)
{
    struct worker *worker = context;
    if (worker->reaped) { /* somebody else holds the pipe, or lives on in its group */
        if (!worker->lingers)
            kill(-worker->child.pid, SIGKILL);
        worker_gone(worker);
        return;
    }
    if (worker->stage == TERMED) {
        worker->stage = KILLED;
        kill(-worker->child.pid, SIGKILL);
        return;
    }
    if (!worker->request) { /* told to go and did not */
        end_worker(worker);
        return;
    }
    if (worker->eof) {
        give_up(worker, TW_OUTCOME_DIED, "its worker closed the conversation");
        return;
    }
    const int64_t left_ms = worker->deadline_ms - tw_loop_now_ms(worker->owner->loop);
    if (left_ms > 0) {
        worker->slow = true;
        tw_timer_set(worker->timer, left_ms);
        dispatch(worker->owner);
        return;
    }
    char detail[100];
    snprintf(detail, sizeof detail, "no answer within %lld s",
             (long long)((worker->request->r.timeout_ms + 999) / 1000));
    give_up(worker, TW_OUTCOME_TIMEOUT, detail);
}

/* ---- what it says ------------------------------------------------------------------------- */

/* One whole frame. False: the conversation is over. */
static bool take_frame(struct worker *worker, struct tw_frame *frame)
{
    struct request *request = worker->request;
    if (!request || worker->reports == request->r.reports_max) {
        give_up(worker, TW_OUTCOME_DIED, "its worker said more than it may");
        return false;
    }
    const int result = request->r.report(request->r.context, frame);
    if (result == 2) {
        worker->deadline_ms = tw_loop_now_ms(worker->owner->loop) + request->r.timeout_ms;
        return true;
    }
    worker->reports++;
    if (result < 0)
        give_up(worker, TW_OUTCOME_DIED, "its worker spoke nonsense");
    return result == 0;
}

static void take_frames(struct worker *worker)
{
    size_t position = 0;
    struct tw_frame frame;
    int got;
    bool go_on = true;
    while (go_on &&
           (got = tw_frame_next(&worker->received, &position, TW_WIRE_REPORT_MAX, &frame)) != 0) {
        if (got < 0) {
            give_up(worker, TW_OUTCOME_DIED, "its worker spoke nonsense");
            return;
        }
        go_on = take_frame(worker, &frame);
    }
    if (worker->stage != WORKING)
        return;
    tw_buf_consume(&worker->received, position);
    if (go_on)
        return;
    /* The end frame: nothing may follow it before the next request. */
    if (worker->received.len) {
        give_up(worker, TW_OUTCOME_DIED, "its worker said more than it may");
        return;
    }
    struct request *request = worker->request;
    worker->request = NULL;
    end_request(worker->owner, request, TW_OUTCOME_DONE, "");
    next_request(worker);
}

static void check_gone(struct worker *worker)
{
    if (worker->reaped && worker->eof)
        worker_gone(worker);
    else if (worker->reaped)
        tw_timer_set(worker->timer, ORPHAN_MS);
    else if (worker->eof && worker->stage == WORKING)
        tw_timer_set(worker->timer, GRACE_MS);
}

static void out_ready(void *context)
{
    struct worker *worker = context;
    char chunk[CHUNK];
    const ssize_t length = read(worker->child.out, chunk, sizeof chunk);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0) {
        tw_watch_free(&worker->out_watch);
        worker->eof = true;
        check_gone(worker);
        return;
    }
    if (worker->stage != WORKING)
        return; /* it was given up: what it still says does not count */
    tw_buf_add(&worker->received, chunk, (size_t)length);
    take_frames(worker);
}

static void pid_ready(void *context)
{
    struct worker *worker = context;
    const pid_t got = waitpid(worker->child.pid, &worker->status, WNOHANG);
    if (got != worker->child.pid && !(got < 0 && errno == ECHILD))
        return;
    tw_watch_free(&worker->pid_watch);
    worker->reaped = true;
    check_gone(worker);
}

/* ---- starting ----------------------------------------------------------------------------- */

static struct worker *start_worker(struct tw_workers *w, struct lane *lane, size_t most,
                                   struct tw_error *e)
{
    if (count_ending(w, !lane) >= most) {
        tw_fail(e, "%zu workers hang and cannot be ended", most);
        return NULL;
    }
    struct worker *worker = tw_alloc(sizeof *worker);
    worker->owner = w;
    worker->lane = lane;
    if (tw_child_spawn(&worker->child, w->program, e) != 0) {
        free(worker);
        return NULL;
    }
    worker->timer = tw_timer_new(w->loop, timer_fired, worker);
    worker->out_watch = tw_watch_new(w->loop, worker->child.out, TW_LOOP_READ, out_ready, worker);
    worker->err_watch = tw_watch_new(w->loop, worker->child.err, TW_LOOP_READ, err_ready, worker);
    worker->pid_watch = tw_watch_new(w->loop, worker->child.pidfd, TW_LOOP_READ, pid_ready, worker);
    worker->next = w->workers;
    w->workers = worker;
    return worker;
}

/* Workers of the queue that count as slots: those that are to end, or hang, do not. */
static size_t busy_slots(const struct tw_workers *w, const struct lane *lane)
{
    size_t count = 0;
    for (const struct worker *worker = w->workers; worker; worker = worker->next)
        count += worker->lane == lane && worker->request;
    return count;
}

/* A queue that is served by a worker that is not slow waits for it. */
static bool served(const struct tw_workers *w, const struct lane *lane)
{
    for (const struct worker *worker = w->workers; worker; worker = worker->next)
        if (worker->lane == lane && worker->request && !worker->slow)
            return true;
    return false;
}

static void start(struct tw_workers *w, struct request *request, struct lane *lane)
{
    struct tw_error e;
    const size_t own_most = request->r.stuck_max ? request->r.stuck_max : ALONE_STUCK_MAX;
    if (hangs_still(w, request->key)) {
        end_request(w, request, TW_OUTCOME_TIMEOUT,
                    "its last run still hangs and cannot be killed");
        return;
    }
    struct worker *worker = start_worker(w, lane, lane ? STUCK_MAX : own_most, &e);
    if (worker)
        set_request(worker, request);
    else
        end_request(w, request, TW_OUTCOME_NO_WORKER, e.text);
}

static void dispatch(void *context)
{
    struct tw_workers *w = context;
    while (w->alone.first)
        start(w, pop(&w->alone), NULL);
    struct lane *const lanes[] = {&w->shared, &w->longer};
    for (size_t i = 0; i < TW_COUNT(lanes); i++)
        while (lanes[i]->first && !served(w, lanes[i]) && busy_slots(w, lanes[i]) < lanes[i]->slots)
            start(w, pop(lanes[i]), lanes[i]);
}

/* ---- the outside -------------------------------------------------------------------------- */

struct tw_workers *tw_workers_new(struct tw_loop *loop, const char *program, size_t slots)
{
    struct tw_workers *w = tw_alloc(sizeof *w);
    w->loop = loop;
    w->program = tw_strdup(program);
    w->shared.slots = slots;
    w->longer.slots = LONG_SLOTS;
    w->kick = tw_timer_new(loop, dispatch, w);
    return w;
}

void tw_workers_free(struct tw_workers **workers)
{
    struct tw_workers *w = *workers;
    if (!w)
        return;
    while (w->workers) {
        struct worker *worker = w->workers;
        /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): forget_worker unlinks what it frees */
        struct request *request = worker->request;
        worker->request = NULL;
        if (!worker->lingers)
            kill(-worker->child.pid, SIGKILL);
        forget_worker(worker);
        if (request)
            end_request(w, request, TW_OUTCOME_CANCELLED, "stopped");
    }
    for (struct request *request;
         (request = pop(&w->shared)) || (request = pop(&w->longer)) || (request = pop(&w->alone));)
        end_request(w, request, TW_OUTCOME_CANCELLED, "stopped");
    tw_timer_free(&w->kick);
    free(w->program);
    free(w);
    *workers = NULL;
}

void tw_workers_submit(struct tw_workers *workers, struct tw_request *r)
{
    struct request *request = tw_alloc(sizeof *request);
    request->r = *r;
    request->key = tw_strdup(r->key);
    r->frame = (struct tw_buf){0};
    push(r->alone ? &workers->alone : r->may_last ? &workers->longer : &workers->shared, request);
    workers->open++;
    if (!tw_timer_active(workers->kick))
        tw_timer_set(workers->kick, 0);
}

size_t tw_workers_open(const struct tw_workers *workers)
{
    return workers->open;
}

size_t tw_workers_stuck(const struct tw_workers *workers)
{
    size_t count = 0;
    for (const struct worker *worker = workers->workers; worker; worker = worker->next)
        count += worker->stage == KILLED;
    return count;
}

char *tw_workers_find_program(void)
{
    char self[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return tw_strdup("toaster-worker");
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    *slash = '\0';
    char *beside = tw_format("%s/toaster-worker", self);
    if (access(beside, X_OK) == 0)
        return beside;
    free(beside);
    return tw_format("%s/../libexec/toaster-watcher/toaster-worker", self);
}
