/* What the tests of the state share: a scratch directory, a reader that writes down what it is
 * given, and waiting for a condition. */
#ifndef TEST_STATEKIT_H
#define TEST_STATEKIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <ftw.h>
#include <sqlite3.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/state.h"
#include "patience.h"

#define KIT_CLOSE_MS 10000

struct kit {
    char root[64]; /* scratch */
    char dir[80];  /* the state_dir in it */
    struct tw_state *state;
    struct tw_buf seen;    /* a line for each row and letter */
    struct tw_buf trouble; /* a line for each trouble */
    size_t troubles;
};

static inline void kit_aspect(void *context, const struct tw_state_aspect *row)
{
    struct kit *kit = context;
    tw_buf_printf(&kit->seen, "aspect %s of %s: %ld %ld %ld %ld %ld %ld %ld %ld [%s] [%s]\n",
                  row->aspect, row->job, (long)row->level, (long)row->stage, (long)row->since_s,
                  (long)row->opened_s, (long)row->closed_s, (long)row->fails, (long)row->oks,
                  (long)row->unknowns, row->code, row->text);
}

static inline void kit_job(void *context, const struct tw_state_job *row)
{
    struct kit *kit = context;
    tw_buf_printf(&kit->seen, "job %s: %ld %ld [%s]\n", row->job, (long)row->last_start_s,
                  (long)row->last_end_s, row->memory);
}

static inline void kit_value(void *context, const char *key, const char *value)
{
    struct kit *kit = context;
    tw_buf_printf(&kit->seen, "value %s=%s\n", key, value);
}

static inline void kit_letter(void *context, const char *id, const char *bytes, size_t length)
{
    struct kit *kit = context;
    tw_buf_printf(&kit->seen, "letter %s: ", id);
    tw_buf_add(&kit->seen, bytes, length);
    tw_buf_puts(&kit->seen, "\n");
}

static inline void kit_trouble(void *context, const char *text)
{
    struct kit *kit = context;
    kit->troubles++;
    tw_buf_printf(&kit->trouble, "%s\n", text);
}

static inline int kit_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static inline int kit_set_up(void **state)
{
    struct kit *kit = tw_alloc(sizeof *kit);
    snprintf(kit->root, sizeof kit->root, "/tmp/tw-state-XXXXXX");
    if (!mkdtemp(kit->root))
        return -1;
    snprintf(kit->dir, sizeof kit->dir, "%s/state", kit->root);
    *state = kit;
    return 0;
}

static inline int kit_tear_down(void **state)
{
    struct kit *kit = *state;
    tw_state_close(&kit->state, KIT_CLOSE_MS);
    tw_buf_free(&kit->seen);
    tw_buf_free(&kit->trouble);
    const int result = nftw(kit->root, kit_remove, 16, FTW_DEPTH | FTW_PHYS);
    free(kit);
    return result;
}

/* Opens the state, forgetting what was seen before. */
static inline void kit_open(struct kit *kit, bool read_only)
{
    const struct tw_state_reader reader = {
        kit_aspect, kit_job, kit_value, kit_letter, kit_trouble, kit,
    };
    tw_buf_clear(&kit->seen);
    tw_buf_clear(&kit->trouble);
    kit->troubles = 0;
    kit->state = tw_state_open(kit->dir, read_only, &reader);
    assert_non_null(kit->state);
}

static inline void kit_start(struct kit *kit)
{
    struct tw_error e;
    kit_open(kit, false);
    assert_int_equal(tw_state_start(kit->state, &e), 0);
}

static inline void kit_close(struct kit *kit)
{
    assert_true(tw_state_close(&kit->state, KIT_CLOSE_MS));
    assert_null(kit->state);
}

/* What a process would find that starts now. */
static inline const char *kit_stored(struct kit *kit)
{
    kit_open(kit, false);
    kit_close(kit);
    return tw_buf_text(&kit->seen);
}

/* PATH below the state_dir; good until the next call but three. */
static inline const char *kit_path(const struct kit *kit, const char *below)
{
    static char paths[4][400];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", kit->dir, below);
    return path;
}

static inline void kit_write(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
}

static inline bool kit_exists(const char *path)
{
    struct stat st;
    return lstat(path, &st) == 0;
}

static inline int kit_mode(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return (int)(st.st_mode & 07777);
}

/* Runs SQL on the state.db in the directory as an administrator might. */
static inline void kit_sql(const struct kit *kit, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(kit_path(kit, "state.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static inline int64_t kit_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Waits until `condition` holds; false if it never does. */
static inline bool kit_wait(bool (*condition)(void *), void *context)
{
    const int64_t limit = kit_now_ms() + 30000 * PATIENCE;
    while (!condition(context)) {
        if (kit_now_ms() > limit)
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
    }
    return true;
}

static inline bool kit_in_trouble(void *context)
{
    struct kit *kit = context;
    char text[512];
    tw_buf_clear(&kit->trouble);
    const bool trouble = tw_state_trouble(kit->state, text, sizeof text);
    tw_buf_puts(&kit->trouble, text);
    return trouble;
}

static inline bool kit_out_of_trouble(void *context)
{
    return !kit_in_trouble(context);
}

static inline void kit_put_value(struct kit *kit, const char *key, const char *value)
{
    tw_state_put_value(kit->state, key, value);
}

#endif
