/* What a file system says of itself. Knows nothing of limits. Sources: statvfs(3), statx(2),
 * proc_pid_mountinfo(5). */
#include "toaster/volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

/* Linux 5.8; older headers do not have it. */
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x00001000U
#endif
#ifndef STATX_ATTR_MOUNT_ROOT
#define STATX_ATTR_MOUNT_ROOT 0x00002000
#endif

enum { TABLE_MAX = 8 << 20 };

static int64_t bounded(uint64_t number)
{
    return number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

static int64_t in_bytes(uint64_t blocks, uint64_t block_size)
{
    uint64_t bytes;
    return __builtin_mul_overflow(blocks, block_size, &bytes) ? INT64_MAX : bounded(bytes);
}

/* Some file systems answer -1 for "as many as you like" (Ceph's free inodes), and a server may
 * answer anything. */
void tw_volume_count(const struct statvfs *answer, struct tw_volume *volume)
{
    const uint64_t unit = answer->f_frsize ? answer->f_frsize : answer->f_bsize;
    const uint64_t blocks = answer->f_blocks;
    const uint64_t unused = answer->f_bfree < blocks ? answer->f_bfree : blocks;
    const uint64_t left = answer->f_bavail < unused ? answer->f_bavail : unused;
    *volume = (struct tw_volume){.id = answer->f_fsid,
                                 .read_only = answer->f_flag & ST_RDONLY,
                                 .size = in_bytes(blocks - unused + left, unit),
                                 .free = in_bytes(left, unit)};
    /* All of it is kept for root: that is full, not untold. */
    if (volume->size == 0 && blocks)
        volume->size = in_bytes(blocks, unit);
    const uint64_t inodes = answer->f_files;
    if (inodes > INT64_MAX || answer->f_ffree > inodes)
        return;
    const uint64_t idle = answer->f_ffree;
    const uint64_t inodes_left = answer->f_favail < idle ? answer->f_favail : idle;
    volume->inodes = bounded(inodes - idle + inodes_left);
    volume->inodes_free = bounded(inodes_left);
}

int tw_volume_read(const char *path, struct tw_volume *volume, struct tw_error *e)
{
    struct statvfs answer;
    struct statx more;
    if (statvfs(path, &answer) != 0)
        return tw_fail_errno(e, "cannot look at %s", path);
    tw_volume_count(&answer, volume);
    if (statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_MNT_ID, &more) != 0) {
        if (errno == ENOSYS)
            return 0;
        return tw_fail_errno(e, "cannot look at %s", path);
    }
    if ((more.stx_mask & STATX_MNT_ID) && (more.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT)) {
        volume->tells_mount = true;
        volume->mount_point = more.stx_attributes & STATX_ATTR_MOUNT_ROOT;
        volume->mount_id = more.stx_mnt_id;
    }
    return 0;
}

/* "42 27 0:39 / /home rw,relatime shared:1 - ext4 /dev/sda2 rw": after the sixth field come any
 * number of optional ones, up to the dash.
 * Blanks within a field are written \ooo, and stay so. */
static bool parse_row(char *row, struct tw_mount *mount)
{
    char *fields[6], *behind[3], *word;
    for (size_t i = 0; i < TW_COUNT(fields); i++)
        if (!(fields[i] = strsep(&row, " ")))
            return false;
    do
        word = strsep(&row, " ");
    while (word && strcmp(word, "-") != 0);
    for (size_t i = 0; i < TW_COUNT(behind); i++)
        if (!(behind[i] = strsep(&row, " ")))
            return false;
    *mount = (struct tw_mount){.point = tw_strdup(fields[4]),
                               .type = tw_strdup(behind[0]),
                               .source = tw_strdup(behind[1]),
                               .options = tw_format("%s,%s", fields[5], behind[2])};
    return true;
}

bool tw_mount_find(const char *mountinfo, uint64_t id, struct tw_mount *mount)
{
    for (const char *at = mountinfo; *at;) {
        const size_t length = strcspn(at, "\n");
        char *end;
        if (*at >= '0' && *at <= '9' && strtoull(at, &end, 10) == id && *end == ' ') {
            char *row = tw_strndup(at, length);
            const bool good = parse_row(row, mount);
            free(row);
            return good;
        }
        at += length + (at[length] == '\n');
    }
    return false;
}

int tw_mount_read(const char *proc_root, const struct tw_volume *volume, struct tw_mount *mount,
                  struct tw_error *e)
{
    char *table;
    size_t length;
    *mount = (struct tw_mount){0};
    if (!volume->tells_mount)
        return 0;
    char *path = tw_format("%s/self/mountinfo", proc_root);
    const int result = tw_file_read(AT_FDCWD, path, TABLE_MAX, &table, &length, e);
    free(path);
    if (result != 0)
        return -1;
    const bool found = tw_mount_find(table, volume->mount_id, mount);
    free(table);
    return found;
}

bool tw_mount_has(const struct tw_mount *mount, const char *option)
{
    const size_t length = strlen(option);
    for (const char *at = mount->options; at; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, option, length) == 0 && (at[length] == ',' || at[length] == '\0'))
            return true;
    }
    return false;
}

void tw_mount_free(struct tw_mount *mount)
{
    free(mount->point);
    free(mount->type);
    free(mount->source);
    free(mount->options);
    *mount = (struct tw_mount){0};
}
