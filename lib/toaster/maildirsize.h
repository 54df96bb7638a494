/* The file maildirsize of a mailbox (Maildir++ quota): line 1 is the quota, each other one "bytes
 * count", to be added up. Source: courier-mta.org/imap/README.maildirquota.html. */
#ifndef TW_TOASTER_MAILDIRSIZE_H
#define TW_TOASTER_MAILDIRSIZE_H

#include <stdint.h>

/* Appends a line to it, in one write; either number may be negative. Where there is none, or no
 * regular file, nothing is done. -1: it is there and cannot be written; errno says why. Never waits
 * for anybody. */
int tw_maildirsize_add(int maildir, int64_t bytes, int64_t count);

#endif
