/* The mailboxes of one owner. Knows vpasswd and vuserinfo; nothing of what is in a mailbox. */
#include "toaster/mailboxes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/owner.h"
#include "base/program.h"
#include "toaster/address.h"
#include "toaster/beneath.h"
#include "toaster/inodes.h"
#include "toaster/vpopmail.h"

enum { VPASSWD_MAX = 64 * 1024 * 1024 };

/* A domain's users, a line each. */
struct users {
    FILE *lines; /* NULL: none */
    char *text;  /* what vuserinfo has printed; NULL: it is vpasswd */
    char *name;  /* of the file or program, for people */
    size_t line;
    struct tw_inodes shared; /* hashes of directories that several have */
    struct tw_vpasswd user;  /* the next one */
};

struct tw_mailboxes {
    const struct tw_mail_owner *owner;
    const struct tw_sources *sources;
    tw_mail_problem *problem;
    void *context;
    size_t domain, place;      /* the next ones */
    struct users users;        /* of the domain before `domain` */
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

static void tell(const struct tw_mailboxes *m, const char *code, char *text)
{
    m->problem(m->context, code, text);
    free(text);
}

static void end_users(struct users *u)
{
    if (u->lines)
        (void)fclose(u->lines);
    free(u->text);
    free(u->name);
    free(u->shared.items);
    *u = (struct users){0};
}

/* Asks the database that vpopmail has its users in. */
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
    } else if (output.len) {
        const size_t length = output.len;
        m->users.text = tw_buf_take(&output);
        m->users.lines = fmemopen(m->users.text, length, "r");
        m->users.name = tw_strdup(program);
    }
    tw_buf_free(&output);
    free(program);
}

/* It is its owner's, and may be anything. */
static FILE *open_vpasswd(int dir, struct tw_error *e)
{
    struct stat st;
    const int fd = openat(dir, "vpasswd", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    FILE *file = NULL;
    if (fd < 0 || fstat(fd, &st) != 0)
        tw_fail_errno(e, "cannot open vpasswd");
    else if (!S_ISREG(st.st_mode) || st.st_size > VPASSWD_MAX)
        tw_fail(e, "vpasswd is no file, or larger than %d MB", VPASSWD_MAX >> 20), errno = EINVAL;
    else if (!(file = fdopen(fd, "r")))
        tw_fail_errno(e, "cannot read vpasswd");
    if (fd >= 0 && !file) {
        const int saved = errno;
        close(fd);
        errno = saved;
    }
    return file;
}

static uint64_t hash_of(const char *text)
{
    return tw_hash(TW_HASH_START, text, strlen(text));
}

/* The next line's user, in u->user. 1; 0: there is none in it; -1: it is broken, and why; -2: there
 * is no line any more. */
static int read_user(struct users *u, const char *dir, struct tw_error *why)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t length = getline(&line, &room, u->lines);
    int result = -2;
    if (length >= 0) {
        u->line++;
        if (length > 0 && line[length - 1] == '\n')
            length--;
        result = u->text ? tw_vuserinfo_parse(line, (size_t)length, dir, &u->user, why)
                         : tw_vpasswd_parse(line, (size_t)length, dir, &u->user, why);
    }
    free(line);
    return result;
}

/* Two users with one directory: whose rules hold there nobody can tell, so nobody's. Goes over the
 * list once, so that it need not be kept. */
static void find_shared(struct users *u, const char *dir)
{
    struct tw_inodes all = {0};
    struct tw_error why;
    for (int got; (got = read_user(u, dir, &why)) != -2;)
        if (got > 0) {
            tw_inodes_add(&all, hash_of(u->user.below));
            tw_vpasswd_clear(&u->user);
        }
    tw_inodes_sort(&all);
    for (size_t i = 1; i < all.count; i++)
        if (all.items[i] == all.items[i - 1])
            tw_inodes_add(&u->shared, all.items[i]);
    free(all.items);
    rewind(u->lines);
    u->line = 0;
}

static void begin_domain(struct tw_mailboxes *m, const struct tw_mail_domain *domain)
{
    struct tw_mail_base *base = base_at(m, domain->dir);
    struct tw_error e;
    end_users(&m->users);
    if (base->fd < 0) {
        tell(m, "no-domain",
             tw_format("cannot open the directory of %s, %s: %s", domain->domain, domain->dir,
                       strerrordesc_np(base->why)));
    } else if ((m->users.lines = open_vpasswd(base->fd, &e))) {
        m->users.name = tw_format("%s/vpasswd", domain->dir);
    } else if (errno == ENOENT) {
        ask_vuserinfo(m, domain);
    } else {
        tell(m, "no-users", tw_format("%s: %s", domain->dir, e.text));
    }
    if (m->users.lines)
        find_shared(&m->users, domain->dir);
    release(&base);
}

/* False: the domain has no more users. */
static bool next_user(struct tw_mailboxes *m)
{
    struct users *u = &m->users;
    const struct tw_mail_domain *domain = &m->owner->domains[m->domain - 1];
    struct tw_error why;
    for (int got; u->lines && (got = read_user(u, domain->dir, &why)) != -2;) {
        if (got < 0) {
            tell(m, "bad-user", tw_format("%s:%zu: %s", u->name, u->line, why.text));
        } else if (got > 0 && !tw_inodes_has(&u->shared, hash_of(u->user.below))) {
            return true;
        } else if (got > 0) {
            tell(m, "shared",
                 tw_format("%s:%zu: %s@%s shares the directory %s/%s with another user: "
                           "it is left alone",
                           u->name, u->line, u->user.user, domain->domain, domain->dir,
                           u->user.below));
            tw_vpasswd_clear(&u->user);
        }
    }
    end_users(u);
    return false;
}

/* ---- one by one --------------------------------------------------------------------------- */

static bool is_excluded(const struct tw_mailboxes *m, const char *address)
{
    for (size_t i = 0; i < m->sources->exclude.count; i++)
        if (tw_address_matches(m->sources->exclude.items[i], address) != TW_ADDRESS_OTHER)
            return true;
    return false;
}

static void take_user(struct tw_mailboxes *m, struct tw_mailbox *out)
{
    const struct tw_mail_domain *domain = &m->owner->domains[m->domain - 1];
    struct tw_vpasswd *user = &m->users.user;
    *out = (struct tw_mailbox){.address = tw_format("%s@%s", user->user, domain->domain),
                               .below = tw_format("%s/Maildir", user->below),
                               .source = "vpopmail",
                               .base = base_at(m, domain->dir)};
    tw_vpasswd_clear(user);
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
        if (m->users.lines && next_user(m)) {
            take_user(m, out);
        } else if (m->domain < m->owner->domain_count) {
            begin_domain(m, &m->owner->domains[m->domain++]);
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
    end_users(&m->users);
    release(&m->base);
    tw_inode_set_free(&m->seen);
    free(m);
}

/* NOLINTEND(clang-analyzer-unix.Malloc) */

const char *tw_mailbox_trouble(int errnum)
{
    return errnum == ENOENT    ? "missing"
           : errnum == EPERM   ? "foreign"
           : errnum == ELOOP   ? "link"
           : errnum == ENOTDIR ? "no-maildir"
                               : "unreadable";
}
