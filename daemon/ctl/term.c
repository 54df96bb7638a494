/* The terminal: is there one, colours, and the line of progress. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/units.h"
#include "ctl/term.h"

enum { PATIENCE_MS = 2000, STEP_MS = 250, NARROWEST = 20, USUAL_WIDTH = 80 };

bool ctl_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

int ctl_terminal_width(int fd)
{
    struct winsize size = {0};
    if (ioctl(fd, TIOCGWINSZ, &size) != 0 || size.ws_col < NARROWEST)
        return USUAL_WIDTH;
    return size.ws_col;
}

/* ---- colours ------------------------------------------------------------------------------ */

static bool is_coloured(void)
{
    const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
    return ctl_is_terminal() && !(no && *no) && term && *term && strcmp(term, "dumb") != 0;
}

const char *ctl_colour(enum ctl_colour colour)
{
    static const char *const codes[] = {[CTL_PLAIN] = "\033[0m",
                                        [CTL_RED] = "\033[31m",
                                        [CTL_GREEN] = "\033[32m",
                                        [CTL_YELLOW] = "\033[33m",
                                        [CTL_BOLD] = "\033[1m"};
    return is_coloured() ? codes[colour] : "";
}

enum ctl_colour ctl_level_colour(enum tw_level level)
{
    static const enum ctl_colour colours[] = {[TW_LEVEL_NONE] = CTL_PLAIN,
                                              [TW_LEVEL_OK] = CTL_GREEN,
                                              [TW_LEVEL_WARN] = CTL_YELLOW,
                                              [TW_LEVEL_FAIL] = CTL_RED,
                                              [TW_LEVEL_UNKNOWN] = CTL_YELLOW};
    return colours[level];
}

/* ---- progress ----------------------------------------------------------------------------- */

void ctl_progress_begin(struct ctl_progress *progress, const char *format, ...)
{
    struct tw_buf what = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&what, format, args);
    va_end(args);
    *progress = (struct ctl_progress){.began_ms = tw_clock_ms()};
    progress->what = tw_escape_new(tw_buf_text(&what), TW_ESCAPE_ASCII, 0);
    tw_buf_free(&what);
}

static void by_loop(void *context)
{
    struct ctl_progress *progress = context;
    ctl_progress_show(progress);
    tw_timer_set(progress->timer, STEP_MS);
}

void ctl_progress_on(struct ctl_progress *progress, struct tw_loop *loop)
{
    progress->timer = tw_timer_new(loop, by_loop, progress);
    tw_timer_set(progress->timer, PATIENCE_MS);
}

/* What reads from a pipe may draw on the same terminal, as less(1) does. */
static bool is_welcome(void)
{
    struct stat out;
    return isatty(STDERR_FILENO) && fstat(STDOUT_FILENO, &out) == 0 && !S_ISFIFO(out.st_mode);
}

void ctl_progress_show(struct ctl_progress *progress)
{
    const int64_t now_ms = tw_clock_ms(), took_ms = now_ms - progress->began_ms;
    if (took_ms < PATIENCE_MS || now_ms - progress->shown_ms < STEP_MS || !is_welcome())
        return;
    struct tw_buf line = {0};
    tw_buf_printf(&line, "toasterctl: %s: %s", progress->what,
                  tw_duration_show(took_ms / 1000).text);
    if (progress->all)
        tw_buf_printf(&line, ", %zu of %zu", progress->done, progress->all);
    else if (progress->done)
        tw_buf_printf(&line, ", %zu so far", progress->done);
    /* A line that wraps could not be taken back. */
    const int room = ctl_terminal_width(STDERR_FILENO) - 1;
    const int width = (int)line.len < room ? (int)line.len : room;
    fprintf(stderr, "\r%.*s%*s", width, line.data,
            progress->width > width ? progress->width - width : 0, "");
    fflush(stderr);
    progress->width = width > progress->width ? width : progress->width;
    progress->shown_ms = now_ms;
    tw_buf_free(&line);
}

void ctl_progress_clear(struct ctl_progress *progress)
{
    if (progress->width == 0)
        return;
    fprintf(stderr, "\r%*s\r", progress->width, "");
    fflush(stderr);
    progress->width = 0;
}

void ctl_progress_end(struct ctl_progress *progress)
{
    ctl_progress_clear(progress);
    if (progress->timer)
        tw_timer_free(&progress->timer);
    free(progress->what);
    progress->what = NULL;
}
