/* The log: lines on standard error for multilog. Two rules shape it. A line is at most 4096
 * bytes (PIPE_BUF), so that a pipe takes it whole or not at all. And the pipe may be full
 * (multilog stops reading when its disk is full), and it is shared with supervise, so it must
 * not be made O_NONBLOCK: a line is written only while poll says the descriptor takes it; else
 * it waits in a bounded ring, and what the ring cannot hold is counted and told later. */
#ifndef TW_BASE_LOG_H
#define TW_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

#define TW_LOG_LINE 4096

enum tw_log_word {
    TW_LOG_START,
    TW_LOG_STATUS,
    TW_LOG_OK,
    TW_LOG_WARN,
    TW_LOG_FAIL,
    TW_LOG_UNKNOWN,
    TW_LOG_DONE,
    TW_LOG_MAIL,
    TW_LOG_RELOAD,
    TW_LOG_STOP,
    TW_LOG_DEBUG
};

struct tw_log;

/* Writes to `fd`, which stays the caller's; keeps up to `ring_bytes` (at least two lines) while it
 * takes nothing. With fd -1 nothing is written (tests, toasterctl). The process must ignore
 * SIGPIPE. */
struct tw_log *tw_log_new(int fd, size_t ring_bytes);
void tw_log_free(struct tw_log **log);

void tw_log_verbose(struct tw_log *log, bool on); /* DEBUG lines are dropped unless on */

/* One event: "WORD subject: text". The whole is escaped, cut at 4095 bytes and ended by a
 * newline. Never blocks. */
void tw_log_line(struct tw_log *log, enum tw_log_word word, const char *subject, const char *format,
                 ...) __attribute__((format(printf, 4, 5)));

/* Writes what waits, as far as the descriptor takes it. True while something still waits: the
 * caller then watches the descriptor for writing. False also after a failed write (ENOSPC, EPIPE):
 * what waits is kept and tried again with the next line. Never blocks. */
bool tw_log_flush(struct tw_log *log);
bool tw_log_waiting(const struct tw_log *log);

#endif
