/* When a log file is moved aside and made anew, and what is said of it. */
#include "kinds/compress_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/owner.h"
#include "base/units.h"

enum {
    MOVE_GAP_S = 10, /* between two moves, so that compressing has its turn, too */
    MANY_GAP_S = 60, /* once there were more than MANY in the last hour: whoever makes the file
                        large again and again has no line in the log for each */
    MANY = 6,
    HOUR_S = 3600,
    NEW_S = 600, /* so long a file that was moved need not be there, or may be empty */
};

/* ---- the finding -------------------------------------------------------------------------- */

static int weight(enum tw_level level)
{
    static const int weights[] = {[TW_LEVEL_NONE] = 0,
                                  [TW_LEVEL_OK] = 1,
                                  [TW_LEVEL_WARN] = 2,
                                  [TW_LEVEL_UNKNOWN] = 3,
                                  [TW_LEVEL_FAIL] = 4};
    return weights[level];
}

void tw_compress_say(struct tw_compress *c, enum tw_level level, const char *code,
                     const char *format, ...)
{
    if (weight(level) < weight(c->level) || (level == c->level && level != TW_LEVEL_OK))
        return;
    c->level = level;
    c->code = code;
    tw_buf_clear(&c->text);
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&c->text, format, args);
    va_end(args);
}

void tw_compress_look_again(struct tw_compress *c, int64_t in_ms)
{
    if (c->again_ms == 0 || in_ms < c->again_ms)
        c->again_ms = in_ms;
}

void tw_compress_fault(struct tw_compress *c, const struct tw_rotate_error *e)
{
    static const char *const codes[TW_ROTATE_FAULTS] = {
        [TW_ROTATE_CANNOT] = "cannot-compress", [TW_ROTATE_SWAPPED] = "swapped",
        [TW_ROTATE_CHANGED] = "changed",        [TW_ROTATE_LINKS] = "links",
        [TW_ROTATE_EXISTS] = "exists",          [TW_ROTATE_NO_SPACE] = "no-space",
        [TW_ROTATE_NOT_OURS] = "not-made",      [TW_ROTATE_UNSURE] = "cannot-look",
        [TW_ROTATE_NOT_OWNER] = "not-owner",    [TW_ROTATE_SPARSE] = "sparse",
        [TW_ROTATE_SLOW] = "too-large",         [TW_ROTATE_TOO_LARGE] = "too-large"};
    const enum tw_level level = e->fault == TW_ROTATE_NOT_OURS ? TW_LEVEL_WARN
                                : e->fault == TW_ROTATE_UNSURE ? TW_LEVEL_UNKNOWN
                                                               : TW_LEVEL_FAIL;
    tw_compress_say(c, level, codes[e->fault], "%s (in %s)", e->why.text, c->dir_path);
    /* Most often the writer itself did it, and all is well in a moment. */
    if (e->fault == TW_ROTATE_SWAPPED || e->fault == TW_ROTATE_CHANGED)
        tw_compress_look_again(c, TW_COMPRESS_SETTLE_S * 1000);
}

void tw_compress_done(const struct tw_compress *c, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    c->run->sink->done(c->run->sink->context, tw_buf_text(&text));
    tw_buf_free(&text);
}

/* ---- the beginning ------------------------------------------------------------------------ */

const char *tw_compress_bad_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
    if (!*base || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
        return "is no name of a file";
    return strlen(base) > TW_PIECE_BASE_MAX ? "has too long a name to be compressed" : NULL;
}

int tw_compress_begin(struct tw_compress *c, const struct tw_run *run, const char *path,
                      int64_t keep, struct stat *st, struct tw_error *e)
{
    const char *slash = strrchr(path, '/');
    *c = (struct tw_compress){.run = run,
                              .path = path,
                              .base = slash + 1,
                              .keep = keep,
                              .dir_path = slash == path ? tw_strdup("/")
                                                        : tw_strndup(path, (size_t)(slash - path))};
    c->dir = tw_dir_open(c->dir_path, &c->dir_st, e);
    if (c->dir < 0)
        return errno;
    if (fstatat(c->dir, c->base, st, AT_SYMLINK_NOFOLLOW) == 0)
        return 0;
    const int why = errno;
    tw_fail_errno(e, "cannot look at %s", path);
    return why;
}

void tw_compress_end(struct tw_compress *c)
{
    if (c->dir >= 0)
        close(c->dir);
    free(c->dir_path);
    tw_pieces_free(&c->pieces);
    tw_buf_free(&c->text);
}

bool tw_compress_list(struct tw_compress *c)
{
    struct tw_error e;
    if (c->listed || c->cannot_list)
        return c->listed;
    c->listed = tw_pieces_read(c->dir, c->base, &c->pieces, &e) == 0;
    c->cannot_list = !c->listed;
    if (c->cannot_list)
        tw_compress_say(c, TW_LEVEL_UNKNOWN, "cannot-look", "%s", e.text);
    return c->listed;
}

struct tw_rotate tw_compress_steps(const struct tw_compress *c)
{
    return (struct tw_rotate){.dir = c->dir,
                              .owner = &c->dir_st,
                              .dir_path = c->dir_path,
                              .base = c->base,
                              .beat = tw_report_progress,
                              .beat_context = (void *)(uintptr_t)c->run};
}

int64_t tw_compress_age(const struct tw_compress *c, const struct tw_piece *piece)
{
    return piece->at_s <= c->run->now_s ? c->run->now_s - piece->at_s : INT64_MAX;
}

/* Of those that are not of times to come. */
static int64_t newest_age(const struct tw_compress *c, const struct tw_piece_list *pieces)
{
    for (size_t i = pieces->count; i > 0; i--)
        if (pieces->items[i - 1].at_s <= c->run->now_s)
            return tw_compress_age(c, &pieces->items[i - 1]);
    return INT64_MAX;
}

static int64_t last_move_age(const struct tw_compress *c)
{
    const int64_t plain_s = newest_age(c, &c->pieces.plain);
    const int64_t packed_s = newest_age(c, &c->pieces.packed);
    return plain_s < packed_s ? plain_s : packed_s;
}

static int64_t moves_of_the_hour(const struct tw_compress *c)
{
    const struct tw_piece_list *lists[] = {&c->pieces.plain, &c->pieces.packed};
    int64_t count = 0;
    for (size_t i = 0; i < TW_COUNT(lists); i++)
        for (size_t k = 0; k < lists[i]->count; k++)
            count += tw_compress_age(c, &lists[i]->items[k]) < HOUR_S;
    return count;
}

/* Seconds until the next move may be. Where few are kept, so many tell that there may have been
 * more.
 */
static int64_t move_wait(const struct tw_compress *c)
{
    const int64_t count = moves_of_the_hour(c), age_s = last_move_age(c);
    const bool many = count > MANY || (count >= c->keep && count > 1);
    const int64_t gap_s = many ? MANY_GAP_S : MOVE_GAP_S;
    return age_s < gap_s ? gap_s - age_s : 0;
}

/* ---- moved aside and made anew ------------------------------------------------------------ */

bool tw_compress_is_new(struct tw_compress *c)
{
    return tw_compress_list(c) && last_move_age(c) <= NEW_S;
}

bool tw_compress_missing(struct tw_compress *c, struct tw_buf *text)
{
    if (!tw_compress_list(c) || c->pieces.plain.count == 0)
        return false;
    const struct tw_piece *last = &c->pieces.plain.items[c->pieces.plain.count - 1];
    const int64_t age_s = tw_compress_age(c, last);
    const struct tw_rotate r = tw_compress_steps(c);
    struct tw_rotate_error e;
    tw_buf_printf(text, "%s was moved aside to %s", c->path, last->name);
    if (age_s < TW_COMPRESS_SETTLE_S) {
        tw_buf_puts(text, ", its writer is about to make it anew");
        c->busy = true;
        tw_compress_look_again(c, TW_COMPRESS_SETTLE_S * 1000);
        return true;
    }
    if (c->run->look_only) {
        tw_buf_puts(text, " and is to be made anew");
        return true;
    }
    if (tw_rotate_make(&r, last, &e) == 0) {
        tw_buf_puts(text, " and made anew");
        tw_compress_say(c, TW_LEVEL_OK, "ok", "made %s anew", c->path);
        return true;
    }
    tw_compress_fault(c, &e);
    tw_buf_puts(text, ", its writer must make it anew");
    c->busy = age_s <= NEW_S;
    return c->busy;
}

static bool may_move(struct tw_compress *c)
{
    if (!tw_compress_list(c))
        return false;
    const size_t waiting =
        c->pieces.plain.count < TW_COMPRESS_WAITING_MAX ? 0 : tw_compress_waiting(c);
    if (waiting < TW_COMPRESS_WAITING_MAX)
        return true;
    tw_compress_say(c, TW_LEVEL_FAIL, "waiting",
                    "%zu pieces of %s wait to be compressed: no more are made", waiting, c->path);
    return false;
}

static bool is_taken(const struct tw_compress *c, const char *piece)
{
    struct stat st;
    char *packed = tw_format("%s.gz", piece);
    const bool taken = fstatat(c->dir, packed, &st, AT_SYMLINK_NOFOLLOW) == 0 ||
                       fstatat(c->dir, piece, &st, AT_SYMLINK_NOFOLLOW) == 0;
    free(packed);
    return taken;
}

bool tw_compress_move(struct tw_compress *c, const struct stat *st, struct tw_buf *text)
{
    if (!may_move(c))
        return false;
    char *piece = tw_piece_name(c->base, c->run->now_s);
    const struct tw_unit_text size = tw_size_show(st->st_size);
    const int64_t wait_s = move_wait(c);
    bool moved = true;
    if (c->run->look_only) {
        tw_buf_printf(text, "%s, is to be moved aside", size.text);
    } else if (!piece) {
        tw_compress_say(c, TW_LEVEL_FAIL, "cannot-compress",
                        "the clock cannot be right: no name for %s", c->path);
        moved = false;
    } else if (wait_s > 0 || is_taken(c, piece)) {
        tw_buf_printf(text, "%s, is moved aside in a moment", size.text);
        tw_compress_look_again(c, (wait_s > 0 ? wait_s : TW_COMPRESS_SETTLE_S) * 1000);
    } else {
        const struct tw_rotate r = tw_compress_steps(c);
        struct tw_rotate_error e;
        moved = tw_rotate_move(&r, piece, st, &e) == 0;
        if (moved) {
            c->busy = true;
            tw_buf_printf(text, "%s, was moved aside to %s", size.text, piece);
            tw_compress_say(c, TW_LEVEL_OK, "ok", "moved to %s, is compressed in a moment", piece);
            tw_compress_done(c, "moved to %s/%s (%s)", c->dir_path, piece, size.text);
            c->run->sink->order(c->run->sink->context);
            tw_compress_look_again(c, TW_COMPRESS_SETTLE_S * 1000);
        } else {
            tw_compress_fault(c, &e);
        }
    }
    free(piece);
    return moved;
}

void tw_compress_advice(const char *path, const char *code, struct tw_buf *out)
{
    const char *slash = strrchr(path, '/');
    if (strcmp(code, "held") == 0)
        tw_buf_printf(out, "fuser -v %s.*Z shows who has it open", path);
    else if (strcmp(code, "no-space") == 0)
        tw_buf_printf(out, "df -h %.*s", slash && slash > path ? (int)(slash - path) : 1, path);
    else
        tw_buf_printf(out, "ls -ld %s %s.*", path, path);
}
