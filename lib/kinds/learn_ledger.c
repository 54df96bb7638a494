/* What was learned as what. */
#include "kinds/learn_ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/mem.h"

enum { VERSION = 1, HEAD_BYTES = 8, MARK_BITS = 3, PASSED = 2 };

struct tw_ledger_row {
    struct tw_ledger_entry entry;
    uint32_t folder;
};

/* ---- keys --------------------------------------------------------------------------------- */

/* Up to the colon: flags stand behind it. */
uint64_t tw_learn_name_of(const char *name)
{
    return tw_hash(TW_HASH_START, name, strcspn(name, ":"));
}

/* Inode and date survive a move and a change of flags; together they are not given twice. */
struct tw_learn_key tw_learn_key_of(const char *name, const struct stat *st)
{
    const int64_t parts[] = {(int64_t)st->st_ino, st->st_mtim.tv_sec, st->st_mtim.tv_nsec};
    return (struct tw_learn_key){.name = tw_learn_name_of(name),
                                 .file = tw_hash(TW_HASH_START, parts, sizeof parts) &
                                         ~(uint64_t)MARK_BITS};
}

struct tw_learn_mark tw_ledger_mark(const struct tw_ledger_entry *entry)
{
    return (struct tw_learn_mark){.class = entry->file & 1 ? TW_LEARN_HAM : TW_LEARN_SPAM,
                                  .passed = entry->file & PASSED};
}

/* ---- one folder --------------------------------------------------------------------------- */

void tw_ledger_add(struct tw_ledger *ledger, struct tw_learn_key key, struct tw_learn_mark mark)
{
    if (ledger->count == ledger->room) {
        ledger->room = ledger->room ? 2 * ledger->room : 16;
        ledger->items = tw_realloc_array(ledger->items, ledger->room, sizeof *ledger->items);
    }
    const uint64_t bits = (mark.class == TW_LEARN_HAM) | (mark.passed ? PASSED : 0);
    ledger->items[ledger->count++] =
        (struct tw_ledger_entry){key.name, (key.file & ~(uint64_t)MARK_BITS) | bits};
}

void tw_ledger_free(struct tw_ledger *ledger)
{
    free(ledger->items);
    *ledger = (struct tw_ledger){0};
}

static int by_name(const void *a, const void *b)
{
    const struct tw_ledger_entry *x = a, *y = b;
    return x->name < y->name ? -1 : x->name > y->name;
}

void tw_ledger_write(struct tw_ledger *ledger, struct tw_buf *out)
{
    static const char head[HEAD_BYTES] = {VERSION};
    if (ledger->count)
        qsort(ledger->items, ledger->count, sizeof *ledger->items, by_name);
    tw_buf_add(out, head, sizeof head);
    tw_buf_add(out, ledger->items, ledger->count * sizeof *ledger->items);
}

/* ---- the whole mailbox -------------------------------------------------------------------- */

void tw_ledger_book_add(struct tw_ledger_book *book, uint32_t folder, const void *data,
                        size_t length)
{
    const char *bytes = data;
    const size_t size = sizeof(struct tw_ledger_entry);
    if (length < HEAD_BYTES || bytes[0] != VERSION || (length - HEAD_BYTES) % size != 0)
        return;
    const size_t count = (length - HEAD_BYTES) / size;
    if (book->count + count > book->room) {
        book->room = 2 * (book->count + count);
        book->rows = tw_realloc_array(book->rows, book->room, sizeof *book->rows);
    }
    for (size_t i = 0; i < count; i++) {
        struct tw_ledger_row *row = &book->rows[book->count++];
        *row = (struct tw_ledger_row){.folder = folder};
        memcpy(&row->entry, bytes + HEAD_BYTES + i * size, size);
    }
}

static int by_folder_and_name(const void *a, const void *b)
{
    const struct tw_ledger_row *x = a, *y = b;
    if (x->folder != y->folder)
        return x->folder < y->folder ? -1 : 1;
    return by_name(&x->entry, &y->entry);
}

static uint64_t file_of(const struct tw_ledger_row *row)
{
    return row->entry.file & ~(uint64_t)MARK_BITS;
}

static int by_file(const void *a, const void *b)
{
    const uint64_t x = file_of(*(struct tw_ledger_row *const *)a);
    const uint64_t y = file_of(*(struct tw_ledger_row *const *)b);
    return x < y ? -1 : x > y;
}

void tw_ledger_book_sort(struct tw_ledger_book *book)
{
    free(book->by_file);
    book->by_file = tw_alloc((book->count + 1) * sizeof(struct tw_ledger_row *));
    if (book->count == 0)
        return;
    qsort(book->rows, book->count, sizeof *book->rows, by_folder_and_name);
    for (size_t i = 0; i < book->count; i++)
        book->by_file[i] = &book->rows[i];
    qsort(book->by_file, book->count, sizeof(struct tw_ledger_row *), by_file);
}

void tw_ledger_book_free(struct tw_ledger_book *book)
{
    free(book->rows);
    free(book->by_file);
    *book = (struct tw_ledger_book){0};
}

bool tw_ledger_find(const struct tw_ledger_book *book, uint32_t folder, uint64_t name,
                    struct tw_ledger_entry *entry)
{
    const struct tw_ledger_row wanted = {.entry = {.name = name}, .folder = folder};
    const struct tw_ledger_row *row = book->count ? bsearch(&wanted, book->rows, book->count,
                                                            sizeof *book->rows, by_folder_and_name)
                                                  : NULL;
    if (row)
        *entry = row->entry;
    return row != NULL;
}

/* The first place whose file is not less. */
static size_t first_of(const struct tw_ledger_book *book, uint64_t file)
{
    size_t low = 0, high = book->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (file_of(book->by_file[middle]) < file)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool tw_ledger_find_anywhere(const struct tw_ledger_book *book, uint32_t folder,
                             struct tw_learn_key key, enum tw_learn_class class,
                             struct tw_learn_mark *mark)
{
    struct tw_ledger_entry entry;
    bool found = tw_ledger_find(book, folder, key.name, &entry);
    if (found)
        *mark = tw_ledger_mark(&entry);
    for (size_t i = first_of(book, key.file);
         i < book->count && file_of(book->by_file[i]) == key.file &&
         (!found || mark->class != class);
         i++) {
        *mark = tw_ledger_mark(&book->by_file[i]->entry);
        found = true;
    }
    return found;
}
