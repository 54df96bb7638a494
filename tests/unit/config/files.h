/* For the tests of lib/config: files in a directory of their own, loading them, and looking at
 * what is said about them. */
#ifndef TW_TEST_CONFIG_FILES_H
#define TW_TEST_CONFIG_FILES_H

#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/units.h"
#include "config/config.h"

/* cmocka's setup and teardown: *state is the directory. */
static inline int files_begin(void **state)
{
    char path[] = "/tmp/tw-config.XXXXXX";
    *state = tw_strdup(mkdtemp(path));
    return *state ? 0 : -1;
}

static inline int files_remove_one(const char *path, const struct stat *st, int type,
                                   struct FTW *walk)
{
    (void)st;
    (void)type;
    (void)walk;
    return remove(path);
}

static inline int files_end(void **state)
{
    const int result = nftw(*state, files_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(*state);
    return result;
}

/* A path in the directory, the caller's to free. */
static inline char *files_path(void **state, const char *name)
{
    return tw_format("%s/%s", (const char *)*state, name);
}

static inline void files_write_bytes(void **state, const char *name, const void *data,
                                     size_t length)
{
    char *path = files_path(state, name);
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, length), (ssize_t)length);
    assert_int_equal(close(fd), 0);
    free(path);
}

static inline void files_write(void **state, const char *name, const char *text)
{
    files_write_bytes(state, name, text, strlen(text));
}

static inline void files_chmod(void **state, const char *name, mode_t mode)
{
    char *path = files_path(state, name);
    assert_int_equal(chmod(path, mode), 0);
    free(path);
}

static inline struct tw_config *files_load(void **state, const char *name)
{
    char *path = files_path(state, name);
    struct tw_error e = {""};
    struct tw_config *config = tw_config_load(path, &e);
    if (!config)
        fail_msg("%s", e.text);
    free(path);
    return config;
}

/* "main.conf" with this text must load. */
static inline struct tw_config *files_good(void **state, const char *text)
{
    files_write(state, "main.conf", text);
    return files_load(state, "main.conf");
}

/* What is in "main.conf" must be refused with one sentence that has all of the words (up to NULL).
 */
static inline void files_refused(void **state, ...)
{
    char *path = files_path(state, "main.conf");
    struct tw_error e = {""};
    struct tw_config *config = tw_config_load(path, &e);
    free(path);
    if (config)
        fail_msg("was taken");
    va_list words;
    va_start(words, state);
    for (const char *word; (word = va_arg(words, const char *));)
        if (!strstr(e.text, word))
            fail_msg("no \"%s\" in \"%s\"", word, e.text);
    va_end(words);
}

/* The same for this text; line: where, as ":3: ". */
static inline void files_bad(void **state, const char *text, const char *line, const char *word)
{
    files_write(state, "main.conf", text);
    char *where = tw_format("main.conf%s", line);
    files_refused(state, where, word, NULL);
    free(where);
}

static inline void files_same(const struct tw_config *a, const struct tw_config *b)
{
    struct tw_buf left = {0}, right = {0};
    tw_config_write(a, true, &left);
    tw_config_write(b, true, &right);
    assert_string_equal(tw_buf_text(&left), tw_buf_text(&right));
    tw_buf_free(&left);
    tw_buf_free(&right);
    assert_int_equal(a->job_count, b->job_count);
    for (size_t i = 0; i < a->job_count; i++)
        assert_true(tw_job_config_equal(&a->jobs[i], &b->jobs[i]));
}

/* A key of a job must have this (first) value, as it would be written. */
static inline void files_find_key(void *context, const char *key, const char *const *values,
                                  size_t count)
{
    const char **wanted = context;
    if (strcmp(key, wanted[0]) == 0)
        wanted[1] = tw_strdup(count ? values[0] : "");
}

static inline void files_key_is(const struct tw_config *config, const char *job, const char *key,
                                const char *value)
{
    const struct tw_job_config *found = tw_config_find(config, job);
    assert_non_null(found);
    const char *wanted[2] = {key, NULL};
    tw_options_each(found->kind->options, found->settings, files_find_key, wanted);
    assert_non_null(wanted[1]);
    assert_string_equal(wanted[1], value);
    free((void *)(uintptr_t)wanted[1]);
}

#define files_test(name) cmocka_unit_test_setup_teardown(name, files_begin, files_end)

#endif
