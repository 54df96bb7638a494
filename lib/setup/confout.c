/* Comments and settings as text. */
#include "setup/confout.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/mem.h"
#include "base/option.h"

void tw_confout_fold(struct tw_buf *out, const char *first, const char *next, const char *text)
{
    size_t column = strlen(first);
    tw_buf_puts(out, first);
    for (const char *at = text; *at;) {
        size_t blanks = strspn(at, " ");
        const size_t length = strcspn(at + blanks, " ");
        if (at != text && column + blanks + length > TW_CONFOUT_WIDTH) {
            tw_buf_printf(out, "\n%s", next);
            column = strlen(next);
            at += blanks;
            blanks = 0;
        }
        tw_buf_add(out, at, blanks + length);
        column += blanks + length;
        at += blanks + length;
    }
    tw_buf_puts(out, "\n");
}

static void add_comment(struct tw_buf *out, const char *indent, const char *text)
{
    char *start = tw_format("%s# ", indent);
    char *clean = tw_escape_new(text, TW_ESCAPE_LINE, 0);
    tw_confout_fold(out, start, start, clean);
    free(clean);
    free(start);
}

void tw_confout_indented(struct tw_buf *out, const char *indent, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    add_comment(out, indent, tw_buf_text(&text));
    tw_buf_free(&text);
}

void tw_confout_note(struct tw_buf *notes, struct tw_buf *out, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    add_comment(out, "", tw_buf_text(&text));
    tw_escape(notes, tw_buf_text(&text), text.len, TW_ESCAPE_LINE, 0);
    tw_buf_puts(notes, "\n");
    tw_buf_free(&text);
}

void tw_confout_setting(struct tw_buf *out, const char *before, const char *key, const char *value)
{
    tw_buf_printf(out, "%s%s = ", before, key);
    tw_option_quote(out, value);
    tw_buf_puts(out, "\n");
}

void tw_confout_heading(struct tw_buf *out, const char *text)
{
    const size_t used = strlen(text) + strlen("# ----  ");
    tw_buf_printf(out, "\n# ---- %s ", text);
    for (size_t i = used; i < TW_CONFOUT_WIDTH; i++)
        tw_buf_puts(out, "-");
    tw_buf_puts(out, "\n\n");
}
