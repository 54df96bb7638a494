/* What a letter says of a job beside its finding: evidence, which a worker gathers, and advice. */
#include <stdlib.h>

#include "base/mem.h"
#include "kinds/wire.h"
#include "watcher/jobs_private.h"

struct evidence {
    struct tw_buf text;
    tw_evidence_done *done;
    void *context;
};

static int evidence_report(void *context, struct tw_frame *frame)
{
    struct evidence *evidence = context;
    const struct tw_sink none = {0};
    int64_t result;
    if (frame->type != TW_WIRE_TEXT && frame->type != TW_WIRE_END)
        return -1;
    return tw_wire_report(frame, &none, &evidence->text, &result);
}

/* From here on it is a string: a NUL in someone's log must not hide what follows it. */
static void show_nuls(struct tw_buf *text)
{
    struct tw_buf shown = {0};
    for (size_t i = 0; i < text->len; i++)
        if (text->data[i])
            tw_buf_add(&shown, text->data + i, 1);
        else
            tw_buf_puts(&shown, "\\x00");
    tw_buf_free(text);
    *text = shown;
}

static void evidence_ended(void *context, enum tw_outcome outcome, const char *detail)
{
    struct evidence *evidence = context;
    show_nuls(&evidence->text);
    if (outcome != TW_OUTCOME_DONE)
        tw_buf_printf(&evidence->text, "(%s)\n", detail);
    evidence->done(evidence->context, tw_buf_text(&evidence->text));
    tw_buf_free(&evidence->text);
    free(evidence);
}

void tw_jobs_evidence(struct tw_jobs *jobs, const struct tw_job *job, const char *aspect,
                      int64_t timeout_ms, tw_evidence_done *done, void *context)
{
    if (!job->config->kind->evidence) {
        done(context, "");
        return;
    }
    struct evidence *evidence = tw_alloc(sizeof *evidence);
    evidence->done = done;
    evidence->context = context;
    struct tw_request request = {
        .timeout_ms = timeout_ms,
        .reports_max = 8,
        .context = evidence,
        .report = evidence_report,
        .ended = evidence_ended,
    };
    const struct tw_run what = tw_runs_describe(jobs, job, NULL);
    tw_wire_put_run(&request.frame, &what, job->config->kind, jobs->moment, aspect);
    tw_workers_submit(jobs->workers, &request);
}

void tw_jobs_advice(const struct tw_jobs *jobs, const struct tw_job *job, const char *aspect,
                    const char *code, struct tw_buf *out)
{
    if (!job->config->kind->advice)
        return;
    const struct tw_run what = {.name = job->name,
                                .title = job->title,
                                .instance = job->instance,
                                .settings = job->config->settings,
                                .places = &jobs->places,
                                .memory = job->memory};
    job->config->kind->advice(&what, aspect, code, out);
}
