/* Whose mailboxes there are. Knows users/assign and the table of users; patterns are mailglob.c's.
 */
#include "toaster/mailowner.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "toaster/vpopmail.h"

enum { ASSIGN_MAX = 64 * 1024 * 1024 };

/* ---- the list ----------------------------------------------------------------------------- */

struct tw_mail_owner *tw_mail_owners_get(struct tw_mail_owners *owners, uid_t uid, gid_t gid)
{
    size_t low = 0, high = owners->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (owners->items[middle].uid < uid)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < owners->count && owners->items[low].uid == uid)
        return &owners->items[low];
    owners->items = tw_realloc_array(owners->items, owners->count + 1, sizeof *owners->items);
    memmove(owners->items + low + 1, owners->items + low,
            (owners->count - low) * sizeof *owners->items);
    owners->count++;
    owners->items[low] = (struct tw_mail_owner){.uid = uid, .gid = gid};
    return &owners->items[low];
}

/* Room for one more; the array grows by doubling. */
static void *more_room(void *items, size_t count, size_t size)
{
    const bool full = count == 0 || (count >= 8 && (count & (count - 1)) == 0);
    if (count > 0 && count < 8)
        return items;
    return full ? tw_realloc_array(items, count < 8 ? 8 : 2 * count, size) : items;
}

void tw_mail_owner_add(struct tw_mail_owner *owner, const char *address, const char *base,
                       const char *below, const char *source)
{
    owner->places = more_room(owner->places, owner->place_count, sizeof *owner->places);
    owner->places[owner->place_count++] =
        (struct tw_mail_place){tw_strdup(address), tw_strdup(base), tw_strdup(below), source};
}

static int by_domain(const void *a, const void *b)
{
    return strcmp(((const struct tw_mail_domain *)a)->domain,
                  ((const struct tw_mail_domain *)b)->domain);
}

static int by_address(const void *a, const void *b)
{
    const struct tw_mail_place *x = a, *y = b;
    const int order = strcmp(x->address, y->address);
    return order ? order : strcmp(x->below, y->below);
}

static void free_domain(struct tw_mail_domain *domain)
{
    free(domain->domain);
    free(domain->dir);
}

void tw_mail_owners_free(struct tw_mail_owners *owners)
{
    for (size_t i = 0; i < owners->count; i++) {
        struct tw_mail_owner *owner = &owners->items[i];
        for (size_t k = 0; k < owner->domain_count; k++)
            free_domain(&owner->domains[k]);
        for (size_t k = 0; k < owner->place_count; k++) {
            free(owner->places[k].address);
            free(owner->places[k].base);
            free(owner->places[k].below);
        }
        free(owner->domains);
        free(owner->places);
    }
    free(owners->items);
    *owners = (struct tw_mail_owners){0};
}

/* ---- users/assign ------------------------------------------------------------------------- */

struct reading {
    struct tw_mail_owners *out;
    tw_mail_problem *problem;
    void *context;
};

static void tell(const struct reading *r, const char *code, char *text)
{
    r->problem(r->context, code, text);
    free(text);
}

/* Whoever may write it chooses whose rights we take. */
static int check_assign(const char *path, struct tw_error *e)
{
    struct stat st;
    if (lstat(path, &st) != 0)
        return tw_fail_errno(e, "cannot look at %s", path);
    if ((st.st_uid != 0 && st.st_uid != geteuid()) || (st.st_mode & (S_IWGRP | S_IWOTH)))
        return tw_fail(e, "will not read %s: it must be root's, and writable by no one else", path);
    return 0;
}

static void take_row(const struct reading *r, const char *path, size_t line,
                     const struct tw_assign *row)
{
    if (row->uid == 0 || row->gid == 0) {
        tell(r, "root-domain",
             tw_format("%s:%zu: %s is root's there: its mailboxes are left alone", path, line,
                       row->domain));
        return;
    }
    struct tw_mail_owner *owner = tw_mail_owners_get(r->out, row->uid, row->gid);
    owner->domains = more_room(owner->domains, owner->domain_count, sizeof *owner->domains);
    owner->domains[owner->domain_count++] =
        (struct tw_mail_domain){tw_strdup(row->domain), tw_strdup(row->dir)};
}

static void take_rows(const struct reading *r, const char *path, const char *text, size_t length)
{
    size_t line = 0;
    for (size_t at = 0; at < length;) {
        const char *end = memchr(text + at, '\n', length - at);
        const size_t size = end ? (size_t)(end - text) - at : length - at;
        struct tw_assign row;
        line++;
        const int got = tw_assign_parse(text + at, size, &row);
        if (got > 0) {
            take_row(r, path, line, &row);
            tw_assign_clear(&row);
        } else if (got < 0) {
            tell(r, "bad-assign", tw_format("%s:%zu: a broken row", path, line));
        }
        at += size + 1;
    }
}

/* An alias domain repeats the real one's row. */
static void sort_domains(struct tw_mail_owner *owner)
{
    if (owner->domain_count == 0)
        return;
    qsort(owner->domains, owner->domain_count, sizeof *owner->domains, by_domain);
    size_t kept = 1;
    for (size_t i = 1; i < owner->domain_count; i++) {
        if (strcmp(owner->domains[i].domain, owner->domains[kept - 1].domain) == 0)
            free_domain(&owner->domains[i]);
        else
            owner->domains[kept++] = owner->domains[i];
    }
    owner->domain_count = kept;
}

static void read_assign(const struct reading *r, const char *qmail_dir)
{
    char *path = tw_format("%s/users/assign", qmail_dir), *text = NULL;
    size_t length;
    struct tw_error e;
    if (check_assign(path, &e) != 0 ||
        tw_file_read(AT_FDCWD, path, ASSIGN_MAX, &text, &length, &e) != 0)
        tell(r, "no-assign", tw_strdup(e.text));
    else
        take_rows(r, path, text, length);
    free(text);
    free(path);
}

/* ---- the system's users ------------------------------------------------------------------- */

static void read_users(const struct reading *r, const char *hostname)
{
    struct stat st;
    setpwent();
    for (const struct passwd *user; (user = getpwent());) {
        if (user->pw_uid < TW_SOURCES_UID_MIN || user->pw_gid == 0 || user->pw_dir[0] != '/')
            continue;
        char *maildir = tw_format("%s/Maildir", user->pw_dir);
        if (lstat(maildir, &st) == 0 && S_ISDIR(st.st_mode)) {
            char *address = tw_format("%s@%s", user->pw_name, hostname);
            tw_mail_owner_add(tw_mail_owners_get(r->out, user->pw_uid, user->pw_gid), address,
                              user->pw_dir, "Maildir", "passwd");
            free(address);
        }
        free(maildir);
    }
    endpwent();
}

/* ---- all of them -------------------------------------------------------------------------- */

void tw_mail_owners_read(const struct tw_sources *sources, const char *qmail_dir,
                         const char *hostname, struct tw_mail_owners *out, tw_mail_problem *problem,
                         void *context)
{
    const struct reading r = {out, problem, context};
    *out = (struct tw_mail_owners){0};
    if (sources->vpopmail)
        read_assign(&r, qmail_dir);
    for (size_t i = 0; i < sources->glob.count; i++)
        tw_mail_glob(sources->glob.items[i], sources, hostname, out, problem, context);
    if (sources->passwd)
        read_users(&r, hostname);
    for (size_t i = 0; i < out->count; i++) {
        sort_domains(&out->items[i]);
        if (out->items[i].place_count)
            qsort(out->items[i].places, out->items[i].place_count, sizeof *out->items[i].places,
                  by_address);
    }
}
