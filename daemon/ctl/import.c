/* toasterctl import: the old script's configuration in, a new one out. What becomes of what,
 * lib/setup knows. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "ctl/ctl.h"
#include "setup/import.h"
#include "setup/oldconf.h"
#include "setup/proof.h"

enum { NOTES_MAX = 50, ME_MAX = 1024 };

static void tell_notes(const struct tw_strings *notes)
{
    for (size_t i = 0; i < notes->count && i < NOTES_MAX; i++)
        ctl_complain("note: %s", notes->items[i]);
    if (notes->count > NOTES_MAX)
        ctl_complain("note: and more of that kind");
}

static void tell_errors(const struct tw_strings *errors, const char *file)
{
    for (size_t i = 0; i < errors->count; i++)
        ctl_complain("%s", errors->items[i]);
    ctl_complain("cannot import %s: %zu error%s%s, nothing was written", file, errors->count,
                 errors->count == 1 ? "" : "s",
                 errors->count == TW_IMPORT_MESSAGES_MAX ? " and more" : "");
}

/* The first line of control/me, the caller's to free; NULL: none is needed, or to be had. */
static char *read_me(const struct tw_oldconf *conf)
{
    char *path = tw_import_wants_me(conf), *text = NULL;
    size_t length;
    if (path && tw_file_read(AT_FDCWD, path, ME_MAX, &text, &length, NULL) == 0)
        text[strcspn(text, "\r\n")] = '\0';
    free(path);
    return text;
}

static int convert(const struct ctl *ctl, const struct tw_oldconf *conf, struct tw_strings *notes)
{
    struct tw_import import = {.notes = *notes};
    struct tw_error e;
    char *me = read_me(conf);
    int result = CTL_OK;
    *notes = (struct tw_strings){0};
    if (tw_import_make(conf, me, &import) != 0) {
        tell_errors(&import.errors, conf->file);
        result = CTL_USAGE;
    } else if (tw_proof_config(tw_buf_text(&import.text), import.text.len, &e) != 0) {
        ctl_complain("cannot import %s: what came of it is no good configuration: %s", conf->file,
                     e.text);
        result = CTL_USAGE;
    }
    tell_notes(&import.notes);
    if (result == CTL_OK)
        result = ctl_put_file(ctl, tw_buf_text(&import.text), import.text.len);
    tw_import_free(&import);
    free(me);
    return result;
}

int ctl_import(const struct ctl *ctl)
{
    const char *file = ctl->arguments[0];
    struct tw_strings notes = {0};
    struct tw_oldconf conf;
    struct tw_error e;
    char *text;
    size_t length;
    if (!file || ctl->arguments[1])
        return ctl_misuse(ctl, "import takes one argument, the old toaster-watcher.conf");
    if (tw_oldconf_read(file, &text, &length, &e) != 0) {
        ctl_complain("%s", e.text);
        return CTL_USAGE;
    }
    int result = CTL_USAGE;
    if (tw_oldconf_parse(file, text, length, &conf, &notes, &e) == 0)
        result = convert(ctl, &conf, &notes);
    else
        ctl_complain("cannot import %s: nothing was written: %s", file, e.text);
    tw_oldconf_free(&conf);
    tw_strings_free(&notes);
    free(text);
    return result;
}
