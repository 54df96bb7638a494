/* toasterctl service up, down, restart, rotate: tells supervise, and waits until it shows. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl/service.h"
#include "ctl/term.h"
#include "toaster/multilog.h"
#include "toaster/supervise_order.h"

enum { LIMIT_S = CTL_SERVICE_LIMIT_MS / 1000 };

/* One order, from the letters to what came of it. */
struct giving {
    const struct ctl_services *places;
    const char *doing; /* "restart" of "cannot restart smtp: ..." */
    struct ctl_service service;
    struct tw_supervise_status before, now;
    struct tw_status_mark mark; /* of the status before */
    bool noticed, gone;         /* supervise wrote its status anew; it is not there any more */
    struct tw_error e;
};

/* No permission and the like are the system's; no supervise is the service's. */
static int code_of(int why)
{
    return why == ENXIO || why == ENOENT || why == EAGAIN || why == EINVAL ? CTL_FAILED
                                                                           : CTL_SYSTEM;
}

static int complain(const struct giving *g, int code, const char *why)
{
    ctl_complain("cannot %s %s: %s", g->doing, g->service.name, why);
    return code;
}

/* The status before the order. */
static int begin(struct giving *g, const char *name)
{
    const int found = ctl_service_find(g->places, g->doing, name, &g->service);
    if (found != CTL_OK)
        return found;
    const int running = tw_supervise_running(g->service.path, &g->e);
    if (running < 0)
        return complain(g, CTL_SYSTEM, g->e.text);
    if (!running) {
        char *why = tw_format("supervise is not running in %s%s", g->service.path,
                              g->service.linked ? "" : ", which is not linked");
        complain(g, CTL_FAILED, why);
        free(why);
        return CTL_FAILED;
    }
    g->mark = tw_status_mark_of(g->service.path);
    if (tw_supervise_read(g->service.path, &g->before, &g->e) != 0)
        return complain(g, CTL_SYSTEM, g->e.text);
    g->now = g->before;
    return CTL_OK;
}

static int send_letters(struct giving *g, const char *letters)
{
    if (tw_supervise_send(g->service.path, letters, &g->e) == 0)
        return CTL_OK;
    return complain(g, code_of(errno), g->e.text);
}

static void put_state(struct tw_buf *out, const struct giving *g)
{
    ctl_service_describe(out, &g->now, ctl_service_normally_up(g->service.path), time(NULL));
}

/* Until the order shows, or the limit. */
static enum tw_order_step wait_for_it(struct giving *g, enum tw_order_goal goal, int64_t up_ms)
{
    const int64_t since_ms = tw_clock_ms();
    struct tw_order order = tw_order_begin(goal, &g->before, up_ms, since_ms);
    enum tw_order_step step = TW_ORDER_WAITS;
    struct ctl_progress progress;
    ctl_progress_begin(&progress, "%s: waiting until it shows", g->service.name);
    while (step == TW_ORDER_WAITS && tw_clock_ms() - since_ms < CTL_SERVICE_LIMIT_MS) {
        ctl_service_pause(CTL_SERVICE_LOOK_MS);
        g->noticed |= !tw_status_mark_equal(g->mark, tw_status_mark_of(g->service.path));
        /* What it was before does not count: it may not have read its fifo yet. */
        if (tw_supervise_read(g->service.path, &g->now, &g->e) == 0 && g->noticed)
            step = tw_order_see(&order, &g->now, tw_clock_ms());
        ctl_progress_show(&progress);
        g->gone = tw_supervise_running(g->service.path, NULL) == 0;
        if (g->gone)
            break;
    }
    ctl_progress_end(&progress);
    return step;
}

/* The last line of its log, which mostly says why it ended. */
static void put_last_words(struct tw_buf *out, const struct giving *g)
{
    struct tw_buf tail = {0};
    char *dir = g->service.log ? NULL : tw_multilog_find(g->service.base_dir, g->places->log, NULL);
    if (dir && tw_multilog_tail_as_owner(dir, 1, &tail, NULL) == 0 && tail.len) {
        tail.data[--tail.len] = '\0';
        tw_buf_printf(out, "; last in its log: %s", tail.data);
    }
    tw_buf_free(&tail);
    free(dir);
}

/* What was not reached in time, and why, as far as it shows. */
static int say_late(const struct giving *g, enum tw_order_goal goal)
{
    struct tw_buf why = {0}, state = {0};
    put_state(&state, g);
    if (g->gone)
        tw_buf_puts(&why, "supervise has ended meanwhile");
    else if (!g->noticed)
        tw_buf_printf(
            &why,
            "supervise takes no notice for %d s: is it stopped? It will obey when it goes "
            "on (%s)",
            LIMIT_S, tw_buf_text(&state));
    else if (goal == TW_ORDER_DOWN)
        tw_buf_printf(&why, "still up after %d s: it may be at work yet, or take no TERM (%s)",
                      LIMIT_S, tw_buf_text(&state));
    else if (goal == TW_ORDER_RESTARTED && g->now.pid && g->now.pid == g->before.pid)
        tw_buf_printf(&why,
                      "the same process is up after %d s: it may be at work yet, or take no TERM "
                      "(%s)",
                      LIMIT_S, tw_buf_text(&state));
    else
        tw_buf_printf(&why, "not up for good after %d s (%s)", LIMIT_S, tw_buf_text(&state));
    complain(g, CTL_FAILED, tw_buf_text(&why));
    tw_buf_free(&why);
    tw_buf_free(&state);
    return CTL_FAILED;
}

static int say_ends_at_once(const struct giving *g)
{
    struct tw_buf why = {0};
    tw_buf_puts(&why, "it ends at once, and supervise starts it again every second (");
    put_state(&why, g);
    tw_buf_puts(&why, ")");
    put_last_words(&why, g);
    complain(g, CTL_FAILED, tw_buf_text(&why));
    tw_buf_free(&why);
    return CTL_FAILED;
}

static void say_state(const struct giving *g, const char *before)
{
    struct tw_buf state = {0};
    put_state(&state, g);
    ctl_service_print("%s: %s%s", g->service.name, before, tw_buf_text(&state));
    tw_buf_free(&state);
}

/* What the next boot will make of it. */
static void say_boot(const struct giving *g)
{
    const bool normally_up = ctl_service_normally_up(g->service.path);
    if (g->now.pid && !normally_up)
        ctl_service_print("%s: it will be down again at the next boot, for there is a file %s/down",
                          g->service.name, g->service.path);
    if (!g->now.pid && normally_up)
        ctl_service_print("%s: it will be up again at the next boot, for there is no file %s/down",
                          g->service.name, g->service.path);
}

/* Sends the letters and tells what came of them. `news` stands before the state, if all went well.
 */
static int obey(struct giving *g, const char *letters, enum tw_order_goal goal, const char *news)
{
    const int64_t up_ms = tw_supervise_up_ms(&g->before, tw_clock_wall_ns());
    const int sent = send_letters(g, letters);
    if (sent != CTL_OK)
        return sent;
    const enum tw_order_step step = wait_for_it(g, goal, up_ms);
    if (step == TW_ORDER_ENDS_AT_ONCE)
        return say_ends_at_once(g);
    if (step != TW_ORDER_DONE)
        return say_late(g, goal);
    say_state(g, news);
    say_boot(g);
    return CTL_OK;
}

int ctl_service_up(const struct ctl_services *places, const char *name)
{
    struct giving g = {.places = places, .doing = "bring up"};
    int result = begin(&g, name);
    if (result == CTL_OK) {
        const bool leaving = g.before.pid && g.before.want == 'd';
        const bool paused = g.before.pid && g.before.paused;
        result = obey(&g, g.before.paused ? "uc" : "u", TW_ORDER_UP,
                      leaving        ? "it was told to stop and may end yet; then supervise "
                                       "starts it again: "
                      : paused       ? "was paused, now "
                      : g.before.pid ? "was up already: "
                                     : "");
    }
    ctl_service_free(&g.service);
    return result;
}

int ctl_service_down(const struct ctl_services *places, const char *name)
{
    struct giving g = {.places = places, .doing = "bring down"};
    int result = begin(&g, name);
    if (result == CTL_OK)
        result = obey(&g, "d", TW_ORDER_DOWN, g.before.pid ? "" : "was down already: ");
    if (result == CTL_OK && g.service.log)
        ctl_service_print("%s: nobody reads what %s writes now; it will wait when 64 kB of it have "
                          "come together",
                          g.service.name, g.service.base);
    ctl_service_free(&g.service);
    return result;
}

/* TERM, and that it comes again also where it was wanted down or paused. c comes last, for a paused
 * process takes no TERM. */
int ctl_service_restart(const struct ctl_services *places, const char *name)
{
    struct giving g = {.places = places, .doing = "restart"};
    int result = begin(&g, name);
    if (result == CTL_OK && g.before.pid) {
        char *news = tw_format("was pid %d, now ", (int)g.before.pid);
        result = obey(&g, "utc", TW_ORDER_RESTARTED, news);
        free(news);
    } else if (result == CTL_OK) {
        result = obey(&g, "u", TW_ORDER_UP, "was down, now ");
    }
    ctl_service_free(&g.service);
    return result;
}

/* ---- rotate -------------------------------------------------------------------------------- */

struct rotating {
    char *dir;
    int fd;
    struct stat before; /* of current */
    char *name;         /* what it is called now; NULL: not seen */
    off_t finished;     /* its size then */
};

/* 1: the log was rotated. */
static int is_rotated(struct rotating *r)
{
    struct stat now, file;
    if (fstatat(r->fd, "current", &now, AT_SYMLINK_NOFOLLOW) != 0 ||
        (now.st_ino == r->before.st_ino && now.st_size >= r->before.st_size))
        return 0;
    const int again = openat(r->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = again < 0 ? NULL : fdopendir(again);
    for (const struct dirent *entry; dir && (entry = readdir(dir));)
        if (!r->name && entry->d_name[0] == '@' &&
            fstatat(r->fd, entry->d_name, &file, AT_SYMLINK_NOFOLLOW) == 0 &&
            file.st_ino == r->before.st_ino) {
            r->name = tw_strdup(entry->d_name);
            r->finished = file.st_size; /* it may have grown meanwhile */
        }
    if (dir)
        closedir(dir);
    else if (again >= 0)
        close(again);
    return 1;
}

static int rotate(struct giving *g, struct rotating *r)
{
    char *why = NULL;
    int result = send_letters(g, "a");
    const int64_t since_ms = tw_clock_ms();
    int done = 0;
    if (result != CTL_OK)
        return result;
    struct ctl_progress progress;
    ctl_progress_begin(&progress, "%s: waiting for its multilog", g->service.base);
    while (!done && tw_clock_ms() - since_ms < CTL_SERVICE_LIMIT_MS) {
        ctl_service_pause(CTL_SERVICE_LOOK_MS);
        done = is_rotated(r);
        ctl_progress_show(&progress);
    }
    ctl_progress_end(&progress);
    if (done && r->name) {
        ctl_service_print("%s: %lld bytes are in %s/%s now", g->service.base,
                          (long long)r->finished, r->dir, r->name);
    } else if (done) {
        ctl_service_print("%s: %s/current is emptied; its processor has the %lld bytes, or it has "
                          "no more files to keep",
                          g->service.base, r->dir, (long long)r->before.st_size);
    } else {
        why = tw_format("multilog has not rotated %s for %d s: it may be stopped, wait for its "
                        "disk, or be no multilog",
                        r->dir, LIMIT_S);
        result = complain(g, CTL_FAILED, why);
    }
    free(why);
    return result;
}

/* The log's supervise gets the letter; where the log is, its run file says. */
static int begin_rotating(struct giving *g, struct rotating *r, const char *name)
{
    if (!ctl_service_name_valid(g->doing, name, false))
        return CTL_USAGE;
    char *log = tw_format("%s/log", name);
    const int result = begin(g, log);
    free(log);
    if (result != CTL_OK)
        return result;
    if (!g->before.pid)
        return complain(g, CTL_FAILED, "its multilog is down");
    if (g->before.paused)
        return complain(g, CTL_FAILED, "its multilog is paused");
    r->dir = tw_multilog_find(g->service.base_dir, g->places->log, &g->e);
    if (!r->dir)
        return complain(g, CTL_FAILED, g->e.text);
    r->fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (r->fd >= 0 && fstatat(r->fd, "current", &r->before, AT_SYMLINK_NOFOLLOW) == 0)
        return CTL_OK;
    const int code = errno == ENOENT ? CTL_FAILED : CTL_SYSTEM;
    char *why = tw_format("cannot look at %s/current: %s", r->dir, strerrordesc_np(errno));
    complain(g, code, why);
    free(why);
    return code;
}

int ctl_service_rotate(const struct ctl_services *places, const char *name)
{
    struct giving g = {.places = places, .doing = "rotate"};
    struct rotating r = {.fd = -1};
    int result = begin_rotating(&g, &r, name);
    if (result == CTL_OK && r.before.st_size == 0)
        ctl_service_print("%s: %s/current is empty: there is nothing to rotate", name, r.dir);
    else if (result == CTL_OK)
        result = rotate(&g, &r);
    if (r.fd >= 0)
        close(r.fd);
    free(r.dir);
    free(r.name);
    ctl_service_free(&g.service);
    return result;
}
