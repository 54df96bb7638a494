/* What the steps of a rotation do with files. Private to rotate.c and rotate_files.c: runs in the
 * child, with the rights of the directory's owner. */
#ifndef TW_TOASTER_ROTATE_FILES_H
#define TW_TOASTER_ROTATE_FILES_H

#include <stdint.h>

#include "toaster/rotate.h"

#define TW_ROTATE_BEAT "." /* written to the parent, at most once a second */

struct tw_rotate_pulse {
    int fd; /* to the parent */
    int64_t last_s;
    int copy; /* whose disk is to keep some space; -1: none */
};

/* Both give back -1. */
int tw_rotate_fail(struct tw_rotate_error *e, enum tw_rotate_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* With errno, which also says whether it is TW_ROTATE_NO_SPACE or _EXISTS. */
int tw_rotate_cannot(struct tw_rotate_error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Never over a file that is there (EEXIST). */
int tw_rotate_rename(int dir, const char *from, const char *to);

int tw_rotate_sync(int dir); /* the directory, of which we only have an O_PATH descriptor */

/* A new file of that name, for us alone; a leftover of ours goes first. -1 with the error. */
int tw_rotate_open_tmp(int dir, const char *name, struct tw_rotate_error *e);

/* Owner, group, rights of `like`, as far as we may give them. -1 with errno. */
int tw_rotate_set_like(int fd, const struct stat *like);

/* Opens a piece to be read: the very file that was seen, with no other name, that nobody writes to.
 */
int tw_rotate_open_piece(int dir, const struct tw_piece *piece, bool sure,
                         struct tw_rotate_error *e);

/* See tw_rotate_pack; fd: of the piece. */
int tw_rotate_pack_here(int dir, int fd, const struct tw_piece *piece,
                        struct tw_rotate_pulse *pulse, struct tw_rotate_error *e);

#endif
