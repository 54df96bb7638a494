/* Classes of folders. Names are compared as keys: their levels decoded, without case, each ended by
 * a byte that no name has. */
#include "toaster/folder.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "toaster/utf7.h"

enum { END = '\001' };

struct tw_folder_names {
    struct tw_strings sent, trash, spam; /* keys */
};

/* ---- keys --------------------------------------------------------------------------------- */

/* Of what the configuration says. */
static char *key_of_name(const char *name)
{
    struct tw_buf key = {0};
    while (*name) {
        const size_t length = strcspn(name, "/");
        tw_utf8_fold(name, length, &key);
        tw_buf_add(&key, (const char[]){END}, 1);
        name += length + (name[length] == '/');
    }
    return tw_buf_take(&key);
}

static char separator_of(const char *path)
{
    return path[0] == '.' ? '.' : '/';
}

static void add_level(const char *level, size_t length, struct tw_buf *key)
{
    struct tw_buf decoded = {0};
    if (tw_utf7_decode(level, length, &decoded))
        tw_utf8_fold(tw_buf_text(&decoded), decoded.len, key);
    else
        tw_utf8_fold(level, length, key);
    tw_buf_add(key, (const char[]){END}, 1);
    tw_buf_free(&decoded);
}

/* Of what is on disk. False: it has an empty level, or a byte that is ours. */
static bool key_of_path(const char *path, struct tw_buf *key)
{
    const char separator[] = {separator_of(path), '\0'};
    const char *at = path + (separator[0] == '.');
    if (strchr(path, END))
        return false;
    for (;;) {
        const size_t length = strcspn(at, separator);
        if (length == 0)
            return false;
        add_level(at, length, key);
        if (!at[length])
            return true;
        at += length + 1;
    }
}

/* ---- lists -------------------------------------------------------------------------------- */

static void add_keys(const struct tw_strings *names, struct tw_strings *keys)
{
    for (size_t i = 0; i < names->count; i++) {
        char *key = key_of_name(names->items[i]);
        tw_strings_add(keys, key);
        free(key);
    }
}

struct tw_folder_names *tw_folder_names_new(const struct tw_strings *sent,
                                            const struct tw_strings *trash,
                                            const struct tw_strings *spam)
{
    struct tw_folder_names *names = tw_alloc(sizeof *names);
    add_keys(sent, &names->sent);
    add_keys(trash, &names->trash);
    add_keys(spam, &names->spam);
    return names;
}

void tw_folder_names_free(struct tw_folder_names **names)
{
    struct tw_folder_names *n = *names;
    *names = NULL;
    if (!n)
        return;
    tw_strings_free(&n->sent);
    tw_strings_free(&n->trash);
    tw_strings_free(&n->spam);
    free(n);
}

/* Is it the folder of such a name, or below it? A key ends with END, so that none is half a level.
 */
static bool is_below(const char *key, const struct tw_strings *names)
{
    for (size_t i = 0; i < names->count; i++)
        if (strncmp(key, names->items[i], strlen(names->items[i])) == 0)
            return true;
    return false;
}

enum tw_folder_class tw_folder_class_of(const struct tw_folder_names *names, const char *path)
{
    static const char inbox[] = {'i', 'n', 'b', 'o', 'x', END, '\0'};
    struct tw_buf buf = {0};
    enum tw_folder_class class = TW_FOLDER_OTHER;
    if (path[0] == '\0')
        return TW_FOLDER_INBOX;
    if (key_of_path(path, &buf)) {
        const char *key = tw_buf_text(&buf);
        const size_t length = strlen(inbox);
        if (strncmp(key, inbox, length) == 0 && key[length])
            key += length;
        if (is_below(key, &names->trash))
            class = TW_FOLDER_TRASH;
        else if (is_below(key, &names->spam))
            class = TW_FOLDER_SPAM;
        else if (tw_strings_has(&names->sent, key))
            class = TW_FOLDER_SENT;
    }
    tw_buf_free(&buf);
    return class;
}

/* ---- the configuration -------------------------------------------------------------------- */

struct tw_strings tw_folder_list(enum tw_folder_class class, const struct tw_strings *written)
{
    static const char *const common[][4] = {
        [TW_FOLDER_SENT] = {"Sent", "Sent Items", "Sent Messages", "sent-mail"},
        [TW_FOLDER_TRASH] = {"Trash", "Deleted Items", "Deleted Messages"},
        [TW_FOLDER_SPAM] = {"Spam", "Junk", "Junk E-mail"},
    };
    struct tw_strings all = {0};
    for (size_t i = 0; i < written->count; i++)
        tw_strings_add(&all, written->items[i]);
    for (size_t i = 0; written->count == 0 && i < TW_COUNT(common[class]) && common[class][i]; i++)
        tw_strings_add(&all, common[class][i]);
    return all;
}

int tw_folder_names_check(const char *name, struct tw_error *e)
{
    const size_t length = strlen(name);
    bool good = length > 0 && name[0] != '/' && name[length - 1] != '/' && !strstr(name, "//");
    for (size_t i = 0; i < length; i++)
        good = good && (unsigned char)name[i] >= 0x20 && name[i] != 0x7f;
    if (good && tw_utf8_valid(name, length))
        return 0;
    return tw_fail(
        e,
        "\"%.200s\" is no name of a folder: write it as mail programs show it, in UTF-8, "
        "with / between levels",
        name);
}

int tw_folder_list_check(const char *key, const struct tw_strings *list, struct tw_error *e)
{
    struct tw_error why;
    for (size_t i = 0; i < list->count; i++)
        if (tw_folder_names_check(list->items[i], &why) != 0)
            return tw_fail(e, "%s: %s", key, why.text);
    return 0;
}

bool tw_folder_names_overlap(const struct tw_strings *a, const struct tw_strings *b,
                             const char **which)
{
    struct tw_strings keys = {0};
    *which = NULL;
    add_keys(b, &keys);
    for (size_t i = 0; i < a->count && !*which; i++) {
        char *key = key_of_name(a->items[i]);
        if (tw_strings_has(&keys, key))
            *which = a->items[i];
        free(key);
    }
    tw_strings_free(&keys);
    return *which != NULL;
}

/* ---- for people --------------------------------------------------------------------------- */

void tw_folder_show(const char *path, struct tw_buf *out)
{
    const char separator[] = {separator_of(path), '\0'};
    const char *at = path + (separator[0] == '.');
    if (path[0] == '\0')
        tw_buf_puts(out, "Inbox");
    for (; *at; at += strcspn(at, separator)) {
        if (*at == separator[0])
            tw_buf_puts(out, "/"), at++;
        const size_t length = strcspn(at, separator);
        if (!tw_utf7_decode(at, length, out))
            tw_buf_add(out, at, length);
    }
}
