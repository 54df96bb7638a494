/* FNV-1a, 64 bits: tells apart what nobody tries to make alike. */
#ifndef TW_BASE_HASH_H
#define TW_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/strings.h"

#define TW_HASH_START 14695981039346656037ULL

/* Goes on from the hash of what stood before; begins with TW_HASH_START. */
uint64_t tw_hash(uint64_t hash, const void *data, size_t length);
uint64_t tw_hash_number(uint64_t hash, int64_t number);
uint64_t tw_hash_strings(uint64_t hash, const struct tw_strings *list); /* and how many */

#endif
