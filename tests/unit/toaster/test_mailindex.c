/* The index of a uid: kept, set aside when damaged, and never trusted further than a reason to
 * skip. */
#include "scratch.h"

#include <sqlite3.h>

#include "toaster/inodes.h"
#include "toaster/mailindex.h"

static struct tw_mailindex *opened(bool noted)
{
    char *note = NULL;
    struct tw_error e = {""};
    struct tw_mailindex *index = tw_mailindex_open(".", &note, &e);
    if (!index)
        fail_msg("%s", e.text);
    assert_int_equal(note != NULL, noted);
    free(note);
    return index;
}

static void closed(struct tw_mailindex *index, int64_t before_s)
{
    struct tw_error e = {""};
    if (tw_mailindex_close(&index, "expire.x", before_s, &e) != 0)
        fail_msg("%s", e.text);
    assert_null(index);
}

static bool holds(struct tw_mailindex *index, const char *job, const char *path, const char *data)
{
    size_t length;
    const void *got = tw_mailindex_get(index, job, path, &length);
    return got && length == strlen(data) && memcmp(got, data, length) == 0;
}

static void what_is_put_is_there_next_time(void **state)
{
    (void)state;
    struct tw_mailindex *index = opened(false);
    assert_false(holds(index, "expire.x", "/a", "one"));
    tw_mailindex_put(index, "expire.x", "/a", "one", 3, 100);
    for (int i = 0; i < 1000; i++) {
        char path[20];
        snprintf(path, sizeof path, "/m%d", i);
        tw_mailindex_put(index, "expire.x", path, path, strlen(path), 100);
    }
    tw_mailindex_put(index, "expire.y", "/a", "other", 5, 100);
    closed(index, 0);
    index = opened(false);
    assert_true(holds(index, "expire.x", "/a", "one"));
    assert_true(holds(index, "expire.x", "/m999", "/m999"));
    assert_true(holds(index, "expire.y", "/a", "other"));
    tw_mailindex_put(index, "expire.x", "/a", "two", 3, 200);
    closed(index, 150); /* the others are gone for long */
    index = opened(false);
    assert_true(holds(index, "expire.x", "/a", "two"));
    assert_false(holds(index, "expire.x", "/m5", "/m5"));
    assert_true(holds(index, "expire.y", "/a", "other"));
    closed(index, 0);
    struct stat st;
    assert_int_equal(stat("index.db", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
}

static void change(const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open("index.db", &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void a_row_that_somebody_has_changed_is_as_good_as_none(void **state)
{
    (void)state;
    struct tw_mailindex *index = opened(false);
    tw_mailindex_put(index, "expire.x", "/a", "one", 3, 100);
    tw_mailindex_put(index, "expire.x", "/b", "two", 3, 100);
    closed(index, 0);
    change("UPDATE mailbox SET data = x'00112233445566' WHERE path = '/a'");
    index = opened(false);
    assert_false(holds(index, "expire.x", "/a", "one"));
    assert_true(holds(index, "expire.x", "/b", "two"));
    closed(index, 0);
    change("UPDATE mailbox SET data = 'x' WHERE path = '/a'");
    index = opened(false);
    size_t length;
    assert_null(tw_mailindex_get(index, "expire.x", "/a", &length));
    closed(index, 0);
}

static void what_is_no_index_is_set_aside(void **state)
{
    (void)state;
    put_text("index.db",
             "this is no database, however long it is and whatever it may look like ...");
    closed(opened(true), 0);
    assert_int_equal(access("index.db.damaged", F_OK), 0);
    /* Its owner has planted what our statements would run. */
    change("CREATE TRIGGER t AFTER INSERT ON mailbox BEGIN DELETE FROM mailbox; END");
    closed(opened(true), 0);
    change("CREATE VIEW v AS SELECT 1");
    closed(opened(true), 0);
    change("DROP TABLE mailbox; CREATE TABLE mailbox (x)");
    closed(opened(true), 0);
    assert_int_equal(unlink("index.db"), 0);
    assert_int_equal(mkfifo("index.db", 0600), 0);
    closed(opened(true), 0);
    assert_int_equal(unlink("index.db"), 0);
    assert_int_equal(symlink("/etc/passwd", "index.db"), 0);
    closed(opened(true), 0);
    assert_int_equal(unlink("index.db"), 0);
    make_dir("index.db");
    closed(opened(true), 0);
    put_text("other", "");
    assert_int_equal(unlink("index.db"), 0);
    assert_int_equal(link("other", "index.db"), 0); /* a second name */
    closed(opened(true), 0);
    struct tw_mailindex *index = opened(false);
    tw_mailindex_put(index, "expire.x", "/a", "one", 3, 100);
    closed(index, 0);
    index = opened(false);
    assert_true(holds(index, "expire.x", "/a", "one"));
    closed(index, 0);
}

static void without_a_directory_there_is_none(void **state)
{
    (void)state;
    char *note = NULL;
    struct tw_error e = {""};
    assert_null(tw_mailindex_open("nowhere", &note, &e));
    assert_null(note);
    assert_true(strstr(e.text, "cannot open nowhere/index.db"));
}

static void the_directory_is_made_and_given_away(void **state)
{
    (void)state;
    struct stat st;
    struct tw_error e;
    char *dir;
    const bool root = geteuid() == 0;
    const uid_t uid = root ? 2001 : geteuid();
    assert_int_equal(tw_mailindex_prepare(".", uid, root ? 2001 : getegid(), &dir, &e), 0);
    assert_int_equal(stat(dir, &st), 0);
    assert_int_equal(st.st_uid, uid);
    assert_int_equal(st.st_mode & 07777, 0700);
    free(dir);
    assert_int_equal(tw_mailindex_prepare(".", uid, root ? 2001 : getegid(), &dir, &e), 0);
    assert_int_equal(stat("index", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0711);
    free(dir);
    if (!root)
        return;
    assert_int_equal(chown("index/2001", 2002, 2002), 0); /* another's: not taken from him */
    assert_int_equal(tw_mailindex_prepare(".", 2001, 2001, &dir, &e), -1);
    assert_null(dir);
    assert_int_equal(symlink("/etc", "index/2003"), 0);
    assert_int_equal(tw_mailindex_prepare(".", 2003, 2003, &dir, &e), -1);
}

static void inodes_are_found_again(void **state)
{
    (void)state;
    struct tw_inodes list = {0};
    struct tw_inode_set set = {0};
    assert_false(tw_inodes_has(&list, 5));
    for (uint64_t i = 0; i < 3000; i++)
        tw_inodes_add(&list, (i * 7919) % 10007 * 2);
    tw_inodes_sort(&list);
    for (uint64_t i = 0; i < 3000; i++) {
        assert_true(tw_inodes_has(&list, (i * 7919) % 10007 * 2));
        assert_false(tw_inodes_has(&list, (i * 7919) % 10007 * 2 + 1));
    }
    for (ino_t i = 1; i < 3000; i++) {
        assert_true(tw_inode_set_add(&set, 1, i));
        assert_true(tw_inode_set_add(&set, 2, i));
        assert_false(tw_inode_set_add(&set, 1, i));
    }
    free(list.items);
    tw_inode_set_free(&set);
}

static void a_look_changes_nothing(void **state)
{
    (void)state;
    struct tw_error e;
    assert_null(tw_mailindex_look(".", &e)); /* there is none, and none is made */
    assert_int_equal(access("index.db", F_OK), -1);
    struct tw_mailindex *index = opened(false);
    tw_mailindex_put(index, "expire.x", "/a", "one", 3, 100);
    tw_mailindex_flush(index);
    struct tw_mailindex *look = tw_mailindex_look(".", &e); /* while another has it open */
    assert_non_null(look);
    assert_true(holds(look, "expire.x", "/a", "one"));
    closed(look, 0);
    closed(index, 0);
    assert_int_equal(truncate("index.db", 100), 0);
    assert_null(tw_mailindex_look(".", &e));
    assert_int_equal(access("index.db.damaged", F_OK),
                     -1); /* setting it aside is not its business */
}

static void one_mailbox_is_dropped_with_all_that_stands_behind_it(void **state)
{
    (void)state;
    static const char *const names[] = {"/a", "/a//", "/a//.Spam", "/a/b", "/ab", "/ab//.Spam"};
    struct tw_mailindex *index = opened(false);
    struct tw_error e;
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        tw_mailindex_put(index, "learn.x", names[i], "x", 1, 100);
        tw_mailindex_put(index, "learn.y", names[i], "x", 1, 100);
    }
    assert_int_equal(tw_mailindex_drop(index, "learn.x", "/a", &e), 0);
    for (size_t i = 0; i < TW_COUNT(names); i++) {
        assert_int_equal(holds(index, "learn.x", names[i], "x"), i >= 3);
        assert_true(holds(index, "learn.y", names[i], "x"));
    }
    closed(index, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)
    const struct CMUnitTest tests[] = {
        TEST(what_is_put_is_there_next_time),
        TEST(a_row_that_somebody_has_changed_is_as_good_as_none),
        TEST(what_is_no_index_is_set_aside),
        TEST(without_a_directory_there_is_none),
        TEST(the_directory_is_made_and_given_away),
        TEST(a_look_changes_nothing),
        TEST(one_mailbox_is_dropped_with_all_that_stands_behind_it),
        TEST(inodes_are_found_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
