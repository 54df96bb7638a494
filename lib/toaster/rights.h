/* What another user may do with a file: by its mode bits, which is cheap, or by asking the kernel
 * with that user's rights, which also knows access lists. */
#ifndef TW_TOASTER_RIGHTS_H
#define TW_TOASTER_RIGHTS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/error.h"

enum { TW_GROUPS_MAX = 64 };

struct tw_rights {
    uid_t uid;
    gid_t groups[TW_GROUPS_MAX]; /* the first is the group of what it makes */
    size_t group_count;
};

/* Those of a process. -1 if it is gone or cannot be looked at. */
int tw_rights_of(const char *root, pid_t pid, struct tw_rights *rights);

/* By owner, group and mode; `want` are bits of R_OK, W_OK and X_OK. Root may do all. Pure. */
bool tw_rights_allow(const struct tw_rights *rights, const struct stat *st, int want);

/* Asks the kernel about `name` in the open directory, in a child with that uid and first group:
 * 1 yes, 0 no, -1 cannot tell (we are neither root nor that user). Blocks; workers only. */
int tw_rights_ask(const struct tw_rights *rights, int at, const char *name, int want,
                  struct tw_error *e);

#endif
