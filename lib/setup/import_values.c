/* One value of the old file at a time. The old script was Perl, to which everything is true but
 * nothing, "" and 0: "install_clamav = no" was a yes. Where that may not have been meant, it is an
 * error here. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/escape.h"
#include "base/mem.h"
#include "setup/import_private.h"

enum { VALUE_MAX = 1000 };

static void add(struct tw_strings *list, const char *file, int line, const char *text)
{
    if (list->count >= TW_IMPORT_MESSAGES_MAX)
        return;
    char *all = tw_format("%s:%d: %s", file, line, text);
    if (!tw_strings_has(list, all)) /* a key may be asked for more than once */
        tw_strings_add(list, all);
    free(all);
}

void tw_import_wrong(struct tw_importer *w, const struct tw_oldconf_entry *entry,
                     const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    tw_buf_printf(&text, "%s ", entry->key);
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    add(w->errors, w->conf->file, entry->line, tw_buf_text(&text));
    tw_buf_free(&text);
}

void tw_import_note(struct tw_importer *w, int line, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    add(w->notes, w->conf->file, line, tw_buf_text(&text));
    tw_buf_free(&text);
}

/* What the rest of a line was taken for is worth a word only where the value is used. */
static void note_cut(struct tw_importer *w, const struct tw_oldconf_entry *entry)
{
    if (entry->cut)
        tw_import_note(w, entry->line, "%s: all from the \"#\" on is a comment, as it was",
                       entry->key);
}

/* NULL: not set, empty, or an error. */
static const struct tw_oldconf_entry *find(struct tw_importer *w, const char *key)
{
    const struct tw_oldconf_entry *entry = tw_oldconf_find(w->conf, key);
    if (!entry)
        return NULL;
    note_cut(w, entry);
    if (!entry->value[0])
        return NULL;
    if (strlen(entry->value) > VALUE_MAX) {
        tw_import_wrong(w, entry, "has a value of %zu bytes, which makes no sense",
                        strlen(entry->value));
        return NULL;
    }
    char *clean = tw_escape_new(entry->value, TW_ESCAPE_LINE, 0);
    const bool same = strcmp(clean, entry->value) == 0;
    free(clean);
    if (!same)
        tw_import_wrong(w, entry, "has a tab, a control character or bytes that are no UTF-8");
    return same ? entry : NULL;
}

static bool is_zero(const char *value)
{
    return strcmp(value, "0") == 0;
}

bool tw_import_has(const struct tw_importer *w, const char *key)
{
    return tw_oldconf_find(w->conf, key) != NULL;
}

const char *tw_import_text(struct tw_importer *w, const char *key)
{
    const struct tw_oldconf_entry *entry = find(w, key);
    return entry && !is_zero(entry->value) ? entry->value : NULL;
}

const char *tw_import_path(struct tw_importer *w, const char *key)
{
    const struct tw_oldconf_entry *entry = find(w, key);
    if (!entry || is_zero(entry->value))
        return NULL;
    if (entry->value[0] == '/')
        return entry->value;
    tw_import_wrong(w, entry, "= \"%s\" is no path: it must begin with \"/\"", entry->value);
    return NULL;
}

const char *tw_import_user(struct tw_importer *w, const char *key)
{
    const char *value = tw_import_text(w, key);
    if (!value || tw_oldconf_is_name(value))
        return value;
    tw_import_wrong(w, tw_oldconf_find(w->conf, key), "= \"%s\" is no name of a user", value);
    return NULL;
}

const char *tw_import_word(struct tw_importer *w, const char *key, const char *const *words)
{
    const struct tw_oldconf_entry *entry = find(w, key);
    struct tw_buf all = {0};
    if (!entry || is_zero(entry->value))
        return NULL;
    for (size_t i = 0; words[i]; i++) {
        if (strcasecmp(words[i], entry->value) == 0) {
            tw_buf_free(&all);
            return words[i];
        }
        tw_buf_printf(&all, "%s%s", i == 0 ? "" : words[i + 1] ? ", " : " or ", words[i]);
    }
    tw_import_wrong(w, entry, "= \"%s\" makes no sense: it must be %s", entry->value,
                    tw_buf_text(&all));
    tw_buf_free(&all);
    return NULL;
}

bool tw_import_flag(struct tw_importer *w, const char *key)
{
    const struct tw_oldconf_entry *entry = find(w, key);
    if (!entry || is_zero(entry->value))
        return false;
    if (strcmp(entry->value, "1") == 0)
        return true;
    tw_import_wrong(w, entry,
                    "= \"%s\" is neither 0 nor 1 (the old script took all but 0 for a yes)",
                    entry->value);
    return false;
}

bool tw_import_installed(struct tw_importer *w, const char *key)
{
    static const char *const words[] = {"port",     "ports", "package", "packages", "pkg",
                                        "packaged", "src",   "source",  "sources"};
    static const char version[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._-";
    const struct tw_oldconf_entry *entry = find(w, key);
    if (!entry || is_zero(entry->value))
        return false;
    for (size_t i = 0; i < TW_COUNT(words); i++)
        if (strcasecmp(words[i], entry->value) == 0)
            return true;
    if (strchr("0123456789", entry->value[0]) && entry->value[strspn(entry->value, version)] == 0)
        return true;
    tw_import_wrong(w, entry,
                    "= \"%s\" is neither 0, 1, a version nor \"port\" (the old script took all "
                    "but 0 for a yes)",
                    entry->value);
    return false;
}

int64_t tw_import_number(struct tw_importer *w, const char *key, int64_t max)
{
    const struct tw_oldconf_entry *entry = find(w, key);
    if (!entry)
        return 0;
    const size_t digits = strspn(entry->value, "0123456789");
    const int64_t number = digits <= 9 ? strtoll(entry->value, NULL, 10) : INT64_MAX;
    if (entry->value[digits] == '\0' && number <= max)
        return number;
    tw_import_wrong(w, entry, "= \"%s\" is no whole number from 0 to %lld", entry->value,
                    (long long)max);
    return 0;
}
