/* What was learned as what: for each folder of a mailbox the messages in it that were offered to
 * the filter, 16 bytes each. A message is known by its name without its flags, and by its inode and
 * date, so neither a change of flags nor a move nor a restored backup makes it a new one. Kept in
 * the index, which a mailbox's owner could write: read as if it were hostile; a wrong entry is
 * never more than a message that is not offered, or offered again. Pure. */
#ifndef TW_KINDS_LEARN_LEDGER_H
#define TW_KINDS_LEARN_LEDGER_H

#include <sys/stat.h>

#include "base/buf.h"
#include "kinds/learn_rules.h"

/* By what a message is known. */
struct tw_learn_key {
    uint64_t name, file;
};
struct tw_learn_key tw_learn_key_of(const char *name, const struct stat *st);
uint64_t tw_learn_name_of(const char *name); /* its first half */

/* How a message stands in it. */
struct tw_learn_mark {
    enum tw_learn_class class;
    bool passed; /* it was not given to the filter: left out of a sample, one of ours, refused */
};

struct tw_ledger_entry {
    uint64_t name;
    uint64_t file; /* its two lowest bits are the mark */
};

struct tw_ledger {
    struct tw_ledger_entry *items;
    size_t count, room;
};

void tw_ledger_add(struct tw_ledger *ledger, struct tw_learn_key key, struct tw_learn_mark mark);
void tw_ledger_free(struct tw_ledger *ledger);
/* Sorts, appends. */
void tw_ledger_write(struct tw_ledger *ledger, struct tw_buf *out);

/* All ledgers of a mailbox, to look things up. */
struct tw_ledger_row;
struct tw_ledger_book {
    struct tw_ledger_row *rows; /* by folder and name */
    struct tw_ledger_row **by_file;
    size_t count, room;
};
/* Adds what was written for a folder. What makes no sense is passed over. */
void tw_ledger_book_add(struct tw_ledger_book *book, uint32_t folder, const void *data,
                        size_t length);
void tw_ledger_book_sort(struct tw_ledger_book *book); /* after the last, before the first find */
void tw_ledger_book_free(struct tw_ledger_book *book);

/* By name, in this folder. False: it is not there. */
bool tw_ledger_find(const struct tw_ledger_book *book, uint32_t folder, uint64_t name,
                    struct tw_ledger_entry *entry);
/* The same message, in this folder or another: one that stands there as `class`, if there is such,
 * else one of the other class. False: none. */
bool tw_ledger_find_anywhere(const struct tw_ledger_book *book, uint32_t folder,
                             struct tw_learn_key key, enum tw_learn_class class,
                             struct tw_learn_mark *mark);

struct tw_learn_mark tw_ledger_mark(const struct tw_ledger_entry *entry);

#endif
