/* The mailboxes of one owner. Knows vpasswd and vuserinfo; nothing of what is in a mailbox. */
#include "toaster/mailboxes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/owner.h"
#include "base/program.h"
#include "toaster/address.h"
#include "toaster/beneath.h"
#include "toaster/inodes.h"
#include "toaster/vpopmail.h"

enum { VPASSWD_MAX = 64 * 1024 * 1024 };

struct tw_mailboxes {
    const struct tw_mail_owner *owner;
    const struct tw_sources *sources;
    tw_mail_problem *problem;
    void *context;
    size_t domain, place;     /* the next ones */
    struct tw_vpasswd *users; /* of the domain before `domain`, sorted */
    size_t user_count, user;
    struct tw_mail_base *base; /* the last one */
    bool several;              /* sources may find the same directory: */
    struct tw_inode_set seen;
};

/* The analyzer cannot tell that what is still counted is not freed. */
/* NOLINTBEGIN(clang-analyzer-unix.Malloc) */

/* ---- bases -------------------------------------------------------------------------------- */

static void release(struct tw_mail_base **base)
{
    struct tw_mail_base *b = *base;
    *base = NULL;
    if (!b || --b->uses > 0)
        return;
    if (b->fd >= 0)
        close(b->fd);
    free(b->path);
    free(b);
}

/* Mailboxes below the same directory share it. */
static struct tw_mail_base *base_at(struct tw_mailboxes *m, const char *path)
{
    if (!m->base || strcmp(m->base->path, path) != 0) {
        struct tw_error e;
        release(&m->base);
        m->base = tw_alloc(sizeof *m->base);
        m->base->path = tw_strdup(path);
        m->base->uses = 1;
        m->base->fd = tw_dir_open(path, NULL, &e);
        m->base->why = m->base->fd < 0 ? errno : 0;
    }
    m->base->uses++;
    return m->base;
}

/* ---- the users of a domain ---------------------------------------------------------------- */

typedef int parser(const char *line, size_t length, const char *dir, struct tw_vpasswd *out,
                   struct tw_error *why);

static void tell(const struct tw_mailboxes *m, const char *code, char *text)
{
    m->problem(m->context, code, text);
    free(text);
}

static void take_lines(struct tw_mailboxes *m, const struct tw_mail_domain *domain,
                       const char *name, parser *parse, const char *text, size_t length)
{
    size_t line = 0, room = 0;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t size = end ? (size_t)(end - text) - at : length - at;
        struct tw_vpasswd user;
        struct tw_error why;
        line++;
        const int got = parse(text + at, size, domain->dir, &user, &why);
        if (got > 0) {
            if (m->user_count == room) {
                room = room ? 2 * room : 64;
                m->users = tw_realloc_array(m->users, room, sizeof *m->users);
            }
            m->users[m->user_count++] = user;
        } else if (got < 0) {
            tell(m, "bad-user", tw_format("%s:%zu: %s", name, line, why.text));
        }
        at += size + 1;
    }
}

static void ask_vuserinfo(struct tw_mailboxes *m, const struct tw_mail_domain *domain)
{
    char *program = tw_format("%s/bin/vuserinfo", m->sources->vpopmail);
    char *argv[] = {program, "-d", "-D", domain->domain, NULL};
    struct tw_buf output = {0};
    struct tw_error e;
    int status = 0;
    if (access(program, X_OK) != 0) {
        tell(m, "no-users",
             tw_format("%s: there is no vpasswd in %s, and no %s", domain->domain, domain->dir,
                       program));
    } else if (tw_program_run(
                   &(struct tw_program){.argv = argv, .in = -1, .output_max = VPASSWD_MAX}, &status,
                   &output, &e) != 0) {
        tell(m, "no-users", tw_format("%s: %s", domain->domain, e.text));
    } else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        struct tw_buf said = {0};
        tw_program_describe(status, &output, &said);
        tell(m, "no-users", tw_format("%s: %s: %s", domain->domain, program, tw_buf_text(&said)));
        tw_buf_free(&said);
    } else {
        take_lines(m, domain, program, tw_vuserinfo_parse, tw_buf_text(&output), output.len);
    }
    tw_buf_free(&output);
    free(program);
}

static int by_user(const void *a, const void *b)
{
    const struct tw_vpasswd *x = a, *y = b;
    return strcmp(x->user, y->user);
}

static int by_below(const void *a, const void *b)
{
    const struct tw_vpasswd *x = a, *y = b;
    const int order = strcmp(x->below, y->below);
    return order ? order : strcmp(x->user, y->user);
}

static void clear_users(struct tw_mailboxes *m)
{
    for (size_t i = 0; i < m->user_count; i++)
        tw_vpasswd_clear(&m->users[i]);
    free(m->users);
    m->users = NULL;
    m->user_count = m->user = 0;
}

/* Two users with one directory: whose rules hold there nobody can tell, so nobody's. */
static void drop_shared(struct tw_mailboxes *m, const struct tw_mail_domain *domain)
{
    size_t kept = 0;
    qsort(m->users, m->user_count, sizeof *m->users, by_below);
    for (size_t i = 0; i < m->user_count;) {
        size_t next = i + 1;
        while (next < m->user_count && strcmp(m->users[next].below, m->users[i].below) == 0)
            next++;
        if (next == i + 1) {
            m->users[kept++] = m->users[i];
        } else {
            tell(m, "shared",
                 tw_format("%s@%s and %s@%s have the same directory, %s/%s: it is left alone",
                           m->users[i].user, domain->domain, m->users[i + 1].user, domain->domain,
                           domain->dir, m->users[i].below));
            for (size_t k = i; k < next; k++)
                tw_vpasswd_clear(&m->users[k]);
        }
        i = next;
    }
    m->user_count = kept;
    qsort(m->users, m->user_count, sizeof *m->users, by_user);
}

static void read_domain(struct tw_mailboxes *m, const struct tw_mail_domain *domain)
{
    struct tw_mail_base *base = base_at(m, domain->dir);
    struct tw_error e;
    char *text = NULL, *name = tw_format("%s/vpasswd", domain->dir);
    size_t length;
    clear_users(m);
    if (base->fd < 0)
        tell(m, "no-domain",
             tw_format("cannot open the directory of %s, %s: %s", domain->domain, domain->dir,
                       strerrordesc_np(base->why)));
    else if (tw_file_read(base->fd, "vpasswd", VPASSWD_MAX, &text, &length, &e) == 0)
        take_lines(m, domain, name, tw_vpasswd_parse, text, length);
    else if (errno == ENOENT)
        ask_vuserinfo(m, domain);
    else
        tell(m, "no-users", tw_format("%s: %s", domain->dir, e.text));
    if (m->user_count)
        drop_shared(m, domain);
    free(text);
    free(name);
    release(&base);
}

/* ---- one by one --------------------------------------------------------------------------- */

static bool is_excluded(const struct tw_mailboxes *m, const char *address)
{
    for (size_t i = 0; i < m->sources->exclude.count; i++)
        if (tw_address_matches(m->sources->exclude.items[i], address) != TW_ADDRESS_OTHER)
            return true;
    return false;
}

static void next_user(struct tw_mailboxes *m, struct tw_mailbox *out)
{
    const struct tw_mail_domain *domain = &m->owner->domains[m->domain - 1];
    const struct tw_vpasswd *user = &m->users[m->user++];
    *out = (struct tw_mailbox){.address = tw_format("%s@%s", user->user, domain->domain),
                               .below = tw_format("%s/Maildir", user->below),
                               .source = "vpopmail",
                               .base = base_at(m, domain->dir)};
}

static void next_place(struct tw_mailboxes *m, struct tw_mailbox *out)
{
    const struct tw_mail_place *place = &m->owner->places[m->place++];
    *out = (struct tw_mailbox){.address = tw_strdup(place->address),
                               .below = tw_strdup(place->below),
                               .source = place->source,
                               .base = base_at(m, place->base)};
}

/* Another source has found this directory, maybe on another way. */
static bool was_seen(struct tw_mailboxes *m, const struct tw_mailbox *mailbox)
{
    struct stat st;
    const int base = m->several ? mailbox->base->fd : -1;
    const int fd =
        base < 0 ? -1 : tw_beneath_open(base, mailbox->below, O_PATH | O_DIRECTORY, false);
    const bool seen =
        fd >= 0 && fstat(fd, &st) == 0 && !tw_inode_set_add(&m->seen, st.st_dev, st.st_ino);
    if (fd >= 0)
        close(fd);
    return seen;
}

bool tw_mailboxes_next(struct tw_mailboxes *mailboxes, struct tw_mailbox *out)
{
    struct tw_mailboxes *m = mailboxes;
    for (;;) {
        if (m->user < m->user_count) {
            next_user(m, out);
        } else if (m->domain < m->owner->domain_count) {
            read_domain(m, &m->owner->domains[m->domain++]);
            continue;
        } else if (m->place < m->owner->place_count) {
            next_place(m, out);
        } else {
            return false;
        }
        if (!is_excluded(m, out->address) && !was_seen(m, out))
            return true;
        tw_mailbox_clear(out);
    }
}

void tw_mailbox_clear(struct tw_mailbox *mailbox)
{
    release(&mailbox->base);
    free(mailbox->address);
    free(mailbox->below);
    *mailbox = (struct tw_mailbox){0};
}

const char *tw_mailbox_domain(const struct tw_mailbox *mailbox)
{
    return strrchr(mailbox->address, '@') + 1;
}

char *tw_mailbox_path(const struct tw_mailbox *mailbox)
{
    return tw_format("%s/%s", mailbox->base->path, mailbox->below);
}

int tw_mailbox_open(const struct tw_mailbox *mailbox, uid_t uid, struct stat *st,
                    struct tw_error *e)
{
    const char *base = mailbox->base->path, *below = mailbox->below;
    errno = mailbox->base->why;
    if (mailbox->base->fd < 0)
        return tw_fail_errno(e, "cannot open %s", base);
    const int fd = tw_beneath_open(mailbox->base->fd, below, O_RDONLY | O_DIRECTORY, false);
    if (fd < 0)
        return tw_fail_errno(e, "cannot open %s/%s", base, below);
    int result = 0;
    if (fstat(fd, st) != 0)
        result = tw_fail_errno(e, "cannot look at %s/%s", base, below);
    else if (st->st_uid != uid)
        result = tw_fail(e, "%s/%s belongs to uid %ju, not to %ju", base, below,
                         (uintmax_t)st->st_uid, (uintmax_t)uid);
    if (result == 0)
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

struct tw_mailboxes *tw_mailboxes_new(const struct tw_mail_owner *owner,
                                      const struct tw_sources *sources, tw_mail_problem *problem,
                                      void *context)
{
    struct tw_mailboxes *m = tw_alloc(sizeof *m);
    *m = (struct tw_mailboxes){
        .owner = owner, .sources = sources, .problem = problem, .context = context};
    m->several = (sources->vpopmail != NULL) + sources->glob.count + sources->passwd > 1;
    return m;
}

void tw_mailboxes_free(struct tw_mailboxes **mailboxes)
{
    struct tw_mailboxes *m = *mailboxes;
    *mailboxes = NULL;
    if (!m)
        return;
    clear_users(m);
    release(&m->base);
    tw_inode_set_free(&m->seen);
    free(m);
}

/* NOLINTEND(clang-analyzer-unix.Malloc) */
