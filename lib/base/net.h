/* toaster-net: the program that speaks HTTP for the others, since libcurl costs too much at each
 * start of a program that mostly does without. One request at a time over a socket, as frames
 * (base/frame.h). */
#ifndef TW_BASE_NET_H
#define TW_BASE_NET_H

#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/frame.h"
#include "base/strings.h"

enum {
    TW_NET_POST = 1, /* url, count of headers, headers, timeout, body */
    TW_NET_ANSWER,   /* status, body */
    TW_NET_FAILURE   /* a word, a text */
};
enum {
    TW_NET_BODY_MAX = 72 * 1024 * 1024, /* of a request */
    TW_NET_ANSWER_MAX = 64 * 1024,
    TW_NET_FRAME_MAX = TW_NET_BODY_MAX + 64 * 1024
};

/* A POST. */
struct tw_net_post {
    const char *url;
    struct tw_strings headers; /* "Name: value" */
    int64_t timeout_ms;        /* for all of it */
    const char *body;
    size_t length;
};
void tw_net_put_post(struct tw_buf *out, const struct tw_net_post *post);
/* The body stays in the frame; url and headers are the caller's to free. -1: not a sane one. */
int tw_net_get_post(struct tw_frame *frame, struct tw_net_post *post);

/* ---- whoever needs it --------------------------------------------------------------------- */

struct tw_net;
/* Starts it, with our rights and an empty environment; it ends when we do, or on close. NULL with
 * an error. */
struct tw_net *tw_net_open(struct tw_error *e);
void tw_net_close(struct tw_net **net);

struct tw_net_answer {
    int64_t status; /* of HTTP */
    char *body;     /* its beginning, the caller's to free */
};
/* Blocks; calls `alive` about once a second. -1: failed: *code is a word ("down", "timeout",
 * "nonsense"), and the error says why. */
int tw_net_send(struct tw_net *net, const struct tw_net_post *post, void (*alive)(void *context),
                void *context, struct tw_net_answer *answer, const char **code, struct tw_error *e);

#endif
