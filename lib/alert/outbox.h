/* Letters that no transport has taken yet: a list in memory, in order of time, mirrored on disk by
 * base/state. Pure but for the calls of tw_state_put_letter and tw_state_drop_letter, which do not
 * block. One letter is on its way at a time. When one is tried after a failure and several wait,
 * what was not tried yet is merged first, so that what waited goes out as two: the one that was
 * tried, which may have been taken all the same and so keeps its id, and all others as one. */
#ifndef TW_ALERT_OUTBOX_H
#define TW_ALERT_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/letter.h"
#include "base/state.h"

struct tw_outbox;

/* `state` may be NULL (tests). */
struct tw_outbox *tw_outbox_new(struct tw_state *state);
void tw_outbox_free(struct tw_outbox **outbox);

/* A letter found on disk at the start: no write. It has waited: the first goes alone, the others
 * are merged. A letter that a merged one holds (its header X-Toaster-Watcher-Merged names
 * the ids) is dropped, in whatever order they are loaded, and so is an empty file. */
void tw_outbox_load(struct tw_outbox *outbox, const char *id, const char *text, size_t length);

/* A new letter. Copies; puts it on disk, and is tried when it is there, so that a crash at any
 * later moment does not write it anew under another id; but no later than after a second: a disk
 * that is full or hangs holds up no letter. */
void tw_outbox_add(struct tw_outbox *outbox, const char *id, const char *text, size_t length,
                   int64_t now_ms);

/* The letter to be tried now, or NULL: none waits, one is on its way, or the back-off after a
 * failure runs until tw_outbox_wake_ms. `head` gives host, from, to, id and time for a merged
 * letter, whose id must be new. The letter is on its way until taken or refused. */
struct tw_outbox_letter {
    const char *id, *text;
    size_t length;
    bool about_qmail;
};
const struct tw_outbox_letter *tw_outbox_next(struct tw_outbox *outbox, int64_t now_ms,
                                              const struct tw_letter *head);

/* What became of the letter on its way. Taken: gone from memory and disk, and the next is tried
 * when it is gone from there, a second later at most: so a crash leaves no more than one that was
 * taken, the first, which is the one that is not merged then. Refused by every transport: stays;
 * back-off 5 s, doubling to 15 min (10 % at most of jitter is the caller's). A letter that was
 * added during the back-off does not end it. */
void tw_outbox_taken(struct tw_outbox *outbox, int64_t now_ms);
void tw_outbox_refused(struct tw_outbox *outbox, int64_t now_ms);

/* Refused for good by every transport: it stays, and is not tried until tw_outbox_hurry. Others go
 * on, without it. */
void tw_outbox_hold(struct tw_outbox *outbox);
bool tw_outbox_is_held(const struct tw_outbox *outbox); /* is there such a one */
/* All but what is on its way becomes the other's; both have the same state. False: there was none.
 */
bool tw_outbox_move(struct tw_outbox *from, struct tw_outbox *to);

/* When tw_outbox_next may have something: 0 now, -1 nothing waits, else a time in ms. */
int64_t tw_outbox_wake_ms(const struct tw_outbox *outbox, int64_t now_ms);
size_t tw_outbox_count(const struct tw_outbox *outbox);
/* Those that wait because they were refused; 0 while all is on its way. */
size_t tw_outbox_stuck(const struct tw_outbox *outbox);
/* Ends the back-off (ALRM, a reload), and offers again what was refused for good. */
void tw_outbox_hurry(struct tw_outbox *outbox);

#endif
