/* The admin's hand on incidents. Every change is a line in the log and, for silences, a value in
 * the state. */
#include "watcher/hand.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/units.h"

#define KEY "silence/" /* and its number */

static bool is_clean(const char *text, size_t max)
{
    for (const char *at = text; *at; at++)
        if ((unsigned char)*at < 0x20 || *at == 0x7f)
            return false;
    return strlen(text) <= max;
}

static void save(const struct tw_hand *hand, const struct tw_silence *silence)
{
    struct tw_buf text = {0};
    if (!hand->state)
        return;
    char *key = tw_format(KEY "%" PRId64, silence->id);
    tw_silence_write(silence, &text);
    tw_state_put_value(hand->state, key, tw_buf_text(&text));
    tw_buf_free(&text);
    free(key);
}

void tw_hand_restore_value(const struct tw_hand *hand, const char *key, const char *value)
{
    if (strncmp(key, KEY, strlen(KEY)) != 0)
        return;
    const char *number = key + strlen(KEY);
    const size_t length = strcspn(value, " ");
    const bool same = strlen(number) == length && strncmp(number, value, length) == 0;
    if ((!same || tw_silences_read(hand->silences, value) != 0) && hand->state)
        tw_state_drop_value(hand->state, key);
}

/* ---- silences ----------------------------------------------------------------------------- */

struct fitting {
    size_t jobs, aspects, incidents;
};

static struct fitting count_fitting(const struct tw_hand *hand, const char *pattern)
{
    struct fitting n = {0};
    for (size_t i = 0; i < tw_jobs_count(hand->jobs); i++) {
        const char *name = tw_jobs_at(hand->jobs, i)->name;
        n.jobs += tw_silence_fits(pattern, name, name);
    }
    for (size_t i = 0; i < tw_aspects_count(hand->aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(hand->aspects, i);
        if (!tw_silence_fits(pattern, aspect->job, aspect->name))
            continue;
        n.aspects++;
        n.incidents += aspect->id != 0;
    }
    return n;
}

int tw_hand_silence(const struct tw_hand *hand, const char *pattern, int64_t length_s,
                    const char *by, const char *note, struct tw_when when, struct tw_buf *said,
                    struct tw_error *e)
{
    if (!*pattern || !is_clean(pattern, TW_SILENCE_PATTERN_MAX))
        return tw_fail(e, "a pattern is 1 to %d characters, for example 'service.*'",
                       TW_SILENCE_PATTERN_MAX);
    if (!is_clean(note, TW_SILENCE_NOTE_MAX))
        return tw_fail(e, "a note is one line of at most %d bytes", TW_SILENCE_NOTE_MAX);
    if (length_s <= 0 || length_s > TW_HAND_LONGEST_S)
        return tw_fail(e, "a silence lasts a year at most");
    const struct fitting fitting = count_fitting(hand, pattern);
    if (fitting.jobs + fitting.aspects == 0)
        return tw_fail(e,
                       "nothing is silenced: \"%s\" fits no job and no aspect (toasterctl status "
                       "lists them)",
                       pattern);
    const struct tw_silence *silence =
        tw_silences_add(hand->silences, pattern, when.now_s, length_s, by, note);
    if (!silence)
        return tw_fail(e, "there are %d silences already: toasterctl silence lists them",
                       TW_SILENCES_MAX);
    save(hand, silence);
    tw_log_line(hand->log, TW_LOG_OK, TW_SELF, "silence %" PRId64 " of \"%s\" for %s by %s: %s",
                silence->id, pattern, tw_duration_show(length_s).text, by, *note ? note : "-");
    tw_buf_printf(said,
                  "silence %" PRId64 ": no letter about \"%s\" for %s: %zu job%s, %zu aspect%s",
                  silence->id, pattern, tw_duration_show(length_s).text, fitting.jobs,
                  fitting.jobs == 1 ? "" : "s", fitting.aspects, fitting.aspects == 1 ? "" : "s");
    if (fitting.incidents)
        tw_buf_printf(said, ", %zu of them failing now", fitting.incidents);
    return 0;
}

static void end_silence(const struct tw_hand *hand, int64_t id, const char *why)
{
    const struct tw_silence *silence = tw_silences_find(hand->silences, id);
    char *key = tw_format(KEY "%" PRId64, id);
    tw_log_line(hand->log, TW_LOG_OK, TW_SELF, "silence %" PRId64 " of \"%s\" by %s %s", id,
                silence->pattern, silence->by, why);
    if (hand->state)
        tw_state_drop_value(hand->state, key);
    tw_silences_remove(hand->silences, id);
    free(key);
}

size_t tw_hand_look(const struct tw_hand *hand, struct tw_when when)
{
    size_t ended = 0;
    const struct tw_silence *silence;
    while ((silence = tw_silences_over(hand->silences, when.now_s))) {
        end_silence(hand, silence->id, "is over");
        ended++;
    }
    return ended;
}

int tw_hand_unsilence(const struct tw_hand *hand, const char *what, const char *by,
                      struct tw_buf *said, struct tw_error *e)
{
    char *end;
    const int64_t id = strtoll(what, &end, 10);
    char *why = tw_format("was ended by %s", by);
    size_t ended = 0;
    for (size_t i = hand->silences->count; i-- > 0;) {
        const struct tw_silence *silence = &hand->silences->items[i];
        if ((*what && !*end && silence->id == id) || strcmp(silence->pattern, what) == 0) {
            end_silence(hand, silence->id, why);
            ended++;
        }
    }
    free(why);
    if (!ended)
        return tw_fail(e, "there is no silence \"%s\" (toasterctl silence lists them)", what);
    tw_buf_printf(said, "%zu silence%s ended", ended, ended == 1 ? " is" : "s are");
    return 0;
}

/* ---- acknowledgements --------------------------------------------------------------------- */

int tw_hand_ack(const struct tw_hand *hand, const char *what, const char *by, const char *note,
                struct tw_when when, struct tw_buf *said, struct tw_error *e)
{
    char *end;
    const int64_t id = strtoll(what, &end, 10);
    struct tw_aspect *aspect =
        *what && !*end ? tw_aspects_by_id(hand->aspects, id) : tw_aspects_find(hand->aspects, what);
    if (!is_clean(note, TW_SILENCE_NOTE_MAX))
        return tw_fail(e, "a note is one line of at most %d bytes", TW_SILENCE_NOTE_MAX);
    if (!aspect || !aspect->id)
        return tw_fail(e, "there is no open incident %s (toasterctl incidents lists them)", what);
    tw_aspects_ack(hand->aspects, aspect, by, note, when);
    tw_log_line(hand->log, TW_LOG_OK, aspect->name, "incident %" PRId64 " acknowledged by %s: %s",
                aspect->id, by, *note ? note : "-");
    tw_buf_printf(said,
                  "incident %" PRId64 ", %s: no reminders and no escalation; its end will be told",
                  aspect->id, aspect->name);
    return 0;
}
