/* What outlives the process: state.db (SQLite) and the outbox directory, below state_dir.
 *
 * Everything is read once, at the start, into the caller's memory. After that the calls below
 * only put the change into a queue in memory and return at once; one background thread writes
 * what gathers within 200 ms: new letters first, then all rows in one transaction, then removes
 * letters, so that a crash in between may repeat a letter but never loses one. A disk that hangs
 * or is full holds up nothing: changes to the same row replace each other in the queue, and the
 * thread tries again, after 1 s doubling to 10 s, until it succeeds; tw_state_trouble tells.
 *
 * Files, all made as needed with exactly these modes:
 *   STATE_DIR/            0711
 *   STATE_DIR/state.db    0600  (with -wal and -shm beside it)
 *   STATE_DIR/lock        0600  job locks
 *   STATE_DIR/last-good.conf 0600
 *   STATE_DIR/tmp/        0700
 *   STATE_DIR/outbox/     0700  one file a letter: ID.letter
 *   STATE_DIR/outbox/tmp/ 0700
 *
 * A database that is damaged (cut short, zeros, another format, another version) is renamed to
 * state.db.damaged-TIME, never deleted, and a fresh one is begun; only the newest three such
 * are kept. Should that happen while the daemon runs, rows come back as they change. If nothing
 * can be had at all (state_dir is read-only, say), the state still works in memory and goes on
 * trying. So it does where state_dir belongs to another user or others can write it: then
 * nothing in it is even read, since it may be planted. Opening never fails. */
#ifndef TW_BASE_STATE_H
#define TW_BASE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

struct tw_state;

#define TW_STATE_HISTORY_MAX 100000

/* One row of the table "aspect": what is remembered of one aspect of one job. Times are Unix
 * seconds, 0: never. The meaning of `level` and `stage` is alert/incident.h's. */
struct tw_state_aspect {
    const char *aspect; /* "service.smtp/log": the key */
    const char *job;    /* "service.smtp" */
    int64_t level, stage;
    int64_t since_s;  /* when it came to this level */
    int64_t opened_s; /* when its incident opened */
    int64_t closed_s;
    int64_t fails, oks, unknowns;            /* counted so far towards a change of stage */
    int64_t incident;                        /* its number in the table "incident"; 0: none */
    int64_t acted, was_open, bad, flap_told; /* 0 or 1 */
    int64_t letters, told_s, reminds, escalated_s, changed_s, opens;
    int64_t acked_s; /* 0: nobody has acknowledged it */
    const char *code, *text;
    const char *openings; /* times, "1795227165 1795227000" */
    const char *acked_by, *note;
};

/* One row of the table "incident": open ones and the history. */
struct tw_state_incident {
    int64_t id;
    const char *aspect;
    int64_t level;              /* as it was when it failed */
    int64_t opened_s, closed_s; /* closed_s 0: it is still on */
    int64_t letters, opens;     /* opens: how often, if it was flapping; else 0 */
    int64_t escalated_s, acked_s;
    const char *text, *acked_by, *note; /* the text is of the failure */
};

/* One row of the table "job". */
struct tw_state_job {
    const char *job;
    int64_t last_start_s, last_end_s;
    const char *memory; /* what the kind remembers, opaque */
};

/* What tw_state_open found. The strings live only during the call. What a NULL stands for is not
 * asked for, and not read. */
struct tw_state_reader {
    void (*aspect)(void *context, const struct tw_state_aspect *row);
    void (*job)(void *context, const struct tw_state_job *row);
    void (*value)(void *context, const char *key, const char *value);
    /* A letter from the outbox, by name (the oldest first, where ids grow with time). Files that
     * are no letters of ours, empty or over 1 MB are left alone and told as trouble. */
    void (*letter)(void *context, const char *id, const char *bytes, size_t length);
    /* Something was wrong and has been dealt with; a sentence for the log and a finding. */
    void (*trouble)(void *context, const char *text);
    void *context;
    /* The oldest first. */
    void (*incident)(void *context, const struct tw_state_incident *row);
};

/* Opens (creates) the state and reads all of it through `reader`. Blocks on the disk. Starts no
 * thread yet. Never fails. With `read_only` nothing is created or changed, and the calls below
 * do nothing (toasterctl beside a daemon). */
struct tw_state *tw_state_open(const char *state_dir, bool read_only,
                               const struct tw_state_reader *reader);

/* Starts the writer. Before this, changes only queue up. Signals are blocked in the thread. Keeps
 * the whole process to one malloc arena, which is all that a program this small needs. */
int tw_state_start(struct tw_state *state, struct tw_error *e);

/* Waits up to `timeout_ms` for all to be written, then ends the thread and frees. A thread that
 * hangs in the disk is left behind (the process is about to exit). False: not all was written. */
bool tw_state_close(struct tw_state **state, int timeout_ms);

/* Changes. Everything is copied. None blocks. */
void tw_state_put_aspect(struct tw_state *state, const struct tw_state_aspect *row);
void tw_state_drop_aspect(struct tw_state *state, const char *aspect);
void tw_state_put_job(struct tw_state *state, const struct tw_state_job *row);
void tw_state_drop_job(struct tw_state *state, const char *job);
void tw_state_put_value(struct tw_state *state, const char *key, const char *value);
void tw_state_drop_value(struct tw_state *state, const char *key);
void tw_state_put_incident(struct tw_state *state, const struct tw_state_incident *row);
/* Forgets what was over before that time, but for the newest thousand (the clock may be wrong), and
 * all but the newest TW_STATE_HISTORY_MAX. */
void tw_state_prune_incidents(struct tw_state *state, int64_t before_s);
/* Writes and removes outbox/ID.letter (tmp, sync, rename). An id is [A-Za-z0-9._-], at most 200
 * bytes, no dot first; with another one nothing is done. */
void tw_state_put_letter(struct tw_state *state, const char *id, const char *bytes, size_t length);
/* Is all on disk that was put before this call returned the number? Cheap. */
int64_t tw_state_mark(struct tw_state *state);
bool tw_state_reached(struct tw_state *state, int64_t mark);
void tw_state_drop_letter(struct tw_state *state, const char *id);
/* Writes last-good.conf. */
void tw_state_put_config(struct tw_state *state, const char *text, size_t length);

/* Is the writer in trouble now? Copies its sentence ("cannot write ...: No space left on
 * device") into `text` and returns true. True once, too, after something was dealt with while
 * running: a damaged or vanished database begun afresh. Cheap; for a periodic look. */
bool tw_state_trouble(struct tw_state *state, char *text, size_t size);

#endif
