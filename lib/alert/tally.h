/* What is added up between two reports: figures of tasks, and incidents that are over. Pure. */
#ifndef TW_ALERT_TALLY_H
#define TW_ALERT_TALLY_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "kinds/kind.h"

enum {
    TW_TALLY_FIGURES_MAX = 1000, /* further ones are added to "others" */
    TW_TALLY_ENDS_MAX = 30       /* the longest ones are kept */
};

struct tw_tally_end {
    char *aspect;
    int64_t opened_s, closed_s;
};

/* Zeroed is empty. */
struct tw_tally {
    int64_t since_s;           /* of the last report; 0: never */
    int64_t over;              /* incidents that somebody was told of */
    int64_t blips;             /* that came and went before */
    struct tw_figure *figures; /* sorted by what, then of; their strings are owned */
    size_t figure_count;
    struct tw_tally_end ends[TW_TALLY_ENDS_MAX]; /* the longest first */
    size_t end_count;
};

void tw_tally_add(struct tw_tally *tally, const struct tw_figure *figure);
void tw_tally_end(struct tw_tally *tally, const char *aspect, int64_t opened_s, int64_t closed_s,
                  bool told);
/* Of all that is called so. */
struct tw_figure tw_tally_sum(const struct tw_tally *tally, const char *what);
/* Empties it; since_s is `now_s`. */
void tw_tally_reset(struct tw_tally *tally, int64_t now_s);
void tw_tally_free(struct tw_tally *tally);

/* As a text, and back (into an empty one): lines that make no sense are passed over. */
void tw_tally_write(const struct tw_tally *tally, struct tw_buf *out);
void tw_tally_read(struct tw_tally *tally, const char *text);

#endif
