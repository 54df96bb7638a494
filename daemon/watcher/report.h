/* The weekly letter: how it went. */
#ifndef TW_WATCHER_REPORT_H
#define TW_WATCHER_REPORT_H

#include "config/config.h"
#include "watcher/aspects.h"
#include "watcher/jobs.h"
#include "watcher/post.h"

struct tw_report_writer;

struct tw_report_parts {
    struct tw_loop *loop;
    struct tw_log *log;
    struct tw_state *state;
    struct tw_aspects *aspects;
    struct tw_jobs *jobs;
    struct tw_post *post;
};

struct tw_report_writer *tw_report_new(const struct tw_report_parts *parts);
void tw_report_free(struct tw_report_writer **report);
/* Must live until the next call. */
void tw_report_configure(struct tw_report_writer *report, const struct tw_config *config);
/* From the state: values of others are passed over. */
void tw_report_restore_value(struct tw_report_writer *report, const char *key, const char *value);

/* A letter that waits since before the start: a report is not written again. */
void tw_report_restore_letter(struct tw_report_writer *report, const char *id, const char *text,
                              size_t length);

/* To be told of. */
void tw_report_figure(struct tw_report_writer *report, const struct tw_figure *figure);
void tw_report_over(struct tw_report_writer *report, const struct tw_over *over);

#endif
