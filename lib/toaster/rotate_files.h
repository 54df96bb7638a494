/* What the steps of a rotation do with files. Private to rotate.c and rotate_files.c: runs in the
 * child, with the rights of the directory's owner. */
#ifndef TW_TOASTER_ROTATE_FILES_H
#define TW_TOASTER_ROTATE_FILES_H

#include <stdint.h>
#include <sys/types.h>

#include "toaster/rotate.h"

#define TW_ROTATE_ACL_MAX 4096

#define TW_ROTATE_BEAT "." /* written to the parent, at most once a second */

#define TW_ROTATE_PACK_S 600 /* so long may packing take */

struct tw_rotate_pulse {
    int fd; /* to the parent */
    int64_t last_s;
    int64_t until_s; /* by CLOCK_MONOTONIC: then it is given up */
    int copy;        /* whose disk is to keep some space; -1: none */
};

/* Both give back -1. */
int tw_rotate_fail(struct tw_rotate_error *e, enum tw_rotate_fault fault, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* With errno, which also says whether it is TW_ROTATE_NO_SPACE or _EXISTS. */
int tw_rotate_cannot(struct tw_rotate_error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

int tw_rotate_sync(int dir); /* the directory, of which we only have an O_PATH descriptor */

/* What a file is to be like. */
struct tw_rotate_like {
    struct stat st;
    ssize_t acl_length; /* 0: it has no access list; -1: one that cannot be copied */
    char acl[TW_ROTATE_ACL_MAX];
};
void tw_rotate_look_like(int fd, const struct stat *st, struct tw_rotate_like *like);

/* A new file of that name, for us alone; a leftover of ours or of that user's goes first. -1 with
 * the error. */
int tw_rotate_open_tmp(int dir, const char *name, uid_t or_of, struct tw_rotate_error *e);

/* Owner, group, rights and access list of `like`, as far as we may give them. -1 with errno. */
int tw_rotate_set_like(int fd, const struct tw_rotate_like *like);

/* Opens a piece to be read: the very file that was seen, and nothing else even for a moment. */
int tw_rotate_open_piece(int dir, const struct tw_piece *piece, struct tw_rotate_error *e);

/* It is as it was seen, has no other name, and nobody writes to it. `written`: what
 * tw_holders_written said to somebody with more rights. */
int tw_rotate_check_piece(int fd, const struct tw_piece *piece, int written, bool sure,
                          struct tw_rotate_error *e);

/* See tw_rotate_pack; fd: of the piece. */
int tw_rotate_pack_here(int dir, int fd, const struct tw_piece *piece,
                        struct tw_rotate_pulse *pulse, struct tw_rotate_error *e);

#endif
