/* Looking at files of a machine whose root may lie elsewhere. */
#include "setup/look.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"

enum { TEXT_MAX = 1 << 20, PASSWD_MAX = 16 << 20 };

char *tw_look_path(const struct tw_look *look, const char *path)
{
    return tw_format("%s%s", look->root, path);
}

static bool look_at(const struct tw_look *look, const char *path, struct stat *st)
{
    char *whole = tw_look_path(look, path);
    const bool there = stat(whole, st) == 0;
    free(whole);
    return there;
}

bool tw_look_is(const struct tw_look *look, const char *path, mode_t type)
{
    struct stat st;
    return look_at(look, path, &st) && (st.st_mode & S_IFMT) == type;
}

bool tw_look_executable(const struct tw_look *look, const char *path)
{
    struct stat st;
    return look_at(look, path, &st) && S_ISREG(st.st_mode) && (st.st_mode & 0111);
}

static char *read_text(const struct tw_look *look, const char *path, size_t max)
{
    char *whole = tw_look_path(look, path), *text = NULL;
    size_t length;
    (void)tw_file_read(AT_FDCWD, whole, max, &text, &length, NULL);
    const int why = errno;
    free(whole);
    errno = why;
    return text;
}

char *tw_look_text(const struct tw_look *look, const char *path)
{
    return read_text(look, path, TEXT_MAX);
}

/* The row of etc/passwd for a name, or where that is NULL for a uid; then what else the system
 * knows, if it is the machine's own root. Gives the field that was asked for, the home or the
 * name. */
static char *find_user(const struct tw_look *look, const char *name, uid_t uid)
{
    char *text = read_text(look, "/etc/passwd", PASSWD_MAX), *found = NULL;
    FILE *rows = text && *text ? fmemopen(text, strlen(text), "r") : NULL;
    for (const struct passwd *row; rows && !found && (row = fgetpwent(rows));)
        if (name ? strcmp(row->pw_name, name) == 0 : row->pw_uid == uid)
            found = tw_strdup(name ? row->pw_dir : row->pw_name);
    if (rows)
        fclose(rows);
    free(text);
    if (found || *look->root)
        return found;
    const struct passwd *row = name ? getpwnam(name) : getpwuid(uid);
    return row ? tw_strdup(name ? row->pw_dir : row->pw_name) : NULL;
}

char *tw_look_home(const struct tw_look *look, const char *user)
{
    return find_user(look, user, 0);
}

char *tw_look_user(const struct tw_look *look, uid_t uid)
{
    return find_user(look, NULL, uid);
}
