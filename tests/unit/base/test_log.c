/* The log, against real pipes that nobody reads: it never blocks, keeps the order and tells what
 * it lost. An alarm ends a test that does block. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/mem.h"
#include "patience.h"

struct fixture {
    int ends[2]; /* the reading end does not block; the writing end does */
    struct tw_log *log;
    struct tw_buf got;
};

static int set_up(void **state)
{
    struct fixture *f = tw_alloc(sizeof *f);
    alarm(60 * PATIENCE);
    signal(SIGPIPE, SIG_IGN);
    if (pipe2(f->ends, O_CLOEXEC) != 0 || fcntl(f->ends[0], F_SETFL, O_NONBLOCK) != 0)
        return -1;
    f->log = tw_log_new(f->ends[1], 16384);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    alarm(0);
    tw_log_free(&f->log);
    tw_log_free(&f->log); /* harmless */
    close(f->ends[0]);
    close(f->ends[1]);
    tw_buf_free(&f->got);
    free(f);
    return 0;
}

/* Takes what the pipe holds. */
static void take(struct fixture *f)
{
    char chunk[4096];
    for (ssize_t n; (n = read(f->ends[0], chunk, sizeof chunk)) > 0;)
        tw_buf_add(&f->got, chunk, (size_t)n);
}

/* Reads and flushes in turn until nothing is left. */
static void take_all(struct fixture *f)
{
    do
        take(f);
    while (tw_log_flush(f->log));
    take(f);
    assert_false(tw_log_waiting(f->log));
}

static void expect(struct fixture *f, const char *text)
{
    take_all(f);
    assert_string_equal(tw_buf_text(&f->got), text);
    tw_buf_clear(&f->got);
}

static void a_line_is_word_subject_text(void **state)
{
    struct fixture *f = *state;
    tw_log_line(f->log, TW_LOG_FAIL, "service.smtp", "down for %ds", 12);
    expect(f, "FAIL service.smtp: down for 12s\n");
}

static void every_word_has_its_name(void **state)
{
    struct fixture *f = *state;
    tw_log_verbose(f->log, true);
    for (int word = TW_LOG_START; word <= TW_LOG_DEBUG; word++)
        tw_log_line(f->log, (enum tw_log_word)word, "x", "y");
    expect(f, "START x: y\nSTATUS x: y\nOK x: y\nWARN x: y\nFAIL x: y\nUNKNOWN x: y\nDONE x: y\n"
              "MAIL x: y\nRELOAD x: y\nSTOP x: y\nDEBUG x: y\n");
}

static void debug_is_silent_unless_verbose(void **state)
{
    struct fixture *f = *state;
    tw_log_line(f->log, TW_LOG_DEBUG, "x", "1");
    tw_log_verbose(f->log, true);
    tw_log_line(f->log, TW_LOG_DEBUG, "x", "2");
    tw_log_verbose(f->log, false);
    tw_log_line(f->log, TW_LOG_DEBUG, "x", "3");
    expect(f, "DEBUG x: 2\n");
}

static void text_from_outside_is_one_harmless_line(void **state)
{
    struct fixture *f = *state;
    tw_log_line(f->log, TW_LOG_WARN, "process.a\nOK b", "%s", "\r\n\x1b[2J\xff\tend");
    expect(f, "WARN process.a\\nOK b: \\x0d\\n\\x1b[2J\\xff end\n");
}

static void a_line_of_10_kb_is_cut_to_4096_bytes(void **state)
{
    struct fixture *f = *state;
    char *big = tw_alloc(10241);
    memset(big, 'x', 10240);
    tw_log_line(f->log, TW_LOG_OK, "x", "%s", big);
    take_all(f);
    assert_int_equal(f->got.len, TW_LOG_LINE);
    assert_string_equal(f->got.data + TW_LOG_LINE - 5, "x...\n");
    tw_buf_clear(&f->got);

    memset(big, '\x1b', 10240); /* cut where it is escaped too, and never within an escape */
    tw_log_line(f->log, TW_LOG_OK, "x", "%s", big);
    take_all(f);
    assert_in_range(f->got.len, TW_LOG_LINE - 4, TW_LOG_LINE);
    assert_string_equal(f->got.data + f->got.len - 8, "\\x1b...\n");
    free(big);
}

/* Fills the pipe with lines "OK n: …" until one waits; gives the next n. */
static unsigned fill(struct fixture *f, unsigned n)
{
    while (!tw_log_waiting(f->log))
        tw_log_line(f->log, TW_LOG_OK, "n", "%u", n++);
    return n;
}

/* Checks that the numbers go up by one, but for what the log says it lost; gives the number lost.
 */
static unsigned check_order(struct fixture *f, unsigned count)
{
    unsigned next = 0;
    unsigned all_lost = 0;
    for (char *line = strtok(f->got.data, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned number;
        if (sscanf(line, "WARN log: %u line", &number) == 1) {
            assert_true(number > 0);
            assert_non_null(strstr(line, " lost while the log took nothing"));
            next += number;
            all_lost += number;
        } else {
            assert_int_equal(sscanf(line, "OK n: %u", &number), 1);
            assert_int_equal(number, next);
            next++;
        }
    }
    assert_int_equal(next, count);
    return all_lost;
}

static void a_full_pipe_does_not_block_and_nothing_is_lost_while_the_ring_holds(void **state)
{
    struct fixture *f = *state;
    unsigned n = fill(f, 0);
    for (int i = 0; i < 500; i++)
        tw_log_line(f->log, TW_LOG_OK, "n", "%u", n++);
    assert_true(tw_log_waiting(f->log));
    assert_true(tw_log_flush(f->log));
    take_all(f);
    assert_int_equal(check_order(f, n), 0);
}

static void what_the_ring_cannot_hold_is_counted_in_a_line_of_its_own(void **state)
{
    struct fixture *f = *state;
    unsigned n = fill(f, 0);
    for (int i = 0; i < 20000; i++)
        tw_log_line(f->log, TW_LOG_OK, "n", "%u", n++);
    take_all(f);
    assert_true(check_order(f, n) > 10000);
}

static void the_count_stands_where_the_lines_are_missing(void **state)
{
    struct fixture *f = *state;
    unsigned n = 0;
    /* Several outages; after each a little is read, so that the ring holds lines from before and
     * after a loss. */
    for (int outage = 0; outage < 5; outage++) {
        char chunk[3000];
        for (int i = 0; i < 8000; i++)
            tw_log_line(f->log, TW_LOG_OK, "n", "%u", n++);
        for (int i = 0; i < 3; i++) {
            const ssize_t got = read(f->ends[0], chunk, sizeof chunk);
            if (got > 0)
                tw_buf_add(&f->got, chunk, (size_t)got);
        }
        tw_log_flush(f->log);
    }
    take_all(f);
    assert_true(check_order(f, n) > 0);
}

static void one_lost_line_is_one_line(void **state)
{
    struct fixture *f = *state;
    char *big = tw_alloc(4001);
    memset(big, 'x', 4000);
    fill(f, 0);
    for (int i = 0; i < 4; i++) /* the ring takes 16384 bytes */
        tw_log_line(f->log, TW_LOG_OK, "big", "%s", big);
    tw_log_line(f->log, TW_LOG_OK, "big", "%s", big);
    free(big);
    take_all(f);
    const char *told = strstr(f->got.data, "WARN log: ");
    assert_non_null(told);
    assert_string_equal(told, "WARN log: 1 line lost while the log took nothing\n");
}

static void a_ring_of_no_size_still_holds_a_line(void **state)
{
    struct fixture *f = *state;
    tw_log_free(&f->log);
    f->log = tw_log_new(f->ends[1], 0);
    const unsigned n = fill(f, 0);
    take_all(f);
    assert_int_equal(check_order(f, n), 0);
}

static void the_descriptor_stays_blocking(void **state)
{
    struct fixture *f = *state;
    fill(f, 0);
    assert_int_equal(fcntl(f->ends[1], F_GETFL) & O_NONBLOCK, 0);
}

static void without_a_descriptor_nothing_is_written(void **state)
{
    (void)state;
    struct tw_log *log = tw_log_new(-1, 100);
    tw_log_line(log, TW_LOG_FAIL, "x", "y");
    assert_false(tw_log_waiting(log));
    assert_false(tw_log_flush(log));
    tw_log_free(&log);
    assert_null(log);
}

/* A full disk: nothing waits for the descriptor (it would call for ever), nothing is lost. */
static void a_failed_write_is_tried_again_with_the_next_line(void **state)
{
    struct fixture *f = *state;
    const int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    const int fd = dup(full);
    assert_true(full >= 0 && fd >= 0);
    struct tw_log *log = tw_log_new(fd, 16384);
    tw_log_line(log, TW_LOG_FAIL, "x", "1");
    tw_log_line(log, TW_LOG_FAIL, "x", "2");
    assert_false(tw_log_waiting(log));
    assert_false(tw_log_flush(log));
    assert_int_equal(dup2(f->ends[1], fd), fd);
    tw_log_line(log, TW_LOG_OK, "x", "3");
    tw_log_free(&log);
    close(fd);
    close(full);
    expect(f, "FAIL x: 1\nFAIL x: 2\nOK x: 3\n");
}

static void a_reader_that_is_gone_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    close(f->ends[0]);
    for (int i = 0; i < 3000; i++)
        tw_log_line(f->log, TW_LOG_FAIL, "x", "%d", i);
    assert_false(tw_log_waiting(f->log));
    f->ends[0] = dup(f->ends[1]);
}

static void a_closed_descriptor_is_not_waited_for(void **state)
{
    struct fixture *f = *state;
    close(f->ends[1]);
    tw_log_line(f->log, TW_LOG_FAIL, "x", "1");
    assert_false(tw_log_flush(f->log));
    f->ends[1] = dup(f->ends[0]);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_word_subject_text),
        TEST(every_word_has_its_name),
        TEST(debug_is_silent_unless_verbose),
        TEST(text_from_outside_is_one_harmless_line),
        TEST(a_line_of_10_kb_is_cut_to_4096_bytes),
        TEST(a_full_pipe_does_not_block_and_nothing_is_lost_while_the_ring_holds),
        TEST(what_the_ring_cannot_hold_is_counted_in_a_line_of_its_own),
        TEST(the_count_stands_where_the_lines_are_missing),
        TEST(one_lost_line_is_one_line),
        TEST(a_ring_of_no_size_still_holds_a_line),
        TEST(the_descriptor_stays_blocking),
        TEST(without_a_descriptor_nothing_is_written),
        TEST(a_failed_write_is_tried_again_with_the_next_line),
        TEST(a_reader_that_is_gone_is_not_waited_for),
        TEST(a_closed_descriptor_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
