/* toaster-net: the only program that links libcurl. Does one request at a time for whoever started
 * it, as frames (base/net.h). Runs with the rights of whoever that is, which are never root's. */
#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/file.h"
#include "base/net.h"

/* What the server says. */
struct reply {
    struct tw_buf body;
    bool too_long;
};

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    const size_t length = size * count;
    if (reply->body.len + length > TW_NET_ANSWER_MAX / 2) {
        reply->too_long = true;
        return 0; /* ends the transfer */
    }
    for (size_t i = 0; i < length; i++) /* a string for whoever reads it */
        tw_buf_add(&reply->body, bytes[i] ? &bytes[i] : " ", 1);
    return length;
}

static void put_failure(struct tw_buf *out, const char *word, const char *text)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_NET_FAILURE);
    tw_frame_put_text(&w, word);
    tw_frame_put_text(&w, text);
    tw_frame_end(&w);
}

static void put_answer(struct tw_buf *out, long status, const struct reply *reply)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_NET_ANSWER);
    tw_frame_put_number(&w, status);
    tw_frame_put_text(&w, tw_buf_text(&reply->body));
    tw_frame_end(&w);
}

static const char *word_of(CURLcode code)
{
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
        return "timeout";
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_GOT_NOTHING: /* it has died of the request, or between two */
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return "down";
    default:
        return "nonsense";
    }
}

static void set_options(CURL *curl, const struct tw_net_post *post, struct curl_slist *headers,
                        struct reply *reply, char *error)
{
    curl_easy_reset(curl); /* the connection is kept */
    curl_easy_setopt(curl, CURLOPT_URL, post->url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* none of the environment's */
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)post->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)post->timeout_ms);
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->length);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, post->body);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
}

static void serve_post(CURL *curl, const struct tw_net_post *post, struct tw_buf *out)
{
    char error[CURL_ERROR_SIZE] = "";
    struct reply reply = {0};
    long status = 0;
    /* Expect: would cost a second with servers that do not know it. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < post->headers.count; i++)
        headers = curl_slist_append(headers, post->headers.items[i]);
    set_options(curl, post, headers, &reply, error);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (reply.too_long)
        put_failure(out, "nonsense", "it says more than an answer can be");
    else if (code != CURLE_OK)
        put_failure(out, word_of(code), error[0] ? error : curl_easy_strerror(code));
    else
        put_answer(out, status, &reply);
    curl_slist_free_all(headers);
    tw_buf_free(&reply.body);
}

/* -1: this conversation is over. */
static int serve(CURL *curl, struct tw_frame *frame)
{
    struct tw_net_post post;
    struct tw_buf out = {0};
    if (tw_net_get_post(frame, &post) != 0)
        return -1;
    serve_post(curl, &post, &out);
    const int result = tw_write_all(STDOUT_FILENO, out.data, out.len);
    tw_buf_free(&out);
    free((char *)(uintptr_t)post.url);
    tw_strings_free(&post.headers);
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
