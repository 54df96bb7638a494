/* For the tests of frames between daemon and worker: frames taken, cut, mended and garbled. */
#ifndef TEST_KINDS_FRAMES_H
#define TEST_KINDS_FRAMES_H

#include "kit.h"

#include "kinds/wire.h"

enum { MUTATIONS = 100000 };

/* The next whole frame of a buffer. */
static inline struct tw_frame frame_of(const struct tw_buf *buf)
{
    size_t position = 0;
    struct tw_frame frame;
    assert_int_equal(tw_frame_next(buf, &position, TW_WIRE_REQUEST_MAX, &frame), 1);
    assert_int_equal(position, buf->len);
    return frame;
}

/* An exact copy on the heap, so that a look beyond its end is seen. */
static inline struct tw_buf exact(const char *bytes, size_t length)
{
    struct tw_buf buf = {.data = malloc(length ? length : 1), .len = length, .cap = length};
    assert_non_null(buf.data);
    memcpy(buf.data, bytes, length);
    return buf;
}

static inline void put_length(struct tw_buf *buf)
{
    const uint32_t length = (uint32_t)buf->len - 4;
    for (int i = 0; i < 4; i++)
        buf->data[i] = (char)(length >> (8 * i));
}

static inline char *long_text(size_t length)
{
    char *text = tw_alloc(length + 1);
    memset(text, 'x', length);
    text[0] = '/';
    return text;
}

/* A few bytes changed, some cut off or added; the head sometimes mended so that the fields are
 * reached. */
static inline struct tw_buf mutate(const struct tw_buf *from, unsigned *seed)
{
    const size_t extra = rand_r(seed) % 4 == 0 ? (size_t)rand_r(seed) % 20 : 0;
    struct tw_buf buf = {.data = malloc(from->len + extra), .len = from->len + extra};
    assert_non_null(buf.data);
    memcpy(buf.data, from->data, from->len);
    for (size_t i = from->len; i < buf.len; i++)
        buf.data[i] = (char)rand_r(seed);
    if (rand_r(seed) % 4 == 0)
        buf.len -= (size_t)rand_r(seed) % (buf.len - 4);
    for (int i = rand_r(seed) % 4; i >= 0; i--) {
        const size_t at = (size_t)rand_r(seed) % buf.len;
        buf.data[at] =
            (char)(rand_r(seed) % 2 ? rand_r(seed) : buf.data[at] ^ (1 << rand_r(seed) % 8));
    }
    if (rand_r(seed) % 8)
        put_length(&buf);
    buf.data = realloc(buf.data, buf.len);
    assert_non_null(buf.data);
    return buf;
}

#endif
