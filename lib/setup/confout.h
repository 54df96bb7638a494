/* Writing a configuration for people: comments and settings that text from outside cannot bend. */
#ifndef TW_SETUP_CONFOUT_H
#define TW_SETUP_CONFOUT_H

#include "base/buf.h"

enum { TW_CONFOUT_WIDTH = 100 }; /* columns of a line, where that is up to us */

/* Text in as many lines as it takes: the first begins with `first`, the others with `next`. */
void tw_confout_fold(struct tw_buf *out, const char *first, const char *next, const char *text);

/* The same as a comment, each line behind `indent`. Made harmless: nothing in it can end it. */
void tw_confout_indented(struct tw_buf *out, const char *indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
#define tw_confout_comment(out, ...) tw_confout_indented(out, "", __VA_ARGS__)

/* The same, and a line for the admin, who is told it at once. */
void tw_confout_note(struct tw_buf *notes, struct tw_buf *out, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* `before` KEY = "value" */
void tw_confout_setting(struct tw_buf *out, const char *before, const char *key, const char *value);

/* "# ---- text -----", with an empty line on either side. */
void tw_confout_heading(struct tw_buf *out, const char *text);

#endif
