/* Where things are on this machine: what the configuration says, and where that is not there, or
 * where there is none, the places that Mail::Toaster looked at, in its order. */
#ifndef TW_SETUP_PATHS_H
#define TW_SETUP_PATHS_H

#include <stdbool.h>

#include "base/strings.h"
#include "config/config.h"

enum tw_path_source {
    TW_PATH_CONFIGURED, /* the configuration says so */
    TW_PATH_PLACE,      /* the first of the usual places that is there */
    TW_PATH_FALLBACK    /* what is said is not there: another place, or where it would be */
};

enum tw_path_of {
    TW_PATH_CONF,
    TW_PATH_LOGS,
    TW_PATH_HTDOCS,
    TW_PATH_CGI_BIN,
    TW_PATH_QMAIL,
    TW_PATH_SUPERVISE,
    TW_PATH_SERVICE,
    TW_PATHS
};

struct tw_path {
    const char *what; /* "htdocs" */
    char *path;
    bool found; /* it is there, and a directory */
    enum tw_path_source source;
    const char *key;         /* of the configuration: "qmail.service"; NULL: no key is for it */
    char *configured;        /* what the configuration says; NULL: nothing */
    struct tw_strings tried; /* the places looked at, in order */
};

/* Where svscan's directory usually is, in order; ends with NULL. */
extern const char *const tw_path_services[];

/* All of them, by enum tw_path_of; free them with tw_paths_clear. `file` is the configuration's
 * file as it was named, NULL: by default; `config` NULL: there is none. `root` stands before every
 * path that is looked at ("" for the machine itself), and in none that is given back. Blocks with
 * the file systems. */
void tw_paths_find(struct tw_path paths[TW_PATHS], const char *root, const char *file,
                   const struct tw_config *config);
void tw_paths_clear(struct tw_path paths[TW_PATHS]);

const char *tw_path_source_name(enum tw_path_source source); /* "configuration" */

#endif
