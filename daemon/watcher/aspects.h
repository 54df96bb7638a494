/* What is known of every aspect: findings in; log lines, incidents and rows of the state out. Who
 * writes letters (mailer.h) looks at the incidents here. */
#ifndef TW_WATCHER_ASPECTS_H
#define TW_WATCHER_ASPECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "alert/incident.h"
#include "alert/silence.h"
#include "base/log.h"
#include "base/state.h"
#include "kinds/kind.h"

/* The daemon's own aspects ("toaster-watcher/config") belong to a job of this name. */
#define TW_SELF "toaster-watcher"

struct tw_aspect {
    char *name;       /* "service.smtp/log" */
    char *job;        /* "service.smtp" */
    const char *part; /* "log"; "" for the main one; points into name */
    enum tw_level level;
    char *code, *text;
    int64_t since_s; /* at this level since */
    struct tw_incident incident;
    int64_t id;            /* of the incident; 0: none */
    enum tw_level seen;    /* how it failed last: fail or unknown */
    char *seen_text;       /* and what was said then */
    int64_t reminds;       /* reminders of it so far */
    int64_t escalated_s;   /* when a letter escalated it; 0: none */
    int64_t acked_s;       /* when somebody acknowledged it; 0: nobody */
    char *acked_by, *note; /* who, and what for; NULL: nobody */
    int64_t wait_from_ms; /* monotonic: when it became open or closing; group_wait counts from it */
    int64_t waits_until_ms; /* no letter before, because of another job (depends.h); INT64_MAX: as
                               long as that one fails; 0: it does not wait */
    int64_t covered_ms; /* monotonic: when last a job that is told of explained it, or else when it
                           opened; 0: not looked at yet */
    int64_t heard_s;    /* when it was last silenced or explained by another; 0: never */
    bool was_silenced;  /* when the digest last looked */
    bool stepped;       /* its last finding was news */
    bool stale;         /* of an earlier start: not yet reported anew */
    bool changed;       /* of other settings: no real finding of it yet under the new ones */
};

/* Does it fail just now, or can it not be looked at. */
bool tw_aspect_fails(const struct tw_aspect *aspect);

struct tw_when {
    int64_t now_s, now_ms;
};

struct tw_aspects;

/* `log` must outlive it; `state` may be NULL. `news` is called after every change of an incident.
 */
struct tw_aspects *tw_aspects_new(struct tw_log *log, struct tw_state *state,
                                  void (*news)(void *context, struct tw_aspect *aspect,
                                               enum tw_incident_news what),
                                  void *context);
void tw_aspects_free(struct tw_aspects **aspects);

/* How long an open incident may wait for its letter before its end is told, too, should it come
 * first (letters are held back for up to an hour). */
void tw_aspects_patience(struct tw_aspects *aspects, int64_t patience_ms);

/* An incident is over. */
struct tw_over {
    const char *aspect;
    int64_t opened_s, closed_s;
    bool told; /* somebody was told of it */
};
void tw_aspects_on_over(struct tw_aspects *aspects,
                        void (*over)(void *context, const struct tw_over *over), void *context);

/* Who is silent. Borrowed. */
void tw_aspects_silences(struct tw_aspects *aspects, const struct tw_silences *silences);
bool tw_aspects_silenced(const struct tw_aspects *aspects, const struct tw_aspect *aspect,
                         int64_t now_s);

/* From the state, at the start. The strings are copied. */
void tw_aspects_restore(struct tw_aspects *aspects, const struct tw_state_aspect *row,
                        int64_t now_ms);

/* At the start, after its row: how its incident failed, as the history has it. */
void tw_aspects_seen(struct tw_aspect *aspect, enum tw_level level, const char *text);
/* At the start: the number of an incident that the state knows, over or not. No other will have it.
 */
void tw_aspects_used_id(struct tw_aspects *aspects, int64_t id);

/* At the start, after the rows: a letter of this time, which waits since before, tells of this
 * incident, or of its end. It is not told again, even where the rows are older than the letter. */
struct tw_told_already {
    const char *aspect;
    int64_t id;
    bool recovered, flapping;
    bool escalation; /* it only escalates */
    enum tw_level level;
    int64_t opened_s;
    const char *text;
};
void tw_aspects_told_already(struct tw_aspects *aspects, const struct tw_told_already *told,
                             struct tw_when when);

/* A finding of a job. Writes a line if the level or the reason changed. True: it fails, and the
 * run was not a scheduled one, so that a scheduled one should soon tell whether it lasts. */
bool tw_aspects_finding(struct tw_aspects *aspects, const char *job,
                        const struct tw_finding *finding, bool scheduled,
                        const struct tw_incident_rule *rule, struct tw_when when);

/* A finding about the daemon itself; counts as scheduled. The same again does nothing. */
void tw_aspects_self(struct tw_aspects *aspects, const char *part, enum tw_level level,
                     const char *code, const char *text, struct tw_when when);

/* All of a job's aspects: the job is gone (incidents close quietly); its settings are new (what the
 * next whole scheduled run does not report is dropped); such a run has ended. */
void tw_aspects_job_gone(struct tw_aspects *aspects, const char *job, struct tw_when when);
void tw_aspects_job_changed(struct tw_aspects *aspects, const char *job);
void tw_aspects_job_ran(struct tw_aspects *aspects, const char *job, struct tw_when when);

/* Something was done for this job: its open incidents wait for group_wait from now. */
void tw_aspects_wait_anew(struct tw_aspects *aspects, const char *job, int64_t now_ms);

/* What `then` orders was carried out for the job: its open incidents must fail anew to be told. */
void tw_aspects_acted(struct tw_aspects *aspects, const char *job, struct tw_when when);

/* The letter about this aspect has been written; it was a reminder; it was an escalation. */
void tw_aspects_told(struct tw_aspects *aspects, struct tw_aspect *aspect, struct tw_when when);
void tw_aspects_reminded(struct tw_aspects *aspects, struct tw_aspect *aspect, struct tw_when when);
void tw_aspects_escalated(struct tw_aspects *aspects, struct tw_aspect *aspect,
                          struct tw_when when);

/* Somebody has seen it: no reminders and no escalation any more. Copies. */
void tw_aspects_ack(struct tw_aspects *aspects, struct tw_aspect *aspect, const char *by,
                    const char *note, struct tw_when when);
/* The incident of this number; NULL: none that is on has it. */
struct tw_aspect *tw_aspects_by_id(struct tw_aspects *aspects, int64_t id);

/* Writes a line with the state as it is: all aspects of the job. */
void tw_aspects_say(struct tw_aspects *aspects, const char *job);

size_t tw_aspects_count(const struct tw_aspects *aspects);
struct tw_aspect *tw_aspects_at(struct tw_aspects *aspects, size_t index); /* sorted by name */
struct tw_aspect *tw_aspects_find(struct tw_aspects *aspects, const char *name);
/* The first aspect of a job, and how many there are: they stand side by side. */
size_t tw_aspects_of(const struct tw_aspects *aspects, const char *job, size_t *count);

/* Puts every aspect into the state anew, after that was lost. */
void tw_aspects_save(const struct tw_aspects *aspects);

struct tw_aspect_counts {
    size_t ok, warn, fail, unknown, incidents;
};
struct tw_aspect_counts tw_aspects_sum(const struct tw_aspects *aspects);

#endif
