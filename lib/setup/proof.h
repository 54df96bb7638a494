/* Is a configuration that was made here one that toaster-watcher takes? */
#ifndef TW_SETUP_PROOF_H
#define TW_SETUP_PROOF_H

#include <stddef.h>

#include "base/error.h"

/* Reads the text in memory by the loader that the daemon uses, and its includes from the disk. An
 * error has "line N: ", or file and line of an include. Needs /proc. */
int tw_proof_config(const char *text, size_t length, struct tw_error *e);

#endif
