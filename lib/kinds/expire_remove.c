/* The removal: of what an earlier look has found to be due, and of nothing else.
 *
 * The race this is about: between the look and now, and between any two calls here, the mailbox's
 * user and his mail programs go on. They rename messages (a flag was set), move and remove them,
 * give a name to another file; a hostile user swaps directories for links into somebody else's
 * mail. So
 *
 *  - a directory is opened below the mailbox, never through a link, and what it is, whose, and on
 * which file system is asked of the descriptor; all that follows is relative to that descriptor,
 * which stays what it is whatever becomes of its name;
 *  - only what the look has counted goes: a file is taken for the same by its inode;
 *  - right before a name is removed, it is looked at once more, in the same directory: it must be a
 *    regular file of the mailbox's owner, with that inode, and still be due by the flags that are
 * in its name now. What is not there any more is somebody else's doing: benign, and looked at again
 *    next time under its new name;
 *  - what is left is the moment between that look and unlinkat(2): whoever puts another message
 * under the very same name within it loses that one. No mail program gives a name twice.
 *
 * Nothing is ever renamed, opened or written, but one line in maildirsize. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crew.h"
#include "base/gentle.h"
#include "base/mem.h"
#include "base/owner.h"
#include "kinds/expire_child.h"
#include "toaster/maildirsize.h"

/* What is due in one directory. */
struct part {
    char *folder;
    enum tw_mail_dir dir;
    struct tw_inodes inodes;
};

/* One mailbox; and what came of it. */
struct job {
    struct tw_expire_view *view;
    struct tw_expire_rule rule;
    struct tw_mailbox mailbox;
    struct tw_mail_base base;
    struct part *parts;
    size_t part_count;
    struct tw_expire_sum sum; /* gone, errors, problems */
    int64_t quota_bytes, quota_count;
    bool stop; /* the file system takes nothing back: no use to go on */
};

/* ---- one message -------------------------------------------------------------------------- */

struct pass {
    struct job *job;
    const struct part *part;
    enum tw_folder_class class;
    int fd;
};

/* vpopmail and Courier leave the folder .Trash, and what has the flag T, out of the quota. */
static bool counts_in_quota(const struct pass *p, const struct tw_message *message)
{
    if (p->part->dir == TW_DIR_TMP)
        return false;
    return p->job->view->settings->quota_trash ||
           (!message->trashed && strcmp(p->part->folder, ".Trash") != 0);
}

static void failed(struct pass *p, int why)
{
    struct job *job = p->job;
    job->sum.errors++;
    char *path = tw_mailbox_path(&job->mailbox);
    char *text = tw_format("cannot remove from %s/%s%s%s: %s", path, p->part->folder,
                           p->part->folder[0] ? "/" : "", tw_mail_dir_names[p->part->dir],
                           strerrordesc_np(why));
    tw_problems_add(&job->sum.problems, why == EROFS ? "read-only" : "cannot-remove", text, 0);
    free(text);
    free(path);
    job->stop = job->stop || why == EROFS || why == EIO;
}

static void remove_one(struct pass *p, const char *name)
{
    struct job *job = p->job;
    struct tw_message message;
    struct stat st;
    bool odd = false;
    if (!tw_message_parse(name, &message))
        return;
    const enum tw_expire_class class = p->part->dir == TW_DIR_TMP
                                           ? TW_EXPIRE_TMP
                                           : tw_expire_class_of(p->class, p->part->dir, &message);
    if (fstatat(p->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return;
    if (!S_ISREG(st.st_mode) || st.st_uid != job->view->uid ||
        !tw_inodes_has(&p->part->inodes, st.st_ino) ||
        tw_expire_due_s(&job->rule, class, message.flagged, &st, job->view->now_s, &odd) >
            job->view->now_s)
        return;
    if (unlinkat(p->fd, name, 0) != 0) {
        if (errno != ENOENT)
            failed(p, errno);
        return;
    }
    const int64_t bytes = message.size_bytes >= 0 ? message.size_bytes : (int64_t)st.st_size;
    job->sum.gone[class].count++;
    job->sum.gone[class].bytes += bytes;
    if (counts_in_quota(p, &message)) {
        job->quota_bytes += bytes;
        job->quota_count++;
    }
}

static bool take_entry(void *context, const struct dirent64 *entry)
{
    struct pass *p = context;
    atomic_fetch_add_explicit(&p->job->view->progress, 1, memory_order_relaxed);
    if (tw_inodes_has(&p->part->inodes, entry->d_ino))
        remove_one(p, entry->d_name);
    return !p->job->stop;
}

/* ---- one mailbox -------------------------------------------------------------------------- */

/* A folder that is no longer one, or whose user says no by now, is left as it is. */
static void remove_part(struct job *job, const struct tw_mail_place_of *of, const struct part *part)
{
    struct pass p = {.job = job, .part = part};
    struct tw_folder now = {0};
    struct tw_stamp stamp;
    p.class = tw_folder_class_of(job->view->folders, part->folder);
    const int folder = tw_folder_open(of, part->folder);
    if (folder < 0)
        return;
    if (tw_folder_look(of, folder, &now) && now.is_maildir &&
        !tw_folder_opted_out(of, part->folder)) {
        p.fd = tw_folder_open_dir(of, folder, part->dir, &stamp);
        if (p.fd >= 0 && tw_dir_each(p.fd, take_entry, &p) != 0)
            failed(&p, errno);
        if (p.fd >= 0)
            close(p.fd);
    }
    close(folder);
}

static void on_problem(void *context, const char *code, const char *text)
{
    struct job *job = context;
    tw_problems_add(&job->sum.problems, code, text, 0);
}

static void settle_quota(struct job *job, int fd, const char *path)
{
    if (job->quota_count == 0 || tw_maildirsize_add(fd, -job->quota_bytes, -job->quota_count) == 0)
        return;
    char *text = tw_format("cannot write %s/maildirsize: %s", path, strerrordesc_np(errno));
    on_problem(job, "maildirsize", text);
    free(text);
}

static void remove_all(void *context, void *item)
{
    struct job *job = item;
    struct stat st;
    struct tw_error e;
    (void)context;
    job->base.fd = tw_dir_open(job->base.path, NULL, &e);
    const int fd = job->base.fd < 0 ? -1 : tw_mailbox_open(&job->mailbox, job->view->uid, &st, &e);
    if (job->base.fd >= 0)
        close(job->base.fd);
    if (fd < 0)
        return; /* moved or removed since the look, which tells of it next time */
    char *path = tw_mailbox_path(&job->mailbox);
    const struct tw_mail_place_of of = {.fd = fd,
                                        .uid = job->view->uid,
                                        .dev = st.st_dev,
                                        .path = path,
                                        .problem = on_problem,
                                        .context = job};
    for (size_t i = 0; i < job->part_count && !job->stop; i++)
        remove_part(job, &of, &job->parts[i]);
    settle_quota(job, fd, path);
    free(path);
    close(fd);
}

/* ---- all mailboxes ------------------------------------------------------------------------ */

struct removal {
    const struct tw_expire_task *task;
    struct tw_expire_view view;
    struct tw_crew *crew;
    struct tw_expire_sum sum;
    struct tw_voice voice;
    char *last; /* the address of the last mailbox that was given out */
};

static void free_job(struct job *job)
{
    for (size_t i = 0; i < job->part_count; i++) {
        free(job->parts[i].folder);
        free(job->parts[i].inodes.items);
    }
    free(job->parts);
    free(job->base.path);
    free(job->mailbox.address);
    free(job->mailbox.below);
    tw_expire_sum_free(&job->sum);
    free(job);
}

static void finish(struct removal *r, struct job *job)
{
    const struct tw_expire_amount gone = tw_expire_amounts_all(job->sum.gone);
    const char *at = strrchr(job->mailbox.address, '@');
    struct tw_expire_domain *domain =
        tw_expire_sum_domain(&r->sum, at ? at + 1 : job->mailbox.address);
    domain->gone.count += gone.count;
    domain->gone.bytes += gone.bytes;
    tw_expire_amounts_add(r->sum.gone, job->sum.gone);
    r->sum.errors += job->sum.errors;
    tw_problems_put(&r->voice.out, TW_CHILD_PROBLEM, &job->sum.problems);
    free_job(job);
    tw_voice_say(&r->voice);
}

static struct job *next_done(struct removal *r)
{
    return tw_expire_next(&r->view, r->crew, &r->voice);
}

static struct job *new_job(struct removal *r, const struct tw_expire_due *due)
{
    struct job *job = tw_alloc(sizeof *job);
    job->view = &r->view;
    job->rule = tw_expire_rule_for(r->view.settings, due->address);
    job->base = (struct tw_mail_base){.path = tw_strdup(due->base), .fd = -1};
    job->mailbox = (struct tw_mailbox){
        .address = tw_strdup(due->address), .below = tw_strdup(due->below), .base = &job->base};
    return job;
}

static void add_inodes(struct job *job, const struct tw_expire_due *due)
{
    struct part *part = job->part_count ? &job->parts[job->part_count - 1] : NULL;
    if (!part || part->dir != due->dir || strcmp(part->folder, due->folder) != 0) {
        job->parts = tw_realloc_array(job->parts, job->part_count + 1, sizeof *job->parts);
        part = &job->parts[job->part_count++];
        *part = (struct part){.folder = tw_strdup(due->folder), .dir = due->dir};
    }
    for (size_t at = 0; at < due->bytes; at += sizeof(uint64_t)) {
        uint64_t inode;
        memcpy(&inode, due->inodes + at, sizeof inode);
        tw_inodes_add(&part->inodes, inode);
    }
}

static void give(struct removal *r, struct job *job)
{
    for (size_t i = 0; i < job->part_count; i++)
        tw_inodes_sort(&job->parts[i].inodes);
    free(r->last);
    r->last = tw_strdup(job->mailbox.address);
    if (tw_crew_full(r->crew))
        finish(r, next_done(r));
    tw_crew_give(r->crew, job);
}

static void walk(struct removal *r)
{
    const struct tw_expire_task *task = r->task;
    struct tw_frame frame;
    struct job *job = NULL;
    for (size_t at = 0; tw_frame_next(task->due, &at, TW_CHILD_FRAME_MAX, &frame) > 0;) {
        struct tw_expire_due due;
        if (tw_expire_get_due(&frame, &due) != 0)
            continue;
        const bool same = job && strcmp(job->mailbox.address, due.address) == 0 &&
                          strcmp(job->mailbox.below, due.below) == 0 &&
                          strcmp(job->base.path, due.base) == 0;
        if (job && !same) {
            give(r, job);
            job = NULL;
        }
        if (tw_strings_has(task->blocked, strrchr(due.address, '@') + 1)) {
            /* the fuse has tripped there */
        } else if (!job && (tw_clock_ms() >= task->child.end_ms || r->voice.failed)) {
            r->sum.left += (int64_t)(due.bytes / sizeof(uint64_t));
        } else {
            if (!job)
                job = new_job(r, &due);
            add_inodes(job, &due);
        }
        tw_expire_due_clear(&due);
    }
    if (job)
        give(r, job);
    for (struct job *done; (done = next_done(r));)
        finish(r, done);
}

int tw_expire_remove(void *task, int fd, struct tw_error *e)
{
    const struct tw_expire_task *t = task;
    struct removal r = {.task = t, .voice = tw_voice(fd)};
    struct tw_folder_names *folders = tw_expire_folders(t->child.run->settings);
    tw_gentle();
    r.view.settings = t->child.run->settings;
    r.view.folders = folders;
    r.view.uid = t->child.owner->uid;
    r.view.now_s = t->child.run->now_s;
    r.crew = tw_crew_new((size_t)r.view.settings->parallel, remove_all, NULL);
    walk(&r);
    tw_crew_free(&r.crew);
    if (r.sum.left)
        tw_child_put_at(&r.voice.out, r.last);
    tw_expire_put_gone(&r.voice.out, &r.sum);
    free(r.last);
    tw_folder_names_free(&folders);
    tw_expire_sum_free(&r.sum);
    return tw_voice_said(&r.voice, e);
}
