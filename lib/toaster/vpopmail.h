/* What vpopmail keeps in text: rows of qmail's users/assign, of a domain's vpasswd, and what
 * vuserinfo prints. A line at a time, without its newline. Pure. Sources: qmail-users(5);
 * vpopmail's vpopmail.h and vuserinfo.c, and files that real ones wrote. */
#ifndef TW_TOASTER_VPOPMAIL_H
#define TW_TOASTER_VPOPMAIL_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/* A domain's row: "+alias-:realdomain:uid:gid:directory:-::". */
struct tw_assign {
    char *domain; /* the real one */
    char *dir;    /* without a slash at its end */
    uid_t uid;
    gid_t gid;
};

/* 1: a domain's row; 0: another (a user's, the last ".", nothing); -1: a domain's, but broken. */
int tw_assign_parse(const char *line, size_t length, struct tw_assign *out);
void tw_assign_clear(struct tw_assign *row);

/* "name:crypt:n:flags:gecos:directory:quota[:clear]" */
struct tw_vpasswd {
    char *user;
    char *below; /* his directory, from the domain's: "0/u100" */
};

/* 1: a user; 0: nothing; -1: broken, or his directory is not below `domain_dir`, and why. */
int tw_vpasswd_parse(const char *line, size_t length, const char *domain_dir,
                     struct tw_vpasswd *out, struct tw_error *why);
/* A line of `vuserinfo -d -D DOMAIN`: a directory, whose last part is the user; 0: any other. */
int tw_vuserinfo_parse(const char *line, size_t length, const char *domain_dir,
                       struct tw_vpasswd *out, struct tw_error *why);
void tw_vpasswd_clear(struct tw_vpasswd *row);

#endif
