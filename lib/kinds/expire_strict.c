/* Rules as text, and whether others are stricter. A line for each list of folders, the job's keys
 * and each policy:
 *
 *   trash_folders NAME NAME ...           blanks and such in names as %20
 *   * LIMIT x 6 AGE CLASS_AGE x 5 FLAGGED
 *   user@domain ...                       what is not written is "-"
 *
 * Rules are compared for each address that a policy names, for any other of each such domain, and
 * for any at all: between two of these no address is judged differently. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "kinds/expire_rules.h"

enum { WORDS = TW_EXPIRE_CLASSES + 1 + TW_EXPIRE_TMP + 1 };

/* ---- writing ------------------------------------------------------------------------------ */

static void write_word(struct tw_buf *out, const char *word)
{
    tw_buf_puts(out, " ");
    for (; *word; word++)
        if ((unsigned char)*word <= 0x20 || *word == '%' || *word == 0x7f)
            tw_buf_printf(out, "%%%02x", (unsigned char)*word);
        else
            tw_buf_add(out, word, 1);
}

static void write_keys(struct tw_buf *out, const char *pattern, const struct tw_expire_keys *keys)
{
    tw_buf_puts(out, pattern);
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        if (keys->limit_s[class] == TW_UNSET)
            tw_buf_puts(out, " -");
        else
            tw_buf_printf(out, " %" PRId64, keys->limit_s[class]);
    write_word(out, keys->age ? keys->age : "-");
    for (size_t class = 0; class < TW_EXPIRE_TMP; ++class)
        write_word(out, keys->class_age[class] ? keys->class_age[class] : "-");
    write_word(out, keys->flagged ? keys->flagged : "-");
    tw_buf_puts(out, "\n");
}

static void write_list(struct tw_buf *out, const char *key, const struct tw_strings *list)
{
    tw_buf_puts(out, key);
    for (size_t i = 0; i < list->count; i++)
        write_word(out, list->items[i]);
    tw_buf_puts(out, "\n");
}

static void write_lists(const struct tw_expire_settings *settings, struct tw_buf *out)
{
    write_list(out, "trash_folders", &settings->trash_folders);
    write_list(out, "spam_folders", &settings->spam_folders);
    write_list(out, "sent_folders", &settings->sent_folders);
    tw_buf_printf(out, "keep_unlearned %s\n", settings->keep_unlearned ? "yes" : "no");
}

void tw_expire_rules_write(const struct tw_expire_settings *settings, struct tw_buf *out)
{
    write_lists(settings, out);
    write_keys(out, "*", &settings->keys);
    for (size_t i = 0; i < settings->policies.count; i++)
        write_keys(out, settings->policies.items[i].title, settings->policies.items[i].settings);
}

/* ---- reading ------------------------------------------------------------------------------ */

static int read_word(char **at, char **word)
{
    *word = *at + strspn(*at, " ");
    *at = *word + strcspn(*word, " ");
    if (*at == *word)
        return -1;
    if (**at)
        *(*at)++ = '\0';
    return 0;
}

static char *text_of(const char *word)
{
    return strcmp(word, "-") == 0 ? NULL : tw_strdup(word);
}

static int read_keys(char *line, struct tw_expire_keys *keys)
{
    char *word;
    *keys = (struct tw_expire_keys){0};
    for (size_t i = 0; i < WORDS; i++) {
        if (read_word(&line, &word) != 0)
            return -1;
        char *end = word;
        if (i == TW_EXPIRE_CLASSES)
            keys->age = text_of(word);
        else if (i > TW_EXPIRE_CLASSES && i < WORDS - 1)
            keys->class_age[i - TW_EXPIRE_CLASSES - 1] = text_of(word);
        else if (i == WORDS - 1)
            keys->flagged = text_of(word);
        else if (strcmp(word, "-") == 0)
            keys->limit_s[i] = TW_UNSET;
        else if ((keys->limit_s[i] = strtoll(word, &end, 10)) < TW_NEVER || end == word || *end)
            return -1;
    }
    return line[strspn(line, " ")] ? -1 : 0;
}

static void clear_keys(struct tw_expire_keys *keys)
{
    free(keys->age);
    for (size_t class = 0; class < TW_EXPIRE_TMP; ++class)
        free(keys->class_age[class]);
    free(keys->flagged);
}

static void free_old(struct tw_expire_settings *old)
{
    for (size_t i = 0; i < old->policies.count; i++) {
        clear_keys(old->policies.items[i].settings);
        free(old->policies.items[i].settings);
        free(old->policies.items[i].title);
    }
    free(old->policies.items);
    clear_keys(&old->keys);
}

/* A line behind the lists. */
static int read_line(char *line, struct tw_expire_settings *old)
{
    char *pattern;
    if (read_word(&line, &pattern) != 0)
        return -1;
    if (strcmp(pattern, "*") == 0) {
        clear_keys(&old->keys);
        return read_keys(line, &old->keys);
    }
    struct tw_sections *policies = &old->policies;
    policies->items =
        tw_realloc_array(policies->items, policies->count + 1, sizeof *policies->items);
    struct tw_section *policy = &policies->items[policies->count++];
    policy->title = tw_strdup(pattern);
    policy->settings = tw_alloc(sizeof(struct tw_expire_keys));
    return read_keys(line, policy->settings);
}

static int read_old(const char *text, struct tw_expire_settings *old)
{
    int result = 0;
    *old = (struct tw_expire_settings){0};
    while (*text && result == 0) {
        const size_t length = strcspn(text, "\n");
        char *line = tw_strndup(text, length);
        result = read_line(line, old);
        free(line);
        text += length + (text[length] == '\n');
    }
    return result;
}

/* ---- comparing ---------------------------------------------------------------------------- */

static bool rule_is_stricter(const struct tw_expire_rule *new, const struct tw_expire_rule *old)
{
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class) {
        if (new->limit_s[class] == TW_NEVER)
            continue;
        if (old->limit_s[class] == TW_NEVER || new->limit_s[class] < old->limit_s[class] ||
            (new->received[class] && !old->received[class]))
            return true;
        if (new->flagged && !old->flagged &&class != TW_EXPIRE_TMP)
            return true;
    }
    return false;
}

static bool stricter_for(const struct tw_expire_settings *new, const struct tw_expire_settings *old,
                         const char *address)
{
    const struct tw_expire_rule a = tw_expire_rule_for(new, address);
    const struct tw_expire_rule b = tw_expire_rule_for(old, address);
    return rule_is_stricter(&a, &b);
}

/* For all that the policies of one of them name. */
static bool stricter_by(const struct tw_expire_settings *new, const struct tw_expire_settings *old,
                        const struct tw_sections *policies)
{
    for (size_t i = 0; i < policies->count; i++) {
        const char *title = policies->items[i].title;
        /* "*" as a user is nobody's name: it is any other of the domain. */
        char *other = tw_format("*%s", strrchr(title, '@') ? strrchr(title, '@') : "@");
        const bool stricter = stricter_for(new, old, title) || stricter_for(new, old, other);
        free(other);
        if (stricter)
            return true;
    }
    return false;
}

bool tw_expire_is_stricter(const struct tw_expire_settings *settings, const char *text)
{
    struct tw_buf lists = {0};
    struct tw_expire_settings old;
    write_lists(settings, &lists);
    const bool same_lists = strncmp(text, tw_buf_text(&lists), lists.len) == 0;
    bool stricter = true;
    if (same_lists && read_old(text + lists.len, &old) == 0)
        stricter = stricter_for(settings, &old, "*@*") ||
                   stricter_by(settings, &old, &settings->policies) ||
                   stricter_by(settings, &old, &old.policies);
    if (same_lists)
        free_old(&old);
    tw_buf_free(&lists);
    return stricter;
}
