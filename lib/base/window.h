/* A window of the day, as "01:00-05:00": local time, from the first moment to just before the
 * last. It may cross midnight. */
#ifndef TW_BASE_WINDOW_H
#define TW_BASE_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Minutes after midnight. Both 0 (zeroed memory): there is no window, any time will do. */
struct tw_window {
    int from_min, to_min;
};

/* One occurrence, in Unix seconds: from_s <= t < to_s. */
struct tw_span {
    int64_t from_s, to_s;
};

/* "HH:MM-HH:MM"; "never" is no window. An error says what to write. */
int tw_window_parse(const char *text, struct tw_window *window, struct tw_error *e);
/* One minute's window from a time of day on, "HH:MM": for what is due at that time. */
int tw_window_at_clock(const char *text, struct tw_window *window, struct tw_error *e);
/* As it is read back; nothing for no window. */
void tw_window_write(struct tw_buf *out, const struct tw_window *window);
bool tw_window_any(const struct tw_window *window);

/* The occurrence that `now_s` lies in, or else the next one, in the zone of TZ. Where the clocks go
 * forward over a part of it that part is missing; over all of it, it begins when they have gone and
 * is as long as ever. Where they go back it lasts so much longer. Never empty. With no
 * window: all of time. */
struct tw_span tw_window_at(const struct tw_window *window, int64_t now_s);

#endif
