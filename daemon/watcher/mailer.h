/* From incidents to letters that left: waits group_wait, looks once more, gathers evidence, writes
 * the letter, puts it into the outbox, hands it to the transports, keeps within max_per_hour. */
#ifndef TW_WATCHER_MAILER_H
#define TW_WATCHER_MAILER_H

#include "alert/outbox.h"
#include "watcher/actions.h"
#include "watcher/aspects.h"
#include "watcher/jobs.h"
#include "watcher/post.h"

struct tw_mailer;

/* All of these must outlive it, but for `workers`, which is freed (ending what runs) first. */
struct tw_mailer_parts {
    struct tw_loop *loop;
    struct tw_log *log;
    struct tw_state *state;
    struct tw_aspects *aspects;
    struct tw_jobs *jobs;
    struct tw_workers *workers;
    struct tw_actions *actions;
    const struct tw_silences *silences;
};

struct tw_mailer *tw_mailer_new(const struct tw_mailer_parts *parts);
void tw_mailer_free(struct tw_mailer **mailer);

/* The configuration in force; must live until the next call. */
void tw_mailer_configure(struct tw_mailer *mailer, const struct tw_config *config);

/* From the state, at the start: a letter that waits; a value that tw_mailer wrote (others are
 * passed over). */
void tw_mailer_restore_letter(struct tw_mailer *mailer, const char *id, const char *text,
                              size_t length);
void tw_mailer_restore_value(struct tw_mailer *mailer, const char *key, const char *value);

/* From here on letters are written and sent. */
void tw_mailer_start(struct tw_mailer *mailer);

/* What a letter may wait for has ended (an order of `then`). */
void tw_mailer_look(struct tw_mailer *mailer);

/* An incident changed. */
void tw_mailer_news(struct tw_mailer *mailer, const struct tw_aspect *aspect,
                    enum tw_incident_news what);

/* Tries what waits in the outbox now, whatever the back-off. */
void tw_mailer_hurry(struct tw_mailer *mailer);

/* Is a letter just on its way? Begins no further one, and calls `idle` when that has ended. */
bool tw_mailer_busy(const struct tw_mailer *mailer);
void tw_mailer_stop(struct tw_mailer *mailer, tw_loop_call *idle, void *context);

/* To be called now and then: escalations whose transports are gone go the other way. */
void tw_mailer_care(struct tw_mailer *mailer);

/* Is there a letter that every transport has refused for good? */
bool tw_mailer_refused(const struct tw_mailer *mailer);

/* The way out of alerts, for others that have something to send. */
struct tw_post *tw_mailer_post(struct tw_mailer *mailer);

size_t tw_mailer_waiting(const struct tw_mailer *mailer); /* letters in the outbox */
size_t tw_mailer_stuck(const struct tw_mailer *mailer);   /* of those, because nobody took them */

#endif
