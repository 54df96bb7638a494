/* Programs that teach. */
#include "kinds/teachprogram.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"

enum { SAID_MAX = 1024 * 1024, ALIVE_MS = 1000, STAT_MAX = 4096 };

int tw_teach_memory(struct tw_teacher_failure *failure)
{
    const int fd = memfd_create("toaster-watcher", MFD_CLOEXEC);
    if (fd < 0)
        return tw_teacher_fail(failure, "failed", "cannot get memory for messages: %s",
                               strerrordesc_np(errno));
    return fd;
}

int tw_teach_fill(int fd, const void *bytes, size_t length, struct tw_teacher_failure *failure)
{
    if (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0 &&
        tw_write_all(fd, bytes, length) == 0 && lseek(fd, 0, SEEK_SET) == 0)
        return 0;
    return tw_teacher_fail(failure, "failed", "cannot keep messages in memory: %s",
                           strerrordesc_np(errno));
}

struct watch {
    const struct tw_teacher_setup *setup;
    int64_t ticks, worked_ms, told_ms;
};

/* Of the process, in clock ticks: fields 14 and 15 of proc(5) stat. */
static int64_t ticks_of(pid_t pid)
{
    char path[64], *text;
    size_t length;
    unsigned long long user = 0, system = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    if (tw_file_read(AT_FDCWD, path, STAT_MAX, &text, &length, NULL) != 0)
        return -1;
    const char *behind = strrchr(text, ')');
    if (!behind || sscanf(behind, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &user,
                          &system) != 2)
        user = system = 0;
    free(text);
    return (int64_t)(user + system);
}

static bool wait_for(void *context, pid_t pid)
{
    struct watch *w = context;
    const int64_t now_ms = tw_clock_ms();
    if (now_ms - w->told_ms < ALIVE_MS)
        return true;
    const int64_t ticks = ticks_of(pid);
    if (ticks != w->ticks) {
        w->ticks = ticks;
        w->worked_ms = now_ms;
    }
    w->told_ms = now_ms;
    w->setup->alive(w->setup->context);
    return now_ms - w->worked_ms < w->setup->max_time_ms;
}

int tw_teach_run(const struct tw_teacher_setup *setup, const struct tw_strings *argv, int in,
                 int *status, struct tw_buf *said, struct tw_teacher_failure *failure)
{
    const int64_t now_ms = tw_clock_ms();
    struct watch watch = {.setup = setup, .ticks = -1, .worked_ms = now_ms, .told_ms = now_ms};
    struct tw_strings more = {0};
    struct tw_error e;
    char **arguments = tw_alloc((argv->count + 1) * sizeof *arguments);
    char *lines[] = {tw_format("HOME=%s", setup->home), tw_format("LOGNAME=%s", setup->user),
                     tw_format("USER=%s", setup->user), tw_strdup("LC_ALL=C")};
    for (size_t i = 0; i < TW_COUNT(lines); i++) {
        tw_strings_add(&more, lines[i]);
        free(lines[i]);
    }
    for (size_t i = 0; i < argv->count; i++)
        arguments[i] = argv->items[i];
    const struct tw_program program = {.argv = arguments,
                                       .in = in,
                                       .more = &more,
                                       .output_max = SAID_MAX,
                                       .outlives = true,
                                       .keep = setup->lock,
                                       .wait = wait_for,
                                       .context = &watch};
    const int result = tw_program_run(&program, status, said, &e);
    tw_strings_free(&more);
    free(arguments);
    if (result == 0)
        return 0;
    const bool late = strstr(e.text, "took too long") != NULL;
    return tw_teacher_fail(failure, late ? "timeout" : "down",
                           late ? "%s (it stood still for so long as max_time says)" : "%s",
                           e.text);
}

int tw_teach_failed(const char *what, const char *user, int status, const struct tw_buf *said,
                    const char *advice, struct tw_teacher_failure *failure)
{
    struct tw_buf line = {0}, text = {0};
    tw_buf_add(&line, tw_buf_text(said), strcspn(tw_buf_text(said), "\r\n"));
    tw_program_describe(status, &line, &text);
    tw_teacher_fail(failure, "failed", "%s, run as %s: %.250s%s", what, user, tw_buf_text(&text),
                    advice);
    tw_buf_free(&line);
    tw_buf_free(&text);
    return -1;
}
