/* Directories that belong to somebody: opening one on a path that somebody may bend, and working
 * in it with no more rights than its owner has. */
#ifndef TW_BASE_OWNER_H
#define TW_BASE_OWNER_H

#include <sys/stat.h>

#include "base/error.h"
#include "base/priv.h"

/* Opens the directory at `path` with O_PATH, for *at() calls, and fills in *st (may
 * be NULL). A symbolic link on the way, or at its end, is followed only where nobody else could
 * have made it: in a directory of root's or ours that nobody else may write to, to which the way
 * leads through such only. -1 with an error; errno says why (ELOOP: such a link, ENOENT, ENOTDIR,
 * ...). Blocks. */
int tw_dir_open(const char *path, struct stat *st, struct tw_error *e);

/* Does the task (base/priv.h) in a child with the rights of the owner of a directory; its uid,
 * gid and stay are filled in here. The group is the user's first, by passwd(5), else nogroup, never
 * the directory's, nor root. Where the owner is root, or we are not, the child keeps our rights,
 * but only if nobody else may write to the directory, nor to one on the way to it that `path`
 * tells, which could be bent to another of root's; else the call fails. `dir` is what tw_dir_open
 * saw. */
int tw_owner_run(const struct stat *dir, const char *path, const struct tw_priv_task *task,
                 char **output, size_t *length, struct tw_error *e);

#endif
