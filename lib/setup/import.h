/* From the old script's configuration to one of ours: values in, a commented text out. Pure. */
#ifndef TW_SETUP_IMPORT_H
#define TW_SETUP_IMPORT_H

#include "base/buf.h"
#include "base/strings.h"
#include "setup/oldconf.h"

/* More errors, and more notes, are not kept. */
enum { TW_IMPORT_MESSAGES_MAX = TW_OLDCONF_NOTES_MAX };

struct tw_import {
    struct tw_buf text;       /* the new configuration; empty where there are errors */
    struct tw_strings errors; /* "FILE:LINE: ..." */
    struct tw_strings notes;  /* what the admin should know of that the text does not say */
};

/* `me`: what qmail's control/me says, without its line feed; NULL: it could not be read. Asked for
 * only where tw_import_wants_me. Into a zeroed struct; -1: there are errors. Values of secrets
 * never come into any of the three. */
int tw_import_make(const struct tw_oldconf *conf, const char *me, struct tw_import *out);
void tw_import_free(struct tw_import *import);

/* Does toaster_hostname stand for what control/me says? Then its path, the caller's to free; else
 * NULL. */
char *tw_import_wants_me(const struct tw_oldconf *conf);

#endif
