/* All keys that the toaster-watcher.conf of any version from 3.33 to 5.54 had, and what becomes of
 * each: one table. Pure. */
#ifndef TW_SETUP_OLDKEYS_H
#define TW_SETUP_OLDKEYS_H

#include <stdbool.h>
#include <stddef.h>

enum { TW_OLD_FIRST = 333, TW_OLD_LAST = 554 }; /* versions: 3.33 and 5.54 */

enum tw_old_fate {
    TW_OLD_TAKEN, /* it has a successor */
    /* None, and why; in the order in which they are told. */
    TW_OLD_SECRET,
    TW_OLD_RUN_FILES,
    TW_OLD_FILTERS,
    TW_OLD_QUARANTINE,
    TW_OLD_CERTIFICATES,
    TW_OLD_WEB,
    TW_OLD_STATISTICS,
    TW_OLD_ACCOUNTS,
    TW_OLD_TEST_MAILS,
    TW_OLD_OWN,
    TW_OLD_BUILT,
    TW_OLD_UNREAD,
    TW_OLD_UNKNOWN, /* in no version */
    TW_OLD_FATES
};

struct tw_oldkey {
    const char *key;
    /* The first and the last version whose own file, as it was shipped, had it. Keys that code
     * read, but no shipped file had, say nothing of a version: TW_OLD_FIRST and TW_OLD_LAST. */
    int since, until;
    enum tw_old_fate fate;
};

const struct tw_oldkey *tw_oldkeys(size_t *count);       /* sorted by key, in bytes */
const struct tw_oldkey *tw_oldkey_find(const char *key); /* NULL: in no version */

/* Of any key, in the table or not: rbl_NAME and rwl_NAME are what they are for any NAME, and what
 * sounds as if it were a secret is one. */
enum tw_old_fate tw_oldkey_fate(const char *key);

/* The list's name in rbl_NAME, where that is no setting of all of them; NULL: it is none. */
const char *tw_oldkey_dnsbl(const char *key);

const char *tw_old_fate_word(enum tw_old_fate fate); /* a word: "run-files" */
const char *tw_old_fate_why(enum tw_old_fate fate);  /* what that means, in a sentence */

#endif
