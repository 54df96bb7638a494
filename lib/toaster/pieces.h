/* What has become of a log file that is moved aside and compressed: pieces beside it, called
 * FILE.YYYYMMDDTHHMMSSZ (UTC) and, when they are compressed, FILE.YYYYMMDDTHHMMSSZ.gz. Only knows
 * names and inodes; opens no file. */
#ifndef TW_TOASTER_PIECES_H
#define TW_TOASTER_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/error.h"

#define TW_PIECE_STAMP 17     /* bytes of ".YYYYMMDDTHHMMSSZ" */
#define TW_PIECE_PACKED 3     /* of ".gz" */
#define TW_PIECE_BASE_MAX 220 /* of FILE, so that every name we make of it is a name */

struct tw_piece {
    char *name;
    int64_t at_s; /* Unix time, as the name has it */
    struct stat st;
};

struct tw_piece_list {
    struct tw_piece *items; /* oldest first */
    size_t count;
};

struct tw_pieces {
    struct tw_piece_list plain, packed;
};

/* Regular files in the directory that are called exactly so; all else is passed over. Fails for a
 * directory with more than 100,000 entries or 2000 pieces. Blocks. */
int tw_pieces_read(int dir, const char *base, struct tw_pieces *pieces, struct tw_error *e);
void tw_pieces_free(struct tw_pieces *pieces);

/* FILE.YYYYMMDDTHHMMSSZ; the caller frees. NULL: that time has no such name. Pure. */
char *tw_piece_name(const char *base, int64_t at_s);

/* Whether `name` is that of a piece of `base`, and if so, which. Pure. */
bool tw_piece_parse(const char *name, const char *base, int64_t *at_s, bool *packed);

#endif
