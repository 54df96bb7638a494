/* A child with an owner's rights. */
#include "kinds/expire_owner.h"

#include <stdlib.h>
#include <string.h>

#include "kinds/maillist.h"

enum { DUE_BYTES_MAX = 256 * 1024 * 1024 };

static int take(void *context, struct tw_frame *frame, const char *bytes, size_t length)
{
    struct tw_expire_intake *intake = context;
    struct tw_expire_due due;
    if (frame->type != TW_EXPIRE_DUE)
        return tw_expire_sum_take(intake->sum, frame);
    if (tw_expire_get_due(frame, &due) != 0 || intake->due.len > DUE_BYTES_MAX)
        return -1;
    intake->inodes += due.bytes / sizeof(uint64_t);
    tw_expire_due_clear(&due);
    tw_buf_add(&intake->due, bytes, length);
    return 0;
}

void tw_expire_intake_free(struct tw_expire_intake *intake)
{
    tw_child_intake_free(&intake->child);
    tw_buf_free(&intake->due);
    free(intake->after);
    intake->after = NULL;
}

int tw_expire_as_owner(const struct tw_expire_task *task,
                       int (*work)(void *context, int fd, struct tw_error *e),
                       struct tw_expire_intake *intake, struct tw_error *e)
{
    intake->child.problems = &intake->sum->problems;
    intake->child.take = take;
    intake->child.context = intake;
    return tw_child_run(&task->child, work, task, &intake->child, e);
}

/* ---- for toasterctl ----------------------------------------------------------------------- */

int tw_expire_tell(const struct tw_run *run, const char *what, const struct tw_strings *arguments,
                   const struct tw_teller *teller, struct tw_error *e)
{
    const bool explain = strcmp(what, "explain") == 0;
    struct tw_expire_task task = {
        .child = {.run = run, .end_ms = INT64_MAX, .only = arguments->count ? arguments : NULL},
        .what = explain ? TW_EXPIRE_EXPLAIN : TW_EXPIRE_LIST};
    if (strcmp(what, "mailboxes") == 0)
        tw_maillist_tell(run, teller);
    else if (explain || strcmp(what, "dry-run") == 0)
        tw_child_tell(&task.child, tw_expire_look, &task, teller);
    else
        return tw_fail(e, "%s cannot tell that", run->name);
    return 0;
}
