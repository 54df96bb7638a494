/* The admin's hand on incidents: silences and acknowledgements, as toasterctl asks for them. */
#ifndef TW_WATCHER_HAND_H
#define TW_WATCHER_HAND_H

#include "alert/silence.h"
#include "base/error.h"
#include "base/log.h"
#include "base/state.h"
#include "watcher/aspects.h"
#include "watcher/jobs.h"

/* Borrowed. */
struct tw_hand {
    struct tw_log *log;
    struct tw_state *state; /* NULL: nothing is kept (tests) */
    struct tw_aspects *aspects;
    struct tw_jobs *jobs;
    struct tw_silences *silences;
};

enum { TW_HAND_LONGEST_S = 366 * 86400 };

/* Nothing that the pattern fits is written up for so long. `said` gets a sentence on what it fits
 * now. -1: it fits neither a job nor an aspect, or is otherwise wrong; the error says what. */
int tw_hand_silence(const struct tw_hand *hand, const char *pattern, int64_t length_s,
                    const char *by, const char *note, struct tw_when when, struct tw_buf *said,
                    struct tw_error *e);
/* Ends those of this number, or with exactly this pattern. */
int tw_hand_unsilence(const struct tw_hand *hand, const char *what, const char *by,
                      struct tw_buf *said, struct tw_error *e);
/* `what` is an incident's number, or an aspect that has one. */
int tw_hand_ack(const struct tw_hand *hand, const char *what, const char *by, const char *note,
                struct tw_when when, struct tw_buf *said, struct tw_error *e);

/* Ends what is over by now; how many. What has failed meanwhile the digest finds by itself. */
size_t tw_hand_look(const struct tw_hand *hand, struct tw_when when);
/* From the state: others than silences are passed over. */
void tw_hand_restore_value(const struct tw_hand *hand, const char *key, const char *value);

#endif
