/* One look at one mailbox. */
#include "kinds/expire_scan.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "toaster/mailknown.h"

enum { PROBLEMS_MAX = 20 /* of one mailbox; others are counted */ };

/* ---- problems ----------------------------------------------------------------------------- */

/* A tw_mail_problem with the scan as context. */
static void add_problem(void *scan, const char *code, const char *text)
{
    struct tw_expire_scan *s = scan;
    if (s->problem_count == PROBLEMS_MAX) {
        s->problems_more++;
        return;
    }
    s->problems = tw_realloc_array(s->problems, s->problem_count + 1, sizeof *s->problems);
    s->problems[s->problem_count++] = (struct tw_expire_problem){tw_strdup(code), tw_strdup(text)};
}

static void complain(struct tw_expire_scan *s, const char *code, const char *folder,
                     const char *what)
{
    char *path = tw_mailbox_path(&s->mailbox);
    char *text = tw_format("%s%s%s: %s", path, folder[0] ? "/" : "", folder, what);
    add_problem(s, code, text);
    free(text);
    free(path);
}

/* ---- one directory ------------------------------------------------------------------------ */

struct pass {
    struct tw_expire_scan *scan;
    struct tw_expire_folder *folder;
    enum tw_mail_dir dir;
    int fd;
    bool rules;           /* some message in it may be due */
    struct tw_owed *owed; /* once it was needed */
    int64_t strange, foreign, odd;
};

static void take_due(struct pass *p, const struct dirent64 *entry, enum tw_expire_class class,
                     const struct stat *st, int64_t bytes)
{
    struct tw_expire_view *view = p->scan->view;
    struct tw_expire_amount *due = &p->folder->due[class];
    due->count++;
    due->bytes += bytes;
    if (view->due) {
        view->due(p->scan, p->folder->folder.path, p->dir, entry->d_name, class,
                  view->now_s - tw_expire_from_s(&p->scan->rule, class, st), bytes);
    } else if (atomic_fetch_sub(&view->room, 1) > 0) {
        struct tw_inodes *inodes = &p->folder->inodes[p->dir];
        tw_inodes_add(inodes, entry->d_ino);
        if (st->st_ino != entry->d_ino) /* an overlay: both tell it when it is met again */
            tw_inodes_add(inodes, st->st_ino);
    }
}

/* Spam that is due, but that a learn job would still take: it is kept for a while. */
static bool is_kept(struct pass *p, const char *name, const struct tw_message *message,
                    const struct stat *st, int64_t due_s)
{
    struct tw_expire_folder *folder = p->folder;
    struct tw_expire_view *view = p->scan->view;
    if (!view->owed)
        return false;
    if (!p->owed)
        p->owed = view->owed(p->scan, folder->folder.path);
    /* What was due long before anybody looked is kept from the first look on. */
    const int64_t since_s = folder->kept_s ? folder->kept_s : view->remembers ? view->now_s : 0;
    const int64_t until_s =
        tw_owed_until_s(p->owed, p->dir, name, message, st, due_s > since_s ? due_s : since_s);
    const bool kept = until_s > view->now_s;
    folder->kept_s = kept ? since_s : folder->kept_s;
    folder->kept += kept;
    folder->unlearned += !kept && until_s != INT64_MIN;
    if (kept && until_s < folder->next_s[TW_EXPIRE_SPAM])
        folder->next_s[TW_EXPIRE_SPAM] = until_s;
    return kept;
}

/* Is there a rule for it, and is it due by it? */
static void judge(struct pass *p, const struct dirent64 *entry, enum tw_expire_class class,
                  const struct tw_message *message)
{
    const struct tw_expire_scan *s = p->scan;
    struct tw_expire_folder *folder = p->folder;
    struct stat st;
    bool odd = false;
    if (fstatat(p->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return; /* gone, or renamed by a change of flags: the directory has changed, so it is looked
                   at next time */
    if (!S_ISREG(st.st_mode)) {
        p->strange++;
        return;
    }
    if (st.st_uid != s->view->uid) {
        p->foreign++;
        return;
    }
    const int64_t due_s =
        tw_expire_due_s(&s->rule, class, message->flagged, &st, s->view->now_s, &odd);
    p->odd += odd;
    if (due_s < folder->first_s)
        folder->first_s = due_s;
    if (due_s <= s->view->now_s && class == TW_EXPIRE_SPAM &&
        is_kept(p, entry->d_name, message, &st, due_s))
        return; /* first_s has passed, so that the folder is looked at each time */
    if (due_s <= s->view->now_s)
        take_due(p, entry, class, &st,
                 message->size_bytes >= 0 ? message->size_bytes : (int64_t)st.st_size);
    else if (due_s < folder->next_s[class])
        folder->next_s[class] = due_s;
}

static bool take_entry(void *context, const struct dirent64 *entry)
{
    struct pass *p = context;
    struct tw_message message;
    atomic_fetch_add_explicit(&p->scan->view->progress, 1, memory_order_relaxed);
    if (!tw_message_parse(entry->d_name, &message))
        return true;
    if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) {
        p->strange++;
        return true;
    }
    enum tw_expire_class class = TW_EXPIRE_TMP;
    if (p->dir != TW_DIR_TMP) {
        p->folder->messages++;
        p->scan->scanned++;
        class = tw_expire_class_of(p->folder->class, p->dir, &message);
    }
    if (p->rules && class < TW_EXPIRE_CLASSES && p->scan->rule.limit_s[class] >= 0)
        judge(p, entry, class, &message);
    return true;
}

static void complain_of_entries(struct pass *p)
{
    const char *dir = tw_mail_dir_names[p->dir], *path = p->folder->folder.path;
    const struct {
        int64_t count;
        const char *code, *what;
    } all[] = {{p->strange, "no-file", "no file: left alone"},
               {p->foreign, "foreign", "another user's: left alone"},
               {p->odd, "no-date", "without a believable date (before 1990, or to come): kept"}};
    for (size_t i = 0; i < TW_COUNT(all); i++) {
        if (!all[i].count)
            continue;
        char *text = tw_format("%" PRId64 " in %s/ %s", all[i].count, dir, all[i].what);
        complain(p->scan, all[i].code, path, text);
        free(text);
    }
}

static void scan_dir(struct tw_expire_scan *s, const struct tw_mail_place_of *of,
                     struct tw_expire_folder *folder, int at, enum tw_mail_dir dir)
{
    struct pass p = {.scan = s, .folder = folder, .dir = dir};
    struct tw_stamp before;
    const int64_t before_ns = tw_clock_wall_ns();
    p.rules = !folder->folder.no_expire;
    p.fd = tw_folder_open_dir(of, at, dir, &before);
    folder->folder.dirs[dir] = (struct tw_stamp){0};
    if (p.fd < 0) {
        if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
            complain(s, errno == EPERM ? "foreign" : "unreadable", folder->folder.path,
                     strerrordesc_np(errno));
        return;
    }
    if (tw_dir_each(p.fd, take_entry, &p) != 0)
        complain(s, "unreadable", folder->folder.path, strerrordesc_np(errno));
    else if (!p.strange && !p.foreign && !p.odd) /* what is wrong in it shall be told each time */
        folder->folder.dirs[dir] = tw_stamp_still(p.fd, &before, before_ns);
    close(p.fd);
    tw_owed_free(&p.owed);
    tw_inodes_sort(&folder->inodes[dir]);
    complain_of_entries(&p);
}

/* ---- one folder --------------------------------------------------------------------------- */

/* Leftovers in tmp/ concern us only if there is a rule for them. */
static bool needs(const struct tw_expire_scan *s, int dir)
{
    return dir != TW_DIR_TMP || s->rule.limit_s[TW_EXPIRE_TMP] >= 0;
}

static bool may_skip(const struct tw_expire_scan *s, const struct tw_folder *now,
                     const struct tw_known_folder *then)
{
    const int64_t now_s = s->view->now_s;
    if (s->view->whole || !then || !then->folder.is_maildir ||
        then->folder.no_expire != now->no_expire || then->first_s <= now_s ||
        then->scanned_s > now_s || then->scanned_s <= now_s - TW_KNOWN_FULL_S)
        return false;
    for (int dir = 0; dir < TW_MAIL_DIRS; dir++)
        if (needs(s, dir) && !tw_stamp_equal(&now->dirs[dir], &then->folder.dirs[dir]))
            return false;
    return true;
}

static void scan_folder(struct tw_expire_scan *s, const struct tw_mail_place_of *of,
                        struct tw_folder *folder, const struct tw_known_folder *then)
{
    struct tw_expire_folder *f = &s->folders[s->folder_count++];
    *f = (struct tw_expire_folder){
        .folder = *folder, .first_s = INT64_MAX, .scanned_s = s->view->now_s};
    for (size_t class = 0; class < TW_EXPIRE_CLASSES; ++class)
        f->next_s[class] = INT64_MAX;
    folder->path = NULL; /* it has moved */
    f->class = tw_folder_class_of(s->view->folders, f->folder.path);
    if (may_skip(s, &f->folder, then)) {
        f->messages = then->messages;
        f->first_s = then->first_s;
        f->scanned_s = then->scanned_s;
        return;
    }
    f->looked = true;
    f->kept_s = then ? then->kept_s : 0;
    const int at = tw_folder_open(of, f->folder.path);
    if (at < 0)
        return; /* not any more; the one that it is in has changed */
    for (int dir = 0; dir < TW_MAIL_DIRS; dir++)
        if (needs(s, dir))
            scan_dir(s, of, f, at, (enum tw_mail_dir)dir);
    f->kept_s = f->kept ? f->kept_s : 0;
    close(at);
}

/* ---- the mailbox -------------------------------------------------------------------------- */

static void remember(struct tw_expire_scan *s, uint64_t rule, const struct tw_mailwalk *walk,
                     int64_t began_ns)
{
    size_t mail = 0;
    tw_known_begin(&s->next, rule, walk->count);
    for (size_t i = 0; i < walk->count; i++) {
        struct tw_known_folder row = {.folder = walk->items[i]};
        if (!row.folder.path) { /* it has moved to the folders of mail */
            const struct tw_expire_folder *f = &s->folders[mail++];
            row = (struct tw_known_folder){f->folder, f->messages, f->first_s, f->scanned_s,
                                           f->kept_s};
        }
        tw_known_add(&s->next, &row, began_ns);
    }
}

static void scan_folders(struct tw_expire_scan *s, const struct tw_mail_place_of *of)
{
    struct tw_known known = {0};
    struct tw_mailwalk walk;
    const uint64_t rule = tw_expire_rule_hash(&s->rule, s->view->names);
    const int64_t began_ns = tw_clock_wall_ns();
    if (s->known)
        tw_known_read(s->known, s->known_length, rule, &known);
    bool changed = !tw_known_same(of, &known, &walk);
    if (changed && tw_mailwalk_read(of, &walk) != 0) {
        complain(s, "unreadable", "", strerrordesc_np(errno));
        tw_known_free(&known);
        return;
    }
    if (!walk.items[0].is_maildir)
        complain(s, "no-maildir", "", "has not all of cur, new and tmp: it is no Maildir");
    if (s->problem_count) /* to be told each time */
        walk.items[0].self = (struct tw_stamp){0};
    s->folders = tw_alloc(walk.count * sizeof *s->folders);
    for (size_t i = 0; i < walk.count; i++) {
        if (!walk.items[i].is_maildir)
            continue;
        scan_folder(s, of, &walk.items[i], tw_known_find(&known, walk.items[i].path, i));
        changed = changed || s->folders[s->folder_count - 1].looked;
    }
    if (changed)
        remember(s, rule, &walk, began_ns);
    tw_mailwalk_free(&walk);
    tw_known_free(&known);
}

void tw_expire_scan(struct tw_expire_scan *scan)
{
    struct stat st;
    struct tw_error e;
    scan->passed_over = tw_clock_ms() >= scan->view->end_ms;
    if (scan->passed_over)
        return;
    const int fd = tw_mailbox_open(&scan->mailbox, scan->view->uid, &st, &e);
    if (fd < 0) {
        scan->missing = errno == ENOENT;
        add_problem(scan, tw_mailbox_trouble(errno), e.text);
        return;
    }
    char *path = tw_mailbox_path(&scan->mailbox);
    const struct tw_mail_place_of of = {.fd = fd,
                                        .uid = scan->view->uid,
                                        .dev = st.st_dev,
                                        .path = path,
                                        .problem = add_problem,
                                        .context = scan};
    scan_folders(scan, &of);
    free(path);
    close(fd);
}

void tw_expire_scan_clear(struct tw_expire_scan *scan)
{
    for (size_t i = 0; i < scan->folder_count; i++) {
        free(scan->folders[i].folder.path);
        for (int dir = 0; dir < TW_MAIL_DIRS; dir++)
            free(scan->folders[i].inodes[dir].items);
    }
    for (size_t i = 0; i < scan->problem_count; i++) {
        free(scan->problems[i].code);
        free(scan->problems[i].text);
    }
    free(scan->folders);
    free(scan->problems);
    free(scan->known);
    tw_buf_free(&scan->next);
    tw_buf_free(&scan->rows);
    tw_mailbox_clear(&scan->mailbox);
}
