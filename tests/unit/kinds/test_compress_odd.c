/* Kind `file` with `compress` where not all is well: cut short, swapped, missing, somebody else's.
 */
#include "compress_kit.h"

/* ---- cut short ---------------------------------------------------------------------------- */

static void a_run_that_was_cut_short_is_gone_on_with(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 1);
    put_size("d/" PIECE, 3);
    gzFile gz = gzopen("d/" PIECE ".gz", "wb");
    assert_int_equal(gzwrite(gz, "xxx", 3), 3);
    gzclose(gz);
    put_text("d/." PIECE ".gz.tmp", "half");
    at(&kit, 60);
    is_done(&kit, 1, "compressed ");
    assert_false(is_there("d/" PIECE));
    unpacks_to_size("d/" PIECE ".gz", 3);

    put_size("d/" PIECE, 4); /* what is not a copy stays beside it */
    at(&kit, 61);
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "exists", "it is not " PIECE);
    is_done(&kit, 0, "");
    assert_true(is_there("d/" PIECE));
    unpacks_to_size("d/" PIECE ".gz", 3);
    kit_free(&kit);
}

/* The daemon was stopped just after the move. */
static void a_file_moved_long_ago_is_still_made_anew(void **state)
{
    struct kit kit = make(state);
    put_size("d/" PIECE, 101);
    at(&kit, 86400);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "made anew");
    assert_true(is_there("d/f"));
    kit_free(&kit);
}

static void a_clock_that_was_set_back_stops_nothing(void **state)
{
    struct kit kit = make(state);
    put_size("d/" PIECE, 101);
    at(&kit, -86400);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "made anew");
    is_done(&kit, 1, "compressed ");
    put_size("d/f", 101);
    at(&kit, -86400);
    is_done(&kit, 1, "moved to ");
    kit_free(&kit);
}

static void a_name_that_is_taken_is_not_used(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    assert_int_equal(symlink("nowhere", "d/" PIECE), 0);
    at(&kit, 0);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "is moved aside in a moment");
    unlink("d/" PIECE);
    make_dir("d/" PIECE ".gz");
    at(&kit, 0);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "is moved aside in a moment");
    assert_int_equal(kit.look_again_ms, 5000);
    at(&kit, 1);
    is_done(&kit, 1, "moved to ");
    kit_free(&kit);
}

static void no_more_pieces_are_made_than_can_wait(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    for (int i = 0; i < 16; i++) {
        char *name = tw_format("d/f.20270115T0700%02dZ", i), *copy = tw_format("%s.gz", name);
        put_size(name, 3);
        put_text(copy, "no copy of it");
        free(name);
        free(copy);
    }
    at(&kit, 0);
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "too-large", "f is too large");
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "waiting", "16 pieces of ");
    assert_true(is_there("d/f"));
    kit_free(&kit);
}

/* ---- other things in its place ------------------------------------------------------------ */

static void other_things_are_no_files_and_left_alone(void **state)
{
    struct kit kit = make(state);
    put_size("victim", 1000);
    put_size("d/" PIECE, 3);
    for (int i = 0; i < 3; i++) {
        if (i == 0)
            assert_int_equal(symlink("../victim", "d/f"), 0);
        else if (i == 1)
            assert_int_equal(mkfifo("d/f", 0666), 0);
        else
            make_dir("d/f");
        at(&kit, 60);
        kit_expect(&kit, "", TW_LEVEL_FAIL, "no-file",
                   (const char *const[]){"f is a symbolic link", "a fifo", "a directory"}[i]);
        assert_true(tw_strings_has(&kit.withdrawn, "size"));
        assert_true(tw_strings_has(&kit.withdrawn, "compress"));
        is_done(&kit, 0, "");
        assert_int_equal(entries("d"), 2);
        remove("d/f");
    }
    kit_free(&kit);
}

static void a_file_with_other_names_is_left_alone(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    assert_int_equal(link("d/f", "d/g"), 0);
    at(&kit, 0);
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "too-large", "f is too large");
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "links", "f has 2 names");
    is_done(&kit, 0, "");
    kit_free(&kit);
}

static void a_missing_file_is_missing(void **state)
{
    struct kit kit = make(state);
    at(&kit, 0);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "missing", "d/f is not there");
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "nothing to compress");
    put_text("d/" PIECE ".gz", "x");
    at(&kit, 1);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "missing", "d/f is not there");
    unlink("d/" PIECE ".gz");
    assert_int_equal(rmdir("d"), 0);
    at(&kit, 2);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "missing", "d/f is not there");
    assert_true(tw_strings_has(&kit.withdrawn, "compress"));
    put_text("d", "");
    at(&kit, 3);
    kit_expect(&kit, "", TW_LEVEL_FAIL, "missing", "d/f is not there");
    kit_free(&kit);
}

static void a_directory_that_others_can_swap_is_not_entered(void **state)
{
    struct kit kit = make(state);
    char *path = tw_format("%s/users/d/f", (const char *)*state);
    kit_set(&kit, "path", path);
    free(path);
    make_dir("users");
    put_size("d/f", 101);
    assert_int_equal(symlink("../d", "users/d"), 0);
    assert_int_equal(chmod("users", 0777), 0);
    at(&kit, 0);
    kit_expect(&kit, "", TW_LEVEL_UNKNOWN, "cannot-look", "a symbolic link that others can change");
    assert_true(tw_strings_has(&kit.withdrawn, "compress"));
    assert_int_equal(entries("d"), 1);
    kit_free(&kit);
}

static void roots_directory_that_others_may_write_to_is_left_alone(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    assert_int_equal(chmod("d", 01777), 0);
    at(&kit, 0);
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "too-large", "f is too large");
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "cannot-compress", "others may write to it");
    assert_int_equal(entries("d"), 1);
    kit_free(&kit);
}

static void all_is_done_as_the_directorys_owner(void **state)
{
    if (geteuid() != 0)
        skip();
    struct kit kit = make(state);
    struct stat st;
    put_size("d/f", 101);
    assert_int_equal(chown("d", NOBODY, NOBODY), 0);
    assert_int_equal(chown("d/f", NOBODY, NOBODY), 0);
    at(&kit, 0);
    at(&kit, 5);
    is_done(&kit, 1, "compressed ");
    assert_int_equal(stat("d/f", &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
    assert_int_equal(stat("d/" PIECE ".gz", &st), 0);
    assert_int_equal(st.st_uid, NOBODY);
    kit_free(&kit);
}

/* What the owner could not read, it shall have no copy of; and what is moved must be made anew. */
static void a_file_of_somebody_else_is_left_alone(void **state)
{
    if (geteuid() != 0)
        skip();
    struct kit kit = make(state);
    put_size("d/f", 101); /* root's, in nobody's directory */
    put_size("d/" PIECE, 3);
    assert_int_equal(chown("d", NOBODY, NOBODY), 0);
    at(&kit, 60);
    is_done(&kit, 0, "");
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "too-large", "f is too large");
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "not-owner", "f is uid 0's");
    assert_int_equal(entries("d"), 2);
    assert_int_equal(chown("d/f", NOBODY, NOBODY), 0);
    put_size("d/f", 1);
    at(&kit, 60);
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "not-owner", PIECE " is uid 0's");
    assert_int_equal(entries("d"), 2);
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_run_that_was_cut_short_is_gone_on_with),
        TEST(a_file_moved_long_ago_is_still_made_anew),
        TEST(a_clock_that_was_set_back_stops_nothing),
        TEST(a_name_that_is_taken_is_not_used),
        TEST(no_more_pieces_are_made_than_can_wait),
        TEST(other_things_are_no_files_and_left_alone),
        TEST(a_file_with_other_names_is_left_alone),
        TEST(a_missing_file_is_missing),
        TEST(a_directory_that_others_can_swap_is_not_entered),
        TEST(roots_directory_that_others_may_write_to_is_left_alone),
        TEST(all_is_done_as_the_directorys_owner),
        TEST(a_file_of_somebody_else_is_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
