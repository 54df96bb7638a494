/* Which directory svscan runs on, what is in it, and where the logs of that go. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "kinds/kind.h"
#include "setup/look.h"
#include "setup/paths.h"
#include "toaster/multilog.h"
#include "toaster/supervise_order.h"

/* ---- which directory ---------------------------------------------------------------------- */

static bool scanned(const struct tw_look *look, const char *dir)
{
    char *whole = tw_look_path(look, dir), state;
    pid_t pid;
    const bool found =
        tw_svscan_find(&look->procs, look->proc_root, whole, &pid, &state, NULL) == 1;
    free(whole);
    return found;
}

/* The directory of the only svscan of root's; NULL: none or several, or it cannot be told. */
static char *only_scanned(const struct tw_look *look)
{
    const struct tw_proc *only = NULL;
    for (size_t i = 0; i < look->procs.count; i++) {
        const struct tw_proc *proc = &look->procs.items[i];
        uid_t uid;
        if (!tw_svscan_is(proc) || tw_proc_uid(look->proc_root, proc->pid, &uid) != 0 || uid != 0)
            continue;
        if (only)
            return NULL;
        only = proc;
    }
    if (!only)
        return NULL;
    /* svscan works in the directory that it scans. */
    char *cwd = tw_format("%s/%d/cwd", look->proc_root, (int)only->pid);
    char *target = tw_link_read(cwd), *dir = NULL;
    const size_t prefix = strlen(look->root);
    if (target && strncmp(target, look->root, prefix) == 0 && target[prefix] == '/' &&
        target[prefix + 1] && tw_look_is(look, target + prefix, S_IFDIR))
        dir = tw_strdup(target + prefix);
    free(target);
    free(cwd);
    return dir;
}

static void find_directory(const struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    for (const char *const *place = tw_path_services; *place && !m->svscan_there; place++) {
        const bool there = tw_look_is(look, *place, S_IFDIR);
        m->svscan_there = there && scanned(look, *place);
        if (m->svscan_there || (there && !m->service_dir)) {
            free(m->service_dir);
            m->service_dir = tw_strdup(*place);
        }
    }
    if (!m->service_dir) {
        m->service_dir = only_scanned(look);
        m->svscan_there = m->service_dir != NULL;
    }
    m->service = m->service_dir != NULL;
    if (!m->service)
        m->service_dir = tw_strdup(tw_path_services[0]);
}

/* ---- what is in it ------------------------------------------------------------------------ */

/* In order of names, so that the same machine is told the same. */
static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct tw_machine_service *)a)->name,
                  ((const struct tw_machine_service *)b)->name);
}

static void look_at_service(const struct tw_look *look, struct tw_machine_service *s)
{
    char *path = tw_format("%s/%s", look->machine->service_dir, s->name);
    char *whole = tw_look_path(look, path);
    unsigned faults = 0;
    s->good_name = tw_title_valid(s->name);
    if (tw_service_test(whole, true, &faults, NULL) == 0) {
        s->no_run = faults & TW_SERVICE_NO_RUN;
        s->down_file = faults & TW_SERVICE_DOWN_FILE;
        s->has_log = !(faults & (TW_SERVICE_NO_DIR | TW_SERVICE_NO_LOG));
    }
    if (s->has_log)
        s->log_dir = tw_multilog_script_dir(look->root, path);
    free(whole);
    free(path);
}

static void read_directory(const struct tw_look *look, DIR *dir)
{
    struct tw_machine *m = look->machine;
    m->services = tw_alloc(TW_MACHINE_SERVICES * sizeof *m->services);
    for (const struct dirent *entry; (entry = readdir(dir));) {
        struct stat st;
        if (entry->d_name[0] == '.' || fstatat(dirfd(dir), entry->d_name, &st, 0) != 0 ||
            !S_ISDIR(st.st_mode))
            continue;
        m->more_services = m->service_count == TW_MACHINE_SERVICES;
        if (m->more_services)
            break;
        m->services[m->service_count++] = (struct tw_machine_service){
            .name = tw_strdup(entry->d_name), .device = st.st_dev, .inode = st.st_ino};
    }
    qsort(m->services, m->service_count, sizeof *m->services, by_name);
    for (size_t i = 0; i < m->service_count; i++)
        look_at_service(look, &m->services[i]);
}

void tw_look_services(struct tw_look *look)
{
    find_directory(look);
    char *whole = tw_look_path(look, look->machine->service_dir);
    DIR *dir = opendir(whole);
    free(whole);
    if (!dir)
        return;
    read_directory(look, dir);
    closedir(dir);
}
