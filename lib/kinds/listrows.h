/* Rows of strings (TW_CHILD_ROW) that all tasks which list messages have alike. */
#ifndef TW_KINDS_LISTROWS_H
#define TW_KINDS_LISTROWS_H

#include "base/frame.h"
#include "toaster/mailwalk.h"

/* Of "dry-run": one message. The folder and the name are bytes as they are on disk. */
enum { TW_LIST_ADDRESS, TW_LIST_FILE, TW_LIST_CLASS, TW_LIST_AGE_S, TW_LIST_BYTES, TW_LIST_FIELDS };

struct tw_listed {
    const char *address, *mailbox; /* mailbox: its directory */
    const char *folder, *name;
    enum tw_mail_dir dir;
    const char *class;
    int64_t age_s, bytes;
};
void tw_list_put(struct tw_buf *out, const struct tw_listed *listed);
/* Where only some mailboxes are asked for, a row of its address alone tells that one is there. */
void tw_list_put_seen(struct tw_buf *out, const char *address);

/* A number as a field. */
void tw_list_put_number(struct tw_frame_writer *w, int64_t number);

#endif
