/* The old format. What the regular expressions of Mail::Toaster's Utility.pm (parse_config and
 * parse_line, alike from 5.01 to 5.54) make of a line is made of it here:
 *  - a line that begins with "#" is passed over;
 *  - the key is all before the first "=", the value all behind it, both without blanks around;
 *  - of a value with a "#" what stands before it counts, with or without a blank before it; a value
 *    that begins with "#" is none, unless there is a second one;
 *  - of a key that stands there twice the last one counts. */
#include "setup/oldconf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { SIZE_MAX_OLD = 1 << 20, NAME_MAX_OLD = 128 };

/* ---- the file ----------------------------------------------------------------------------- */

static int check_file(int fd, const char *file, struct tw_error *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", file);
    if (S_ISDIR(st.st_mode))
        return tw_fail(e, "cannot read %s: it is a directory", file);
    if (!S_ISREG(st.st_mode))
        return tw_fail(e, "cannot read %s: it is no regular file", file);
    if (st.st_mode & 07)
        return tw_fail(e,
                       "cannot use %s: others have rights to it (mode %04o), and it holds "
                       "passwords: chmod 600 it first",
                       file, (unsigned)st.st_mode & 07777U);
    if (st.st_size > SIZE_MAX_OLD)
        return tw_fail(e, "cannot read %s: more than 1 MB, so it is none of these files", file);
    return 0;
}

static int read_open(int fd, const char *file, struct tw_buf *out, struct tw_error *e)
{
    if (check_file(fd, file, e) != 0)
        return -1;
    if (tw_read_all(fd, SIZE_MAX_OLD, out) == 0)
        return 0;
    if (errno == EFBIG)
        return tw_fail(e, "cannot read %s: more than 1 MB, so it is none of these files", file);
    return tw_fail_errno(e, "cannot read %s", file);
}

int tw_oldconf_read(const char *file, char **text, size_t *length, struct tw_error *e)
{
    struct tw_buf all = {0};
    *text = NULL;
    *length = 0;
    const int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", file);
    const int result = read_open(fd, file, &all, e);
    close(fd);
    if (result != 0) {
        tw_buf_free(&all);
        return -1;
    }
    *length = all.len;
    *text = tw_buf_take(&all);
    return 0;
}

/* ---- lines -------------------------------------------------------------------------------- */

/* Perl's \s. */
static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **from, const char **to)
{
    while (*from < *to && is_blank(**from))
        ++*from;
    while (*to > *from && is_blank((*to)[-1]))
        --*to;
}

bool tw_oldconf_is_name(const char *key)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    const size_t length = strspn(key, allowed);
    return length > 0 && key[length] == '\0' && length <= NAME_MAX_OLD;
}

/* Where the value ends that begins at `from`: /(.*?\S)\s*#/ where there is a "#". */
static const char *end_of_value(const char *from, const char *to, bool *cut)
{
    if (from == to || !memchr(from, '#', (size_t)(to - from)))
        return to;
    for (const char *at = from; at < to; at++) {
        const char *next = at + 1;
        if (is_blank(*at))
            continue;
        while (next < to && is_blank(*next))
            next++;
        if (next < to && *next == '#') {
            *cut = next == at + 1;
            return at + 1;
        }
    }
    *cut = to - from > 1 && !is_blank(from[1]) && from[1] != '#';
    return from;
}

static void add_entry(struct tw_oldconf *conf, size_t *room, struct tw_oldconf_entry entry)
{
    if (conf->count == *room) {
        *room = *room ? 2 * *room : 512;
        conf->entries = tw_realloc_array(conf->entries, *room, sizeof *conf->entries);
    }
    conf->entries[conf->count++] = entry;
}

static void note(struct tw_strings *notes, const char *file, int line, const char *what)
{
    if (notes->count >= TW_OLDCONF_NOTES_MAX)
        return;
    char *text = tw_format("%s:%d: %s", file, line, what);
    tw_strings_add(notes, text);
    free(text);
}

static void take_line(struct tw_oldconf *conf, size_t *room, const char *from, const char *to,
                      int line, struct tw_strings *notes)
{
    trim(&from, &to);
    /* One that has blanks before the "#" was read as a key that nobody asks for. */
    if (from == to || *from == '#' || (to - from == 1 && *from == '+'))
        return;
    const char *equals = memchr(from, '=', (size_t)(to - from));
    if (!equals) {
        note(notes, conf->file, line, "no \"=\": passed over, as the old script did");
        return;
    }
    const char *key_end = equals, *value = equals + 1;
    struct tw_oldconf_entry entry = {.line = line};
    trim(&from, &key_end);
    trim(&value, &to);
    if (from == key_end || (key_end - from == 1 && *from == '0')) {
        note(notes, conf->file, line, "no key before \"=\": passed over, as the old script did");
        return;
    }
    to = end_of_value(value, to, &entry.cut);
    entry.key = tw_strndup(from, (size_t)(key_end - from));
    entry.value = tw_strndup(value, (size_t)(to - value));
    add_entry(conf, room, entry);
}

/* ---- keys --------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b, void *context)
{
    const struct tw_oldconf_entry *entries = context;
    const struct tw_oldconf_entry *x = &entries[*(const size_t *)a];
    const struct tw_oldconf_entry *y = &entries[*(const size_t *)b];
    const int order = strcmp(x->key, y->key);
    return order ? order : x->line - y->line;
}

/* Sorted, so that a file of a hundred thousand keys is no matter of minutes. */
static void index_keys(struct tw_oldconf *conf)
{
    if (!conf->entries)
        return;
    conf->by_key = tw_realloc_array(NULL, conf->count, sizeof *conf->by_key);
    for (size_t i = 0; i < conf->count; i++)
        conf->by_key[i] = i;
    qsort_r(conf->by_key, conf->count, sizeof *conf->by_key, compare, conf->entries);
    for (size_t i = 0; i < conf->count; i++) {
        struct tw_oldconf_entry *entry = &conf->entries[conf->by_key[i]];
        struct tw_oldconf_entry *next =
            i + 1 < conf->count ? &conf->entries[conf->by_key[i + 1]] : NULL;
        entry->superseded = next && strcmp(next->key, entry->key) == 0;
        if (entry->superseded)
            next->first_line = entry->first_line ? entry->first_line : entry->line;
        else
            conf->by_key[conf->key_count++] = conf->by_key[i];
    }
}

static void note_entries(const struct tw_oldconf *conf, struct tw_strings *notes)
{
    for (size_t i = 0; i < conf->count; i++) {
        const struct tw_oldconf_entry *entry = &conf->entries[i];
        const bool name = tw_oldconf_is_name(entry->key);
        if (entry->superseded || !entry->first_line)
            continue;
        char *what = tw_format("%s stands on line %d, too: this one counts, as it did",
                               name ? entry->key : "the same key", entry->first_line);
        note(notes, conf->file, entry->line, what);
        free(what);
    }
}

int tw_oldconf_parse(const char *file, const char *text, size_t length, struct tw_oldconf *out,
                     struct tw_strings *notes, struct tw_error *e)
{
    const char *const end = text + length;
    size_t room = 0;
    int line = 0;
    bool dos = false;
    *out = (struct tw_oldconf){.file = tw_strdup(file)};
    for (const char *at = text; at < end; at++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        line++;
        if (memchr(at, '\0', (size_t)(stop - at)))
            return tw_fail(e, "%s:%d: a NUL byte: this is no text", file, line);
        if (!dos && stop > at && stop[-1] == '\r') {
            note(notes, file, line, "lines end with CR and LF: taken as if it were LF alone");
            dos = true;
        }
        take_line(out, &room, at, stop, line, notes);
        at = stop;
    }
    index_keys(out);
    note_entries(out, notes);
    return 0;
}

void tw_oldconf_free(struct tw_oldconf *conf)
{
    for (size_t i = 0; i < conf->count; i++) {
        free(conf->entries[i].key);
        free(conf->entries[i].value);
    }
    free(conf->entries);
    free(conf->by_key);
    free(conf->file);
    *conf = (struct tw_oldconf){0};
}

const struct tw_oldconf_entry *tw_oldconf_find(const struct tw_oldconf *conf, const char *key)
{
    size_t from = 0, to = conf->key_count;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        const struct tw_oldconf_entry *entry = &conf->entries[conf->by_key[middle]];
        const int order = strcmp(key, entry->key);
        if (order == 0)
            return entry;
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}
