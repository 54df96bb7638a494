/* The file state.db. Knows which of SQLite's errors mean that it is damaged and which that the
 * disk will not have it now; nothing of threads, and of tables only what statetables.h says. */
#include "base/statedb.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/statetables.h"

struct tw_statedb {
    sqlite3 *sql;
    char *path;
    /* As found before it was opened. */
    bool exists, has_wal;
    off_t size;
};

/* Writes the sentence for SQLite's error; says whether waiting may help. */
static int judge(const struct tw_statedb *db, int code, const char *verb, struct tw_error *e)
{
    const int system = sqlite3_system_errno(db->sql);
    const char *why = db->sql ? sqlite3_errmsg(db->sql) : sqlite3_errstr(code);
    code &= 0xff;
    if (code == SQLITE_FULL)
        why = strerrordesc_np(ENOSPC);
    if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && system > 0)
        tw_fail(e, "cannot %s %s: %s (%s)", verb, db->path, strerrordesc_np(system), why);
    else
        tw_fail(e, "cannot %s %s: %s", verb, db->path, why);
    switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_FORMAT:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR: /* our statements are right, so the tables are not */
        return TW_STATEDB_DAMAGED;
    default:
        return -1;
    }
}

static int run(const struct tw_statedb *db, const char *statements, const char *verb,
               struct tw_error *e)
{
    const int code = sqlite3_exec(db->sql, statements, NULL, NULL, NULL);
    return code == SQLITE_OK ? 0 : judge(db, code, verb, e);
}

/* The first column of the first row must be `expected`. */
static int expect(const struct tw_statedb *db, const char *query, const char *expected,
                  struct tw_error *e)
{
    sqlite3_stmt *statement = NULL;
    int result = 0;
    int code = sqlite3_prepare_v2(db->sql, query, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code != SQLITE_ROW) {
        result = judge(db, code, "read", e);
    } else {
        const char *text = (const char *)sqlite3_column_text(statement, 0);
        if (!text || strcmp(text, expected) != 0) {
            tw_fail(e, "%s is not as it should be: %s: %.200s", db->path, query,
                    text ? text : "nothing");
            result = TW_STATEDB_DAMAGED;
        }
    }
    sqlite3_finalize(statement);
    return result;
}

/* SQLite reads what is missing of the last page as zeros. A crash may leave it so, but then the
 * -wal holds the whole page. */
static int check_last_page(const struct tw_statedb *db, struct tw_error *e)
{
    if (!db->exists || db->has_wal)
        return 0;
    char *query = tw_format("SELECT %lld %% page_size FROM pragma_page_size", (long long)db->size);
    const int result = expect(db, query, "0", e);
    free(query);
    return result;
}

static int check_sound(const struct tw_statedb *db, struct tw_error *e)
{
    int result = expect(db, "PRAGMA quick_check(1)", "ok", e);
    if (result == 0)
        result = check_last_page(db, e);
    if (result == 0)
        result = expect(db, "PRAGMA user_version", TW_STATETABLES_VERSION, e);
    if (result != 0)
        return result;
    const int code = tw_statetables_check(db->sql);
    return code == SQLITE_OK ? 0 : judge(db, code, "read", e);
}

/* Small in memory and on disk: few rows are written, a few times a minute at most. */
static int set_up(const struct tw_statedb *db, struct tw_error *e)
{
    sqlite3_busy_timeout(db->sql, 200);
    return run(db,
               "PRAGMA cache_size=-64; PRAGMA mmap_size=0; PRAGMA synchronous=NORMAL;"
               "PRAGMA wal_autocheckpoint=32; PRAGMA journal_size_limit=131072;"
               "PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF",
               "open", e);
}

/* A sound file of a later SQLite's format is opened as read-only, like one of a read-only disk;
 * only what we may write ourselves is told to be set aside. */
static int check_format(const struct tw_statedb *db, struct tw_error *e)
{
    if (sqlite3_db_readonly(db->sql, "main") == 0)
        return run(db, "PRAGMA journal_mode=WAL", "open", e);
    if (access(db->path, W_OK) != 0)
        return tw_fail_errno(e, "cannot write %s", db->path);
    tw_fail(e, "cannot write %s: it has the format of a later SQLite", db->path);
    return TW_STATEDB_DAMAGED;
}

/* A regular file of ours, or none (*size is -1). */
static int look(const char *path, off_t *size, struct tw_error *e)
{
    struct stat st;
    *size = -1;
    if (lstat(path, &st) != 0)
        return errno == ENOENT ? 0 : tw_fail_errno(e, "cannot look at %s", path);
    *size = st.st_size;
    if (S_ISREG(st.st_mode) && st.st_uid == geteuid())
        return 0;
    tw_fail(e, "%s is not a regular file of ours", path);
    return TW_STATEDB_DAMAGED;
}

/* Judges the files before SQLite touches them: it would follow symlinks, and takes an empty file
 * for a fresh database. */
static int check_files(struct tw_statedb *db, struct tw_error *e)
{
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    off_t sizes[TW_COUNT(suffixes)] = {0};
    int result = 0;
    for (size_t i = 0; i < TW_COUNT(suffixes) && result == 0; i++) {
        char *path = tw_format("%s%s", db->path, suffixes[i]);
        result = look(path, &sizes[i], e);
        free(path);
    }
    db->size = sizes[0];
    db->exists = sizes[0] >= 0;
    db->has_wal = sizes[1] > 0;
    if (result != 0 || db->size != 0)
        return result;
    tw_fail(e, "%s is empty", db->path);
    return TW_STATEDB_DAMAGED;
}

/* Made by us, since SQLite would make it readable by all. */
static int create_file(const char *path, struct tw_error *e)
{
    const int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return tw_fail_errno(e, "cannot make %s", path);
    close(fd);
    return 0;
}

/* Without a -wal the file is all there is and is read as it stands ("immutable"), or SQLite
 * would make a -wal; with one, the index beside it is read but not written.
 * Source: sqlite.org/uri.html, sqlite.org/wal.html ("Read-Only Databases"). */
static char *read_only_uri(const char *path, bool has_wal)
{
    struct tw_buf uri = {0};
    tw_buf_puts(&uri, "file:");
    for (const char *at = path; *at; at++) {
        if (strchr("?#%", *at))
            tw_buf_printf(&uri, "%%%02x", (unsigned)*at);
        else
            tw_buf_add(&uri, at, 1);
    }
    tw_buf_puts(&uri, has_wal ? "?mode=ro&readonly_shm=1" : "?mode=ro&immutable=1");
    return tw_buf_take(&uri);
}

static int connect_to_read(struct tw_statedb *db, struct tw_error *e)
{
    char *uri = read_only_uri(db->path, db->has_wal);
    const int code = sqlite3_open_v2(
        uri, &db->sql, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, NULL);
    free(uri);
    int result = code == SQLITE_OK ? set_up(db, e) : judge(db, code, "open", e);
    return result == 0 ? check_sound(db, e) : result;
}

/* A fresh database in the file just made, or what is there. */
static int prepare(const struct tw_statedb *db, struct tw_error *e)
{
    int result = set_up(db, e);
    if (result == 0)
        result = check_format(db, e);
    if (result == 0 && !db->exists) {
        const int code = tw_statetables_create(db->sql);
        result = code == SQLITE_OK ? 0 : judge(db, code, "begin", e);
    }
    if (result == 0 && db->exists) {
        const int code = tw_statetables_migrate(db->sql);
        result = code == SQLITE_OK ? 0 : judge(db, code, "bring up to date", e);
    }
    return result == 0 ? check_sound(db, e) : result;
}

static int connect_to_write(struct tw_statedb *db, struct tw_error *e)
{
    if (!db->exists && create_file(db->path, e) != 0)
        return -1;
    if (db->exists)
        (void)chmod(db->path, 0600); /* a restored copy may have another mode */
    const int code =
        sqlite3_open_v2(db->path, &db->sql, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    const int result = code == SQLITE_OK ? prepare(db, e) : judge(db, code, "open", e);
    if (result == 0 || db->exists)
        return result;
    /* A half-made one would be taken for a damaged one the next time. */
    sqlite3_close(db->sql);
    db->sql = NULL;
    unlink(db->path);
    return -1;
}

int tw_statedb_open(const char *dir, bool read_only, struct tw_statedb **db, bool *fresh,
                    struct tw_error *e)
{
    struct tw_statedb *opened = tw_alloc(sizeof *opened);
    opened->path = tw_format("%s/state.db", dir);
    *db = NULL;
    int result = check_files(opened, e);
    *fresh = !opened->exists;
    if (result == 0 && read_only && opened->exists)
        result = connect_to_read(opened, e);
    else if (result == 0 && !read_only)
        result = connect_to_write(opened, e);
    if (result == 0 && opened->sql)
        *db = opened;
    else
        tw_statedb_close(&opened);
    return result;
}

void tw_statedb_close(struct tw_statedb **db)
{
    if (!*db)
        return;
    sqlite3_close((*db)->sql);
    free((*db)->path);
    free(*db);
    *db = NULL;
}

int tw_statedb_read(struct tw_statedb *db, const struct tw_state_reader *reader, struct tw_error *e)
{
    const int code = tw_statetables_read(db->sql, reader);
    return code == SQLITE_OK ? 0 : judge(db, code, "read", e);
}

int tw_statedb_write(struct tw_statedb **db, const struct tw_statequeue *queue, struct tw_error *e)
{
    const int code = tw_statetables_write((*db)->sql, queue);
    if (code == SQLITE_OK) {
        for (size_t i = 0; i < queue->count; i++)
            if (queue->items[i]->kind < TW_CHANGE_TABLES)
                queue->items[i]->done = true;
        return 0;
    }
    judge(*db, code, "write", e);
    /* An error may have rolled back by itself already. */
    if (!sqlite3_get_autocommit((*db)->sql))
        sqlite3_exec((*db)->sql, "ROLLBACK", NULL, NULL, NULL);
    if ((code & 0xff) != SQLITE_FULL && (code & 0xff) != SQLITE_BUSY)
        tw_statedb_close(db);
    return -1;
}

bool tw_statedb_moved(struct tw_statedb *db)
{
    int moved = 0;
    return sqlite3_file_control(db->sql, "main", SQLITE_FCNTL_HAS_MOVED, &moved) == SQLITE_OK &&
           moved != 0;
}
