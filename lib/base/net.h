/* toaster-net: the program that speaks HTTP and SMTP for the others, since libcurl costs too much
 * at each start of a program that mostly does without. One request at a time over a socket, as
 * frames (base/frame.h). */
#ifndef TW_BASE_NET_H
#define TW_BASE_NET_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/frame.h"
#include "base/strings.h"

enum {
    TW_NET_REQUEST = 1, /* the members of struct tw_net_request */
    TW_NET_ANSWER,      /* status, body */
    TW_NET_FAILURE      /* a word, a text */
};
enum {
    TW_NET_BODY_MAX = 72 * 1024 * 1024, /* of a request */
    TW_NET_ANSWER_MAX = 64 * 1024,
    TW_NET_FRAME_MAX = TW_NET_BODY_MAX + 512 * 1024
};

enum tw_net_method {
    TW_NET_POST,
    TW_NET_GET,
    TW_NET_MAIL /* SMTP: hands over one message */
};

/* Strings are borrowed; NULL is as good as "". */
struct tw_net_request {
    enum tw_net_method method;
    const char *url;           /* http, https; of mail smtp, smtps */
    struct tw_strings headers; /* "Name: value"; of mail: the recipients */
    const char *hello;         /* of mail: our name */
    const char *user, *password;
    const char *ca_file; /* whose certificates to trust; "": the system's authorities */
    int64_t timeout_ms;  /* for all of it */
    const char *body;    /* of mail: the message, with CR LF line ends */
    size_t length;
};
void tw_net_put(struct tw_buf *out, const struct tw_net_request *request);
/* The body stays in the frame; all else is the caller's to free by tw_net_request_free. -1: not a
 * sane one. */
int tw_net_get(struct tw_frame *frame, struct tw_net_request *request);
void tw_net_request_free(struct tw_net_request *request);

/* ---- whoever needs it --------------------------------------------------------------------- */

struct tw_net;
/* Starts it, with our rights and an empty environment; it ends when we do, or on close. NULL with
 * an error. */
struct tw_net *tw_net_open(struct tw_error *e);
void tw_net_close(struct tw_net **net);

struct tw_net_answer {
    int64_t status; /* of HTTP or SMTP */
    char *body;     /* its beginning, the caller's to free */
};
/* Blocks; calls `alive` (NULL: nobody) about once a second. -1: failed: *code is a word ("down",
 * "timeout", "nonsense"; of mail also "refused": now and for ever, "rejected": the same, after the
 * server has seen the message, and "later": it says no for now), and the error says why, by the
 * server's words where it has said no.
 *
 * Mail: on smtp, TLS is used where the server offers it, and its certificate is not looked at; but
 * with a password, or a ca_file, there is no mail without a TLS that can be trusted. */
int tw_net_send(struct tw_net *net, const struct tw_net_request *request,
                void (*alive)(void *context), void *context, struct tw_net_answer *answer,
                const char **code, struct tw_error *e);

#endif
