/* multilog's directories, as read for evidence. Source: multilog(8), multilog.c 0.76. */
#ifndef TW_TOASTER_MULTILOG_H
#define TW_TOASTER_MULTILOG_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/* The directory that SERVICE/log/run writes to, by that script alone; NULL if it does not tell.
 * What is looked at lies below `root`, "" for the machine itself. The caller frees. */
char *tw_multilog_script_dir(const char *root, const char *service);

/* The directory that SERVICE/log/run writes to: the last argument that begins with '/' or '.' and
 * is a directory, on the first line of that script that calls multilog with one ('.' means
 * SERVICE/log/...). Else LOG_ROOT/NAME, else SERVICE/log/main, whichever is a directory. NULL with
 * an error if none. The caller frees. Reads root's files; blocks; workers only. */
char *tw_multilog_find(const char *service, const char *log_root, struct tw_error *e);

/* The last `lines` lines of DIR/current, labels as local time (tw_tai64n_decode_line), a line cut
 * at 500 bytes, each ended by a newline, unescaped. If current has fewer, the newest finished file
 * fills up; if there is no current (it is just being replaced), that file stands for it. Reads at
 * most 64 KB of each, and refuses a current that is a link or no regular file; run it with the
 * rights of the log's owner. Blocks; workers only. */
int tw_multilog_tail(const char *dir, size_t lines, struct tw_buf *out, struct tw_error *e);

/* The same, when called as root: in a child with the uid and gid of the directory's owner, for at
 * most 5 seconds. A directory of root's is read by the caller itself, but only if nobody else may
 * write to it. */
int tw_multilog_tail_as_owner(const char *dir, size_t lines, struct tw_buf *out,
                              struct tw_error *e);

#endif
