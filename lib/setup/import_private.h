/* What the files of the import share. */
#ifndef TW_SETUP_IMPORT_PRIVATE_H
#define TW_SETUP_IMPORT_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

#include "setup/import.h"
#include "setup/oldkeys.h"

struct tw_importer {
    const struct tw_oldconf *conf;
    const char *me;
    struct tw_buf *text;
    struct tw_strings *errors, *notes;
    int since, until; /* the versions whose keys the file has */
};

/* ---- import_values.c: one value, checked; what makes no sense becomes an error ----------------
 */

/* NULL: not set, empty or "0". Never a control character in it, nor what is no UTF-8. */
const char *tw_import_text(struct tw_importer *w, const char *key);
/* The same, where it must be a full path. */
const char *tw_import_path(struct tw_importer *w, const char *key);
/* The same, where it must be a user's name. */
const char *tw_import_user(struct tw_importer *w, const char *key);
/* The same, where it must be one of the words; case does not matter, and what is returned is one
 * of them. */
const char *tw_import_word(struct tw_importer *w, const char *key, const char *const *words);
/* 0 or 1; not set is 0. */
bool tw_import_flag(struct tw_importer *w, const char *key);
/* install_*: 0, 1, a version, "port" and the like. */
bool tw_import_installed(struct tw_importer *w, const char *key);
/* A whole number; not set is 0. */
int64_t tw_import_number(struct tw_importer *w, const char *key, int64_t max);
/* Is the key in the file at all? */
bool tw_import_has(const struct tw_importer *w, const char *key);

void tw_import_wrong(struct tw_importer *w, const struct tw_oldconf_entry *entry,
                     const char *format, ...) __attribute__((format(printf, 3, 4)));
void tw_import_note(struct tw_importer *w, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- import_write.c: text ------------------------------------------------------------------- */

/* Ends the line that began at `start` with a remark, behind blanks up to a column. */
void tw_import_remark(struct tw_buf *out, size_t start, const char *remark);
/* "513" as "5.13", and "5.09 to 5.13". */
struct tw_import_versions {
    char text[24];
};
struct tw_import_versions tw_import_versions(int since, int until);

/* ---- the parts of the new file -------------------------------------------------------------- */

void tw_import_jobs(struct tw_importer *w); /* processes and services */
void tw_import_files(struct tw_importer *w);
void tw_import_programs(struct tw_importer *w);
void tw_import_expire(struct tw_importer *w);
void tw_import_learn(struct tw_importer *w);
void tw_import_dnsbls(struct tw_importer *w);
void tw_import_rest(struct tw_importer *w);

/* vpopmail_home_dir, or what the old script took where it is not set. */
const char *tw_import_vpopmail(struct tw_importer *w);

#endif
