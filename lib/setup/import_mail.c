/* Cleaning and teaching. What the old script removed may go here as early as there and no earlier;
 * a rule that never ran there is written as a comment. Which ran, its sources say:
 *  - up to 4.00 and from 5.26 on all of maildir_clean_*; from 4.06 to 5.13 Unread, Sent and Trash
 *    only where maidir_clean_* (so spelt) was set, and Sent not even then;
 *  - SpamAssassin was taught from 4.00 to 5.27. 3.33 gave sa-learn each message as a list of files;
 *    from 5.33 on the wrong hash was asked for install_spamassassin.
 * That a file lacks the keys of a later version does not prove that no later one read it. Where
 * mail is removed only keys of a later version prove anything. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/option.h"
#include "setup/confout.h"
#include "setup/import_private.h"

enum {
    MISSPELT_FIRST = 406,
    MISSPELT_LAST = 513,
    TAUGHT_FIRST = 400,
    TAUGHT_LAST = 527,
    UNTAUGHT_FIRST = 533,
    DAYS_MAX = 36000,
    INTERVAL_MAX = 365
};

/* Appends all lines of the section, as comments where it is not to be in force. */
static void put_section(struct tw_importer *w, const struct tw_buf *section, bool active)
{
    for (const char *line = tw_buf_text(section); *line;) {
        const size_t length = strcspn(line, "\n") + 1;
        tw_buf_puts(w->text, active ? "" : "# ");
        tw_buf_add(w->text, line, length);
        line += length;
    }
}

/* ---- expire -------------------------------------------------------------------------------- */

struct rule {
    const char *key, *old, *remark;
    int64_t days;    /* 0: none */
    const char *why; /* it is a comment; NULL: it is in force */
};

enum { READ, UNREAD, SENT, TRASH, SPAM, RULES };

static const char *misspelt(const struct tw_importer *w)
{
    if (w->since > MISSPELT_LAST)
        return NULL;
    if (w->since >= MISSPELT_FIRST && w->until <= MISSPELT_LAST)
        return "never ran, for versions 4.06 to 5.13 asked for a misspelt key.";
    return "never ran in versions 4.06 to 5.13, which asked for a misspelt key, and that another "
           "one "
           "read it the file does not show (it has no key of 5.26 or later).";
}

static void find_rules(struct tw_importer *w, struct rule *rules)
{
    static const char *const keys[RULES] = {"read", "unread", "sent", "trash", "spam"};
    static const char *const old[RULES] = {"maildir_clean_Read", "maildir_clean_Unread",
                                           "maildir_clean_Sent", "maildir_clean_Trash",
                                           "maildir_clean_Spam"};
    for (size_t i = 0; i < RULES; i++)
        rules[i] =
            (struct rule){keys[i], old[i], old[i], tw_import_number(w, old[i], DAYS_MAX), NULL};
    rules[UNREAD].why = tw_import_text(w, "maidir_clean_Unread") ? NULL : misspelt(w);
    rules[TRASH].why = tw_import_text(w, "maidir_clean_Trash") ? NULL : misspelt(w);
    rules[SENT].why = misspelt(w);
    if (rules[UNREAD].why)
        return;
    if (!rules[READ].days) {
        rules[UNREAD].why =
            "this was for new/ alone. Here it would also be for mail in cur/ that nobody "
            "has opened, which the old script kept, maildir_clean_Read being off.";
    } else if (rules[UNREAD].days && rules[UNREAD].days < rules[READ].days) {
        /* Unopened mail in cur/ went by maildir_clean_Read: it waits for the later of both. */
        rules[UNREAD].days = rules[READ].days;
        rules[UNREAD].remark = "maildir_clean_Unread, but no sooner than _Read";
    }
}

/* Before the first of those that share a reason: all of them, and why. */
static void write_why(const struct rule *rules, size_t at, const char *indent, struct tw_buf *out)
{
    struct tw_buf names = {0};
    for (size_t i = 0; i < RULES; i++) {
        if (!rules[i].days || rules[i].why != rules[at].why)
            continue;
        if (i < at) {
            tw_buf_free(&names);
            return;
        }
        tw_buf_printf(&names, "%s%s", names.len ? ", " : "", rules[i].old);
    }
    tw_confout_indented(out, indent, "%s: %s", tw_buf_text(&names), rules[at].why);
    tw_buf_free(&names);
}

static void write_rule(const struct rule *rules, size_t at, bool active, struct tw_buf *out)
{
    const struct rule *rule = &rules[at];
    if (!rule->days)
        return;
    if (rule->why && active)
        write_why(rules, at, "    ", out);
    const size_t start = out->len;
    tw_buf_printf(out, "    %s%-6s = \"%" PRId64 "d\"", rule->why && active ? "# " : "", rule->key,
                  rule->days + 1);
    tw_import_remark(out, start, rule->remark);
}

static void write_folders(const struct rule *rules, struct tw_buf *out)
{
    static const struct {
        size_t rule;
        const char *line;
    } folders[] = {{SENT, "    sent_folders  = {\"Sent\"}\n"},
                   {TRASH, "    trash_folders = {\"Trash\"}\n"},
                   {SPAM, "    spam_folders  = {\"Spam\"}\n"}};
    for (size_t i = 0; i < TW_COUNT(folders); i++)
        if (rules[folders[i].rule].days)
            tw_buf_puts(out, folders[i].line);
}

static void write_expire(struct tw_importer *w, const struct rule *rules, int64_t interval)
{
    struct tw_buf section = {0};
    bool active = false;
    for (size_t i = 0; i < RULES; i++)
        active = active || (interval && rules[i].days && !rules[i].why);
    tw_confout_comment(w->text,
                       "A day more than before: \"find -mtime +14\" took what was 15 days old. The "
                       "first run only tells what would go, and asks: toasterctl run --confirm "
                       "expire.maildir. Unlike before, starred mail stays (flagged), subfolders of "
                       "Trash and Spam belong to them, and case and a leading INBOX do not "
                       "matter; an empty file .noexpire in a folder keeps it.");
    if (!interval)
        tw_confout_comment(w->text,
                           "maildir_clean_interval is 0 or not set: the old script removed none.");
    for (size_t i = 0; i < RULES && !active && interval; i++)
        if (rules[i].days)
            write_why(rules, i, "", w->text);
    tw_buf_puts(&section, "expire \"maildir\" {\n");
    size_t start = section.len;
    tw_buf_printf(&section, "    every  = \"%" PRId64 "d\"", interval ? interval : 1);
    tw_import_remark(&section, start, "maildir_clean_interval");
    start = section.len;
    tw_buf_puts(&section, "    age    = \"received\"");
    tw_import_remark(&section, start, "by the file's date, as before; \"moved\" spares more");
    for (size_t i = 0; i < RULES; i++)
        write_rule(rules, i, active, &section);
    write_folders(rules, &section);
    tw_buf_puts(&section, "}\n");
    put_section(w, &section, active);
    tw_buf_free(&section);
}

void tw_import_expire(struct tw_importer *w)
{
    struct rule rules[RULES];
    const int64_t interval = tw_import_number(w, "maildir_clean_interval", INTERVAL_MAX);
    bool any = false;
    find_rules(w, rules);
    for (size_t i = 0; i < RULES; i++)
        any = any || rules[i].days;
    if (!any)
        return;
    tw_confout_heading(w->text, "old mail");
    write_expire(w, rules, interval);
}

/* ---- learn --------------------------------------------------------------------------------- */

struct lessons {
    int64_t interval, ham_days;
    bool spam, spam_unread, ham;
    const char *ham_why; /* ham is not learned, although it was asked for */
    const char *why;     /* all of it is a comment */
};

static const char *untaught(const struct tw_importer *w, const struct lessons *l)
{
    if (!l->interval)
        return "The interval is 0 or not set, so nothing was learned.";
    if (w->until < TAUGHT_FIRST)
        return "Never ran: version 3.33 gave sa-learn each message as if it were a list of files.";
    if (w->since >= UNTAUGHT_FIRST)
        return "Never ran: versions 5.33 to 5.54 never taught SpamAssassin, since they looked for "
               "install_spamassassin in the wrong place; and no code read maildir_learn_Spam, "
               "_Spam_unread, _Read and _Read_days.";
    if (w->since < TAUGHT_FIRST || w->until > TAUGHT_LAST)
        return "Never ran in version 3.33, nor from 5.33 on, and that another one read it the file "
               "does not show.";
    return NULL;
}

/* Up to 4.00 it went with the cleaning. */
static struct lessons find_lessons(struct tw_importer *w)
{
    const bool interval = tw_import_has(w, "maildir_learn_interval");
    const bool early = !interval && !tw_import_has(w, "maildir_learn_Spam") &&
                       !tw_import_has(w, "maildir_learn_Read");
    struct lessons l = {0};
    if (early) {
        l.interval = tw_import_number(w, "maildir_clean_interval", INTERVAL_MAX);
        l.spam = tw_import_flag(w, "maildir_clean_Spam_learn");
        l.ham = tw_import_flag(w, "maildir_clean_Read_learn");
        l.ham_days = tw_import_number(w, "maildir_clean_Read_learn_days", DAYS_MAX);
    } else {
        l.interval = tw_import_number(w, "maildir_learn_interval", INTERVAL_MAX);
        l.spam = tw_import_flag(w, "maildir_learn_Spam");
        l.ham = tw_import_flag(w, "maildir_learn_Read");
        l.ham_days = tw_import_number(w, "maildir_learn_Read_days", DAYS_MAX);
    }
    l.spam_unread = tw_import_flag(w, "maildir_learn_Spam_unread");
    l.why = !early && !interval ? "There is no maildir_learn_interval, so nothing was learned."
                                : untaught(w, &l);
    if (l.why)
        return l;
    l.spam_unread = true; /* new/ as well as cur/ */
    if (!tw_import_installed(w, "install_spamassassin"))
        l.why = "install_spamassassin is 0 or not set. If sa-learn was there all the same, the old "
                "script taught it: then take out the #.";
    if (!early && l.ham && !l.ham_days)
        l.ham_why = "maildir_learn_Read_days is 0 or not set: only what lay in a folder Read was "
                    "learned, and "
                    "not the Inbox.";
    if (l.ham_why && !l.spam) { /* nothing is left of it */
        l.why = l.why ? l.why : l.ham_why;
        l.ham_why = NULL;
    }
    return l;
}

/* Whom spamd runs as: -u NAME, --username=NAME. The caller frees; NULL: it does not say. */
static char *find_spamd_user(struct tw_importer *w)
{
    static const char *const options[] = {"-u", "--username=", "--username"};
    static const char blanks[] = " \t", allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789_-";
    const struct tw_oldconf_entry *flags = tw_oldconf_find(w->conf, "install_spamassassin_flags");
    for (const char *at = flags ? flags->value : ""; *at; at += strcspn(at, blanks)) {
        at += strspn(at, blanks);
        for (size_t i = 0; i < TW_COUNT(options); i++) {
            if (strncmp(at, options[i], strlen(options[i])) != 0)
                continue;
            const char *name = at + strlen(options[i]);
            name += strspn(name, blanks);
            const size_t length = strspn(name, allowed);
            const bool whole = length && length < 32 && strchr(blanks, name[length]);
            const bool root = length == 4 && strncmp(name, "root", length) == 0;
            return whole && !root ? tw_strndup(name, length) : NULL;
        }
    }
    return NULL;
}

static void write_user(struct tw_importer *w, struct tw_buf *out)
{
    char *user = find_spamd_user(w);
    const size_t start = out->len;
    if (user) {
        tw_buf_puts(out, "    user        = ");
        tw_option_quote(out, user);
        tw_import_remark(out, start, "-u in install_spamassassin_flags");
    } else {
        tw_confout_indented(out, "    ",
                            "user = whose filter it is; else the mailboxes' owner. The old script "
                            "taught root's, which nothing here does.");
    }
    free(user);
}

static void write_lessons(struct tw_importer *w, const struct lessons *l)
{
    struct tw_buf section = {0};
    tw_buf_puts(&section, "learn \"maildir\" {\n");
    tw_buf_printf(&section, "    every       = \"%" PRId64 "d\"\n", l->interval ? l->interval : 1);
    write_user(w, &section);
    tw_buf_printf(&section, "    spam        = %s\n", l->spam ? "yes" : "no");
    const size_t start = section.len;
    tw_buf_printf(&section, "    spam_unread = %s", l->spam_unread ? "yes" : "no");
    tw_import_remark(&section, start, "also spam that nobody has opened");
    if (l->ham_why)
        tw_confout_indented(&section, "    ", "%s", l->ham_why);
    tw_buf_printf(&section, "    ham         = %s\n", l->ham && !l->ham_why ? "yes" : "no");
    if (l->ham && l->ham_days)
        tw_buf_printf(&section, "    ham_age     = \"%" PRId64 "d\"\n", l->ham_days + 1);
    tw_buf_puts(&section, "}\n");
    put_section(w, &section, !l->why);
    tw_buf_free(&section);
}

void tw_import_learn(struct tw_importer *w)
{
    const struct lessons l = find_lessons(w);
    const bool dspam = tw_import_installed(w, "install_dspam");
    if (!l.spam && !l.ham && !dspam)
        return;
    tw_confout_heading(w->text, "teaching the spam filter");
    if (dspam && w->until < UNTAUGHT_FIRST)
        tw_confout_comment(w->text, "install_dspam: before 5.33 no version taught dspam.");
    else if (dspam)
        tw_confout_comment(
            w->text, "install_dspam: from 5.33 on dspam was taught. For it: backend = "
                     "\"command\", and run as toaster-watcher.conf(5) has it under KIND learn.");
    if (l.spam || l.ham)
        tw_confout_comment(
            w->text, "Unlike before, each message is learned once, folders Junk and \"Junk "
                     "E-mail\" are spam, too, and good mail is what was read in the Inbox and in "
                     "all folders but Trash, Sent, Drafts and the like; never_folders names more "
                     "of these.");
    if (l.why)
        tw_confout_comment(w->text, "%s", l.why);
    if (l.spam || l.ham)
        write_lessons(w, &l);
}
