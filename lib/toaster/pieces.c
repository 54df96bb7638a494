/* Names of pieces, and finding them. */
#include "toaster/pieces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"

enum { ENTRIES_MAX = 100000, PIECES_MAX = 2000 };

static const char stamp_format[] = ".%Y%m%dT%H%M%SZ";

/* ".YYYYMMDDTHHMMSSZ" of that time. */
static bool write_stamp(char stamp[TW_PIECE_STAMP + 1], int64_t at_s)
{
    const time_t at = at_s;
    struct tm tm;
    /* Of years with more than four digits it makes no name that has the length. */
    return gmtime_r(&at, &tm) && tm.tm_year >= 0 &&
           strftime(stamp, TW_PIECE_STAMP + 1, stamp_format, &tm) == TW_PIECE_STAMP;
}

char *tw_piece_name(const char *base, int64_t at_s)
{
    char stamp[TW_PIECE_STAMP + 1];
    return write_stamp(stamp, at_s) ? tw_format("%s%s", base, stamp) : NULL;
}

bool tw_piece_parse(const char *name, const char *base, int64_t *at_s, bool *packed)
{
    const size_t length = strlen(base);
    if (strncmp(name, base, length) != 0 || strnlen(name + length, TW_PIECE_STAMP) < TW_PIECE_STAMP)
        return false;
    char stamp[TW_PIECE_STAMP + 1], again[TW_PIECE_STAMP + 1];
    const char *rest = name + length + TW_PIECE_STAMP;
    memcpy(stamp, name + length, TW_PIECE_STAMP);
    stamp[TW_PIECE_STAMP] = '\0';
    struct tm tm = {0};
    const char *end = strptime(stamp, stamp_format, &tm);
    if (!end || *end || (*rest && strcmp(rest, ".gz") != 0))
        return false;
    /* strptime takes spaces, a sign, the 31st of February: a name is what we would write. */
    *at_s = timegm(&tm);
    *packed = *rest;
    return write_stamp(again, *at_s) && strcmp(stamp, again) == 0;
}

static void add(struct tw_piece_list *list, const char *name, int64_t at_s, const struct stat *st)
{
    list->items = tw_realloc_array(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = (struct tw_piece){tw_strdup(name), at_s, *st};
}

static int take(int dir, const char *base, const char *name, struct tw_pieces *pieces,
                struct tw_error *e)
{
    int64_t at_s;
    bool packed;
    struct stat st;
    if (!tw_piece_parse(name, base, &at_s, &packed))
        return 0;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? 0 : tw_fail_errno(e, "cannot look at %s", name);
    if (!S_ISREG(st.st_mode))
        return 0;
    if (pieces->plain.count + pieces->packed.count == PIECES_MAX)
        return tw_fail(e, "%s lies there in more than %d pieces", base, PIECES_MAX);
    add(packed ? &pieces->packed : &pieces->plain, name, at_s, &st);
    return 0;
}

static int read_all(DIR *stream, const char *base, struct tw_pieces *pieces, struct tw_error *e)
{
    for (int i = 0; i < ENTRIES_MAX; i++) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (!entry)
            return errno ? tw_fail_errno(e, "cannot list the directory of %s", base) : 0;
        if (take(dirfd(stream), base, entry->d_name, pieces, e) != 0)
            return -1;
    }
    return tw_fail(e, "the directory of %s has more than %d entries", base, ENTRIES_MAX);
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct tw_piece *)a)->name, ((const struct tw_piece *)b)->name);
}

static void sort(struct tw_piece_list *list)
{
    if (list->count)
        qsort(list->items, list->count, sizeof *list->items, compare);
}

int tw_pieces_read(int dir, const char *base, struct tw_pieces *pieces, struct tw_error *e)
{
    *pieces = (struct tw_pieces){0};
    const int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *stream = fd < 0 ? NULL : fdopendir(fd);
    if (!stream) {
        tw_fail_errno(e, "cannot list the directory of %s", base);
        if (fd >= 0)
            close(fd);
        return -1;
    }
    const int result = read_all(stream, base, pieces, e);
    closedir(stream);
    if (result != 0)
        tw_pieces_free(pieces);
    sort(&pieces->plain);
    sort(&pieces->packed);
    return result;
}

static void free_list(struct tw_piece_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
    *list = (struct tw_piece_list){0};
}

void tw_pieces_free(struct tw_pieces *pieces)
{
    free_list(&pieces->plain);
    free_list(&pieces->packed);
}
