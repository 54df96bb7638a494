/* A directory of multilog, listed. Knows the names of finished files and what their inodes tell;
 * opens none of them, sorts nothing, keeps no list. multilog names a file by the moment it was
 * finished: for one that was cut off, that is the next start (finish() in multilog.c 0.76). */
#include "toaster/logdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CLOCK_SLACK_S = 60 };

bool tw_logdir_finished(const char *name)
{
    int64_t seconds;
    uint32_t ns;
    return strlen(name) == TW_TAI64N_LABEL + 2 &&
           tw_tai64n_parse(name, TW_TAI64N_LABEL, &seconds, &ns) == 0 &&
           (strcmp(name + TW_TAI64N_LABEL, ".s") == 0 || strcmp(name + TW_TAI64N_LABEL, ".u") == 0);
}

bool tw_logdir_unsafe(const char *name)
{
    return tw_logdir_finished(name) && name[TW_TAI64N_LABEL + 1] == 'u';
}

/* A regular file, and not a link to one. */
static bool look(int at, const char *name, struct stat *st)
{
    return fstatat(at, name, st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st->st_mode);
}

bool tw_logdir_ahead(int64_t at_s, int64_t now_s)
{
    return at_s > 0 && at_s - CLOCK_SLACK_S > now_s;
}

static void take_file(int at, const char *name, int64_t now_s, struct tw_logdir *out)
{
    struct stat st;
    if (!look(at, name, &st))
        return;
    if (st.st_size > out->largest)
        out->largest = st.st_size;
    if (st.st_size > 0 && !tw_logdir_ahead(st.st_mtim.tv_sec, now_s) &&
        st.st_mtim.tv_sec > out->written_s)
        out->written_s = st.st_mtim.tv_sec;
}

static void take_name(int at, const char *name, const char *seen, int64_t now_s,
                      struct tw_logdir *out)
{
    int64_t label_s = INT64_MAX;
    uint32_t ns;
    if (!tw_logdir_finished(name))
        return;
    if (++out->finished <= TW_LOGDIR_STATS_MAX)
        take_file(at, name, now_s, out);
    if (strcmp(name, out->newest) > 0)
        memcpy(out->newest, name, TW_LOGDIR_NAME);
    tw_tai64n_parse(name, TW_TAI64N_LABEL, &label_s, &ns);
    if (!tw_logdir_unsafe(name) || tw_logdir_ahead(label_s, now_s))
        return;
    out->new_u += strcmp(name, seen) > 0;
    if (strcmp(name, out->newest_u) > 0)
        memcpy(out->newest_u, name, TW_LOGDIR_NAME);
}

static int read_names(DIR *list, int at, const char *dir, const char *seen, int64_t now_s,
                      struct tw_logdir *out, struct tw_error *e)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(list);
        if (!entry)
            return errno ? tw_fail_errno(e, "cannot list %s", dir) : 0;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        if (out->entries == TW_LOGDIR_ENTRIES_MAX) {
            out->more = true;
            return 0;
        }
        out->entries++;
        take_name(at, entry->d_name, seen, now_s, out);
    }
}

int tw_logdir_read(int at, const char *dir, const char *seen, int64_t now_s, struct tw_logdir *out,
                   struct tw_error *e)
{
    *out = (struct tw_logdir){.written_s = INT64_MIN, .u_bytes = -1, .u_written_s = -1};
    const int fd = openat(at, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd < 0 ? NULL : fdopendir(fd);
    if (!list) {
        (void)tw_fail_errno(e, "cannot list %s", dir);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    const int result = read_names(list, at, dir, seen, now_s, out, e);
    closedir(list);
    if (out->finished > TW_LOGDIR_STATS_MAX)
        take_file(at, out->newest, now_s, out);
    struct stat st;
    if (out->newest_u[0] && look(at, out->newest_u, &st)) {
        out->u_bytes = st.st_size;
        out->u_written_s = st.st_mtim.tv_sec;
    }
    return result;
}
