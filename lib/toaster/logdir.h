/* What lies in a directory of multilog: its finished files, and which of them an outage cut off.
 * The directory is its user's, who may fill it with anything. Source: multilog(8), multilog.c 0.76.
 */
#ifndef TW_TOASTER_LOGDIR_H
#define TW_TOASTER_LOGDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/tai64n.h"

enum {
    TW_LOGDIR_NAME = TW_TAI64N_LABEL + 3, /* a finished file's name with its NUL */
    TW_LOGDIR_ENTRIES_MAX = 100000,       /* names read */
    TW_LOGDIR_STATS_MAX = 1000            /* finished files looked at */
};

/* '@', 24 hex digits and ".s" (finished) or ".u" (cut off by an outage). Pure. */
bool tw_logdir_finished(const char *name);
bool tw_logdir_unsafe(const char *name); /* the latter */

/* More than a minute after now: a clock was wrong, or somebody plays with touch. Pure. */
bool tw_logdir_ahead(int64_t at_s, int64_t now_s);

struct tw_logdir {
    size_t entries;    /* names read, but for "." and ".." */
    bool more;         /* there are still others */
    size_t finished;   /* of those, finished files */
    int64_t largest;   /* bytes of the largest finished file; 0: none */
    int64_t written_s; /* when the last of those that are not empty, nor ahead of now, was written;
                          INT64_MIN: none */

    char newest[TW_LOGDIR_NAME];   /* finished file by its label; "": none */
    char newest_u[TW_LOGDIR_NAME]; /* that was cut off */
    size_t new_u;                  /* how many of those came after `seen` */
    int64_t u_bytes, u_written_s;  /* the size and mtime of newest_u; -1 if it is gone */
};

/* Reads the open directory, `dir` to a person. `seen` is the name of a cut off file that is known;
 * "": none is. Labels that are ahead of now are nobody's outage. Bounded in time and memory
 * whatever is in there; blocks with the file system; workers only. */
int tw_logdir_read(int at, const char *dir, const char *seen, int64_t now_s, struct tw_logdir *out,
                   struct tw_error *e);

#endif
