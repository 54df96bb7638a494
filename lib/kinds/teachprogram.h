/* What the backends that run a program have in common. */
#ifndef TW_KINDS_TEACHPROGRAM_H
#define TW_KINDS_TEACHPROGRAM_H

#include <sys/types.h>

#include "base/program.h"
#include "kinds/teacher.h"

/* A file in memory that has no name and vanishes with its last descriptor. Of the user whose rights
 * we have. -1 with a failure. */
int tw_teach_memory(struct tw_teacher_failure *failure);
/* What it holds from now on. */
int tw_teach_fill(int fd, const void *bytes, size_t length, struct tw_teacher_failure *failure);

/* Runs it, with the user's name and home in its environment and `in` as its standard input. It may
 * take as long as it likes while it works: only max_time_ms without any processor time end it. When
 * we die it goes on to its end, for a filter that is interrupted counts wrong (tried: sa-learn, by
 * TERM, counts some messages twice); it keeps the lock till then, so that no other run begins.
 * 0: *status as of waitpid(2), what it
 * said in *said (the caller frees it). -1 with a failure. */
int tw_teach_run(const struct tw_teacher_setup *setup, const struct tw_strings *argv, int in,
                 int *status, struct tw_buf *said, struct tw_teacher_failure *failure);

/* -1 with a failure: it ended so. The first line that it said stands in it, then `advice`. */
int tw_teach_failed(const char *what, const char *user, int status, const struct tw_buf *said,
                    const char *advice, struct tw_teacher_failure *failure);

#endif
