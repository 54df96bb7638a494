/* How a letter leaves: by a program or into a Maildir; over the net by netsend.c. Blocks, so only
 * workers call this; whoever started the worker has a deadline and then ends its whole process
 * group, so that nothing sends, late, what has been sent again by then. */
#include "alert/transport.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "alert/netsend.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/program.h"
#include "toaster/maildir.h"

enum { OUTPUT_MAX = 2048 };

/* The letter as a file without a name: the program may read it or not, nobody has to feed it. */
static int open_letter(const char *text, size_t length, struct tw_error *e)
{
    const int fd = memfd_create("letter", MFD_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot make a file in memory");
    if (tw_write_all(fd, text, length) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
        tw_fail_errno(e, "cannot write to a file in memory");
        close(fd);
        return -1;
    }
    return fd;
}

static int run(char *const *argv, int in, struct tw_error *e)
{
    int status;
    struct tw_buf output = {0}, said = {0};
    const struct tw_program program = {.argv = argv, .in = in, .output_max = OUTPUT_MAX};
    int result = tw_program_run(&program, &status, &output, e);
    if (result == 0 && status != 0) {
        tw_program_describe(status, &output, &said);
        result = tw_fail(e, "%s: %s", argv[0], tw_buf_text(&said));
    }
    tw_buf_free(&said);
    tw_buf_free(&output);
    return result;
}

static int deliver_by_program(const char *program, const char *option, const struct tw_strings *to,
                              const char *text, size_t length, struct tw_error *e)
{
    /* An empty envelope sender: no bounce of an alert, whatever its headers say. */
    const char *const fixed[] = {program, option, "-f", "", "--"};
    char **argv = tw_realloc_array(NULL, TW_COUNT(fixed) + to->count + 1, sizeof *argv);
    size_t count = 0;
    for (size_t i = 0; i < TW_COUNT(fixed); i++)
        argv[count++] = (char *)fixed[i];
    for (size_t i = 0; i < to->count; i++)
        argv[count++] = to->items[i];
    argv[count] = NULL;
    int result = -1;
    const int in = open_letter(text, length, e);
    if (in >= 0) {
        result = run(argv, in, e);
        close(in);
    }
    free(argv);
    return result;
}

enum tw_delivery tw_transport_deliver(const struct tw_transport_config *transport,
                                      const struct tw_transport_needs *needs, const char *text,
                                      size_t length, struct tw_error *e)
{
    int result = -1;
    switch (transport->type) {
    case TW_TRANSPORT_QMAIL_INJECT:
        result = deliver_by_program(transport->path, "-a", needs->to, text, length, e);
        break;
    case TW_TRANSPORT_SENDMAIL:
        result = deliver_by_program(transport->path, "-i", needs->to, text, length, e);
        break;
    case TW_TRANSPORT_MAILDIR:
        result = tw_maildir_deliver_as_owner(transport->path, needs->host, text, length, e);
        break;
    case TW_TRANSPORT_SMTP:
    case TW_TRANSPORT_HOOK:
    case TW_TRANSPORT_PING:
        return tw_netsend(transport, needs, text, length, e);
    case TW_TRANSPORTS:
        break;
    }
    return result == 0 ? TW_DELIVERY_TAKEN : TW_DELIVERY_NOT_NOW;
}

void tw_transport_order(const struct tw_via *via, bool about_qmail, size_t *order)
{
    size_t placed = 0;
    for (size_t i = 0; i < via->count; i++)
        if (!about_qmail || !via->items[i].needs_qmail)
            order[placed++] = i;
    for (size_t i = 0; i < via->count && about_qmail; i++)
        if (via->items[i].needs_qmail)
            order[placed++] = i;
}
