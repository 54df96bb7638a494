/* `then`: orders, their limit and what came of them. Knows nothing of letters. */
#include "watcher/actions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/action.h"
#include "base/mem.h"
#include "kinds/wire.h"

enum {
    HOUR_S = 3600,
    REPORTS_MAX = 4,
    LOOK_S = 60,        /* how often what is put off is looked at */
    AT_ONCE = 4,        /* orders of all jobs that run at the same time */
    PATIENCE_MS = 60000 /* so long a letter waits for an order */
};

#define KEY "then" /* of the value in the state: a line "JOB TIME TIME TIME SAID_AT SAID" each */

struct action {
    struct tw_actions *owner;
    char *job;
    int64_t times_s[TW_ACTIONS_AN_HOUR]; /* of the last orders, the newest first; 0: none */
    char *order;                         /* as it was run last */
    char *said;                          /* what came of it; NULL: nothing yet */
    int64_t said_s;
    int64_t due_from_ms; /* since when it runs, or waits for its turn; 0: neither */
    bool running;
    char *aspect;       /* for which it is due next; NULL: for none */
    bool surely;        /* it is not to be passed over where the hour's number is reached */
    bool told_off;      /* that it is put off has been said */
    struct tw_buf text; /* of the worker */
    int64_t result;
};

struct tw_actions {
    struct tw_actions_parts parts;
    struct tw_timer *timer;
    struct action **items; /* sorted by job */
    size_t count;
    size_t running;
    bool changed; /* since the last save */
    bool stopped;
};

/* The index of the first action whose job is not less. */
static size_t position(const struct tw_actions *actions, const char *job)
{
    size_t low = 0, high = actions->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (strcmp(actions->items[middle]->job, job) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct action *find(const struct tw_actions *actions, const char *job)
{
    const size_t at = position(actions, job);
    return at < actions->count && strcmp(actions->items[at]->job, job) == 0 ? actions->items[at]
                                                                            : NULL;
}

static struct action *find_or_add(struct tw_actions *actions, const char *job)
{
    struct action *action = find(actions, job);
    if (action)
        return action;
    action = tw_alloc(sizeof *action);
    action->owner = actions;
    action->job = tw_strdup(job);
    const size_t at = position(actions, job);
    actions->items = tw_realloc_array(actions->items, actions->count + 1, sizeof *actions->items);
    memmove(actions->items + at + 1, actions->items + at,
            (actions->count - at) * sizeof *actions->items);
    actions->items[at] = action;
    actions->count++;
    return action;
}

/* ---- the limit ---------------------------------------------------------------------------- */

static bool within_the_hour(int64_t time_s, int64_t now_s)
{
    return time_s > now_s - HOUR_S && time_s <= now_s; /* the clock may have been set back */
}

/* Seconds until the hour allows one more; 0: now. */
static int64_t used_up_s(const struct action *action, int64_t now_s)
{
    for (size_t i = 0; i < TW_ACTIONS_AN_HOUR; i++)
        if (!within_the_hour(action->times_s[i], now_s))
            return 0;
    return action->times_s[TW_ACTIONS_AN_HOUR - 1] + HOUR_S - now_s;
}

/* One line, whatever a program said. */
static void add_said(struct tw_buf *out, const char *said)
{
    for (; *said; said++)
        tw_buf_add(out, (unsigned char)*said < 0x20 ? " " : said, 1);
}

static void save(struct tw_actions *actions)
{
    const int64_t now_s = time(NULL);
    struct tw_buf text = {0};
    for (size_t k = 0; k < actions->count; k++) {
        const struct action *action = actions->items[k];
        if (!within_the_hour(action->times_s[0], now_s))
            continue;
        tw_buf_puts(&text, action->job);
        for (size_t i = 0; i < TW_ACTIONS_AN_HOUR; i++)
            tw_buf_printf(&text, " %" PRId64, action->times_s[i]);
        tw_buf_printf(&text, " %" PRId64 " ", action->said_s);
        add_said(&text, action->said ? action->said : "");
        tw_buf_puts(&text, "\n");
    }
    tw_state_put_value(actions->parts.state, KEY, tw_buf_text(&text));
    tw_buf_free(&text);
    actions->changed = false;
}

static void restore_line(struct tw_actions *actions, const char *line, size_t length)
{
    char *copy = tw_strndup(line, length);
    char *at = strchr(copy, ' ');
    if (at) {
        *at++ = '\0';
        struct action *action = find_or_add(actions, copy);
        for (size_t i = 0; i < TW_ACTIONS_AN_HOUR; i++)
            action->times_s[i] = strtoll(at, &at, 10);
        action->said_s = strtoll(at, &at, 10);
        free(action->said);
        action->said = action->said_s && at[0] == ' ' && at[1] ? tw_strdup(at + 1) : NULL;
    }
    free(copy);
}

void tw_actions_restore_value(struct tw_actions *actions, const char *key, const char *value)
{
    if (strcmp(key, KEY) != 0)
        return;
    for (const char *line = value; *line;) {
        const size_t length = strcspn(line, "\n");
        restore_line(actions, line, length);
        line += length + (line[length] == '\n');
    }
}

/* ---- an order ----------------------------------------------------------------------------- */

static void wake(struct tw_actions *actions, int64_t in_ms)
{
    if (!tw_timer_active(actions->timer) || in_ms == 0)
        tw_timer_set(actions->timer, in_ms);
}

static void say(struct action *action, char *said)
{
    free(action->said);
    action->said = said;
    action->said_s = time(NULL);
    action->owner->changed = true;
    wake(action->owner, 0);
}

static int report(void *context, struct tw_frame *frame)
{
    struct action *action = context;
    struct tw_sink none = {0};
    if (frame->type != TW_WIRE_TEXT && frame->type != TW_WIRE_END)
        return -1;
    return tw_wire_report(frame, &none, &action->text, &action->result);
}

static void ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct action *action = context;
    struct tw_actions *actions = action->owner;
    const struct tw_actions_parts *parts = &actions->parts;
    const bool good = outcome == TW_OUTCOME_DONE && action->result == 0;
    action->running = false;
    action->due_from_ms = 0;
    actions->running--;
    say(action, tw_format("%s: %s", action->order,
                          outcome == TW_OUTCOME_DONE ? tw_buf_text(&action->text) : detail));
    tw_buf_free(&action->text);
    tw_log_line(parts->log, good ? TW_LOG_DONE : TW_LOG_WARN, action->job, "then %s", action->said);
    if (actions->stopped) /* there will be no further tick */
        save(actions);
    if (outcome == TW_OUTCOME_CANCELLED)
        return;
    if (parts->ended)
        parts->ended(parts->context, action->job);
}

static void begin(struct action *action, const struct tw_job *job, int64_t now_s)
{
    struct tw_actions *actions = action->owner;
    const struct tw_strings *then = &job->config->then;
    struct tw_buf order = {0};
    for (size_t i = 0; i < then->count; i++)
        tw_buf_printf(&order, "%s%s", i ? " " : "", then->items[i]);
    free(action->order);
    action->order = tw_buf_take(&order);
    action->running = true;
    action->told_off = false;
    actions->running++;
    memmove(action->times_s + 1, action->times_s,
            sizeof action->times_s - sizeof action->times_s[0]);
    action->times_s[0] = now_s;
    actions->changed = true;
    struct tw_request request = {
        .timeout_ms = job->config->common.timeout_s * 1000,
        .alone = true,
        .stuck_max = AT_ONCE,
        .reports_max = REPORTS_MAX,
        .context = action,
        .report = report,
        .ended = ended,
    };
    tw_action_put(&request.frame, then, job->name, action->aspect);
    tw_workers_submit(actions->parts.workers, &request);
    free(action->aspect);
    action->aspect = NULL;
}

static void pass_over(struct action *action)
{
    free(action->aspect);
    action->aspect = NULL;
    action->due_from_ms = 0;
}

/* The hour's number is reached: said once; what must surely be told waits until there is room. */
static void put_off(struct action *action, int64_t left_s)
{
    struct tw_actions *actions = action->owner;
    const char *what = action->surely ? "put off" : "not run";
    char *said =
        tw_format("%s, since it ran %d times within the last hour", what, TW_ACTIONS_AN_HOUR);
    const bool told = action->told_off && action->surely;
    if (!told)
        tw_log_line(actions->parts.log, TW_LOG_WARN, action->job, "then: %s", said);
    action->told_off = true;
    action->due_from_ms = 0;
    if (told)
        free(said);
    else
        say(action, said);
    if (!action->surely)
        pass_over(action);
    else
        wake(actions, (left_s < LOOK_S ? left_s : LOOK_S) * 1000);
}

static void consider(struct action *action, int64_t now_s)
{
    const struct tw_actions *actions = action->owner;
    const struct tw_job *job = tw_jobs_find(actions->parts.jobs, action->job);
    const int64_t left_s = used_up_s(action, now_s);
    if (!job || job->config->then.count == 0)
        pass_over(action);
    else if (left_s > 0)
        put_off(action, left_s);
    else
        begin(action, job, now_s);
}

/* Begins what is due, a few at a time, and saves what has changed. */
static void tick(void *context)
{
    struct tw_actions *actions = context;
    const int64_t now_s = time(NULL);
    for (size_t i = 0; i < actions->count && actions->running < AT_ONCE && !actions->stopped; i++)
        if (actions->items[i]->aspect && !actions->items[i]->running)
            consider(actions->items[i], now_s);
    if (actions->changed)
        save(actions);
}

void tw_actions_order(struct tw_actions *actions, const struct tw_job *job, const char *aspect,
                      bool surely)
{
    if (job->config->then.count == 0)
        return;
    struct action *action = find_or_add(actions, job->name);
    if (action->running && !surely)
        return; /* one order for all that fails meanwhile */
    if (!action->aspect) {
        action->aspect = tw_strdup(aspect);
        action->surely = false;
    }
    action->surely = action->surely || surely;
    if (!action->running)
        action->due_from_ms = tw_loop_now_ms(actions->parts.loop);
    wake(actions, 0);
}

bool tw_actions_pending(const struct tw_actions *actions, const char *job, int64_t now_ms)
{
    const struct action *action = find(actions, job);
    return action && action->due_from_ms && now_ms - action->due_from_ms < PATIENCE_MS;
}

void tw_actions_stop(struct tw_actions *actions)
{
    actions->stopped = true;
}

bool tw_actions_busy(const struct tw_actions *actions)
{
    return actions->running > 0;
}

const char *tw_actions_said(const struct tw_actions *actions, const char *job, int64_t since_s,
                            int64_t *when_s)
{
    const struct action *action = find(actions, job);
    if (!action || !action->said || action->said_s < since_s)
        return NULL;
    *when_s = action->said_s;
    return action->said;
}

/* ---- begin and end ------------------------------------------------------------------------ */

struct tw_actions *tw_actions_new(const struct tw_actions_parts *parts)
{
    struct tw_actions *actions = tw_alloc(sizeof *actions);
    actions->parts = *parts;
    actions->timer = tw_timer_new(parts->loop, tick, actions);
    return actions;
}

void tw_actions_free(struct tw_actions **actions)
{
    struct tw_actions *a = *actions;
    *actions = NULL;
    if (!a)
        return;
    for (size_t i = 0; i < a->count; i++) {
        struct action *action = a->items[i];
        tw_buf_free(&action->text);
        free(action->job);
        free(action->order);
        free(action->said);
        free(action->aspect);
        free(action);
    }
    tw_timer_free(&a->timer);
    free(a->items);
    free(a);
}
