/* `then`: orders, their limit and what came of them. Knows nothing of letters. */
#include "watcher/actions.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "alert/action.h"
#include "base/mem.h"
#include "kinds/wire.h"

enum { HOUR_S = 3600, REPORTS_MAX = 4 };

#define KEY "then" /* of the value in the state: a line "JOB TIME TIME TIME" each */

struct action {
    struct tw_actions *owner;
    struct action *next;
    char *job;
    int64_t times_s[TW_ACTIONS_AN_HOUR]; /* of the last orders, the newest first; 0: none */
    char *order;                         /* as it was run last */
    char *said;                          /* what came of it; NULL: nothing yet */
    int64_t said_s;
    bool running;
    struct tw_buf text; /* of the worker */
    int64_t result;
};

struct tw_actions {
    struct tw_actions_parts parts;
    struct action *first;
};

static struct action *find(const struct tw_actions *actions, const char *job)
{
    struct action *action = actions->first;
    while (action && strcmp(action->job, job) != 0)
        action = action->next;
    return action;
}

static struct action *find_or_add(struct tw_actions *actions, const char *job)
{
    struct action *action = find(actions, job);
    if (action)
        return action;
    action = tw_alloc(sizeof *action);
    action->owner = actions;
    action->job = tw_strdup(job);
    action->next = actions->first;
    actions->first = action;
    return action;
}

/* ---- the limit ---------------------------------------------------------------------------- */

static bool within_the_hour(int64_t time_s, int64_t now_s)
{
    return time_s > now_s - HOUR_S && time_s <= now_s; /* the clock may have been set back */
}

static bool is_used_up(const struct action *action, int64_t now_s)
{
    for (size_t i = 0; i < TW_ACTIONS_AN_HOUR; i++)
        if (!within_the_hour(action->times_s[i], now_s))
            return false;
    return true;
}

static void save(const struct tw_actions *actions, int64_t now_s)
{
    struct tw_buf text = {0};
    for (const struct action *action = actions->first; action; action = action->next) {
        if (!within_the_hour(action->times_s[0], now_s))
            continue;
        tw_buf_puts(&text, action->job);
        for (size_t i = 0; i < TW_ACTIONS_AN_HOUR; i++)
            tw_buf_printf(&text, " %" PRId64, action->times_s[i]);
        tw_buf_puts(&text, "\n");
    }
    tw_state_put_value(actions->parts.state, KEY, tw_buf_text(&text));
    tw_buf_free(&text);
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
    const struct tw_actions_parts *parts = &action->owner->parts;
    const bool good = outcome == TW_OUTCOME_DONE && action->result == 0;
    action->running = false;
    action->said_s = time(NULL);
    free(action->said);
    action->said = tw_format("%s: %s", action->order,
                             outcome == TW_OUTCOME_DONE ? tw_buf_text(&action->text) : detail);
    tw_buf_free(&action->text);
    tw_log_line(parts->log, good ? TW_LOG_DONE : TW_LOG_WARN, action->job, "then %s", action->said);
    if (outcome == TW_OUTCOME_CANCELLED)
        return; /* all is ending */
    struct tw_job *job = tw_jobs_find(parts->jobs, action->job);
    if (job)
        tw_jobs_ask(parts->jobs, job, NULL, NULL);
    if (parts->ended)
        parts->ended(parts->context);
}

static void begin(struct action *action, const struct tw_job *job, const char *aspect,
                  int64_t now_s)
{
    const struct tw_strings *then = &job->config->then;
    struct tw_buf order = {0};
    for (size_t i = 0; i < then->count; i++)
        tw_buf_printf(&order, "%s%s", i ? " " : "", then->items[i]);
    free(action->order);
    action->order = tw_buf_take(&order);
    action->running = true;
    memmove(action->times_s + 1, action->times_s,
            sizeof action->times_s - sizeof action->times_s[0]);
    action->times_s[0] = now_s;
    save(action->owner, now_s);
    struct tw_request request = {
        .timeout_ms = job->config->common.timeout_s * 1000,
        .alone = true,
        .reports_max = REPORTS_MAX,
        .context = action,
        .report = report,
        .ended = ended,
    };
    tw_action_put(&request.frame, then, job->name, aspect);
    tw_workers_submit(action->owner->parts.workers, &request);
}

void tw_actions_order(struct tw_actions *actions, const struct tw_job *job, const char *aspect)
{
    if (job->config->then.count == 0)
        return;
    struct action *action = find_or_add(actions, job->name);
    const int64_t now_s = time(NULL);
    if (action->running)
        return;
    if (!is_used_up(action, now_s)) {
        begin(action, job, aspect, now_s);
        return;
    }
    free(action->said);
    action->said =
        tw_format("not run, since it ran %d times within the last hour", TW_ACTIONS_AN_HOUR);
    action->said_s = now_s;
    tw_log_line(actions->parts.log, TW_LOG_WARN, job->name, "then: %s", action->said);
}

bool tw_actions_running(const struct tw_actions *actions, const char *job)
{
    const struct action *action = find(actions, job);
    return action && action->running;
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
    return actions;
}

void tw_actions_free(struct tw_actions **actions)
{
    struct tw_actions *a = *actions;
    *actions = NULL;
    for (struct action *action; a && (action = a->first);) {
        a->first = action->next;
        tw_buf_free(&action->text);
        free(action->job);
        free(action->order);
        free(action->said);
        free(action);
    }
    free(a);
}
