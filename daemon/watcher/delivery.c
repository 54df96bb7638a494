/* One attempt to hand something to one transport. */
#include "watcher/delivery.h"

#include <stdlib.h>

#include "alert/deliver.h"
#include "base/mem.h"
#include "kinds/wire.h"

enum { DELIVER_MS = 60000, REPORTS_MAX = 4 };

struct delivery {
    tw_delivered *done;
    void *context;
    struct tw_buf why;
    int64_t result;
};

static int report(void *context, struct tw_frame *frame)
{
    struct delivery *d = context;
    const struct tw_sink none = {0};
    if (frame->type != TW_WIRE_TEXT && frame->type != TW_WIRE_END)
        return -1;
    return tw_wire_report(frame, &none, &d->why, &d->result);
}

static void ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct delivery *d = context;
    const bool sane = d->result >= TW_DELIVERY_TAKEN && d->result <= TW_DELIVERY_REFUSED;
    if (outcome == TW_OUTCOME_DONE && sane)
        d->done(d->context, (enum tw_delivery)d->result, tw_buf_text(&d->why));
    else if (outcome != TW_OUTCOME_CANCELLED)
        d->done(d->context, TW_DELIVERY_NOT_NOW, detail);
    tw_buf_free(&d->why);
    free(d);
}

void tw_delivery_begin(struct tw_workers *workers, const struct tw_config *config,
                       const struct tw_transport_config *transport, const struct tw_strings *to,
                       const char *text, size_t length, tw_delivered *done, void *context)
{
    const struct tw_alert_config *alert = &config->alert;
    const struct tw_transport_needs needs = {to ? to : &alert->to, config->hostname,
                                             alert->passwords, alert->ca_file};
    struct delivery *d = tw_alloc(sizeof *d);
    *d = (struct delivery){.done = done, .context = context, .result = -1};
    struct tw_request request = {
        .timeout_ms = DELIVER_MS,
        .alone = true, /* it becomes somebody else, for good */
        .reports_max = REPORTS_MAX,
        .context = d,
        .report = report,
        .ended = ended,
    };
    tw_deliver_put(&request.frame, transport, &needs, text, length);
    tw_workers_submit(workers, &request);
}
