/* The mailboxes, as toasterctl lists them. */
#include "kinds/maillist.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "kinds/ownerchild.h"

static void put_fields(struct tw_buf *out, const char *const *fields, size_t count)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_CHILD_ROW);
    for (size_t i = 0; i < count; i++)
        tw_frame_put_bytes(&w, fields[i], strnlen(fields[i], TW_CHILD_TEXT_MAX));
    tw_frame_end(&w);
}

static const char *state_of(const struct tw_mailbox *mailbox, uid_t uid)
{
    struct stat st;
    struct tw_error e;
    const int fd = tw_mailbox_open(mailbox, uid, &st, &e);
    if (fd >= 0)
        close(fd);
    return fd >= 0            ? "ok"
           : errno == ENOENT  ? "missing"
           : errno == ENOTDIR ? "no directory"
           : errno == ELOOP   ? "a link"
           : errno == EPERM   ? "somebody else's"
                              : "cannot be opened";
}

/* A tw_priv_task's `work`. */
static int list_all(void *context, int fd, struct tw_error *e)
{
    const struct tw_child_task *task = context;
    struct tw_voice voice = tw_voice(fd);
    struct tw_mailbox mailbox;
    struct tw_mailboxes *list =
        tw_mailboxes_new(task->owner, task->run->places->sources, tw_voice_problem, &voice);
    char *owner = tw_format("%ju", (uintmax_t)task->owner->uid);
    while (!voice.failed && tw_mailboxes_next(list, &mailbox)) {
        char *path = tw_mailbox_path(&mailbox);
        const char *const fields[] = {mailbox.address, path, owner, mailbox.source,
                                      state_of(&mailbox, task->owner->uid)};
        put_fields(&voice.out, fields, TW_COUNT(fields));
        tw_voice_say(&voice);
        free(path);
        tw_mailbox_clear(&mailbox);
    }
    free(owner);
    tw_mailboxes_free(&list);
    return tw_voice_said(&voice, e);
}

void tw_maillist_tell(const struct tw_run *run, const struct tw_teller *teller)
{
    struct tw_child_task task = {.run = run, .end_ms = INT64_MAX};
    tw_child_tell(&task, list_all, &task, teller);
}
