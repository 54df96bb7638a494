/* The rights of another user. Knows modes, groups and how to ask the kernel; knows nothing of what
 * they are needed for. */
#include "toaster/rights.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "base/priv.h"
#include "toaster/procfs.h"

enum { ASK_TIMEOUT_MS = 5000, GID_NOBODY = 65534 };

int tw_rights_of(const char *root, pid_t pid, struct tw_rights *rights)
{
    if (tw_proc_uid(root, pid, &rights->uid) != 0)
        return -1;
    return tw_proc_groups(root, pid, rights->groups, TW_GROUPS_MAX, &rights->group_count);
}

static bool in_group(const struct tw_rights *rights, gid_t gid)
{
    for (size_t i = 0; i < rights->group_count; i++)
        if (rights->groups[i] == gid)
            return true;
    return false;
}

bool tw_rights_allow(const struct tw_rights *rights, const struct stat *st, int want)
{
    if (rights->uid == 0)
        return true;
    int has = (int)st->st_mode & 07;
    if (rights->uid == st->st_uid)
        has = (int)st->st_mode >> 6 & 07;
    else if (in_group(rights, st->st_gid))
        has = (int)st->st_mode >> 3 & 07;
    return (has & want) == want;
}

struct question {
    int at, want;
    const char *name;
};

static int ask(void *context, int fd, struct tw_error *e)
{
    const struct question *q = context;
    const char answer = faccessat(q->at, q->name, q->want, 0) == 0 ? 'y' : 'n';
    return tw_write_all(fd, &answer, 1) == 0 ? 0 : tw_fail_errno(e, "cannot answer");
}

int tw_rights_ask(const struct tw_rights *rights, int at, const char *name, int want,
                  struct tw_error *e)
{
    if (rights->uid == 0)
        return 1;
    if (geteuid() != 0 && geteuid() != rights->uid)
        return tw_fail(e, "cannot ask for user %ju: we are not root", (uintmax_t)rights->uid);
    struct question question = {at, want, name};
    const gid_t gid = rights->group_count ? rights->groups[0] : 0;
    const struct tw_priv_task task = {.uid = rights->uid,
                                      .gid = gid ? gid : GID_NOBODY,
                                      .stay = geteuid() != 0,
                                      .work = ask,
                                      .context = &question,
                                      .max = 1,
                                      .timeout_ms = ASK_TIMEOUT_MS};
    char *output;
    size_t length;
    int result = tw_priv_run(&task, &output, &length, e);
    if (result == 0)
        result = length == 1 ? output[0] == 'y' : tw_fail(e, "a child did not answer");
    free(output);
    return result;
}
