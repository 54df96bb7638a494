/* What is known of a mailbox, as frames (base/frame.h). */
#include "toaster/mailknown.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/frame.h"
#include "base/mem.h"

enum {
    VERSION = 2,
    FOLDERS_MAX = 20001,
    PATH_MAX_BYTES = 4096,
    FLAG_MAILDIR = 1,
    FLAG_NO_EXPIRE = 2
};

static void put_stamp(struct tw_frame_writer *w, const struct tw_stamp *stamp)
{
    tw_frame_put_number(w, (int64_t)stamp->inode);
    tw_frame_put_number(w, stamp->mtime_ns);
    tw_frame_put_number(w, stamp->ctime_ns);
}

static struct tw_stamp get_stamp(struct tw_frame *frame)
{
    struct tw_stamp stamp;
    stamp.inode = (uint64_t)tw_frame_number(frame);
    stamp.mtime_ns = tw_frame_number(frame);
    stamp.ctime_ns = tw_frame_number(frame);
    return stamp;
}

void tw_known_begin(struct tw_buf *out, uint64_t rule, size_t count)
{
    struct tw_frame_writer w = tw_frame_begin(out, VERSION);
    tw_frame_put_number(&w, (int64_t)rule);
    tw_frame_put_number(&w, (int64_t)count);
    tw_frame_end(&w);
}

void tw_known_add(struct tw_buf *out, const struct tw_known_folder *folder, int64_t began_ns)
{
    static const struct tw_stamp none = {0};
    const struct tw_stamp *self = &folder->folder.self;
    struct tw_frame_writer w = tw_frame_begin(out, VERSION);
    tw_frame_put_text(&w, folder->folder.path);
    tw_frame_put_number(&w, (folder->folder.is_maildir ? FLAG_MAILDIR : 0) |
                                (folder->folder.no_expire ? FLAG_NO_EXPIRE : 0));
    put_stamp(&w, tw_stamp_settled(self, began_ns) ? self : &none);
    for (int i = 0; i < TW_MAIL_DIRS; i++)
        put_stamp(&w, &folder->folder.dirs[i]);
    tw_frame_put_number(&w, folder->messages);
    tw_frame_put_number(&w, folder->first_s);
    tw_frame_put_number(&w, folder->scanned_s);
    tw_frame_put_number(&w, folder->kept_s);
    tw_frame_end(&w);
}

static bool get_folder(struct tw_frame *frame, struct tw_known_folder *folder)
{
    folder->folder.path = tw_frame_text(frame, PATH_MAX_BYTES);
    const int64_t flags = tw_frame_number(frame);
    folder->folder.is_maildir = flags & FLAG_MAILDIR;
    folder->folder.no_expire = flags & FLAG_NO_EXPIRE;
    folder->folder.self = get_stamp(frame);
    for (int i = 0; i < TW_MAIL_DIRS; i++)
        folder->folder.dirs[i] = get_stamp(frame);
    folder->messages = tw_frame_number(frame);
    folder->first_s = tw_frame_number(frame);
    folder->scanned_s = tw_frame_number(frame);
    folder->kept_s = tw_frame_number(frame);
    return tw_frame_done(frame) && folder->messages >= 0;
}

bool tw_known_read(const void *data, size_t length, uint64_t rule, struct tw_known *known)
{
    const struct tw_buf in = {(char *)(uintptr_t)data, length, length};
    struct tw_frame frame;
    size_t at = 0;
    *known = (struct tw_known){0};
    if (tw_frame_next(&in, &at, length, &frame) != 1 || frame.type != VERSION)
        return false;
    const uint64_t its_rule = (uint64_t)tw_frame_number(&frame);
    const int64_t count = tw_frame_number(&frame);
    if (!tw_frame_done(&frame) || its_rule != rule || count < 1 || count > FOLDERS_MAX)
        return false;
    known->items = tw_alloc((size_t)count * sizeof *known->items);
    while (known->count < (size_t)count && tw_frame_next(&in, &at, length, &frame) == 1)
        if (!get_folder(&frame, &known->items[known->count++]))
            break;
    if (known->count == (size_t)count && at == length && known->items[0].folder.path[0] == '\0' &&
        tw_frame_done(&frame))
        return true;
    tw_known_free(known);
    return false;
}

void tw_known_free(struct tw_known *known)
{
    for (size_t i = 0; i < known->count; i++)
        free(known->items[i].folder.path);
    free(known->items);
    *known = (struct tw_known){0};
}

const struct tw_known_folder *tw_known_find(const struct tw_known *known, const char *path,
                                            size_t hint)
{
    if (hint < known->count && strcmp(known->items[hint].folder.path, path) == 0)
        return &known->items[hint];
    for (size_t i = 0; i < known->count; i++)
        if (strcmp(known->items[i].folder.path, path) == 0)
            return &known->items[i];
    return NULL;
}

bool tw_known_same(const struct tw_mail_place_of *of, const struct tw_known *known,
                   struct tw_mailwalk *out)
{
    *out = (struct tw_mailwalk){0};
    if (known->count == 0)
        return false;
    out->items = tw_alloc(known->count * sizeof *out->items);
    for (; out->count < known->count; out->count++) {
        const struct tw_folder *then = &known->items[out->count].folder;
        struct tw_folder *now = &out->items[out->count];
        const int at = then->path[0] ? tw_folder_open(of, then->path) : of->fd;
        const bool same = at >= 0 && tw_folder_look(of, at, now) &&
                          tw_stamp_equal(&now->self, &then->self) &&
                          now->is_maildir == then->is_maildir;
        if (at >= 0 && at != of->fd)
            close(at);
        if (!same)
            break;
        now->path = tw_strdup(then->path);
        now->no_expire = then->no_expire;
    }
    if (out->count == known->count)
        return true;
    tw_mailwalk_free(out);
    return false;
}
