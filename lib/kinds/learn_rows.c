/* What toasterctl lists of a `learn` job. */
#include "kinds/learn_rows.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "kinds/learn_lock.h"
#include "kinds/learn_reader.h"
#include "kinds/learn_scan.h"
#include "kinds/listrows.h"

struct lister {
    const struct tw_learn_task *task;
    struct tw_learn_view view;
    struct tw_voice voice;
};

/* A tw_learn_found. */
static bool list_one(void *context, struct tw_learn_scan *scan, struct tw_learn_pick *pick, int dir,
                     const char *name)
{
    struct lister *l = context;
    const int64_t age_s = l->view.now_s - pick->came_s;
    (void)dir;
    tw_list_put(&l->voice.out,
                &(struct tw_listed){.address = scan->mailbox.address,
                                    .mailbox = scan->path,
                                    .folder = scan->folders[pick->folder].folder.path,
                                    .name = name,
                                    .dir = (enum tw_mail_dir)pick->dir,
                                    .class = tw_learn_class_names[pick->class],
                                    .age_s = age_s > 0 ? age_s : 0,
                                    .bytes = pick->bytes});
    tw_voice_say(&l->voice);
    return !l->voice.failed;
}

static void explain(struct lister *l, const struct tw_learn_scan *scan,
                    const struct tw_learn_folder *f)
{
    struct tw_buf shown = {0};
    struct tw_frame_writer w = tw_frame_begin(&l->voice.out, TW_CHILD_ROW);
    const char *class = f && f->class < TW_LEARN_CLASSES ? tw_learn_class_names[f->class] : "";
    const int64_t numbers[] = {f ? f->marked : 0, f ? f->picked : 0, f ? f->more : 0,
                               f ? f->waiting : 0};
    if (f)
        tw_folder_show(f->folder.path, &shown);
    tw_frame_put_text(&w, scan->mailbox.address);
    tw_frame_put_text(&w, scan->path);
    tw_frame_put_text(&w, tw_buf_text(&shown));
    tw_frame_put_text(&w, class);
    if (f && class[0])
        tw_list_put_number(&w, f->messages);
    else
        tw_frame_put_text(&w, ""); /* it was not looked into */
    for (size_t i = 0; i < TW_COUNT(numbers); i++)
        tw_list_put_number(&w, numbers[i]);
    if (f && f->waiting)
        tw_list_put_number(&w, f->next_s);
    else
        tw_frame_put_text(&w, "");
    tw_frame_put_text(&w, scan->spared ? scan->spared : "");
    tw_frame_end(&w);
    tw_buf_free(&shown);
}

static void forget(struct lister *l, const struct tw_learn_scan *scan)
{
    struct tw_error e;
    if (tw_mailindex_drop(l->view.index, l->view.job, scan->path, &e) != 0)
        tw_voice_problem(&l->voice, "no-index", e.text);
    else
        tw_list_put_seen(&l->voice.out, scan->mailbox.address);
}

static void list_mailbox(struct lister *l, struct tw_mailbox *mailbox)
{
    struct tw_learn_scan scan = {.view = &l->view, .mailbox = *mailbox};
    const enum tw_learn_what what = l->task->what;
    if (what == TW_LEARN_FORGET) {
        scan.path = tw_mailbox_path(mailbox);
        forget(l, &scan);
    } else {
        tw_learn_scan(&scan);
        if (what == TW_LEARN_LIST && l->task->child.only)
            tw_list_put_seen(&l->voice.out, scan.mailbox.address);
    }
    for (int class = 0; what == TW_LEARN_LIST && class < TW_LEARN_CLASSES; ++class)
        tw_learn_find(&scan, (enum tw_learn_class) class, list_one, l);
    for (size_t i = 0; what == TW_LEARN_EXPLAIN && i < scan.folder_count; i++)
        if (scan.folders[i].folder.is_maildir)
            explain(l, &scan, &scan.folders[i]);
    if (what == TW_LEARN_EXPLAIN && scan.folder_count == 0)
        explain(l, &scan, NULL);
    for (size_t i = 0; i < scan.problems.count; i++)
        tw_voice_problem(&l->voice, scan.problems.sorts[i].code,
                         scan.problems.sorts[i].texts.items[0]);
    tw_learn_scan_clear(&scan);
}

/* A look is content with none. */
static struct tw_mailindex *open_index(const struct tw_learn_task *task, struct tw_voice *voice)
{
    struct tw_error e;
    return task->what == TW_LEARN_FORGET ? tw_child_open_index(&task->child, voice)
                                         : tw_mailindex_look(task->child.index_dir, &e);
}

int tw_learn_list(void *task, int fd, struct tw_error *e)
{
    const struct tw_learn_task *t = task;
    const struct tw_learn_settings *settings = t->child.run->settings;
    struct tw_folder_names *folders = tw_learn_folders(settings);
    struct tw_rounds rounds;
    struct tw_mailbox mailbox;
    /* By its name in the state directory: it is the owner's, who may enter it. */
    char *dir = tw_mailindex_dir(t->child.run->places->state_dir, t->child.owner->uid);
    struct tw_learn_task mine = *t;
    struct lister l = {.task = &mine, .voice = tw_voice(fd)};
    mine.child.index_dir = dir;
    l.view = (struct tw_learn_view){.settings = settings,
                                    .folders = folders,
                                    .rule = tw_learn_rule_hash(settings),
                                    .job = t->child.run->name,
                                    .uid = t->child.owner->uid,
                                    .now_s = t->child.run->now_s,
                                    .places = t->child.run->places,
                                    .whole = true};
    l.view.index = open_index(&mine, &l.voice);
    tw_rounds_begin(&rounds, &t->child, &l.voice);
    while (!l.voice.failed && (l.view.index || t->what != TW_LEARN_FORGET) &&
           tw_rounds_next(&rounds, &mailbox)) {
        list_mailbox(&l, &mailbox);
        tw_voice_say(&l.voice);
    }
    tw_rounds_end(&rounds);
    tw_child_close_index(&l.view.index, l.view.job, 0, &l.voice);
    tw_folder_names_free(&folders);
    free(dir);
    return tw_voice_said(&l.voice, e);
}

/* ---- the kind's answer -------------------------------------------------------------------- */

/* Not while a run has them in its hands, which would write them anew. */
static int forget_all(struct tw_learn_task *task, const struct tw_teller *teller,
                      struct tw_error *e)
{
    bool held;
    const int lock = tw_learn_lock(task->child.run->places->state_dir, &held, e);
    if (lock < 0)
        return -1;
    tw_child_tell(&task->child, tw_learn_list, task, teller);
    close(lock);
    return 0;
}

int tw_learn_tell(const struct tw_run *run, const char *what, const struct tw_strings *arguments,
                  const struct tw_teller *teller, struct tw_error *e)
{
    struct tw_learn_task task = {
        .child = {.run = run, .end_ms = INT64_MAX, .only = arguments->count ? arguments : NULL}};
    if (strcmp(what, "dry-run") == 0)
        task.what = TW_LEARN_LIST;
    else if (strcmp(what, "explain") == 0)
        task.what = TW_LEARN_EXPLAIN;
    else if (strcmp(what, "forget") == 0 && arguments->count)
        task.what = TW_LEARN_FORGET;
    else
        return tw_fail(e, "%s cannot tell that", run->name);
    if (task.what == TW_LEARN_FORGET)
        return forget_all(&task, teller, e);
    tw_child_tell(&task.child, tw_learn_list, &task, teller);
    return 0;
}
