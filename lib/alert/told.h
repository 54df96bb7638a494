/* Which incidents a letter tells of, for programs: header lines that a web hook's body is made
 * from, and from which a daemon that ended at a bad moment knows at its next start what a letter in
 * the outbox has told already. Pure.
 *
 *   X-Toaster-Watcher-Incident: ID STATE LEVEL OPENED CLOSED ASPECT TEXT   of the first ones
 *   X-Toaster-Watcher-Told: STATE ID-ID,ID,...                             of all
 *
 * STATE: failed, flapping, recovered, reminder. LEVEL: fail, unknown. Times are Unix seconds, 0:
 * not yet. TEXT is escaped. */
#ifndef TW_ALERT_TOLD_H
#define TW_ALERT_TOLD_H

#include "alert/letter.h"

#define TW_TOLD_DETAILED 50 /* so many have a line of their own, in a merged letter, too */

enum tw_told_state {
    TW_TOLD_FAILED,
    TW_TOLD_FLAPPING,
    TW_TOLD_RECOVERED,
    TW_TOLD_REMINDER,
    TW_TOLD_STATES
};
const char *tw_told_name(enum tw_told_state state);

struct tw_told {
    int64_t id;
    enum tw_told_state state;
    enum tw_level level;
    int64_t opened_s, closed_s;
    const char *aspect, *text; /* borrowed */
};

/* Appends the header lines for all entries that have an id. */
void tw_told_write(const struct tw_letter *letter, struct tw_buf *out);
/* Appends those that stand in a letter; *detailed counts what has a line of its own so far. */
void tw_told_copy(const char *text, size_t length, size_t *detailed, struct tw_buf *out);

/* Calls `each` for those with a line of their own; how many there are. What makes no sense is
 * passed over. */
size_t tw_told_each(const char *text, size_t length,
                    void (*each)(void *context, const struct tw_told *told), void *context);
/* Calls `each` (NULL: nobody) for all, as spans from the first to the last; how many there are. */
size_t tw_told_ids(const char *text, size_t length,
                   void (*each)(void *context, enum tw_told_state state, int64_t first,
                                int64_t last),
                   void *context);

#endif
