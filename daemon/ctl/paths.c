/* The verb paths: where things are on this machine. A child of our own looks, so that a file system
 * that does not answer ends in an error and not in waiting. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/file.h"
#include "base/priv.h"
#include "ctl/ctl.h"
#include "setup/paths.h"

enum { LOOK_MS = 10000, OUTPUT_MAX = 1 << 20 };

/* Why it is this path, for a person. */
static void say_source(const struct tw_path *path, struct tw_buf *out)
{
    struct tw_buf text = {0};
    if (path->source == TW_PATH_CONFIGURED)
        tw_buf_printf(&text, "configuration: %s", path->key ? path->key : path->configured);
    else if (path->source == TW_PATH_PLACE)
        tw_buf_printf(&text, "place %zu of those tried", path->tried.count);
    else if (path->configured)
        tw_buf_printf(&text, "fallback: %s says %s, which is not there", path->key,
                      path->configured);
    else
        tw_buf_printf(&text, "fallback: %s in none of the places tried",
                      path->key ? "it is" : "toaster-watcher.conf is");
    tw_escape(out, tw_buf_text(&text), text.len, TW_ESCAPE_LINE, 0);
    tw_buf_free(&text);
}

static void write_text(const struct tw_path paths[TW_PATHS], struct tw_buf *out)
{
    size_t width = 0;
    for (size_t i = 0; i < TW_PATHS; i++) {
        char *path = tw_escape_new(paths[i].path, TW_ESCAPE_LINE, 0);
        width = strlen(path) > width ? strlen(path) : width;
        free(path);
    }
    for (size_t i = 0; i < TW_PATHS; i++) {
        char *path = tw_escape_new(paths[i].path, TW_ESCAPE_LINE, 0);
        tw_buf_printf(out, "%-13s  %-*s  %-7s  ", paths[i].what, (int)width, path,
                      paths[i].found ? "found" : "missing");
        say_source(&paths[i], out);
        tw_buf_puts(out, "\n");
        free(path);
    }
}

static void put_member(struct tw_buf *out, const char *key, const char *text)
{
    tw_buf_printf(out, ", \"%s\": ", key);
    if (text)
        tw_escape_json(out, text);
    else
        tw_buf_puts(out, "null");
}

static void write_json(const struct tw_path paths[TW_PATHS], struct tw_buf *out)
{
    for (size_t i = 0; i < TW_PATHS; i++) {
        const struct tw_path *path = &paths[i];
        tw_buf_printf(out, "%s\n {\"what\": \"%s\"", i ? "," : "[", path->what);
        put_member(out, "path", path->path);
        tw_buf_printf(out, ", \"found\": %s", path->found ? "true" : "false");
        put_member(out, "from", tw_path_source_name(path->source));
        put_member(out, "key", path->key);
        put_member(out, "configured", path->configured);
        tw_buf_puts(out, ", \"tried\": [");
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
    (ctl->json ? write_json : write_text)(paths, &out);
    const int result = tw_write_all(fd, tw_buf_text(&out), out.len);
    tw_buf_free(&out);
    tw_paths_clear(paths);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot pass on what was found");
}

int ctl_paths(const struct ctl *ctl)
{
    struct ctl copy = *ctl;
    const struct tw_priv_task task = {
        .stay = true, .work = look, .context = &copy, .max = OUTPUT_MAX, .timeout_ms = LOOK_MS};
    struct tw_error e;
    char *text;
    size_t length;
    if (ctl->arguments[0]) {
        ctl_complain("paths takes no argument");
        return CTL_USAGE;
    }
    if (tw_priv_run(&task, &text, &length, &e) != 0) {
        ctl_complain("cannot look for the directories: %s", e.text);
        return CTL_SYSTEM;
    }
    fwrite(text, 1, length, stdout);
    free(text);
    return CTL_OK;
}
