/* A ring of items: from `first` to `next` they are being worked at or done, from `next` to `end`
 * they wait for a thread. */
#include "base/crew.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "base/mem.h"

enum { ROOM = 8 /* items for each thread */, STACK_BYTES = 512 * 1024 };

struct slot {
    void *item;
    bool done;
};

struct tw_crew {
    void (*work)(void *context, void *item);
    void *context;
    pthread_mutex_t mutex;
    pthread_cond_t wanted, done;
    pthread_t *threads;
    size_t thread_count;
    struct slot *ring;
    size_t room, first, next, end; /* counted on without end; modulo room they are places */
    bool over;
};

static void *run(void *argument)
{
    struct tw_crew *c = argument;
    pthread_mutex_lock(&c->mutex);
    for (;;) {
        while (c->next == c->end && !c->over)
            pthread_cond_wait(&c->wanted, &c->mutex);
        if (c->next == c->end)
            break;
        struct slot *slot = &c->ring[c->next++ % c->room];
        pthread_mutex_unlock(&c->mutex);
        c->work(c->context, slot->item);
        pthread_mutex_lock(&c->mutex);
        slot->done = true;
        if (slot == &c->ring[c->first % c->room])
            pthread_cond_signal(&c->done);
    }
    pthread_mutex_unlock(&c->mutex);
    return NULL;
}

static void start_threads(struct tw_crew *c, size_t count)
{
    pthread_attr_t attr;
    sigset_t all, before;
    (void)mallopt(M_ARENA_MAX, 2); /* one for each thread would reserve 64 MB of addresses each */
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    c->threads = tw_alloc(count * sizeof *c->threads);
    while (c->thread_count < count &&
           pthread_create(&c->threads[c->thread_count], &attr, run, c) == 0)
        c->thread_count++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
}

struct tw_crew *tw_crew_new(size_t threads, void (*work)(void *context, void *item), void *context)
{
    struct tw_crew *c = tw_alloc(sizeof *c);
    c->work = work;
    c->context = context;
    c->room = ROOM * (threads ? threads : 1);
    c->ring = tw_alloc(c->room * sizeof *c->ring);
    pthread_mutex_init(&c->mutex, NULL);
    pthread_cond_init(&c->wanted, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->done, &monotonic);
    pthread_condattr_destroy(&monotonic);
    start_threads(c, threads ? threads : 1);
    return c;
}

void tw_crew_free(struct tw_crew **crew)
{
    struct tw_crew *c = *crew;
    *crew = NULL;
    if (!c)
        return;
    pthread_mutex_lock(&c->mutex);
    c->over = true;
    pthread_cond_broadcast(&c->wanted);
    pthread_mutex_unlock(&c->mutex);
    for (size_t i = 0; i < c->thread_count; i++)
        pthread_join(c->threads[i], NULL);
    pthread_cond_destroy(&c->wanted);
    pthread_cond_destroy(&c->done);
    pthread_mutex_destroy(&c->mutex);
    free(c->threads);
    free(c->ring);
    free(c);
}

bool tw_crew_full(const struct tw_crew *crew)
{
    return crew->end - crew->first == crew->room; /* the caller's own counts */
}

void tw_crew_give(struct tw_crew *crew, void *item)
{
    pthread_mutex_lock(&crew->mutex);
    crew->ring[crew->end++ % crew->room] = (struct slot){item, false};
    pthread_cond_signal(&crew->wanted);
    pthread_mutex_unlock(&crew->mutex);
}

bool tw_crew_wait(struct tw_crew *crew, int timeout_ms)
{
    struct timespec until;
    if (crew->first == crew->end || crew->thread_count == 0)
        return true;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000L;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    const struct slot *slot = &crew->ring[crew->first % crew->room];
    pthread_mutex_lock(&crew->mutex);
    while (!slot->done && pthread_cond_timedwait(&crew->done, &crew->mutex, &until) == 0)
        ;
    const bool done = slot->done;
    pthread_mutex_unlock(&crew->mutex);
    return done;
}

void *tw_crew_take(struct tw_crew *crew)
{
    if (crew->first == crew->end)
        return NULL;
    struct slot *slot = &crew->ring[crew->first % crew->room];
    if (crew->thread_count == 0) {
        crew->next++;
        crew->work(crew->context, slot->item);
    } else {
        pthread_mutex_lock(&crew->mutex);
        while (!slot->done)
            pthread_cond_wait(&crew->done, &crew->mutex);
        pthread_mutex_unlock(&crew->mutex);
    }
    pthread_mutex_lock(&crew->mutex);
    crew->first++;
    pthread_mutex_unlock(&crew->mutex);
    return slot->item;
}
