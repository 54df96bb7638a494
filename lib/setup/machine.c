/* What there is of a mail system: qmail, vpopmail, file systems; and all parts together. */
#include "setup/machine.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "config/config.h"
#include "setup/look.h"
#include "setup/paths.h"
#include "toaster/handover.h"
#include "toaster/mailowner.h"
#include "toaster/volume.h"

enum { PROBLEMS_MAX = 20 };

/* The first line of a control file, if it is a host name; NULL else. */
static char *host_line(const struct tw_look *look, const char *path)
{
    char *text = tw_look_text(look, path);
    if (text)
        text[strcspn(text, " \t\r\n")] = '\0';
    if (text && tw_config_check("hostname", text, NULL) == 0)
        return text;
    free(text);
    return NULL;
}

static void look_at_names(const struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    m->hostname = tw_config_system_hostname();
    char *path = tw_format("%s/control/me", m->qmail_dir);
    m->me = host_line(look, path);
    free(path);
}

/* ---- qmail and sendmail ------------------------------------------------------------------- */

static void look_at_rcpthosts(const struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    char *path = tw_format("%s%s/control/rcpthosts", look->root, m->qmail_dir);
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode)) {
        m->rcpthosts = true;
        m->rcpthosts_empty = st.st_size == 0;
        m->rcpthosts_mode = st.st_mode & 07777;
    }
    free(path);
}

static bool below_qmail(const struct tw_look *look, const char *name, mode_t type)
{
    char *path = tw_format("%s/%s", look->machine->qmail_dir, name);
    const bool is = type == S_IFREG ? tw_look_executable(look, path) : tw_look_is(look, path, type);
    free(path);
    return is;
}

static void look_at_qmail(const struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    struct tw_path paths[TW_PATHS];
    tw_paths_find(paths, look->root, NULL, NULL);
    m->qmail_dir = tw_strdup(paths[TW_PATH_QMAIL].path);
    m->supervise_dir = tw_strdup(paths[TW_PATH_SUPERVISE].path);
    m->log_dir = tw_strdup(paths[TW_PATH_LOGS].path);
    tw_paths_clear(paths);
    /* A directory alone is not yet a qmail: services may lie below it, and nothing else. */
    m->inject = below_qmail(look, "bin/qmail-inject", S_IFREG);
    m->qmail = m->inject || below_qmail(look, "bin/qmail-send", S_IFREG) ||
               below_qmail(look, "control", S_IFDIR);
    m->alias_home = m->qmail && below_qmail(look, "alias", S_IFDIR);
    if (m->qmail)
        look_at_rcpthosts(look);
    for (const char *const *sendmail = tw_handover_sendmails; *sendmail && !m->sendmail; sendmail++)
        if (tw_look_executable(look, *sendmail))
            m->sendmail = tw_strdup(*sendmail);
}

/* ---- vpopmail ----------------------------------------------------------------------------- */

static bool take_home(const struct tw_look *look, const char *home)
{
    char *domains = tw_format("%s/domains", home);
    const bool is = home[0] == '/' && home[1] && tw_look_is(look, domains, S_IFDIR);
    if (is)
        look->machine->vpopmail = tw_strdup(home);
    free(domains);
    return is;
}

static void look_for_vpopmail(const struct tw_look *look)
{
    static const char *const places[] = {"/home/vpopmail", "/usr/local/vpopmail", "/var/vpopmail",
                                         "/var/lib/vpopmail"};
    char *home = tw_look_home(look, "vpopmail");
    bool found = home && take_home(look, home);
    free(home);
    for (size_t i = 0; i < TW_COUNT(places) && !found; i++)
        found = take_home(look, places[i]);
}

static void note_problem(void *context, const char *code, const char *text)
{
    struct tw_machine *m = context;
    (void)code;
    if (m->assign_problems.count < PROBLEMS_MAX)
        tw_strings_add(&m->assign_problems, text);
}

/* ---- file systems ------------------------------------------------------------------------- */

static void take_volume(const struct tw_look *look, const char *title, const char *path)
{
    struct tw_machine *m = look->machine;
    char *whole = tw_look_path(look, path);
    struct stat st;
    struct tw_volume volume;
    if (stat(whole, &st) != 0 || !S_ISDIR(st.st_mode)) {
        free(whole);
        return;
    }
    size_t i = 0;
    while (i < m->volume_count && m->volumes[i].device != st.st_dev)
        i++;
    struct tw_machine_volume *v = &m->volumes[i];
    if (i < m->volume_count) {
        if (strcmp(v->path, path) != 0 && v->also.count < PROBLEMS_MAX &&
            !tw_strings_has(&v->also, path))
            tw_strings_add(&v->also, path);
    } else if (i < TW_MACHINE_VOLUMES && tw_volume_read(whole, &volume, NULL) == 0 && volume.size) {
        /* One that does not tell its size cannot be watched for room. */
        *v = (struct tw_machine_volume){title, tw_strdup(path), {0}, st.st_dev};
        m->volume_count++;
    }
    free(whole);
}

static void take_domains(const struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    const struct tw_sources sources = {.vpopmail = m->vpopmail};
    struct tw_mail_owners owners;
    char *qmail = tw_look_path(look, m->qmail_dir);
    tw_mail_owners_read(&sources, qmail, m->hostname, &owners, note_problem, m);
    for (size_t i = 0; i < owners.count; i++)
        for (size_t k = 0; k < owners.items[i].domain_count; k++)
            if (m->domains++ < TW_MACHINE_DOMAINS)
                take_volume(look, "mail", owners.items[i].domains[k].dir);
    tw_mail_owners_free(&owners);
    free(qmail);
}

static void look_at_volumes(const struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    char *queue = tw_format("%s/queue", m->qmail_dir);
    take_volume(look, "var", "/var");
    if (m->qmail)
        take_volume(look, "queue", queue);
    free(queue);
    if (!m->vpopmail)
        return;
    char *domains = tw_format("%s/domains", m->vpopmail);
    take_volume(look, "mail", domains);
    free(domains);
    take_domains(look);
}

/* ---- all of it ---------------------------------------------------------------------------- */

void tw_machine_look(struct tw_machine *machine, const char *root, const char *proc_root)
{
    *machine = (struct tw_machine){0};
    struct tw_look look = {.machine = machine, .root = root, .proc_root = proc_root};
    struct tw_error e;
    if (tw_procs_read(&look.procs, proc_root, &e) != 0)
        machine->no_processes = tw_strdup(e.text);
    look_at_qmail(&look);
    look_at_names(&look);
    look_for_vpopmail(&look);
    look_at_volumes(&look);
    tw_look_services(&look);
    tw_look_processes(&look);
    tw_look_programs(&look);
    tw_look_readers(&look);
    char *home = tw_look_home(&look, "debian-spamd");
    machine->debian_spamd = home != NULL;
    free(home);
    tw_procs_free(&look.procs);
}

bool tw_machine_bare(const struct tw_machine *m)
{
    return !m->qmail && !m->vpopmail && m->service_count == 0 && m->process_count == 0;
}

static void free_reader(struct tw_machine_reader *reader)
{
    free(reader->address);
    free(reader->source);
    free(reader->why);
}

void tw_machine_free(struct tw_machine *m)
{
    for (size_t i = 0; i < m->service_count; i++) {
        free(m->services[i].name);
        free(m->services[i].log_dir);
    }
    for (size_t i = 0; i < m->program_count; i++)
        free(m->programs[i].path);
    for (size_t i = 0; i < m->process_count; i++)
        free(m->processes[i].user);
    for (size_t i = 0; i < m->volume_count; i++) {
        free(m->volumes[i].path);
        tw_strings_free(&m->volumes[i].also);
    }
    free_reader(&m->postmaster);
    free_reader(&m->root);
    tw_strings_free(&m->assign_problems);
    char *const texts[] = {m->hostname,          m->me,
                           m->qmail_dir,         m->supervise_dir,
                           m->log_dir,           m->sendmail,
                           m->vpopmail,          m->service_dir,
                           (char *)m->services,  (char *)m->programs,
                           (char *)m->processes, m->no_processes};
    for (size_t i = 0; i < TW_COUNT(texts); i++)
        free(texts[i]);
    *m = (struct tw_machine){0};
}
