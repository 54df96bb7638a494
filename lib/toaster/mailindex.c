/* The index of one uid. Knows SQLite; nothing of what the rows mean. */
#include "toaster/mailindex.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"

enum { VERSION = 1, BUSY_MS = 5000, PENDING_MAX = 256, ROW_MAX = 64 * 1024 * 1024, SUM_BYTES = 4 };
enum { PENDING_BYTES = 4 * 1024 * 1024 };

#define NAME "index.db"
#define TABLE                                                                                      \
    "CREATE TABLE mailbox (job TEXT NOT NULL, path TEXT NOT NULL, put_s INTEGER NOT NULL, "        \
    "data BLOB NOT NULL, PRIMARY KEY (job, path)) WITHOUT ROWID"

struct pending {
    char *job, *mailbox;
    unsigned char *data; /* with its checksum behind it */
    size_t length;
    int64_t now_s;
};

struct tw_mailindex {
    char *path;
    sqlite3 *sql;
    sqlite3_stmt *get;
    struct pending pending[PENDING_MAX];
    size_t count, bytes;
    bool failed, changed;
    struct tw_error why;
};

/* ---- the directory ------------------------------------------------------------------------ */

static int give_dir(const char *path, uid_t uid, gid_t gid, struct tw_error *e)
{
    struct stat st;
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return tw_fail_errno(e, "cannot make %s", path);
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s", path);
    int result = fstat(fd, &st);
    if (result == 0 && st.st_uid != uid) {
        if (st.st_uid != geteuid())
            result = tw_fail(e, "%s belongs to uid %ju", path, (uintmax_t)st.st_uid);
        else if ((result = fchown(fd, uid, gid)) != 0)
            tw_fail_errno(e, "cannot give %s to uid %ju", path, (uintmax_t)uid);
    } else if (result != 0) {
        tw_fail_errno(e, "cannot look at %s", path);
    }
    close(fd);
    return result;
}

char *tw_mailindex_dir(const char *state_dir, uid_t uid)
{
    return tw_format("%s/index/%ju", state_dir, (uintmax_t)uid);
}

int tw_mailindex_prepare(const char *state_dir, uid_t uid, gid_t gid, char **dir,
                         struct tw_error *e)
{
    char *parent = tw_format("%s/index", state_dir);
    *dir = tw_mailindex_dir(state_dir, uid);
    int result = tw_dir_make(parent, 0711, e);
    if (result == 0)
        result = give_dir(*dir, uid, gid, e);
    free(parent);
    if (result != 0) {
        free(*dir);
        *dir = NULL;
    }
    return result;
}

/* ---- opening ------------------------------------------------------------------------------ */

enum verdict { GOOD, DAMAGED, NOT_NOW };

static enum verdict judge(int code)
{
    const int primary = code & 0xff;
    return primary == SQLITE_OK || primary == SQLITE_DONE || primary == SQLITE_ROW ? GOOD
           : primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_ERROR ||
                   primary == SQLITE_SCHEMA || primary == SQLITE_MISMATCH
               ? DAMAGED
               : NOT_NOW;
}

/* The text of the only row that `query` gives; "" if there is none, or it is not text. */
static char *ask(sqlite3 *sql, const char *query, int *code)
{
    sqlite3_stmt *statement = NULL;
    char *text = NULL;
    *code = sqlite3_prepare_v2(sql, query, -1, &statement, NULL);
    if (*code == SQLITE_OK) {
        *code = sqlite3_step(statement);
        const char *got =
            *code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : NULL;
        text = tw_strdup(got ? got : "");
    }
    sqlite3_finalize(statement);
    return text ? text : tw_strdup("");
}

static int run(sqlite3 *sql, const char *statements)
{
    return sqlite3_exec(sql, statements, NULL, NULL, NULL);
}

/* Its owner may have planted triggers, views and the like: nothing but our table may be in it. */
static enum verdict check_schema(sqlite3 *sql)
{
    int code;
    char *tables = ask(
        sql, "SELECT group_concat(type || name || coalesce(sql, '')) FROM sqlite_schema", &code);
    enum verdict verdict = judge(code);
    if (verdict == GOOD && tables[0] == '\0') {
        code = run(sql, "BEGIN IMMEDIATE; " TABLE "; PRAGMA user_version = 1; COMMIT");
        verdict = judge(code);
    } else if (verdict == GOOD && strcmp(tables, "tablemailbox" TABLE) != 0) {
        verdict = DAMAGED;
    }
    free(tables);
    return verdict;
}

static enum verdict set_up(struct tw_mailindex *index, bool look)
{
    sqlite3_busy_timeout(index->sql, BUSY_MS);
    sqlite3_limit(index->sql, SQLITE_LIMIT_LENGTH, ROW_MAX);
    sqlite3_db_config(index->sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(index->sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(index->sql, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(index->sql, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
    /* Not synced: a crash of the machine may damage it, which shows, and costs one full pass. */
    int code = run(index->sql, look ? "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0"
                                    : "PRAGMA cell_size_check = ON; PRAGMA synchronous = OFF; "
                                      "PRAGMA journal_mode = TRUNCATE; PRAGMA mmap_size = 0; "
                                      "PRAGMA cache_size = -512");
    enum verdict verdict = judge(code);
    if (verdict == GOOD)
        verdict = check_schema(index->sql);
    if (verdict == GOOD)
        verdict = judge(sqlite3_prepare_v2(index->sql,
                                           "SELECT data FROM mailbox WHERE job = ? AND path = ?",
                                           -1, &index->get, NULL));
    return verdict;
}

/* A fifo in its place would hang us, a second name lead elsewhere. */
static enum verdict check_file(const char *path, bool look, struct tw_error *e)
{
    struct stat st;
    const int fd = open(
        path, (look ? O_RDONLY : O_RDWR | O_CREAT) | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    if (fd < 0 && errno != ELOOP && errno != ENXIO && errno != EISDIR && errno != EACCES) {
        tw_fail_errno(e, "cannot open %s", path);
        return NOT_NOW;
    }
    const bool good = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
                      st.st_uid == geteuid() && st.st_nlink == 1;
    if (fd >= 0)
        close(fd);
    return good ? GOOD : DAMAGED;
}

static enum verdict try_open(struct tw_mailindex *index, bool look, struct tw_error *e)
{
    enum verdict verdict = check_file(index->path, look, e);
    if (verdict != GOOD)
        return verdict;
    const int code = sqlite3_open_v2(
        index->path, &index->sql,
        (look ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE) | SQLITE_OPEN_NOMUTEX, NULL);
    verdict = code == SQLITE_OK ? set_up(index, look) : judge(code);
    if (verdict != GOOD) {
        tw_fail(e, "cannot use %s: %s", index->path,
                index->sql ? sqlite3_errmsg(index->sql) : sqlite3_errstr(code));
        sqlite3_finalize(index->get);
        sqlite3_close(index->sql);
        index->get = NULL;
        index->sql = NULL;
    }
    return verdict;
}

/* Out of the way, whatever it is; only the last such is kept. */
static void set_aside(const char *path)
{
    static const char *const more[] = {"-journal", "-wal", "-shm"};
    char *aside = tw_format("%s.damaged", path);
    (void)remove(aside); /* a directory would not make room for a file, nor a file for one */
    (void)rename(path, aside);
    for (size_t i = 0; i < TW_COUNT(more); i++) {
        char *beside = tw_format("%s%s", path, more[i]);
        (void)unlink(beside);
        free(beside);
    }
    free(aside);
}

static void free_index(struct tw_mailindex *index)
{
    sqlite3_finalize(index->get);
    sqlite3_close(index->sql);
    free(index->path);
    free(index);
}

struct tw_mailindex *tw_mailindex_open(const char *dir, char **note, struct tw_error *e)
{
    struct tw_mailindex *index = tw_alloc(sizeof *index);
    struct tw_error why = {"it is no file of its owner's alone"};
    index->path = tw_format("%s/" NAME, dir);
    *note = NULL;
    enum verdict verdict = try_open(index, false, &why);
    if (verdict == DAMAGED) {
        *note = tw_format("%s is damaged and was begun afresh (%s)", index->path, why.text);
        set_aside(index->path);
        verdict = try_open(index, false, &why);
    }
    if (verdict == GOOD)
        return index;
    tw_fail(e, "%s", why.text);
    free(*note);
    *note = NULL;
    free_index(index);
    return NULL;
}

struct tw_mailindex *tw_mailindex_look(const char *dir, struct tw_error *e)
{
    struct tw_mailindex *index = tw_alloc(sizeof *index);
    tw_fail(e, "it is no file of its owner's alone");
    index->path = tw_format("%s/" NAME, dir);
    if (try_open(index, true, e) == GOOD)
        return index;
    free_index(index);
    return NULL;
}

/* ---- rows --------------------------------------------------------------------------------- */

static uint32_t checksum(const void *data, size_t length)
{
    return (uint32_t)crc32(0, data, (uInt)length);
}

const void *tw_mailindex_get(struct tw_mailindex *index, const char *job, const char *mailbox,
                             size_t *length)
{
    if (index->failed)
        return NULL;
    sqlite3_reset(index->get);
    sqlite3_bind_text(index->get, 1, job, -1, SQLITE_STATIC);
    sqlite3_bind_text(index->get, 2, mailbox, -1, SQLITE_STATIC);
    if (sqlite3_step(index->get) != SQLITE_ROW)
        return NULL;
    const unsigned char *data = sqlite3_column_blob(index->get, 0);
    const int size = sqlite3_column_bytes(index->get, 0);
    uint32_t sum;
    if (!data || size < SUM_BYTES)
        return NULL;
    *length = (size_t)size - SUM_BYTES;
    memcpy(&sum, data + *length, SUM_BYTES);
    return sum == checksum(data, *length) ? data : NULL;
}

static int write_row(sqlite3_stmt *put, const struct pending *row)
{
    sqlite3_bind_text(put, 1, row->job, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, row->mailbox, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 3, row->now_s);
    sqlite3_bind_blob(put, 4, row->data, (int)row->length, SQLITE_STATIC);
    const int code = sqlite3_step(put);
    sqlite3_reset(put);
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

static int write_rows(struct tw_mailindex *index)
{
    sqlite3_stmt *put = NULL;
    sqlite3_reset(index->get); /* a read that is open would keep the lock from being taken */
    int code = run(index->sql, "BEGIN IMMEDIATE");
    if (code == SQLITE_OK)
        code = sqlite3_prepare_v2(index->sql,
                                  "INSERT OR REPLACE INTO mailbox (job, path, put_s, data) "
                                  "VALUES (?, ?, ?, ?)",
                                  -1, &put, NULL);
    for (size_t i = 0; i < index->count && code == SQLITE_OK; i++)
        code = write_row(put, &index->pending[i]);
    sqlite3_finalize(put);
    if (code == SQLITE_OK)
        code = run(index->sql, "COMMIT");
    return code;
}

void tw_mailindex_flush(struct tw_mailindex *index)
{
    if (index->count && !index->failed) {
        const int code = write_rows(index);
        if (code != SQLITE_OK) {
            tw_fail(&index->why, "cannot write %s: %s", index->path, sqlite3_errmsg(index->sql));
            if (!sqlite3_get_autocommit(index->sql))
                run(index->sql, "ROLLBACK");
            index->failed = true;
            if (judge(code) == DAMAGED)
                set_aside(index->path);
        }
    }
    for (size_t i = 0; i < index->count; i++) {
        free(index->pending[i].job);
        free(index->pending[i].mailbox);
        free(index->pending[i].data);
    }
    index->count = index->bytes = 0;
}

void tw_mailindex_put(struct tw_mailindex *index, const char *job, const char *mailbox,
                      const void *data, size_t length, int64_t now_s)
{
    if (index->failed || length > ROW_MAX - SUM_BYTES - PATH_MAX)
        return;
    index->changed = true;
    struct pending *row = &index->pending[index->count++];
    const uint32_t sum = checksum(data, length);
    *row = (struct pending){tw_strdup(job), tw_strdup(mailbox), tw_alloc(length + SUM_BYTES),
                            length + SUM_BYTES, now_s};
    memcpy(row->data, data, length);
    memcpy(row->data + length, &sum, SUM_BYTES);
    index->bytes += row->length;
    if (index->count == PENDING_MAX || index->bytes > PENDING_BYTES)
        tw_mailindex_flush(index);
}

int tw_mailindex_drop(struct tw_mailindex *index, const char *job, const char *mailbox,
                      struct tw_error *e)
{
    sqlite3_stmt *drop = NULL;
    tw_mailindex_flush(index);
    sqlite3_reset(index->get);
    int code = sqlite3_prepare_v2(index->sql,
                                  "DELETE FROM mailbox WHERE job = ?1 AND (path = ?2 OR "
                                  "substr(path, 1, length(?2) + 2) = ?2 || '//')",
                                  -1, &drop, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(drop, 1, job, -1, SQLITE_STATIC);
        sqlite3_bind_text(drop, 2, mailbox, -1, SQLITE_STATIC);
        code = sqlite3_step(drop);
    }
    const bool good = code == SQLITE_DONE;
    if (!good)
        tw_fail(e, "cannot write %s: %s", index->path, sqlite3_errmsg(index->sql));
    sqlite3_finalize(drop);
    return good ? 0 : -1;
}

static int drop_old(struct tw_mailindex *index, const char *job, int64_t before_s)
{
    sqlite3_stmt *drop = NULL;
    sqlite3_reset(index->get);
    int code = sqlite3_prepare_v2(index->sql, "DELETE FROM mailbox WHERE job = ? AND put_s < ?", -1,
                                  &drop, NULL);
    if (code == SQLITE_OK) {
        sqlite3_bind_text(drop, 1, job, -1, SQLITE_STATIC);
        sqlite3_bind_int64(drop, 2, before_s);
        code = sqlite3_step(drop);
    }
    sqlite3_finalize(drop);
    return code;
}

int tw_mailindex_close(struct tw_mailindex **index, const char *job, int64_t before_s,
                       struct tw_error *e)
{
    struct tw_mailindex *i = *index;
    *index = NULL;
    if (!i)
        return 0;
    tw_mailindex_flush(i);
    if (!i->failed && i->changed)
        drop_old(i, job, before_s);
    const int result = i->failed ? tw_fail(e, "%s", i->why.text) : 0;
    free_index(i);
    return result;
}
