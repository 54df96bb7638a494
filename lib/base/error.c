/* Errors as sentences. Knows nothing of where they are shown. */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int tw_fail(struct tw_error *e, const char *format, ...)
{
    if (e) {
        struct tw_error fresh; /* since the arguments may be what `e` holds so far */
        va_list args;
        va_start(args, format);
        vsnprintf(fresh.text, sizeof fresh.text, format, args);
        va_end(args);
        *e = fresh;
    }
    return -1;
}

int tw_fail_errno(struct tw_error *e, const char *format, ...)
{
    const int saved = errno;
    if (e) {
        struct tw_error fresh;
        va_list args;
        va_start(args, format);
        vsnprintf(fresh.text, sizeof fresh.text, format, args);
        va_end(args);
        const size_t used = strlen(fresh.text);
        const char *why = strerrordesc_np(saved); /* NULL for a number that is no error */
        snprintf(fresh.text + used, sizeof fresh.text - used, ": %s", why ? why : "unknown error");
        *e = fresh;
    }
    errno = saved;
    return -1;
}
