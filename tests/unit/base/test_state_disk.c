/* The state on a disk that will not have it: it works in memory, says so, never blocks its caller,
 * and writes all when the disk is well again. fsync and fdatasync are wrapped here, so that a
 * hanging or failing disk can be had without one. */
#include "statekit.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

static struct disk {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    bool hanging;
    int waiting; /* threads that hang */
    int error;
} disk = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int disk_sync(long call, int fd)
{
    pthread_mutex_lock(&disk.mutex);
    disk.waiting++;
    while (disk.hanging)
        pthread_cond_wait(&disk.changed, &disk.mutex);
    disk.waiting--;
    const int error = disk.error;
    pthread_mutex_unlock(&disk.mutex);
    if (!error)
        return (int)syscall(call, fd);
    errno = error;
    return -1;
}

int fsync(int fd)
{
    return disk_sync(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return disk_sync(SYS_fdatasync, fd);
}

static void disk_set(bool hanging, int error)
{
    pthread_mutex_lock(&disk.mutex);
    disk.hanging = hanging;
    disk.error = error;
    pthread_cond_broadcast(&disk.changed);
    pthread_mutex_unlock(&disk.mutex);
}

static bool disk_hangs(void *context)
{
    (void)context;
    pthread_mutex_lock(&disk.mutex);
    const bool hangs = disk.waiting > 0;
    pthread_mutex_unlock(&disk.mutex);
    return hangs;
}

static int tear_down(void **state)
{
    const struct kit *kit = *state;
    disk_set(false, 0);
    umount2(kit->dir, MNT_DETACH); /* of the tests that mounted */
    return kit_tear_down(state);
}

static void put_letter(struct kit *kit, const char *id)
{
    tw_state_put_letter(kit->state, id, "x", 1);
}

static void a_disk_that_hangs_holds_up_nobody(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    disk_set(true, 0);
    put_letter(kit, "a");
    assert_true(kit_wait(disk_hangs, NULL));
    char text[100];
    for (int i = 0; i < 1000; i++)
        kit_put_value(kit, "a", "1");
    put_letter(kit, "b");
    tw_state_trouble(kit->state, text, sizeof text);
    disk_set(false, 0); /* whoever had waited for the disk would not have come here */
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\nletter a: x\nletter b: x\n");
}

static bool letter_a_is_whole(void *context)
{
    return kit_exists(kit_path(context, "outbox/a.letter"));
}

static bool database_is_closed(void *context)
{
    return !kit_exists(kit_path(context, "state.db-wal"));
}

static void closing_leaves_a_hanging_writer_behind(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    disk_set(true, 0);
    put_letter(kit, "a");
    assert_true(kit_wait(disk_hangs, NULL));
    const int64_t begun = kit_now_ms();
    assert_false(tw_state_close(&kit->state, 50));
    assert_null(kit->state);
    assert_true(kit_now_ms() - begun >= 50);
    disk_set(false, 0); /* not before: it did not wait for that */
    assert_true(kit_wait(letter_a_is_whole, kit));
    assert_true(kit_wait(database_is_closed, kit));
}

static void a_failing_disk_is_told_and_tried_again(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    disk_set(false, EIO);
    put_letter(kit, "a");
    kit_put_value(kit, "a", "1");
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_non_null(strstr(tw_buf_text(&kit->trouble), "outbox/a.letter: Input/output error"));
    put_letter(kit, "b");
    kit_put_value(kit, "a", "2");
    disk_set(false, 0);
    assert_true(kit_wait(kit_out_of_trouble, kit));
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=2\nletter a: x\nletter b: x\n");
}

static void closing_does_not_wait_for_a_failing_disk_for_ever(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    disk_set(false, EIO);
    put_letter(kit, "a");
    const int64_t begun = kit_now_ms();
    assert_false(tw_state_close(&kit->state, 300));
    assert_true(kit_now_ms() - begun >= 300);
}

static void a_database_locked_by_another_is_waited_for(void **state)
{
    struct kit *kit = *state;
    sqlite3 *other = NULL;
    kit_start(kit);
    assert_int_equal(sqlite3_open(kit_path(kit, "state.db"), &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    kit_put_value(kit, "a", "1");
    put_letter(kit, "a");
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_non_null(strstr(tw_buf_text(&kit->trouble), "locked"));
    assert_true(letter_a_is_whole(kit));
    assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    assert_true(kit_wait(kit_out_of_trouble, kit));
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\nletter a: x\n");
}

static void a_missing_parent_is_told_and_waited_for(void **state)
{
    struct kit *kit = *state;
    snprintf(kit->dir, sizeof kit->dir, "%s/no/state", kit->root);
    char *parent = tw_format("%s/no", kit->root);
    kit_start(kit);
    assert_int_equal(kit->troubles, 1);
    kit_put_value(kit, "a", "1");
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_false(kit_exists(parent));
    assert_int_equal(mkdir(parent, 0755), 0);
    assert_true(kit_wait(kit_out_of_trouble, kit));
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\n");
    free(parent);
}

static void a_file_in_place_of_a_directory_is_told(void **state)
{
    struct kit *kit = *state;
    kit_write(kit->dir, "x", 1);
    kit_open(kit, false);
    assert_int_equal(kit->troubles, 1);
    kit_put_value(kit, "a", "1");
    assert_int_equal(tw_state_start(kit->state, NULL), 0);
    assert_false(tw_state_close(&kit->state, 0));
    assert_int_equal(unlink(kit->dir), 0);
    assert_int_equal(mkdir(kit->dir, 0711), 0);
    kit_write(kit_path(kit, "outbox"), "x", 1);
    kit_open(kit, false);
    assert_true(kit->troubles > 0);
    kit_put_value(kit, "a", "1");
    assert_false(tw_state_close(&kit->state, 0));
}

/* What others could have planted is not even read; mended, it is used. */
static void assert_not_used(struct kit *kit, int (*mend)(const char *))
{
    kit_start(kit);
    assert_int_equal(kit->troubles, 1);
    assert_string_equal(tw_buf_text(&kit->seen), "");
    kit_put_value(kit, "a", "2");
    put_letter(kit, "a");
    tw_state_drop_letter(kit->state, "planted");
    tw_state_put_config(kit->state, "x", 1);
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_non_null(strstr(tw_buf_text(&kit->trouble), "will not"));
    assert_false(letter_a_is_whole(kit));
    assert_true(kit_exists(kit_path(kit, "outbox/planted.letter")));
    assert_false(kit_exists(kit_path(kit, "last-good.conf")));
    struct kit reader = *kit;
    reader.seen = reader.trouble = (struct tw_buf){0};
    kit_open(&reader, true);
    assert_int_equal(reader.troubles, 1);
    assert_int_equal(reader.seen.len, 0);
    tw_state_close(&reader.state, 0);
    tw_buf_free(&reader.seen);
    tw_buf_free(&reader.trouble);
    assert_int_equal(mend(kit->dir), 0);
    assert_true(kit_wait(kit_out_of_trouble, kit));
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=2\nletter a: x\n");
}

static void plant(struct kit *kit)
{
    kit_start(kit);
    kit_put_value(kit, "a", "1");
    put_letter(kit, "planted");
    kit_close(kit);
}

static int set_mode(const char *path)
{
    return chmod(path, 0755);
}

static int set_owner(const char *path)
{
    return chown(path, geteuid(), getegid());
}

static void a_directory_that_others_can_write_is_not_used(void **state)
{
    struct kit *kit = *state;
    plant(kit);
    assert_int_equal(chmod(kit->dir, 0722), 0);
    assert_not_used(kit, set_mode);
}

static void a_directory_of_another_user_is_not_used(void **state)
{
    struct kit *kit = *state;
    if (geteuid() != 0)
        skip();
    plant(kit);
    assert_int_equal(chown(kit->dir, 65534, 65534), 0);
    assert_not_used(kit, set_owner);
}

/* A small file system of our own, which nobody else sees and which goes with this process. */
static void mount_small(const struct kit *kit)
{
    assert_int_equal(mkdir(kit->dir, 0711), 0);
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("none", kit->dir, "tmpfs", 0, "size=256k,mode=711") != 0)
        skip();
}

static void fill_disk(const struct kit *kit)
{
    static const char block[4096] = {1};
    FILE *file = fopen(kit_path(kit, "filler"), "we");
    assert_non_null(file);
    setbuf(file, NULL);
    while (fwrite(block, sizeof block, 1, file) == 1)
        ;
    fclose(file);
}

static void a_full_disk_is_told_and_all_is_written_when_there_is_space(void **state)
{
    struct kit *kit = *state;
    char text[8000];
    mount_small(kit);
    kit_start(kit);
    fill_disk(kit);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    kit_put_value(kit, "a", text);
    kit_put_value(kit, "b", text);
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_non_null(strstr(tw_buf_text(&kit->trouble), "No space left on device"));
    put_letter(kit, "a");
    kit_put_value(kit, "a", "1");
    assert_int_equal(unlink(kit_path(kit, "filler")), 0);
    assert_true(kit_wait(kit_out_of_trouble, kit));
    kit_close(kit);
    assert_int_equal(strncmp(kit_stored(kit), "value a=1\nvalue b=xxx", 21), 0);
    assert_non_null(strstr(tw_buf_text(&kit->seen), "\nletter a: x\n"));
    assert_int_equal(kit->troubles, 0);
}

static void a_full_disk_at_the_start_is_read_all_the_same(void **state)
{
    struct kit *kit = *state;
    mount_small(kit);
    plant(kit);
    fill_disk(kit);
    kit_start(kit);
    assert_string_equal(tw_buf_text(&kit->seen), "value a=1\nletter planted: x\n");
    assert_int_equal(kit->troubles, 1);
    kit_put_value(kit, "b", "1");
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_int_equal(unlink(kit_path(kit, "filler")), 0);
    assert_true(kit_wait(kit_out_of_trouble, kit));
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\nvalue b=1\nletter planted: x\n");
    assert_int_equal(kit->troubles, 0);
}

static void a_full_disk_at_the_very_first_start_leaves_no_wreck(void **state)
{
    struct kit *kit = *state;
    mount_small(kit);
    fill_disk(kit);
    kit_start(kit);
    assert_true(kit->troubles > 0);
    kit_put_value(kit, "a", "1");
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_int_equal(unlink(kit_path(kit, "filler")), 0);
    assert_true(kit_wait(kit_out_of_trouble, kit));
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\n");
    assert_int_equal(kit->troubles, 0);
}

static void a_read_only_disk_is_read_all_the_same(void **state)
{
    struct kit *kit = *state;
    mount_small(kit);
    plant(kit);
    assert_int_equal(mount("none", kit->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
    kit_start(kit);
    assert_string_equal(tw_buf_text(&kit->seen), "value a=1\nletter planted: x\n");
    assert_int_equal(kit->troubles, 1);
    kit_put_value(kit, "b", "1");
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_int_equal(mount("none", kit->dir, NULL, MS_REMOUNT, NULL), 0);
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\nvalue b=1\nletter planted: x\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_disk_that_hangs_holds_up_nobody),
        TEST(closing_leaves_a_hanging_writer_behind),
        TEST(a_failing_disk_is_told_and_tried_again),
        TEST(closing_does_not_wait_for_a_failing_disk_for_ever),
        TEST(a_database_locked_by_another_is_waited_for),
        TEST(a_missing_parent_is_told_and_waited_for),
        TEST(a_file_in_place_of_a_directory_is_told),
        TEST(a_directory_that_others_can_write_is_not_used),
        TEST(a_directory_of_another_user_is_not_used),
        TEST(a_full_disk_is_told_and_all_is_written_when_there_is_space),
        TEST(a_full_disk_at_the_start_is_read_all_the_same),
        TEST(a_full_disk_at_the_very_first_start_leaves_no_wreck),
        TEST(a_read_only_disk_is_read_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
