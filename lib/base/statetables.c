/* The tables of state.db. Knows their columns; nothing of files or of what SQLite's errors mean.
 *
 * An administrator may read them with sqlite3(1): real columns, one row a thing. */
#include "base/statetables.h"

#include <stdlib.h>

#include "base/mem.h"

#define ASPECT_COLUMNS                                                                             \
    "aspect, level, stage, since_s, opened_s, closed_s, fails, oks, unknowns, incident, acted,"    \
    " was_open, bad, flap_told, letters, told_s, reminds, escalated_s, changed_s, opens, acked_s," \
    " job, code, text, openings, acked_by, note"

#define INCIDENT_COLUMNS                                                                           \
    "id, level, opened_s, closed_s, letters, opens, escalated_s, acked_s, aspect, text,"           \
    " acked_by, note"

#define INCIDENT_CREATE                                                                            \
    "CREATE TABLE incident (id INTEGER PRIMARY KEY NOT NULL, level INTEGER, opened_s INTEGER,"     \
    " closed_s INTEGER, letters INTEGER, opens INTEGER, escalated_s INTEGER, acked_s INTEGER,"     \
    " aspect TEXT, text TEXT, acked_by TEXT, note TEXT)"

#define HISTORY_MAX_TEXT TEXT_OF(TW_STATE_HISTORY_MAX)
#define TEXT_OF(number) TEXT_OF_IT(number)
#define TEXT_OF_IT(number) #number

/* The order of columns in select and put is the key, a change's numbers, its texts. */
static const struct table {
    int numbers, texts;
    const char *create, *select, *put, *drop;
} tables[TW_CHANGE_TABLES] = {
    [TW_CHANGE_ASPECT] = {20, 6,
                          "CREATE TABLE aspect (aspect TEXT PRIMARY KEY NOT NULL, level INTEGER,"
                          " stage INTEGER, since_s INTEGER, opened_s INTEGER, closed_s INTEGER,"
                          " fails INTEGER, oks INTEGER, unknowns INTEGER, incident INTEGER,"
                          " acted INTEGER, was_open INTEGER, bad INTEGER, flap_told INTEGER,"
                          " letters INTEGER, told_s INTEGER, reminds INTEGER, escalated_s INTEGER,"
                          " changed_s INTEGER, opens INTEGER, acked_s INTEGER, job TEXT, code TEXT,"
                          " text TEXT, openings TEXT, acked_by TEXT, note TEXT) WITHOUT ROWID",
                          "SELECT " ASPECT_COLUMNS " FROM aspect",
                          "INSERT OR REPLACE INTO aspect (" ASPECT_COLUMNS
                          ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                          " ?, ?, ?, ?, ?, ?)",
                          "DELETE FROM aspect WHERE aspect = ?"},
    [TW_CHANGE_INCIDENT] = {7, 4, INCIDENT_CREATE,
                            "SELECT " INCIDENT_COLUMNS " FROM incident ORDER BY id",
                            "INSERT OR REPLACE INTO incident (" INCIDENT_COLUMNS
                            ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                            "DELETE FROM incident WHERE closed_s > 0 AND ((closed_s < CAST(? AS"
                            " INTEGER) AND id <= (SELECT max(id) FROM incident) - 1000) OR id <= "
                            "(SELECT max(id) FROM incident) - " HISTORY_MAX_TEXT ")"},
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

/* In the first version an incident of which a letter told had the stage 3 (told) or 4 (closing). */
int tw_statetables_migrate(sqlite3 *sql)
{
    static const char *const columns[] = {
        "incident INTEGER",    "acted INTEGER",     "was_open INTEGER", "bad INTEGER",
        "flap_told INTEGER",   "letters INTEGER",   "told_s INTEGER",   "reminds INTEGER",
        "escalated_s INTEGER", "changed_s INTEGER", "opens INTEGER",    "acked_s INTEGER",
        "openings TEXT",       "acked_by TEXT",     "note TEXT"};
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(sql, "PRAGMA user_version", -1, &statement, NULL);
    const bool first = code == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW &&
                       sqlite3_column_int64(statement, 0) == 1;
    sqlite3_finalize(statement);
    if (!first)
        return SQLITE_OK; /* or what is wrong will be told by the next look */
    code = sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; i < TW_COUNT(columns) && code == SQLITE_OK; i++) {
        char *text = tw_format("ALTER TABLE aspect ADD COLUMN %s", columns[i]);
        code = sqlite3_exec(sql, text, NULL, NULL, NULL);
        free(text);
    }
    if (code == SQLITE_OK)
        code = sqlite3_exec(sql,
                            INCIDENT_CREATE
                            "; UPDATE aspect SET letters = stage IN (3, 4),"
                            " was_open = stage >= 2;"
                            /* told now, so that reminders of all do not come at once */
                            "UPDATE aspect SET told_s = CAST(strftime('%s', 'now') AS INTEGER)"
                            " WHERE letters;"
                            "PRAGMA user_version=" TW_STATETABLES_VERSION "; COMMIT",
                            NULL, NULL, NULL);
    if (code != SQLITE_OK)
        sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
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
        .incident = sqlite3_column_int64(row, 9),
        .acted = sqlite3_column_int64(row, 10),
        .was_open = sqlite3_column_int64(row, 11),
        .bad = sqlite3_column_int64(row, 12),
        .flap_told = sqlite3_column_int64(row, 13),
        .letters = sqlite3_column_int64(row, 14),
        .told_s = sqlite3_column_int64(row, 15),
        .reminds = sqlite3_column_int64(row, 16),
        .escalated_s = sqlite3_column_int64(row, 17),
        .changed_s = sqlite3_column_int64(row, 18),
        .opens = sqlite3_column_int64(row, 19),
        .acked_s = sqlite3_column_int64(row, 20),
        .job = column_text(row, 21),
        .code = column_text(row, 22),
        .text = column_text(row, 23),
        .openings = column_text(row, 24),
        .acked_by = column_text(row, 25),
        .note = column_text(row, 26),
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

static void give_incident(sqlite3_stmt *row, const struct tw_state_reader *reader)
{
    const struct tw_state_incident incident = {
        .id = sqlite3_column_int64(row, 0),
        .level = sqlite3_column_int64(row, 1),
        .opened_s = sqlite3_column_int64(row, 2),
        .closed_s = sqlite3_column_int64(row, 3),
        .letters = sqlite3_column_int64(row, 4),
        .opens = sqlite3_column_int64(row, 5),
        .escalated_s = sqlite3_column_int64(row, 6),
        .acked_s = sqlite3_column_int64(row, 7),
        .aspect = column_text(row, 8),
        .text = column_text(row, 9),
        .acked_by = column_text(row, 10),
        .note = column_text(row, 11),
    };
    reader->incident(reader->context, &incident);
}

static void give_value(sqlite3_stmt *row, const struct tw_state_reader *reader)
{
    reader->value(reader->context, column_text(row, 0), column_text(row, 1));
}

static bool is_wanted(const struct tw_state_reader *reader, size_t table)
{
    const bool wanted[TW_CHANGE_TABLES] = {
        [TW_CHANGE_ASPECT] = reader->aspect,
        [TW_CHANGE_JOB] = reader->job,
        [TW_CHANGE_VALUE] = reader->value,
        [TW_CHANGE_INCIDENT] = reader->incident,
    };
    return wanted[table];
}

int tw_statetables_read(sqlite3 *sql, const struct tw_state_reader *reader)
{
    static void (*const give[TW_CHANGE_TABLES])(sqlite3_stmt *, const struct tw_state_reader *) = {
        [TW_CHANGE_ASPECT] = give_aspect,
        [TW_CHANGE_JOB] = give_job,
        [TW_CHANGE_VALUE] = give_value,
        [TW_CHANGE_INCIDENT] = give_incident,
    };
    int code = SQLITE_DONE;
    for (size_t i = 0; i < TW_CHANGE_TABLES && code == SQLITE_DONE; i++) {
        sqlite3_stmt *statement = NULL;
        if (!is_wanted(reader, i))
            continue;
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
