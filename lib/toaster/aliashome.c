/* Reading a home of aliases. Knows what is there; not what is wrong with it. */
#include "toaster/aliashome.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

enum { CONTROL_MAX = 1024 * 1024 };

/* Opens a regular file, whatever links lead to it. -1 with errno; EINVAL: no regular file. A fifo
 * or device that takes the file's place between the two looks is not waited for. */
static int open_regular(int at, const char *name, struct stat *st)
{
    if (fstatat(at, name, st, 0) != 0)
        return -1;
    if (!S_ISREG(st->st_mode)) {
        errno = EINVAL;
        return -1;
    }
    const int fd = openat(at, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 || (fstat(fd, st) == 0 && S_ISREG(st->st_mode)))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

/* ---- control files ---- */

/* *text is NULL where there is none. */
static int read_control(const char *qmail_dir, const char *name, char **text, struct tw_error *e)
{
    char *path = tw_format("%s/control/%s", qmail_dir, name);
    struct stat st;
    struct tw_buf out = {0};
    *text = NULL;
    const int fd = open_regular(AT_FDCWD, path, &st);
    int why = fd < 0 || tw_read_all(fd, CONTROL_MAX, &out) != 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    const bool gone = fd < 0 && (why == ENOENT || why == ENOTDIR);
    if (why == 0)
        *text = tw_strdup(tw_buf_text(&out));
    else if (!gone)
        tw_fail(e, "cannot read %s: %s", path, strerrordesc_np(why));
    tw_buf_free(&out);
    free(path);
    return why == 0 || gone ? 0 : -1;
}

int tw_aliashome_locals(struct tw_aliashome *home, const char *qmail_dir, struct tw_error *e)
{
    char *locals = NULL, *me = NULL, *envnoathost = NULL;
    int result = read_control(qmail_dir, "locals", &locals, e);
    if (result == 0)
        result = read_control(qmail_dir, "me", &me, e);
    if (result == 0)
        result = read_control(qmail_dir, "envnoathost", &envnoathost, e);
    if (result == 0)
        tw_locals_make(&home->locals, locals, me, envnoathost);
    free(locals);
    free(me);
    free(envnoathost);
    return result;
}

/* ---- files ---- */

/* What qmail-local passes over: it goes on to the defaults. Other errors make it defer the mail. */
static bool passed_over(int why)
{
    return why == ENOENT || why == ENOTDIR || why == ELOOP || why == ENAMETOOLONG ||
           why == EINVAL || why == ENXIO || why == EISDIR;
}

static void read_alias(struct tw_alias *alias, int fd, struct tw_buf *data)
{
    if (alias->st.st_size > TW_ALIAS_MAX)
        alias->why = EFBIG;
    else
        alias->why = tw_read_all(fd, TW_ALIAS_MAX, data) == 0 ? 0 : errno;
    alias->too_large = alias->why == EFBIG;
    close(fd);
    if (alias->why)
        return;
    tw_dotqmail_judge(tw_buf_text(data), data->len, alias->st.st_mode & S_IXUSR, &alias->sum);
    alias->bad_line = tw_strndup(alias->sum.line.text,
                                 alias->sum.line.length < 100 ? alias->sum.line.length : 100);
    tw_buf_add(&alias->head, tw_buf_text(data),
               data->len < TW_ALIAS_HEAD ? data->len : TW_ALIAS_HEAD);
}

static void look_at_own(const struct tw_aliashome *home, struct tw_alias *alias, const char *file)
{
    struct stat st;
    if (fstatat(home->fd, file, &alias->own, 0) == 0) {
        alias->is_there = true;
    } else if (fstatat(home->fd, file, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        alias->own = (struct stat){0};
        alias->is_there = alias->leads_nowhere = true;
    }
}

/* Takes the first of the files that can be opened, or cannot be looked at. */
static void load(const struct tw_aliashome *home, struct tw_alias *alias, struct tw_buf *data)
{
    struct tw_buf file = {0};
    for (size_t step = 0; step < TW_ALIAS_STEPS && tw_dotqmail_file(alias->name, step, &file);
         step++) {
        const int fd = open_regular(home->fd, tw_buf_text(&file), &alias->st);
        const int why = errno;
        if (step == 0)
            look_at_own(home, alias, tw_buf_text(&file));
        if (fd < 0 && passed_over(why))
            continue;
        alias->file = tw_strdup(tw_buf_text(&file));
        alias->step = step;
        if (fd < 0)
            alias->why = why;
        else
            read_alias(alias, fd, data);
        break;
    }
    tw_buf_free(&file);
}

/* ---- names ---- */

static size_t find(const struct tw_aliashome *home, const char *name)
{
    size_t i = 0;
    while (i < home->count && strcmp(home->items[i].name, name) != 0)
        i++;
    return i;
}

/* Its place. Takes `name` over. */
static size_t place_of(struct tw_aliashome *home, char *name)
{
    const size_t i = find(home, name);
    if (i < home->count) {
        free(name);
        return i;
    }
    home->items = tw_realloc_array(home->items, i + 1, sizeof *home->items);
    home->items[i] = (struct tw_alias){.name = name, .user = -1};
    home->count++;
    return i;
}

static bool leads_to(const struct tw_alias *alias, size_t to)
{
    for (size_t i = 0; i < alias->to_count; i++)
        if (alias->to[i] == to)
            return true;
    return false;
}

static void collect(struct tw_aliashome *home, size_t item, const struct tw_buf *data)
{
    struct tw_dotqmail file = {.bytes = tw_buf_text(data), .length = data->len};
    struct tw_dotqmail_line line;
    size_t seen = 0, length;
    while (seen < TW_ALIAS_TO && home->further < TW_ALIAS_FURTHER &&
           tw_dotqmail_next(&file, &line)) {
        if (line.type != TW_DOTQMAIL_FORWARD || tw_dotqmail_address_fault(line.text, line.length) ||
            !tw_locals_has(&home->locals, line.text, line.length, &length))
            continue;
        seen++;
        const size_t before = home->count;
        const size_t to = place_of(home, tw_dotqmail_name(line.text, length));
        home->further += home->count - before;
        struct tw_alias *alias = &home->items[item];
        if (leads_to(alias, to))
            continue;
        alias->to = tw_realloc_array(alias->to, alias->to_count + 1, sizeof *alias->to);
        alias->to[alias->to_count++] = to;
    }
}

static void look_at(struct tw_aliashome *home, size_t item)
{
    struct tw_buf data = {0};
    load(home, &home->items[item], &data);
    if (home->follow && home->items[item].file && !home->items[item].why)
        collect(home, item, &data);
    tw_buf_free(&data);
}

size_t tw_aliashome_add(struct tw_aliashome *home, const char *local)
{
    return place_of(home, tw_dotqmail_name(local, strlen(local)));
}

void tw_aliashome_look(struct tw_aliashome *home)
{
    for (size_t i = 0; i < home->count; i++)
        look_at(home, i);
}

void tw_aliashome_free(struct tw_aliashome *home)
{
    for (size_t i = 0; i < home->count; i++) {
        struct tw_alias *alias = &home->items[i];
        free(alias->name);
        free(alias->file);
        free(alias->bad_line);
        tw_buf_free(&alias->head);
        free(alias->to);
    }
    free(home->items);
    tw_locals_free(&home->locals);
    home->items = NULL;
    home->count = 0;
}
