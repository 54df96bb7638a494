/* Services as supervise keeps them. Knows the files of a service directory; knows nothing of what
 * a service should be doing. Formats: supervise.c and svstat.c of daemontools 0.76, the status
 * files of daemontools-encore, runit (runsv.c) and s6 (s6-supervise.h). */
#include "toaster/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/tai64n.h"

enum {
    STATUS_FIELDS = 18, /* what all that are read here have in common */
    STATUS_MAX = 4096,  /* more is read only to say how much it is */
    PID_LIMIT = 1 << 22 /* proc(5), pid_max */
};
enum { YEAR_1990_S = 631152000 };

static int check_size(size_t length, struct tw_error *e)
{
    switch (length) {
    case 18: /* daemontools */
    case 20: /* runit, daemontools-encore */
    case 40: /* daemontools-encore with a log */
        return 0;
    case 26:
    case 35:
    case 43:
        return tw_fail(e, "status has %zu bytes: that is s6's format, not daemontools'", length);
    default:
        return tw_fail(e, "status has %zu bytes, not 18 (daemontools) or 20 or 40 (encore, runit)",
                       length);
    }
}

static uint64_t big_endian(const unsigned char *bytes, size_t length)
{
    uint64_t n = 0;
    for (size_t i = 0; i < length; i++)
        n = n << 8 | bytes[i];
    return n;
}

int tw_supervise_parse(const unsigned char *bytes, size_t length, struct tw_supervise_status *out,
                       struct tw_error *e)
{
    if (check_size(length, e) != 0)
        return -1;
    const uint64_t tai = big_endian(bytes, 8), ns = big_endian(bytes + 8, 4);
    /* Labels from 2^63 on are reserved, which also keeps the difference within 63 bits. */
    if (tai < TW_TAI_OFFSET + YEAR_1990_S || tai > INT64_MAX || ns > 999999999)
        return tw_fail(e, "status is garbled: no time since 1990 in it");
    const uint32_t pid = (uint32_t)bytes[12] | (uint32_t)bytes[13] << 8 |
                         (uint32_t)bytes[14] << 16 | (uint32_t)bytes[15] << 24;
    if (pid > PID_LIMIT)
        return tw_fail(e, "status is garbled: no process has the number %" PRIu32, pid);
    const unsigned char want = bytes[17];
    if (want != 0 && want != 'u' && want != 'd')
        return tw_fail(e, "status is garbled: want is byte 0x%02x, not u or d", want);
    *out = (struct tw_supervise_status){.changed_s = (int64_t)(tai - TW_TAI_OFFSET),
                                        .changed_ns = (uint32_t)ns,
                                        .pid = (pid_t)pid,
                                        .paused = bytes[16] != 0,
                                        .want = (char)want};
    return 0;
}

int tw_supervise_read(const char *service, struct tw_supervise_status *out, struct tw_error *e)
{
    char *path = tw_format("%s/supervise/status", service);
    char *bytes = NULL;
    size_t length = 0;
    int result = tw_file_read(AT_FDCWD, path, STATUS_MAX, &bytes, &length, e);
    int why = errno;
    struct tw_error inner;
    if (result == 0) {
        result = tw_supervise_parse((const unsigned char *)bytes, length, out, &inner);
        why = EBADMSG;
        if (result != 0)
            (void)tw_fail(e, "cannot use %s: %s", path, inner.text);
    }
    free(bytes);
    free(path);
    errno = why;
    return result;
}

int tw_supervise_running(const char *service, struct tw_error *e)
{
    char *path = tw_format("%s/supervise/ok", service);
    int result = 0;
    const int fd = open(path, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
    struct stat st;
    if (fd >= 0)
        result = fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode);
    else if (errno != ENXIO && errno != ENOENT && errno != ENOTDIR && errno != EISDIR)
        result = tw_fail_errno(e, "cannot open %s", path);
    if (fd >= 0)
        close(fd);
    free(path);
    return result;
}

/* 1 and the mode: it is there. 0: it is not. -1: cannot look. */
static int look_at(const char *service, const char *name, mode_t *mode, struct tw_error *e)
{
    char *path = tw_format("%s%s", service, name);
    struct stat st;
    int result = 1;
    if (stat(path, &st) == 0)
        *mode = st.st_mode;
    else if (errno == ENOENT || errno == ENOTDIR)
        result = 0;
    else
        result = tw_fail_errno(e, "cannot look at %s", path);
    free(path);
    return result;
}

/* The faults of one directory, the service's or its log's: run, executable, down. supervise runs
 * as root, whom any x bit lets execute. */
static int test_run(const char *service, const char *run, const char *down, const unsigned fault[3],
                    unsigned *faults, struct tw_error *e)
{
    mode_t mode = 0;
    const int has_run = look_at(service, run, &mode, e);
    if (has_run < 0)
        return -1;
    if (!has_run || !S_ISREG(mode))
        *faults |= fault[0];
    else if (!(mode & 0111))
        *faults |= fault[1];
    const int has_down = look_at(service, down, &mode, e);
    if (has_down > 0)
        *faults |= fault[2];
    return has_down < 0 ? -1 : 0;
}

int tw_service_test(const char *service, bool with_log, unsigned *faults, struct tw_error *e)
{
    static const unsigned own[3] = {TW_SERVICE_NO_RUN, TW_SERVICE_RUN_NOT_EXEC,
                                    TW_SERVICE_DOWN_FILE};
    static const unsigned log[3] = {TW_SERVICE_NO_LOG_RUN, TW_SERVICE_LOG_RUN_NOT_EXEC,
                                    TW_SERVICE_LOG_DOWN_FILE};
    mode_t mode = 0;
    *faults = 0;
    int there = look_at(service, "", &mode, e);
    if (there < 0)
        return -1;
    if (!there || !S_ISDIR(mode)) {
        *faults = TW_SERVICE_NO_DIR;
        return 0;
    }
    if (test_run(service, "/run", "/down", own, faults, e) != 0)
        return -1;
    if (!with_log)
        return 0;
    there = look_at(service, "/log", &mode, e);
    if (there < 0)
        return -1;
    if (!there || !S_ISDIR(mode)) {
        *faults |= TW_SERVICE_NO_LOG;
        return 0;
    }
    return test_run(service, "/log/run", "/log/down", log, faults, e);
}

/* In the order in which svstat finds and says it. */
static void put_state(struct tw_buf *out, const struct tw_supervise_status *status,
                      bool normally_up, int64_t now_s)
{
    const int64_t for_s = now_s > status->changed_s ? now_s - status->changed_s : 0;
    if (status->pid)
        tw_buf_printf(out, "up (pid %d) ", (int)status->pid);
    else
        tw_buf_puts(out, "down ");
    tw_buf_printf(out, "%" PRId64 " seconds", for_s);
    if (status->pid && !normally_up)
        tw_buf_puts(out, ", normally down");
    if (!status->pid && normally_up)
        tw_buf_puts(out, ", normally up");
    if (status->pid && status->paused)
        tw_buf_puts(out, ", paused");
    if (!status->pid && status->want == 'u')
        tw_buf_puts(out, ", want up");
    if (status->pid && status->want == 'd')
        tw_buf_puts(out, ", want down");
}

void tw_supervise_svstat(const char *service, struct tw_buf *out, int64_t now_s)
{
    struct tw_error e;
    struct tw_supervise_status status = {0};
    unsigned faults;
    tw_buf_printf(out, "%s: ", service);
    if (tw_service_test(service, false, &faults, &e) != 0) {
        tw_buf_puts(out, e.text);
        return;
    }
    const int running = tw_supervise_running(service, &e);
    if (running == 0)
        tw_buf_puts(out,
                    faults & TW_SERVICE_NO_DIR ? "no such directory" : "supervise not running");
    else if (running < 0 || tw_supervise_read(service, &status, &e) != 0)
        tw_buf_puts(out, e.text);
    else
        put_state(out, &status, !(faults & TW_SERVICE_DOWN_FILE), now_s);
}
