/* Where mailboxes come from, as the section `mailboxes` of the configuration says it. */
#ifndef TW_TOASTER_SOURCES_H
#define TW_TOASTER_SOURCES_H

#include <stdbool.h>

#include "base/error.h"
#include "base/option.h"
#include "base/strings.h"

/* The sources add up. */
struct tw_sources {
    char *vpopmail;            /* its home; NULL: not asked */
    struct tw_strings glob;    /* "/srv/mail/%d/%u/Maildir" */
    bool passwd;               /* ~/Maildir of the system's users */
    struct tw_strings exclude; /* user@domain, *@domain */
    struct tw_strings uids; /* below TW_SOURCES_UID_MIN, that directories found by glob may have */
};

#define TW_SOURCES_UID_MIN 100

extern const struct tw_option tw_sources_options[];

/* One written value of a key of the section ("glob", ...). An error says what to write. Pure. */
int tw_sources_check(const char *key, const char *value, struct tw_error *e);

#endif
