/* One request, by libcurl. Knows neither pipes nor frames but for the answer's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "net/net.h"

/* What the server says, and what is still to be sent to it. */
struct transfer {
    const struct tw_net_request *request;
    struct tw_buf reply;
    bool too_long;
    char words[256];  /* of mail: the server's last no, in one line */
    bool words_begin; /* the next line of it begins another answer */
    size_t sent;
    int64_t end_ms; /* of all of it */
};

static long left_ms(const struct transfer *t)
{
    const int64_t left = t->end_ms - tw_clock_ms();
    return left > 1 ? (long)left : 1;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    const size_t length = size * count;
    if (t->reply.len + length > TW_NET_ANSWER_MAX / 2) {
        t->too_long = true;
        return 0; /* ends the transfer */
    }
    for (size_t i = 0; i < length; i++) /* a string for whoever reads it */
        tw_buf_add(&t->reply, bytes[i] ? &bytes[i] : " ", 1);
    return length;
}

/* Keeps the last no. An answer of SMTP has lines "550-..." and a last one "550 ...". */
static size_t take_words(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    const size_t length = size * count;
    size_t end = length;
    while (end && (bytes[end - 1] == '\r' || bytes[end - 1] == '\n'))
        end--;
    if (end < 3 || (bytes[0] != '4' && bytes[0] != '5'))
        return length; /* what comes behind, to QUIT, is of no interest */
    const bool more = end > 3 && bytes[3] == '-';
    if (t->words_begin)
        snprintf(t->words, sizeof t->words, "%.3s", bytes);
    const size_t have = strlen(t->words);
    if (end > 4)
        snprintf(t->words + have, sizeof t->words - have, " %.*s", (int)end - 4, bytes + 4);
    t->words_begin = !more;
    return length;
}

static size_t give_message(char *to, size_t size, size_t count, void *context)
{
    struct transfer *t = context;
    const size_t left = t->request->length - t->sent;
    const size_t length = left < size * count ? left : size * count;
    memcpy(to, t->request->body + t->sent, length);
    t->sent += length;
    return length;
}

static void put_failure(struct tw_buf *out, const char *word, const char *text)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_NET_FAILURE);
    tw_frame_put_text(&w, word);
    tw_frame_put_text(&w, text);
    tw_frame_end(&w);
}

static void put_answer(struct tw_buf *out, long status, const struct tw_buf *reply)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_NET_ANSWER);
    tw_frame_put_number(&w, status);
    tw_frame_put_text(&w, tw_buf_text(reply));
    tw_frame_end(&w);
}

/* `status` is SMTP's last reply: 5xx is for ever, 4xx for now (RFC 5321, 4.2.1). `seen`: the server
 * has asked for the message, so that what it refuses is that, and neither who sent it nor to whom.
 */
static const char *word_of(CURLcode code, bool mail, long status, bool seen)
{
    if (mail && status >= 500 && status < 600)
        return seen ? "rejected" : "refused";
    if (mail && status >= 400 && status < 500 && code != CURLE_OPERATION_TIMEDOUT)
        return "later";
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
        return mail ? "down" : "nonsense";
    }
}

static bool is_set(const char *text)
{
    return text && *text;
}

static void set_common(CURL *curl, struct transfer *t, char *error)
{
    const struct tw_net_request *request = t->request;
    curl_easy_reset(curl); /* the connection is kept */
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* none of the environment's */
    curl_easy_setopt(curl, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms(t));
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, left_ms(t));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
    if (is_set(request->ca_file)) {
        curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca_file);
        curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
    }
    if (is_set(request->user)) {
        curl_easy_setopt(curl, CURLOPT_USERNAME, request->user);
        curl_easy_setopt(curl, CURLOPT_PASSWORD, request->password);
    }
}

static void set_http(CURL *curl, const struct tw_net_request *request, struct curl_slist *headers)
{
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    if (is_set(request->user))
        curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
    if (request->method == TW_NET_GET)
        return;
    curl_easy_setopt(curl, CURLOPT_POST, 1L);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->length);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body);
}

/* Must the certificate be good: where a password is at stake, and where somebody said which one. */
static bool needs_trust(const struct tw_net_request *request)
{
    return is_set(request->user) || is_set(request->ca_file) ||
           strncasecmp(request->url, "smtps:", 6) == 0;
}

static void set_mail(CURL *curl, struct transfer *t, struct curl_slist *to)
{
    const struct tw_net_request *request = t->request;
    const bool trust = needs_trust(request);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)(trust ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, trust ? 1L : 0L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, trust ? 2L : 0L);
    curl_easy_setopt(curl, CURLOPT_MAIL_FROM, ""); /* <>: no bounces */
    curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_message);
    curl_easy_setopt(curl, CURLOPT_READDATA, t);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_words);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->length);
}

/* As "smtp://HOST/NAME" has it: what we call ourselves. */
static char *with_hello(const struct tw_net_request *request)
{
    struct tw_buf url = {0};
    size_t length = strlen(request->url);
    while (length && request->url[length - 1] == '/')
        length--;
    tw_buf_add(&url, request->url, length);
    tw_buf_printf(&url, "/%s", is_set(request->hello) ? request->hello : "localhost");
    return tw_buf_take(&url);
}

/* To one address. */
static CURLcode perform_mail(CURL *curl, struct transfer *t, const char *url, const char *address,
                             char *error)
{
    struct curl_slist *to = curl_slist_append(NULL, address);
    CURLcode code = CURLE_OK;
    for (int attempt = 0; attempt < 2; attempt++) {
        t->sent = 0;
        t->words[0] = '\0';
        t->words_begin = true;
        error[0] = '\0';
        set_common(curl, t, error);
        set_mail(curl, t, to);
        curl_easy_setopt(curl, CURLOPT_URL, url);
        if (attempt > 0)
            curl_easy_setopt(curl, CURLOPT_USE_SSL, (long)CURLUSESSL_NONE);
        code = curl_easy_perform(curl);
        /* It offers a TLS that it has not: the letter is worth more than its secrecy. */
        if (code != CURLE_SSL_CONNECT_ERROR || needs_trust(t->request))
            break;
    }
    curl_slist_free_all(to);
    return code;
}

/* libcurl's word for an end of file, with an errno that means nothing. */
static const char read_failed[] = "response reading failed";

/* Why an address has not got it: the server's own words where it has said no. */
static void tell_why(const struct transfer *t, CURLcode code, long status, char *error)
{
    if (status >= 400 && atol(t->words) == status)
        snprintf(error, CURL_ERROR_SIZE, "%s", t->words);
    else if (code == CURLE_RECV_ERROR && strncmp(error, read_failed, strlen(read_failed)) == 0)
        snprintf(error, CURL_ERROR_SIZE, "the server has closed the connection");
    else if (!error[0])
        snprintf(error, CURL_ERROR_SIZE, "%s", curl_easy_strerror(code));
    /* What comes behind the end of a message is its answer. */
    if (status < 400 && code != CURLE_SEND_ERROR && t->sent && t->sent == t->request->length) {
        const size_t length = strnlen(error, CURL_ERROR_SIZE / 2);
        snprintf(error + length, CURL_ERROR_SIZE - length,
                 "; all of it was sent, so it may have been taken");
    }
}

/* Each address by itself, so that one which is refused does not keep the letter from the others.
 * Answers, if anybody has it, with a line for each who has not: "later <ADDRESS> WHY" or "refused
 * ..."; else it fails. WHY is the server's own words where it has said no. */
static void serve_mail(CURL *curl, struct transfer *t, struct tw_buf *out)
{
    const struct tw_strings *to = &t->request->headers;
    struct tw_buf lines = {0}, reasons = {0};
    char *url = with_hello(t->request);
    const char *word = "refused";
    bool reached = true;
    size_t taken = 0;
    for (size_t i = 0; i < to->count; i++) {
        char error[CURL_ERROR_SIZE] = "no time was left";
        const char *why = "down";
        if (reached) {
            long status = 0;
            const CURLcode code = perform_mail(curl, t, url, to->items[i], error);
            curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
            taken += code == CURLE_OK;
            if (code == CURLE_OK)
                continue;
            why = word_of(code, true, status, t->sent > 0);
            reached = status >= 400; /* else the next one would wait as long */
            tell_why(t, code, status, error);
        }
        const bool rejected = strcmp(why, "rejected") == 0;
        const bool refused = rejected || strcmp(why, "refused") == 0;
        if (!refused || (rejected && strcmp(word, "refused") == 0))
            word = why;
        tw_buf_printf(&lines, "%s %s %s\n", refused ? "refused" : "later", to->items[i], error);
        tw_buf_printf(&reasons, "%s%s: %s", reasons.len ? "; " : "", to->items[i], error);
        if (lines.len > TW_NET_ANSWER_MAX / 2) {
            /* No room to name the rest: all are asked again, and nobody is forgotten. */
            taken = 0;
            word = "down";
            break;
        }
    }
    if (taken)
        put_answer(out, 250, &lines);
    else
        put_failure(out, word, reasons.len ? tw_buf_text(&reasons) : "there is no recipient");
    tw_buf_free(&lines);
    tw_buf_free(&reasons);
    free(url);
}

static void serve_http(CURL *curl, struct transfer *t, struct tw_buf *out)
{
    const struct tw_net_request *request = t->request;
    char error[CURL_ERROR_SIZE] = "";
    long status = 0;
    /* Expect: would cost a second with servers that do not know it. */
    struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
    for (size_t i = 0; i < request->headers.count; i++)
        headers = curl_slist_append(headers, request->headers.items[i]);
    set_common(curl, t, error);
    set_http(curl, request, headers);
    const CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    /* Of an answer that is too long its beginning will do. */
    if (code == CURLE_OK || (t->too_long && status > 0))
        put_answer(out, status, &t->reply);
    else
        put_failure(out, word_of(code, false, status, false),
                    error[0] ? error : curl_easy_strerror(code));
    curl_slist_free_all(headers);
}

void net_serve(CURL *curl, const struct tw_net_request *request, struct tw_buf *out)
{
    struct transfer t = {.request = request, .end_ms = tw_clock_ms() + request->timeout_ms};
    if (request->method == TW_NET_MAIL)
        serve_mail(curl, &t, out);
    else
        serve_http(curl, &t, out);
    tw_buf_free(&t.reply);
}
