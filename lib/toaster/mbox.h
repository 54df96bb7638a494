/* A message as part of an mbox stream (mbox(5), the variant mboxo). Pure. */
#ifndef TW_TOASTER_MBOX_H
#define TW_TOASTER_MBOX_H

#include <stdbool.h>

#include "base/buf.h"

/* Appends the message: a From line before it, '>' before each line of it that would be taken for
 * one, a newline at its end if it has none, a blank line behind it. A From line that it begins
 * with is the envelope that a delivery agent has left, and is dropped. The same message always
 * gives the same bytes. */
void tw_mbox_add(struct tw_buf *out, const char *message, size_t length);

#endif
