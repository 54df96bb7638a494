/* A growing string of bytes. Always followed by a NUL, so `tw_buf_text` is a C string. */
#ifndef TW_BASE_BUF_H
#define TW_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct tw_buf {
    char *data; /* owned; NULL while nothing was added */
    size_t len, cap;
};

void tw_buf_add(struct tw_buf *buf, const void *bytes, size_t length);
void tw_buf_puts(struct tw_buf *buf, const char *text);
void tw_buf_printf(struct tw_buf *buf, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void tw_buf_vprintf(struct tw_buf *buf, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void tw_buf_consume(struct tw_buf *buf, size_t length); /* drops bytes at the front */
void tw_buf_clear(struct tw_buf *buf);                  /* empty, memory kept */
void tw_buf_free(struct tw_buf *buf);                   /* empty, memory given back */
const char *tw_buf_text(const struct tw_buf *buf);      /* "" when empty */
char *tw_buf_take(struct tw_buf *buf);                  /* the string, now the caller's */

#endif
