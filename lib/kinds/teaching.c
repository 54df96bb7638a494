/* Both ends of the socket between reader and teacher. */
#include "kinds/teaching.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/frame.h"
#include "base/gentle.h"
#include "base/mem.h"

enum packet {
    HAND = 1, /* spam, forget, address; with a descriptor */
    FLUSH,
    TAUGHT, /* what became of the next message */
    ALIVE,
    DONE,   /* with a flush */
    FAILURE /* code, text */
};

enum { PACKET_MAX = 8192, TEXT_MAX = 4096, CODE_MAX = 64, BEAT_MS = 1000, HEAD_MAX = 256 * 1024 };

/* ---- packets ------------------------------------------------------------------------------ */

static struct msghdr header(struct iovec *part, void *bytes, size_t length)
{
    *part = (struct iovec){bytes, length};
    return (struct msghdr){.msg_iov = part, .msg_iovlen = 1};
}

/* With a descriptor, or -1. -1: errno. */
static int put_packet(int to, struct tw_buf *packet, int fd, int flags)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    struct iovec part;
    struct msghdr message = header(&part, packet->data, packet->len);
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(to, &message, MSG_NOSIGNAL | flags);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* 1: a packet, and a descriptor if one came with it (else *fd is -1). 0: the end. -1: errno. */
static int get_packet(int from, struct tw_buf *packet, int *fd, int flags)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    char bytes[PACKET_MAX];
    struct iovec part;
    struct msghdr message = header(&part, bytes, sizeof bytes);
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t n;
    do
        n = recvmsg(from, &message, MSG_CMSG_CLOEXEC | flags);
    while (n < 0 && errno == EINTR);
    *fd = -1;
    if (n <= 0)
        return (int)n;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof *fd))
        memcpy(fd, CMSG_DATA(c), sizeof *fd);
    tw_buf_clear(packet);
    tw_buf_add(packet, bytes, (size_t)n);
    return 1;
}

static int put_sign(int to, enum packet type, int64_t number)
{
    struct tw_buf packet = {0};
    struct tw_frame_writer w = tw_frame_begin(&packet, (uint8_t)type);
    tw_frame_put_number(&w, number);
    tw_frame_end(&w);
    const int result = put_packet(to, &packet, -1, 0);
    tw_buf_free(&packet);
    return result;
}

/* ---- the teacher -------------------------------------------------------------------------- */

struct server {
    const struct tw_teaching *teaching;
    void *teacher;
    bool gone; /* nobody listens */
    /* Messages that the backend has not got stand between those that it has: what became of them is
     * told in their turn. */
    uint64_t given, told;    /* to the backend; verdicts of it */
    struct waiting *waiting; /* in order */
    size_t first, count, room;
};

struct waiting {
    uint64_t behind; /* so many verdicts of the backend */
    enum tw_taught taught;
};

static void tell(struct server *s, enum tw_taught taught)
{
    if (!s->gone && put_sign(s->teaching->fd, TAUGHT, taught) != 0)
        s->gone = true;
}

static void tell_waiting(struct server *s)
{
    while (s->first < s->count && s->waiting[s->first].behind <= s->told)
        tell(s, s->waiting[s->first++].taught);
    if (s->first == s->count)
        s->first = s->count = 0;
}

static void on_verdict(void *context, enum tw_verdict verdict)
{
    struct server *s = context;
    s->told++;
    tell(s, verdict == TW_VERDICT_LEARNED ? TW_TAUGHT_LEARNED
            : verdict == TW_VERDICT_KNOWN ? TW_TAUGHT_KNOWN
                                          : TW_TAUGHT_REFUSED);
    tell_waiting(s);
}

static void on_alive(void *context)
{
    struct server *s = context;
    if (!s->gone && put_sign(s->teaching->fd, ALIVE, 0) != 0)
        s->gone = true;
}

static void pass_over(struct server *s, enum tw_taught taught)
{
    if (s->count == s->room) {
        s->room = s->room ? 2 * s->room : 16;
        s->waiting = tw_realloc_array(s->waiting, s->room, sizeof *s->waiting);
    }
    s->waiting[s->count++] = (struct waiting){s->given, taught};
    tell_waiting(s);
}

/* The value of a header that begins the line; NULL: it is another. */
static const char *value_of(const char *line, size_t length, const char *name)
{
    const size_t size = strlen(name);
    return length > size && strncasecmp(line, name, size) == 0 ? line + size : NULL;
}

bool tw_teaching_is_ours(const char *message, size_t length, const char *hostname)
{
    char *id_end = tw_format("@%s>", hostname);
    bool marked = false, by_us = false;
    const char *at = message, *end = message + (length < HEAD_MAX ? length : HEAD_MAX);
    while (at < end && *at != '\n' && *at != '\r') {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t size = (size_t)((newline ? newline : end) - at);
        const char *id = value_of(at, size, "Message-ID:");
        marked = marked || value_of(at, size, "X-Toaster-Watcher:");
        by_us = by_us || (id && memmem(id, (size_t)(at + size - id), id_end, strlen(id_end)));
        at += size + 1;
    }
    free(id_end);
    return marked && by_us;
}

/* The whole message, or nothing if it is not as long as it was said, or too long. */
static bool read_message(int fd, int64_t max, struct tw_buf *out)
{
    char chunk[65536];
    ssize_t n;
    off_t at = 0;
    tw_buf_clear(out);
    while ((n = pread(fd, chunk, sizeof chunk, at)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || at + n > max)
            return false;
        tw_buf_add(out, chunk, (size_t)n);
        at += n;
    }
    return out->len > 0;
}

static int take_message(struct server *s, struct tw_frame *frame, int fd,
                        struct tw_teacher_failure *failure)
{
    struct tw_buf message = {0};
    const bool spam = tw_frame_number(frame), forget = tw_frame_number(frame);
    char *address = tw_frame_text(frame, TEXT_MAX);
    int result = 0;
    if (!tw_frame_done(frame) || fd < 0) {
        result = tw_teacher_fail(failure, "nonsense", "the reader of mailboxes spoke nonsense");
    } else if (!read_message(fd, s->teaching->max_size, &message)) {
        pass_over(s, TW_TAUGHT_VANISHED);
    } else if (tw_teaching_is_ours(message.data, message.len, s->teaching->hostname)) {
        pass_over(s, TW_TAUGHT_OURS);
    } else {
        const struct tw_lesson lesson = {spam, forget, address, message.data, message.len};
        if (!s->teacher) /* not before there is something to teach: it may start a program */
            s->teacher = s->teaching->kind->open(&s->teaching->setup, failure);
        s->given++;
        result = s->teacher ? s->teaching->kind->teach(s->teacher, &lesson, failure) : -1;
    }
    tw_buf_free(&message);
    free(address);
    return result;
}

static int take_packet(struct server *s, const struct tw_buf *packet, int fd,
                       struct tw_teacher_failure *failure)
{
    const struct tw_teacher_kind *kind = s->teaching->kind;
    struct tw_frame frame;
    size_t at = 0;
    if (tw_frame_next(packet, &at, PACKET_MAX, &frame) != 1 || at != packet->len)
        return tw_teacher_fail(failure, "nonsense", "the reader of mailboxes spoke nonsense");
    if (frame.type == HAND)
        return take_message(s, &frame, fd, failure);
    if (s->teacher && kind->flush && kind->flush(s->teacher, failure) != 0)
        return -1;
    return put_sign(s->teaching->fd, DONE, 0);
}

static void tell_failure(const struct server *s, const struct tw_teacher_failure *failure)
{
    struct tw_buf packet = {0};
    struct tw_frame_writer w = tw_frame_begin(&packet, FAILURE);
    tw_frame_put_text(&w, failure->code);
    tw_frame_put_text(&w, failure->e.text);
    tw_frame_end(&w);
    (void)put_packet(s->teaching->fd, &packet, -1, 0);
    tw_buf_free(&packet);
}

int tw_teaching_serve(void *teaching, int fd, struct tw_error *e)
{
    struct tw_teaching *t = teaching;
    struct server s = {.teaching = t};
    struct tw_teacher_failure failure = {.code = NULL};
    struct tw_buf packet = {0};
    int message = -1, result = 0;
    (void)fd, (void)e;
    close(t->other); /* or its end would never be seen */
    tw_gentle();
    t->setup.verdict = on_verdict;
    t->setup.alive = on_alive;
    t->setup.context = &s;
    while (result == 0 && !s.gone && get_packet(t->fd, &packet, &message, 0) > 0) {
        result = take_packet(&s, &packet, message, &failure);
        if (message >= 0)
            close(message);
    }
    if (failure.code)
        tell_failure(&s, &failure);
    if (s.teacher)
        t->kind->close(s.teacher);
    tw_buf_free(&packet);
    free(s.waiting);
    return 0; /* what is wrong was told to the reader */
}

/* ---- the reader --------------------------------------------------------------------------- */

static int fail(struct tw_pupil *pupil, const char *code, const char *text)
{
    tw_pupil_free(pupil);
    pupil->code = tw_strdup(code);
    pupil->text = tw_strdup(text);
    return -1;
}

static int take_failure(struct tw_pupil *pupil, struct tw_frame *frame)
{
    char *code = tw_frame_text(frame, CODE_MAX), *text = tw_frame_text(frame, TEXT_MAX);
    if (tw_frame_done(frame))
        fail(pupil, code, text);
    else
        fail(pupil, "nonsense", "the teacher of the filter spoke nonsense");
    free(code);
    free(text);
    return -1;
}

/* 1: DONE; 0: something else; -1: failed. */
static int take_answer(struct tw_pupil *pupil, const struct tw_buf *packet)
{
    struct tw_frame frame;
    size_t at = 0;
    if (tw_frame_next(packet, &at, PACKET_MAX, &frame) == 1 && at == packet->len) {
        if (frame.type == FAILURE)
            return take_failure(pupil, &frame);
        const int64_t number = tw_frame_number(&frame);
        if (tw_frame_done(&frame)) {
            if (frame.type == TAUGHT && number >= 0 && number <= TW_TAUGHT_VANISHED)
                pupil->taught(pupil->context, (enum tw_taught)number);
            if (frame.type == TAUGHT || frame.type == ALIVE || frame.type == DONE)
                return frame.type == DONE;
        }
    }
    return fail(pupil, "nonsense", "the teacher of the filter spoke nonsense");
}

/* Takes answers until `out` was sent (with `fd`) and, if wanted, DONE has come. */
static int exchange(struct tw_pupil *pupil, struct tw_buf *out, int fd, bool until_done)
{
    int64_t heard_ms = tw_clock_ms();
    struct tw_buf packet = {0};
    bool sent = false, done = !until_done;
    int result = 0, none;
    while (result >= 0 && !(sent && done)) {
        struct pollfd p = {.fd = pupil->fd, .events = POLLIN | (sent ? 0 : POLLOUT)};
        const int ready = poll(&p, 1, BEAT_MS);
        if (!sent && ready > 0 && (p.revents & POLLOUT) &&
            put_packet(pupil->fd, out, fd, MSG_DONTWAIT) == 0)
            sent = true;
        const int got = ready > 0 && (p.revents & (POLLIN | POLLHUP | POLLERR))
                            ? get_packet(pupil->fd, &packet, &none, MSG_DONTWAIT)
                            : -1;
        if (got == 0) {
            result = fail(pupil, "failed", "the teacher of the filter has died");
        } else if (got > 0) {
            heard_ms = tw_clock_ms();
            if (none >= 0)
                close(none);
            pupil->alive(pupil->context);
            result = take_answer(pupil, &packet);
            done = done || result > 0;
        } else if (tw_clock_ms() - heard_ms > pupil->patience_ms) {
            result = fail(pupil, "timeout", "the teacher of the filter hangs");
        }
    }
    tw_buf_free(&packet);
    return result < 0 ? -1 : 0;
}

int tw_pupil_hand(struct tw_pupil *pupil, int message, bool spam, bool forget, const char *address)
{
    struct tw_buf packet = {0};
    struct tw_frame_writer w = tw_frame_begin(&packet, HAND);
    tw_frame_put_number(&w, spam);
    tw_frame_put_number(&w, forget);
    tw_frame_put_text(&w, address);
    tw_frame_end(&w);
    const int result = exchange(pupil, &packet, message, false);
    tw_buf_free(&packet);
    return result;
}

int tw_pupil_flush(struct tw_pupil *pupil)
{
    struct tw_buf packet = {0};
    struct tw_frame_writer w = tw_frame_begin(&packet, FLUSH);
    tw_frame_put_number(&w, 0);
    tw_frame_end(&w);
    const int result = exchange(pupil, &packet, -1, true);
    tw_buf_free(&packet);
    return result;
}

void tw_pupil_free(struct tw_pupil *pupil)
{
    free(pupil->code);
    free(pupil->text);
    pupil->code = pupil->text = NULL;
}
