/* The queue in front of the state's writer, and the changes in it. Knows nothing of disks and
 * threads. */
#include "base/statequeue.h"

#include <search.h>
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

static char *copy(const char *text)
{
    return tw_strdup(text ? text : "");
}

struct tw_change *tw_change_aspect(const struct tw_state_aspect *row)
{
    struct tw_change *change = change_new(TW_CHANGE_ASPECT, row->aspect);
    const int64_t numbers[TW_CHANGE_NUMBERS] = {row->level,    row->stage,    row->since_s,
                                                row->opened_s, row->closed_s, row->fails,
                                                row->oks,      row->unknowns};
    memcpy(change->numbers, numbers, sizeof numbers);
    change->texts[0] = copy(row->job);
    change->texts[1] = copy(row->code);
    change->texts[2] = copy(row->text);
    return change;
}

struct tw_change *tw_change_job(const struct tw_state_job *row)
{
    struct tw_change *change = change_new(TW_CHANGE_JOB, row->job);
    change->numbers[0] = row->last_start_s;
    change->numbers[1] = row->last_end_s;
    change->texts[0] = copy(row->memory);
    return change;
}

struct tw_change *tw_change_bytes(enum tw_change_kind kind, const char *key, const char *bytes,
                                  size_t length)
{
    struct tw_change *change = change_new(kind, key);
    change->texts[0] = tw_strndup(bytes, length);
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
    for (size_t i = 0; i < TW_CHANGE_TEXTS; i++)
        free(change->texts[i]);
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
