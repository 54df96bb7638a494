/* FNV-1a (isthe.com/chongo/tech/comp/fnv). */
#include "base/hash.h"

#include <string.h>

uint64_t tw_hash(uint64_t hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}

uint64_t tw_hash_number(uint64_t hash, int64_t number)
{
    return tw_hash(hash, &number, sizeof number);
}

uint64_t tw_hash_strings(uint64_t hash, const struct tw_strings *list)
{
    hash = tw_hash_number(hash, (int64_t)list->count);
    for (size_t i = 0; i < list->count; i++)
        hash = tw_hash(hash, list->items[i], strlen(list->items[i]) + 1);
    return hash;
}
