/* Between reader and teacher: messages go over by descriptor, and each gets its answer in turn. */
#include "toaster/scratch.h"

#include <sys/mman.h>
#include <sys/socket.h>

#include "base/priv.h"
#include "kinds/teaching.h"

/* A filter that learns what has an even length, knows 3 bytes, refuses 5, and fails at 7. It says
 * so at the flush, or when four have come. */
struct fake {
    const struct tw_teacher_setup *setup;
    enum tw_verdict waiting[4];
    size_t count;
};

static void *fake_open(const struct tw_teacher_setup *setup, struct tw_teacher_failure *failure)
{
    (void)failure;
    struct fake *f = tw_alloc(sizeof *f);
    f->setup = setup;
    return f;
}

static int fake_flush(void *teacher, struct tw_teacher_failure *failure)
{
    struct fake *f = teacher;
    (void)failure;
    for (size_t i = 0; i < f->count; i++)
        f->setup->verdict(f->setup->context, f->waiting[i]);
    f->count = 0;
    return 0;
}

static int fake_teach(void *teacher, const struct tw_lesson *lesson,
                      struct tw_teacher_failure *failure)
{
    struct fake *f = teacher;
    if (lesson->length == 7)
        return tw_teacher_fail(failure, "down", "it has had enough of %s", lesson->address);
    f->waiting[f->count++] = lesson->length == 3   ? TW_VERDICT_KNOWN
                             : lesson->length == 5 ? TW_VERDICT_REFUSED
                                                   : TW_VERDICT_LEARNED;
    return f->count == TW_COUNT(f->waiting) ? fake_flush(f, failure) : 0;
}

static void fake_close(void *teacher)
{
    free(teacher);
}

static const struct tw_teacher_kind fake = {.name = "fake",
                                            .open = fake_open,
                                            .teach = fake_teach,
                                            .flush = fake_flush,
                                            .close = fake_close};

struct kit {
    struct tw_priv_child child;
    struct tw_pupil pupil;
    enum tw_taught taught[64];
    size_t count;
};

static void on_taught(void *context, enum tw_taught taught)
{
    struct kit *kit = context;
    assert_true(kit->count < TW_COUNT(kit->taught));
    kit->taught[kit->count++] = taught;
}

static void on_alive(void *context)
{
    (void)context;
}

static void begin(struct kit *kit)
{
    int ends[2];
    struct tw_error e;
    *kit = (struct kit){0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    static struct tw_teaching teaching;
    teaching = (struct tw_teaching){.kind = &fake,
                                    .hostname = "mail.example.com",
                                    .max_size = 1000,
                                    .fd = ends[1],
                                    .other = ends[0]};
    const struct tw_priv_task task = {.stay = true,
                                      .work = tw_teaching_serve,
                                      .context = &teaching,
                                      .max = 1,
                                      .timeout_ms = 10000};
    assert_int_equal(tw_priv_start(&task, &kit->child, &e), 0);
    close(ends[1]);
    kit->pupil = (struct tw_pupil){.fd = ends[0],
                                   .patience_ms = 10000,
                                   .taught = on_taught,
                                   .alive = on_alive,
                                   .context = kit};
}

static void end(struct kit *kit)
{
    char *nothing;
    size_t length;
    struct tw_error e;
    close(kit->pupil.fd);
    assert_int_equal(tw_priv_wait(&kit->child, &nothing, &length, &e), 0);
    free(nothing);
    tw_pupil_free(&kit->pupil);
}

static int hand(struct kit *kit, const char *text, size_t length)
{
    const int fd = memfd_create("message", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, length), (ssize_t)length);
    const int result = tw_pupil_hand(&kit->pupil, fd, true, false, "joe@example.com");
    close(fd);
    return result;
}

static const char ours[] = "Message-ID: <1@mail.example.com>\nX-Toaster-Watcher: 1\n\n";

static void answers_come_in_the_order_of_the_messages(void **state)
{
    (void)state;
    static const char text[2000] = "";
    struct kit kit;
    begin(&kit);
    assert_int_equal(tw_pupil_flush(&kit.pupil), 0); /* with nothing */
    assert_int_equal(hand(&kit, ours, sizeof ours - 1), 0);
    assert_int_equal(hand(&kit, text, 4), 0);
    assert_int_equal(hand(&kit, text, 1001), 0); /* it has grown */
    assert_int_equal(hand(&kit, text, 3), 0);
    assert_int_equal(hand(&kit, text, 0), 0); /* it was cut off */
    assert_int_equal(hand(&kit, ours, sizeof ours - 1), 0);
    assert_int_equal(hand(&kit, text, 5), 0);
    assert_int_equal(hand(&kit, text, 2), 0);
    assert_int_equal(hand(&kit, text, 3), 0);
    assert_int_equal(tw_pupil_flush(&kit.pupil), 0);
    static const enum tw_taught wanted[] = {
        TW_TAUGHT_OURS, TW_TAUGHT_LEARNED, TW_TAUGHT_VANISHED, TW_TAUGHT_KNOWN, TW_TAUGHT_VANISHED,
        TW_TAUGHT_OURS, TW_TAUGHT_REFUSED, TW_TAUGHT_LEARNED,  TW_TAUGHT_KNOWN};
    assert_int_equal(kit.count, TW_COUNT(wanted));
    for (size_t i = 0; i < TW_COUNT(wanted); i++)
        assert_int_equal(kit.taught[i], wanted[i]);
    end(&kit);
}

static void a_failure_reaches_the_reader(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit);
    (void)hand(&kit, "four", 4);
    (void)hand(&kit, "seven67", 7);
    assert_int_equal(tw_pupil_flush(&kit.pupil), -1);
    assert_string_equal(kit.pupil.code, "down");
    assert_string_equal(kit.pupil.text, "it has had enough of joe@example.com");
    assert_int_equal(kit.count, 0); /* nothing was confirmed */
    end(&kit);
}

static void a_teacher_that_dies_is_noticed(void **state)
{
    (void)state;
    struct kit kit;
    char *nothing;
    size_t length;
    struct tw_error e;
    begin(&kit);
    assert_int_equal(hand(&kit, "four", 4), 0);
    kill(kit.child.pid, SIGKILL);
    assert_int_equal(tw_pupil_flush(&kit.pupil), -1);
    assert_string_equal(kit.pupil.code, "failed");
    close(kit.pupil.fd);
    assert_int_equal(tw_priv_wait(&kit.child, &nothing, &length, &e), -1);
    tw_pupil_free(&kit.pupil);
}

static void our_own_letters_are_known_by_two_headers(void **state)
{
    (void)state;
    static const char *const no[] = {
        "",
        "\n",
        "X-Toaster-Watcher: 1\n\n",
        "Message-ID: <1@mail.example.com>\n\n",
        "Message-ID: <1@other.example.com>\nX-Toaster-Watcher: 1\n\n",
        "Message-ID: <1@mail.example.com>\n\nX-Toaster-Watcher: 1\n",
        "Message-ID: <1@mail.example.com.evil>\nX-Toaster-Watcher: 1\n"};
    static const char yes[] =
        "Received: x\nx-toaster-watcher: 1\r\nMessage-Id:\t<1.2@mail.example.com>";
    const char *host = "mail.example.com";
    assert_true(tw_teaching_is_ours(ours, sizeof ours - 1, host));
    assert_true(tw_teaching_is_ours(yes, sizeof yes - 1, host));
    for (size_t i = 0; i < TW_COUNT(no); i++)
        assert_false(tw_teaching_is_ours(no[i], strlen(no[i]), host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_in_the_order_of_the_messages),
        cmocka_unit_test(a_failure_reaches_the_reader),
        cmocka_unit_test(a_teacher_that_dies_is_noticed),
        cmocka_unit_test(our_own_letters_are_known_by_two_headers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
