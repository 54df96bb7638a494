/* The life of one aspect: a pure table of stage x event. Time comes in, nothing goes out but the
 * struct; who writes lines and letters reads the result.
 *
 *   quiet    nothing is wrong
 *   pending  failing (or three times unknown is not yet reached), not yet fail_after runs long
 *   open     failed for fail_after scheduled runs; nobody was told; the letter waits group_wait
 *   told     a letter says so
 *   closing  was told and has been good for ok_after runs; its letter waits group_wait
 *
 * Events that come from runs:
 *   fail   a failing finding. Only a scheduled run counts towards fail_after; from any run it
 *          starts the count of good ones afresh and ends `closing` (the incident goes on as
 *          told).
 *   good   ok or warn: counts towards ok_after. In `pending` one is enough.
 *   unknown  neither failing nor good. TW_UNKNOWN_RUNS scheduled ones in a row count as failing:
 *          they open an incident of their own ("cannot check").
 * and others: letter (the incident, or its end, is in a letter now), drop (the job is gone). */
#ifndef TW_ALERT_INCIDENT_H
#define TW_ALERT_INCIDENT_H

#include <stdbool.h>
#include <stdint.h>

#include "kinds/kind.h"

#define TW_UNKNOWN_RUNS 3

enum tw_stage {
    TW_STAGE_QUIET,
    TW_STAGE_PENDING,
    TW_STAGE_OPEN,
    TW_STAGE_TOLD,
    TW_STAGE_CLOSING,
    TW_STAGES
};

enum tw_incident_event {
    TW_EVENT_FAIL,
    TW_EVENT_GOOD,
    TW_EVENT_UNKNOWN,
    TW_EVENT_LETTER,
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
    TW_NEWS_CLOSED    /* the end was told, or the job is gone */
};

struct tw_incident {
    enum tw_stage stage;
    int64_t opened_s; /* when the first of the failing runs was; 0 in quiet */
    int64_t closed_s; /* when it was good again; only in closing */
    int64_t fails, oks, unknowns;
};

struct tw_incident_rule {
    int64_t fail_after, ok_after; /* at least 1 */
};

/* One event. `scheduled` is of the run that it comes from (false for letter and drop). */
enum tw_incident_news tw_incident_step(struct tw_incident *incident, enum tw_incident_event event,
                                       bool scheduled, int64_t now_s,
                                       const struct tw_incident_rule *rule);

/* The event that a finding's level is; TW_LEVEL_NONE is not allowed. */
enum tw_incident_event tw_incident_event_of(enum tw_level level);

const char *tw_stage_name(enum tw_stage stage);

#endif
