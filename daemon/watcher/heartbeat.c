/* The dead man's switch. What is not sent in time is seen there; here it is a warning, since mail
 * need not be concerned. */
#include "watcher/heartbeat.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "watcher/delivery.h"

struct tw_heartbeat {
    struct tw_heartbeat_parts parts;
    const struct tw_config *config;
    struct tw_timer *timer;
    struct tw_transport_config ping;
    bool under_way;
};

static void say(const struct tw_heartbeat *h, enum tw_level level, const char *code,
                const char *text)
{
    tw_aspects_self(h->parts.aspects, "heartbeat", level, code, text,
                    (struct tw_when){time(NULL), tw_loop_now_ms(h->parts.loop)});
}

static void ended(void *context, enum tw_delivery result, const char *why)
{
    struct tw_heartbeat *h = context;
    h->under_way = false;
    if (!h->config->heartbeat.url)
        return; /* nobody wants it any more */
    if (result == TW_DELIVERY_TAKEN)
        say(h, TW_LEVEL_OK, "ok", "sent");
    else
        say(h, TW_LEVEL_WARN, "not-sent", why);
}

static void beat(void *context)
{
    struct tw_heartbeat *h = context;
    struct tw_buf why = {0};
    tw_timer_set(h->timer, h->config->heartbeat.every_s * 1000);
    if (h->parts.sick(h->parts.context, &why)) {
        char *text = tw_format("no sign of life is sent: %s", tw_buf_text(&why));
        say(h, TW_LEVEL_WARN, "sick", text);
        free(text);
    } else if (!h->under_way) {
        h->under_way = true;
        tw_delivery_begin(h->parts.workers, h->config, &h->ping, NULL, "", 0, ended, h);
    }
    tw_buf_free(&why);
}

struct tw_heartbeat *tw_heartbeat_new(const struct tw_heartbeat_parts *parts)
{
    struct tw_heartbeat *heartbeat = tw_alloc(sizeof *heartbeat);
    heartbeat->parts = *parts;
    heartbeat->timer = tw_timer_new(parts->loop, beat, heartbeat);
    return heartbeat;
}

void tw_heartbeat_free(struct tw_heartbeat **heartbeat)
{
    struct tw_heartbeat *h = *heartbeat;
    *heartbeat = NULL;
    if (!h)
        return;
    tw_timer_free(&h->timer);
    tw_transport_clear(&h->ping);
    free(h);
}

void tw_heartbeat_configure(struct tw_heartbeat *heartbeat, const struct tw_config *config)
{
    const char *url = config->heartbeat.url;
    const bool same = url && heartbeat->ping.text && strcmp(url, heartbeat->ping.text) == 0;
    struct tw_error e;
    heartbeat->config = config;
    if (same && tw_timer_active(heartbeat->timer))
        return; /* it goes on */
    tw_transport_clear(&heartbeat->ping);
    tw_timer_stop(heartbeat->timer);
    if (!url) {
        say(heartbeat, TW_LEVEL_OK, "none", "none is configured");
    } else if (tw_hook_parse(url, &heartbeat->ping.host, &heartbeat->ping.shown, &e) == 0) {
        heartbeat->ping.type = TW_TRANSPORT_PING;
        heartbeat->ping.text = tw_strdup(url);
        tw_timer_set(heartbeat->timer, 0);
    }
}
