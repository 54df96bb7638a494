/* For the tests of the import: texts in, and looking at what is made of them. */
#ifndef TW_TEST_SETUP_IMPORT_KIT_H
#define TW_TEST_SETUP_IMPORT_KIT_H

#include "../toaster/scratch.h"

#include "setup/import.h"
#include "setup/proof.h"

struct imported {
    struct tw_oldconf conf;
    struct tw_import import;
    int result;
};

/* As toasterctl does it; notes of the reading come first. */
static inline struct imported import_with(const char *text, size_t length, const char *me)
{
    struct imported out = {0};
    struct tw_error e = {""};
    if (tw_oldconf_parse("old.conf", text, length, &out.conf, &out.import.notes, &e) != 0)
        fail_msg("%s", e.text);
    out.result = tw_import_make(&out.conf, me, &out.import);
    if (out.result == 0 &&
        tw_proof_config(tw_buf_text(&out.import.text), out.import.text.len, &e) != 0)
        fail_msg("our own loader refuses it: %s:\n%s", e.text, tw_buf_text(&out.import.text));
    return out;
}

static inline struct imported import(const char *text)
{
    return import_with(text, strlen(text), NULL);
}

static inline void imported_free(struct imported *out)
{
    tw_import_free(&out->import);
    tw_oldconf_free(&out->conf);
}

/* Is it one of the lines, blanks in a row taken as one, up to a remark behind it? */
static inline bool has_line(const char *text, const char *wanted)
{
    char squeezed[1024];
    for (const char *line = text; *line;) {
        size_t at = 0;
        const size_t length = strcspn(line, "\n");
        for (size_t i = 0; i < length && at < sizeof squeezed - 1; i++)
            if (line[i] != ' ' || (at && squeezed[at - 1] != ' '))
                squeezed[at++] = line[i];
        while (at && squeezed[at - 1] == ' ')
            at--;
        squeezed[at] = '\0';
        const size_t want = strlen(wanted);
        if (strncmp(squeezed, wanted, want) == 0 &&
            (!squeezed[want] || strncmp(squeezed + want, " #", 2) == 0))
            return true;
        line += length + (line[length] != '\0');
    }
    return false;
}

/* The text has all these lines; those after a NULL it has not. Ends with two NULLs. */
static inline void check_lines(const char *old, const char *const *lines)
{
    struct imported out = import(old);
    bool want = true;
    if (out.result != 0)
        fail_msg("an error: %s", out.import.errors.items[0]);
    const char *text = tw_buf_text(&out.import.text);
    for (size_t i = 0; want || lines[i]; i++) {
        if (!lines[i])
            want = false;
        else if (has_line(text, lines[i]) != want)
            fail_msg("%s \"%s\" in:\n%s", want ? "no line" : "a line", lines[i], text);
    }
    imported_free(&out);
}

/* It is refused, and all errors are these. */
static inline void check_errors(const char *old, const char *const *errors)
{
    struct imported out = import(old);
    size_t count = 0;
    assert_int_equal(out.result, -1);
    assert_int_equal(out.import.text.len, 0);
    for (; errors[count]; count++) {
        if (count >= out.import.errors.count)
            fail_msg("not told: \"%s\"", errors[count]);
        assert_string_equal(out.import.errors.items[count], errors[count]);
    }
    if (out.import.errors.count > count)
        fail_msg("told, too: \"%s\"", out.import.errors.items[count]);
    imported_free(&out);
}

#define LINES(...) ((const char *const[]){__VA_ARGS__, NULL, NULL})

#endif
