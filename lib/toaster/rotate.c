/* The steps of a rotation. What runs in the child begins with do_; all names there are relative to
 * the directory, none is followed, and what counts is asked of descriptors or compared after the
 * step with what was seen before it. */
#include "toaster/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gentle.h"
#include "base/mem.h"
#include "base/owner.h"
#include "toaster/holders.h"
#include "toaster/rotate_files.h"

enum {
    SPARSE_MIN = 1024 * 1024 * 1024,
    STEP_MS = 60000,         /* without a beat, then it is given up */
    OUTPUT_MAX = 1024 * 1024 /* a byte a second */
};

struct step {
    const struct tw_rotate *r;
    int (*act)(struct step *s, struct tw_rotate_error *e);
    const char *name;
    const struct stat *seen;
    const struct tw_piece *pieces;
    size_t count;
    int piece;   /* open, if the step needs that */
    int written; /* to the piece: what tw_holders_written says to us */
    bool sure;
    struct tw_rotate_pulse pulse;
};

bool tw_rotate_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && S_ISREG(a->st_mode) &&
           S_ISREG(b->st_mode) && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool is_inode(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && S_ISREG(a->st_mode);
}

/* ---- in the child ------------------------------------------------------------------------- */

/* FILE's successor, but for its name. -1 with the error. */
static int prepare(const struct step *s, const char *tmp, const struct tw_rotate_like *like,
                   struct tw_rotate_error *e)
{
    const int fd = tw_rotate_open_tmp(s->r->dir, tmp, like->st.st_uid, e);
    if (fd < 0)
        return -1;
    int result = tw_rotate_set_like(fd, like);
    if (result != 0) {
        tw_rotate_cannot(e, "cannot set the owner and the rights of %s", tmp);
        (void)unlinkat(s->r->dir, tmp, 0);
    }
    close(fd);
    return result;
}

/* Unless the writer is faster. */
static int give_name(const struct step *s, const char *tmp, struct tw_rotate_error *e)
{
    int result = 0;
    if (tw_file_rename_new(s->r->dir, tmp, s->r->base) != 0) {
        result = errno == EEXIST ? 0 : tw_rotate_cannot(e, "cannot make %s", s->r->base);
        (void)unlinkat(s->r->dir, tmp, 0);
    }
    return result;
}

/* The file by that name, if it is that one; -1 with the error. */
static int look_at(const struct step *s, const char *name, const struct stat *seen,
                   struct tw_rotate_like *like, struct tw_rotate_error *e)
{
    struct stat st;
    const int fd = openat(s->r->dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return tw_rotate_cannot(e, "cannot look at %s", name);
    int result = 0;
    if (fstat(fd, &st) != 0 || !is_inode(&st, seen))
        result = tw_rotate_fail(e, TW_ROTATE_SWAPPED, "%s was swapped for something else", name);
    else
        tw_rotate_look_like(fd, &st, like);
    close(fd);
    return result;
}

static int move(const struct step *s, struct tw_rotate_error *e)
{
    const int dir = s->r->dir;
    const char *base = s->r->base;
    struct stat st;
    if (tw_file_rename_new(dir, base, s->name) != 0)
        return tw_rotate_cannot(e, "cannot rename %s to %s", base, s->name);
    /* What was looked at need not be what the name stood for a moment later. */
    if (fstatat(dir, s->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && is_inode(&st, s->seen))
        return 0;
    return tw_rotate_fail(e, TW_ROTATE_SWAPPED,
                          "%s was swapped for something else while it was moved to %s", base,
                          s->name);
}

/* A writer that opens the file for each line, and may not make it, must not find it missing: so its
 * successor waits beside it. What cannot be prepared keeps the file from being moved. */
static int do_move(struct step *s, struct tw_rotate_error *e)
{
    struct tw_rotate_like like = {0};
    if (look_at(s, s->r->base, s->seen, &like, e) != 0)
        return -1;
    if (like.st.st_nlink != 1)
        return tw_rotate_fail(e, TW_ROTATE_LINKS, "%s has %ju names", s->r->base,
                              (uintmax_t)like.st.st_nlink);
    const bool ours = geteuid() == 0 || like.st.st_uid == geteuid();
    char *tmp = tw_format(".%s.new.tmp", s->r->base);
    struct tw_rotate_error later; /* it is moved: the next run sees that there is no file */
    int result = ours ? prepare(s, tmp, &like, e) : 0;
    if (result == 0) {
        result = move(s, e);
        if (ours && result == 0)
            (void)give_name(s, tmp, &later);
        else if (ours)
            (void)unlinkat(s->r->dir, tmp, 0);
        (void)tw_rotate_sync(s->r->dir); /* it is moved, whatever comes of this */
    }
    free(tmp);
    return result;
}

static int do_make(struct step *s, struct tw_rotate_error *e)
{
    const uid_t us = geteuid();
    const struct tw_piece *piece = s->pieces;
    struct tw_rotate_like like = {0};
    if (us != 0 && piece->st.st_uid != us)
        return tw_rotate_fail(e, TW_ROTATE_NOT_OURS,
                              "%s was uid %ju's, and only root can give a new one to that user",
                              s->r->base, (uintmax_t)piece->st.st_uid);
    if (look_at(s, piece->name, &piece->st, &like, e) != 0)
        return -1;
    like.st = piece->st;
    char *tmp = tw_format(".%s.new.tmp", s->r->base);
    int result = prepare(s, tmp, &like, e);
    if (result == 0)
        result = give_name(s, tmp, e);
    free(tmp);
    return result;
}

static int do_pack(struct step *s, struct tw_rotate_error *e)
{
    struct timespec now;
    tw_gentle();
    clock_gettime(CLOCK_MONOTONIC, &now);
    s->pulse.until_s = now.tv_sec + TW_ROTATE_PACK_S;
    if (tw_rotate_check_piece(s->piece, s->pieces, s->written, s->sure, e) != 0)
        return -1;
    return tw_rotate_pack_here(s->r->dir, s->piece, s->pieces, &s->pulse, e);
}

static int do_remove(struct step *s, struct tw_rotate_error *e)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct tw_piece *piece = &s->pieces[i];
        struct stat st;
        if (fstatat(s->r->dir, piece->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
            return tw_rotate_cannot(e, "cannot look at %s", piece->name);
        if (!tw_rotate_same(&st, &piece->st))
            return tw_rotate_fail(e, TW_ROTATE_CHANGED, "%s is not as it was a moment ago",
                                  piece->name);
        if (unlinkat(s->r->dir, piece->name, 0) != 0)
            return tw_rotate_cannot(e, "cannot remove %s", piece->name);
    }
    return tw_rotate_sync(s->r->dir) == 0
               ? 0
               : tw_rotate_cannot(e, "cannot sync the directory %s", s->r->dir_path);
}

static int do_drop(struct step *s, struct tw_rotate_error *e)
{
    if (tw_rotate_check_piece(s->piece, s->pieces, s->written, s->sure, e) != 0)
        return -1;
    return do_remove(s, e);
}

/* What it writes: beats, then, if it failed, the fault as a letter, and the sentence. */
static int in_child(void *context, int fd, struct tw_error *e)
{
    struct step *s = context;
    struct tw_rotate_error error = {0};
    s->pulse.fd = fd;
    if (s->act(s, &error) == 0)
        return 0;
    return dprintf(fd, "%c%s", 'A' + (int)error.fault, error.why.text) > 0
               ? 0
               : tw_fail(e, "%s", error.why.text);
}

/* ---- in the parent ------------------------------------------------------------------------ */

static int run(const struct step *s, struct tw_rotate_error *e)
{
    const struct tw_rotate *r = s->r;
    const struct tw_priv_task task = {.work = in_child,
                                      .context = (void *)(uintptr_t)s,
                                      .max = OUTPUT_MAX,
                                      .timeout_ms = STEP_MS,
                                      .beat = r->beat,
                                      .beat_context = r->beat_context};
    char *output;
    size_t length;
    e->fault = TW_ROTATE_CANNOT;
    if (tw_owner_run(r->owner, r->dir_path, &task, &output, &length, &e->why) != 0)
        return -1;
    const char *said = output ? output : "";
    said += strspn(said, TW_ROTATE_BEAT);
    int result = 0;
    if (*said) {
        const int fault = *said - 'A';
        e->fault =
            fault >= 0 && fault < TW_ROTATE_FAULTS ? (enum tw_rotate_fault)fault : TW_ROTATE_CANNOT;
        result = tw_fail(&e->why, "%s", said + 1);
    }
    free(output);
    return result;
}

/* Who gets the copy must have been able to read the piece. Without root's rights we read nothing
 * that we could not; a directory of root's that others may write to is not worked in. */
static int check_owner(const struct tw_rotate *r, const char *name, const struct stat *st,
                       struct tw_rotate_error *e)
{
    if (geteuid() != 0 || r->owner->st_uid == 0 || r->owner->st_uid == st->st_uid)
        return 0;
    return tw_rotate_fail(e, TW_ROTATE_NOT_OWNER,
                          "%s is uid %ju's, and its directory uid %ju's: it is left alone", name,
                          (uintmax_t)st->st_uid, (uintmax_t)r->owner->st_uid);
}

/* The step is told who writes to the piece by us, who may ask the kernel, and gets it open. */
static int run_on_piece(struct step *s, struct tw_rotate_error *e)
{
    if (check_owner(s->r, s->pieces->name, &s->pieces->st, e) != 0)
        return -1;
    s->piece = tw_rotate_open_piece(s->r->dir, s->pieces, e);
    if (s->piece < 0)
        return -1;
    s->written = tw_holders_written(s->piece);
    const int result = run(s, e);
    close(s->piece);
    return result;
}

int tw_rotate_move(const struct tw_rotate *r, const char *piece, const struct stat *seen,
                   struct tw_rotate_error *e)
{
    if (check_owner(r, r->base, seen, e) != 0)
        return -1;
    return run(&(struct step){.r = r, .act = do_move, .name = piece, .seen = seen}, e);
}

int tw_rotate_make(const struct tw_rotate *r, const struct tw_piece *like,
                   struct tw_rotate_error *e)
{
    return run(&(struct step){.r = r, .act = do_make, .pieces = like, .count = 1}, e);
}

static bool is_sparse(const struct stat *st)
{
    return st->st_size > SPARSE_MIN && (int64_t)st->st_blocks * 512 < st->st_size / 10;
}

int tw_rotate_pack(const struct tw_rotate *r, const struct tw_piece *piece, bool sure,
                   struct tw_rotate_error *e)
{
    if (is_sparse(&piece->st))
        return tw_rotate_fail(e, TW_ROTATE_SPARSE, "%s is mostly holes: it is left alone",
                              piece->name);
    return run_on_piece(
        &(struct step){.r = r, .act = do_pack, .pieces = piece, .count = 1, .sure = sure}, e);
}

int tw_rotate_drop(const struct tw_rotate *r, const struct tw_piece *piece, bool sure,
                   struct tw_rotate_error *e)
{
    return run_on_piece(
        &(struct step){.r = r, .act = do_drop, .pieces = piece, .count = 1, .sure = sure}, e);
}

int tw_rotate_remove(const struct tw_rotate *r, const struct tw_piece *pieces, size_t count,
                     struct tw_rotate_error *e)
{
    return run(&(struct step){.r = r, .act = do_remove, .pieces = pieces, .count = count}, e);
}
