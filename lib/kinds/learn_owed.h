/* Spam that a learn job has yet to see: what cleans asks, and keeps it for a while. */
#ifndef TW_KINDS_LEARN_OWED_H
#define TW_KINDS_LEARN_OWED_H

#include <sys/stat.h>

#include "kinds/kind.h"
#include "toaster/mailwalk.h"
#include "toaster/message.h"

/* The learn jobs of the configuration that learn spam, prepared. NULL: there is none. The places
 * must outlive it. May be used by several threads. */
struct tw_learners;
struct tw_learners *tw_learners_new(const struct tw_places *places);
void tw_learners_free(struct tw_learners **learners);

/* What they have of one folder; of a mailbox that is none to learn from, nothing is owed. */
struct tw_owed;
/* What the index holds (toaster/mailindex.h), as a copy that is freed here; NULL: nothing. */
typedef void *tw_owed_get(void *context, const char *job, const char *name, size_t *length);
struct tw_owed *tw_owed_new(const struct tw_learners *learners, const char *address,
                            const char *mailbox, const char *folder, tw_owed_get *get,
                            void *context);
void tw_owed_free(struct tw_owed **owed);

/* Until when a message that is due from `due_s` on is kept, since one of the jobs would take it and
 * has not: two of that job's intervals. INT64_MIN: none would, or all have. */
int64_t tw_owed_until_s(const struct tw_owed *owed, enum tw_mail_dir dir, const char *name,
                        const struct tw_message *message, const struct stat *st, int64_t due_s);

#endif
