/* What a run of `learn` adds up to. */
#include "kinds/learn_sum.h"

#include <stdlib.h>
#include <string.h>

void tw_learn_put_totals(struct tw_buf *out, const struct tw_learn_sum *sum)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_LEARN_TOTALS);
    for (size_t i = 0; i < TW_LEARN_FIGURES; i++)
        tw_frame_put_number(&w, sum->figures[i]);
    tw_frame_end(&w);
}

void tw_learn_put_filter(struct tw_buf *out, const char *code, const char *text)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_LEARN_FILTER);
    tw_frame_put_text(&w, code);
    tw_frame_put_text(&w, text);
    tw_frame_end(&w);
}

static int take_totals(struct tw_learn_sum *sum, struct tw_frame *frame)
{
    int64_t figures[TW_LEARN_FIGURES];
    memcpy(figures, sum->figures, sizeof figures);
    for (size_t i = 0; i < TW_LEARN_FIGURES; i++)
        tw_frame_add_count(frame, &figures[i]);
    if (!tw_frame_done(frame))
        return -1;
    memcpy(sum->figures, figures, sizeof figures);
    return 0;
}

int tw_learn_sum_take(struct tw_learn_sum *sum, struct tw_frame *frame)
{
    if (frame->type == TW_LEARN_TOTALS)
        return take_totals(sum, frame);
    if (frame->type != TW_LEARN_FILTER)
        return -1;
    free(sum->code);
    free(sum->text);
    sum->code = tw_frame_text(frame, TW_CHILD_NAME_MAX);
    sum->text = tw_frame_text(frame, TW_CHILD_TEXT_MAX);
    return tw_frame_done(frame) ? 0 : -1;
}

void tw_learn_sum_free(struct tw_learn_sum *sum)
{
    tw_problems_free(&sum->problems);
    free(sum->code);
    free(sum->text);
    *sum = (struct tw_learn_sum){0};
}
