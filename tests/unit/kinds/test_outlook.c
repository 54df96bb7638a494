/* Aspect `full` of kind `disk`: days of a disk, in runs of five minutes. */
#include "disk_kit.h"

static struct kit make_full(const char *full_in)
{
    struct kit kit = make();
    kit_set(&kit, "min_free", "never");
    kit_set(&kit, "full_in", full_in);
    return kit;
}

/* A run each five minutes of so many hours, so much less being free from one to the next. */
static void pass(struct kit *kit, double hours, int64_t less_an_hour)
{
    const int64_t free_then = (int64_t)answer.f_bavail << 20;
    const int64_t from_s = kit->now_s;
    while (kit->now_s < from_s + (int64_t)(hours * 3600)) {
        kit->now_s += 300;
        const int64_t left = free_then - less_an_hour / 12 * ((kit->now_s - from_s) / 300);
        set_free(left > 0 ? left : 0);
        kit_run(kit);
    }
}

static void expect_full(const struct kit *kit, enum tw_level level, const char *code,
                        const char *part)
{
    kit_expect(kit, "full", level, code, part);
}

static void the_first_hours_tell_nothing(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    kit_run(&kit);
    expect_full(&kit, TW_LEVEL_OK, "ok", "too short a time to tell: 0s of 2h");
    pass(&kit, 1.8, 4 * gig);
    expect_full(&kit, TW_LEVEL_OK, "ok", "too short a time to tell: 1h 50m of 2h");
    pass(&kit, 0.1, 4 * gig);
    expect_full(&kit, TW_LEVEL_FAIL, "filling", "full in");
    kit_free(&kit);

    kit = (struct kit){0};
    assert_int_equal(chdir("proc"), 0); /* another room for make() */
    kit = make_full("1h");
    pass(&kit, 0.9, 10 * gig);
    expect_full(&kit, TW_LEVEL_OK, "ok", "of 1h");
    kit_free(&kit);
    assert_int_equal(chdir("self"), 0);
    kit = make_full("30d");
    pass(&kit, 12, 0);
    expect_full(&kit, TW_LEVEL_OK, "ok", "of 12h");
    pass(&kit, 0.2, 0);
    expect_full(&kit, TW_LEVEL_OK, "ok", "not filling");
    kit_free(&kit);
}

/* Two looks, hours apart, make a line through whatever happened to be there. */
static void few_looks_tell_nothing(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    for (int i = 0; i < 4; i++) {
        set_free((10 - i) * gig);
        kit_run(&kit);
        kit.now_s += 4 * 3600;
        if (i > 0 && i < 3)
            expect_full(&kit, TW_LEVEL_OK, "ok",
                        i == 1 ? "too few looks to tell: 1 of 3" : "2 of 3 in the last day");
    }
    expect_full(&kit, TW_LEVEL_OK, "ok", "full in 1d 4h at the pace of the last 12h");
    kit_free(&kit);
}

static void steady_growth_is_told_in_time(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    set_free(60 * gig);
    pass(&kit, 27, 3 * gig / 2);
    expect_full(&kit, TW_LEVEL_OK, "ok", "full in 13h at the pace of the last day (1.5G an hour)");
    pass(&kit, 1.5, 3 * gig / 2);
    expect_full(&kit, TW_LEVEL_FAIL, "filling",
                "full in 11h 30m at the pace of the last day (1.5G an hour)");
    pass(&kit, 20, gig);
    expect_full(&kit, TW_LEVEL_FAIL, "full", "nothing is free on the file system of");
    kit_free(&kit);
}

static void inodes_run_out_too(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    answer.f_ffree = answer.f_favail = 40000;
    for (int i = 0; i < 36; i++) {
        answer.f_ffree = answer.f_favail -= 500; /* 6000 an hour */
        kit.now_s += 300;
        kit_run(&kit);
    }
    expect_full(&kit, TW_LEVEL_FAIL, "filling-inodes",
                "out of inodes in 3h 40m at the pace of the last 2h 55m (5.8K an hour)");
    answer.f_ffree = answer.f_favail = 0;
    kit_run(&kit);
    expect_full(&kit, TW_LEVEL_FAIL, "full-inodes", "no inode is free");
    kit_free(&kit);
}

static void what_does_not_grow_fills_nothing(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    pass(&kit, 25, 0);
    expect_full(&kit, TW_LEVEL_OK, "ok", "not filling");
    set_free(4 * gig);
    pass(&kit, 25, -gig / 12);
    expect_full(&kit, TW_LEVEL_OK, "ok", "not filling");
    kit_free(&kit);
}

/* Figures about the limit do not make it fail and be well by turns. */
static void what_is_filling_stays_so_until_there_is_more_time(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    set_free(50 * gig);
    pass(&kit, 39, gig);
    expect_full(&kit, TW_LEVEL_FAIL, "filling", "full in 11h");
    set_free(23 * gig / 2);
    kit.now_s += 60;
    kit_run(&kit);
    expect_full(&kit, TW_LEVEL_FAIL, "filling", "full in 12h");
    set_free(40 * gig);
    kit.now_s += 60;
    kit_run(&kit);
    expect_full(&kit, TW_LEVEL_OK, "ok", "");
    kit_free(&kit);
}

static void after_a_long_pause_it_is_neither_well_nor_worse(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    pass(&kit, 3, gig);
    expect_full(&kit, TW_LEVEL_FAIL, "filling", "");
    kit.now_s += 3 * 86400;
    kit_run(&kit);
    assert_true(tw_strings_has(&kit.withdrawn, "full"));
    assert_null(kit_find(&kit, "full"));
    pass(&kit, 3, 0);
    expect_full(&kit, TW_LEVEL_OK, "ok", "not filling");
    kit_free(&kit);
}

static size_t remembered; /* times */
static struct kit *remembering;

static void count_remembered(void *context, const char *text)
{
    (void)context;
    remembered++;
    kit_on_remember(remembering, text);
}

static void it_remembers_once_in_a_quarter_of_an_hour(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    struct tw_sink sink = {
        .finding = kit_on_finding, .remember = count_remembered, .context = &kit};
    char name[] = "disk.var";
    remembering = &kit;
    remembered = 0;
    for (int minute = 0; minute < 6 * 60; minute++) {
        kit.now_s = NOW_S + minute * 60;
        char *memory = tw_strdup(kit.memory);
        struct tw_run run = kit_describe(&kit, name, &sink);
        run.memory = memory;
        kit.kind->run(&run);
        free(memory);
        assert_true(strlen(kit.memory) < 8000);
    }
    assert_int_equal(remembered, 24);
    kit_free(&kit);
}

static bool knows(struct kit *kit)
{
    kit_run(kit);
    const struct kit_finding *found = kit_find(kit, "full");
    return found && !strstr(found->text, "too short");
}

static void other_paths_file_systems_and_sizes_begin_anew(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    pass(&kit, 3, 0);
    char *memory = tw_strdup(kit.memory);
    assert_true(knows(&kit));
    answer.f_fsid = 8;
    assert_false(knows(&kit));
    kit_on_remember(&kit, memory);
    answer.f_fsid = 7;
    assert_true(knows(&kit));
    answer.f_blocks += 1000; /* drifts */
    assert_true(knows(&kit));
    answer.f_blocks += 10000;
    assert_false(knows(&kit));
    kit_on_remember(&kit, memory);
    answer.f_blocks -= 11000;
    assert_true(knows(&kit));
    make_dir("e");
    kit_set(&kit, "path", HERE "e");
    assert_false(knows(&kit));
    kit_on_remember(&kit, memory);
    kit_set(&kit, "path", HERE "d");
    assert_true(knows(&kit));
    kit.now_s -= 7200; /* the clock is set back: what is of a time to come is dropped */
    assert_false(knows(&kit));
    free(memory);
    kit_free(&kit);
}

/* Every beginning of a memory, and every memory with one byte damaged: no crash, and a finding. */
static void a_damaged_memory_is_dropped(void **state)
{
    (void)state;
    static const char *const bad[] = {"nonsense",
                                      "1 7 " HERE "d\n",
                                      "1 7 " HERE "d\n107374182400 0",
                                      "1 7 " HERE "d\n107374182400 2\n",
                                      "1 7 " HERE "d\n-107374182400 0\n",
                                      "1 7 " HERE "d\n99999999999999999999999 0\n",
                                      "1 7 " HERE "d\n107374182400 0\n1,2",
                                      "2 7 " HERE "d\n107374182400 0\n"};
    struct kit kit = make_full("12h");
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        kit_on_remember(&kit, bad[i]);
        kit_run(&kit);
        expect_full(&kit, TW_LEVEL_OK, "ok", "0s of 2h");
        assert_true(strncmp(kit.memory, "1 7 " HERE "d\n107374182400 0\n1800000000,",
                            strlen(HERE) + 32) == 0);
    }
    pass(&kit, 3, 0);
    char *memory = tw_strdup(kit.memory);
    const size_t length = strlen(memory);
    for (size_t i = 0; i < length; i++) {
        char *damaged = tw_strdup(memory);
        damaged[i] = i % 2 ? '\0' : (char)(memory[i] ^ 1);
        kit_on_remember(&kit, damaged);
        kit_run(&kit);
        assert_true(kit_find(&kit, "full") || tw_strings_has(&kit.withdrawn, "full"));
        free(damaged);
    }
    free(memory);
    kit_free(&kit);
}

static void the_evidence_shows_how_it_came(void **state)
{
    (void)state;
    struct kit kit = make_full("12h");
    set_free(50 * gig);
    pass(&kit, 40, gig);
    evidence(&kit, "full", "free: 3", true);
    evidence(&kit, "full", "G 24h ago, ", true);
    evidence(&kit, "full", "G 1h ago, 10G now\n", true);
    kit_free(&kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_hours_tell_nothing),
        TEST(few_looks_tell_nothing),
        TEST(steady_growth_is_told_in_time),
        TEST(inodes_run_out_too),
        TEST(what_does_not_grow_fills_nothing),
        TEST(what_is_filling_stays_so_until_there_is_more_time),
        TEST(after_a_long_pause_it_is_neither_well_nor_worse),
        TEST(it_remembers_once_in_a_quarter_of_an_hour),
        TEST(other_paths_file_systems_and_sizes_begin_anew),
        TEST(a_damaged_memory_is_dropped),
        TEST(the_evidence_shows_how_it_came),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
