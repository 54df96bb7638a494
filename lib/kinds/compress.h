/* The part of kind `file` that acts: a file over max_size is moved aside, made anew, and what was
 * moved is compressed. Decides and reports; the steps are toaster/rotate.h's. It remembers
 * nothing: what is still to be done is told by what lies in the directory. */
#ifndef TW_KINDS_COMPRESS_H
#define TW_KINDS_COMPRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "kinds/kind.h"
#include "toaster/pieces.h"

struct tw_compress {
    const struct tw_run *run;
    const char *path, *base; /* base: within path */
    int64_t keep;            /* so many compressed pieces */
    char *dir_path;
    int dir; /* -1: not open */
    struct stat dir_st;
    struct tw_pieces pieces;
    bool listed, cannot_list;
    bool busy;        /* the last piece must stay as it is in this run */
    int64_t again_ms; /* 0: not to be run again before its time */
    /* The finding of aspect `compress`: the worst that was seen, else the last that was done. */
    enum tw_level level;
    const char *code;
    struct tw_buf text;
};

/* A sentence why this path cannot be of a file that is compressed, or NULL. Pure. */
const char *tw_compress_bad_path(const char *path);

/* Opens the directory and looks at the file, which is not followed if it is a link. 0, or errno,
 * which may be ELOOP for a directory, with an error. To be ended after either. */
int tw_compress_begin(struct tw_compress *c, const struct tw_run *run, const char *path,
                      int64_t keep, struct stat *st, struct tw_error *e);
void tw_compress_end(struct tw_compress *c);

/* The file is not there. True: it was moved aside by a run that was cut short a moment ago, which
 * is told, or it was made anew in this call. False: it is plainly missing. */
bool tw_compress_missing(struct tw_compress *c, struct tw_buf *text);

/* So short a time ago a piece was moved aside that the file may well be empty still. */
bool tw_compress_is_new(struct tw_compress *c);

/* The file, which is over its limit, is moved aside; *text says so. False: it could not be (the
 * aspect says why). */
bool tw_compress_move(struct tw_compress *c, const struct stat *st, struct tw_buf *text);

/* Compresses one piece, removes those that are too old, and reports the aspect `compress`. */
void tw_compress_pieces(struct tw_compress *c);

void tw_compress_advice(const char *path, const char *code, struct tw_buf *out);

#endif
