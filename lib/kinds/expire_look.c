/* A look at all mailboxes of one owner. This thread walks over the list, asks the index and says
 * what was found; others look into the mailboxes. */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/gentle.h"
#include "base/mem.h"
#include "kinds/expire_child.h"
#include "kinds/expire_rows.h"
#include "toaster/mailindex.h"
#include "toaster/mailknown.h"

struct look {
    const struct tw_expire_task *task;
    const struct tw_expire_settings *settings;
    struct tw_expire_view view;
    struct tw_mailindex *index;
    struct tw_mailindex *ledgers; /* the same, or what a look may read of it */
    pthread_mutex_t mutex;        /* of both: threads ask for ledgers */
    struct tw_learners *learners;
    struct tw_rounds rounds;
    struct tw_crew *crew;
    struct tw_expire_sum sum; /* of this child; its only domain is the last mailbox's */
    struct tw_voice voice;
    char *last; /* the address of the last mailbox that was done */
    bool over;  /* the time, while some were still looked at */
};

/* ---- saying ------------------------------------------------------------------------------- */

static struct tw_expire_scan *next_done(struct look *l)
{
    return tw_expire_next(&l->view, l->crew, &l->voice);
}

static void end_domain(struct look *l)
{
    for (size_t i = 0; i < l->sum.domain_count; i++) {
        tw_expire_put_domain(&l->voice.out, &l->sum.domains[i]);
        free(l->sum.domains[i].name);
    }
    free(l->sum.domains);
    l->sum.domains = NULL;
    l->sum.domain_count = 0;
}

/* ---- one mailbox -------------------------------------------------------------------------- */

static void work(void *context, void *item)
{
    (void)context;
    tw_expire_scan(item);
}

/* A tw_owed_get. The index is one for all threads. */
static void *get_copy(void *context, const char *job, const char *name, size_t *length)
{
    struct look *l = context;
    void *copy = NULL;
    pthread_mutex_lock(&l->mutex);
    const void *data = l->ledgers ? tw_mailindex_get(l->ledgers, job, name, length) : NULL;
    if (data) {
        copy = tw_alloc(*length + 1);
        memcpy(copy, data, *length);
    }
    pthread_mutex_unlock(&l->mutex);
    return copy;
}

/* A struct tw_expire_view's `owed`. */
static struct tw_owed *owed_of(struct tw_expire_scan *scan, const char *folder)
{
    struct look *l = scan->view->look;
    char *path = tw_mailbox_path(&scan->mailbox);
    struct tw_owed *owed =
        tw_owed_new(l->learners, scan->mailbox.address, path, folder, get_copy, l);
    free(path);
    return owed;
}

static struct tw_expire_scan *begin(struct look *l, struct tw_mailbox *mailbox)
{
    struct tw_expire_scan *scan = tw_alloc(sizeof *scan);
    *scan = (struct tw_expire_scan){.view = &l->view, .mailbox = *mailbox};
    scan->rule = tw_expire_rule_for(l->settings, mailbox->address);
    if (l->ledgers) {
        char *path = tw_mailbox_path(mailbox);
        scan->known = get_copy(l, l->task->child.run->name, path, &scan->known_length);
        free(path);
    }
    return scan;
}

static void count_folder(struct look *l, const struct tw_expire_scan *scan,
                         const struct tw_expire_folder *folder)
{
    struct tw_expire_domain *domain = &l->sum.domains[0];
    l->sum.folders += folder->looked;
    l->sum.skipped += !folder->looked;
    l->sum.kept += folder->kept;
    l->sum.unlearned += folder->unlearned;
    domain->messages += folder->messages;
    tw_expire_amounts_add(domain->due, folder->due);
    for (int dir = 0; dir < TW_MAIL_DIRS; dir++)
        tw_expire_put_due(&l->voice.out, &scan->mailbox, folder->folder.path, (enum tw_mail_dir)dir,
                          &folder->inodes[dir]);
}

static void count_mailbox(struct look *l, const struct tw_expire_scan *scan)
{
    const char *name = tw_mailbox_domain(&scan->mailbox);
    if (l->sum.domain_count && strcmp(l->sum.domains[0].name, name) != 0)
        end_domain(l);
    tw_expire_sum_domain(&l->sum, name)->mailboxes++;
    l->sum.mailboxes++;
    l->sum.missing += scan->missing;
    l->sum.scanned += scan->scanned;
    for (size_t i = 0; i < scan->folder_count; i++)
        count_folder(l, scan, &scan->folders[i]);
    for (size_t i = 0; i < scan->problem_count; i++)
        tw_problem_put(&l->voice.out, TW_CHILD_PROBLEM, scan->problems[i].code,
                       scan->problems[i].text, i == 0 ? (int64_t)scan->problems_more : 0);
}

static void take_result(struct look *l, const struct tw_expire_scan *scan)
{
    if (l->task->what == TW_EXPIRE_COUNT)
        count_mailbox(l, scan);
    else
        tw_expire_put_rows(&l->voice.out, l->task, scan);
    if (l->index && scan->next.len) {
        char *path = tw_mailbox_path(&scan->mailbox);
        pthread_mutex_lock(&l->mutex);
        tw_mailindex_put(l->index, l->task->child.run->name, path, scan->next.data, scan->next.len,
                         l->view.now_s);
        pthread_mutex_unlock(&l->mutex);
        free(path);
    }
    free(l->last);
    l->last = tw_strdup(scan->mailbox.address);
    tw_voice_say(&l->voice);
}

static void finish(struct look *l, struct tw_expire_scan *scan)
{
    l->over = l->over || scan->passed_over;
    if (!l->over) /* else those behind it were begun later still */
        take_result(l, scan);
    tw_expire_scan_clear(scan);
    free(scan);
}

/* ---- all of them -------------------------------------------------------------------------- */

static void walk(struct look *l)
{
    struct tw_mailbox mailbox;
    while (!l->over && !l->voice.failed && tw_rounds_next(&l->rounds, &mailbox)) {
        if (tw_crew_full(l->crew))
            finish(l, next_done(l));
        tw_crew_give(l->crew, begin(l, &mailbox));
    }
    for (struct tw_expire_scan *scan; (scan = next_done(l));)
        finish(l, scan);
    if (l->over || l->rounds.over)
        tw_child_put_at(&l->voice.out, l->last ? l->last : l->rounds.task->after);
}

/* What only looks takes nothing for granted, but for what was learned. */
static void open_ledgers(struct look *l)
{
    struct tw_error e;
    const struct tw_places *places = l->task->child.run->places;
    l->learners = l->settings->keep_unlearned ? tw_learners_new(places) : NULL;
    if (!l->learners)
        return;
    l->view.owed = owed_of;
    l->view.look = l;
    l->view.remembers = l->index || l->task->what != TW_EXPIRE_COUNT;
    if (l->ledgers || l->task->what == TW_EXPIRE_COUNT)
        return;
    char *dir = tw_mailindex_dir(places->state_dir, l->task->child.owner->uid);
    l->ledgers = tw_mailindex_look(dir, &e);
    free(dir);
}

static void close_ledgers(struct look *l)
{
    struct tw_error e;
    if (l->ledgers && l->ledgers != l->index)
        (void)tw_mailindex_close(&l->ledgers, "", 0, &e);
    tw_learners_free(&l->learners);
}

int tw_expire_look(void *task, int fd, struct tw_error *e)
{
    const struct tw_expire_task *t = task;
    struct look l = {.task = t, .settings = t->child.run->settings, .voice = tw_voice(fd)};
    struct tw_folder_names *folders = tw_expire_folders(l.settings);
    if (t->what == TW_EXPIRE_COUNT)
        tw_gentle();
    l.view.settings = l.settings;
    l.view.folders = folders;
    l.view.names = tw_expire_names_hash(l.settings);
    l.view.uid = t->child.owner->uid;
    l.view.now_s = t->child.run->now_s;
    l.view.end_ms = t->child.end_ms;
    l.view.due = t->what == TW_EXPIRE_LIST ? tw_expire_row_due : NULL;
    l.view.whole = t->what != TW_EXPIRE_COUNT;
    atomic_init(&l.view.room, t->room);
    pthread_mutex_init(&l.mutex, NULL);
    l.index = l.ledgers = tw_child_open_index(&t->child, &l.voice);
    open_ledgers(&l);
    tw_rounds_begin(&l.rounds, &t->child, &l.voice);
    l.crew = tw_crew_new((size_t)l.settings->parallel, work, NULL);
    walk(&l);
    tw_crew_free(&l.crew);
    close_ledgers(&l);
    tw_child_close_index(&l.index, t->child.run->name, l.view.now_s - 2 * TW_KNOWN_FULL_S,
                         &l.voice);
    pthread_mutex_destroy(&l.mutex);
    end_domain(&l);
    tw_expire_put_totals(&l.voice.out, &l.sum);
    tw_rounds_end(&l.rounds);
    tw_folder_names_free(&folders);
    tw_expire_sum_free(&l.sum);
    free(l.last);
    return tw_voice_said(&l.voice, e);
}
