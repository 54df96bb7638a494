/* What the daemon and toaster-worker say to each other, as frames (base/frame.h). The daemon sends
 * one request at a time; the worker answers with any number of report frames and exactly one
 * END. The worker is root's child but reads what users write: everything that comes from it is
 * checked as if it were hostile. */
#ifndef TW_KINDS_WIRE_H
#define TW_KINDS_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/frame.h"
#include "base/strings.h"
#include "kinds/kind.h"

enum tw_wire {
    TW_WIRE_RUN = 1,  /* request: one run of a job */
    TW_WIRE_EVIDENCE, /* request: evidence for one aspect of a job */
    TW_WIRE_DELIVER,  /* request: a letter to one transport */
    TW_WIRE_ACT,      /* request: what `then` orders */
    TW_WIRE_TELL,     /* request: what toasterctl wants to know of a kind */
    TW_WIRE_FINDING,  /* report */
    TW_WIRE_NOTE,
    TW_WIRE_WATCH_PID,
    TW_WIRE_WATCH_DIR,
    TW_WIRE_LOOK_AGAIN,
    TW_WIRE_INSTANCE,
    TW_WIRE_REMEMBER,
    TW_WIRE_DONE,
    TW_WIRE_FIGURE,
    TW_WIRE_ORDER,
    TW_WIRE_PROGRESS, /* no report: the deadline counts from now */
    TW_WIRE_ROW,      /* what is told: some strings */
    TW_WIRE_TEXT,     /* the evidence; why a letter was not taken; what an order came to */
    TW_WIRE_END       /* a number: 0 done, else failed (an order), or a letter's enum tw_delivery */
};

enum {
    TW_WIRE_REQUEST_MAX = 1024 * 1024, /* bytes of one request frame */
    TW_WIRE_REPORT_MAX = 128 * 1024,   /* of one report frame */
    TW_WIRE_REPORTS_MAX = 4096,        /* report frames of one run */
    TW_WIRE_TEXT_MAX = 64 * 1024,
    TW_WIRE_LINE_MAX = 8192
};

/* A run's request, as the worker holds it. `aspect` is of TW_WIRE_EVIDENCE, and of TW_WIRE_TELL
 * what is to be told, with its arguments. */
struct tw_wire_run {
    const struct tw_kind *kind;
    char *name, *title, *memory, *aspect;
    struct tw_strings arguments;
    char *qmail_dir, *service_dir, *log_dir, *proc_root, *state_dir, *hostname;
    struct tw_sources sources;
    struct tw_peer *peers;
    size_t peer_count;
    struct tw_places places; /* of the above */
    bool look_only, confirm;
    int64_t now_s, until_s, every_s;
    int64_t moment; /* runs of one moment may share a pass over /proc */
    void *settings;
};

/* Appends the request frame. `aspect` NULL: TW_WIRE_RUN. run->sink and procs are not used. */
void tw_wire_put_run(struct tw_buf *out, const struct tw_run *run, const struct tw_kind *kind,
                     int64_t moment, const char *aspect);
/* The same, asking the kind to tell something. */
void tw_wire_put_tell(struct tw_buf *out, const struct tw_run *run, const struct tw_kind *kind,
                      const char *what, const struct tw_strings *arguments);
/* -1: not a whole, sane request. */
int tw_wire_get_run(struct tw_frame *frame, struct tw_wire_run *out, struct tw_error *e);
void tw_wire_run_free(struct tw_wire_run *run);

/* A row as a frame; and read: the strings are added to `fields`. -1: not a sane one. */
void tw_wire_put_row(struct tw_buf *out, const char *const *fields, size_t count);
int tw_wire_get_row(struct tw_frame *frame, struct tw_strings *fields);

/* A sink whose reports are appended as frames to a buffer; for the worker, which sends PROGRESS
 * at once. */
struct tw_sink tw_wire_sink(struct tw_buf *out);

/* Gives one report frame to a sink. 1: it was END, *result has its number. 0: reported (TEXT is
 * given to `text`, cut off at TW_WIRE_TEXT_MAX). 2: it was PROGRESS. -1: bad frame. */
int tw_wire_report(struct tw_frame *frame, const struct tw_sink *sink, struct tw_buf *text,
                   int64_t *result);

#endif
