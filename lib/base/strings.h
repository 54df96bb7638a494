/* A list of strings, each owned. */
#ifndef TW_BASE_STRINGS_H
#define TW_BASE_STRINGS_H

#include <stdbool.h>
#include <stddef.h>

struct tw_strings {
    char **items;
    size_t count;
};

void tw_strings_add(struct tw_strings *list, const char *text); /* copies */
bool tw_strings_has(const struct tw_strings *list, const char *text);
void tw_strings_free(struct tw_strings *list);

#endif
