/* One round of a canary: test mails are sent, and looked for until each has been seen or its time
 * is over. What is known of it travels from run to run as text (tw_run.memory), which survives
 * restarts. Pure; time comes in.
 *
 * A round's mails are written down before any is sent, so that none is ever in the mailbox that
 * nobody knows of. Those that did not come in their time stay known for a week: they may come late.
 */
#ifndef TW_KINDS_CANARY_ROUND_H
#define TW_KINDS_CANARY_ROUND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "kinds/kind.h"
#include "toaster/mailout.h"
#include "toaster/testmail.h"

enum { TW_CANARY_LATE_MAX = 100, TW_CANARY_LATE_S = 7 * 86400 };

enum tw_canary_fate {
    TW_CANARY_NEW,       /* not yet sent, or being sent, or to be sent again */
    TW_CANARY_TAKEN,     /* the server has it */
    TW_CANARY_REFUSED,   /* the server has seen it and does not want it */
    TW_CANARY_UNWELCOME, /* the server refuses us or the address */
    TW_CANARY_PUT_OFF,   /* not now: it is tried again */
    TW_CANARY_FAILED,    /* it could not be handed over */
    TW_CANARY_PERHAPS,   /* the daemon ended while it was sent */
    TW_CANARY_FATES
};

struct tw_canary_mail {
    enum tw_testmail type;
    char *id;
    enum tw_canary_fate fate;
    int64_t sent_s; /* when it was first tried; 0: never */
    int64_t next_s; /* TW_CANARY_PUT_OFF: when it is tried again */
    char *said;     /* the server's words, or why it failed; "" */
    /* Seen in the mailbox: */
    char *folder; /* for people; NULL: not seen */
    bool in_spam;
    int64_t took_s;
    bool left;  /* it was not removed, or could not be */
    bool other; /* only an earlier one was seen, which speaks for it: it may come yet */
    bool told;  /* its outcome was reported before the round was over */
};

struct tw_canary_late {
    enum tw_testmail type;
    char *id;
    int64_t sent_s;
    bool seen; /* and told: it is only to be removed */
};

struct tw_canary_round {
    bool open;
    char *to;  /* where its mails went */
    char *who; /* the process whose run began it: one that is not the same has lost sight of what
                  was being sent */
    int64_t began_s;
    int64_t looked_s; /* before this round: when the mailbox was last looked at; 0: never */
    struct tw_canary_mail *mails;
    size_t mail_count;
    struct tw_canary_late *late; /* of earlier rounds, oldest first */
    size_t late_count;
};

/* Whatever stands in the text; lines that make no sense are passed over. */
void tw_canary_read(const char *text, struct tw_canary_round *round);
void tw_canary_write(const struct tw_canary_round *round, struct tw_buf *out);
void tw_canary_free(struct tw_canary_round *round);

/* After a clock was set back: what is still to come by it counts as of now, so that no round lasts
 * until the clock is there again. */
void tw_canary_set_back(struct tw_canary_round *round, int64_t now_s);

/* A new round, with mails of these types and ids (which are copied). What is over is forgotten, but
 * for what may come late. */
void tw_canary_begin(struct tw_canary_round *round, const char *to, const char *who,
                     const enum tw_testmail *types, char *const *ids, size_t count, int64_t now_s);

/* The mail that is to be sent now; NULL: none. *write: the round is another now and must be written
 * down before; or whoever takes over does not know what was being sent. */
struct tw_canary_mail *tw_canary_next(struct tw_canary_round *round, const char *who, int64_t now_s,
                                      bool *write);
/* What came of it. */
void tw_canary_sent(struct tw_canary_mail *mail, enum tw_mailout_result result, const char *said,
                    int64_t max_time_s, int64_t began_s, int64_t now_s);

/* All ids that may be in the mailbox: of this round, and those that are late. The pointers are the
 * round's. */
void tw_canary_ids(const struct tw_canary_round *round, struct tw_strings *out);
/* Those of them that are known to have come. */
void tw_canary_known(const struct tw_canary_round *round, struct tw_strings *out);
/* None of them can have come earlier and not been seen by now: since the mailbox was last looked
 * at, and since the first of them was sent. */
int64_t tw_canary_since_s(const struct tw_canary_round *round, int64_t now_s);

struct tw_canary_sight {
    const char *id, *folder; /* the folder's name is for people */
    bool in_spam, removed;   /* removed: it is not there any more */
    int64_t came_s;
};
/* A mail was seen. One that is late is forgotten, if it was removed, and what is to be said of it
 * is given back, the caller's to free; NULL: nothing. */
char *tw_canary_saw(struct tw_canary_round *round, const struct tw_canary_sight *sight,
                    int64_t now_s);

/* What is to be said of a mail; the text is the caller's. TW_LEVEL_NONE with no text: that is not
 * known yet. `spam`: what should become of it. */
struct tw_canary_verdict {
    enum tw_level level;
    const char *code;
    char *text;
};
struct tw_canary_verdict tw_canary_judge(const struct tw_canary_mail *mail, const char *spam,
                                         int64_t max_time_s, int64_t now_s);

/* In how many milliseconds it should be looked again: soon at first, then less often. */
int64_t tw_canary_look_ms(const struct tw_canary_round *round, int64_t max_time_s, int64_t now_s);

/* All is known. What may still come counts as late from now on; so does what is still there. */
void tw_canary_close(struct tw_canary_round *round, int64_t now_s);

/* A line for each mail (or for that of the type `only`, unless it is ""), for a letter about what
 * the last round that was over has found. */
void tw_canary_show(const struct tw_canary_round *round, const char *only, struct tw_buf *out);

#endif
