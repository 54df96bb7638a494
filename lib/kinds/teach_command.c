/* The backend `command`: a program for each message, which it gets on its standard input, as with
 * bogofilter and dspam.
 *
 * In its arguments %c is the class as a letter, s or n (for "no spam"); with what has to be
 * forgotten before it, as a capital: Ns, Sn (bogofilter -Ns). %w is the class as a word, spam or
 * ham; %d as dspam calls it, spam or innocent; %u the mailbox's address; %% a percent sign.
 *
 * Exit code 0: learned. Known already: such programs do not say so, so none is ever counted as
 * known. 75 and 111 (try later), a signal or a program that cannot be run: the filter is down.
 * Any other code: it refuses this message. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "kinds/teachprogram.h"

enum { EXIT_TEMPFAIL = 75 /* sysexits.h */, EXIT_LATER = 111 /* qmail's programs */ };

struct command {
    const struct tw_teacher_setup *setup;
    int memory;
};

static int command_check(const struct tw_teacher_config *config, struct tw_error *e)
{
    if (config->run->count == 0 || !config->run->items[0][0])
        return tw_fail(e, "run is missing: write the program and its arguments, like "
                          "{\"bogofilter\", \"-%%c\", \"-l\"}");
    if (!config->user)
        return tw_fail(e, "user is missing: write whom the program runs as");
    for (size_t i = 0; i < config->run->count; i++)
        for (const char *at = config->run->items[i]; (at = strchr(at, '%')); at += 2)
            if (!at[1] || !strchr("cwdu%", at[1]))
                return tw_fail(e, "run: \"%.100s\": write %%c, %%w, %%d, %%u or %%%%", at);
    return 0;
}

static void *command_open(const struct tw_teacher_setup *setup, struct tw_teacher_failure *failure)
{
    const int fd = tw_teach_memory(failure);
    if (fd < 0)
        return NULL;
    struct command *c = tw_alloc(sizeof *c);
    c->setup = setup;
    c->memory = fd;
    return c;
}

static const char *expansion(char letter, const struct tw_lesson *lesson)
{
    switch (letter) {
    case 'c':
        return lesson->forget ? (lesson->spam ? "Ns" : "Sn") : (lesson->spam ? "s" : "n");
    case 'w':
        return lesson->spam ? "spam" : "ham";
    case 'd':
        return lesson->spam ? "spam" : "innocent";
    case 'u':
        return lesson->address;
    default:
        return "%";
    }
}

static void expand(const char *text, const struct tw_lesson *lesson, struct tw_strings *argv)
{
    struct tw_buf out = {0};
    for (; *text; text++) {
        if (text[0] == '%' && text[1])
            tw_buf_puts(&out, expansion(*++text, lesson));
        else
            tw_buf_add(&out, text, 1);
    }
    tw_strings_add(argv, tw_buf_text(&out));
    tw_buf_free(&out);
}

static int judge(const struct command *c, int status, const struct tw_buf *said,
                 struct tw_teacher_failure *failure)
{
    const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    if (code >= 0 && code != EXIT_TEMPFAIL && code != EXIT_LATER) {
        c->setup->verdict(c->setup->context, code == 0 ? TW_VERDICT_LEARNED : TW_VERDICT_REFUSED);
        return 0;
    }
    return tw_teach_failed(c->setup->run->items[0], c->setup->user, status, said, "", failure);
}

static int command_teach(void *teacher, const struct tw_lesson *lesson,
                         struct tw_teacher_failure *failure)
{
    struct command *c = teacher;
    struct tw_strings argv = {0};
    struct tw_buf said = {0};
    int status;
    if (tw_teach_fill(c->memory, lesson->bytes, lesson->length, failure) != 0)
        return -1;
    for (size_t i = 0; i < c->setup->run->count; i++)
        expand(c->setup->run->items[i], lesson, &argv);
    int result = tw_teach_run(c->setup, &argv, c->memory, &status, &said, failure);
    if (result == 0)
        result = judge(c, status, &said, failure);
    tw_strings_free(&argv);
    tw_buf_free(&said);
    return result;
}

static void command_close(void *teacher)
{
    struct command *c = teacher;
    close(c->memory);
    free(c);
}

const struct tw_teacher_kind tw_teacher_command = {
    .name = "command",
    .check = command_check,
    .open = command_open,
    .teach = command_teach,
    .close = command_close,
};
