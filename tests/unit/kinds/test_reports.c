/* Reports as frames: round trips, cut frames, and a worker that lies. */
#include "frames.h"

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

static void sane_figure(void *context, const struct tw_figure *figure)
{
    assert_true(figure->count >= 0 && figure->bytes >= 0);
    ++*(size_t *)context;
}

static void sane_order(void *context)
{
    ++*(size_t *)context;
}

static void sane_progress(void *context)
{
    (void)context;
    fail_msg("progress is told by the result");
}

static struct tw_sink sane_sink(size_t *count)
{
    return (struct tw_sink){.finding = sane_finding,
                            .note = sane_note,
                            .watch_pid = sane_pid,
                            .watch_dir = sane_dir,
                            .look_again = sane_again,
                            .instance = sane_instance,
                            .remember = sane_memory,
                            .done = sane_note,
                            .figure = sane_figure,
                            .order = sane_order,
                            .progress = sane_progress,
                            .context = count};
}

static int take(const struct tw_buf *buf, struct tw_buf *text, int64_t *result, size_t *count)
{
    struct tw_frame frame = frame_of(buf);
    const struct tw_sink sink = sane_sink(count);
    return tw_wire_report(&frame, &sink, text, result);
}

/* One of each report, each in a buffer of its own. */
enum { REPORTS = 14 };

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
    s = tw_wire_sink(&reports[8]);
    s.done(s.context, "moved to x.1");
    s = tw_wire_sink(&reports[9]);
    s.progress(s.context);
    s = tw_wire_sink(&reports[10]);
    s.order(s.context);
    s = tw_wire_sink(&reports[11]);
    s.figure(s.context, &(struct tw_figure){"expired", "example.com", 3, 1000});
    struct tw_frame_writer w = tw_frame_begin(&reports[12], TW_WIRE_TEXT);
    tw_frame_put_bytes(&w, "evidence\0with a NUL", 19);
    tw_frame_end(&w);
    w = tw_frame_begin(&reports[13], TW_WIRE_END);
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
    const struct tw_sink sink = kit_sink(&kit);
    int64_t result = -1;
    for (size_t i = 0; i < REPORTS; i++) {
        struct tw_frame frame = frame_of(&reports[i]);
        const int expected = i == REPORTS - 1 ? 1 : frame.type == TW_WIRE_PROGRESS ? 2 : 0;
        assert_int_equal(tw_wire_report(&frame, &sink, &text, &result), expected);
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
    assert_string_equal(kit.done.items[0], "moved to x.1");
    assert_int_equal(kit.orders, 1);
    assert_int_equal(kit.progress, 0);
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
    static const int64_t pids[] = {0,        -1, INT64_MIN, (1 << 22) + 1, (int64_t)1 << 32 | 7,
                                   INT64_MAX};
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
            assert_in_range(got + 1, 0, 3);
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
        cmocka_unit_test(every_report_comes_through),
        cmocka_unit_test(a_watch_for_all_entries_comes_through),
        cmocka_unit_test(long_lines_are_cut_not_refused),
        cmocka_unit_test(evidence_has_a_bound),
        cmocka_unit_test(every_cut_report_is_refused),
        cmocka_unit_test(findings_of_nonsense_are_refused),
        cmocka_unit_test(numbers_out_of_bounds_are_refused),
        cmocka_unit_test(requests_and_unknown_types_are_no_reports),
        cmocka_unit_test(strings_of_nonsense_are_refused),
        cmocka_unit_test(reports_survive_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
