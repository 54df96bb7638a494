/* The verb paths: where things are on this machine. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/mem.h"
#include "ctl/apart.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/term.h"
#include "setup/paths.h"

enum { LOOK_MS = 10000 };

/* Why it is this path, for a person. */
static void say_source(const struct tw_path *path, struct tw_buf *out)
{
    if (path->source == TW_PATH_CONFIGURED)
        tw_buf_printf(out, "configuration: %s", path->key ? path->key : path->configured);
    else if (path->source == TW_PATH_PLACE)
        tw_buf_printf(out, "place %zu of those tried", path->tried.count);
    else if (path->configured)
        tw_buf_printf(out, "fallback: %s says %s, which is not there", path->key, path->configured);
    else
        tw_buf_puts(out, "fallback: in none of the places tried");
}

/* Four texts for each, a NUL behind each: what the table shows. */
static void write_rows(const struct tw_path paths[TW_PATHS], struct tw_buf *out)
{
    for (size_t i = 0; i < TW_PATHS; i++) {
        const char *const first[] = {paths[i].what, paths[i].path,
                                     paths[i].found ? "found" : "missing"};
        for (size_t k = 0; k < TW_COUNT(first); k++)
            tw_buf_add(out, first[k], strlen(first[k]) + 1);
        say_source(&paths[i], out);
        tw_buf_add(out, "", 1);
    }
}

static void write_json(const struct tw_path paths[TW_PATHS], struct tw_buf *out)
{
    for (size_t i = 0; i < TW_PATHS; i++) {
        const struct tw_path *path = &paths[i];
        tw_buf_printf(out, "%s\n {", i ? "," : "[");
        ctl_json_text(out, "what", path->what);
        ctl_json_text(out, "path", path->path);
        ctl_json_flag(out, "found", path->found);
        ctl_json_text(out, "from", tw_path_source_name(path->source));
        ctl_json_text(out, "key", path->key);
        ctl_json_text(out, "configured", path->configured);
        ctl_json_key(out, "tried");
        tw_buf_puts(out, "[");
        for (size_t k = 0; k < path->tried.count; k++) {
            tw_buf_puts(out, k ? ", " : "");
            tw_escape_json(out, path->tried.items[k]);
        }
        tw_buf_puts(out, "]}");
    }
    tw_buf_puts(out, "\n]\n");
}

static int look(void *context, int fd, struct tw_error *e)
{
    const struct ctl *ctl = context;
    struct tw_path paths[TW_PATHS];
    struct tw_buf out = {0};
    tw_paths_find(paths, "", ctl->file, ctl->config);
    (ctl->json ? write_json : write_rows)(paths, &out);
    const int result = tw_write_all(fd, tw_buf_text(&out), out.len);
    tw_buf_free(&out);
    tw_paths_clear(paths);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot pass on what was found");
}

static void print_rows(const char *text, size_t length)
{
    static const struct ctl_column columns[] = {
        {.title = "WHAT", .width = 13},
        {.title = "PATH", .width = 28},
        {.title = "STATE", .width = 7},
        {.title = "FROM"},
    };
    struct ctl_table table;
    ctl_table_begin(&table, columns, TW_COUNT(columns));
    size_t column = 0;
    for (const char *at = text; at < text + length; at += strlen(at) + 1) {
        const bool is_state = column == 2;
        const enum ctl_colour colour = strcmp(at, "found") == 0 ? CTL_GREEN : CTL_YELLOW;
        ctl_table_add(&table, is_state ? colour : CTL_PLAIN, "%s", at);
        column = (column + 1) % TW_COUNT(columns);
        if (column == 0)
            ctl_table_row(&table);
    }
    ctl_table_end(&table);
}

int ctl_paths(const struct ctl *ctl)
{
    struct ctl copy = *ctl;
    struct tw_error e;
    char *text;
    size_t length;
    if (ctl_look_apart(look, &copy, LOOK_MS, "paths", &text, &length, &e) != 0) {
        ctl_complain("cannot look for the directories: %s", e.text);
        return CTL_SYSTEM;
    }
    if (ctl->json)
        fwrite(text, 1, length, stdout);
    else
        print_rows(text, length);
    free(text);
    return CTL_OK;
}
