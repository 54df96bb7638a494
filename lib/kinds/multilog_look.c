/* Kind `multilog`, the main aspect: does multilog run on the directory, and if not, how did it end?
 * Knows how its files look in each state (restart(), fullcurrent() and c_quit() in multilog.c
 * 0.76); never takes the lock, which would end a multilog that starts in that moment. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/units.h"
#include "kinds/multilog_parts.h"
#include "toaster/locks.h"

enum {
    STEP_MS = 50,
    START_MS = 1500, /* supervise starts again within a second what ended (supervise.c) */
    ROTATE_MS = 500, /* multilog itself is between two states for far less */
    ENDED_S = 3      /* what ended longer ago supervise will not start again */
};

struct tw_multilog_file tw_multilog_file(int at, const char *name)
{
    struct tw_multilog_file file = {0};
    if (fstatat(at, name, &file.st, AT_SYMLINK_NOFOLLOW) != 0)
        file.why = errno;
    return file;
}

static void look_once(const struct tw_run *run, struct tw_multilog *look)
{
    look->current = tw_multilog_file(look->at, "current");
    look->lock = tw_multilog_file(look->at, "lock");
    look->previous = tw_multilog_file(look->at, "previous");
    look->holder.pid = 0;
    look->held = 0;
    if (look->lock.why == 0 && S_ISREG(look->lock.st.st_mode)) {
        pid_t pid = 0;
        look->held =
            tw_lock_holder(run->places->proc_root, &look->lock.st, &pid, &look->held_error);
        /* In a container it may be a pid that is not ours to see: held is held. */
        if (pid > 0 && tw_proc_read(run->places->proc_root, pid, &look->holder) != 0)
            look->holder.pid = 0;
    } else if (look->lock.why != 0 && look->lock.why != ENOENT) {
        look->held = tw_fail(&look->held_error, "cannot look at %s/lock: %s", look->path,
                             strerrordesc_np(look->lock.why));
    }
}

bool tw_multilog_is_file(const struct tw_multilog_file *file)
{
    return file->why == 0 && S_ISREG(file->st.st_mode);
}

static bool has_ended(const struct tw_multilog *look)
{
    return look->current.st.st_mode & S_IXUSR; /* what multilog itself asks for at a start */
}

/* How long what is wrong may have been so and yet be right in a moment; 0: it will stay. A
 * rotation renames current before it makes the next, a start takes the lock before it sets the
 * mode, supervise starts again what has ended. */
static int patience_ms(const struct tw_run *run, const struct tw_multilog *look, bool was_down)
{
    const bool gone = look->current.why == ENOENT;
    if ((!gone && !tw_multilog_is_file(&look->current)) || look->held < 0 ||
        (look->lock.why == 0 && !tw_multilog_is_file(&look->lock)))
        return 0;
    if (look->held == 1)
        return gone || has_ended(look) ? ROTATE_MS : 0;
    const bool long_ago =
        !gone && has_ended(look) && run->now_s - look->current.st.st_ctim.tv_sec > ENDED_S;
    return was_down || long_ago ? 0 : START_MS;
}

void tw_multilog_look(const struct tw_run *run, struct tw_multilog *look, bool was_down)
{
    const struct timespec step = {.tv_nsec = STEP_MS * 1000000L};
    look_once(run, look);
    for (int ms = 0; ms < patience_ms(run, look, was_down); ms += STEP_MS) {
        nanosleep(&step, NULL);
        look_once(run, look);
    }
}

/* ---- the main aspect ---------------------------------------------------------------------- */

static void judge_running(const struct tw_run *run, struct tw_multilog *look)
{
    const int pid = (int)look->holder.pid;
    char *who = pid ? tw_format("multilog (pid %d)", pid) : tw_strdup("multilog");
    if (look->holder.state == 'T' && pid) {
        tw_report(run, TW_LEVEL_FAIL, "", "stopped",
                  "%s on %s is stopped: what writes to it will stop, too", who, look->path);
    } else if (look->current.why == ENOENT) {
        tw_report(run, TW_LEVEL_FAIL, "", "no-current",
                  "%s runs on %s, but there is no current: it cannot make one, or somebody has "
                  "removed it and it waits for it",
                  who, look->path);
    } else {
        look->runs = true;
        if (has_ended(look))
            tw_report(
                run, TW_LEVEL_FAIL, "", "mode",
                "%s runs on %s, but current has mode %04o: it is just about to end and cannot, "
                "or somebody has changed the mode",
                who, look->path, look->current.st.st_mode & 07777);
        else
            tw_report(run, TW_LEVEL_OK, "", "ok", "%s runs", who);
    }
    free(who);
}

static void judge_down(const struct tw_run *run, const struct tw_multilog *look)
{
    const bool gone = look->current.why == ENOENT;
    if (look->lock.why == ENOENT && (gone || !has_ended(look))) {
        /* Whoever empties the directory leaves multilog with files nobody else can see. */
        tw_report(run, TW_LEVEL_FAIL, "", "no-lock",
                  "there is %s in %s: no multilog runs there, or somebody has removed its files",
                  gone ? "neither lock nor current" : "no lock", look->path);
    } else if (gone) {
        tw_report(run, TW_LEVEL_FAIL, "", "not-running",
                  "no multilog runs on %s, and there is no current", look->path);
    } else if (has_ended(look)) {
        const int64_t ago_s = run->now_s - look->current.st.st_ctim.tv_sec;
        tw_report(run, TW_LEVEL_FAIL, "", "ended",
                  "no multilog runs on %s: it has ended, %s ago (current has mode %04o)",
                  look->path, tw_duration_show(ago_s > 0 ? ago_s : 0).text,
                  look->current.st.st_mode & 07777);
    } else {
        tw_report(run, TW_LEVEL_FAIL, "", "not-running",
                  "no multilog runs on %s: it was killed or has crashed (current has mode %04o, "
                  "and nobody holds lock)",
                  look->path, look->current.st.st_mode & 07777);
    }
}

void tw_multilog_main(const struct tw_run *run, struct tw_multilog *look)
{
    if (look->current.why != 0 && look->current.why != ENOENT)
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "cannot look at %s/current: %s",
                  look->path, strerrordesc_np(look->current.why));
    else if (look->current.why == 0 && !tw_multilog_is_file(&look->current))
        tw_report(run, TW_LEVEL_FAIL, "", "no-file", "%s/current is no regular file", look->path);
    else if (look->lock.why == 0 && !tw_multilog_is_file(&look->lock))
        tw_report(run, TW_LEVEL_FAIL, "", "no-file", "%s/lock is no regular file", look->path);
    else if (look->held < 0)
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", look->held_error.text);
    else if (look->held == 1)
        judge_running(run, look);
    else
        judge_down(run, look);
}
