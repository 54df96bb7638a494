/* A child with an owner's rights. */
#include "kinds/expire_owner.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/priv.h"
#include "kinds/expire_rows.h"
#include "kinds/maillist.h"

enum { PATIENCE_MS = 5 * 60 * 1000, PROGRESS_MS = 1000, DUE_BYTES_MAX = 256 * 1024 * 1024 };

/* ---- what comes from it ------------------------------------------------------------------- */

static int take_due(struct tw_expire_intake *intake, struct tw_frame *frame, size_t from, size_t to)
{
    struct tw_expire_due due;
    if (tw_expire_get_due(frame, &due) != 0 || intake->due.len > DUE_BYTES_MAX)
        return -1;
    intake->inodes += due.bytes / sizeof(uint64_t);
    tw_expire_due_clear(&due);
    tw_buf_add(&intake->due, intake->in.data + from, to - from);
    return 0;
}

static int take_frame(struct tw_expire_intake *intake, struct tw_frame *frame, size_t from,
                      size_t to)
{
    switch (frame->type) {
    case TW_EXPIRE_DUE:
        return take_due(intake, frame, from, to);
    case TW_EXPIRE_AT:
        free(intake->at);
        intake->at = tw_frame_text(frame, TW_EXPIRE_NAME_MAX);
        return tw_frame_done(frame) ? 0 : -1;
    case TW_EXPIRE_ANEW:
        intake->anew = true;
        return tw_frame_done(frame) ? 0 : -1;
    case TW_EXPIRE_ROW:
    case TW_EXPIRE_PROBLEM:
        if (intake->row)
            return intake->row(intake->context, frame);
        return frame->type == TW_EXPIRE_ROW ? -1 : tw_expire_sum_take(intake->sum, frame);
    default:
        return tw_expire_sum_take(intake->sum, frame);
    }
}

static int take(void *context, const char *bytes, size_t length, struct tw_error *e)
{
    struct tw_expire_intake *intake = context;
    struct tw_frame frame;
    size_t at = 0, from = 0;
    int got;
    tw_buf_add(&intake->in, bytes, length);
    while ((got = tw_frame_next(&intake->in, &at, TW_EXPIRE_FRAME_MAX, &frame)) > 0) {
        if (take_frame(intake, &frame, from, at) != 0)
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

void tw_expire_intake_free(struct tw_expire_intake *intake)
{
    tw_buf_free(&intake->due);
    tw_buf_free(&intake->in);
    free(intake->after);
    free(intake->at);
    intake->after = intake->at = NULL;
}

int tw_expire_as_owner(const struct tw_expire_task *task,
                       int (*work)(void *context, int fd, struct tw_error *e),
                       struct tw_expire_intake *intake, struct tw_error *e)
{
    char *nothing;
    size_t length;
    intake->run = task->run;
    const struct tw_priv_task child = {.uid = task->owner->uid,
                                       .gid = task->owner->gid,
                                       .stay = geteuid() != 0 && task->owner->uid == geteuid(),
                                       .work = work,
                                       .context = (void *)(uintptr_t)task,
                                       .timeout_ms = PATIENCE_MS,
                                       .take = take,
                                       .take_context = intake};
    if (tw_priv_run(&child, &nothing, &length, e) != 0)
        return -1;
    free(nothing);
    return intake->in.len == 0 ? 0 : tw_fail(e, "a child stopped in the middle of a word");
}

/* ---- for toasterctl ----------------------------------------------------------------------- */

static int pass_row(void *context, struct tw_frame *frame)
{
    const struct tw_teller *teller = context;
    const char *fields[TW_TELL_FIELDS_MAX];
    size_t count = 0;
    if (frame->type == TW_EXPIRE_PROBLEM) {
        fields[count++] = tw_frame_text(frame, TW_EXPIRE_NAME_MAX);
        fields[count++] = tw_frame_text(frame, TW_EXPIRE_TEXT_MAX);
        tw_frame_number(frame);
    }
    while (frame->at < frame->end && count < TW_TELL_FIELDS_MAX && !frame->bad)
        fields[count++] = tw_frame_text(frame, TW_EXPIRE_TEXT_MAX);
    const bool good = tw_frame_done(frame);
    if (good)
        teller->row(teller->context, fields, count);
    for (size_t i = 0; i < count; i++)
        free((char *)(uintptr_t)fields[i]);
    return good ? 0 : -1;
}

static void pass_problem(void *context, const char *code, const char *text)
{
    const struct tw_teller *teller = context;
    teller->row(teller->context, (const char *const[]){code, text}, 2);
}

void tw_expire_tell_with(const struct tw_run *run,
                         int (*work)(void *context, int fd, struct tw_error *e),
                         enum tw_expire_what what, const struct tw_strings *only,
                         const struct tw_teller *teller)
{
    void *t = (void *)(uintptr_t)teller;
    struct tw_mail_owners owners = {0};
    struct tw_error why;
    tw_mail_owners_read(run->places->sources, run->places->qmail_dir, run->places->hostname,
                        &owners, pass_problem, t);
    for (size_t i = 0; i < owners.count; i++) {
        struct tw_expire_sum sum = {0};
        struct tw_expire_intake intake = {.sum = &sum, .row = pass_row, .context = t};
        const struct tw_expire_task task = {
            .run = run, .owner = &owners.items[i], .end_ms = INT64_MAX, .only = only, .what = what};
        if (tw_expire_as_owner(&task, work, &intake, &why) != 0)
            pass_problem(t, "cannot-look", why.text);
        tw_expire_intake_free(&intake);
        tw_expire_sum_free(&sum);
    }
    tw_mail_owners_free(&owners);
}

int tw_expire_tell(const struct tw_run *run, const char *what, const struct tw_strings *arguments,
                   const struct tw_teller *teller, struct tw_error *e)
{
    const bool explain = strcmp(what, "explain") == 0;
    if (strcmp(what, "mailboxes") == 0)
        tw_maillist_tell(run, teller);
    else if (explain || strcmp(what, "dry-run") == 0)
        tw_expire_tell_with(run, tw_expire_look, explain ? TW_EXPIRE_EXPLAIN : TW_EXPIRE_LIST,
                            arguments->count ? arguments : NULL, teller);
    else
        return tw_fail(e, "%s cannot tell that", run->name);
    return 0;
}
