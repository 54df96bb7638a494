/* toaster-net: the only program that links libcurl. Does one request at a time for whoever started
 * it, as frames (base/net.h). Runs with the rights of whoever that is, which are never root's. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "net/net.h"

/* -1: this conversation is over. */
static int serve(CURL *curl, struct tw_frame *frame)
{
    struct tw_net_request request;
    struct tw_buf out = {0};
    if (tw_net_get(frame, &request) != 0)
        return -1;
    net_serve(curl, &request, &out);
    const int result = tw_write_all(STDOUT_FILENO, out.data, out.len);
    tw_buf_free(&out);
    tw_net_request_free(&request);
    return result;
}

static int converse(CURL *curl)
{
    struct tw_buf in = {0};
    char chunk[65536];
    int result = 0;
    while (result == 0) {
        size_t at = 0;
        struct tw_frame frame;
        const int got = tw_frame_next(&in, &at, TW_NET_FRAME_MAX, &frame);
        if (got < 0) {
            result = -1;
        } else if (got > 0) {
            result = serve(curl, &frame);
            tw_buf_consume(&in, at);
        } else {
            const ssize_t length = read(STDIN_FILENO, chunk, sizeof chunk);
            if (length > 0)
                tw_buf_add(&in, chunk, (size_t)length);
            else if (length == 0 || errno != EINTR)
                break;
        }
    }
    if (in.len)
        result = -1;
    tw_buf_free(&in);
    return result;
}

int main(int argc, char **argv)
{
    char *end = NULL;
    const long parent = argc == 2 ? strtol(argv[1], &end, 10) : 0;
    if (parent <= 0 || *end) {
        fputs("toaster-net: started by toaster-worker only\n", stderr);
        return 100;
    }
    prctl(PR_SET_DUMPABLE, 0); /* it holds passwords, and is not the only one of its user */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != (pid_t)parent)
        return 111;
    signal(SIGPIPE, SIG_IGN);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return 111;
    CURL *curl = curl_easy_init();
    const int result = curl ? converse(curl) : -1;
    curl_easy_cleanup(curl);
    curl_global_cleanup();
    return result == 0 ? 0 : 111;
}
