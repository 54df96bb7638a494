/* The old script's toaster-watcher.conf, read as its own parse_line read it: "key = value #
 * comment". Knows nothing of what the keys mean. */
#ifndef TW_SETUP_OLDCONF_H
#define TW_SETUP_OLDCONF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/strings.h"

struct tw_oldconf_entry {
    char *key, *value; /* value: never NULL; "" where nothing was left of it */
    int line;
    int first_line;  /* of the same key further up; 0: none */
    bool superseded; /* the same key stands further down, and that one counts */
    bool cut;        /* a "#" right behind other characters has cut the value short */
};

struct tw_oldconf {
    char *file;
    struct tw_oldconf_entry *entries; /* as they stand in the file */
    size_t count;
    size_t *by_key; /* indices of those that count, sorted by key */
    size_t key_count;
};

/* Reads the file: regular, at most 1 MB, with no rights for others, since it holds passwords.
 * *text is NUL-terminated and the caller's to free. A symbolic link is followed. Blocks. */
int tw_oldconf_read(const char *file, char **text, size_t *length, struct tw_error *e);

/* More notes are not made: whoever has so many has given us the wrong file. */
enum { TW_OLDCONF_NOTES_MAX = 200 };

/* Pure. Lines that the old script passed over, and keys that stand there twice, are notes
 * ("FILE:LINE: ..."), which never quote a value. -1: it is no text at all. */
int tw_oldconf_parse(const char *file, const char *text, size_t length, struct tw_oldconf *out,
                     struct tw_strings *notes, struct tw_error *e);
void tw_oldconf_free(struct tw_oldconf *conf);

/* The one that counts; NULL: there is none. */
const struct tw_oldconf_entry *tw_oldconf_find(const struct tw_oldconf *conf, const char *key);

/* May it be quoted? Letters, digits and "._-" alone: what else stands there was never a key, and
 * may be anything, a password, too. */
bool tw_oldconf_is_name(const char *key);

#endif
