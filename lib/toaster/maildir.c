/* Delivering one message into a Maildir. Knows the Maildir protocol and the line that Maildir++
 * wants in `maildirsize`; knows nothing of what the message is. The Maildir is its owner's, who
 * may replace anything in it by a link at any time: everything is opened relative to a directory
 * that is already open, and never through a link.
 * Sources: maildir(5) of qmail, cr.yp.to/proto/maildir.html, Courier's Maildir++ page. */
#include "toaster/maildir.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/priv.h"
#include "toaster/maildirsize.h"

enum {
    HOST_MAX = 128, /* of a name's 255 bytes; time, unique part and size take 90 at most */
    GID_NOBODY = 65534
};

struct delivery {
    const char *maildir; /* for a person */
    int at, tmp, new;    /* descriptors; -1: not open */
    char *name;          /* owned */
};

/* Letters, digits, '.', '-' and '_' stay. Readers give a meaning to '/', ':' and ','; all else has
 * no place in a file name. */
static void put_host(struct tw_buf *out, const char *host)
{
    const size_t limit = out->len + HOST_MAX;
    if (!*host)
        host = "localhost";
    for (; *host && out->len < limit - 4; host++) {
        const unsigned char c = (unsigned char)*host;
        const bool plain = (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
                           c == '.' || c == '-' || c == '_';
        tw_buf_printf(out, plain ? "%c" : "\\%03o", c);
    }
}

/* TIME.M(microseconds)P(pid)R(random).HOST: the random part alone keeps two deliveries apart. */
static char *make_name(const char *host, struct tw_error *e)
{
    struct timespec now;
    uint64_t random;
    struct tw_buf name = {0};
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random) {
        (void)tw_fail_errno(e, "cannot get a random number");
        return NULL;
    }
    (void)clock_gettime(CLOCK_REALTIME, &now);
    tw_buf_printf(&name, "%" PRId64 ".M%06ldP%dR%016" PRIx64 ".", (int64_t)now.tv_sec,
                  now.tv_nsec / 1000, (int)getpid(), random);
    put_host(&name, host);
    return tw_buf_take(&name);
}

static int open_dir(int at, const char *path, int flags)
{
    return openat(at, path, flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Opens the Maildir itself; with O_PATH, so that nothing but walking there needs a right. */
static int open_maildir(const char *maildir, struct tw_error *e)
{
    /* With a slash at its end a link would be followed. */
    size_t length = strlen(maildir);
    while (length > 1 && maildir[length - 1] == '/')
        length--;
    char *path = tw_strndup(maildir, length);
    int fd = open_dir(AT_FDCWD, path, O_PATH);
    if (fd < 0)
        fd = tw_fail_errno(e, "cannot open Maildir %s", path);
    free(path);
    return fd;
}

/* Writes the message to tmp/, whole, mode 0600, synced. Leaves nothing there after a failure. */
static int write_tmp(const struct delivery *d, const char *message, size_t length,
                     struct tw_error *e)
{
    const int fd =
        openat(d->tmp, d->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return tw_fail_errno(e, "cannot create %s/tmp/%s", d->maildir, d->name);
    int result = 0;
    /* close too can be what says that the disk is full or over quota (NFS). */
    if (fchmod(fd, 0600) != 0 || tw_write_all(fd, message, length) != 0 || fsync(fd) != 0)
        result = tw_fail_errno(e, "cannot write %s/tmp/%s", d->maildir, d->name);
    if (close(fd) != 0 && result == 0)
        result = tw_fail_errno(e, "cannot write %s/tmp/%s", d->maildir, d->name);
    if (result != 0)
        (void)unlinkat(d->tmp, d->name, 0);
    return result;
}

/* Moves it to new/, never over a file that is there. When the sync fails, the message may or may
 * not outlive a crash: it is taken back, so that "failed" means that it may be sent again. */
static int move_to_new(const struct delivery *d, size_t length, struct tw_error *e)
{
    char *name = tw_format("%s,S=%zu", d->name, length);
    int result = 0;
    if (linkat(d->tmp, d->name, d->new, name, 0) != 0) {
        result = tw_fail_errno(e, "cannot link %s/new/%s", d->maildir, name);
    } else if (fsync(d->new) != 0) {
        result = tw_fail_errno(e, "cannot sync %s/new", d->maildir);
        (void)unlinkat(d->new, name, 0);
    }
    (void)unlinkat(d->tmp, d->name, 0);
    free(name);
    return result;
}

static int deliver_at(int at, const char *maildir, const char *host, const char *message,
                      size_t length, struct tw_error *e)
{
    struct delivery d = {.maildir = maildir, .at = at, .new = -1};
    int result = 0;
    d.tmp = open_dir(at, "tmp", O_RDONLY);
    if (d.tmp < 0)
        result = tw_fail_errno(e, "cannot open %s/tmp", maildir);
    else if ((d.new = open_dir(at, "new", O_RDONLY)) < 0)
        result = tw_fail_errno(e, "cannot open %s/new", maildir);
    if (result == 0 && !(d.name = make_name(host, e)))
        result = -1;
    if (result == 0)
        result = write_tmp(&d, message, length, e);
    if (result == 0)
        result = move_to_new(&d, length, e);
    /* It is delivered already; a line that cannot be added only makes the count a little wrong
     * until the delivery agent recalculates it. */
    if (result == 0)
        (void)tw_maildirsize_add(at, (int64_t)length, 1);
    if (d.tmp >= 0)
        close(d.tmp);
    if (d.new >= 0)
        close(d.new);
    free(d.name);
    return result;
}

int tw_maildir_deliver(const char *maildir, const char *host, const char *message, size_t length,
                       struct tw_error *e)
{
    const int at = open_maildir(maildir, e);
    if (at < 0)
        return -1;
    const int result = deliver_at(at, maildir, host, message, length, e);
    close(at);
    return result;
}

/* Becomes the owner of the open directory. Group root is not needed to be the owner, and not had.
 */
static int become_owner(int at, const char *maildir, struct tw_error *e)
{
    struct stat st;
    if (fstat(at, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", maildir);
    if (st.st_uid == 0)
        return tw_fail(e, "cannot deliver to %s: it belongs to root", maildir);
    if (geteuid() == 0)
        return tw_priv_drop(st.st_uid, st.st_gid ? st.st_gid : GID_NOBODY, e);
    if (st.st_uid != geteuid())
        return tw_fail(e, "cannot deliver to %s: it belongs to uid %u, not to ours", maildir,
                       (unsigned)st.st_uid);
    return 0;
}

int tw_maildir_deliver_as_owner(const char *maildir, const char *host, const char *message,
                                size_t length, struct tw_error *e)
{
    /* Opened as root, used as the owner: it is the same directory whose owner we have become, and
     * the owner needs no right to walk to it. */
    const int at = open_maildir(maildir, e);
    if (at < 0)
        return -1;
    int result = become_owner(at, maildir, e);
    if (result == 0)
        result = deliver_at(at, maildir, host, message, length, e);
    close(at);
    return result;
}
