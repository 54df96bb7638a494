/* A damaged state.db: set aside, told once, and work begins afresh. */
#include "statekit.h"

#include <dirent.h>
#include <fcntl.h>

/* A state with a row and a letter, cleanly closed. */
static void fill(struct kit *kit)
{
    kit_start(kit);
    for (int i = 0; i < 300; i++) {
        char name[32];
        snprintf(name, sizeof name, "service.number-%d", i);
        tw_state_put_aspect(kit->state,
                            &(struct tw_state_aspect){.aspect = name, .text = "some text"});
    }
    tw_state_put_letter(kit->state, "l", "x", 1);
    kit_close(kit);
}

/* Names of the state_dir that are damaged databases; the last one's into `name`. */
static int count_damaged(const struct kit *kit, char *name, size_t size)
{
    int count = 0;
    DIR *dir = opendir(kit->dir);
    assert_non_null(dir);
    for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
        if (strncmp(entry->d_name, "state.db.damaged-", 17) == 0 &&
            !strstr(entry->d_name, "-wal") && !strstr(entry->d_name, "-shm")) {
            count++;
            snprintf(name, size, "%s", entry->d_name);
        }
    closedir(dir);
    return count;
}

/* The damage must be told once, the letters must still be there, and new rows must be kept. */
static void assert_begun_afresh(struct kit *kit)
{
    char name[256] = "";
    kit_start(kit);
    if (kit->troubles != 1)
        fail_msg("%zu troubles: %s", kit->troubles, tw_buf_text(&kit->trouble));
    assert_string_equal(tw_buf_text(&kit->seen), "letter l: x\n");
    assert_int_equal(count_damaged(kit, name, sizeof name), 1);
    assert_non_null(strstr(tw_buf_text(&kit->trouble), name));
    kit_put_value(kit, "new", "1");
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value new=1\nletter l: x\n");
    assert_int_equal(kit->troubles, 0);
}

static void forget_damaged(const struct kit *kit)
{
    char name[256];
    while (count_damaged(kit, name, sizeof name) > 0)
        assert_int_equal(remove(kit_path(kit, name)), 0);
}

static off_t database_size(const struct kit *kit)
{
    struct stat st;
    assert_int_equal(stat(kit_path(kit, "state.db"), &st), 0);
    return st.st_size;
}

static void one_cut_short_is_set_aside(void **state)
{
    struct kit *kit = *state;
    fill(kit);
    const off_t whole = database_size(kit);
    const off_t lengths[] = {0,    1,    99,           100,          512,       4095,
                             4096, 4097, whole - 4096, whole - 4095, whole - 1, whole / 2};
    for (size_t i = 0; i < TW_COUNT(lengths); i++) {
        fill(kit);
        assert_int_equal(database_size(kit), whole);
        assert_int_equal(truncate(kit_path(kit, "state.db"), lengths[i]), 0);
        assert_begun_afresh(kit);
        assert_int_equal(unlink(kit_path(kit, "state.db")), 0);
        forget_damaged(kit);
    }
}

static void one_full_of_zeros_is_set_aside_as_it_was(void **state)
{
    struct kit *kit = *state;
    char name[256];
    fill(kit);
    const off_t size = database_size(kit);
    assert_int_equal(truncate(kit_path(kit, "state.db"), 0), 0);
    assert_int_equal(truncate(kit_path(kit, "state.db"), size), 0);
    assert_begun_afresh(kit);
    assert_int_equal(count_damaged(kit, name, sizeof name), 1);
    struct stat st;
    assert_int_equal(stat(kit_path(kit, name), &st), 0);
    assert_int_equal(st.st_size, size);
}

static void one_with_zeros_in_its_middle_is_set_aside(void **state)
{
    struct kit *kit = *state;
    const char zeros[4096] = {0};
    fill(kit);
    const int fd = open(kit_path(kit, "state.db"), O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, zeros, sizeof zeros, 4096), sizeof zeros);
    close(fd);
    assert_begun_afresh(kit);
}

static void one_that_is_no_database_is_set_aside(void **state)
{
    struct kit *kit = *state;
    char text[20000];
    memset(text, 'x', sizeof text);
    const size_t lengths[] = {1, 16, 1000, sizeof text};
    for (size_t i = 0; i < TW_COUNT(lengths); i++) {
        fill(kit);
        kit_write(kit_path(kit, "state.db"), text, lengths[i]);
        assert_begun_afresh(kit);
        assert_int_equal(unlink(kit_path(kit, "state.db")), 0);
        forget_damaged(kit);
    }
}

/* Some bytes of the header do not matter (sqlite.org/fileformat2.html); what must hold with any
 * of them garbled is that the state opens and keeps what is put afterwards. */
static void with_any_byte_of_its_header_garbled_the_state_works(void **state)
{
    struct kit *kit = *state;
    for (off_t at = 0; at < 108; at++) {
        fill(kit);
        const int fd = open(kit_path(kit, "state.db"), O_RDWR | O_CLOEXEC);
        char byte;
        assert_int_equal(pread(fd, &byte, 1, at), 1);
        byte = (char)(byte ^ 0x55);
        assert_int_equal(pwrite(fd, &byte, 1, at), 1);
        close(fd);
        kit_start(kit);
        kit_put_value(kit, "new", "1");
        kit_close(kit);
        assert_non_null(strstr(kit_stored(kit), "value new=1\n"));
        assert_int_equal(unlink(kit_path(kit, "state.db")), 0);
        forget_damaged(kit);
    }
}

static void another_versions_tables_are_set_aside(void **state)
{
    struct kit *kit = *state;
    static const char *const changes[] = {
        "PRAGMA user_version = 0",
        "PRAGMA user_version = 1", /* what it says it has, it has not */
        "PRAGMA user_version = 1; DROP TABLE incident",
        "PRAGMA user_version = 1; DROP TABLE incident; DROP TABLE aspect",
        "PRAGMA user_version = 1; DROP TABLE incident; DROP TABLE aspect; DROP TABLE job;"
        "CREATE TABLE aspect (aspect TEXT PRIMARY KEY NOT NULL, job TEXT, level INTEGER,"
        " stage INTEGER, since_s INTEGER, opened_s INTEGER, closed_s INTEGER, fails INTEGER,"
        " oks INTEGER, unknowns INTEGER, code TEXT, text TEXT) WITHOUT ROWID",
        "PRAGMA user_version = 3",
        "PRAGMA user_version = -1",
        "DROP TABLE aspect",
        "DROP TABLE job",
        "DROP TABLE incident",
        "DROP TABLE value; CREATE TABLE value (key TEXT, valu TEXT)",
        "ALTER TABLE aspect DROP COLUMN oks",
        "DROP TABLE job; CREATE VIEW job AS SELECT * FROM nowhere",
    };
    for (size_t i = 0; i < TW_COUNT(changes); i++) {
        fill(kit);
        kit_sql(kit, changes[i]);
        assert_begun_afresh(kit);
        assert_int_equal(unlink(kit_path(kit, "state.db")), 0);
        forget_damaged(kit);
    }
}

static void put_directory(const char *path)
{
    assert_int_equal(mkdir(path, 0700), 0);
}

static void put_symlink(const char *path)
{
    assert_int_equal(symlink("/etc/passwd", path), 0);
}

static void put_fifo(const char *path)
{
    assert_int_equal(mkfifo(path, 0600), 0);
}

static void put_file_of_another(const char *path)
{
    kit_write(path, "x", 1);
    assert_int_equal(chown(path, 65534, 65534), 0);
}

static void what_is_not_our_file_is_set_aside_unread(void **state)
{
    struct kit *kit = *state;
    static const char *const names[] = {"state.db", "state.db-wal", "state.db-shm"};
    static void (*const put[])(const char *) = {put_directory, put_symlink, put_fifo,
                                                put_file_of_another};
    const size_t kinds = geteuid() == 0 ? 4 : 3;
    for (size_t i = 0; i < TW_COUNT(names) * kinds; i++) {
        fill(kit);
        const char *path = kit_path(kit, names[i / kinds]);
        unlink(path);
        put[i % kinds](path);
        kit_start(kit);
        assert_string_equal(tw_buf_text(&kit->seen), "letter l: x\n");
        assert_int_equal(kit->troubles, 1);
        kit_put_value(kit, "new", "1");
        kit_close(kit);
        assert_string_equal(kit_stored(kit), "value new=1\nletter l: x\n");
        assert_int_equal(kit->troubles, 0);
        assert_int_equal(nftw(kit->dir, kit_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    }
}

static void only_the_newest_three_are_kept(void **state)
{
    struct kit *kit = *state;
    char name[256];
    fill(kit);
    kit_write(kit_path(kit, "state.db.damaged-20010101T000000Z"), "x", 1);
    kit_write(kit_path(kit, "state.db.damaged-20010101T000000Z-wal"), "x", 1);
    kit_write(kit_path(kit, "state.db.damaged-20010101T000000Z-shm"), "x", 1);
    assert_int_equal(mkdir(kit_path(kit, "state.db.damaged-20000101T000000Z"), 0700), 0);
    for (int i = 0; i < 6; i++) {
        kit_write(kit_path(kit, "state.db"), "garbage", 7);
        kit_stored(kit);
        assert_int_equal(kit->troubles, 1);
        assert_int_equal(count_damaged(kit, name, sizeof name), 3);
    }
    assert_false(kit_exists(kit_path(kit, "state.db.damaged-20010101T000000Z-wal")));
    assert_false(kit_exists(kit_path(kit, "state.db.damaged-20010101T000000Z-shm")));
    assert_int_equal(rmdir(kit_path(kit, "state.db.damaged-20000101T000000Z")), -1);
}

static void one_that_vanished_is_told(void **state)
{
    struct kit *kit = *state;
    fill(kit);
    assert_int_equal(unlink(kit_path(kit, "state.db")), 0);
    kit_write(kit_path(kit, "state.db-wal"), "left over", 9);
    assert_string_equal(kit_stored(kit), "letter l: x\n");
    assert_int_equal(kit->troubles, 1);
    assert_non_null(strstr(tw_buf_text(&kit->trouble), "missing"));
    kit_stored(kit);
    assert_int_equal(kit->troubles, 0);
}

static void one_that_vanishes_while_running_is_made_again(void **state)
{
    struct kit *kit = *state;
    fill(kit);
    kit_start(kit);
    kit_put_value(kit, "a", "1");
    assert_false(kit_in_trouble(kit));
    assert_int_equal(nftw(kit->dir, kit_remove, 16, FTW_DEPTH | FTW_PHYS), 0);
    kit_put_value(kit, "b", "2");
    tw_state_put_letter(kit->state, "m", "y", 1);
    assert_true(kit_wait(kit_in_trouble, kit));
    assert_non_null(strstr(tw_buf_text(&kit->trouble), "missing"));
    assert_false(kit_in_trouble(kit));
    kit_close(kit);
    kit_stored(kit);
    assert_non_null(strstr(tw_buf_text(&kit->seen), "value b=2\nletter m: y\n"));
    assert_int_equal(kit->troubles, 0);
}

static void one_whose_tables_vanish_while_running_is_set_aside(void **state)
{
    struct kit *kit = *state;
    fill(kit);
    kit_start(kit);
    kit_sql(kit, "DROP TABLE value");
    kit_put_value(kit, "a", "1");
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\nletter l: x\n");
}

static void a_reader_only_tells_of_the_damage(void **state)
{
    struct kit *kit = *state;
    char name[256];
    fill(kit);
    kit_write(kit_path(kit, "state.db"), "garbage", 7);
    kit_open(kit, true);
    kit_close(kit);
    assert_int_equal(kit->troubles, 1);
    assert_string_equal(tw_buf_text(&kit->seen), "letter l: x\n");
    assert_int_equal(count_damaged(kit, name, sizeof name), 0);
    assert_int_equal(database_size(kit), 7);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_cut_short_is_set_aside),
        TEST(one_full_of_zeros_is_set_aside_as_it_was),
        TEST(one_with_zeros_in_its_middle_is_set_aside),
        TEST(one_that_is_no_database_is_set_aside),
        TEST(with_any_byte_of_its_header_garbled_the_state_works),
        TEST(another_versions_tables_are_set_aside),
        TEST(what_is_not_our_file_is_set_aside_unread),
        TEST(only_the_newest_three_are_kept),
        TEST(one_that_vanished_is_told),
        TEST(one_that_vanishes_while_running_is_made_again),
        TEST(one_whose_tables_vanish_while_running_is_set_aside),
        TEST(a_reader_only_tells_of_the_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
