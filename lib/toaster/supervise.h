/* A supervised service as daemontools keep it: SERVICE/supervise/status and ok, and the six
 * tests of the old toaster_check. Formats: supervise.c of daemontools 0.76, encore, runit.
 * Everything here opens without blocking and reads a few bytes; the supervise directories are
 * root's and local, so the daemon's loop may call it. */
#ifndef TW_TOASTER_SUPERVISE_H
#define TW_TOASTER_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

struct tw_supervise_status {
    int64_t changed_s; /* Unix time of the last change of pid */
    uint32_t changed_ns;
    pid_t pid; /* 0: down */
    bool paused;
    char want; /* 'u', 'd' or 0 */
};

/* Parses the bytes of `status`: 18 (daemontools), 20 or 40 (encore, runit; the first 18 count).
 * Anything else, s6's formats among them, is refused with a sentence that says what it is.
 * A time before 1990 or a pid below 0 or over 2^22 is refused as garbled. Pure. */
int tw_supervise_parse(const unsigned char *bytes, size_t length, struct tw_supervise_status *out,
                       struct tw_error *e);

/* Reads and parses SERVICE/supervise/status. errno ENOENT: there is none; EBADMSG: it is not such
 * a file. */
int tw_supervise_read(const char *service, struct tw_supervise_status *out, struct tw_error *e);

/* Is a supervise there: 1 yes, 0 no (no fifo, or nobody reads it), -1 cannot look. */
int tw_supervise_running(const char *service, struct tw_error *e);

/* What is wrong with the directory, by the six tests; bits of one mask, 0 when all is well. */
enum tw_service_fault {
    TW_SERVICE_NO_DIR = 1,
    TW_SERVICE_NO_RUN = 2, /* no run, or no regular file */
    TW_SERVICE_RUN_NOT_EXEC = 4,
    TW_SERVICE_DOWN_FILE = 8,
    TW_SERVICE_NO_LOG = 16,
    TW_SERVICE_NO_LOG_RUN = 32,
    TW_SERVICE_LOG_RUN_NOT_EXEC = 64,
    TW_SERVICE_LOG_DOWN_FILE = 128
};
/* A missing directory or log directory hides the faults below it. Links are followed, as supervise
 * does. -1: could not look (permission, I/O); the error says where. */
int tw_service_test(const char *service, bool with_log, unsigned *faults, struct tw_error *e);

/* Appends the line that svstat(8) prints for it, without its newline:
 * "/service/x: up (pid 7) 12 seconds, want down". Where svstat says why it could not look, this
 * says so in our words. */
void tw_supervise_svstat(const char *service, struct tw_buf *out, int64_t now_s);

#endif
