/* The life of one aspect, as a literal table. Knows neither clock nor disk nor letter. */
#include "alert/incident.h"

/* What a cell may look at. */
struct step {
    bool scheduled;
    int64_t now_s;
    const struct tw_incident_rule *rule;
};

typedef enum tw_incident_news action(struct tw_incident *incident, const struct step *step);

/* One more; the number may come from a damaged database, so it stops at the top. */
static void count(int64_t *number)
{
    if (*number < INT64_MAX)
        (*number)++;
}

static enum tw_incident_news stay(struct tw_incident *incident, const struct step *step)
{
    (void)incident;
    (void)step;
    return TW_NEWS_NONE;
}

static enum tw_incident_news forget(struct tw_incident *incident, const struct step *step)
{
    (void)step;
    *incident = (struct tw_incident){.stage = TW_STAGE_QUIET};
    return TW_NEWS_NONE;
}

static enum tw_incident_news clear(struct tw_incident *incident, const struct step *step)
{
    forget(incident, step);
    return TW_NEWS_CLEARED;
}

static enum tw_incident_news finish(struct tw_incident *incident, const struct step *step)
{
    forget(incident, step);
    return TW_NEWS_CLOSED;
}

static enum tw_incident_news tell(struct tw_incident *incident, const struct step *step)
{
    (void)step;
    incident->stage = TW_STAGE_TOLD;
    return TW_NEWS_NONE;
}

static void begin(struct tw_incident *incident, const struct step *step)
{
    if (incident->stage == TW_STAGE_QUIET) {
        incident->stage = TW_STAGE_PENDING;
        incident->opened_s = step->now_s;
    }
}

static enum tw_incident_news now_open(struct tw_incident *incident)
{
    incident->stage = TW_STAGE_OPEN;
    incident->oks = 0;
    return TW_NEWS_OPENED;
}

/* A run that an event caused only marks when the trouble began: the next scheduled one decides. */
static enum tw_incident_news suspect(struct tw_incident *incident, const struct step *step)
{
    begin(incident, step);
    if (!step->scheduled)
        return TW_NEWS_NONE;
    count(&incident->fails);
    incident->unknowns = 0;
    return incident->fails >= step->rule->fail_after ? now_open(incident) : TW_NEWS_NONE;
}

static enum tw_incident_news doubt(struct tw_incident *incident, const struct step *step)
{
    if (!step->scheduled)
        return TW_NEWS_NONE;
    begin(incident, step);
    count(&incident->unknowns);
    return incident->unknowns >= TW_UNKNOWN_RUNS ? now_open(incident) : TW_NEWS_NONE;
}

static enum tw_incident_news fail_on(struct tw_incident *incident, const struct step *step)
{
    incident->oks = 0;
    if (step->scheduled) {
        count(&incident->fails);
        incident->unknowns = 0;
    }
    return TW_NEWS_NONE;
}

/* True at the run that makes the row of unknown ones long enough to count as failing. */
static bool blind(struct tw_incident *incident, const struct step *step)
{
    if (!step->scheduled)
        return false;
    count(&incident->unknowns);
    return incident->unknowns >= TW_UNKNOWN_RUNS;
}

static enum tw_incident_news doubt_on(struct tw_incident *incident, const struct step *step)
{
    if (blind(incident, step))
        incident->oks = 0;
    return TW_NEWS_NONE;
}

static bool well(struct tw_incident *incident, const struct step *step)
{
    count(&incident->oks);
    incident->unknowns = 0;
    return incident->oks >= step->rule->ok_after;
}

static enum tw_incident_news mend_open(struct tw_incident *incident, const struct step *step)
{
    return well(incident, step) ? clear(incident, step) : TW_NEWS_NONE;
}

static enum tw_incident_news mend_told(struct tw_incident *incident, const struct step *step)
{
    if (!well(incident, step))
        return TW_NEWS_NONE;
    incident->stage = TW_STAGE_CLOSING;
    incident->closed_s = step->now_s;
    return TW_NEWS_CLOSING;
}

static enum tw_incident_news mend_more(struct tw_incident *incident, const struct step *step)
{
    well(incident, step);
    return TW_NEWS_NONE;
}

static enum tw_incident_news reopen(struct tw_incident *incident, const struct step *step)
{
    (void)step;
    incident->stage = TW_STAGE_TOLD;
    incident->closed_s = 0;
    incident->oks = 0;
    incident->unknowns = 0;
    return TW_NEWS_REOPENED;
}

static enum tw_incident_news doubt_end(struct tw_incident *incident, const struct step *step)
{
    return blind(incident, step) ? reopen(incident, step) : TW_NEWS_NONE;
}

static action *const table[TW_STAGES][TW_INCIDENT_EVENTS] = {
    /* clang-format off */
    /*                     fail     good       unknown    letter  drop   */
    [TW_STAGE_QUIET]   = { suspect, stay,      doubt,     stay,   stay   },
    [TW_STAGE_PENDING] = { suspect, forget,    doubt,     stay,   forget },
    [TW_STAGE_OPEN]    = { fail_on, mend_open, doubt_on,  tell,   clear  },
    [TW_STAGE_TOLD]    = { fail_on, mend_told, doubt_on,  stay,   finish  },
    [TW_STAGE_CLOSING] = { reopen,  mend_more, doubt_end, finish,  finish  },
    /* clang-format on */
};

enum tw_incident_news tw_incident_step(struct tw_incident *incident, enum tw_incident_event event,
                                       bool scheduled, int64_t now_s,
                                       const struct tw_incident_rule *rule)
{
    const struct step step = {scheduled, now_s, rule};
    return table[incident->stage][event](incident, &step);
}

enum tw_incident_event tw_incident_event_of(enum tw_level level)
{
    switch (level) {
    case TW_LEVEL_OK:
    case TW_LEVEL_WARN:
        return TW_EVENT_GOOD;
    case TW_LEVEL_FAIL:
        return TW_EVENT_FAIL;
    case TW_LEVEL_NONE:
    case TW_LEVEL_UNKNOWN:
        break;
    }
    return TW_EVENT_UNKNOWN;
}

const char *tw_stage_name(enum tw_stage stage)
{
    static const char *const names[TW_STAGES] = {"quiet", "pending", "open", "told", "closing"};
    return names[stage];
}
