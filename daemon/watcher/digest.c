/* Who is to be written about, to whom, and when. */
#include "watcher/digest.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "watcher/depends.h"

enum {
    HOUR_S = 3600,
    DAY_S = 86400,
    MENDING_MS = 5000, /* how often it is looked whether an order is over */
    SOON_S = 300,      /* what is to be escalated so soon is escalated along */
    DOUBLINGS_MAX = 20
};

/* ---- one aspect --------------------------------------------------------------------------- */

static bool is_silenced(const struct tw_digest *d, const struct tw_aspect *aspect, int64_t now_s)
{
    return tw_aspects_silenced(d->aspects, aspect, now_s);
}

static int64_t wait_ms(const struct tw_digest *d)
{
    return d->alert->group_wait_s * 1000;
}

/* What was kept from its letter is heard of from now on: it waits, and may be mended, as if it had
 * opened now. */
static void heed_silence(const struct tw_digest *d, struct tw_aspect *aspect, struct tw_when when)
{
    const bool silenced = is_silenced(d, aspect, when.now_s);
    if (silenced || tw_depends_waits(aspect, when.now_ms))
        aspect->heard_s = when.now_s;
    if (aspect->was_silenced && !silenced)
        aspect->wait_from_ms = when.now_ms;
    aspect->was_silenced = silenced;
}

/* Times that the clock has still ahead of it are of before it was set back: as if of now. */
static void heed_clock(struct tw_aspect *aspect, int64_t now_s)
{
    struct tw_incident *incident = &aspect->incident;
    if (incident->told_s > now_s)
        incident->told_s = now_s;
    if (incident->opened_s > now_s)
        incident->opened_s = now_s;
    if (aspect->heard_s > now_s)
        aspect->heard_s = now_s;
}

/* Is there news of it that waits for no more than group_wait? */
static bool is_news(const struct tw_digest *d, const struct tw_aspect *aspect, struct tw_when when)
{
    bool news = false;
    switch (aspect->incident.stage) {
    case TW_STAGE_OPEN:
        news = tw_aspect_fails(aspect) && !tw_depends_waits(aspect, when.now_ms) &&
               !d->mending(d->context, aspect, when.now_ms);
        break;
    case TW_STAGE_FLAPPING:
        news = !aspect->incident.flap_told && !tw_depends_waits(aspect, when.now_ms);
        break;
    case TW_STAGE_CLOSING:
        news = true;
        break;
    default:
        break;
    }
    return news && !is_silenced(d, aspect, when.now_s);
}

/* What one an hour, or a reminder, is due for at some time; INT64_MAX: it is not. */
static int64_t again_s(const struct tw_digest *d, const struct tw_aspect *aspect)
{
    const struct tw_incident *incident = &aspect->incident;
    if (aspect->acked_s)
        return INT64_MAX;
    if (incident->stage == TW_STAGE_FLAPPING && incident->flap_told)
        return incident->told_s + HOUR_S;
    if (incident->stage != TW_STAGE_TOLD || !tw_aspect_fails(aspect) ||
        d->alert->remind_s == TW_NEVER)
        return INT64_MAX;
    const int64_t most_s = d->alert->remind_s > DAY_S ? d->alert->remind_s : DAY_S;
    const int64_t doublings = aspect->reminds < DOUBLINGS_MAX ? aspect->reminds : DOUBLINGS_MAX;
    int64_t wait_s = d->alert->remind_s;
    for (int64_t i = 0; i < doublings && wait_s < most_s; i++)
        wait_s *= 2;
    return incident->told_s + (wait_s < most_s ? wait_s : most_s);
}

static int64_t escalates_s(const struct tw_digest *d, const struct tw_aspect *aspect,
                           struct tw_when when)
{
    const enum tw_stage stage = aspect->incident.stage;
    if (d->alert->escalate_s == TW_NEVER || d->alert->escalate.count == 0 || aspect->escalated_s ||
        aspect->acked_s || !tw_aspect_fails(aspect) ||
        (stage != TW_STAGE_OPEN && stage != TW_STAGE_TOLD && stage != TW_STAGE_FLAPPING) ||
        tw_depends_waits(aspect, when.now_ms))
        return INT64_MAX;
    const int64_t opened_s = aspect->incident.opened_s;
    return (aspect->heard_s > opened_s ? aspect->heard_s : opened_s) + d->alert->escalate_s;
}

bool tw_digest_is_due(const struct tw_digest *digest, const struct tw_aspect *aspect,
                      struct tw_when when)
{
    return aspect->wait_from_ms + wait_ms(digest) <= when.now_ms && is_news(digest, aspect, when);
}

/* ---- when --------------------------------------------------------------------------------- */

static void earlier(int64_t *time, int64_t other)
{
    if (other < *time)
        *time = other;
}

/* A wall clock time as monotonic ms, but no sooner than the route is free. */
static int64_t to_ms(int64_t time_s, int64_t held_s, struct tw_when when)
{
    int64_t in_s = time_s > when.now_s ? time_s - when.now_s : 0;
    in_s = in_s > held_s ? in_s : held_s;
    return when.now_ms + (in_s < DAY_S ? in_s : DAY_S) * 1000;
}

int64_t tw_digest_next_ms(struct tw_digest *digest, struct tw_when when)
{
    int64_t oldest_ms = INT64_MAX, youngest_ms = INT64_MIN, next_s = INT64_MAX,
            escalate_s = INT64_MAX, next_ms = INT64_MAX;
    for (size_t i = 0; i < tw_aspects_count(digest->aspects); i++) {
        struct tw_aspect *aspect = tw_aspects_at(digest->aspects, i);
        if (aspect->incident.stage < TW_STAGE_OPEN)
            continue;
        heed_clock(aspect, when.now_s);
        heed_silence(digest, aspect, when);
        if (aspect->incident.stage == TW_STAGE_OPEN &&
            digest->mending(digest->context, aspect, when.now_ms))
            earlier(&next_ms, when.now_ms + MENDING_MS);
        if (is_news(digest, aspect, when)) {
            earlier(&oldest_ms, aspect->wait_from_ms);
            if (aspect->wait_from_ms > youngest_ms)
                youngest_ms = aspect->wait_from_ms;
        }
        if (is_silenced(digest, aspect, when.now_s) || tw_depends_waits(aspect, when.now_ms))
            continue;
        earlier(&next_s, again_s(digest, aspect));
        earlier(&escalate_s, escalates_s(digest, aspect, when));
    }
    const int64_t held_s = tw_quota_held_s(&digest->quotas[TW_ROUTE_ALERT], when.now_s);
    if (oldest_ms != INT64_MAX) {
        const int64_t most_ms = oldest_ms + 2 * wait_ms(digest);
        int64_t news_ms = youngest_ms + wait_ms(digest);
        earlier(&news_ms, most_ms);
        const int64_t held_ms = when.now_ms + held_s * 1000;
        earlier(&next_ms, held_s && news_ms < held_ms ? held_ms : news_ms);
    }
    if (next_s != INT64_MAX)
        earlier(&next_ms, to_ms(next_s, held_s, when));
    if (escalate_s != INT64_MAX)
        earlier(&next_ms,
                to_ms(escalate_s, tw_quota_held_s(&digest->quotas[TW_ROUTE_ESCALATE], when.now_s),
                      when));
    if (digest->silences && tw_silences_next_end_s(digest->silences) > when.now_s &&
        digest->silences->count)
        earlier(&next_ms, to_ms(tw_silences_next_end_s(digest->silences), 0, when));
    return next_ms;
}

/* ---- what --------------------------------------------------------------------------------- */

static int gravity(const struct tw_digest *d, const struct tw_mention *mention)
{
    if (mention->topic == TW_TOPIC_RECOVERED)
        return 5;
    if (mention->topic == TW_TOPIC_REMINDER)
        return 4;
    if (d->grave(d->context, mention->aspect))
        return 0;
    if (mention->topic == TW_TOPIC_FLAPPING)
        return 2;
    return mention->aspect->level == TW_LEVEL_UNKNOWN ? 3 : 1;
}

struct ranked {
    struct tw_mention mention;
    int rank;
};

static int by_gravity(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    if (x->rank != y->rank)
        return x->rank - y->rank;
    const struct tw_aspect *p = x->mention.aspect, *q = y->mention.aspect;
    if (p->incident.opened_s != q->incident.opened_s)
        return p->incident.opened_s < q->incident.opened_s ? -1 : 1;
    return strcmp(p->name, q->name);
}

static void sort(const struct tw_digest *d, struct tw_mention *mentions, size_t count)
{
    struct ranked *ranked = tw_alloc((count + 1) * sizeof *ranked);
    for (size_t i = 0; i < count; i++)
        ranked[i] = (struct ranked){mentions[i], gravity(d, &mentions[i])};
    qsort(ranked, count, sizeof *ranked, by_gravity);
    for (size_t i = 0; i < count; i++)
        mentions[i] = ranked[i].mention;
    free(ranked);
}

static enum tw_topic news_topic(const struct tw_aspect *aspect)
{
    switch (aspect->incident.stage) {
    case TW_STAGE_CLOSING:
        return TW_TOPIC_RECOVERED;
    case TW_STAGE_FLAPPING:
        return TW_TOPIC_FLAPPING;
    default:
        return TW_TOPIC_FAILED;
    }
}

/* Everything that is open and told, if for any of it a reminder is due. */
static size_t add_reminders(const struct tw_digest *d, struct tw_when when, struct tw_mention *out)
{
    bool due = false;
    size_t count = 0;
    for (size_t i = 0; i < tw_aspects_count(d->aspects); i++) {
        struct tw_aspect *aspect = tw_aspects_at(d->aspects, i);
        const int64_t at_s =
            aspect->incident.stage == TW_STAGE_TOLD ? again_s(d, aspect) : INT64_MAX;
        if (at_s == INT64_MAX || is_silenced(d, aspect, when.now_s))
            continue;
        due = due || at_s <= when.now_s;
        out[count++] = (struct tw_mention){aspect, TW_TOPIC_REMINDER};
    }
    return due ? count : 0;
}

static size_t collect_alerts(const struct tw_digest *d, struct tw_when when, struct tw_mention *out)
{
    size_t count = 0;
    for (size_t i = 0; i < tw_aspects_count(d->aspects); i++) {
        struct tw_aspect *aspect = tw_aspects_at(d->aspects, i);
        if (aspect->incident.stage < TW_STAGE_OPEN)
            continue;
        const bool hourly =
            aspect->incident.stage == TW_STAGE_FLAPPING && again_s(d, aspect) <= when.now_s &&
            !is_silenced(d, aspect, when.now_s) && !tw_depends_waits(aspect, when.now_ms);
        if (hourly || tw_digest_is_due(d, aspect, when))
            out[count++] = (struct tw_mention){aspect, news_topic(aspect)};
    }
    return count + add_reminders(d, when, out + count);
}

static size_t collect_escalations(const struct tw_digest *d, struct tw_when when,
                                  struct tw_mention *out)
{
    bool due = false;
    size_t count = 0;
    for (size_t i = 0; i < tw_aspects_count(d->aspects); i++) {
        struct tw_aspect *aspect = tw_aspects_at(d->aspects, i);
        const int64_t at_s = escalates_s(d, aspect, when);
        if (at_s == INT64_MAX || at_s > when.now_s + SOON_S || is_silenced(d, aspect, when.now_s))
            continue;
        due = due || at_s <= when.now_s;
        out[count++] = (struct tw_mention){aspect, news_topic(aspect)};
    }
    return due ? count : 0;
}

size_t tw_digest_collect(struct tw_digest *digest, enum tw_route route, struct tw_when when,
                         struct tw_mention **mentions)
{
    *mentions = NULL;
    if (tw_quota_held_s(&digest->quotas[route], when.now_s) > 0)
        return 0;
    /* An aspect is news, or else it may be in a reminder. */
    *mentions = tw_alloc((tw_aspects_count(digest->aspects) + 1) * sizeof **mentions);
    const size_t count = route == TW_ROUTE_ALERT ? collect_alerts(digest, when, *mentions)
                                                 : collect_escalations(digest, when, *mentions);
    sort(digest, *mentions, count);
    return count;
}

/* ---- afterwards --------------------------------------------------------------------------- */

bool tw_digest_sums_up(const struct tw_digest *digest, const struct tw_mention *mentions,
                       size_t count)
{
    const int64_t until_s = digest->quotas[TW_ROUTE_ALERT].summary_s;
    bool held = until_s && digest->came_and_went;
    for (size_t i = 0; i < count && until_s && !held; i++) {
        const struct tw_incident *incident = &mentions[i].aspect->incident;
        if (mentions[i].topic == TW_TOPIC_RECOVERED)
            held = incident->closed_s < until_s;
        else if (mentions[i].topic == TW_TOPIC_FAILED)
            held = incident->opened_s < until_s;
    }
    return held;
}

void tw_digest_told(struct tw_digest *digest, enum tw_route route,
                    const struct tw_mention *mentions, size_t count, struct tw_when when)
{
    for (size_t i = 0; i < count; i++) {
        struct tw_aspect *aspect = mentions[i].aspect;
        if (route == TW_ROUTE_ESCALATE)
            tw_aspects_escalated(digest->aspects, aspect, when);
        else if (mentions[i].topic == TW_TOPIC_REMINDER)
            tw_aspects_reminded(digest->aspects, aspect, when);
        else
            tw_aspects_told(digest->aspects, aspect, when);
    }
    if (route == TW_ROUTE_ALERT)
        digest->came_and_went = 0;
    tw_quota_count(&digest->quotas[route], digest->alert->max_per_hour, count, when.now_s);
}

void tw_digest_cleared(struct tw_digest *digest, const struct tw_aspect *aspect,
                       struct tw_when when)
{
    if (aspect->waits_until_ms == 0 && !is_silenced(digest, aspect, when.now_s) &&
        tw_quota_held_s(&digest->quotas[TW_ROUTE_ALERT], when.now_s) > 0)
        digest->came_and_went++;
}
