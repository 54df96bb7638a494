/* The mailboxes of one owner, one by one, with the owner's rights (base/priv.h): the users of his
 * domains from vpasswd, or where there is none by vuserinfo, then the places that patterns and the
 * table of users have found. A mailbox lies below its domain's directory. Those that
 * `exclude` names are not among them. */
#ifndef TW_TOASTER_MAILBOXES_H
#define TW_TOASTER_MAILBOXES_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "toaster/mailowner.h"

/* A directory that mailboxes lie below, open as long as one of them is in use. */
struct tw_mail_base {
    char *path;
    int fd; /* O_PATH; -1: it cannot be opened, for the reason in `why` */
    int why;
    unsigned uses;
};

struct tw_mailbox {
    char *address; /* user@domain */
    char *below;   /* "0/u100/Maildir" */
    const char *source;
    struct tw_mail_base *base;
};

struct tw_mailboxes;

/* The owner and the sources must outlive it. Not for several threads. */
struct tw_mailboxes *tw_mailboxes_new(const struct tw_mail_owner *owner,
                                      const struct tw_sources *sources, tw_mail_problem *problem,
                                      void *context);
void tw_mailboxes_free(struct tw_mailboxes **mailboxes);

/* The next one: domains by name, users as their list has them, then places by address; false: there
 * is none. The caller clears it. Lists are read as they are gone through, not kept. Blocks on the
 * disk, at the beginning of a domain for vuserinfo. */
bool tw_mailboxes_next(struct tw_mailboxes *mailboxes, struct tw_mailbox *out);
void tw_mailbox_clear(struct tw_mailbox *mailbox);

const char *tw_mailbox_domain(const struct tw_mailbox *mailbox);
char *tw_mailbox_path(const struct tw_mailbox *mailbox); /* the whole, for people; to be freed */

/* Opens its directory for reading; nothing on the way below its base is a link, and it must be
 * this uid's. -1 with an error; errno is ENOENT if it is not there, EPERM if
 * it is somebody else's. May be called by several threads. */
int tw_mailbox_open(const struct tw_mailbox *mailbox, uid_t uid, struct stat *st,
                    struct tw_error *e);
/* Why it failed, as a problem's code. */
const char *tw_mailbox_trouble(int errnum);

#endif
