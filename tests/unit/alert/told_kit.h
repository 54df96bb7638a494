/* For the tests of the header lines that name incidents: what is read of a message, as text. */
#ifndef TEST_ALERT_TOLD_KIT_H
#define TEST_ALERT_TOLD_KIT_H

#include "alert/message_check.h"

#include "alert/told.h"

static inline void put_told(void *context, const struct tw_told *told)
{
    tw_buf_printf(context, "%ld %s %s %ld-%ld [%s] [%s]\n", (long)told->id,
                  tw_told_name(told->state), tw_level_name(told->level), (long)told->opened_s,
                  (long)told->closed_s, told->aspect, told->text);
}

static inline void put_span(void *context, enum tw_told_state state, int64_t first, int64_t last)
{
    tw_buf_printf(context, "%s %ld-%ld\n", tw_told_name(state), (long)first, (long)last);
}

static inline void expect_told(const struct tw_buf *message, size_t count, const char *expected)
{
    struct tw_buf seen = {0};
    assert_int_equal(tw_told_each(tw_buf_text(message), message->len, put_told, &seen), count);
    assert_string_equal(tw_buf_text(&seen), expected);
    tw_buf_free(&seen);
}

static inline void expect_spans(const struct tw_buf *message, size_t count, const char *expected)
{
    struct tw_buf seen = {0};
    assert_int_equal(tw_told_ids(tw_buf_text(message), message->len, put_span, &seen), count);
    assert_string_equal(tw_buf_text(&seen), expected);
    assert_int_equal(tw_told_ids(tw_buf_text(message), message->len, NULL, NULL), count);
    tw_buf_free(&seen);
}

#endif
