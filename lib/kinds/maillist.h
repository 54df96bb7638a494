/* The mailboxes that the configuration's sources come to, for toasterctl: rows of
 * address, directory, owner (uid), source, state ("ok", or why it cannot be used). A problem is a
 * row of two: its code and a text. */
#ifndef TW_KINDS_MAILLIST_H
#define TW_KINDS_MAILLIST_H

#include "kinds/kind.h"

enum {
    TW_MAILLIST_ADDRESS,
    TW_MAILLIST_DIR,
    TW_MAILLIST_OWNER,
    TW_MAILLIST_SOURCE,
    TW_MAILLIST_STATE,
    TW_MAILLIST_FIELDS
};

/* Each owner's are listed with his rights. Blocks on the disk. */
void tw_maillist_tell(const struct tw_run *run, const struct tw_teller *teller);

#endif
