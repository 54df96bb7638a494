/* What toasterctl can be told: the table of verbs, from which usage, help and completion come. */
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

/* A row of the table: one way to use a verb. `arguments` is what usage shows and what completion
 * reads, word by word:
 *   --name, --name VALUE, -o VALUE   an option (ctl_options)
 *   list, or up|down                 this word itself, or one of these
 *   JOB, or NUMBER|PATTERN           a place that the caller fills; complete.c knows what may stand
 *                                    in those it has a word for
 *   [...]                            it may be left out
 *   ...                              behind a word: any number of it
 * What a verb takes and what runs it stands in its first row. */
struct ctl_verb {
    const char *name;      /* NULL: a heading, `what` */
    const char *arguments; /* NULL: not for people, shown nowhere */
    const char *what;
    unsigned options;
    enum ctl_needs needs;
    int (*run)(const struct ctl *ctl);
};
extern const struct ctl_verb ctl_verbs[]; /* ends with a row without `name` and `what` */

struct ctl_option {
    const char *name;  /* without the dashes */
    char letter;       /* the same, short; 0: none */
    const char *value; /* "FILE"; NULL: it takes none */
    const char *what;
    unsigned bit;
};
extern const struct ctl_option ctl_options[]; /* ends with a row without `name` */

const struct ctl_verb *ctl_find_verb(const char *name); /* the first row; NULL: there is none */
const struct ctl_option *ctl_find_option(const char *word, size_t length); /* "--run", "-o" */

/* ---- the words of a form ------------------------------------------------------------------ */

struct ctl_word {
    const char *text; /* not ended by a NUL */
    size_t length;
    bool optional, repeated;
    const struct ctl_option *option; /* NULL: a place */
};

/* The next word of `arguments`, and of an option with its value the option; *arguments moves on.
 * False: there is no more. Pure. */
bool ctl_next_word(const char **arguments, struct ctl_word *word);
/* The next of the alternatives that a place has, "up|down": its text moves on. */
bool ctl_next_choice(struct ctl_word *place, struct ctl_word *choice);
bool ctl_is_literal(const struct ctl_word *choice); /* stands for itself */
bool ctl_word_is(const struct ctl_word *word, const char *text);

/* ---- using it ----------------------------------------------------------------------------- */

enum ctl_read { CTL_READ_OK, CTL_READ_HELP, CTL_READ_WRONG };

/* The options behind the verb, and where its arguments begin; arguments[0] is the verb. What is
 * wrong was said. */
enum ctl_read ctl_read_options(const struct ctl_verb *verb, int count, char **arguments,
                               struct ctl *ctl);

void ctl_print_usage(FILE *to);                              /* all verbs */
void ctl_print_forms(FILE *to, const struct ctl_verb *verb); /* of one verb */
void ctl_print_help(const struct ctl_verb *verb);            /* all there is to say of it */
/* Says that there is no such verb, and which one may be meant. */
void ctl_complain_verb(const char *name);

#endif
