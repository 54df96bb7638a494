/* The home of a user of qmail's (mostly alias), as qmail-local finds it: which file takes the mail
 * for a name, what is in it, and where it is forwarded to in the same home. Everything here follows
 * links, as qmail-local does, and blocks: only for a process that has the rights of the home's
 * user and no more. Source: qmail-local.c and qmail-getpw.c of notqmail. */
#ifndef TW_TOASTER_ALIASHOME_H
#define TW_TOASTER_ALIASHOME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/error.h"
#include "toaster/dotqmail.h"
#include "toaster/locals.h"

enum {
    TW_ALIAS_MAX = 1024 * 1024, /* bytes of a file; what is larger is not read */
    TW_ALIAS_HEAD = 2048,       /* bytes kept of it */
    TW_ALIAS_TO = 200,          /* local recipients of a file that are followed */
    TW_ALIAS_FURTHER = 500,     /* names that are looked at beyond those asked for */
    TW_ALIAS_STEPS = 64,        /* files that are tried for a name */
    TW_ALIAS_CHAIN = 10         /* names of a loop that are told */
};

/* What takes the mail for one name. */
struct tw_alias {
    char *name;         /* as tw_dotqmail_name makes it */
    char *file;         /* that takes it, ".qmail-NAME" or a default; NULL: none, it bounces */
    size_t step;        /* at which qmail-local finds it: 0 is ".qmail-NAME" */
    struct stat own;    /* of ".qmail-NAME", if something is there */
    bool is_there;      /* something is, if only a dangling link */
    bool leads_nowhere; /* which it is: own is all zeroes */
    int why;            /* errno: `file` cannot be looked at or read; 0: it was read */
    bool too_large;     /* its size alone is known */
    struct stat st;     /* of `file` */
    struct tw_dotqmail_summary sum; /* if it was read; texts are in `bad_line` */
    char *bad_line;
    struct tw_buf head; /* its first bytes */
    size_t *to;         /* where it forwards to in this home: numbers of aliases */
    size_t to_count;
    int user; /* its mail goes to a user of the system: 1 yes, 0 no, -1 not asked yet */
};

struct tw_aliashome {
    const char *path; /* for texts; the caller's */
    int fd;           /* the caller's, O_PATH */
    uid_t uid;        /* whose it is */
    struct tw_locals locals;
    bool follow; /* mail for local domains comes to this home */
    struct tw_alias *items;
    size_t count, further; /* `further`: those that nobody asked for */
};

/* Reads control/locals, me and envnoathost below qmail_dir. -1: one is there and cannot be read. */
int tw_aliashome_locals(struct tw_aliashome *home, const char *qmail_dir, struct tw_error *e);

/* Takes up a name to look at; gives its place in `items`. */
size_t tw_aliashome_add(struct tw_aliashome *home, const char *local);

/* Looks at those names, at every name that they forward to, and so on. Once, after the last name.
 */
void tw_aliashome_look(struct tw_aliashome *home);

/* Does a copy of what comes for this alias run in a circle? Then appends the way, as "root ->
 * postmaster -> root". Names that are users of the system, whose mail comes to no alias, break it.
 */
bool tw_aliashome_loop(struct tw_aliashome *home, size_t item, struct tw_buf *chain);

/* Frees all but what is the caller's. */
void tw_aliashome_free(struct tw_aliashome *home);

#endif
