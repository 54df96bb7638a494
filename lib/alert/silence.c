/* Silences. Knows neither clock nor disk nor incident. */
#include "alert/silence.h"

#include <fnmatch.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

bool tw_silence_fits(const char *pattern, const char *job, const char *aspect)
{
    return fnmatch(pattern, job, 0) == 0 || fnmatch(pattern, aspect, 0) == 0;
}

static struct tw_silence *append(struct tw_silences *list, int64_t id)
{
    if (list->count >= TW_SILENCES_MAX)
        return NULL;
    list->items = tw_realloc_array(list->items, list->count + 1, sizeof *list->items);
    struct tw_silence *silence = &list->items[list->count++];
    *silence = (struct tw_silence){.id = id};
    if (id > list->last_id)
        list->last_id = id;
    return silence;
}

const struct tw_silence *tw_silences_add(struct tw_silences *list, const char *pattern,
                                         int64_t now_s, int64_t length_s, const char *by,
                                         const char *note)
{
    struct tw_silence *silence = append(list, list->last_id + 1);
    if (!silence)
        return NULL;
    silence->from_s = now_s;
    silence->until_s = now_s + length_s;
    silence->pattern = tw_strndup(pattern, strnlen(pattern, TW_SILENCE_PATTERN_MAX));
    silence->by = tw_strndup(by, strnlen(by, TW_SILENCE_BY_MAX));
    silence->note = tw_strndup(note, strnlen(note, TW_SILENCE_NOTE_MAX));
    return silence;
}

const struct tw_silence *tw_silences_on(const struct tw_silences *list, const char *job,
                                        const char *aspect, int64_t now_s)
{
    const struct tw_silence *longest = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct tw_silence *silence = &list->items[i];
        if (silence->until_s > now_s && (!longest || silence->until_s > longest->until_s) &&
            tw_silence_fits(silence->pattern, job, aspect))
            longest = silence;
    }
    return longest;
}

int64_t tw_silences_next_end_s(const struct tw_silences *list)
{
    int64_t next_s = INT64_MAX;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].until_s < next_s)
            next_s = list->items[i].until_s;
    return next_s;
}

const struct tw_silence *tw_silences_over(struct tw_silences *list, int64_t now_s)
{
    const int64_t back_s = list->looked_s > now_s ? list->looked_s - now_s : 0;
    const struct tw_silence *over = NULL;
    list->looked_s = now_s;
    for (size_t i = 0; i < list->count; i++) {
        struct tw_silence *silence = &list->items[i];
        silence->from_s = silence->from_s > back_s ? silence->from_s - back_s : 0;
        silence->until_s -= back_s;
        if (silence->from_s > now_s) { /* it was set back while nobody looked */
            silence->until_s -= silence->from_s - now_s;
            silence->from_s = now_s;
        }
        if (silence->until_s <= now_s && !over)
            over = silence;
    }
    return over;
}

static size_t find(const struct tw_silences *list, int64_t id)
{
    size_t i = 0;
    while (i < list->count && list->items[i].id != id)
        i++;
    return i;
}

const struct tw_silence *tw_silences_find(const struct tw_silences *list, int64_t id)
{
    const size_t at = find(list, id);
    return at < list->count ? &list->items[at] : NULL;
}

static void clear(struct tw_silence *silence)
{
    free(silence->pattern);
    free(silence->by);
    free(silence->note);
}

void tw_silences_remove(struct tw_silences *list, int64_t id)
{
    const size_t at = find(list, id);
    if (at == list->count)
        return;
    clear(&list->items[at]);
    list->count--;
    memmove(list->items + at, list->items + at + 1, (list->count - at) * sizeof *list->items);
}

void tw_silences_free(struct tw_silences *list)
{
    for (size_t i = 0; i < list->count; i++)
        clear(&list->items[i]);
    free(list->items);
    *list = (struct tw_silences){0};
}

/* ---- as a text: "ID FROM UNTIL", then the pattern, who and why, a line each ------------------ */

static void add_line(struct tw_buf *out, const char *text)
{
    tw_buf_puts(out, "\n");
    for (; *text; text++)
        tw_buf_add(out, *text == '\n' ? " " : text, 1);
}

void tw_silence_write(const struct tw_silence *silence, struct tw_buf *out)
{
    tw_buf_printf(out, "%" PRId64 " %" PRId64 " %" PRId64, silence->id, silence->from_s,
                  silence->until_s);
    add_line(out, silence->pattern);
    add_line(out, silence->by);
    add_line(out, silence->note);
}

static char *take_line(const char **at, size_t max)
{
    if (**at == '\n')
        (*at)++;
    const size_t length = strcspn(*at, "\n");
    char *line = tw_strndup(*at, length < max ? length : max);
    *at += length;
    return line;
}

/* A number and the character behind it; -1: not that. */
static int64_t take_number(const char **at, char behind)
{
    char *end;
    const int64_t number = strtoll(*at, &end, 10);
    if (end == *at || *end != behind || number < 0 || number == INT64_MAX)
        return -1;
    *at = end + (behind != '\n');
    return number;
}

int tw_silences_read(struct tw_silences *list, const char *text)
{
    const char *end = text;
    const int64_t id = take_number(&end, ' ');
    const int64_t from_s = id > 0 ? take_number(&end, ' ') : -1;
    const int64_t until_s = from_s >= 0 ? take_number(&end, '\n') : -1;
    if (until_s < from_s || until_s < 0 || !end[1] || end[1] == '\n' || tw_silences_find(list, id))
        return -1;
    struct tw_silence *silence = append(list, id);
    if (!silence)
        return -1;
    const char *at = end;
    silence->from_s = from_s;
    silence->until_s = until_s;
    silence->pattern = take_line(&at, TW_SILENCE_PATTERN_MAX);
    silence->by = take_line(&at, TW_SILENCE_BY_MAX);
    silence->note = take_line(&at, TW_SILENCE_NOTE_MAX);
    return 0;
}
