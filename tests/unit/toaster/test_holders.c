/* Who has a file open: in a /proc made by hand, and in the real one. */
#include "scratch.h"

#include <errno.h>
#include <pthread.h>
#include <sys/socket.h>

#include "toaster/holders.h"

enum { READS = 0, WRITES = 1, APPENDS = 02001, UPDATES = 2 };

static int open_path(const char *path)
{
    const int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void put_fd(int pid, int number, const char *target, unsigned flags, const char *more)
{
    char path[64], text[200];
    snprintf(path, sizeof path, "proc/%d/fd/%d", pid, number);
    assert_int_equal(symlink(target, path), 0);
    snprintf(path, sizeof path, "proc/%d/fdinfo/%d", pid, number);
    snprintf(text, sizeof text, "pos:\t0\nflags:\t0%o\nmnt_id:\t24\n%s", flags, more);
    put_text(path, text);
}

static void put_process(int pid, const char *comm)
{
    char path[64], text[200];
    make_dir((snprintf(path, sizeof path, "proc/%d", pid), path));
    make_dir((snprintf(path, sizeof path, "proc/%d/fd", pid), path));
    make_dir((snprintf(path, sizeof path, "proc/%d/fdinfo", pid), path));
    snprintf(path, sizeof path, "proc/%d/stat", pid);
    snprintf(text, sizeof text, "%d (%s) S 1 1 1 0 -1 1 1 1 1 1 1 1 1 1 20 0 1 0 77 1 1\n", pid,
             comm);
    put_text(path, text);
}

static void put_proc(void)
{
    make_dir("proc");
    make_dir("proc/net");
    put_text("proc/stat", "cpu");
    put_text("f", "x");
    put_text("g", "x");
}

static struct tw_holder find(const char *path)
{
    struct tw_holder holder = {-1};
    struct tw_error e;
    const int fd = open_path(path);
    if (tw_holders_find("proc", &fd, 1, &holder, &e) != 0)
        fail_msg("%s", e.text);
    close(fd);
    return holder;
}

static void a_holder_is_found(void **state)
{
    (void)state;
    put_proc();
    put_process(7, "reader");
    assert_int_equal(find("f").pid, 0);
    put_fd(7, 3, "../../../g", WRITES, "");
    assert_int_equal(find("f").pid, 0);
    put_fd(7, 4, "../../../f", READS, "");
    assert_int_equal(find("f").pid, 7);
    assert_false(find("f").writes);
    assert_string_equal(find("f").comm, "reader");
    put_process(8, "w) S (x");
    put_fd(8, 200000, "../../../f", APPENDS, "");
    assert_int_equal(find("f").pid, 8); /* who writes matters more */
    assert_true(find("f").writes);
    assert_string_equal(find("f").comm, "w) S (x");
    assert_int_equal(find("g").pid, 7);
}

static void several_files_take_one_pass(void **state)
{
    (void)state;
    struct tw_holder holders[3];
    struct tw_error e;
    put_proc();
    put_text("h", "x");
    put_process(7, "a");
    put_process(8, "b");
    put_fd(7, 3, "../../../g", UPDATES, "");
    put_fd(8, 3, "../../../f", WRITES, "");
    const int files[] = {open_path("f"), open_path("g"), open_path("h")};
    assert_int_equal(tw_holders_find("proc", files, 3, holders, &e), 0);
    assert_int_equal(holders[0].pid, 8);
    assert_int_equal(holders[1].pid, 7);
    assert_true(holders[1].writes);
    assert_int_equal(holders[2].pid, 0);
    for (size_t i = 0; i < 3; i++)
        close(files[i]);
}

/* A descriptor that can neither read nor write. */
static void a_path_descriptor_holds_nothing(void **state)
{
    (void)state;
    put_proc();
    put_process(7, "a");
    put_fd(7, 3, "../../../f", O_PATH, "");
    assert_int_equal(find("f").pid, 0);
}

static void what_goes_meanwhile_holds_nothing(void **state)
{
    (void)state;
    put_proc();
    put_process(7, "a");
    put_fd(7, 3, "../../../gone", WRITES, "");
    assert_int_equal(symlink("../../../f", "proc/7/fd/4"), 0); /* its fdinfo is gone */
    make_dir("proc/8");
    assert_int_equal(find("f").pid, 0);
}

/* Other inodes are not asked for: what lies behind the link here cannot be looked at. */
static void a_file_with_another_number_is_left_alone(void **state)
{
    (void)state;
    char text[64], path[64];
    put_proc();
    make_dir("proc/self");
    make_dir("proc/self/fdinfo");
    put_process(7, "a");
    assert_int_equal(symlink("loop", "loop"), 0);
    put_fd(7, 3, "../../../loop", WRITES, "ino:\t4711\n");
    const int fd = open_path("f");
    struct tw_holder holder;
    struct tw_error e;
    assert_int_equal(tw_holders_find("proc", &fd, 1, &holder, &e), -1); /* none of ours: asked */
    assert_non_null(strstr(e.text, "cannot look at proc/7/fd/3"));
    snprintf(path, sizeof path, "proc/self/fdinfo/%d", fd);
    put_text(path, "pos:\t0\nflags:\t0\nmnt_id:\t24\nino:\t47\n");
    assert_int_equal(tw_holders_find("proc", &fd, 1, &holder, &e), 0);
    assert_int_equal(holder.pid, 0);
    /* The number alone proves nothing, and need not be stat's. */
    snprintf(text, sizeof text, "ino:\t47\n");
    put_fd(7, 4, "../../../g", WRITES, text);
    assert_int_equal(tw_holders_find("proc", &fd, 1, &holder, &e), 0);
    assert_int_equal(holder.pid, 0);
    put_fd(7, 5, "../../../f", WRITES, text);
    assert_int_equal(tw_holders_find("proc", &fd, 1, &holder, &e), 0);
    assert_int_equal(holder.pid, 7);
    close(fd);
}

static bool cannot_tell(void *context)
{
    struct tw_holder holder;
    struct tw_error e;
    return tw_holders_find("proc", context, 1, &holder, &e) == -1 &&
           strstr(e.text, "open files of process 7: Permission denied");
}

static void who_cannot_be_looked_at_is_unknown(void **state)
{
    (void)state;
    put_proc();
    put_process(7, "a");
    int fd = open_path("f");
    struct tw_holder holder;
    struct tw_error e;
    assert_int_equal(chmod("proc/7/fd", 0), 0);
    assert_true(as_nobody(cannot_tell, &fd));
    assert_int_equal(chmod("proc/7/fd", 0755), 0);
    assert_int_equal(tw_holders_find("nowhere", &fd, 1, &holder, &e), -1);
    close(fd);
}

static void who_cannot_be_looked_at_hides_no_other(void **state)
{
    (void)state;
    put_proc();
    put_process(7, "a");
    put_fd(7, 3, "loop", WRITES, "");
    assert_int_equal(symlink("loop", "proc/7/fd/loop"), 0);
    put_process(6, "b");
    put_fd(6, 3, "../../../f", WRITES, "");
    put_process(8, "c");
    put_fd(8, 3, "../../../f", WRITES, "");
    const int fd = open_path("f");
    struct tw_holder holder;
    struct tw_error e;
    assert_int_equal(tw_holders_find("proc", &fd, 1, &holder, &e), -1);
    assert_true(holder.pid == 6 || holder.pid == 8);
    assert_non_null(strstr(e.text, "proc/7/"));
    close(fd);
}

/* A child that has the file open for writing until it is told to end. */
static pid_t start_writer(const char *path, int *to_it)
{
    int ends[2];
    char c = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const int own = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
        close(ends[0]);
        (void)!write(ends[1], own >= 0 ? "y" : "n", 1);
        (void)!read(ends[1], &c, 1);
        _exit(0);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &c, 1), 1);
    assert_int_equal(c, 'y');
    *to_it = ends[0];
    return pid;
}

static void end_writer(pid_t pid, int to_it)
{
    close(to_it);
    wait_for(pid);
}

/* A process whose first thread has ended shows its descriptors only in the others'. */
static void a_thread_that_is_left_holds_it(void **state)
{
    (void)state;
    put_proc();
    put_process(7, "a");
    put_fd(7, 3, "../../../g", READS, "");
    put_process(8, "b");
    make_dir("proc/8/task");
    make_dir("proc/8/task/8");
    make_dir("proc/8/task/9");
    make_dir("proc/8/task/9/fd");
    make_dir("proc/8/task/9/fdinfo");
    assert_int_equal(find("f").pid, 0);
    assert_int_equal(symlink("../../../../../f", "proc/8/task/9/fd/4"), 0);
    put_text("proc/8/task/9/fdinfo/4", "pos:\t0\nflags:\t01\nmnt_id:\t24\n");
    assert_int_equal(find("f").pid, 8);
    assert_true(find("f").writes);
    assert_string_equal(find("f").comm, "b");
}

/* Not all of the real /proc need be ours to see; a child of ours is. */
static struct tw_holder find_really(int fd)
{
    struct tw_holder holder;
    struct tw_error e;
    (void)tw_holders_find("/proc", &fd, 1, &holder, &e);
    return holder;
}

static char state_of(pid_t pid)
{
    char path[64], *text;
    size_t length;
    struct tw_error e;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", pid);
    if (tw_file_read(AT_FDCWD, path, 4096, &text, &length, &e) != 0)
        return '?';
    const char *end = strrchr(text, ')');
    const char of = end && end[1] ? end[2] : '?';
    free(text);
    return of;
}

static _Noreturn void *go_on(void *context)
{
    char c;
    const int *ends = context;
    (void)!write(ends[1], "y", 1);
    (void)!read(ends[1], &c, 1);
    _exit(0);
}

static void a_thread_that_is_left_really_holds_it(void **state)
{
    (void)state;
    int ends[2];
    char c = 0;
    put_text("f", "x");
    const int fd = open_path("f");
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        pthread_t thread;
        (void)!open("f", O_WRONLY | O_CLOEXEC);
        close(ends[0]);
        if (pthread_create(&thread, NULL, go_on, ends) != 0)
            _exit(1);
        pthread_exit(NULL);
    }
    close(ends[1]);
    assert_int_equal(read(ends[0], &c, 1), 1);
    for (int i = 0; i < 500 * PATIENCE && state_of(pid) != 'Z'; i++)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    assert_int_equal(state_of(pid), 'Z');
    assert_int_equal(find_really(fd).pid, pid);
    close(ends[0]);
    wait_for(pid);
    close(fd);
}

static void in_the_real_proc(void **state)
{
    (void)state;
    int to_it;
    put_text("f", "x");
    const int fd = open_path("f");
    assert_int_equal(find_really(fd).pid, 0); /* our own O_PATH does not count */
    const pid_t pid = start_writer("f", &to_it);
    assert_int_equal(rename("f", "moved"), 0);
    assert_int_equal(find_really(fd).pid, pid);
    assert_true(find_really(fd).writes);
    assert_string_equal(find_really(fd).comm, "unit-toaster-ho");
    end_writer(pid, to_it);
    assert_int_equal(find_really(fd).pid, 0);
    const int reader = open("moved", O_RDONLY | O_CLOEXEC);
    assert_int_equal(find_really(fd).pid, getpid());
    assert_false(find_really(fd).writes);
    close(reader);
    close(fd);
}

static void the_kernel_knows_of_a_writer(void **state)
{
    (void)state;
    int to_it;
    put_text("f", "x");
    const int fd = open("f", O_RDONLY | O_CLOEXEC), other = open("f", O_RDONLY | O_CLOEXEC);
    if (tw_holders_written(fd) < 0)
        skip();
    assert_int_equal(tw_holders_written(fd), 0); /* readers do not count */
    const pid_t pid = start_writer("f", &to_it);
    assert_int_equal(tw_holders_written(fd), 1);
    assert_int_equal(unlink("f"), 0);
    assert_int_equal(tw_holders_written(fd), 1);
    end_writer(pid, to_it);
    assert_int_equal(tw_holders_written(fd), 0);
    close(other);
    close(fd);
}

static bool is_unknown(void *context)
{
    return tw_holders_written(*(int *)context) == -1;
}

static void the_kernel_tells_only_the_owner(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    put_text("f", "x");
    int fd = open("f", O_RDONLY | O_CLOEXEC);
    assert_true(as_nobody(is_unknown, &fd));
    close(fd);
    assert_int_equal(tw_holders_written(-1), -1);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_holder_is_found),
        TEST(several_files_take_one_pass),
        TEST(a_path_descriptor_holds_nothing),
        TEST(what_goes_meanwhile_holds_nothing),
        TEST(a_file_with_another_number_is_left_alone),
        TEST(who_cannot_be_looked_at_is_unknown),
        TEST(who_cannot_be_looked_at_hides_no_other),
        TEST(a_thread_that_is_left_holds_it),
        TEST(a_thread_that_is_left_really_holds_it),
        TEST(in_the_real_proc),
        TEST(the_kernel_knows_of_a_writer),
        TEST(the_kernel_tells_only_the_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
