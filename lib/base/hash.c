/* FNV-1a (isthe.com/chongo/tech/comp/fnv). */
#include "base/hash.h"

uint64_t tw_hash(uint64_t hash, const void *data, size_t length)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < length; i++)
        hash = (hash ^ bytes[i]) * 1099511628211ULL;
    return hash;
}
