/* The state: what is put is there at the next start, in order and in its place. */
#include "statekit.h"

#include <signal.h>
#include <sys/wait.h>

static void at_first_there_is_nothing_and_all_files_are_made(void **state)
{
    struct kit *kit = *state;
    umask(0);
    kit_open(kit, false);
    assert_string_equal(tw_buf_text(&kit->seen), "");
    assert_string_equal(tw_buf_text(&kit->trouble), "");
    assert_int_equal(kit_mode(kit->dir), 0711);
    assert_int_equal(kit_mode(kit_path(kit, "state.db")), 0600);
    assert_int_equal(kit_mode(kit_path(kit, "state.db-wal")), 0600);
    assert_int_equal(kit_mode(kit_path(kit, "tmp")), 0700);
    assert_int_equal(kit_mode(kit_path(kit, "outbox")), 0700);
    assert_int_equal(kit_mode(kit_path(kit, "outbox/tmp")), 0700);
    kit_close(kit);
    umask(022);
}

static void what_is_put_is_read_back_whole(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){"service.smtp/log", "service.smtp", 1,
                                                              2, 3, INT64_MAX, INT64_MIN, 6, 7, 8,
                                                              .code = "down", .text = "a 'b'"});
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = ""});
    tw_state_put_job(kit->state, &(struct tw_state_job){"disk.var", 10, 20, "m\n\xff\x01"});
    tw_state_put_value(kit->state, "k;--", "");
    tw_state_put_letter(kit->state, "17.a", "one\0two", 7);
    kit_close(kit);
    const char expected[] = "aspect  of : 0 0 0 0 0 0 0 0 [] []\n"
                            "aspect service.smtp/log of service.smtp: 1 2 3 9223372036854775807"
                            " -9223372036854775808 6 7 8 [down] [a 'b']\n"
                            "job disk.var: 10 20 [m\n\xff\x01]\n"
                            "value k;--=\n"
                            "letter 17.a: one\0two\n";
    kit_stored(kit);
    assert_int_equal(kit->seen.len, sizeof expected - 1);
    assert_memory_equal(kit->seen.data, expected, sizeof expected);
    assert_int_equal(kit->troubles, 0);
}

static void the_last_change_of_a_row_stays(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = "a", .level = 1});
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = "a", .level = 2});
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = "gone"});
    tw_state_drop_aspect(kit->state, "gone");
    tw_state_drop_job(kit->state, "back");
    tw_state_put_job(kit->state, &(struct tw_state_job){.job = "back"});
    tw_state_put_job(kit->state, &(struct tw_state_job){.job = "a"});
    tw_state_put_letter(kit->state, "a", "1", 1);
    tw_state_put_letter(kit->state, "a", "2", 1);
    tw_state_put_letter(kit->state, "gone", "1", 1);
    tw_state_drop_letter(kit->state, "gone");
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "aspect a of : 2 0 0 0 0 0 0 0 [] []\n"
                                         "job a: 0 0 []\njob back: 0 0 []\nletter a: 2\n");
}

static void what_is_dropped_later_is_gone_from_the_disk(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = "a"});
    tw_state_put_job(kit->state, &(struct tw_state_job){.job = "a"});
    tw_state_put_letter(kit->state, "a", "1", 1);
    kit_close(kit);
    kit_start(kit);
    assert_true(kit->seen.len > 0);
    tw_state_drop_aspect(kit->state, "a");
    tw_state_drop_job(kit->state, "a");
    tw_state_drop_letter(kit->state, "a");
    tw_state_drop_aspect(kit->state, "never was");
    tw_state_drop_letter(kit->state, "never.was");
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "");
    assert_false(kit_exists(kit_path(kit, "outbox/a.letter")));
}

static bool config_is_there(void *context)
{
    return kit_exists(kit_path(context, "last-good.conf"));
}

static void a_change_is_written_without_being_asked_twice(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_config(kit->state, "postmaster = \"x\"\n", 17);
    assert_true(kit_wait(config_is_there, kit));
    assert_int_equal(kit_mode(kit_path(kit, "last-good.conf")), 0600);
    assert_false(kit_in_trouble(kit));
    assert_string_equal(tw_buf_text(&kit->trouble), "");
    tw_state_put_config(kit->state, "", 0);
    kit_close(kit);
    struct stat st;
    assert_int_equal(stat(kit_path(kit, "last-good.conf"), &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void before_the_start_changes_wait(void **state)
{
    struct kit *kit = *state;
    kit_open(kit, false);
    kit_put_value(kit, "a", "1");
    assert_false(tw_state_close(&kit->state, 0));
    assert_string_equal(kit_stored(kit), "");
    kit_open(kit, false);
    kit_put_value(kit, "a", "2");
    assert_int_equal(tw_state_start(kit->state, NULL), 0);
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=2\n");
}

static void letters_come_in_the_order_of_their_names(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_letter(kit->state, "1700000002.1", "c", 1);
    tw_state_put_letter(kit->state, "1700000001.1", "a", 1);
    tw_state_put_letter(kit->state, "1700000001.2", "b", 1);
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "letter 1700000001.1: a\nletter 1700000001.2: b\n"
                                         "letter 1700000002.1: c\n");
}

static void an_id_that_is_no_plain_name_writes_nothing(void **state)
{
    struct kit *kit = *state;
    char long_id[300];
    memset(long_id, 'x', sizeof long_id - 1);
    long_id[sizeof long_id - 1] = '\0';
    const char *const ids[] = {"", ".", "..", ".hidden", "../evil", "a/b", "a b", "a\n", long_id};
    kit_start(kit);
    kit_write(kit_path(kit, "evil.letter"), "x", 1);
    for (size_t i = 0; i < TW_COUNT(ids); i++) {
        tw_state_put_letter(kit->state, ids[i], "1", 1);
        tw_state_drop_letter(kit->state, ids[i]);
    }
    kit_close(kit);
    assert_true(kit_exists(kit_path(kit, "evil.letter")));
    assert_string_equal(kit_stored(kit), "");
    assert_int_equal(kit->troubles, 0);
}

static void what_is_no_letter_of_ours_is_left_alone_and_told_once(void **state)
{
    struct kit *kit = *state;
    kit_open(kit, false);
    kit_close(kit);
    char *big = tw_alloc(1024 * 1024 + 1);
    kit_write(kit_path(kit, "outbox/big.letter"), big, 1024 * 1024 + 1);
    kit_write(kit_path(kit, "outbox/whole.letter"), "x", 1);
    memset(big, 'y', 1024 * 1024);
    kit_write(kit_path(kit, "outbox/large.letter"), big, 1024 * 1024);
    free(big);
    kit_write(kit_path(kit, "outbox/empty.letter"), "", 0);
    kit_write(kit_path(kit, "outbox/.hidden.letter"), "x", 1);
    kit_write(kit_path(kit, "outbox/with blank.letter"), "x", 1);
    kit_write(kit_path(kit, "outbox/letter"), "x", 1);
    kit_write(kit_path(kit, "outbox/.letter"), "x", 1);
    kit_write(kit_path(kit, "outbox/x.letter.tmp"), "x", 1);
    assert_int_equal(mkdir(kit_path(kit, "outbox/dir.letter"), 0700), 0);
    assert_int_equal(mkfifo(kit_path(kit, "outbox/fifo.letter"), 0600), 0);
    assert_int_equal(symlink("whole.letter", kit_path(kit, "outbox/link.letter")), 0);
    size_t expected = 10;
    if (geteuid() == 0) {
        kit_write(kit_path(kit, "outbox/other.letter"), "x", 1);
        assert_int_equal(chown(kit_path(kit, "outbox/other.letter"), 65534, 65534), 0);
        expected++;
    }
    kit_stored(kit);
    assert_int_equal(kit->seen.len, strlen("letter large: \nletter whole: x\n") + 1024 * 1024);
    assert_int_equal(kit->troubles, 1);
    char *words = tw_format("outbox: %zu passed over", expected);
    assert_non_null(strstr(tw_buf_text(&kit->trouble), words));
    free(words);
    assert_true(kit_exists(kit_path(kit, "outbox/empty.letter")));
}

static void leftovers_of_a_crash_are_removed_at_the_start(void **state)
{
    struct kit *kit = *state;
    kit_open(kit, false);
    kit_close(kit);
    kit_write(kit_path(kit, "tmp/last-good.conf"), "half", 4);
    kit_write(kit_path(kit, "outbox/tmp/17.letter"), "half", 4);
    kit_open(kit, true);
    kit_close(kit);
    assert_true(kit_exists(kit_path(kit, "tmp/last-good.conf")));
    assert_string_equal(kit_stored(kit), "");
    assert_false(kit_exists(kit_path(kit, "tmp/last-good.conf")));
    assert_false(kit_exists(kit_path(kit, "outbox/tmp/17.letter")));
}

/* Of this thread: the machine may be busy with others. */
static int64_t processor_ms(void)
{
    struct timespec used;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000 + used.tv_nsec / 1000000;
}

static void ten_thousand_changes_are_fast_and_replace_each_other(void **state)
{
    struct kit *kit = *state;
    char name[32], text[32];
    kit_start(kit);
    const int64_t begun = processor_ms();
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "process.p%02d", i % 100);
        snprintf(text, sizeof text, "change %d", i);
        tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = name, .text = text});
    }
    assert_true(processor_ms() - begun < 2000);
    kit_close(kit);
    kit_stored(kit);
    size_t lines = 0;
    for (size_t i = 0; i < kit->seen.len; i++)
        lines += kit->seen.data[i] == '\n';
    assert_int_equal(lines, 100);
    assert_non_null(strstr(kit->seen.data, "p00 of : 0 0 0 0 0 0 0 0 [] [change 9900]\n"));
    assert_non_null(strstr(kit->seen.data, "p99 of : 0 0 0 0 0 0 0 0 [] [change 9999]\n"));
}

static void ten_thousand_rows_and_a_huge_text_are_kept(void **state)
{
    struct kit *kit = *state;
    char name[32];
    char *huge = tw_alloc(2000001);
    memset(huge, 'h', 2000000);
    kit_start(kit);
    for (int i = 0; i < 10000; i++) {
        snprintf(name, sizeof name, "key%d", i);
        kit_put_value(kit, name, "v");
    }
    kit_put_value(kit, "huge", huge);
    kit_close(kit);
    kit_stored(kit);
    assert_non_null(strstr(kit->seen.data, "value key9999=v\n"));
    assert_non_null(strstr(kit->seen.data, huge));
    free(huge);
}

static void an_administrator_can_read_the_columns(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = "a/b", .since_s = 7});
    kit_close(kit);
    kit_sql(kit, "CREATE TABLE note AS SELECT aspect, job, level, stage, since_s, opened_s,"
                 " closed_s, fails, oks, unknowns, code, text FROM aspect WHERE since_s = 7;"
                 "INSERT INTO value SELECT 'found', aspect FROM note; DROP TABLE note");
    kit_stored(kit);
    assert_non_null(strstr(tw_buf_text(&kit->seen), "value found=a/b\n"));
    assert_int_equal(kit->troubles, 0);
}

static void read_only_makes_nothing(void **state)
{
    struct kit *kit = *state;
    kit_open(kit, true);
    assert_int_equal(tw_state_start(kit->state, NULL), 0);
    kit_put_value(kit, "a", "1");
    kit_close(kit);
    assert_false(kit_exists(kit->dir));
    assert_int_equal(kit->troubles, 0);
    assert_int_equal(mkdir(kit->dir, 0700), 0);
    kit_open(kit, true);
    kit_close(kit);
    assert_int_equal(kit->troubles, 0);
    assert_int_equal(kit_mode(kit->dir), 0700);
    assert_int_equal(rmdir(kit->dir), 0);
}

static void read_only_reads_beside_a_writer_and_changes_nothing(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    kit_put_value(kit, "a", "1");
    tw_state_put_letter(kit->state, "l", "x", 1);
    kit_close(kit);
    for (int beside = 0; beside < 2; beside++) {
        struct kit reader = *kit;
        if (beside)
            kit_start(kit);
        reader.seen = (struct tw_buf){0};
        reader.trouble = (struct tw_buf){0};
        kit_open(&reader, true);
        kit_put_value(&reader, "a", "2");
        tw_state_put_aspect(reader.state, &(struct tw_state_aspect){.aspect = "a"});
        tw_state_drop_letter(reader.state, "l");
        assert_int_equal(tw_state_start(reader.state, NULL), 0);
        assert_true(tw_state_close(&reader.state, 0));
        assert_string_equal(tw_buf_text(&reader.seen), "value a=1\nletter l: x\n");
        assert_string_equal(tw_buf_text(&reader.trouble), "");
        assert_int_equal(kit_exists(kit_path(kit, "state.db-wal")), beside);
        assert_int_equal(kit_exists(kit_path(kit, "state.db-shm")), beside);
        tw_buf_free(&reader.seen);
        tw_buf_free(&reader.trouble);
    }
    kit_close(kit);
    assert_string_equal(kit_stored(kit), "value a=1\nletter l: x\n");
}

static bool a_reader_sees_a_row(void *context)
{
    struct kit *kit = context;
    kit_open(kit, true);
    kit_close(kit);
    return strcmp(tw_buf_text(&kit->seen), "value a=1\n") == 0;
}

/* A daemon that was killed leaves its rows in the -wal. */
static void what_was_written_survives_a_kill(void **state)
{
    struct kit *kit = *state;
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        kit_start(kit);
        kit_put_value(kit, "a", "1");
        for (;;)
            pause();
    }
    const bool seen = kit_wait(a_reader_sees_a_row, kit);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(seen);
    assert_true(kit_exists(kit_path(kit, "state.db-wal")));
    assert_true(a_reader_sees_a_row(kit));
    assert_string_equal(kit_stored(kit), "value a=1\n");
    assert_int_equal(kit->troubles, 0);
}

static void odd_characters_in_the_path_do_no_harm(void **state)
{
    struct kit *kit = *state;
    snprintf(kit->dir, sizeof kit->dir, "%s/a?mode=x#%%41'b", kit->root);
    kit_start(kit);
    kit_put_value(kit, "a", "1");
    kit_close(kit);
    kit_open(kit, true);
    kit_close(kit);
    assert_string_equal(tw_buf_text(&kit->seen), "value a=1\n");
    assert_int_equal(kit->troubles, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(at_first_there_is_nothing_and_all_files_are_made),
        TEST(what_is_put_is_read_back_whole),
        TEST(the_last_change_of_a_row_stays),
        TEST(what_is_dropped_later_is_gone_from_the_disk),
        TEST(a_change_is_written_without_being_asked_twice),
        TEST(before_the_start_changes_wait),
        TEST(letters_come_in_the_order_of_their_names),
        TEST(an_id_that_is_no_plain_name_writes_nothing),
        TEST(what_is_no_letter_of_ours_is_left_alone_and_told_once),
        TEST(leftovers_of_a_crash_are_removed_at_the_start),
        TEST(ten_thousand_changes_are_fast_and_replace_each_other),
        TEST(ten_thousand_rows_and_a_huge_text_are_kept),
        TEST(an_administrator_can_read_the_columns),
        TEST(read_only_makes_nothing),
        TEST(read_only_reads_beside_a_writer_and_changes_nothing),
        TEST(what_was_written_survives_a_kill),
        TEST(odd_characters_in_the_path_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
