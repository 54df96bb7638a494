/* For the tests of the control socket: a daemon's parts with three jobs, and clients that ask. */
#ifndef TEST_WATCHER_CONTROL_KIT_H
#define TEST_WATCHER_CONTROL_KIT_H

#include "toaster/scratch.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "watcher/control.h"

enum { STEP_MS = 5, LIMIT_MS = 60000 * PATIENCE, CLIENTS_MAX = 32 };

struct client {
    int fd;
    struct tw_buf in;
    bool closed; /* by the other side */
};

struct kit {
    struct tw_silences silences;
    size_t changes; /* by the hand */
    struct tw_loop *loop;
    struct tw_config *config;
    struct tw_workers *workers;
    struct tw_jobs *jobs;
    struct tw_log *log;
    struct tw_aspects *aspects;
    struct tw_control *control;
    struct tw_timer *step;
    int64_t until_ms;
    bool (*until)(struct kit *kit);
    struct client clients[CLIENTS_MAX + 2];
    size_t count;
    size_t runs;
    char *forgotten;
    pid_t child;
    int status;
};

/* ---- what the daemon wires together ------------------------------------------------------- */

static inline void on_finding(void *context, struct tw_job *job, const struct tw_finding *finding,
                              bool scheduled)
{
    struct kit *kit = context;
    const struct tw_incident_rule rule = {1, 1};
    const struct tw_when when = {1800000000, 0};
    tw_aspects_finding(kit->aspects, job->name, finding, scheduled, &rule, when);
}

static inline void on_note(void *context, struct tw_job *job, const char *text)
{
    (void)context;
    (void)job;
    (void)text;
}

static inline void on_order(void *context, struct tw_job *job)
{
    (void)context;
    (void)job;
}

static inline void on_ended(void *context, struct tw_job *job, bool scheduled, bool looked)
{
    (void)job;
    (void)scheduled;
    (void)looked;
    ((struct kit *)context)->runs++;
}

static inline void on_remembered(void *context, struct tw_job *job)
{
    (void)context;
    (void)job;
}

static inline void on_news(void *context, struct tw_aspect *aspect, enum tw_incident_news what)
{
    (void)context;
    (void)aspect;
    (void)what;
}

static inline int forget(void *context, struct tw_job *job, struct tw_error *e)
{
    struct kit *kit = context;
    if (strcmp(job->name, "process.b") == 0)
        return tw_fail(e, "cannot forget it");
    free(kit->forgotten);
    kit->forgotten = tw_strdup(job->name);
    return 0;
}

static inline void changed(void *context)
{
    ((struct kit *)context)->changes++;
}

static inline struct tw_control *open_control(struct kit *kit, struct tw_error *e)
{
    const struct tw_control_parts parts = {
        .loop = kit->loop,
        .jobs = kit->jobs,
        .aspects = kit->aspects,
        .forget = forget,
        .hand = {kit->log, NULL, kit->aspects, kit->jobs, &kit->silences},
        .changed = changed,
        .context = kit};
    return tw_control_new(kit->config, &parts, e);
}

/* `more` is added to the configuration: three processes that run nowhere. */
static inline struct kit *make(const char *more)
{
    struct kit *kit = tw_alloc(sizeof *kit);
    struct tw_error e;
    char *here = getcwd(NULL, 0);
    char *text = tw_format("control = \"%s/socket\"\n%s\n"
                           "process \"a\" { name = \"no such a\" }\n"
                           "process \"b\" { name = \"no such b\" }\n"
                           "process \"c\" { name = \"no such c\" }\n",
                           here, more);
    put_text("toaster-watcher.conf", text);
    free(text);
    free(here);
    kit->config = tw_config_load("toaster-watcher.conf", &e);
    if (!kit->config)
        fail_msg("%s", e.text);
    kit->loop = tw_loop_new();
    kit->workers = tw_workers_new(kit->loop, "/nowhere", 1);
    kit->jobs = tw_jobs_new(kit->loop, kit->workers, NULL,
                            &(struct tw_jobs_listener){on_finding, on_note, on_note, on_order,
                                                       on_ended, on_remembered, NULL, kit});
    kit->log = tw_log_new(-1, 0);
    kit->aspects = tw_aspects_new(kit->log, NULL, on_news, NULL);
    tw_jobs_configure(kit->jobs, kit->config, NULL, NULL, NULL);
    kit->control = open_control(kit, &e);
    if (!kit->control)
        fail_msg("%s", e.text);
    return kit;
}

static inline void drop(struct kit *kit)
{
    tw_control_free(&kit->control);
    assert_null(kit->control);
    assert_int_equal(access("socket", F_OK), -1);
    for (size_t i = 0; i < kit->count; i++) {
        tw_buf_free(&kit->clients[i].in);
        if (kit->clients[i].fd >= 0)
            close(kit->clients[i].fd);
    }
    tw_timer_free(&kit->step);
    tw_workers_free(&kit->workers);
    tw_jobs_free(&kit->jobs);
    tw_aspects_free(&kit->aspects);
    tw_log_free(&kit->log);
    tw_silences_free(&kit->silences);
    tw_loop_free(&kit->loop);
    tw_config_free(&kit->config);
    free(kit->forgotten);
    free(kit);
}

/* ---- clients ------------------------------------------------------------------------------ */

static inline int connect_to(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    close(fd);
    return -1;
}

static inline void step(void *context)
{
    struct kit *kit = context;
    if (kit->until(kit) || tw_loop_now_ms(kit->loop) > kit->until_ms)
        tw_loop_stop(kit->loop);
    else
        tw_timer_set(kit->step, STEP_MS);
}

static inline void run_until(struct kit *kit, bool (*until)(struct kit *kit))
{
    kit->until = until;
    kit->until_ms = tw_loop_now_ms(kit->loop) + LIMIT_MS;
    if (!kit->step)
        kit->step = tw_timer_new(kit->loop, step, kit);
    tw_timer_set(kit->step, 0);
    tw_loop_run(kit->loop);
    assert_true(until(kit));
}

static inline bool at_once(struct kit *kit)
{
    (void)kit;
    return true;
}

/* The loop has a turn, to accept it: the socket's queue is short. */
static inline struct client *arrive(struct kit *kit)
{
    assert_true(kit->count < TW_COUNT(kit->clients));
    struct client *client = &kit->clients[kit->count++];
    client->fd = connect_to("socket");
    assert_true(client->fd >= 0);
    run_until(kit, at_once);
    return client;
}

static inline struct client *ask(struct kit *kit, const struct tw_buf *request)
{
    struct client *client = arrive(kit);
    assert_int_equal(send(client->fd, request->data, request->len, MSG_NOSIGNAL),
                     (ssize_t)request->len);
    return client;
}

static inline struct tw_buf status_request(void)
{
    struct tw_buf out = {0};
    struct tw_frame_writer w = tw_frame_begin(&out, TW_CONTROL_STATUS);
    tw_frame_end(&w);
    return out;
}

static inline struct tw_buf check_request(int64_t count, const char *const *names)
{
    struct tw_buf out = {0};
    struct tw_frame_writer w = tw_frame_begin(&out, TW_CONTROL_CHECK);
    tw_frame_put_number(&w, count);
    for (; names && *names; names++)
        tw_frame_put_text(&w, *names);
    tw_frame_end(&w);
    return out;
}

static inline struct tw_buf forget_request(const char *name)
{
    struct tw_buf out = {0};
    struct tw_frame_writer w = tw_frame_begin(&out, TW_CONTROL_FORGET);
    tw_frame_put_text(&w, name);
    tw_frame_end(&w);
    return out;
}

static inline void hear(struct client *client)
{
    char chunk[65536];
    for (ssize_t n; !client->closed;) {
        n = recv(client->fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (n > 0)
            tw_buf_add(&client->in, chunk, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            return;
        else
            client->closed = true;
    }
}

static inline bool all_closed(struct kit *kit)
{
    bool all = true;
    for (size_t i = 0; i < kit->count; i++) {
        hear(&kit->clients[i]);
        all &= kit->clients[i].closed;
    }
    return all;
}

/* What a client heard, one line a frame. */
static inline char *heard(const struct client *client)
{
    struct tw_buf out = {0};
    size_t position = 0;
    struct tw_frame frame;
    while (tw_frame_next(&client->in, &position, TW_CONTROL_FRAME_MAX, &frame) == 1) {
        char *first = NULL, *second = NULL;
        if (frame.type == TW_CONTROL_END) {
            const int64_t code = tw_frame_number(&frame);
            first = tw_frame_text(&frame, 4096);
            tw_buf_printf(&out, "end %d %s\n", (int)code, first);
        } else if (frame.type == TW_CONTROL_JOB) {
            first = tw_frame_text(&frame, 4096);
            tw_buf_printf(&out, "job %s\n", first);
            for (int i = 0; i < 5; i++)
                tw_frame_number(&frame);
        } else {
            assert_int_equal(frame.type, TW_CONTROL_ASPECT);
            first = tw_frame_text(&frame, 4096);
            free(tw_frame_text(&frame, 4096));
            const int64_t level = tw_frame_number(&frame);
            for (int i = 0; i < 3; i++)
                tw_frame_number(&frame);
            second = tw_frame_text(&frame, 4096);
            free(tw_frame_text(&frame, 16384));
            tw_buf_printf(&out, "aspect %s %s %s\n", first, tw_level_name((enum tw_level)level),
                          second);
        }
        assert_true(tw_frame_done(&frame));
        free(first);
        free(second);
    }
    assert_int_equal(position, client->in.len);
    return tw_buf_take(&out);
}

static inline void expect(const struct client *client, const char *expected)
{
    char *text = heard(client);
    assert_string_equal(text, expected);
    free(text);
}

/* One client, one request, one answer. */
static inline void converse(struct kit *kit, struct tw_buf request, const char *expected)
{
    const struct client *client = ask(kit, &request);
    run_until(kit, all_closed);
    expect(client, expected);
    tw_buf_free(&request);
}

#endif
