/* The life of one aspect, as a literal table. Knows neither clock nor disk nor letter. */
#include "alert/incident.h"

#include <string.h>

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
    const struct tw_incident before = *incident;
    (void)step;
    *incident = (struct tw_incident){.stage = TW_STAGE_QUIET};
    memcpy(incident->opened_at_s, before.opened_at_s, sizeof before.opened_at_s);
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

/* Does anybody believe that it fails? */
static bool is_known(const struct tw_incident *incident)
{
    return incident->letters > 0 || incident->escalated;
}

static enum tw_incident_news drop_flapping(struct tw_incident *incident, const struct step *step)
{
    return is_known(incident) ? finish(incident, step) : clear(incident, step);
}

static enum tw_incident_news note_letter(struct tw_incident *incident, const struct step *step)
{
    count(&incident->letters);
    incident->told_s = step->now_s;
    return TW_NEWS_NONE;
}

static enum tw_incident_news tell(struct tw_incident *incident, const struct step *step)
{
    incident->stage = TW_STAGE_TOLD;
    return note_letter(incident, step);
}

static enum tw_incident_news tell_flapping(struct tw_incident *incident, const struct step *step)
{
    incident->flap_told = true;
    return note_letter(incident, step);
}

static enum tw_incident_news note_order(struct tw_incident *incident, const struct step *step)
{
    (void)step;
    incident->acted = true;
    incident->fails = 0;
    return TW_NEWS_NONE;
}

/* The order has a chance: it must fail fail_after times again to be told. */
static enum tw_incident_news take_back(struct tw_incident *incident, const struct step *step)
{
    incident->stage = TW_STAGE_PENDING;
    incident->oks = incident->unknowns = 0;
    return note_order(incident, step);
}

static void begin(struct tw_incident *incident, const struct step *step)
{
    if (incident->stage == TW_STAGE_QUIET) {
        incident->stage = TW_STAGE_PENDING;
        incident->opened_s = step->now_s;
    }
}

/* Counts one more opening. True if there were too many within the hour; what the clock has still
 * ahead of it does not count. */
static bool opens_too_often(struct tw_incident *incident, int64_t now_s)
{
    size_t recent = 1;
    for (size_t i = 0; i < TW_FLAP_OPENS; i++)
        recent += incident->opened_at_s[i] > now_s - TW_FLAP_S &&
                  incident->opened_at_s[i] <= now_s && incident->opened_at_s[i] > 0;
    memmove(incident->opened_at_s + 1, incident->opened_at_s,
            sizeof incident->opened_at_s - sizeof incident->opened_at_s[0]);
    incident->opened_at_s[0] = now_s;
    return recent > TW_FLAP_OPENS;
}

static enum tw_incident_news flap(struct tw_incident *incident, const struct step *step)
{
    incident->stage = TW_STAGE_FLAPPING;
    incident->bad = true;
    incident->flap_told = false;
    incident->acted = false;
    incident->changed_s = step->now_s;
    incident->opens = TW_FLAP_OPENS + 1;
    incident->fails = incident->unknowns = 0;
    return TW_NEWS_FLAPPING;
}

static enum tw_incident_news now_open(struct tw_incident *incident, const struct step *step)
{
    const bool again = incident->was_open;
    incident->stage = TW_STAGE_OPEN;
    incident->oks = 0;
    incident->was_open = true;
    if (!again && opens_too_often(incident, step->now_s))
        return flap(incident, step);
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
    return incident->fails >= step->rule->fail_after ? now_open(incident, step) : TW_NEWS_NONE;
}

static enum tw_incident_news doubt(struct tw_incident *incident, const struct step *step)
{
    if (!step->scheduled)
        return TW_NEWS_NONE;
    begin(incident, step);
    count(&incident->unknowns);
    return incident->unknowns >= TW_UNKNOWN_RUNS ? now_open(incident, step) : TW_NEWS_NONE;
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

static enum tw_incident_news end_it(struct tw_incident *incident, const struct step *step)
{
    incident->stage = TW_STAGE_CLOSING;
    incident->closed_s = step->now_s;
    return TW_NEWS_CLOSING;
}

/* Well again: who was told of it (of its flapping, say) is told of this, too. */
static enum tw_incident_news leave(struct tw_incident *incident, const struct step *step)
{
    return is_known(incident) ? end_it(incident, step) : clear(incident, step);
}

/* In pending: what an order has mended was an incident, what has not yet failed often enough none.
 */
static enum tw_incident_news mended(struct tw_incident *incident, const struct step *step)
{
    return incident->was_open ? leave(incident, step) : forget(incident, step);
}

static enum tw_incident_news drop_pending(struct tw_incident *incident, const struct step *step)
{
    return incident->was_open ? clear(incident, step) : forget(incident, step);
}

static enum tw_incident_news mend_open(struct tw_incident *incident, const struct step *step)
{
    return well(incident, step) ? leave(incident, step) : TW_NEWS_NONE;
}

static enum tw_incident_news mend_told(struct tw_incident *incident, const struct step *step)
{
    return well(incident, step) ? end_it(incident, step) : TW_NEWS_NONE;
}

static enum tw_incident_news mend_more(struct tw_incident *incident, const struct step *step)
{
    well(incident, step);
    return TW_NEWS_NONE;
}

static enum tw_incident_news reopen(struct tw_incident *incident, const struct step *step)
{
    /* What ended before its letter could be written is yet to be told. */
    incident->stage = incident->letters ? TW_STAGE_TOLD : TW_STAGE_OPEN;
    incident->closed_s = 0;
    incident->oks = 0;
    incident->unknowns = 0;
    incident->opens = 0;
    incident->acted = false;
    return opens_too_often(incident, step->now_s) ? flap(incident, step) : TW_NEWS_REOPENED;
}

static enum tw_incident_news doubt_end(struct tw_incident *incident, const struct step *step)
{
    return blind(incident, step) ? reopen(incident, step) : TW_NEWS_NONE;
}

/* ---- flapping ----------------------------------------------------------------------------- */

/* It has been so long since it changed. Sooner, if the clock was set back. */
static bool has_settled(struct tw_incident *incident, const struct step *step)
{
    if (incident->changed_s > step->now_s)
        incident->changed_s = step->now_s;
    return step->now_s - incident->changed_s >= TW_FLAP_S;
}

static void change(struct tw_incident *incident, const struct step *step, bool bad)
{
    incident->bad = bad;
    incident->changed_s = step->now_s;
    incident->fails = incident->oks = incident->unknowns = 0;
    if (bad) {
        count(&incident->opens);
        opens_too_often(incident, step->now_s);
    }
}

/* It fails, and that for fail_after runs, or cannot be looked at for TW_UNKNOWN_RUNS. */
static enum tw_incident_news flap_down(struct tw_incident *incident, const struct step *step,
                                       bool enough)
{
    if (!incident->bad && enough)
        change(incident, step, true);
    if (!incident->bad || !has_settled(incident, step))
        return TW_NEWS_NONE;
    /* A letter told of it before, and none of its flapping: there is nothing new to be told. */
    incident->stage = incident->letters && !incident->flap_told ? TW_STAGE_TOLD : TW_STAGE_OPEN;
    incident->acted = false;
    incident->opens = 0;
    return TW_NEWS_STEADY;
}

static enum tw_incident_news flap_fail(struct tw_incident *incident, const struct step *step)
{
    incident->oks = 0;
    if (!step->scheduled)
        return TW_NEWS_NONE;
    count(&incident->fails);
    incident->unknowns = 0;
    return flap_down(incident, step, incident->fails >= step->rule->fail_after);
}

static enum tw_incident_news flap_doubt(struct tw_incident *incident, const struct step *step)
{
    if (!blind(incident, step))
        return TW_NEWS_NONE;
    incident->oks = 0;
    return flap_down(incident, step, true);
}

static enum tw_incident_news flap_good(struct tw_incident *incident, const struct step *step)
{
    const bool is_well = well(incident, step);
    incident->fails = 0;
    if (incident->bad && is_well)
        change(incident, step, false);
    if (incident->bad || !has_settled(incident, step))
        return TW_NEWS_NONE;
    return leave(incident, step);
}

static action *const table[TW_STAGES][TW_INCIDENT_EVENTS] = {
    /* clang-format off */
    /*                      fail       good       unknown     letter         acted       drop   */
    [TW_STAGE_QUIET]    = { suspect,   stay,      doubt,      stay,          stay,       stay   },
    [TW_STAGE_PENDING]  = { suspect,   mended,    doubt,      stay,          note_order, drop_pending },
    [TW_STAGE_OPEN]     = { fail_on,   mend_open, doubt_on,   tell,          take_back,  clear  },
    [TW_STAGE_TOLD]     = { fail_on,   mend_told, doubt_on,   note_letter,   note_order, finish },
    [TW_STAGE_CLOSING]  = { reopen,    mend_more, doubt_end,  finish,        note_order, finish },
    [TW_STAGE_FLAPPING] = { flap_fail, flap_good, flap_doubt, tell_flapping, note_order, drop_flapping },
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

bool tw_incident_is_on(const struct tw_incident *incident)
{
    return incident->was_open || incident->stage >= TW_STAGE_OPEN;
}

const char *tw_stage_name(enum tw_stage stage)
{
    static const char *const names[TW_STAGES] = {"quiet", "pending", "open",
                                                 "told",  "closing", "flapping"};
    return names[stage];
}
