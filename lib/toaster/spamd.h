/* What is said to spamd and what it answers. Pure.
 * Sources: spamd/PROTOCOL of SpamAssassin, and spamd itself (sub dotell). */
#ifndef TW_TOASTER_SPAMD_H
#define TW_TOASTER_SPAMD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/error.h"

/* "127.0.0.1:783", "[::1]:783", "localhost:783" or "/path": where spamd is. An error says what to
 * write. */
struct tw_spamd_place {
    struct sockaddr_storage address;
    socklen_t length;
};
int tw_spamd_place_parse(const char *text, struct tw_spamd_place *place, struct tw_error *e);

enum tw_spamd_order {
    TW_SPAMD_SPAM, /* learn it as spam; what it was before is forgotten */
    TW_SPAMD_HAM,
    TW_SPAMD_FORGET
};
/* Appends a TELL request. `user` NULL: none is named. It must not hold control characters. */
void tw_spamd_put_tell(struct tw_buf *out, enum tw_spamd_order order, const char *user,
                       const char *message, size_t length);

enum { TW_SPAMD_ANSWER_MAX = 8192 };

struct tw_spamd_answer {
    int code;                 /* 0, or one of sysexits.h */
    bool did_set, did_remove; /* local is among what it did */
    char words[200];          /* behind the code, for people; may hold bytes from outside */
};
/* A whole answer, up to the end of the connection. -1: it is none. */
int tw_spamd_answer_parse(const char *text, size_t length, struct tw_spamd_answer *answer);

#endif
