/* A first configuration for a machine, commented, from the facts about it. Pure. */
#ifndef TW_SETUP_INITIAL_H
#define TW_SETUP_INITIAL_H

#include <stdint.h>

#include "base/buf.h"
#include "setup/machine.h"

/* Appends the text, and to `notes` what its admin should be told at once, a line each. */
void tw_initial_write(const struct tw_machine *machine, int64_t now_s, struct tw_buf *out,
                      struct tw_buf *notes);

#endif
