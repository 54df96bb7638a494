/* Local domains. Opens nothing; knows nothing of virtual domains, which count after these. */
#include "toaster/locals.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* One line without blanks at its end; moves *at behind it. The caller frees it. */
static char *take_line(const char **at)
{
    const size_t whole = strcspn(*at, "\n");
    size_t length = whole;
    while (length > 0 && ((*at)[length - 1] == ' ' || (*at)[length - 1] == '\t'))
        length--;
    char *line = tw_strndup(*at, length);
    *at += whole + ((*at)[whole] == '\n');
    return line;
}

static int compare_items(const void *a, const void *b)
{
    return strcasecmp(*(char *const *)a, *(char *const *)b);
}

struct domain {
    const char *text;
    size_t length;
};

static int compare_domain(const void *key, const void *item)
{
    const struct domain *domain = key;
    const char *text = *(char *const *)item;
    const int order = strncasecmp(domain->text, text, domain->length);
    return order ? order : -(text[domain->length] != '\0');
}

void tw_locals_make(struct tw_locals *out, const char *locals, const char *me,
                    const char *envnoathost)
{
    *out = (struct tw_locals){0};
    char *host = me ? take_line(&me) : NULL;
    while (locals && *locals) {
        char *line = take_line(&locals);
        if (line[0] && line[0] != '#')
            tw_strings_add(&out->domains, line);
        free(line);
    }
    if (!locals && host)
        tw_strings_add(&out->domains, host);
    if (out->domains.count)
        qsort(out->domains.items, out->domains.count, sizeof *out->domains.items, compare_items);
    out->no_at = envnoathost ? take_line(&envnoathost) : tw_strdup(host);
    free(host);
}

void tw_locals_free(struct tw_locals *locals)
{
    tw_strings_free(&locals->domains);
    free(locals->no_at);
    locals->no_at = NULL;
}

static bool has_domain(const struct tw_locals *locals, const char *domain, size_t length)
{
    const struct domain key = {domain, length};
    return locals->domains.count && !memchr(domain, '\0', length) &&
           bsearch(&key, locals->domains.items, locals->domains.count,
                   sizeof *locals->domains.items, compare_domain);
}

bool tw_locals_has(const struct tw_locals *locals, const char *address, size_t length,
                   size_t *local_length)
{
    const char *at = memrchr(address, '@', length);
    *local_length = at ? (size_t)(at - address) : length;
    if (at)
        return has_domain(locals, at + 1, length - *local_length - 1);
    return !locals->no_at || has_domain(locals, locals->no_at, strlen(locals->no_at));
}
