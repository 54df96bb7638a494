/* What a `learn` job offers to the spam filter: its keys, and which messages they mean. Pure; time
 * comes in. */
#ifndef TW_KINDS_LEARN_RULES_H
#define TW_KINDS_LEARN_RULES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/option.h"
#include "base/strings.h"
#include "toaster/folder.h"
#include "toaster/mailwalk.h"
#include "toaster/message.h"

enum tw_learn_class {
    TW_LEARN_SPAM,
    TW_LEARN_HAM,
    TW_LEARN_CLASSES,
    TW_LEARN_NONE = TW_LEARN_CLASSES /* nothing in this folder is offered */
};
extern const char *const tw_learn_class_names[TW_LEARN_CLASSES];

struct tw_learn_settings {
    char *backend;
    struct tw_strings run;
    char *user; /* NULL: the mailboxes' owner */
    bool spam, spam_unread, ham, per_user;
    int64_t ham_age_s, max_per_mailbox, max_size, rate, max_load;
    char *first; /* "sample", "all" */
    struct tw_strings spam_folders, never_folders;
    char *socket, *url, *password_file;
    int64_t max_time_s;
};

extern const struct tw_option tw_learn_options[];
/* Keys against each other. */
int tw_learn_check(const struct tw_learn_settings *settings, struct tw_error *e);

/* The names of folders, with the defaults filled in; the caller frees it. */
struct tw_folder_names *tw_learn_folders(const struct tw_learn_settings *settings);
/* Of what is in the folder; TW_LEARN_NONE also where the settings want nothing of that class. */
enum tw_learn_class tw_learn_class_of(const struct tw_learn_settings *settings,
                                      const struct tw_folder_names *names, const char *path);

/* From when on a message of this class is offered, in Unix seconds; INT64_MAX: not as it is now (it
 * is unread, thrown away, a draft, too large, empty). *st is of the message. */
int64_t tw_learn_from_s(const struct tw_learn_settings *settings, enum tw_learn_class class,
                        enum tw_mail_dir dir, const struct tw_message *message,
                        const struct stat *st);

/* Of so many messages of one class that a mailbox has at first contact every how-manieth is
 * offered. */
int64_t tw_learn_sample(int64_t count);

/* All that decides which messages are offered, as a number. */
uint64_t tw_learn_rule_hash(const struct tw_learn_settings *settings);

#endif
