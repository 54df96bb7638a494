/* The table of backends. */
#include "kinds/teacher.h"

#include <stdarg.h>
#include <string.h>

int tw_teacher_fail(struct tw_teacher_failure *failure, const char *code, const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    failure->code = code;
    tw_fail(&failure->e, "%s", tw_buf_text(&text));
    tw_buf_free(&text);
    return -1;
}

/* A row for each backend. */
#define TEACHERS(ROW) ROW(salearn) ROW(spamd) ROW(rspamd) ROW(command)

#define DECLARE(name) extern const struct tw_teacher_kind tw_teacher_##name;
#define REFER(name) &tw_teacher_##name,

TEACHERS(DECLARE)

const struct tw_teacher_kind *const tw_teacher_kinds[] = {TEACHERS(REFER) NULL};

const struct tw_teacher_kind *tw_teacher_find(const char *name)
{
    for (size_t i = 0; tw_teacher_kinds[i]; i++)
        if (strcmp(tw_teacher_kinds[i]->name, name) == 0)
            return tw_teacher_kinds[i];
    return NULL;
}
