/* The name of a message in a Maildir, `base[,S=bytes][,W=bytes][:2,FLAGS]`. Pure.
 * Sources: cr.yp.to/proto/maildir.html (flags), Maildir++ (S), Dovecot's maildir (a-z keywords). */
#ifndef TW_TOASTER_MESSAGE_H
#define TW_TOASTER_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

struct tw_message {
    bool seen, flagged, trashed, draft, replied, passed; /* S F T D R P */
    int64_t size_bytes;                                  /* of ,S=; -1: not told */
};

/* False: the name begins with a dot and is no message's. Flags other than those are passed over, a
 * size that is no number, or over 1 TB, is not told. */
bool tw_message_parse(const char *name, struct tw_message *out);

#endif
