/* What is known of every aspect. Knows no event loop: time comes in. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"
#include "watcher/aspects_private.h"

/* ---- the table ---------------------------------------------------------------------------- */

static int compare(const struct tw_aspect *aspect, const char *job, const char *part)
{
    const int by_job = strcmp(aspect->job, job);
    return by_job ? by_job : strcmp(aspect->part, part);
}

static size_t position(const struct tw_aspects *a, const char *job, const char *part)
{
    size_t low = 0, high = a->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (compare(a->items[middle], job, part) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct tw_aspect *tw_aspects_find_part(const struct tw_aspects *a, const char *job,
                                       const char *part)
{
    const size_t at = position(a, job, part);
    return at < a->count && compare(a->items[at], job, part) == 0 ? a->items[at] : NULL;
}

struct tw_aspect *tw_aspects_add(struct tw_aspects *a, const char *job, const char *part)
{
    struct tw_aspect *aspect = tw_alloc(sizeof *aspect);
    aspect->job = tw_strdup(job);
    aspect->name = part[0] ? tw_format("%s/%s", job, part) : tw_strdup(job);
    aspect->part = part[0] ? aspect->name + strlen(job) + 1 : "";
    aspect->code = tw_strdup("");
    aspect->text = tw_strdup("");
    aspect->seen = TW_LEVEL_FAIL;
    const size_t at = position(a, job, part);
    a->items = tw_realloc_array(a->items, a->count + 1, sizeof(struct tw_aspect *));
    memmove(a->items + at + 1, a->items + at, (a->count - at) * sizeof(struct tw_aspect *));
    a->items[at] = aspect;
    a->count++;
    return aspect;
}

static void free_aspect(struct tw_aspect *aspect)
{
    free(aspect->name);
    free(aspect->job);
    free(aspect->code);
    free(aspect->text);
    free(aspect->seen_text);
    free(aspect->acked_by);
    free(aspect->note);
    free(aspect);
}

size_t tw_aspects_of(const struct tw_aspects *aspects, const char *job, size_t *count)
{
    const size_t first = position(aspects, job, "");
    size_t end = first;
    while (end < aspects->count && strcmp(aspects->items[end]->job, job) == 0)
        end++;
    *count = end - first;
    return first;
}

size_t tw_aspects_count(const struct tw_aspects *aspects)
{
    return aspects->count;
}

struct tw_aspect *tw_aspects_at(struct tw_aspects *aspects, size_t index)
{
    return aspects->items[index];
}

struct tw_aspect *tw_aspects_find(struct tw_aspects *aspects, const char *name)
{
    const char *slash = strchr(name, '/');
    if (!slash)
        return tw_aspects_find_part(aspects, name, "");
    char *job = tw_strndup(name, (size_t)(slash - name));
    struct tw_aspect *aspect = tw_aspects_find_part(aspects, job, slash + 1);
    free(job);
    return aspect;
}

/* ---- what others tell us ------------------------------------------------------------------ */

void tw_aspects_patience(struct tw_aspects *aspects, int64_t patience_ms)
{
    aspects->patience_ms = patience_ms;
}

void tw_aspects_on_over(struct tw_aspects *aspects,
                        void (*over)(void *context, const struct tw_over *over), void *context)
{
    aspects->over = over;
    aspects->over_context = context;
}

void tw_aspects_silences(struct tw_aspects *aspects, const struct tw_silences *silences)
{
    aspects->silences = silences;
}

bool tw_aspects_silenced(const struct tw_aspects *aspects, const struct tw_aspect *aspect,
                         int64_t now_s)
{
    return aspects->silences && aspects->silences->count &&
           tw_silences_on(aspects->silences, aspect->job, aspect->name, now_s);
}

/* ---- lines -------------------------------------------------------------------------------- */

static enum tw_log_word word_of(enum tw_level level)
{
    static const enum tw_log_word words[] = {TW_LOG_UNKNOWN, TW_LOG_OK, TW_LOG_WARN, TW_LOG_FAIL,
                                             TW_LOG_UNKNOWN};
    return words[level];
}

void tw_aspects_say(struct tw_aspects *aspects, const char *job)
{
    size_t count;
    const size_t first = tw_aspects_of(aspects, job, &count);
    for (size_t i = first; i < first + count; i++) {
        const struct tw_aspect *aspect = aspects->items[i];
        tw_log_line(aspects->log, word_of(aspect->level), aspect->name, "%s", aspect->text);
    }
}

/* A change is a line; what is good when first seen is none. */
static void say_change(const struct tw_aspects *a, const struct tw_aspect *aspect,
                       enum tw_level before, int64_t before_since_s, bool same_code)
{
    if (aspect->level == before && (same_code || aspect->level == TW_LEVEL_OK))
        return;
    if (aspect->level == TW_LEVEL_NONE)
        return; /* another aspect says why */
    if (before == TW_LEVEL_NONE && aspect->level == TW_LEVEL_OK &&
        aspect->incident.stage == TW_STAGE_QUIET)
        return;
    const int64_t lasted_s = aspect->since_s - before_since_s; /* the clock may be set back */
    if (aspect->level == TW_LEVEL_OK)
        tw_log_line(a->log, TW_LOG_OK, aspect->name, "%s (was %s for %s)", aspect->text,
                    tw_level_name(before), tw_duration_show(lasted_s > 0 ? lasted_s : 0).text);
    else
        tw_log_line(a->log, word_of(aspect->level), aspect->name, "%s", aspect->text);
}

/* ---- findings ----------------------------------------------------------------------------- */

/* Worth a row on disk? Counters matter only while they decide: what has failed for hours is not
 * written anew at every run. */
static bool differs(const struct tw_incident *a, const struct tw_incident *b)
{
    return a->stage != b->stage || a->opened_s != b->opened_s || a->closed_s != b->closed_s ||
           a->oks != b->oks || a->letters != b->letters || a->acted != b->acted ||
           a->bad != b->bad || a->opens != b->opens ||
           (b->stage == TW_STAGE_PENDING && (a->fails != b->fails || a->unknowns != b->unknowns));
}

/* It failed for longer than its letter should have taken, and is well before there was one: that
 * must not go by untold. */
static bool was_kept_waiting(const struct tw_aspects *a, const struct tw_aspect *aspect,
                             enum tw_stage before, enum tw_incident_news news,
                             enum tw_incident_event event, struct tw_when when)
{
    return news == TW_NEWS_CLEARED && event == TW_EVENT_GOOD && a->patience_ms > 0 &&
           before == TW_STAGE_OPEN && aspect->waits_until_ms == 0 &&
           when.now_ms - aspect->wait_from_ms > a->patience_ms &&
           !tw_aspects_silenced(a, aspect, when.now_s);
}

/* Over: what was done about it goes with it, into the history. */
static void close_books(const struct tw_aspects *a, struct tw_aspect *aspect,
                        const struct tw_incident *last, int64_t now_s)
{
    const int64_t closed_s = last->closed_s ? last->closed_s : now_s;
    tw_aspect_save_incident(a, aspect, last, closed_s);
    if (a->over)
        a->over(a->over_context,
                &(struct tw_over){aspect->name, last->opened_s, closed_s, last->letters > 0});
    free(aspect->acked_by);
    free(aspect->note);
    free(aspect->seen_text);
    aspect->acked_by = aspect->note = aspect->seen_text = NULL;
    aspect->id = aspect->reminds = aspect->escalated_s = aspect->acked_s = 0;
}

/* Before `news` is told of it: it has its number by then. */
static void open_books(struct tw_aspects *a, struct tw_aspect *aspect)
{
    if (tw_incident_is_on(&aspect->incident) && !aspect->id) {
        aspect->id = ++a->last_id;
        tw_aspect_save_incident(a, aspect, &aspect->incident, 0);
    }
}

static bool step(struct tw_aspects *a, struct tw_aspect *aspect, enum tw_incident_event event,
                 bool scheduled, const struct tw_incident_rule *rule, struct tw_when when)
{
    const struct tw_incident before = aspect->incident;
    enum tw_incident_news news =
        tw_incident_step(&aspect->incident, event, scheduled, when.now_s, rule);
    if (was_kept_waiting(a, aspect, before.stage, news, event, when)) {
        aspect->incident = before;
        aspect->incident.stage = TW_STAGE_CLOSING;
        aspect->incident.closed_s = when.now_s;
        news = TW_NEWS_CLOSING;
    }
    const enum tw_stage stage = aspect->incident.stage;
    if (stage != before.stage &&
        (stage == TW_STAGE_OPEN || stage == TW_STAGE_CLOSING || stage == TW_STAGE_FLAPPING))
        aspect->wait_from_ms = when.now_ms;
    open_books(a, aspect);
    if (news != TW_NEWS_NONE)
        a->news(a->context, aspect, news);
    aspect->stepped = news != TW_NEWS_NONE;
    if (tw_incident_is_on(&before) && !tw_incident_is_on(&aspect->incident))
        close_books(a, aspect, &before, when.now_s);
    return differs(&before, &aspect->incident);
}

void tw_aspect_set_text(char **where, const char *text)
{
    if (strcmp(*where, text) != 0) {
        free(*where);
        *where = tw_strdup(text);
    }
}

static bool is_bad(enum tw_level level)
{
    return level == TW_LEVEL_FAIL || level == TW_LEVEL_UNKNOWN;
}

bool tw_aspect_fails(const struct tw_aspect *aspect)
{
    return is_bad(aspect->level);
}

/* Said of every job once; worth knowing only of one that was overdue. */
static bool is_on_time(const struct tw_finding *finding)
{
    return finding->level == TW_LEVEL_OK && strcmp(finding->aspect, "schedule") == 0;
}

bool tw_aspects_finding(struct tw_aspects *aspects, const char *job,
                        const struct tw_finding *finding, bool scheduled,
                        const struct tw_incident_rule *rule, struct tw_when when)
{
    struct tw_aspect *aspect = tw_aspects_find_part(aspects, job, finding->aspect);
    if (!aspect && (finding->level == TW_LEVEL_NONE || is_on_time(finding)))
        return false;
    if (!aspect)
        aspect = tw_aspects_add(aspects, job, finding->aspect);
    const enum tw_level before = aspect->level;
    const int64_t before_since_s = aspect->since_s;
    const bool same_code = strcmp(aspect->code, finding->code) == 0;
    aspect->stale = false;
    aspect->changed = aspect->changed && finding->level == TW_LEVEL_NONE;
    aspect->level = finding->level;
    tw_aspect_set_text(&aspect->code, finding->code);
    tw_aspect_set_text(&aspect->text, finding->text);
    if (is_bad(finding->level)) {
        aspect->seen = finding->level;
        if (aspect->seen_text)
            tw_aspect_set_text(&aspect->seen_text, finding->text);
        else
            aspect->seen_text = tw_strdup(finding->text);
    }
    if (before != finding->level)
        aspect->since_s = when.now_s;
    say_change(aspects, aspect, before, before_since_s, same_code);
    aspect->stepped = false;
    const bool moved =
        finding->level != TW_LEVEL_NONE &&
        step(aspects, aspect, tw_incident_event_of(finding->level), scheduled, rule, when);
    if (!aspect->stepped && is_bad(before) != is_bad(aspect->level) &&
        tw_incident_is_on(&aspect->incident))
        aspects->news(aspects->context, aspect, TW_NEWS_LEVEL);
    if (moved || before != aspect->level || !same_code)
        tw_aspect_save(aspects, aspect);
    return !scheduled && finding->level == TW_LEVEL_FAIL &&
           aspect->incident.stage == TW_STAGE_PENDING && aspect->incident.fails == 0;
}

void tw_aspects_self(struct tw_aspects *aspects, const char *part, enum tw_level level,
                     const char *code, const char *text, struct tw_when when)
{
    const struct tw_aspect *aspect = tw_aspects_find_part(aspects, TW_SELF, part);
    if (aspect ? !aspect->stale && aspect->level == level && strcmp(aspect->text, text) == 0
               : level == TW_LEVEL_OK)
        return;
    const struct tw_incident_rule rule = {1, 1};
    tw_aspects_finding(aspects, TW_SELF, &(struct tw_finding){level, part, code, text}, true, &rule,
                       when);
}

/* ---- jobs --------------------------------------------------------------------------------- */

static void drop(struct tw_aspects *a, size_t index, struct tw_when when)
{
    struct tw_aspect *aspect = a->items[index];
    const struct tw_incident_rule rule = {1, 1};
    step(a, aspect, TW_EVENT_DROP, false, &rule, when);
    if (a->state)
        tw_state_drop_aspect(a->state, aspect->name);
    a->count--;
    memmove(a->items + index, a->items + index + 1,
            (a->count - index) * sizeof(struct tw_aspect *));
    free_aspect(aspect);
}

void tw_aspects_job_gone(struct tw_aspects *aspects, const char *job, struct tw_when when)
{
    size_t count;
    const size_t first = tw_aspects_of(aspects, job, &count);
    for (size_t i = first + count; i-- > first;)
        drop(aspects, i, when);
}

void tw_aspects_job_changed(struct tw_aspects *aspects, const char *job)
{
    size_t count;
    const size_t first = tw_aspects_of(aspects, job, &count);
    for (size_t i = first; i < first + count; i++)
        aspects->items[i]->changed = true;
}

void tw_aspects_job_ran(struct tw_aspects *aspects, const char *job, struct tw_when when)
{
    size_t count;
    const size_t first = tw_aspects_of(aspects, job, &count);
    for (size_t i = first + count; i-- > first;)
        if (aspects->items[i]->stale || aspects->items[i]->changed)
            drop(aspects, i, when);
}

void tw_aspects_wait_anew(struct tw_aspects *aspects, const char *job, int64_t now_ms)
{
    size_t count;
    const size_t first = tw_aspects_of(aspects, job, &count);
    for (size_t i = first; i < first + count; i++)
        if (aspects->items[i]->incident.stage == TW_STAGE_OPEN)
            aspects->items[i]->wait_from_ms = now_ms;
}

/* An event that no run has brought. */
static void happen(struct tw_aspects *a, struct tw_aspect *aspect, enum tw_incident_event event,
                   struct tw_when when)
{
    const struct tw_incident_rule rule = {1, 1};
    if (step(a, aspect, event, false, &rule, when))
        tw_aspect_save_both(a, aspect);
}

void tw_aspects_acted(struct tw_aspects *aspects, const char *job, struct tw_when when)
{
    size_t count;
    const size_t first = tw_aspects_of(aspects, job, &count);
    for (size_t i = first; i < first + count; i++)
        happen(aspects, aspects->items[i], TW_EVENT_ACTED, when);
}

void tw_aspects_told(struct tw_aspects *aspects, struct tw_aspect *aspect, struct tw_when when)
{
    happen(aspects, aspect, TW_EVENT_LETTER, when);
}

void tw_aspects_reminded(struct tw_aspects *aspects, struct tw_aspect *aspect, struct tw_when when)
{
    aspect->reminds++;
    happen(aspects, aspect, TW_EVENT_LETTER, when);
}

void tw_aspects_escalated(struct tw_aspects *aspects, struct tw_aspect *aspect, struct tw_when when)
{
    aspect->escalated_s = when.now_s;
    aspect->incident.escalated = true;
    tw_aspect_save_both(aspects, aspect);
}

void tw_aspects_ack(struct tw_aspects *aspects, struct tw_aspect *aspect, const char *by,
                    const char *note, struct tw_when when)
{
    char *new_by = tw_strdup(by), *new_note = tw_strdup(note);
    free(aspect->acked_by);
    free(aspect->note);
    aspect->acked_s = when.now_s;
    aspect->acked_by = new_by;
    aspect->note = new_note;
    tw_aspect_save_both(aspects, aspect);
}

struct tw_aspect *tw_aspects_by_id(struct tw_aspects *aspects, int64_t id)
{
    for (size_t i = 0; i < aspects->count; i++)
        if (aspects->items[i]->id == id && id)
            return aspects->items[i];
    return NULL;
}

struct tw_aspect_counts tw_aspects_sum(const struct tw_aspects *aspects)
{
    struct tw_aspect_counts sum = {0};
    for (size_t i = 0; i < aspects->count; i++) {
        const struct tw_aspect *aspect = aspects->items[i];
        sum.ok += aspect->level == TW_LEVEL_OK;
        sum.warn += aspect->level == TW_LEVEL_WARN;
        sum.fail += aspect->level == TW_LEVEL_FAIL;
        sum.unknown += aspect->level == TW_LEVEL_UNKNOWN;
        sum.incidents += tw_incident_is_on(&aspect->incident);
    }
    return sum;
}

/* ---- begin and end ------------------------------------------------------------------------ */

struct tw_aspects *tw_aspects_new(struct tw_log *log, struct tw_state *state,
                                  void (*news)(void *context, struct tw_aspect *aspect,
                                               enum tw_incident_news what),
                                  void *context)
{
    struct tw_aspects *aspects = tw_alloc(sizeof *aspects);
    aspects->log = log;
    aspects->state = state;
    aspects->news = news;
    aspects->context = context;
    return aspects;
}

void tw_aspects_free(struct tw_aspects **aspects)
{
    struct tw_aspects *a = *aspects;
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++)
        free_aspect(a->items[i]);
    free(a->items);
    free(a);
    *aspects = NULL;
}
