/* What is wrong with one alias, in words. Looks at nothing itself but names of users. */
#include "kinds/aliasjudge.h"

#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"

void tw_verdict_say(struct tw_verdict *v, enum tw_level level, const char *code, const char *format,
                    ...)
{
    va_list args;
    va_start(args, format);
    v->level = (int)level;
    snprintf(v->code, sizeof v->code, "%s", code);
    vsnprintf(v->text, sizeof v->text, format, args);
    va_end(args);
}

struct tw_user_text tw_user_name(uid_t uid)
{
    struct tw_user_text user;
    const struct passwd *pw = getpwuid(uid);
    if (pw)
        snprintf(user.text, sizeof user.text, "%s", pw->pw_name);
    else
        snprintf(user.text, sizeof user.text, "uid %ju", (uintmax_t)uid);
    return user;
}

static const char *type_name(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a fifo";
    return S_ISSOCK(mode) ? "a socket" : "a device";
}

/* What there is in place of a file of its own. qmail-local passes over all that is no regular
 * file, and takes a default or bounces the mail. */
static bool judge_place(const struct tw_aliashome *home, const struct tw_alias *alias,
                        const char *name, struct tw_verdict *v)
{
    const char *end = alias->file ? "goes to a default" : "bounces";
    char *own = tw_format("%s/.qmail-%s", home->path, alias->name);
    if (alias->leads_nowhere)
        tw_verdict_say(v, TW_LEVEL_FAIL, "dangling",
                       "%s is a link that leads nowhere: mail for %s %s", own, name, end);
    else if (alias->is_there && !S_ISREG(alias->own.st_mode))
        tw_verdict_say(v, TW_LEVEL_FAIL, "no-file", "%s is %s, not a file: mail for %s %s", own,
                       type_name(alias->own.st_mode), name, end);
    else if (!alias->file)
        tw_verdict_say(v, TW_LEVEL_FAIL, "missing", "%s is not there: mail for %s bounces", own,
                       name);
    free(own);
    return v->level != TW_LEVEL_NONE;
}

/* What makes qmail-local defer, before it looks into the file. */
static bool judge_access(const struct tw_alias *alias, const char *path, const char *name,
                         struct tw_verdict *v)
{
    if (alias->why == EACCES || alias->why == EPERM)
        tw_verdict_say(v, TW_LEVEL_FAIL, "unreadable",
                       "%s cannot read %s: qmail defers all mail for %s",
                       tw_user_name(geteuid()).text, path, name);
    else if (alias->too_large)
        tw_verdict_say(v, TW_LEVEL_FAIL, "too-large",
                       "%s is too large for a file of addresses: %s, limit %s", path,
                       tw_size_show(alias->st.st_size).text, tw_size_show(TW_ALIAS_MAX).text);
    else if (alias->why)
        tw_verdict_say(v, TW_LEVEL_UNKNOWN, "cannot-look", "cannot read %s: %s", path,
                       strerrordesc_np(alias->why));
    else if (alias->st.st_mode & S_IWOTH)
        tw_verdict_say(v, TW_LEVEL_FAIL, "writable",
                       "%s is writable by everyone (mode %04o): qmail defers all mail for %s", path,
                       alias->st.st_mode & 07777, name);
    return v->level != TW_LEVEL_NONE;
}

static bool judge_lines(const struct tw_aliashome *home, const struct tw_alias *alias,
                        const char *path, const char *name, struct tw_verdict *v)
{
    const struct tw_dotqmail_summary *sum = &alias->sum;
    switch (sum->fault) {
    case TW_DOTQMAIL_EMPTY:
        tw_verdict_say(v, TW_LEVEL_FAIL, "empty",
                       "%s is empty: mail for %s goes where qmail puts mail by default, mostly to "
                       "a mailbox in %s that nobody reads",
                       path, name, home->path);
        break;
    case TW_DOTQMAIL_BLANK_FIRST:
        tw_verdict_say(v, TW_LEVEL_FAIL, "blank-first-line",
                       "the first line of %s is blank: qmail defers all mail for %s", path, name);
        break;
    case TW_DOTQMAIL_FORWARD_ONLY:
        if (alias->st.st_mode & S_IXUSR)
            tw_verdict_say(v, TW_LEVEL_FAIL, "forward-only",
                           "line %zu of %s is no address, but the file has its execute bit, so it "
                           "may only forward: qmail defers all mail for %s",
                           sum->line.number, path, name);
        else
            tw_verdict_say(v, TW_LEVEL_FAIL, "after-list",
                           "line %zu of %s is no address, but comes after +list: qmail defers all "
                           "mail for %s",
                           sum->line.number, path, name);
        break;
    case TW_DOTQMAIL_NO_DELIVERY:
        tw_verdict_say(v, TW_LEVEL_FAIL, "no-delivery",
                       "%s has nothing but comments: mail for %s is thrown away", path, name);
        break;
    case TW_DOTQMAIL_BAD_LINE:
        tw_verdict_say(v, TW_LEVEL_FAIL, "bad-line", "line %zu of %s is not right, %s: \"%s\"",
                       sum->line.number, path, sum->why, alias->bad_line);
        break;
    case TW_DOTQMAIL_TOO_MANY: /* warnings: after what fails */
    case TW_DOTQMAIL_PLUS_LINE:
    case TW_DOTQMAIL_SOUND:
        break;
    }
    return v->level != TW_LEVEL_NONE;
}

static bool judge_loop(struct tw_aliashome *home, size_t item, const char *name,
                       struct tw_verdict *v)
{
    struct tw_buf chain = {0};
    if (tw_aliashome_loop(home, item, &chain))
        tw_verdict_say(v, TW_LEVEL_FAIL, "loop",
                       "mail for %s runs in a circle, and qmail bounces it: %s", name,
                       tw_buf_text(&chain));
    tw_buf_free(&chain);
    return v->level != TW_LEVEL_NONE;
}

static const char *plural(size_t count, const char *ending)
{
    return count == 1 ? "" : ending;
}

static void judge_warnings(const struct tw_aliashome *home, const struct tw_alias *alias,
                           const char *path, const char *name, struct tw_verdict *v)
{
    const struct tw_dotqmail_summary *sum = &alias->sum;
    const uid_t owner = alias->st.st_uid;
    if (alias->st.st_mode & S_IWGRP)
        tw_verdict_say(
            v, TW_LEVEL_WARN, "group-writable",
            "%s is writable by its group (mode %04o): its members decide where mail for %s goes, "
            "and some builds of qmail defer it",
            path, alias->st.st_mode & 07777, name);
    else if (owner != 0 && owner != home->uid && owner != geteuid())
        tw_verdict_say(v, TW_LEVEL_WARN, "foreign-owner",
                       "%s belongs to %s, who so decides where mail for %s goes", path,
                       tw_user_name(owner).text, name);
    else if (sum->fault == TW_DOTQMAIL_TOO_MANY)
        tw_verdict_say(v, TW_LEVEL_WARN, "too-many-lines",
                       "%s has more than %d lines: what comes after them is not looked at", path,
                       TW_DOTQMAIL_LINES);
    else if (sum->fault == TW_DOTQMAIL_PLUS_LINE)
        tw_verdict_say(v, TW_LEVEL_WARN, "ignored-line", "qmail ignores line %zu of %s: \"%s\"",
                       sum->line.number, path, alias->bad_line);
    else if (alias->step)
        tw_verdict_say(v, TW_LEVEL_WARN, "by-default",
                       "%s/.qmail-%s is not there: %s takes mail for %s", home->path, alias->name,
                       path, name);
    else
        tw_verdict_say(v, TW_LEVEL_OK, "ok", "%zu address%s, %zu program%s, %zu file%s",
                       sum->forwards, plural(sum->forwards, "es"), sum->programs,
                       plural(sum->programs, "s"), sum->files, plural(sum->files, "s"));
}

/* The gravest fault. */
void tw_alias_judge(struct tw_aliashome *home, size_t item, const char *name, struct tw_verdict *v)
{
    const struct tw_alias *alias = &home->items[item];
    if (!alias->why && judge_place(home, alias, name, v))
        return;
    char *path = tw_format("%s/%s", home->path, alias->file);
    if (!judge_access(alias, path, name, v) && !judge_lines(home, alias, path, name, v) &&
        !judge_loop(home, item, name, v))
        judge_warnings(home, alias, path, name, v);
    if (strcmp(v->code, "by-default") != 0)
        v->step = (int)alias->step;
    free(path);
}
