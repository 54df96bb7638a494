/* Numbers of inodes: a sorted list within one directory, and a set over file systems. */
#ifndef TW_TOASTER_INODES_H
#define TW_TOASTER_INODES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct tw_inodes {
    uint64_t *items;
    size_t count, room;
};

void tw_inodes_add(struct tw_inodes *inodes, uint64_t inode);
void tw_inodes_sort(struct tw_inodes *inodes);
bool tw_inodes_has(const struct tw_inodes *inodes, uint64_t inode); /* sorted */

/* Zeroed: empty. */
struct tw_inode_set {
    struct tw_inode_slot {
        uint64_t dev, inode; /* inode 0: free */
    } * slots;
    size_t count, room;
};

/* False: it is there already. */
bool tw_inode_set_add(struct tw_inode_set *set, dev_t dev, ino_t inode);
void tw_inode_set_free(struct tw_inode_set *set);

#endif
