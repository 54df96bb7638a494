/* The file system that a path is on: what statvfs(2) counts, in bytes and inodes of an ordinary
 * user, and its row in /proc/self/mountinfo. */
#ifndef TW_TOASTER_VOLUME_H
#define TW_TOASTER_VOLUME_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/statvfs.h>

#include "base/error.h"

/* What is kept for root is in neither figure, as df's Use% has it: root's reserve delivers no mail.
 * All figures are at least 0. */
struct tw_volume {
    int64_t size, free;          /* bytes; size 0: the file system does not tell */
    int64_t inodes, inodes_free; /* inodes 0: it does not count them */
    uint64_t id;                 /* f_fsid; 0 where there is none */
    bool read_only;
    bool tells_mount; /* the next two are known (Linux 5.8) */
    bool mount_point; /* the path itself is one */
    uint64_t mount_id;
};

/* Follows links, and may mount what an automounter has there. MAY BLOCK for ever with the file
 * system: workers only. -1 with an error; errno says why. */
int tw_volume_read(const char *path, struct tw_volume *volume, struct tw_error *e);

/* The figures alone, whatever a file system answers. Pure. */
void tw_volume_count(const struct statvfs *answer, struct tw_volume *volume);

/* A row of the table of mounts; the strings are owned, and as they stand there: a blank in a name
 * is \040. */
struct tw_mount {
    char *point, *type, *source;
    char *options; /* the mount's, then the file system's: "rw,relatime,rw,errors=remount-ro" */
};

/* The row of this mount, from PROC_ROOT/self/mountinfo. 1; 0: there is none that we may see (a
 * chroot) or the kernel does not tell its number; -1: the table cannot be read. */
int tw_mount_read(const char *proc_root, const struct tw_volume *volume, struct tw_mount *mount,
                  struct tw_error *e);
/* The same from the table's text. Pure. */
bool tw_mount_find(const char *mountinfo, uint64_t id, struct tw_mount *mount);
bool tw_mount_has(const struct tw_mount *mount, const char *option);
void tw_mount_free(struct tw_mount *mount);

#endif
