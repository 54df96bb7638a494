/* Requests and reports as frames: round trips, cut frames, and a worker that lies. */
#include "kit.h"

#include "kinds/wire.h"

enum { MUTATIONS = 100000 };

/* The next whole frame of a buffer. */
static struct tw_frame frame_of(const struct tw_buf *buf)
{
    size_t position = 0;
    struct tw_frame frame;
    assert_int_equal(tw_frame_next(buf, &position, TW_WIRE_REQUEST_MAX, &frame), 1);
    assert_int_equal(position, buf->len);
    return frame;
}

static void put_run(struct tw_buf *out, struct kit *kit, const char *aspect)
{
    char *name = tw_format("%s.%s", kit->kind->name, kit->title);
    const struct tw_run run = kit_describe(kit, name, NULL);
    tw_wire_put_run(out, &run, kit->kind, 17, aspect);
    free(name);
}

/* Settings that differ from the default in every key. */
static struct kit make_kit(const struct tw_kind *kind)
{
    static const char *const required[] = {"send", "", "a\"b$c\\"};
    struct kit kit = kit_make(kind, "title");
    free(kit.memory);
    kit.memory = tw_strdup("100,1 101");
    if (kind == tw_kind_find("process")) {
        kit_set(&kit, "name", "a name\n(\x80)");
        kit_set(&kit, "pidfile", "/run/x.pid");
        kit_set(&kit, "user", "root");
        kit_set(&kit, "min", "0");
        kit_set(&kit, "max", "7");
    } else if (kind == tw_kind_find("service")) {
        assert_int_equal(
            tw_options_set(kind->options, kit.settings, "require", required, 3, NULL), 0);
        kit_set(&kit, "log", "syslog");
        kit_set(&kit, "log_dir", "/var/log/x");
        kit_set(&kit, "restarts", "31");
        kit_set(&kit, "within", "7d");
    } else {
        kit_set(&kit, "path", "/etc/x");
        kit_set(&kit, "max_size", "1G");
        kit_set(&kit, "not_empty", "yes");
        kit_set(&kit, "mode", "0");
        kit_set(&kit, "max_age", "0s");
    }
    return kit;
}

static void every_request_comes_through(void **state)
{
    (void)state;
    for (size_t i = 0; tw_kinds[i]; i++) {
        struct kit kit = make_kit(tw_kinds[i]);
        for (int evidence = 0; evidence < 2; evidence++) {
            struct tw_buf buf = {0};
            struct tw_wire_run got;
            struct tw_error e;
            put_run(&buf, &kit, evidence ? "log" : NULL);
            struct tw_frame frame = frame_of(&buf);
            assert_int_equal(frame.type, evidence ? TW_WIRE_EVIDENCE : TW_WIRE_RUN);
            assert_int_equal(tw_wire_get_run(&frame, &got, &e), 0);
            assert_ptr_equal(got.kind, kit.kind);
            assert_string_equal(got.title, "title");
            assert_string_equal(got.memory, kit.memory);
            assert_string_equal(got.aspect, evidence ? "log" : "");
            assert_string_equal(got.qmail_dir, kit.places.qmail_dir);
            assert_string_equal(got.service_dir, kit.places.service_dir);
            assert_string_equal(got.log_dir, kit.places.log_dir);
            assert_string_equal(got.proc_root, kit.places.proc_root);
            assert_int_equal(got.now_s, NOW_S);
            assert_int_equal(got.moment, 17);
            assert_true(tw_options_equal(kit.kind->options, got.settings, kit.settings));
            tw_wire_run_free(&got);
            tw_wire_run_free(&got); /* free and zeroed: again does nothing */
            tw_buf_free(&buf);
        }
        kit_free(&kit);
    }
}

/* An exact copy on the heap, so that a look beyond its end is seen. */
static struct tw_buf exact(const char *bytes, size_t length)
{
    struct tw_buf buf = {.data = malloc(length ? length : 1), .len = length, .cap = length};
    assert_non_null(buf.data);
    memcpy(buf.data, bytes, length);
    return buf;
}

static void put_length(struct tw_buf *buf)
{
    const uint32_t length = (uint32_t)buf->len - 4;
    for (int i = 0; i < 4; i++)
        buf->data[i] = (char)(length >> (8 * i));
}

/* Cut by the pipe, more is awaited; cut with a head that says so, it is refused. */
static void every_cut_request_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; tw_kinds[i]; i++) {
        struct kit kit = make_kit(tw_kinds[i]);
        struct tw_buf whole = {0};
        put_run(&whole, &kit, NULL);
        for (size_t length = 0; length < whole.len; length++) {
            struct tw_buf cut = exact(whole.data, length);
            size_t position = 0;
            struct tw_frame frame;
            struct tw_wire_run got;
            struct tw_error e;
            assert_int_equal(tw_frame_next(&cut, &position, TW_WIRE_REQUEST_MAX, &frame), 0);
            if (length > 4) {
                put_length(&cut);
                frame = frame_of(&cut);
                assert_int_equal(tw_wire_get_run(&frame, &got, &e), -1);
                assert_null(got.settings);
            }
            free(cut.data);
        }
        tw_buf_free(&whole);
        kit_free(&kit);
    }
}

static void what_follows_a_request_is_refused(void **state)
{
    (void)state;
    struct kit kit = make_kit(tw_kind_find("file"));
    struct tw_buf buf = {0};
    struct tw_wire_run got;
    struct tw_error e;
    put_run(&buf, &kit, NULL);
    tw_buf_add(&buf, "x", 1);
    put_length(&buf);
    struct tw_frame frame = frame_of(&buf);
    assert_int_equal(tw_wire_get_run(&frame, &got, &e), -1);
    tw_buf_free(&buf);
    kit_free(&kit);
}

static void an_unknown_kind_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"", "expire", "File", "file "};
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        const struct tw_kind other = {.name = names[i], .options = tw_kind_find("file")->options};
        struct kit kit = make_kit(tw_kind_find("file"));
        kit.kind = &other;
        struct tw_buf buf = {0};
        struct tw_wire_run got;
        struct tw_error e;
        put_run(&buf, &kit, NULL);
        struct tw_frame frame = frame_of(&buf);
        assert_int_equal(tw_wire_get_run(&frame, &got, &e), -1);
        assert_string_equal(e.text, "a request for a kind that is not known");
        tw_buf_free(&buf);
        kit.kind = tw_kind_find("file");
        kit_free(&kit);
    }
}

static int pass(struct kit *kit)
{
    struct tw_buf buf = {0};
    struct tw_wire_run got;
    struct tw_error e;
    put_run(&buf, kit, NULL);
    struct tw_frame frame = frame_of(&buf);
    const int result = tw_wire_get_run(&frame, &got, &e);
    if (result == 0) {
        assert_true(tw_options_equal(kit->kind->options, got.settings, kit->settings));
        assert_string_equal(got.memory, kit->memory);
        tw_wire_run_free(&got);
    }
    tw_buf_free(&buf);
    return result;
}

static char *long_text(size_t length)
{
    char *text = tw_alloc(length + 1);
    memset(text, 'x', length);
    text[0] = '/';
    return text;
}

/* No path can be longer than 4095 bytes; who asks for one is told so by a refusal. */
static void long_values(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        int result;
    } cases[] = {{4095, 0}, {4096, 0}, {4097, -1}, {5000, -1}, {100000, -1}};
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        char *value = long_text(cases[i].length);
        struct kit kit = kit_make(tw_kind_find("file"), "t");
        kit_set(&kit, "path", value);
        assert_int_equal(pass(&kit), cases[i].result);
        kit_set(&kit, "path", "/x");
        kit.places.service_dir = value;
        assert_int_equal(pass(&kit), cases[i].result);
        free(value);
        kit_free(&kit);
    }
}

static void long_memory(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("service"), "t");
    free(kit.memory);
    kit.memory = long_text(64 * 1024);
    assert_int_equal(pass(&kit), 0);
    free(kit.memory);
    kit.memory = long_text(64 * 1024 + 1);
    assert_int_equal(pass(&kit), -1);
    kit_free(&kit);
}

static void long_lists(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("service"), "*");
    const char *values[5000];
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(values); i++)
        values[i] = "smtp";
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "require", values, 4096, &e),
                     0);
    assert_int_equal(pass(&kit), 0);
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "require", values, 5000, &e),
                     0);
    assert_int_equal(pass(&kit), -1);
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "require", values, 0, &e), 0);
    assert_int_equal(pass(&kit), 0);
    kit_free(&kit);
}

/* ---- reports ------------------------------------------------------------------------------ */

/* A sink that asserts what the daemon may rely on, and counts. */
static void sane_finding(void *context, const struct tw_finding *finding)
{
    assert_true(finding->level >= (finding->aspect[0] ? TW_LEVEL_NONE : TW_LEVEL_OK));
    assert_true(finding->level <= TW_LEVEL_UNKNOWN);
    assert_true(!finding->aspect[0] || tw_title_valid(finding->aspect));
    assert_true(tw_title_valid(finding->code));
    assert_true(strlen(finding->text) <= TW_WIRE_LINE_MAX);
    ++*(size_t *)context;
}

static void sane_note(void *context, const char *text)
{
    assert_true(strlen(text) <= TW_WIRE_LINE_MAX);
    ++*(size_t *)context;
}

static void sane_pid(void *context, pid_t pid, uint64_t start_ticks)
{
    (void)start_ticks;
    assert_true(pid > 0 && pid <= 1 << 22);
    ++*(size_t *)context;
}

static void sane_dir(void *context, const char *directory, const char *name)
{
    assert_true(directory[0] == '/' && strlen(directory) <= 4096);
    assert_true(!name || (name[0] && strlen(name) <= 256));
    ++*(size_t *)context;
}

/* It is added to a time in milliseconds: a worker must not make that overflow. */
static void sane_again(void *context, int64_t in_ms)
{
    assert_true(in_ms >= 0 && in_ms <= 86400000);
    ++*(size_t *)context;
}

static void sane_instance(void *context, const char *title)
{
    assert_true(tw_title_valid(title));
    ++*(size_t *)context;
}

static void sane_memory(void *context, const char *text)
{
    assert_true(strlen(text) <= 64 * 1024);
    ++*(size_t *)context;
}

static struct tw_sink sane_sink(size_t *count)
{
    return (struct tw_sink){sane_finding, sane_note,     sane_pid,    sane_dir,
                            sane_again,   sane_instance, sane_memory, count};
}

static int take(const struct tw_buf *buf, struct tw_buf *text, int64_t *result, size_t *count)
{
    struct tw_frame frame = frame_of(buf);
    const struct tw_sink sink = sane_sink(count);
    return tw_wire_report(&frame, &sink, text, result);
}

/* One of each report, each in a buffer of its own. */
enum { REPORTS = 10 };

static void make_reports(struct tw_buf reports[REPORTS])
{
    struct tw_sink s = tw_wire_sink(&reports[0]);
    s.finding(s.context, &(struct tw_finding){TW_LEVEL_FAIL, "", "down", "down for 3s"});
    s = tw_wire_sink(&reports[1]);
    s.finding(s.context, &(struct tw_finding){TW_LEVEL_UNKNOWN, "log", "bad-status", "\xff\n"});
    s = tw_wire_sink(&reports[2]);
    s.note(s.context, "restarted, pid 1 is now 2");
    s = tw_wire_sink(&reports[3]);
    s.watch_pid(s.context, 4194304, UINT64_MAX);
    s = tw_wire_sink(&reports[4]);
    s.watch_dir(s.context, "/service/smtp/supervise", "status");
    s = tw_wire_sink(&reports[5]);
    s.look_again(s.context, 1000);
    s = tw_wire_sink(&reports[6]);
    s.instance(s.context, "smtp");
    s = tw_wire_sink(&reports[7]);
    s.remember(s.context, "100,1 101");
    struct tw_frame_writer w = tw_frame_begin(&reports[8], TW_WIRE_TEXT);
    tw_frame_put_bytes(&w, "evidence\0with a NUL", 19);
    tw_frame_end(&w);
    w = tw_frame_begin(&reports[9], TW_WIRE_END);
    tw_frame_put_number(&w, 1);
    tw_frame_end(&w);
}

static void free_reports(struct tw_buf reports[REPORTS])
{
    for (size_t i = 0; i < REPORTS; i++)
        tw_buf_free(&reports[i]);
}

static void every_report_comes_through(void **state)
{
    (void)state;
    struct tw_buf reports[REPORTS] = {0}, text = {0};
    make_reports(reports);
    struct kit kit = kit_make(tw_kind_find("service"), "smtp");
    const struct tw_sink sink = {kit_on_finding, kit_on_note,     kit_on_pid,      kit_on_dir,
                                 kit_on_again,   kit_on_instance, kit_on_remember, &kit};
    int64_t result = -1;
    for (size_t i = 0; i < REPORTS; i++) {
        struct tw_frame frame = frame_of(&reports[i]);
        assert_int_equal(tw_wire_report(&frame, &sink, &text, &result), i == REPORTS - 1);
    }
    kit_expect(&kit, "", TW_LEVEL_FAIL, "down", "down for 3s");
    kit_expect(&kit, "log", TW_LEVEL_UNKNOWN, "bad-status", "\xff\n");
    assert_string_equal(kit.notes.items[0], "restarted, pid 1 is now 2");
    assert_int_equal(kit.last_pid, 4194304);
    assert_true(kit.last_ticks == UINT64_MAX);
    assert_string_equal(kit.dirs.items[0], "/service/smtp/supervise status");
    assert_int_equal(kit.look_again_ms, 1000);
    assert_string_equal(kit.instances.items[0], "smtp");
    assert_string_equal(kit.memory, "100,1 101");
    assert_int_equal(text.len, 19);
    assert_memory_equal(text.data, "evidence\0with a NUL", 19);
    assert_int_equal(result, 1);
    tw_buf_free(&text);
    free_reports(reports);
    kit_free(&kit);
}

static void a_watch_for_all_entries_comes_through(void **state)
{
    (void)state;
    struct tw_buf buf = {0};
    struct kit kit = kit_make(tw_kind_find("service"), "smtp");
    const struct tw_sink put = tw_wire_sink(&buf);
    const struct tw_sink sink = {.watch_dir = kit_on_dir, .context = &kit};
    put.watch_dir(put.context, "/service", NULL);
    struct tw_frame frame = frame_of(&buf);
    assert_int_equal(tw_wire_report(&frame, &sink, NULL, NULL), 0);
    assert_string_equal(kit.dirs.items[0], "/service *");
    tw_buf_free(&buf);
    kit_free(&kit);
}

static void long_lines_are_cut_not_refused(void **state)
{
    (void)state;
    char *text = long_text(100000);
    struct tw_buf buf = {0};
    struct kit kit = kit_make(tw_kind_find("service"), "smtp");
    const struct tw_sink put = tw_wire_sink(&buf);
    const struct tw_sink sink = {.finding = kit_on_finding, .note = kit_on_note, .context = &kit};
    put.finding(put.context, &(struct tw_finding){TW_LEVEL_OK, "", "ok", text});
    struct tw_frame frame = frame_of(&buf);
    assert_int_equal(tw_wire_report(&frame, &sink, NULL, NULL), 0);
    assert_int_equal(strlen(kit.findings[0].text), TW_WIRE_LINE_MAX);
    tw_buf_clear(&buf);
    put.note(put.context, text);
    frame = frame_of(&buf);
    assert_int_equal(tw_wire_report(&frame, &sink, NULL, NULL), 0);
    assert_int_equal(strlen(kit.notes.items[0]), TW_WIRE_LINE_MAX);
    tw_buf_free(&buf);
    free(text);
    kit_free(&kit);
}

static void evidence_has_a_bound(void **state)
{
    (void)state;
    struct tw_buf buf = {0}, text = {0};
    char *half = long_text(40000);
    int64_t result;
    size_t count = 0;
    struct tw_frame_writer w = tw_frame_begin(&buf, TW_WIRE_TEXT);
    tw_frame_put_text(&w, half);
    tw_frame_end(&w);
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(&buf, &text, &result, &count), 0);
    assert_in_range(text.len, 64 * 1024, 2 * 64 * 1024);
    tw_buf_free(&buf);
    tw_buf_free(&text);
    free(half);
}

static void every_cut_report_is_refused(void **state)
{
    (void)state;
    struct tw_buf reports[REPORTS] = {0}, text = {0};
    make_reports(reports);
    size_t count = 0;
    int64_t result;
    for (size_t i = 0; i < REPORTS; i++) {
        for (size_t length = 5; length < reports[i].len; length++) {
            struct tw_buf cut = exact(reports[i].data, length);
            put_length(&cut);
            assert_int_equal(take(&cut, &text, &result, &count), -1);
            free(cut.data);
        }
        tw_buf_add(&reports[i], "\0", 1);
        put_length(&reports[i]);
        assert_int_equal(take(&reports[i], &text, &result, &count), -1);
    }
    assert_int_equal(count, 0);
    assert_int_equal(text.len, 0);
    free_reports(reports);
    tw_buf_free(&text);
}

/* Well-formed, but nothing that a sane worker would say. */
static void refuse_finding(int64_t level, const char *aspect, const char *code, const char *line,
                           size_t length)
{
    struct tw_buf buf = {0}, text = {0};
    int64_t result;
    size_t count = 0;
    struct tw_frame_writer w = tw_frame_begin(&buf, TW_WIRE_FINDING);
    tw_frame_put_number(&w, level);
    tw_frame_put_text(&w, aspect);
    tw_frame_put_text(&w, code);
    tw_frame_put_bytes(&w, line, length);
    tw_frame_end(&w);
    assert_int_equal(take(&buf, &text, &result, &count), -1);
    assert_int_equal(count, 0);
    tw_buf_free(&buf);
}

static void findings_of_nonsense_are_refused(void **state)
{
    (void)state;
    char *line = long_text(TW_WIRE_LINE_MAX + 1), *name = long_text(70);
    refuse_finding(TW_LEVEL_NONE, "", "ok", "x", 1);
    refuse_finding(TW_LEVEL_UNKNOWN + 1, "", "ok", "x", 1);
    refuse_finding(-1, "", "ok", "x", 1);
    refuse_finding(INT64_MIN, "", "ok", "x", 1);
    refuse_finding((int64_t)1 << 32 | 1, "", "ok", "x", 1);
    refuse_finding(TW_LEVEL_OK, "a/b", "ok", "x", 1);
    refuse_finding(TW_LEVEL_OK, "a\nb", "ok", "x", 1);
    refuse_finding(TW_LEVEL_OK, name + 1, "ok", "x", 1);
    refuse_finding(TW_LEVEL_OK, "", "", "x", 1);
    refuse_finding(TW_LEVEL_OK, "", "o k", "x", 1);
    refuse_finding(TW_LEVEL_OK, "", "ok", "a\0b", 3);
    refuse_finding(TW_LEVEL_OK, "", "ok", line, TW_WIRE_LINE_MAX + 1);
    free(line);
    free(name);
}

static void refuse_numbers(uint8_t type, int64_t first, const int64_t *second)
{
    struct tw_buf buf = {0}, text = {0};
    int64_t result;
    size_t count = 0;
    struct tw_frame_writer w = tw_frame_begin(&buf, type);
    tw_frame_put_number(&w, first);
    if (second)
        tw_frame_put_number(&w, *second);
    tw_frame_end(&w);
    assert_int_equal(take(&buf, &text, &result, &count), -1);
    assert_int_equal(count, 0);
    tw_buf_free(&buf);
}

static void numbers_out_of_bounds_are_refused(void **state)
{
    (void)state;
    static const int64_t pids[] = {0, -1, INT64_MIN, (1 << 22) + 1, (int64_t)1 << 32 | 7, INT64_MAX};
    static const int64_t waits[] = {-1, INT64_MIN, 86400001, INT64_MAX};
    static const int64_t ticks = 5;
    for (size_t i = 0; i < TW_COUNT(pids); i++)
        refuse_numbers(TW_WIRE_WATCH_PID, pids[i], &ticks);
    for (size_t i = 0; i < TW_COUNT(waits); i++)
        refuse_numbers(TW_WIRE_LOOK_AGAIN, waits[i], NULL);
}

static void requests_and_unknown_types_are_no_reports(void **state)
{
    (void)state;
    for (int type = 0; type < 256; type++)
        if (type < TW_WIRE_FINDING || type > TW_WIRE_END)
            refuse_numbers((uint8_t)type, 0, NULL);
}

static void strings_of_nonsense_are_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *first, *second;
    } cases[] = {{TW_WIRE_WATCH_DIR, "relative", "x"}, {TW_WIRE_WATCH_DIR, "", "x"},
                 {TW_WIRE_INSTANCE, "*", NULL},        {TW_WIRE_INSTANCE, "", NULL},
                 {TW_WIRE_INSTANCE, "../x", NULL},     {TW_WIRE_INSTANCE, "a b", NULL},
                 {TW_WIRE_NOTE, "one", "two"}};
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        struct tw_buf buf = {0}, text = {0};
        int64_t result;
        size_t count = 0;
        struct tw_frame_writer w = tw_frame_begin(&buf, cases[i].type);
        tw_frame_put_text(&w, cases[i].first);
        if (cases[i].second)
            tw_frame_put_text(&w, cases[i].second);
        tw_frame_end(&w);
        assert_int_equal(take(&buf, &text, &result, &count), -1);
        assert_int_equal(count, 0);
        tw_buf_free(&buf);
    }
}

/* ---- random mutations --------------------------------------------------------------------- */

/* A few bytes changed, some cut off or added; the head sometimes mended so that the fields are
 * reached. */
static struct tw_buf mutate(const struct tw_buf *from, unsigned *seed)
{
    const size_t extra = rand_r(seed) % 4 == 0 ? (size_t)rand_r(seed) % 20 : 0;
    struct tw_buf buf = {.data = malloc(from->len + extra), .len = from->len + extra};
    assert_non_null(buf.data);
    memcpy(buf.data, from->data, from->len);
    for (size_t i = from->len; i < buf.len; i++)
        buf.data[i] = (char)rand_r(seed);
    if (rand_r(seed) % 4 == 0)
        buf.len -= (size_t)rand_r(seed) % (buf.len - 5);
    for (int i = rand_r(seed) % 4; i >= 0; i--) {
        const size_t at = (size_t)rand_r(seed) % buf.len;
        buf.data[at] = (char)(rand_r(seed) % 2 ? rand_r(seed) : buf.data[at] ^ (1 << rand_r(seed) % 8));
    }
    if (rand_r(seed) % 8)
        put_length(&buf);
    buf.data = realloc(buf.data, buf.len);
    assert_non_null(buf.data);
    return buf;
}

static void requests_survive_mutations(void **state)
{
    (void)state;
    unsigned seed = 20240501;
    struct tw_buf requests[3] = {0};
    size_t good = 0;
    for (size_t i = 0; i < TW_COUNT(requests); i++) {
        struct kit kit = make_kit(tw_kinds[i]);
        put_run(&requests[i], &kit, i % 2 ? "log" : NULL);
        kit_free(&kit);
    }
    for (int round = 0; round < MUTATIONS; round++) {
        struct tw_buf buf = mutate(&requests[round % 3], &seed);
        size_t position = 0;
        struct tw_frame frame;
        struct tw_wire_run got;
        struct tw_error e;
        if (tw_frame_next(&buf, &position, TW_WIRE_REQUEST_MAX, &frame) == 1 &&
            tw_wire_get_run(&frame, &got, &e) == 0) {
            good++;
            assert_non_null(got.settings);
            tw_wire_run_free(&got);
        }
        free(buf.data);
    }
    assert_in_range(good, 1, MUTATIONS / 2);
    for (size_t i = 0; i < TW_COUNT(requests); i++)
        tw_buf_free(&requests[i]);
}

static void reports_survive_mutations(void **state)
{
    (void)state;
    unsigned seed = 20240502;
    struct tw_buf reports[REPORTS] = {0}, text = {0};
    make_reports(reports);
    size_t count = 0;
    const struct tw_sink sink = sane_sink(&count);
    for (int round = 0; round < MUTATIONS; round++) {
        struct tw_buf buf = mutate(&reports[round % REPORTS], &seed);
        size_t position = 0;
        struct tw_frame frame;
        int64_t result;
        if (tw_frame_next(&buf, &position, TW_WIRE_REPORT_MAX, &frame) == 1) {
            const size_t before = count;
            const int got = tw_wire_report(&frame, &sink, &text, &result);
            assert_in_range(got + 1, 0, 2);
            assert_true(got == 0 || count == before); /* refused as a whole */
        }
        free(buf.data);
        tw_buf_clear(&text);
    }
    assert_in_range(count, 1, MUTATIONS);
    tw_buf_free(&text);
    free_reports(reports);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_comes_through),
        cmocka_unit_test(every_cut_request_is_refused),
        cmocka_unit_test(what_follows_a_request_is_refused),
        cmocka_unit_test(an_unknown_kind_is_refused),
        cmocka_unit_test(long_values),
        cmocka_unit_test(long_memory),
        cmocka_unit_test(long_lists),
        cmocka_unit_test(every_report_comes_through),
        cmocka_unit_test(a_watch_for_all_entries_comes_through),
        cmocka_unit_test(long_lines_are_cut_not_refused),
        cmocka_unit_test(evidence_has_a_bound),
        cmocka_unit_test(every_cut_report_is_refused),
        cmocka_unit_test(findings_of_nonsense_are_refused),
        cmocka_unit_test(numbers_out_of_bounds_are_refused),
        cmocka_unit_test(requests_and_unknown_types_are_no_reports),
        cmocka_unit_test(strings_of_nonsense_are_refused),
        cmocka_unit_test(requests_survive_mutations),
        cmocka_unit_test(reports_survive_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
