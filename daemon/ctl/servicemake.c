/* toasterctl service create, link, unlink: a service's directory, and the link that svscan sees. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/onlyroot.h"
#include "ctl/service.h"
#include "ctl/term.h"
#include "toaster/servicedir.h"
#include "toaster/supervise_order.h"

enum {
    RUN_MAX = 1 << 20,
    SVSCAN_MS = 7000 /* svscan looks every five seconds */
};

/* ---- create -------------------------------------------------------------------------------- */

/* Who writes logs on this machine: the first is of qmail's installation, as are the services that
 * mail comes by; service/install makes the second. */
static const char *log_user(void)
{
    static const char *const users[] = {"qmaill", "toasterlog"};
    for (size_t i = 0; i < TW_COUNT(users); i++)
        if (getpwnam(users[i]))
            return users[i];
    return NULL;
}

static int read_run(const char *name, const char *file, char **text, size_t *length)
{
    struct tw_error e;
    if (tw_file_read(AT_FDCWD, file, RUN_MAX, text, length, &e) != 0) {
        ctl_complain("cannot create %s: %s", name, e.text);
        return CTL_USAGE;
    }
    if (tw_servicedir_check_run(*text, *length, &e) == 0)
        return CTL_OK;
    ctl_complain("cannot create %s: %s cannot be its run file: %s", name, file, e.text);
    return CTL_USAGE;
}

int ctl_service_create(const struct ctl_services *places, const char *name)
{
    const struct ctl *ctl = places->ctl;
    char *text = NULL;
    size_t length = 0;
    struct tw_strings said = {0};
    struct tw_error e = {""};
    if (!ctl_service_name_valid("create", name, false))
        return CTL_USAGE;
    int result = ctl->run_file ? read_run(name, ctl->run_file, &text, &length) : CTL_OK;
    if (result == CTL_OK) {
        const struct tw_servicedir wanted = {.supervise = places->supervise,
                                             .name = name,
                                             .log_root = places->log,
                                             .log_user = log_user(),
                                             .run = text,
                                             .run_length = length,
                                             .force = ctl->force,
                                             .now = time(NULL)};
        const int made = tw_servicedir_make(&wanted, &said, &e);
        result = made == 0 ? CTL_OK : made > 0 ? CTL_FAILED : CTL_SYSTEM;
        if (made != 0)
            ctl_complain("cannot create %s: %s", name, e.text);
    }
    for (size_t i = 0; i < said.count; i++)
        ctl_service_print("%s: %s", name, said.items[i]);
    char *link = tw_format("%s/%s", places->service, name);
    struct stat st;
    if (result == CTL_OK && lstat(link, &st) != 0)
        ctl_service_print("%s: svscan runs it after: toasterctl service link %s", name, name);
    free(link);
    tw_strings_free(&said);
    free(text);
    return result;
}

/* ---- link ---------------------------------------------------------------------------------- */

struct linking {
    const struct ctl_services *places;
    const char *name;
    char *link, *target, *log; /* SERVICE/NAME, SUPERVISE/NAME, SERVICE/NAME/log */
};

static struct linking linking_of(const struct ctl_services *places, const char *name)
{
    return (struct linking){.places = places,
                            .name = name,
                            .link = tw_format("%s/%s", places->service, name),
                            .target = tw_format("%s/%s", places->supervise, name),
                            .log = tw_format("%s/%s/log", places->service, name)};
}

static void free_linking(struct linking *l)
{
    free(l->link);
    free(l->target);
    free(l->log);
}

/* Is there anything that supervise could run? */
static int check_target(const struct linking *l)
{
    unsigned faults;
    struct tw_error e;
    if (tw_service_test(l->target, true, &faults, &e) != 0) {
        ctl_complain("cannot link %s: %s", l->name, e.text);
        return CTL_SYSTEM;
    }
    if (faults & TW_SERVICE_NO_DIR) {
        ctl_complain("cannot link %s: there is no directory %s; toasterctl service create %s makes "
                     "one",
                     l->name, l->target, l->name);
        return CTL_USAGE;
    }
    if (faults & (TW_SERVICE_NO_RUN | TW_SERVICE_RUN_NOT_EXEC)) {
        ctl_complain("cannot link %s: %s/run is not there or not executable", l->name, l->target);
        return CTL_FAILED;
    }
    if (!(faults & TW_SERVICE_NO_LOG) &&
        faults & (TW_SERVICE_NO_LOG_RUN | TW_SERVICE_LOG_RUN_NOT_EXEC)) {
        ctl_complain("cannot link %s: %s/log/run is not there or not executable", l->name,
                     l->target);
        return CTL_FAILED;
    }
    return CTL_OK;
}

/* svscan is root's, and so is what it runs: nobody else may choose it. */
static int check_rights(const struct linking *l)
{
    static const char *const runs[] = {"run", "log/run"};
    struct stat st;
    struct tw_error e = {""};
    bool gone;
    int result = 0;
    if (geteuid() != 0)
        return CTL_OK;
    for (size_t i = 0; i < TW_COUNT(runs) && result == 0; i++) {
        char *path = tw_format("%s/%s", l->target, runs[i]);
        result = tw_onlyroot_check(path, &gone, &e) == 0 || gone ? 0 : -1;
        free(path);
    }
    /* Who may make files there makes a log/run, also where the sticky bit keeps those that are. */
    if (result == 0 && stat(l->target, &st) == 0 && st.st_mode & (S_IWGRP | S_IWOTH))
        result = tw_fail(&e, "others than root may write to %s, and so choose what is run as root",
                         l->target);
    if (result == 0)
        return CTL_OK;
    ctl_complain("cannot link %s: %s", l->name, e.text);
    return CTL_FAILED;
}

/* CTL_OK: it is linked, and that was said. */
static int make_link(const struct linking *l)
{
    struct stat own, there;
    if (lstat(l->link, &there) != 0 && errno == ENOENT) {
        if (symlink(l->target, l->link) == 0) {
            ctl_service_print("%s: made the link %s to %s", l->name, l->link, l->target);
            return CTL_OK;
        }
        const int code = errno == ENOENT || errno == EEXIST ? CTL_FAILED : CTL_SYSTEM;
        ctl_complain("cannot link %s: cannot make %s: %s%s", l->name, l->link,
                     strerrordesc_np(errno), errno == ENOENT ? "; where does svscan run?" : "");
        return code;
    }
    if (lstat(l->link, &there) != 0) {
        ctl_complain("cannot link %s: cannot look at %s: %s", l->name, l->link,
                     strerrordesc_np(errno));
        return CTL_SYSTEM;
    }
    if (stat(l->link, &there) == 0 && stat(l->target, &own) == 0 && there.st_dev == own.st_dev &&
        there.st_ino == own.st_ino) {
        ctl_service_print("%s: %s leads to %s already", l->name, l->link, l->target);
        return CTL_OK;
    }
    char *to = tw_link_read(l->link);
    if (to)
        ctl_complain("cannot link %s: %s is a link to %s", l->name, l->link, to);
    else
        ctl_complain("cannot link %s: %s is there, and is no link", l->name, l->link);
    free(to);
    return CTL_FAILED;
}

/* supervise writes its first status before it starts anything. */
static bool all_run(const struct linking *l, bool log)
{
    struct tw_supervise_status status;
    return tw_supervise_running(l->link, NULL) == 1 &&
           tw_supervise_read(l->link, &status, NULL) == 0 && (status.pid || status.want != 'u') &&
           (!log || tw_supervise_running(l->log, NULL) == 1);
}

static void say_running(const struct linking *l, bool log)
{
    struct tw_buf state = {0};
    struct tw_supervise_status status;
    struct tw_error e;
    if (tw_supervise_read(l->link, &status, &e) == 0)
        ctl_service_describe(&state, &status, ctl_service_normally_up(l->link), time(NULL));
    else
        tw_buf_puts(&state, e.text);
    ctl_service_print("%s: supervise runs%s: %s", l->name, log ? ", and its log's, too" : "",
                      tw_buf_text(&state));
    if (!ctl_service_normally_up(l->link))
        ctl_service_print("%s: there is a file %s/down, so it is not started; toasterctl service "
                          "up %s starts it until the next boot",
                          l->name, l->target, l->name);
    tw_buf_free(&state);
}

/* Who would start it, and whether it does. */
static int wait_for_svscan(const struct linking *l, bool log)
{
    pid_t pid = 0;
    char state = 0;
    struct tw_error e;
    const int64_t since_ms = tw_clock_ms();
    struct tw_procs procs = {0};
    int found = tw_procs_read(&procs, "/proc", &e);
    if (found == 0)
        found = tw_svscan_find(&procs, "/proc", l->places->service, &pid, &state, &e);
    tw_procs_free(&procs);
    if (found < 0) {
        ctl_complain("cannot tell whether svscan runs: %s", e.text);
        return CTL_SYSTEM;
    }
    if (!found && geteuid() != 0) {
        ctl_service_print("%s: only root sees whether an svscan runs on %s", l->name,
                          l->places->service);
        return CTL_OK;
    }
    if (!found) {
        ctl_service_print("%s: no svscan runs on %s; it will start with the next one", l->name,
                          l->places->service);
        return CTL_OK;
    }
    struct ctl_progress progress;
    ctl_progress_begin(&progress, "%s: waiting for svscan, which looks every five seconds",
                       l->name);
    while (!all_run(l, log) && tw_clock_ms() - since_ms < SVSCAN_MS) {
        ctl_progress_show(&progress);
        ctl_service_pause(CTL_SERVICE_LOOK_MS);
    }
    ctl_progress_end(&progress);
    if (all_run(l, log)) {
        say_running(l, log);
        return CTL_OK;
    }
    ctl_complain("cannot start %s: it is linked, but svscan (pid %d%s) has not started %s in %d s",
                 l->name, (int)pid, state == 'T' ? ", which is stopped" : "",
                 tw_supervise_running(l->link, NULL) == 1 ? "its log" : "it", SVSCAN_MS / 1000);
    return CTL_FAILED;
}

int ctl_service_link(const struct ctl_services *places, const char *name)
{
    if (!ctl_service_name_valid("link", name, false))
        return CTL_USAGE;
    struct linking l = linking_of(places, name);
    struct stat st;
    int result = check_target(&l);
    if (result == CTL_OK)
        result = check_rights(&l);
    if (result == CTL_OK)
        result = make_link(&l);
    if (result == CTL_OK) {
        const bool has_log = stat(l.log, &st) == 0 && S_ISDIR(st.st_mode);
        const bool sticky = stat(l.link, &st) == 0 && st.st_mode & S_ISVTX;
        if (has_log && !sticky)
            ctl_complain("%s has a log, but no sticky bit: svscan does not start its log; chmod +t "
                         "%s",
                         name, l.target);
        result = wait_for_svscan(&l, has_log && sticky);
    }
    free_linking(&l);
    return result;
}

/* ---- unlink -------------------------------------------------------------------------------- */

/* Tells it and its supervise to end, and waits. 0: it is gone, or was not there; else said. */
static int end_supervise(const char *name, const char *part, const char *path)
{
    struct tw_error e;
    const int64_t since_ms = tw_clock_ms();
    int running = tw_supervise_running(path, &e);
    if (running == 0)
        return CTL_OK;
    if (running < 0 || tw_supervise_send(path, "dx", &e) != 0) {
        if (running > 0 && errno == ENXIO)
            return CTL_OK;
        const int code = running > 0 && errno == EAGAIN ? CTL_FAILED : CTL_SYSTEM;
        ctl_complain("cannot stop %s%s: %s", name, part, e.text);
        return code;
    }
    struct ctl_progress progress;
    ctl_progress_begin(&progress, "%s%s: waiting until it has ended", name, part);
    while ((running = tw_supervise_running(path, &e)) == 1 &&
           tw_clock_ms() - since_ms < CTL_SERVICE_LIMIT_MS) {
        ctl_progress_show(&progress);
        ctl_service_pause(CTL_SERVICE_LOOK_MS);
    }
    ctl_progress_end(&progress);
    if (running == 0) {
        ctl_service_print("%s%s: it has ended, and so has its supervise", name, part);
        return CTL_OK;
    }
    struct tw_supervise_status status;
    struct tw_buf state = {0};
    if (running < 0 || tw_supervise_read(path, &status, &e) != 0)
        tw_buf_puts(&state, e.text);
    else
        ctl_service_describe(&state, &status, ctl_service_normally_up(path), time(NULL));
    ctl_complain("cannot stop %s%s: it is there after %d s, though told to end: it may be at work "
                 "yet, or its supervise be stopped (%s)",
                 name, part, CTL_SERVICE_LIMIT_MS / 1000, tw_buf_text(&state));
    tw_buf_free(&state);
    return CTL_FAILED;
}

/* The log last, so that the service's last words are kept. */
static int end_both(const struct linking *l, const char *dir)
{
    char *log = tw_format("%s/log", dir), *own = realpath(l->target, NULL);
    char *real = realpath(dir, NULL);
    int result = end_supervise(l->name, "", dir);
    if (result == CTL_OK)
        result = end_supervise(l->name, "/log", log);
    else if (tw_supervise_running(log, NULL) != 1)
        ;
    else if (own && real && strcmp(own, real) == 0)
        ctl_complain("its log goes on meanwhile; when it has ended: toasterctl service unlink %s",
                     l->name);
    else
        ctl_complain("its log goes on meanwhile; when it has ended: svc -dx %s", log);
    free(log);
    free(own);
    free(real);
    return result;
}

/* The link is removed first, or svscan would start it anew: the way of daemontools' own FAQ. */
static int remove_link(const struct linking *l)
{
    char *to = tw_link_read(l->link);
    if (!to) {
        ctl_complain("cannot unlink %s: %s is no link: only links are removed", l->name, l->link);
        return CTL_FAILED;
    }
    char *dir = realpath(l->link, NULL);
    int result = CTL_OK;
    if (unlink(l->link) != 0) {
        ctl_complain("cannot unlink %s: cannot remove %s: %s", l->name, l->link,
                     strerrordesc_np(errno));
        result = CTL_SYSTEM;
    } else {
        ctl_service_print("%s: removed the link %s to %s", l->name, l->link, to);
        if (dir)
            result = end_both(l, dir);
        else
            ctl_service_print("%s: it led nowhere", l->name);
    }
    free(dir);
    free(to);
    return result;
}

int ctl_service_unlink(const struct ctl_services *places, const char *name)
{
    if (!ctl_service_name_valid("unlink", name, false))
        return CTL_USAGE;
    struct linking l = linking_of(places, name);
    struct stat st;
    int result;
    if (lstat(l.link, &st) == 0) {
        result = remove_link(&l);
    } else if (errno != ENOENT) {
        ctl_complain("cannot unlink %s: cannot look at %s: %s", name, l.link,
                     strerrordesc_np(errno));
        result = CTL_SYSTEM;
    } else if (stat(l.target, &st) != 0) {
        ctl_complain("cannot unlink %s: there is no such service in %s, nor in %s", name,
                     places->service, places->supervise);
        result = CTL_USAGE;
    } else {
        const bool runs = tw_supervise_running(l.target, NULL) != 0;
        ctl_service_print("%s: it is not linked%s", name, runs ? "" : ", and no supervise runs");
        result = end_both(&l, l.target);
    }
    free_linking(&l);
    return result;
}
