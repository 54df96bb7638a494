/* What toasterctl can be told: the table of verbs. */
#ifndef TW_CTL_VERBS_H
#define TW_CTL_VERBS_H

#include <stdio.h>

#include "ctl/ctl.h"

/* Which configuration a verb runs with. */
enum ctl_needs {
    CTL_ANY_CONFIG,      /* a broken file is no reason not to ask the daemon that runs without it:
                            the last good one will do */
    CTL_GOOD_CONFIG,     /* the file as it is */
    CTL_MAY_LACK_CONFIG, /* as CTL_ANY_CONFIG; where there is no file, ctl->config is NULL */
    CTL_NO_CONFIG        /* ctl->config is NULL */
};

struct ctl_verb {
    const char *name, *arguments, *what;
    unsigned options;
    enum ctl_needs needs;
    int (*run)(const struct ctl *ctl);
};

const struct ctl_verb *ctl_find_verb(const char *name); /* NULL: there is none */
void ctl_print_usage(FILE *to);

/* The options behind the verb, and where its arguments begin; arguments[0] is the verb. -1: usage,
 * and that was said. */
int ctl_read_options(const struct ctl_verb *verb, int count, char **arguments, struct ctl *ctl);

#endif
