/* What is known of the aspects, on disk: rows out, and at the start rows, history and the letters
 * that wait back in. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "watcher/aspects_private.h"

/* ---- out ---------------------------------------------------------------------------------- */

void tw_aspect_save(const struct tw_aspects *a, const struct tw_aspect *aspect)
{
    const struct tw_incident *incident = &aspect->incident;
    struct tw_buf openings = {0};
    if (!a->state)
        return;
    for (size_t i = 0; i < TW_FLAP_OPENS && incident->opened_at_s[i]; i++)
        tw_buf_printf(&openings, "%s%" PRId64, i ? " " : "", incident->opened_at_s[i]);
    tw_state_put_aspect(a->state, &(struct tw_state_aspect){.aspect = aspect->name,
                                                            .job = aspect->job,
                                                            .level = aspect->level,
                                                            .stage = incident->stage,
                                                            .since_s = aspect->since_s,
                                                            .opened_s = incident->opened_s,
                                                            .closed_s = incident->closed_s,
                                                            .fails = incident->fails,
                                                            .oks = incident->oks,
                                                            .unknowns = incident->unknowns,
                                                            .incident = aspect->id,
                                                            .acted = incident->acted,
                                                            .was_open = incident->was_open,
                                                            .bad = incident->bad,
                                                            .flap_told = incident->flap_told,
                                                            .letters = incident->letters,
                                                            .told_s = incident->told_s,
                                                            .reminds = aspect->reminds,
                                                            .escalated_s = aspect->escalated_s,
                                                            .changed_s = incident->changed_s,
                                                            .opens = incident->opens,
                                                            .acked_s = aspect->acked_s,
                                                            .code = aspect->code,
                                                            .text = aspect->text,
                                                            .openings = tw_buf_text(&openings),
                                                            .acked_by = aspect->acked_by,
                                                            .note = aspect->note});
    tw_buf_free(&openings);
}

/* closed_s 0: it is on. */
void tw_aspect_save_incident(const struct tw_aspects *a, const struct tw_aspect *aspect,
                             const struct tw_incident *incident, int64_t closed_s)
{
    if (!a->state || !aspect->id)
        return;
    tw_state_put_incident(a->state, &(struct tw_state_incident){.id = aspect->id,
                                                                .aspect = aspect->name,
                                                                .level = aspect->seen,
                                                                .opened_s = incident->opened_s,
                                                                .closed_s = closed_s,
                                                                .letters = incident->letters,
                                                                .opens = incident->opens,
                                                                .escalated_s = aspect->escalated_s,
                                                                .acked_s = aspect->acked_s,
                                                                .text = aspect->seen_text,
                                                                .acked_by = aspect->acked_by,
                                                                .note = aspect->note});
}

void tw_aspect_save_both(const struct tw_aspects *a, const struct tw_aspect *aspect)
{
    tw_aspect_save(a, aspect);
    tw_aspect_save_incident(a, aspect, &aspect->incident, 0);
}

void tw_aspects_save(const struct tw_aspects *aspects)
{
    for (size_t i = 0; i < aspects->count; i++)
        tw_aspect_save_both(aspects, aspects->items[i]);
}

/* ---- and in ------------------------------------------------------------------------------- */

static bool sane(const struct tw_state_aspect *row)
{
    const size_t job = strlen(row->job);
    const int64_t lowest = strcmp(row->aspect, row->job) == 0 ? TW_LEVEL_OK : TW_LEVEL_NONE;
    return row->level >= lowest && row->level <= TW_LEVEL_UNKNOWN && row->stage >= 0 &&
           row->stage < TW_STAGES && row->since_s >= 0 && row->opened_s >= 0 &&
           row->closed_s >= 0 && row->fails >= 0 && row->oks >= 0 && row->unknowns >= 0 &&
           row->incident >= 0 && row->letters >= 0 && row->told_s >= 0 && row->reminds >= 0 &&
           row->escalated_s >= 0 && row->changed_s >= 0 && row->opens >= 0 && row->acked_s >= 0 &&
           strncmp(row->aspect, row->job, job) == 0 &&
           (row->aspect[job] == '\0' || (row->aspect[job] == '/' && row->aspect[job + 1]));
}

void tw_aspects_used_id(struct tw_aspects *aspects, int64_t id)
{
    if (id > aspects->last_id && id < INT64_MAX)
        aspects->last_id = id;
    if (id > aspects->rows_id && id < INT64_MAX)
        aspects->rows_id = id;
}

static void restore_openings(struct tw_incident *incident, const char *text)
{
    char *end;
    for (size_t i = 0; i < TW_FLAP_OPENS && text && *text; i++, text = end) {
        incident->opened_at_s[i] = strtoll(text, &end, 10);
        if (end == text || incident->opened_at_s[i] < 0)
            incident->opened_at_s[i] = 0;
        if (end == text)
            return;
    }
}

static void restore_dealings(struct tw_aspects *a, struct tw_aspect *aspect,
                             const struct tw_state_aspect *row)
{
    struct tw_incident *incident = &aspect->incident;
    incident->acted = row->acted != 0;
    incident->was_open = row->was_open != 0;
    incident->bad = row->bad != 0;
    incident->flap_told = row->flap_told != 0;
    incident->letters = row->letters;
    incident->escalated = row->escalated_s != 0;
    incident->told_s = row->told_s;
    incident->changed_s = row->changed_s;
    incident->opens = row->opens;
    restore_openings(incident, row->openings);
    if (!tw_incident_is_on(incident))
        return;
    aspect->id = row->incident ? row->incident : a->last_id + 1;
    tw_aspects_used_id(a, aspect->id);
    aspect->seen_text = tw_strdup(row->text);
    aspect->reminds = row->reminds;
    aspect->escalated_s = row->escalated_s;
    aspect->acked_s = row->acked_s;
    aspect->acked_by = row->acked_s && row->acked_by ? tw_strdup(row->acked_by) : NULL;
    aspect->note = row->acked_s && row->note ? tw_strdup(row->note) : NULL;
    if (aspect->level == TW_LEVEL_UNKNOWN)
        aspect->seen = TW_LEVEL_UNKNOWN;
}

void tw_aspects_restore(struct tw_aspects *aspects, const struct tw_state_aspect *row,
                        int64_t now_ms)
{
    if (!sane(row))
        return;
    const size_t job = strlen(row->job);
    const char *part = row->aspect[job] ? row->aspect + job + 1 : "";
    if (tw_aspects_find_part(aspects, row->job, part))
        return;
    struct tw_aspect *aspect = tw_aspects_add(aspects, row->job, part);
    free(aspect->code);
    free(aspect->text);
    aspect->code = tw_strdup(row->code);
    aspect->text = tw_strdup(row->text);
    aspect->level = (enum tw_level)row->level;
    aspect->since_s = row->since_s;
    aspect->incident = (struct tw_incident){.stage = (enum tw_stage)row->stage,
                                            .opened_s = row->opened_s,
                                            .closed_s = row->closed_s,
                                            .fails = row->fails,
                                            .oks = row->oks,
                                            .unknowns = row->unknowns};
    restore_dealings(aspects, aspect, row);
    aspect->wait_from_ms = now_ms;
    /* Whether it waited for another job is not kept: if it has one, it does. */
    aspect->waits_until_ms = aspect->incident.stage == TW_STAGE_OPEN ? INT64_MAX : 0;
    aspect->stale = true;
}

void tw_aspects_seen(struct tw_aspect *aspect, enum tw_level level, const char *text)
{
    aspect->seen = level;
    free(aspect->seen_text);
    aspect->seen_text = tw_strdup(text);
}

/* A failure that a letter tells of, and no row: it was written a moment before the end. */
static struct tw_aspect *add_told(struct tw_aspects *a, const struct tw_told_already *told,
                                  struct tw_when when)
{
    const size_t length = strcspn(told->aspect, "/");
    char *job = tw_strndup(told->aspect, length);
    struct tw_aspect *aspect =
        tw_aspects_add(a, job, told->aspect[length] ? told->aspect + length + 1 : "");
    free(job);
    aspect->level = aspect->seen = told->level;
    tw_aspect_set_text(&aspect->text, told->text);
    aspect->seen_text = tw_strdup(told->text);
    aspect->since_s = told->opened_s;
    aspect->incident = (struct tw_incident){
        .stage = TW_STAGE_OPEN, .opened_s = told->opened_s, .was_open = true, .fails = 1};
    aspect->id = told->id;
    aspect->wait_from_ms = when.now_ms;
    aspect->stale = true;
    return aspect;
}

/* The stage in which the letter found it, if the row is older than that. */
static void catch_up(struct tw_aspect *aspect, const struct tw_told_already *told,
                     struct tw_when when)
{
    struct tw_incident *incident = &aspect->incident;
    incident->was_open = true;
    if (!incident->opened_s)
        incident->opened_s = told->opened_s ? told->opened_s : when.now_s;
    if (!aspect->seen_text)
        aspect->seen_text = tw_strdup(told->text ? told->text : aspect->text);
    incident->closed_s = 0;
    if (told->recovered) {
        incident->stage = TW_STAGE_CLOSING;
        incident->closed_s = when.now_s;
    } else if (told->flapping && incident->stage != TW_STAGE_FLAPPING) {
        incident->stage = TW_STAGE_FLAPPING;
        incident->bad = true;
        incident->changed_s = when.now_s;
        incident->opens = TW_FLAP_OPENS + 1;
    } else if (!told->flapping) {
        incident->stage = TW_STAGE_OPEN;
    }
}

void tw_aspects_told_already(struct tw_aspects *aspects, const struct tw_told_already *told,
                             struct tw_when when)
{
    struct tw_aspect *aspect = tw_aspects_find(aspects, told->aspect);
    const bool is_new = told->id > aspects->rows_id && !told->recovered;
    if (told->id > aspects->last_id && told->id < INT64_MAX)
        aspects->last_id = told->id;
    if (!aspect && is_new)
        aspect = add_told(aspects, told, when);
    if (!aspect || (aspect->id ? aspect->id != told->id : !is_new))
        return;
    if (aspect->id && aspect->incident.letters && aspect->incident.told_s >= when.now_s &&
        !told->recovered && !told->escalation)
        return; /* the row is the newer one */
    const bool unknown = !aspect->id;
    aspect->id = told->id;
    if (!told->escalation || unknown)
        catch_up(aspect, told, when);
    if (!told->escalation)
        tw_aspects_told(aspects, aspect, when);
    else if (!aspect->escalated_s)
        tw_aspects_escalated(aspects, aspect, when);
}
