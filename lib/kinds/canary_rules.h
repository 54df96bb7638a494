/* The keys of a `canary` job. */
#ifndef TW_KINDS_CANARY_RULES_H
#define TW_KINDS_CANARY_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/option.h"
#include "base/strings.h"
#include "kinds/kind.h"

struct tw_canary_settings {
    char *to, *from; /* from: NULL, postmaster of this machine */
    struct tw_strings send;
    char *smtp, *spam; /* spam: "folder", "gone", "refused" */
    int64_t max_time_s;
    struct tw_strings spam_folders;
};

extern const struct tw_option tw_canary_options[];
/* A struct tw_kind's `validate`. */
int tw_canary_validate(const void *settings, const char *title, struct tw_error *e);

/* The name of the job whose mails come to this mailbox, so that nothing is learned of it; NULL:
 * none's do. */
const char *tw_canary_of(const struct tw_places *places, const char *address);

#endif
