/* Kind `disk`, over a file system that answers what a test wants: every aspect but `full`. */
#include "disk_kit.h"

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
        TEST(the_blamed_must_be_full_paths),
        TEST(the_evidence_has_figures_and_the_mount),
        TEST(the_evidence_does_not_ask_what_may_not_answer),
        TEST(the_evidence_names_who_wrote_if_asked_to),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
