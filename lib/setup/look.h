/* Private to lib/setup: the parts of a look at the machine. */
#ifndef TW_SETUP_LOOK_H
#define TW_SETUP_LOOK_H

#include "setup/machine.h"
#include "toaster/procfs.h"

struct tw_look {
    struct tw_machine *machine;
    const char *root, *proc_root;
    struct tw_procs procs; /* empty where they cannot be told */
};

/* look.c: looking below the root. The caller frees what is given. */
char *tw_look_path(const struct tw_look *look, const char *path);
bool tw_look_is(const struct tw_look *look, const char *path, mode_t type); /* S_IFDIR, S_IFREG */
bool tw_look_executable(const struct tw_look *look, const char *path);
/* A small text file, not through a link at its end; NULL: there is none, errno says why. */
char *tw_look_text(const struct tw_look *look, const char *path);
char *tw_look_home(const struct tw_look *look,
                   const char *user);                      /* by passwd; NULL: no such user */
char *tw_look_user(const struct tw_look *look, uid_t uid); /* NULL: it has no name */

void tw_look_services(struct tw_look *look);  /* services.c; needs procs */
void tw_look_processes(struct tw_look *look); /* programs.c; needs procs and services */
void tw_look_programs(struct tw_look *look);  /* programs.c; needs qmail, vpopmail, processes */
void tw_look_readers(struct tw_look *look);   /* readers.c; needs qmail and the names */

#endif
