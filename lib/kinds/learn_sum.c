/* What a run of `learn` adds up to. */
#include "kinds/learn_sum.h"

#include <stdlib.h>

/* More than that is no sum that anybody had; and no overflow comes of it. */
static const int64_t count_max = (int64_t)1 << 48;

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
    int64_t more[TW_LEARN_FIGURES];
    bool good = true;
    for (size_t i = 0; i < TW_LEARN_FIGURES; i++) {
        more[i] = tw_frame_number(frame);
        good = good && more[i] >= 0 && more[i] <= count_max && sum->figures[i] <= count_max;
    }
    if (!good || !tw_frame_done(frame))
        return -1;
    for (size_t i = 0; i < TW_LEARN_FIGURES; i++)
        sum->figures[i] += more[i];
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
