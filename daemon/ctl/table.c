/* Tables: in a pipe rows of fixed widths, on a terminal columns as wide as what stands in them. */
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/buf.h"
#include "base/escape.h"
#include "base/mem.h"
#include "ctl/term.h"

enum { ROOM_MIN = 20 }; /* a column narrower than this is not worth folding */

struct ctl_cell {
    char *text; /* escaped; NULL: the row ends */
    enum ctl_colour colour;
    int width; /* columns on a terminal */
};

/* ---- widths ------------------------------------------------------------------------------- */

/* How many columns the text takes on a terminal. It is UTF-8 whatever the locale is. */
static int width_of(const char *text, size_t length, locale_t utf8)
{
    int width = 0;
    const locale_t before = uselocale(utf8);
    for (mbstate_t state = {0}; length > 0;) {
        wchar_t c;
        const size_t took = mbrtowc(&c, text, length, &state);
        if (took == 0 || took > length)
            break; /* cannot be: it is escaped */
        width += wcwidth(c) > 0 ? wcwidth(c) : 0;
        text += took;
        length -= took;
    }
    uselocale(before);
    return width;
}

static locale_t new_utf8(void)
{
    const locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return utf8 ? utf8 : newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
}

void ctl_put_folded(FILE *to, const char *text, int indent, int width)
{
    const locale_t utf8 = new_utf8();
    int column = indent;
    for (bool first = true; *text; first = false) {
        const size_t blanks = strspn(text, " "), word = strcspn(text + blanks, " ");
        const int needs = width_of(text + blanks, word, utf8);
        if (!first && column + (int)blanks + needs > width) {
            fprintf(to, "\n%*s", indent, "");
            column = indent;
        } else {
            fprintf(to, "%*s", (int)blanks, "");
            column += (int)blanks;
        }
        fwrite(text + blanks, 1, word, to);
        column += needs;
        text += blanks + word;
    }
    freelocale(utf8);
}

/* ---- rows --------------------------------------------------------------------------------- */

void ctl_table_begin(struct ctl_table *table, const struct ctl_column *columns, size_t count)
{
    *table = (struct ctl_table){.columns = columns, .count = count};
}

static struct ctl_cell *new_cell(struct ctl_table *table)
{
    /* Grown at powers of two. */
    if ((table->cell_count & (table->cell_count - 1)) == 0)
        table->cells = tw_realloc_array(table->cells, table->cell_count ? table->cell_count * 2 : 1,
                                        sizeof *table->cells);
    struct ctl_cell *cell = &table->cells[table->cell_count++];
    *cell = (struct ctl_cell){0};
    return cell;
}

void ctl_table_add(struct ctl_table *table, enum ctl_colour colour, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    struct ctl_cell *cell = new_cell(table);
    cell->text = tw_escape_new(tw_buf_text(&text), TW_ESCAPE_LINE, 0);
    cell->colour = colour;
    tw_buf_free(&text);
}

static void clear_cells(struct ctl_table *table)
{
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    table->cells = NULL;
    table->cell_count = 0;
}

static void put_gap(const struct ctl_table *table, size_t column)
{
    const int blanks = column == 0 ? table->indent : column == table->tight ? 1 : 2;
    printf("%*s", blanks, "");
}

/* ---- in a pipe ---------------------------------------------------------------------------- */

static void print_fixed(const struct ctl_table *table)
{
    for (size_t i = 0; i < table->cell_count; i++) {
        const struct ctl_column *column = &table->columns[i];
        const bool last = i + 1 == table->cell_count;
        put_gap(table, i);
        if (column->right)
            printf("%*s", column->width, table->cells[i].text);
        else
            printf("%-*s", last ? 0 : column->width, table->cells[i].text);
    }
    printf("\n");
}

void ctl_table_row(struct ctl_table *table)
{
    if (!ctl_is_terminal()) {
        print_fixed(table);
        clear_cells(table);
        return;
    }
    new_cell(table);
}

void ctl_table_titles(struct ctl_table *table)
{
    for (size_t i = 0; i < table->count; i++)
        ctl_table_add(table, CTL_BOLD, "%s", table->columns[i].title);
    ctl_table_row(table);
}

/* ---- on a terminal ------------------------------------------------------------------------ */

/* Every cell's width; `widths` are those of the columns. */
static void measure(struct ctl_table *table, int *widths)
{
    const locale_t utf8 = new_utf8();
    for (size_t i = 0, column = 0; i < table->cell_count; i++) {
        struct ctl_cell *cell = &table->cells[i];
        if (!cell->text) {
            column = 0;
            continue;
        }
        cell->width = width_of(cell->text, strlen(cell->text), utf8);
        if (cell->width > widths[column])
            widths[column] = cell->width;
        column++;
    }
    freelocale(utf8);
}

/* `room`: columns of the terminal. */
static void put_cell(const struct ctl_table *table, const struct ctl_cell *cell, size_t column,
                     int width, int at, int room)
{
    const bool last = !cell[1].text;
    const int fill = width > cell->width ? width - cell->width : 0;
    printf("%*s%s", table->columns[column].right ? fill : 0, "",
           cell->colour == CTL_PLAIN ? "" : ctl_colour(cell->colour));
    if (last && at + cell->width > room && room - at >= ROOM_MIN)
        ctl_put_folded(stdout, cell->text, at, room);
    else
        fputs(cell->text, stdout);
    printf("%s%*s", cell->colour == CTL_PLAIN ? "" : ctl_colour(CTL_PLAIN),
           last || table->columns[column].right ? 0 : fill, "");
}

void ctl_table_end(struct ctl_table *table)
{
    int *widths = tw_alloc(table->count * sizeof *widths);
    const int room = ctl_terminal_width(STDOUT_FILENO);
    int at = 0;
    measure(table, widths);
    for (size_t i = 0, column = 0; i < table->cell_count; i++) {
        if (!table->cells[i].text) {
            printf("\n");
            column = 0;
            at = 0;
            continue;
        }
        put_gap(table, column);
        at += column == 0 ? table->indent : column == table->tight ? 1 : 2;
        put_cell(table, &table->cells[i], column, widths[column], at, room);
        at += widths[column];
        column++;
    }
    free(widths);
    clear_cells(table);
}
