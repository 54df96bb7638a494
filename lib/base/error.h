/* How a failure travels: a function that can fail returns 0 or -1 and, with -1, has written
 * one sentence for a person into a struct tw_error: what could not be done, to what, and why
 * ("cannot read /x: Permission denied"). Nothing is printed deep down; the caller decides. */
#ifndef TW_BASE_ERROR_H
#define TW_BASE_ERROR_H

struct tw_error {
    char text[512]; /* NUL-terminated, cut if longer; may hold bytes from outside: escape it */
};

/* Writes the sentence; always returns -1, so that "return tw_fail(e, ...)" reads well. `e` may
 * be NULL, and its text may be among the arguments. */
int tw_fail(struct tw_error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with ": " and the text of errno behind it. Leaves errno as it was. */
int tw_fail_errno(struct tw_error *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
