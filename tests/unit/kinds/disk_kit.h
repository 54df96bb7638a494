/* For the tests of kind `disk`: a file system that answers what a test wants. For one file only: it
 * stands in for the C library's statvfs. */
#ifndef TEST_KINDS_DISK_KIT_H
#define TEST_KINDS_DISK_KIT_H

#include "kit.h"

#include <errno.h>
#include <sys/statvfs.h>

/* The settings want an absolute path; this is the scratch directory by another name. */
#define HERE "/proc/self/cwd/"

static const int64_t gig = 1LL << 30;

/* What statvfs answers, for every path; in place of the C library's. */
static struct statvfs answer;
static int answer_errno;

int statvfs(const char *path, struct statvfs *out)
{
    if (answer_errno == 0) {
        *out = answer;
        return access(path, F_OK);
    }
    errno = answer_errno;
    return -1;
}

/* 100 G, a tenth of it free; a million inodes, half of them free. */
static inline struct kit make(void)
{
    struct kit kit = kit_make(tw_kind_find("disk"), "var");
    answer_errno = 0;
    answer = (struct statvfs){.f_frsize = 1 << 20,
                              .f_blocks = 100 << 10,
                              .f_bfree = 10 << 10,
                              .f_bavail = 10 << 10,
                              .f_files = 1 << 20,
                              .f_ffree = 1 << 19,
                              .f_favail = 1 << 19,
                              .f_fsid = 7};
    make_dir("d");
    make_dir("proc");
    make_dir("proc/self");
    put_text("proc/self/mountinfo", "");
    kit_set(&kit, "path", HERE "d");
    return kit;
}

static inline void set_free(int64_t bytes)
{
    answer.f_bfree = answer.f_bavail = (fsblkcnt_t)(bytes >> 20);
}

static inline void evidence(struct kit *kit, const char *aspect, const char *part, bool wanted)
{
    char name[] = "disk.var";
    const struct tw_run run = kit_describe(kit, name, NULL);
    struct tw_buf out = {0};
    kit->kind->evidence(&run, aspect, &out);
    if (!strstr(tw_buf_text(&out), part) == wanted)
        fail_msg("\"%s\" is%s in: %s", part, wanted ? " not" : "", tw_buf_text(&out));
    tw_buf_free(&out);
}

#endif
