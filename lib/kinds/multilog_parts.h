/* Between the parts of kind `multilog`: what was seen of a directory in one run, and how each part
 * judges it. */
#ifndef TW_KINDS_MULTILOG_PARTS_H
#define TW_KINDS_MULTILOG_PARTS_H

#include <sys/stat.h>

#include "kinds/kind.h"
#include "toaster/logdir.h"
#include "toaster/procfs.h"
#include "toaster/rights.h"

/* One file of the directory, by lstat. */
struct tw_multilog_file {
    int why; /* 0: there; ENOENT: not; else why it could not be looked at */
    struct stat st;
};

struct tw_multilog {
    const char *path;
    int at; /* the directory, O_PATH */
    struct stat dir;
    struct tw_multilog_file current, lock, previous;
    int held; /* somebody holds the lock: 1, 0, or -1 */
    struct tw_error held_error;
    struct tw_proc holder; /* who; pid 0: not to be seen */
    bool runs;             /* it works, as far as the main aspect can tell */

    bool listed;
    struct tw_logdir list;
    struct tw_error list_error;
};

struct tw_multilog_file tw_multilog_file(int at, const char *name);
bool tw_multilog_is_file(const struct tw_multilog_file *file); /* there, and a regular file */

/* Fills in `current` to `holder`. What may be right in a moment is waited for, unless it `was_down`
 * before: a restart, or a rotation, is no failure. */
void tw_multilog_look(const struct tw_run *run, struct tw_multilog *look, bool was_down);

/* The main aspect; sets `runs`. */
void tw_multilog_main(const struct tw_run *run, struct tw_multilog *look);

/* Aspect `writable`, and whom it took for the writer. */
void tw_multilog_writable(const struct tw_run *run, const struct tw_multilog *look,
                          struct tw_rights *writer);

/* Aspect `space`. */
void tw_multilog_space(const struct tw_run *run, const struct tw_multilog *look,
                       const struct tw_rights *writer);

#endif
