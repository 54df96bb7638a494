/* What there is of a mail system on this machine: facts alone, for a first configuration
 * (setup/initial.h). Nothing is changed, no fifo waited for, and everything is bounded; but a file
 * system that does not answer blocks: call it where somebody holds a deadline. */
#ifndef TW_SETUP_MACHINE_H
#define TW_SETUP_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strings.h"

enum {
    TW_MACHINE_SERVICES = 500, /* looked at */
    TW_MACHINE_VOLUMES = 20,
    TW_MACHINE_DOMAINS = 1000 /* whose directories are looked at */
};

/* A directory in the service directory. */
struct tw_machine_service {
    char *name;
    bool good_name; /* it can be a job's title */
    bool no_run;    /* svscan would try in vain */
    bool down_file; /* it does not start by itself */
    bool has_log;   /* a directory log */
    char *log_dir;  /* that its multilog writes to; NULL: none is told by log/run */
    dev_t device;   /* of the directory itself */
    ino_t inode;
};

/* One of the programs a toaster is made of. */
struct tw_machine_program {
    const char *name; /* "SpamAssassin" */
    char *path;       /* NULL: not found */
    bool runs;        /* a daemon of it does */
};

/* A daemon that runs now, of those a toaster may have. */
struct tw_machine_process {
    const char *name; /* its comm */
    char *user;       /* whom the first that nothing supervises runs as; NULL: no name for it */
    size_t count;
    size_t unsupervised; /* those that no supervise of these services has started */
};

/* A file system that mail lies on: the first path that was found on it. */
struct tw_machine_volume {
    const char *title; /* "var", "queue", "mail" */
    char *path;
    struct tw_strings also; /* other such paths on it */
    dev_t device;
};

/* Where mail for somebody goes. */
struct tw_machine_reader {
    char *address; /* NULL: cannot be told */
    char *source;  /* the file that says so; NULL: none is there */
    char *why;     /* what was found instead of an address; NULL */
};

struct tw_machine {
    char *hostname; /* the system's; "localhost" where it has none that is valid */
    char *me;       /* qmail's control/me; NULL: none that is valid */

    bool qmail; /* is there */
    char *qmail_dir, *supervise_dir, *log_dir;
    bool inject;     /* bin/qmail-inject is */
    bool alias_home; /* alias/ is */
    bool rcpthosts, rcpthosts_empty;
    mode_t rcpthosts_mode;
    char *sendmail; /* NULL: none */

    char *vpopmail; /* its home; NULL: none */
    size_t domains;
    struct tw_strings assign_problems;

    bool service; /* the directory is there */
    char *service_dir;
    bool svscan_there;                   /* a svscan runs on it */
    struct tw_machine_service *services; /* sorted by name */
    size_t service_count;
    bool more_services;

    struct tw_machine_program *programs;
    size_t program_count;
    struct tw_machine_process *processes; /* sorted by name */
    size_t process_count;
    char *no_processes; /* why they cannot be told; NULL: they can */

    struct tw_machine_volume volumes[TW_MACHINE_VOLUMES];
    size_t volume_count;

    struct tw_machine_reader postmaster, root;
    bool debian_spamd; /* there is a user of that name */
};

/* `root` stands before every path that is looked at ("" for the machine itself) and in none that is
 * given back; proc_root is "/proc". */
void tw_machine_look(struct tw_machine *machine, const char *root, const char *proc_root);
void tw_machine_free(struct tw_machine *machine);

/* Is there anything of a mail system? */
bool tw_machine_bare(const struct tw_machine *machine);

#endif
