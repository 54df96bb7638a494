/* A list of strings. */
#include "base/strings.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static size_t find(const struct tw_strings *list, const char *text)
{
    size_t i = 0;
    while (i < list->count && strcmp(list->items[i], text) != 0)
        i++;
    return i;
}

void tw_strings_add(struct tw_strings *list, const char *text)
{
    list->items = tw_realloc_array(list->items, list->count + 1, sizeof *list->items);
    list->items[list->count++] = tw_strdup(text);
}

bool tw_strings_has(const struct tw_strings *list, const char *text)
{
    return find(list, text) < list->count;
}

void tw_strings_free(struct tw_strings *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct tw_strings){0};
}
