/* The parent's side of toaster-worker: slots, spawning, deadlines, reaping, frames.
 *
 * What may share a worker waits in one queue and is sent one by one, so that a request that hangs
 * takes none with it: when one takes longer than a moment, another worker (up to the slots) serves
 * the queue, too; and at its deadline it is over for the caller while its worker is ended (TERM to
 * the group, a grace, KILL). One that was only slow serves on: on a busy machine each is, and a new
 * worker for each request would make it busier. A worker that cannot even be killed (a dead NFS
 * mount) no longer holds a slot. What must not share (a delivery, which gives up its rights) has
 * a worker of its own, outside the slots. */
#ifndef TW_WATCHER_WORKER_H
#define TW_WATCHER_WORKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/frame.h"
#include "watcher/loop.h"

enum tw_outcome {
    TW_OUTCOME_DONE,
    TW_OUTCOME_TIMEOUT,   /* no end at its deadline */
    TW_OUTCOME_DIED,      /* the worker ended in the middle, or spoke nonsense */
    TW_OUTCOME_NO_WORKER, /* none could be started */
    TW_OUTCOME_CANCELLED  /* tw_workers_free */
};

struct tw_request {
    struct tw_buf frame; /* the request; taken over by tw_workers_submit */
    int64_t timeout_ms;
    bool alone;       /* in a worker of its own */
    size_t stuck_max; /* alone: not while so many such workers hang; 0: the usual number */
    bool may_last; /* in a queue of its own with two workers: those who keep moving their deadline
                      shall not take all slots */
    size_t reports_max;
    const char *key; /* while a worker given up for the same key, or a child of it, cannot be
                        killed, this ends at once; copied; NULL: none */
    void *context;
    /* It was sent to a worker just now. May be NULL. */
    void (*begun)(void *context);
    /* A frame came. 1: it is the end, 0: go on, 2: go on, and the deadline counts from now, -1:
     * nonsense. */
    int (*report)(void *context, struct tw_frame *frame);
    /* Exactly once. `detail` is a sentence for all but DONE. The request is freed after. */
    void (*ended)(void *context, enum tw_outcome outcome, const char *detail);
};

struct tw_workers;

/* `program` is toaster-worker's path. */
struct tw_workers *tw_workers_new(struct tw_loop *loop, const char *program, size_t slots);
/* Kills what runs, without waiting for it; every open request ends as cancelled. */
void tw_workers_free(struct tw_workers **workers);

/* Queues the request; copies the struct. Never blocks; `ended` is never called before it
 * returns. */
void tw_workers_submit(struct tw_workers *workers, struct tw_request *request);

/* Requests not yet ended; workers that were to end and have not. */
size_t tw_workers_open(const struct tw_workers *workers);
size_t tw_workers_stuck(const struct tw_workers *workers);

/* toaster-worker beside the running program, or in ../libexec/toaster-watcher; the caller frees. */
char *tw_workers_find_program(void);

#endif
