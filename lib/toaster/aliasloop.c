/* Circles among the aliases of a home. qmail would bounce such mail: it already has the
 * Delivered-To line of where it comes to (bouncexf() in qmail-local.c). */
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "toaster/aliashome.h"

enum { USERLEN = 32 }; /* GETPW_USERLEN in qmail-getpw.c: longer names are no users' */

/* One way through the aliases, depth first. */
struct way {
    size_t *at;   /* the aliases on it */
    size_t *next; /* which recipient of each comes next */
    size_t length;
    char *colour; /* of each alias: 0 not come to, 1 on the way, 2 done with */
};

/* As qmail-getpw: a user is not root, and owns the directory that is his home. */
static bool is_user(const char *name, size_t length)
{
    char user[USERLEN];
    struct stat st;
    if (length == 0 || length >= sizeof user)
        return false;
    memcpy(user, name, length);
    user[length] = '\0';
    const struct passwd *pw = getpwnam(user);
    return pw && pw->pw_uid && stat(pw->pw_dir, &st) == 0 && st.st_uid == pw->pw_uid;
}

/* Mail for "joe-x" is joe's if there is such a user. */
static bool goes_to_user(struct tw_alias *alias)
{
    if (alias->user >= 0)
        return alias->user;
    char *local = tw_strdup(alias->name);
    for (char *c = local; *c; c++)
        if (*c == ':')
            *c = '.';
    alias->user = 0;
    for (size_t length = strlen(local); length > 0 && !alias->user; length--)
        if (!local[length] || local[length] == '-')
            alias->user = is_user(local, length);
    free(local);
    return alias->user;
}

/* Users are asked after only when a circle was found: a look-up may go over the net. Their ways end
 * there. */
static bool cut_at_users(struct tw_aliashome *home, const struct way *way)
{
    bool cut = false;
    for (size_t i = 0; i < way->length; i++) {
        struct tw_alias *alias = &home->items[way->at[i]];
        if (goes_to_user(alias)) {
            alias->to_count = 0;
            cut = true;
        }
    }
    return cut;
}

static void tell_name(const struct tw_aliashome *home, size_t item, struct tw_buf *chain)
{
    for (const char *c = home->items[item].name; *c; c++)
        tw_buf_add(chain, *c == ':' ? "." : c, 1);
}

static void tell(const struct tw_aliashome *home, const struct way *way, size_t back_to,
                 struct tw_buf *chain)
{
    for (size_t i = 0; i < way->length; i++) {
        if (i < TW_ALIAS_CHAIN)
            tell_name(home, way->at[i], chain);
        if (i <= TW_ALIAS_CHAIN)
            tw_buf_puts(chain, i < TW_ALIAS_CHAIN ? " -> " : "... -> ");
    }
    tell_name(home, back_to, chain);
}

static void enter(struct way *way, size_t item)
{
    way->at[way->length] = item;
    way->next[way->length++] = 0;
    way->colour[item] = 1;
}

/* Goes on to the next circle, which ends at what is returned; `count` if there is none. */
static size_t search(const struct tw_aliashome *home, struct way *way)
{
    while (way->length) {
        const size_t top = way->length - 1, item = way->at[top];
        const struct tw_alias *alias = &home->items[item];
        if (way->next[top] == alias->to_count) {
            way->colour[item] = 2;
            way->length--;
            continue;
        }
        const size_t to = alias->to[way->next[top]++];
        if (way->colour[to] == 1)
            return to;
        if (way->colour[to] == 0)
            enter(way, to);
    }
    return home->count;
}

bool tw_aliashome_loop(struct tw_aliashome *home, size_t item, struct tw_buf *chain)
{
    struct way way = {.at = tw_realloc_array(NULL, home->count, sizeof *way.at),
                      .next = tw_realloc_array(NULL, home->count, sizeof *way.next),
                      .colour = tw_alloc(home->count)};
    size_t back_to;
    do {
        way.length = 0;
        memset(way.colour, 0, home->count);
        enter(&way, item);
        back_to = search(home, &way);
    } while (back_to < home->count && cut_at_users(home, &way));
    if (back_to < home->count)
        tell(home, &way, back_to, chain);
    free(way.at);
    free(way.next);
    free(way.colour);
    return back_to < home->count;
}
