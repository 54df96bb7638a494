/* Numbers of inodes. */
#include "toaster/inodes.h"

#include <stdlib.h>

#include "base/mem.h"

void tw_inodes_add(struct tw_inodes *inodes, uint64_t inode)
{
    if (inodes->count == inodes->room) {
        inodes->room = inodes->room ? 2 * inodes->room : 16;
        inodes->items = tw_realloc_array(inodes->items, inodes->room, sizeof *inodes->items);
    }
    inodes->items[inodes->count++] = inode;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

void tw_inodes_sort(struct tw_inodes *inodes)
{
    if (inodes->count)
        qsort(inodes->items, inodes->count, sizeof *inodes->items, by_number);
}

bool tw_inodes_has(const struct tw_inodes *inodes, uint64_t inode)
{
    return inodes->count &&
           bsearch(&inode, inodes->items, inodes->count, sizeof *inodes->items, by_number);
}

/* Where it is, or where it would be: open addressing, the room is a power of two. */
static struct tw_inode_slot *slot_of(const struct tw_inode_set *set, uint64_t dev, uint64_t inode)
{
    size_t at = (size_t)((inode ^ dev << 32) * 0x9e3779b97f4a7c15ULL >> 20);
    for (;; at++) {
        struct tw_inode_slot *slot = &set->slots[at & (set->room - 1)];
        if (slot->inode == 0 || (slot->inode == inode && slot->dev == dev))
            return slot;
    }
}

static void grow(struct tw_inode_set *set)
{
    const struct tw_inode_set old = *set;
    set->room = old.room ? 2 * old.room : 64;
    set->slots = tw_alloc(set->room * sizeof *set->slots);
    for (size_t i = 0; i < old.room; i++)
        if (old.slots[i].inode)
            *slot_of(set, old.slots[i].dev, old.slots[i].inode) = old.slots[i];
    free(old.slots);
}

bool tw_inode_set_add(struct tw_inode_set *set, dev_t dev, ino_t inode)
{
    if (2 * set->count >= set->room)
        grow(set);
    struct tw_inode_slot *slot = slot_of(set, dev, inode);
    if (slot->inode != 0)
        return false;
    *slot = (struct tw_inode_slot){dev, inode};
    set->count++;
    return true;
}

void tw_inode_set_free(struct tw_inode_set *set)
{
    free(set->slots);
    *set = (struct tw_inode_set){0};
}
