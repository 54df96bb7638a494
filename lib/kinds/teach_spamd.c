/* The backend `spamd`: a TELL for each message, over a connection of its own, several at once.
 *
 * Learned: the answer has "DidSet: local". Known already: it has code 0 and no DidSet. But so
 * answers a spamd that learns nothing at all (use_bayes 0), cannot write its store, or has waited
 * ten seconds for the lock of it. So a message that seems known it is asked to forget (DidRemove),
 * and to learn again: who can do neither does not learn. What was learned as the other class is
 * forgotten first.
 *
 * Code 69 says that spamd was started without --allow-tell. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/escape.h"
#include "base/mem.h"
#include "kinds/teacher.h"
#include "toaster/spamd.h"

/* Its store of files is locked by one at a time, who waits looks now and then, and gives up after
 * ten seconds: more connections gain nothing there, and come near that. */
enum { SLOTS = 2, BEAT_MS = 500, EXIT_DATAERR = 65, EXIT_UNAVAILABLE = 69 };

enum step {
    IDLE,
    FORGET, /* as the other class */
    SET,
    PROBE, /* forget what seems known */
    AGAIN, /* and learn it again */
    DONE
};

struct slot {
    enum step step;
    bool spam;
    char *user;
    struct tw_buf message;
    enum tw_verdict verdict; /* DONE */
    int fd;                  /* -1: none */
    struct tw_buf out, in;
    size_t sent;
    int64_t moved_ms; /* when something was read or written last */
};

struct spamd {
    const struct tw_teacher_setup *setup;
    struct tw_spamd_place place;
    struct slot slots[SLOTS];
    size_t first, count; /* those in use are a ring, the oldest first */
    int64_t told_ms;
};

static int spamd_check(const struct tw_teacher_config *config, struct tw_error *e)
{
    struct tw_spamd_place place;
    return tw_spamd_place_parse(config->socket, &place, e);
}

static void *spamd_open(const struct tw_teacher_setup *setup, struct tw_teacher_failure *failure)
{
    struct tw_error e;
    struct spamd *s = tw_alloc(sizeof *s);
    s->setup = setup;
    for (size_t i = 0; i < SLOTS; i++)
        s->slots[i].fd = -1;
    if (tw_spamd_place_parse(setup->socket, &s->place, &e) == 0)
        return s;
    tw_teacher_fail(failure, "config", "%s", e.text);
    free(s);
    return NULL;
}

/* ---- one connection ----------------------------------------------------------------------- */

static int fail_at(const struct spamd *s, struct tw_teacher_failure *failure, const char *code,
                   const char *what, const char *why)
{
    return tw_teacher_fail(failure, code, "spamd at %s %s%s%s", s->setup->socket, what,
                           why[0] ? ": " : "", why);
}

static void hang_up(struct slot *slot)
{
    if (slot->fd >= 0)
        close(slot->fd);
    slot->fd = -1;
    tw_buf_free(&slot->out);
    tw_buf_free(&slot->in);
    slot->sent = 0;
}

static int call(struct spamd *s, struct slot *slot, enum step step,
                struct tw_teacher_failure *failure)
{
    const enum tw_spamd_order learn = slot->spam ? TW_SPAMD_SPAM : TW_SPAMD_HAM;
    hang_up(slot);
    slot->step = step;
    slot->moved_ms = tw_clock_ms();
    tw_spamd_put_tell(&slot->out, step == FORGET || step == PROBE ? TW_SPAMD_FORGET : learn,
                      slot->user, slot->message.data, slot->message.len);
    slot->fd = socket(s->place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (slot->fd < 0)
        return fail_at(s, failure, "failed", "cannot be called", strerrordesc_np(errno));
    if (connect(slot->fd, (const struct sockaddr *)&s->place.address, s->place.length) != 0 &&
        errno != EINPROGRESS && errno != EAGAIN)
        return fail_at(s, failure, "down",
                       "does not answer (is it running, and is that its socket?)",
                       strerrordesc_np(errno));
    return 0;
}

static int send_some(const struct spamd *s, struct slot *slot, struct tw_teacher_failure *failure)
{
    const ssize_t n = send(slot->fd, slot->out.data + slot->sent, slot->out.len - slot->sent,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n >= 0) {
        slot->sent += (size_t)n;
        slot->moved_ms = tw_clock_ms();
    } else if (errno == ECONNREFUSED || errno == ENOTCONN || errno == ETIMEDOUT) {
        return fail_at(s, failure, "down",
                       "does not answer (is it running, and is that its socket?)",
                       strerrordesc_np(errno));
    } else if (errno != EAGAIN && errno != EINTR) {
        slot->sent = slot->out.len; /* it has closed its ear; what it says may tell why */
    }
    return 0;
}

/* 1: the answer is whole. */
static int receive_some(const struct spamd *s, struct slot *slot,
                        struct tw_teacher_failure *failure)
{
    char chunk[4096];
    const ssize_t n = recv(slot->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n < 0 && errno == ECONNREFUSED)
        return fail_at(s, failure, "down",
                       "does not answer (is it running, and is that its socket?)",
                       strerrordesc_np(errno));
    if (n <= 0)
        return 1;
    slot->moved_ms = tw_clock_ms();
    tw_buf_add(&slot->in, chunk, (size_t)n);
    if (slot->in.len > TW_SPAMD_ANSWER_MAX)
        return fail_at(s, failure, "nonsense", "says more than an answer can be", "");
    return 0;
}

/* ---- answers ------------------------------------------------------------------------------ */

static void settle(struct slot *slot, enum tw_verdict verdict)
{
    hang_up(slot);
    slot->step = DONE;
    slot->verdict = verdict;
}

static int take_code(const struct spamd *s, struct slot *slot, const struct tw_spamd_answer *answer,
                     struct tw_teacher_failure *failure)
{
    if (answer->code == EXIT_DATAERR) {
        settle(slot, TW_VERDICT_REFUSED);
        return 0;
    }
    char *words = tw_escape_new(answer->words, TW_ESCAPE_LINE, 0);
    if (answer->code == EXIT_UNAVAILABLE && strstr(words, "allow-tell"))
        fail_at(s, failure, "refused", "does not let itself be taught: start it with --allow-tell",
                words);
    else
        fail_at(s, failure, answer->code == EXIT_UNAVAILABLE ? "refused" : "failed",
                "does not learn", words);
    free(words);
    return -1;
}

static int take_answer(struct spamd *s, struct slot *slot, struct tw_teacher_failure *failure)
{
    struct tw_spamd_answer answer;
    if (tw_spamd_answer_parse(slot->in.data ? slot->in.data : "", slot->in.len, &answer) != 0) {
        char *words = tw_escape_new(tw_buf_text(&slot->in), TW_ESCAPE_LINE, 100);
        fail_at(s, failure, "nonsense",
                slot->in.len ? "answers what is no answer" : "hangs up without an answer", words);
        free(words);
        return -1;
    }
    if (answer.code != 0)
        return take_code(s, slot, &answer, failure);
    switch (slot->step) {
    case FORGET: /* it may have forgotten it by itself */
        return call(s, slot, SET, failure);
    case SET:
        if (!answer.did_set)
            return call(s, slot, PROBE, failure);
        settle(slot, TW_VERDICT_LEARNED);
        return 0;
    case PROBE:
        if (!answer.did_remove)
            return fail_at(s, failure, "nothing-learned",
                           "neither learns nor forgets: is use_bayes 1, can it write its store, "
                           "and is that not locked for long?",
                           "");
        return call(s, slot, AGAIN, failure);
    default: /* learned again, or else it is not known any more */
        if (!answer.did_set)
            return fail_at(s, failure, "nothing-learned",
                           "has forgotten a message and does not learn it again", "");
        settle(slot, TW_VERDICT_KNOWN);
        return 0;
    }
}

/* ---- all of them -------------------------------------------------------------------------- */

static struct slot *slot_at(struct spamd *s, size_t index)
{
    return &s->slots[(s->first + index) % SLOTS];
}

static void clear_slot(struct slot *slot)
{
    hang_up(slot);
    tw_buf_free(&slot->message);
    free(slot->user);
    slot->user = NULL;
    slot->step = IDLE;
}

/* In the order in which they were given. */
static void tell_done(struct spamd *s)
{
    while (s->count && slot_at(s, 0)->step == DONE) {
        s->setup->verdict(s->setup->context, slot_at(s, 0)->verdict);
        clear_slot(slot_at(s, 0));
        s->first = (s->first + 1) % SLOTS;
        s->count--;
    }
}

static int serve(struct spamd *s, struct slot *slot, short events,
                 struct tw_teacher_failure *failure)
{
    if (slot->sent < slot->out.len && (events & (POLLOUT | POLLERR | POLLHUP)) &&
        send_some(s, slot, failure) != 0)
        return -1;
    if (!(events & (POLLIN | POLLHUP | POLLERR)))
        return 0;
    const int got = receive_some(s, slot, failure);
    return got > 0 ? take_answer(s, slot, failure) : got;
}

/* Moves all connections on once. */
static int turn(struct spamd *s, struct tw_teacher_failure *failure)
{
    struct pollfd p[SLOTS];
    for (size_t i = 0; i < SLOTS; i++)
        p[i] = (struct pollfd){.fd = s->slots[i].fd,
                               .events =
                                   POLLIN | (s->slots[i].sent < s->slots[i].out.len ? POLLOUT : 0)};
    (void)poll(p, SLOTS, BEAT_MS);
    const int64_t now_ms = tw_clock_ms();
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &s->slots[i];
        if (slot->fd >= 0 && p[i].revents && serve(s, slot, p[i].revents, failure) != 0)
            return -1;
        if (slot->fd >= 0 && now_ms - slot->moved_ms > s->setup->max_time_ms)
            return fail_at(s, failure, "timeout", "does not answer for so long as max_time says",
                           "");
    }
    tell_done(s);
    if (now_ms - s->told_ms >= BEAT_MS) {
        s->told_ms = now_ms;
        s->setup->alive(s->setup->context);
    }
    return 0;
}

static int spamd_teach(void *teacher, const struct tw_lesson *lesson,
                       struct tw_teacher_failure *failure)
{
    struct spamd *s = teacher;
    while (s->count == SLOTS)
        if (turn(s, failure) != 0)
            return -1;
    struct slot *slot = slot_at(s, s->count++);
    slot->spam = lesson->spam;
    slot->user = tw_strdup(s->setup->per_user ? lesson->address
                           : s->setup->named  ? s->setup->user
                                              : NULL);
    tw_buf_add(&slot->message, lesson->bytes, lesson->length);
    return call(s, slot, lesson->forget ? FORGET : SET, failure);
}

static int spamd_flush(void *teacher, struct tw_teacher_failure *failure)
{
    struct spamd *s = teacher;
    while (s->count)
        if (turn(s, failure) != 0)
            return -1;
    return 0;
}

static void spamd_close(void *teacher)
{
    struct spamd *s = teacher;
    for (size_t i = 0; i < SLOTS; i++)
        clear_slot(&s->slots[i]);
    free(s);
}

const struct tw_teacher_kind tw_teacher_spamd = {
    .name = "spamd",
    .check = spamd_check,
    .open = spamd_open,
    .teach = spamd_teach,
    .flush = spamd_flush,
    .close = spamd_close,
};
