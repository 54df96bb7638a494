/* toasterctl's side of the control socket. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/term.h"

enum {
    ANSWER_MS = 10000,
    RUN_MS = 300000, /* a check may take its deadline, and wait for others */
    LONG_MS = 2000,  /* after so long somebody wonders */
    STEP_MS = 250    /* between two looks at what to show meanwhile */
};

static void get_job(struct tw_frame *frame, struct ctl_answer *answer)
{
    answer->jobs = tw_realloc_array(answer->jobs, answer->job_count + 1, sizeof *answer->jobs);
    struct ctl_job *job = &answer->jobs[answer->job_count++];
    job->name = tw_frame_text(frame, TW_CONTROL_NAME_MAX);
    job->last_start_s = tw_frame_number(frame);
    job->last_end_s = tw_frame_number(frame);
    job->next_s = tw_frame_number(frame);
    job->took_ms = tw_frame_number(frame);
    job->running = tw_frame_number(frame) != 0;
    job->first = answer->aspect_count;
    job->aspects = 0;
}

static struct ctl_aspect *new_aspect(struct ctl_answer *answer)
{
    answer->aspects =
        tw_realloc_array(answer->aspects, answer->aspect_count + 1, sizeof *answer->aspects);
    return &answer->aspects[answer->aspect_count++];
}

static void get_aspect(struct tw_frame *frame, struct ctl_answer *answer)
{
    struct ctl_aspect *aspect = new_aspect(answer);
    aspect->name = tw_frame_text(frame, TW_CONTROL_NAME_MAX);
    aspect->job = tw_frame_text(frame, TW_CONTROL_NAME_MAX);
    const int64_t level = tw_frame_number(frame), stage = tw_frame_number(frame);
    aspect->since_s = tw_frame_number(frame);
    aspect->opened_s = tw_frame_number(frame);
    aspect->code = tw_frame_text(frame, TW_CONTROL_FRAME_MAX);
    aspect->text = tw_frame_text(frame, TW_CONTROL_FRAME_MAX);
    frame->bad =
        frame->bad || level < 0 || level > TW_LEVEL_UNKNOWN || stage < 0 || stage >= TW_STAGES;
    aspect->level = frame->bad ? TW_LEVEL_UNKNOWN : (enum tw_level)level;
    struct ctl_job *last = answer->job_count ? &answer->jobs[answer->job_count - 1] : NULL;
    if (last && strcmp(last->name, aspect->job) == 0)
        last->aspects++;
    aspect->stage = frame->bad ? TW_STAGE_QUIET : (enum tw_stage)stage;
}

static void get_incident(struct tw_frame *frame, struct ctl_answer *answer)
{
    answer->incidents =
        tw_realloc_array(answer->incidents, answer->incident_count + 1, sizeof *answer->incidents);
    struct tw_control_incident *row = &answer->incidents[answer->incident_count++];
    int64_t *const numbers[] = {
        &row->id,      &row->level, &row->stage,       &row->opened_s, &row->closed_s,
        &row->letters, &row->opens, &row->escalated_s, &row->acked_s,  &row->silenced_until_s};
    char **const texts[] = {&row->aspect, &row->text, &row->acked_by, &row->note};
    for (size_t i = 0; i < TW_COUNT(numbers); i++)
        *numbers[i] = tw_frame_number(frame);
    for (size_t i = 0; i < TW_COUNT(texts); i++)
        *texts[i] = tw_frame_text(frame, TW_CONTROL_FRAME_MAX);
    frame->bad = frame->bad || row->level < 0 || row->level > TW_LEVEL_UNKNOWN || row->stage < 0 ||
                 row->stage >= TW_STAGES;
}

static void get_silence(struct tw_frame *frame, struct ctl_answer *answer)
{
    answer->silences =
        tw_realloc_array(answer->silences, answer->silence_count + 1, sizeof *answer->silences);
    struct ctl_silence *row = &answer->silences[answer->silence_count++];
    row->id = tw_frame_number(frame);
    row->from_s = tw_frame_number(frame);
    row->until_s = tw_frame_number(frame);
    row->pattern = tw_frame_text(frame, TW_CONTROL_FRAME_MAX);
    row->by = tw_frame_text(frame, TW_CONTROL_FRAME_MAX);
    row->note = tw_frame_text(frame, TW_CONTROL_FRAME_MAX);
}

void ctl_answer_add(struct ctl_answer *answer, const struct tw_aspect *from)
{
    *new_aspect(answer) = (struct ctl_aspect){.name = tw_strdup(from->name),
                                              .job = tw_strdup(from->job),
                                              .code = tw_strdup(from->code),
                                              .text = tw_strdup(from->text),
                                              .level = from->level,
                                              .stage = from->incident.stage,
                                              .since_s = from->since_s,
                                              .opened_s = from->incident.opened_s};
}

void ctl_tell_other_file(const struct ctl *ctl, const struct ctl_answer *answer)
{
    struct stat ours, its;
    const char *file = answer->text; /* with which status and check end */
    const char *own = ctl->file ? ctl->file : tw_config_default_file();
    if (!own || !file || file[0] != '/' || stat(own, &ours) != 0 || stat(file, &its) != 0 ||
        (ours.st_dev == its.st_dev && ours.st_ino == its.st_ino))
        return;
    ctl_complain("note: the daemon that runs has answered, whose configuration is %s, not %s", file,
                 own);
    if (!ctl->file)
        ctl_complain("note: it looks for its configuration only when it starts: svc -t "
                     "%s/toaster-watcher",
                     ctl->config->qmail.service);
}

void ctl_answer_free(struct ctl_answer *answer)
{
    for (size_t i = 0; i < answer->job_count; i++)
        free(answer->jobs[i].name);
    for (size_t i = 0; i < answer->aspect_count; i++) {
        free(answer->aspects[i].name);
        free(answer->aspects[i].job);
        free(answer->aspects[i].code);
        free(answer->aspects[i].text);
    }
    for (size_t i = 0; i < answer->incident_count; i++) {
        free(answer->incidents[i].aspect);
        free(answer->incidents[i].text);
        free(answer->incidents[i].acked_by);
        free(answer->incidents[i].note);
    }
    for (size_t i = 0; i < answer->silence_count; i++) {
        free(answer->silences[i].pattern);
        free(answer->silences[i].by);
        free(answer->silences[i].note);
    }
    free(answer->incidents);
    free(answer->silences);
    free(answer->jobs);
    free(answer->aspects);
    free(answer->text);
    *answer = (struct ctl_answer){0};
}

/* 1: that was the end. */
static int get_frame(struct tw_frame *frame, struct ctl_answer *answer)
{
    int result = 0;
    if (frame->type == TW_CONTROL_JOB) {
        get_job(frame, answer);
    } else if (frame->type == TW_CONTROL_ASPECT) {
        get_aspect(frame, answer);
    } else if (frame->type == TW_CONTROL_INCIDENT) {
        get_incident(frame, answer);
    } else if (frame->type == TW_CONTROL_SILENT) {
        get_silence(frame, answer);
    } else if (frame->type == TW_CONTROL_END) {
        answer->code = (int)tw_frame_number(frame);
        answer->text = tw_frame_text(frame, TW_CONTROL_FRAME_MAX);
        result = 1;
    } else {
        return -1;
    }
    return tw_frame_done(frame) ? result : -1;
}

static int type_of(const struct tw_buf *request)
{
    return (unsigned char)request->data[TW_FRAME_HEAD];
}

/* A task takes as long as it takes. */
static void say_patience(void)
{
    static bool said;
    if (!said)
        fputs("toasterctl: it runs; to interrupt toasterctl does not stop it\n", stderr);
    said = true;
}

struct conversation {
    int fd;
    int64_t limit_ms; /* without a word */
    bool patient;     /* however long it takes */
    struct ctl_progress progress;
};

/* Until there is something to read. -1: nothing came. */
static int wait_for_word(struct conversation *c)
{
    for (int64_t since_ms = tw_clock_ms();;) {
        const int64_t left_ms = since_ms + c->limit_ms - tw_clock_ms();
        struct pollfd word = {c->fd, POLLIN, 0};
        if (poll(&word, 1, left_ms > STEP_MS ? STEP_MS : left_ms > 0 ? (int)left_ms : 0) > 0)
            return 0;
        ctl_progress_show(&c->progress);
        if (left_ms > 0)
            continue;
        if (!c->patient)
            return -1;
        ctl_progress_clear(&c->progress);
        say_patience();
        since_ms = tw_clock_ms();
    }
}

static int receive(struct conversation *c, struct ctl_answer *answer, struct tw_error *e)
{
    struct tw_buf in = {0};
    int result = 0;
    while (result == 0) {
        char chunk[65536];
        if (wait_for_word(c) != 0) {
            result = tw_fail(e, "cannot hear the daemon's answer: it says nothing; does it hang?");
            break;
        }
        const ssize_t length = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
        if (length < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (length < 0) {
            result = tw_fail_errno(e, "cannot hear the daemon's answer");
            break;
        }
        if (length == 0) {
            result = tw_fail(e, "cannot hear the daemon's answer: it hung up in the middle");
            break;
        }
        tw_buf_add(&in, chunk, (size_t)length);
        size_t position = 0;
        struct tw_frame frame;
        int got = 0;
        while (result == 0 &&
               (got = tw_frame_next(&in, &position, TW_CONTROL_FRAME_MAX, &frame)) > 0)
            result = get_frame(&frame, answer);
        tw_buf_consume(&in, position);
        if (got < 0 || result < 0)
            result = tw_fail(e, "cannot read the daemon's answer: it makes no sense; is the daemon "
                                "of another version?");
    }
    tw_buf_free(&in);
    return result > 0 ? 0 : -1;
}

int ctl_ask_within(const struct tw_config *config, const struct tw_buf *request, int64_t limit_ms,
                   struct ctl_answer *answer, struct tw_error *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(config->control) >= sizeof address.sun_path)
        return tw_fail(e, "cannot reach toaster-watcher: control: %s is too long for a socket",
                       config->control);
    memcpy(address.sun_path, config->control, strlen(config->control) + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return tw_fail_errno(e, "cannot make a socket");
    const int type = type_of(request);
    struct conversation c = {.fd = fd, .limit_ms = limit_ms, .patient = type == TW_CONTROL_RUN};
    const int64_t send_ms = limit_ms < LONG_MS ? limit_ms : ANSWER_MS;
    const struct timeval limit = {.tv_sec = send_ms / 1000, .tv_usec = send_ms % 1000 * 1000};
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    ctl_progress_begin(&c.progress, "%s",
                       type == TW_CONTROL_RUN     ? "run"
                       : type == TW_CONTROL_CHECK ? "check"
                                                  : "waiting for the daemon");
    int result = 0;
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        const bool nobody = errno == ENOENT || errno == ECONNREFUSED;
        result = tw_fail_errno(e, "cannot reach toaster-watcher at %s", config->control);
        if (nobody)
            result = 1;
    } else if (send(fd, request->data, request->len, MSG_NOSIGNAL) != (ssize_t)request->len) {
        result = tw_fail_errno(e, "cannot ask toaster-watcher at %s", config->control);
    } else {
        result = receive(&c, answer, e);
    }
    ctl_progress_end(&c.progress);
    close(fd);
    return result;
}

int ctl_ask(const struct tw_config *config, const struct tw_buf *request, struct ctl_answer *answer,
            struct tw_error *e)
{
    const int type = type_of(request);
    return ctl_ask_within(config, request,
                          type == TW_CONTROL_RUN     ? LONG_MS
                          : type == TW_CONTROL_CHECK ? RUN_MS
                                                     : ANSWER_MS,
                          answer, e);
}
