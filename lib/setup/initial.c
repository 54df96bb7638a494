/* A first configuration. Knows what an admin is to be told of a machine, and where letters go; the
 * jobs are initial_jobs.c's. What would change anything is there, but commented out. */
#include "setup/initial.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/option.h"
#include "setup/confout.h"
#include "setup/initial_jobs.h"

/* ---- what was found ----------------------------------------------------------------------- */

static void list_programs(const struct tw_machine *m, struct tw_buf *out)
{
    struct tw_buf missing = {0};
    for (size_t i = 0; i < m->program_count; i++) {
        const struct tw_machine_program *p = &m->programs[i];
        if (p->path || p->runs)
            tw_confout_comment(out, "  %-15s %s%s", p->name,
                               p->path ? p->path : "(not where it mostly is)",
                               p->runs ? ", runs" : "");
        else
            tw_buf_printf(&missing, "%s%s", missing.len ? ", " : "", p->name);
    }
    if (missing.len)
        tw_confout_fold(out, "# Not found: ", "#   ", tw_buf_text(&missing));
    tw_buf_free(&missing);
}

static void write_head(const struct tw_machine *m, int64_t now_s, struct tw_buf *out,
                       struct tw_buf *notes)
{
    struct tm tm;
    char date[32] = "";
    if (localtime_r(&(time_t){now_s}, &tm))
        strftime(date, sizeof date, "%Y-%m-%d", &tm);
    tw_confout_comment(out,
                       "toaster-watcher.conf: a first configuration, for what was on %s on %s.",
                       m->me ? m->me : m->hostname, date);
    tw_confout_comment(out, "Made by toasterctl init, and never written again: it is yours now.");
    tw_buf_puts(out, "#\n");
    tw_confout_comment(
        out,
        "toaster-watcher.conf(5) describes every key. \"toaster-watcher -t\" checks this file, and "
        "\"toasterctl check\" looks at everything once. After a change: svc -h %s/toaster-watcher",
        m->service_dir);
    tw_buf_puts(out, "#\n");
    if (tw_machine_bare(m))
        tw_confout_note(
            notes, out,
            "Nothing of a mail system was found on this machine: no qmail, no vpopmail, "
            "no services, no daemons.");
    tw_confout_comment(out, "Programs:");
    list_programs(m, out);
    if (m->no_processes)
        tw_confout_note(notes, out, "What runs cannot be told: %s", m->no_processes);
    tw_buf_puts(out, "\n");
}

/* ---- names -------------------------------------------------------------------------------- */

static void say_reader(const char *who, const struct tw_machine_reader *reader, struct tw_buf *out)
{
    if (reader->address)
        tw_confout_comment(out, "Mail for %s goes to %s, by %s.", who, reader->address,
                           reader->source);
    else if (reader->source)
        tw_confout_comment(out, "Where mail for %s goes is not plain in %s: %s", who,
                           reader->source, reader->why ? reader->why : "");
}

static void write_names(const struct tw_machine *m, struct tw_buf *out, struct tw_buf *notes)
{
    const char *host = m->me ? m->me : m->hostname;
    say_reader("postmaster", &m->postmaster, out);
    say_reader("root", &m->root, out);
    const char *address = m->postmaster.address ? m->postmaster.address : m->root.address;
    char *guess = tw_format("postmaster@%s", host);
    if (!address)
        tw_confout_note(notes, out,
                        "CHECK THIS: who reads %s could not be told. It must be somebody.", guess);
    tw_confout_setting(out, "", "postmaster", address ? address : guess);
    free(guess);
    if (m->me && strcmp(m->me, m->hostname) != 0) {
        tw_confout_comment(out, "As control/me of qmail has it; the system says %s.", m->hostname);
        tw_confout_setting(out, "", "hostname", m->me);
    }
    tw_buf_puts(out, "\ninclude(\"/etc/toaster-watcher.d/*.conf\")\n\n");
}

/* ---- places and the way out --------------------------------------------------------------- */

static void write_places(const struct tw_machine *m, struct tw_buf *out, struct tw_buf *notes)
{
    if (!m->qmail)
        tw_confout_comment(out, "There is no qmail at %s.", m->qmail_dir);
    if (!m->service)
        tw_confout_comment(
            out, "There is no directory for svscan: no /var/service, /service or /etc/service.");
    else if (!m->svscan_there && m->service_count)
        tw_confout_note(notes, out, "No svscan seems to run on %s.", m->service_dir);
    tw_buf_puts(out, "qmail {\n");
    tw_confout_setting(out, m->qmail ? "    " : "    # ", "dir      ", m->qmail_dir);
    tw_confout_setting(out, m->qmail ? "    " : "    # ", "supervise", m->supervise_dir);
    tw_confout_setting(out, m->service ? "    " : "    # ", "service  ", m->service_dir);
    tw_confout_setting(out, m->qmail ? "    " : "    # ", "log      ", m->log_dir);
    tw_buf_puts(out, "}\n\n");
}

static void write_alert(const struct tw_machine *m, struct tw_buf *out, struct tw_buf *notes)
{
    tw_buf_puts(out, "alert {\n");
    if (m->inject) {
        tw_buf_puts(out,
                    "    via = {\"qmail-inject\"}\n"
                    "    # It takes letters also while qmail is dead. Name a second way that does "
                    "not need qmail:\n"
                    "    # a letter about qmail goes there first.\n"
                    "    # via = {\"qmail-inject\", \"smtp://relay.example.net\"}\n");
    } else if (m->sendmail) {
        char *via = tw_format("sendmail:%s", m->sendmail);
        tw_buf_puts(out, "    via = {");
        tw_option_quote(out, via);
        tw_buf_puts(out, "}\n");
        free(via);
    } else {
        tw_buf_puts(out, "    ");
        tw_confout_note(notes, out,
                        "NO LETTER CAN BE SENT: there is neither qmail-inject nor sendmail. Name a "
                        "way out in alert.via.");
        tw_buf_puts(out, "    # via = {\"smtp://relay.example.net\"}\n"
                         "    via = {}\n");
    }
    tw_buf_puts(out, "}\n");
}

/* ---- mailboxes, and what changes them ----------------------------------------------------- */

static void write_mailboxes(const struct tw_machine *m, struct tw_buf *out, struct tw_buf *notes)
{
    tw_confout_heading(out, "mailboxes");
    for (size_t i = 0; m->vpopmail && i < m->assign_problems.count; i++)
        tw_confout_note(notes, out, "%s", m->assign_problems.items[i]);
    if (m->vpopmail)
        tw_confout_comment(out, "%zu domain%s. \"toasterctl mailboxes\" lists the mailboxes.",
                           m->domains, m->domains == 1 ? "" : "s");
    tw_buf_puts(out, "mailboxes {\n");
    if (m->vpopmail)
        tw_confout_setting(out, "    ", "vpopmail", m->vpopmail);
    else
        tw_buf_puts(out, "    # vpopmail = \"/home/vpopmail\"\n"
                         "    # glob     = {\"/srv/mail/%d/%u/Maildir\"}\n"
                         "    # passwd   = yes   # ~/Maildir of the system's users\n");
    tw_buf_puts(out, "}\n\n");
}

static bool has(const struct tw_machine *m, const char *name)
{
    for (size_t i = 0; i < m->program_count; i++)
        if (strcmp(m->programs[i].name, name) == 0)
            return m->programs[i].path || m->programs[i].runs;
    return false;
}

static void write_tasks(const struct tw_machine *m, struct tw_buf *out)
{
    tw_buf_puts(
        out,
        "# Removes old mail, and nothing that no key is written for. Take out the # to have it: at "
        "first it\n"
        "# only reports what it would remove, until \"toasterctl run --confirm expire.nightly\".\n"
        "# expire \"nightly\" {\n"
        "#     window = \"01:00-05:00\"   # local time\n"
        "#     trash  = \"14d\"           # since it was thrown away\n"
        "#     spam   = \"14d\"\n"
        "#     # sent   = \"180d\"\n"
        "#     # unread = \"365d\"        # of the Inbox; also read\n"
        "#     # policy \"boss@example.com\" { trash = \"never\" }\n"
        "# }\n\n"
        "# Teaches the spam filter: what users file as Spam, and what they have read elsewhere as "
        "good mail.\n"
        "# learn \"bayes\" {\n"
        "#     window  = \"05:00-07:00\"\n");
    if (!has(m, "SpamAssassin") && has(m, "rspamd"))
        tw_buf_puts(out, "#     backend = \"rspamd\"\n"
                         "#     # password_file = \"/etc/toaster-watcher.rspamd\"\n");
    else
        tw_buf_printf(out,
                      "#     backend = \"sa-learn\"\n"
                      "#     user    = \"%s\"   # whose filter it is; never root\n",
                      m->debian_spamd ? "debian-spamd" : "spamd");
    tw_buf_puts(out, "# }\n");
}

void tw_initial_write(const struct tw_machine *machine, int64_t now_s, struct tw_buf *out,
                      struct tw_buf *notes)
{
    write_head(machine, now_s, out, notes);
    write_names(machine, out, notes);
    write_places(machine, out, notes);
    write_alert(machine, out, notes);
    tw_initial_jobs(machine, out, notes);
    write_mailboxes(machine, out, notes);
    write_tasks(machine, out);
}
