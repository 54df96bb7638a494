/* Another program, run to its end: an argument list, no shell, a clean environment, bounded output.
 * Blocks as long as the program runs, so only workers call this; whoever started the worker has a
 * deadline and then ends its whole process group, which the program stays in (unless it `outlives`
 * us): one that were in another would go on after the deadline. It dies with the worker, too, but
 * what it leaves running in the background does not, and is not waited for. */
#ifndef TW_BASE_PROGRAM_H
#define TW_BASE_PROGRAM_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strings.h"

/* Where programs without a slash in their name are looked for: /command is daemontools' own. */
#define TW_PROGRAM_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/command"

struct tw_program {
    char *const *argv;             /* ends with NULL */
    int in;                        /* its standard input; -1: /dev/null */
    const struct tw_strings *more; /* "NAME=value" beside PATH, LOGNAME=root and HOME=/, which it
                                      may set anew; NULL: none */
    size_t output_max;             /* bytes kept of what it writes to its output and errors */
    size_t tail_max;               /* of what is beyond that the last so many bytes are kept, too,
                                      behind a line that says how much is left out */
    /* What must not be interrupted, for it would leave half of its work in its files: it goes on to
     * its end when we die, in a session of its own, where no signal to our process group reaches it
     * nor one for a reader that is gone; it keeps the descriptor `keep` (if not 0) open till then,
     * and has as much address space as it likes. */
    bool outlives;
    int keep;
    bool group; /* in a process group of its own, which as a whole is ended with it */
    /* Called some twenty times a second while it runs. False: no longer; it gets TERM, and KILL
     * five seconds later. NULL: for ever. */
    bool (*wait)(void *context, pid_t pid);
    void *context;
};

/* 0: it has ended: *status is as of waitpid(2), and `output` (empty at first; the caller frees it)
 * holds the beginning of what it said. -1: it could not be run, or was no longer waited for, and
 * the error says why. */
int tw_program_run(const struct tw_program *program, int *status, struct tw_buf *output,
                   struct tw_error *e);

/* Appends "exit 0", "exit 111: what it said", "killed by signal 9 (Killed): ...". */
void tw_program_describe(int status, const struct tw_buf *output, struct tw_buf *out);

#endif
