/* Requests as frames: round trips, cut and garbled ones, long values. */
#include "frames.h"

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
        assert_int_equal(tw_options_set(kind->options, kit.settings, "require", required, 3, NULL),
                         0);
        kit_set(&kit, "log", "syslog");
        kit_set(&kit, "log_dir", "/var/log/x");
        kit_set(&kit, "restarts", "31");
        kit_set(&kit, "within", "7d");
    } else if (kind == tw_kind_find("file")) {
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

static void expect_list(const struct tw_strings *got, const char *first, const char *second)
{
    assert_int_equal(got->count, 2);
    assert_string_equal(got->items[0], first);
    assert_string_equal(got->items[1], second);
}

static void expect_sources(const struct tw_sources *got, const struct tw_sources *sent)
{
    if (!sent) {
        assert_null(got->vpopmail);
        assert_int_equal(got->glob.count + got->exclude.count + got->uids.count, 0);
        assert_false(got->passwd);
        return;
    }
    assert_string_equal(got->vpopmail, sent->vpopmail);
    expect_list(&got->glob, sent->glob.items[0], sent->glob.items[1]);
    expect_list(&got->exclude, sent->exclude.items[0], sent->exclude.items[1]);
    expect_list(&got->uids, sent->uids.items[0], sent->uids.items[1]);
    assert_true(got->passwd);
}

static void expect_told(const struct tw_wire_run *got, const struct tw_run *sent)
{
    assert_int_equal(got->look_only, sent->look_only);
    assert_int_equal(got->confirm, sent->confirm);
    assert_int_equal(got->now_s, sent->now_s);
    assert_int_equal(got->until_s, sent->until_s);
    assert_int_equal(got->every_s, sent->every_s);
    assert_string_equal(got->places.qmail_dir, sent->places->qmail_dir);
    assert_string_equal(got->places.service_dir, sent->places->service_dir);
    assert_string_equal(got->places.log_dir, sent->places->log_dir);
    assert_string_equal(got->places.proc_root, sent->places->proc_root);
    assert_string_equal(got->places.state_dir, sent->places->state_dir);
    assert_string_equal(got->places.hostname, sent->places->hostname);
    expect_sources(got->places.sources, sent->places->sources);
}

/* Each yes and no alone, and numbers that cannot stand for each other. */
static void what_a_run_is_told_comes_through(void **state)
{
    (void)state;
    char *globs[] = {"/srv/%d/%u", "/home/%u/\xc3\xa4 \""}, *uids[] = {"30", "31"},
         *exclude[] = {"a@example.org", "*@example.net"};
    const struct tw_sources sources = {"/home/vpopmail", {globs, 2}, true, {exclude, 2}, {uids, 2}};
    struct kit kit = make_kit(tw_kind_find("file"));
    kit.places.state_dir = "/var/lib/state dir";
    kit.places.hostname = "mail.example.org";
    for (int flags = 0; flags < 8; flags++) {
        struct tw_run run = kit_describe(&kit, "file.title", NULL);
        run.look_only = flags & 1;
        run.confirm = flags & 2;
        run.until_s = INT64_C(1) << 40;
        run.every_s = 604800;
        kit.places.sources = flags & 4 ? &sources : NULL;
        struct tw_buf buf = {0};
        struct tw_wire_run got;
        struct tw_error e;
        tw_wire_put_run(&buf, &run, kit.kind, 1, NULL);
        struct tw_frame frame = frame_of(&buf);
        assert_int_equal(tw_wire_get_run(&frame, &got, &e), 0);
        expect_told(&got, &run);
        tw_wire_run_free(&got);
        tw_buf_free(&buf);
    }
    kit_free(&kit);
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

static void what_is_to_be_told_reaches_the_worker_and_rows_come_back(void **state)
{
    (void)state;
    struct kit kit = make_kit(tw_kind_find("expire"));
    char name[] = "expire.x";
    const struct tw_run run = kit_describe(&kit, name, NULL);
    struct tw_strings arguments = {0}, fields = {0};
    struct tw_buf buf = {0};
    struct tw_wire_run got;
    struct tw_error e;
    tw_strings_add(&arguments, "joe@example.com");
    tw_strings_add(&arguments, "");
    tw_wire_put_tell(&buf, &run, kit.kind, "dry-run", &arguments);
    struct tw_frame frame = frame_of(&buf);
    assert_int_equal(frame.type, TW_WIRE_TELL);
    assert_int_equal(tw_wire_get_run(&frame, &got, &e), 0);
    assert_string_equal(got.aspect, "dry-run");
    assert_int_equal(got.arguments.count, 2);
    assert_string_equal(got.arguments.items[0], "joe@example.com");
    tw_wire_run_free(&got);
    tw_buf_clear(&buf);
    tw_wire_put_row(&buf, (const char *const[]){"a", "\xff\n", ""}, 3);
    frame = frame_of(&buf);
    assert_int_equal(frame.type, TW_WIRE_ROW);
    assert_int_equal(tw_wire_get_row(&frame, &fields), 0);
    assert_int_equal(fields.count, 3);
    assert_string_equal(fields.items[1], "\xff\n");
    tw_strings_free(&fields);
    for (size_t length = 5; length < buf.len; length++) {
        struct tw_buf cut = exact(buf.data, length);
        put_length(&cut);
        frame = frame_of(&cut);
        assert_int_equal(tw_wire_get_row(&frame, &fields), -1);
        tw_strings_free(&fields);
        free(cut.data);
    }
    tw_buf_free(&buf);
    tw_strings_free(&arguments);
    kit_free(&kit);
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
    static const char *const names[] = {"", "teach", "File", "file "};
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_request_comes_through),
        cmocka_unit_test(what_a_run_is_told_comes_through),
        cmocka_unit_test(every_cut_request_is_refused),
        cmocka_unit_test(what_is_to_be_told_reaches_the_worker_and_rows_come_back),
        cmocka_unit_test(what_follows_a_request_is_refused),
        cmocka_unit_test(an_unknown_kind_is_refused),
        cmocka_unit_test(long_values),
        cmocka_unit_test(long_memory),
        cmocka_unit_test(long_lists),
        cmocka_unit_test(requests_survive_mutations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
