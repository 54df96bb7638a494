/* Text for the new file: headings, and comments that nothing can break out of. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "setup/import_private.h"

enum { COLUMNS = 100, REMARKS = 44 };

void tw_import_heading(struct tw_importer *w, const char *title)
{
    const size_t start = w->text->len;
    tw_buf_printf(w->text, "\n# ---- %s ", title);
    while (w->text->len - start <= COLUMNS)
        tw_buf_puts(w->text, "-");
    tw_buf_puts(w->text, "\n\n");
}

void tw_import_comment(struct tw_buf *out, const char *indent, const char *format, ...)
{
    struct tw_buf raw = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&raw, format, args);
    va_end(args);
    char *clean = tw_escape_new(tw_buf_text(&raw), TW_ESCAPE_LINE, 0);
    size_t column = 0;
    for (const char *at = clean; *at;) {
        const size_t length = strcspn(at, " ");
        if (column && column + 1 + length > COLUMNS) {
            tw_buf_puts(out, "\n");
            column = 0;
        }
        if (column == 0)
            tw_buf_printf(out, "%s#", indent);
        column = column ? column : strlen(indent) + 1;
        tw_buf_puts(out, " ");
        tw_buf_add(out, at, length);
        column += 1 + length;
        at += length;
        at += strspn(at, " ");
    }
    tw_buf_puts(out, "\n");
    free(clean);
    tw_buf_free(&raw);
}

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
