/* The backend `rspamd` and toaster-net, with a controller that answers what it is told:
 * rspamd 3.4's own words, and what no rspamd says. */
#include "toaster/scratch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "kinds/teacher.h"

enum { BIG = 10 * 1024 * 1024, REQUEST_MAX = 4096 };

/* What the controller saw; shared with it. */
struct seen {
    size_t connections, requests, body;
    char head[REQUEST_MAX];
};

struct kit {
    struct seen *seen;
    pid_t controller;
    char url[64];
    struct tw_teacher_setup setup;
    void *teacher;
    enum tw_verdict verdicts[8];
    size_t count, alive;
    struct tw_teacher_failure failure;
};

/* ---- the controller ------------------------------------------------------------------------ */

/* Reads one request whole. False: there is none any more. */
static bool take_request(int fd, struct seen *seen)
{
    size_t length = 0;
    char *end = NULL;
    while (!end) {
        const ssize_t n = read(fd, seen->head + length, REQUEST_MAX - 1 - length);
        if (n <= 0)
            return false;
        length += (size_t)n;
        seen->head[length] = '\0';
        end = memmem(seen->head, length, "\r\n\r\n", 4);
    }
    const char *field = strcasestr(seen->head, "Content-Length: ");
    const size_t wanted = field ? strtoul(field + 16, NULL, 10) : 0;
    size_t body = length - (size_t)(end + 4 - seen->head);
    *end = '\0';
    char chunk[65536];
    while (body < wanted) {
        const ssize_t n = read(fd, chunk, sizeof chunk);
        if (n <= 0)
            return false;
        body += (size_t)n;
    }
    seen->body = body;
    return true;
}

/* The answers in turn, one for each request, the last one for ever. NULL: none, for ever. */
static _Noreturn void be_controller(int listener, struct seen *seen, const char *const *answers)
{
    char *big = tw_alloc(BIG);
    memset(big, 'x', BIG);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) {
        const int fd = accept(listener, NULL, NULL);
        seen->connections++;
        while (take_request(fd, seen)) {
            seen->requests++;
            if (!answers[0])
                pause();
            tw_write_all(fd, answers[0], strlen(answers[0]));
            if (strstr(answers[0], "10485760"))
                tw_write_all(fd, big, BIG);
            const bool keep = strstr(answers[0], "keep-alive") != NULL;
            if (answers[1])
                answers++;
            if (!keep)
                break;
        }
        close(fd);
    }
}

static void on_verdict(void *context, enum tw_verdict verdict)
{
    struct kit *kit = context;
    assert_true(kit->count < TW_COUNT(kit->verdicts));
    kit->verdicts[kit->count++] = verdict;
}

static void on_alive(void *context)
{
    ((struct kit *)context)->alive++;
}

static int listen_somewhere(char *url, size_t size)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(listen(fd, 8), 0);
    snprintf(url, size, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

static void begin(struct kit *kit, const char *const *answers)
{
    *kit = (struct kit){0};
    kit->seen =
        mmap(NULL, sizeof *kit->seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(kit->seen != MAP_FAILED);
    const int listener = listen_somewhere(kit->url, sizeof kit->url);
    kit->controller = fork();
    assert_true(kit->controller >= 0);
    if (kit->controller == 0)
        be_controller(listener, kit->seen, answers);
    close(listener);
    kit->setup = (struct tw_teacher_setup){.user = "nobody",
                                           .url = kit->url,
                                           .password = "secret",
                                           .max_time_ms = 10000,
                                           .verdict = on_verdict,
                                           .alive = on_alive,
                                           .context = kit};
    kit->teacher = tw_teacher_find("rspamd")->open(&kit->setup, &kit->failure);
    if (!kit->teacher)
        fail_msg("%s", kit->failure.e.text);
}

static void end(struct kit *kit)
{
    tw_teacher_find("rspamd")->close(kit->teacher);
    kill(kit->controller, SIGKILL);
    waitpid(kit->controller, NULL, 0);
    munmap(kit->seen, sizeof *kit->seen);
}

static int teach(struct kit *kit, bool spam, const char *bytes, size_t length)
{
    const struct tw_lesson lesson = {
        .spam = spam, .address = "u@example.com", .bytes = bytes, .length = length};
    return tw_teacher_find("rspamd")->teach(kit->teacher, &lesson, &kit->failure);
}

#define LEARNED                                                                                    \
    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 16\r\n\r\n{\"success\":true}"
#define KEPT                                                                                       \
    "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 16\r\n\r\n{\"success\":true}"

/* As rspamd writes it. */
static char *answer_of(const char *status, const char *body)
{
    return tw_format("HTTP/1.1 %s\r\nConnection: close\r\nServer: rspamd/3.4\r\n"
                     "Content-Length: %zu\r\nContent-Type: application/json\r\n\r\n%s",
                     status, strlen(body), body);
}

/* One message of spam and one answer: this verdict. */
static void expect(const char *status, const char *body, enum tw_verdict verdict)
{
    struct kit kit;
    char *answer = answer_of(status, body);
    begin(&kit, (const char *const[]){answer, NULL});
    if (teach(&kit, true, "Subject: x\n\ny\n", 14) != 0)
        fail_msg("%s: %s", kit.failure.code, kit.failure.e.text);
    assert_int_equal(kit.count, 1);
    assert_int_equal(kit.verdicts[0], verdict);
    end(&kit);
    free(answer);
}

/* The same: it fails with this word, and these words are in the text. */
static void expect_failure_raw(const char *answer, const char *code, const char *words)
{
    struct kit kit;
    begin(&kit, (const char *const[]){answer, NULL});
    if (!answer)
        kit.setup.max_time_ms = 1500;
    assert_int_equal(teach(&kit, true, "Subject: x\n\ny\n", 14), -1);
    assert_int_equal(kit.count, 0);
    assert_string_equal(kit.failure.code, code);
    if (!strstr(kit.failure.e.text, words))
        fail_msg("\"%s\" is not in: %s", words, kit.failure.e.text);
    end(&kit);
}

static void expect_failure(const char *status, const char *body, const char *code,
                           const char *words)
{
    char *answer = answer_of(status, body);
    expect_failure_raw(answer, code, words);
    free(answer);
}

/* ---- tests --------------------------------------------------------------------------------- */

static void test_what_rspamd_says_of_one_message(void **state)
{
    (void)state;
    expect("200 OK", "{\"success\":true}", TW_VERDICT_LEARNED);
    expect("200 OK", "{ \"success\" : true }\n", TW_VERDICT_LEARNED);
    expect("208 <a@b> has been already learned as spam, ignore it",
           "{\"error\":\"<a@b> has been already learned as spam, ignore it\"}", TW_VERDICT_KNOWN);
    expect("204 all learn conditions denied learning spam in default classifier", "",
           TW_VERDICT_REFUSED);
    expect("400 Empty body is not permitted", "{\"error\":\"Empty body is not permitted\"}",
           TW_VERDICT_REFUSED);
}

static void test_it_is_known_only_as_the_class_that_is_taught(void **state)
{
    (void)state;
    expect_failure("208 x", "{\"error\":\"<a@b> has been already learned as ham, ignore it\"}",
                   "nonsense", "208");
}

/* It says so of every message while its Redis is gone. */
static void test_404_already_learned_is_not_believed(void **state)
{
    (void)state;
    expect_failure("404 <a@b> has been already learned as spam, ignore it",
                   "{\"error\":\"<a@b> has been already learned as spam, ignore it\"}", "down",
                   "Redis");
    expect_failure("1 cannot get learned: error getting reply from redis server 127.0.0.1:6379",
                   "{\"error\":\"cannot get learned\"}", "nonsense", "does that run?");
}

static void test_what_to_do_is_said_where_nothing_can_be_taught(void **state)
{
    (void)state;
    expect_failure("401 Unauthorized", "{\"error\":\"Unauthorized\"}", "refused", "password_file");
    expect_failure("403 Forbidden", "no", "refused", "password_file");
    expect_failure("404 Not found", "Not found", "nonsense", "11334");
    expect_failure("404 no classifiers defined", "{\"error\":\"no classifiers defined\"}",
                   "refused", "classifier");
    expect_failure("500 Internal error", "a\nb\1c", "failed", "500");
}

static void test_what_is_no_answer_is_no_verdict(void **state)
{
    (void)state;
    expect_failure("200 OK", "<p>It works!</p>", "nonsense", "It works");
    expect_failure("200 OK", "{\"success\":false}", "nonsense", "200");
    expect_failure("302 Found\r\nLocation: http://127.0.0.1:1/", "", "nonsense", "302");
    expect_failure_raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"success\":true}",
                       "nonsense", "");
    expect_failure_raw("HTTP/1.1 200 OK\r\nContent-Length: 10485760\r\n\r\n", "nonsense",
                       "answers with status 200");
    expect_failure_raw("SSH-2.0-OpenSSH_9.2\r\n", "nonsense", "");
    /* It has died of the request. */
    expect_failure_raw("HTTP/1.1 20", "down", "is it running");
    expect_failure_raw("", "down", "is it running");
}

static void test_no_answer_is_waited_for_no_longer_than_it_may_take(void **state)
{
    (void)state;
    const int64_t start_ms = tw_clock_ms();
    expect_failure_raw(NULL, "timeout", "127.0.0.1");
    assert_in_range(tw_clock_ms() - start_ms, 1400, 5000);
}

static void test_one_that_waits_says_that_it_is_alive(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, (const char *const[]){NULL});
    kit.setup.max_time_ms = 2500;
    assert_int_equal(teach(&kit, false, "x", 1), -1);
    assert_true(kit.alive >= 3);
    end(&kit);
}

static void test_nobody_there_is_down(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, (const char *const[]){LEARNED, NULL});
    kill(kit.controller, SIGKILL);
    waitpid(kit.controller, NULL, 0);
    assert_int_equal(teach(&kit, true, "x", 1), -1);
    assert_string_equal(kit.failure.code, "down");
    kit.controller = fork(); /* for end() to end */
    if (kit.controller == 0)
        for (;;)
            pause();
    end(&kit);
}

static void test_the_request_is_what_the_controller_wants(void **state)
{
    (void)state;
    struct kit kit;
    begin(&kit, (const char *const[]){LEARNED, NULL});
    assert_int_equal(teach(&kit, true, "a\0b", 3), 0);
    assert_int_equal(kit.seen->body, 3);
    assert_ptr_equal(strstr(kit.seen->head, "POST /learnspam HTTP/1.1\r\n"), kit.seen->head);
    assert_non_null(strstr(kit.seen->head, "\r\nPassword: secret"));
    assert_non_null(strstr(kit.seen->head, "\r\nContent-Type: message/rfc822"));
    assert_null(strstr(kit.seen->head, "Deliver-To"));
    kit.setup.per_user = true;
    kit.setup.password = NULL;
    assert_int_equal(teach(&kit, false, "", 0), 0);
    assert_int_equal(kit.seen->body, 0);
    assert_ptr_equal(strstr(kit.seen->head, "POST /learnham HTTP/1.1\r\n"), kit.seen->head);
    assert_non_null(strstr(kit.seen->head, "\r\nDeliver-To: u@example.com"));
    assert_null(strstr(kit.seen->head, "Password"));
    assert_int_equal(kit.count, 2);
    end(&kit);
}

static void test_an_address_cannot_begin_another_header(void **state)
{
    (void)state;
    struct kit kit;
    const struct tw_lesson lesson = {
        .spam = true, .address = "u@example.com\r\nPassword: x", .bytes = "x", .length = 1};
    begin(&kit, (const char *const[]){LEARNED, NULL});
    kit.setup.per_user = true;
    assert_int_equal(tw_teacher_find("rspamd")->teach(kit.teacher, &lesson, &kit.failure), 0);
    assert_int_equal(kit.count, 1);
    assert_int_equal(kit.verdicts[0], TW_VERDICT_REFUSED);
    assert_int_equal(kit.seen->requests, 0);
    end(&kit);
}

static void test_a_connection_is_kept_and_a_large_message_goes_whole(void **state)
{
    (void)state;
    struct kit kit;
    char *bytes = tw_alloc(BIG); /* NULs */
    begin(&kit, (const char *const[]){KEPT, NULL});
    for (int i = 0; i < 3; i++)
        assert_int_equal(teach(&kit, i % 2 != 0, bytes, BIG), 0);
    assert_int_equal(kit.seen->body, BIG);
    assert_int_equal(kit.seen->requests, 3);
    assert_int_equal(kit.seen->connections, 1);
    end(&kit);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_rspamd_says_of_one_message),
        cmocka_unit_test(test_it_is_known_only_as_the_class_that_is_taught),
        cmocka_unit_test(test_404_already_learned_is_not_believed),
        cmocka_unit_test(test_what_to_do_is_said_where_nothing_can_be_taught),
        cmocka_unit_test(test_what_is_no_answer_is_no_verdict),
        cmocka_unit_test(test_no_answer_is_waited_for_no_longer_than_it_may_take),
        cmocka_unit_test(test_one_that_waits_says_that_it_is_alive),
        cmocka_unit_test(test_nobody_there_is_down),
        cmocka_unit_test(test_the_request_is_what_the_controller_wants),
        cmocka_unit_test(test_an_address_cannot_begin_another_header),
        cmocka_unit_test(test_a_connection_is_kept_and_a_large_message_goes_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
