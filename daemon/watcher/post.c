/* The way out of a letter. */
#include "watcher/post.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert/deliver.h"
#include "base/mem.h"
#include "base/units.h"
#include "kinds/wire.h"
#include "watcher/aspects.h"

enum { DELIVER_MS = 60000 };

struct tw_post {
    struct tw_loop *loop;
    struct tw_log *log;
    struct tw_workers *workers;
    struct tw_outbox *outbox;
    struct tw_timer *timer;
    const struct tw_config *config;
    const struct tw_outbox_letter *letter; /* on its way */
    size_t *order;                         /* of the transports, for this letter */
    size_t attempt;
    int64_t config_number, letter_config; /* a new configuration ends the round */
    struct tw_buf answer;
    int64_t result;
    char id[64];
    int64_t last_id_ns;
    bool started;
    tw_loop_call *idle; /* wants to know when nothing is on its way any more */
    void *idle_context;
};

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
    tw_outbox_taken(post->outbox);
    plan(post);
}

static void give_back(struct tw_post *post)
{
    const int64_t now_ms = tw_loop_now_ms(post->loop);
    tw_outbox_refused(post->outbox, now_ms);
    const int64_t wake_ms = tw_outbox_wake_ms(post->outbox, now_ms);
    tw_log_line(
        post->log, TW_LOG_WARN, TW_SELF,
        "no transport takes the letter: it waits in the outbox, next try in %s, waiting=%zu, id=%s",
        tw_duration_show((wake_ms - now_ms + 999) / 1000).text, tw_outbox_count(post->outbox),
        post->letter->id);
    post->letter = NULL;
    plan(post);
}

static int report(void *context, struct tw_frame *frame)
{
    struct tw_post *post = context;
    if (frame->type == TW_WIRE_TEXT) {
        size_t length;
        const char *bytes = tw_frame_bytes(frame, TW_WIRE_TEXT_MAX, &length);
        tw_buf_clear(&post->answer);
        tw_buf_add(&post->answer, bytes, length);
        return tw_frame_done(frame) ? 0 : -1;
    }
    if (frame->type != TW_WIRE_END)
        return -1;
    post->result = tw_frame_number(frame);
    return tw_frame_done(frame) ? 1 : -1;
}

static void ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct tw_post *post = context;
    if (outcome == TW_OUTCOME_CANCELLED)
        return;
    if (post->letter_config != post->config_number) {
        /* The transports are others now: if this one did not take it, begin anew. */
        if (outcome == TW_OUTCOME_DONE && post->result == 0) {
            finish(post, "a transport of the old configuration");
            return;
        }
        give_back(post);
        tw_post_hurry(post);
        return;
    }
    const char *via = post->config->alert.via[post->order[post->attempt]].text;
    if (outcome == TW_OUTCOME_DONE && post->result == 0) {
        finish(post, via);
        return;
    }
    tw_log_line(post->log, TW_LOG_WARN, TW_SELF, "%s did not take the letter: %s, id=%s", via,
                outcome == TW_OUTCOME_DONE ? tw_buf_text(&post->answer) : detail, post->letter->id);
    post->attempt++;
    try_next(post);
}

static void try_next(struct tw_post *post)
{
    if (post->attempt >= post->config->alert.via_count || !post->started) {
        give_back(post);
        return;
    }
    struct tw_request request = {
        .timeout_ms = DELIVER_MS,
        .alone = true, /* a Maildir's owner is who it becomes, for good */
        .reports_max = 4,
        .context = post,
        .report = report,
        .ended = ended,
    };
    const struct tw_alert_config *alert = &post->config->alert;
    post->result = -1;
    tw_buf_clear(&post->answer);
    tw_deliver_put(&request.frame, &alert->via[post->order[post->attempt]], &alert->to,
                   post->config->hostname, post->letter->text, post->letter->length);
    tw_workers_submit(post->workers, &request);
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
    const struct tw_alert_config *alert = &post->config->alert;
    post->order = tw_realloc_array(post->order, alert->via_count, sizeof *post->order);
    tw_transport_order(alert->via, alert->via_count, post->letter->about_qmail, post->order);
    post->letter_config = post->config_number;
    post->attempt = 0;
    try_next(post);
}

/* ---- the outside -------------------------------------------------------------------------- */

void tw_post_add(struct tw_post *post, const char *id, const char *text, size_t length)
{
    tw_outbox_add(post->outbox, id, text, length);
    if (post->started && !post->letter)
        plan(post);
}

void tw_post_restore(struct tw_post *post, const char *id, const char *text, size_t length)
{
    tw_outbox_load(post->outbox, id, text, length);
}

void tw_post_hurry(struct tw_post *post)
{
    tw_outbox_hurry(post->outbox);
    if (post->started && !post->letter)
        plan(post);
}

size_t tw_post_waiting(const struct tw_post *post)
{
    return tw_outbox_count(post->outbox);
}

void tw_post_configure(struct tw_post *post, const struct tw_config *config)
{
    post->config = config;
    post->config_number++;
    tw_post_hurry(post);
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
                            struct tw_workers *workers)
{
    struct tw_post *post = tw_alloc(sizeof *post);
    post->loop = loop;
    post->log = log;
    post->workers = workers;
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
    tw_buf_free(&(*post)->answer);
    free((*post)->order);
    free(*post);
    *post = NULL;
}
