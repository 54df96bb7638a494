/* pidfds and inotify. Knows nothing of what the owners are. */
#include "watcher/watches.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/mem.h"
#include "toaster/procfs.h"

struct pid_entry {
    struct pid_entry *next;
    struct tw_watch_set *set;
    pid_t pid;
    uint64_t start_ticks;
    int fd; /* -1: it was gone when we came */
    struct tw_watch *watch;
    struct tw_timer *gone;
    bool wanted;
};

struct dir_entry {
    struct dir_entry *next;
    char *directory, *name; /* name NULL: all that comes and goes */
    int wd;
    bool wanted;
};

struct tw_watch_set {
    struct tw_watch_set *next;
    struct tw_watches *owner;
    void *context;
    struct pid_entry *pids;
    struct dir_entry *dirs;
};

struct tw_watches {
    struct tw_loop *loop;
    char *proc_root;
    void (*fired)(void *owner);
    struct tw_watch_set *sets;
    int inotify;           /* -1: there is none to be had */
    size_t pids, pids_max; /* descriptors; the rest of them is for workers */
    struct tw_watch *watch;
};

/* ---- processes ---------------------------------------------------------------------------- */

static void pid_free(struct pid_entry *entry)
{
    tw_watch_free(&entry->watch);
    tw_timer_free(&entry->gone);
    if (entry->fd >= 0) {
        close(entry->fd);
        entry->set->owner->pids--;
    }
    free(entry);
}

static void pid_ended(void *context)
{
    struct pid_entry *entry = context;
    struct tw_watch_set *set = entry->set;
    /* It stays readable for ever: once is enough. The run that follows drops the entry. */
    tw_watch_free(&entry->watch);
    set->owner->fired(set->context);
}

/* Opens the pidfd, then makes sure that the pid did not change hands in between. */
static int open_pid(const struct tw_watches *w, pid_t pid, uint64_t start_ticks)
{
    const int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct tw_proc now;
    if (fd >= 0 && (tw_proc_read(w->proc_root, pid, &now) != 0 || now.start_ticks != start_ticks)) {
        close(fd);
        errno = ESRCH;
        return -1;
    }
    return fd;
}

void tw_watch_set_pid(struct tw_watch_set *set, pid_t pid, uint64_t start_ticks)
{
    for (struct pid_entry *entry = set->pids; entry; entry = entry->next)
        if (entry->pid == pid && entry->start_ticks == start_ticks) {
            entry->wanted = true;
            return;
        }
    if (set->owner->pids >= set->owner->pids_max)
        return; /* the schedule alone looks after it */
    const int fd = open_pid(set->owner, pid, start_ticks);
    if (fd < 0 && errno != ESRCH)
        return;
    struct pid_entry *entry = tw_alloc(sizeof *entry);
    *entry = (struct pid_entry){.next = set->pids,
                                .set = set,
                                .pid = pid,
                                .start_ticks = start_ticks,
                                .fd = fd,
                                .wanted = true};
    set->pids = entry;
    set->owner->pids += fd >= 0;
    if (fd >= 0) {
        entry->watch = tw_watch_new(set->owner->loop, fd, TW_LOOP_READ, pid_ended, entry);
    } else {
        entry->gone = tw_timer_new(set->owner->loop, pid_ended, entry);
        tw_timer_set(entry->gone, 0);
    }
}

/* ---- directories -------------------------------------------------------------------------- */

static bool wd_used(const struct tw_watches *w, int wd)
{
    for (const struct tw_watch_set *set = w->sets; set; set = set->next)
        for (const struct dir_entry *entry = set->dirs; entry; entry = entry->next)
            if (entry->wd == wd)
                return true;
    return false;
}

/* Two entries of one directory share its watch. */
static void drop_wd(struct tw_watches *w, int wd)
{
    if (wd >= 0 && !wd_used(w, wd))
        inotify_rm_watch(w->inotify, wd);
}

static void dir_free(struct tw_watches *w, struct dir_entry *entry)
{
    const int wd = entry->wd;
    entry->wd = -1;
    drop_wd(w, wd);
    free(entry->directory);
    free(entry->name);
    free(entry);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void tw_watch_set_dir(struct tw_watch_set *set, const char *directory, const char *name)
{
    struct tw_watches *w = set->owner;
    if (w->inotify < 0)
        return;
    struct dir_entry *entry = set->dirs;
    while (entry && !(strcmp(entry->directory, directory) == 0 && same_text(entry->name, name)))
        entry = entry->next;
    if (!entry) {
        entry = tw_alloc(sizeof *entry);
        *entry = (struct dir_entry){.next = set->dirs,
                                    .directory = tw_strdup(directory),
                                    .name = tw_strdup(name),
                                    .wd = -1};
        set->dirs = entry;
    }
    entry->wanted = true;
    /* supervise renames status.new to status; daemontools-encore writes it in place. Added anew at
     * each run: another directory may have taken its place. */
    const uint32_t mask = IN_MASK_ADD | IN_ONLYDIR | IN_CREATE | IN_MOVED_TO | IN_DELETE |
                          IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | (name ? IN_MODIFY : 0);
    const int before = entry->wd;
    entry->wd = inotify_add_watch(w->inotify, directory, mask);
    if (before != entry->wd)
        drop_wd(w, before);
}

static bool concerns(const struct dir_entry *entry, const struct inotify_event *event)
{
    if (event->mask & IN_Q_OVERFLOW)
        return true;
    if (entry->wd != event->wd)
        return false;
    if (event->mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF))
        return true;
    return !entry->name || (event->len && strcmp(entry->name, event->name) == 0);
}

static void handle_event(struct tw_watches *w, const struct inotify_event *event)
{
    for (struct tw_watch_set *set = w->sets, *next; set; set = next) {
        next = set->next;
        bool spoken = false;
        for (struct dir_entry *entry = set->dirs; entry; entry = entry->next) {
            if (!concerns(entry, event))
                continue;
            spoken = true;
            if (event->mask & IN_IGNORED)
                entry->wd = -1;
        }
        if (spoken)
            w->fired(set->context);
    }
}

static void inotify_ready(void *context)
{
    struct tw_watches *w = context;
    char buffer[8192] __attribute__((aligned(__alignof__(struct inotify_event))));
    const ssize_t length = read(w->inotify, buffer, sizeof buffer);
    for (ssize_t at = 0; at < length;) {
        const struct inotify_event *event = (const struct inotify_event *)(buffer + at);
        handle_event(w, event);
        at += (ssize_t)(sizeof *event + event->len);
    }
}

/* ---- sets --------------------------------------------------------------------------------- */

void tw_watch_set_begin(struct tw_watch_set *set)
{
    for (struct pid_entry *entry = set->pids; entry; entry = entry->next)
        entry->wanted = false;
    for (struct dir_entry *entry = set->dirs; entry; entry = entry->next)
        entry->wanted = false;
}

void tw_watch_set_end(struct tw_watch_set *set)
{
    for (struct pid_entry **link = &set->pids; *link;) {
        struct pid_entry *entry = *link;
        if (entry->wanted) {
            link = &entry->next;
        } else {
            *link = entry->next;
            pid_free(entry);
        }
    }
    for (struct dir_entry **link = &set->dirs; *link;) {
        struct dir_entry *entry = *link;
        if (entry->wanted) {
            link = &entry->next;
        } else {
            *link = entry->next;
            dir_free(set->owner, entry);
        }
    }
}

struct tw_watch_set *tw_watch_set_new(struct tw_watches *watches, void *owner)
{
    struct tw_watch_set *set = tw_alloc(sizeof *set);
    *set = (struct tw_watch_set){.next = watches->sets, .owner = watches, .context = owner};
    watches->sets = set;
    return set;
}

void tw_watch_set_free(struct tw_watch_set **set)
{
    if (!*set)
        return;
    tw_watch_set_begin(*set);
    tw_watch_set_end(*set);
    struct tw_watch_set **link = &(*set)->owner->sets;
    while (*link != *set) /* NOLINT(clang-analyzer-core.NullDereference): it is in its list */
        link = &(*link)->next;
    *link = (*set)->next;
    free(*set);
    *set = NULL;
}

/* Half of what the process may open, so that workers find their pipes. */
static size_t room_for_pids(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur == RLIM_INFINITY ? 65536 : (size_t)limit.rlim_cur / 2;
}

struct tw_watches *tw_watches_new(struct tw_loop *loop, const char *proc_root,
                                  void (*fired)(void *owner))
{
    struct tw_watches *w = tw_alloc(sizeof *w);
    w->loop = loop;
    w->proc_root = tw_strdup(proc_root);
    w->fired = fired;
    w->pids_max = room_for_pids();
    w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (w->inotify >= 0)
        w->watch = tw_watch_new(loop, w->inotify, TW_LOOP_READ, inotify_ready, w);
    return w;
}

void tw_watches_free(struct tw_watches **watches)
{
    struct tw_watches *w = *watches;
    if (!w)
        return;
    tw_watch_free(&w->watch);
    if (w->inotify >= 0)
        close(w->inotify);
    free(w->proc_root);
    free(w);
    *watches = NULL;
}
