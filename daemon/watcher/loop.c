/* The event loop: libev, and nothing else knows it. */
#include "watcher/loop.h"

#include <ev.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"

struct tw_loop {
    ev_prepare prepare; /* first: libev's pointer is ours */
    struct ev_loop *ev;
    tw_loop_call *before_wait;
    void *context;
};

struct tw_timer {
    ev_timer ev; /* first: libev's pointer is ours */
    struct tw_loop *loop;
    tw_loop_call *call;
    void *context;
};

struct tw_watch {
    ev_io ev;
    struct tw_loop *loop;
    tw_loop_call *call;
    void *context;
};

struct tw_signal {
    ev_signal ev;
    struct tw_loop *loop;
    tw_loop_call *call;
    void *context;
};

struct tw_loop *tw_loop_new(void)
{
    struct ev_loop *ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (!ev)
        return NULL;
    struct tw_loop *loop = tw_alloc(sizeof *loop);
    loop->ev = ev;
    return loop;
}

void tw_loop_free(struct tw_loop **loop)
{
    if (*loop)
        ev_loop_destroy((*loop)->ev);
    free(*loop);
    *loop = NULL;
}

void tw_loop_run(struct tw_loop *loop)
{
    ev_run(loop->ev, 0);
}

void tw_loop_stop(struct tw_loop *loop)
{
    ev_break(loop->ev, EVBREAK_ALL);
}

static void prepare_fired(struct ev_loop *ev, ev_prepare *raw, int events)
{
    (void)ev;
    (void)events;
    const struct tw_loop *loop = (const struct tw_loop *)raw;
    loop->before_wait(loop->context);
}

void tw_loop_before_wait(struct tw_loop *loop, tw_loop_call *call, void *context)
{
    ev_prepare_stop(loop->ev, &loop->prepare);
    loop->before_wait = call;
    loop->context = context;
    ev_prepare_init(&loop->prepare, prepare_fired);
    ev_prepare_start(loop->ev, &loop->prepare);
}

int64_t tw_loop_now_ms(struct tw_loop *loop)
{
    (void)loop;
    return tw_clock_ms();
}

/* ---- timers ------------------------------------------------------------------------------- */

static void timer_fired(struct ev_loop *ev, ev_timer *raw, int events)
{
    (void)ev;
    (void)events;
    const struct tw_timer *timer = (const struct tw_timer *)raw;
    timer->call(timer->context);
}

struct tw_timer *tw_timer_new(struct tw_loop *loop, tw_loop_call *call, void *context)
{
    struct tw_timer *timer = tw_alloc(sizeof *timer);
    *timer = (struct tw_timer){.loop = loop, .call = call, .context = context};
    ev_timer_init(&timer->ev, timer_fired, 0, 0);
    return timer;
}

void tw_timer_set(struct tw_timer *timer, int64_t in_ms)
{
    ev_timer_stop(timer->loop->ev, &timer->ev);
    /* libev reckons from the loop's cached time, which work in this turn has made old. */
    ev_now_update(timer->loop->ev);
    ev_timer_set(&timer->ev, in_ms > 0 ? (double)in_ms / 1000.0 : 0, 0);
    ev_timer_start(timer->loop->ev, &timer->ev);
}

void tw_timer_stop(struct tw_timer *timer)
{
    ev_timer_stop(timer->loop->ev, &timer->ev);
}

bool tw_timer_active(const struct tw_timer *timer)
{
    return ev_is_active(&timer->ev);
}

void tw_timer_free(struct tw_timer **timer)
{
    if (*timer)
        tw_timer_stop(*timer);
    free(*timer);
    *timer = NULL;
}

/* ---- descriptors -------------------------------------------------------------------------- */

static void fd_fired(struct ev_loop *ev, ev_io *raw, int events)
{
    (void)ev;
    (void)events;
    const struct tw_watch *watch = (const struct tw_watch *)raw;
    watch->call(watch->context);
}

struct tw_watch *tw_watch_new(struct tw_loop *loop, int fd, int events, tw_loop_call *call,
                              void *context)
{
    struct tw_watch *watch = tw_alloc(sizeof *watch);
    *watch = (struct tw_watch){.loop = loop, .call = call, .context = context};
    const int wanted =
        (events & TW_LOOP_READ ? EV_READ : 0) | (events & TW_LOOP_WRITE ? EV_WRITE : 0);
    ev_io_init(&watch->ev, fd_fired, fd, wanted);
    ev_io_start(loop->ev, &watch->ev);
    return watch;
}

void tw_watch_free(struct tw_watch **watch)
{
    if (*watch)
        ev_io_stop((*watch)->loop->ev, &(*watch)->ev);
    free(*watch);
    *watch = NULL;
}

/* ---- signals ------------------------------------------------------------------------------ */

static void signal_fired(struct ev_loop *ev, ev_signal *raw, int events)
{
    (void)ev;
    (void)events;
    const struct tw_signal *signal = (const struct tw_signal *)raw;
    signal->call(signal->context);
}

struct tw_signal *tw_signal_new(struct tw_loop *loop, int number, tw_loop_call *call, void *context)
{
    struct tw_signal *signal = tw_alloc(sizeof *signal);
    *signal = (struct tw_signal){.loop = loop, .call = call, .context = context};
    ev_signal_init(&signal->ev, signal_fired, number);
    ev_signal_start(loop->ev, &signal->ev);
    return signal;
}

void tw_signal_free(struct tw_signal **signal)
{
    if (*signal)
        ev_signal_stop((*signal)->loop->ev, &(*signal)->ev);
    free(*signal);
    *signal = NULL;
}
