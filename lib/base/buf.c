/* A growing string of bytes. */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* Makes room for `more` bytes and a NUL. */
static void reserve(struct tw_buf *buf, size_t more)
{
    const size_t need = buf->len + more + 1;
    if (need <= buf->cap)
        return;
    size_t cap = buf->cap ? buf->cap : 64;
    while (cap < need)
        cap *= 2;
    buf->data = tw_realloc_array(buf->data, cap, 1);
    buf->cap = cap;
}

void tw_buf_add(struct tw_buf *buf, const void *bytes, size_t length)
{
    reserve(buf, length);
    if (length)
        memcpy(buf->data + buf->len, bytes, length);
    buf->len += length;
    buf->data[buf->len] = '\0';
}

void tw_buf_puts(struct tw_buf *buf, const char *text)
{
    tw_buf_add(buf, text, strlen(text));
}

void tw_buf_vprintf(struct tw_buf *buf, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    const int length = vsnprintf(NULL, 0, format, again);
    if (length > 0) {
        reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->len, (size_t)length + 1, format, args);
        buf->len += (size_t)length;
    }
    va_end(again);
}

void tw_buf_printf(struct tw_buf *buf, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(buf, format, args);
    va_end(args);
}

void tw_buf_consume(struct tw_buf *buf, size_t length)
{
    if (length >= buf->len) {
        tw_buf_clear(buf);
        return;
    }
    memmove(buf->data, buf->data + length, buf->len - length + 1);
    buf->len -= length;
}

void tw_buf_clear(struct tw_buf *buf)
{
    buf->len = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

void tw_buf_free(struct tw_buf *buf)
{
    free(buf->data);
    *buf = (struct tw_buf){0};
}

const char *tw_buf_text(const struct tw_buf *buf)
{
    return buf->data ? buf->data : "";
}

char *tw_buf_take(struct tw_buf *buf)
{
    char *text = buf->data ? buf->data : tw_strdup("");
    *buf = (struct tw_buf){0};
    return text;
}
