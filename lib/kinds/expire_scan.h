/* One look at one mailbox: how many messages each folder holds, which are due, and when the next
 * one will be. What the index knows of folders that have not changed is taken for granted, if
 * nothing in them is due by it. Changes nothing. With the owner's rights; for several threads at
 * once, each with a mailbox of its own. */
#ifndef TW_KINDS_EXPIRE_SCAN_H
#define TW_KINDS_EXPIRE_SCAN_H

#include <stdatomic.h>

#include "kinds/expire_rules.h"
#include "kinds/learn_owed.h"
#include "toaster/inodes.h"
#include "toaster/mailboxes.h"

struct tw_expire_scan;

/* What all mailboxes of a run have in common. */
struct tw_expire_view {
    const struct tw_expire_settings *settings;
    const struct tw_folder_names *folders;
    uint64_t names; /* tw_expire_names_hash */
    uid_t uid;
    int64_t now_s;
    /* Called for each message that is due; by several threads. NULL: nobody wants to know. */
    void (*due)(struct tw_expire_scan *scan, const char *folder, enum tw_mail_dir dir,
                const char *name, enum tw_expire_class class, int64_t age_s, int64_t bytes);
    /* What learn jobs have yet to see of a folder; by several threads. NULL: nothing is kept for
     * them. */
    struct tw_owed *(*owed)(struct tw_expire_scan *scan, const char *folder);
    void *look;            /* for `owed` */
    bool remembers;        /* from run to run, since when something is kept */
    bool whole;            /* looks into every folder */
    int64_t end_ms;        /* monotonic: a mailbox that was not begun by then is passed over */
    atomic_llong progress; /* entries that were looked at */
    atomic_llong
        room; /* for so many more inodes of due messages: beyond them they are only counted */
};

struct tw_expire_amount {
    int64_t count, bytes;
};

/* What was found in one folder. */
struct tw_expire_folder {
    struct tw_folder folder;
    enum tw_folder_class class;
    bool looked;       /* else: as the index knows it */
    int64_t messages;  /* in cur/ and new/ */
    int64_t first_s;   /* when the first one is due; INT64_MAX: never */
    int64_t scanned_s; /* when it was looked at */
    struct tw_expire_amount due[TW_EXPIRE_CLASSES];
    int64_t kept;      /* due, but a learn job has yet to see them */
    int64_t kept_s;    /* since when there are such; 0: there are none */
    int64_t unlearned; /* of those that are due: no learn job has seen them in time */
    int64_t next_s[TW_EXPIRE_CLASSES];     /* when the first is due that is not yet, or INT64_MAX */
    struct tw_inodes inodes[TW_MAIL_DIRS]; /* of what is due */
};

struct tw_expire_problem {
    char *code, *text;
};

/* One mailbox. The first part is set by the caller. */
struct tw_expire_scan {
    struct tw_expire_view *view;
    struct tw_mailbox mailbox;
    struct tw_expire_rule rule;
    void *known; /* what the index holds of it; owned */
    size_t known_length;
    struct tw_buf rows; /* for view->due to fill */

    bool passed_over;                 /* it was not looked at: the time is over */
    bool missing;                     /* there is no such directory */
    struct tw_expire_folder *folders; /* those that are folders of mail */
    size_t folder_count;
    int64_t scanned;    /* messages in folders that were looked at */
    struct tw_buf next; /* what the index is to hold; empty: what it holds is right */
    struct tw_expire_problem *problems;
    size_t problem_count, problems_more;
};

void tw_expire_scan(struct tw_expire_scan *scan);
void tw_expire_scan_clear(struct tw_expire_scan *scan); /* frees what it holds, the mailbox too */

#endif
