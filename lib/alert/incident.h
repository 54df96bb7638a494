/* The life of one aspect: a pure table of stage x event. Time comes in, nothing goes out but the
 * struct; who writes lines and letters reads the result.
 *
 *   quiet    nothing is wrong
 *   pending  failing (or three times unknown is not yet reached), not yet fail_after runs long; or
 *            an order of `then` was carried out, and counting began afresh
 *   open     failed for fail_after scheduled runs; nobody was told; the letter waits group_wait
 *   told     a letter says so
 *   closing  was told and has been good for ok_after runs; its letter waits group_wait
 *   flapping opened more often than TW_FLAP_OPENS times within TW_FLAP_S: its openings and ends are
 *            only counted, until there was none for TW_FLAP_S; then it is open or closing
 *
 * Events that come from runs:
 *   fail   a failing finding. Only a scheduled run counts towards fail_after; from any run it
 *          starts the count of good ones afresh and ends `closing` (the incident goes on as
 *          told).
 *   good   ok or warn: counts towards ok_after. In `pending` one is enough.
 *   unknown  neither failing nor good. TW_UNKNOWN_RUNS scheduled ones in a row count as failing:
 *          they open an incident of their own ("cannot check").
 * and others: letter (the incident, or its end, is in a letter now), acted (what `then` orders was
 * carried out for it), drop (the job is gone). */
#ifndef TW_ALERT_INCIDENT_H
#define TW_ALERT_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "kinds/kind.h"

#define TW_UNKNOWN_RUNS 3
#define TW_FLAP_OPENS 4
#define TW_FLAP_S 3600

enum tw_stage {
    TW_STAGE_QUIET,
    TW_STAGE_PENDING,
    TW_STAGE_OPEN,
    TW_STAGE_TOLD,
    TW_STAGE_CLOSING,
    TW_STAGE_FLAPPING,
    TW_STAGES
};

enum tw_incident_event {
    TW_EVENT_FAIL,
    TW_EVENT_GOOD,
    TW_EVENT_UNKNOWN,
    TW_EVENT_LETTER,
    TW_EVENT_ACTED,
    TW_EVENT_DROP,
    TW_INCIDENT_EVENTS
};

/* What a person should learn of the change; at most one. */
enum tw_incident_news {
    TW_NEWS_NONE,
    TW_NEWS_OPENED,   /* became open */
    TW_NEWS_CLEARED,  /* was open, is quiet again, was never told */
    TW_NEWS_CLOSING,  /* was told, is well again: a letter is due after group_wait */
    TW_NEWS_REOPENED, /* was closing, fails again: no letter */
    TW_NEWS_FLAPPING, /* has opened too often: one letter, then one an hour */
    TW_NEWS_STEADY,   /* was flapping, and has failed ever since: open, if its flapping was told */
    TW_NEWS_LEVEL,    /* begins or ceases to fail, and its stage stays (not of tw_incident_step) */
    TW_NEWS_CLOSED    /* the end was told, or the job is gone */
};

struct tw_incident {
    enum tw_stage stage;
    int64_t opened_s; /* when the first of the failing runs was; 0 in quiet */
    int64_t closed_s; /* when it was good again; only in closing */
    int64_t fails, oks, unknowns;
    bool acted;      /* an order was carried out for it, since it was opened or reopened */
    bool was_open;   /* has been open; in pending: only an order has taken it back */
    int64_t letters; /* that told of it: 0, nobody knows */
    bool escalated;  /* others were told of it: its end is worth a letter, whatever `letters` is */
    int64_t told_s;  /* when the last of them did, reminders among them */
    bool bad;        /* flapping: as it is just now */
    bool flap_told;  /* flapping: that is in a letter */
    int64_t changed_s;                  /* flapping: when it last opened or ended */
    int64_t opens;                      /* flapping, and after it: how often it opened */
    int64_t opened_at_s[TW_FLAP_OPENS]; /* its last openings, the newest first; 0: none. Stays when
                                           all else is forgotten */
};

struct tw_incident_rule {
    int64_t fail_after, ok_after; /* at least 1 */
};

/* One event. `scheduled` is of the run that it comes from (false for those that come from none). */
enum tw_incident_news tw_incident_step(struct tw_incident *incident, enum tw_incident_event event,
                                       bool scheduled, int64_t now_s,
                                       const struct tw_incident_rule *rule);

/* The event that a finding's level is; TW_LEVEL_NONE is not allowed. */
enum tw_incident_event tw_incident_event_of(enum tw_level level);

/* Is there an incident: one that is, or has been, open. */
bool tw_incident_is_on(const struct tw_incident *incident);

const char *tw_stage_name(enum tw_stage stage);

#endif
