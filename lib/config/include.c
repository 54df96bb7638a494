/* Configuration files as files: who may write them, what an include's pattern means, and the one
 * key that is wanted of a broken one. Knows no syntax beyond that key's line. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "config/parse.h"

enum { FILE_MAX = 1 << 20 };

/* The descriptor is what is checked and what is read: a link may lead here, but nobody can put
 * another file in between. */
static int check_rights(int fd, const char *file, struct tw_error *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", file);
    if (S_ISDIR(st.st_mode))
        return tw_fail(e, "%s is a directory, not a file", file);
    if (!S_ISREG(st.st_mode))
        return tw_fail(e, "%s is not a regular file", file);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return tw_fail(e, "%s belongs to uid %u: it must belong to root, or to whom we run as",
                       file, (unsigned)st.st_uid);
    if (st.st_mode & (S_IWGRP | S_IWOTH))
        return tw_fail(e, "%s is writable by others (mode %04o): chmod go-w it", file,
                       (unsigned)st.st_mode & 07777);
    if (st.st_size > FILE_MAX)
        return tw_fail(e, "%s is larger than 1M: this is no configuration", file);
    return 0;
}

static int read_all(int fd, const char *file, struct tw_buf *out, struct tw_error *e)
{
    char chunk[8192];
    while (out->len <= FILE_MAX) {
        const ssize_t got = read(fd, chunk, sizeof chunk);
        if (got == 0)
            return 0;
        if (got < 0 && errno != EINTR)
            return tw_fail_errno(e, "cannot read %s", file);
        if (got > 0)
            tw_buf_add(out, chunk, (size_t)got);
    }
    return tw_fail(e, "%s is larger than 1M: this is no configuration", file);
}

int tw_config_read(const char *file, char **text, size_t *length, struct tw_error *e)
{
    const int fd = open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC); /* a fifo: no wait */
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", file);
    struct tw_buf content = {0};
    const bool good = check_rights(fd, file, e) == 0 && read_all(fd, file, &content, e) == 0;
    close(fd);
    if (!good) {
        tw_buf_free(&content);
        return -1;
    }
    *length = content.len;
    *text = tw_buf_take(&content);
    return 0;
}

/* A directory that is not there has no matches; one that cannot be read is an error. */
static int on_glob_error(const char *path, int why)
{
    (void)path;
    return why != ENOENT && why != ENOTDIR;
}

int tw_config_expand(const char *pattern, struct tw_strings *files, struct tw_error *e)
{
    if (pattern[0] != '/')
        return tw_fail(e, "\"%s\" must begin with '/'", pattern);
    if (!strpbrk(pattern, "*?[")) {
        tw_strings_add(files, pattern);
        return 0;
    }
    glob_t found = {0};
    const int result = glob(pattern, 0, on_glob_error, &found);
    if (result == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            tw_strings_add(files, found.gl_pathv[i]);
    globfree(&found);
    if (result != 0 && result != GLOB_NOMATCH)
        return tw_fail(e, "cannot read the directories of \"%s\"", pattern);
    return 0;
}

/* The value in a line `state_dir = "/x"`, or NULL. A string that needs unescaping is not one. */
static char *line_value(const char *line)
{
    static const char key[] = "state_dir", blank[] = " \t";
    line += strspn(line, blank);
    if (strncmp(line, key, strlen(key)) != 0)
        return NULL;
    line += strlen(key);
    line += strspn(line, blank);
    if (*line++ != '=')
        return NULL;
    line += strspn(line, blank);
    const char quote[] = {*line, '\n', '\0'};
    const bool quoted = *line == '"' || *line == '\'';
    line += quoted;
    const size_t length = strcspn(line, quoted ? quote : " \t\r\n#\"'={}()+,*");
    if (*line != '/' || (quoted && line[length] != quote[0]) || memchr(line, '\\', length))
        return NULL;
    return tw_strndup(line, length);
}

char *tw_config_state_dir(const char *file)
{
    char *text = NULL, *dir = NULL;
    size_t length = 0;
    if (tw_config_read(file, &text, &length, NULL) == 0) {
        tw_config_prepare(text, length, file, NULL); /* blanks comments as far as it gets */
        for (const char *line = text; line && !dir;) {
            dir = line_value(line);
            line = strchr(line, '\n');
            line = line ? line + 1 : NULL;
        }
        free(text);
    }
    return dir ? dir : tw_strdup(TW_DEFAULT_STATE_DIR);
}

char *tw_config_last_good(const char *file)
{
    char *state_dir = tw_config_state_dir(file);
    char *path = tw_format("%s/last-good.conf", state_dir);
    free(state_dir);
    return path;
}
