/* The verb test-alert: one letter by every transport there is, each tried by a toaster-worker of
 * our own, with or without a daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert/deliver.h"
#include "alert/letter.h"
#include "base/escape.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "kinds/wire.h"
#include "watcher/loop.h"
#include "watcher/worker.h"

enum { DELIVER_MS = 60000 };

struct attempt {
    struct tw_loop *loop;
    struct tw_buf why;
    int64_t result; /* enum tw_delivery; -1: the worker did not say */
};

static int on_report(void *context, struct tw_frame *frame)
{
    struct attempt *attempt = context;
    const struct tw_sink none = {0};
    if (frame->type != TW_WIRE_TEXT && frame->type != TW_WIRE_END)
        return -1;
    return tw_wire_report(frame, &none, &attempt->why, &attempt->result);
}

static void on_ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct attempt *attempt = context;
    if (outcome != TW_OUTCOME_DONE) {
        attempt->result = -1;
        tw_buf_clear(&attempt->why);
        tw_buf_puts(&attempt->why, detail);
    }
    tw_loop_stop(attempt->loop);
}

/* True: taken. */
static bool try_one(const struct ctl *ctl, struct attempt *attempt, struct tw_workers *workers,
                    const struct tw_transport_config *transport, const struct tw_buf *letter)
{
    const struct tw_alert_config *alert = &ctl->config->alert;
    const struct tw_transport_needs needs = {&alert->to, ctl->config->hostname, alert->passwords,
                                             alert->ca_file};
    struct tw_request request = {.timeout_ms = DELIVER_MS,
                                 .alone = true,
                                 .reports_max = 4,
                                 .context = attempt,
                                 .report = on_report,
                                 .ended = on_ended};
    attempt->result = -1;
    tw_buf_clear(&attempt->why);
    tw_deliver_put(&request.frame, transport, &needs, tw_buf_text(letter), letter->len);
    tw_workers_submit(workers, &request);
    tw_loop_run(attempt->loop);
    const bool taken = attempt->result == TW_DELIVERY_TAKEN;
    char *why = tw_escape_new(tw_buf_text(&attempt->why), TW_ESCAPE_LINE, 0);
    printf("%-6s  %s%s%s\n", taken ? "ok" : "FAILED", transport->shown, *why ? ": " : "", why);
    fflush(stdout);
    free(why);
    return taken;
}

static void write_test(const struct ctl *ctl, int number, struct tw_buf *out)
{
    char *id = tw_format("%lld.test%d.%d", (long long)time(NULL), number, (int)getpid());
    const struct tw_letter letter = {.host = ctl->config->hostname,
                                     .from = ctl->config->postmaster,
                                     .to = &ctl->config->alert.to,
                                     .id = id,
                                     .now_s = time(NULL)};
    tw_letter_write_test(&letter, out);
    free(id);
}

static bool try_all(const struct ctl *ctl, const struct tw_via *via, struct attempt *attempt,
                    struct tw_workers *workers)
{
    bool all = true;
    for (size_t i = 0; i < via->count; i++) {
        struct tw_buf letter = {0};
        write_test(ctl, (int)i + 1, &letter);
        all = try_one(ctl, attempt, workers, &via->items[i], &letter) && all;
        tw_buf_free(&letter);
    }
    return all;
}

/* The heartbeat's URL, as a transport. */
static bool try_heartbeat(const struct ctl *ctl, struct attempt *attempt,
                          struct tw_workers *workers)
{
    struct tw_transport_config ping = {.type = TW_TRANSPORT_PING};
    const struct tw_buf nothing = {0};
    struct tw_error e;
    if (!ctl->config->heartbeat.url)
        return true;
    bool taken = false;
    if (tw_hook_parse(ctl->config->heartbeat.url, &ping.host, &ping.shown, &e) == 0) {
        ping.text = tw_strdup(ctl->config->heartbeat.url);
        taken = try_one(ctl, attempt, workers, &ping, &nothing);
    }
    tw_transport_clear(&ping);
    return taken;
}

int ctl_test_alert(const struct ctl *ctl)
{
    const struct tw_alert_config *alert = &ctl->config->alert;
    if (ctl->arguments[0]) {
        ctl_complain("test-alert takes no argument");
        return CTL_USAGE;
    }
    if (alert->via.count == 0)
        ctl_complain("alert.via is empty: NO LETTER CAN BE SENT");
    struct attempt attempt = {.loop = tw_loop_new()};
    if (!attempt.loop) {
        ctl_complain("cannot make an event loop");
        return CTL_SYSTEM;
    }
    char *program = tw_workers_find_program();
    struct tw_workers *workers = tw_workers_new(attempt.loop, program, 1);
    bool all = try_all(ctl, &alert->via, &attempt, workers) && alert->via.count > 0;
    all = try_all(ctl, &alert->escalate, &attempt, workers) && all;
    all = try_heartbeat(ctl, &attempt, workers) && all;
    tw_workers_free(&workers);
    tw_loop_free(&attempt.loop);
    tw_buf_free(&attempt.why);
    free(program);
    return all ? CTL_OK : CTL_FAILED;
}
