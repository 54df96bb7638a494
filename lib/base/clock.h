/* The clocks. */
#ifndef TW_BASE_CLOCK_H
#define TW_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC, which nobody sets: for how long something takes, and until when
 * it may. */
int64_t tw_clock_ms(void);

/* Nanoseconds of the wall clock, as a file system stamps by it. */
int64_t tw_clock_wall_ns(void);

#endif
