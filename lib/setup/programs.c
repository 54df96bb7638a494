/* Which of the programs that a toaster is made of are installed, and which daemons run. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/program.h"
#include "setup/look.h"

/* ---- what is installed -------------------------------------------------------------------- */

/* A place is a full path; or begins with Q or V, the homes of qmail and vpopmail; or is a name that
 * is looked for where programs are, and where CGI programs are. */
struct row {
    const char *name;
    const char *places[6];
    const char *daemons[3]; /* what of it stays */
};

/* Those that Mail::Toaster installs, and what has taken their place since. */
static const struct row rows[] = {
    {"qmail", {"Q/bin/qmail-send"}, {"qmail-send"}},
    {"MySQL, MariaDB", {"mariadbd", "mysqld", "/usr/local/libexec/mysqld"}, {"mariadbd", "mysqld"}},
    {"ucspi-tcp", {"tcpserver"}, {"tcpserver"}},
    {"daemontools", {"svscan"}, {"svscan"}},
    {"ezmlm-idx", {"ezmlm-make", "/usr/local/bin/ezmlm/ezmlm-make", "/usr/bin/ezmlm/ezmlm-make"}},
    {"Apache", {"httpd", "apache2"}, {"httpd", "apache2"}},
    {"Apache modules",
     {"/usr/lib/apache2/modules/mod_ssl.so", "/usr/lib/apache2/modules/mod_perl.so",
      "/usr/lib64/httpd/modules/mod_ssl.so", "/usr/local/libexec/apache24/mod_ssl.so"}},
    {"OpenLDAP", {"ldapsearch"}, {"slapd"}},
    {"vpopmail", {"V/bin/vadddomain"}, {"vpopmaild"}},
    {"qmailadmin", {"qmailadmin"}},
    {"autorespond", {"autorespond"}},
    {"gdbm",
     {"gdbmtool", "/usr/local/lib/libgdbm.so", "/usr/lib/libgdbm.so", "/usr/lib64/libgdbm.so.6",
      "/usr/lib/x86_64-linux-gnu/libgdbm.so.6", "/usr/lib/aarch64-linux-gnu/libgdbm.so.6"}},
    {"ispell", {"ispell"}},
    {"sqwebmail",
     {"sqwebmail", "/usr/local/share/sqwebmail", "/usr/lib/courier/sqwebmail"},
     {"sqwebmaild"}},
    {"squirrelmail",
     {"/usr/local/www/squirrelmail", "/usr/local/www/data/squirrelmail", "/usr/share/squirrelmail",
      "/var/www/html/squirrelmail"}},
    {"Courier IMAP",
     {"couriertcpd", "/usr/local/libexec/courier-imap/couriertcpd",
      "/usr/lib/courier-imap/libexec/couriertcpd", "/usr/lib/courier/couriertcpd"},
     {"couriertcpd"}},
    {"Dovecot", {"dovecot"}, {"dovecot"}},
    {"maildrop", {"maildrop"}},
    {"SpamAssassin", {"spamassassin", "spamd"}, {"spamd"}},
    {"rspamd", {"rspamd"}, {"rspamd"}},
    {"ClamAV", {"clamd", "clamscan"}, {"clamd"}},
    {"qmail-scanner", {"Q/bin/qmail-scanner-queue.pl"}},
    {"simscan", {"Q/bin/simscan"}},
    {"maillogs", {"maillogs"}},
    {"rrdutil", {"rrdutil", "rrdutil.pl"}},
    {"Mail::Toaster", {"toaster_setup.pl", "toaster-watcher.pl"}},
    {"MATT::Bundle",
     {"/usr/local/share/perl5/MATT/Bundle.pm", "/usr/share/perl5/MATT/Bundle.pm",
      "/usr/local/lib/perl5/site_perl/MATT/Bundle.pm"}},
};

#define CGI_PATH                                                                                   \
    "/usr/local/www/cgi-bin.mail:/usr/local/www/cgi-bin:/var/www/cgi-bin:/usr/lib/cgi-bin:"        \
    "/usr/lib/cgi-bin/qmailadmin"

static char *in_directories(const struct tw_look *look, const char *name, const char *directories)
{
    for (const char *at = directories; *at;) {
        const size_t length = strcspn(at, ":");
        char *path = tw_format("%.*s/%s", (int)length, at, name);
        if (tw_look_executable(look, path))
            return path;
        free(path);
        at += length + (at[length] == ':');
    }
    return NULL;
}

static char *at_place(const struct tw_look *look, const char *place)
{
    const struct tw_machine *m = look->machine;
    const char *home = NULL;
    if (strncmp(place, "Q/", 2) == 0)
        home = m->qmail_dir;
    else if (strncmp(place, "V/", 2) == 0)
        home = m->vpopmail ? m->vpopmail : "";
    else if (*place != '/') {
        char *path = in_directories(look, place, TW_PROGRAM_PATH);
        return path ? path : in_directories(look, place, CGI_PATH);
    }
    char *path = home ? tw_format("%s%s", home, place + 1) : tw_strdup(place);
    if (tw_look_is(look, path, S_IFREG) || (!home && tw_look_is(look, path, S_IFDIR)))
        return path;
    free(path);
    return NULL;
}

static bool runs(const struct tw_machine *m, const char *name)
{
    for (size_t i = 0; i < m->process_count; i++)
        if (strcmp(m->processes[i].name, name) == 0)
            return true;
    return false;
}

void tw_look_programs(struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    m->program_count = TW_COUNT(rows);
    m->programs = tw_alloc(m->program_count * sizeof *m->programs);
    for (size_t i = 0; i < TW_COUNT(rows); i++) {
        struct tw_machine_program *program = &m->programs[i];
        program->name = rows[i].name;
        for (const char *const *place = rows[i].places; *place && !program->path; place++)
            program->path = at_place(look, *place);
        for (const char *const *name = rows[i].daemons; *name; name++)
            program->runs = program->runs || runs(m, *name);
    }
}

/* ---- what runs ---------------------------------------------------------------------------- */

/* Daemons that stay: what is started for each connection would be missing between two. Sorted, and
 * shorter than what the kernel keeps of a name. */
static const char *const daemons[] = {
    "apache2",    "authdaemond",  "clamd",    "couriertcpd",   "dnscache",  "dovecot", "freshclam",
    "httpd",      "lighttpd",     "mariadbd", "mysqld",        "named",     "nginx",   "postgres",
    "qmail-send", "redis-server", "rspamd",   "runsvdir",      "slapd",     "spamd",   "sqwebmaild",
    "svscan",     "tcpserver",    "unbound",  "valkey-server", "vpopmaild", "vusaged",
};

/* Uids of people: one of them may give any name to a process. */
enum { FIRST_PERSON = 1000, STEPS_MAX = 64 };

static bool is_supervisor(const struct tw_proc *proc)
{
    return strcmp(proc->comm, "supervise") == 0 || strcmp(proc->comm, "runsv") == 0 ||
           strcmp(proc->comm, "s6-supervise") == 0;
}

/* Does it work in the directory of a service that is going to be watched? There may be an svscan
 * on another directory, too. */
static bool is_of_a_service(const struct tw_look *look, const struct tw_proc *supervisor)
{
    const struct tw_machine *m = look->machine;
    char *cwd = tw_format("%s/%d/cwd", look->proc_root, (int)supervisor->pid);
    struct stat st;
    const bool known = stat(cwd, &st) == 0;
    free(cwd);
    for (size_t i = 0; known && i < m->service_count; i++)
        if (m->services[i].good_name && m->services[i].device == st.st_dev &&
            m->services[i].inode == st.st_ino)
            return true;
    return false;
}

static bool is_supervised(const struct tw_look *look, const struct tw_proc *proc)
{
    for (int step = 0; step < STEPS_MAX && proc && proc->parent > 0; step++) {
        proc = tw_procs_find(&look->procs, proc->parent);
        if (proc && is_supervisor(proc) && is_of_a_service(look, proc))
            return true;
    }
    return false;
}

static void count_process(const struct tw_look *look, const char *name)
{
    struct tw_machine *m = look->machine;
    struct tw_machine_process found = {.name = name};
    const struct tw_proc *first = NULL;
    uid_t first_uid = 0;
    for (size_t i = 0; i < look->procs.count; i++) {
        const struct tw_proc *proc = &look->procs.items[i];
        uid_t uid;
        if (strcmp(proc->comm, name) != 0 || proc->state == 'Z' || proc->state == 'X' ||
            tw_proc_uid(look->proc_root, proc->pid, &uid) != 0 || uid >= FIRST_PERSON)
            continue;
        found.count++;
        if (is_supervised(look, proc))
            continue;
        found.unsupervised++;
        if (!first || proc->start_ticks < first->start_ticks) {
            first = proc;
            first_uid = uid;
        }
    }
    if (!found.count)
        return;
    if (first)
        found.user = tw_look_user(look, first_uid);
    m->processes[m->process_count++] = found;
}

void tw_look_processes(struct tw_look *look)
{
    look->machine->processes = tw_alloc(TW_COUNT(daemons) * sizeof *look->machine->processes);
    for (size_t i = 0; i < TW_COUNT(daemons); i++)
        count_process(look, daemons[i]);
}
