/* Which directories took what was written lately: for a letter about a disk that fills up. */
#ifndef TW_TOASTER_BLAME_H
#define TW_TOASTER_BLAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strings.h"

struct tw_blame {
    const struct tw_strings *roots; /* full paths */
    int64_t since_s;                /* Unix time: an inode changed since then counts as written */
    bool inodes;                    /* count inodes, not bytes */
    int time_ms;                    /* for all roots together; each gets its share */
};

/* Appends a line for each of the ten directories below the roots, down to three levels, that hold
 * most of what was written, the largest first: "PATH  1.2G of 1.5G written in the last day", and
 * what could not be seen. A directory of which one that can be listed has more than nine tenths is
 * left out. Names are escaped.
 *
 * It lists directories and asks for inodes, and opens nothing else. A link is never followed but on
 * the way to a root, by the rule of tw_dir_open; another file system is not entered. Bounded in
 * time, depth and memory. Blocks; workers only. */
void tw_blame(const struct tw_blame *blame, struct tw_buf *out);

#endif
