/* The dead man's switch: a sign of life to a server elsewhere, while there is life worth that. */
#ifndef TW_WATCHER_HEARTBEAT_H
#define TW_WATCHER_HEARTBEAT_H

#include "config/config.h"
#include "watcher/aspects.h"
#include "watcher/loop.h"
#include "watcher/worker.h"

struct tw_heartbeat;

struct tw_heartbeat_parts {
    struct tw_loop *loop;
    struct tw_workers *workers;
    struct tw_aspects *aspects;
    /* What keeps the schedule from being healthy: appended. False: nothing. */
    bool (*sick)(void *context, struct tw_buf *why);
    void *context;
};

struct tw_heartbeat *tw_heartbeat_new(const struct tw_heartbeat_parts *parts);
void tw_heartbeat_free(struct tw_heartbeat **heartbeat);
/* Must live until the next call. The first sign goes out at once. */
void tw_heartbeat_configure(struct tw_heartbeat *heartbeat, const struct tw_config *config);

#endif
