/* When a piece that was moved aside is compressed, and when it is removed; who keeps it from that.
 */
#include "kinds/compress_private.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "toaster/holders.h"

enum {
    NEXT_MS = 1000,
    HELD_S = 3600, /* so long a piece may be open */
    READ_S = 600,  /* so long a reader has to come to the end; removed under it, it loses nothing */
};

/* Who has them open; at most TW_COMPRESS_LOOK_MAX pieces. *gone: it is, or is another file by
 * now: the next run sees. -1: there may be others. */
static int find_holders(const struct tw_compress *c, const struct tw_piece *pieces, size_t count,
                        struct tw_holder *holders, bool *gone, struct tw_error *e)
{
    int files[TW_COMPRESS_LOOK_MAX] = {0};
    size_t of[TW_COMPRESS_LOOK_MAX], opened = 0; /* of which piece */
    struct tw_holder found[TW_COMPRESS_LOOK_MAX];
    for (size_t i = 0; i < count; i++) {
        struct stat st;
        const int fd = openat(c->dir, pieces[i].name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        holders[i] = (struct tw_holder){0};
        gone[i] = fd < 0 || fstat(fd, &st) != 0 || st.st_ino != pieces[i].st.st_ino ||
                  st.st_dev != pieces[i].st.st_dev;
        if (fd < 0)
            continue;
        of[opened] = i;
        files[opened++] = fd;
    }
    const int result = tw_holders_find(c->run->places->proc_root, files, opened, found, e);
    for (size_t i = 0; i < opened; i++) {
        holders[of[i]] = found[i];
        close(files[i]);
    }
    return result;
}

/* Those of times to come are old, for all we know: that keeps readers from holding them for years.
 */
static bool is_held(const struct tw_compress *c, const struct tw_piece *piece,
                    const struct tw_holder *holder)
{
    return holder->pid && (holder->writes || tw_compress_age(c, piece) < READ_S);
}

size_t tw_compress_waiting(const struct tw_compress *c)
{
    struct tw_holder holders[TW_COMPRESS_LOOK_MAX];
    bool gone[TW_COMPRESS_LOOK_MAX];
    struct tw_error e;
    const struct tw_piece_list *plain = &c->pieces.plain;
    size_t waiting = plain->count;
    if (plain->count > TW_COMPRESS_LOOK_MAX)
        return waiting;
    (void)find_holders(c, plain->items, plain->count, holders, gone, &e);
    for (size_t i = 0; i < plain->count; i++)
        waiting -=
            holders[i].pid && !holders[i].writes && is_held(c, &plain->items[i], &holders[i]);
    return waiting;
}

static void say_held(struct tw_compress *c, const struct tw_piece *piece,
                     const struct tw_holder *holder)
{
    const int64_t age_s = tw_compress_age(c, piece);
    if (!holder->writes || age_s <= HELD_S || age_s == INT64_MAX)
        tw_compress_say(c, TW_LEVEL_OK, "ok", "%s waits until pid %d (%s) closes it", piece->name,
                        holder->pid, holder->comm);
    else
        tw_compress_say(
            c, TW_LEVEL_FAIL, "held",
            "%s/%s is still written to by pid %d (%s): it must reopen its file; see then",
            c->dir_path, piece->name, holder->pid, holder->comm);
}

/* Somebody may write to it whom nobody has seen, or has just come to do so. */
static void say_not_now(struct tw_compress *c, const struct tw_piece *piece,
                        const struct tw_rotate_error *e, const struct tw_error *unseen)
{
    const int64_t age_s = tw_compress_age(c, piece);
    if (e->fault == TW_ROTATE_CHANGED && (age_s <= HELD_S || age_s == INT64_MAX))
        tw_compress_say(c, TW_LEVEL_OK, "ok", "%s waits until it is written to no more",
                        piece->name);
    else if (e->fault == TW_ROTATE_CHANGED)
        tw_compress_say(c, TW_LEVEL_FAIL, "held",
                        "%s/%s is still written to: who does must reopen its file; see then",
                        c->dir_path, piece->name);
    else if (e->fault == TW_ROTATE_UNSURE)
        tw_compress_say(c, TW_LEVEL_UNKNOWN, "cannot-look", "%s: %s", e->why.text,
                        unseen ? unseen->text : "nobody can be seen");
    else
        tw_compress_fault(c, e);
}

/* The copy is there and holds all. Only now the piece goes, if it is certain that nobody came to
 * write to it meanwhile. */
static bool finish(struct tw_compress *c, const struct tw_piece *piece)
{
    struct tw_holder holder;
    struct tw_rotate_error e;
    struct tw_error unseen = {""};
    bool gone;
    const struct tw_rotate r = tw_compress_steps(c);
    const bool sure = find_holders(c, piece, 1, &holder, &gone, &unseen) == 0;
    if (!gone && is_held(c, piece, &holder)) {
        say_held(c, piece, &holder);
        return false;
    }
    if (tw_rotate_drop(&r, piece, sure, &e) == 0)
        return true;
    say_not_now(c, piece, &e, &unseen);
    return false;
}

static int64_t packed_size(const struct tw_compress *c, const struct tw_piece *piece)
{
    struct stat st;
    char *packed = tw_format("%s.gz", piece->name);
    const bool there = fstatat(c->dir, packed, &st, AT_SYMLINK_NOFOLLOW) == 0;
    free(packed);
    return there ? st.st_size : 0;
}

/* 1: compressed. 0: not this one. -1: nor any other. `unseen`: who could not be looked at, or NULL.
 */
static int compress(struct tw_compress *c, const struct tw_piece *piece,
                    const struct tw_error *unseen)
{
    struct tw_rotate_error e;
    const struct tw_rotate r = tw_compress_steps(c);
    if (tw_rotate_pack(&r, piece, !unseen, &e) != 0) {
        say_not_now(c, piece, &e, unseen);
        return e.fault == TW_ROTATE_NO_SPACE || e.fault == TW_ROTATE_SLOW ? -1 : 0;
    }
    if (!finish(c, piece))
        return 0;
    const struct tw_unit_text before = tw_size_show(piece->st.st_size);
    const struct tw_unit_text after = tw_size_show(packed_size(c, piece));
    tw_compress_say(c, TW_LEVEL_OK, "ok", "compressed %s: %s to %s", piece->name, before.text,
                    after.text);
    tw_compress_done(c, "compressed %s/%s: %s to %s", c->dir_path, piece->name, before.text,
                     after.text);
    return 1;
}

/* The oldest that can be, one a run: other jobs wait for this worker. */
static void compress_one(struct tw_compress *c)
{
    const struct tw_piece_list *plain = &c->pieces.plain;
    const size_t count = plain->count < TW_COMPRESS_LOOK_MAX ? plain->count : TW_COMPRESS_LOOK_MAX;
    struct tw_holder holders[TW_COMPRESS_LOOK_MAX];
    bool gone[TW_COMPRESS_LOOK_MAX];
    struct tw_error e;
    if (count == 0)
        return;
    const bool sure = find_holders(c, plain->items, count, holders, gone, &e) == 0;
    int result = 0;
    for (size_t i = 0; i < count && result == 0; i++) {
        if (gone[i] || tw_compress_age(c, &plain->items[i]) < TW_COMPRESS_SETTLE_S)
            continue;
        if (is_held(c, &plain->items[i], &holders[i]))
            say_held(c, &plain->items[i], &holders[i]);
        else
            result = compress(c, &plain->items[i], sure ? NULL : &e);
        if (result > 0 && i + 1 < plain->count)
            tw_compress_look_again(c, NEXT_MS);
    }
}

static void remove_these(struct tw_compress *c, const struct tw_piece *pieces, size_t count,
                         int64_t keep)
{
    struct tw_rotate_error e;
    const struct tw_rotate r = tw_compress_steps(c);
    if (count == 0)
        return;
    if (tw_rotate_remove(&r, pieces, count, &e) != 0)
        tw_compress_fault(c, &e);
    else if (count == 1)
        tw_compress_done(c, "removed %s/%s (keep = %" PRId64 ")", c->dir_path, pieces->name, keep);
    else
        tw_compress_done(c, "removed %zu compressed pieces of %s up to %s (keep = %" PRId64 ")",
                         count, c->path, pieces[count - 1].name, keep);
}

/* Those of times to come go first: the clock was wrong when they were made, and is right now; else
 * they would stay for ever, and each new piece would go at once. */
static void remove_old(struct tw_compress *c, int64_t keep)
{
    const struct tw_piece_list *packed = &c->pieces.packed;
    size_t past = 0;
    while (past < packed->count && packed->items[past].at_s <= c->run->now_s)
        past++;
    if ((int64_t)packed->count <= keep)
        return;
    const size_t count = packed->count - (size_t)keep;
    const size_t to_come = packed->count - past < count ? packed->count - past : count;
    remove_these(c, packed->items + past, to_come, keep);
    remove_these(c, packed->items, count - to_come, keep);
}

void tw_compress_pieces(struct tw_compress *c)
{
    if (c->run->look_only && tw_compress_list(c)) {
        tw_compress_say(c, TW_LEVEL_OK, "ok", "%zu pieces wait to be compressed",
                        c->pieces.plain.count);
    } else if (tw_compress_list(c)) {
        if (!c->busy)
            compress_one(c);
        tw_pieces_free(&c->pieces);
        c->listed = false;
        if (tw_compress_list(c))
            remove_old(c, c->keep);
    }
    if (c->level == TW_LEVEL_NONE)
        tw_compress_say(c, TW_LEVEL_OK, "ok", "nothing to compress");
    tw_report(c->run, c->level, "compress", c->code, "%s", tw_buf_text(&c->text));
    if (c->again_ms)
        c->run->sink->look_again(c->run->sink->context, c->again_ms);
}
