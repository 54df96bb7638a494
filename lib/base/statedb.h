/* state.db: the tables, and whether the file is sound. Knows SQLite; nothing of threads, of the
 * queue's making, or of what the rows mean. All of it blocks on the disk. */
#ifndef TW_BASE_STATEDB_H
#define TW_BASE_STATEDB_H

#include <stdbool.h>

#include "base/error.h"
#include "base/state.h"
#include "base/statequeue.h"

#define TW_STATEDB_DAMAGED 1

struct tw_statedb;

/* Opens DIR/state.db and looks whether it is sound; makes it (0600) if there is none, and says so
 * in *fresh. With `read_only` nothing is made or changed, and where there is none *db is NULL.
 * 0; TW_STATEDB_DAMAGED: what is there will never be good, set it aside; -1: not now (no right,
 * no space, locked). The error says why in both cases. */
int tw_statedb_open(const char *dir, bool read_only, struct tw_statedb **db, bool *fresh,
                    struct tw_error *e);
void tw_statedb_close(struct tw_statedb **db);

/* Gives all rows to the reader. */
int tw_statedb_read(struct tw_statedb *db, const struct tw_state_reader *reader,
                    struct tw_error *e);

/* Writes the queue's rows in one transaction and marks them done. After a failure that is not
 * mended by waiting, *db is closed and NULL. */
int tw_statedb_write(struct tw_statedb **db, const struct tw_statequeue *queue, struct tw_error *e);

/* Is the open file no longer the one at its path (removed, renamed, restored)? */
bool tw_statedb_moved(struct tw_statedb *db);

#endif
