/* Kind `disk`, over a file system that answers what a test wants. */
#include "kit.h"

#include <errno.h>
#include <sys/statvfs.h>

/* The settings want an absolute path; this is the scratch directory by another name. */
#define HERE "/proc/self/cwd/"

static const int64_t gig = 1LL << 30;

/* What statvfs answers, for every path; in place of the C library's. */
static struct statvfs answer;
static int answer_errno;

int statvfs(const char *path, struct statvfs *out)
{
    if (answer_errno == 0) {
        *out = answer;
        return access(path, F_OK);
    }
    errno = answer_errno;
    return -1;
}

/* 100 G, a tenth of it free; a million inodes, half of them free. */
static struct kit make(void)
{
    struct kit kit = kit_make(tw_kind_find("disk"), "var");
    answer_errno = 0;
    answer = (struct statvfs){.f_frsize = 1 << 20,
                              .f_blocks = 100 << 10,
                              .f_bfree = 10 << 10,
                              .f_bavail = 10 << 10,
                              .f_files = 1 << 20,
                              .f_ffree = 1 << 19,
                              .f_favail = 1 << 19,
                              .f_fsid = 7};
    make_dir("d");
    make_dir("proc");
    make_dir("proc/self");
    put_text("proc/self/mountinfo", "");
    kit_set(&kit, "path", HERE "d");
    return kit;
}

static void set_free(int64_t bytes)
{
    answer.f_bfree = answer.f_bavail = (fsblkcnt_t)(bytes >> 20);
}

static void a_disk_with_room(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_check(&kit, TW_LEVEL_OK, "ok", "10G of 100G free (10%), 512K of 1M inodes free (50%)");
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "10G of 100G free (10%)");
    kit_expect(&kit, "inodes", TW_LEVEL_OK, "ok", "512K of 1M inodes free (50%)");
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "mounted for writing");
    assert_int_equal(kit.finding_count, 4);
    assert_string_equal(kit.memory, ""); /* nothing to remember without full_in */
    assert_int_equal(tw_kind_place(kit.kind, kit.settings, kit.title), TW_PLACE_WORKER);
    kit_free(&kit);
}

static void what_is_switched_off_is_not_said(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "min_free", "never");
    kit_set(&kit, "min_inodes", "never");
    kit_set(&kit, "read_only", "yes");
    answer.f_flag = ST_RDONLY;
    set_free(0);
    answer.f_ffree = answer.f_favail = 0;
    kit_check(&kit, TW_LEVEL_OK, "ok", "0 bytes of 100G free (0%), 0 of 1M inodes free (0%)");
    assert_int_equal(kit.finding_count, 1);
    kit_free(&kit);
}

static void too_little_space(void **state)
{
    (void)state;
    struct kit kit = make();
    set_free(5 * gig);
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "5G of 100G free (5%)");
    set_free(5 * gig - (1 << 20));
    kit_run(&kit);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "4.9G of 100G free (4%)");
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "low", "4.9G of 100G free (4%), limit 5%");
    kit_set(&kit, "min_free", "2G");
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "4.9G");
    set_free(gig);
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "low", "1G of 100G free (1%), limit 2G");
    kit_set(&kit, "min_free", "0");
    set_free(0);
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "0 bytes of 100G free (0%)");
    kit_free(&kit);
}

/* What only root may use does not count: neither as free, nor as a part of all. */
static void what_is_kept_for_root_is_not_free(void **state)
{
    (void)state;
    struct kit kit = make();
    answer.f_bavail = 4 << 10;
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "low", "4G of 94G free (4%)");
    kit_free(&kit);
}

static void petabytes(void **state)
{
    (void)state;
    struct kit kit = make();
    answer.f_frsize = 1UL << 45;
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "327680T of 3276800T free (10%)");
    answer.f_bfree = answer.f_bavail = 4 << 10;
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "low", "free (4%), limit 5%");
    answer.f_blocks = (fsblkcnt_t)-1;
    kit_run(&kit);
    kit_expect(&kit, "space", TW_LEVEL_FAIL, "low", "free (1%), limit 5%");
    kit_free(&kit);
}

static void too_few_inodes(void **state)
{
    (void)state;
    struct kit kit = make();
    answer.f_ffree = answer.f_favail = 40000;
    kit_run(&kit);
    kit_expect(&kit, "inodes", TW_LEVEL_FAIL, "low", "39.0K of 1M inodes free (3%), limit 5%");
    kit_expect(&kit, "space", TW_LEVEL_OK, "ok", "10G");
    kit_set(&kit, "min_inodes", "40000");
    kit_run(&kit);
    kit_expect(&kit, "inodes", TW_LEVEL_OK, "ok", "39.0K");
    answer.f_ffree = answer.f_favail = 12;
    kit_run(&kit);
    kit_expect(&kit, "inodes", TW_LEVEL_FAIL, "low", "12 of 1M inodes free (0%), limit 40000");
    kit_free(&kit);
}

static void a_file_system_that_counts_no_inodes(void **state)
{
    (void)state;
    struct kit kit = make();
    answer.f_files = answer.f_ffree = answer.f_favail = 0;
    kit_check(&kit, TW_LEVEL_OK, "ok", "free (10%), no inode count");
    kit_expect(&kit, "inodes", TW_LEVEL_OK, "ok", "no inode count");
    answer.f_ffree = answer.f_favail = (fsfilcnt_t)-1;
    kit_run(&kit);
    kit_expect(&kit, "inodes", TW_LEVEL_OK, "ok", "no inode count");
    kit_free(&kit);
}

/* A FUSE without an answer says zero of zero: that is not full, and not well either. */
static void a_file_system_that_tells_no_size_is_unknown(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "full_in", "12h");
    answer.f_blocks = answer.f_bfree = answer.f_bavail = 0;
    kit_check(&kit, TW_LEVEL_UNKNOWN, "no-size", "d does not tell its size");
    assert_true(tw_strings_has(&kit.withdrawn, "space"));
    assert_true(tw_strings_has(&kit.withdrawn, "full"));
    kit_expect(&kit, "inodes", TW_LEVEL_OK, "ok", "512K");
    kit_set(&kit, "min_free", "never");
    kit_set(&kit, "full_in", "never");
    kit_check(&kit, TW_LEVEL_OK, "ok", "no size told, 512K");
    kit_free(&kit);
}

static void mounted_read_only(void **state)
{
    (void)state;
    struct kit kit = make();
    answer.f_flag = ST_RDONLY;
    kit_run(&kit);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "10G");
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "read-only", "d is mounted read-only");
    kit_free(&kit);
}

static void put_mountinfo(const char *options)
{
    struct statx st;
    assert_int_equal(statx(AT_FDCWD, "d", 0, 0x1000, &st), 0);
    char *row = tw_format("%llu 1 8:1 / / rw - ext4 /dev/sda1 %s\n",
                          (unsigned long long)st.stx_mnt_id, options);
    put_text("proc/self/mountinfo", row);
    free(row);
    if (!(st.stx_mask & 0x1000))
        skip();
}

static void refusing_to_be_written_to_without_the_flag(void **state)
{
    (void)state;
    struct kit kit = make();
    put_mountinfo("rw,errors=remount-ro");
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_OK, "ok", "mounted");
    put_mountinfo("rw,emergency_ro");
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "read-only", "d has met an error and refuses");
    put_mountinfo("rw,shutdown");
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_FAIL, "read-only", "d has met an error and refuses");
    unlink("proc/self/mountinfo");
    kit_run(&kit);
    kit_expect(&kit, "writable", TW_LEVEL_UNKNOWN, "cannot-look", "mountinfo");
    kit_free(&kit);
}

static void expect_all_withdrawn(struct kit *kit)
{
    static const char *const aspects[] = {"space", "inodes", "writable", "full"};
    assert_int_equal(kit->finding_count, 1);
    for (size_t i = 0; i < TW_COUNT(aspects); i++)
        assert_true(tw_strings_has(&kit->withdrawn, aspects[i]));
}

static void a_path_that_is_not_there(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "full_in", "12h");
    kit_set(&kit, "path", HERE "none");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "none is not there");
    expect_all_withdrawn(&kit);
    assert_int_equal(symlink("nowhere", "none"), 0);
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "none is a link that leads nowhere");
    put_text("f", "");
    kit_set(&kit, "path", HERE "f/x");
    kit_check(&kit, TW_LEVEL_FAIL, "missing", "x is not there");
    kit_free(&kit);
}

static void where_nobody_can_look_is_unknown(void **state)
{
    (void)state;
    static const int reasons[] = {EACCES, EIO, ESTALE, ELOOP, ENOTCONN, ETIMEDOUT};
    struct kit kit = make();
    kit_set(&kit, "full_in", "12h");
    for (size_t i = 0; i < TW_COUNT(reasons); i++) {
        answer_errno = reasons[i];
        kit_check(&kit, TW_LEVEL_UNKNOWN, "cannot-look", strerrordesc_np(reasons[i]));
        expect_all_withdrawn(&kit);
    }
    kit_free(&kit);
}

/* What lies below an empty mount point is another disk: nothing is said of it. */
static void a_path_that_nothing_is_mounted_on(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "full_in", "12h");
    kit_set(&kit, "mounted", "yes");
    kit_check(&kit, TW_LEVEL_FAIL, "not-mounted", "d is not mounted");
    expect_all_withdrawn(&kit);
    assert_string_equal(kit.memory, "");
    kit_set(&kit, "path", "/proc");
    kit_check(&kit, TW_LEVEL_OK, "ok", "10G of 100G");
    kit_free(&kit);
}

/* ---- full --------------------------------------------------------------------------------- */

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

/* ---- settings and letters ----------------------------------------------------------------- */

static void the_blamed_must_be_full_paths(void **state)
{
    (void)state;
    struct kit kit = make();
    struct tw_error e;
    const char *paths[21];
    for (size_t i = 0; i < TW_COUNT(paths); i++)
        paths[i] = "/var/log";
    assert_int_equal(kit.kind->validate(kit.settings, "var", &e), 0);
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "blame", paths, 20, &e), 0);
    assert_int_equal(kit.kind->validate(kit.settings, "var", &e), 0);
    assert_int_equal(tw_options_set(kit.kind->options, kit.settings, "blame", paths, 21, &e), 0);
    assert_int_equal(kit.kind->validate(kit.settings, "var", &e), -1);
    assert_non_null(strstr(e.text, "write at most 20"));
    kit_set(&kit, "blame", "var/log");
    assert_int_equal(kit.kind->validate(kit.settings, "var", &e), -1);
    assert_non_null(strstr(e.text, "\"var/log\" is not a full path"));
    kit_free(&kit);
}

static void evidence(struct kit *kit, const char *aspect, const char *part, bool wanted)
{
    char name[] = "disk.var";
    const struct tw_run run = kit_describe(kit, name, NULL);
    struct tw_buf out = {0};
    kit->kind->evidence(&run, aspect, &out);
    if (!strstr(tw_buf_text(&out), part) == wanted)
        fail_msg("\"%s\" is%s in: %s", part, wanted ? " not" : "", tw_buf_text(&out));
    tw_buf_free(&out);
}

static void the_evidence_has_figures_and_the_mount(void **state)
{
    (void)state;
    struct kit kit = make();
    put_mountinfo("rw,errors=remount-ro");
    evidence(&kit, "space",
             "/dev/sda1 on / type ext4 (rw,rw,errors=remount-ro)\n"
             "10G of 100G free (10%), 512K of 1M inodes free (50%)\n",
             true);
    evidence(&kit, "space", "written", false);
    answer_errno = EIO;
    evidence(&kit, "space", "Input/output error\n", true);
    kit_free(&kit);
}

/* Of the main aspect there is none: asking might hang as the check did. */
static void the_evidence_does_not_ask_what_may_not_answer(void **state)
{
    (void)state;
    struct kit kit = make();
    char name[] = "disk.var";
    const struct tw_run run = kit_describe(&kit, name, NULL);
    struct tw_buf out = {0};
    kit.kind->evidence(&run, "", &out);
    assert_int_equal(out.len, 0);
    kit_free(&kit);
}

static void the_evidence_names_who_wrote_if_asked_to(void **state)
{
    (void)state;
    struct kit kit = make();
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    kit.now_s = now.tv_sec;
    char *path = realpath("d", NULL);
    put_text("d/f", "some text");
    kit_set(&kit, "blame", path);
    evidence(&kit, "space", "d  ", true);
    evidence(&kit, "space", " written in the last day\n", true);
    evidence(&kit, "inodes", "d  2 of 2 inodes written in the last day\n", true);
    evidence(&kit, "writable", "written", false);
    free(path);
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

static void the_advice_fits_what_is_wrong(void **state)
{
    (void)state;
    struct kit kit = make();
    kit_set(&kit, "path", "/var");
    kit_advice(&kit, "", "missing", "ls -ld /var");
    kit_advice(&kit, "", "not-mounted", "mount /var; dmesg | tail");
    kit_advice(&kit, "", "no-answer", "dmesg | tail; cat /proc/mounts");
    kit_advice(&kit, "", "cannot-look", "dmesg | tail; cat /proc/mounts");
    kit_advice(&kit, "space", "low", "df -h /var; du -xh /var | sort -h | tail");
    kit_advice(&kit, "full", "filling", "df -h /var; du -xh /var | sort -h | tail");
    kit_advice(&kit, "inodes", "low", "df -i /var; du -x --inodes /var | sort -n | tail");
    kit_advice(&kit, "full", "filling-inodes", "df -i /var; du -x --inodes /var | sort -n | tail");
    kit_advice(&kit, "writable", "read-only",
               "dmesg | tail says why; then fsck, or mount -o remount,rw \"$(findmnt -no TARGET -T "
               "/var)\"");
    kit_free(&kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_disk_with_room),
        TEST(what_is_switched_off_is_not_said),
        TEST(too_little_space),
        TEST(what_is_kept_for_root_is_not_free),
        TEST(petabytes),
        TEST(too_few_inodes),
        TEST(a_file_system_that_counts_no_inodes),
        TEST(a_file_system_that_tells_no_size_is_unknown),
        TEST(mounted_read_only),
        TEST(refusing_to_be_written_to_without_the_flag),
        TEST(a_path_that_is_not_there),
        TEST(where_nobody_can_look_is_unknown),
        TEST(a_path_that_nothing_is_mounted_on),
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
        TEST(the_blamed_must_be_full_paths),
        TEST(the_evidence_has_figures_and_the_mount),
        TEST(the_evidence_does_not_ask_what_may_not_answer),
        TEST(the_evidence_names_who_wrote_if_asked_to),
        TEST(the_evidence_shows_how_it_came),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
