/* The control socket: what toasterctl asks of a running daemon, as frames (base/frame.h). A client
 * sends one request and gets rows and one END. Root and the daemon's own uid may ask for all;
 * others (control_group) only for what is: the status, incidents, silences. */
#ifndef TW_WATCHER_CONTROL_H
#define TW_WATCHER_CONTROL_H

#include "base/error.h"
#include "base/frame.h"
#include "config/config.h"
#include "watcher/aspects.h"
#include "watcher/hand.h"
#include "watcher/jobs.h"

enum tw_control_frame {
    TW_CONTROL_STATUS = 1, /* request: nothing more */
    TW_CONTROL_CHECK,      /* request: a count and that many names of jobs; none: all checks */
    TW_CONTROL_FORGET,     /* request: a name */
    TW_CONTROL_RUN,        /* request: a job's name; 1: it may do what it has asked about, or 0 */
    TW_CONTROL_SILENCE,    /* request: a pattern, seconds, who, a note */
    TW_CONTROL_UNSILENCE,  /* request: a number or a pattern, who */
    TW_CONTROL_ACK,        /* request: a number or an aspect, who, a note */
    TW_CONTROL_INCIDENTS,  /* request: nothing more; rows: incidents that are on, and silences */
    TW_CONTROL_JOB,      /* row: name, last start, last end, next run (Unix s), took ms, running */
    TW_CONTROL_ASPECT,   /* row: name, job, level, stage, since s, opened s, code, text */
    TW_CONTROL_INCIDENT, /* row: the members of struct tw_control_incident */
    TW_CONTROL_SILENT,   /* row: number, from s, until s, pattern, who, a note */
    TW_CONTROL_END /* exit code, a sentence; if all is well, the configuration's file, or "" */
};

enum { TW_CONTROL_FRAME_MAX = 64 * 1024, TW_CONTROL_NAME_MAX = 256 };

/* One incident, open or of the history. */
struct tw_control_incident {
    int64_t id, level, stage, opened_s, closed_s, letters, opens, escalated_s, acked_s,
        silenced_until_s;
    char *aspect, *text, *acked_by, *note;
};

struct tw_control;

/* Gives the socket to this group to read and write, or with "" to nobody. Blocks on the look-up of
 * the group. */
int tw_control_give(const char *path, const char *group, struct tw_error *e);

struct tw_control_parts {
    struct tw_loop *loop;
    struct tw_jobs *jobs;
    struct tw_aspects *aspects;
    const char *file; /* of the configuration: told with what it finds */
    /* Drops the job and all that is known of it. */
    int (*forget)(void *context, struct tw_job *job, struct tw_error *e);
    struct tw_hand hand;
    void (*changed)(void *context); /* by the hand */
    void *context;
};

/* Binds the socket: what stands in its place is replaced if it is a socket that nobody answers.
 * NULL with an error. */
struct tw_control *tw_control_new(const struct tw_config *config,
                                  const struct tw_control_parts *parts, struct tw_error *e);
void tw_control_free(struct tw_control **control); /* removes the socket */

#endif
