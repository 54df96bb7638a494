/* For the test of the digest: a state in memory, in the place of base/state.c. It knows the rows
 * of now and those before this step, for an end at a bad moment. To be included by one file. */
#ifndef TEST_WATCHER_DIGEST_STATE_H
#define TEST_WATCHER_DIGEST_STATE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/state.h"

enum { JOBS = 5, PARTS = 3, ASPECTS = JOBS * PARTS };

struct row {
    bool there;
    struct tw_state_aspect row;
};

static struct row rows[ASPECTS], rows_before[ASPECTS];
static char no_state; /* its address stands for the state */

static char *part_name(size_t index)
{
    static const char *const parts[PARTS] = {"", "/log", "/restarts"};
    return tw_format("service.s%zu%s", index / PARTS, parts[index % PARTS]);
}

static size_t index_of(const char *aspect)
{
    for (size_t i = 0; i < ASPECTS; i++) {
        char *name = part_name(i);
        const bool same = strcmp(name, aspect) == 0;
        free(name);
        if (same)
            return i;
    }
    fail_msg("%s is none of ours", aspect);
    return 0;
}

static void clear_row(struct row *row)
{
    const char *const texts[] = {row->row.aspect,   row->row.job,      row->row.code, row->row.text,
                                 row->row.openings, row->row.acked_by, row->row.note};
    for (size_t i = 0; i < TW_COUNT(texts); i++)
        free((char *)(uintptr_t)texts[i]);
    *row = (struct row){0};
}

static void copy_row(struct row *to, const struct tw_state_aspect *from)
{
    clear_row(to);
    to->there = true;
    to->row = *from;
    to->row.aspect = tw_strdup(from->aspect);
    to->row.job = tw_strdup(from->job);
    to->row.code = tw_strdup(from->code);
    to->row.text = tw_strdup(from->text);
    to->row.openings = tw_strdup(from->openings);
    to->row.acked_by = tw_strdup(from->acked_by);
    to->row.note = tw_strdup(from->note);
}

static size_t changed[ASPECTS], changed_count;

/* As it was before this step, for an end at a bad moment. */
static void keep_before(size_t i)
{
    for (size_t k = 0; k < changed_count; k++)
        if (changed[k] == i)
            return;
    changed[changed_count++] = i;
    if (rows[i].there)
        copy_row(&rows_before[i], &rows[i].row);
    else
        clear_row(&rows_before[i]);
}

void tw_state_put_aspect(struct tw_state *state, const struct tw_state_aspect *row)
{
    (void)state;
    const size_t i = index_of(row->aspect);
    keep_before(i);
    copy_row(&rows[i], row);
}

void tw_state_drop_aspect(struct tw_state *state, const char *aspect)
{
    (void)state;
    const size_t i = index_of(aspect);
    keep_before(i);
    clear_row(&rows[i]);
}

static int64_t history_id, history_id_before; /* the highest one */

void tw_state_put_incident(struct tw_state *state, const struct tw_state_incident *row)
{
    (void)state;
    assert_true(row->id > 0 && row->aspect && row->text);
    history_id = row->id > history_id ? row->id : history_id;
}

#endif
