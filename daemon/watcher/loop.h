/* The event loop. loop.c is the only file that knows libev; all else sees these few calls.
 * Calls come from tw_loop_run, one at a time. A watch or timer may free itself and any other in
 * its call. */
#ifndef TW_WATCHER_LOOP_H
#define TW_WATCHER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct tw_loop;
struct tw_timer;
struct tw_watch;
struct tw_signal;

typedef void tw_loop_call(void *context);

enum { TW_LOOP_READ = 1, TW_LOOP_WRITE = 2 };

struct tw_loop *tw_loop_new(void); /* NULL: the system has none to give */
void tw_loop_free(struct tw_loop **loop);
void tw_loop_run(struct tw_loop *loop); /* until tw_loop_stop */
void tw_loop_stop(struct tw_loop *loop);
/* Called each time before the loop waits; one such call at most. */
void tw_loop_before_wait(struct tw_loop *loop, tw_loop_call *call, void *context);
int64_t tw_loop_now_ms(struct tw_loop *loop); /* monotonic, as it is at this moment */

/* Timers are off until set; a set timer calls once. Setting again moves it. */
struct tw_timer *tw_timer_new(struct tw_loop *loop, tw_loop_call *call, void *context);
void tw_timer_set(struct tw_timer *timer, int64_t in_ms); /* 0 or less: at once */
void tw_timer_stop(struct tw_timer *timer);
bool tw_timer_active(const struct tw_timer *timer);
void tw_timer_free(struct tw_timer **timer);

/* A descriptor, which stays the caller's and must outlive the watch. */
struct tw_watch *tw_watch_new(struct tw_loop *loop, int fd, int events, tw_loop_call *call,
                              void *context);
void tw_watch_free(struct tw_watch **watch);

struct tw_signal *tw_signal_new(struct tw_loop *loop, int number, tw_loop_call *call,
                                void *context);
void tw_signal_free(struct tw_signal **signal);

#endif
