/* Which addresses qmail-send takes for its own machine's: control/locals, me and envnoathost. Pure.
 * Sources: qmail-send(8), control.c and rewrite() in qmail-send.c of notqmail. */
#ifndef TW_TOASTER_LOCALS_H
#define TW_TOASTER_LOCALS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strings.h"

struct tw_locals {
    struct tw_strings domains; /* sorted, their case ignored */
    char *no_at;               /* the domain of an address without one; NULL: nothing says */
};

/* From the texts of the files; NULL: there is none. */
void tw_locals_make(struct tw_locals *out, const char *locals, const char *me,
                    const char *envnoathost);
void tw_locals_free(struct tw_locals *locals);

/* Is this address (qmail's, no RFC's: the last @ counts) delivered here? *local_length is then
 * the length of its local part. */
bool tw_locals_has(const struct tw_locals *locals, const char *address, size_t length,
                   size_t *local_length);

#endif
