/* The backend `sa-learn`: one run of it for each class and batch.
 *
 * The messages go to it as an mbox that it opens as its standard input. Not by `--mbox -`: then it
 * copies all of them into a file in /tmp first, where they stay if it is killed. So they are
 * gathered in a file in memory (memfd_create(2)), which it reads through /proc/self/fd/0.
 *
 * Not with --no-sync, and one --sync at the end: then it learns into a journal and does not see
 * what it has just learned. Tried: copies of a message within a batch count twice, and so does what
 * is taught again after a run that was interrupted before its --sync. It is no faster, either.
 *
 * Its last line is "Learned tokens from N message(s) (M message(s) examined)". Known already: the
 * M - N that it examined and did not learn; it keeps the identities of messages itself, in
 * bayes_seen. A message that it knows as the other class moves over by itself. What it passes over
 * without a look (M is less than what it was given) counts as refused. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "kinds/teachprogram.h"
#include "toaster/mbox.h"

enum { BATCH_BYTES = 32 * 1024 * 1024 };

struct salearn {
    const struct tw_teacher_setup *setup;
    struct tw_buf mbox;
    bool spam;
    char *address; /* of the batch's mailbox, if each has a filter of its own */
    int64_t count; /* messages in the batch */
};

static void *salearn_open(const struct tw_teacher_setup *setup, struct tw_teacher_failure *failure)
{
    (void)failure;
    struct salearn *s = tw_alloc(sizeof *s);
    s->setup = setup;
    return s;
}

static void begin_argv(const struct salearn *s, struct tw_strings *argv)
{
    const struct tw_strings *run = s->setup->run;
    for (size_t i = 0; i < run->count; i++)
        tw_strings_add(argv, run->items[i]);
    if (run->count == 0)
        tw_strings_add(argv, "sa-learn");
}

/* -1 with a failure unless it ended well. */
static int judge(const struct salearn *s, const char *what, int status, const struct tw_buf *said,
                 struct tw_teacher_failure *failure)
{
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return 0;
    char *program = tw_format("sa-learn %s", what);
    char *advice = tw_format("; try: sudo -H -u %s sa-learn --dump magic", s->setup->user);
    tw_teach_failed(program, s->setup->user, status, said, advice, failure);
    free(advice);
    free(program);
    return -1;
}

/* The last such line. */
static bool read_result(const struct tw_buf *said, int64_t *learned, int64_t *examined)
{
    static const char begin[] = "Learned tokens from ";
    const char *at = tw_buf_text(said);
    bool found = false;
    for (; (at = strstr(at, begin)); at++)
        found =
            sscanf(at,
                   "Learned tokens from %" SCNd64 " message(s) (%" SCNd64 " message(s) examined)",
                   learned, examined) == 2;
    return found && *learned >= 0 && *examined >= *learned;
}

static void tell(const struct salearn *s, enum tw_verdict verdict, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        s->setup->verdict(s->setup->context, verdict);
}

static int take_result(const struct salearn *s, const struct tw_buf *said,
                       struct tw_teacher_failure *failure)
{
    int64_t learned = 0, examined = 0;
    if (!read_result(said, &learned, &examined) || examined > s->count)
        return tw_teacher_fail(failure, "nonsense",
                               "sa-learn was given %" PRId64 " messages and says: %.200s", s->count,
                               said->len ? said->data : "nothing");
    if (examined == 0)
        return tw_teacher_fail(failure, "nonsense",
                               "sa-learn was given %" PRId64 " messages and has looked at none",
                               s->count);
    tell(s, TW_VERDICT_LEARNED, learned);
    tell(s, TW_VERDICT_KNOWN, examined - learned);
    tell(s, TW_VERDICT_REFUSED, s->count - examined);
    return 0;
}

static int run_batch(struct salearn *s, int fd, struct tw_teacher_failure *failure)
{
    struct tw_strings argv = {0};
    struct tw_buf said = {0};
    const char *class = s->spam ? "--spam" : "--ham";
    int status;
    begin_argv(s, &argv);
    tw_strings_add(&argv, class);
    if (s->setup->per_user) {
        tw_strings_add(&argv, "-u");
        tw_strings_add(&argv, s->address);
    }
    tw_strings_add(&argv, "--max-size=0"); /* ours is what counts */
    tw_strings_add(&argv, "--mbox");
    tw_strings_add(&argv, "/proc/self/fd/0");
    int result = tw_teach_run(s->setup, &argv, fd, &status, &said, failure);
    if (result == 0)
        result = judge(s, class, status, &said, failure);
    if (result == 0)
        result = take_result(s, &said, failure);
    tw_strings_free(&argv);
    tw_buf_free(&said);
    return result;
}

static int salearn_flush(void *teacher, struct tw_teacher_failure *failure)
{
    struct salearn *s = teacher;
    if (s->count == 0)
        return 0;
    const int fd = tw_teach_memory(failure);
    int result = fd < 0 ? -1 : tw_teach_fill(fd, s->mbox.data, s->mbox.len, failure);
    tw_buf_free(&s->mbox); /* large; and the program has its own copy */
    if (result == 0)
        result = run_batch(s, fd, failure);
    if (fd >= 0)
        close(fd);
    s->count = 0;
    return result;
}

static int salearn_teach(void *teacher, const struct tw_lesson *lesson,
                         struct tw_teacher_failure *failure)
{
    struct salearn *s = teacher;
    const bool other_user =
        s->setup->per_user && s->address && strcmp(s->address, lesson->address) != 0;
    if (s->count &&
        (s->spam != lesson->spam || other_user || s->mbox.len + lesson->length > BATCH_BYTES) &&
        salearn_flush(s, failure) != 0)
        return -1;
    if (!s->address || other_user) {
        free(s->address);
        s->address = tw_strdup(lesson->address);
    }
    s->spam = lesson->spam;
    tw_mbox_add(&s->mbox, lesson->bytes, lesson->length);
    s->count++;
    return 0;
}

static void salearn_close(void *teacher)
{
    struct salearn *s = teacher;
    tw_buf_free(&s->mbox);
    free(s->address);
    free(s);
}

const struct tw_teacher_kind tw_teacher_salearn = {
    .name = "sa-learn",
    .by_class = true,
    .open = salearn_open,
    .teach = salearn_teach,
    .flush = salearn_flush,
    .close = salearn_close,
};
