/* What passes between a run's two sides, as frames: the child, which has an owner's rights and
 * looks or removes, and its parent, which decides. What comes from the child is checked as if it
 * were hostile. And the sums that the parent makes of it. */
#ifndef TW_KINDS_EXPIRE_SUM_H
#define TW_KINDS_EXPIRE_SUM_H

#include "kinds/expire_scan.h"
#include "kinds/ownerchild.h"

enum tw_expire_frame {
    TW_EXPIRE_DOMAIN = TW_CHILD_OWN, /* name, mailboxes, messages, then count and bytes of what is
                                        due by class */
    TW_EXPIRE_TOTALS,                /* mailboxes, missing, folders looked at, skipped, scanned,
                                        kept, unlearned */
    TW_EXPIRE_DUE,                   /* inodes: address, base, below, folder, dir, bytes */
    TW_EXPIRE_GONE_OF,               /* name of a domain, removed: count and bytes */
    TW_EXPIRE_GONE                   /* removed: count and bytes by class; errors; messages left */
};

/* Inodes that one run takes up; the others are left for the next. */
enum { TW_EXPIRE_DUE_MAX = 1000000 };

struct tw_expire_domain {
    char *name;
    int64_t mailboxes, messages;
    struct tw_expire_amount due[TW_EXPIRE_CLASSES];
    struct tw_expire_amount gone;
};

struct tw_expire_sum {
    int64_t mailboxes, missing, folders, skipped, scanned;
    int64_t kept, unlearned; /* spam that learn jobs have yet to see; that they have not in time */
    struct tw_expire_domain *domains; /* sorted by name */
    size_t domain_count;
    struct tw_problems problems;
    struct tw_expire_amount gone[TW_EXPIRE_CLASSES];
    int64_t errors, left;
};

/* Class by class. */
void tw_expire_amounts_add(struct tw_expire_amount *to, const struct tw_expire_amount *more);
struct tw_expire_amount tw_expire_amounts_all(const struct tw_expire_amount *amounts);

void tw_expire_sum_free(struct tw_expire_sum *sum);
struct tw_expire_domain *tw_expire_sum_domain(struct tw_expire_sum *sum, const char *name);

/* Messages (not leftovers in tmp/) that are due. */
int64_t tw_expire_domain_due(const struct tw_expire_domain *domain);
/* Of all domains: messages, and what is due by class. */
int64_t tw_expire_sum_messages(const struct tw_expire_sum *sum);
struct tw_expire_amount tw_expire_sum_class(const struct tw_expire_sum *sum, size_t class);

/* ---- frames ------------------------------------------------------------------------------- */

void tw_expire_put_domain(struct tw_buf *out, const struct tw_expire_domain *domain);
void tw_expire_put_totals(struct tw_buf *out, const struct tw_expire_sum *sum);
void tw_expire_put_gone(struct tw_buf *out, const struct tw_expire_sum *sum); /* of domains, too */
/* In as many frames as it takes. */
void tw_expire_put_due(struct tw_buf *out, const struct tw_mailbox *mailbox, const char *folder,
                       enum tw_mail_dir dir, const struct tw_inodes *inodes);

struct tw_expire_due {
    char *address, *base, *below, *folder;
    enum tw_mail_dir dir;
    const char *inodes; /* into the frame */
    size_t bytes;
};
/* -1: not a whole, sane frame. */
int tw_expire_get_due(struct tw_frame *frame, struct tw_expire_due *due);
void tw_expire_due_clear(struct tw_expire_due *due);

/* Adds what a frame of another sort says; 0, or -1: nonsense. */
int tw_expire_sum_take(struct tw_expire_sum *sum, struct tw_frame *frame);

#endif
