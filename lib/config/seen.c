/* What was set where, so that nothing is set twice and the second place can name the first. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/parse.h"

struct place {
    char *name; /* "postmaster", "process.clamd", "user in process.clamd" */
    char *file;
    int line;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct place *)a)->name, ((const struct place *)b)->name);
}

static void free_place(void *node)
{
    struct place *place = node;
    free(place->name);
    free(place->file);
    free(place);
}

int tw_seen_add(struct tw_seen *seen, const char *name, const char *file, int line,
                struct tw_error *e)
{
    struct place *place = tw_alloc(sizeof *place);
    *place = (struct place){.name = tw_strdup(name), .file = tw_strdup(file), .line = line};
    struct place *const *node = tsearch(place, &seen->tree, compare);
    if (node && *node == place)
        return 0;
    free_place(place);
    if (!node)
        return tw_fail_errno(e, "cannot remember %s", name);
    return tw_fail(e, "%s is already set at %s:%d", name, (*node)->file, (*node)->line);
}

static const struct place *find(const struct tw_seen *seen, const char *name)
{
    char *copy = tw_strdup(name);
    const struct place key = {.name = copy};
    struct place *const *node = tfind(&key, &seen->tree, compare);
    free(copy);
    return node ? *node : NULL;
}

bool tw_seen_has(const struct tw_seen *seen, const char *name)
{
    return find(seen, name) != NULL;
}

void tw_seen_where(const struct tw_seen *seen, const char *name, struct tw_buf *out)
{
    const struct place *place = find(seen, name);
    if (place)
        tw_buf_printf(out, "%s:%d: ", place->file, place->line);
}

void tw_seen_free(struct tw_seen *seen)
{
    tdestroy(seen->tree, free_place);
    seen->tree = NULL;
}
