/* Which class a folder of a mailbox is of, by its name on disk. Pure.
 *
 * Maildir++ has `.Name`, `.A.B`; LAYOUT=fs has `A/B`. A level is modified UTF-7 (RFC 3501, 5.1.3)
 * or, with newer servers, UTF-8. Names are compared without regard to case, by Unicode, after
 * decoding; a level that is neither is kept byte for byte, and only its ASCII letters are folded.
 */
#ifndef TW_TOASTER_FOLDER_H
#define TW_TOASTER_FOLDER_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strings.h"

enum tw_folder_class {
    TW_FOLDER_OTHER,
    TW_FOLDER_INBOX,
    TW_FOLDER_SENT,
    TW_FOLDER_TRASH,
    TW_FOLDER_SPAM
};

/* The names that a configuration gives, prepared: UTF-8, not modified UTF-7; a slash separates
 * levels, as in "[Gmail]/Trash". May be used by several threads. */
struct tw_folder_names;
struct tw_folder_names *tw_folder_names_new(const struct tw_strings *sent,
                                            const struct tw_strings *trash,
                                            const struct tw_strings *spam);
void tw_folder_names_free(struct tw_folder_names **names);

/* `path` is from the mailbox; "" is the Inbox. A first level INBOX with more behind it does not
 * count:
 * `.INBOX.Trash` is Trash. Trash and Spam have their subfolders, Sent is itself alone. A name with
 * an empty level is TW_FOLDER_OTHER. */
enum tw_folder_class tw_folder_class_of(const struct tw_folder_names *names, const char *path);

/* What a configuration has written for TW_FOLDER_SENT, _TRASH or _SPAM, copied; or, where that is
 * nothing, the names that mail programs commonly give. */
struct tw_strings tw_folder_list(enum tw_folder_class class, const struct tw_strings *written);

/* May it stand in the configuration? An error says what to write. */
int tw_folder_names_check(const char *name, struct tw_error *e);
/* The same for all of a key's list, and names the key. */
int tw_folder_list_check(const char *key, const struct tw_strings *list, struct tw_error *e);
/* Do two lists have a name in common, but for case? *which is of `a`. */
bool tw_folder_names_overlap(const struct tw_strings *a, const struct tw_strings *b,
                             const char **which);

/* Appends the name for people: decoded, levels with a slash between them, "Inbox" for "". */
void tw_folder_show(const char *path, struct tw_buf *out);

#endif
