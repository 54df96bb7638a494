/* Silences: nothing that a pattern fits is written up for a while. Pure; who keeps them on disk
 * uses the text form. */
#ifndef TW_ALERT_SILENCE_H
#define TW_ALERT_SILENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum {
    TW_SILENCE_PATTERN_MAX = 200,
    TW_SILENCE_NOTE_MAX = 500,
    TW_SILENCE_BY_MAX = 100,
    TW_SILENCES_MAX = 200
};

struct tw_silence {
    int64_t id;
    int64_t from_s, until_s;
    char *pattern, *by, *note; /* owned */
};

/* Zeroed is empty. */
struct tw_silences {
    struct tw_silence *items; /* in order of their ids */
    size_t count;
    int64_t last_id;
    int64_t looked_s; /* when tw_silences_over was asked last */
};

/* Does the pattern (fnmatch(3): * ? [...], where * takes dots and slashes, too) fit the job or
 * the aspect: one that fits the job is for all of its aspects. */
bool tw_silence_fits(const char *pattern, const char *job, const char *aspect);

/* Copies. The result lives until the next change. NULL: there are TW_SILENCES_MAX. */
const struct tw_silence *tw_silences_add(struct tw_silences *list, const char *pattern,
                                         int64_t now_s, int64_t length_s, const char *by,
                                         const char *note);
/* The one that keeps this aspect quiet now, the one that lasts longest; NULL: none. */
const struct tw_silence *tw_silences_on(const struct tw_silences *list, const char *job,
                                        const char *aspect, int64_t now_s);
/* When the next one ends; INT64_MAX: there is none. */
int64_t tw_silences_next_end_s(const struct tw_silences *list);
/* One that is over by now; NULL: none. To be asked every few seconds: where the clock was set back
 * since, silences are moved with it, so that none lasts much longer than somebody wanted. */
const struct tw_silence *tw_silences_over(struct tw_silences *list, int64_t now_s);
const struct tw_silence *tw_silences_find(const struct tw_silences *list, int64_t id);
void tw_silences_remove(struct tw_silences *list, int64_t id);
void tw_silences_free(struct tw_silences *list);

/* As a text, and back. -1: it is none, and nothing was added. */
void tw_silence_write(const struct tw_silence *silence, struct tw_buf *out);
int tw_silences_read(struct tw_silences *list, const char *text);

#endif
