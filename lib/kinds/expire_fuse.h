/* What keeps a run from removing anything: rules that nobody has confirmed, more that is due than
 * can be meant, clocks that make no sense. Each is told, and lifted by `confirm`, which counts only
 * for what was told before. Pure. */
#ifndef TW_KINDS_EXPIRE_FUSE_H
#define TW_KINDS_EXPIRE_FUSE_H

#include "kinds/expire_memory.h"
#include "kinds/expire_sum.h"

struct tw_expire_verdict {
    bool unconfirmed; /* the rules */
    bool newly_asked; /* for the first time about these */
    bool bad_clock;
    char *clock;               /* what is wrong with it; NULL: nothing */
    bool fuse_all;             /* of all mail */
    struct tw_strings blocked; /* domains in which nothing may go */
    struct tw_strings texts;   /* one for each that has tripped */
    bool void_confirm;         /* something was to be confirmed, but has grown since it was told */
};

/* Is nothing at all to be removed? */
bool tw_expire_blocks_all(const struct tw_expire_verdict *verdict);

/* Decides, and brings the memory up to date but for clocks.at and the report. */
void tw_expire_judge(const struct tw_expire_settings *settings, const struct tw_expire_sum *sum,
                     const struct tw_expire_clocks *now, int64_t every_s, bool confirm,
                     struct tw_expire_memory *memory, struct tw_expire_verdict *verdict);
void tw_expire_verdict_free(struct tw_expire_verdict *verdict);

/* Why a run that begins now cannot trust the wall clock, as a sentence to be freed; NULL: it can.
 * It stands before the last run; it has run away from the boot clock by more than a day; or across
 * a restart of the machine it has come more than 30 days beyond when this run was to be expected.
 */
char *tw_expire_clock_trouble(const struct tw_expire_clocks *last,
                              const struct tw_expire_clocks *now, int64_t every_s);

#endif
