/* The tables of state.db. Knows their columns; nothing of files or of what SQLite's errors mean.
 *
 * An administrator may read them with sqlite3(1): real columns, one row a thing. */
#include "base/statetables.h"

#define ASPECT_COLUMNS                                                                             \
    "aspect, level, stage, since_s, opened_s, closed_s, fails, oks, unknowns, job, code, text"

/* The order of columns in select and put is the key, a change's numbers, its texts. */
static const struct table {
    int numbers, texts;
    const char *create, *select, *put, *drop;
} tables[TW_CHANGE_TABLES] = {
    [TW_CHANGE_ASPECT] = {8, 3,
                          "CREATE TABLE aspect (aspect TEXT PRIMARY KEY NOT NULL, job TEXT,"
                          " level INTEGER, stage INTEGER, since_s INTEGER, opened_s INTEGER,"
                          " closed_s INTEGER, fails INTEGER, oks INTEGER, unknowns INTEGER,"
                          " code TEXT, text TEXT) WITHOUT ROWID",
                          "SELECT " ASPECT_COLUMNS " FROM aspect",
                          "INSERT OR REPLACE INTO aspect (" ASPECT_COLUMNS
                          ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                          "DELETE FROM aspect WHERE aspect = ?"},
    [TW_CHANGE_JOB] = {2, 1,
                       "CREATE TABLE job (job TEXT PRIMARY KEY NOT NULL,"
                       " last_start_s INTEGER, last_end_s INTEGER, memory TEXT) WITHOUT ROWID",
                       "SELECT job, last_start_s, last_end_s, memory FROM job",
                       "INSERT OR REPLACE INTO job (job, last_start_s, last_end_s, memory)"
                       " VALUES (?, ?, ?, ?)",
                       "DELETE FROM job WHERE job = ?"},
    [TW_CHANGE_VALUE] = {0, 1,
                         "CREATE TABLE value (key TEXT PRIMARY KEY NOT NULL, value TEXT)"
                         " WITHOUT ROWID",
                         "SELECT key, value FROM value",
                         "INSERT OR REPLACE INTO value (key, value) VALUES (?, ?)",
                         "DELETE FROM value WHERE key = ?"},
};

int tw_statetables_create(sqlite3 *sql)
{
    int code =
        sqlite3_exec(sql, "BEGIN; PRAGMA user_version=" TW_STATETABLES_VERSION, NULL, NULL, NULL);
    for (size_t i = 0; i < TW_CHANGE_TABLES && code == SQLITE_OK; i++)
        code = sqlite3_exec(sql, tables[i].create, NULL, NULL, NULL);
    return code == SQLITE_OK ? sqlite3_exec(sql, "COMMIT", NULL, NULL, NULL) : code;
}

int tw_statetables_check(sqlite3 *sql)
{
    int code = SQLITE_OK;
    for (size_t i = 0; i < TW_CHANGE_TABLES && code == SQLITE_OK; i++) {
        sqlite3_stmt *statement = NULL;
        code = sqlite3_prepare_v2(sql, tables[i].select, -1, &statement, NULL);
        sqlite3_finalize(statement);
    }
    return code;
}

static const char *column_text(sqlite3_stmt *statement, int column)
{
    const unsigned char *text = sqlite3_column_text(statement, column);
    return text ? (const char *)text : "";
}

static void give_aspect(sqlite3_stmt *row, const struct tw_state_reader *reader)
{
    const struct tw_state_aspect aspect = {
        .aspect = column_text(row, 0),
        .level = sqlite3_column_int64(row, 1),
        .stage = sqlite3_column_int64(row, 2),
        .since_s = sqlite3_column_int64(row, 3),
        .opened_s = sqlite3_column_int64(row, 4),
        .closed_s = sqlite3_column_int64(row, 5),
        .fails = sqlite3_column_int64(row, 6),
        .oks = sqlite3_column_int64(row, 7),
        .unknowns = sqlite3_column_int64(row, 8),
        .job = column_text(row, 9),
        .code = column_text(row, 10),
        .text = column_text(row, 11),
    };
    reader->aspect(reader->context, &aspect);
}

static void give_job(sqlite3_stmt *row, const struct tw_state_reader *reader)
{
    const struct tw_state_job job = {
        .job = column_text(row, 0),
        .last_start_s = sqlite3_column_int64(row, 1),
        .last_end_s = sqlite3_column_int64(row, 2),
        .memory = column_text(row, 3),
    };
    reader->job(reader->context, &job);
}

static void give_value(sqlite3_stmt *row, const struct tw_state_reader *reader)
{
    reader->value(reader->context, column_text(row, 0), column_text(row, 1));
}

int tw_statetables_read(sqlite3 *sql, const struct tw_state_reader *reader)
{
    static void (*const give[TW_CHANGE_TABLES])(sqlite3_stmt *, const struct tw_state_reader *) = {
        [TW_CHANGE_ASPECT] = give_aspect,
        [TW_CHANGE_JOB] = give_job,
        [TW_CHANGE_VALUE] = give_value,
    };
    int code = SQLITE_DONE;
    for (size_t i = 0; i < TW_CHANGE_TABLES && code == SQLITE_DONE; i++) {
        sqlite3_stmt *statement = NULL;
        code = sqlite3_prepare_v2(sql, tables[i].select, -1, &statement, NULL);
        while (code == SQLITE_OK || code == SQLITE_ROW) {
            code = sqlite3_step(statement);
            if (code == SQLITE_ROW)
                give[i](statement, reader);
        }
        sqlite3_finalize(statement);
    }
    return code == SQLITE_DONE ? SQLITE_OK : code;
}

/* Binding cannot fail for want of anything but memory, and then the step fails too. */
static int write_row(sqlite3_stmt *statement, const struct tw_change *change)
{
    const struct table *table = &tables[change->kind];
    int at = 1;
    sqlite3_bind_text(statement, at++, change->key, -1, SQLITE_STATIC);
    for (int i = 0; i < table->numbers && !change->drop; i++)
        sqlite3_bind_int64(statement, at++, change->numbers[i]);
    for (int i = 0; i < table->texts && !change->drop; i++)
        sqlite3_bind_text(statement, at++, change->texts[i], -1, SQLITE_STATIC);
    sqlite3_step(statement);
    return sqlite3_reset(statement);
}

/* All changes of one kind that are puts, or all that are drops. */
static int write_rows(sqlite3 *sql, const struct tw_statequeue *queue, enum tw_change_kind kind,
                      bool drop)
{
    sqlite3_stmt *statement = NULL;
    int code = SQLITE_OK;
    for (size_t i = 0; i < queue->count && code == SQLITE_OK; i++) {
        const struct tw_change *change = queue->items[i];
        if (change->done || change->kind != kind || change->drop != drop)
            continue;
        if (!statement)
            code = sqlite3_prepare_v2(sql, drop ? tables[kind].drop : tables[kind].put, -1,
                                      &statement, NULL);
        if (code == SQLITE_OK)
            code = write_row(statement, change);
    }
    sqlite3_finalize(statement);
    return code;
}

int tw_statetables_write(sqlite3 *sql, const struct tw_statequeue *queue)
{
    int code = sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (int kind = 0; kind < TW_CHANGE_TABLES && code == SQLITE_OK; kind++) {
        code = write_rows(sql, queue, (enum tw_change_kind)kind, false);
        if (code == SQLITE_OK)
            code = write_rows(sql, queue, (enum tw_change_kind)kind, true);
    }
    if (code == SQLITE_OK)
        code = sqlite3_exec(sql, "COMMIT", NULL, NULL, NULL);
    return code;
}
