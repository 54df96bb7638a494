/* Kind `multilog`: does multilog run on a directory, does it get on, and what has it left there?
 * It holds a lock on `lock` while it runs, gives `current` mode 744 when it ends in order, keeps
 * `previous` while it finishes a file, and names what an outage cut off with ".u" (restart(),
 * fullcurrent() and finish() in multilog.c 0.76). Nothing here is opened but the directory.
 *
 * Aspects: the main one (a multilog runs: multilog_look.c), writable and space (multilog_disk.c),
 * processor, files and, if asked for, silent. It remembers, for the directory of its settings,
 * whether multilog was down and the last cut off file it has told of. */
#include "kinds/multilog_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/owner.h"
#include "base/units.h"
#include "toaster/multilog.h"

enum { EVIDENCE_LINES = 20 };

struct settings {
    char *dir;
    int64_t silent, processor;
};

static const struct tw_option options[] = {
    {"dir", TW_OPT_PATH, offsetof(struct settings, dir)},
    {"silent", TW_OPT_DURATION, offsetof(struct settings, silent), .fallback = "never", .min = 1,
     .max = 365 * 86400},
    {"processor", TW_OPT_DURATION, offsetof(struct settings, processor), .fallback = "1m", .min = 1,
     .max = 365 * 86400},
    {NULL},
};

static char *dir_of(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    return s->dir ? tw_strdup(s->dir) : tw_format("%s/%s", run->places->log_dir, run->title);
}

/* ---- what is remembered: "DOWN SEEN PATH" ------------------------------------------------- */

#define SEEN_UNKNOWN "?" /* nobody has looked yet */
#define SEEN_NONE "-"

struct memory {
    bool down;                 /* it did not run at the last look */
    char seen[TW_LOGDIR_NAME]; /* the newest cut off file that was told of, or one of the above */
};

static struct memory parse_memory(const char *text, const char *path)
{
    struct memory m = {.seen = SEEN_UNKNOWN};
    const char *const space = strlen(text) > 2 ? strchr(text + 2, ' ') : NULL;
    const size_t length = space ? (size_t)(space - text - 2) : 0;
    char seen[TW_LOGDIR_NAME] = "";
    if ((text[0] != '0' && text[0] != '1') || text[1] != ' ' || length == 0 ||
        length >= sizeof seen || strcmp(space + 1, path) != 0)
        return m;
    memcpy(seen, text + 2, length);
    if (!tw_logdir_unsafe(seen) && strcmp(seen, SEEN_NONE) != 0 && strcmp(seen, SEEN_UNKNOWN) != 0)
        return m;
    m.down = text[0] == '1';
    memcpy(m.seen, seen, sizeof seen);
    return m;
}

static void remember(const struct tw_run *run, const struct memory *m, const char *path)
{
    char *text = tw_format("%d %s %s", m->down, m->seen, path);
    if (strcmp(text, run->memory) != 0)
        run->sink->remember(run->sink->context, text);
    free(text);
}

/* ---- does it get on ----------------------------------------------------------------------- */

static int64_t age_of(int64_t now_s, int64_t then_s)
{
    int64_t age_s;
    if (__builtin_sub_overflow(now_s, then_s, &age_s))
        return then_s < 0 ? INT64_MAX : 0;
    return age_s > 0 ? age_s : 0; /* the clock was set back, or somebody plays with touch */
}

/* Without a processor a file is finished in a moment. Renaming current to previous has set its
 * ctime. */
static void judge_processor(const struct tw_run *run, const struct tw_multilog *look)
{
    const struct settings *s = run->settings;
    const struct tw_multilog_file *previous = &look->previous;
    if (s->processor == TW_NEVER)
        return;
    if (previous->why != 0 && previous->why != ENOENT) {
        tw_report(run, TW_LEVEL_UNKNOWN, "processor", "cannot-look",
                  "cannot look at %s/previous: %s", look->path, strerrordesc_np(previous->why));
        return;
    }
    if (previous->why == 0 && S_ISDIR(previous->st.st_mode)) {
        tw_report(run, TW_LEVEL_FAIL, "processor", "no-file",
                  "%s/previous is a directory: multilog cannot rotate", look->path);
        return;
    }
    /* Anything else that is no file is replaced by the next rotation. */
    const int64_t age_s =
        tw_multilog_is_file(previous) ? age_of(run->now_s, previous->st.st_ctim.tv_sec) : 0;
    const struct tw_unit_text age = tw_duration_show(age_s);
    const struct tw_multilog_file processed = tw_multilog_file(look->at, "processed");
    if (age_s <= s->processor)
        tw_report(run, TW_LEVEL_OK, "processor", "ok", "no file waits to be finished");
    else if (processed.why == 0)
        tw_report(run, TW_LEVEL_FAIL, "processor", "processor-fails",
                  "%s/previous stays, for %s now: the processor fails or does not end, and "
                  "multilog takes no more lines",
                  look->path, age.text);
    else
        tw_report(run, TW_LEVEL_FAIL, "processor", "unfinished",
                  "%s/previous stays, for %s now: multilog cannot finish it, and takes no more "
                  "lines",
                  look->path, age.text);
}

/* When the last line came, as far as times can tell that are not ahead of now; INT64_MIN: they
 * cannot. A current that was just begun says nothing of it, unless there is nothing else. */
static int64_t last_line_s(const struct tw_run *run, const struct tw_multilog *look)
{
    const struct stat *current = &look->current.st;
    const bool ahead = tw_logdir_ahead(current->st_mtim.tv_sec, run->now_s);
    int64_t last_s = look->listed ? look->list.written_s : INT64_MIN;
    if (!ahead && (current->st_size > 0 ? current->st_mtim.tv_sec > last_s : last_s == INT64_MIN))
        last_s = current->st_mtim.tv_sec;
    return last_s;
}

static struct tw_unit_text show_age(int64_t now_s, int64_t then_s)
{
    return tw_duration_show(age_of(now_s, then_s));
}

/* Time in which no multilog could have written is no silence: a machine that was off over night is
 * not silent at once. Lines in a current that is ahead of now came at a time nobody knows: the
 * clock may have been set back by five minutes, or its time may be from years to come. */
static void judge_silent(const struct tw_run *run, const struct tw_multilog *look)
{
    const struct settings *s = run->settings;
    if (s->silent == TW_NEVER)
        return;
    const struct stat *current = &look->current.st;
    if (current->st_size == 0 && !look->listed) {
        tw_report(run, TW_LEVEL_UNKNOWN, "silent", "cannot-look", "%s", look->list_error.text);
        return;
    }
    const int64_t last_s = last_line_s(run, look);
    const bool ahead = tw_logdir_ahead(current->st_mtim.tv_sec, run->now_s);
    const int64_t runs_s =
        look->holder.pid ? tw_proc_age_s(run->places->proc_root, &look->holder) : -1;
    if (last_s != INT64_MIN && age_of(run->now_s, last_s) <= s->silent)
        tw_report(run, TW_LEVEL_OK, "silent", "ok", "last line %s ago",
                  show_age(run->now_s, last_s).text);
    else if (runs_s >= 0 && runs_s <= s->silent)
        tw_report(run, TW_LEVEL_OK, "silent", "ok", "last line %s ago, but multilog runs for %s",
                  last_s == INT64_MIN ? "some time" : show_age(run->now_s, last_s).text,
                  tw_duration_show(runs_s).text);
    else if (ahead && (current->st_size > 0 || last_s == INT64_MIN))
        tw_report(run, TW_LEVEL_UNKNOWN, "silent", "clock",
                  "cannot tell when the last line came: the time of %s/current is %s ahead of the "
                  "clock",
                  look->path, show_age(current->st_mtim.tv_sec, run->now_s).text);
    else
        tw_report(run, TW_LEVEL_FAIL, "silent", "silent", "no new line in %s for %s, limit %s",
                  look->path, show_age(run->now_s, last_s).text, tw_duration_show(s->silent).text);
}

/* ---- what it has left --------------------------------------------------------------------- */

static void judge_files(const struct tw_run *run, const struct tw_multilog *look)
{
    if (!look->listed)
        tw_report(run, TW_LEVEL_UNKNOWN, "files", "cannot-look", "%s", look->list_error.text);
    else if (look->list.more)
        tw_report(run, TW_LEVEL_FAIL, "files", "too-many",
                  "more than %d files in %s: multilog reads all their names at each rotation, "
                  "while what writes to it waits",
                  TW_LOGDIR_ENTRIES_MAX, look->path);
    else
        tw_report(run, TW_LEVEL_OK, "files", "ok", "%zu finished file%s", look->list.finished,
                  look->list.finished == 1 ? "" : "s");
}

/* The label is when multilog was there again. */
static void tell_outage(const struct tw_run *run, const struct tw_multilog *look)
{
    const struct tw_logdir *list = &look->list;
    struct tw_buf text = {0};
    int64_t label_s = 0;
    uint32_t ns;
    tw_tai64n_parse(list->newest_u, TW_TAI64N_LABEL, &label_s, &ns);
    tw_buf_printf(&text, "an outage or a crash cut off %s/%s: ", look->path, list->newest_u);
    if (list->u_bytes > 0)
        tw_buf_printf(&text, "last line at %s, ", tw_time_show(list->u_written_s).text);
    else if (list->u_bytes == 0)
        tw_buf_puts(&text, "it is empty, ");
    tw_buf_printf(&text, "multilog started again at %s", tw_time_show(label_s).text);
    if (list->new_u > 1)
        tw_buf_printf(&text, "; %zu such files are new", list->new_u);
    run->sink->note(run->sink->context, tw_buf_text(&text));
    tw_buf_free(&text);
}

static void look_for_outages(const struct tw_run *run, const struct tw_multilog *look,
                             struct memory *m)
{
    if (!look->listed)
        return;
    const bool first = strcmp(m->seen, SEEN_UNKNOWN) == 0;
    if (!first && look->list.new_u > 0)
        tell_outage(run, look);
    if (look->list.new_u > 0)
        memcpy(m->seen, look->list.newest_u, sizeof m->seen);
    else if (first)
        memcpy(m->seen, SEEN_NONE, sizeof SEEN_NONE);
}

/* ---- the run ------------------------------------------------------------------------------ */

static void withdraw(const struct tw_run *run, const char *aspect, const char *why)
{
    const struct settings *s = run->settings;
    if ((strcmp(aspect, "silent") == 0 && s->silent == TW_NEVER) ||
        (strcmp(aspect, "processor") == 0 && s->processor == TW_NEVER))
        return;
    tw_report(run, TW_LEVEL_NONE, aspect, "not-looked", "%s", why);
}

static void no_directory(const struct tw_run *run, const char *path, int why, const char *text)
{
    static const char *const others[] = {"writable", "space", "processor", "files", "silent"};
    if (why == ENOENT)
        tw_report(run, TW_LEVEL_FAIL, "", "missing", "there is no directory %s", path);
    else if (why == ENOTDIR)
        tw_report(run, TW_LEVEL_FAIL, "", "no-dir", "%s is no directory", path);
    else
        tw_report(run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", text);
    for (size_t i = 0; i < TW_COUNT(others); i++)
        withdraw(run, others[i], "no directory to look at");
}

static void check(const struct tw_run *run, struct tw_multilog *look)
{
    struct memory m = parse_memory(run->memory, look->path);
    struct tw_rights writer;
    tw_multilog_look(run, look, m.down);
    tw_multilog_main(run, look);
    m.down = look->held == 0;
    const char *seen = tw_logdir_unsafe(m.seen) ? m.seen : "";
    look->listed =
        tw_logdir_read(look->at, look->path, seen, run->now_s, &look->list, &look->list_error) == 0;
    tw_multilog_writable(run, look, &writer);
    tw_multilog_space(run, look, &writer);
    judge_files(run, look);
    if (look->runs) {
        judge_processor(run, look);
        judge_silent(run, look);
    } else {
        withdraw(run, "processor", "no multilog that gets on");
        withdraw(run, "silent", "no multilog that gets on");
    }
    look_for_outages(run, look, &m);
    remember(run, &m, look->path);
}

static void multilog_run(const struct tw_run *run)
{
    char *path = dir_of(run);
    struct tw_multilog look = {.path = path};
    struct tw_error e;
    look.at = tw_dir_open(path, &look.dir, &e);
    if (look.at < 0) {
        no_directory(run, path, errno, e.text);
    } else {
        check(run, &look);
        close(look.at);
    }
    free(path);
}

/* ---- letters ------------------------------------------------------------------------------ */

static void multilog_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    (void)aspect;
    char *path = dir_of(run);
    struct tw_buf tail = {0};
    struct tw_error e;
    if (tw_multilog_tail_as_owner(path, EVIDENCE_LINES, &tail, &e) != 0) {
        tw_buf_printf(out, "(%s)\n", e.text);
    } else {
        tw_buf_printf(out, "last lines of %s:\n", path);
        tw_buf_add(out, tail.data, tail.len);
        if (!tail.len)
            tw_buf_puts(out, "(there are none)\n");
    }
    tw_buf_free(&tail);
    free(path);
}

static void multilog_advice(const struct tw_run *run, const char *aspect, const char *code,
                            struct tw_buf *out)
{
    /* The log of a service is mostly called like it. */
    char *path = dir_of(run), *log = tw_format("%s/%s/log", run->places->service_dir, run->title);
    if (strcmp(code, "ended") == 0 || strcmp(code, "not-running") == 0)
        tw_buf_printf(out, "svc -u %s", log);
    else if (strcmp(code, "no-lock") == 0)
        tw_buf_printf(out, "svc -ut %s", log);
    else if (strcmp(code, "stopped") == 0)
        tw_buf_printf(out, "svc -c %s", log);
    else if (strcmp(code, "mode") == 0)
        tw_buf_printf(out,
                      "fuser -v %s/lock; if that is a multilog that is to stay: chmod 0644 "
                      "%s/current",
                      path, path);
    else if (strcmp(code, "processor-fails") == 0 || strcmp(code, "unfinished") == 0)
        tw_buf_printf(out, "ls -la %s; ps -wwC readproctitle -o args= shows what multilog says",
                      path);
    else if (strcmp(code, "read-only") == 0)
        tw_buf_printf(out, "findmnt -T %s; dmesg | tail", path);
    else if (strcmp(code, "full") == 0)
        tw_buf_printf(out, "df -h %s", path);
    else if (strcmp(code, "no-inodes") == 0)
        tw_buf_printf(out, "df -i %s", path);
    else if (strcmp(aspect, "silent") == 0)
        tw_buf_printf(out, "tail %s/current | tai64nlocal", path);
    else if (strcmp(code, "too-many") == 0)
        tw_buf_printf(out, "ls -f %s | head -n 50", path);
    else if (strcmp(code, "missing") == 0 || strcmp(code, "no-dir") == 0)
        tw_buf_printf(out, "ls -ld %s", path);
    else
        tw_buf_printf(out, "ls -la %s", path);
    free(log);
    free(path);
}

const struct tw_kind tw_kind_multilog = {
    .name = "multilog",
    .options = options,
    .settings_size = sizeof(struct settings),
    .run = multilog_run,
    .evidence = multilog_evidence,
    .advice = multilog_advice,
};
