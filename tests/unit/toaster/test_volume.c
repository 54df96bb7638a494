/* What a file system says of itself, whatever it says; and its row in the table of mounts. */
#include "scratch.h"

#include <errno.h>

#include "toaster/volume.h"

static struct tw_volume counted(struct statvfs answer)
{
    struct tw_volume v;
    tw_volume_count(&answer, &v);
    return v;
}

static void roots_reserve_is_in_neither_figure(void **state)
{
    (void)state;
    /* 100 blocks, 30 unused, of which 5 for root alone */
    const struct tw_volume v = counted((struct statvfs){.f_frsize = 4096,
                                                        .f_bsize = 65536,
                                                        .f_blocks = 100,
                                                        .f_bfree = 30,
                                                        .f_bavail = 25,
                                                        .f_files = 1000,
                                                        .f_ffree = 400,
                                                        .f_favail = 300,
                                                        .f_fsid = 7});
    assert_int_equal(v.size, 95 * 4096);
    assert_int_equal(v.free, 25 * 4096);
    assert_int_equal(v.inodes, 900);
    assert_int_equal(v.inodes_free, 300);
    assert_int_equal(v.id, 7);
    assert_false(v.read_only);
}

static void what_root_has_filled_is_full(void **state)
{
    (void)state;
    struct tw_volume v =
        counted((struct statvfs){.f_frsize = 1, .f_blocks = 100, .f_bfree = 3, .f_bavail = 0});
    assert_int_equal(v.size, 97);
    assert_int_equal(v.free, 0);
    v = counted((struct statvfs){.f_frsize = 1, .f_blocks = 100, .f_bfree = 100, .f_bavail = 0});
    assert_int_equal(v.size, 100);
    assert_int_equal(v.free, 0);
}

static void petabytes_and_nonsense_stay_within_bounds(void **state)
{
    (void)state;
    struct tw_volume v = counted((struct statvfs){
        .f_frsize = 1UL << 20, .f_blocks = 1UL << 40, .f_bfree = 1UL << 39, .f_bavail = 1UL << 38});
    assert_int_equal(v.size, (3LL << 38) << 20);
    assert_int_equal(v.free, (1LL << 38) << 20);
    const fsblkcnt_t most = (fsblkcnt_t)-1;
    v = counted((struct statvfs){.f_frsize = 4096, .f_blocks = most, .f_bfree = most});
    assert_true(v.size == INT64_MAX && v.free == 0);
    v = counted((struct statvfs){.f_frsize = 1 << 13, .f_blocks = 1UL << 52});
    assert_true(v.size == INT64_MAX && v.free == 0);
    /* more left than there is; a free count below zero, as a number without sign */
    v = counted((struct statvfs){.f_frsize = 1, .f_blocks = 10, .f_bfree = most, .f_bavail = most});
    assert_true(v.size == 10 && v.free == 10);
    v = counted((struct statvfs){.f_bsize = 512, .f_blocks = 10, .f_bfree = 5, .f_bavail = 5});
    assert_int_equal(v.size, 5120);
}

static void what_counts_no_inodes_has_none(void **state)
{
    (void)state;
    static const struct {
        fsfilcnt_t files, unused, left;
    } cases[] = {{0, 0, 0},
                 {0, 5, 5},
                 {100, (fsfilcnt_t)-1, (fsfilcnt_t)-1}, /* Ceph: no limit */
                 {(fsfilcnt_t)-1, (fsfilcnt_t)-1, (fsfilcnt_t)-1}};
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        const struct tw_volume v = counted((struct statvfs){
            .f_files = cases[i].files, .f_ffree = cases[i].unused, .f_favail = cases[i].left});
        assert_true(v.inodes == 0 && v.inodes_free == 0);
    }
}

static void a_file_system_without_size_has_none(void **state)
{
    (void)state;
    struct tw_volume v;
    struct tw_error e;
    assert_int_equal(tw_volume_read("/proc", &v, &e), 0);
    assert_true(v.size == 0 && v.free == 0 && v.inodes == 0);
}

static void a_path_tells_its_file_system_and_whether_it_is_its_root(void **state)
{
    (void)state;
    struct tw_volume here, link, root;
    struct tw_error e;
    make_dir("d");
    assert_int_equal(symlink("d", "l"), 0);
    assert_int_equal(tw_volume_read("d", &here, &e), 0);
    assert_int_equal(tw_volume_read("l", &link, &e), 0);
    assert_int_equal(tw_volume_read("/proc", &root, &e), 0);
    assert_true(here.size > 0 && here.free <= here.size);
    assert_true(here.id == link.id && here.mount_id == link.mount_id);
    if (!here.tells_mount)
        skip();
    assert_false(here.mount_point);
    assert_true(root.mount_point);
    struct tw_mount mount;
    assert_int_equal(tw_mount_read("/proc", &root, &mount, &e), 1);
    assert_string_equal(mount.point, "/proc");
    assert_string_equal(mount.type, "proc");
    tw_mount_free(&mount);
}

static void what_cannot_be_looked_at_says_why(void **state)
{
    (void)state;
    struct tw_volume v;
    struct tw_error e;
    assert_int_equal(tw_volume_read("none", &v, &e), -1);
    assert_int_equal(errno, ENOENT);
    assert_string_equal(e.text, "cannot look at none: No such file or directory");
    put_text("f", "");
    assert_int_equal(tw_volume_read("f/x", &v, &e), -1);
    assert_int_equal(errno, ENOTDIR);
    assert_int_equal(symlink("loop", "loop"), 0);
    assert_int_equal(tw_volume_read("loop", &v, &e), -1);
    assert_int_equal(errno, ELOOP);
}

static const char table[] =
    "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
    "421 27 8:2 / /a\\040b rw,noatime shared:1 master:2 - ext4 /dev/sda2 rw,errors=remount-ro\n"
    "43 27 8:3 / /home rw - ext4 /dev/sda3 rw,emergency_ro,errors=remount-ro\n"
    "44 27 8:4 / /cut rw shared:1\n"
    "45\n"
    "\n"
    "47 27 8:5 / /last ro - xfs /dev/sdb rw,shutdown";

static void the_row_of_a_mount_is_found(void **state)
{
    (void)state;
    struct tw_mount mount;
    assert_true(tw_mount_find(table, 421, &mount));
    assert_string_equal(mount.point, "/a\\040b");
    assert_string_equal(mount.type, "ext4");
    assert_string_equal(mount.source, "/dev/sda2");
    assert_string_equal(mount.options, "rw,noatime,rw,errors=remount-ro");
    assert_true(tw_mount_has(&mount, "noatime"));
    assert_true(tw_mount_has(&mount, "errors=remount-ro"));
    assert_false(tw_mount_has(&mount, "errors"));
    assert_false(tw_mount_has(&mount, "remount-ro"));
    assert_false(tw_mount_has(&mount, "emergency_ro"));
    tw_mount_free(&mount);
    assert_true(tw_mount_find(table, 43, &mount));
    assert_true(tw_mount_has(&mount, "emergency_ro"));
    tw_mount_free(&mount);
    assert_true(tw_mount_find(table, 47, &mount));
    assert_true(tw_mount_has(&mount, "shutdown"));
    tw_mount_free(&mount);
}

static void no_row_and_a_garbled_one_are_none(void **state)
{
    (void)state;
    struct tw_mount mount;
    static const uint64_t none[] = {2, 4, 21, 27, 44, 45, 46, 4210, UINT64_MAX};
    for (size_t i = 0; i < TW_COUNT(none); i++)
        assert_false(tw_mount_find(table, none[i], &mount));
    assert_false(tw_mount_find("", 1, &mount));
}

static void the_table_is_read_or_the_reason_is_given(void **state)
{
    (void)state;
    const struct tw_volume v = {.tells_mount = true, .mount_id = 43};
    struct tw_mount mount;
    struct tw_error e;
    assert_int_equal(tw_mount_read("proc", &v, &mount, &e), -1);
    make_dir("proc");
    make_dir("proc/self");
    put_text("proc/self/mountinfo", table);
    assert_int_equal(tw_mount_read("proc", &v, &mount, &e), 1);
    tw_mount_free(&mount);
    assert_int_equal(tw_mount_read("proc", &(struct tw_volume){.mount_id = 43}, &mount, &e), 0);
    assert_int_equal(tw_mount_read("proc", &(struct tw_volume){.tells_mount = true}, &mount, &e),
                     0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(roots_reserve_is_in_neither_figure),
        TEST(what_root_has_filled_is_full),
        TEST(petabytes_and_nonsense_stay_within_bounds),
        TEST(what_counts_no_inodes_has_none),
        TEST(a_file_system_without_size_has_none),
        TEST(a_path_tells_its_file_system_and_whether_it_is_its_root),
        TEST(what_cannot_be_looked_at_says_why),
        TEST(the_row_of_a_mount_is_found),
        TEST(no_row_and_a_garbled_one_are_none),
        TEST(the_table_is_read_or_the_reason_is_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
