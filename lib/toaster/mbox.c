/* A message as part of an mbox stream. */
#include "toaster/mbox.h"

#include <string.h>

#define SEPARATOR "From toaster-watcher@localhost Thu Jan  1 00:00:00 1970\n"

static const char from[] = "From ";
enum { FROM_BYTES = sizeof from - 1 };

static size_t line_length(const char *at, const char *end)
{
    const char *newline = memchr(at, '\n', (size_t)(end - at));
    return (size_t)((newline ? newline + 1 : end) - at);
}

static bool is_from(const char *line, size_t length)
{
    return length >= FROM_BYTES && memcmp(line, from, FROM_BYTES) == 0;
}

void tw_mbox_add(struct tw_buf *out, const char *message, size_t length)
{
    const char *const end = message + length;
    const char *at = message, *start;
    tw_buf_puts(out, SEPARATOR);
    if (length && is_from(at, length))
        at += line_length(at, end);
    for (start = at; at < end;) {
        const size_t size = line_length(at, end);
        if (is_from(at, size)) { /* what stands before it goes as it is, in one piece */
            tw_buf_add(out, start, (size_t)(at - start));
            tw_buf_puts(out, ">");
            start = at;
        }
        at += size;
    }
    tw_buf_add(out, start, (size_t)(end - start));
    if (length == 0 || end[-1] != '\n')
        tw_buf_puts(out, "\n");
    tw_buf_puts(out, "\n");
}
