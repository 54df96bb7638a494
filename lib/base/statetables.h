/* The tables of state.db: rows out, a queue's changes in. Every function gives SQLite's code. */
#ifndef TW_BASE_STATETABLES_H
#define TW_BASE_STATETABLES_H

#include <sqlite3.h>

#include "base/state.h"
#include "base/statequeue.h"

#define TW_STATETABLES_VERSION "2" /* PRAGMA user_version */

/* Brings the tables of an earlier version up to this one; does nothing to others. */
int tw_statetables_migrate(sqlite3 *sql);

int tw_statetables_create(sqlite3 *sql);
int tw_statetables_check(sqlite3 *sql); /* an error if a table or column is missing */
int tw_statetables_read(sqlite3 *sql, const struct tw_state_reader *reader);
/* One transaction; after an error it may still be open. */
int tw_statetables_write(sqlite3 *sql, const struct tw_statequeue *queue);

#endif
