/* Usage, the verb help, and what is said to whoever has mistyped. All from the table of verbs. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "ctl/term.h"
#include "ctl/verbs.h"

enum {
    INDENT = 2,
    FORM_TEXT = 40, /* where explanations begin; what reaches so far has a line of its own */
    OPTION_TEXT = 22,
    WIDTH = 98,
    NEAR = 2 /* so many typing errors are forgiven */
};

/* ---- lines -------------------------------------------------------------------------------- */

static void put_pair(FILE *to, const char *left, const char *what, int at)
{
    const int length = (int)strlen(left), room = ctl_terminal_width(fileno(to)) - 1;
    const bool fits = INDENT + length + 2 <= at;
    fprintf(to, "%*s%s", INDENT, "", left);
    if (!fits)
        fprintf(to, "\n");
    fprintf(to, "%*s", fits ? at - INDENT - length : at, "");
    ctl_put_folded(to, what, at, isatty(fileno(to)) && room < WIDTH ? room : WIDTH);
    fprintf(to, "\n");
}

static void put_form(FILE *to, const struct ctl_verb *verb)
{
    char *left = tw_format("%s%s%s", verb->name, verb->arguments[0] ? " " : "", verb->arguments);
    put_pair(to, left, verb->what, FORM_TEXT);
    free(left);
}

static void put_option(const char *left, const char *what)
{
    put_pair(stdout, left, what, OPTION_TEXT);
}

static bool same_verb(const struct ctl_verb *row, const struct ctl_verb *verb)
{
    return row->name && strcmp(row->name, verb->name) == 0;
}

/* ---- usage -------------------------------------------------------------------------------- */

void ctl_print_usage(FILE *to)
{
    fputs("usage: toasterctl [-c FILE] VERB ...\n", to);
    for (const struct ctl_verb *verb = ctl_verbs; verb->name || verb->what; verb++) {
        if (!verb->name)
            fprintf(to, "\n%s\n", verb->what);
        else if (verb->arguments)
            put_form(to, verb);
    }
    fputs("\n\"toasterctl help VERB\" tells more, and the manual page toasterctl(1) all.\n", to);
}

void ctl_print_forms(FILE *to, const struct ctl_verb *verb)
{
    const char *config = verb->needs == CTL_NO_CONFIG ? "" : "[-c FILE] ";
    if (!verb->arguments) { /* not for people, so not in the list; what it takes, its manual says */
        fprintf(to, "usage: toasterctl %s -- WORD...\n", verb->name);
        return;
    }
    for (const struct ctl_verb *row = verb; same_verb(row, verb); row++)
        fprintf(to, "%s toasterctl %s%s%s%s\n", row == verb ? "usage:" : "      ", config,
                row->name, row->arguments[0] ? " " : "", row->arguments);
}

/* ---- help --------------------------------------------------------------------------------- */

void ctl_print_help(const struct ctl_verb *verb)
{
    ctl_print_forms(stdout, verb);
    printf("\n");
    for (const struct ctl_verb *row = verb; verb->arguments && same_verb(row, verb); row++)
        put_form(stdout, row);
    printf("\nOptions\n");
    if (verb->needs != CTL_NO_CONFIG)
        put_option("-c FILE", "the configuration; stands before the verb");
    for (const struct ctl_option *option = ctl_options; option->name; option++) {
        if (!(verb->options & option->bit))
            continue;
        char letter[] = {'-', option->letter, ',', ' ', '\0'};
        char *left = tw_format("%s--%s%s%s", option->letter ? letter : "", option->name,
                               option->value ? " " : "", option->value ? option->value : "");
        put_option(left, option->what);
        free(left);
    }
    put_option("-h, --help", "prints this");
    printf("\nExit codes\n");
    put_option("0", "done");
    put_option("1", "something failed, or needs a decision");
    put_option("100", "wrong usage, or an error in the configuration");
    put_option("111", "the daemon does not answer, or the system failed");
    printf("\nMore: the manual page toasterctl(1)\n");
}

int ctl_help(const struct ctl *ctl)
{
    const char *name = ctl->arguments[0];
    if (!name) {
        ctl_print_usage(stdout);
        return CTL_OK;
    }
    if (ctl->arguments[1])
        return ctl_misuse(ctl, "cannot explain more than one verb at a time");
    const struct ctl_verb *verb = ctl_find_verb(name);
    if (!verb) {
        ctl_complain_verb(name);
        return CTL_USAGE;
    }
    ctl_print_help(verb);
    return CTL_OK;
}

/* ---- who has mistyped --------------------------------------------------------------------- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be put in, taken out or changed to make b of a (Levenshtein), by rows. */
static size_t distance(const char *a, const char *b)
{
    const size_t length = strlen(b);
    size_t *row = tw_alloc((length + 1) * sizeof *row);
    for (size_t k = 0; k <= length; k++)
        row[k] = k;
    for (size_t i = 1; a[i - 1]; i++) {
        size_t corner = row[0]++;
        for (size_t k = 1; k <= length; k++) {
            const size_t changed = corner + (a[i - 1] != b[k - 1]);
            corner = row[k];
            row[k] = least(changed, least(row[k - 1], corner) + 1);
        }
    }
    const size_t result = row[length];
    free(row);
    return result;
}

void ctl_complain_verb(const char *name)
{
    const struct ctl_verb *near = NULL;
    size_t best = NEAR + 1;
    for (const struct ctl_verb *verb = ctl_verbs; verb->name || verb->what; verb++) {
        if (!verb->name || !verb->arguments)
            continue;
        const bool begins = *name && strncmp(verb->name, name, strlen(name)) == 0;
        const size_t far = begins ? 0 : distance(name, verb->name);
        if (far < best && far < strlen(verb->name) - 1) {
            best = far;
            near = verb;
        }
    }
    if (near)
        ctl_complain("there is no verb \"%s\"; did you mean %s?", name, near->name);
    else
        ctl_complain("there is no verb \"%s\" (toasterctl help lists them)", name);
}

int ctl_misuse(const struct ctl *ctl, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    ctl_complain("%s", tw_buf_text(&text));
    tw_buf_free(&text);
    ctl_print_forms(stderr, ctl->verb);
    return CTL_USAGE;
}

void ctl_complain_cannot(const char *doing, const char *why)
{
    if (strncmp(why, "cannot ", strlen("cannot ")) == 0)
        ctl_complain("%s", why);
    else
        ctl_complain("cannot %s: %s", doing, why);
}
