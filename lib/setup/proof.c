/* Reads a text as a configuration, from a file that is in memory alone. */
#include "setup/proof.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "config/config.h"

/* "/proc/self/fd/5:12: ..." is of no use to anybody. */
static int say(const char *path, const char *text, struct tw_error *e)
{
    const size_t length = strlen(path);
    if (strncmp(text, path, length) == 0 && text[length] == ':')
        return tw_fail(e, "line %s", text + length + 1);
    return tw_fail(e, "%s", text);
}

int tw_proof_config(const char *text, size_t length, struct tw_error *e)
{
    const int fd = memfd_create("configuration", MFD_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot make a file in memory");
    int result;
    if (fchmod(fd, 0600) != 0 || tw_write_all(fd, text, length) != 0) {
        result = tw_fail_errno(e, "cannot write a file in memory");
    } else {
        char *path = tw_format("/proc/self/fd/%d", fd);
        struct tw_error why;
        struct tw_config *config = tw_config_load(path, &why);
        result = config ? 0 : say(path, why.text, e);
        tw_config_free(&config);
        free(path);
    }
    close(fd);
    return result;
}
