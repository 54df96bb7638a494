/* Which messages are due: the keys of an `expire` job and its policies, what of them holds for an
 * address, and when a message is due by them. Pure; time comes in. */
#ifndef TW_KINDS_EXPIRE_RULES_H
#define TW_KINDS_EXPIRE_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/option.h"
#include "base/strings.h"
#include "toaster/folder.h"
#include "toaster/mailwalk.h"
#include "toaster/message.h"

enum tw_expire_class {
    TW_EXPIRE_READ,   /* in the Inbox, in cur/ with the flag S */
    TW_EXPIRE_UNREAD, /* all others in the Inbox */
    TW_EXPIRE_SENT,
    TW_EXPIRE_TRASH,
    TW_EXPIRE_SPAM,
    TW_EXPIRE_TMP, /* leftovers in tmp/ of any folder: no messages */
    TW_EXPIRE_CLASSES,
    TW_EXPIRE_NONE = TW_EXPIRE_CLASSES /* of a folder that no rule is for */
};
extern const char *const tw_expire_class_names[TW_EXPIRE_CLASSES];

/* What may be written in a job and in each policy. */
struct tw_expire_keys {
    int64_t limit_s[TW_EXPIRE_CLASSES]; /* TW_UNSET: not written; TW_NEVER */
    char *age;                          /* "moved", "received"; NULL: not written */
    char *class_age[TW_EXPIRE_TMP];     /* the same for one class; tmp/ has its own rule */
    char *flagged;                      /* "yes", "no" */
};

struct tw_expire_settings {
    struct tw_expire_keys keys;
    struct tw_strings trash_folders, spam_folders, sent_folders; /* empty: the default */
    struct tw_sections policies;                                 /* of struct tw_expire_keys */
    int64_t fuse, fuse_min;
    bool quota_trash, keep_unlearned;
    int64_t parallel;
};

extern const struct tw_option tw_expire_options[];
/* Keys against each other. */
int tw_expire_check(const struct tw_expire_settings *settings, struct tw_error *e);

/* What holds for one address. */
struct tw_expire_rule {
    int64_t limit_s[TW_EXPIRE_CLASSES];  /* TW_NEVER: never due */
    bool received[TW_EXPIRE_CLASSES];    /* the age counts from mtime alone */
    bool flagged;                        /* starred mail is due, too */
    const char *from[TW_EXPIRE_CLASSES]; /* the pattern of the policy that the limit is of; NULL:
                                            the job's own */
};
struct tw_expire_rule tw_expire_rule_for(const struct tw_expire_settings *settings,
                                         const char *address);

/* The names of folders, with the defaults filled in; the caller frees it. */
struct tw_folder_names *tw_expire_folders(const struct tw_expire_settings *settings);

/* Of messages in a folder of this class, in cur/ or new/. TW_EXPIRE_NONE: no rule is for them. */
enum tw_expire_class tw_expire_class_of(enum tw_folder_class folder, enum tw_mail_dir dir,
                                        const struct tw_message *message);

/* The moment that its age counts from, in Unix seconds. */
int64_t tw_expire_from_s(const struct tw_expire_rule *rule, enum tw_expire_class class,
                         const struct stat *st);

/* When it is due, in Unix seconds: from then on its age, in whole seconds, is more than the limit.
 * INT64_MAX: never. Without a believable date (before 1990; more than a day ahead of `now_s`, which
 * is due when that comes) *odd is set. */
int64_t tw_expire_due_s(const struct tw_expire_rule *rule, enum tw_expire_class class, bool flagged,
                        const struct stat *st, int64_t now_s, bool *odd);

/* All that decides what is due in a mailbox with this rule, as a number; `names` is that of the
 * names of folders, which are the same for all. */
uint64_t tw_expire_rule_hash(const struct tw_expire_rule *rule, uint64_t names);
uint64_t tw_expire_names_hash(const struct tw_expire_settings *settings);

/* ---- what was confirmed ------------------------------------------------------------------- */

/* The rules as text, lines without blanks at their ends, to be kept and compared. */
void tw_expire_rules_write(const struct tw_expire_settings *settings, struct tw_buf *out);
uint64_t tw_expire_rules_hash(const char *text);

/* Would these rules take, for any address, a message that the written ones would have left? Also
 * true if the text cannot be understood. */
bool tw_expire_is_stricter(const struct tw_expire_settings *settings, const char *text);

#endif
