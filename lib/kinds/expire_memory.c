/* What an `expire` job remembers, a line each: a word, and what belongs to it. */
#include "kinds/expire_memory.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kinds/expire_rules.h"

/* All of it is less than the 64 kB that a job may remember. */
enum { RULES_MAX = 24 * 1024, TRIPS_MAX = 200, TRIPS_BYTES = 8 * 1024 };

/* ---- trips -------------------------------------------------------------------------------- */

static struct tw_expire_trip *find_trip(const struct tw_expire_memory *m, const char *where)
{
    for (size_t i = 0; i < m->trip_count; i++)
        if (strcmp(m->trips[i].where, where) == 0)
            return &m->trips[i];
    return NULL;
}

int64_t tw_expire_memory_trip(const struct tw_expire_memory *memory, const char *where)
{
    const struct tw_expire_trip *trip = find_trip(memory, where);
    return trip ? trip->count : 0;
}

void tw_expire_memory_set_trip(struct tw_expire_memory *memory, const char *where, int64_t count)
{
    struct tw_expire_trip *trip = find_trip(memory, where);
    if (!trip && count > 0) {
        memory->trips =
            tw_realloc_array(memory->trips, memory->trip_count + 1, sizeof *memory->trips);
        trip = &memory->trips[memory->trip_count++];
        trip->where = tw_strdup(where);
    }
    if (trip && count > 0) {
        trip->count = count;
    } else if (trip) {
        free(trip->where);
        *trip = memory->trips[--memory->trip_count];
    }
}

/* ---- reading ------------------------------------------------------------------------------ */

static void read_trip(struct tw_expire_memory *m, const char *rest)
{
    char *end;
    const int64_t count = strtoll(rest, &end, 10);
    if (count > 0 && *end == ' ' && end[1] && m->trip_count < TRIPS_MAX)
        tw_expire_memory_set_trip(m, end + 1, count);
}

static void read_clocks(struct tw_expire_memory *m, const char *rest)
{
    struct tw_expire_clocks c = {0};
    if (sscanf(rest, "%" SCNd64 " %" SCNd64 " %63s", &c.wall_s, &c.boot_s, c.boot) >= 2)
        m->clocks = c;
}

static void read_line(struct tw_expire_memory *m, char *line, struct tw_buf *rules)
{
    char *rest = strchr(line, ' ');
    if (!rest)
        return;
    *rest++ = '\0';
    if (strcmp(line, "confirmed") == 0)
        m->confirmed = strtoull(rest, NULL, 16);
    else if (strcmp(line, "asked") == 0)
        m->asked = strtoull(rest, NULL, 16);
    else if (strcmp(line, "rule") == 0)
        tw_buf_printf(rules, "%s\n", rest);
    else if (strcmp(line, "clocks") == 0)
        read_clocks(m, rest);
    else if (strcmp(line, "clock-told") == 0)
        m->clock_told = true;
    else if (strcmp(line, "trip") == 0)
        read_trip(m, rest);
    else
        (void)tw_task_notes_take(&m->notes, line, rest);
}

void tw_expire_memory_read(const char *text, struct tw_expire_memory *memory)
{
    struct tw_buf rules = {0};
    *memory = (struct tw_expire_memory){0};
    while (*text) {
        const size_t length = strcspn(text, "\n");
        char *line = tw_strndup(text, length);
        read_line(memory, line, &rules);
        free(line);
        text += length + (text[length] == '\n');
    }
    /* Only rules that are whole count. */
    if (rules.len && tw_expire_rules_hash(rules.data) == memory->confirmed)
        memory->rules = tw_buf_take(&rules);
    tw_buf_free(&rules);
}

/* ---- writing ------------------------------------------------------------------------------ */

static void write_rules(const char *rules, struct tw_buf *out)
{
    while (*rules) {
        const size_t length = strcspn(rules, "\n");
        tw_buf_printf(out, "rule %.*s\n", (int)length, rules);
        rules += length + (rules[length] == '\n');
    }
}

void tw_expire_memory_write(const struct tw_expire_memory *memory, struct tw_buf *out)
{
    if (memory->confirmed)
        tw_buf_printf(out, "confirmed %016" PRIx64 "\n", memory->confirmed);
    if (memory->asked)
        tw_buf_printf(out, "asked %016" PRIx64 "\n", memory->asked);
    if (memory->rules && strlen(memory->rules) <= RULES_MAX)
        write_rules(memory->rules, out);
    if (memory->clocks.wall_s)
        tw_buf_printf(out, "clocks %" PRId64 " %" PRId64 " %s\n", memory->clocks.wall_s,
                      memory->clocks.boot_s, memory->clocks.boot);
    if (memory->clock_told)
        tw_buf_puts(out, "clock-told yes\n");
    const size_t before_trips = out->len;
    for (size_t i = 0;
         i < memory->trip_count && i < TRIPS_MAX && out->len - before_trips < TRIPS_BYTES; i++)
        tw_buf_printf(out, "trip %" PRId64 " %s\n", memory->trips[i].count, memory->trips[i].where);
    tw_task_notes_write(&memory->notes, out);
}

void tw_expire_memory_free(struct tw_expire_memory *memory)
{
    for (size_t i = 0; i < memory->trip_count; i++)
        free(memory->trips[i].where);
    free(memory->trips);
    free(memory->rules);
    tw_task_notes_free(&memory->notes);
    *memory = (struct tw_expire_memory){0};
}
