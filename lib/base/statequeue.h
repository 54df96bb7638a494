/* Changes to the state that wait to be written. The last one of each key stays, so that a disk
 * which takes nothing for a week costs memory by the number of keys, not of changes. */
#ifndef TW_BASE_STATEQUEUE_H
#define TW_BASE_STATEQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/state.h"

enum tw_change_kind {
    TW_CHANGE_ASPECT, /* the first four are tables of state.db */
    TW_CHANGE_JOB,
    TW_CHANGE_VALUE,
    TW_CHANGE_INCIDENT, /* its key is its number; a drop's: the time of the oldest to keep */
    TW_CHANGE_LETTER,   /* outbox/KEY.letter */
    TW_CHANGE_CONFIG    /* last-good.conf */
};

#define TW_CHANGE_TABLES 4

struct tw_change {
    enum tw_change_kind kind;
    bool drop;        /* else: put */
    bool done;        /* written: tw_statequeue_join leaves it out */
    char *key;        /* this and the texts are owned */
    int64_t *numbers; /* owned, as many as its table has columns of them */
    char **texts;     /* owned, each; the same. Of a letter and a configuration: one */
    size_t text_count;
    size_t length; /* of a letter, a configuration, a value */
};

/* Zeroed is empty. */
struct tw_statequeue {
    struct tw_change **items; /* no two of one kind and key */
    size_t count;
    void *index;
};

struct tw_change *tw_change_aspect(const struct tw_state_aspect *row);
struct tw_change *tw_change_incident(const struct tw_state_incident *row);
struct tw_change *tw_change_job(const struct tw_state_job *row);
struct tw_change *tw_change_bytes(enum tw_change_kind kind, const char *key, const char *bytes,
                                  size_t length); /* a value, a letter, a configuration */
struct tw_change *tw_change_drop(enum tw_change_kind kind, const char *key);

/* Takes the change over, in place of one of the same kind and key. */
void tw_statequeue_add(struct tw_statequeue *queue, struct tw_change *change);
/* What is not done of `older`, replaced by what is in `newer`. Both are empty afterwards. */
struct tw_statequeue tw_statequeue_join(struct tw_statequeue *older, struct tw_statequeue *newer);
void tw_statequeue_free(struct tw_statequeue *queue); /* empty afterwards */

#endif
