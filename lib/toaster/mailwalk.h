/* The folders of one mailbox: Maildir++ (.Name beside cur, new and tmp) and LAYOUT=fs (Name/Sub),
 * told apart by the dot. Only directories of the mailbox's owner, on its file system, and never
 * through a link. With the owner's rights. All functions block on the disk, and may be called by
 * several threads for different mailboxes. */
#ifndef TW_TOASTER_MAILWALK_H
#define TW_TOASTER_MAILWALK_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "toaster/mailowner.h"

/* What is different when a directory has changed. All 0: not known, equal to nothing. */
struct tw_stamp {
    uint64_t inode;
    int64_t mtime_ns, ctime_ns;
};

enum tw_mail_dir { TW_DIR_CUR, TW_DIR_NEW, TW_DIR_TMP, TW_MAIL_DIRS };
extern const char *const tw_mail_dir_names[TW_MAIL_DIRS];

/* The name of the file by which its user keeps a mailbox, or a folder and those below it, from
 * being cleaned. */
#define TW_NO_EXPIRE ".noexpire"

struct tw_folder {
    char *path;      /* from the mailbox; "" is the Inbox */
    bool is_maildir; /* has cur, new and tmp */
    bool no_expire;  /* it, or one above it, has the file */
    struct tw_stamp self, dirs[TW_MAIL_DIRS];
};

struct tw_mailwalk {
    struct tw_folder *items; /* the Inbox, then each behind the one it is in */
    size_t count;
};

/* Whose mailbox it is. */
struct tw_mail_place_of {
    int fd; /* its directory */
    uid_t uid;
    dev_t dev;
    const char *path; /* for people */
    tw_mail_problem *problem;
    void *context;
};

/* Finds all folders. What cannot be entered is a problem, and passed over. -1: not even the
 * mailbox's own directory can be read; errno says why. */
int tw_mailwalk_read(const struct tw_mail_place_of *of, struct tw_mailwalk *out);
void tw_mailwalk_free(struct tw_mailwalk *walk);

/* Opens a folder (O_PATH), or one of its three directories for reading, and looks whose it is. -1:
 * errno; EPERM: it is not the mailbox's owner's. */
int tw_folder_open(const struct tw_mail_place_of *of, const char *path);
int tw_folder_open_dir(const struct tw_mail_place_of *of, int folder, enum tw_mail_dir dir,
                       struct tw_stamp *stamp);

/* Fills in what is there now, but `path`. False: it is no such directory any more. */
bool tw_folder_look(const struct tw_mail_place_of *of, int folder, struct tw_folder *out);

/* Does it, or one above it, have the file that keeps it from being cleaned. */
bool tw_folder_opted_out(const struct tw_mail_place_of *of, const char *path);

/* A change within the granularity of the clock behind `now` would not show. */
#define TW_STAMP_FRESH_NS 2000000000
bool tw_stamp_equal(const struct tw_stamp *a, const struct tw_stamp *b);
/* False: it was made so short before `now_ns` (of the wall clock), or after it, that it says
 * nothing. */
bool tw_stamp_settled(const struct tw_stamp *stamp, int64_t now_ns);
/* Of a directory that was read through `fd`: `before`, if it is so still and was settled when the
 * reading began; else all 0. */
struct tw_stamp tw_stamp_still(int fd, const struct tw_stamp *before, int64_t before_ns);

/* Calls `each` for every entry of an open directory, but . and .. ; stops when it says false. -1:
 * errno. */
typedef bool tw_entry_each(void *context, const struct dirent64 *entry);
int tw_dir_each(int fd, tw_entry_each *each, void *context);

#endif
