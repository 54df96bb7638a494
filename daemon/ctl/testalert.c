/* The verb test-alert: one letter by every transport there is, each tried by a toaster-worker of
 * our own, with or without a daemon. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "alert/letter.h"
#include "base/escape.h"
#include "base/mem.h"
#include "ctl/ctl.h"
#include "ctl/json.h"
#include "ctl/term.h"
#include "watcher/delivery.h"
#include "watcher/loop.h"
#include "watcher/worker.h"

struct attempt {
    struct tw_loop *loop;
    const struct tw_transport_config *transport;
    bool json, taken;
    size_t count; /* of those that were tried */
    struct ctl_progress progress;
};

static void print_attempt(const struct attempt *attempt, const char *why)
{
    char *clean = tw_escape_new(why, TW_ESCAPE_LINE, 0);
    printf("%s%-6s%s  %s%s%s\n", ctl_colour(attempt->taken ? CTL_GREEN : CTL_RED),
           attempt->taken ? "ok" : "FAILED", ctl_colour(CTL_PLAIN), attempt->transport->shown,
           *clean ? ": " : "", clean);
    free(clean);
}

static void print_object(const struct attempt *attempt, const char *why)
{
    struct tw_buf out = {0};
    tw_buf_puts(&out, attempt->count ? ",\n {" : "\n {");
    ctl_json_text(&out, "transport", attempt->transport->shown);
    ctl_json_text(&out, "state", attempt->taken ? "ok" : "fail");
    ctl_json_text(&out, "text", why);
    tw_buf_puts(&out, "}");
    fputs(tw_buf_text(&out), stdout);
    tw_buf_free(&out);
}

static void on_end(void *context, enum tw_delivery result, const char *why)
{
    struct attempt *attempt = context;
    /* Of those that are left the reason says enough. */
    const char *reason =
        result == TW_DELIVERY_PARTLY && strchr(why, '\n') ? strchr(why, '\n') + 1 : why;
    attempt->taken = result == TW_DELIVERY_TAKEN || result == TW_DELIVERY_PARTLY;
    ctl_progress_clear(&attempt->progress);
    if (attempt->json)
        print_object(attempt, reason);
    else
        print_attempt(attempt, reason);
    fflush(stdout);
    attempt->count++;
    tw_loop_stop(attempt->loop);
}

/* True: taken. */
static bool try_one(const struct ctl *ctl, struct attempt *attempt, struct tw_workers *workers,
                    const struct tw_transport_config *transport, const struct tw_buf *letter)
{
    attempt->transport = transport;
    tw_delivery_begin(workers, ctl->config, transport, NULL, tw_buf_text(letter), letter->len,
                      on_end, attempt);
    ctl_progress_begin(&attempt->progress, "%s", transport->shown);
    ctl_progress_on(&attempt->progress, attempt->loop);
    tw_loop_run(attempt->loop);
    ctl_progress_end(&attempt->progress);
    return attempt->taken;
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
    if (alert->via.count == 0)
        ctl_complain("cannot send any letter: alert.via of %s is empty: NO LETTER CAN BE SENT",
                     ctl->config->file);
    struct attempt attempt = {.loop = tw_loop_new(), .json = ctl->json};
    if (!attempt.loop) {
        ctl_complain("cannot make an event loop");
        return CTL_SYSTEM;
    }
    char *program = tw_workers_find_program();
    struct tw_workers *workers = tw_workers_new(attempt.loop, program, 1);
    if (ctl->json)
        printf("[");
    bool all = try_all(ctl, &alert->via, &attempt, workers) && alert->via.count > 0;
    all = try_all(ctl, &alert->escalate, &attempt, workers) && all;
    all = try_heartbeat(ctl, &attempt, workers) && all;
    if (ctl->json)
        printf(attempt.count ? "\n]\n" : "]\n");
    tw_workers_free(&workers);
    tw_loop_free(&attempt.loop);
    free(program);
    return all ? CTL_OK : CTL_FAILED;
}
