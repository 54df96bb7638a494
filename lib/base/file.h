/* Small things done to files, each bounded and never following what it should not. All block. */
#ifndef TW_BASE_FILE_H
#define TW_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/* Reads a regular file of at most `max` bytes; more is an error. The last component is never a
 * symlink, and a fifo or device is refused without being opened for good (O_NONBLOCK, then
 * fstat). *data is NUL-terminated and the caller's to free. `at` may be AT_FDCWD.
 * errno says why after a failure; EFBIG: too large, EINVAL: no regular file. */
int tw_file_read(int at, const char *path, size_t max, char **data, size_t *length,
                 struct tw_error *e);

/* Writes DIR/NAME whole or not at all: DIR/tmp/NAME (O_EXCL, after removing a leftover), written,
 * synced, renamed; then the directory is synced. DIR/tmp must exist. */
int tw_file_write(const char *dir, const char *name, const void *data, size_t length, mode_t mode,
                  struct tw_error *e);

/* The same in an open directory, by .NAME.new beside it. With `fresh` it never takes the place of
 * what is there: errno EEXIST. The error names `name` alone. */
int tw_file_write_at(int dir, const char *name, const void *data, size_t length, mode_t mode,
                     bool fresh, struct tw_error *e);

/* Another name in the same directory, never that of a file that is there: -1 with errno EEXIST.
 * Where the file system cannot be told so in one step, both names are there for a moment. */
int tw_file_rename_new(int dir, const char *from, const char *to);

/* Makes a directory with exactly this mode if there is none. One that is there must be a
 * directory; its mode is set if we own it. Parents must exist. */
int tw_dir_make(const char *path, mode_t mode, struct tw_error *e);

/* What a symbolic link leads to, as it is written; the caller frees it. NULL: it is none, or cannot
 * be read; errno says why. */
char *tw_link_read(const char *path);

/* Appends all up to the end of the file. -1: errno says why; EFBIG: it would be more than `max`
 * bytes in `out`. */
int tw_read_all(int fd, size_t max, struct tw_buf *out);

/* All bytes, or -1; goes on after EINTR and short writes. For blocking descriptors. */
int tw_write_all(int fd, const void *data, size_t length);

#endif
