/* From what is to be mentioned to the text of a letter. */
#include "watcher/compose.h"

#include <stdlib.h>
#include <string.h>

#include "alert/message.h"
#include "base/mem.h"
#include "watcher/depends.h"

struct named {
    const char *key;
    bool qmail;
};

static void look_at_name(void *context, const char *key, const char *const *values, size_t count)
{
    struct named *named = context;
    if (strcmp(key, named->key) != 0 || count != 1)
        return;
    char *aspect = tw_format("process.%s", values[0]);
    named->qmail = tw_letter_about_qmail(aspect);
    free(aspect);
}

bool tw_compose_concerns_qmail(const struct tw_composer *composer, const struct tw_aspect *aspect)
{
    struct named named = {"name", tw_letter_about_qmail(aspect->name)};
    if (named.qmail || strncmp(aspect->job, "process.", 8) != 0)
        return named.qmail;
    const struct tw_job *job = tw_jobs_find(composer->jobs, aspect->job);
    if (job)
        tw_options_each(job->config->kind->options, job->config->settings, look_at_name, &named);
    return named.qmail;
}

/* While qmail is down, a letter about anything else would lie in its queue, too. */
static bool qmail_is_down(const struct tw_composer *c)
{
    for (size_t i = 0; i < tw_aspects_count(c->aspects); i++) {
        const struct tw_aspect *aspect = tw_aspects_at(c->aspects, i);
        if (tw_aspect_fails(aspect) && tw_compose_concerns_qmail(c, aspect))
            return true;
    }
    return false;
}

static char *advice_for(const struct tw_composer *c, const struct tw_aspect *aspect, bool failing)
{
    struct tw_buf text = {0};
    const struct tw_job *job = tw_jobs_find(c->jobs, aspect->job);
    if (job && failing)
        tw_jobs_advice(c->jobs, job, aspect->part, aspect->code, &text);
    else if (strcmp(aspect->name, TW_SELF "/config") == 0 && tw_aspect_fails(aspect))
        tw_buf_printf(&text, "toaster-watcher -c %s -t", c->config_file);
    return tw_buf_take(&text);
}

static char *acked_by(const struct tw_aspect *aspect)
{
    struct tw_buf text = {0};
    if (!aspect->acked_s)
        return NULL;
    tw_buf_printf(&text, "Acknowledged by %s, ", aspect->acked_by ? aspect->acked_by : "somebody");
    tw_message_time(&text, aspect->acked_s);
    if (aspect->note && *aspect->note)
        tw_buf_printf(&text, ": %s", aspect->note);
    return tw_buf_take(&text);
}

/* Those that nobody wants to hear of are not named. */
static void drop_silenced(const struct tw_composer *c, struct tw_strings *waiting, int64_t now_s)
{
    size_t kept = 0;
    for (size_t i = 0; i < waiting->count; i++) {
        char *name = tw_strndup(waiting->items[i], strcspn(waiting->items[i], ":"));
        const struct tw_aspect *aspect = tw_aspects_find(c->aspects, name);
        const bool silent = aspect && tw_aspects_silenced(c->aspects, aspect, now_s);
        free(name);
        if (silent)
            free(waiting->items[i]);
        else
            waiting->items[kept++] = waiting->items[i];
    }
    waiting->count = kept;
}

static struct tw_letter_entry describe(const struct tw_composer *c,
                                       const struct tw_mention *mention, bool any_waits,
                                       struct tw_strings *waiting, int64_t now_s)
{
    const struct tw_aspect *aspect = mention->aspect;
    const bool recovered = mention->topic == TW_TOPIC_RECOVERED;
    struct tw_letter_entry entry = {
        .aspect = aspect->name,
        .id = aspect->id,
        .recovered = recovered,
        .flapping = mention->topic == TW_TOPIC_FLAPPING || (recovered && aspect->incident.opens),
        .reminder = mention->topic == TW_TOPIC_REMINDER,
        .opens = aspect->incident.opens,
        .level = recovered ? aspect->seen : aspect->level,
        .text = aspect->text,
        .opened_s = aspect->incident.opened_s,
        .closed_s = aspect->incident.closed_s,
        .evidence = recovered ? NULL : c->proof(c->context, aspect->name),
        .advice = advice_for(c, aspect, !recovered),
        .acked = acked_by(aspect),
        .waiting = waiting,
    };
    entry.order = tw_actions_said(c->actions, aspect->job, entry.opened_s, &entry.order_s);
    if (any_waits)
        tw_depends_list(c->jobs, c->aspects, aspect->job, waiting);
    drop_silenced(c, waiting, now_s);
    return entry;
}

static bool does_any_wait(const struct tw_composer *c)
{
    for (size_t i = 0; i < tw_aspects_count(c->aspects); i++)
        if (tw_aspects_at(c->aspects, i)->waits_until_ms)
            return true;
    return false;
}

void tw_compose(const struct tw_composer *composer, const struct tw_letter *head,
                const struct tw_mention *mentions, size_t count, struct tw_when when,
                struct tw_buf *out)
{
    struct tw_letter_entry *entries = tw_alloc((count + 1) * sizeof *entries);
    struct tw_strings *waiting = tw_alloc((count + 1) * sizeof *waiting);
    const bool any_waits = does_any_wait(composer);
    for (size_t i = 0; i < count; i++)
        entries[i] = describe(composer, &mentions[i], any_waits, &waiting[i], when.now_s);
    struct tw_letter letter = *head;
    letter.entries = entries;
    letter.entry_count = count;
    letter.about_qmail = qmail_is_down(composer);
    tw_letter_write(&letter, out);
    for (size_t i = 0; i < count; i++) {
        free((char *)(uintptr_t)entries[i].advice);
        free((char *)(uintptr_t)entries[i].acked);
        tw_strings_free(&waiting[i]);
    }
    free(entries);
    free(waiting);
}
