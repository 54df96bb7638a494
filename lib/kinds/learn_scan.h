/* One look at one mailbox: which of its messages are to be offered to the filter, and what its
 * ledgers are to hold of the others. What the index knows of folders that have not changed is taken
 * for granted. Changes nothing. With the owner's rights. */
#ifndef TW_KINDS_LEARN_SCAN_H
#define TW_KINDS_LEARN_SCAN_H

#include "kinds/learn_ledger.h"
#include "kinds/problems.h"
#include "toaster/mailboxes.h"
#include "toaster/mailindex.h"
#include "toaster/mailknown.h"

/* What all mailboxes of a run have in common. */
struct tw_learn_view {
    const struct tw_learn_settings *settings;
    const struct tw_folder_names *folders;
    uint64_t rule; /* tw_learn_rule_hash */
    const char *job;
    struct tw_mailindex *index; /* NULL: nothing is known */
    uid_t uid;
    int64_t now_s;
    const struct tw_places *places; /* whose jobs have a mailbox that nothing is learned of */
    bool whole;                     /* look into every folder */
    /* Called now and then while a mailbox is looked at. */
    void (*alive)(void *context);
    void *context;
};

/* A message that is to be offered. */
struct tw_learn_pick {
    uint32_t folder; /* which of the scan's */
    uint8_t dir, class;
    bool forget; /* it was learned as the other class */
    bool done;   /* the filter has it */
    struct tw_learn_key key;
    int64_t came_s; /* its date, for the order */
    int64_t bytes;
};

struct tw_learn_folder {
    struct tw_folder folder;
    enum tw_learn_class class;
    bool looked;             /* else as the index knows it */
    struct tw_ledger ledger; /* of those in it that need no offering; if looked */
    bool saved;              /* so it stands in the index */
    int64_t messages;        /* in cur/ and new/ */
    int64_t marked;          /* in the ledger */
    int64_t picked;          /* to be offered in this run */
    int64_t waiting, next_s; /* too young; when the first of them is old enough */
    int64_t more;            /* to be offered in a later run */
    int64_t open;            /* yet to be offered, when it is saved */
    int64_t scanned_s;
};

struct tw_learn_scan {
    struct tw_learn_view *view;
    struct tw_mailbox mailbox;
    char *path;         /* of the mailbox */
    const char *spared; /* by the job of this name: nothing is learned of it; NULL: by none */
    bool missing;
    bool changed;                    /* the index is to hold something else */
    bool first;                      /* nothing was known of it */
    struct tw_learn_folder *folders; /* all directories, in order */
    size_t folder_count;
    struct tw_strings gone;      /* folders that were known and are not there any more */
    struct tw_learn_pick *picks; /* spam first, then by folder, directory and name */
    size_t pick_count, pick_room;
    int64_t left_out[TW_LEARN_CLASSES]; /* of a sample; they count as offered */
    int64_t scanned;
    int64_t began_ns;
    struct tw_problems problems;
};

/* Takes the mailbox over. */
void tw_learn_scan(struct tw_learn_scan *scan);
void tw_learn_scan_clear(struct tw_learn_scan *scan);

/* Opens the mailbox; the caller closes. -1: a problem, which is in the scan. */
int tw_learn_scan_open(struct tw_learn_scan *scan, struct tw_mail_place_of *of);

/* Of what was found, those that this run offers (learn_picks.c). For tw_learn_scan. */
void tw_learn_choose(struct tw_learn_scan *scan);

/* Looks for the picks of a class on the disk once more: calls `each` for every one that is still
 * there, with its directory and its name now. Ends when it says false. */
typedef bool tw_learn_found(void *context, struct tw_learn_scan *scan, struct tw_learn_pick *pick,
                            int dir, const char *name);
void tw_learn_find(struct tw_learn_scan *scan, enum tw_learn_class class, tw_learn_found *each,
                   void *context);

/* Gives the ledgers, with what has become of the picks, to the index. Before anything is taught,
 * too: of what is being taught nothing is known until it is confirmed, not even what it was before.
 */
void tw_learn_scan_save(struct tw_learn_scan *scan);
/* As what a pick's message is in the ledger from now on. */
void tw_learn_scan_mark(struct tw_learn_scan *scan, struct tw_learn_pick *pick, bool passed);

/* The name in the index under which a folder's ledger is kept. */
char *tw_learn_ledger_name(const char *mailbox, const char *folder);

#endif
