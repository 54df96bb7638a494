/* What a task knows of a mailbox from its last look (toaster/mailindex.h), as bytes: for each
 * folder what must be unchanged, and what was found in it. Its owner could write them, so they are
 * read as if they were hostile. */
#ifndef TW_TOASTER_MAILKNOWN_H
#define TW_TOASTER_MAILKNOWN_H

#include "base/buf.h"
#include "toaster/mailwalk.h"

struct tw_known_folder {
    struct tw_folder folder;
    int64_t messages;  /* in it */
    int64_t first_s;   /* when the first one is due; INT64_MAX: never */
    int64_t scanned_s; /* when it was looked at */
    int64_t kept_s; /* since when something in it is kept for what has yet to see it; 0: nothing */
};

struct tw_known {
    struct tw_known_folder *items; /* all directories, those without mail too */
    size_t count;
};

/* False: it is not of this rule, or makes no sense; *known is empty then. Pure. */
bool tw_known_read(const void *data, size_t length, uint64_t rule, struct tw_known *known);
void tw_known_free(struct tw_known *known);
/* `hint` is where it most likely is. Pure. */
const struct tw_known_folder *tw_known_find(const struct tw_known *known, const char *path,
                                            size_t hint);

/* Appends. A folder whose own stamp was not settled at `began_ns` is written as changed. Pure. */
void tw_known_begin(struct tw_buf *out, uint64_t rule, size_t count);
void tw_known_add(struct tw_buf *out, const struct tw_known_folder *folder, int64_t began_ns);

/* Are all directories as they were? Then so is the list of folders, and *out becomes it, with what
 * is there now. Blocks on the disk; with the owner's rights. */
bool tw_known_same(const struct tw_mail_place_of *of, const struct tw_known *known,
                   struct tw_mailwalk *out);

/* No folder is passed over by what was known of it longer than this ago. */
#define TW_KNOWN_FULL_S (30 * 86400)

#endif
