/* Threads that do the same sort of work on one item after another, for work that mostly waits for
 * a slow file system. Items come back in the order in which they were given. Only in a process
 * that does nothing else: a worker's child. */
#ifndef TW_BASE_CREW_H
#define TW_BASE_CREW_H

#include <stdbool.h>
#include <stddef.h>

struct tw_crew;

/* `work` is called by the threads, for several items at the same time. If fewer threads than asked
 * for can be had, those do it; without any the caller does, when it takes the item back. */
struct tw_crew *tw_crew_new(size_t threads, void (*work)(void *context, void *item), void *context);
/* All items must have been taken back. */
void tw_crew_free(struct tw_crew **crew);

/* So many items are with the threads that one must be taken back before the next is given. */
bool tw_crew_full(const struct tw_crew *crew);
void tw_crew_give(struct tw_crew *crew, void *item);
/* Waits so long, at most, for the oldest item to be done. True: it is, or there is none. */
bool tw_crew_wait(struct tw_crew *crew, int timeout_ms);
/* The oldest item, done; waits for it. NULL: there is none. */
void *tw_crew_take(struct tw_crew *crew);

#endif
