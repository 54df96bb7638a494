/* Errors as sentences. Knows nothing of where they are shown. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int tw_fail(struct tw_error *e, const char *format, ...)
{
    if (e) {
        va_list args;
        va_start(args, format);
        vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
    }
    return -1;
}

int tw_fail_errno(struct tw_error *e, const char *format, ...)
{
    const int saved = errno;
    if (e) {
        va_list args;
        va_start(args, format);
        vsnprintf(e->text, sizeof e->text, format, args);
        va_end(args);
        const size_t used = strlen(e->text);
        snprintf(e->text + used, sizeof e->text - used, ": %s", strerrordesc_np(saved));
    }
    errno = saved;
    return -1;
}
