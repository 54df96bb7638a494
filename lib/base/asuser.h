/* Another program, run with a user's rights and looked after: for jobs whose programs are the
 * admin's. Between us and it stands a child with that user's rights, which ends the program and all
 * that it began in its process group (TERM, and KILL five seconds later) at its deadline, and when
 * we are gone: so it does not matter how we end. Blocks; workers only. */
#ifndef TW_BASE_ASUSER_H
#define TW_BASE_ASUSER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct tw_asuser {
    char *const *argv; /* ends with NULL; argv[0] is a path */
    uid_t uid;         /* base/priv.h: its groups are `gid` alone, and root is refused, unless */
    gid_t gid;
    bool stay; /* it keeps our rights */
    const char *user, *home;
    int64_t max_ms;               /* its deadline */
    size_t output_max, tail_max;  /* base/program.h */
    void (*alive)(void *context); /* every second, while it runs */
    void *context;
};

/* It gets LOGNAME, USER, HOME, a PATH and nothing else, / as its directory, the umask 022, the
 * lowest priority, and nothing on its standard input. */
struct tw_asuser_end {
    bool run;   /* false: it could not be run, and `why` says why */
    bool late;  /* it was ended */
    int status; /* as of waitpid(2) */
    int64_t took_ms;
    struct tw_buf output; /* the caller frees it; may hold NULs */
    struct tw_error why;
};

/* -1 with an error: the rights could not be had, or the child was lost. */
int tw_asuser_run(const struct tw_asuser *what, struct tw_asuser_end *end, struct tw_error *e);

#endif
