/* Settings by table. Knows the types and how each is read, written, copied, compared; knows
 * nothing of any key. */
#include "base/option.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/units.h"
#include "base/window.h"

/* ---- where a setting lies ---- */

static bool is_text(const struct tw_option *o)
{
    return o->type == TW_OPT_STRING || o->type == TW_OPT_PATH || o->type == TW_OPT_CHOICE;
}

/* Types that have a "never", which is also what they are when neither written nor by default. */
static bool has_never(const struct tw_option *o)
{
    return o->type == TW_OPT_DURATION || o->type == TW_OPT_SIZE || o->type == TW_OPT_SHARE ||
           o->type == TW_OPT_MODE || o->type == TW_OPT_DECIMAL;
}

static void *place(const struct tw_option *o, void *settings)
{
    return (char *)settings + o->offset;
}

static const void *place_const(const struct tw_option *o, const void *settings)
{
    return (const char *)settings + o->offset;
}

static const char *text_of(const struct tw_option *o, const void *settings)
{
    return *(const char *const *)place_const(o, settings);
}

static int64_t number_of(const struct tw_option *o, const void *settings)
{
    return *(const int64_t *)place_const(o, settings);
}

static bool bool_of(const struct tw_option *o, const void *settings)
{
    return *(const bool *)place_const(o, settings);
}

static const struct tw_window *window_of(const struct tw_option *o, const void *settings)
{
    return place_const(o, settings);
}

static const struct tw_sections *sections_of(const struct tw_option *o, const void *settings)
{
    return place_const(o, settings);
}

static const struct tw_strings *list_of(const struct tw_option *o, const void *settings)
{
    return place_const(o, settings);
}

/* ---- reading one value ---- */

static int parse_int(const char *text, int64_t *number, struct tw_error *e)
{
    char *end;
    errno = 0;
    const long long value = strtoll(text, &end, 10);
    const char *first = text + (*text == '-');
    if (*first < '0' || *first > '9' || *end || errno)
        return tw_fail(e, "\"%.40s\" is not a whole number: write digits, like 5", text);
    *number = value;
    return 0;
}

static int parse_bool(const char *text, bool *value, struct tw_error *e)
{
    static const char *const yes[] = {"yes", "true", "on"};
    static const char *const no[] = {"no", "false", "off"};
    for (size_t i = 0; i < TW_COUNT(yes); i++) {
        if (strcasecmp(text, yes[i]) != 0 && strcasecmp(text, no[i]) != 0)
            continue;
        *value = strcasecmp(text, yes[i]) == 0;
        return 0;
    }
    return tw_fail(e, "\"%.40s\" is neither yes nor no: write yes or no", text);
}

static void write_number(const struct tw_option *o, int64_t number, struct tw_buf *out)
{
    if (has_never(o) && number == TW_NEVER)
        tw_buf_puts(out, "never");
    else if (o->type == TW_OPT_DURATION)
        tw_duration_write(out, number);
    else if (o->type == TW_OPT_SIZE)
        tw_size_write(out, number);
    else if (o->type == TW_OPT_SHARE)
        tw_share_write(out, number);
    else if (o->type == TW_OPT_MODE)
        tw_buf_printf(out, "0%03" PRIo64, (uint64_t)number);
    else if (o->type == TW_OPT_DECIMAL)
        tw_decimal_write(out, number);
    else
        tw_buf_printf(out, "%" PRId64, number);
}

static int check_bounds(const struct tw_option *o, const char *text, int64_t number,
                        struct tw_error *e)
{
    if (has_never(o) && number == TW_NEVER) {
        if (!(o->flags & TW_OPT_NO_NEVER))
            return 0;
        return tw_fail(e, "\"never\" makes no sense here: write %s",
                       o->type == TW_OPT_DURATION  ? "a duration, like \"5m\""
                       : o->type == TW_OPT_SIZE    ? "a size, like \"1M\""
                       : o->type == TW_OPT_SHARE   ? "a share, like \"10%\""
                       : o->type == TW_OPT_DECIMAL ? "a number, like \"2.5\""
                                                   : "a file mode, like \"0644\"");
    }
    if (o->type == TW_OPT_MODE || o->max == 0 || (number >= o->min && number <= o->max))
        return 0;
    struct tw_buf bounds = {0};
    tw_buf_puts(&bounds, "write from ");
    write_number(o, o->min, &bounds);
    tw_buf_puts(&bounds, " to ");
    write_number(o, o->max, &bounds);
    tw_fail(e, "\"%.40s\" is too %s: %s", text, number < o->min ? "small" : "large", bounds.data);
    tw_buf_free(&bounds);
    return -1;
}

static int parse_number(const struct tw_option *o, const char *text, int64_t *number,
                        struct tw_error *e)
{
    const int result = o->type == TW_OPT_DURATION  ? tw_duration_parse(text, number, e)
                       : o->type == TW_OPT_SIZE    ? tw_size_parse(text, number, e)
                       : o->type == TW_OPT_SHARE   ? tw_share_parse(text, number, e)
                       : o->type == TW_OPT_MODE    ? tw_mode_parse(text, number, e)
                       : o->type == TW_OPT_DECIMAL ? tw_decimal_parse(text, number, e)
                                                   : parse_int(text, number, e);
    return result == 0 ? check_bounds(o, text, *number, e) : -1;
}

static int check_text(const struct tw_option *o, const char *text, struct tw_error *e)
{
    if (o->type == TW_OPT_PATH && *text != '/')
        return tw_fail(e, "\"%.200s\" is not a full path: write one that begins with \"/\"", text);
    if (o->type != TW_OPT_CHOICE)
        return 0;
    struct tw_buf names = {0};
    for (const char *const *c = o->choices; *c; c++) {
        if (strcmp(text, *c) == 0) {
            tw_buf_free(&names);
            return 0;
        }
        tw_buf_printf(&names, "%s\"%s\"", c == o->choices ? "" : c[1] ? ", " : " or ", *c);
    }
    tw_fail(e, "\"%.40s\" is unknown: write %s", text, tw_buf_text(&names));
    tw_buf_free(&names);
    return -1;
}

static void set_list(struct tw_strings *list, const char *const *values, size_t count)
{
    struct tw_strings fresh = {0}; /* first: the values may be the old list's */
    for (size_t i = 0; i < count; i++)
        tw_strings_add(&fresh, values[i]);
    tw_strings_free(list);
    *list = fresh;
}

static int set_one(const struct tw_option *o, void *settings, const char *value, struct tw_error *e)
{
    int64_t number = 0;
    if (o->type == TW_OPT_BOOL)
        return parse_bool(value, place(o, settings), e);
    if (o->type == TW_OPT_WINDOW)
        return tw_window_parse(value, place(o, settings), e);
    if (!is_text(o)) {
        if (parse_number(o, value, &number, e) != 0)
            return -1;
        *(int64_t *)place(o, settings) = number;
        return 0;
    }
    if (check_text(o, value, e) != 0)
        return -1;
    char **text = place(o, settings);
    char *copy = tw_strdup(value);
    free(*text);
    *text = copy;
    return 0;
}

/* What follows calls itself for the keys of a section, once: there are no sections in sections. */
/* NOLINTBEGIN(misc-no-recursion) */

/* ---- sections with a title ---- */

static struct tw_section *find_section(const struct tw_sections *sections, const char *title)
{
    for (size_t i = 0; i < sections->count; i++)
        if (strcmp(sections->items[i].title, title) == 0)
            return &sections->items[i];
    return NULL;
}

static struct tw_section *add_section(const struct tw_option *o, struct tw_sections *sections,
                                      const char *title)
{
    sections->items =
        tw_realloc_array(sections->items, sections->count + 1, sizeof *sections->items);
    struct tw_section *section = &sections->items[sections->count++];
    section->title = tw_strdup(title);
    section->settings = tw_alloc(o->inner_size);
    tw_options_init(o->inner, section->settings);
    return section;
}

static int set_section(const struct tw_option *o, struct tw_sections *sections,
                       const char *const *values, size_t count, struct tw_error *e)
{
    struct tw_error why;
    if (count == 0)
        return tw_fail(e, "%s: a title is missing: write %s \"TITLE\" { ... }", o->key, o->key);
    struct tw_section *section = find_section(sections, values[0]);
    if (!section && o->check_title && o->check_title(values[0], &why) != 0)
        return tw_fail(e, "%s: %s", o->key, why.text);
    if (!section)
        section = add_section(o, sections, values[0]);
    if (count == 1)
        return 0;
    if (tw_options_set(o->inner, section->settings, values[1], values + 2, count - 2, &why) != 0)
        return tw_fail(e, "%s \"%.200s\": %s", o->key, values[0], why.text);
    return 0;
}

static void free_sections(const struct tw_option *o, struct tw_sections *sections)
{
    for (size_t i = 0; i < sections->count; i++) {
        tw_options_free(o->inner, sections->items[i].settings);
        free(sections->items[i].settings);
        free(sections->items[i].title);
    }
    free(sections->items);
    *sections = (struct tw_sections){0};
}

static bool equal_sections(const struct tw_option *o, const struct tw_sections *a,
                           const struct tw_sections *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++) /* in the same order: another is another setting */
        if (strcmp(a->items[i].title, b->items[i].title) != 0 ||
            !tw_options_equal(o->inner, a->items[i].settings, b->items[i].settings))
            return false;
    return true;
}

/* ---- the whole table ---- */

void tw_options_init(const struct tw_option *table, void *settings)
{
    for (const struct tw_option *o = table; o->key; o++) {
        if (has_never(o))
            *(int64_t *)place(o, settings) = o->flags & TW_OPT_MAY_BE_UNSET ? TW_UNSET : TW_NEVER;
        if (o->fallback && o->type == TW_OPT_LIST)
            set_list(place(o, settings), &o->fallback, 1);
        else if (o->fallback)
            set_one(o, settings, o->fallback, NULL);
    }
}

const struct tw_option *tw_options_find(const struct tw_option *table, const char *key)
{
    for (const struct tw_option *o = table; o->key; o++)
        if (strcmp(o->key, key) == 0)
            return o;
    return NULL;
}

int tw_options_set(const struct tw_option *table, void *settings, const char *key,
                   const char *const *values, size_t count, struct tw_error *e)
{
    const struct tw_option *o = tw_options_find(table, key);
    if (!o)
        return tw_fail(e, "unknown key \"%.80s\"", key);
    if (o->type == TW_OPT_LIST) {
        set_list(place(o, settings), values, count);
        return 0;
    }
    if (o->type == TW_OPT_SECTIONS)
        return set_section(o, place(o, settings), values, count, e);
    if (count != 1)
        return tw_fail(e, "%s: %zu values: write one", key, count);
    struct tw_error why;
    if (set_one(o, settings, values[0], &why) != 0)
        return tw_fail(e, "%s: %s", key, why.text);
    return 0;
}

static bool equal_lists(const struct tw_strings *a, const struct tw_strings *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i], b->items[i]) != 0)
            return false;
    return true;
}

static bool equal_one(const struct tw_option *o, const void *a, const void *b)
{
    if (o->type == TW_OPT_LIST)
        return equal_lists(list_of(o, a), list_of(o, b));
    if (o->type == TW_OPT_BOOL)
        return bool_of(o, a) == bool_of(o, b);
    if (o->type == TW_OPT_WINDOW)
        return window_of(o, a)->from_min == window_of(o, b)->from_min &&
               window_of(o, a)->to_min == window_of(o, b)->to_min;
    if (o->type == TW_OPT_SECTIONS)
        return equal_sections(o, sections_of(o, a), sections_of(o, b));
    if (!is_text(o))
        return number_of(o, a) == number_of(o, b);
    const char *left = text_of(o, a);
    const char *right = text_of(o, b);
    return left && right ? strcmp(left, right) == 0 : left == right;
}

bool tw_options_equal(const struct tw_option *table, const void *a, const void *b)
{
    for (const struct tw_option *o = table; o->key; o++)
        if (!equal_one(o, a, b))
            return false;
    return true;
}

void tw_options_free(const struct tw_option *table, void *settings)
{
    for (const struct tw_option *o = table; o->key; o++) {
        if (o->type == TW_OPT_LIST) {
            tw_strings_free(place(o, settings));
        } else if (o->type == TW_OPT_SECTIONS) {
            free_sections(o, place(o, settings));
        } else if (is_text(o)) {
            char **text = place(o, settings);
            free(*text);
            *text = NULL;
        }
    }
}

/* ---- writing ---- */

/* Is there anything to write? What has no default need not be written while it is unset. */
static bool has_value(const struct tw_option *o, const void *settings)
{
    if (o->type == TW_OPT_LIST)
        return o->fallback || list_of(o, settings)->count > 0;
    if (is_text(o))
        return text_of(o, settings) != NULL;
    if (o->type == TW_OPT_WINDOW)
        return tw_window_any(window_of(o, settings));
    if (o->type == TW_OPT_SECTIONS)
        return sections_of(o, settings)->count > 0;
    if (o->type == TW_OPT_BOOL || o->fallback)
        return true;
    if (o->flags & TW_OPT_MAY_BE_UNSET)
        return number_of(o, settings) != TW_UNSET;
    return number_of(o, settings) != (has_never(o) ? TW_NEVER : 0);
}

/* A section's keys, each told with its title before it. */
struct inner {
    const char *key, *title;
    tw_option_each *each;
    void *context;
};

static void inner_each(void *context, const char *key, const char *const *values, size_t count)
{
    const struct inner *inner = context;
    const char *all[3] = {inner->title, key, count ? values[0] : ""};
    inner->each(inner->context, inner->key, all, TW_COUNT(all));
}

static void each_section(const struct tw_option *o, const struct tw_sections *sections,
                         tw_option_each *each, void *context)
{
    for (size_t i = 0; i < sections->count; i++) {
        const char *title = sections->items[i].title;
        struct inner inner = {o->key, title, each, context};
        each(context, o->key, &title, 1);
        tw_options_each(o->inner, sections->items[i].settings, inner_each, &inner);
    }
}

void tw_options_each(const struct tw_option *table, const void *settings, tw_option_each *each,
                     void *context)
{
    for (const struct tw_option *o = table; o->key; o++) {
        if (!has_value(o, settings))
            continue;
        const struct tw_strings *list = list_of(o, settings);
        struct tw_buf number = {0};
        const char *value;
        if (o->type == TW_OPT_LIST) {
            each(context, o->key, (const char *const *)list->items, list->count);
            continue;
        }
        if (o->type == TW_OPT_SECTIONS) {
            each_section(o, sections_of(o, settings), each, context);
            continue;
        }
        if (is_text(o)) {
            value = text_of(o, settings);
        } else if (o->type == TW_OPT_BOOL) {
            value = bool_of(o, settings) ? "yes" : "no";
        } else if (o->type == TW_OPT_WINDOW) {
            tw_window_write(&number, window_of(o, settings));
            value = tw_buf_text(&number);
        } else {
            write_number(o, number_of(o, settings), &number);
            value = tw_buf_text(&number);
        }
        each(context, o->key, &value, 1);
        tw_buf_free(&number);
    }
}

static void write_sections(const struct tw_option *o, const struct tw_sections *sections,
                           const char *indent, bool secrets, struct tw_buf *out)
{
    char *deeper = tw_format("%s    ", indent);
    for (size_t i = 0; i < sections->count; i++) {
        tw_buf_printf(out, "%s%s ", indent, o->key);
        tw_option_quote(out, sections->items[i].title);
        tw_buf_puts(out, " {\n");
        tw_options_write(o->inner, sections->items[i].settings, deeper, secrets, out);
        tw_buf_printf(out, "%s}\n", indent);
    }
    free(deeper);
}

struct writing {
    const struct tw_option *table;
    const char *indent;
    bool secrets;
    struct tw_buf *out;
};

static void write_each(void *context, const char *key, const char *const *values, size_t count)
{
    const struct writing *w = context;
    const struct tw_option *o = tw_options_find(w->table, key);
    if (o->type == TW_OPT_SECTIONS)
        return; /* each is written whole, behind the keys */
    tw_buf_printf(w->out, "%s%s = ", w->indent, key);
    if ((o->flags & TW_OPT_SECRET) && !w->secrets) {
        tw_option_quote(w->out, "(hidden)");
    } else if (o->type == TW_OPT_LIST) {
        tw_buf_puts(w->out, "{");
        for (size_t i = 0; i < count; i++) {
            tw_buf_puts(w->out, i ? ", " : "");
            tw_option_quote(w->out, values[i]);
        }
        tw_buf_puts(w->out, "}");
    } else if (o->type == TW_OPT_INT || o->type == TW_OPT_BOOL) {
        tw_buf_puts(w->out, values[0]);
    } else {
        tw_option_quote(w->out, values[0]);
    }
    tw_buf_puts(w->out, "\n");
}

void tw_options_write(const struct tw_option *table, const void *settings, const char *indent,
                      bool secrets, struct tw_buf *out)
{
    struct writing w = {table, indent, secrets, out};
    tw_options_each(table, settings, write_each, &w);
    for (const struct tw_option *o = table; o->key; o++)
        if (o->type == TW_OPT_SECTIONS)
            write_sections(o, sections_of(o, settings), indent, secrets, out);
}

/* NOLINTEND(misc-no-recursion) */

void tw_option_quote(struct tw_buf *out, const char *text)
{
    tw_buf_puts(out, "\"");
    for (const char *at = text; *at; at++) {
        if (strchr("\"\\$", *at))
            tw_buf_puts(out, "\\");
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            tw_buf_printf(out, "\\x%02x", (unsigned char)*at);
        else
            tw_buf_add(out, at, 1);
    }
    tw_buf_puts(out, "\"");
}
