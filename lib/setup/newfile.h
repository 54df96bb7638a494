/* A file that was not there before: how what toasterctl writes for an admin comes onto the disk. */
#ifndef TW_SETUP_NEWFILE_H
#define TW_SETUP_NEWFILE_H

#include <stddef.h>

#include "base/error.h"

/* Writes a new file, mode 0644, whole or not at all: a temporary file beside it, synced, and only
 * then given its name. What has that name already, be it a dangling link, is never touched: that
 * is an error with errno EEXIST. For all other errors errno says why, too. The directory must
 * exist. Blocks on the disk. */
int tw_newfile_write(const char *path, const void *data, size_t length, struct tw_error *e);

#endif
