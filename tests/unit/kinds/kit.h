/* For the tests of kinds: a run with a sink that writes down what it is told, settings set by
 * key, and /proc and service directories made by hand in a scratch directory. */
#ifndef TEST_KINDS_KIT_H
#define TEST_KINDS_KIT_H

#include "toaster/scratch.h"

#include <inttypes.h>

#include "base/tai64n.h"
#include "kinds/kind.h"

enum { NOW_S = 1800000000 };

struct kit_finding {
    enum tw_level level;
    char *aspect, *code, *text;
};

struct kit {
    const struct tw_kind *kind;
    const char *title;
    void *settings;
    struct tw_places places;
    int64_t now_s;
    char *memory;
    struct tw_procs procs;
    /* What the last run said. */
    struct kit_finding *findings;
    size_t finding_count;
    struct tw_strings notes, instances, dirs; /* dirs: "DIRECTORY NAME" */
    struct tw_strings withdrawn;              /* aspects said to be unknown for now */
    size_t pids;
    pid_t last_pid;
    uint64_t last_ticks;
    int64_t look_again_ms; /* -1: not asked for */
    struct tw_strings done;
    size_t progress, orders;
    bool look_only;
};

static inline void kit_on_finding(void *context, const struct tw_finding *finding)
{
    struct kit *kit = context;
    assert_true(finding->level >= TW_LEVEL_NONE && finding->level <= TW_LEVEL_UNKNOWN);
    assert_true(tw_title_valid(finding->code));
    assert_true(finding->aspect[0] == '\0' || tw_title_valid(finding->aspect));
    assert_true(finding->text[0]);
    if (finding->level == TW_LEVEL_NONE) { /* as good as nothing said of it */
        tw_strings_add(&kit->withdrawn, finding->aspect);
        return;
    }
    kit->findings = tw_realloc_array(kit->findings, kit->finding_count + 1, sizeof *kit->findings);
    kit->findings[kit->finding_count++] =
        (struct kit_finding){finding->level, tw_strdup(finding->aspect), tw_strdup(finding->code),
                             tw_strdup(finding->text)};
}

static inline void kit_on_note(void *context, const char *text)
{
    tw_strings_add(&((struct kit *)context)->notes, text);
}

static inline void kit_on_pid(void *context, pid_t pid, uint64_t start_ticks)
{
    struct kit *kit = context;
    kit->pids++;
    kit->last_pid = pid;
    kit->last_ticks = start_ticks;
}

static inline void kit_on_dir(void *context, const char *directory, const char *name)
{
    struct kit *kit = context;
    char *both = tw_format("%s %s", directory, name ? name : "*");
    tw_strings_add(&kit->dirs, both);
    free(both);
}

static inline void kit_on_again(void *context, int64_t in_ms)
{
    ((struct kit *)context)->look_again_ms = in_ms;
}

static inline void kit_on_instance(void *context, const char *title)
{
    assert_true(tw_title_valid(title));
    tw_strings_add(&((struct kit *)context)->instances, title);
}

static inline void kit_on_remember(void *context, const char *text)
{
    struct kit *kit = context;
    free(kit->memory);
    kit->memory = tw_strdup(text);
}

static inline void kit_on_figure(void *context, const struct tw_figure *figure)
{
    (void)context;
    assert_true(figure->count > 0);
}

static inline void kit_on_done(void *context, const char *text)
{
    tw_strings_add(&((struct kit *)context)->done, text);
}

static inline void kit_on_order(void *context)
{
    ((struct kit *)context)->orders++;
}

static inline void kit_on_progress(void *context)
{
    ((struct kit *)context)->progress++;
}

static inline const struct tw_procs *kit_procs(void *context, struct tw_error *e)
{
    struct kit *kit = context;
    tw_procs_free(&kit->procs);
    return tw_procs_read(&kit->procs, kit->places.proc_root, e) == 0 ? &kit->procs : NULL;
}

static inline struct kit kit_make(const struct tw_kind *kind, const char *title)
{
    struct kit kit = {.kind = kind,
                      .title = title,
                      .settings = tw_alloc(kind->settings_size),
                      .places = {"qmail", "service", "log", "proc"},
                      .now_s = NOW_S,
                      .memory = tw_strdup(""),
                      .look_again_ms = -1};
    tw_options_init(kind->options, kit.settings);
    return kit;
}

static inline void kit_set(struct kit *kit, const char *key, const char *value)
{
    struct tw_error e;
    if (tw_options_set(kit->kind->options, kit->settings, key, &value, 1, &e) != 0)
        fail_msg("%s", e.text);
}

static inline void kit_forget(struct kit *kit)
{
    for (size_t i = 0; i < kit->finding_count; i++) {
        free(kit->findings[i].aspect);
        free(kit->findings[i].code);
        free(kit->findings[i].text);
    }
    free(kit->findings);
    kit->findings = NULL;
    kit->finding_count = 0;
    tw_strings_free(&kit->notes);
    tw_strings_free(&kit->instances);
    tw_strings_free(&kit->dirs);
    tw_strings_free(&kit->withdrawn);
    tw_strings_free(&kit->done);
    kit->progress = kit->orders = 0;
    kit->pids = 0;
    kit->look_again_ms = -1;
}

static inline struct tw_run kit_describe(struct kit *kit, char *name, const struct tw_sink *sink)
{
    return (struct tw_run){.name = name,
                           .title = kit->title,
                           .settings = kit->settings,
                           .look_only = kit->look_only,
                           .places = &kit->places,
                           .now_s = kit->now_s,
                           .memory = kit->memory,
                           .procs = kit_procs,
                           .procs_context = kit,
                           .sink = sink};
}

static inline struct tw_sink kit_sink(struct kit *kit)
{
    return (struct tw_sink){.finding = kit_on_finding,
                            .note = kit_on_note,
                            .watch_pid = kit_on_pid,
                            .watch_dir = kit_on_dir,
                            .look_again = kit_on_again,
                            .instance = kit_on_instance,
                            .remember = kit_on_remember,
                            .done = kit_on_done,
                            .figure = kit_on_figure,
                            .order = kit_on_order,
                            .progress = kit_on_progress,
                            .context = kit};
}

/* One run. What it remembers is given back at the next. */
static inline void kit_run(struct kit *kit)
{
    kit_forget(kit);
    const struct tw_sink sink = kit_sink(kit);
    char *name = tw_format("%s.%s", kit->kind->name, kit->title), *memory = tw_strdup(kit->memory);
    struct tw_run run = kit_describe(kit, name, &sink);
    run.memory = memory;
    kit->kind->run(&run);
    free(name);
    free(memory);
}

static inline void kit_free(struct kit *kit)
{
    kit_forget(kit);
    tw_options_free(kit->kind->options, kit->settings);
    free(kit->settings);
    free(kit->memory);
    tw_procs_free(&kit->procs);
}

static inline const struct kit_finding *kit_find(const struct kit *kit, const char *aspect)
{
    for (size_t i = 0; i < kit->finding_count; i++)
        if (strcmp(kit->findings[i].aspect, aspect) == 0)
            return &kit->findings[i];
    return NULL;
}

/* The aspect was reported, once, at this level for this reason; `part` stands in its text. */
static inline void kit_expect(const struct kit *kit, const char *aspect, enum tw_level level,
                              const char *code, const char *part)
{
    const struct kit_finding *found = kit_find(kit, aspect);
    if (!found)
        fail_msg("nothing was said of \"%s\"", aspect);
    size_t count = 0;
    for (size_t i = 0; i < kit->finding_count; i++)
        count += strcmp(kit->findings[i].aspect, aspect) == 0;
    if (count != 1 || found->level != level || strcmp(found->code, code) != 0 ||
        !strstr(found->text, part))
        fail_msg("\"%s\" is %s, %s: %s (said %zu times)", aspect, tw_level_name(found->level),
                 found->code, found->text, count);
}

/* Runs it and looks at the main aspect. */
static inline void kit_check(struct kit *kit, enum tw_level level, const char *code,
                             const char *part)
{
    kit_run(kit);
    kit_expect(kit, "", level, code, part);
}

/* The advice for an aspect and a code is what is said there. */
static inline void kit_advice(struct kit *kit, const char *aspect, const char *code,
                              const char *expected)
{
    char *name = tw_format("%s.%s", kit->kind->name, kit->title);
    const struct tw_run run = kit_describe(kit, name, NULL);
    struct tw_buf out = {0};
    kit->kind->advice(&run, aspect, code, &out);
    assert_string_equal(tw_buf_text(&out), expected);
    tw_buf_free(&out);
    free(name);
}

#endif
