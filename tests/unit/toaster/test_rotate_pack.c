/* Packing a piece, and what a hostile owner of the directory may put in the way of that. */
#include "rotate_kit.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void put_piece(const char *text)
{
    put_text(PIECE, text);
    const struct timespec times[2] = {{.tv_sec = 1700000000}, {.tv_sec = 1700000000, .tv_nsec = 5}};
    assert_int_equal(utimensat(AT_FDCWD, PIECE, times, 0), 0);
}

/* In the place of glibc's: leaves a mark. */
int setpriority(__priority_which_t which, id_t who, int priority)
{
    (void)which, (void)who;
    if (priority == 19)
        put_text("gentle", "");
    return 0;
}

/* In the place of glibc's: in the steps' child, five minutes go by from one look to the next. */
static pid_t slow_but_for;

int clock_gettime(clockid_t clock, struct timespec *now)
{
    static int64_t late_s;
    const int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (clock == CLOCK_MONOTONIC && slow_but_for && getpid() != slow_but_for)
        now->tv_sec += late_s += 300;
    return result;
}

static void a_piece_is_packed_and_dropped(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    assert_int_equal(chmod(PIECE, 0640), 0);
    if (geteuid() == 0)
        assert_int_equal(chown(PIECE, 12345, 54321), 0);
    put_text(TMP, "left by one that was killed");
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    assert_true(p.beats > 0);
    holds(PIECE, "text\n");
    unpacks_to(PACKED, "text\n");
    assert_false(is_there(TMP));
    assert_true(is_there("gentle"));
    const struct stat st = look(PACKED);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(st.st_uid, piece.st.st_uid);
    assert_int_equal(st.st_gid, piece.st.st_gid);
    assert_int_equal(st.st_mtim.tv_sec, 1700000000);
    assert_int_equal(st.st_mtim.tv_nsec, 5);
    succeeds(tw_rotate_drop(&p.r, &piece, true, &e), &e);
    assert_false(is_there(PIECE));
    unpacks_to(PACKED, "text\n");
    close_place(&p);
}

/* A run was cut short between two steps. */
static void a_copy_that_is_there_is_read_back(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    open_place(&p);
    struct tw_piece piece = seen_now(PIECE);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    const ino_t inode = look(PACKED).st_ino;
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    assert_int_equal(look(PACKED).st_ino, inode);
    put_piece("more text\n");
    piece = seen_now(PIECE);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_EXISTS, "but it is not " PIECE);
    unpacks_to(PACKED, "text\n");
    put_text(PACKED, "");
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_EXISTS, "is cut off");
    holds(PACKED, "");
    holds(PIECE, "more text\n");
    close_place(&p);
}

static void put_link(const char *path)
{
    assert_int_equal(symlink("victim", path), 0);
}

static void put_fifo(const char *path)
{
    assert_int_equal(mkfifo(path, 0666), 0);
}

static void put_hard_link(const char *path)
{
    assert_int_equal(link("victim", path), 0);
}

static void other_things_in_the_place_of_the_copy_stay(void **state)
{
    (void)state;
    static void (*const put[])(const char *) = {put_link, put_fifo, make_dir, put_hard_link};
    static const char *const names[] = {TMP, PACKED};
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    put_text("victim", "victim");
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    for (size_t i = 0; i < TW_COUNT(put); i++)
        for (size_t k = 0; k < TW_COUNT(names); k++) {
            put[i](names[k]);
            const struct stat before = look(names[k]);
            is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_EXISTS, "is there");
            assert_int_equal(look(names[k]).st_ino, before.st_ino);
            assert_false(is_there(names[1 - k]));
            remove(names[k]);
        }
    holds("victim", "victim");
    holds(PIECE, "text\n");
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    close_place(&p);
}

static void what_was_swapped_is_not_packed(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_secret();
    give(".");
    put_piece("text\n");
    give(PIECE);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    unlink(PIECE);
    assert_int_equal(symlink(SECRET, PIECE), 0);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    is_fault(tw_rotate_drop(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    unlink(PIECE);
    assert_int_equal(link(SECRET, PIECE), 0);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    unlink(PIECE);
    assert_int_equal(mkfifo(PIECE, 0666), 0);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    unlink(PIECE);
    make_dir(PIECE);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    assert_true(is_there(PIECE));
    assert_false(is_there(PACKED));
    assert_false(is_there(TMP));
    close_place(&p);
    check_secret();
}

static void another_file_in_its_place_is_not_packed(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    assert_int_equal(rename(PIECE, "g"), 0);
    put_piece("text\n");
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    assert_false(is_there(PACKED));
    close_place(&p);
}

static void swap_copy(void)
{
    (void)!rename(TMP, "g");
    put_text(TMP, "something else");
}

static void append_to_piece(void)
{
    const int fd = open(PIECE, O_WRONLY | O_APPEND | O_CLOEXEC);
    (void)!write(fd, "more\n", 5);
    close(fd);
    before_sync = NULL;
}

/* Another that works here, too, for instance: what got the name is not what was read back. */
static void a_copy_that_is_swapped_is_told(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    before_rename = swap_copy;
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, PACKED " was swapped");
    before_rename = NULL;
    holds(PIECE, "text\n");
    close_place(&p);
}

static void what_is_written_to_meanwhile_gets_no_copy(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    before_sync = append_to_piece;
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_CHANGED, "while it was");
    before_sync = NULL;
    holds(PIECE, "text\nmore\n");
    assert_false(is_there(PACKED) || is_there(TMP));
    close_place(&p);
}

/* Also one that was swapped before anybody looked. */
static void a_piece_with_other_names_is_not_packed(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    assert_int_equal(link(PIECE, "g"), 0);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_LINKS, "has 2 names");
    assert_false(is_there(PACKED));
    close_place(&p);
}

static void what_is_written_to_is_not_packed_nor_dropped(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    open_place(&p);
    struct tw_piece piece = seen_now(PIECE);
    const int writer = open(PIECE, O_WRONLY | O_APPEND | O_CLOEXEC);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_CHANGED, "still written");
    assert_false(is_there(PACKED));
    close(writer);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    const int again = open(PIECE, O_WRONLY | O_APPEND | O_CLOEXEC);
    is_fault(tw_rotate_drop(&p.r, &piece, true, &e), &e, TW_ROTATE_CHANGED, "still written");
    assert_int_equal(write(again, "x", 1), 1);
    close(again);
    is_fault(tw_rotate_drop(&p.r, &piece, true, &e), &e, TW_ROTATE_CHANGED, "still written");
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_CHANGED, "still written");
    is_fault(tw_rotate_remove(&p.r, &piece, 1, &e), &e, TW_ROTATE_CHANGED, "not as it was");
    holds(PIECE, "text\nx");
    close_place(&p);
}

/* That nobody was seen in /proc is not enough. */
static void where_nobody_can_tell_nothing_is_packed(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    open_place(&p);
    struct tw_piece piece = seen_now(PIECE);
    is_remote = true;
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_UNSURE, "cannot tell");
    assert_false(is_there(PACKED));
    is_remote = false;
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    is_remote = true;
    is_fault(tw_rotate_drop(&p.r, &piece, true, &e), &e, TW_ROTATE_UNSURE, "cannot tell");
    is_remote = false;
    holds(PIECE, "text\n");
    close_place(&p);
}

/* In /proc/PID/fd it stands no more, but what is put into memory comes to the file. */
static void a_mapping_counts_as_a_writer(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    if (geteuid() == 0)
        assert_int_equal(chown(PIECE, NOBODY, NOBODY), 0);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    const int fd = open(PIECE, O_RDWR | O_CLOEXEC);
    char *map = mmap(NULL, 5, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    assert_true(map != MAP_FAILED);
    close(fd);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_CHANGED, "still written");
    assert_false(is_there(PACKED));
    assert_int_equal(munmap(map, 5), 0);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    close_place(&p);
}

/* In nobody's table at all. */
static void a_descriptor_on_its_way_counts_as_a_writer(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    int ends[2], fd;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof fd)];
    } control = {
        {.cmsg_len = CMSG_LEN(sizeof fd), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec text = {"x", 1};
    const struct msghdr message = {.msg_iov = &text,
                                   .msg_iovlen = 1,
                                   .msg_control = &control,
                                   .msg_controllen = sizeof control};
    put_piece("text\n");
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    fd = open(PIECE, O_WRONLY | O_APPEND | O_CLOEXEC);
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(sendmsg(ends[0], &message, 0), 1);
    close(fd);
    is_fault(tw_rotate_drop(&p.r, &piece, true, &e), &e, TW_ROTATE_CHANGED, "still written");
    close(ends[0]);
    close(ends[1]);
    succeeds(tw_rotate_drop(&p.r, &piece, true, &e), &e);
    close_place(&p);
}

/* Its directory's owner may have put it there, to get a copy that is its own. */
static void a_piece_of_somebody_else_is_left_alone(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    give(".");
    put_piece(secret);
    assert_int_equal(chmod(PIECE, 0640), 0);
    assert_int_equal(chown(PIECE, 0, NOBODY), 0); /* even if it could be read */
    open_place(&p);
    struct tw_piece piece = seen_now(PIECE);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_NOT_OWNER, "is uid 0's");
    is_fault(tw_rotate_drop(&p.r, &piece, true, &e), &e, TW_ROTATE_NOT_OWNER, "is uid 0's");
    assert_true(is_there(PIECE) && !is_there(PACKED));
    give(PIECE); /* the owner's, but not when it was seen */
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_NOT_OWNER, "is uid 0's");
    piece = seen_now(PIECE);
    assert_int_equal(chown(PIECE, 0, NOBODY), 0); /* and the other way round */
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SWAPPED, "was swapped");
    close_place(&p);
}

/* A killed run must leave what the next takes for its own. */
static void look_whose_copy(void)
{
    struct stat st;
    if (is_there(TMP) && lstat(TMP, &st) == 0 && st.st_size > 0 && st.st_uid == geteuid() &&
        (st.st_mode & 0777) == 0600)
        put_text("ours", "");
    before_sync = NULL;
}

static void a_copy_is_ours_until_it_is_read_back(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    if (geteuid() != 0)
        skip();
    put_piece("text\n");
    assert_int_equal(chown(PIECE, 12345, 54321), 0);
    put_text(TMP, "given away, then killed");
    assert_int_equal(chown(TMP, 12345, 54321), 0);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    before_sync = look_whose_copy;
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    before_sync = NULL;
    assert_true(is_there("ours"));
    assert_int_equal(look(PACKED).st_uid, 12345);
    close_place(&p);
}

static void an_access_list_stays_one(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    struct acl there;
    put_piece("text\n");
    put_acl(PIECE);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    assert_int_equal(getxattr(PACKED, ACL, &there, sizeof there), sizeof there);
    assert_memory_equal(&there, &acl, sizeof acl);
    close_place(&p);
}

/* Its name may not be on the disk yet, where the run that gave it was killed. */
static void the_name_of_a_copy_that_is_there_is_synced(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    mark_sync = true;
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    mark_sync = false;
    assert_true(is_there("dir-synced"));
    close_place(&p);
}

/* Other jobs wait, and what is found counts at the end only. */
static void what_takes_too_long_is_given_up_for_a_day(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    char *bytes = tw_alloc(400001);
    memset(bytes, 'x', 400000);
    put_piece(bytes);
    free(bytes);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    slow_but_for = getpid();
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SLOW, "longer than 10 minutes");
    slow_but_for = 0;
    assert_false(is_there(PACKED));
    assert_int_equal(look(TMP).st_size, 0);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_TOO_LARGE, "once a day");
    const time_t now = time(NULL);
    const struct timespec old[2] = {{.tv_sec = now - 86401}, {.tv_sec = now - 86401}};
    assert_int_equal(utimensat(AT_FDCWD, TMP, old, 0), 0);
    succeeds(tw_rotate_pack(&p.r, &piece, true, &e), &e);
    assert_true(is_there(PACKED) && !is_there(TMP));
    close_place(&p);
}

static void what_is_mostly_holes_is_not_packed(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_piece("text\n");
    assert_int_equal(truncate(PIECE, (off_t)3 << 30), 0);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    is_fault(tw_rotate_pack(&p.r, &piece, true, &e), &e, TW_ROTATE_SPARSE, "is mostly holes");
    assert_false(is_there(PACKED) || is_there(TMP));
    close_place(&p);
}

static void on_a_full_disk_nothing_is_left_and_nothing_lost(void **state)
{
    struct place p;
    struct tw_rotate_error e;
    if (geteuid() != 0)
        skip();
    make_dir("disk");
    if (mount("tmpfs", "disk", "tmpfs", 0, "size=1M,mode=755") != 0)
        skip();
    assert_int_equal(chdir("disk"), 0);
    char *noise = tw_alloc(600001);
    unsigned next = 1;
    for (size_t i = 0; i < 600000; i++)
        noise[i] = (char)('!' + ((next = next * 1103515245U + 12345U) >> 16) % 90);
    put_piece(noise);
    open_place(&p);
    const struct tw_piece piece = seen_now(PIECE);
    const int result = tw_rotate_pack(&p.r, &piece, true, &e);
    const bool left = is_there(TMP) || is_there(PACKED);
    /* So little is left that it is not even begun. */
    put_bytes("filler", noise, 440000);
    struct tw_rotate_error second;
    const int again = tw_rotate_pack(&p.r, &piece, true, &second);
    close_place(&p);
    const off_t size = look(PIECE).st_size;
    assert_int_equal(chdir(*state), 0);
    assert_int_equal(umount("d/disk"), 0);
    is_fault(result, &e, TW_ROTATE_NO_SPACE, "cannot compress " PIECE);
    is_fault(again, &second, TW_ROTATE_NO_SPACE, "its disk is too full");
    assert_int_equal(size, 600000);
    assert_false(left);
    free(noise);
}

/* ---- a race ------------------------------------------------------------------------------- */

/* The owner of the directory swaps the file, the piece and the names of the copies for links to
 * the secret and back, as fast as it can, until it is killed. */
static pid_t start_swapper(void)
{
    const pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    if (pid > 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
        _exit(1);
    static const char *const names[] = {"f", PIECE, PACKED, TMP, ".f.new.tmp"};
    for (unsigned i = 0; getppid() == parent; i++) {
        const char *name = names[i % TW_COUNT(names)];
        (void)!symlink(SECRET, "link");
        (void)!rename("link", name);
        const int fd = open("new", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        (void)!write(fd, "x", 1);
        close(fd);
        if (i % 3)
            (void)!rename("new", name);
        else
            unlink(name);
        unlink("new");
        nanosleep(&(struct timespec){.tv_nsec = i * 7919 % 3000000}, NULL);
    }
    _exit(0);
}

static void a_hostile_owner_gets_nothing_of_roots(void **state)
{
    (void)state;
    struct place p;
    struct tw_rotate_error e;
    put_secret();
    give(".");
    open_place(&p);
    size_t tries = 0, moved = 0, packed = 0;
    const pid_t swapper = start_swapper();
    for (int i = 0; i < 1000000 && tries < 500; i++) {
        struct stat st;
        struct tw_piece piece = {.name = (char *)(uintptr_t)PIECE};
        if (fstatat(p.r.dir, "f", &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode)) {
            tries++;
            const struct tw_piece like = {.name = (char *)(uintptr_t)PIECE, .st = st};
            moved += tw_rotate_move(&p.r, PIECE, &st, &e) == 0;
            (void)tw_rotate_make(&p.r, &like, &e);
        }
        if (fstatat(p.r.dir, PIECE, &piece.st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(piece.st.st_mode)) {
            tries++;
            if (tw_rotate_pack(&p.r, &piece, true, &e) == 0)
                packed += tw_rotate_drop(&p.r, &piece, true, &e) == 0;
        }
        static const char *const names[] = {"f", PIECE, PACKED};
        for (size_t k = 0; k < TW_COUNT(names); k++)
            if (fstatat(p.r.dir, names[k], &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode))
                assert_int_equal(st.st_uid, NOBODY); /* never root's, never by root */
    }
    kill(swapper, SIGKILL);
    wait_for(swapper);
    print_message("moved %zu, packed %zu of %zu\n", moved, packed, tries);
    assert_true(tries > 0);
    close_place(&p);
    check_secret();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_piece_is_packed_and_dropped),
        TEST(a_copy_that_is_there_is_read_back),
        TEST(other_things_in_the_place_of_the_copy_stay),
        TEST(what_was_swapped_is_not_packed),
        TEST(another_file_in_its_place_is_not_packed),
        TEST(a_copy_that_is_swapped_is_told),
        TEST(what_is_written_to_meanwhile_gets_no_copy),
        TEST(a_piece_with_other_names_is_not_packed),
        TEST(what_is_written_to_is_not_packed_nor_dropped),
        TEST(where_nobody_can_tell_nothing_is_packed),
        TEST(a_mapping_counts_as_a_writer),
        TEST(a_descriptor_on_its_way_counts_as_a_writer),
        TEST(a_piece_of_somebody_else_is_left_alone),
        TEST(a_copy_is_ours_until_it_is_read_back),
        TEST(an_access_list_stays_one),
        TEST(the_name_of_a_copy_that_is_there_is_synced),
        TEST(what_takes_too_long_is_given_up_for_a_day),
        TEST(what_is_mostly_holes_is_not_packed),
        TEST(on_a_full_disk_nothing_is_left_and_nothing_lost),
        TEST(a_hostile_owner_gets_nothing_of_roots),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
