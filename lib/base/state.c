/* The state: reads all at the start, then a queue and one thread that writes it. Knows the order
 * in which things reach the disk; files and tables are statedir.c's and statedb.c's.
 *
 * The order, whatever the calls' was: letters are written before the rows that rest on them, and
 * removed after. A crash in between repeats a letter at worst and never loses one. */
#include "base/state.h"

#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/statedb.h"
#include "base/statedir.h"
#include "base/statequeue.h"

#define GATHER_MS 200
#define RETRY_MIN_MS 1000
#define RETRY_MAX_MS 10000
#define RETRY_CLOSING_MS 100
#define GIVE_UP_MS 200 /* what a writer that is not stuck needs to end */
#define STACK_BYTES ((size_t)256 * 1024)

struct tw_state {
    char *dir;
    bool read_only;
    pthread_t thread;
    bool started;

    /* The writer's alone once it runs. */
    struct tw_statedb *db; /* NULL: to be opened */
    bool filled;           /* the directories are there, as far as we know */
    bool used;             /* there has been a database: that there is none now needs a word */

    pthread_mutex_t mutex; /* holds all below; never held while the disk is touched */
    pthread_cond_t wake;   /* for the writer: something to do, or flags changed */
    pthread_cond_t over;   /* for tw_state_close: the writer has ended */
    struct tw_statequeue queue;
    size_t in_flight;     /* changes that the writer has taken and not yet written */
    int64_t put, written; /* changes so far; of those, so many first ones are on disk */
    bool closing;         /* write what there is, at once, and end */
    bool give_up;         /* end */
    bool ended;
    bool abandoned;          /* nobody waits: the writer frees the state itself */
    struct tw_error trouble; /* "": none */
    struct tw_error note;    /* what was dealt with, to be told once */
};

/* ---- opening ---- */

static void tell(const struct tw_state_reader *reader, const struct tw_error *e)
{
    if (reader->trouble)
        reader->trouble(reader->context, e->text);
}

static int set_aside(const struct tw_state *state, struct tw_error *note, struct tw_error *e)
{
    char *name = NULL;
    const struct tw_error why = *e;
    const int result = tw_statedir_set_aside(state->dir, time(NULL), &name, e);
    if (result == 0)
        tw_fail(note, "%.350s; it was set aside as %s, what it held is forgotten", why.text, name);
    free(name);
    return result;
}

/* Opens the database to write; a damaged one is set aside first and told in `note`. */
static int open_database(struct tw_state *state, struct tw_error *note, struct tw_error *e)
{
    bool fresh = false;
    int result = tw_statedb_open(state->dir, false, &state->db, &fresh, e);
    if (result == TW_STATEDB_DAMAGED)
        result = set_aside(state, note, e) == 0
                     ? tw_statedb_open(state->dir, false, &state->db, &fresh, e)
                     : -1;
    if (result != 0)
        return -1;
    if (fresh && state->used && !*note->text)
        tw_fail(note, "%s/state.db was missing; what it held is forgotten", state->dir);
    state->used = true;
    return 0;
}

/* Reads what is there without changing it. */
static void read_database(const struct tw_state *state, const struct tw_state_reader *reader)
{
    struct tw_error e;
    struct tw_statedb *db = NULL;
    bool fresh = false;
    if (tw_statedb_open(state->dir, true, &db, &fresh, &e) != 0 ||
        (db && tw_statedb_read(db, reader, &e) != 0))
        tell(reader, &e);
    tw_statedb_close(&db);
}

static void open_to_read(const struct tw_state *state, const struct tw_state_reader *reader)
{
    struct tw_error e;
    if (tw_statedir_check(state->dir, &e) == 0) {
        read_database(state, reader);
        tw_statedir_read_letters(state->dir, reader);
    } else if (errno != ENOENT) {
        tell(reader, &e);
    }
}

static void open_to_write(struct tw_state *state, const struct tw_state_reader *reader)
{
    struct tw_error e, note = {0};
    if (tw_statedir_make(state->dir, &e) != 0) {
        tell(reader, &e);
        return;
    }
    state->used = tw_statedir_used(state->dir);
    state->filled = tw_statedir_fill(state->dir, &e) == 0;
    if (!state->filled)
        tell(reader, &e);
    tw_statedir_clean(state->dir);
    if (open_database(state, &note, &e) != 0) {
        /* A full or read-only disk can still be read. */
        tell(reader, &e);
        if (!*note.text)
            read_database(state, reader);
    } else if (tw_statedb_read(state->db, reader, &e) != 0) {
        tell(reader, &e);
        tw_statedb_close(&state->db);
    }
    if (*note.text)
        tell(reader, &note);
    tw_statedir_read_letters(state->dir, reader);
}

struct tw_state *tw_state_open(const char *state_dir, bool read_only,
                               const struct tw_state_reader *reader)
{
    struct tw_state *state = tw_alloc(sizeof *state);
    state->dir = tw_strdup(state_dir);
    state->read_only = read_only;
    pthread_mutex_init(&state->mutex, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&state->wake, &monotonic);
    pthread_cond_init(&state->over, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (read_only)
        open_to_read(state, reader);
    else
        open_to_write(state, reader);
    return state;
}

static void destroy(struct tw_state *state)
{
    tw_statedb_close(&state->db);
    tw_statequeue_free(&state->queue);
    pthread_cond_destroy(&state->wake);
    pthread_cond_destroy(&state->over);
    pthread_mutex_destroy(&state->mutex);
    free(state->dir);
    free(state);
}

/* ---- the writer ---- */

static int make_directories(struct tw_state *state, struct tw_error *e)
{
    if (state->db && state->filled)
        return 0;
    state->filled = tw_statedir_make(state->dir, e) == 0 && tw_statedir_fill(state->dir, e) == 0;
    return state->filled ? 0 : -1;
}

static int write_files(struct tw_state *state, const struct tw_statequeue *batch, bool drop,
                       struct tw_error *e)
{
    for (size_t i = 0; i < batch->count; i++) {
        struct tw_change *change = batch->items[i];
        if (change->kind < TW_CHANGE_TABLES || change->drop != drop || change->done)
            continue;
        if (tw_statedir_write(state->dir, change, e) != 0) {
            state->filled = false;
            return -1;
        }
        change->done = true;
    }
    return 0;
}

static int write_rows(struct tw_state *state, const struct tw_statequeue *batch,
                      struct tw_error *note, struct tw_error *e)
{
    if (!state->db && open_database(state, note, e) != 0)
        return -1;
    return tw_statedb_write(&state->db, batch, e);
}

static int write_batch(struct tw_state *state, const struct tw_statequeue *batch,
                       struct tw_error *note, struct tw_error *e)
{
    if (state->db && tw_statedb_moved(state->db))
        tw_statedb_close(&state->db);
    if (make_directories(state, e) != 0 || write_files(state, batch, false, e) != 0 ||
        write_rows(state, batch, note, e) != 0)
        return -1;
    return write_files(state, batch, true, e);
}

static struct timespec after_ms(int ms)
{
    struct timespec when;
    clock_gettime(CLOCK_MONOTONIC, &when);
    when.tv_sec += ms / 1000;
    when.tv_nsec += (long)(ms % 1000) * 1000000;
    if (when.tv_nsec >= 1000000000) {
        when.tv_sec++;
        when.tv_nsec -= 1000000000;
    }
    return when;
}

/* Lets time pass, or until the flag is set. With the mutex held. */
static void wait_flag(struct tw_state *state, pthread_cond_t *changed, const bool *flag, int ms)
{
    const struct timespec until = after_ms(ms);
    int result = 0;
    while (!*flag && result != ETIMEDOUT)
        result = pthread_cond_timedwait(changed, &state->mutex, &until);
}

/* Waits for changes and gathers more of them. False: it is time to end. */
static bool wait_for_work(struct tw_state *state)
{
    while (state->queue.count == 0 && !state->closing)
        pthread_cond_wait(&state->wake, &state->mutex);
    wait_flag(state, &state->wake, &state->closing, GATHER_MS);
    return state->queue.count > 0 && !state->give_up;
}

/* Tries to write all that waits; what could not be written waits on. With the mutex held, but
 * for the time in the disk. */
static int write_queue(struct tw_state *state)
{
    struct tw_error e = {0}, note = {0};
    struct tw_statequeue batch = state->queue;
    state->queue = (struct tw_statequeue){0};
    state->in_flight = batch.count;
    const int64_t taken = state->put;
    pthread_mutex_unlock(&state->mutex);
    const int result = write_batch(state, &batch, &note, &e);
    pthread_mutex_lock(&state->mutex);
    state->in_flight = 0;
    state->queue = tw_statequeue_join(&batch, &state->queue);
    state->trouble = e;
    if (result == 0) {
        state->trouble = (struct tw_error){0};
        state->written = taken;
    }
    if (*note.text)
        state->note = note;
    return result;
}

static void write_until_closed(struct tw_state *state)
{
    int retry_ms = RETRY_MIN_MS;
    while (wait_for_work(state)) {
        if (write_queue(state) == 0) {
            retry_ms = RETRY_MIN_MS;
        } else if (state->closing) {
            wait_flag(state, &state->wake, &state->give_up, RETRY_CLOSING_MS);
        } else {
            wait_flag(state, &state->wake, &state->closing, retry_ms);
            retry_ms = retry_ms * 2 < RETRY_MAX_MS ? retry_ms * 2 : RETRY_MAX_MS;
        }
    }
}

static void *writer(void *argument)
{
    struct tw_state *state = argument;
    pthread_mutex_lock(&state->mutex);
    write_until_closed(state);
    pthread_mutex_unlock(&state->mutex);
    tw_statedb_close(&state->db);
    pthread_mutex_lock(&state->mutex);
    state->ended = true;
    const bool abandoned = state->abandoned;
    pthread_cond_signal(&state->over);
    pthread_mutex_unlock(&state->mutex);
    if (abandoned)
        destroy(state);
    return NULL;
}

int tw_state_start(struct tw_state *state, struct tw_error *e)
{
    if (state->read_only)
        return 0;
    /* A second arena would cost this small thread's process more than its lock saves. */
    mallopt(M_ARENA_MAX, 1);
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, STACK_BYTES);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&state->thread, &attributes, writer, state);
    state->started = errno == 0;
    if (!state->started)
        tw_fail_errno(e, "cannot start the thread that writes %s", state->dir);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return state->started ? 0 : -1;
}

/* With the mutex held. Whether the writer has ended. */
static bool end_writer(struct tw_state *state, int timeout_ms)
{
    state->closing = true;
    pthread_cond_signal(&state->wake);
    wait_flag(state, &state->over, &state->ended, timeout_ms);
    state->give_up = true;
    pthread_cond_signal(&state->wake);
    wait_flag(state, &state->over, &state->ended, GIVE_UP_MS);
    return state->ended;
}

bool tw_state_close(struct tw_state **state_at, int timeout_ms)
{
    struct tw_state *state = *state_at;
    *state_at = NULL;
    if (!state)
        return true;
    pthread_mutex_lock(&state->mutex);
    const bool ended = !state->started || end_writer(state, timeout_ms);
    const bool all_written = state->queue.count + state->in_flight == 0;
    if (!ended) {
        state->abandoned = true;
        pthread_detach(state->thread);
    }
    pthread_mutex_unlock(&state->mutex);
    if (!ended)
        return all_written;
    if (state->started)
        pthread_join(state->thread, NULL);
    destroy(state);
    return all_written;
}

/* ---- changes ---- */

/* Takes the change over. */
static void queue_change(struct tw_state *state, struct tw_change *change)
{
    pthread_mutex_lock(&state->mutex);
    tw_statequeue_add(&state->queue, change);
    state->put++;
    if (state->queue.count == 1)
        pthread_cond_signal(&state->wake);
    pthread_mutex_unlock(&state->mutex);
}

void tw_state_put_aspect(struct tw_state *state, const struct tw_state_aspect *row)
{
    if (!state->read_only)
        queue_change(state, tw_change_aspect(row));
}

void tw_state_drop_aspect(struct tw_state *state, const char *aspect)
{
    if (!state->read_only)
        queue_change(state, tw_change_drop(TW_CHANGE_ASPECT, aspect));
}

void tw_state_put_job(struct tw_state *state, const struct tw_state_job *row)
{
    if (!state->read_only)
        queue_change(state, tw_change_job(row));
}

void tw_state_drop_job(struct tw_state *state, const char *job)
{
    if (!state->read_only)
        queue_change(state, tw_change_drop(TW_CHANGE_JOB, job));
}

void tw_state_put_value(struct tw_state *state, const char *key, const char *value)
{
    if (!state->read_only)
        queue_change(state, tw_change_bytes(TW_CHANGE_VALUE, key, value, strlen(value)));
}

void tw_state_drop_value(struct tw_state *state, const char *key)
{
    if (!state->read_only)
        queue_change(state, tw_change_drop(TW_CHANGE_VALUE, key));
}

void tw_state_put_incident(struct tw_state *state, const struct tw_state_incident *row)
{
    if (!state->read_only)
        queue_change(state, tw_change_incident(row));
}

void tw_state_prune_incidents(struct tw_state *state, int64_t before_s)
{
    char key[24];
    snprintf(key, sizeof key, " %" PRId64, before_s); /* an incident's key has no blank */
    if (!state->read_only)
        queue_change(state, tw_change_drop(TW_CHANGE_INCIDENT, key));
}

int64_t tw_state_mark(struct tw_state *state)
{
    pthread_mutex_lock(&state->mutex);
    const int64_t mark = state->put;
    pthread_mutex_unlock(&state->mutex);
    return mark;
}

bool tw_state_reached(struct tw_state *state, int64_t mark)
{
    pthread_mutex_lock(&state->mutex);
    const bool reached = state->written >= mark || state->read_only;
    pthread_mutex_unlock(&state->mutex);
    return reached;
}

void tw_state_put_letter(struct tw_state *state, const char *id, const char *bytes, size_t length)
{
    if (!state->read_only && tw_statedir_id_valid(id))
        queue_change(state, tw_change_bytes(TW_CHANGE_LETTER, id, bytes, length));
}

void tw_state_drop_letter(struct tw_state *state, const char *id)
{
    if (!state->read_only && tw_statedir_id_valid(id))
        queue_change(state, tw_change_drop(TW_CHANGE_LETTER, id));
}

void tw_state_put_config(struct tw_state *state, const char *text, size_t length)
{
    if (!state->read_only)
        queue_change(state, tw_change_bytes(TW_CHANGE_CONFIG, "", text, length));
}

bool tw_state_trouble(struct tw_state *state, char *text, size_t size)
{
    pthread_mutex_lock(&state->mutex);
    struct tw_error *what = *state->trouble.text ? &state->trouble : &state->note;
    const bool any = *what->text != '\0';
    snprintf(text, size, "%s", what->text);
    if (what == &state->note)
        *what = (struct tw_error){0};
    pthread_mutex_unlock(&state->mutex);
    return any;
}
