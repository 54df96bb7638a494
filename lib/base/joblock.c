/* Locks by job name. Knows the file STATE_DIR/lock; knows nothing of jobs. The file must be opened
 * nowhere else in the process: closing any descriptor of it drops all its record locks
 * (fcntl_locking(2)). */
#include "base/joblock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/statedir.h"

struct tw_joblock {
    int fd;
};

/* The one byte that stands for a name: the 64-bit FNV-1a hash, as far as off_t holds it. */
static struct flock range(const char *job, short type)
{
    const uint64_t hash = tw_hash(TW_HASH_START, job, strlen(job));
    return (struct flock){
        .l_type = type, .l_whence = SEEK_SET, .l_start = (off_t)(hash >> 2), .l_len = 1};
}

struct tw_joblock *tw_joblock_open(const char *state_dir, struct tw_error *e)
{
    if (tw_statedir_check(state_dir, e) != 0)
        return NULL;
    char *path = tw_format("%s/lock", state_dir);
    const int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0)
        tw_fail_errno(e, "cannot open %s", path);
    free(path);
    if (fd < 0)
        return NULL;
    struct tw_joblock *lock = tw_alloc(sizeof *lock);
    lock->fd = fd;
    return lock;
}

void tw_joblock_close(struct tw_joblock **lock)
{
    if (!*lock)
        return;
    close((*lock)->fd);
    free(*lock);
    *lock = NULL;
}

int tw_joblock_take(struct tw_joblock *lock, const char *job, pid_t *holder, struct tw_error *e)
{
    *holder = 0;
    /* Whoever holds it may let go between the two questions: then ask again, but not for ever. */
    for (int tries = 0; tries < 3; tries++) {
        struct flock want = range(job, F_WRLCK);
        if (fcntl(lock->fd, F_SETLK, &want) == 0)
            return 0;
        if (errno != EACCES && errno != EAGAIN)
            return tw_fail_errno(e, "cannot lock %s", *job ? job : "the state directory");
        if (fcntl(lock->fd, F_GETLK, &want) != 0)
            return tw_fail_errno(e, "cannot look who has locked %s",
                                 *job ? job : "the state directory");
        if (want.l_type != F_UNLCK) {
            *holder = want.l_pid;
            return 1;
        }
    }
    return 1;
}

void tw_joblock_release(struct tw_joblock *lock, const char *job)
{
    struct flock none = range(job, F_UNLCK);
    fcntl(lock->fd, F_SETLK, &none);
}
