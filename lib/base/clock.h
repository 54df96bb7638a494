/* The clock that nobody sets. */
#ifndef TW_BASE_CLOCK_H
#define TW_BASE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC: for how long something takes, and until when it may. */
int64_t tw_clock_ms(void);

#endif
