/* Who is to be written about, to whom, and when: the rules of group_wait, remind, escalate,
 * silences and limits over all that is known of the aspects. Knows no event loop: time comes in.
 *
 *   a failure       when it has waited group_wait, and those that came after it theirs, but no
 *                   longer than twice that; not while another job explains it or an order may mend
 *                   it
 *   its end         the same, of what was told
 *   flapping        the same, then once an hour
 *   a reminder      `remind` after the letter that told of it, then twice as long each time, at
 *                   most a day: with everything that is still open in one letter
 *   an escalation   when it is `escalate` old: to other transports, once, with what is due soon
 * Nothing of this for what is silenced; no reminder and no escalation for what was acknowledged. */
#ifndef TW_WATCHER_DIGEST_H
#define TW_WATCHER_DIGEST_H

#include "alert/quota.h"
#include "config/config.h"
#include "watcher/aspects.h"

enum tw_route { TW_ROUTE_ALERT, TW_ROUTE_ESCALATE, TW_ROUTES };

enum tw_topic { TW_TOPIC_FAILED, TW_TOPIC_FLAPPING, TW_TOPIC_RECOVERED, TW_TOPIC_REMINDER };

struct tw_mention {
    struct tw_aspect *aspect;
    enum tw_topic topic;
};

struct tw_digest {
    struct tw_aspects *aspects;
    const struct tw_alert_config *alert;
    const struct tw_silences *silences;
    /* May an order be mending it just now? Does it concern mail's own way out? */
    bool (*mending)(void *context, const struct tw_aspect *aspect, int64_t now_ms);
    bool (*grave)(void *context, const struct tw_aspect *aspect);
    void *context;
    struct tw_quota quotas[TW_ROUTES];
    size_t came_and_went; /* opened and closed while letters were held back */
};

/* When there is something to write: monotonic ms, now or before; INT64_MAX: nothing is foreseen. It
 * may be asked for too early (the clock was set), never too late. */
int64_t tw_digest_next_ms(struct tw_digest *digest, struct tw_when when);

/* A failure that is due for a letter: its job is to be looked at once more before. */
bool tw_digest_is_due(const struct tw_digest *digest, const struct tw_aspect *aspect,
                      struct tw_when when);

/* What a letter by this route has to say now, the gravest first; 0: nothing, or it may not yet.
 * *mentions is the caller's to free. */
size_t tw_digest_collect(struct tw_digest *digest, enum tw_route route, struct tw_when when,
                         struct tw_mention **mentions);

/* Were letters held back, so that this one sums up? To be asked before tw_digest_told. */
bool tw_digest_sums_up(const struct tw_digest *digest, const struct tw_mention *mentions,
                       size_t count);

/* The letter about these is written. */
void tw_digest_told(struct tw_digest *digest, enum tw_route route,
                    const struct tw_mention *mentions, size_t count, struct tw_when when);

/* An incident is over that nobody was told of. */
void tw_digest_cleared(struct tw_digest *digest, const struct tw_aspect *aspect,
                       struct tw_when when);

#endif
