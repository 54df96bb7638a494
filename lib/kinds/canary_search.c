/* Test mails in a mailbox: looked for, and removed.
 *
 * The race this is about is that of expire_remove.c: the mailbox's user, who may be hostile, goes
 * on meanwhile, renames messages, and swaps directories for links into somebody else's mail. So
 *
 *  - we have his rights and no others, and whatever he bends, he bends to what is his;
 *  - directories are opened below the mailbox, never through a link, and all that follows is
 *    relative to the descriptor;
 *  - what is removed is a file whose id was read from the file itself: it is opened (no link, a
 *    regular file of the mailbox's owner), its header is read, and before its name is removed that
 *    name must still be the same file, by inode and device;
 *  - an id has 128 random bits that were never told to anybody but the server the mail was handed
 *    to, and must stand there exactly: no message that we did not send has one, unless someone who
 *    could read ours put it there, and then it is a copy of ours.
 *  - what is left is the moment between that look and unlinkat(2): whoever puts another message
 *    under the very same name within it loses that one. No mail program gives a name twice. */
#include "kinds/canary_search.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/mem.h"
#include "kinds/ownerchild.h"
#include "toaster/address.h"
#include "toaster/beneath.h"
#include "toaster/folder.h"
#include "toaster/maildirsize.h"
#include "toaster/mailwalk.h"
#include "toaster/message.h"
#include "toaster/testmail.h"

enum {
    HEADER_MAX = 16 * 1024,
    OPENED_MAX = 20000, /* messages of one look: in a mailbox of its own there are a few */
    MARGIN_S = 120      /* clocks of file systems elsewhere */
};

enum { FRAME_MAILBOX = TW_CHILD_OWN, FRAME_SEEN };

/* ---- whose mail is it --------------------------------------------------------------------- */

/* Is the value, but for blanks around it, this? */
static bool is_value(const char *at, size_t length, const char *id, bool message_id)
{
    const size_t id_length = strlen(id);
    while (length && (*at == ' ' || *at == '\t')) {
        at++;
        length--;
    }
    while (length && (at[length - 1] == ' ' || at[length - 1] == '\t' || at[length - 1] == '\r'))
        length--; /* not by strchr, to which a NUL is in every string */
    if (message_id)
        return length > id_length + 3 && at[0] == '<' && at[length - 1] == '>' &&
               memcmp(at + 1, id, id_length) == 0 && at[id_length + 1] == '@';
    return length == id_length && memcmp(at, id, id_length) == 0;
}

static int match_line(const char *line, size_t length, const struct tw_strings *ids)
{
    static const char *const names[] = {TW_TESTMAIL_HEADER ":", "Message-ID:"};
    for (size_t name = 0; name < TW_COUNT(names); name++) {
        const size_t skip = strlen(names[name]);
        if (length <= skip || strncasecmp(line, names[name], skip) != 0)
            continue;
        for (size_t i = 0; i < ids->count; i++)
            if (is_value(line + skip, length - skip, ids->items[i], name == 1))
                return (int)i;
    }
    return -1;
}

int tw_canary_match(const char *text, size_t length, const struct tw_strings *ids)
{
    int found = -1;
    for (size_t at = 0; at < length && found < 0;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t line = end ? (size_t)(end - text) - at : length - at;
        if (line == 0 || (line == 1 && text[at] == '\r') || !end)
            break; /* the header is over, or cut off */
        found = match_line(text + at, line, ids);
        at += line + 1;
    }
    return found;
}

/* ---- in the child ------------------------------------------------------------------------- */

struct task {
    struct tw_child_task child;
    const struct tw_canary_search *search;
};

struct look {
    const struct tw_canary_search *search;
    const struct tw_folder_names *names;
    struct tw_voice voice;
    uid_t uid;
    size_t opened;
    int64_t gone_bytes, gone_count;
    /* The directory that it is in: */
    const char *folder;
    int fd;
};

static void put_seen(struct look *l, int id, bool removed, const struct stat *st)
{
    struct tw_buf shown = {0};
    tw_folder_show(l->folder, &shown);
    struct tw_frame_writer w = tw_frame_begin(&l->voice.out, FRAME_SEEN);
    tw_frame_put_number(&w, id);
    tw_frame_put_number(&w, tw_folder_class_of(l->names, l->folder) == TW_FOLDER_SPAM);
    tw_frame_put_number(&w, removed);
    tw_frame_put_number(&w, st->st_mtim.tv_sec);
    tw_frame_put_bytes(&w, tw_buf_text(&shown), strnlen(tw_buf_text(&shown), TW_CHILD_NAME_MAX));
    tw_frame_end(&w);
    tw_buf_free(&shown);
    tw_voice_say(&l->voice);
}

/* Only what is written down as seen: if we end before that, the next look must find it. */
static bool may_remove(const struct look *l, int id)
{
    return tw_strings_has(l->search->known, l->search->ids->items[id]);
}

/* False: it may be there still. */
static bool remove_it(struct look *l, const char *name, const struct stat *opened)
{
    struct tw_message message;
    struct stat st;
    if (fstatat(l->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || st.st_ino != opened->st_ino ||
        st.st_dev != opened->st_dev || !tw_message_parse(name, &message))
        return false; /* somebody has renamed it: the next look finds it */
    if (unlinkat(l->fd, name, 0) != 0) {
        if (errno != ENOENT)
            tw_voice_problem(&l->voice, "cannot-remove", strerrordesc_np(errno));
        return false;
    }
    /* As with expire: what vpopmail and Courier leave out of the quota. */
    if (message.trashed || strcmp(l->folder, ".Trash") == 0)
        return true;
    l->gone_bytes += message.size_bytes >= 0 ? message.size_bytes : (int64_t)opened->st_size;
    l->gone_count++;
    return true;
}

/* What cannot be read may hide what is looked for; what has just gone cannot. */
static void unreadable(struct look *l, const char *name)
{
    const int why = errno;
    struct tw_buf text = {0};
    if (why == ENOENT || why == ELOOP || why == ENOTDIR)
        return;
    tw_folder_show(l->folder, &text);
    tw_buf_printf(&text, ": %s: %s", name, strerrordesc_np(why));
    tw_voice_problem(&l->voice, "unreadable", tw_buf_text(&text));
    tw_buf_free(&text);
}

/* It has a `new` that mail may come to, but one of the three is missing, or a link, or foreign. */
static void no_maildir(struct look *l)
{
    struct tw_buf text = {0};
    tw_folder_show(l->folder, &text);
    tw_buf_puts(&text, ": it is no Maildir: cur, new or tmp is no directory of its own");
    tw_voice_problem(&l->voice, "no-maildir", tw_buf_text(&text));
    tw_buf_free(&text);
}

static void look_into(struct look *l, const char *name)
{
    char header[HEADER_MAX];
    struct stat st;
    const int fd = tw_beneath_open(l->fd, name, O_RDONLY | O_NOFOLLOW, true);
    if (fd < 0) {
        unreadable(l, name);
        return;
    }
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == l->uid) {
        size_t length = 0;
        ssize_t n;
        while (length < sizeof header &&
               ((n = read(fd, header + length, sizeof header - length)) > 0 ||
                (n < 0 && errno == EINTR)))
            length += n > 0 ? (size_t)n : 0;
        const int id = tw_canary_match(header, length, l->search->ids);
        if (id >= 0)
            put_seen(l, id, may_remove(l, id) && remove_it(l, name, &st), &st);
    }
    close(fd);
}

/* A tw_entry_each. What has come into its directory since then has a newer inode change time. */
static bool take_entry(void *context, const struct dirent64 *entry)
{
    struct look *l = context;
    struct tw_message message;
    struct stat st;
    tw_voice_say(&l->voice); /* of a million old ones, too, on a disk that takes its time */
    if (!tw_message_parse(entry->d_name, &message) ||
        fstatat(l->fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        st.st_ctim.tv_sec < l->search->since_s - MARGIN_S)
        return true;
    look_into(l, entry->d_name);
    if (++l->opened < OPENED_MAX)
        return true;
    tw_voice_problem(&l->voice, "too-many",
                     "it has too many new messages to look into: test mails need a mailbox of "
                     "their own");
    return false;
}

static void look_at_folder(struct look *l, const struct tw_mail_place_of *of,
                           const struct tw_folder *folder)
{
    struct tw_stamp stamp;
    struct stat st;
    const int at = tw_folder_open(of, folder->path);
    l->folder = folder->path;
    if (at < 0) {
        unreadable(l, "directory");
        return;
    }
    /* One that may not be searched does not look like a maildir. */
    if (!folder->is_maildir && fstatat(at, "new", &st, AT_SYMLINK_NOFOLLOW) != 0)
        unreadable(l, "new");
    else if (!folder->is_maildir)
        no_maildir(l);
    for (int dir = TW_DIR_CUR; folder->is_maildir && dir <= TW_DIR_NEW; dir++) {
        const char *name = tw_mail_dir_names[dir];
        l->fd = tw_folder_open_dir(of, at, (enum tw_mail_dir)dir, &stamp);
        if (l->fd < 0) {
            unreadable(l, name);
            continue;
        }
        if (l->opened < OPENED_MAX && tw_dir_each(l->fd, take_entry, l) != 0)
            unreadable(l, name);
        close(l->fd);
    }
    close(at);
}

static void look_at_mailbox(struct look *l, const struct tw_mailbox *mailbox)
{
    struct tw_mailwalk walk;
    struct stat st = {0};
    struct tw_error e;
    char *path = tw_mailbox_path(mailbox);
    const int fd = tw_mailbox_open(mailbox, l->uid, &st, &e);
    const struct tw_mail_place_of of = {.fd = fd,
                                        .uid = l->uid,
                                        .dev = st.st_dev,
                                        .path = path,
                                        .problem = tw_voice_problem,
                                        .context = &l->voice};
    if (fd < 0) {
        tw_voice_problem(&l->voice, errno == ENOENT ? "missing" : "cannot-open", e.text);
    } else if (tw_mailwalk_read(&of, &walk) != 0) {
        tw_voice_problem(&l->voice, "unreadable", strerrordesc_np(errno));
    } else {
        for (size_t i = 0; i < walk.count && l->search->ids->count && !l->voice.failed; i++)
            look_at_folder(l, &of, &walk.items[i]);
        tw_mailwalk_free(&walk);
        if (l->gone_count)
            (void)tw_maildirsize_add(fd, -l->gone_bytes, -l->gone_count);
    }
    if (fd >= 0)
        close(fd);
    free(path);
}

/* A tw_priv_task's `work`. */
static int look(void *context, int fd, struct tw_error *e)
{
    const struct task *task = context;
    const struct tw_canary_settings *settings = task->search->run->settings;
    const struct tw_strings none = {0};
    struct tw_strings spam = tw_folder_list(TW_FOLDER_SPAM, &settings->spam_folders);
    struct tw_folder_names *names = tw_folder_names_new(&none, &none, &spam);
    struct look l = {.search = task->search,
                     .names = names,
                     .voice = tw_voice(fd),
                     .uid = task->child.owner->uid};
    struct tw_rounds rounds;
    struct tw_mailbox mailbox;
    tw_rounds_begin(&rounds, &task->child, &l.voice);
    if (tw_rounds_next(&rounds, &mailbox)) {
        tw_child_put_sign(&l.voice.out, (enum tw_child_frame)FRAME_MAILBOX);
        look_at_mailbox(&l, &mailbox);
        tw_mailbox_clear(&mailbox);
    }
    tw_rounds_end(&rounds);
    tw_folder_names_free(&names);
    tw_strings_free(&spam);
    return tw_voice_said(&l.voice, e);
}

/* ---- in its parent ------------------------------------------------------------------------ */

struct intake {
    const struct tw_canary_search *search;
    bool found;
};

static int take(void *context, struct tw_frame *frame, const char *bytes, size_t length)
{
    struct intake *intake = context;
    const struct tw_canary_search *search = intake->search;
    (void)bytes, (void)length;
    if (frame->type == FRAME_MAILBOX) {
        intake->found = true;
        return tw_frame_done(frame) ? 0 : -1;
    }
    if (frame->type != FRAME_SEEN)
        return -1;
    const int64_t id = tw_frame_number(frame), in_spam = tw_frame_number(frame);
    const int64_t removed = tw_frame_number(frame), came_s = tw_frame_number(frame);
    char *folder = tw_frame_text(frame, TW_CHILD_NAME_MAX);
    const bool good = tw_frame_done(frame) && id >= 0 && (size_t)id < search->ids->count;
    if (good)
        search->seen(search->context, &(struct tw_canary_sight){.id = search->ids->items[id],
                                                                .folder = folder,
                                                                .in_spam = in_spam != 0,
                                                                .removed = removed != 0,
                                                                .came_s = came_s});
    free(folder);
    return good ? 0 : -1;
}

/* Can one of his be the mailbox? His lists are read with his rights only. */
static bool may_own(const struct tw_mail_owner *owner, const char *address)
{
    const char *domain = strrchr(address, '@') + 1;
    bool may = false;
    for (size_t i = 0; i < owner->domain_count; i++)
        may = may || strcasecmp(owner->domains[i].domain, domain) == 0;
    for (size_t i = 0; i < owner->place_count; i++)
        may = may || tw_address_matches(address, owner->places[i].address) != TW_ADDRESS_OTHER;
    return may;
}

static const struct tw_problem_sort *find_sort(const struct tw_problems *problems, const char *code)
{
    for (size_t i = 0; i < problems->count; i++)
        if (strcmp(problems->sorts[i].code, code) == 0)
            return &problems->sorts[i];
    return NULL;
}

/* The gravest thing that stands in the way. */
static int judge(const struct tw_problems *problems, struct tw_error *e)
{
    static const char *const grave[] = {"cannot-open", "unreadable", "foreign",      "no-maildir",
                                        "other-fs",    "too-many",   "cannot-remove"};
    for (size_t i = 0; i < TW_COUNT(grave); i++) {
        const struct tw_problem_sort *sort = find_sort(problems, grave[i]);
        if (sort)
            return tw_fail(e, "%s", sort->texts.items[0]);
    }
    return 0;
}

static int search_of(const struct tw_canary_search *search, const struct tw_strings *only,
                     const struct tw_mail_owner *owner, bool *found, struct tw_error *e)
{
    struct tw_problems problems = {0};
    struct intake mine = {.search = search};
    struct task task = {
        .child = {.run = search->run, .owner = owner, .end_ms = INT64_MAX, .only = only},
        .search = search};
    struct tw_child_intake intake = {.problems = &problems, .take = take, .context = &mine};
    int result = tw_child_run(&task.child, look, &task, &intake, e);
    if (result == 0 && mine.found)
        result = judge(&problems, e);
    *found = mine.found && !find_sort(&problems, "missing");
    tw_child_intake_free(&intake);
    tw_problems_free(&problems);
    return result;
}

int tw_canary_search(const struct tw_canary_search *search, struct tw_error *e)
{
    const struct tw_canary_settings *settings = search->run->settings;
    const struct tw_places *places = search->run->places;
    struct tw_mail_owners owners = {0};
    struct tw_strings only = {0};
    struct tw_problems ignored = {0};
    bool found = false;
    int result = 0;
    tw_strings_add(&only, settings->to);
    tw_mail_owners_read(places->sources, places->qmail_dir, places->hostname, &owners,
                        tw_problems_tell, &ignored);
    for (size_t i = 0; i < owners.count && !found && result == 0; i++)
        if (may_own(&owners.items[i], settings->to))
            result = search_of(search, &only, &owners.items[i], &found, e);
    tw_mail_owners_free(&owners);
    tw_problems_free(&ignored);
    tw_strings_free(&only);
    return result == 0 ? found : -1;
}
