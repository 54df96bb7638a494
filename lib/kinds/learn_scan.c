/* One look at one mailbox. */
#include "kinds/learn_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "kinds/canary_rules.h"

enum { ALIVE_ENTRIES = 1000 };

/* ---- problems ----------------------------------------------------------------------------- */

static void complain(struct tw_learn_scan *s, const char *code, const char *folder,
                     const char *what)
{
    char *text = tw_format("%s%s%s: %s", s->path, folder[0] ? "/" : "", folder, what);
    tw_problems_add(&s->problems, code, text, 0);
    free(text);
}

/* ---- what is known ------------------------------------------------------------------------ */

char *tw_learn_ledger_name(const char *mailbox, const char *folder)
{
    return tw_format("%s//%s", mailbox, folder);
}

static bool read_known(struct tw_learn_scan *s, struct tw_known *known)
{
    size_t length;
    *known = (struct tw_known){0};
    const void *data =
        s->view->index ? tw_mailindex_get(s->view->index, s->view->job, s->path, &length) : NULL;
    s->first = !data;
    return data && tw_known_read(data, length, s->view->rule, known);
}

static void find_gone(struct tw_learn_scan *s, const struct tw_known *known)
{
    for (size_t i = 0; i < known->count; i++) {
        const char *path = known->items[i].folder.path;
        bool there = i < s->folder_count && strcmp(s->folders[i].folder.path, path) == 0;
        for (size_t k = 0; k < s->folder_count && !there; k++)
            there = strcmp(s->folders[k].folder.path, path) == 0;
        if (!there)
            tw_strings_add(&s->gone, path);
    }
}

static void read_ledger(const struct tw_learn_scan *s, const char *path, size_t number,
                        struct tw_ledger_book *book)
{
    size_t length;
    char *name = tw_learn_ledger_name(s->path, path);
    const void *data = tw_mailindex_get(s->view->index, s->view->job, name, &length);
    if (data)
        tw_ledger_book_add(book, (uint32_t)number, data, length);
    free(name);
}

/* The ledgers of all folders. Also of those that are gone: what was in one of them may have been
 * moved to another. */
static void read_book(const struct tw_learn_scan *s, struct tw_ledger_book *book)
{
    *book = (struct tw_ledger_book){0};
    for (size_t i = 0; s->view->index && i < s->folder_count; i++)
        read_ledger(s, s->folders[i].folder.path, i, book);
    for (size_t i = 0; s->view->index && i < s->gone.count; i++)
        read_ledger(s, s->gone.items[i], s->folder_count + i, book);
    tw_ledger_book_sort(book);
}

/* ---- one directory ------------------------------------------------------------------------ */

struct pass {
    struct tw_learn_scan *scan;
    const struct tw_ledger_book *book;
    struct tw_learn_folder *folder;
    uint32_t index; /* of the folder */
    enum tw_mail_dir dir;
    int fd;
    int64_t foreign;
};

static void pick(struct pass *p, struct tw_learn_key key, const struct stat *st, bool forget)
{
    struct tw_learn_scan *s = p->scan;
    if (s->pick_count == s->pick_room) {
        s->pick_room = s->pick_room ? 2 * s->pick_room : 64;
        s->picks = tw_realloc_array(s->picks, s->pick_room, sizeof *s->picks);
    }
    s->picks[s->pick_count++] = (struct tw_learn_pick){.folder = p->index,
                                                       .dir = (uint8_t)p->dir,
                                                       .class = (uint8_t)p->folder->class,
                                                       .forget = forget,
                                                       .key = key,
                                                       .came_s = st->st_mtim.tv_sec,
                                                       .bytes = st->st_size};
}

/* One that is not in this folder's ledger as what this folder teaches. */
static void judge(struct pass *p, const char *name, const struct tw_message *message)
{
    struct tw_learn_folder *f = p->folder;
    struct tw_learn_mark mark = {f->class, false};
    struct stat st;
    if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode))
        return; /* renamed by a change of flags: then the directory has changed */
    if (st.st_uid != p->scan->view->uid) {
        p->foreign++;
        return;
    }
    const struct tw_learn_key key = tw_learn_key_of(name, &st);
    const bool met = tw_ledger_find_anywhere(p->book, p->index, key, f->class, &mark);
    if (met && mark.class == f->class) { /* it came from another folder that teaches the same */
        tw_ledger_add(&f->ledger, key, mark);
        return;
    }
    const int64_t from_s = tw_learn_from_s(p->scan->view->settings, f->class, p->dir, message, &st);
    if (from_s <= p->scan->view->now_s) {
        pick(p, key, &st, met && !mark.passed);
    } else if (from_s != INT64_MAX) {
        f->waiting++;
        f->next_s = from_s < f->next_s ? from_s : f->next_s;
    }
}

static bool take_entry(void *context, const struct dirent64 *entry)
{
    struct pass *p = context;
    const struct tw_learn_view *view = p->scan->view;
    struct tw_message message;
    struct tw_ledger_entry known;
    if (view->alive && ++p->scan->scanned % ALIVE_ENTRIES == 0)
        view->alive(view->context);
    if (!tw_message_parse(entry->d_name, &message) ||
        (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN))
        return true;
    p->folder->messages++;
    const uint64_t name = tw_learn_name_of(entry->d_name);
    if (!tw_ledger_find(p->book, p->index, name, &known) ||
        tw_ledger_mark(&known).class != p->folder->class)
        judge(p, entry->d_name, &message);
    else
        tw_ledger_add(&p->folder->ledger, (struct tw_learn_key){name, known.file},
                      tw_ledger_mark(&known));
    return true;
}

static void scan_dir(struct pass *p, const struct tw_mail_place_of *of, int at)
{
    struct tw_learn_scan *s = p->scan;
    const char *path = p->folder->folder.path;
    struct tw_stamp *stamp = &p->folder->folder.dirs[p->dir], before;
    const int64_t before_ns = tw_clock_wall_ns();
    p->fd = tw_folder_open_dir(of, at, p->dir, &before);
    *stamp = (struct tw_stamp){0};
    if (p->fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
            complain(s, errno == EPERM ? "foreign" : "unreadable", path, strerrordesc_np(errno));
        return;
    }
    if (tw_dir_each(p->fd, take_entry, p) != 0)
        complain(s, "unreadable", path, strerrordesc_np(errno));
    else if (p->foreign)
        complain(s, "foreign", path, "messages of another user's in it: left alone");
    else
        *stamp = tw_stamp_still(p->fd, &before, before_ns);
    close(p->fd);
}

/* ---- one folder --------------------------------------------------------------------------- */

static bool may_skip(const struct tw_learn_scan *s, const struct tw_folder *now,
                     const struct tw_known_folder *then)
{
    const int64_t now_s = s->view->now_s;
    return !s->view->whole && then && then->folder.is_maildir && then->first_s > now_s &&
           then->scanned_s <= now_s && then->scanned_s > now_s - TW_KNOWN_FULL_S &&
           tw_stamp_equal(&now->dirs[TW_DIR_CUR], &then->folder.dirs[TW_DIR_CUR]) &&
           tw_stamp_equal(&now->dirs[TW_DIR_NEW], &then->folder.dirs[TW_DIR_NEW]);
}

static void scan_folder(struct tw_learn_scan *s, const struct tw_mail_place_of *of,
                        const struct tw_ledger_book *book, size_t index)
{
    struct tw_learn_folder *f = &s->folders[index];
    f->scanned_s = s->view->now_s;
    f->folder.dirs[TW_DIR_CUR] = f->folder.dirs[TW_DIR_NEW] = (struct tw_stamp){0};
    const int at = tw_folder_open(of, f->folder.path);
    if (at < 0)
        return; /* not any more; the one that it is in has changed */
    for (int dir = TW_DIR_CUR; dir <= TW_DIR_NEW; dir++) {
        struct pass p = {.scan = s,
                         .book = book,
                         .folder = f,
                         .index = (uint32_t)index,
                         .dir = (enum tw_mail_dir)dir};
        scan_dir(&p, of, at);
    }
    close(at);
    f->marked = (int64_t)f->ledger.count;
}

/* ---- the mailbox -------------------------------------------------------------------------- */

static void on_problem(void *scan, const char *code, const char *text)
{
    struct tw_learn_scan *s = scan;
    tw_problems_add(&s->problems, code, text, 0);
}

int tw_learn_scan_open(struct tw_learn_scan *scan, struct tw_mail_place_of *of)
{
    struct stat st;
    struct tw_error e;
    const int fd = tw_mailbox_open(&scan->mailbox, scan->view->uid, &st, &e);
    if (fd < 0) {
        scan->missing = errno == ENOENT;
        tw_problems_add(&scan->problems, tw_mailbox_trouble(errno), e.text, 0);
        return -1;
    }
    *of = (struct tw_mail_place_of){.fd = fd,
                                    .uid = scan->view->uid,
                                    .dev = st.st_dev,
                                    .path = scan->path,
                                    .problem = on_problem,
                                    .context = scan};
    return 0;
}

/* Folders that need no look keep what is known of them. False: all are such. */
static bool take_folders(struct tw_learn_scan *s, struct tw_mailwalk *walk,
                         const struct tw_known *known)
{
    bool some = false;
    s->folders = tw_alloc((walk->count + 1) * sizeof *s->folders);
    s->folder_count = walk->count;
    for (size_t i = 0; i < walk->count; i++) {
        struct tw_learn_folder *f = &s->folders[i];
        const struct tw_known_folder *then = tw_known_find(known, walk->items[i].path, i);
        f->folder = walk->items[i];
        walk->items[i].path = NULL;
        f->next_s = INT64_MAX;
        f->class = f->folder.is_maildir && !s->spared
                       ? tw_learn_class_of(s->view->settings, s->view->folders, f->folder.path)
                       : TW_LEARN_NONE;
        if (f->class == TW_LEARN_NONE || may_skip(s, &f->folder, then)) {
            f->scanned_s = then ? then->scanned_s : s->view->now_s;
            f->messages = then ? then->messages : 0;
            f->next_s = then ? then->first_s : INT64_MAX;
        } else {
            f->looked = some = true;
        }
    }
    return some;
}

static void scan_folders(struct tw_learn_scan *s, const struct tw_mail_place_of *of)
{
    struct tw_known known;
    struct tw_mailwalk walk;
    struct tw_ledger_book book;
    read_known(s, &known);
    s->changed = !tw_known_same(of, &known, &walk);
    if (s->changed && tw_mailwalk_read(of, &walk) != 0) {
        complain(s, "unreadable", "", strerrordesc_np(errno));
        s->changed = false;
        tw_known_free(&known);
        return;
    }
    if (!walk.items[0].is_maildir)
        complain(s, "no-maildir", "", "has not all of cur, new and tmp: it is no Maildir");
    const bool some = take_folders(s, &walk, &known);
    find_gone(s, &known);
    if (some) {
        s->changed = true;
        read_book(s, &book);
        for (size_t i = 0; i < s->folder_count; i++)
            if (s->folders[i].looked)
                scan_folder(s, of, &book, i);
        tw_ledger_book_free(&book);
        tw_learn_choose(s);
    }
    if (s->problems.count) /* to be told each time */
        s->folders[0].folder.self = (struct tw_stamp){0};
    tw_mailwalk_free(&walk);
    tw_known_free(&known);
}

void tw_learn_scan(struct tw_learn_scan *scan)
{
    struct tw_mail_place_of of;
    scan->path = tw_mailbox_path(&scan->mailbox);
    /* By the whole mailbox, not by what stands in a message: a header could be forged to keep spam
     * from being learned. */
    scan->spared = tw_canary_of(scan->view->places, scan->mailbox.address);
    scan->began_ns = tw_clock_wall_ns();
    if (tw_learn_scan_open(scan, &of) != 0)
        return;
    scan_folders(scan, &of);
    close(of.fd);
}

/* ---- what the index is to hold ------------------------------------------------------------ */

void tw_learn_scan_mark(struct tw_learn_scan *scan, struct tw_learn_pick *pick, bool passed)
{
    const struct tw_learn_mark mark = {(enum tw_learn_class)pick->class, passed};
    struct tw_learn_folder *f = &scan->folders[pick->folder];
    tw_ledger_add(&f->ledger, pick->key, mark);
    f->saved = false;
    pick->done = true;
}

static void save_ledger(struct tw_learn_scan *s, const char *path, struct tw_ledger *ledger)
{
    struct tw_buf data = {0};
    char *name = tw_learn_ledger_name(s->path, path);
    tw_ledger_write(ledger, &data);
    tw_mailindex_put(s->view->index, s->view->job, name, data.data, data.len, s->view->now_s);
    tw_buf_free(&data);
    free(name);
}

void tw_learn_scan_save(struct tw_learn_scan *scan)
{
    struct tw_buf out = {0};
    if (!scan->view->index || !scan->changed || scan->folder_count == 0)
        return;
    for (size_t i = 0; i < scan->folder_count; i++)
        scan->folders[i].open = scan->folders[i].more;
    for (size_t i = 0; i < scan->pick_count; i++)
        scan->folders[scan->picks[i].folder].open += !scan->picks[i].done;
    tw_known_begin(&out, scan->view->rule, scan->folder_count);
    for (size_t i = 0; i < scan->folder_count; i++) {
        struct tw_learn_folder *f = &scan->folders[i];
        const struct tw_known_folder row = {.folder = f->folder,
                                            .messages = f->messages,
                                            .first_s = f->open ? 0 : f->next_s,
                                            .scanned_s = f->scanned_s};
        tw_known_add(&out, &row, scan->began_ns);
        if (f->looked && !f->saved)
            save_ledger(scan, f->folder.path, &f->ledger);
        f->saved = true;
    }
    for (size_t i = 0; i < scan->gone.count; i++) {
        struct tw_ledger none = {0};
        save_ledger(scan, scan->gone.items[i], &none);
    }
    tw_strings_free(&scan->gone); /* once is enough */
    tw_mailindex_put(scan->view->index, scan->view->job, scan->path, out.data, out.len,
                     scan->view->now_s);
    tw_buf_free(&out);
}

void tw_learn_scan_clear(struct tw_learn_scan *scan)
{
    for (size_t i = 0; i < scan->folder_count; i++) {
        free(scan->folders[i].folder.path);
        tw_ledger_free(&scan->folders[i].ledger);
    }
    free(scan->folders);
    free(scan->picks);
    free(scan->path);
    tw_strings_free(&scan->gone);
    tw_problems_free(&scan->problems);
    tw_mailbox_clear(&scan->mailbox);
}
