/* Processes, from /proc/PID/stat and status alone: reading those never waits for the process
 * (cmdline can: it takes the memory lock). Source: proc(5). */
#ifndef TW_TOASTER_PROCFS_H
#define TW_TOASTER_PROCFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

#define TW_COMM_MAX 15 /* bytes of comm that the kernel keeps */

struct tw_proc {
    pid_t pid, parent;          /* parent 0: none that we see */
    char state;                 /* 'Z' and 'X' are dead */
    char comm[TW_COMM_MAX + 1]; /* as it is: may hold spaces, brackets, newlines */
    uint64_t start_ticks;       /* since boot; with pid the identity of a process */
};

/* All processes of one moment. Threads are not listed, kernel threads are. */
struct tw_procs {
    struct tw_proc *items; /* sorted by pid */
    size_t count;
};

/* One pass over `root` ("/proc"). A process that ends meanwhile is left out. */
int tw_procs_read(struct tw_procs *procs, const char *root, struct tw_error *e);
void tw_procs_free(struct tw_procs *procs);
const struct tw_proc *tw_procs_find(const struct tw_procs *procs, pid_t pid);

/* Parses the text of a stat file. Pure. -1: not such a text. */
int tw_proc_parse_stat(const char *text, size_t length, struct tw_proc *proc);

/* One process as it is now. -1 if there is none; errno ENOENT or ESRCH then. */
int tw_proc_read(const char *root, pid_t pid, struct tw_proc *proc);

/* The effective uid, from status. -1 if the process is gone. */
int tw_proc_uid(const char *root, pid_t pid, uid_t *uid);

/* Its effective group, then the others, from status; at most `max` (of very many the kernel's text
 * may be cut, and the last are left out). -1 if the process is gone. */
int tw_proc_groups(const char *root, pid_t pid, gid_t *groups, size_t max, size_t *count);

/* The basename of argv[0], from cmdline, without a leading '-' (login shells) and without what
 * follows ": " (sshd, postgres rewrite it). MAY BLOCK with the process: workers only. */
int tw_proc_argv0(const char *root, pid_t pid, char *name, size_t size);

/* Seconds since the process began, from start_ticks and `root`/uptime; -1 if unknown. */
int64_t tw_proc_age_s(const char *root, const struct tw_proc *proc);

#endif
