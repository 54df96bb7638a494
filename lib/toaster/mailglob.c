/* Mailboxes by a pattern of directories. The race this is about: who owns a directory that a
 * component matches may put a link in place of what lies below it at any moment. So from the first
 * pattern on each component is opened by itself, relative to the one before, and never as a link;
 * whose mailbox it is tells the open directory. The same is done once more with its owner's rights
 * before anything in it is read. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/owner.h"
#include "toaster/mailowner.h"

enum { PLACES_MAX = 1000000, GID_NOBODY = 65534 };

struct glob {
    const struct tw_sources *sources;
    const char *hostname;
    struct tw_mail_owners *out;
    tw_mail_problem *problem;
    void *context;
    char *base; /* the part of the pattern before the first component with a % */
    char *user, *domain;
    struct tw_buf below; /* of what is open now */
    size_t found;
};

static void tell(const struct glob *g, const char *code, char *text)
{
    g->problem(g->context, code, text);
    free(text);
}

static bool is_listed(const struct tw_sources *sources, uid_t uid)
{
    char text[24];
    snprintf(text, sizeof text, "%ju", (uintmax_t)uid);
    return tw_strings_has(&sources->uids, text);
}

static gid_t group_of(uid_t uid)
{
    const struct passwd *user = getpwuid(uid);
    return user && user->pw_gid != 0 ? user->pw_gid : GID_NOBODY;
}

/* The whole pattern has matched. */
static void take(struct glob *g, int fd)
{
    struct stat st;
    if (fstat(fd, &st) != 0 || !g->user)
        return;
    if (st.st_uid == 0 || (st.st_uid < TW_SOURCES_UID_MIN && !is_listed(g->sources, st.st_uid))) {
        tell(g, "refused-uid",
             tw_format("%s/%s belongs to uid %ju: it is left alone%s", g->base,
                       tw_buf_text(&g->below), (uintmax_t)st.st_uid,
                       st.st_uid ? " unless mailboxes.uids lists that" : ""));
        return;
    }
    char *address = tw_format("%s@%s", g->user, g->domain ? g->domain : g->hostname);
    struct tw_mail_owner *owner = tw_mail_owners_get(g->out, st.st_uid, 0);
    if (owner->gid == 0)
        owner->gid = group_of(st.st_uid);
    tw_mail_owner_add(owner, address, g->base, tw_buf_text(&g->below), "glob");
    free(address);
    if (++g->found == PLACES_MAX)
        tell(g, "too-many",
             tw_format("more than %d directories match: no more are looked at", PLACES_MAX));
}

/* What may stand in an address, and be shown. */
static bool is_plain(const char *name, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] <= 0x20 || name[i] == 0x7f || name[i] == '@')
            return false;
    return length > 0;
}

/* Does `name` match the component (length bytes of `part`, which has %u, %d or both)? Sets what
 * they stand for. Of "%u.%d" the user ends at the first dot. */
static bool match(struct glob *g, const char *part, size_t length, const char *name)
{
    const char *at = name, *end = part + length;
    while (part < end) {
        if (*part != '%') {
            if (*part++ != *at++)
                return false;
            continue;
        }
        char **value = part[1] == 'u' ? &g->user : &g->domain;
        part += 2;
        const size_t rest = strlen(at), fixed = (size_t)(end - part);
        const char *next = memchr(part, '%', fixed);
        size_t size = next ? strcspn(at, (char[]){*part, '\0'}) : rest - fixed;
        if (rest < fixed && !next)
            return false;
        if (!is_plain(at, size))
            return false;
        free(*value);
        *value = tw_strndup(at, size);
        at += size;
    }
    return *at == '\0';
}

static void descend(struct glob *g, int dir, const char *rest);

/* One name further; `fd` is its directory. */
/* NOLINTNEXTLINE(misc-no-recursion): once for each component of a pattern of the configuration */
static void enter(struct glob *g, int dir, const char *name, size_t length, const char *rest)
{
    const size_t before = g->below.len;
    char *copy = tw_strndup(name, length);
    const int fd = openat(
        dir, copy, (*rest ? O_RDONLY | O_NONBLOCK : O_PATH) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        tw_buf_printf(&g->below, "%s%s", before ? "/" : "", copy);
        if (*rest)
            descend(g, fd, rest);
        else
            take(g, fd);
        g->below.len = before;
        if (g->below.data)
            g->below.data[before] = '\0';
        close(fd);
    } else if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) {
        tell(g, "cannot-open",
             tw_format("cannot open %s/%s%s%s: %s", g->base, tw_buf_text(&g->below),
                       before ? "/" : "", copy, strerrordesc_np(errno)));
    }
    free(copy);
}

/* `rest` is what of the pattern is still to come, without a slash first. */
/* NOLINTNEXTLINE(misc-no-recursion): once for each component of a pattern of the configuration */
static void descend(struct glob *g, int dir, const char *rest)
{
    const size_t length = strcspn(rest, "/");
    const char *after = rest + length + (rest[length] == '/');
    if (!memchr(rest, '%', length)) {
        enter(g, dir, rest, length, after);
        return;
    }
    const int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = copy < 0 ? NULL : fdopendir(copy);
    if (!entries) {
        tell(g, "cannot-open",
             tw_format("cannot read %s/%s: %s", g->base, tw_buf_text(&g->below),
                       strerrordesc_np(errno)));
        if (copy >= 0)
            close(copy);
        return;
    }
    for (const struct dirent *entry; g->found < PLACES_MAX && (entry = readdir(entries));)
        if (entry->d_name[0] != '.' && match(g, rest, length, entry->d_name))
            enter(g, dir, entry->d_name, strlen(entry->d_name), after);
    closedir(entries);
}

void tw_mail_glob(const char *pattern, const struct tw_sources *sources, const char *hostname,
                  struct tw_mail_owners *out, tw_mail_problem *problem, void *context)
{
    struct glob g = {.sources = sources,
                     .hostname = hostname,
                     .out = out,
                     .problem = problem,
                     .context = context};
    const char *rest = strchr(pattern, '%');
    while (rest > pattern && rest[-1] != '/')
        rest--;
    const size_t base = (size_t)(rest - pattern);
    g.base = tw_strndup(pattern, base > 1 ? base - 1 : base);
    struct tw_error e;
    const int way = tw_dir_open(g.base, NULL, &e);
    const int fd = way < 0 ? -1 : openat(way, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        tell(&g, "cannot-open",
             way < 0 ? tw_strdup(e.text)
                     : tw_format("cannot read %s: %s", g.base, strerrordesc_np(errno)));
    else
        descend(&g, fd, rest);
    if (fd >= 0)
        close(fd);
    if (way >= 0)
        close(way);
    free(g.base);
    free(g.user);
    free(g.domain);
    tw_buf_free(&g.below);
}
