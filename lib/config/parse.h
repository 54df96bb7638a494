/* Private to lib/config: what its files need of each other. */
#ifndef TW_CONFIG_PARSE_H
#define TW_CONFIG_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/option.h"
#include "base/strings.h"
#include "config/config.h"

#define TW_DEFAULT_STATE_DIR "/var/lib/toaster-watcher"

/* ---- config.c: which keys there are --------------------------------------------------------- */

extern const struct tw_option tw_config_top[];    /* into struct tw_config */
extern const struct tw_option tw_config_common[]; /* into struct tw_common */
extern const struct tw_option tw_config_job[];    /* into struct tw_job_config */
extern const struct tw_option tw_config_task[];   /* the same, of tasks alone */

/* Frees all that the job has, not the struct. */
void tw_config_clear_job(struct tw_job_config *job);

/* A section without a title; its table is into the part of struct tw_config at `offset`. */
struct tw_config_section {
    const char *name;
    const struct tw_option *options;
    size_t offset;
};
extern const struct tw_config_section tw_config_sections[]; /* ends with a NULL name */

/* ---- depends.c: who waits for whom ---------------------------------------------------------- */

struct tw_seen;
/* All that the jobs depend on is there, and none depends on itself in the end. The jobs are
 * sorted; `seen` knows where each `depends` was written. */
int tw_config_check_depends(const struct tw_config *config, const struct tw_seen *seen,
                            struct tw_error *e);

/* ---- include.c: files ----------------------------------------------------------------------- */

/* Reads a configuration file whole, if its owner and mode are right; the caller frees *text. */
int tw_config_read(const char *file, char **text, size_t *length, struct tw_error *e);

/* The files that include("PATTERN") means, in order, added to the list. */
int tw_config_expand(const char *pattern, struct tw_strings *files, struct tw_error *e);

/* ---- text.c: what libConfuse would misread ----------------------------------------------------
 */

/* Makes the text of one file fit for libConfuse: comments become blanks, so that it counts lines
 * right; what it would silently pass over, or that would leave its scanner in a bad state, is
 * refused with file and line. text[length] must be NUL. */
int tw_config_prepare(char *text, size_t length, const char *file, struct tw_error *e);

/* ---- seen.c --------------------------------------------------------------------------------- */

struct tw_seen {
    void *tree; /* tsearch(3); NULL at first */
};
/* -1: it was there already, and the error says where. */
int tw_seen_add(struct tw_seen *seen, const char *name, const char *file, int line,
                struct tw_error *e);
bool tw_seen_has(const struct tw_seen *seen, const char *name);
/* Appends "FILE:LINE: ", or nothing if the name was not seen. */
void tw_seen_where(const struct tw_seen *seen, const char *name, struct tw_buf *out);
void tw_seen_free(struct tw_seen *seen);

/* ---- parse.c: libConfuse -----------------------------------------------------------------------
 */

struct tw_parser;

struct tw_include {
    char *pattern;
    int line;
};

/* Fills `config` (borrowed, its options initialised) file by file, remembering what was set where,
 * so that nothing is set twice. */
struct tw_parser *tw_parser_new(struct tw_config *config);
void tw_parser_free(struct tw_parser **parser);

/* One file's prepared text. Only the main one may include. */
int tw_parser_take(struct tw_parser *parser, const char *file, const char *text, bool is_main,
                   struct tw_error *e);
const struct tw_include *tw_parser_includes(const struct tw_parser *parser, size_t *count);
/* What was set where; lives as long as the parser. */
const struct tw_seen *tw_parser_seen(const struct tw_parser *parser);

#endif
