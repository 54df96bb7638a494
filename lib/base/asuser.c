/* A program with a user's rights. What the child says to us: a dot for each second that the program
 * runs, and then "N" and why it could not be run, or "E", three numbers and what the program said.
 * The child is the user's, who could end it and write what he likes: so nothing of it is believed
 * further than that. */
#include "base/asuser.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/gentle.h"
#include "base/mem.h"
#include "base/priv.h"
#include "base/program.h"

enum {
    ALIVE_MS = 1000,
    LOST_MS = 60 * 1000, /* without a sign of the child */
    HEADER_MAX = 1024,
    DIGITS_MAX = 20
};

struct watch {
    const struct tw_asuser *what;
    pid_t parent;
    int fd;
    int64_t began_ms, told_ms;
    bool late;
};

/* As a program's `wait`. */
static bool wait_for(void *context, pid_t pid)
{
    struct watch *w = context;
    const int64_t now_ms = tw_clock_ms();
    (void)pid;
    if (getppid() != w->parent)
        return false;
    if (now_ms - w->told_ms >= ALIVE_MS) {
        w->told_ms = now_ms;
        tw_write_all(w->fd, ".", 1);
    }
    w->late = now_ms - w->began_ms >= w->what->max_ms;
    return !w->late;
}

/* The bounds of a worker are for what it does itself. */
static void raise_limits(void)
{
    struct rlimit space;
    tw_gentle();
    if (getrlimit(RLIMIT_AS, &space) == 0) {
        space.rlim_cur = space.rlim_max;
        (void)setrlimit(RLIMIT_AS, &space);
    }
}

static struct tw_strings environment_of(const struct tw_asuser *what)
{
    struct tw_strings list = {0};
    char *lines[] = {tw_format("HOME=%s", what->home), tw_format("LOGNAME=%s", what->user),
                     tw_format("USER=%s", what->user)};
    for (size_t i = 0; i < TW_COUNT(lines); i++) {
        tw_strings_add(&list, lines[i]);
        free(lines[i]);
    }
    return list;
}

/* In the child, with the user's rights. */
static int supervise(void *context, int fd, struct tw_error *e)
{
    struct watch *w = context;
    const struct tw_asuser *what = w->what;
    struct tw_strings more = environment_of(what);
    struct tw_buf said = {0}, answer = {0};
    int status = 0;
    /* We must outlive our parent, to end the program, so no signal to its group may reach us. Who
     * ends us ends the program: it dies with us. */
    (void)setpgid(0, 0);
    (void)prctl(PR_SET_PDEATHSIG, 0);
    (void)umask(022);
    if (chdir("/") != 0)
        return tw_fail_errno(e, "cannot change to /");
    raise_limits();
    w->fd = fd;
    w->began_ms = w->told_ms = tw_clock_ms();
    const struct tw_program program = {.argv = what->argv,
                                       .in = -1,
                                       .more = &more,
                                       .output_max = what->output_max,
                                       .tail_max = what->tail_max,
                                       .group = true,
                                       .wait = wait_for,
                                       .context = w};
    if (tw_program_run(&program, &status, &said, e) == 0 || w->late)
        tw_buf_printf(&answer, "E%d %d %" PRId64 "\n", w->late, status,
                      tw_clock_ms() - w->began_ms);
    else
        tw_buf_printf(&answer, "N%s", e->text);
    if (answer.data[0] == 'E')
        tw_buf_add(&answer, tw_buf_text(&said), said.len);
    const int result = tw_write_all(fd, answer.data, answer.len);
    tw_buf_free(&answer);
    tw_buf_free(&said);
    tw_strings_free(&more);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot tell how %s ended", what->argv[0]);
}

static int read_answer(const char *text, size_t length, struct tw_asuser_end *end,
                       struct tw_error *e)
{
    const char *at = text + strspn(text, "."), *behind = strchr(at, '\n');
    int late = 0, status = 0;
    if (*at == 'N') {
        tw_fail(&end->why, "%s", at + 1);
        return 0;
    }
    if (!behind || behind - at > 3 * DIGITS_MAX ||
        sscanf(at, "E%d %d %" SCNd64 "\n", &late, &status, &end->took_ms) != 3)
        return tw_fail(e, "a child spoke nonsense");
    end->run = true;
    end->late = late != 0;
    end->status = status;
    behind++;
    tw_buf_add(&end->output, behind, length - (size_t)(behind - text));
    return 0;
}

int tw_asuser_run(const struct tw_asuser *what, struct tw_asuser_end *end, struct tw_error *e)
{
    struct watch w = {.what = what, .parent = getpid()};
    const struct tw_priv_task task = {.uid = what->uid,
                                      .gid = what->gid,
                                      .stay = what->stay,
                                      .work = supervise,
                                      .context = &w,
                                      .max = (size_t)(what->max_ms / ALIVE_MS) + what->output_max +
                                             what->tail_max + HEADER_MAX,
                                      .timeout_ms = LOST_MS,
                                      .beat = what->alive,
                                      .beat_context = what->context};
    char *text;
    size_t length;
    *end = (struct tw_asuser_end){0};
    if (tw_priv_run(&task, &text, &length, e) != 0)
        return -1;
    const int result =
        text ? read_answer(text, length, end, e) : tw_fail(e, "a child said nothing");
    free(text);
    return result;
}
