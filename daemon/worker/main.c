/* toaster-worker: does for the daemon what can hang or crash. Reads one request at a time from
 * standard input, answers with frames on standard output, ends at the end of its input. Started
 * only by toaster-watcher and toasterctl, with their pid as argument. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "alert/action.h"
#include "alert/deliver.h"
#include "base/file.h"
#include "kinds/wire.h"

enum { SEND_BYTES = 64 * 1024, REQUEST_PROCESSOR_S = 600 };

struct worker {
    struct tw_buf in, out;
    struct tw_procs procs;
    int64_t procs_moment; /* 0: none read */
    const char *proc_root;
    int64_t moment;
};

static void limit(int what, rlim_t most)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most)
        now.rlim_max = most;
    if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > now.rlim_max)
        now.rlim_cur = now.rlim_max;
    setrlimit((__rlimit_resource_t)what, &now);
}

/* A child that has a large program to run may raise it (base/program.h). Not under
 * AddressSanitizer, which reserves terabytes. */
static void limit_space(rlim_t most)
{
    struct rlimit now;
#ifdef TW_SANITIZED
    return;
#endif
    if (getrlimit(RLIMIT_AS, &now) != 0 || (now.rlim_cur != RLIM_INFINITY && now.rlim_cur <= most))
        return;
    now.rlim_cur = most;
    setrlimit(RLIMIT_AS, &now);
}

/* Bounds for whatever a hostile file may make us do. */
static void set_limits(void)
{
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_NOFILE, 1024);
    limit_space((rlim_t)512 << 20);
}

/* For each request anew, since a worker may serve for long. A child that has long work to do may
 * raise it (base/gentle.h). */
static void limit_processor_time(void)
{
    struct rusage used;
    struct rlimit time;
    if (getrusage(RUSAGE_SELF, &used) != 0 || getrlimit(RLIMIT_CPU, &time) != 0)
        return;
    const rlim_t until =
        (rlim_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + REQUEST_PROCESSOR_S;
    time.rlim_cur = until < time.rlim_max ? until : time.rlim_max;
    setrlimit(RLIMIT_CPU, &time);
}

static const struct tw_procs *get_procs(void *context, struct tw_error *e)
{
    struct worker *w = context;
    if (w->procs_moment != w->moment) {
        tw_procs_free(&w->procs);
        w->procs_moment = 0;
        if (tw_procs_read(&w->procs, w->proc_root, e) != 0)
            return NULL;
        w->procs_moment = w->moment;
    }
    return &w->procs;
}

static void put_text(struct tw_buf *out, const char *text, size_t length)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_WIRE_TEXT);
    tw_frame_put_bytes(&w, text, length < TW_WIRE_TEXT_MAX ? length : TW_WIRE_TEXT_MAX);
    tw_frame_end(&w);
}

/* Goes out at once, and what was reported before it, too. */
static void on_progress(void *context)
{
    struct tw_buf *out = context;
    tw_wire_sink(out).progress(out);
    if (tw_write_all(STDOUT_FILENO, out->data, out->len) != 0)
        exit(111); /* nobody listens any more */
    tw_buf_clear(out);
}

/* There may be very many. */
static void on_row(void *context, const char *const *fields, size_t count)
{
    struct tw_buf *out = context;
    tw_wire_put_row(out, fields, count);
    if (out->len < SEND_BYTES)
        return;
    if (tw_write_all(STDOUT_FILENO, out->data, out->len) != 0)
        exit(111);
    tw_buf_clear(out);
}

/* *result: 1 if it could not be told, and why as a text. */
static void do_tell(struct worker *w, const struct tw_wire_run *request, const struct tw_run *run,
                    int64_t *result)
{
    struct tw_error e = {"there is nothing to tell"};
    const struct tw_teller teller = {on_row, &w->out};
    if (request->kind->tell &&
        request->kind->tell(run, request->aspect, &request->arguments, &teller, &e) == 0)
        return;
    put_text(&w->out, e.text, strlen(e.text));
    *result = 1;
}

static int do_run(struct worker *w, struct tw_frame *frame, int64_t *result)
{
    struct tw_wire_run request;
    struct tw_error e;
    const bool evidence = frame->type == TW_WIRE_EVIDENCE;
    if (tw_wire_get_run(frame, &request, &e) != 0) {
        fprintf(stderr, "toaster-worker: %s\n", e.text);
        return -1;
    }
    struct tw_sink sink = tw_wire_sink(&w->out);
    sink.progress = on_progress;
    const struct tw_run run = {.name = request.name,
                               .title = request.title,
                               .settings = request.settings,
                               .look_only = request.look_only,
                               .confirm = request.confirm,
                               .places = &request.places,
                               .now_s = request.now_s,
                               .until_s = request.until_s,
                               .every_s = request.every_s,
                               .memory = request.memory,
                               .procs = get_procs,
                               .procs_context = w,
                               .sink = &sink};
    w->proc_root = request.proc_root;
    w->moment = request.moment;
    if (frame->type == TW_WIRE_TELL) {
        do_tell(w, &request, &run, result);
    } else if (!evidence) {
        request.kind->run(&run);
    } else if (request.kind->evidence) {
        struct tw_buf text = {0};
        request.kind->evidence(&run, request.aspect, &text);
        put_text(&w->out, tw_buf_text(&text), text.len);
        tw_buf_free(&text);
    }
    tw_wire_run_free(&request);
    return 0;
}

/* Does what the frame asks and writes the answer. -1: this conversation is over. */
static int serve(struct worker *w, struct tw_frame *frame)
{
    int64_t result = 0;
    limit_processor_time();
    if (frame->type == TW_WIRE_RUN || frame->type == TW_WIRE_EVIDENCE ||
        frame->type == TW_WIRE_TELL) {
        if (do_run(w, frame, &result) != 0)
            return -1;
    } else if (frame->type == TW_WIRE_DELIVER) {
        struct tw_error e = {""};
        result = tw_deliver_run(frame, &e);
        if (*e.text)
            put_text(&w->out, e.text, strlen(e.text));
    } else if (frame->type == TW_WIRE_ACT) {
        struct tw_error e;
        struct tw_buf text = {0};
        result = tw_action_run(frame, &text, &e);
        put_text(&w->out, tw_buf_text(&text), text.len);
        tw_buf_free(&text);
        if (result < 0)
            return -1;
    } else {
        fprintf(stderr, "toaster-worker: a request of type %d is not known\n", frame->type);
        return -1;
    }
    struct tw_frame_writer end = tw_frame_begin(&w->out, TW_WIRE_END);
    tw_frame_put_number(&end, result);
    tw_frame_end(&end);
    const int written = tw_write_all(STDOUT_FILENO, w->out.data, w->out.len);
    tw_buf_clear(&w->out);
    return written;
}

static int converse(struct worker *w)
{
    char chunk[65536];
    for (;;) {
        size_t position = 0;
        struct tw_frame frame;
        const int got = tw_frame_next(&w->in, &position, TW_WIRE_REQUEST_MAX, &frame);
        if (got < 0)
            return -1;
        if (got > 0) {
            if (serve(w, &frame) != 0)
                return -1;
            tw_buf_consume(&w->in, position);
            continue;
        }
        const ssize_t length = read(STDIN_FILENO, chunk, sizeof chunk);
        if (length == 0)
            return w->in.len ? -1 : 0;
        if (length > 0)
            tw_buf_add(&w->in, chunk, (size_t)length);
        else if (errno != EINTR)
            return -1;
    }
}

int main(int argc, char **argv)
{
    char *end = NULL;
    const long parent = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (parent <= 0 || *end) {
        fputs("toaster-worker: started by toaster-watcher only\n", stderr);
        return 100;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent)
        return 111;
    set_limits();
    struct worker w = {0};
    const int result = converse(&w);
    tw_procs_free(&w.procs);
    tw_buf_free(&w.in);
    tw_buf_free(&w.out);
    return result == 0 ? 0 : 111;
}
