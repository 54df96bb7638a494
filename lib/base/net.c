/* toaster-net, from outside: its frames, and starting it. */
#include "base/net.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"

enum { URL_MAX = 4096, HEADER_MAX = 4096, HEADERS_MAX = 1000, WORD_MAX = 32, BEAT_MS = 500 };
enum { GRACE_MS = 5000 /* beyond the timeout, which it keeps itself */ };

/* ---- frames ------------------------------------------------------------------------------- */

void tw_net_put(struct tw_buf *out, const struct tw_net_request *request)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_NET_REQUEST);
    tw_frame_put_number(&w, request->method);
    tw_frame_put_text(&w, request->url);
    tw_frame_put_number(&w, (int64_t)request->headers.count);
    for (size_t i = 0; i < request->headers.count; i++)
        tw_frame_put_text(&w, request->headers.items[i]);
    tw_frame_put_text(&w, request->hello);
    tw_frame_put_text(&w, request->user);
    tw_frame_put_text(&w, request->password);
    tw_frame_put_text(&w, request->ca_file);
    tw_frame_put_number(&w, request->timeout_ms);
    tw_frame_put_bytes(&w, request->body ? request->body : "", request->length);
    tw_frame_end(&w);
}

int tw_net_get(struct tw_frame *frame, struct tw_net_request *request)
{
    const int64_t method = tw_frame_number(frame);
    *request = (struct tw_net_request){.url = tw_frame_text(frame, URL_MAX)};
    const int64_t count = tw_frame_number(frame);
    for (int64_t i = 0; i < count && i < HEADERS_MAX && !frame->bad; i++) {
        char *header = tw_frame_text(frame, HEADER_MAX);
        tw_strings_add(&request->headers, header);
        free(header);
    }
    request->hello = tw_frame_text(frame, HEADER_MAX);
    request->user = tw_frame_text(frame, HEADER_MAX);
    request->password = tw_frame_text(frame, HEADER_MAX);
    request->ca_file = tw_frame_text(frame, HEADER_MAX);
    request->timeout_ms = tw_frame_number(frame);
    request->body = tw_frame_bytes(frame, TW_NET_BODY_MAX, &request->length);
    if (frame->type == TW_NET_REQUEST && tw_frame_done(frame) && count >= 0 &&
        count <= HEADERS_MAX && request->timeout_ms > 0 && method >= 0 && method <= TW_NET_MAIL) {
        request->method = (enum tw_net_method)method;
        return 0;
    }
    tw_net_request_free(request);
    return -1;
}

static void free_text(const char *text)
{
    free((char *)(uintptr_t)text);
}

void tw_net_request_free(struct tw_net_request *request)
{
    free_text(request->url);
    free_text(request->hello);
    free_text(request->user);
    free_text(request->password);
    free_text(request->ca_file);
    tw_strings_free(&request->headers);
}

/* ---- starting it -------------------------------------------------------------------------- */

struct tw_net {
    pid_t pid;
    int fd;
};

/* Beside the program that runs; where that is installed; or in a build tree. */
static char *find_program(void)
{
    static const char *const places[] = {"", "../libexec/toaster-watcher/", "../bin/"};
    char self[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
    if (length <= 0)
        return NULL;
    self[length] = '\0';
    char *slash = strrchr(self, '/');
    slash[1] = '\0';
    for (size_t i = 0; i < TW_COUNT(places); i++) {
        char *path = tw_format("%s%stoaster-net", self, places[i]);
        if (access(path, X_OK) == 0)
            return path;
        free(path);
    }
    return NULL;
}

static _Noreturn void become(const char *path, pid_t parent, int fd)
{
    char number[16];
    char *const argv[] = {"toaster-net", number, NULL};
    char *const environment[] = {NULL};
    sigset_t none;
    snprintf(number, sizeof number, "%d", (int)parent);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent && dup2(fd, STDIN_FILENO) >= 0 && dup2(fd, STDOUT_FILENO) >= 0) {
        closefrom(STDERR_FILENO + 1);
        execve(path, argv, environment);
    }
    _exit(127);
}

struct tw_net *tw_net_open(struct tw_error *e)
{
    int ends[2];
    char *path = find_program();
    if (!path) {
        tw_fail(e, "cannot find the program toaster-net");
        return NULL;
    }
    const pid_t parent = getpid();
    struct tw_net *net = tw_alloc(sizeof *net);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        tw_fail_errno(e, "cannot make a socket");
    } else if ((net->pid = fork()) < 0) {
        tw_fail_errno(e, "cannot fork");
        close(ends[0]);
        close(ends[1]);
    } else {
        if (net->pid == 0)
            become(path, parent, ends[1]);
        close(ends[1]);
        net->fd = ends[0];
        free(path);
        return net;
    }
    free(path);
    free(net);
    return NULL;
}

void tw_net_close(struct tw_net **net)
{
    struct tw_net *n = *net;
    *net = NULL;
    if (!n)
        return;
    close(n->fd);
    kill(n->pid, SIGKILL);
    while (waitpid(n->pid, NULL, 0) < 0 && errno == EINTR)
        ;
    free(n);
}

/* ---- asking it ---------------------------------------------------------------------------- */

static int fail(const char **code, const char *word, struct tw_error *e, const char *text)
{
    *code = word;
    return tw_fail(e, "%s", text);
}

static int take_answer(struct tw_frame *frame, struct tw_net_answer *answer, const char **code,
                       struct tw_error *e)
{
    static const char *const words[] = {"down",    "timeout",  "nonsense",
                                        "refused", "rejected", "later"};
    if (frame->type == TW_NET_ANSWER) {
        answer->status = tw_frame_number(frame);
        answer->body = tw_frame_text(frame, TW_NET_ANSWER_MAX);
        if (tw_frame_done(frame))
            return 0;
        free(answer->body);
        answer->body = NULL;
        return fail(code, "nonsense", e, "toaster-net speaks nonsense");
    }
    char *word = tw_frame_text(frame, WORD_MAX), *text = tw_frame_text(frame, TW_NET_ANSWER_MAX);
    if (frame->type == TW_NET_FAILURE && tw_frame_done(frame)) {
        fail(code, words[2], e, text);
        for (size_t i = 0; i < TW_COUNT(words); i++)
            if (strcmp(words[i], word) == 0)
                *code = words[i];
    } else {
        fail(code, "nonsense", e, "toaster-net speaks nonsense");
    }
    free(word);
    free(text);
    return -1;
}

/* Sends what is left and takes what comes. 1: it has hung up. */
static int move(const struct tw_net *net, const struct tw_buf *out, size_t *sent, struct tw_buf *in)
{
    char chunk[16384];
    struct pollfd p = {.fd = net->fd, .events = POLLIN | (*sent < out->len ? POLLOUT : 0)};
    if (poll(&p, 1, BEAT_MS) <= 0)
        return 0;
    if (p.revents & POLLOUT) {
        const ssize_t n =
            send(net->fd, out->data + *sent, out->len - *sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        *sent += n > 0 ? (size_t)n : 0;
    }
    if (!(p.revents & (POLLIN | POLLHUP | POLLERR)))
        return 0;
    const ssize_t n = recv(net->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n > 0)
        tw_buf_add(in, chunk, (size_t)n);
    return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

int tw_net_send(struct tw_net *net, const struct tw_net_request *request,
                void (*alive)(void *context), void *context, struct tw_net_answer *answer,
                const char **code, struct tw_error *e)
{
    struct tw_buf out = {0}, in = {0};
    struct tw_frame frame;
    size_t sent = 0, at = 0;
    const int64_t end_ms = tw_clock_ms() + request->timeout_ms + GRACE_MS;
    int result, got = 0;
    *answer = (struct tw_net_answer){0};
    tw_net_put(&out, request);
    do {
        const bool gone = move(net, &out, &sent, &in);
        if (alive)
            alive(context);
        got = tw_frame_next(&in, &at, TW_NET_FRAME_MAX, &frame);
        if (gone && got == 0)
            got = -1;
    } while (got == 0 && tw_clock_ms() < end_ms);
    if (got > 0)
        result = take_answer(&frame, answer, code, e);
    else
        result = got < 0 ? fail(code, "failed", e, "toaster-net has died")
                         : fail(code, "timeout", e, "toaster-net hangs");
    tw_buf_free(&out);
    tw_buf_free(&in);
    return result;
}
