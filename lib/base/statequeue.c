/* The queue in front of the state's writer, and the changes in it. Knows nothing of disks and
 * threads. */
#include "base/statequeue.h"

#include <inttypes.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static struct tw_change *change_new(enum tw_change_kind kind, const char *key)
{
    struct tw_change *change = tw_alloc(sizeof *change);
    change->kind = kind;
    change->key = tw_strdup(key);
    return change;
}

static void set_numbers(struct tw_change *change, const int64_t *numbers, size_t count)
{
    change->numbers = tw_realloc_array(NULL, count, sizeof *numbers);
    memcpy(change->numbers, numbers, count * sizeof *numbers);
}

static void set_texts(struct tw_change *change, const char *const *texts, size_t count)
{
    change->texts = tw_realloc_array(NULL, count, sizeof *change->texts);
    change->text_count = count;
    for (size_t i = 0; i < count; i++)
        change->texts[i] = tw_strdup(texts[i] ? texts[i] : "");
}

struct tw_change *tw_change_aspect(const struct tw_state_aspect *row)
{
    struct tw_change *change = change_new(TW_CHANGE_ASPECT, row->aspect);
    const int64_t numbers[] = {row->level,       row->stage,     row->since_s,  row->opened_s,
                               row->closed_s,    row->fails,     row->oks,      row->unknowns,
                               row->incident,    row->acted,     row->was_open, row->bad,
                               row->flap_told,   row->letters,   row->told_s,   row->reminds,
                               row->escalated_s, row->changed_s, row->opens,    row->acked_s};
    const char *const texts[] = {row->job,      row->code,     row->text,
                                 row->openings, row->acked_by, row->note};
    set_numbers(change, numbers, TW_COUNT(numbers));
    set_texts(change, texts, TW_COUNT(texts));
    return change;
}

struct tw_change *tw_change_incident(const struct tw_state_incident *row)
{
    char key[24];
    snprintf(key, sizeof key, "%" PRId64, row->id);
    struct tw_change *change = change_new(TW_CHANGE_INCIDENT, key);
    const int64_t numbers[] = {row->level, row->opened_s,    row->closed_s, row->letters,
                               row->opens, row->escalated_s, row->acked_s};
    const char *const texts[] = {row->aspect, row->text, row->acked_by, row->note};
    set_numbers(change, numbers, TW_COUNT(numbers));
    set_texts(change, texts, TW_COUNT(texts));
    return change;
}

struct tw_change *tw_change_job(const struct tw_state_job *row)
{
    struct tw_change *change = change_new(TW_CHANGE_JOB, row->job);
    const int64_t numbers[] = {row->last_start_s, row->last_end_s};
    const char *const texts[] = {row->memory};
    set_numbers(change, numbers, TW_COUNT(numbers));
    set_texts(change, texts, TW_COUNT(texts));
    return change;
}

struct tw_change *tw_change_bytes(enum tw_change_kind kind, const char *key, const char *bytes,
                                  size_t length)
{
    struct tw_change *change = change_new(kind, key);
    change->texts = tw_realloc_array(NULL, 1, sizeof *change->texts);
    change->texts[0] = tw_strndup(bytes, length);
    change->text_count = 1;
    change->length = length;
    return change;
}

struct tw_change *tw_change_drop(enum tw_change_kind kind, const char *key)
{
    struct tw_change *change = change_new(kind, key);
    change->drop = true;
    return change;
}

static void change_free(struct tw_change *change)
{
    for (size_t i = 0; i < change->text_count; i++)
        free(change->texts[i]);
    free(change->texts);
    free(change->numbers);
    free(change->key);
    free(change);
}

static int compare(const void *left, const void *right)
{
    const struct tw_change *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    return strcmp(a->key, b->key);
}

void tw_statequeue_add(struct tw_statequeue *queue, struct tw_change *change)
{
    struct tw_change **found = tsearch(change, &queue->index, compare);
    if (!found)
        abort(); /* no memory for a node */
    if (*found != change) {
        const struct tw_change old = **found;
        **found = *change;
        *change = old;
        change_free(change);
        return;
    }
    /* Grown at powers of two. */
    if ((queue->count & (queue->count - 1)) == 0)
        queue->items = tw_realloc_array(queue->items, queue->count ? queue->count * 2 : 1,
                                        sizeof(struct tw_change *));
    queue->items[queue->count++] = change;
}

static void leave_item(void *item)
{
    (void)item;
}

/* Frees the queue but not the changes. */
static void empty(struct tw_statequeue *queue)
{
    tdestroy(queue->index, leave_item);
    free(queue->items);
    *queue = (struct tw_statequeue){0};
}

static void move_undone(struct tw_statequeue *from, struct tw_statequeue *to)
{
    for (size_t i = 0; i < from->count; i++) {
        if (from->items[i]->done)
            change_free(from->items[i]);
        else
            tw_statequeue_add(to, from->items[i]);
    }
    empty(from);
}

struct tw_statequeue tw_statequeue_join(struct tw_statequeue *older, struct tw_statequeue *newer)
{
    struct tw_statequeue all = {0};
    move_undone(older, &all);
    move_undone(newer, &all);
    return all;
}

void tw_statequeue_free(struct tw_statequeue *queue)
{
    for (size_t i = 0; i < queue->count; i++)
        change_free(queue->items[i]);
    empty(queue);
}
