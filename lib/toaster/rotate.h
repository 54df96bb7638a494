/* The steps by which a log file is moved aside, made anew, compressed and in the end removed. Each
 * is done in a child that has the rights of the directory's owner and no more, and each is told
 * what the file was like when it was looked at. Only a piece is opened before, by us, since the
 * kernel tells not everybody who writes to it; it must be the directory's owner's then, who gets
 * the copy, unless that is root. That is why a hostile owner gains nothing by
 * putting something else in its place between two steps: all that it can reach, it could reach
 * before; and what was swapped is left alone. No step ever goes over a file that is there. What a
 * killed step leaves, the next run of the same step finishes or removes. All block; workers only.
 */
#ifndef TW_TOASTER_ROTATE_H
#define TW_TOASTER_ROTATE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "toaster/pieces.h"

struct tw_rotate {
    int dir;                     /* of tw_dir_open */
    const struct stat *owner;    /* the directory, as tw_dir_open saw it */
    const char *dir_path;        /* for errors */
    const char *base;            /* the name of the log file in it */
    void (*beat)(void *context); /* called while a step gets on */
    void *beat_context;
};

enum tw_rotate_fault {
    TW_ROTATE_CANNOT,    /* the system, or the rights that we have, do not let us */
    TW_ROTATE_SWAPPED,   /* something else is there now */
    TW_ROTATE_CHANGED,   /* it is written to */
    TW_ROTATE_UNSURE,    /* nobody can tell whether it is written to */
    TW_ROTATE_LINKS,     /* it has other names: it may be somebody else's */
    TW_ROTATE_EXISTS,    /* the name that it is to get is taken */
    TW_ROTATE_NO_SPACE,  /* its disk is too full for a copy */
    TW_ROTATE_NOT_OURS,  /* cannot be made for the one whose it was */
    TW_ROTATE_NOT_OWNER, /* not the file of the directory's owner, who is not root */
    TW_ROTATE_SPARSE,    /* mostly holes: what takes no disk can take hours */
    TW_ROTATE_SLOW,      /* it took longer than it may, so that other jobs waited long enough */
    TW_ROTATE_TOO_LARGE, /* it did so within the last day */
    TW_ROTATE_FAULTS
};

struct tw_rotate_error {
    enum tw_rotate_fault fault;
    struct tw_error why; /* a sentence, as everywhere */
};

/* FILE becomes `piece`, if it still is the file that `seen` is of, and an empty one like it takes
 * its place at once, unless the writer is faster, or only root could make it and we are not. */
int tw_rotate_move(const struct tw_rotate *r, const char *piece, const struct stat *seen,
                   struct tw_rotate_error *e);

/* Makes an empty FILE with the owner, group, rights and access list of the piece `like`, or with
 * fewer rights where those cannot be had. One that is there by now is as good. */
int tw_rotate_make(const struct tw_rotate *r, const struct tw_piece *like,
                   struct tw_rotate_error *e);

/* Makes PIECE.gz of `piece`, if it still is as it was seen and nobody writes to it: a copy, synced,
 * read back, then given its name. Where there is a PIECE.gz, that is read back instead. The piece
 * stays. `sure`: somebody has looked, and seen nobody write to it; that counts only where we may
 * not ask the kernel, being neither root nor the file's owner. */
int tw_rotate_pack(const struct tw_rotate *r, const struct tw_piece *piece, bool sure,
                   struct tw_rotate_error *e);

/* Removes the piece of which tw_rotate_pack has made a copy, under the same conditions. */
int tw_rotate_drop(const struct tw_rotate *r, const struct tw_piece *piece, bool sure,
                   struct tw_rotate_error *e);

/* Removes these files, each if it still is as it was seen. */
int tw_rotate_remove(const struct tw_rotate *r, const struct tw_piece *pieces, size_t count,
                     struct tw_rotate_error *e);

/* The same file, not written to since. Pure. */
bool tw_rotate_same(const struct stat *a, const struct stat *b);

/* The rights of `mode` for a file whose owner and group could be kept or not, so that nobody may
 * do more than before; never set-id or sticky. Pure. */
mode_t tw_rotate_mode(mode_t mode, bool owner_kept, bool group_kept);

#endif
