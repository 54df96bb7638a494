/* How a letter leaves: by a program or into a Maildir. Blocks, so only workers call this; whoever
 * started the worker has a deadline and then ends its whole process group. The programs stay in
 * that group: one that were in another would outlive the deadline and might send, late, what has
 * been sent again by then. */
#include "alert/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/mem.h"
#include "toaster/maildir.h"

enum {
    OUTPUT_MAX = 2048,
    LOOK_MS = 50,     /* how often to ask whether the program ended while others hold its pipe */
    LAST_READS = 1024 /* what a pipe may still hold (1 MB at most), in reads of OUTPUT_MAX */
};

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

/* Starts the program with nothing of ours but the letter and the pipe. */
static int start(pid_t *pid, char *const *argv, int in, int out, struct tw_error *e)
{
    static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    static char logname[] = "LOGNAME=root", home[] = "HOME=/";
    char *const environment[] = {path, logname, home, NULL};
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t all, none;
    sigfillset(&all);
    sigemptyset(&none);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setsigmask(&attributes, &none);
    errno = posix_spawn(pid, argv[0], &files, &attributes, argv, environment);
    const int result = errno == 0 ? 0 : tw_fail_errno(e, "cannot run %s", argv[0]);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return result;
}

/* One read, of which as much is kept as there is room for. 1: go on; 0: nothing now; -1: over. */
static int take_output(int fd, struct tw_buf *output)
{
    char bytes[OUTPUT_MAX];
    const ssize_t n = read(fd, bytes, sizeof bytes);
    if (n < 0)
        return errno == EINTR ? 1 : errno == EAGAIN ? 0 : -1;
    const size_t room = OUTPUT_MAX - output->len;
    tw_buf_add(output, bytes, (size_t)n < room ? (size_t)n : room);
    return n > 0 ? 1 : -1;
}

/* Reads what the program says until it ends. The end of the pipe says nothing: a program may close
 * its output early, and what it leaves running may hold the pipe for ever. */
static int attend(pid_t pid, int fd, struct tw_buf *output, int *status)
{
    struct pollfd watched = {.fd = fd, .events = POLLIN};
    pid_t ended;
    do {
        if (poll(&watched, 1, LOOK_MS) > 0 && take_output(fd, output) < 0)
            watched.fd = -1;
        ended = waitpid(pid, status, WNOHANG);
    } while (ended == 0 || (ended < 0 && errno == EINTR));
    for (int i = 0; i < LAST_READS && take_output(fd, output) > 0; i++)
        ;
    return ended == pid ? 0 : -1;
}

/* The output behind the reason; NULs, which would end the sentence, made visible to the escape. */
static int fail_with(const char *program, const char *reason, int number, struct tw_buf *output,
                     struct tw_error *e)
{
    size_t length = output->len;
    while (length && strchr(" \r\n", output->data[length - 1]))
        length--;
    for (size_t i = 0; i < length; i++)
        if (output->data[i] == '\0')
            output->data[i] = '\1';
    return tw_fail(e, "%s %s %d%s%.*s", program, reason, number, length ? ": " : "", (int)length,
                   tw_buf_text(output));
}

static int run(char *const *argv, int in, struct tw_error *e)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return tw_fail_errno(e, "cannot make a pipe");
    pid_t pid = -1;
    int status = 0;
    struct tw_buf output = {0};
    int result = fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 ? start(&pid, argv, in, ends[1], e)
                                                          : tw_fail_errno(e, "cannot use a pipe");
    close(ends[1]);
    if (result == 0 && attend(pid, ends[0], &output, &status) != 0)
        result = tw_fail(e, "cannot wait for %s: no such child", argv[0]);
    close(ends[0]);
    if (result == 0 && WIFSIGNALED(status))
        result = fail_with(argv[0], "was ended by signal", WTERMSIG(status), &output, e);
    else if (result == 0 && WEXITSTATUS(status) != 0)
        result = fail_with(argv[0], "ended with", WEXITSTATUS(status), &output, e);
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

int tw_transport_deliver(const struct tw_transport_config *transport, const struct tw_strings *to,
                         const char *host, const char *text, size_t length, struct tw_error *e)
{
    switch (transport->type) {
    case TW_TRANSPORT_QMAIL_INJECT:
        return deliver_by_program(transport->path, "-a", to, text, length, e);
    case TW_TRANSPORT_SENDMAIL:
        return deliver_by_program(transport->path, "-i", to, text, length, e);
    case TW_TRANSPORT_MAILDIR:
        break;
    }
    return tw_maildir_deliver_as_owner(transport->path, host, text, length, e);
}

void tw_transport_order(const struct tw_transport_config *via, size_t count, bool about_qmail,
                        size_t *order)
{
    size_t placed = 0;
    for (size_t i = 0; i < count; i++)
        if (!about_qmail || !via[i].needs_qmail)
            order[placed++] = i;
    for (size_t i = 0; i < count && about_qmail; i++)
        if (via[i].needs_qmail)
            order[placed++] = i;
}
