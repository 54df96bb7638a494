/* Work with one owner's rights: both sides of the descriptor between child and parent. */
#include "kinds/ownerchild.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/priv.h"
#include "toaster/address.h"

enum {
    SEND_BYTES = 32768,
    BEAT_MS = 1000,
    PATIENCE_MS = 5 * 60 * 1000,
    PROGRESS_MS = 1000,
};

/* ---- the voice ---------------------------------------------------------------------------- */

struct tw_voice tw_voice(int fd)
{
    return (struct tw_voice){.fd = fd, .sent_ms = tw_clock_ms()};
}

static void send_all(struct tw_voice *voice)
{
    if (!voice->failed && tw_write_all(voice->fd, voice->out.data, voice->out.len) != 0)
        voice->failed = true;
    tw_buf_clear(&voice->out);
    voice->sent_ms = tw_clock_ms();
}

void tw_voice_say(struct tw_voice *voice)
{
    if (voice->out.len < SEND_BYTES && tw_clock_ms() - voice->sent_ms < BEAT_MS)
        return;
    if (voice->out.len == 0)
        tw_child_put_sign(&voice->out, TW_CHILD_BEAT);
    send_all(voice);
}

int tw_voice_said(struct tw_voice *voice, struct tw_error *e)
{
    send_all(voice);
    tw_buf_free(&voice->out);
    return voice->failed ? tw_fail(e, "nobody listens to a child") : 0;
}

void tw_voice_problem(void *voice, const char *code, const char *text)
{
    struct tw_voice *v = voice;
    tw_problem_put(&v->out, TW_CHILD_PROBLEM, code, text, 0);
    tw_voice_say(v); /* a list of users may have any number of broken lines */
}

void tw_child_put_sign(struct tw_buf *out, enum tw_child_frame type)
{
    struct tw_frame_writer w = tw_frame_begin(out, (uint8_t)type);
    tw_frame_end(&w);
}

void tw_child_put_at(struct tw_buf *out, const char *address)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_CHILD_AT);
    tw_frame_put_text(&w, address ? address : TW_CHILD_NONE_DONE);
    tw_frame_end(&w);
}

/* ---- the index ---------------------------------------------------------------------------- */

struct tw_mailindex *tw_child_open_index(const struct tw_child_task *task, struct tw_voice *voice)
{
    struct tw_error e;
    char *note = NULL;
    if (!task->index_dir)
        return NULL;
    struct tw_mailindex *index = tw_mailindex_open(task->index_dir, &note, &e);
    if (!index)
        tw_voice_problem(voice, "no-index", e.text);
    if (note)
        tw_voice_problem(voice, "index-damaged", note);
    free(note);
    return index;
}

void tw_child_close_index(struct tw_mailindex **index, const char *job, int64_t before_s,
                          struct tw_voice *voice)
{
    struct tw_error e;
    if (tw_mailindex_close(index, job, before_s, &e) != 0)
        tw_voice_problem(voice, "no-index", e.text);
}

/* ---- the mailboxes ------------------------------------------------------------------------ */

/* Passes over those up to `after`. False: no mailbox has that address (any more). */
static bool skip_to(struct tw_rounds *rounds, const char *after)
{
    struct tw_mailbox mailbox;
    while (tw_mailboxes_next(rounds->list, &mailbox)) {
        const bool found = strcmp(mailbox.address, after) == 0;
        tw_mailbox_clear(&mailbox);
        if (found)
            return true;
    }
    return false;
}

static struct tw_mailboxes *list_of(const struct tw_child_task *task, struct tw_voice *voice)
{
    return tw_mailboxes_new(task->owner, task->run->places->sources, tw_voice_problem, voice);
}

void tw_rounds_begin(struct tw_rounds *rounds, const struct tw_child_task *task,
                     struct tw_voice *voice)
{
    *rounds = (struct tw_rounds){.task = task, .list = list_of(task, voice)};
    if (task->after && !skip_to(rounds, task->after)) {
        tw_child_put_sign(&voice->out, TW_CHILD_ANEW);
        tw_mailboxes_free(&rounds->list);
        rounds->list = list_of(task, voice);
    }
}

static bool is_wanted(const struct tw_child_task *task, const struct tw_mailbox *mailbox)
{
    bool wanted = !task->only;
    for (size_t i = 0; !wanted && i < task->only->count; i++)
        wanted = tw_address_matches(task->only->items[i], mailbox->address) != TW_ADDRESS_OTHER;
    return wanted;
}

bool tw_rounds_next(struct tw_rounds *rounds, struct tw_mailbox *mailbox)
{
    const struct tw_child_task *task = rounds->task;
    while (!rounds->last && !rounds->over && tw_mailboxes_next(rounds->list, mailbox)) {
        rounds->last = task->upto && strcmp(mailbox->address, task->upto) == 0;
        if (is_wanted(task, mailbox)) {
            rounds->over = tw_clock_ms() >= task->end_ms;
            if (!rounds->over)
                return true;
        }
        tw_mailbox_clear(mailbox);
    }
    return false;
}

void tw_rounds_end(struct tw_rounds *rounds)
{
    tw_mailboxes_free(&rounds->list);
}

/* ---- the parent --------------------------------------------------------------------------- */

static int take_frame(struct tw_child_intake *intake, struct tw_frame *frame, const char *bytes,
                      size_t length)
{
    switch (frame->type) {
    case TW_CHILD_BEAT:
        return tw_frame_done(frame) ? 0 : -1;
    case TW_CHILD_AT:
        free(intake->at);
        intake->at = tw_frame_text(frame, TW_CHILD_NAME_MAX);
        return tw_frame_done(frame) ? 0 : -1;
    case TW_CHILD_ANEW:
        intake->anew = true;
        return tw_frame_done(frame) ? 0 : -1;
    case TW_CHILD_PROBLEM:
        return intake->row ? intake->row(intake->context, frame)
                           : tw_problem_take(intake->problems, frame);
    case TW_CHILD_ROW:
        return intake->row ? intake->row(intake->context, frame) : -1;
    default:
        return intake->take ? intake->take(intake->context, frame, bytes, length) : -1;
    }
}

static int take(void *context, const char *bytes, size_t length, struct tw_error *e)
{
    struct tw_child_intake *intake = context;
    struct tw_frame frame;
    size_t at = 0, from = 0;
    int got;
    tw_buf_add(&intake->in, bytes, length);
    while ((got = tw_frame_next(&intake->in, &at, TW_CHILD_FRAME_MAX, &frame)) > 0) {
        if (take_frame(intake, &frame, intake->in.data + from, at - from) != 0)
            return tw_fail(e, "a child spoke nonsense");
        from = at;
    }
    tw_buf_consume(&intake->in, from);
    const int64_t now_ms = tw_clock_ms();
    if (intake->run->sink && now_ms - intake->told_ms >= PROGRESS_MS) {
        intake->told_ms = now_ms;
        intake->run->sink->progress(intake->run->sink->context);
    }
    return got < 0 ? tw_fail(e, "a child spoke nonsense") : 0;
}

void tw_child_intake_free(struct tw_child_intake *intake)
{
    tw_buf_free(&intake->in);
    free(intake->at);
    intake->at = NULL;
}

int tw_child_run(const struct tw_child_task *task,
                 int (*work)(void *context, int fd, struct tw_error *e), const void *context,
                 struct tw_child_intake *intake, struct tw_error *e)
{
    char *nothing;
    size_t length;
    intake->run = task->run;
    const struct tw_priv_task child = {.uid = task->owner->uid,
                                       .gid = task->owner->gid,
                                       .stay = geteuid() != 0 && task->owner->uid == geteuid(),
                                       .work = work,
                                       .context = (void *)(uintptr_t)context,
                                       .timeout_ms = PATIENCE_MS,
                                       .take = take,
                                       .take_context = intake};
    if (tw_priv_run(&child, &nothing, &length, e) != 0)
        return -1;
    free(nothing);
    return intake->in.len == 0 ? 0 : tw_fail(e, "a child stopped in the middle of a word");
}

/* ---- for toasterctl ----------------------------------------------------------------------- */

static int pass_row(void *teller, struct tw_frame *frame)
{
    const struct tw_teller *t = teller;
    const char *fields[TW_TELL_FIELDS_MAX];
    size_t count = 0;
    if (frame->type == TW_CHILD_PROBLEM) {
        fields[count++] = tw_frame_text(frame, TW_PROBLEM_CODE_MAX);
        fields[count++] = tw_frame_text(frame, TW_PROBLEM_TEXT_MAX);
        tw_frame_number(frame);
    }
    while (frame->at < frame->end && count < TW_TELL_FIELDS_MAX && !frame->bad)
        fields[count++] = tw_frame_text(frame, TW_CHILD_TEXT_MAX);
    const bool good = tw_frame_done(frame);
    if (good)
        t->row(t->context, fields, count);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)fields[i]);
    return good ? 0 : -1;
}

static void pass_problem(void *teller, const char *code, const char *text)
{
    const struct tw_teller *t = teller;
    t->row(t->context, (const char *const[]){code, text}, 2);
}

static int pass_over(void *context, struct tw_frame *frame, const char *bytes, size_t length)
{
    (void)context, (void)frame, (void)bytes, (void)length;
    return 0;
}

void tw_child_tell(struct tw_child_task *task,
                   int (*work)(void *context, int fd, struct tw_error *e), const void *context,
                   const struct tw_teller *teller)
{
    const struct tw_places *places = task->run->places;
    struct tw_mail_owners owners = {0};
    struct tw_error why;
    void *t = (void *)(uintptr_t)teller;
    tw_mail_owners_read(places->sources, places->qmail_dir, places->hostname, &owners, pass_problem,
                        t);
    for (size_t i = 0; i < owners.count; i++) {
        struct tw_child_intake intake = {.take = pass_over, .row = pass_row, .context = t};
        /* cppcheck-suppress autoVariables ; for the call that follows, and no longer */
        task->owner = &owners.items[i];
        if (tw_child_run(task, work, context, &intake, &why) != 0)
            pass_problem(t, "cannot-look", why.text);
        tw_child_intake_free(&intake);
    }
    tw_mail_owners_free(&owners);
}
