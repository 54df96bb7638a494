/* The way out of a letter. */
#include "watcher/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/units.h"
#include "watcher/aspects.h"
#include "watcher/delivery.h"

struct tw_post {
    struct tw_loop *loop;
    struct tw_log *log;
    struct tw_workers *workers;
    struct tw_outbox *outbox;
    struct tw_timer *timer;
    const struct tw_config *config;
    enum tw_route route;
    const struct tw_outbox_letter *letter; /* on its way */
    size_t *order;                         /* of the transports, for this letter */
    size_t attempt;
    char refused_id[64];    /* the letter that some transports will not be asked to take again */
    bool *refused;          /* which, in the order of the configuration */
    char left_id[64];       /* the letter that some have got already */
    struct tw_strings left; /* and who has not */
    int64_t config_number, letter_config; /* a new configuration ends the round */
    char id[64];
    int64_t last_id_ns;
    bool started;
    tw_loop_call *idle; /* wants to know when nothing is on its way any more */
    void *idle_context;
};

static const struct tw_via *via_of(const struct tw_post *post)
{
    const struct tw_alert_config *alert = &post->config->alert;
    return post->route == TW_ROUTE_ESCALATE ? &alert->escalate : &alert->via;
}

static void pump(void *context);
static void try_next(struct tw_post *post);

/* ---- ids ---------------------------------------------------------------------------------- */

struct tw_letter tw_post_head(struct tw_post *post)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (ns <= post->last_id_ns)
        ns = post->last_id_ns + 1;
    post->last_id_ns = ns;
    snprintf(post->id, sizeof post->id, "%010lld.%09lld.%d", (long long)(ns / 1000000000),
             (long long)(ns % 1000000000), getpid());
    return (struct tw_letter){
        .host = post->config->hostname,
        .from = post->config->postmaster,
        .to = &post->config->alert.to,
        .id = post->id,
        .now_s = now.tv_sec,
    };
}

/* ---- one attempt -------------------------------------------------------------------------- */

static void plan(struct tw_post *post)
{
    if (!post->started) {
        if (post->idle)
            post->idle(post->idle_context);
        return;
    }
    const int64_t now_ms = tw_loop_now_ms(post->loop);
    const int64_t wake_ms = tw_outbox_wake_ms(post->outbox, now_ms);
    if (post->letter || wake_ms < 0)
        tw_timer_stop(post->timer);
    else
        tw_timer_set(post->timer, wake_ms > now_ms ? wake_ms - now_ms : 0);
}

static void finish(struct tw_post *post, const char *via)
{
    struct tw_buf subject = {0};
    tw_letter_header(post->letter->text, post->letter->length, "Subject", &subject);
    tw_log_line(post->log, TW_LOG_MAIL, TW_SELF, "%s, via %s, id=%s", tw_buf_text(&subject), via,
                post->letter->id);
    tw_buf_free(&subject);
    post->letter = NULL;
    tw_outbox_taken(post->outbox, tw_loop_now_ms(post->loop));
    plan(post);
}

static bool was_refused(const struct tw_post *post, size_t index)
{
    return strcmp(post->refused_id, post->letter->id) == 0 && post->refused[index];
}

static bool all_refused(const struct tw_post *post)
{
    const size_t count = via_of(post)->count;
    size_t refused = 0;
    while (refused < count && was_refused(post, refused))
        refused++;
    return count > 0 && refused == count;
}

static void give_back(struct tw_post *post)
{
    const int64_t now_ms = tw_loop_now_ms(post->loop);
    const bool for_good = all_refused(post);
    if (for_good)
        tw_outbox_hold(post->outbox);
    else
        tw_outbox_refused(post->outbox, now_ms);
    const int64_t wake_ms = tw_outbox_wake_ms(post->outbox, now_ms);
    if (for_good)
        tw_log_line(post->log, TW_LOG_FAIL, TW_SELF,
                    "every transport refuses the letter for good: it stays in the outbox, and is "
                    "offered again after svc -h or -a, waiting=%zu, id=%s",
                    tw_outbox_count(post->outbox), post->letter->id);
    else
        tw_log_line(post->log, TW_LOG_WARN, TW_SELF,
                    "no transport takes the letter: it waits in the outbox, next try in %s, "
                    "waiting=%zu, id=%s",
                    tw_duration_show((wake_ms - now_ms + 999) / 1000).text,
                    tw_outbox_count(post->outbox), post->letter->id);
    post->letter = NULL;
    plan(post);
}

static void note_refusal(struct tw_post *post, size_t index)
{
    const size_t count = via_of(post)->count;
    if (strcmp(post->refused_id, post->letter->id) != 0) {
        snprintf(post->refused_id, sizeof post->refused_id, "%s", post->letter->id);
        post->refused = tw_realloc_array(post->refused, count, sizeof *post->refused);
        memset(post->refused, 0, count * sizeof *post->refused);
    }
    post->refused[index] = true;
}

/* Keeps the addresses of the first line; the sentence behind it. */
static const char *note_left(struct tw_post *post, const char *why)
{
    const char *end = why + strcspn(why, "\n");
    tw_strings_free(&post->left);
    snprintf(post->left_id, sizeof post->left_id, "%s", post->letter->id);
    for (const char *at = why; at < end;) {
        const size_t length = strcspn(at, " \n");
        char *address = tw_strndup(at, length);
        if (*address)
            tw_strings_add(&post->left, address);
        free(address);
        at += length + 1;
    }
    return *end ? end + 1 : end;
}

static void ended(void *context, enum tw_delivery result, const char *why)
{
    struct tw_post *post = context;
    if (post->letter_config != post->config_number) {
        /* The transports are others now: if this one did not take it, begin anew. */
        if (result == TW_DELIVERY_TAKEN) {
            finish(post, "a transport of the old configuration");
            return;
        }
        give_back(post);
        tw_post_hurry(post);
        return;
    }
    const size_t index = post->order[post->attempt];
    const char *via = via_of(post)->items[index].shown;
    if (result == TW_DELIVERY_TAKEN) {
        if (*why)
            tw_log_line(post->log, TW_LOG_WARN, TW_SELF, "%s took the letter, but %s, id=%s", via,
                        why, post->letter->id);
        finish(post, via);
        return;
    }
    if (result == TW_DELIVERY_PARTLY) {
        tw_log_line(post->log, TW_LOG_WARN, TW_SELF,
                    "%s took the letter, but %s: it is tried again for those, id=%s", via,
                    note_left(post, why), post->letter->id);
    } else if (result == TW_DELIVERY_REFUSED) {
        note_refusal(post, index);
        tw_log_line(post->log, TW_LOG_FAIL, TW_SELF,
                    "%s refuses the letter, and is not asked again to take it: %s, id=%s", via, why,
                    post->letter->id);
    } else {
        tw_log_line(post->log, TW_LOG_WARN, TW_SELF, "%s did not take the letter: %s, id=%s", via,
                    why, post->letter->id);
    }
    post->attempt++;
    try_next(post);
}

static void try_next(struct tw_post *post)
{
    const struct tw_via *via = via_of(post);
    while (post->attempt < via->count && was_refused(post, post->order[post->attempt]))
        post->attempt++;
    if (post->attempt >= via->count || !post->started) {
        give_back(post);
        return;
    }
    const bool some = strcmp(post->left_id, post->letter->id) == 0 && post->left.count;
    tw_delivery_begin(post->workers, post->config, &via->items[post->order[post->attempt]],
                      some ? &post->left : NULL, post->letter->text, post->letter->length, ended,
                      post);
}

static void pump(void *context)
{
    struct tw_post *post = context;
    if (!post->started || post->letter)
        return;
    const struct tw_letter head = tw_post_head(post);
    post->letter = tw_outbox_next(post->outbox, tw_loop_now_ms(post->loop), &head);
    if (!post->letter) {
        plan(post);
        return;
    }
    const struct tw_via *via = via_of(post);
    post->order = tw_realloc_array(post->order, via->count + 1, sizeof *post->order);
    tw_transport_order(via, post->letter->about_qmail, post->order);
    post->letter_config = post->config_number;
    post->attempt = 0;
    try_next(post);
}

/* ---- the outside -------------------------------------------------------------------------- */

void tw_post_add(struct tw_post *post, const char *id, const char *text, size_t length)
{
    tw_outbox_add(post->outbox, id, text, length, tw_loop_now_ms(post->loop));
    if (post->started && !post->letter)
        plan(post);
}

void tw_post_restore(struct tw_post *post, const char *id, const char *text, size_t length)
{
    tw_outbox_load(post->outbox, id, text, length);
}

void tw_post_hurry(struct tw_post *post)
{
    post->refused_id[0] = '\0'; /* whoever asks for that may have mended something */
    tw_outbox_hurry(post->outbox);
    if (post->started && !post->letter)
        plan(post);
}

size_t tw_post_waiting(const struct tw_post *post)
{
    return tw_outbox_count(post->outbox);
}

size_t tw_post_stuck(const struct tw_post *post)
{
    return tw_outbox_stuck(post->outbox);
}

void tw_post_configure(struct tw_post *post, const struct tw_config *config)
{
    post->config = config;
    post->config_number++;
    tw_post_hurry(post);
}

void tw_post_move(struct tw_post *from, struct tw_post *to)
{
    if (tw_outbox_move(from->outbox, to->outbox) && to->started && !to->letter)
        plan(to);
}

bool tw_post_refused(const struct tw_post *post)
{
    return tw_outbox_is_held(post->outbox);
}

bool tw_post_busy(const struct tw_post *post)
{
    return post->letter != NULL;
}

void tw_post_stop(struct tw_post *post, tw_loop_call *idle, void *context)
{
    post->started = false;
    post->idle = idle;
    post->idle_context = context;
}

void tw_post_start(struct tw_post *post)
{
    post->started = true;
    plan(post);
}

struct tw_post *tw_post_new(struct tw_loop *loop, struct tw_log *log, struct tw_state *state,
                            struct tw_workers *workers, enum tw_route route)
{
    struct tw_post *post = tw_alloc(sizeof *post);
    post->loop = loop;
    post->log = log;
    post->workers = workers;
    post->route = route;
    post->outbox = tw_outbox_new(state);
    post->timer = tw_timer_new(loop, pump, post);
    return post;
}

void tw_post_free(struct tw_post **post)
{
    if (!*post)
        return;
    tw_timer_free(&(*post)->timer);
    tw_outbox_free(&(*post)->outbox);
    free((*post)->order);
    free((*post)->refused);
    tw_strings_free(&(*post)->left);
    free(*post);
    *post = NULL;
}
