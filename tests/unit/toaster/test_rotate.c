/* The steps of a rotation but for packing: moved, made anew, removed. */
#include "rotate_kit.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

/* ---- move --------------------------------------------------------------------------------- */

static void a_file_is_moved(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text("f", "text");
    open_place(&p);
    const struct stat seen = look("f");
    succeeds(tw_rotate_move(&p.r, PIECE, &seen, &e), &e);
    holds("f", ""); /* its successor is there at once */
    assert_int_equal(look("f").st_mode & 07777, 0644);
    holds(PIECE, "text");
    assert_false(is_there(".f.new.tmp"));
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    unlink("f");
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_CANNOT, "No such file");
    close_place(&p);
}

static void a_move_goes_over_nothing(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text("f", "text");
    put_text(PIECE, "other");
    open_place(&p);
    const struct stat seen = look("f");
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_EXISTS, "File exists");
    holds("f", "text");
    holds(PIECE, "other");
    unlink(PIECE);
    assert_int_equal(symlink("nowhere", PIECE), 0);
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_EXISTS, "File exists");
    assert_false(is_there("nowhere"));
    close_place(&p);
}

static void what_was_swapped_is_not_moved(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_secret();
    put_text("f", "text");
    open_place(&p);
    const struct stat seen = look("f");
    assert_int_equal(rename("f", "g"), 0);
    assert_int_equal(symlink(SECRET, "f"), 0);
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    assert_true(S_ISLNK(look("f").st_mode));
    assert_false(is_there(PIECE));
    unlink("f");
    assert_int_equal(mkfifo("f", 0600), 0);
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    unlink("f");
    make_dir("f");
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    assert_false(is_there(PIECE));
    close_place(&p);
    check_secret();
}

static void swap_file(void)
{
    (void)!rename("f", "g");
    (void)!symlink("victim", "f");
}

/* Between the look and the rename: then the link is moved, which harms nobody, and is told. */
static void what_is_swapped_while_it_is_moved_is_told(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text("f", "text");
    put_text("victim", "victim");
    open_place(&p);
    const struct stat seen = look("f");
    before_rename = swap_file;
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_SWAPPED, "while it was moved");
    before_rename = NULL;
    assert_true(S_ISLNK(look(PIECE).st_mode));
    holds("victim", "victim");
    holds("g", "text");
    close_place(&p);
}

static void a_file_with_other_names_is_not_moved(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text("f", "text");
    assert_int_equal(link("f", "g"), 0);
    open_place(&p);
    const struct stat seen = look("f");
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_LINKS, "has 2 names");
    assert_false(is_there(PIECE));
    close_place(&p);
}

/* Where root may not work, it does not. */
static void in_roots_directory_nobody_else_may_write(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text("f", "text");
    const struct stat seen = look("f");
    assert_int_equal(chmod(".", 0775), 0);
    open_place(&p);
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_CANNOT, "others may write");
    holds("f", "text");
    close_place(&p);
}

static void write_again(void)
{
    static int times;
    if (times++ == 1)
        put_text("f", "the writer was faster");
}

static void the_writer_may_be_faster_than_the_move(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text("f", "text");
    open_place(&p);
    const struct stat seen = look("f");
    before_rename = write_again;
    succeeds(tw_rotate_move(&p.r, PIECE, &seen, &e), &e);
    before_rename = NULL;
    holds("f", "the writer was faster");
    holds(PIECE, "text");
    assert_false(is_there(".f.new.tmp"));
    close_place(&p);
}

/* Else its directory's owner would get a copy of what it may not read. */
static void a_file_of_somebody_else_is_not_moved(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    give(".");
    put_text("f", "text");
    open_place(&p);
    const struct stat seen = look("f");
    is_fault(tw_rotate_move(&p.r, PIECE, &seen, &e), &e, TW_ROTATE_NOT_OWNER, "f is uid 0's");
    holds("f", "text");
    assert_false(is_there(PIECE));
    close_place(&p);
}

/* ---- names -------------------------------------------------------------------------------- */

/* In a child in which renameat2 is not known, as to some file systems. */
static bool renames_in_two_steps(void *context)
{
    (void)context;
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
    const struct sock_fprog program = {TW_COUNT(rules), rules};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        return true; /* cannot be tried here */
    if (tw_file_rename_new(AT_FDCWD, "f", "taken") != -1 || errno != EEXIST || !is_there("f"))
        return false;
    return tw_file_rename_new(AT_FDCWD, "f", "g") == 0 && !is_there("f") && is_there("g") &&
           look("g").st_nlink == 1;
}

static void without_renameat2_nothing_is_replaced_either(void **state)
{
    (void)state;
    if (geteuid() == 0)
        assert_int_equal(lchown(".", NOBODY, NOBODY), 0);
    put_text("f", "text");
    put_text("taken", "other");
    if (geteuid() == 0) {
        assert_int_equal(lchown("f", NOBODY, NOBODY), 0);
        assert_int_equal(lchown("taken", NOBODY, NOBODY), 0);
    }
    assert_true(as_nobody(renames_in_two_steps, NULL));
    holds("taken", "other");
    holds("g", "text");
}

static void rights_are_never_more_than_before(void **state)
{
    (void)state;
    static const struct {
        mode_t mode;
        bool owner, group;
        mode_t expected;
    } cases[] = {
        {0644, true, true, 0644},  {06777, true, true, 0777},  {01755, true, true, 0755},
        {0640, true, false, 0600}, {0664, true, false, 0604},  {0604, true, false, 0600},
        {0644, false, true, 0644}, {0064, false, true, 0000},  {0444, false, true, 0444},
        {0466, false, true, 0444}, {0640, false, false, 0600}, {0044, false, false, 0000},
    };
    for (size_t i = 0; i < TW_COUNT(cases); i++)
        assert_int_equal(tw_rotate_mode(cases[i].mode, cases[i].owner, cases[i].group),
                         cases[i].expected);
}

/* ---- make --------------------------------------------------------------------------------- */

static void a_file_is_made_like_the_one_before(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text(PIECE, "text");
    assert_int_equal(chmod(PIECE, 04640), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(PIECE, 12345, 54321), 0);
    const struct tw_piece like = seen_now(PIECE);
    open_place(&p);
    umask(077);
    put_text(".f.new.tmp", "left by one that was killed");
    succeeds(tw_rotate_make(&p.r, &like, &e), &e);
    umask(022);
    holds("f", "");
    assert_int_equal(look("f").st_mode & 07777, 0640);
    assert_int_equal(look("f").st_uid, like.st.st_uid);
    assert_int_equal(look("f").st_gid, like.st.st_gid);
    assert_false(is_there(".f.new.tmp"));
    close_place(&p);
}

/* One that was killed after it had given the file away. */
static void a_leftover_of_the_writers_is_removed(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    if (geteuid() != 0)
        skip();
    put_text(PIECE, "text");
    put_text(".f.new.tmp", "");
    assert_int_equal(chown(PIECE, 12345, 54321), 0);
    assert_int_equal(chown(".f.new.tmp", 12345, 54321), 0);
    open_place(&p);
    const struct tw_piece like = seen_now(PIECE);
    succeeds(tw_rotate_make(&p.r, &like, &e), &e);
    unlink("f");
    put_text(".f.new.tmp", "");
    assert_int_equal(chown(".f.new.tmp", 4711, 54321), 0);
    is_fault(tw_rotate_make(&p.r, &like, &e), &e, TW_ROTATE_EXISTS, "not of our making");
    close_place(&p);
}

static void an_access_list_stays_one(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    struct acl there;
    put_text("f", "text");
    put_acl("f");
    assert_int_equal(look("f").st_mode & 0777, 0664); /* the group's are those of the whole list */
    open_place(&p);
    const struct stat seen = look("f");
    succeeds(tw_rotate_move(&p.r, PIECE, &seen, &e), &e);
    holds("f", "");
    assert_int_equal(getxattr("f", ACL, &there, sizeof there), sizeof there);
    assert_memory_equal(&there, &acl, sizeof acl);
    assert_int_equal(look("f").st_mode & 0777, 0664);
    if (geteuid() == 0) { /* whose group cannot be had: then it is the owner's alone */
        assert_int_equal(chown(".", NOBODY, NOBODY), 0);
        assert_int_equal(chown(PIECE, NOBODY, 12345), 0);
        unlink("f");
        close_place(&p);
        open_place(&p);
        const struct tw_piece like = seen_now(PIECE);
        succeeds(tw_rotate_make(&p.r, &like, &e), &e);
        assert_int_equal(look("f").st_mode & 0777, 0600);
    }
    close_place(&p);
}

/* That new files of a directory get a list is not what the file had. */
static void a_list_of_the_directorys_is_not_taken(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    struct acl there;
    put_text("f", "text");
    assert_int_equal(chmod("f", 0660), 0);
    if (setxattr(".", "system.posix_acl_default", &acl, sizeof acl, 0) != 0)
        skip();
    open_place(&p);
    const struct stat seen = look("f");
    succeeds(tw_rotate_move(&p.r, PIECE, &seen, &e), &e);
    assert_int_equal(getxattr("f", ACL, &there, sizeof there), -1);
    assert_int_equal(look("f").st_mode & 0777, 0660);
    close_place(&p);
}

static void the_writer_may_be_faster(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text(PIECE, "text");
    put_text("f", "new");
    const struct tw_piece like = seen_now(PIECE);
    open_place(&p);
    succeeds(tw_rotate_make(&p.r, &like, &e), &e);
    holds("f", "new");
    assert_false(is_there(".f.new.tmp"));
    unlink("f");
    assert_int_equal(symlink("nowhere", "f"), 0);
    succeeds(tw_rotate_make(&p.r, &like, &e), &e);
    assert_false(is_there("nowhere"));
    close_place(&p);
}

static void a_file_of_somebody_else_is_not_made(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    give(".");
    put_text(PIECE, "text");
    struct tw_piece like = seen_now(PIECE);
    open_place(&p);
    is_fault(tw_rotate_make(&p.r, &like, &e), &e, TW_ROTATE_NOT_OURS, "was uid 0's");
    assert_false(is_there("f"));
    like.st.st_uid =
        NOBODY; /* but of group root: none of root's group shall get it, nor nobody's */
    like.st.st_mode = S_IFREG | 0664;
    succeeds(tw_rotate_make(&p.r, &like, &e), &e);
    assert_int_equal(look("f").st_uid, NOBODY);
    assert_int_equal(look("f").st_gid, NOBODY);
    assert_int_equal(look("f").st_mode & 07777, 0604);
    close_place(&p);
}

/* ---- remove ------------------------------------------------------------------------------- */

static void what_is_removed_is_what_was_seen(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_text("a", "1");
    put_text("b", "2");
    put_text("c", "3");
    open_place(&p);
    const struct tw_piece pieces[] = {seen_now("a"), seen_now("b"), seen_now("c")};
    unlink("b");
    make_dir("b");
    is_fault(tw_rotate_remove(&p.r, pieces, 3, &e), &e, TW_ROTATE_CHANGED, "b is not as it was");
    assert_false(is_there("a"));
    assert_true(is_there("b") && is_there("c"));
    succeeds(tw_rotate_remove(&p.r, pieces + 2, 1, &e), &e);
    assert_false(is_there("c"));
    close_place(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_file_is_moved),
        TEST(a_move_goes_over_nothing),
        TEST(what_was_swapped_is_not_moved),
        TEST(what_is_swapped_while_it_is_moved_is_told),
        TEST(a_file_with_other_names_is_not_moved),
        TEST(in_roots_directory_nobody_else_may_write),
        TEST(the_writer_may_be_faster_than_the_move),
        TEST(a_file_of_somebody_else_is_not_moved),
        TEST(without_renameat2_nothing_is_replaced_either),
        TEST(rights_are_never_more_than_before),
        TEST(a_file_is_made_like_the_one_before),
        TEST(the_writer_may_be_faster),
        TEST(a_leftover_of_the_writers_is_removed),
        TEST(an_access_list_stays_one),
        TEST(a_list_of_the_directorys_is_not_taken),
        TEST(a_file_of_somebody_else_is_not_made),
        TEST(what_is_removed_is_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
