/* For the tests of a rotation's steps: the directory they work in, below which lies nothing of
 * others, and looks at what is in it. */
#ifndef TEST_TOASTER_ROTATE_KIT_H
#define TEST_TOASTER_ROTATE_KIT_H

#include "scratch.h"

#include <errno.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

#include <linux/magic.h>

#include "base/owner.h"
#include "toaster/rotate.h"
#include "toaster/rotate_files.h"

#define PIECE "f.20270115T080000Z"
#define PACKED PIECE ".gz"
#define SECRET "../secret"
#define TMP "." PACKED ".tmp"

static const char secret[] = "root:$6$secret\n";

struct place {
    struct stat st;
    struct tw_rotate r;
    size_t beats;
};

static inline void on_beat(void *context)
{
    ++*(size_t *)context;
}

static inline void open_place(struct place *p)
{
    struct tw_error e;
    *p = (struct place){0};
    p->r = (struct tw_rotate){.dir = tw_dir_open(".", &p->st, &e),
                              .owner = &p->st,
                              .dir_path = ".",
                              .base = "f",
                              .beat = on_beat,
                              .beat_context = &p->beats};
    assert_true(p->r.dir >= 0);
}

static inline void close_place(struct place *p)
{
    close(p->r.dir);
}

static inline struct stat look(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st;
}

static inline bool is_there(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline void holds(const char *path, const char *text)
{
    char *data;
    size_t length;
    struct tw_error e;
    if (tw_file_read(AT_FDCWD, path, 1 << 20, &data, &length, &e) != 0)
        fail_msg("%s", e.text);
    assert_string_equal(data, text);
    free(data);
}

static inline void unpacks_to(const char *path, const char *text)
{
    char *out = run_program((const char *const[]){"gzip", "-dc", path, NULL}, -1);
    assert_string_equal(out, text);
    free(out);
}

static inline void is_fault(int result, const struct tw_rotate_error *e, enum tw_rotate_fault fault,
                            const char *part)
{
    assert_int_equal(result, -1);
    if (e->fault != fault || !strstr(e->why.text, part))
        fail_msg("fault %d: %s", (int)e->fault, e->why.text);
}

static inline void succeeds(int result, const struct tw_rotate_error *e)
{
    if (result != 0)
        fail_msg("fault %d: %s", (int)e->fault, e->why.text);
}

/* What somebody else does in the middle of a step, in the child: before the name is given, and
 * before the copy is synced. NULL: nothing. */
static void (*before_rename)(void);
static void (*before_sync)(void);
static bool mark_sync; /* of the directory: leaves a file dir-synced */

/* In the place of glibc's. */
int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (before_rename)
        before_rename();
    return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int fsync(int fd)
{
    struct stat st;
    if (before_sync)
        before_sync();
    if (mark_sync && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode))
        put_text("dir-synced", "");
    return (int)syscall(SYS_fsync, fd);
}

/* In the place of glibc's: a disk that gives no leases. */
static bool is_remote;

int fstatfs(int fd, struct statfs *st)
{
    const int result = (int)syscall(SYS_fstatfs, fd, st);
    if (is_remote)
        st->f_type = NFS_SUPER_MAGIC;
    return result;
}

/* The directory is nobody's from now on, and what is in it; only root can do that. */
static inline void give(const char *path)
{
    if (geteuid() != 0)
        skip();
    assert_int_equal(lchown(path, NOBODY, NOBODY), 0);
}

/* A file of root's that only root can read. */
static inline void put_secret(void)
{
    if (geteuid() != 0)
        skip();
    put_text(SECRET, secret);
    assert_int_equal(chmod(SECRET, 0600), 0);
}

static inline void check_secret(void)
{
    holds(SECRET, secret);
    assert_int_equal(look(SECRET).st_nlink, 1);
    assert_int_equal(look(SECRET).st_mode & 07777, 0600);
    assert_int_equal(look(SECRET).st_uid, 0);
}

/* An access list, as linux/posix_acl_xattr.h has it: the owner rw, user 4711 rw, the group nothing,
 * the mask rw, others r. */
#define ACL "system.posix_acl_access"
struct acl {
    uint32_t version;
    struct {
        uint16_t tag, rights;
        uint32_t id;
    } entries[5];
};
static const struct acl acl = {2,
                               {{1, 6, UINT32_MAX},
                                {2, 6, 4711},
                                {4, 0, UINT32_MAX},
                                {16, 6, UINT32_MAX},
                                {32, 4, UINT32_MAX}}};

static inline void put_acl(const char *path)
{
    if (setxattr(path, ACL, &acl, sizeof acl, 0) != 0)
        skip();
}

static inline struct tw_piece seen_now(const char *name)
{
    return (struct tw_piece){.name = (char *)(uintptr_t)name, .st = look(name)};
}

/* In a directory below the test's own, which holds what is not its owner's. */
static inline int place_make(void **state)
{
    const int result = scratch_make(state);
    return result == 0 && mkdir("d", 0755) == 0 ? chdir("d") : -1;
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, place_make, scratch_remove)

#endif
