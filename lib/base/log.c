/* The log: escaped lines, a ring for what the pipe does not take. Knows nothing of the loop:
 * whoever owns it watches the descriptor and calls tw_log_flush. */
#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/escape.h"
#include "base/mem.h"

/* All that waits is ring.data from `start` on, whole lines but for the first, of which a part may
 * have been written (to a file or terminal; a pipe takes a line whole). */
struct tw_log {
    int fd;
    bool verbose;
    bool refused; /* the last write failed outright */
    struct tw_buf ring;
    size_t start, ring_bytes;
    uint64_t lost; /* lines since the last one in the ring, not told yet */
};

static const char *const words[] = {
    [TW_LOG_START] = "START", [TW_LOG_STATUS] = "STATUS", [TW_LOG_OK] = "OK",
    [TW_LOG_WARN] = "WARN",   [TW_LOG_FAIL] = "FAIL",     [TW_LOG_UNKNOWN] = "UNKNOWN",
    [TW_LOG_DONE] = "DONE",   [TW_LOG_MAIL] = "MAIL",     [TW_LOG_RELOAD] = "RELOAD",
    [TW_LOG_STOP] = "STOP",   [TW_LOG_DEBUG] = "DEBUG"};

struct tw_log *tw_log_new(int fd, size_t ring_bytes)
{
    struct tw_log *log = tw_alloc(sizeof *log);
    log->fd = fd;
    log->ring_bytes = ring_bytes > (size_t)2 * TW_LOG_LINE ? ring_bytes : (size_t)2 * TW_LOG_LINE;
    return log;
}

void tw_log_free(struct tw_log **log)
{
    if (!*log)
        return;
    tw_buf_free(&(*log)->ring);
    free(*log);
    *log = NULL;
}

void tw_log_verbose(struct tw_log *log, bool on)
{
    log->verbose = on;
}

static size_t pending(const struct tw_log *log)
{
    return log->ring.len - log->start;
}

static void add_loss(const struct tw_log *log, struct tw_buf *out)
{
    if (log->lost)
        tw_buf_printf(out, "WARN log: %" PRIu64 " line%s lost while the log took nothing\n",
                      log->lost, log->lost == 1 ? "" : "s");
}

/* Puts a line into the ring, and before it, where it belongs, the count of those that are
 * missing there. */
static void queue(struct tw_log *log, const struct tw_buf *line)
{
    struct tw_buf both = {0};
    add_loss(log, &both);
    tw_buf_add(&both, tw_buf_text(line), line->len);
    if (pending(log) + both.len > log->ring_bytes) {
        log->lost++;
    } else {
        if (log->ring.len + both.len > log->ring_bytes) {
            tw_buf_consume(&log->ring, log->start);
            log->start = 0;
        }
        tw_buf_add(&log->ring, both.data, both.len);
        log->lost = 0;
    }
    tw_buf_free(&both);
}

/* Writes one line. A pipe for which poll says POLLOUT has room for PIPE_BUF bytes (pipe(7)), so
 * that the write does not block. False: not now. */
static bool write_one(struct tw_log *log)
{
    struct pollfd p = {.fd = log->fd, .events = POLLOUT};
    if (poll(&p, 1, 0) <= 0)
        return false;
    if (!(p.revents & POLLOUT)) { /* closed or broken: poll would say so again and again */
        log->refused = true;
        return false;
    }
    const char *line = log->ring.data + log->start;
    const char *end = memchr(line, '\n', pending(log));
    const ssize_t n = write(log->fd, line, (size_t)(end - line) + 1);
    if (n < 0) {
        log->refused = errno != EAGAIN && errno != EINTR;
        return false;
    }
    log->start += (size_t)n;
    return true;
}

bool tw_log_flush(struct tw_log *log)
{
    static const struct tw_buf nothing = {0};
    log->refused = false;
    for (;;) {
        if (pending(log) == 0) {
            tw_buf_clear(&log->ring);
            log->start = 0;
            if (log->lost == 0)
                return false;
            queue(log, &nothing);
        }
        if (!write_one(log))
            return tw_log_waiting(log);
    }
}

bool tw_log_waiting(const struct tw_log *log)
{
    return pending(log) > 0 && !log->refused;
}

void tw_log_line(struct tw_log *log, enum tw_log_word word, const char *subject, const char *format,
                 ...)
{
    if (log->fd < 0 || (word == TW_LOG_DEBUG && !log->verbose))
        return;
    struct tw_buf raw = {0};
    tw_buf_printf(&raw, "%s %s: ", words[word], subject);
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&raw, format, args);
    va_end(args);

    struct tw_buf line = {0};
    tw_escape(&line, raw.data, raw.len, TW_ESCAPE_LINE, TW_LOG_LINE - sizeof "..." /* and \n */);
    tw_buf_puts(&line, "\n");
    tw_log_flush(log); /* first, so that nothing is lost to a ring that could have been emptied */
    queue(log, &line);
    tw_log_flush(log);
    tw_buf_free(&raw);
    tw_buf_free(&line);
}
