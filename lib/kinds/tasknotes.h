/* What the tasks that go over mailboxes remember alike (tw_run.memory): where the next run goes on,
 * and what to show in a letter. As lines of text, a word and what belongs to it. */
#ifndef TW_KINDS_TASKNOTES_H
#define TW_KINDS_TASKNOTES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strings.h"
#include "toaster/mailowner.h"

struct tw_task_notes {
    int64_t at_uid; /* the next run begins with this owner's mailboxes, */
    char *at;       /* behind that of this address (TW_CHILD_NONE_DONE: with the first); NULL: with
                       the first of all */
    struct tw_strings report; /* lines for letters: an aspect, a blank, the line */
};

/* Pure. */
void tw_task_notes_read(const char *text, struct tw_task_notes *notes);
/* One line, for who has others beside it. False: it is none of these. */
bool tw_task_notes_take(struct tw_task_notes *notes, const char *word, const char *rest);
/* Appends; of the report about 20 kB at most, since a job may remember 64. */
void tw_task_notes_write(const struct tw_task_notes *notes, struct tw_buf *out);
void tw_task_notes_free(struct tw_task_notes *notes);

/* Appends the report's lines of an aspect. */
void tw_task_notes_show(const struct tw_task_notes *notes, const char *aspect, struct tw_buf *out);

/* From there on the next run goes on. */
void tw_task_notes_go_on(struct tw_task_notes *notes, uid_t uid, const char *at);

/* Goes over all owners, beginning where the last run ended (which is forgotten): with the part of
 * that owner's mailboxes that lies behind; what lies before comes last. `each` says whether the
 * mailbox to begin behind was not there any more, so that it has gone over all. */
typedef bool tw_task_each(void *context, size_t owner, const char *after, const char *upto);
void tw_task_go_round(struct tw_task_notes *notes, const struct tw_mail_owners *owners,
                      tw_task_each *each, void *context);

#endif
