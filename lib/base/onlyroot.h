/* What root runs must be nobody else's to choose. */
#ifndef TW_BASE_ONLYROOT_H
#define TW_BASE_ONLYROOT_H

#include <stdbool.h>

#include "base/error.h"

/* Can nobody but root and us choose what is at this path (which begins with "/"): what is there,
 * the directories above it, and where links lead? -1 with an error: others can, or, with *gone,
 * there is nothing, and nobody else could put something there as far as its directories go. In a
 * moment there may be anybody's all the same, so that whoever runs it must not. Blocks. */
int tw_onlyroot_check(const char *path, bool *gone, struct tw_error *e);

#endif
