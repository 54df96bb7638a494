/* A real multilog writes, tai64nlocal decodes: what we give of it must be the same. */
#include "scratch.h"

#include "toaster/multilog.h"

enum { LINES = 300 }; /* of 20 to 80 bytes: several files of the smallest size */

static void run_multilog(void)
{
    static const char *const argv[] = {"multilog", "t", "s4096", "n20", "./log", NULL};
    struct tw_buf text = {0};
    for (int i = 0; i < LINES; i++)
        tw_buf_printf(&text, "line %d %.*s\n", i, i % 60,
                      "------------------------------------------------------------");
    put_bytes("in", text.data, text.len);
    tw_buf_free(&text);
    const int fd = open("in", O_RDONLY | O_CLOEXEC);
    free(run_program(argv, fd));
    close(fd);
}

static char *decode(const char *path)
{
    static const char *const argv[] = {"tai64nlocal", NULL};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = run_program(argv, fd);
    close(fd);
    return text;
}

/* tai64nlocal has nine digits of a second, we have three: takes six out of each line. */
static void shorten(char *text)
{
    char *to = text;
    size_t column = 0;
    for (const char *from = text; *from; from++) {
        if (column < 23 || column > 28)
            *to++ = *from;
        column = *from == '\n' ? 0 : column + 1;
    }
    *to = '\0';
}

static size_t count_lines(const char *text)
{
    size_t lines = 0;
    for (; *text; text++)
        lines += *text == '\n';
    return lines;
}

static void times_read_as_tai64nlocal_writes_them(void **state)
{
    (void)state;
    static const char *const zones[] = {"UTC0", "XYZ-05:45", "CET-1CEST,M3.5.0,M10.5.0/3",
                                        "NST3:30NDT,M3.2.0,M11.1.0"};
    run_multilog();
    for (size_t i = 0; i < TW_COUNT(zones); i++) {
        struct tw_buf ours = {0};
        setenv("TZ", zones[i], 1);
        tzset();
        char *theirs = decode("log/current");
        shorten(theirs);
        const size_t lines = count_lines(theirs);
        assert_int_equal(tw_multilog_tail("log", lines, &ours, NULL), 0);
        assert_string_equal(tw_buf_text(&ours), theirs);
        free(theirs);
        tw_buf_free(&ours);
    }
}

static void rotated_files_continue_without_a_gap(void **state)
{
    (void)state;
    struct tw_buf out = {0};
    run_multilog();
    char *current = decode("log/current");
    const size_t lines = count_lines(current) + 20; /* a finished file has more than that */
    free(current);
    assert_true(lines < LINES);
    assert_int_equal(tw_multilog_tail("log", lines, &out, NULL), 0);
    const char *line = tw_buf_text(&out);
    for (size_t i = LINES - lines; i < LINES; i++) {
        char *expected = tw_format(" line %zu ", i);
        assert_int_equal(strncmp(line + 23, expected, strlen(expected)), 0);
        free(expected);
        line = strchr(line, '\n') + 1;
    }
    assert_string_equal(line, "");
    tw_buf_free(&out);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(times_read_as_tai64nlocal_writes_them),
        IN_SCRATCH(rotated_files_continue_without_a_gap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
