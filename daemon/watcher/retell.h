/* What a letter in the outbox has told already, at the start. A letter reaches the disk before the
 * rows that say so: after an end at a bad moment the rows are behind it. */
#ifndef TW_WATCHER_RETELL_H
#define TW_WATCHER_RETELL_H

#include "watcher/aspects.h"

/* `id` begins with the time it was written, as tw_post_head makes it. Returns whether it is an
 * escalation. */
bool tw_retell(struct tw_aspects *aspects, const char *id, const char *text, size_t length,
               struct tw_when now);

#endif
