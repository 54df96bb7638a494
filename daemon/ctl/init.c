/* The verb init: a first configuration for what is on this machine. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "ctl/apart.h"
#include "ctl/ctl.h"
#include "setup/initial.h"
#include "setup/proof.h"

enum { LOOK_MS = 30000 };

/* The notes, a NUL, the configuration. */
static int look(void *context, int fd, struct tw_error *e)
{
    struct tw_machine machine;
    struct tw_buf text = {0}, notes = {0};
    const time_t *now_s = context;
    tw_machine_look(&machine, "", "/proc");
    tw_initial_write(&machine, *now_s, &text, &notes);
    tw_buf_add(&notes, "", 1);
    tw_buf_add(&notes, text.data, text.len);
    const int result = tw_write_all(fd, notes.data, notes.len);
    tw_buf_free(&text);
    tw_buf_free(&notes);
    tw_machine_free(&machine);
    return result == 0 ? 0 : tw_fail_errno(e, "cannot pass on what was found");
}

static void print_notes(char *notes)
{
    for (char *line; (line = strsep(&notes, "\n"));)
        if (*line)
            ctl_complain("%s", line);
    if (geteuid() != 0)
        ctl_complain("Only root sees all of a machine: this may miss what there is.");
}

int ctl_init(const struct ctl *ctl)
{
    time_t now_s = time(NULL);
    struct tw_error e;
    char *found;
    size_t length;
    if (ctl_look_apart(look, &now_s, LOOK_MS, "init", &found, &length, &e) != 0) {
        ctl_complain("cannot look at this machine: %s", e.text);
        return CTL_SYSTEM;
    }
    char *const text = found + strlen(found) + 1; /* `look` has put a NUL before it */
    length -= (size_t)(text - found);
    int result = CTL_SYSTEM;
    if (tw_proof_config(text, length, &e) != 0) {
        ctl_complain("cannot use what was made of this machine: %s", e.text);
    } else {
        result = ctl_put_file(ctl, text, length);
        if (result == CTL_OK)
            print_notes(found);
    }
    free(found);
    return result;
}
