/* What a letter has told already. */
#include "watcher/retell.h"

#include <stdlib.h>
#include <string.h>

#include "alert/message.h"
#include "alert/told.h"

struct retelling {
    struct tw_aspects *aspects;
    struct tw_when when; /* when the letter was written */
    bool escalation;
};

static struct tw_told_already already(const struct retelling *r, enum tw_told_state state,
                                      int64_t id)
{
    return (struct tw_told_already){.id = id,
                                    .recovered = state == TW_TOLD_RECOVERED,
                                    .flapping = state == TW_TOLD_FLAPPING,
                                    .escalation = r->escalation};
}

/* The end of what was escalated the other letter tells, too. */
static bool is_passed_over(const struct retelling *r, enum tw_told_state state)
{
    return state == TW_TOLD_REMINDER || (r->escalation && state == TW_TOLD_RECOVERED);
}

/* Of those with a line of their own what a row lacks can be made good. */
static void retell_detail(void *context, const struct tw_told *told)
{
    const struct retelling *r = context;
    struct tw_told_already what = already(r, told->state, told->id);
    what.aspect = told->aspect;
    what.level = told->level;
    what.opened_s = told->opened_s;
    what.text = told->text;
    if (!is_passed_over(r, told->state))
        tw_aspects_told_already(r->aspects, &what, r->when);
}

/* Those that are over, or have just been told of by their own line, have no number any more. */
static void retell_span(void *context, enum tw_told_state state, int64_t first, int64_t last)
{
    const struct retelling *r = context;
    for (size_t i = 0; i < tw_aspects_count(r->aspects); i++) {
        struct tw_aspect *aspect = tw_aspects_at(r->aspects, i);
        if (aspect->id < first || aspect->id > last || !aspect->id)
            continue;
        struct tw_told_already what = already(r, state, aspect->id);
        what.aspect = aspect->name;
        if (!is_passed_over(r, state))
            tw_aspects_told_already(r->aspects, &what, r->when);
        else if (state == TW_TOLD_REMINDER && aspect->incident.stage == TW_STAGE_TOLD &&
                 aspect->incident.told_s < r->when.now_s)
            tw_aspects_reminded(r->aspects, aspect, r->when);
    }
}

bool tw_retell(struct tw_aspects *aspects, const char *id, const char *text, size_t length,
               struct tw_when now)
{
    struct tw_message_tally tally;
    struct retelling r = {aspects, now, false};
    tw_message_tally(text, length, &tally);
    r.escalation = strcmp(tally.type, "escalation") == 0;
    const int64_t written_s = strtoll(id, NULL, 10);
    r.when.now_s = written_s > 0 && written_s < now.now_s ? written_s : now.now_s;
    tw_told_each(text, length, retell_detail, &r);
    tw_told_ids(text, length, retell_span, &r);
    return r.escalation;
}
