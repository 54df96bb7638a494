/* Requests and reports as frames. */
#include "kinds/wire.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum { NAME_MAX_BYTES = 256, PATH_MAX_BYTES = 4096, MEMORY_MAX = 64 * 1024, VALUES_MAX = 4096 };
enum { LOOK_AGAIN_MAX_MS = 24 * 3600 * 1000 };

/* ---- a run's request ---------------------------------------------------------------------- */

static void put_setting(void *context, const char *key, const char *const *values, size_t count)
{
    struct tw_frame_writer *w = context;
    tw_frame_put_text(w, key);
    tw_frame_put_number(w, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        tw_frame_put_text(w, values[i]);
}

/* Those that this kind must know of, and an empty name. */
static void put_peers(struct tw_frame_writer *w, const struct tw_places *places,
                      const struct tw_kind *kind)
{
    for (size_t i = 0; kind->peers && i < places->peer_count; i++) {
        const struct tw_peer *peer = &places->peers[i];
        if (strcmp(peer->kind->name, kind->peers) != 0)
            continue;
        tw_frame_put_text(w, peer->name);
        tw_frame_put_number(w, peer->every_s);
        tw_options_each(peer->kind->options, peer->settings, put_setting, w);
        tw_frame_put_text(w, "");
    }
    tw_frame_put_text(w, "");
}

static void put_request(struct tw_buf *out, enum tw_wire type, const struct tw_run *run,
                        const struct tw_kind *kind, int64_t moment, const char *aspect,
                        const struct tw_strings *arguments)
{
    struct tw_frame_writer w = tw_frame_begin(out, (uint8_t)type);
    tw_frame_put_text(&w, kind->name);
    tw_frame_put_text(&w, run->name);
    tw_frame_put_text(&w, run->title);
    tw_frame_put_text(&w, run->memory);
    tw_frame_put_text(&w, aspect);
    tw_frame_put_number(&w, (int64_t)arguments->count);
    for (size_t i = 0; i < arguments->count; i++)
        tw_frame_put_text(&w, arguments->items[i]);
    tw_frame_put_text(&w, run->places->qmail_dir);
    tw_frame_put_text(&w, run->places->service_dir);
    tw_frame_put_text(&w, run->places->log_dir);
    tw_frame_put_text(&w, run->places->proc_root);
    tw_frame_put_text(&w, run->places->state_dir);
    tw_frame_put_text(&w, run->places->hostname);
    tw_frame_put_number(&w, run->look_only);
    tw_frame_put_number(&w, run->confirm);
    tw_frame_put_number(&w, run->now_s);
    tw_frame_put_number(&w, run->until_s);
    tw_frame_put_number(&w, run->every_s);
    tw_frame_put_number(&w, moment);
    if (run->places->sources)
        tw_options_each(tw_sources_options, run->places->sources, put_setting, &w);
    tw_frame_put_text(&w, ""); /* no more keys */
    put_peers(&w, run->places, kind);
    tw_options_each(kind->options, run->settings, put_setting, &w);
    tw_frame_put_text(&w, "");
    tw_frame_end(&w);
}

void tw_wire_put_run(struct tw_buf *out, const struct tw_run *run, const struct tw_kind *kind,
                     int64_t moment, const char *aspect)
{
    const struct tw_strings none = {0};
    put_request(out, aspect ? TW_WIRE_EVIDENCE : TW_WIRE_RUN, run, kind, moment, aspect, &none);
}

void tw_wire_put_tell(struct tw_buf *out, const struct tw_run *run, const struct tw_kind *kind,
                      const char *what, const struct tw_strings *arguments)
{
    put_request(out, TW_WIRE_TELL, run, kind, 0, what, arguments);
}

/* A count, and that many. */
static int get_strings(struct tw_frame *frame, struct tw_strings *out)
{
    const int64_t count = tw_frame_number(frame);
    if (frame->bad || count < 0 || count > VALUES_MAX)
        return -1;
    for (int64_t i = 0; i < count && !frame->bad; i++) {
        char *value = tw_frame_text(frame, PATH_MAX_BYTES);
        tw_strings_add(out, value);
        free(value);
    }
    return frame->bad ? -1 : 0;
}

/* One key and its values. 1: done; 0: no more; -1: bad. */
static int get_setting(struct tw_frame *frame, const struct tw_option *table, void *settings,
                       struct tw_error *e)
{
    char *key = tw_frame_text(frame, NAME_MAX_BYTES);
    if (!key[0]) {
        free(key);
        return 0;
    }
    struct tw_strings values = {0};
    int result = get_strings(frame, &values) == 0 ? 1 : -1;
    if (result > 0 && tw_options_set(table, settings, key, (const char *const *)values.items,
                                     values.count, e) != 0)
        result = -1;
    tw_strings_free(&values);
    free(key);
    return result;
}

static int get_settings(struct tw_frame *frame, const struct tw_option *table, void *settings,
                        struct tw_error *e)
{
    int more = 1;
    tw_options_init(table, settings);
    while (more > 0)
        more = get_setting(frame, table, settings, e);
    return more;
}

static int get_peers(struct tw_frame *frame, struct tw_wire_run *run, struct tw_error *e)
{
    const struct tw_kind *kind = run->kind->peers ? tw_kind_find(run->kind->peers) : NULL;
    for (;;) {
        char *name = tw_frame_text(frame, NAME_MAX_BYTES);
        if (!name[0] || !kind || run->peer_count == VALUES_MAX) {
            const bool good = !name[0] && !frame->bad;
            free(name);
            return good ? 0 : -1;
        }
        run->peers = tw_realloc_array(run->peers, run->peer_count + 1, sizeof *run->peers);
        void *settings = tw_alloc(kind->settings_size);
        run->peers[run->peer_count++] =
            (struct tw_peer){kind, name, tw_frame_number(frame), settings};
        if (get_settings(frame, kind->options, settings, e) < 0)
            return -1;
    }
}

static void free_peers(struct tw_wire_run *run)
{
    for (size_t i = 0; i < run->peer_count; i++) {
        void *settings = (void *)(uintptr_t)run->peers[i].settings;
        tw_options_free(run->peers[i].kind->options, settings);
        free(settings);
        free((char *)(uintptr_t)run->peers[i].name);
    }
    free(run->peers);
}

int tw_wire_get_run(struct tw_frame *frame, struct tw_wire_run *out, struct tw_error *e)
{
    *out = (struct tw_wire_run){0};
    char *kind = tw_frame_text(frame, NAME_MAX_BYTES);
    out->kind = tw_kind_find(kind);
    free(kind);
    if (!out->kind)
        return tw_fail(e, "a request for a kind that is not known");
    out->name = tw_frame_text(frame, NAME_MAX_BYTES);
    out->title = tw_frame_text(frame, NAME_MAX_BYTES);
    out->memory = tw_frame_text(frame, MEMORY_MAX);
    out->aspect = tw_frame_text(frame, NAME_MAX_BYTES);
    if (get_strings(frame, &out->arguments) != 0) {
        tw_wire_run_free(out);
        return tw_fail(e, "a request that is cut or garbled");
    }
    out->qmail_dir = tw_frame_text(frame, PATH_MAX_BYTES);
    out->service_dir = tw_frame_text(frame, PATH_MAX_BYTES);
    out->log_dir = tw_frame_text(frame, PATH_MAX_BYTES);
    out->proc_root = tw_frame_text(frame, PATH_MAX_BYTES);
    out->state_dir = tw_frame_text(frame, PATH_MAX_BYTES);
    out->hostname = tw_frame_text(frame, NAME_MAX_BYTES);
    out->look_only = tw_frame_number(frame) != 0;
    out->confirm = tw_frame_number(frame) != 0;
    out->now_s = tw_frame_number(frame);
    out->until_s = tw_frame_number(frame);
    out->every_s = tw_frame_number(frame);
    out->moment = tw_frame_number(frame);
    out->settings = tw_alloc(out->kind->settings_size);
    if (get_settings(frame, tw_sources_options, &out->sources, e) < 0 ||
        get_peers(frame, out, e) < 0 ||
        get_settings(frame, out->kind->options, out->settings, e) < 0 || !tw_frame_done(frame)) {
        tw_wire_run_free(out);
        return tw_fail(e, "a request that is cut or garbled");
    }
    out->places = (struct tw_places){.qmail_dir = out->qmail_dir,
                                     .service_dir = out->service_dir,
                                     .log_dir = out->log_dir,
                                     .proc_root = out->proc_root,
                                     .state_dir = out->state_dir,
                                     .hostname = out->hostname,
                                     .sources = &out->sources,
                                     .peers = out->peers,
                                     .peer_count = out->peer_count};
    return 0;
}

void tw_wire_run_free(struct tw_wire_run *run)
{
    if (run->settings)
        tw_options_free(run->kind->options, run->settings);
    free(run->settings);
    free(run->name);
    free(run->title);
    free(run->memory);
    free(run->aspect);
    tw_strings_free(&run->arguments);
    free(run->qmail_dir);
    free(run->service_dir);
    free(run->log_dir);
    free(run->proc_root);
    free(run->state_dir);
    free(run->hostname);
    tw_options_free(tw_sources_options, &run->sources);
    free_peers(run);
    *run = (struct tw_wire_run){0};
}

/* ---- reports, written --------------------------------------------------------------------- */

static void put_lines(struct tw_buf *out, uint8_t type, const char *first, const char *second)
{
    struct tw_frame_writer w = tw_frame_begin(out, type);
    tw_frame_put_bytes(&w, first, strnlen(first, TW_WIRE_LINE_MAX));
    if (second)
        tw_frame_put_bytes(&w, second, strnlen(second, TW_WIRE_LINE_MAX));
    tw_frame_end(&w);
}

static void put_finding(void *context, const struct tw_finding *finding)
{
    struct tw_frame_writer w = tw_frame_begin(context, TW_WIRE_FINDING);
    tw_frame_put_number(&w, finding->level);
    tw_frame_put_text(&w, finding->aspect);
    tw_frame_put_text(&w, finding->code);
    tw_frame_put_bytes(&w, finding->text, strnlen(finding->text, TW_WIRE_LINE_MAX));
    tw_frame_end(&w);
}

static void put_note(void *context, const char *text)
{
    put_lines(context, TW_WIRE_NOTE, text, NULL);
}

static void put_watch_pid(void *context, pid_t pid, uint64_t start_ticks)
{
    struct tw_frame_writer w = tw_frame_begin(context, TW_WIRE_WATCH_PID);
    tw_frame_put_number(&w, pid);
    tw_frame_put_number(&w, (int64_t)start_ticks);
    tw_frame_end(&w);
}

static void put_watch_dir(void *context, const char *directory, const char *name)
{
    put_lines(context, TW_WIRE_WATCH_DIR, directory, name ? name : "");
}

static void put_look_again(void *context, int64_t in_ms)
{
    struct tw_frame_writer w = tw_frame_begin(context, TW_WIRE_LOOK_AGAIN);
    tw_frame_put_number(&w, in_ms);
    tw_frame_end(&w);
}

static void put_instance(void *context, const char *title)
{
    put_lines(context, TW_WIRE_INSTANCE, title, NULL);
}

static void put_remember(void *context, const char *text)
{
    struct tw_frame_writer w = tw_frame_begin(context, TW_WIRE_REMEMBER);
    tw_frame_put_text(&w, text);
    tw_frame_end(&w);
}

static void put_done(void *context, const char *text)
{
    put_lines(context, TW_WIRE_DONE, text, NULL);
}

static void put_figure(void *context, const struct tw_figure *figure)
{
    struct tw_frame_writer w = tw_frame_begin(context, TW_WIRE_FIGURE);
    tw_frame_put_text(&w, figure->what);
    tw_frame_put_text(&w, figure->of);
    tw_frame_put_number(&w, figure->count);
    tw_frame_put_number(&w, figure->bytes);
    tw_frame_end(&w);
}

static void put_order(void *context)
{
    struct tw_frame_writer w = tw_frame_begin(context, TW_WIRE_ORDER);
    tw_frame_end(&w);
}

static void put_progress(void *context)
{
    struct tw_frame_writer w = tw_frame_begin(context, TW_WIRE_PROGRESS);
    tw_frame_end(&w);
}

struct tw_sink tw_wire_sink(struct tw_buf *out)
{
    return (struct tw_sink){
        .finding = put_finding,
        .note = put_note,
        .watch_pid = put_watch_pid,
        .watch_dir = put_watch_dir,
        .look_again = put_look_again,
        .instance = put_instance,
        .remember = put_remember,
        .done = put_done,
        .figure = put_figure,
        .order = put_order,
        .progress = put_progress,
        .context = out,
    };
}

void tw_wire_put_row(struct tw_buf *out, const char *const *fields, size_t count)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_WIRE_ROW);
    tw_frame_put_number(&w, (int64_t)count);
    for (size_t i = 0; i < count; i++)
        tw_frame_put_bytes(&w, fields[i], strnlen(fields[i], TW_WIRE_LINE_MAX));
    tw_frame_end(&w);
}

int tw_wire_get_row(struct tw_frame *frame, struct tw_strings *fields)
{
    const int64_t count = tw_frame_number(frame);
    for (int64_t i = 0; i < count && i < TW_TELL_FIELDS_MAX && !frame->bad; i++) {
        char *field = tw_frame_text(frame, TW_WIRE_LINE_MAX);
        tw_strings_add(fields, field);
        free(field);
    }
    return tw_frame_done(frame) && count == (int64_t)fields->count ? 0 : -1;
}

/* ---- reports, read ------------------------------------------------------------------------ */

/* Nothing to say is possible of all but the main aspect. */
static bool valid_level(int64_t level, const char *aspect)
{
    return level >= (aspect[0] ? TW_LEVEL_NONE : TW_LEVEL_OK) && level <= TW_LEVEL_UNKNOWN;
}

static int get_finding(struct tw_frame *frame, const struct tw_sink *sink)
{
    const int64_t level = tw_frame_number(frame);
    char *aspect = tw_frame_text(frame, NAME_MAX_BYTES);
    char *code = tw_frame_text(frame, NAME_MAX_BYTES);
    char *text = tw_frame_text(frame, TW_WIRE_LINE_MAX);
    const bool good = tw_frame_done(frame) && valid_level(level, aspect) &&
                      (!aspect[0] || tw_title_valid(aspect)) && tw_title_valid(code);
    if (good)
        sink->finding(sink->context, &(struct tw_finding){.level = (enum tw_level)level,
                                                          .aspect = aspect,
                                                          .code = code,
                                                          .text = text});
    free(aspect);
    free(code);
    free(text);
    return good ? 0 : -1;
}

static int get_watch_pid(struct tw_frame *frame, const struct tw_sink *sink)
{
    const int64_t pid = tw_frame_number(frame), ticks = tw_frame_number(frame);
    if (!tw_frame_done(frame) || pid <= 0 || pid > 1 << 22)
        return -1;
    sink->watch_pid(sink->context, (pid_t)pid, (uint64_t)ticks);
    return 0;
}

static int get_watch_dir(struct tw_frame *frame, const struct tw_sink *sink)
{
    char *directory = tw_frame_text(frame, PATH_MAX_BYTES);
    char *name = tw_frame_text(frame, NAME_MAX_BYTES);
    const bool good = tw_frame_done(frame) && directory[0] == '/';
    if (good)
        sink->watch_dir(sink->context, directory, name[0] ? name : NULL);
    free(directory);
    free(name);
    return good ? 0 : -1;
}

static int get_look_again(struct tw_frame *frame, const struct tw_sink *sink)
{
    const int64_t in_ms = tw_frame_number(frame);
    if (!tw_frame_done(frame) || in_ms < 0 || in_ms > LOOK_AGAIN_MAX_MS)
        return -1;
    sink->look_again(sink->context, in_ms);
    return 0;
}

/* One string, given to `take`. */
static int get_text(struct tw_frame *frame, size_t max, const struct tw_sink *sink,
                    void (*take)(void *context, const char *text))
{
    char *text = tw_frame_text(frame, max);
    const bool good = tw_frame_done(frame);
    if (good)
        take(sink->context, text);
    free(text);
    return good ? 0 : -1;
}

static int get_instance(struct tw_frame *frame, const struct tw_sink *sink)
{
    char *title = tw_frame_text(frame, NAME_MAX_BYTES);
    const bool good = tw_frame_done(frame) && tw_title_valid(title);
    if (good)
        sink->instance(sink->context, title);
    free(title);
    return good ? 0 : -1;
}

static int get_bytes(struct tw_frame *frame, struct tw_buf *text)
{
    size_t length;
    const char *bytes = tw_frame_bytes(frame, TW_WIRE_TEXT_MAX, &length);
    if (!tw_frame_done(frame))
        return -1;
    if (text->len < TW_WIRE_TEXT_MAX)
        tw_buf_add(text, bytes, length);
    return 0;
}

static int get_figure(struct tw_frame *frame, const struct tw_sink *sink)
{
    char *what = tw_frame_text(frame, TW_WIRE_LINE_MAX),
         *of = tw_frame_text(frame, TW_WIRE_LINE_MAX);
    const int64_t count = tw_frame_count(frame), bytes = tw_frame_count(frame);
    const bool good = tw_frame_done(frame);
    if (good && sink->figure)
        sink->figure(sink->context, &(struct tw_figure){what, of, count, bytes});
    free(what);
    free(of);
    return good ? 0 : -1;
}

int tw_wire_report(struct tw_frame *frame, const struct tw_sink *sink, struct tw_buf *text,
                   int64_t *result)
{
    switch (frame->type) {
    case TW_WIRE_FINDING:
        return get_finding(frame, sink);
    case TW_WIRE_NOTE:
        return get_text(frame, TW_WIRE_LINE_MAX, sink, sink->note);
    case TW_WIRE_WATCH_PID:
        return get_watch_pid(frame, sink);
    case TW_WIRE_WATCH_DIR:
        return get_watch_dir(frame, sink);
    case TW_WIRE_LOOK_AGAIN:
        return get_look_again(frame, sink);
    case TW_WIRE_INSTANCE:
        return get_instance(frame, sink);
    case TW_WIRE_REMEMBER:
        return get_text(frame, MEMORY_MAX, sink, sink->remember);
    case TW_WIRE_DONE:
        return get_text(frame, TW_WIRE_LINE_MAX, sink, sink->done);
    case TW_WIRE_FIGURE:
        return get_figure(frame, sink);
    case TW_WIRE_ORDER:
        if (!tw_frame_done(frame))
            return -1;
        sink->order(sink->context);
        return 0;
    case TW_WIRE_PROGRESS:
        return tw_frame_done(frame) ? 2 : -1;
    case TW_WIRE_TEXT:
        return get_bytes(frame, text);
    case TW_WIRE_END:
        *result = tw_frame_number(frame);
        return tw_frame_done(frame) ? 1 : -1;
    default:
        return -1;
    }
}
