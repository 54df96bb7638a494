/* What toasterctl shows on a terminal and never in a pipe, where scripts read: colours, columns as
 * wide as what stands in them, and progress. */
#ifndef TW_CTL_TERM_H
#define TW_CTL_TERM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "kinds/kind.h"
#include "watcher/loop.h"

bool ctl_is_terminal(void); /* standard output */
int ctl_terminal_width(int fd);

/* ---- colours ------------------------------------------------------------------------------ */

enum ctl_colour { CTL_PLAIN, CTL_RED, CTL_GREEN, CTL_YELLOW, CTL_BOLD };

/* What begins a colour; CTL_PLAIN ends it. "" where standard output is no terminal, TERM is "dumb"
 * or NO_COLOR is set (no-color.org). */
const char *ctl_colour(enum ctl_colour colour);
/* ok is green, fail red, warn and unknown yellow. */
enum ctl_colour ctl_level_colour(enum tw_level level);

/* ---- tables ------------------------------------------------------------------------------- */

struct ctl_column {
    const char *title;
    int width;  /* in a pipe: filled up to so many bytes; on a terminal: as the widest needs it */
    bool right; /* numbers */
};

/* Rows of cells, two blanks between them, the last of a row not filled up. In a pipe a row is
 * printed as it ends; on a terminal all are by ctl_table_end, and a last column that is too wide
 * for the terminal goes on below itself. */
struct ctl_table {
    int indent;   /* blanks before each row */
    size_t tight; /* only one blank before this column; 0: none */
    /* The rest is its own: */
    const struct ctl_column *columns;
    size_t count;
    struct ctl_cell *cells; /* of all rows that are not printed yet */
    size_t cell_count;
};

/* Sets all of it; `indent` and `tight` may be set after. The columns are borrowed. */
void ctl_table_begin(struct ctl_table *table, const struct ctl_column *columns, size_t count);
void ctl_table_titles(struct ctl_table *table); /* a row of them */
/* The next cell of the row: what comes from outside is escaped here. */
void ctl_table_add(struct ctl_table *table, enum ctl_colour colour, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void ctl_table_row(struct ctl_table *table); /* it ends; the cells at its end may be left out */
void ctl_table_end(struct ctl_table *table); /* prints what is not printed yet, and frees */

/* Prints words from column `indent` on (where the cursor is), in lines that end before `width`. */
void ctl_put_folded(FILE *to, const char *text, int indent, int width);

/* ---- progress ----------------------------------------------------------------------------- */

/* One line on standard error, if that is a terminal and standard output no pipe, about what has
 * taken two seconds already: "toasterctl: mailboxes: 4s, 1200 so far". Gone without a trace at its
 * end. */
struct ctl_progress {
    char *what;
    size_t done, all; /* set at will: "3 of 12"; all 0: "3 so far"; done 0, too: nothing */
    int64_t began_ms, shown_ms;
    int width; /* of the line that stands there; 0: none */
    struct tw_timer *timer;
};

void ctl_progress_begin(struct ctl_progress *progress, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The loop shows it from now on, until it ends, which must be before the loop is freed. */
void ctl_progress_on(struct ctl_progress *progress, struct tw_loop *loop);
/* Without a loop: called a few times a second while it goes on. */
void ctl_progress_show(struct ctl_progress *progress);
/* Before anything is printed; the line comes back by itself. */
void ctl_progress_clear(struct ctl_progress *progress);
void ctl_progress_end(struct ctl_progress *progress);

#endif
