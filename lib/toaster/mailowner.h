/* Whose mailboxes there are: read with root's rights from what only root can write (users/assign,
 * the table of users) and from the owners of directories. What an owner can write (a domain's
 * vpasswd) is not read here, but by toaster/mailboxes.h, with the owner's rights.
 *
 * Sources: vpopmail and qmail, users/assign: one row a domain. A pattern with %d and %u: each
 * directory that it matches, whose owner's it is; no component from the first pattern on is ever a
 * symbolic link. The system's users. Uid 0 is never taken; one below TW_SOURCES_UID_MIN only from
 * users/assign, or where the configuration lists it. */
#ifndef TW_TOASTER_MAILOWNER_H
#define TW_TOASTER_MAILOWNER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "toaster/sources.h"

/* Its users are in `dir`/vpasswd. */
struct tw_mail_domain {
    char *domain, *dir;
};

/* One mailbox: nobody but root has chosen `base`; `below` it somebody has. */
struct tw_mail_place {
    char *address, *base, *below;
    const char *source; /* "glob", "passwd" */
};

struct tw_mail_owner {
    uid_t uid;
    gid_t gid;
    struct tw_mail_domain *domains; /* sorted by name, each once */
    size_t domain_count;
    struct tw_mail_place *places; /* sorted by address */
    size_t place_count;
};

struct tw_mail_owners {
    struct tw_mail_owner *items; /* sorted by uid */
    size_t count;
};

/* Something is not as it should be, and was passed over. `code` is a word. */
typedef void tw_mail_problem(void *context, const char *code, const char *text);

/* Blocks on the disk. Never fails: what cannot be read is a problem. */
void tw_mail_owners_read(const struct tw_sources *sources, const char *qmail_dir,
                         const char *hostname, struct tw_mail_owners *out, tw_mail_problem *problem,
                         void *context);
void tw_mail_owners_free(struct tw_mail_owners *owners);

/* For the readers of sources: the owner of this uid, made if need be. The pointer holds until the
 * next call. */
struct tw_mail_owner *tw_mail_owners_get(struct tw_mail_owners *owners, uid_t uid, gid_t gid);
/* Everything is copied. */
void tw_mail_owner_add(struct tw_mail_owner *owner, const char *address, const char *base,
                       const char *below, const char *source);

/* mailglob.c: what one pattern finds. */
void tw_mail_glob(const char *pattern, const struct tw_sources *sources, const char *hostname,
                  struct tw_mail_owners *out, tw_mail_problem *problem, void *context);

#endif
