/* Long work that gives way to all else. */
#ifndef TW_BASE_GENTLE_H
#define TW_BASE_GENTLE_H

/* For a child that works long: from now on this process has the lowest priority for processor
 * and disk, and as much processor time as its hard limit allows. What the system refuses is left
 * as it is. */
void tw_gentle(void);

#endif
