/* One file's text through libConfuse into struct tw_config. libConfuse knows the grammar; which
 * keys there are and what they may hold is said by the option tables, a value being checked the
 * moment it is read, so that every error has its line.
 *
 * A callback of libConfuse gets no pointer of ours, so each table of options it is given begins
 * with a row that only carries one (parser_of). */
#include <confuse.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "config/parse.h"

/* Bounds that settings keep on their way to a worker, too. */
enum { LIST_MAX = 1000, VALUE_MAX = 4095 };

/* Where the values of the section that is being read go. */
struct target {
    const struct tw_option *table;
    void *settings;
};

struct section {
    const cfg_t *cfg; /* NULL: none is being read */
    char *name;
    int line;
    struct target
        targets[4]; /* a job has its kind's, the common ones, every job's own, and a task's */
    struct tw_job_config job; /* kind NULL: not a job */
};

struct tw_parser {
    struct tw_config *config;
    struct tw_seen seen;
    struct tw_include *includes;
    size_t include_count;
    const char *file; /* the file that is being read, until the end */
    bool is_main;
    cfg_t *root;
    struct section section;
    struct tw_error *e;
    bool failed;
};

static struct tw_parser *parser_of(const cfg_t *cfg)
{
    return (struct tw_parser *)(void *)cfg->opts[0].simple_value.ptr;
}

/* The first complaint stays. */
static int complain(struct tw_parser *p, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int complain(struct tw_parser *p, int line, const char *format, ...)
{
    if (p->failed)
        return -1;
    p->failed = true;
    struct tw_buf text = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    tw_fail(p->e, "%s:%d: %s", p->file, line, tw_buf_text(&text));
    tw_buf_free(&text);
    return -1;
}

/* libConfuse's own complaints: the syntax, and names that are in no table. */
static void on_error(cfg_t *cfg, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
    struct tw_parser *p = parser_of(cfg);
    struct tw_buf text = {0};
    if (strcmp(format, "no such option '%s'") == 0)
        tw_buf_vprintf(&text, "unknown section or key '%s'", args);
    else
        tw_buf_vprintf(&text, format, args);
    const bool inside = cfg != p->root;
    complain(p, cfg->line, "%s%s%s%s%s", tw_buf_text(&text), inside ? " in " : "",
             inside ? cfg->name : "", inside && cfg->title ? "." : "",
             inside && cfg->title ? cfg->title : "");
    tw_buf_free(&text);
}

/* Nothing is set twice: no job, and no key ("min in process.x"; a dot could be the title's). */
static int claim(struct tw_parser *p, int line, const char *name)
{
    struct tw_error why;
    if (tw_seen_add(&p->seen, name, p->file, line, &why) != 0)
        return complain(p, line, "%s", why.text);
    return 0;
}

/* ---- sections ------------------------------------------------------------------------------- */

static void drop_job(struct tw_job_config *job)
{
    if (job->kind)
        tw_config_clear_job(job);
}

static void end_section(struct tw_parser *p)
{
    drop_job(&p->section.job);
    free(p->section.name);
    p->section = (struct section){0};
}

static int begin_job(struct tw_parser *p, const struct tw_kind *kind, const char *title)
{
    struct section *s = &p->section;
    const bool star = strcmp(title, "*") == 0;
    s->name = tw_format("%s.%s", kind->name, title);
    if (star && !kind->star)
        return complain(p, s->line, "%s cannot have the title \"*\"", kind->name);
    if (!star && !tw_title_valid(title))
        return complain(p, s->line,
                        "\"%s\" is no title: at most 64 letters, digits and . _ @ -, not beginning "
                        "with . or -",
                        title);
    s->job = (struct tw_job_config){.name = tw_strdup(s->name),
                                    .title = tw_strdup(title),
                                    .kind = kind,
                                    .settings = tw_alloc(kind->settings_size)};
    tw_options_init(kind->options, s->job.settings);
    s->targets[0] = (struct target){kind->options, s->job.settings};
    s->targets[1] = (struct target){tw_config_common, &s->job.common};
    s->targets[2] = (struct target){tw_config_job, &s->job};
    if (kind->task_every)
        s->targets[3] = (struct target){tw_config_task, &s->job};
    return claim(p, s->line, s->name);
}

/* Called with the first value of a section, or at its end if it has none. While it is read, the
 * root's line is that of its opening brace. */
static int begin_section(struct tw_parser *p, const cfg_t *cfg)
{
    p->section.cfg = cfg;
    p->section.line = p->root->line;
    const struct tw_kind *kind = tw_kind_find(cfg->name);
    if (kind)
        return begin_job(p, kind, cfg->title);
    const struct tw_config_section *s = tw_config_sections;
    while (strcmp(s->name, cfg->name) != 0)
        s++;
    p->section.name = tw_strdup(s->name);
    p->section.targets[0] = (struct target){s->options, (char *)p->config + s->offset};
    return 0;
}

/* An argument list, not a line for a shell: a blank in the program's name is a mistake. */
static int check_then(struct tw_parser *p)
{
    const struct section *s = &p->section;
    const char *program = s->job.then.count ? s->job.then.items[0] : "svc";
    if (program[0] && !strpbrk(program, " \t\n") && (program[0] == '/' || !strchr(program, '/')))
        return 0;
    return complain(
        p, s->line,
        "%s: then: \"%s\" is no program: write its name or full path, and each argument "
        "on its own, like {\"svc\", \"-u\", \"/service/x\"}",
        s->name, program);
}

static int finish_job(struct tw_parser *p)
{
    struct section *s = &p->section;
    struct tw_config *config = p->config;
    struct tw_error why;
    for (const struct tw_option *o = s->job.kind->options; o->key; o++) {
        if (!(o->flags & TW_OPT_REQUIRED))
            continue;
        char *name = tw_format("%s in %s", o->key, s->name);
        const bool set = tw_seen_has(&p->seen, name);
        free(name);
        if (!set)
            return complain(p, s->line, "%s: %s is missing", s->name, o->key);
    }
    if (check_then(p) != 0)
        return -1;
    if (s->job.kind->validate && s->job.kind->validate(s->job.settings, s->job.title, &why) != 0)
        return complain(p, s->line, "%s: %s", s->name, why.text);
    config->jobs = tw_realloc_array(config->jobs, config->job_count + 1, sizeof *config->jobs);
    config->jobs[config->job_count++] = s->job;
    s->job = (struct tw_job_config){0};
    return 0;
}

/* ---- values --------------------------------------------------------------------------------- */

static struct target target_of(struct tw_parser *p, const char *key)
{
    const struct section *s = &p->section;
    if (!s->cfg)
        return (struct target){tw_config_top, p->config};
    for (size_t i = 1; i < TW_COUNT(s->targets); i++)
        if (s->targets[i].table && tw_options_find(s->targets[i].table, key))
            return s->targets[i];
    return s->targets[0];
}

static int set_values(struct tw_parser *p, int line, const char *key, const char *const *values,
                      size_t count)
{
    const struct target target = target_of(p, key);
    const char *section = p->section.name ? p->section.name : "";
    const char *dot = *section ? "." : "", *colon = *section ? ": " : "";
    struct tw_error why;
    char *name = tw_format("%s%s%s", section, dot, key);
    char *mark = tw_format("%s%s%s", key, *section ? " in " : "", section);
    int result = 0;
    if (count <= 1) /* a list comes with one value first, then with two, ... */
        result = claim(p, line, mark);
    if (result == 0 && tw_options_set(target.table, target.settings, key, values, count, &why) != 0)
        result = complain(p, line, "%s%s%s", section, colon, why.text);
    if (result == 0 && count && tw_config_check(name, values[count - 1], &why) != 0)
        result = complain(p, line, "%s: %s", name, why.text);
    free(mark);
    free(name);
    return result;
}

/* The section of the top level that is being read: those that were are gone from the tree. A
 * section in a section has no pointer to it. */
static cfg_t *outer_section(const struct tw_parser *p)
{
    for (cfg_opt_t *opt = p->root->opts; opt->name; opt++)
        if (opt->type == CFGT_SEC && opt->nvalues > 0)
            return cfg_opt_getnsec(opt, 0);
    return NULL;
}

/* A key of a section in the section, or with `key` NULL that section itself. */
static int set_inner(struct tw_parser *p, const cfg_t *cfg, const char *key, const char *value)
{
    const struct section *s = &p->section;
    const char *const values[] = {cfg->title, key, value};
    struct tw_error why;
    char *mark = tw_format("%s%s%s \"%s\" in %s", key ? key : "", key ? " in " : "", cfg->name,
                           cfg->title, s->name);
    int result = claim(p, cfg->line, mark);
    free(mark);
    if (result == 0 && tw_options_set(s->targets[0].table, s->targets[0].settings, cfg->name,
                                      values, key ? TW_COUNT(values) : 1, &why) != 0)
        result = complain(p, cfg->line, "%s: %s", s->name, why.text);
    return result;
}

/* A value was read; the option has place for it already. Of a list, the whole list so far is set
 * again. */
static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *out)
{
    struct tw_parser *p = parser_of(cfg);
    const cfg_t *outer = cfg != p->root ? outer_section(p) : NULL;
    if (outer && p->section.cfg != outer && begin_section(p, outer) != 0)
        return -1;
    if (opt->nvalues > LIST_MAX)
        return complain(p, cfg->line, "%s: more than %d values", opt->name, LIST_MAX);
    if (strlen(value) > VALUE_MAX)
        return complain(p, cfg->line, "%s: more than %d bytes", opt->name, VALUE_MAX);
    if (outer && cfg != outer) {
        *(const char **)out = value;
        return set_inner(p, cfg, opt->name, value);
    }
    const char *values[LIST_MAX];
    for (unsigned i = 0; i + 1 < opt->nvalues; i++)
        values[i] = opt->values[i]->string;
    values[opt->nvalues - 1] = value;
    if (set_values(p, cfg->line, opt->name, values, opt->nvalues) != 0)
        return -1;
    *(const char **)out = value;
    return 0;
}

/* `key = {}` is no value, so on_value did not see it. */
static int set_empty_lists(struct tw_parser *p, cfg_t *cfg)
{
    for (cfg_opt_t *opt = cfg->opts; opt->name; opt++)
        if ((opt->flags & CFGF_LIST) && (opt->flags & CFGF_MODIFIED) && opt->nvalues == 0 &&
            set_values(p, p->section.line, opt->name, NULL, 0) != 0)
            return -1;
    return 0;
}

/* A section was read to its end. It is dropped from libConfuse's memory, which would else compare
 * and replace titles in its own way. */
static int on_section(cfg_t *root, cfg_opt_t *opt)
{
    struct tw_parser *p = parser_of(root);
    cfg_t *cfg = cfg_opt_getnsec(opt, 0);
    int result = 0;
    if (p->section.cfg != cfg)
        result = begin_section(p, cfg);
    if (result == 0)
        result = set_empty_lists(p, cfg);
    if (result == 0 && p->section.job.kind)
        result = finish_job(p);
    end_section(p);
    cfg_opt_rmnsec(opt, 0);
    return result;
}

/* A section in a section was read to its end. */
static int on_inner(cfg_t *outer, cfg_opt_t *opt)
{
    struct tw_parser *p = parser_of(outer);
    const cfg_t *cfg = cfg_opt_getnsec(opt, 0);
    int result = 0;
    if (p->section.cfg != outer)
        result = begin_section(p, outer);
    if (result == 0)
        result = set_inner(p, cfg, NULL, NULL);
    cfg_opt_rmnsec(opt, 0);
    return result;
}

static int on_include(cfg_t *root, cfg_opt_t *opt, int argc, const char **argv)
{
    struct tw_parser *p = parser_of(root);
    (void)opt;
    if (!p->is_main)
        return complain(p, root->line, "includes do not nest: only the main file may include");
    if (argc != 1)
        return complain(p, root->line, "include takes one pattern: include(\"/DIR/*.conf\")");
    p->includes = tw_realloc_array(p->includes, p->include_count + 1, sizeof *p->includes);
    p->includes[p->include_count++] =
        (struct tw_include){.pattern = tw_strdup(argv[0]), .line = root->line};
    return 0;
}

/* ---- libConfuse's tables ----------------------------------------------------------------------
 */

/* The row that carries the parser. Its name can be written only in quotes, and then this answers.
 */
static int on_carrier(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
    (void)argc;
    (void)argv;
    return complain(parser_of(cfg), cfg->line, "unknown section or key '%s'", opt->name);
}

struct rows {
    cfg_opt_t *items; /* always ends with an empty row */
    size_t count;
};

static void add_row(struct rows *rows, cfg_opt_t row)
{
    rows->items = tw_realloc_array(rows->items, rows->count + 2, sizeof *rows->items);
    rows->items[rows->count++] = row;
    rows->items[rows->count] = (cfg_opt_t){0};
}

static void add_carrier(struct rows *rows, struct tw_parser *p)
{
    add_row(rows, (cfg_opt_t){.name = "(parser)",
                              .type = CFGT_FUNC,
                              .flags = CFGF_NODEFAULT,
                              .func = on_carrier,
                              .simple_value.ptr = (void **)(void *)p});
}

static void add_options(struct rows *rows, struct tw_parser *p, const struct tw_option *table);

/* NOLINTNEXTLINE(misc-no-recursion): once, there are no sections in sections */
static void add_inner(struct rows *rows, struct tw_parser *p, const struct tw_option *o)
{
    struct rows inner = {0};
    add_carrier(&inner, p);
    add_options(&inner, p, o->inner);
    add_row(rows, (cfg_opt_t){.name = o->key,
                              .type = CFGT_SEC,
                              .flags = CFGF_MULTI | CFGF_TITLE,
                              .subopts = inner.items,
                              .validcb = on_inner});
}

/* NOLINTNEXTLINE(misc-no-recursion): once, there are no sections in sections */
static void add_options(struct rows *rows, struct tw_parser *p, const struct tw_option *table)
{
    for (const struct tw_option *o = table; o->key; o++)
        if (o->type == TW_OPT_SECTIONS)
            add_inner(rows, p, o);
        else
            add_row(rows, (cfg_opt_t){.name = o->key,
                                      .type = CFGT_STR,
                                      .flags = CFGF_NODEFAULT |
                                               (o->type == TW_OPT_LIST ? CFGF_LIST : CFGF_NONE),
                                      .parsecb = on_value});
}

static void add_section(struct rows *rows, struct tw_parser *p, const char *name, cfg_flag_t flags,
                        const struct tw_option *table, const struct tw_option *const more[])
{
    struct rows inner = {0};
    add_carrier(&inner, p);
    add_options(&inner, p, table);
    for (size_t i = 0; more && more[i]; i++)
        add_options(&inner, p, more[i]);
    add_row(rows, (cfg_opt_t){.name = name,
                              .type = CFGT_SEC,
                              .flags = CFGF_MULTI | flags,
                              .subopts = inner.items,
                              .validcb = on_section});
}

/* NOLINTNEXTLINE(misc-no-recursion): no deeper than the tables */
static void free_rows(cfg_opt_t *rows)
{
    for (cfg_opt_t *row = rows; row && row->name; row++)
        if (row->type == CFGT_SEC)
            free_rows(row->subopts);
    free(rows);
}

/* libConfuse copies the tables. */
static cfg_t *make_root(struct tw_parser *p)
{
    struct rows rows = {0};
    add_carrier(&rows, p);
    add_options(&rows, p, tw_config_top);
    add_row(&rows,
            (cfg_opt_t){
                .name = "include", .type = CFGT_FUNC, .flags = CFGF_NODEFAULT, .func = on_include});
    for (const struct tw_config_section *s = tw_config_sections; s->name; s++)
        add_section(&rows, p, s->name, CFGF_NONE, s->options, NULL);
    static const struct tw_option *const of_checks[] = {tw_config_common, tw_config_job, NULL};
    static const struct tw_option *const of_tasks[] = {tw_config_common, tw_config_job,
                                                       tw_config_task, NULL};
    for (const struct tw_kind *const *kind = tw_kinds; *kind; kind++)
        add_section(&rows, p, (*kind)->name, CFGF_TITLE, (*kind)->options,
                    (*kind)->task_every ? of_tasks : of_checks);
    cfg_t *root = cfg_init(rows.items, CFGF_NONE);
    free_rows(rows.items);
    return root;
}

/* ---- the parser -------------------------------------------------------------------------------
 */

struct tw_parser *tw_parser_new(struct tw_config *config)
{
    struct tw_parser *p = tw_alloc(sizeof *p);
    p->config = config;
    return p;
}

void tw_parser_free(struct tw_parser **parser)
{
    struct tw_parser *p = *parser;
    *parser = NULL;
    if (!p)
        return;
    tw_seen_free(&p->seen);
    for (size_t i = 0; i < p->include_count; i++)
        free(p->includes[i].pattern);
    free(p->includes);
    free(p);
}

const struct tw_include *tw_parser_includes(const struct tw_parser *parser, size_t *count)
{
    *count = parser->include_count;
    return parser->includes;
}

const struct tw_seen *tw_parser_seen(const struct tw_parser *parser)
{
    return &parser->seen;
}

int tw_parser_take(struct tw_parser *parser, const char *file, const char *text, bool is_main,
                   struct tw_error *e)
{
    struct tw_parser *p = parser;
    p->file = file;
    p->is_main = is_main;
    p->e = e;
    p->failed = false;
    p->root = make_root(p);
    if (!p->root)
        return tw_fail_errno(e, "cannot parse %s", file);
    cfg_set_error_function(p->root, on_error);
    if (cfg_parse_buf(p->root, text) != CFG_SUCCESS)
        complain(p, p->section.cfg ? p->section.cfg->line : p->root->line, "syntax error");
    end_section(p);
    cfg_free(p->root);
    p->root = NULL;
    return p->failed ? -1 : 0;
}
