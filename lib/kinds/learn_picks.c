/* Which messages a run offers of a mailbox, and where they are by now. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kinds/learn_scan.h"

/* ---- choosing ----------------------------------------------------------------------------- */

static int by_class_and_date(const void *a, const void *b)
{
    const struct tw_learn_pick *x = a, *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->came_s != y->came_s)
        return x->came_s > y->came_s ? -1 : 1; /* the newest first */
    return x->key.name < y->key.name ? -1 : x->key.name > y->key.name;
}

static int by_place(const void *a, const void *b)
{
    const struct tw_learn_pick *x = a, *y = b;
    if (x->class != y->class)
        return x->class < y->class ? -1 : 1;
    if (x->folder != y->folder)
        return x->folder < y->folder ? -1 : 1;
    if (x->dir != y->dir)
        return x->dir < y->dir ? -1 : 1;
    return x->key.name < y->key.name ? -1 : x->key.name > y->key.name;
}

/* Of one class, sorted: keeps as many as a run may have of a mailbox. At first contact with a very
 * large one only some are left, and the others count as offered. */
static size_t choose(struct tw_learn_scan *s, struct tw_learn_pick *picks, size_t count,
                     struct tw_learn_pick *out)
{
    const struct tw_learn_settings *settings = s->view->settings;
    const bool sample = s->first && strcmp(settings->first, "sample") == 0;
    const int64_t step = sample ? tw_learn_sample((int64_t)count) : 1;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct tw_learn_folder *f = &s->folders[picks[i].folder];
        if ((int64_t)i % step != 0) {
            tw_learn_scan_mark(s, &picks[i], true);
            s->left_out[picks[i].class]++;
        } else if ((int64_t)kept < settings->max_per_mailbox) {
            out[kept++] = picks[i];
            f->picked++;
        } else {
            f->more++;
        }
    }
    return kept;
}

void tw_learn_choose(struct tw_learn_scan *s)
{
    size_t from = 0, kept = 0;
    if (s->pick_count == 0)
        return;
    qsort(s->picks, s->pick_count, sizeof *s->picks, by_class_and_date);
    while (from < s->pick_count) {
        size_t count = 1;
        while (from + count < s->pick_count && s->picks[from + count].class == s->picks[from].class)
            count++;
        kept += choose(s, s->picks + from, count, s->picks + kept);
        from += count;
    }
    s->pick_count = kept;
    qsort(s->picks, s->pick_count, sizeof *s->picks, by_place);
}

/* ---- finding ------------------------------------------------------------------------------ */

/* What one directory holds of them, sorted by name. */
struct search {
    struct tw_learn_scan *scan;
    struct tw_learn_pick *picks;
    size_t count, found;
    tw_learn_found *each;
    void *context;
    int dir;
    bool over;
};

static int by_name(const void *a, const void *b)
{
    const struct tw_learn_pick *x = a, *y = b;
    return x->key.name < y->key.name ? -1 : x->key.name > y->key.name;
}

static bool take_entry(void *context, const struct dirent64 *entry)
{
    struct search *s = context;
    const struct tw_learn_pick wanted = {.key = {.name = tw_learn_name_of(entry->d_name)}};
    struct tw_message message;
    struct tw_learn_pick *pick =
        tw_message_parse(entry->d_name, &message)
            ? bsearch(&wanted, s->picks, s->count, sizeof *s->picks, by_name)
            : NULL;
    if (!pick)
        return true;
    s->over = !s->each(s->context, s->scan, pick, s->dir, entry->d_name);
    return !s->over && ++s->found < s->count;
}

static void search_dir(struct search *s, const struct tw_mail_place_of *of)
{
    const struct tw_learn_pick *first = &s->picks[0];
    struct tw_stamp stamp;
    const int at = tw_folder_open(of, s->scan->folders[first->folder].folder.path);
    s->dir = at < 0 ? -1 : tw_folder_open_dir(of, at, (enum tw_mail_dir)first->dir, &stamp);
    if (s->dir >= 0) {
        (void)tw_dir_each(s->dir, take_entry, s);
        close(s->dir);
    }
    if (at >= 0)
        close(at);
}

static bool same_place(const struct tw_learn_pick *a, const struct tw_learn_pick *b)
{
    return a->class == b->class && a->folder == b->folder && a->dir == b->dir;
}

void tw_learn_find(struct tw_learn_scan *scan, enum tw_learn_class class, tw_learn_found *each,
                   void *context)
{
    struct tw_mail_place_of of;
    bool over = false;
    size_t from = 0, to;
    while (from < scan->pick_count && scan->picks[from].class != class)
        from++;
    if (from == scan->pick_count || tw_learn_scan_open(scan, &of) != 0)
        return;
    for (; !over && from < scan->pick_count && scan->picks[from].class == class; from = to) {
        for (to = from + 1;
             to < scan->pick_count && same_place(&scan->picks[from], &scan->picks[to]); to++)
            ;
        struct search s = {.scan = scan,
                           .picks = &scan->picks[from],
                           .count = to - from,
                           .each = each,
                           .context = context};
        search_dir(&s, &of);
        over = s.over;
    }
    close(of.fd);
}
