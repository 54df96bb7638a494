/* For tests that read a file of the source tree. */
#ifndef TEST_BASE_SOURCE_H
#define TEST_BASE_SOURCE_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

/* By its name from the top of the tree; the caller's to free. To be included after cmocka. */
static inline char *read_source(const char *name)
{
    static const char here[] = __FILE__;
    char *path = tw_format("%.*s/../../../%s", (int)(strrchr(here, '/') - here), here, name);
    FILE *file = fopen(path, "re");
    if (!file)
        fail_msg("cannot open %s", path);
    struct tw_buf text = {0};
    char chunk[4096];
    for (size_t got; (got = fread(chunk, 1, sizeof chunk, file)) > 0;)
        tw_buf_add(&text, chunk, got);
    assert_int_equal(fclose(file), 0);
    free(path);
    return tw_buf_take(&text);
}

#endif
