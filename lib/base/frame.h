/* Frames: what the daemon, its workers and toasterctl say to each other over pipes and sockets.
 * A frame is 4 bytes of length (little-endian, of what follows), 1 byte of type, then fields:
 * a number is 8 bytes little-endian; a string is 4 bytes of length and its bytes, without NUL.
 * A receiver reads every field and then asks tw_frame_done: anything missing, left over, too
 * long or holding a NUL makes the frame bad, and a bad frame ends the conversation. */
#ifndef TW_BASE_FRAME_H
#define TW_BASE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define TW_FRAME_HEAD 4 /* bytes of length before the type */

/* Building: begin, fields, end. The frame is appended to `out`. */
struct tw_frame_writer {
    struct tw_buf *out;
    size_t start;
};
struct tw_frame_writer tw_frame_begin(struct tw_buf *out, uint8_t type);
void tw_frame_put_number(struct tw_frame_writer *w, int64_t number);
void tw_frame_put_text(struct tw_frame_writer *w, const char *text); /* NULL is sent as "" */
void tw_frame_put_bytes(struct tw_frame_writer *w, const char *bytes, size_t length);
void tw_frame_end(struct tw_frame_writer *w);

/* Reading. The frame points into the buffer it was taken from. */
struct tw_frame {
    uint8_t type;
    const char *at, *end;
    bool bad;
};

/* Takes the next whole frame at *position of the buffer and moves the position past it.
 * 1: there is one; 0: more bytes are needed; -1: its length is 0 or over `max`. */
int tw_frame_next(const struct tw_buf *in, size_t *position, size_t max, struct tw_frame *frame);

int64_t tw_frame_number(struct tw_frame *frame); /* 0 and bad, if there is none */
/* A count: from 0 to 2^48, more than which is none that anybody had. 0 and bad, if it is not. */
int64_t tw_frame_count(struct tw_frame *frame);
/* Adds a count to a total of counts; no number of them overflows it: the frame is bad first. */
void tw_frame_add_count(struct tw_frame *frame, int64_t *total);
/* A string of at most `max` bytes without NULs, copied, the caller's to free; "" and bad, if
 * there is none such. */
char *tw_frame_text(struct tw_frame *frame, size_t max);
/* The bytes as they stand in the buffer, not copied; NULs are allowed. */
const char *tw_frame_bytes(struct tw_frame *frame, size_t max, size_t *length);
bool tw_frame_done(const struct tw_frame *frame); /* all read and nothing bad */

#endif
