/* What toasterctl lists of a `learn` job, as rows of strings (TW_CHILD_ROW). */
#ifndef TW_KINDS_LEARN_ROWS_H
#define TW_KINDS_LEARN_ROWS_H

#include "kinds/kind.h"

/* "dry-run": kinds/listrows.h, what would be offered now. */

/* "explain": one folder. */
enum {
    TW_LEARNED_ADDRESS,
    TW_LEARNED_DIR,       /* the mailbox's */
    TW_LEARNED_FOLDER,    /* decoded; "" with nothing else: a mailbox that is missing */
    TW_LEARNED_CLASS,     /* "spam", "ham"; "": nothing of this folder is learned */
    TW_LEARNED_MESSAGES,  /* in it; "": nothing of it is learned, so it was not looked into */
    TW_LEARNED_MARKED,    /* of them were offered, or count so */
    TW_LEARNED_NEXT,      /* are to be offered in the next run */
    TW_LEARNED_MORE,      /* in a later one, for max_per_mailbox */
    TW_LEARNED_WAITING,   /* are too young yet */
    TW_LEARNED_WHEN_S,    /* Unix time at which the first of those is old enough; "": none */
    TW_LEARNED_SPARED_BY, /* the canary job whose mailbox it is, for which nothing of it is learned
                           */
    TW_LEARNED_FIELDS
};

/* "forget": a row of its address for each mailbox whose ledgers were dropped. */

/* A struct tw_kind's `tell`. */
int tw_learn_tell(const struct tw_run *run, const char *what, const struct tw_strings *arguments,
                  const struct tw_teller *teller, struct tw_error *e);

#endif
