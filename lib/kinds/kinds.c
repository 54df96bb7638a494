/* The table of kinds, and what they share. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kinds/kind.h"

/* A row for each kind. */
#define KINDS(ROW)                                                                                 \
    ROW(process)                                                                                   \
    ROW(service)                                                                                   \
    ROW(multilog) ROW(file) ROW(aliases) ROW(disk) ROW(expire) ROW(learn) ROW(program) ROW(canary)

#define DECLARE(name) extern const struct tw_kind tw_kind_##name;
#define REFER(name) &tw_kind_##name,

KINDS(DECLARE)

const struct tw_kind *const tw_kinds[] = {KINDS(REFER) NULL};

const struct tw_kind *tw_kind_find(const char *name)
{
    for (size_t i = 0; tw_kinds[i]; i++)
        if (strcmp(tw_kinds[i]->name, name) == 0)
            return tw_kinds[i];
    return NULL;
}

bool tw_kind_is_peer(const struct tw_kind *kind)
{
    for (size_t i = 0; tw_kinds[i]; i++)
        if (tw_kinds[i]->peers && strcmp(tw_kinds[i]->peers, kind->name) == 0)
            return true;
    return false;
}

enum tw_place tw_kind_place(const struct tw_kind *kind, const void *settings, const char *title)
{
    return kind->place ? kind->place(settings, title) : TW_PLACE_WORKER;
}

const char *tw_level_name(enum tw_level level)
{
    static const char *const names[] = {"none", "ok", "warn", "fail", "unknown"};
    return names[level];
}

void tw_report(const struct tw_run *run, enum tw_level level, const char *aspect, const char *code,
               const char *format, ...)
{
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    run->sink->finding(run->sink->context, &(struct tw_finding){.level = level,
                                                                .aspect = aspect,
                                                                .code = code,
                                                                .text = tw_buf_text(&text)});
    tw_buf_free(&text);
}

void tw_report_progress(void *run)
{
    const struct tw_run *r = run;
    r->sink->progress(r->sink->context);
}

bool tw_title_valid(const char *title)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                  "0123456789._@-";
    const size_t length = strlen(title);
    return length > 0 && length <= 64 && title[0] != '.' && title[0] != '-' &&
           strspn(title, allowed) == length;
}
