/* The control socket, with real clients: good ones, garbled ones, slow ones, ones that may not. */
#include "control_kit.h"

/* ---- requests ----------------------------------------------------------------------------- */

static void status_lists_all(void **state)
{
    (void)state;
    struct kit *kit = make("");
    converse(kit, status_request(), "job process.a\njob process.b\njob process.c\nend 0 \n");
    assert_int_equal(kit->runs, 0);
    const struct tw_when when = {1800000000, 0};
    tw_aspects_self(kit->aspects, "state", TW_LEVEL_FAIL, "cannot-write", "disk full", when);
    on_finding(kit, tw_jobs_at(kit->jobs, 1),
               &(struct tw_finding){TW_LEVEL_WARN, "", "code", "text"}, true);
    converse(kit, status_request(),
             "job process.a\njob process.b\naspect process.b warn code\njob process.c\n"
             "aspect toaster-watcher/state fail cannot-write\nend 0 \n");
    drop(kit);
}

static void check_runs_what_is_named(void **state)
{
    (void)state;
    static const char *const names[] = {"process.c", "process.a", "process.c", NULL};
    struct kit *kit = make("");
    converse(kit, check_request(3, names),
             "aspect process.c fail missing\naspect process.a fail missing\n"
             "aspect process.c fail missing\nend 0 \n");
    assert_int_equal(kit->runs, 2);
    drop(kit);
}

static void check_of_nothing_is_all(void **state)
{
    (void)state;
    struct kit *kit = make("");
    converse(kit, check_request(0, NULL),
             "aspect process.a fail missing\naspect process.b fail missing\n"
             "aspect process.c fail missing\nend 0 \n");
    assert_int_equal(kit->runs, 3);
    drop(kit);
}

static void check_of_a_job_that_is_not_there(void **state)
{
    (void)state;
    static const char *const names[] = {"process.a", "process.x", NULL};
    struct kit *kit = make("");
    converse(kit, check_request(2, names),
             "end 100 there is no job process.x (toasterctl status lists them)\n");
    drop(kit);
}

static void forget_says_what_came_of_it(void **state)
{
    (void)state;
    struct kit *kit = make("");
    converse(kit, forget_request("process.a"), "end 0 \n");
    assert_string_equal(kit->forgotten, "process.a");
    converse(kit, forget_request("process.b"), "end 100 cannot forget it\n");
    converse(kit, forget_request("process.x"),
             "end 100 there is no job process.x (toasterctl status lists them)\n");
    assert_string_equal(kit->forgotten, "process.a");
    drop(kit);
}

static void many_clients_wait_for_one_run(void **state)
{
    (void)state;
    static const char *const names[] = {"process.a", NULL};
    struct kit *kit = make("");
    struct tw_buf request = check_request(1, names);
    for (int i = 0; i < 20; i++)
        ask(kit, &request);
    run_until(kit, all_closed);
    for (size_t i = 0; i < kit->count; i++)
        expect(&kit->clients[i], "aspect process.a fail missing\nend 0 \n");
    assert_in_range(kit->runs, 1, 20);
    tw_buf_free(&request);
    drop(kit);
}

/* ---- bad clients -------------------------------------------------------------------------- */

static void garbled_requests_are_answered(void **state)
{
    (void)state;
    static const char *const names[] = {"process.a", NULL};
    struct kit *kit = make("");
    converse(kit, check_request(2, names), "end 100 a request that is cut or garbled\n");
    converse(kit, check_request(-1, names), "end 100 a request that is cut or garbled\n");
    converse(kit, check_request(0, names), "end 100 a request that is cut or garbled\n");
    converse(kit, check_request(INT64_MAX, names), "end 100 a request that is cut or garbled\n");
    struct tw_buf other = {0};
    struct tw_frame_writer w = tw_frame_begin(&other, 200);
    tw_frame_end(&w);
    converse(kit, other,
             "end 100 the daemon does not know this request: is it of another version?\n");
    struct tw_buf empty = {0};
    w = tw_frame_begin(&empty, TW_CONTROL_FORGET);
    tw_frame_end(&w);
    converse(kit, empty, "end 100 a request that is cut or garbled\n");
    assert_null(kit->forgotten);
    drop(kit);
}

static void what_is_no_request_is_closed(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_buf bad[4] = {0};
    tw_buf_add(&bad[0], "\xff\xff\xff\xff\x01", 5); /* a frame without end */
    tw_buf_add(&bad[1], "\0\0\0\0", 4);
    bad[2] = status_request(); /* two at once */
    tw_buf_add(&bad[2], bad[2].data, 5);
    tw_buf_puts(&bad[3], "GET / HTTP/1.0\r\n\r\n");
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        const struct client *client = ask(kit, &bad[i]);
        run_until(kit, all_closed);
        assert_int_equal(client->in.len, 0);
        tw_buf_free(&bad[i]);
    }
    struct tw_buf large = {0}; /* within what a frame may say, over what a request may hold */
    struct tw_frame_writer w = tw_frame_begin(&large, TW_CONTROL_FORGET);
    char text[16380];
    memset(text, 'x', sizeof text);
    tw_frame_put_bytes(&w, text, sizeof text);
    tw_frame_end(&w);
    const struct client *client = ask(kit, &large);
    run_until(kit, all_closed);
    assert_int_equal(client->in.len, 0);
    tw_buf_free(&large);
    assert_null(kit->forgotten);
    drop(kit);
}

static bool some_ran(struct kit *kit)
{
    return kit->runs >= 3;
}

/* One that goes away while its runs are under way is forgotten; the runs are not. */
static void a_client_that_goes_away(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_buf request = check_request(0, NULL);
    struct client *gone = ask(kit, &request);
    close(gone->fd);
    gone->fd = -1;
    gone->closed = true;
    ask(kit, &request);
    run_until(kit, all_closed);
    run_until(kit, some_ran);
    tw_buf_free(&request);
    drop(kit);
}

static bool the_last_is_closed(struct kit *kit)
{
    hear(&kit->clients[kit->count - 1]);
    return kit->clients[kit->count - 1].closed;
}

static void there_are_no_more_than_so_many(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_buf request = status_request();
    for (int i = 0; i <= CLIENTS_MAX; i++)
        arrive(kit);
    run_until(kit, the_last_is_closed);
    assert_int_equal(kit->clients[kit->count - 1].in.len, 0);
    close(kit->clients[0].fd); /* a place is free again */
    kit->clients[0].fd = -1;
    kit->clients[0].closed = true;
    const struct client *client = ask(kit, &request);
    run_until(kit, the_last_is_closed);
    expect(client, "job process.a\njob process.b\njob process.c\nend 0 \n");
    tw_buf_free(&request);
    drop(kit);
}

/* Two thousand rows are more than a socket takes at once. */
static void a_slow_reader_gets_all(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_buf expected = {0}, request = status_request();
    char text[1000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    const struct tw_when when = {1800000000, 0};
    tw_buf_puts(&expected, "job process.a\njob process.b\njob process.c\n");
    for (int i = 0; i < 2000; i++) {
        char part[16];
        snprintf(part, sizeof part, "p%04d", i);
        tw_aspects_self(kit->aspects, part, TW_LEVEL_FAIL, "x", text, when);
        tw_buf_printf(&expected, "aspect toaster-watcher/%s fail x\n", part);
    }
    tw_buf_puts(&expected, "end 0 \n");
    const struct client *client = ask(kit, &request);
    run_until(kit, all_closed);
    expect(client, tw_buf_text(&expected));
    tw_buf_free(&expected);
    tw_buf_free(&request);
    drop(kit);
}

static void the_end_closes_all(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_buf request = check_request(0, NULL);
    struct client *client = ask(kit, &request);
    arrive(kit);
    tw_control_free(&kit->control);
    hear(client);
    assert_true(client->closed);
    tw_buf_free(&request);
    drop(kit);
}

/* ---- the socket's place ------------------------------------------------------------------- */

static void only_root_may_come(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct stat st;
    assert_int_equal(stat("socket", &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0600);
    drop(kit);
}

static void what_a_dead_daemon_left_is_replaced(void **state)
{
    (void)state;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "socket"};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
    close(fd);
    struct kit *kit = make("");
    converse(kit, status_request(), "job process.a\njob process.b\njob process.c\nend 0 \n");
    drop(kit);
}

static void what_is_not_ours_stays(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_error e;
    assert_null(open_control(kit, &e)); /* somebody answers there */
    assert_non_null(strstr(e.text, "another program answers at "));
    assert_int_equal(access("socket", F_OK), 0);
    tw_control_free(&kit->control);
    put_text("socket", "precious");
    assert_null(open_control(kit, &e));
    assert_non_null(strstr(e.text, "is in the way: it is no socket"));
    struct stat st;
    assert_int_equal(stat("socket", &st), 0);
    assert_int_equal(st.st_size, 8);
    unlink("socket");
    assert_int_equal(symlink("/etc/passwd", "socket"), 0);
    assert_null(open_control(kit, &e));
    unlink("socket");
    drop(kit);
}

static void places_that_cannot_be(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_error e;
    tw_control_free(&kit->control);
    char *good = kit->config->control, name[200];
    memset(name, 'x', sizeof name);
    name[0] = '/';
    name[sizeof name - 1] = '\0';
    kit->config->control = name;
    assert_null(open_control(kit, &e));
    assert_non_null(strstr(e.text, "is too long for a socket"));
    snprintf(name, sizeof name, "/no/such/directory/socket");
    assert_null(open_control(kit, &e));
    assert_non_null(strstr(e.text, "No such file"));
    kit->config->control = good;
    drop(kit);
}

/* ---- the group that may look -------------------------------------------------------------- */

static void be_in_the_group(const char *request, size_t length)
{
    const struct group *group = getgrnam("nogroup");
    char chunk[4096];
    if (!group || setgroups(0, NULL) || setresgid(group->gr_gid, group->gr_gid, group->gr_gid) ||
        setresuid(NOBODY, NOBODY, NOBODY))
        _exit(9);
    const int fd = connect_to("socket");
    if (fd < 0)
        _exit(8);
    struct client client = {.fd = fd};
    if (tw_write_all(fd, request, length) != 0)
        _exit(7);
    for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;)
        tw_buf_add(&client.in, chunk, (size_t)n);
    char *text = heard(&client);
    const bool refused = strncmp(text, "end 100 only root ", 18) == 0;
    const bool told = strstr(text, "job process.a\n") && strstr(text, "end 0 \n");
    _exit(refused ? 1 : told ? 0 : 2);
}

static bool child_ended(struct kit *kit)
{
    if (kit->child && waitpid(kit->child, &kit->status, WNOHANG) == kit->child)
        kit->child = 0;
    return kit->child == 0;
}

static int ask_as_group(struct kit *kit, struct tw_buf request)
{
    kit->child = fork();
    assert_true(kit->child >= 0);
    if (kit->child == 0)
        be_in_the_group(request.data, request.len);
    run_until(kit, child_ended);
    tw_buf_free(&request);
    assert_true(WIFEXITED(kit->status));
    return WEXITSTATUS(kit->status);
}

static void the_group_may_look_and_no_more(void **state)
{
    (void)state;
    if (geteuid() != 0 || !getgrnam("nogroup"))
        skip();
    struct kit *kit = make("control_group = \"nogroup\"");
    struct stat st;
    assert_int_equal(stat("socket", &st), 0);
    assert_int_equal(st.st_mode & 07777, 0660);
    assert_int_equal(ask_as_group(kit, status_request()), 0);
    assert_int_equal(ask_as_group(kit, check_request(0, NULL)), 1);
    assert_int_equal(ask_as_group(kit, forget_request("process.a")), 1);
    assert_null(kit->forgotten);
    assert_int_equal(kit->runs, 0);
    drop(kit);
}

static void without_a_group_others_cannot_come(void **state)
{
    (void)state;
    if (geteuid() != 0 || !getgrnam("nogroup"))
        skip();
    struct kit *kit = make("");
    assert_int_equal(ask_as_group(kit, status_request()), 8);
    drop(kit);
}

static void a_group_that_is_not_there(void **state)
{
    (void)state;
    struct kit *kit = make("");
    struct tw_error e;
    tw_control_free(&kit->control);
    free(kit->config->control_group);
    kit->config->control_group = tw_strdup("no-such-group-here");
    assert_null(open_control(kit, &e));
    assert_string_equal(e.text, "control_group: there is no group no-such-group-here");
    assert_int_equal(access("socket", F_OK), -1);
    drop(kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(status_lists_all),
        TEST(check_runs_what_is_named),
        TEST(check_of_nothing_is_all),
        TEST(check_of_a_job_that_is_not_there),
        TEST(forget_says_what_came_of_it),
        TEST(many_clients_wait_for_one_run),
        TEST(garbled_requests_are_answered),
        TEST(what_is_no_request_is_closed),
        TEST(a_client_that_goes_away),
        TEST(there_are_no_more_than_so_many),
        TEST(a_slow_reader_gets_all),
        TEST(the_end_closes_all),
        TEST(only_root_may_come),
        TEST(what_a_dead_daemon_left_is_replaced),
        TEST(what_is_not_ours_stays),
        TEST(places_that_cannot_be),
        TEST(the_group_may_look_and_no_more),
        TEST(without_a_group_others_cannot_come),
        TEST(a_group_that_is_not_there),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
