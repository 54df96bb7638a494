/* What speaks before the schedule does, with real processes and directories. */
#include "toaster/scratch.h"

#include <dirent.h>
#include <signal.h>

#include "toaster/procfs.h"
#include "watcher/watches.h"

enum { STEP_MS = 5, LIMIT_MS = 20000 * PATIENCE };

struct kit {
    struct tw_loop *loop;
    struct tw_watches *watches;
    struct tw_timer *step;
    int64_t until_ms;
    size_t *wanted; /* stops when it is not 0 */
};

static void fired(void *owner)
{
    ++*(size_t *)owner;
}

static void step(void *context)
{
    struct kit *kit = context;
    if (*kit->wanted || tw_loop_now_ms(kit->loop) > kit->until_ms)
        tw_loop_stop(kit->loop);
    else
        tw_timer_set(kit->step, STEP_MS);
}

static size_t count_files(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir))
        count++;
    closedir(dir);
    return count;
}

static struct kit *make(void)
{
    struct kit *kit = tw_alloc(sizeof *kit);
    kit->loop = tw_loop_new();
    assert_non_null(kit->loop);
    kit->watches = tw_watches_new(kit->loop, "/proc", fired);
    kit->step = tw_timer_new(kit->loop, step, kit);
    return kit;
}

static void drop(struct kit *kit)
{
    tw_timer_free(&kit->step);
    tw_watches_free(&kit->watches);
    assert_null(kit->watches);
    tw_loop_free(&kit->loop);
    free(kit);
}

/* Runs the loop until the counter moves; false: it does not. */
static bool speaks(struct kit *kit, size_t *counter)
{
    kit->wanted = counter;
    kit->until_ms = tw_loop_now_ms(kit->loop) + LIMIT_MS;
    tw_timer_set(kit->step, STEP_MS);
    tw_loop_run(kit->loop);
    tw_timer_stop(kit->step);
    return *counter > 0;
}

static pid_t start_child(void)
{
    const pid_t parent = getpid(), pid = fork();
    assert_true(pid >= 0);
    while (pid == 0 && getppid() == parent)
        sleep(1);
    if (pid == 0)
        _exit(0);
    return pid;
}

static uint64_t start_of(pid_t pid)
{
    struct tw_proc proc;
    assert_int_equal(tw_proc_read("/proc", pid, &proc), 0);
    return proc.start_ticks;
}

static void end_child(pid_t pid)
{
    kill(pid, SIGKILL);
    wait_for(pid);
}

static void watch_one_pid(struct tw_watch_set *set, pid_t pid, uint64_t start_ticks)
{
    tw_watch_set_begin(set);
    tw_watch_set_pid(set, pid, start_ticks);
    tw_watch_set_end(set);
}

static void watch_one_dir(struct tw_watch_set *set, const char *directory, const char *name)
{
    tw_watch_set_begin(set);
    tw_watch_set_dir(set, directory, name);
    tw_watch_set_end(set);
}

/* ---- processes ---------------------------------------------------------------------------- */

/* Also before anybody has reaped it. */
static void a_process_that_ends_speaks_once(void **state)
{
    (void)state;
    const size_t files = count_files();
    struct kit *kit = make();
    size_t count = 0, other = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    struct tw_watch_set *bystander = tw_watch_set_new(kit->watches, &other);
    const pid_t pid = start_child(), sibling = start_child();
    watch_one_pid(set, pid, start_of(pid));
    watch_one_pid(bystander, sibling, start_of(sibling));
    kill(pid, SIGKILL);
    assert_true(speaks(kit, &count));
    wait_for(pid);
    end_child(sibling);
    assert_true(speaks(kit, &other));
    assert_int_equal(count, 1);
    assert_int_equal(other, 1);
    tw_watch_set_free(&set);
    tw_watch_set_free(&bystander);
    drop(kit);
    assert_int_equal(count_files(), files);
}

static void a_process_that_is_gone_speaks_at_once(void **state)
{
    (void)state;
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    const pid_t pid = start_child();
    const uint64_t start_ticks = start_of(pid);
    end_child(pid);
    watch_one_pid(set, pid, start_ticks);
    assert_int_equal(count, 0); /* from the loop, not from the call */
    assert_true(speaks(kit, &count));
    assert_int_equal(count, 1);
    tw_watch_set_free(&set);
    drop(kit);
}

/* The number lives on as another process. */
static void a_process_of_another_start_is_gone(void **state)
{
    (void)state;
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    const pid_t pid = start_child();
    watch_one_pid(set, pid, start_of(pid) - 1);
    assert_true(speaks(kit, &count));
    tw_watch_set_free(&set);
    end_child(pid);
    drop(kit);
}

static void what_is_not_said_again_is_dropped(void **state)
{
    (void)state;
    struct kit *kit = make();
    size_t count = 0, other = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    struct tw_watch_set *sentinel = tw_watch_set_new(kit->watches, &other);
    const pid_t pid = start_child(), last = start_child();
    const size_t files = count_files();
    watch_one_pid(set, pid, start_of(pid));
    for (int i = 0; i < 10; i++) /* said again: kept, not doubled */
        watch_one_pid(set, pid, start_of(pid));
    assert_int_equal(count_files(), files + 1);
    tw_watch_set_begin(set);
    tw_watch_set_end(set);
    assert_int_equal(count_files(), files);
    watch_one_pid(sentinel, last, start_of(last));
    end_child(pid);
    end_child(last);
    assert_true(speaks(kit, &other));
    assert_int_equal(count, 0);
    tw_watch_set_free(&set);
    tw_watch_set_free(&sentinel);
    drop(kit);
}

/* A run that had no answer has begun a set and does not end it: what was watched stays. */
static void a_run_that_failed_drops_nothing(void **state)
{
    (void)state;
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    const pid_t pid = start_child();
    watch_one_pid(set, pid, start_of(pid));
    tw_watch_set_begin(set);
    end_child(pid);
    assert_true(speaks(kit, &count));
    tw_watch_set_free(&set);
    drop(kit);
}

/* ---- directories -------------------------------------------------------------------------- */

static void replace(const char *path)
{
    put_text("new", "x");
    assert_int_equal(rename("new", path), 0);
}

static void only_the_name_that_is_watched_speaks(void **state)
{
    (void)state;
    make_dir("supervise");
    replace("supervise/status");
    assert_int_equal(mkfifo("supervise/ok", 0600), 0);
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    watch_one_dir(set, "supervise", "status");
    /* What svstat and svc do there, and what supervise does before it renames. */
    close(open("supervise/ok", O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    put_text("supervise/status.new", "x");
    replace("supervise/lock");
    replace("supervise/statu");
    replace("supervise/status2");
    unlink("supervise/lock");
    assert_int_equal(rename("supervise/status.new", "supervise/status"), 0);
    assert_true(speaks(kit, &count));
    assert_int_equal(count, 1); /* events come in order: the others said nothing */
    tw_watch_set_free(&set);
    drop(kit);
}

static void a_status_written_in_place_speaks(void **state)
{
    (void)state;
    make_dir("supervise");
    replace("supervise/status");
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    watch_one_dir(set, "supervise", "status");
    put_text("supervise/status", "other");
    assert_true(speaks(kit, &count));
    count = 0;
    unlink("supervise/status");
    assert_true(speaks(kit, &count));
    tw_watch_set_free(&set);
    drop(kit);
}

static void entries_that_come_and_go(void **state)
{
    (void)state;
    make_dir("service");
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    watch_one_dir(set, "service", NULL);
    make_dir("service/smtp");
    assert_true(speaks(kit, &count));
    count = 0;
    assert_int_equal(rename("service/smtp", "elsewhere"), 0);
    assert_true(speaks(kit, &count));
    count = 0;
    assert_int_equal(symlink("../elsewhere", "service/smtp"), 0);
    assert_true(speaks(kit, &count));
    count = 0;
    unlink("service/smtp");
    assert_true(speaks(kit, &count));
    tw_watch_set_free(&set);
    drop(kit);
}

static void a_directory_removed_and_made_again(void **state)
{
    (void)state;
    make_dir("supervise");
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    watch_one_dir(set, "supervise", "status");
    rmdir("supervise");
    assert_true(speaks(kit, &count));
    watch_one_dir(set, "supervise", "status"); /* not there: not watched, and no harm */
    make_dir("supervise");
    watch_one_dir(set, "supervise", "status");
    count = 0;
    replace("supervise/status");
    assert_true(speaks(kit, &count));
    tw_watch_set_free(&set);
    drop(kit);
}

static void a_directory_moved_away_and_another_in_its_place(void **state)
{
    (void)state;
    make_dir("supervise");
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    watch_one_dir(set, "supervise", "status");
    assert_int_equal(rename("supervise", "old"), 0);
    assert_true(speaks(kit, &count));
    make_dir("supervise");
    watch_one_dir(set, "supervise", "status");
    count = 0;
    replace("old/status"); /* no longer ours */
    replace("supervise/status");
    assert_true(speaks(kit, &count));
    assert_int_equal(count, 1);
    tw_watch_set_free(&set);
    drop(kit);
}

static void two_sets_share_a_directory(void **state)
{
    (void)state;
    make_dir("d");
    struct kit *kit = make();
    size_t one = 0, two = 0;
    struct tw_watch_set *a = tw_watch_set_new(kit->watches, &one);
    struct tw_watch_set *b = tw_watch_set_new(kit->watches, &two);
    watch_one_dir(a, "d", "x");
    watch_one_dir(b, "d", "y");
    replace("d/x");
    replace("d/y");
    assert_true(speaks(kit, &two));
    assert_int_equal(one, 1);
    assert_int_equal(two, 1);
    tw_watch_set_free(&a); /* the other keeps the directory */
    two = 0;
    replace("d/x");
    replace("d/y");
    assert_true(speaks(kit, &two));
    assert_int_equal(one, 1);
    assert_int_equal(two, 1);
    tw_watch_set_free(&b);
    drop(kit);
}

static void a_file_is_no_directory(void **state)
{
    (void)state;
    put_text("f", "");
    struct kit *kit = make();
    size_t count = 0;
    struct tw_watch_set *set = tw_watch_set_new(kit->watches, &count);
    watch_one_dir(set, "f", NULL);
    watch_one_dir(set, "nowhere/at/all", "status");
    tw_watch_set_free(&set);
    drop(kit);
    assert_int_equal(count, 0);
}

/* More events than the kernel keeps: then everybody looks. */
static void an_overflow_speaks_to_all(void **state)
{
    (void)state;
    char *text;
    size_t length;
    if (tw_file_read(AT_FDCWD, "/proc/sys/fs/inotify/max_queued_events", 64, &text, &length,
                     NULL) != 0)
        skip();
    const long most = strtol(text, NULL, 10);
    free(text);
    make_dir("d");
    make_dir("e");
    struct kit *kit = make();
    size_t one = 0, two = 0;
    struct tw_watch_set *a = tw_watch_set_new(kit->watches, &one);
    struct tw_watch_set *b = tw_watch_set_new(kit->watches, &two);
    watch_one_dir(a, "d", NULL);
    watch_one_dir(b, "e", "status");
    for (long i = 0; i < most; i++) { /* two events each */
        put_text("d/x", "");
        unlink("d/x");
    }
    assert_true(speaks(kit, &two));
    assert_true(one > 0);
    tw_watch_set_free(&a);
    tw_watch_set_free(&b);
    drop(kit);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_process_that_ends_speaks_once),
        TEST(a_process_that_is_gone_speaks_at_once),
        TEST(a_process_of_another_start_is_gone),
        TEST(what_is_not_said_again_is_dropped),
        TEST(a_run_that_failed_drops_nothing),
        TEST(only_the_name_that_is_watched_speaks),
        TEST(a_status_written_in_place_speaks),
        TEST(entries_that_come_and_go),
        TEST(a_directory_removed_and_made_again),
        TEST(a_directory_moved_away_and_another_in_its_place),
        TEST(two_sets_share_a_directory),
        TEST(a_file_is_no_directory),
        TEST(an_overflow_speaks_to_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
