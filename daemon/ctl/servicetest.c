/* toasterctl service test: the six tests of a service directory, and what runs there. All that has
 * just come up is looked at again at the same time: what cannot run is started once a second, and
 * looks well for that long. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ctl/json.h"
#include "ctl/service.h"
#include "ctl/term.h"
#include "toaster/supervise_order.h"

/* One supervise as it was seen. */
struct part {
    char *path;
    int running; /* of tw_supervise_running */
    bool known;  /* status holds */
    struct tw_supervise_status status;
    struct tw_error e;
    pid_t first; /* the pid of the first look */
    bool young;  /* it was looked at twice */
};

struct tested {
    char *name;
    struct part main, log;
    bool linked, wants_log, looked; /* looked: faults hold */
    unsigned faults;
    struct tw_error e;
};

struct result {
    const struct tested *of;
    const char *test; /* in a word, for scripts */
    bool ok;
    char *text;
};

struct results {
    struct result *items;
    size_t count;
};

/* ---- looking ------------------------------------------------------------------------------- */

static void look_at_part(struct part *part)
{
    part->known = false;
    part->running = tw_supervise_running(part->path, &part->e);
    if (part->running > 0)
        part->known = tw_supervise_read(part->path, &part->status, &part->e) == 0;
}

static bool has_log(const struct tested *t)
{
    return t->wants_log && !(t->faults & (TW_SERVICE_NO_DIR | TW_SERVICE_NO_LOG));
}

static void look(struct tested *t)
{
    t->looked = tw_service_test(t->main.path, t->wants_log, &t->faults, &t->e) == 0;
    look_at_part(&t->main);
    look_at_part(&t->log);
}

/* Too young to be called up. A change in the time to come is one before the clock was set back. */
static bool is_young(const struct part *part)
{
    /* What ended a moment ago and is wanted up comes again at once. */
    return part->known && (part->status.pid || part->status.want == 'u') &&
           tw_supervise_age_ms(&part->status, tw_clock_wall_ns()) < TW_ORDER_STEADY_MS;
}

static bool mark_young(struct part *part)
{
    part->first = part->known ? part->status.pid : 0;
    part->young = is_young(part);
    return part->young;
}

/* The configuration may say that a service has no log of its own. */
static bool log_is_wanted(const struct ctl_services *places, const char *name)
{
    char *const *log = ctl_service_setting(places, name, "log");
    return !log || !*log || strcmp(*log, "multilog") == 0;
}

static void add_tested(struct tested **list, size_t *count, const struct ctl_services *places,
                       const char *name, const char *path, bool linked)
{
    *list = tw_realloc_array(*list, *count + 1, sizeof **list);
    (*list)[(*count)++] = (struct tested){.name = tw_strdup(name),
                                          .main.path = tw_strdup(path),
                                          .log.path = tw_format("%s/log", path),
                                          .linked = linked,
                                          .wants_log = log_is_wanted(places, name)};
}

/* ---- judging ------------------------------------------------------------------------------- */

static void add(struct results *r, const struct tested *t, const char *test, bool ok,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

static void add(struct results *r, const struct tested *t, const char *test, bool ok,
                const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    r->items = tw_realloc_array(r->items, r->count + 1, sizeof *r->items);
    r->items[r->count++] = (struct result){t, test, ok, tw_buf_take(&text)};
}

/* run and down of a directory. */
static void judge_run(struct results *r, const struct tested *t, const char *const tests[2],
                      const char *dir, const unsigned fault[3])
{
    const unsigned f = t->faults;
    if (f & fault[0])
        add(r, t, tests[0], false, "%s/run is not there or no file", dir);
    else
        add(r, t, tests[0], !(f & fault[1]),
            f & fault[1] ? "%s/run is not executable" : "%s/run is there and executable", dir);
    add(r, t, tests[1], !(f & fault[2]),
        f & fault[2] ? "%s/down exists: it will not start by itself" : "there is no %s/down", dir);
}

static void judge_directory(struct results *r, const struct tested *t)
{
    static const char *const tests[] = {"run", "down"}, *const log_tests[] = {"log-run",
                                                                              "log-down"};
    static const unsigned own[] = {TW_SERVICE_NO_RUN, TW_SERVICE_RUN_NOT_EXEC,
                                   TW_SERVICE_DOWN_FILE},
                          log[] = {TW_SERVICE_NO_LOG_RUN, TW_SERVICE_LOG_RUN_NOT_EXEC,
                                   TW_SERVICE_LOG_DOWN_FILE};
    if (!t->looked) {
        add(r, t, "directory", false, "cannot tell: %s", t->e.text);
        return;
    }
    const bool is_dir = !(t->faults & TW_SERVICE_NO_DIR);
    add(r, t, "directory", is_dir, is_dir ? "%s is a directory" : "there is no directory %s",
        t->main.path);
    if (!is_dir)
        return;
    judge_run(r, t, tests, t->main.path, own);
    if (!t->wants_log)
        return;
    add(r, t, "log", has_log(t), has_log(t) ? "%s is a directory" : "there is no directory %s",
        t->log.path);
    if (has_log(t))
        judge_run(r, t, log_tests, t->log.path, log);
}

static void judge_live(struct results *r, const struct tested *t, const struct part *part,
                       const char *test, bool normally_up)
{
    if (part->running < 0 || (part->running > 0 && !part->known)) {
        add(r, t, test, false, "cannot tell: %s", part->e.text);
    } else if (!part->running) {
        add(r, t, test, false, "supervise is not running in %s%s", part->path,
            t->linked ? "" : ", which is not linked");
    } else if (part->young && part->status.pid != part->first && part->first) {
        struct tw_buf now = {0};
        ctl_service_describe(&now, &part->status, normally_up, time(NULL));
        add(r, t, test, false, "ends at once: pid %d is gone after less than %d s, now %s",
            (int)part->first, TW_ORDER_STEADY_MS / 1000 + 1, tw_buf_text(&now));
        tw_buf_free(&now);
    } else {
        struct tw_buf now = {0};
        const bool steady = (part->young && part->status.pid == part->first) || !is_young(part);
        ctl_service_describe(&now, &part->status, normally_up, time(NULL));
        add(r, t, test,
            part->status.pid && part->status.want != 'd' && !part->status.paused && steady, "%s%s",
            tw_buf_text(&now), steady ? "" : ", too short to tell");
        tw_buf_free(&now);
    }
}

static void judge(struct results *r, const struct tested *t)
{
    judge_directory(r, t);
    if (t->looked && t->faults & TW_SERVICE_NO_DIR)
        return;
    judge_live(r, t, &t->main, "state", !(t->faults & TW_SERVICE_DOWN_FILE));
    if (has_log(t))
        judge_live(r, t, &t->log, "log-state", !(t->faults & TW_SERVICE_LOG_DOWN_FILE));
}

/* ---- printing ------------------------------------------------------------------------------ */

static void print_lines(const struct results *r)
{
    static const struct ctl_column columns[] = {{.title = "SERVICE", .width = 20},
                                                {.title = "RESULT", .width = 6},
                                                {.title = "TEST", .width = 9},
                                                {.title = "WHAT"}};
    struct ctl_table table;
    ctl_table_begin(&table, columns, TW_COUNT(columns));
    for (size_t i = 0; i < r->count; i++) {
        const struct result *one = &r->items[i];
        ctl_table_add(&table, CTL_PLAIN, "%s", one->of->name);
        ctl_table_add(&table, one->ok ? CTL_GREEN : CTL_RED, one->ok ? "ok" : "FAILED");
        ctl_table_add(&table, CTL_PLAIN, "%s", one->test);
        ctl_table_add(&table, CTL_PLAIN, "%s", one->text);
        ctl_table_row(&table);
    }
    ctl_table_end(&table);
}

static void print_json(const struct results *r)
{
    struct tw_buf out = {0};
    tw_buf_puts(&out, "[");
    for (size_t i = 0; i < r->count; i++) {
        const struct result *one = &r->items[i];
        tw_buf_puts(&out, i ? ",\n {" : "\n {");
        ctl_json_text(&out, "service", one->of->name);
        ctl_json_text(&out, "test", one->test);
        ctl_json_flag(&out, "ok", one->ok);
        ctl_json_text(&out, "text", one->text);
        tw_buf_puts(&out, "}");
    }
    tw_buf_puts(&out, r->count ? "\n]\n" : "]\n");
    fwrite(out.data, 1, out.len, stdout);
    tw_buf_free(&out);
}

/* ---- the verb ------------------------------------------------------------------------------ */

/* An exit code: the names are no names, or nothing can be listed. */
static int gather(const struct ctl_services *places, char *const *names, struct tested **list,
                  size_t *count)
{
    struct ctl_service_entries all;
    struct stat st;
    for (size_t i = 0; names[i]; i++)
        if (!ctl_service_name_valid("test", names[i], false))
            return CTL_USAGE;
    for (size_t i = 0; names[i]; i++) {
        char *path = tw_format("%s/%s", places->service, names[i]);
        char *other = tw_format("%s/%s", places->supervise, names[i]);
        const bool linked = lstat(path, &st) == 0;
        const bool there = !linked && lstat(other, &st) == 0;
        add_tested(list, count, places, names[i], there ? other : path, linked);
        free(path);
        free(other);
    }
    if (names[0])
        return CTL_OK;
    if (ctl_service_entries(places, &all) != 0)
        return CTL_SYSTEM;
    for (size_t i = 0; i < all.count; i++)
        if (all.items[i].linked)
            add_tested(list, count, places, all.items[i].name, all.items[i].path, true);
    ctl_service_entries_free(&all);
    return CTL_OK;
}

static void look_at_all(struct tested *list, size_t count)
{
    bool young = false;
    for (size_t i = 0; i < count; i++) {
        look(&list[i]);
        young |= mark_young(&list[i].main);
        young |= mark_young(&list[i].log);
    }
    if (!young)
        return;
    ctl_service_pause(TW_ORDER_STEADY_MS + CTL_SERVICE_LOOK_MS);
    for (size_t i = 0; i < count; i++)
        look(&list[i]);
}

int ctl_service_test(const struct ctl_services *places, char *const *names)
{
    struct tested *list = NULL;
    struct results results = {0};
    size_t count = 0, failed = 0;
    int result = gather(places, names, &list, &count);
    if (result == CTL_OK && count == 0) {
        ctl_complain("there is no service in %s", places->service);
        result = CTL_FAILED;
    }
    if (count)
        look_at_all(list, count);
    for (size_t i = 0; i < count; i++)
        judge(&results, &list[i]);
    for (size_t i = 0; i < results.count; i++)
        failed += !results.items[i].ok;
    if (!places->ctl->json)
        print_lines(&results);
    else if (result == CTL_OK || result == CTL_FAILED)
        print_json(&results);
    for (size_t i = 0; i < results.count; i++)
        free(results.items[i].text);
    for (size_t i = 0; i < count; i++) {
        free(list[i].name);
        free(list[i].main.path);
        free(list[i].log.path);
    }
    free(results.items);
    free(list);
    return result == CTL_OK && failed ? CTL_FAILED : result;
}
