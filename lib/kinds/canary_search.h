/* Looking for test mails in the mailbox they were sent to, and removing those that are known to
 * have come: with the rights of the mailbox's owner. */
#ifndef TW_KINDS_CANARY_SEARCH_H
#define TW_KINDS_CANARY_SEARCH_H

#include "kinds/canary_round.h"
#include "kinds/canary_rules.h"

struct tw_canary_search {
    const struct tw_run *run;
    const struct tw_strings *ids; /* what is looked for; none: only whether there is the mailbox */
    const struct tw_strings *known; /* which of them are removed */
    int64_t since_s;                /* messages that came before this are not opened */
    /* A message with one of the ids was there. */
    void (*seen)(void *context, const struct tw_canary_sight *sight);
    void *context;
};

/* 1: there is such a mailbox, and it was looked through; 0: there is none. -1 with an error: it
 * cannot be looked at, or not all that is known could be removed. Blocks. */
int tw_canary_search(const struct tw_canary_search *search, struct tw_error *e);

/* Of the beginning of a message, which of the ids is it: in a header X-Toaster-Test, or as the
 * local part of its Message-ID. -1: none. Pure. */
int tw_canary_match(const char *text, size_t length, const struct tw_strings *ids);

#endif
