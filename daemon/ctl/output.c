/* Where a verb puts the file that it has made. */
#include <errno.h>
#include <stdio.h>

#include "ctl/ctl.h"
#include "setup/newfile.h"

int ctl_put_file(const struct ctl *ctl, const char *text, size_t length)
{
    struct tw_error e;
    if (!ctl->output) {
        fwrite(text, 1, length, stdout);
        return CTL_OK;
    }
    if (tw_newfile_write(ctl->output, text, length, &e) == 0)
        return CTL_OK;
    const int why = errno;
    ctl_complain("%s", e.text);
    return why == EEXIST ? CTL_FAILED : CTL_SYSTEM;
}
