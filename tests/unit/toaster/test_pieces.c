/* Names of pieces, and directories full of things that look like them. */
#include "scratch.h"

#include <errno.h>

#include "toaster/pieces.h"

static void a_name_is_what_its_time_gives(void **state)
{
    (void)state;
    char *name = tw_piece_name("a.log", 1800000000);
    assert_string_equal(name, "a.log.20270115T080000Z");
    int64_t at_s;
    bool packed;
    assert_true(tw_piece_parse(name, "a.log", &at_s, &packed));
    assert_int_equal(at_s, 1800000000);
    assert_false(packed);
    assert_true(tw_piece_parse("a.log.20270115T080000Z.gz", "a.log", &at_s, &packed));
    assert_int_equal(at_s, 1800000000);
    assert_true(packed);
    free(name);
    assert_null(tw_piece_name("a", INT64_MAX));
    assert_null(tw_piece_name("a", INT64_MIN));
    assert_null(tw_piece_name("a", 253402300800)); /* the year 10000 */
    name = tw_piece_name("a", 253402300799);
    assert_string_equal(name, "a.99991231T235959Z");
    free(name);
}

static void other_names_are_none(void **state)
{
    (void)state;
    static const char *const names[] = {
        "a.log",
        "a.log.",
        "a.log.gz",
        "a.log.0",
        "a.log.20270115T080000",
        "a.log.20270115T080000z",
        "a.log.20270115T080000Zx",
        "a.log.20270115T080000Z.",
        "a.log.20270115T080000Z.g",
        "a.log.20270115T080000Z.gzz",
        "a.log.20270115T080000Z.gz.tmp",
        ".a.log.20270115T080000Z.gz.tmp",
        "a.log-20270115T080000Z",
        "a.log.20270115 080000Z",
        "a.log.20270229T080000Z",
        "a.log.20271315T080000Z",
        "a.log.20270115T240000Z",
        "a.log.20270115T080060Z",
        "a.log. 0270115T080000Z",
        "a.log.+2270115T08000Z0",
        "b.log.20270115T080000Z",
        "a.lo.20270115T080000Z",
        "aa.log.20270115T080000Z",
        "a.log.a.20270115T080000Z",
        "",
    };
    int64_t at_s;
    bool packed;
    for (size_t i = 0; i < TW_COUNT(names); i++)
        if (tw_piece_parse(names[i], "a.log", &at_s, &packed))
            fail_msg("%s", names[i]);
}

static int open_here(void)
{
    const int dir = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_true(dir >= 0);
    return dir;
}

static void pieces_are_regular_files_oldest_first(void **state)
{
    (void)state;
    put_text("f", "x");
    put_text("f.20270115T080002Z", "xx");
    put_text("f.20270115T080001Z", "x");
    put_text("f.20270115T080003Z.gz", "");
    put_text("f.20270115T080000Z.gz", "");
    put_text("f.20270115T080000Z.bz2", "");
    put_text("g.20270115T080000Z", "");
    make_dir("f.20270115T080004Z");
    assert_int_equal(mkfifo("f.20270115T080005Z", 0600), 0);
    assert_int_equal(symlink("f", "f.20270115T080006Z"), 0);
    assert_int_equal(symlink("f", "f.20270115T080006Z.gz"), 0);
    struct tw_pieces pieces;
    struct tw_error e;
    const int dir = open_here();
    assert_int_equal(tw_pieces_read(dir, "f", &pieces, &e), 0);
    assert_int_equal(pieces.plain.count, 2);
    assert_string_equal(pieces.plain.items[0].name, "f.20270115T080001Z");
    assert_string_equal(pieces.plain.items[1].name, "f.20270115T080002Z");
    assert_int_equal(pieces.plain.items[1].st.st_size, 2);
    assert_int_equal(pieces.plain.items[1].at_s, 1800000002);
    assert_int_equal(pieces.packed.count, 2);
    assert_string_equal(pieces.packed.items[0].name, "f.20270115T080000Z.gz");
    assert_string_equal(pieces.packed.items[1].name, "f.20270115T080003Z.gz");
    tw_pieces_free(&pieces);
    assert_int_equal(tw_pieces_read(dir, "nothing", &pieces, &e), 0);
    assert_int_equal(pieces.plain.count + pieces.packed.count, 0);
    tw_pieces_free(&pieces);
    close(dir);
}

static void too_many_are_an_error(void **state)
{
    (void)state;
    for (int i = 0; i <= 2000; i++) {
        char *name = tw_piece_name("f", 1800000000 + i);
        put_text(name, "");
        free(name);
    }
    struct tw_pieces pieces;
    struct tw_error e;
    const int dir = open_here();
    assert_int_equal(tw_pieces_read(dir, "f", &pieces, &e), -1);
    assert_non_null(strstr(e.text, "more than 2000"));
    assert_int_equal(unlink("f.20270115T080000Z"), 0);
    assert_int_equal(tw_pieces_read(dir, "f", &pieces, &e), 0);
    assert_int_equal(pieces.plain.count, 2000);
    tw_pieces_free(&pieces);
    close(dir);
}

static bool cannot_list(void *context)
{
    struct tw_pieces pieces;
    struct tw_error e;
    return tw_pieces_read(*(int *)context, "f", &pieces, &e) == -1 &&
           strstr(e.text, "Permission denied");
}

static void a_directory_that_cannot_be_listed_is_an_error(void **state)
{
    (void)state;
    make_dir("d");
    int dir = open("d", O_PATH | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(chmod("d", 0), 0);
    assert_true(as_nobody(cannot_list, &dir));
    close(dir);
    assert_int_equal(chmod("d", 0700), 0);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_name_is_what_its_time_gives),
        TEST(other_names_are_none),
        TEST(pieces_are_regular_files_oldest_first),
        TEST(too_many_are_an_error),
        TEST(a_directory_that_cannot_be_listed_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
