/* Files of a rotation: made, named, copied. Knows nothing of who asks for it or when. */
#include "toaster/rotate_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/mem.h"
#include "toaster/holders.h"

enum {
    READ_FLAGS = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
    /* Mail that cannot be queued or logged is worse than a log that stays as it is: so much of the
     * disk, or 64 MB of a large one, is left to others. */
    RESERVED_SHARE = 64,
    RESERVED_MAX = 64 * 1024 * 1024,
    MARK_MODE = 0400,
    MARK_S = 86400,
};

static const char no_space[] = "its disk is too full for a compressed copy";

int tw_rotate_fail(struct tw_rotate_error *e, enum tw_rotate_fault fault, const char *format, ...)
{
    char text[sizeof e->why.text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    e->fault = fault;
    return tw_fail(&e->why, "%s", text);
}

static enum tw_rotate_fault fault_of(int why)
{
    if (why == ENOSPC || why == EDQUOT)
        return TW_ROTATE_NO_SPACE;
    if (why == ETIME)
        return TW_ROTATE_SLOW;
    return why == EEXIST ? TW_ROTATE_EXISTS : TW_ROTATE_CANNOT;
}

int tw_rotate_cannot(struct tw_rotate_error *e, const char *format, ...)
{
    const int why = errno;
    char text[sizeof e->why.text];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    e->fault = fault_of(why);
    errno = why;
    return tw_fail_errno(&e->why, "%s", text);
}

int tw_rotate_sync(int dir)
{
    const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    const int result = fsync(fd);
    const int why = errno;
    close(fd);
    errno = why;
    return result;
}

static int remove_leftover(int dir, const char *name, uid_t or_of, struct tw_rotate_error *e)
{
    struct stat st;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : tw_rotate_cannot(e, "cannot look at %s", name);
    if (!S_ISREG(st.st_mode) || (st.st_uid != geteuid() && st.st_uid != or_of) || st.st_nlink != 1)
        return tw_rotate_fail(e, TW_ROTATE_EXISTS, "%s is there and not of our making", name);
    return unlinkat(dir, name, 0) == 0 ? 0 : tw_rotate_cannot(e, "cannot remove %s", name);
}

int tw_rotate_open_tmp(int dir, const char *name, uid_t or_of, struct tw_rotate_error *e)
{
    if (remove_leftover(dir, name, or_of, e) != 0)
        return -1;
    const int fd =
        openat(dir, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : tw_rotate_cannot(e, "cannot make %s", name);
}

/* ---- rights ------------------------------------------------------------------------------- */

mode_t tw_rotate_mode(mode_t mode, bool owner_kept, bool group_kept)
{
    mode_t owner = (mode >> 6) & 7, group = (mode >> 3) & 7, others = mode & 7;
    /* Who no longer is the owner, or of the group, becomes one of the others. */
    if (!group_kept) {
        others &= group;
        group = 0;
    }
    if (!owner_kept) {
        others &= owner;
        group &= owner;
    }
    return owner << 6 | group << 3 | others;
}

static const char access_list[] = "system.posix_acl_access"; /* acl(5) */

void tw_rotate_look_like(int fd, const struct stat *st, struct tw_rotate_like *like)
{
    char path[64]; /* fgetxattr refuses what was opened with O_PATH */
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    *like = (struct tw_rotate_like){.st = *st};
    like->acl_length = getxattr(path, access_list, like->acl, sizeof like->acl);
    if (like->acl_length < 0 && (errno == ENODATA || errno == ENOTSUP))
        like->acl_length = 0;
}

int tw_rotate_set_like(int fd, const struct tw_rotate_like *like)
{
    struct stat st;
    const uid_t uid = like->st.st_uid;
    const gid_t gid = like->st.st_gid;
    if (fstat(fd, &st) != 0)
        return -1;
    /* Each by itself: the group may be ours to give where the owner is not. */
    const bool owner_kept = st.st_uid == uid || fchown(fd, uid, (gid_t)-1) == 0;
    const bool group_kept = st.st_gid == gid || fchown(fd, (uid_t)-1, gid) == 0;
    const mode_t mode = tw_rotate_mode(like->st.st_mode, owner_kept, group_kept);
    /* The directory may have given it one. */
    if (fremovexattr(fd, access_list) != 0 && errno != ENODATA && errno != ENOTSUP)
        return -1;
    if (like->acl_length == 0)
        return fchmod(fd, mode);
    /* The group's bits are those of the whole list, and it may deny what others have: all of it, or
     * nothing for anybody else. */
    if (fchmod(fd, mode & S_IRWXU) != 0)
        return -1;
    if (like->acl_length > 0 && owner_kept && group_kept)
        (void)fsetxattr(fd, access_list, like->acl, (size_t)like->acl_length, 0);
    return 0;
}

/* ---- the copy ----------------------------------------------------------------------------- */

static int keep_space(int copy, struct tw_error *e)
{
    struct statvfs disk;
    if (fstatvfs(copy, &disk) != 0)
        return tw_fail_errno(e, "cannot look at its disk");
    const uint64_t total = (uint64_t)disk.f_blocks * disk.f_frsize / RESERVED_SHARE;
    const uint64_t reserved = total < RESERVED_MAX ? total : RESERVED_MAX;
    if ((uint64_t)disk.f_bavail * disk.f_frsize >= reserved)
        return 0;
    errno = ENOSPC;
    return tw_fail(e, "%s", no_space);
}

static int on_beat(void *context, struct tw_error *e)
{
    struct tw_rotate_pulse *pulse = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec == pulse->last_s)
        return 0;
    pulse->last_s = now.tv_sec;
    if (now.tv_sec >= pulse->until_s) {
        errno = ETIME;
        return tw_fail(e, "it takes longer than %d minutes", TW_ROTATE_PACK_S / 60);
    }
    if (tw_write_all(pulse->fd, TW_ROTATE_BEAT, 1) != 0)
        return tw_fail_errno(e, "cannot tell that it gets on");
    return pulse->copy < 0 ? 0 : keep_space(pulse->copy, e);
}

static int compare(int packed, int piece, const struct stat *seen, struct tw_rotate_pulse *pulse,
                   struct tw_error *why)
{
    /* From the disk, not from memory, where the kernel lets us. */
    (void)posix_fadvise(packed, 0, 0, POSIX_FADV_DONTNEED);
    pulse->copy = -1;
    return tw_gzip_same(packed, piece, seen->st_size, on_beat, pulse, why);
}

/* Into the empty file `copy`: all that the piece holds, read back. */
static int fill_copy(int piece, const struct stat *seen, int copy, struct tw_rotate_pulse *pulse,
                     struct tw_error *why)
{
    pulse->copy = copy;
    if (keep_space(copy, why) != 0 ||
        tw_gzip_pack(piece, seen->st_size, copy, on_beat, pulse, why) != 0)
        return -1;
    if (fsync(copy) != 0)
        return tw_fail_errno(why, "cannot sync the compressed copy");
    return compare(copy, piece, seen, pulse, why);
}

/* At the end, so that what a killed run leaves is ours, not the writer's. */
static int dress_copy(int piece, const struct stat *seen, int copy, struct tw_error *why)
{
    struct tw_rotate_like like;
    const struct timespec times[2] = {seen->st_mtim, seen->st_mtim};
    tw_rotate_look_like(piece, seen, &like);
    if (tw_rotate_set_like(copy, &like) != 0 || futimens(copy, times) != 0)
        return tw_fail_errno(why, "cannot set the rights of the compressed copy");
    return fsync(copy) == 0 ? 0 : tw_fail_errno(why, "cannot sync the compressed copy");
}

static int write_copy(int piece, const struct stat *seen, int copy, struct tw_rotate_pulse *pulse,
                      const char *name, struct tw_rotate_error *e)
{
    struct tw_error why;
    struct stat st;
    if (fill_copy(piece, seen, copy, pulse, &why) != 0 || dress_copy(piece, seen, copy, &why) != 0)
        return tw_rotate_fail(e, fault_of(errno), "cannot compress %s: %s", name, why.text);
    if (fstat(piece, &st) != 0 || !tw_rotate_same(&st, seen))
        return tw_rotate_fail(e, TW_ROTATE_CHANGED, "%s was written to while it was compressed",
                              name);
    return 0;
}

/* Gives it its name; then that name must stand for it. */
static int name_copy(int dir, int copy, const char *tmp, const char *packed,
                     struct tw_rotate_error *e)
{
    struct stat ours, there;
    if (tw_file_rename_new(dir, tmp, packed) != 0)
        return tw_rotate_cannot(e, "cannot make %s", packed);
    if (fstat(copy, &ours) != 0 || fstatat(dir, packed, &there, AT_SYMLINK_NOFOLLOW) != 0 ||
        !tw_rotate_same(&ours, &there))
        return tw_rotate_fail(e, TW_ROTATE_SWAPPED, "%s was swapped for something else", packed);
    return tw_rotate_sync(dir) == 0 ? 0 : tw_rotate_cannot(e, "cannot sync %s", packed);
}

/* That it took too long must be known in the next run, which else would do it again: what is left
 * of the copy says so for a day, empty and read-only, as no other that is left is. */
static bool leave_mark(int copy)
{
    return ftruncate(copy, 0) == 0 && futimens(copy, NULL) == 0 && fchmod(copy, MARK_MODE) == 0;
}

static bool is_marked(int dir, const char *tmp)
{
    struct stat st;
    if (fstatat(dir, tmp, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return false;
    const int64_t age_s = time(NULL) - st.st_mtim.tv_sec;
    return S_ISREG(st.st_mode) && st.st_size == 0 && (st.st_mode & 07777) == MARK_MODE &&
           st.st_nlink == 1 && age_s >= 0 && age_s < MARK_S;
}

static int make_packed(int dir, int piece, const char *name, const char *packed,
                       const struct stat *seen, struct tw_rotate_pulse *pulse,
                       struct tw_rotate_error *e)
{
    char *tmp = tw_format(".%s.tmp", packed);
    const bool marked = is_marked(dir, tmp);
    const int copy = marked ? -1 : tw_rotate_open_tmp(dir, tmp, seen->st_uid, e);
    int result = -1;
    if (marked)
        tw_rotate_fail(e, TW_ROTATE_TOO_LARGE,
                       "%s takes longer than %d minutes to compress: it is tried once a day", name,
                       TW_ROTATE_PACK_S / 60);
    if (copy >= 0) {
        result = write_copy(piece, seen, copy, pulse, name, e);
        if (result == 0)
            result = name_copy(dir, copy, tmp, packed, e);
        if (result != 0 && (e->fault != TW_ROTATE_SLOW || !leave_mark(copy)))
            (void)unlinkat(dir, tmp, 0);
        close(copy);
    }
    free(tmp);
    return result;
}

/* A run that was cut short has left it: it counts only if it holds all of the piece. */
static int check_packed(int dir, int packed, int piece, const char *name, const struct stat *seen,
                        struct tw_rotate_pulse *pulse, struct tw_rotate_error *e)
{
    struct tw_error why;
    struct stat st;
    if (fstat(packed, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
        return tw_rotate_fail(e, TW_ROTATE_EXISTS, "%s.gz is there and not of our making", name);
    /* The directory, too: before the piece goes, the copy's name must be on the disk. */
    if (fsync(packed) == 0 && compare(packed, piece, seen, pulse, &why) == 0)
        return tw_rotate_sync(dir) == 0 ? 0 : tw_rotate_cannot(e, "cannot sync %s.gz", name);
    if (errno != EBADMSG)
        return tw_rotate_cannot(e, "cannot compare %s.gz with %s", name, name);
    return tw_rotate_fail(e, TW_ROTATE_EXISTS, "%s.gz is there, but it is not %s: %s", name, name,
                          why.text);
}

int tw_rotate_check_piece(int fd, const struct tw_piece *piece, int written, bool sure,
                          struct tw_rotate_error *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return tw_rotate_cannot(e, "cannot look at %s", piece->name);
    if (st.st_nlink != 1)
        return tw_rotate_fail(e, TW_ROTATE_LINKS, "%s has %ju names", piece->name,
                              (uintmax_t)st.st_nlink);
    const int now = tw_holders_written(fd);
    const bool may_not_ask = now < 0 && errno == EACCES && geteuid() != 0;
    if (now >= 0)
        written = now;
    if (written > 0 || !tw_rotate_same(&st, &piece->st))
        return tw_rotate_fail(e, TW_ROTATE_CHANGED, "%s is still written to", piece->name);
    /* What /proc shows is not all: a mapping, a descriptor on its way to another process. */
    if (written < 0 && !(may_not_ask && sure))
        return tw_rotate_fail(e, TW_ROTATE_UNSURE, "cannot tell whether %s is written to",
                              piece->name);
    return 0;
}

static int reopen(int place, const struct tw_piece *piece, struct tw_rotate_error *e)
{
    char path[64];
    struct stat st;
    if (fstat(place, &st) != 0)
        return tw_rotate_cannot(e, "cannot look at %s", piece->name);
    if (!S_ISREG(st.st_mode) || st.st_dev != piece->st.st_dev || st.st_ino != piece->st.st_ino ||
        st.st_uid != piece->st.st_uid)
        return tw_rotate_fail(e, TW_ROTATE_SWAPPED, "%s was swapped for something else",
                              piece->name);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", place);
    const int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return fd >= 0 ? fd : tw_rotate_cannot(e, "cannot open %s", piece->name);
}

int tw_rotate_open_piece(int dir, const struct tw_piece *piece, struct tw_rotate_error *e)
{
    const int place = openat(dir, piece->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (place < 0)
        return tw_rotate_cannot(e, "cannot open %s", piece->name);
    const int fd = reopen(place, piece, e);
    close(place);
    return fd;
}

int tw_rotate_pack_here(int dir, int fd, const struct tw_piece *piece,
                        struct tw_rotate_pulse *pulse, struct tw_rotate_error *e)
{
    char *packed = tw_format("%s.gz", piece->name);
    const int there = openat(dir, packed, READ_FLAGS);
    int result;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    if (there >= 0)
        result = check_packed(dir, there, fd, piece->name, &piece->st, pulse, e);
    else if (errno == ENOENT)
        result = make_packed(dir, fd, piece->name, packed, &piece->st, pulse, e);
    else if (errno == ELOOP || errno == ENXIO)
        result = tw_rotate_fail(e, TW_ROTATE_EXISTS, "%s is there and no file", packed);
    else
        result = tw_rotate_cannot(e, "cannot open %s", packed);
    if (there >= 0)
        close(there);
    free(packed);
    return result;
}
