/* Delivering into a Maildir. Source: maildir(5) of qmail, the Maildir++ quota page of Courier. */
#ifndef TW_TOASTER_MAILDIR_H
#define TW_TOASTER_MAILDIR_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Delivers one message (with LF line ends): tmp/TIME.UNIQUE.HOST (O_EXCL), written, synced,
 * renamed (link and unlink) into new/ as TIME.UNIQUE.HOST,S=SIZE with mode 0600; both
 * directories synced where it matters. If `maildirsize` is a regular file, one line "SIZE 1" is
 * appended in a single write; its quota is not asked, and a line that cannot be added is no
 * failure. The caller must already have the rights of the Maildir's owner. Of `host` (at most 128
 * bytes) all but letters, digits, '.', '-' and '_' is written as \ooo. Links in the place of the
 * Maildir, tmp or new are refused. After a failure nothing was delivered. Blocks; workers only. */
int tw_maildir_deliver(const char *maildir, const char *host, const char *message, size_t length,
                       struct tw_error *e);

/* The same for a caller that may be root: drops to the Maildir's owner FOR GOOD first (its uid
 * must not be 0; when not root, it must be ours). The way to the Maildir is walked before that,
 * with the caller's rights. A Maildir of group root is used with no group's rights. */
int tw_maildir_deliver_as_owner(const char *maildir, const char *host, const char *message,
                                size_t length, struct tw_error *e);

#endif
