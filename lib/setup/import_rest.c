/* The end of the new file: DNS lists, for which there is no kind yet, and every key that has no
 * successor, with the reason. Values never stand here: some are secret. */
#include <string.h>

#include "setup/confout.h"
#include "setup/import_private.h"

enum { UNKNOWN_MAX = 100 };

/* ---- DNS lists ----------------------------------------------------------------------------- */

/* 1, or a number that sorts them. */
static bool enabled(struct tw_importer *w, const struct tw_oldconf_entry *entry)
{
    return tw_import_number(w, entry->key, 9999) != 0;
}

void tw_import_dnsbls(struct tw_importer *w)
{
    struct tw_buf lists = {0};
    for (size_t i = 0; i < w->conf->count; i++) {
        const struct tw_oldconf_entry *entry = &w->conf->entries[i];
        const char *name = tw_oldkey_dnsbl(entry->key);
        if (name && !entry->superseded && tw_oldconf_is_name(name) && enabled(w, entry))
            tw_buf_printf(&lists, "# dnsbl \"%s\" { }\n", name);
    }
    const bool asked = tw_import_flag(w, "rbl_enable");
    if (lists.len) {
        tw_confout_heading(w->text, "DNS lists");
        tw_confout_comment(
            w->text, "The lists that the old file has on, for a kind that is still to come%s",
            asked ? ":" : "; rbl_enable is 0 or not set, so qmail asked none of them:");
        tw_buf_puts(w->text, tw_buf_text(&lists));
    }
    tw_buf_free(&lists);
}

/* ---- what has no successor ----------------------------------------------------------------- */

/* How many keys of that fate there were. What is no name could be anything, and is not quoted. */
static size_t list_keys(const struct tw_importer *w, enum tw_old_fate fate, struct tw_buf *out)
{
    struct tw_buf keys = {0};
    size_t count = 0, unnamed = 0, left_out = 0;
    for (size_t i = 0; i < w->conf->count; i++) {
        const struct tw_oldconf_entry *entry = &w->conf->entries[i];
        if (entry->superseded || tw_oldkey_fate(entry->key) != fate)
            continue;
        count++;
        if (!tw_oldconf_is_name(entry->key))
            unnamed++;
        else if (fate == TW_OLD_UNKNOWN && count > UNKNOWN_MAX)
            left_out++;
        else
            tw_buf_printf(&keys, " %s", entry->key);
    }
    if (unnamed || left_out)
        tw_buf_printf(&keys, " (and %zu more)", unnamed + left_out);
    if (count)
        tw_confout_fold(out, "#    ", "#     ", tw_buf_text(&keys));
    tw_buf_free(&keys);
    return count;
}

static void note_unknown(struct tw_importer *w)
{
    for (size_t i = 0; i < w->conf->count; i++) {
        const struct tw_oldconf_entry *entry = &w->conf->entries[i];
        if (entry->superseded)
            continue;
        if (!tw_oldconf_is_name(entry->key))
            tw_import_note(w, entry->line, "what stands before \"=\" is no name of a key");
        else if (tw_oldkey_fate(entry->key) == TW_OLD_UNKNOWN)
            tw_import_note(w, entry->line, "%s is a key of no version: a typing error?",
                           entry->key);
    }
}

void tw_import_rest(struct tw_importer *w)
{
    bool first = true;
    note_unknown(w);
    for (enum tw_old_fate fate = TW_OLD_TAKEN + 1; fate < TW_OLD_FATES; fate++) {
        struct tw_buf keys = {0};
        if (list_keys(w, fate, &keys)) {
            if (first)
                tw_confout_heading(w->text, "old keys without a successor, and why");
            first = false;
            tw_confout_comment(w->text, "%s: %s", tw_old_fate_word(fate), tw_old_fate_why(fate));
            tw_buf_puts(w->text, tw_buf_text(&keys));
        }
        tw_buf_free(&keys);
    }
}
