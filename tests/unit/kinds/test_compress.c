/* Kind `file` with `compress`: from a file that is too large to a few compressed pieces, over
 * several runs, with writers of all sorts. */
#include "compress_kit.h"

/* ---- the settings ------------------------------------------------------------------------- */

static void is_refused(const struct kit *kit, const char *part)
{
    struct tw_error e;
    assert_int_equal(kit->kind->validate(kit->settings, kit->title, &e), -1);
    if (!strstr(e.text, part))
        fail_msg("%s", e.text);
}

static void the_settings_must_fit_each_other(void **state)
{
    struct kit kit = make(state);
    struct tw_error e;
    assert_int_equal(kit.kind->validate(kit.settings, kit.title, &e), 0);
    kit_set(&kit, "max_size", "never");
    is_refused(&kit, "compress needs a max_size");
    kit_set(&kit, "compress", "no");
    assert_int_equal(kit.kind->validate(kit.settings, kit.title, &e), 0);
    kit_set(&kit, "compress", "yes");
    kit_set(&kit, "max_size", "1M");
    static const char *const bad[] = {"/", "/d/", "/d/.", "/d/.."};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        kit_set(&kit, "path", bad[i]);
        is_refused(&kit, "is no name of a file");
    }
    char *name = tw_alloc(300);
    memset(name, 'n', 222);
    name[0] = '/';
    kit_set(&kit, "path", name);
    is_refused(&kit, "too long a name");
    name[221] = '\0';
    kit_set(&kit, "path", name);
    assert_int_equal(kit.kind->validate(kit.settings, kit.title, &e), 0);
    free(name);
    kit_free(&kit);
}

/* ---- when all is well --------------------------------------------------------------------- */

static void below_its_limit_nothing_is_done(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 100);
    at(&kit, 0);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "100 bytes");
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "100 bytes");
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "nothing to compress");
    is_done(&kit, 0, "");
    assert_int_equal(kit.look_again_ms, -1);
    assert_int_equal(entries("d"), 1);
    kit_free(&kit);
}

static void moved_made_anew_and_compressed(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    assert_int_equal(chmod("d/f", 0640), 0);
    at(&kit, 0);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "101 bytes");
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "was moved aside to " PIECE);
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "moved to " PIECE);
    assert_int_equal(kit.orders, 1);
    is_done(&kit, 1, "/d/" PIECE " (101 bytes)");
    assert_int_equal(kit.look_again_ms, 5000);
    assert_int_equal(entries("d"), 2); /* there is a file again */

    at(&kit, 4); /* the writer still has time */
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "0 bytes");
    is_done(&kit, 0, "");
    assert_int_equal(entries("d"), 2);

    at(&kit, 5);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "0 bytes");
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "compressed " PIECE ": 101 bytes to ");
    is_done(&kit, 1, "compressed ");
    assert_true(kit.progress > 0);
    struct stat st;
    assert_int_equal(stat("d/f", &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    unpacks_to_size("d/" PIECE ".gz", 101);
    assert_int_equal(entries("d"), 2);
    assert_int_equal(kit.look_again_ms, -1);

    at(&kit, 65);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "0 bytes");
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "nothing to compress");
    is_done(&kit, 0, "");
    assert_string_equal(kit.memory, "");
    kit_free(&kit);
}

/* At each of the steps. */
static void who_only_looks_changes_nothing(void **state)
{
    struct kit kit = make(state);
    kit.look_only = true;
    put_size("d/f", 101);
    at(&kit, 0);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "101 bytes, is to be moved aside");
    assert_int_equal(entries("d"), 1);
    assert_int_equal(rename("d/f", "d/" PIECE), 0);
    at(&kit, 60);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "is to be made anew");
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "1 pieces wait");
    kit_set(&kit, "keep", "1");
    put_size("d/f.20260115T080000Z.gz", 1);
    put_size("d/f.20260115T080001Z.gz", 1);
    at(&kit, 60);
    assert_int_equal(entries("d"), 3);
    is_done(&kit, 0, "");
    assert_int_equal(kit.orders, 0);
    kit_free(&kit);
}

static void a_file_that_the_writer_made_is_its_own(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    at(&kit, 0);
    put_size("d/f", 3);
    assert_int_equal(chmod("d/f", 0600), 0);
    at(&kit, 4);
    is_done(&kit, 0, ""); /* what it was about to write may still come */
    at(&kit, 5);
    kit_expect(&kit, "", TW_LEVEL_OK, "ok", "3 bytes");
    is_done(&kit, 1, "compressed ");
    struct stat st;
    assert_int_equal(stat("d/f", &st), 0);
    assert_int_equal(st.st_size, 3);
    assert_int_equal(st.st_mode & 07777, 0600);
    kit_free(&kit);
}

/* Else a busy writer's file would be moved at each look, and nothing compressed. */
static void compressing_has_its_turn_between_two_moves(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    at(&kit, 0);
    put_size("d/f", 201);
    at(&kit, 5);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "201 bytes, is moved aside in a moment");
    is_done(&kit, 1, "compressed ");
    assert_int_equal(kit.look_again_ms, 5000);
    at(&kit, 10);
    is_done(&kit, 1, "moved to ");
    at(&kit, 15);
    is_done(&kit, 1, "compressed ");
    unpacks_to_size("d/" PIECE ".gz", 101);
    unpacks_to_size("d/f.20270115T080010Z.gz", 201);
    kit_free(&kit);
}

static void several_pieces_follow_each_other_oldest_first(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 1);
    put_size("d/f.20270115T070002Z", 3);
    put_size("d/f.20270115T070001Z", 2);
    at(&kit, 0);
    is_done(&kit, 1, "f.20270115T070001Z: 2 bytes");
    assert_int_equal(kit.look_again_ms, 1000);
    at(&kit, 1);
    is_done(&kit, 1, "f.20270115T070002Z: 3 bytes");
    assert_int_equal(kit.look_again_ms, -1);
    kit_free(&kit);
}

static void only_so_many_are_kept(void **state)
{
    static const char *const others[] = {"d/f.20270115T070000Z.bz2", "d/f.gz",
                                         "d/g.20270115T070000Z.gz",  "d/f.1.gz",
                                         "d/f.20270115T0700Z.gz",    "d/f.20200230T000000Z.gz"};
    struct kit kit = make(state);
    kit_set(&kit, "keep", "2");
    put_size("d/f", 1);
    for (size_t i = 0; i < TW_COUNT(others); i++)
        put_text(others[i], "x");
    assert_int_equal(symlink("f", "d/f.20200101T000000Z.gz"), 0);
    make_dir("d/f.20200102T000000Z.gz");
    put_text("d/f.20270115T070001Z.gz", "x");
    put_text("d/f.20270115T070002Z.gz", "x");
    at(&kit, 0);
    is_done(&kit, 0, "");
    put_text("d/f.20270115T070003Z.gz", "x");
    at(&kit, 0);
    is_done(&kit, 1, "f.20270115T070001Z.gz (keep = 2)");
    put_text("d/f.20270115T070004Z.gz", "x");
    put_text("d/f.20260115T070003Z.gz", "x");
    at(&kit, 0);
    is_done(&kit, 1, "removed 2 compressed pieces of ");
    assert_true(is_there("d/f.20270115T070003Z.gz") && is_there("d/f.20270115T070004Z.gz"));
    for (size_t i = 0; i < TW_COUNT(others); i++)
        assert_true(is_there(others[i]));
    assert_int_equal(entries("d"), 1 + TW_COUNT(others) + 2 + 2);
    kit_free(&kit);
}

/* Made while the clock was wrong. */
static void pieces_of_times_to_come_do_not_push_out_new_ones(void **state)
{
    struct kit kit = make(state);
    kit_set(&kit, "keep", "3");
    put_size("d/f", 1);
    put_text("d/f.20270114T000000Z.gz", "x");
    put_text("d/f.20270115T070001Z.gz", "x");
    put_text("d/f.20370115T070001Z.gz", "x");
    put_text("d/f.20370115T070002Z.gz", "x");
    at(&kit, 0);
    is_done(&kit, 1, "f.20370115T070001Z.gz (keep = 3)");
    put_text("d/f.20270115T080000Z.gz", "x");
    put_text("d/f.20270115T075959Z.gz", "x");
    at(&kit, 0);
    is_done(&kit, 2, "f.20270114T000000Z.gz (keep = 3)");
    assert_int_equal(entries("d"), 4);
    assert_false(is_there("d/f.20370115T070002Z.gz"));
    kit_free(&kit);
}

/* Not empty is what the file should be; but not in its first minutes. */
static void a_new_file_may_be_empty(void **state)
{
    struct kit kit = make(state);
    kit_set(&kit, "not_empty", "yes");
    put_size("d/f", 101);
    at(&kit, 0);
    at(&kit, 5);
    at(&kit, 60);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "0 bytes");
    at(&kit, 605);
    kit_expect(&kit, "size", TW_LEVEL_FAIL, "empty", "f is empty");
    kit_free(&kit);
}

/* ---- writers ------------------------------------------------------------------------------ */

static void a_piece_that_is_held_waits_and_is_told_after_an_hour(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    at(&kit, 0);
    put_holder(O_WRONLY | O_APPEND);
    at(&kit, 5);
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", PIECE " waits until pid 7 (multilog)");
    is_done(&kit, 0, "");
    put_size("d/" PIECE, 500); /* it goes on */
    at(&kit, 3600);
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "waits until");
    at(&kit, 3601);
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "held",
               "is still written to by pid 7 (multilog): it must reopen its file; see then");
    assert_true(is_there("d/" PIECE) && !is_there("d/" PIECE ".gz"));
    at(&kit, -50); /* the clock was set back */
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "waits until");
    unlink("proc/7/fd/1");
    at(&kit, 3700);
    is_done(&kit, 1, "500 bytes to ");
    kit_free(&kit);
}

static void who_only_reads_it_has_ten_minutes(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 1);
    put_size("d/" PIECE, 3);
    put_holder(O_RDONLY);
    at(&kit, 599);
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "waits until pid 7 (multilog) closes it");
    assert_true(is_there("d/" PIECE));
    at(&kit, 600);
    is_done(&kit, 1, "compressed ");
    assert_false(is_there("d/" PIECE));
    kit_free(&kit);
}

/* Else whoever may read the pieces stops all. */
static void readers_do_not_keep_the_file_from_being_moved(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 101);
    for (int i = 0; i < 16; i++) {
        char *name = tw_format("d/f.20270115T0755%02dZ", i);
        put_size(name, 3);
        free(name);
    }
    put_holder(O_RDONLY);
    for (int i = 0; i < 16; i++) {
        char *to = tw_format("../../../d/f.20270115T0755%02dZ", i);
        char *fd = tw_format("proc/7/fd/%d", i + 2), *info = tw_format("proc/7/fdinfo/%d", i + 2);
        assert_int_equal(symlink(to, fd), 0);
        put_text(info, i < 15 ? "flags:\t00\n" : "flags:\t01\n");
        free(to), free(fd), free(info);
    }
    at(&kit, 0);
    is_done(&kit, 1, "moved to ");
    put_size("d/f", 101);
    for (int i = 0; i < 16; i++) {
        char *info = tw_format("proc/7/fdinfo/%d", i + 2);
        put_text(info, "flags:\t01\n");
        free(info);
    }
    at(&kit, 240);
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "waiting", "16 pieces of ");
    kit_free(&kit);
}

/* A name of a time to come says nothing of the last move. */
static void a_piece_of_a_time_to_come_hides_no_move(void **state)
{
    struct kit kit = make(state);
    kit_set(&kit, "not_empty", "yes");
    put_text("d/f.20400101T000000Z.gz", "x");
    put_size("d/f", 101);
    at(&kit, 0);
    is_done(&kit, 1, "moved to ");
    at(&kit, 5);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "0 bytes");
    put_size("d/f", 101);
    at(&kit, 9);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "is moved aside in a moment");
    is_done(&kit, 0, "");
    kit_free(&kit);
}

static void after_many_moves_there_is_a_minute_between_two(void **state)
{
    struct kit kit = make(state);
    for (int i = 0; i < 7; i++) {
        put_size("d/f", 101);
        at(&kit, 10L * i);
        assert_true(kit.done.count > 0);
    }
    put_size("d/f", 101);
    at(&kit, 70);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "is moved aside in a moment");
    assert_true(kit.look_again_ms > 0);
    const size_t before = kit.orders;
    at(&kit, 119);
    assert_int_equal(kit.orders, before);
    at(&kit, 120);
    assert_non_null(strstr(kit.done.items[0], "moved to "));
    kit_set(&kit, "keep", "2"); /* that there are two says that there may have been more */
    put_size("d/f", 101);
    at(&kit, 4000);
    put_size("d/f", 101);
    at(&kit, 4010);
    put_size("d/f", 101);
    at(&kit, 4020);
    kit_expect(&kit, "size", TW_LEVEL_OK, "ok", "is moved aside in a moment");
    kit_free(&kit);
}

/* Not in /proc, as we see it; but the kernel knows. */
static void a_writer_that_cannot_be_seen_counts(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 1);
    put_size("d/" PIECE, 3);
    const int writer = open("d/" PIECE, O_WRONLY | O_CLOEXEC);
    at(&kit, 5);
    kit_expect(&kit, "compress", TW_LEVEL_OK, "ok", "waits until it is written to no more");
    at(&kit, 3601);
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "held", "is still written to: who does");
    assert_true(is_there("d/" PIECE) && !is_there("d/" PIECE ".gz"));
    close(writer);
    at(&kit, 3601);
    is_done(&kit, 1, "compressed");
    kit_free(&kit);
}

static void held_pieces_do_not_keep_others_back(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 1);
    put_size("d/" PIECE, 3);
    put_size("d/f.20270115T080001Z", 4);
    put_holder(O_WRONLY);
    at(&kit, 3600);
    is_done(&kit, 1, "compressed ");
    assert_true(is_there("d/" PIECE) && is_there("d/f.20270115T080001Z.gz"));
    kit_free(&kit);
}

static void nor_do_those_that_cannot_be_compressed(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 1);
    put_size("d/" PIECE, 3);
    assert_int_equal(link("d/" PIECE, "d/g"), 0);
    put_size("d/f.20270115T080001Z", 4);
    at(&kit, 60);
    is_done(&kit, 1, "compressed ");
    kit_expect(&kit, "compress", TW_LEVEL_FAIL, "links", PIECE " has 2 names");
    assert_true(is_there("d/" PIECE) && is_there("d/f.20270115T080001Z.gz"));
    kit_free(&kit);
}

/* What cannot be seen, the kernel tells; as where there is no /proc. */
static void the_kernels_word_is_enough(void **state)
{
    struct kit kit = make(state);
    put_size("d/f", 1);
    put_size("d/" PIECE, 3);
    assert_int_equal(rmdir("proc"), 0);
    at(&kit, 60);
    is_done(&kit, 1, "compressed ");
    kit_free(&kit);
}

static void the_advice_fits_what_is_wrong(void **state)
{
    (void)state;
    struct kit kit = kit_make(tw_kind_find("file"), "log");
    kit_set(&kit, "path", "/var/log/f");
    kit_advice(&kit, "compress", "held", "fuser -v /var/log/f.*Z shows who has it open");
    kit_advice(&kit, "compress", "no-space", "df -h /var/log");
    kit_advice(&kit, "compress", "links", "ls -ld /var/log/f /var/log/f.*");
    kit_set(&kit, "path", "/f");
    kit_advice(&kit, "compress", "no-space", "df -h /");
    kit_free(&kit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_settings_must_fit_each_other),
        TEST(below_its_limit_nothing_is_done),
        TEST(moved_made_anew_and_compressed),
        TEST(who_only_looks_changes_nothing),
        TEST(a_file_that_the_writer_made_is_its_own),
        TEST(compressing_has_its_turn_between_two_moves),
        TEST(several_pieces_follow_each_other_oldest_first),
        TEST(only_so_many_are_kept),
        TEST(pieces_of_times_to_come_do_not_push_out_new_ones),
        TEST(a_new_file_may_be_empty),
        TEST(a_piece_that_is_held_waits_and_is_told_after_an_hour),
        TEST(who_only_reads_it_has_ten_minutes),
        TEST(readers_do_not_keep_the_file_from_being_moved),
        TEST(a_piece_of_a_time_to_come_hides_no_move),
        TEST(after_many_moves_there_is_a_minute_between_two),
        TEST(a_writer_that_cannot_be_seen_counts),
        TEST(held_pieces_do_not_keep_others_back),
        TEST(nor_do_those_that_cannot_be_compressed),
        TEST(the_kernels_word_is_enough),
        TEST(the_advice_fits_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
