/* What a run of `learn` adds up to, and how it travels from the child with an owner's rights. */
#ifndef TW_KINDS_LEARN_SUM_H
#define TW_KINDS_LEARN_SUM_H

#include "kinds/learn_rules.h"
#include "kinds/ownerchild.h"

enum tw_learn_figure {
    TW_LEARN_MAILBOXES,
    TW_LEARN_MISSING,
    TW_LEARN_FOLDERS, /* that were looked into */
    TW_LEARN_SKIPPED, /* unchanged */
    TW_LEARN_OFFERED,
    TW_LEARN_SPAM_LEARNED,
    TW_LEARN_HAM_LEARNED,
    TW_LEARN_KNOWN,
    TW_LEARN_REFUSED,
    TW_LEARN_OURS,
    TW_LEARN_VANISHED,
    TW_LEARN_MORE,     /* beyond max_per_mailbox: for the next run */
    TW_LEARN_SAMPLED,  /* mailboxes */
    TW_LEARN_LEFT_OUT, /* messages that a sample has left out */
    TW_LEARN_PAUSED_S, /* above max_load */
    TW_LEARN_FIGURES
};

struct tw_learn_sum {
    int64_t figures[TW_LEARN_FIGURES];
    struct tw_problems problems;
    char *code, *text; /* the filter cannot be taught: why; NULL: it can */
};

/* Frames. */
enum { TW_LEARN_TOTALS = TW_CHILD_OWN, TW_LEARN_FILTER };
void tw_learn_put_totals(struct tw_buf *out, const struct tw_learn_sum *sum);
void tw_learn_put_filter(struct tw_buf *out, const char *code, const char *text);
/* Adds what a frame says. 0, or -1: nonsense. */
int tw_learn_sum_take(struct tw_learn_sum *sum, struct tw_frame *frame);
void tw_learn_sum_free(struct tw_learn_sum *sum);

#endif
