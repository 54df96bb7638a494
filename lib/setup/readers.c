/* Who reads the mail for postmaster and root: by qmail's aliases, else by /etc/aliases. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "config/config.h"
#include "setup/look.h"
#include "toaster/dotqmail.h"

enum { STEPS_MAX = 8, SHOWN_MAX = 200 };

static const char *host_of(const struct tw_machine *m)
{
    return m->me ? m->me : m->hostname;
}

/* What a file says: an address with a domain is the end, a name without one is followed. */
struct saying {
    char *next; /* NULL: nobody is named */
    char *why;  /* then */
};

static char *local_address(const struct tw_machine *m, const char *name)
{
    return tw_format("%s@%s", name, host_of(m));
}

/* Takes an address or says why it is none. True: the search is over. What could be neither address
 * nor name is not quoted: where hard links to others' files are allowed, a user of qmail's may have
 * put the name of a secret one there. */
static bool take(struct tw_machine_reader *reader, const struct tw_machine *m, const char *text)
{
    const bool is_name = !strchr(text, '@');
    char *address = is_name ? local_address(m, text) : tw_strdup(text);
    const bool good = tw_config_check("postmaster", address, NULL) == 0;
    if (!good)
        reader->why = tw_strdup("who it names first is no plain address");
    else if (!is_name)
        reader->address = tw_strdup(address);
    free(address);
    return !good || !is_name;
}

static void take_local(struct tw_machine_reader *reader, const struct tw_machine *m,
                       const char *name)
{
    char *address = local_address(m, name);
    (void)take(reader, m, address);
    free(address);
}

/* ---- ~alias ------------------------------------------------------------------------------- */

static char *alias_file(const struct tw_machine *m, const char *name)
{
    char *short_name = tw_dotqmail_name(name, strlen(name));
    char *path =
        strchr(short_name, '/') ? NULL : tw_format("%s/alias/.qmail-%s", m->qmail_dir, short_name);
    free(short_name);
    return path;
}

/* The first address that the file forwards to. */
static struct saying read_dotqmail(const char *text)
{
    struct tw_dotqmail file = {.bytes = text, .length = strlen(text)};
    struct tw_dotqmail_line line;
    struct saying says = {0};
    bool delivers = false;
    while (!says.next && tw_dotqmail_next(&file, &line)) {
        delivers = delivers || line.type == TW_DOTQMAIL_PROGRAM || line.type == TW_DOTQMAIL_MBOX ||
                   line.type == TW_DOTQMAIL_MAILDIR;
        if (line.type == TW_DOTQMAIL_FORWARD)
            says.next = tw_strndup(line.text, line.length);
    }
    if (!says.next && !delivers)
        says.why = tw_strdup("it names nobody");
    return says;
}

/* False: there is no such alias at all. */
static bool read_alias(const struct tw_look *look, const char *who,
                       struct tw_machine_reader *reader)
{
    const struct tw_machine *m = look->machine;
    char *name = tw_strdup(who);
    bool over = false;
    for (int step = 0; step < STEPS_MAX && !over; step++) {
        char *path = alias_file(m, name), *text = path ? tw_look_text(look, path) : NULL;
        const int why = path ? errno : ENOENT;
        if (!text && why == ENOENT && step == 0) {
            free(path);
            free(name);
            return false;
        }
        free(reader->source);
        reader->source = path ? path : tw_strdup(m->qmail_dir);
        struct saying says = {0};
        if (!text && why != ENOENT)
            says.why = tw_format("it cannot be read: %s", strerrordesc_np(why));
        else if (text)
            says = read_dotqmail(text);
        over = !says.next;
        reader->why = says.why;
        if (over && !says.why)
            take_local(reader, m, name); /* a user of the system, or it is delivered right here */
        else if (says.next)
            over = take(reader, m, says.next);
        if (says.next) {
            free(name);
            name = says.next;
        }
        free(text);
    }
    if (!over)
        reader->why = tw_strdup("it is forwarded again and again");
    free(name);
    return true;
}

/* ---- /etc/aliases ------------------------------------------------------------------------- */

/* The first of those that a line "name: one, two" names, without quotes; NULL: another line. */
static char *first_target(char *line, const char *name)
{
    char *colon = strchr(line, ':');
    if (!colon || *line == '#')
        return NULL;
    *colon = '\0';
    char *left = line + strspn(line, " \t\"");
    left[strcspn(left, " \t\"")] = '\0';
    if (strcasecmp(left, name) != 0)
        return NULL;
    char *right = colon + 1 + strspn(colon + 1, " \t\"\\");
    right[strcspn(right, ",\"\r")] = '\0';
    for (size_t length = strlen(right); length && strchr(" \t", right[length - 1]);)
        right[--length] = '\0';
    return tw_strdup(right);
}

static char *find_in_aliases(const char *text, const char *name)
{
    char *copy = tw_strdup(text), *rest = copy, *target = NULL;
    for (char *line; !target && (line = strsep(&rest, "\n"));)
        target = first_target(line, name);
    free(copy);
    return target;
}

static void read_aliases(const struct tw_look *look, const char *who,
                         struct tw_machine_reader *reader)
{
    static const char path[] = "/etc/aliases";
    char *text = tw_look_text(look, path), *name = tw_strdup(who);
    bool over = !text;
    for (int step = 0; step < STEPS_MAX && !over; step++) {
        char *target = find_in_aliases(text, name);
        if (!target && step == 0)
            break;
        if (!reader->source)
            reader->source = tw_strdup(path);
        over = !target || !*target || strchr("|/:", *target);
        if (over && !target)
            take_local(reader, look->machine, name);
        else if (over)
            reader->why = tw_format("%s: %.*s", name, SHOWN_MAX, target);
        else
            over = take(reader, look->machine, target);
        if (target) {
            free(name);
            name = target;
        }
    }
    if (!over && reader->source)
        reader->why = tw_strdup("it is forwarded again and again");
    free(name);
    free(text);
}

void tw_look_readers(struct tw_look *look)
{
    struct tw_machine *m = look->machine;
    if (!m->alias_home || !read_alias(look, "postmaster", &m->postmaster))
        read_aliases(look, "postmaster", &m->postmaster);
    if (!m->alias_home || !read_alias(look, "root", &m->root))
        read_aliases(look, "root", &m->root);
}
