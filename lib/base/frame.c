/* Frames, built and taken apart. Knows nothing of what the types mean. */
#include "base/frame.h"

#include <endian.h>
#include <string.h>

#include "base/mem.h"

static uint32_t load32(const char *at)
{
    uint32_t raw;
    memcpy(&raw, at, sizeof raw);
    return le32toh(raw);
}

struct tw_frame_writer tw_frame_begin(struct tw_buf *out, uint8_t type)
{
    const struct tw_frame_writer w = {out, out->len};
    tw_buf_add(out, "\0\0\0\0", TW_FRAME_HEAD);
    tw_buf_add(out, &type, 1);
    return w;
}

void tw_frame_put_number(struct tw_frame_writer *w, int64_t number)
{
    const uint64_t raw = htole64((uint64_t)number);
    tw_buf_add(w->out, &raw, sizeof raw);
}

void tw_frame_put_bytes(struct tw_frame_writer *w, const char *bytes, size_t length)
{
    const uint32_t raw = htole32((uint32_t)length);
    tw_buf_add(w->out, &raw, sizeof raw);
    tw_buf_add(w->out, bytes, length);
}

void tw_frame_put_text(struct tw_frame_writer *w, const char *text)
{
    tw_frame_put_bytes(w, text ? text : "", text ? strlen(text) : 0);
}

void tw_frame_end(struct tw_frame_writer *w)
{
    const uint32_t raw = htole32((uint32_t)(w->out->len - w->start - TW_FRAME_HEAD));
    memcpy(w->out->data + w->start, &raw, sizeof raw);
}

int tw_frame_next(const struct tw_buf *in, size_t *position, size_t max, struct tw_frame *frame)
{
    const size_t have = in->len - *position;
    if (have < TW_FRAME_HEAD)
        return 0;
    const size_t length = load32(in->data + *position);
    if (length == 0 || length > max)
        return -1;
    if (have - TW_FRAME_HEAD < length)
        return 0;
    const char *body = in->data + *position + TW_FRAME_HEAD;
    *frame = (struct tw_frame){.type = (uint8_t)body[0], .at = body + 1, .end = body + length};
    *position += TW_FRAME_HEAD + length;
    return 1;
}

int64_t tw_frame_number(struct tw_frame *frame)
{
    uint64_t raw;
    if (frame->bad || (size_t)(frame->end - frame->at) < sizeof raw) {
        frame->bad = true;
        return 0;
    }
    memcpy(&raw, frame->at, sizeof raw);
    frame->at += sizeof raw;
    return (int64_t)le64toh(raw);
}

static const int64_t count_max = (int64_t)1 << 48;

int64_t tw_frame_count(struct tw_frame *frame)
{
    const int64_t number = tw_frame_number(frame);
    if (number < 0 || number > count_max)
        frame->bad = true;
    return frame->bad ? 0 : number;
}

void tw_frame_add_count(struct tw_frame *frame, int64_t *total)
{
    const int64_t number = tw_frame_count(frame);
    if (*total > count_max)
        frame->bad = true;
    else
        *total += number;
}

const char *tw_frame_bytes(struct tw_frame *frame, size_t max, size_t *length)
{
    *length = 0;
    if (frame->bad || frame->end - frame->at < TW_FRAME_HEAD) {
        frame->bad = true;
        return "";
    }
    const size_t size = load32(frame->at);
    if (size > max || size > (size_t)(frame->end - frame->at) - TW_FRAME_HEAD) {
        frame->bad = true;
        return "";
    }
    const char *bytes = frame->at + TW_FRAME_HEAD;
    frame->at = bytes + size;
    *length = size;
    return bytes;
}

char *tw_frame_text(struct tw_frame *frame, size_t max)
{
    size_t length;
    const char *bytes = tw_frame_bytes(frame, max, &length);
    if (length && memchr(bytes, '\0', length)) {
        frame->bad = true;
        length = 0;
    }
    return tw_strndup(bytes, length);
}

bool tw_frame_done(const struct tw_frame *frame)
{
    return !frame->bad && frame->at == frame->end;
}
