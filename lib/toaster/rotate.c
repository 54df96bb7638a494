/* The steps of a rotation. What runs in the child begins with do_; all names there are relative to
 * the directory, none is followed, and what counts is asked of descriptors or compared after the
 * step with what was seen before it. */
#include "toaster/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/gentle.h"
#include "base/mem.h"
#include "base/owner.h"
#include "toaster/rotate_files.h"

enum {
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

static int do_move(struct step *s, struct tw_rotate_error *e)
{
    const int dir = s->r->dir;
    const char *base = s->r->base;
    struct stat st;
    if (fstatat(dir, base, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return tw_rotate_cannot(e, "cannot look at %s", base);
    if (!is_inode(&st, s->seen))
        return tw_rotate_fail(e, TW_ROTATE_SWAPPED, "%s was swapped for something else", base);
    if (st.st_nlink != 1)
        return tw_rotate_fail(e, TW_ROTATE_LINKS, "%s has %ju names", base, (uintmax_t)st.st_nlink);
    if (tw_rotate_rename(dir, base, s->name) != 0)
        return tw_rotate_cannot(e, "cannot rename %s to %s", base, s->name);
    /* What was looked at need not be what the name stood for a moment later. */
    if (fstatat(dir, s->name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !is_inode(&st, s->seen))
        return tw_rotate_fail(e, TW_ROTATE_SWAPPED,
                              "%s was swapped for something else while it was moved to %s", base,
                              s->name);
    (void)tw_rotate_sync(dir); /* it is moved, whatever comes of this */
    return 0;
}

static int do_make(struct step *s, struct tw_rotate_error *e)
{
    const uid_t us = geteuid();
    if (us != 0 && s->seen->st_uid != us)
        return tw_rotate_fail(e, TW_ROTATE_NOT_OURS,
                              "%s was uid %ju's, and only root can give a new one to that user",
                              s->r->base, (uintmax_t)s->seen->st_uid);
    char *tmp = tw_format(".%s.new.tmp", s->r->base);
    const int fd = tw_rotate_open_tmp(s->r->dir, tmp, e);
    int result = -1;
    if (fd >= 0) {
        if (tw_rotate_set_like(fd, s->seen) != 0)
            tw_rotate_cannot(e, "cannot set the owner and the rights of %s", tmp);
        else if (tw_rotate_rename(s->r->dir, tmp, s->r->base) != 0 && errno != EEXIST)
            tw_rotate_cannot(e, "cannot make %s", s->r->base);
        else
            result = 0;
        close(fd);
        /* There no more, unless the writer was faster or it failed. */
        (void)unlinkat(s->r->dir, tmp, 0);
    }
    free(tmp);
    return result;
}

static int do_pack(struct step *s, struct tw_rotate_error *e)
{
    tw_gentle();
    const int fd = tw_rotate_open_piece(s->r->dir, s->pieces, s->sure, e);
    if (fd < 0)
        return -1;
    const int result = tw_rotate_pack_here(s->r->dir, fd, s->pieces, &s->pulse, e);
    close(fd);
    return result;
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
    const int fd = tw_rotate_open_piece(s->r->dir, s->pieces, s->sure, e);
    if (fd < 0)
        return -1;
    close(fd);
    return do_remove(s, e);
}

/* What it writes: beats, then, if it failed, the fault as a digit, and the sentence. */
static int in_child(void *context, int fd, struct tw_error *e)
{
    struct step *s = context;
    struct tw_rotate_error error = {0};
    s->pulse.fd = fd;
    if (s->act(s, &error) == 0)
        return 0;
    return dprintf(fd, "%d%s", (int)error.fault, error.why.text) > 0
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
        const int fault = *said - '0';
        e->fault =
            fault >= 0 && fault < TW_ROTATE_FAULTS ? (enum tw_rotate_fault)fault : TW_ROTATE_CANNOT;
        result = tw_fail(&e->why, "%s", said + 1);
    }
    free(output);
    return result;
}

int tw_rotate_move(const struct tw_rotate *r, const char *piece, const struct stat *seen,
                   struct tw_rotate_error *e)
{
    return run(&(struct step){.r = r, .act = do_move, .name = piece, .seen = seen}, e);
}

int tw_rotate_make(const struct tw_rotate *r, const struct stat *like, struct tw_rotate_error *e)
{
    return run(&(struct step){.r = r, .act = do_make, .seen = like}, e);
}

int tw_rotate_pack(const struct tw_rotate *r, const struct tw_piece *piece, bool sure,
                   struct tw_rotate_error *e)
{
    return run(&(struct step){.r = r, .act = do_pack, .pieces = piece, .count = 1, .sure = sure},
               e);
}

int tw_rotate_drop(const struct tw_rotate *r, const struct tw_piece *piece, bool sure,
                   struct tw_rotate_error *e)
{
    return run(&(struct step){.r = r, .act = do_drop, .pieces = piece, .count = 1, .sure = sure},
               e);
}

int tw_rotate_remove(const struct tw_rotate *r, const struct tw_piece *pieces, size_t count,
                     struct tw_rotate_error *e)
{
    return run(&(struct step){.r = r, .act = do_remove, .pieces = pieces, .count = count}, e);
}
