/* The jobs of a first configuration: all that was found is watched. */
#include "setup/initial_jobs.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/option.h"
#include "setup/confout.h"

enum { NAMES_SHOWN = 20 };

/* ---- services and their logs -------------------------------------------------------------- */

static void list_required(const struct tw_machine *m, struct tw_buf *out)
{
    static const char start[] = "    require = {";
    size_t column = strlen(start);
    bool first = true;
    for (size_t i = 0; i < m->service_count; i++) {
        const char *name = m->services[i].name;
        if (!m->services[i].good_name)
            continue;
        tw_buf_puts(out, first ? start : ",");
        if (!first && column + strlen(name) + 4 > TW_CONFOUT_WIDTH) {
            tw_buf_puts(out, "\n              ");
            column = strlen(start);
        }
        tw_buf_puts(out, first ? "" : " ");
        tw_option_quote(out, name);
        column += strlen(name) + 4;
        first = false;
    }
    if (!first)
        tw_buf_puts(out, "}   # these must be there\n");
}

static void write_services(const struct tw_machine *m, struct tw_buf *out, struct tw_buf *notes)
{
    size_t bad = 0;
    tw_confout_heading(out, "services under supervise");
    if (!m->service_count) {
        tw_confout_comment(out, "There is none in %s. Once there are:", m->service_dir);
        tw_confout_comment(out, "service \"*\" { }");
        return;
    }
    for (size_t i = 0; i < m->service_count; i++) {
        const struct tw_machine_service *s = &m->services[i];
        if (!s->good_name && bad++ < NAMES_SHOWN)
            tw_confout_note(notes, out, "Left out: %s/%s has a name that no job can have.",
                            m->service_dir, s->name);
        else if (s->good_name && s->no_run)
            tw_confout_note(notes, out, "%s/%s has no file run: it fails.", m->service_dir,
                            s->name);
        else if (s->good_name && s->down_file)
            tw_confout_note(notes, out, "%s/%s has a file down: it fails until that is removed.",
                            m->service_dir, s->name);
    }
    if (bad > NAMES_SHOWN)
        tw_confout_note(notes, out, "... and %zu more with such names.", bad - NAMES_SHOWN);
    if (m->more_services)
        tw_confout_note(notes, out, "There are more than %d services: only so many are named here.",
                        TW_MACHINE_SERVICES);
    tw_confout_comment(out, "Every directory in %s, as they come and go.", m->service_dir);
    tw_buf_puts(out, "service \"*\" {\n");
    list_required(m, out);
    tw_buf_puts(out,
                "    # restarts = 5   # more new processes than this within so long: it fails,\n"
                "    # within   = \"10m\"   # although it is up\n"
                "}\n");
    for (size_t i = 0; i < m->service_count; i++)
        if (m->services[i].good_name && !m->services[i].has_log)
            tw_buf_printf(out, "service \"%s\" { log = \"none\" }   # it has no log of its own\n",
                          m->services[i].name);
}

static void write_logs(const struct tw_machine *m, struct tw_buf *out)
{
    bool any = false;
    for (size_t i = 0; i < m->service_count; i++) {
        const struct tw_machine_service *s = &m->services[i];
        if (!s->good_name || !s->has_log)
            continue;
        if (!any)
            tw_confout_heading(out, "logs of multilog");
        any = true;
        if (!s->log_dir) {
            tw_confout_comment(out, "%s: its log/run tells no directory of multilog.", s->name);
            continue;
        }
        tw_buf_printf(out, "multilog \"%s\" {\n", s->name);
        tw_confout_setting(out, "    ", "dir", s->log_dir);
        tw_buf_puts(out, strcmp(s->name, "send") == 0
                             ? "    # silent = \"2h\"   # no new line for so long is a failure\n}\n"
                             : "}\n");
    }
}

/* ---- daemons ------------------------------------------------------------------------------ */

static void write_processes(const struct tw_machine *m, struct tw_buf *out)
{
    tw_confout_heading(out, "daemons that are none of these services, by their exact names");
    size_t written = 0;
    for (size_t i = 0; i < m->process_count; i++) {
        const struct tw_machine_process *p = &m->processes[i];
        if (!p->unsupervised) {
            tw_confout_comment(out, "%s runs, and is watched as a service.", p->name);
            continue;
        }
        written++;
        tw_buf_printf(out, "process \"%s\" {", p->name);
        if (p->user) {
            /* Anyone may name a process so. */
            tw_buf_puts(out, " user = ");
            tw_option_quote(out, p->user);
        }
        tw_buf_puts(out, " }\n");
    }
    if (!written)
        tw_confout_comment(out,
                           "None runs now. For example: process \"clamd\" { user = \"clamav\" }");
}

/* ---- files, aliases, disks ---------------------------------------------------------------- */

static void write_files(const struct tw_machine *m, struct tw_buf *out, struct tw_buf *notes)
{
    if (!m->qmail)
        return;
    char *path = tw_format("%s/control/rcpthosts", m->qmail_dir);
    tw_confout_heading(out, "files and aliases of qmail");
    tw_confout_comment(out, "Without this file qmail-smtpd relays mail for everyone.");
    if (!m->rcpthosts)
        tw_confout_note(notes, out, "IT IS NOT THERE: %s. Is this machine to take mail by SMTP?",
                        path);
    else if (m->rcpthosts_empty)
        tw_confout_note(notes, out, "%s is empty: it fails, and no mail is taken from outside.",
                        path);
    if (m->rcpthosts_mode & (mode_t)~0644)
        tw_confout_note(notes, out, "%s has mode %04o, which is more than 0644: it fails.", path,
                        (unsigned)m->rcpthosts_mode);
    const char *before = m->rcpthosts ? "" : "# ";
    tw_buf_printf(out, "%sfile \"rcpthosts\" {\n%s", before, before);
    tw_confout_setting(out, "    ", "path     ", path);
    tw_buf_printf(out,
                  "%s    not_empty = yes\n%s    mode      = \"0644\"   # no more rights than "
                  "these\n%s}\n\n",
                  before, before, before);
    free(path);
    tw_confout_comment(
        out, "Would qmail deliver the mail for postmaster, root and mailer-daemon, and to "
             "somebody?");
    tw_buf_printf(out, "%saliases \"qmail\" { }\n", m->alias_home ? "" : "# ");
}

static void write_disks(const struct tw_machine *m, struct tw_buf *out)
{
    tw_confout_heading(out, "disks");
    tw_confout_comment(
        out, "min_free and min_inodes are 5%% by default. full_in = \"12h\" also fails when one "
             "fills up fast.");
    size_t same = 0;
    for (size_t i = 0; i < m->volume_count; i++) {
        const struct tw_machine_volume *v = &m->volumes[i];
        for (size_t k = 0; k < v->also.count; k++)
            tw_confout_comment(out, "%s lies on the file system of %s, too.", v->also.items[k],
                               v->path);
        same = i > 0 && strcmp(v->title, m->volumes[i - 1].title) == 0 ? same + 1 : 0;
        char *number = same ? tw_format("%zu", same + 1) : tw_strdup("");
        tw_buf_printf(out, "disk \"%s%s\" { path = ", v->title, number);
        tw_option_quote(out, v->path);
        tw_buf_puts(out, " }\n");
        free(number);
    }
    if (!m->volume_count)
        tw_confout_comment(out, "disk \"var\" { path = \"/var\" }");
}

void tw_initial_jobs(const struct tw_machine *machine, struct tw_buf *out, struct tw_buf *notes)
{
    write_services(machine, out, notes);
    write_logs(machine, out);
    write_processes(machine, out);
    write_files(machine, out, notes);
    write_disks(machine, out);
}
