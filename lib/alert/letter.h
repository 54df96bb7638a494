/* The letter, pure: what is known in, the text of a message out (RFC 5322, plain text, UTF-8,
 * 8bit, LF line ends, no line over 998 bytes). Everything from outside is escaped here, whatever
 * the caller did: headers by TW_ESCAPE_ASCII, the body by TW_ESCAPE_TEXT. */
#ifndef TW_ALERT_LETTER_H
#define TW_ALERT_LETTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/strings.h"
#include "kinds/kind.h"

#define TW_LETTER_MAX (200 * 1024) /* bytes; what does not fit is counted in the letter */

struct tw_letter_entry {
    const char *aspect;
    int64_t id;     /* of the incident; 0: it has none */
    bool recovered; /* else: failing */
    bool flapping;  /* it opens and ends, or did, again and again: `opens` times so far */
    bool reminder;  /* a letter told of it before */
    int64_t opens;
    enum tw_level level; /* fail or unknown, of a failing one */
    const char *text;    /* what was seen last */
    int64_t opened_s, closed_s;
    const char *evidence; /* several lines; NULL or "": none */
    const char *advice;   /* one line; NULL or "": none */
    const char *order;    /* what `then` ran and what came of it: one line; NULL: nothing */
    int64_t order_s;      /* when that was */
    const char *acked;    /* who has acknowledged it, when and why: one line; NULL: nobody */
    const struct tw_strings *waiting; /* what fails too and depends on it: "ASPECT: TEXT" each;
                                         NULL: nothing */
};

struct tw_letter {
    const char *host;
    const char *from; /* "postmaster@example.com" */
    const struct tw_strings *to;
    const char *id; /* unique, [A-Za-z0-9.]; Message-ID is <ID@HOST> */
    int64_t now_s;
    const struct tw_letter_entry *entries; /* at least one; the gravest first */
    size_t entry_count;
    size_t came_and_went; /* opened and closed while letters were held back */
    int64_t unacked_s;    /* an escalation: nobody has acknowledged it for so long; 0: it is none */
    bool escalated_ends;  /* by the way of escalations: what they told of is over */
    bool summary;         /* the hourly one, beyond max_per_hour */
    bool last_of_hour;    /* max_per_hour is reached with this one: says that summaries follow */
    bool about_qmail;     /* mail's own way out is concerned: header X-Toaster-Watcher: ... qmail */
};

/* Appends the whole message. */
void tw_letter_write(const struct tw_letter *letter, struct tw_buf *out);

/* The letter that shows that a transport works; without entries. */
void tw_letter_write_test(const struct tw_letter *letter, struct tw_buf *out);

/* Several letters that waited in the outbox become one: its subject counts them, its body holds
 * each one's subject, date and body in order of time. `letters` are as written here; one that is
 * itself a merged one is taken apart again. Their ids go into the header X-Toaster-Watcher-Merged.
 * Appends the message. At most TW_LETTER_MAX; the oldest bodies are cut first, then the oldest
 * letters, and it says so. */
struct tw_waiting_letter {
    const char *id, *text;
    size_t length;
};
void tw_letter_merge(const struct tw_letter *head, const struct tw_waiting_letter *letters,
                     size_t count, struct tw_buf *out);

/* Is this aspect one whose failure may stop mail sent through qmail: svscan, the service send,
 * qmail-send and its helpers. Pure. */
bool tw_letter_about_qmail(const char *aspect);

/* Does a letter written here say that it is about qmail. Pure. */
bool tw_letter_says_qmail(const char *text, size_t length);

/* The value of a header of a letter written here ("" if it is not there): appended. */
void tw_letter_header(const char *text, size_t length, const char *name, struct tw_buf *out);

#endif
