/* Directories and small files of the state. Knows nothing of SQLite, threads or what a letter
 * says. Whatever is not plainly ours is left alone: root must not read what others planted. */
#include "base/statedir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

#define SUFFIX ".letter"
#define LETTER_BYTES_MAX ((size_t)1024 * 1024)
#define DAMAGED "state.db.damaged-"
#define DAMAGED_KEPT 3
#define OTHERS_MAY_WRITE (S_IWGRP | S_IWOTH)

static const char *const database_files[] = {"", "-wal", "-shm"};

int tw_statedir_check(const char *dir, struct tw_error *e)
{
    struct stat st;
    if (stat(dir, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", dir);
    errno = EPERM;
    if (!S_ISDIR(st.st_mode))
        return tw_fail(e, "cannot keep state in %s: not a directory", dir);
    if (st.st_uid != geteuid())
        return tw_fail(e, "will not keep state in %s: it belongs to uid %u, not to uid %u", dir,
                       (unsigned)st.st_uid, (unsigned)geteuid());
    if (st.st_mode & OTHERS_MAY_WRITE)
        return tw_fail(e, "will not keep state in %s: others can write it (mode %04o)", dir,
                       (unsigned)(st.st_mode & 07777));
    return 0;
}

int tw_statedir_make(const char *dir, struct tw_error *e)
{
    struct stat st;
    if (stat(dir, &st) != 0 && errno == ENOENT && tw_dir_make(dir, 0711, e) != 0)
        return -1;
    if (tw_statedir_check(dir, e) != 0)
        return -1;
    /* stat and chmod, not tw_dir_make: state_dir itself may be a symlink of the admin's. */
    if (stat(dir, &st) == 0 && (st.st_mode & 07777) != 0711 && chmod(dir, 0711) != 0)
        return tw_fail_errno(e, "cannot set the mode of %s", dir);
    return 0;
}

int tw_statedir_fill(const char *dir, struct tw_error *e)
{
    static const char *const below[] = {"tmp", "outbox", "outbox/tmp"};
    int result = 0;
    for (size_t i = 0; i < TW_COUNT(below) && result == 0; i++) {
        char *path = tw_format("%s/%s", dir, below[i]);
        result = tw_dir_make(path, 0700, e);
        if (result == 0)
            result = tw_statedir_check(path, e);
        free(path);
    }
    return result;
}

bool tw_statedir_used(const char *dir)
{
    char *path = tw_format("%s/outbox", dir);
    const bool used = faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    free(path);
    return used;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static void free_names(struct dirent **names, int count)
{
    for (int i = 0; i < count; i++)
        free(names[i]);
    free(names);
}

/* A directory of ours that is no symlink, or -1 with errno. */
static int open_ours(const char *dir, const char *below, struct tw_error *e)
{
    char *path = tw_format("%s/%s", dir, below);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        tw_fail_errno(e, "cannot open %s", path);
    else if (tw_statedir_check(path, e) != 0) {
        close(fd);
        errno = EPERM;
        fd = -1;
    }
    free(path);
    return fd;
}

static void clean(const char *dir, const char *below)
{
    const int fd = open_ours(dir, below, NULL);
    if (fd < 0)
        return;
    struct dirent **names = NULL;
    const int count = scandirat(fd, ".", &names, is_entry, by_name);
    for (int i = 0; i < count; i++)
        unlinkat(fd, names[i]->d_name, 0);
    free_names(names, count);
    close(fd);
}

void tw_statedir_clean(const char *dir)
{
    clean(dir, "tmp");
    clean(dir, "outbox/tmp");
}

bool tw_statedir_id_valid(const char *id)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    const size_t length = strlen(id);
    return length > 0 && length <= 200 && *id != '.' && strspn(id, allowed) == length;
}

/* Gives one file to the reader; -1 if it is no letter of ours. */
static int read_letter(int outbox, const char *name, const struct tw_state_reader *reader,
                       struct tw_error *e)
{
    const size_t length = strlen(name);
    const size_t id_length = length > strlen(SUFFIX) ? length - strlen(SUFFIX) : 0;
    char *id = tw_strndup(name, id_length);
    struct stat st;
    char *bytes = NULL;
    size_t size = 0;
    int result = -1;
    if (strcmp(name + id_length, SUFFIX) != 0 || !tw_statedir_id_valid(id))
        tw_fail(e, "not a letter's name");
    else if (fstatat(outbox, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        tw_fail_errno(e, "cannot look at it");
    else if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        tw_fail(e, "not a file of ours");
    else if (st.st_size == 0)
        tw_fail(e, "empty");
    else
        result = tw_file_read(outbox, name, LETTER_BYTES_MAX, &bytes, &size, e);
    if (result == 0)
        reader->letter(reader->context, id, bytes, size);
    free(bytes);
    free(id);
    return result;
}

static void tell(const struct tw_state_reader *reader, const char *text)
{
    if (reader->trouble)
        reader->trouble(reader->context, text);
}

void tw_statedir_read_letters(const char *dir, const struct tw_state_reader *reader)
{
    if (!reader->letter)
        return;
    struct tw_error e, first = {0};
    struct dirent **names = NULL;
    const int fd = open_ours(dir, "outbox", &e);
    if (fd < 0) {
        if (errno != ENOENT)
            tell(reader, e.text);
        return;
    }
    const int count = scandirat(fd, ".", &names, is_entry, by_name);
    int passed_over = 0;
    for (int i = 0; i < count; i++) {
        const char *name = names[i]->d_name;
        if (strcmp(name, "tmp") == 0 || read_letter(fd, name, reader, &e) == 0)
            continue;
        if (passed_over++ == 0)
            tw_fail(&first, "%s: %s", name, e.text);
    }
    if (count < 0)
        tw_fail_errno(&first, "cannot read it");
    if (*first.text) {
        tw_fail(&e, "%s/outbox: %d passed over, the first is %.300s", dir, passed_over, first.text);
        tell(reader, count < 0 ? first.text : e.text);
    }
    free_names(names, count);
    close(fd);
}

static int write_letter(const char *outbox, const struct tw_change *change, struct tw_error *e)
{
    char *name = tw_format("%s" SUFFIX, change->key);
    char *path = tw_format("%s/%s", outbox, name);
    int result = 0;
    if (!change->drop)
        result = tw_file_write(outbox, name, change->texts[0], change->length, 0600, e);
    else if (unlink(path) != 0 && errno != ENOENT)
        result = tw_fail_errno(e, "cannot remove %s", path);
    free(path);
    free(name);
    return result;
}

int tw_statedir_write(const char *dir, const struct tw_change *change, struct tw_error *e)
{
    if (change->kind == TW_CHANGE_CONFIG)
        return tw_file_write(dir, "last-good.conf", change->texts[0], change->length, 0600, e);
    char *outbox = tw_format("%s/outbox", dir);
    const int result = write_letter(outbox, change, e);
    free(outbox);
    return result;
}

static int is_damaged(const struct dirent *entry)
{
    const char *name = entry->d_name;
    const size_t length = strlen(name);
    return strncmp(name, DAMAGED, strlen(DAMAGED)) == 0 && strcmp(name + length - 4, "-wal") != 0 &&
           strcmp(name + length - 4, "-shm") != 0;
}

/* By name, which holds the time. A directory goes only if it is empty. */
static void remove_old_damaged(int fd)
{
    struct dirent **names = NULL;
    const int count = scandirat(fd, ".", &names, is_damaged, by_name);
    for (int i = 0; i < count - DAMAGED_KEPT; i++)
        for (size_t j = 0; j < TW_COUNT(database_files); j++) {
            char *name = tw_format("%s%s", names[i]->d_name, database_files[j]);
            if (unlinkat(fd, name, 0) != 0 && errno == EISDIR)
                unlinkat(fd, name, AT_REMOVEDIR);
            free(name);
        }
    free_names(names, count);
}

/* A name that nothing has, or NULL. */
static char *free_name(int fd, time_t now)
{
    for (time_t when = now; when < now + 60; when++) {
        struct tm tm;
        char stamp[32];
        if (!gmtime_r(&when, &tm) || strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &tm) == 0)
            return NULL;
        char *name = tw_format(DAMAGED "%s", stamp);
        if (faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
            return name;
        free(name);
    }
    return NULL;
}

/* The database goes first: should we die in between, what is left of it is thrown away with the
 * fresh one's beginning, where a database without its -wal might look sound. */
static int rename_all(int fd, const char *name)
{
    for (size_t i = 0; i < TW_COUNT(database_files); i++) {
        char *from = tw_format("state.db%s", database_files[i]);
        char *to = tw_format("%s%s", name, database_files[i]);
        const int result = renameat(fd, from, fd, to);
        free(from);
        free(to);
        if (result != 0 && errno != ENOENT)
            return -1;
    }
    return 0;
}

int tw_statedir_set_aside(const char *dir, time_t now, char **name, struct tw_error *e)
{
    *name = NULL;
    const int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", dir);
    *name = free_name(fd, now);
    const int result = *name ? rename_all(fd, *name) : -1;
    if (result != 0)
        tw_fail_errno(e, "cannot set %s/state.db aside", dir);
    else
        remove_old_damaged(fd);
    close(fd);
    return result;
}
