/* Remarks, and versions as text. */
#include <stdio.h>

#include "setup/import_private.h"

enum { REMARKS = 44 };

void tw_import_remark(struct tw_buf *out, size_t start, const char *remark)
{
    const size_t length = out->len - start;
    tw_buf_printf(out, "%*s # %s\n", length < REMARKS ? (int)(REMARKS - length) : 0, "", remark);
}

struct tw_import_versions tw_import_versions(int since, int until)
{
    struct tw_import_versions out;
    const unsigned a = (unsigned)since, b = (unsigned)until;
    if (a == b)
        snprintf(out.text, sizeof out.text, "%u.%02u", a / 100 % 10, a % 100);
    else
        snprintf(out.text, sizeof out.text, "%u.%02u to %u.%02u", a / 100 % 10, a % 100,
                 b / 100 % 10, b % 100);
    return out;
}
