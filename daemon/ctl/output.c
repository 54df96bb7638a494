/* Where a verb puts the file that it has made. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"
#include "ctl/ctl.h"
#include "setup/newfile.h"

/* And what to do with it. */
static void say_written(const char *file)
{
    char *clean = tw_escape_new(file, TW_ESCAPE_LINE, 0);
    printf("%s is written. Read it, then try it: toaster-watcher -t -c %s; and where no daemon "
           "runs yet: toasterctl -c %s check\n",
           clean, clean, clean);
    free(clean);
}

int ctl_put_file(const struct ctl *ctl, const char *text, size_t length)
{
    struct tw_error e;
    if (!ctl->output) {
        fwrite(text, 1, length, stdout);
        return CTL_OK;
    }
    if (tw_newfile_write(ctl->output, text, length, &e) == 0) {
        say_written(ctl->output);
        return CTL_OK;
    }
    const int why = errno;
    ctl_complain("%s", e.text);
    return why == EEXIST ? CTL_FAILED : CTL_SYSTEM;
}
