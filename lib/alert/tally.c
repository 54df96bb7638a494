/* What is added up between two reports. */
#include "alert/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

#define OTHERS "others"

/* ---- figures ------------------------------------------------------------------------------ */

static int compare(const struct tw_figure *figure, const char *what, const char *of)
{
    const int by_what = strcmp(figure->what, what);
    return by_what ? by_what : strcmp(figure->of, of);
}

static size_t position(const struct tw_tally *tally, const char *what, const char *of)
{
    size_t low = 0, high = tally->figure_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(&tally->figures[middle], what, of) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t add(int64_t a, int64_t b)
{
    int64_t sum;
    return b < 0 ? a : __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

/* NOLINTNEXTLINE(misc-no-recursion): once */
static struct tw_figure *find_or_make(struct tw_tally *tally, const char *what, const char *of)
{
    const size_t at = position(tally, what, of);
    if (at < tally->figure_count && compare(&tally->figures[at], what, of) == 0)
        return &tally->figures[at];
    size_t own = 0;
    for (size_t i = 0; i < tally->figure_count; i++)
        own += strcmp(tally->figures[i].of, OTHERS) != 0;
    if (own >= TW_TALLY_FIGURES_MAX && strcmp(of, OTHERS) != 0)
        return find_or_make(tally, what, OTHERS);
    tally->figures =
        tw_realloc_array(tally->figures, tally->figure_count + 1, sizeof *tally->figures);
    memmove(tally->figures + at + 1, tally->figures + at,
            (tally->figure_count - at) * sizeof *tally->figures);
    tally->figure_count++;
    tally->figures[at] = (struct tw_figure){tw_strdup(what), tw_strdup(of), 0, 0};
    return &tally->figures[at];
}

void tw_tally_add(struct tw_tally *tally, const struct tw_figure *figure)
{
    struct tw_figure *sum = find_or_make(tally, figure->what, figure->of);
    sum->count = add(sum->count, figure->count);
    sum->bytes = add(sum->bytes, figure->bytes);
}

struct tw_figure tw_tally_sum(const struct tw_tally *tally, const char *what)
{
    struct tw_figure sum = {what, "", 0, 0};
    for (size_t i = 0; i < tally->figure_count; i++) {
        if (strcmp(tally->figures[i].what, what) != 0)
            continue;
        sum.count = add(sum.count, tally->figures[i].count);
        sum.bytes = add(sum.bytes, tally->figures[i].bytes);
    }
    return sum;
}

/* ---- incidents ---------------------------------------------------------------------------- */

static int64_t length_of(const struct tw_tally_end *end)
{
    return end->closed_s - end->opened_s;
}

/* Into its place by length; the shortest goes where there is no room. */
static void keep(struct tw_tally *tally, const char *aspect, int64_t opened_s, int64_t closed_s)
{
    const struct tw_tally_end end = {NULL, opened_s, closed_s > opened_s ? closed_s : opened_s};
    size_t at = 0;
    while (at < tally->end_count && length_of(&tally->ends[at]) >= length_of(&end))
        at++;
    if (at == TW_TALLY_ENDS_MAX)
        return;
    if (tally->end_count == TW_TALLY_ENDS_MAX)
        free(tally->ends[--tally->end_count].aspect);
    memmove(tally->ends + at + 1, tally->ends + at, (tally->end_count - at) * sizeof end);
    tally->ends[at] = end;
    tally->ends[at].aspect = tw_strdup(aspect);
    tally->end_count++;
}

void tw_tally_end(struct tw_tally *tally, const char *aspect, int64_t opened_s, int64_t closed_s,
                  bool told)
{
    if (!told) {
        tally->blips = add(tally->blips, 1);
        return;
    }
    tally->over = add(tally->over, 1);
    keep(tally, aspect, opened_s, closed_s);
}

void tw_tally_free(struct tw_tally *tally)
{
    for (size_t i = 0; i < tally->figure_count; i++) {
        free((char *)(uintptr_t)tally->figures[i].what);
        free((char *)(uintptr_t)tally->figures[i].of);
    }
    for (size_t i = 0; i < tally->end_count; i++)
        free(tally->ends[i].aspect);
    free(tally->figures);
    *tally = (struct tw_tally){0};
}

void tw_tally_reset(struct tw_tally *tally, int64_t now_s)
{
    tw_tally_free(tally);
    tally->since_s = now_s;
}

/* ---- as a text ---------------------------------------------------------------------------- */

/* A field between tabs. */
static void add_field(struct tw_buf *out, const char *text)
{
    tw_buf_puts(out, "\t");
    for (; *text; text++)
        tw_buf_add(out, (unsigned char)*text < 0x20 ? " " : text, 1);
}

void tw_tally_write(const struct tw_tally *tally, struct tw_buf *out)
{
    tw_buf_printf(out, "%" PRId64 "\t%" PRId64 "\t%" PRId64 "\n", tally->since_s, tally->over,
                  tally->blips);
    for (size_t i = 0; i < tally->figure_count; i++) {
        const struct tw_figure *figure = &tally->figures[i];
        tw_buf_printf(out, "figure\t%" PRId64 "\t%" PRId64, figure->count, figure->bytes);
        add_field(out, figure->what);
        add_field(out, figure->of);
        tw_buf_puts(out, "\n");
    }
    for (size_t i = 0; i < tally->end_count; i++) {
        tw_buf_printf(out, "end\t%" PRId64 "\t%" PRId64, tally->ends[i].opened_s,
                      tally->ends[i].closed_s);
        add_field(out, tally->ends[i].aspect);
        tw_buf_puts(out, "\n");
    }
}

static void read_line(struct tw_tally *tally, char *line)
{
    char *rest = line, *end;
    const char *word = strsep(&rest, "\t");
    if (!rest)
        return;
    const char *at = rest;
    const int64_t first = strtoll(at, &end, 10);
    if (end == at || *end != '\t')
        return;
    at = end + 1;
    const int64_t second = strtoll(at, &end, 10);
    if (end == at || first < 0 || second < 0 || *end != '\t')
        return;
    rest = end + 1;
    const char *text = strsep(&rest, "\t");
    if (strcmp(word, "figure") == 0 && rest)
        tw_tally_add(tally, &(struct tw_figure){text, rest, first, second});
    else if (strcmp(word, "end") == 0)
        keep(tally, text, first, second);
}

void tw_tally_read(struct tw_tally *tally, const char *text)
{
    char *copy = tw_strdup(text), *rest = copy, *end;
    const char *head = strsep(&rest, "\n");
    const int64_t since_s = strtoll(head, &end, 10);
    const int64_t over = strtoll(end, &end, 10), blips = strtoll(end, &end, 10);
    if (since_s >= 0 && over >= 0 && blips >= 0) {
        tally->since_s = since_s;
        tally->over = over;
        tally->blips = blips;
        while (rest)
            read_line(tally, strsep(&rest, "\n"));
    }
    free(copy);
}
