/* Kind `aliases`: would qmail-local deliver the mail for postmaster, root and the like, and where
 * to? Knows what is wrong with a home of aliases, and who may look into it. What is wrong with one
 * alias is known to aliasjudge.h, how the files are read and what is in them to
 * toaster/aliashome.h and dotqmail.h.
 *
 * All that is in the home is looked at in a child with the rights qmail-local would have: it may
 * follow links as qmail-local does, and what it cannot read, qmail-local cannot.
 *
 * Aspects: the main one (the home), and one for each name. It remembers, for its home, which
 * faults are in a default. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/owner.h"
#include "kinds/aliasjudge.h"
#include "kinds/kind.h"
#include "toaster/aliashome.h"

enum {
    EDITING_S = 900, /* so long a home may be sticky: dot-qmail(5) tells who edits to make it so */
    EVIDENCE_MAX = 4096,
    EVIDENCE_LINES = 20,
    EVIDENCE_TIMEOUT_MS = 5000,
    MEMORY_MAX = 4000,
    NOBODY = 65534
};

struct settings {
    char *dir;
    struct tw_strings require;
};

static const struct tw_option options[] = {
    {"dir", TW_OPT_PATH, offsetof(struct settings, dir)},
    {"require", TW_OPT_LIST, offsetof(struct settings, require)},
    {NULL},
};

static const char *const default_names[] = {"postmaster", "root", "mailer-daemon"};

/* One run's question. */
struct look {
    const struct tw_run *run;
    char *path;              /* of the home */
    int fd;                  /* of the home, O_PATH */
    struct stat st;          /* of the home */
    struct tw_strings names; /* also the aspects */
    bool follow;
    struct tw_verdict home; /* as far as its inode tells */
    const char *show;       /* the name whose file is wanted as evidence */
};

/* ---- settings ------------------------------------------------------------------------------ */

/* As they are told, and as the aspects are called: mail for "Root" is mail for "root". */
static void add_name(struct tw_strings *names, const char *name)
{
    tw_strings_add(names, name);
    for (char *c = names->items[names->count - 1]; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
}

static void all_names(const struct settings *s, struct tw_strings *names)
{
    for (size_t i = 0; i < s->require.count; i++)
        add_name(names, s->require.items[i]);
    for (size_t i = 0; !s->require.count && i < TW_COUNT(default_names); i++)
        add_name(names, default_names[i]);
}

static int check_names(const struct tw_strings *names, struct tw_error *e)
{
    struct tw_strings seen = {0};
    int result = 0;
    for (size_t i = 0; i < names->count && result == 0; i++) {
        const char *name = names->items[i];
        if (!tw_title_valid(name) || strchr(name, '@'))
            result = tw_fail(e,
                             "require: \"%s\" is no name of an alias: at most 64 letters, digits "
                             "and . _ - , not beginning with . or -, and no domain",
                             name);
        else if (tw_strings_has(&seen, name))
            result = tw_fail(e, "require: \"%s\" is there twice", name);
        tw_strings_add(&seen, name);
    }
    tw_strings_free(&seen);
    return result;
}

static int aliases_validate(const void *settings, const char *title, struct tw_error *e)
{
    (void)title;
    struct tw_strings names = {0};
    all_names(settings, &names);
    const int result = check_names(&names, e);
    tw_strings_free(&names);
    return result;
}

static char *home_path(const struct tw_run *run)
{
    const struct settings *s = run->settings;
    return s->dir ? tw_strdup(s->dir) : tw_format("%s/alias", run->places->qmail_dir);
}

/* ---- the home, in the child ---------------------------------------------------------------- */

/* By its name, as qmail-local comes to it: a directory above may be closed to it. */
static bool reach(const struct look *look, struct tw_verdict *v)
{
    struct stat st;
    char *inside = tw_format("%s/.", look->path);
    const int why = stat(inside, &st) == 0 ? 0 : errno;
    free(inside);
    if (why == EACCES)
        tw_verdict_say(v, TW_LEVEL_FAIL, "unreachable",
                       "%s cannot enter %s: qmail defers all mail for aliases",
                       tw_user_name(geteuid()).text, look->path);
    else if (why)
        tw_verdict_say(v, TW_LEVEL_UNKNOWN, "cannot-look", "cannot enter %s: %s", look->path,
                       strerrordesc_np(why));
    return why == 0;
}

static void judge_all(const struct look *look, struct tw_verdict *v)
{
    struct tw_aliashome home = {
        .path = look->path, .fd = look->fd, .uid = look->st.st_uid, .follow = look->follow};
    struct tw_error e;
    if (!reach(look, &v[0]))
        return;
    if (home.follow && tw_aliashome_locals(&home, look->run->places->qmail_dir, &e) != 0) {
        tw_verdict_say(&v[0], TW_LEVEL_UNKNOWN, "cannot-look", "cannot follow the aliases: %s",
                       e.text);
        home.follow = false;
    }
    size_t *items = tw_realloc_array(NULL, look->names.count, sizeof *items);
    for (size_t i = 0; i < look->names.count; i++)
        items[i] = tw_aliashome_add(&home, look->names.items[i]);
    tw_aliashome_look(&home);
    for (size_t i = 0; i < look->names.count; i++)
        tw_alias_judge(&home, items[i], look->names.items[i], &v[1 + i]);
    free(items);
    tw_aliashome_free(&home);
}

static int judge_work(void *context, int fd, struct tw_error *e)
{
    const struct look *look = context;
    const size_t count = look->names.count + 1;
    struct tw_verdict *v = tw_alloc(count * sizeof *v);
    judge_all(look, v);
    const int result = tw_write_all(fd, v, count * sizeof *v);
    free(v);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot pass on what is in %s", look->path);
}

/* ---- the run ------------------------------------------------------------------------------- */

/* Who decides on this home is who may write to it. */
static void judge_home(struct look *look)
{
    const struct stat *st = &look->st;
    const int64_t age_s = look->run->now_s - st->st_ctim.tv_sec;
    const bool editing = age_s < EDITING_S && age_s > -EDITING_S; /* the clock may have jumped */
    const struct passwd *alias = look->follow ? getpwnam("alias") : NULL;
    struct tw_verdict *v = &look->home;
    if (st->st_mode & S_IWOTH)
        tw_verdict_say(v, TW_LEVEL_FAIL, "writable",
                       "%s is writable by everyone (mode %04o): qmail defers all mail for aliases",
                       look->path, st->st_mode & 07777);
    else if (st->st_mode & S_ISVTX)
        tw_verdict_say(
            v, editing ? TW_LEVEL_WARN : TW_LEVEL_FAIL, "sticky",
            "%s has the sticky bit, as while it is edited: qmail defers all mail for aliases",
            look->path);
    else if (st->st_mode & S_IWGRP)
        tw_verdict_say(
            v, TW_LEVEL_WARN, "group-writable",
            "%s is writable by its group (mode %04o): its members decide where mail goes, and some "
            "builds of qmail defer it",
            look->path, st->st_mode & 07777);
    else if (alias && st->st_uid != 0 && st->st_uid != alias->pw_uid)
        tw_verdict_say(v, TW_LEVEL_WARN, "foreign-owner",
                       "%s belongs to %s, who so decides where mail goes", look->path,
                       tw_user_name(st->st_uid).text);
    else
        tw_verdict_say(v, TW_LEVEL_OK, "ok", "%zu name%s in %s", look->names.count,
                       look->names.count == 1 ? "" : "s", look->path);
}

/* Mail for the local domains comes to the home of user alias; another home has other domains. */
static bool is_alias_home(const struct look *look)
{
    struct stat st;
    char *usual = tw_format("%s/alias", look->run->places->qmail_dir);
    bool same =
        stat(usual, &st) == 0 && st.st_dev == look->st.st_dev && st.st_ino == look->st.st_ino;
    free(usual);
    const struct passwd *alias = same ? NULL : getpwnam("alias");
    return same || (alias && stat(alias->pw_dir, &st) == 0 && st.st_dev == look->st.st_dev &&
                    st.st_ino == look->st.st_ino);
}

/* qmail-local runs with the first group of its user's, which is often not that of the home. A home
 * of root's is alias's all the same; without such a user, what others may do is what counts. */
static struct stat rights_of(const struct look *look)
{
    struct stat st = look->st;
    if (geteuid() != 0)
        return st;
    const struct passwd *pw = st.st_uid ? getpwuid(st.st_uid) : getpwnam("alias");
    if (pw && pw->pw_uid) {
        st.st_uid = pw->pw_uid;
        st.st_gid = pw->pw_gid;
    } else if (!st.st_uid) {
        st.st_uid = st.st_gid = NOBODY;
    }
    return st;
}

static int run_child(const struct look *look, const struct tw_priv_task *task, char **output,
                     size_t *length, struct tw_error *e)
{
    const struct stat st = rights_of(look);
    return tw_owner_run(&st, look->path, task, output, length, e);
}

static void report(const struct look *look, const char *aspect, const struct tw_verdict *v)
{
    if (v->level == TW_LEVEL_NONE)
        tw_report(look->run, TW_LEVEL_NONE, aspect, "not-looked", "cannot be looked at");
    else
        tw_report(look->run, (enum tw_level)v->level, aspect, v->code, "%s", v->text);
}

static int gravity(int level)
{
    static const int order[] = {[TW_LEVEL_NONE] = 0,
                                [TW_LEVEL_OK] = 1,
                                [TW_LEVEL_WARN] = 2,
                                [TW_LEVEL_UNKNOWN] = 3,
                                [TW_LEVEL_FAIL] = 4};
    return order[level];
}

/* Nothing is known of the names. What is said of the home counts if it is graver than what it says
 * itself. */
static void report_home(const struct look *look, const struct tw_verdict *said)
{
    report(look, "", gravity(said->level) > gravity(look->home.level) ? said : &look->home);
}

/* NULL: nothing is known of them. */
static void report_names(const struct look *look, const struct tw_verdict *said)
{
    const struct tw_verdict nothing = {.level = TW_LEVEL_NONE};
    for (size_t i = 0; i < look->names.count; i++)
        report(look, look->names.items[i], said ? &said[i] : &nothing);
}

/* What the child wrote; false: it is not what ours writes. */
static bool is_sane(const struct look *look, const struct tw_verdict *v, size_t length)
{
    const size_t count = look->names.count + 1;
    bool sane = length == count * sizeof *v;
    for (size_t i = 0; sane && i < count; i++)
        sane = v[i].level >= TW_LEVEL_NONE && v[i].level <= TW_LEVEL_UNKNOWN && v[i].step >= 0 &&
               v[i].step < TW_ALIAS_STEPS && memchr(v[i].code, '\0', sizeof v[i].code) &&
               memchr(v[i].text, '\0', sizeof v[i].text) &&
               (v[i].level == TW_LEVEL_NONE || tw_title_valid(v[i].code));
    return sane;
}

/* For the advice: the faults that are in a default, not in the name's own file. As "root=1 PATH":
 * the step at which qmail-local finds the default. */
static void remember_steps(const struct look *look, const struct tw_verdict *said)
{
    struct tw_buf text = {0};
    for (size_t i = 0; i < look->names.count && text.len < MEMORY_MAX; i++)
        if (said[i].step)
            tw_buf_printf(&text, "%s=%d ", look->names.items[i], said[i].step);
    if (text.len)
        tw_buf_puts(&text, look->path);
    if (strcmp(tw_buf_text(&text), look->run->memory) != 0)
        look->run->sink->remember(look->run->sink->context, tw_buf_text(&text));
    tw_buf_free(&text);
}

/* Of another home, or damaged, it says nothing. */
static size_t step_of(const char *memory, const char *path, const char *name)
{
    const size_t length = strlen(name);
    size_t step = 0;
    const char *at = memory;
    for (const char *space; *at != '/' && (space = strchr(at, ' ')); at = space + 1)
        if (strncmp(at, name, length) == 0 && at[length] == '=')
            step = strtoul(at + length + 1, NULL, 10);
    return strcmp(at, path) == 0 && step < TW_ALIAS_STEPS ? step : 0;
}

static void run_in_home(struct look *look)
{
    /* How long it may take is the job's `timeout`, which the daemon sees to. */
    const struct tw_priv_task task = {.work = judge_work,
                                      .context = look,
                                      .max = (look->names.count + 1) * sizeof(struct tw_verdict),
                                      .timeout_ms = INT_MAX};
    struct tw_verdict failed = {0};
    char *output;
    size_t length;
    struct tw_error e;
    int result = run_child(look, &task, &output, &length, &e);
    const struct tw_verdict *said = (const void *)output;
    if (result == 0 && !is_sane(look, said, length))
        result = tw_fail(&e, "cannot look into %s: a child said nonsense", look->path);
    if (result != 0)
        tw_verdict_say(&failed, TW_LEVEL_UNKNOWN, "cannot-look", "%s", e.text);
    report_home(look, result == 0 ? said : &failed);
    report_names(look, result == 0 ? said + 1 : NULL);
    if (result == 0)
        remember_steps(look, said + 1);
    free(output);
}

static void no_home(const struct look *look, int why, const char *text)
{
    if (why == ENOENT)
        tw_report(look->run, TW_LEVEL_FAIL, "", "missing",
                  "%s is not there: qmail defers all mail for aliases", look->path);
    else if (why == ENOTDIR)
        tw_report(look->run, TW_LEVEL_FAIL, "", "no-directory",
                  "%s is not a directory: qmail defers all mail for aliases", look->path);
    else
        tw_report(look->run, TW_LEVEL_UNKNOWN, "", "cannot-look", "%s", text);
    report_names(look, NULL);
}

static void aliases_run(const struct tw_run *run)
{
    struct look look = {.run = run, .path = home_path(run)};
    struct tw_error e;
    all_names(run->settings, &look.names);
    look.fd = tw_dir_open(look.path, &look.st, &e);
    if (look.fd < 0) {
        no_home(&look, errno, e.text);
    } else {
        look.follow = is_alias_home(&look);
        judge_home(&look);
        run_in_home(&look);
        close(look.fd);
    }
    tw_strings_free(&look.names);
    free(look.path);
}

/* ---- evidence and advice -------------------------------------------------------------------- */

static void show_head(const struct tw_alias *alias, struct tw_buf *out)
{
    const char *at = tw_buf_text(&alias->head), *end = at + alias->head.len;
    for (size_t lines = 0; at < end && lines < EVIDENCE_LINES; lines++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const size_t length = newline ? (size_t)(newline - at) : (size_t)(end - at);
        tw_buf_add(out, at, length);
        tw_buf_puts(out, "\n");
        at += length + 1;
    }
    if (at < end || (uintmax_t)alias->st.st_size > alias->head.len)
        tw_buf_puts(out, "(and more)\n");
}

static int show_work(void *context, int fd, struct tw_error *e)
{
    const struct look *look = context;
    struct tw_aliashome home = {.path = look->path, .fd = look->fd};
    struct tw_buf out = {0};
    const size_t item = tw_aliashome_add(&home, look->show);
    tw_aliashome_look(&home);
    const struct tw_alias *alias = &home.items[item];
    if (alias->file && (!alias->why || alias->too_large))
        tw_buf_printf(&out, "%s/%s, mode %04o, owner %s, %jd bytes\n", look->path, alias->file,
                      alias->st.st_mode & 07777, tw_user_name(alias->st.st_uid).text,
                      (intmax_t)alias->st.st_size);
    if (alias->file && !alias->why)
        show_head(alias, &out);
    const int result = tw_write_all(fd, tw_buf_text(&out), out.len);
    tw_buf_free(&out);
    tw_aliashome_free(&home);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot pass on what is in %s", look->path);
}

static void show_in_home(const struct look *look, struct tw_buf *out)
{
    const struct tw_priv_task task = {.work = show_work,
                                      .context = (void *)(uintptr_t)look,
                                      .max = EVIDENCE_MAX + PATH_MAX,
                                      .timeout_ms = EVIDENCE_TIMEOUT_MS};
    char *output;
    size_t length;
    struct tw_error e;
    if (run_child(look, &task, &output, &length, &e) == 0)
        tw_buf_add(out, output, length);
    else
        tw_buf_printf(out, "(%s)\n", e.text);
    free(output);
}

static void aliases_evidence(const struct tw_run *run, const char *aspect, struct tw_buf *out)
{
    struct look look = {.run = run, .path = home_path(run), .show = aspect};
    struct tw_error e;
    all_names(run->settings, &look.names);
    if (tw_strings_has(&look.names, aspect)) {
        look.fd = tw_dir_open(look.path, &look.st, &e);
        if (look.fd >= 0) {
            show_in_home(&look, out);
            close(look.fd);
        }
    }
    tw_strings_free(&look.names);
    free(look.path);
}

static void advise_home(const char *path, const char *code, struct tw_buf *out)
{
    if (strcmp(code, "writable") == 0 || strcmp(code, "group-writable") == 0)
        tw_buf_printf(out, "chmod go-w %s", path);
    else if (strcmp(code, "sticky") == 0)
        tw_buf_printf(out, "chmod -t %s", path);
    else if (strcmp(code, "unreachable") == 0)
        tw_buf_printf(out, "namei -l %s", path);
    else
        tw_buf_printf(out, "ls -ld %s", path);
}

/* What root will type must do no harm where the home's user has put a link: rights are given to
 * files alone, and nothing is written through what is there. */
static void advise_name(const char *file, const char *code, struct tw_buf *out)
{
    static const struct {
        const char *code, *mode;
    } modes[] = {{"unreadable", "a+r"},
                 {"writable", "go-w"},
                 {"group-writable", "go-w"},
                 {"forward-only", "a-x"}};
    for (size_t i = 0; i < TW_COUNT(modes); i++)
        if (strcmp(modes[i].code, code) == 0) {
            tw_buf_printf(out, "find %s -type f -exec chmod %s {} +", file, modes[i].mode);
            return;
        }
    if (strcmp(code, "missing") == 0)
        tw_buf_printf(out, "echo '&you@example.com' > %s", file);
    else if (strcmp(code, "empty") == 0)
        tw_buf_printf(out, "rm %s; echo '&you@example.com' > %s", file, file);
    else if (strcmp(code, "blank-first-line") == 0)
        tw_buf_printf(out, "sed -i '/^[[:blank:]]*$/d' %s", file);
    else if (strcmp(code, "bad-line") == 0 || strcmp(code, "loop") == 0 ||
             strcmp(code, "no-delivery") == 0 || strcmp(code, "after-list") == 0)
        tw_buf_printf(out, "cat -A %s", file);
    else if (strcmp(code, "too-many-lines") == 0)
        tw_buf_printf(out, "wc -l %s", file);
    else
        tw_buf_printf(out, "ls -l %s", file);
}

static void aliases_advice(const struct tw_run *run, const char *aspect, const char *code,
                           struct tw_buf *out)
{
    char *path = home_path(run), *name = tw_dotqmail_name(aspect, strlen(aspect));
    struct tw_buf file = {0};
    if (!tw_dotqmail_file(name, step_of(run->memory, path, aspect), &file))
        tw_dotqmail_file(name, 0, &file);
    char *full = tw_format("%s/%s", path, tw_buf_text(&file));
    if (aspect[0])
        advise_name(full, code, out);
    else
        advise_home(path, code, out);
    free(full);
    tw_buf_free(&file);
    free(name);
    free(path);
}

const struct tw_kind tw_kind_aliases = {
    .name = "aliases",
    .options = options,
    .settings_size = sizeof(struct settings),
    .validate = aliases_validate,
    .run = aliases_run,
    .evidence = aliases_evidence,
    .advice = aliases_advice,
};
