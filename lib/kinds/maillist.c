/* The mailboxes, as toasterctl lists them. */
#include "kinds/maillist.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kinds/expire_owner.h"

enum { SEND_BYTES = 32768 };

struct list {
    struct tw_buf out;
    int fd;
    bool failed;
};

static void put_fields(struct list *l, const char *const *fields, size_t count)
{
    struct tw_frame_writer w = tw_frame_begin(&l->out, TW_EXPIRE_ROW);
    for (size_t i = 0; i < count; i++)
        tw_frame_put_bytes(&w, fields[i], strnlen(fields[i], TW_EXPIRE_TEXT_MAX));
    tw_frame_end(&w);
    if (l->out.len < SEND_BYTES)
        return;
    l->failed = l->failed || tw_write_all(l->fd, l->out.data, l->out.len) != 0;
    tw_buf_clear(&l->out);
}

static void on_problem(void *context, const char *code, const char *text)
{
    put_fields(context, (const char *const[]){code, text}, 2);
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
    const struct tw_expire_task *task = context;
    struct list l = {.fd = fd};
    struct tw_mailbox mailbox;
    struct tw_mailboxes *list =
        tw_mailboxes_new(task->owner, task->run->places->sources, on_problem, &l);
    char *owner = tw_format("%ju", (uintmax_t)task->owner->uid);
    while (!l.failed && tw_mailboxes_next(list, &mailbox)) {
        char *path = tw_mailbox_path(&mailbox);
        const char *const fields[] = {mailbox.address, path, owner, mailbox.source,
                                      state_of(&mailbox, task->owner->uid)};
        put_fields(&l, fields, TW_COUNT(fields));
        free(path);
        tw_mailbox_clear(&mailbox);
    }
    free(owner);
    tw_mailboxes_free(&list);
    l.failed = l.failed || tw_write_all(fd, l.out.data, l.out.len) != 0;
    tw_buf_free(&l.out);
    return l.failed ? tw_fail(e, "nobody listens") : 0;
}

void tw_maillist_tell(const struct tw_run *run, const struct tw_teller *teller)
{
    tw_expire_tell_with(run, list_all, TW_EXPIRE_COUNT, NULL, teller);
}
