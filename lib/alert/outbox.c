/* Letters that wait. Knows their order, the back-off and what is merged; does not know what a
 * letter says beyond its headers, nor how it is sent.
 *
 * What was handed over once, and may have been taken without our knowing, goes alone and keeps its
 * id; what every transport has refused for good is in nobody's way.
 *
 * A merged letter is put on disk and its parts are dropped there; base/state writes all that is put
 * before it removes anything. A crash in between leaves too much, which tw_outbox_load sorts out,
 * and never too little. */
#include "alert/outbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

enum {
    BACKOFF_FIRST_MS = 5 * 1000,
    BACKOFF_LAST_MS = 15 * 60 * 1000,
    SETTLE_MS = 1000, /* so long a letter waits for the disk before it is tried */
    SETTLE_LOOK_MS = 50,
    MERGE_AT_ONCE = 100 /* so that the header with the ids stays small */
};

struct waiting {
    struct tw_outbox_letter letter; /* what the caller sees; points to the two below */
    char *id, *text;
    bool tried;               /* handed over once: it may have been taken, and keeps its id */
    bool refused;             /* for good, by all: it is in nobody's way */
    int64_t mark, settled_ms; /* on disk when the state has reached this mark; tried then anyway */
};

struct tw_outbox {
    struct tw_state *state;
    struct waiting **items; /* in order of time; each on its own, since the caller holds one */
    size_t count;
    struct tw_strings held; /* ids that loaded merged letters hold */
    struct waiting *on_its_way;
    int64_t gone_mark, gone_ms; /* the same of the last that was taken: it is off the disk */
    bool loaded;                /* since the last try */
    bool waited;                /* something was refused, or comes from before a restart */
    int64_t delay_ms, retry_ms; /* delay_ms 0: no back-off */
};

struct tw_outbox *tw_outbox_new(struct tw_state *state)
{
    struct tw_outbox *outbox = tw_alloc(sizeof *outbox);
    outbox->state = state;
    return outbox;
}

static void free_waiting(struct waiting *waiting)
{
    free(waiting->id);
    free(waiting->text);
    free(waiting);
}

void tw_outbox_free(struct tw_outbox **outbox)
{
    if (!*outbox)
        return;
    for (size_t i = 0; i < (*outbox)->count; i++)
        free_waiting((*outbox)->items[i]);
    free((*outbox)->items);
    tw_strings_free(&(*outbox)->held);
    free(*outbox);
    *outbox = NULL;
}

static void insert(struct tw_outbox *outbox, size_t at, const char *id, const char *text,
                   size_t length)
{
    struct waiting *waiting = tw_alloc(sizeof *waiting);
    waiting->id = tw_strdup(id);
    waiting->text = tw_strndup(text, length);
    waiting->letter = (struct tw_outbox_letter){.id = waiting->id,
                                                .text = waiting->text,
                                                .length = length,
                                                .about_qmail = tw_letter_says_qmail(text, length)};
    outbox->items = tw_realloc_array(outbox->items, outbox->count + 1, sizeof *outbox->items);
    memmove(outbox->items + at + 1, outbox->items + at,
            (outbox->count - at) * sizeof *outbox->items);
    outbox->items[at] = waiting;
    outbox->count++;
}

static size_t find(const struct tw_outbox *outbox, const char *id)
{
    size_t i = 0;
    while (i < outbox->count && strcmp(outbox->items[i]->id, id) != 0)
        i++;
    return i;
}

static void put_on_disk(struct tw_outbox *outbox, struct waiting *waiting, int64_t now_ms)
{
    if (!outbox->state)
        return;
    tw_state_put_letter(outbox->state, waiting->id, waiting->text, waiting->letter.length);
    waiting->mark = tw_state_mark(outbox->state);
    waiting->settled_ms = now_ms + SETTLE_MS;
}

static void drop_on_disk(struct tw_outbox *outbox, const char *id)
{
    if (outbox->state)
        tw_state_drop_letter(outbox->state, id);
}

/* Out of memory, and off the disk unless the file is another letter's by now. */
static void remove_at(struct tw_outbox *outbox, size_t at)
{
    struct waiting *gone = outbox->items[at];
    outbox->count--;
    memmove(outbox->items + at, outbox->items + at + 1,
            (outbox->count - at) * sizeof *outbox->items);
    if (find(outbox, gone->id) == outbox->count)
        drop_on_disk(outbox, gone->id);
    free_waiting(gone);
}

/* Notes what a merged letter holds, and drops what of that is here already. */
static void hold_parts(struct tw_outbox *outbox, const char *id, const char *text, size_t length)
{
    struct tw_buf ids = {0};
    tw_letter_header(text, length, "X-Toaster-Watcher-Merged", &ids);
    char *rest = NULL;
    for (char *part = ids.len ? strtok_r(ids.data, " ", &rest) : NULL; part;
         part = strtok_r(NULL, " ", &rest)) {
        if (strcmp(part, id) == 0)
            continue;
        tw_strings_add(&outbox->held, part);
        const size_t at = find(outbox, part);
        if (at < outbox->count)
            remove_at(outbox, at);
    }
    tw_buf_free(&ids);
}

void tw_outbox_load(struct tw_outbox *outbox, const char *id, const char *text, size_t length)
{
    hold_parts(outbox, id, text, length);
    if (length == 0 || tw_strings_has(&outbox->held, id)) {
        drop_on_disk(outbox, id);
        return;
    }
    insert(outbox, outbox->count, id, text, length);
    outbox->waited = outbox->loaded = true;
}

void tw_outbox_add(struct tw_outbox *outbox, const char *id, const char *text, size_t length,
                   int64_t now_ms)
{
    insert(outbox, outbox->count, id, text, length);
    put_on_disk(outbox, outbox->items[outbox->count - 1], now_ms);
}

static bool may_merge(const struct waiting *waiting)
{
    return !waiting->tried && !waiting->refused;
}

/* The oldest letters become one, but for what was handed over before: of that the reader may have a
 * copy, which he knows by its id. */
static void merge_waiting(struct tw_outbox *outbox, const struct tw_letter *head, int64_t now_ms)
{
    struct tw_waiting_letter letters[MERGE_AT_ONCE] = {0};
    size_t count = 0, first = outbox->count;
    for (size_t i = 0; i < outbox->count && count < MERGE_AT_ONCE; i++) {
        const struct waiting *from = outbox->items[i];
        if (!may_merge(from))
            continue;
        first = i < first ? i : first;
        letters[count++] = (struct tw_waiting_letter){from->id, from->text, from->letter.length};
    }
    if (count < 2)
        return;
    struct tw_buf text = {0};
    tw_letter_merge(head, letters, count, &text);
    insert(outbox, first, head->id, text.data, text.len);
    put_on_disk(outbox, outbox->items[first], now_ms);
    tw_buf_free(&text);
    for (size_t i = first + 1; i < outbox->count && count > 0;) {
        if (may_merge(outbox->items[i])) {
            remove_at(outbox, i);
            count--;
        } else {
            i++;
        }
    }
}

static bool backing_off(const struct tw_outbox *outbox, int64_t now_ms)
{
    /* Longer than any back-off: the clock was set back. */
    const bool clock_jumped = outbox->retry_ms - now_ms > BACKOFF_LAST_MS;
    return outbox->delay_ms > 0 && outbox->retry_ms > now_ms && !clock_jumped;
}

/* The first that is to be tried at all; NULL: none. */
static struct waiting *first_of(const struct tw_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        if (!outbox->items[i]->refused)
            return outbox->items[i];
    return NULL;
}

static bool is_pending(const struct tw_outbox *outbox, int64_t mark, int64_t until_ms,
                       int64_t now_ms)
{
    return outbox->state && until_ms > now_ms && until_ms - now_ms <= SETTLE_MS &&
           !tw_state_reached(outbox->state, mark);
}

/* Is it still on its way to the disk, or what was taken before it on its way from there? After a
 * crash only the first may have been taken. */
static bool is_settling(const struct tw_outbox *outbox, const struct waiting *first, int64_t now_ms)
{
    return is_pending(outbox, first->mark, first->settled_ms, now_ms) ||
           is_pending(outbox, outbox->gone_mark, outbox->gone_ms, now_ms);
}

const struct tw_outbox_letter *tw_outbox_next(struct tw_outbox *outbox, int64_t now_ms,
                                              const struct tw_letter *head)
{
    if (outbox->on_its_way || !first_of(outbox) || backing_off(outbox, now_ms))
        return NULL;
    if (outbox->loaded)
        first_of(outbox)->tried = true; /* it may have been on its way when we ended */
    outbox->loaded = false;
    if (outbox->waited && outbox->count > 1)
        merge_waiting(outbox, head, now_ms);
    struct waiting *first = first_of(outbox);
    if (is_settling(outbox, first, now_ms))
        return NULL;
    first->tried = true;
    outbox->on_its_way = first;
    return &first->letter;
}

void tw_outbox_taken(struct tw_outbox *outbox, int64_t now_ms)
{
    size_t at = 0;
    if (!outbox->on_its_way)
        return;
    while (outbox->items[at] != outbox->on_its_way)
        at++;
    outbox->on_its_way = NULL;
    remove_at(outbox, at);
    outbox->gone_mark = outbox->state ? tw_state_mark(outbox->state) : 0;
    outbox->gone_ms = now_ms + SETTLE_MS;
    outbox->waited = outbox->waited && first_of(outbox);
    outbox->delay_ms = 0;
}

void tw_outbox_refused(struct tw_outbox *outbox, int64_t now_ms)
{
    if (!outbox->on_its_way)
        return;
    outbox->on_its_way = NULL;
    outbox->waited = true;
    outbox->delay_ms = outbox->delay_ms ? outbox->delay_ms * 2 : BACKOFF_FIRST_MS;
    if (outbox->delay_ms > BACKOFF_LAST_MS)
        outbox->delay_ms = BACKOFF_LAST_MS;
    outbox->retry_ms = now_ms + outbox->delay_ms;
}

int64_t tw_outbox_wake_ms(const struct tw_outbox *outbox, int64_t now_ms)
{
    const struct waiting *first = first_of(outbox);
    if (outbox->on_its_way || !first)
        return -1;
    if (backing_off(outbox, now_ms))
        return outbox->retry_ms;
    return is_settling(outbox, first, now_ms) ? now_ms + SETTLE_LOOK_MS : 0;
}

size_t tw_outbox_count(const struct tw_outbox *outbox)
{
    return outbox->count;
}

size_t tw_outbox_stuck(const struct tw_outbox *outbox)
{
    size_t refused = 0;
    for (size_t i = 0; i < outbox->count; i++)
        refused += outbox->items[i]->refused;
    return outbox->delay_ms > 0 ? outbox->count : refused;
}

void tw_outbox_hold(struct tw_outbox *outbox)
{
    if (!outbox->on_its_way)
        return;
    outbox->on_its_way->refused = true;
    outbox->on_its_way = NULL;
    outbox->delay_ms = 0;
}

bool tw_outbox_is_held(const struct tw_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        if (outbox->items[i]->refused)
            return true;
    return false;
}

void tw_outbox_hurry(struct tw_outbox *outbox)
{
    for (size_t i = 0; i < outbox->count; i++)
        outbox->items[i]->refused = false;
    outbox->delay_ms = 0;
}

bool tw_outbox_move(struct tw_outbox *from, struct tw_outbox *to)
{
    size_t kept = 0;
    bool any = false;
    for (size_t i = 0; i < from->count; i++) {
        struct waiting *waiting = from->items[i];
        if (waiting == from->on_its_way) {
            from->items[kept++] = waiting;
            continue;
        }
        to->items = tw_realloc_array(to->items, to->count + 1, sizeof *to->items);
        to->items[to->count++] = waiting;
        to->waited = any = true;
    }
    from->count = kept;
    return any;
}
