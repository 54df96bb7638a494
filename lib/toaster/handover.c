/* How a message is handed to a program, and how toaster-net is asked to hand it to a server. */
#include "toaster/handover.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/program.h"

enum { OUTPUT_MAX = 2048 };

const char *const tw_handover_sendmails[] = {"/usr/sbin/sendmail", "/usr/lib/sendmail",
                                             "/usr/local/sbin/sendmail", NULL};

/* The message as a file without a name: the program may read it or not, nobody has to feed it. */
static int open_message(const char *text, size_t length, struct tw_error *e)
{
    const int fd = memfd_create("message", MFD_CLOEXEC);
    if (fd < 0)
        return tw_fail_errno(e, "cannot make a file in memory");
    if (tw_write_all(fd, text, length) != 0 || lseek(fd, 0, SEEK_SET) != 0) {
        tw_fail_errno(e, "cannot write to a file in memory");
        close(fd);
        return -1;
    }
    return fd;
}

static int run(char *const *argv, int in, int *code, struct tw_error *e)
{
    int status;
    struct tw_buf output = {0}, said = {0};
    const struct tw_program program = {.argv = argv, .in = in, .output_max = OUTPUT_MAX};
    int result = tw_program_run(&program, &status, &output, e);
    *code = result == 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (result == 0 && status != 0) {
        tw_program_describe(status, &output, &said);
        result = tw_fail(e, "%s: %s", argv[0], tw_buf_text(&said));
    }
    tw_buf_free(&said);
    tw_buf_free(&output);
    return result;
}

int tw_handover_program(const char *program, const char *option, const struct tw_strings *to,
                        const char *text, size_t length, int *code, struct tw_error *e)
{
    /* An empty envelope sender: no bounce, whatever the headers say. */
    const char *const fixed[] = {program, option, "-f", "", "--"};
    char **argv = tw_realloc_array(NULL, TW_COUNT(fixed) + to->count + 1, sizeof *argv);
    size_t count = 0;
    for (size_t i = 0; i < TW_COUNT(fixed); i++)
        argv[count++] = (char *)fixed[i];
    for (size_t i = 0; i < to->count; i++)
        argv[count++] = to->items[i];
    argv[count] = NULL;
    int result = -1;
    *code = -1;
    const int in = open_message(text, length, e);
    if (in >= 0) {
        result = run(argv, in, code, e);
        close(in);
    }
    free(argv);
    return result;
}

/* RFC 5321 wants CR LF. */
static void add_crlf(struct tw_buf *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r'))
            tw_buf_puts(out, "\r");
        tw_buf_add(out, &text[i], 1);
    }
}

void tw_handover_mail(struct tw_net_request *request, const struct tw_strings *to,
                      const char *hello, const char *text, size_t length, struct tw_buf *body)
{
    request->method = TW_NET_MAIL;
    request->hello = hello;
    for (size_t i = 0; i < to->count; i++) {
        char *address = tw_format("<%s>", to->items[i]);
        tw_strings_add(&request->headers, address);
        free(address);
    }
    add_crlf(body, text, length);
    request->body = tw_buf_text(body);
    request->length = body->len;
}
