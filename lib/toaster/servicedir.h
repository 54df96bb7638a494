/* Makes a service directory: run, and a log directory with a multilog. Whole or not at all: a new
 * one is made beside its place under a name with a dot, which svscan passes over, and renamed.
 * What is there already is completed, never removed. Blocks on the disk; as root. */
#ifndef TW_TOASTER_SERVICEDIR_H
#define TW_TOASTER_SERVICEDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strings.h"

struct tw_servicedir {
    const char *supervise; /* the directory below which it is made */
    const char *name;      /* no slash, no dot first */
    const char *log_root;  /* its log goes to LOG_ROOT/NAME */
    const char *log_user;  /* who writes the log, unless that directory is somebody's; NULL: us */
    const char *run;       /* text of its run file; NULL: a skeleton that starts nothing */
    size_t run_length;
    bool force; /* replace a run file that differs; the old one is kept as run.DATE */
    time_t now;
};

/* 0: it is as it should be. 1: refused, for what is there is not ours to change, and nothing was
 * changed. -1: the system failed us, and what was made by this call is gone again. What was made or
 * found is appended to `said`, a sentence each; `e` says why not. */
int tw_servicedir_make(const struct tw_servicedir *wanted, struct tw_strings *said,
                       struct tw_error *e);

/* Could supervise run a file with this text? Pure. */
int tw_servicedir_check_run(const char *text, size_t length, struct tw_error *e);
/* The log's run file. Pure. */
void tw_servicedir_log_run(struct tw_buf *out, const char *name, const char *user, const char *dir);

#endif
