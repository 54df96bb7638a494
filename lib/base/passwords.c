/* The file of passwords. Refused rather than read where somebody else may have read it, too. */
#include "base/passwords.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { FILE_MAX = 64 * 1024 };

static int check_rights(int fd, const char *path, struct tw_error *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", path);
    if (!S_ISREG(st.st_mode))
        return tw_fail(e, "%s is no regular file", path);
    if (st.st_uid != 0 && st.st_uid != geteuid())
        return tw_fail(e, "%s holds passwords and belongs to user %d: chown root %s", path,
                       (int)st.st_uid, path);
    if (st.st_mode & 077)
        return tw_fail(e, "%s holds passwords and others may use it (mode %04o): chmod 600 %s",
                       path, (unsigned)(st.st_mode & 07777), path);
    return 0;
}

static int read_file(const char *path, struct tw_buf *out, struct tw_error *e)
{
    const int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", path);
    int result = check_rights(fd, path, e);
    if (result == 0 && tw_read_all(fd, FILE_MAX, out) != 0)
        result = tw_fail_errno(e, "cannot read %s", path);
    if (result == 0 && memchr(out->data ? out->data : "", 0, out->len))
        result = tw_fail(e, "%s holds a NUL byte", path);
    close(fd);
    return result;
}

/* Cuts the next word off; NULL: there is none. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    if (!*word)
        return NULL;
    *at = word + strcspn(word, " \t");
    if (**at)
        *(*at)++ = '\0';
    return word;
}

struct entry {
    const char *host, *user, *password;
};

/* One line, which is written to. 1: an entry; 0: none; -1: it should be one. */
static int take_line(char *line, struct entry *entry)
{
    size_t length = strlen(line);
    while (length && strchr(" \t\r", line[length - 1]))
        line[--length] = '\0';
    char *at = line;
    const char *host = next_word(&at);
    if (!host || host[0] == '#')
        return 0;
    const char *user = next_word(&at);
    const char *password = at + strspn(at, " \t");
    *entry = (struct entry){host, user, password};
    return user && *password ? 1 : -1;
}

/* `host` NULL: only checks. */
static int look(const char *path, const char *host, char **user, char **password,
                struct tw_error *e)
{
    struct tw_buf text = {0};
    int result = read_file(path, &text, e);
    char *rest = text.data;
    for (int number = 1; result == 0 && rest; number++) {
        char *line = strsep(&rest, "\n");
        struct entry entry;
        const int got = take_line(line, &entry);
        if (got < 0)
            result = tw_fail(e, "%s:%d: a line is HOST USER PASSWORD", path, number);
        if (got > 0 && host && strcasecmp(entry.host, host) == 0) {
            *user = tw_strdup(entry.user);
            *password = tw_strdup(entry.password);
            result = 1;
        }
    }
    if (text.data)
        explicit_bzero(text.data, text.len);
    tw_buf_free(&text);
    return result;
}

int tw_passwords_check(const char *path, struct tw_error *e)
{
    return look(path, NULL, NULL, NULL, e);
}

int tw_passwords_find(const char *path, const char *host, char **user, char **password,
                      struct tw_error *e)
{
    *user = *password = NULL;
    return look(path, host, user, password, e);
}
