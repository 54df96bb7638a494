/* What a task remembers of each mailbox so that it need not look at it again: a database for each
 * uid, STATE_DIR/index/UID/index.db. The directory is made by root and given to the uid; the file
 * is opened, made and set aside with the uid's rights alone. Its owner may write into it whatever
 * he likes, so what stands there is never more than a reason not to look at a folder. Rows carry a
 * checksum; one that is damaged is as good as none. */
#ifndef TW_TOASTER_MAILINDEX_H
#define TW_TOASTER_MAILINDEX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/* With root's rights: makes STATE_DIR/index (0711) and its UID (0700, the uid's). *dir is the path,
 * the caller's to free. */
int tw_mailindex_prepare(const char *state_dir, uid_t uid, gid_t gid, char **dir,
                         struct tw_error *e);

/* The same path, with no look at the disk. */
char *tw_mailindex_dir(const char *state_dir, uid_t uid);

struct tw_mailindex;

/* With the uid's rights. A file that is damaged or of another version is renamed to
 * index.db.damaged, and a fresh one is begun: then *note says so (the caller frees it). NULL with
 * an error: there is none to be had (a full or read-only disk); work goes on without. Blocks. */
struct tw_mailindex *tw_mailindex_open(const char *dir, char **note, struct tw_error *e);

/* For a look: reads what is there, changes nothing. NULL with an error: there is none, or it is
 * damaged. */
struct tw_mailindex *tw_mailindex_look(const char *dir, struct tw_error *e);

/* What was put for this job and mailbox; NULL: nothing. Valid until the next call. */
const void *tw_mailindex_get(struct tw_mailindex *index, const char *job, const char *mailbox,
                             size_t *length);
/* Written some time later, many together. */
void tw_mailindex_put(struct tw_mailindex *index, const char *job, const char *mailbox,
                      const void *data, size_t length, int64_t now_s);

/* Writes what was put, now. What cannot be written is told at the end. */
void tw_mailindex_flush(struct tw_mailindex *index);
/* Drops what was put for this job and mailbox, and for names that are its and "//" and more, now.
 * -1 with an error. */
int tw_mailindex_drop(struct tw_mailindex *index, const char *job, const char *mailbox,
                      struct tw_error *e);

/* Writes what was put; drops what nothing was put for since `before_s` (mailboxes that are gone).
 * -1 with an error if anything could not be written. Frees. */
int tw_mailindex_close(struct tw_mailindex **index, const char *job, int64_t before_s,
                       struct tw_error *e);

#endif
