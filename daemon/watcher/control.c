/* The control socket. Every client is bounded in what it may send and how long it may take; none
 * can hold up the loop. */
#include "watcher/control.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { CLIENTS_MAX = 32, REQUEST_MAX = 16384, NAMES_MAX = 1024, IDLE_MS = 10000, PAUSE_MS = 1000 };

struct client {
    struct tw_control *control;
    struct client *next;
    int fd;
    bool may_change;
    bool asked; /* the request is here: what still comes is only the end */
    bool all;   /* a check of all jobs */
    bool whole; /* a run: until a round is over, of a job that has rounds */
    struct tw_watch *read, *write;
    struct tw_timer *idle;
    struct tw_buf in, out;
    size_t pending; /* runs it waits for */
    bool ready;     /* the answer is whole: to be closed when it is sent */
    struct tw_strings wanted;
};

struct tw_control {
    struct tw_control_parts parts;
    char *path;
    int fd;
    struct tw_watch *watch;
    struct tw_timer *pause; /* of accepting, while there are no descriptors */
    struct client *clients;
    size_t count;
};

/* ---- rows --------------------------------------------------------------------------------- */

static void put_job(struct tw_buf *out, const struct tw_job *job, int64_t next_s)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_CONTROL_JOB);
    tw_frame_put_text(&w, job->name);
    tw_frame_put_number(&w, job->last_start_s);
    tw_frame_put_number(&w, job->last_end_s);
    tw_frame_put_number(&w, next_s);
    tw_frame_put_number(&w, job->took_ms);
    tw_frame_put_number(&w, tw_job_running(job));
    tw_frame_end(&w);
}

static void put_aspect(struct tw_buf *out, const struct tw_aspect *aspect)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_CONTROL_ASPECT);
    tw_frame_put_text(&w, aspect->name);
    tw_frame_put_text(&w, aspect->job);
    tw_frame_put_number(&w, aspect->level);
    tw_frame_put_number(&w, aspect->incident.stage);
    tw_frame_put_number(&w, aspect->since_s);
    tw_frame_put_number(&w, aspect->incident.opened_s);
    tw_frame_put_text(&w, aspect->code);
    const char *why = aspect->waits_until_ms == INT64_MAX
                          ? "no letter while what it depends on fails"
                          : "no letter yet: what it depends on was failing";
    char *waiting = aspect->waits_until_ms ? tw_format("%s (%s)", aspect->text, why) : NULL;
    tw_frame_put_text(&w, waiting ? waiting : aspect->text);
    free(waiting);
    tw_frame_end(&w);
}

static void put_incident(struct tw_buf *out, const struct tw_control_incident *row)
{
    const int64_t numbers[] = {row->id,       row->level,           row->stage, row->opened_s,
                               row->closed_s, row->letters,         row->opens, row->escalated_s,
                               row->acked_s,  row->silenced_until_s};
    const char *const texts[] = {row->aspect, row->text, row->acked_by, row->note};
    struct tw_frame_writer w = tw_frame_begin(out, TW_CONTROL_INCIDENT);
    for (size_t i = 0; i < TW_COUNT(numbers); i++)
        tw_frame_put_number(&w, numbers[i]);
    for (size_t i = 0; i < TW_COUNT(texts); i++)
        tw_frame_put_text(&w, texts[i]);
    tw_frame_end(&w);
}

static void put_end(struct tw_buf *out, int code, const char *text)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_CONTROL_END);
    tw_frame_put_number(&w, code);
    tw_frame_put_text(&w, text);
    tw_frame_end(&w);
}

static void put_aspects_of(struct client *client, const char *job)
{
    struct tw_aspects *aspects = client->control->parts.aspects;
    size_t count;
    const size_t first = tw_aspects_of(aspects, job, &count);
    for (size_t i = first; i < first + count; i++)
        put_aspect(&client->out, tw_aspects_at(aspects, i));
}

/* ---- clients ------------------------------------------------------------------------------ */

static void close_client(struct client *client)
{
    struct tw_control *control = client->control;
    struct client **link = &control->clients;
    while (*link != client)
        link = &(*link)->next;
    *link = client->next;
    control->count--;
    tw_jobs_unask(control->parts.jobs, client);
    tw_watch_free(&client->read);
    tw_watch_free(&client->write);
    tw_timer_free(&client->idle);
    close(client->fd);
    tw_buf_free(&client->in);
    tw_buf_free(&client->out);
    tw_strings_free(&client->wanted);
    free(client);
}

static void send_more(void *context)
{
    struct client *client = context;
    while (client->out.len) {
        const ssize_t sent = send(client->fd, client->out.data, client->out.len, MSG_NOSIGNAL);
        if (sent > 0) {
            tw_buf_consume(&client->out, (size_t)sent);
        } else if (errno == EAGAIN) {
            if (!client->write)
                client->write = tw_watch_new(client->control->parts.loop, client->fd, TW_LOOP_WRITE,
                                             send_more, client);
            if (!tw_timer_active(
                    client->idle)) /* for the whole answer, however slowly it is read */
                tw_timer_set(client->idle, IDLE_MS);
            return;
        } else if (errno != EINTR) {
            close_client(client);
            return;
        }
    }
    tw_watch_free(&client->write);
    if (client->ready)
        close_client(client);
}

static void answer(struct client *client, int code, const char *text)
{
    put_end(&client->out, code, text);
    client->ready = true;
    send_more(client);
}

/* ---- requests ----------------------------------------------------------------------------- */

static void do_status(struct client *client)
{
    const struct tw_control_parts *parts = &client->control->parts;
    const int64_t now_s = time(NULL);
    for (size_t i = 0; i < tw_jobs_count(parts->jobs); i++) {
        const struct tw_job *job = tw_jobs_at(parts->jobs, i);
        put_job(&client->out, job, tw_jobs_next_s(parts->jobs, job, now_s));
        put_aspects_of(client, job->name);
    }
    put_aspects_of(client, TW_SELF);
    answer(client, 0, parts->file);
}

static void put_aspects_of_tasks(struct client *client)
{
    struct tw_jobs *jobs = client->control->parts.jobs;
    for (size_t i = 0; i < tw_jobs_count(jobs); i++)
        if (tw_job_is_task(tw_jobs_at(jobs, i)))
            put_aspects_of(client, tw_jobs_at(jobs, i)->name);
}

/* What a reload has dropped meanwhile was asked for by its name, and has no answer. */
static bool all_there(struct client *client)
{
    for (size_t i = 0; i < client->wanted.count && !client->all; i++) {
        const char *name = client->wanted.items[i];
        if (tw_jobs_find(client->control->parts.jobs, name))
            continue;
        char *wrong = tw_format("there is no job %s any more: a reload has dropped it", name);
        answer(client, 100, wrong);
        free(wrong);
        return false;
    }
    return true;
}

static void finish_check(struct client *client)
{
    if (!all_there(client))
        return;
    for (size_t i = 0; i < client->wanted.count; i++)
        put_aspects_of(client, client->wanted.items[i]);
    if (client->all) {
        put_aspects_of_tasks(client); /* as they stand: they are not run */
        put_aspects_of(client, TW_SELF);
    }
    answer(client, 0, client->control->parts.file);
}

static void check_done(void *context, struct tw_job *job)
{
    struct client *client = context;
    if (client->whole && job && tw_job_in_round(job))
        tw_jobs_await(client->control->parts.jobs, job, check_done, client);
    else if (--client->pending == 0)
        finish_check(client);
}

static void want(struct client *client, struct tw_job *job, bool confirm)
{
    tw_strings_add(&client->wanted, job->name);
    client->pending++;
    if (confirm)
        tw_jobs_confirm(client->control->parts.jobs, job, check_done, client);
    else
        tw_jobs_ask(client->control->parts.jobs, job, check_done, client);
}

/* The names of a check's request. NULL: all are jobs; else what is wrong, the caller's to free. */
static char *read_names(const struct client *client, struct tw_frame *frame,
                        struct tw_strings *names)
{
    const int64_t count = tw_frame_number(frame);
    for (int64_t i = 0; i < count && i < NAMES_MAX && !frame->bad; i++) {
        char *name = tw_frame_text(frame, TW_CONTROL_NAME_MAX);
        tw_strings_add(names, name);
        free(name);
    }
    if (!tw_frame_done(frame) || count != (int64_t)names->count)
        return tw_strdup("a request that is cut or garbled");
    for (size_t i = 0; i < names->count; i++) {
        const struct tw_job *job = tw_jobs_find(client->control->parts.jobs, names->items[i]);
        if (!job)
            return tw_format("there is no job %s (toasterctl status lists them)", names->items[i]);
        if (tw_job_is_task(job))
            return tw_format("%s is a task, which changes things: toasterctl run %s [--dry-run]",
                             job->name, job->name);
    }
    return NULL;
}

static void do_check(struct client *client, struct tw_frame *frame)
{
    struct tw_jobs *jobs = client->control->parts.jobs;
    struct tw_strings names = {0};
    char *wrong = read_names(client, frame, &names);
    if (wrong) {
        answer(client, 100, wrong);
        free(wrong);
        tw_strings_free(&names);
        return;
    }
    client->all = names.count == 0;
    for (size_t i = 0; i < names.count; i++)
        want(client, tw_jobs_find(jobs, names.items[i]), false);
    for (size_t i = 0; i < tw_jobs_count(jobs) && client->all; i++)
        if (!tw_job_is_task(tw_jobs_at(jobs, i)))
            want(client, tw_jobs_at(jobs, i), false);
    tw_strings_free(&names);
    if (client->pending == 0)
        finish_check(client);
}

static void do_run(struct client *client, struct tw_frame *frame)
{
    char *name = tw_frame_text(frame, TW_CONTROL_NAME_MAX);
    const bool confirm = tw_frame_number(frame) != 0;
    struct tw_job *job = tw_jobs_find(client->control->parts.jobs, name);
    char *wrong = NULL;
    if (!tw_frame_done(frame))
        wrong = tw_strdup("a request that is cut or garbled");
    else if (!job)
        wrong = tw_format("there is no job %s (toasterctl status lists them)", name);
    else if (confirm && !tw_job_is_task(job))
        wrong = tw_format("%s only looks: there is nothing to confirm", name);
    client->whole = true;
    if (job && !wrong)
        want(client, job, confirm);
    else
        answer(client, 100, wrong);
    free(wrong);
    free(name);
}

static void do_forget(struct client *client, struct tw_frame *frame)
{
    const struct tw_control_parts *parts = &client->control->parts;
    char *name = tw_frame_text(frame, TW_CONTROL_NAME_MAX);
    struct tw_job *job = tw_jobs_find(parts->jobs, name);
    struct tw_error e = {""};
    char *text = NULL;
    if (!tw_frame_done(frame))
        text = tw_strdup("a request that is cut or garbled");
    else if (!job)
        text = tw_format("there is no job %s (toasterctl status lists them)", name);
    else if (parts->forget(parts->context, job, &e) != 0)
        text = tw_strdup(e.text);
    answer(client, text ? 100 : 0, text);
    free(text);
    free(name);
}

/* ---- requests of the hand ----------------------------------------------------------------- */

static void do_incidents(struct client *client)
{
    const struct tw_hand *hand = &client->control->parts.hand;
    const int64_t now_s = time(NULL);
    for (size_t i = 0; i < tw_aspects_count(hand->aspects); i++) {
        const struct tw_aspect *a = tw_aspects_at(hand->aspects, i);
        if (!a->id)
            continue;
        const struct tw_silence *silence = tw_silences_on(hand->silences, a->job, a->name, now_s);
        put_incident(&client->out, &(struct tw_control_incident){.id = a->id,
                                                                 .level = a->seen,
                                                                 .stage = a->incident.stage,
                                                                 .opened_s = a->incident.opened_s,
                                                                 .closed_s = a->incident.closed_s,
                                                                 .letters = a->incident.letters,
                                                                 .opens = a->incident.opens,
                                                                 .escalated_s = a->escalated_s,
                                                                 .acked_s = a->acked_s,
                                                                 .silenced_until_s =
                                                                     silence ? silence->until_s : 0,
                                                                 .aspect = a->name,
                                                                 .text = a->seen_text,
                                                                 .acked_by = a->acked_by,
                                                                 .note = a->note});
    }
    for (size_t i = 0; i < hand->silences->count; i++) {
        const struct tw_silence *silence = &hand->silences->items[i];
        struct tw_frame_writer w = tw_frame_begin(&client->out, TW_CONTROL_SILENT);
        tw_frame_put_number(&w, silence->id);
        tw_frame_put_number(&w, silence->from_s);
        tw_frame_put_number(&w, silence->until_s);
        tw_frame_put_text(&w, silence->pattern);
        tw_frame_put_text(&w, silence->by);
        tw_frame_put_text(&w, silence->note);
        tw_frame_end(&w);
    }
    answer(client, 0, "");
}

/* The peer's name is what it says: only root comes here. */
static void do_hand(struct client *client, struct tw_frame *frame)
{
    const struct tw_control_parts *parts = &client->control->parts;
    const struct tw_when when = {time(NULL), tw_loop_now_ms(parts->loop)};
    struct tw_buf said = {0};
    struct tw_error e = {"a request that is cut or garbled"};
    char *what = tw_frame_text(frame, TW_CONTROL_NAME_MAX);
    const int64_t length_s = frame->type == TW_CONTROL_SILENCE ? tw_frame_number(frame) : 0;
    char *by = tw_frame_text(frame, TW_SILENCE_BY_MAX);
    char *note = frame->type == TW_CONTROL_UNSILENCE ? tw_strdup("")
                                                     : tw_frame_text(frame, TW_SILENCE_NOTE_MAX);
    int result = -1;
    if (!tw_frame_done(frame))
        ;
    else if (frame->type == TW_CONTROL_SILENCE)
        result = tw_hand_silence(&parts->hand, what, length_s, by, note, when, &said, &e);
    else if (frame->type == TW_CONTROL_UNSILENCE)
        result = tw_hand_unsilence(&parts->hand, what, by, &said, &e);
    else
        result = tw_hand_ack(&parts->hand, what, by, note, when, &said, &e);
    if (result == 0)
        parts->changed(parts->context);
    answer(client, result == 0 ? 0 : 100, result == 0 ? tw_buf_text(&said) : e.text);
    tw_buf_free(&said);
    free(what);
    free(by);
    free(note);
}

static void do_request(struct client *client, struct tw_frame *frame)
{
    client->asked = true;
    tw_timer_stop(client->idle);
    if (frame->type == TW_CONTROL_STATUS)
        do_status(client);
    else if (frame->type == TW_CONTROL_INCIDENTS)
        do_incidents(client);
    else if (!client->may_change)
        answer(client, 100, "only root may do that");
    else if (frame->type == TW_CONTROL_CHECK)
        do_check(client, frame);
    else if (frame->type == TW_CONTROL_RUN)
        do_run(client, frame);
    else if (frame->type == TW_CONTROL_FORGET)
        do_forget(client, frame);
    else if (frame->type == TW_CONTROL_SILENCE || frame->type == TW_CONTROL_UNSILENCE ||
             frame->type == TW_CONTROL_ACK)
        do_hand(client, frame);
    else
        answer(client, 100, "the daemon does not know this request: is it of another version?");
}

static void client_ready(void *context)
{
    struct client *client = context;
    char chunk[4096];
    const ssize_t length = recv(client->fd, chunk, sizeof chunk, 0);
    if (length < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (length <= 0 || client->asked || client->in.len + (size_t)length > REQUEST_MAX) {
        close_client(client); /* it went away, or talks too much */
        return;
    }
    tw_buf_add(&client->in, chunk, (size_t)length);
    size_t position = 0;
    struct tw_frame frame;
    const int got = tw_frame_next(&client->in, &position, REQUEST_MAX, &frame);
    if (got < 0 || (got > 0 && position != client->in.len))
        close_client(client);
    else if (got > 0)
        do_request(client, &frame);
}

static void client_idle(void *context)
{
    close_client(context);
}

static bool peer_may_change(int fd)
{
    struct ucred peer;
    socklen_t length = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
           (peer.uid == 0 || peer.uid == geteuid());
}

/* The one that has been silent for longest makes room. False: all have asked for something. */
static bool drop_oldest(struct tw_control *control)
{
    struct client *oldest = NULL; /* the newest is the first of the list */
    for (struct client *client = control->clients; client; client = client->next)
        if (!client->asked || (client->ready && !client->may_change))
            oldest = client;
    if (oldest)
        close_client(oldest);
    return oldest != NULL;
}

static void accept_ready(void *context)
{
    struct tw_control *control = context;
    const int fd = accept4(control->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) {
        /* The connection stays in the queue and would call again at once. */
        tw_watch_free(&control->watch);
        tw_timer_set(control->pause, PAUSE_MS);
    }
    if (fd < 0)
        return;
    if (control->count >= CLIENTS_MAX && !drop_oldest(control)) {
        close(fd);
        return;
    }
    struct client *client = tw_alloc(sizeof *client);
    *client = (struct client){
        .control = control, .next = control->clients, .fd = fd, .may_change = peer_may_change(fd)};
    control->clients = client;
    control->count++;
    client->idle = tw_timer_new(control->parts.loop, client_idle, client);
    tw_timer_set(client->idle, IDLE_MS);
    client->read = tw_watch_new(control->parts.loop, fd, TW_LOOP_READ, client_ready, client);
}

static void listen_again(void *context)
{
    struct tw_control *control = context;
    control->watch =
        tw_watch_new(control->parts.loop, control->fd, TW_LOOP_READ, accept_ready, control);
}

/* ---- the socket --------------------------------------------------------------------------- */

/* A socket that a daemon left behind goes; one that answers, or any other thing, stays. */
static int clear_place(const struct sockaddr_un *address, struct tw_error *e)
{
    struct stat st;
    if (lstat(address->sun_path, &st) != 0)
        return 0;
    if (!S_ISSOCK(st.st_mode))
        return tw_fail(e, "%s is in the way: it is no socket", address->sun_path);
    const int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int result = connect(probe, (const struct sockaddr *)address, sizeof *address);
    const bool dead = result != 0 && errno == ECONNREFUSED; /* EAGAIN: somebody has much to do */
    close(probe);
    if (!dead)
        return tw_fail(e, "another program answers at %s", address->sun_path);
    unlink(address->sun_path);
    return 0;
}

int tw_control_give(const char *path, const char *name, struct tw_error *e)
{
    const struct group *group = name[0] ? getgrnam(name) : NULL;
    if (name[0] && !group)
        return tw_fail(e, "control_group: there is no group %s", name);
    if (group && lchown(path, (uid_t)-1, group->gr_gid) != 0)
        return tw_fail_errno(e, "cannot give %s to group %s", path, name);
    if (chmod(path, group ? 0660 : 0600) != 0)
        return tw_fail_errno(e, "cannot set the mode of %s", path);
    return 0;
}

static int bind_socket(struct tw_control *control, const struct tw_config *config,
                       struct tw_error *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(config->control) >= sizeof address.sun_path)
        return tw_fail(e, "control: %s is too long for a socket", config->control);
    memcpy(address.sun_path, config->control, strlen(config->control) + 1);
    if (clear_place(&address, e) != 0)
        return -1;
    control->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const mode_t mask = umask(0177); /* 0600 from the first moment */
    const int bound = bind(control->fd, (const struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (bound != 0)
        return tw_fail_errno(e, "cannot make the socket %s", config->control);
    control->path = tw_strdup(config->control);
    if (tw_control_give(control->path, config->control_group, e) != 0)
        return -1;
    if (listen(control->fd, 16) != 0)
        return tw_fail_errno(e, "cannot listen at %s", config->control);
    return 0;
}

struct tw_control *tw_control_new(const struct tw_config *config,
                                  const struct tw_control_parts *parts, struct tw_error *e)
{
    struct tw_control *control = tw_alloc(sizeof *control);
    control->parts = *parts;
    control->fd = -1;
    if (bind_socket(control, config, e) != 0) {
        tw_control_free(&control);
        return NULL;
    }
    control->pause = tw_timer_new(parts->loop, listen_again, control);
    listen_again(control);
    return control;
}

void tw_control_free(struct tw_control **control)
{
    struct tw_control *c = *control;
    if (!c)
        return;
    while (c->clients)
        close_client(c->clients); /* NOLINT(clang-analyzer-unix.Malloc): it unlinks itself */
    tw_watch_free(&c->watch);
    tw_timer_free(&c->pause);
    if (c->fd >= 0)
        close(c->fd);
    if (c->path)
        unlink(c->path);
    free(c->path);
    free(c);
    *control = NULL;
}
