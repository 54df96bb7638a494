/* What toasterctl lists, as rows of strings (TW_CHILD_ROW): what is due, and what holds for each
 * folder of a mailbox. */
#ifndef TW_KINDS_EXPIRE_ROWS_H
#define TW_KINDS_EXPIRE_ROWS_H

#include "kinds/expire_child.h"
#include "kinds/listrows.h"

/* Of TW_EXPIRE_LIST: kinds/listrows.h. */

/* Of TW_EXPIRE_EXPLAIN: one class in one folder. */
enum {
    TW_EXPLAIN_ADDRESS,
    TW_EXPLAIN_DIR,       /* the mailbox's */
    TW_EXPLAIN_FOLDER,    /* decoded, "" with nothing else: a mailbox that is missing */
    TW_EXPLAIN_CLASS,     /* "read", ...; "": no rule is for this folder */
    TW_EXPLAIN_LIMIT,     /* "14d", "never" */
    TW_EXPLAIN_CLOCK,     /* "moved", "received" */
    TW_EXPLAIN_FROM,      /* the policy's pattern; "": the job */
    TW_EXPLAIN_OPTED_OUT, /* "yes", "" */
    TW_EXPLAIN_MESSAGES,  /* in the folder; in its other rows "" */
    TW_EXPLAIN_DUE,       /* messages of this class */
    TW_EXPLAIN_BYTES,
    TW_EXPLAIN_KEPT,   /* spam that is due, but that a learn job has yet to see */
    TW_EXPLAIN_NEXT_S, /* Unix time at which the next one of the class is due; "": never */
    TW_EXPLAIN_FIELDS
};

/* A struct tw_expire_view's `due`: adds a row to the scan's. */
void tw_expire_row_due(struct tw_expire_scan *scan, const char *folder, enum tw_mail_dir dir,
                       const char *name, enum tw_expire_class class, int64_t age_s, int64_t bytes);
/* Appends all rows and problems of a mailbox that the task has looked into. */
void tw_expire_put_rows(struct tw_buf *out, const struct tw_expire_task *task,
                        const struct tw_expire_scan *scan);

#endif
