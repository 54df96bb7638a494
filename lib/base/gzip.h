/* Files packed by zlib as gzip(1) would, and read back. Knows descriptors of regular files, no
 * names. Both take about 400 KB of memory, however large the file is. Both block. */
#ifndef TW_BASE_GZIP_H
#define TW_BASE_GZIP_H

#include <stdint.h>

#include "base/error.h"

/* Called after each piece of 64 KB, to tell that it gets on; -1 with an error ends the work. */
typedef int tw_gzip_beat(void *context, struct tw_error *e);

/* Writes the first `size` bytes of `from` to the end of `to`, which must be empty, packed. What was
 * written is synced now and then, so that it never is much, but not at the end. -1 with errno;
 * ENODATA: `from` has not so many bytes. */
int tw_gzip_pack(int from, int64_t size, int to, tw_gzip_beat *beat, void *context,
                 struct tw_error *e);

/* Unpacks `packed` and compares with the first `size` bytes of `plain`. 0: they are the same, to
 * the end. -1 with errno; EBADMSG: `packed` is damaged, cut, or holds something else. */
int tw_gzip_same(int packed, int plain, int64_t size, tw_gzip_beat *beat, void *context,
                 struct tw_error *e);

#endif
