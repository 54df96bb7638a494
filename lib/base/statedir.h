/* The directories and small files below state_dir: who may own them, what is left over in them,
 * letters, and where a damaged database goes. All of it blocks on the disk. */
#ifndef TW_BASE_STATEDIR_H
#define TW_BASE_STATEDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "base/error.h"
#include "base/state.h"
#include "base/statequeue.h"

/* Is the directory ours, and writable by no one else? Otherwise its content may be planted, and
 * nothing in it is to be read or written. -1 with errno ENOENT if there is none. */
int tw_statedir_check(const char *dir, struct tw_error *e);

/* Makes what is missing, DIR itself first (its parents must exist), then checks it. */
int tw_statedir_make(const char *dir, struct tw_error *e);

/* Makes the directories below DIR. */
int tw_statedir_fill(const char *dir, struct tw_error *e);

/* Was DIR in use by us before? */
bool tw_statedir_used(const char *dir);

/* Removes what a crash left in tmp/ and outbox/tmp/. */
void tw_statedir_clean(const char *dir);

bool tw_statedir_id_valid(const char *id);
void tw_statedir_read_letters(const char *dir, const struct tw_state_reader *reader);

/* Writes a letter or a configuration, or removes a letter. */
int tw_statedir_write(const char *dir, const struct tw_change *change, struct tw_error *e);

/* Renames state.db, -wal and -shm to state.db.damaged-TIME…; removes all such but the newest
 * three. *name is the new name, the caller's to free. */
int tw_statedir_set_aside(const char *dir, time_t now, char **name, struct tw_error *e);

#endif
