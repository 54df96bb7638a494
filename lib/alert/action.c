/* What `then` orders. */
#include "alert/action.h"

#include <stdlib.h>

#include "base/mem.h"
#include "base/program.h"
#include "kinds/wire.h"

enum { VALUE_MAX = 4096, ARGUMENTS_MAX = 1000, OUTPUT_MAX = 2048 };

void tw_action_put(struct tw_buf *out, const struct tw_strings *argv, const char *job,
                   const char *aspect)
{
    struct tw_frame_writer w = tw_frame_begin(out, TW_WIRE_ACT);
    tw_frame_put_text(&w, job);
    tw_frame_put_text(&w, aspect);
    tw_frame_put_number(&w, (int64_t)argv->count);
    for (size_t i = 0; i < argv->count; i++)
        tw_frame_put_text(&w, argv->items[i]);
    tw_frame_end(&w);
}

static void get_variable(struct tw_frame *frame, const char *name, struct tw_strings *more)
{
    char *value = tw_frame_text(frame, VALUE_MAX);
    char *both = tw_format("%s=%s", name, value);
    tw_strings_add(more, both);
    free(both);
    free(value);
}

static int run(const struct tw_strings *arguments, const struct tw_strings *more,
               struct tw_buf *out)
{
    struct tw_buf output = {0};
    struct tw_error e;
    int status;
    char **argv = tw_alloc((arguments->count + 1) * sizeof *argv);
    for (size_t i = 0; i < arguments->count; i++)
        argv[i] = arguments->items[i];
    const struct tw_program program = {
        .argv = argv, .in = -1, .more = more, .output_max = OUTPUT_MAX};
    int result = tw_program_run(&program, &status, &output, &e);
    if (result == 0)
        tw_program_describe(status, &output, out);
    else
        tw_buf_puts(out, e.text);
    result = result != 0 || status != 0;
    tw_buf_free(&output);
    free(argv);
    return result;
}

int tw_action_run(struct tw_frame *frame, struct tw_buf *out, struct tw_error *e)
{
    struct tw_strings arguments = {0}, more = {0};
    get_variable(frame, "TOASTER_JOB", &more);
    get_variable(frame, "TOASTER_ASPECT", &more);
    const int64_t count = tw_frame_number(frame);
    for (int64_t i = 0; i < count && i < ARGUMENTS_MAX && !frame->bad; i++) {
        char *argument = tw_frame_text(frame, VALUE_MAX);
        tw_strings_add(&arguments, argument);
        free(argument);
    }
    const int result = tw_frame_done(frame) && arguments.count
                           ? run(&arguments, &more, out)
                           : tw_fail(e, "an order that is cut or garbled");
    tw_strings_free(&arguments);
    tw_strings_free(&more);
    return result;
}
