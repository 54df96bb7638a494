/* What the index holds of a mailbox (toaster/mailindex.h), as bytes: for each folder what must be
 * unchanged, and what was found in it. Pure. */
#ifndef TW_KINDS_EXPIRE_KNOWN_H
#define TW_KINDS_EXPIRE_KNOWN_H

#include "kinds/expire_scan.h"

struct tw_known_folder {
    struct tw_folder folder;
    int64_t messages, first_s, scanned_s;
};

struct tw_known {
    struct tw_known_folder *items; /* all directories, those without mail too */
    size_t count;
};

/* False: it is not of this rule, or makes no sense; *known is empty then. */
bool tw_known_read(const void *data, size_t length, uint64_t rule, struct tw_known *known);
void tw_known_free(struct tw_known *known);
/* `hint` is where it most likely is. */
const struct tw_known_folder *tw_known_find(const struct tw_known *known, const char *path,
                                            size_t hint);

void tw_known_begin(struct tw_buf *out, uint64_t rule, size_t count);
void tw_known_add(struct tw_buf *out, const struct tw_known_folder *folder);

#endif
