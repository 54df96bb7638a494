/* What compress.c and compress_pieces.c share. */
#ifndef TW_KINDS_COMPRESS_PRIVATE_H
#define TW_KINDS_COMPRESS_PRIVATE_H

#include "kinds/compress.h"
#include "toaster/rotate.h"

enum {
    TW_COMPRESS_SETTLE_S = 5, /* after a move: then the writer has had its chance to make the file,
                                 and what it was about to write is written */
    TW_COMPRESS_WAITING_MAX = 16, /* pieces that are not compressed */
    TW_COMPRESS_LOOK_MAX = 64,    /* of them that are looked at, those with readers among them */
};

/* For the aspect's finding: FAIL goes before UNKNOWN before WARN before OK; of what is alike, the
 * first that is bad, the last that is good. */
void tw_compress_say(struct tw_compress *c, enum tw_level level, const char *code,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));
void tw_compress_fault(struct tw_compress *c, const struct tw_rotate_error *e);
void tw_compress_done(const struct tw_compress *c, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tw_compress_look_again(struct tw_compress *c, int64_t in_ms);

/* Lists the pieces, once. False: it cannot be told what lies there, and the aspect says so. */
bool tw_compress_list(struct tw_compress *c);

/* How many pieces wait, but for those that somebody just reads, who cannot keep them for long; of
 * more than TW_COMPRESS_LOOK_MAX, all. */
size_t tw_compress_waiting(const struct tw_compress *c);

struct tw_rotate tw_compress_steps(const struct tw_compress *c);

/* Since the piece got its name. If that is in the future, the clock was set back since: long ago,
 * for all we know, INT64_MAX. */
int64_t tw_compress_age(const struct tw_compress *c, const struct tw_piece *piece);

#endif
