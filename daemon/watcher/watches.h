/* What speaks before the schedule does: the end of a process (a pidfd, readable since Linux 5.3
 * when the process ends) and changes in a directory (one inotify descriptor for all).
 *
 * Each job has a set. A run says anew what it wants watched; what is in the set and not said again
 * is dropped at the end of the run. */
#ifndef TW_WATCHER_WATCHES_H
#define TW_WATCHER_WATCHES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "watcher/loop.h"

struct tw_watches;
struct tw_watch_set;

/* `fired` is called with a set's owner when something it watches has spoken. `proc_root` is where
 * a pid's start time is looked up, to be sure that it is still the same process. */
struct tw_watches *tw_watches_new(struct tw_loop *loop, const char *proc_root,
                                  void (*fired)(void *owner));
void tw_watches_free(struct tw_watches **watches); /* after all its sets */

struct tw_watch_set *tw_watch_set_new(struct tw_watches *watches, void *owner);
void tw_watch_set_free(struct tw_watch_set **set);

void tw_watch_set_begin(struct tw_watch_set *set);
/* A process that is gone already fires at once (from the loop). Where no descriptor can be had
 * the schedule alone looks after it. */
void tw_watch_set_pid(struct tw_watch_set *set, pid_t pid, uint64_t start_ticks);
/* `name` NULL: entries that come and go; else that one name. A directory that is not there is not
 * watched: the next run tries again. */
void tw_watch_set_dir(struct tw_watch_set *set, const char *directory, const char *name);
void tw_watch_set_end(struct tw_watch_set *set);

#endif
