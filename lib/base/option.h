/* Settings by table: one row says a key's name, type, place in a struct, default and bounds.
 * From the row come the parser, the comparison, the way to a worker, the text that
 * `toasterctl config` prints and the freeing, so that a kind never writes them by hand. */
#ifndef TW_BASE_OPTION_H
#define TW_BASE_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strings.h"

enum tw_option_type {
    TW_OPT_STRING,   /* char *: NULL where nothing is written and there is no default */
    TW_OPT_PATH,     /* char *: like a string, must begin with '/' */
    TW_OPT_LIST,     /* struct tw_strings */
    TW_OPT_INT,      /* int64_t */
    TW_OPT_BOOL,     /* bool */
    TW_OPT_DURATION, /* int64_t, seconds, TW_NEVER */
    TW_OPT_SIZE,     /* int64_t, bytes, TW_NEVER */
    TW_OPT_SHARE,    /* int64_t, a percentage or an amount (base/units.h), TW_NEVER */
    TW_OPT_MODE,     /* int64_t, TW_NEVER */
    TW_OPT_DECIMAL,  /* int64_t, hundredths, TW_NEVER */
    TW_OPT_CHOICE,   /* char *: one of `choices` */
    TW_OPT_WINDOW,   /* struct tw_window; none: any time of the day */
    TW_OPT_SECTIONS  /* struct tw_sections: sections with a title, each with the keys of `inner` */
};

enum tw_option_flag {
    TW_OPT_REQUIRED = 1,    /* must be written */
    TW_OPT_SECRET = 2,      /* shown as "(hidden)" */
    TW_OPT_NO_NEVER = 4,    /* "never" makes no sense here */
    TW_OPT_MAY_BE_UNSET = 8 /* DURATION: TW_UNSET where it is not written, which is not "never" */
};

struct tw_sections {
    struct tw_section {
        char *title;
        void *settings;
    } * items;
    size_t count;
};

/* A table ends with a row whose key is NULL. */
struct tw_option {
    const char *key;
    enum tw_option_type type;
    size_t offset;        /* offsetof(struct ..., member) */
    const char *fallback; /* the default as it would be written; NULL: none. A list: one item */
    unsigned flags;
    int64_t min, max;              /* INT, DURATION, SIZE, DECIMAL: bounds, if max is not 0 */
    const char *const *choices;    /* CHOICE: ends with NULL */
    const struct tw_option *inner; /* SECTIONS: no lists and no sections among them */
    size_t inner_size;             /* of a section's struct */
    int (*check_title)(const char *title, struct tw_error *e);
};

/* Sets every key to its default. `settings` is zeroed memory that no key was set in. Without a
 * default a duration, size, share or mode is TW_NEVER (never 0, which would mean "at once"), an int
 * 0, a bool false. */
void tw_options_init(const struct tw_option *table, void *settings);

/* SECTIONS are set by the values TITLE, KEY, VALUE: the section is made if need be. By TITLE alone
 * it is only made. So they travel through tw_options_each.
 *
 * Sets one key from its written values (a list may have any number, everything else one),
 * replacing what it had. An unknown key, a bad value or a wrong number of values is an error
 * that names the key and says what to write; the old value stays. Bools are yes, no, true, false,
 * on, off. TW_OPT_REQUIRED is the caller's to check: only it knows which keys were written. */
int tw_options_set(const struct tw_option *table, void *settings, const char *key,
                   const char *const *values, size_t count, struct tw_error *e);

const struct tw_option *tw_options_find(const struct tw_option *table, const char *key);
bool tw_options_equal(const struct tw_option *table, const void *a, const void *b);
void tw_options_free(const struct tw_option *table, void *settings); /* frees the members */

/* Appends "INDENTkey = value\n" for every key that has a value, in the configuration's syntax,
 * so that it can be read back; secrets hidden unless `secrets`. An unset key without a default is
 * left out. */
void tw_options_write(const struct tw_option *table, const void *settings, const char *indent,
                      bool secrets, struct tw_buf *out);

/* Calls `each` with a key and its written values, for every key that has a value: how a job's
 * settings travel to a worker, which gives them to tw_options_set. */
typedef void tw_option_each(void *context, const char *key, const char *const *values,
                            size_t count);
void tw_options_each(const struct tw_option *table, const void *settings, tw_option_each *each,
                     void *context);

/* Appends `text` in double quotes for libConfuse, with ", \, $ and control characters
 * escaped as its lexer reads them. */
void tw_option_quote(struct tw_buf *out, const char *text);

#endif
