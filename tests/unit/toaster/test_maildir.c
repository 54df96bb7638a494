/* Delivery into a Maildir: what arrives, what is refused, and that nothing is left behind or
 * touched that is not the Maildir's. */
#include "scratch.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

#include "toaster/maildir.h"

static const char letter[] = "Subject: x\n\nFrom here\n.\n\xff\n";
enum { LETTER_SIZE = sizeof letter - 1 };

static const char *const dirs[] = {"Maildir", "Maildir/tmp", "Maildir/new", "Maildir/cur"};

static void make_maildir(void)
{
    for (size_t i = 0; i < TW_COUNT(dirs); i++)
        make_dir(dirs[i]);
}

static void give_to_nobody(void)
{
    for (size_t i = 0; i < TW_COUNT(dirs); i++) {
        assert_int_equal(chown(dirs[i], NOBODY, NOBODY), 0);
        assert_int_equal(chmod(dirs[i], 0700), 0);
    }
}

static int deliver(struct tw_error *e)
{
    return tw_maildir_deliver("Maildir", "mail.example.com", letter, LETTER_SIZE, e);
}

/* How many names are in the directory; the last of them in `name`. */
static size_t count_names(const char *path, char name[256])
{
    size_t count = 0;
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (const struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') {
            count++;
            if (name)
                snprintf(name, 256, "%s", entry->d_name);
        }
    closedir(dir);
    return count;
}

static void empty_new(void)
{
    assert_int_equal(nftw("Maildir/new", scratch_forget, 16, FTW_DEPTH | FTW_PHYS), 0);
    make_dir("Maildir/new");
}

static void expect_text(const char *path, const char *expected)
{
    char *text;
    size_t length;
    struct tw_error e;
    assert_int_equal(tw_file_read(AT_FDCWD, path, 1 << 20, &text, &length, &e), 0);
    assert_string_equal(text, expected);
    free(text);
}

static void expect_refused(const char *why)
{
    struct tw_error e;
    assert_int_equal(deliver(&e), -1);
    assert_non_null(strstr(e.text, why));
}

static void the_whole_letter_arrives_in_new_readable_by_its_owner_alone(void **state)
{
    (void)state;
    char name[256], path[300];
    struct stat st;
    make_maildir();
    const mode_t old = umask(0277);
    const int result = deliver(NULL);
    umask(old);
    assert_int_equal(result, 0);
    assert_int_equal(count_names("Maildir/tmp", NULL), 0);
    assert_int_equal(count_names("Maildir/new", name), 1);
    snprintf(path, sizeof path, "Maildir/new/%s", name);
    expect_text(path, letter);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_nlink, 1);
    assert_int_equal(st.st_uid, geteuid());
    assert_in_range(strtoll(name, NULL, 10), time(NULL) - 60, time(NULL));
    char *end = tw_format(".mail.example.com,S=%d", LETTER_SIZE);
    assert_string_equal(name + strlen(name) - strlen(end), end);
    free(end);
}

static void a_slash_at_the_end_and_an_empty_letter_are_fine(void **state)
{
    (void)state;
    char name[256];
    make_maildir();
    assert_int_equal(tw_maildir_deliver("Maildir//", "h", "", 0, NULL), 0);
    assert_int_equal(count_names("Maildir/new", name), 1);
    assert_non_null(strstr(name, ".h,S=0"));
}

static void deliveries_at_the_same_time_get_names_of_their_own(void **state)
{
    (void)state;
    enum { CHILDREN = 4, EACH = 25 };
    pid_t children[CHILDREN];
    make_maildir();
    for (int i = 0; i < CHILDREN; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0) {
            int result = 0;
            for (int n = 0; n < EACH && result == 0; n++)
                result = deliver(NULL);
            _exit(result == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < CHILDREN; i++)
        assert_int_equal(wait_for(children[i]), 0);
    assert_int_equal(count_names("Maildir/new", NULL), CHILDREN * EACH);
    assert_int_equal(count_names("Maildir/tmp", NULL), 0);
}

/* The third of the parts of a name that dots divide. */
static const char *host_part(const char *name)
{
    for (int dots = 0; dots < 2 && name; dots++)
        name = strchr(name + 1, '.');
    return name;
}

static void a_hostile_host_name_cannot_leave_the_directory_or_fake_fields(void **state)
{
    (void)state;
    static const struct {
        const char *host, *part;
    } cases[] = {
        {"../../x", "...\\057..\\057x,S=26"},
        {"a:2,S", ".a\\0722\\054S,S=26"},
        {"h,S=1", ".h\\054S\\0751,S=26"},
        {"", ".localhost,S=26"},
        {"\n\x1b[2J\xff", ".\\012\\033\\1332J\\377,S=26"},
        {"a b", ".a\\040b,S=26"},
    };
    make_maildir();
    for (size_t i = 0; i < TW_COUNT(cases); i++) {
        char name[256];
        struct tw_error e;
        assert_int_equal(tw_maildir_deliver("Maildir", cases[i].host, letter, LETTER_SIZE, &e), 0);
        assert_int_equal(count_names("Maildir/new", name), 1);
        assert_string_equal(host_part(name), cases[i].part);
        empty_new();
    }
}

static void a_huge_host_name_is_cut(void **state)
{
    (void)state;
    char huge[5000], name[256];
    make_maildir();
    for (int i = 0; i < 4; i++) { /* not within an escape, wherever the cut falls */
        memset(huge, '/', sizeof huge - 1);
        memset(huge, 'a', (size_t)i);
        huge[sizeof huge - 1] = '\0';
        assert_int_equal(tw_maildir_deliver("Maildir", huge, letter, LETTER_SIZE, NULL), 0);
        assert_int_equal(count_names("Maildir/new", name), 1);
        assert_in_range(strlen(name), 100, 220);
        assert_non_null(strstr(name, "\\057,S=26"));
        empty_new();
    }
}

static void links_in_the_place_of_directories_are_refused(void **state)
{
    (void)state;
    make_maildir();
    make_dir("elsewhere");
    static const char *const parts[] = {"Maildir/tmp", "Maildir/new"};
    for (size_t i = 0; i < TW_COUNT(parts); i++) {
        rmdir(parts[i]);
        expect_refused(parts[i]);
        assert_int_equal(symlink("../elsewhere", parts[i]), 0);
        expect_refused(parts[i]);
        unlink(parts[i]);
        put_text(parts[i], "");
        expect_refused("Not a directory");
        unlink(parts[i]);
        assert_int_equal(mkfifo(parts[i], 0600), 0);
        expect_refused("Not a directory");
        unlink(parts[i]);
        make_dir(parts[i]);
    }
    rename("Maildir", "real");
    expect_refused("Maildir: No such file");
    assert_int_equal(symlink("real", "Maildir"), 0);
    expect_refused("Maildir");
    struct tw_error e;
    assert_int_equal(tw_maildir_deliver("Maildir/", "h", letter, LETTER_SIZE, &e), -1);
    assert_int_equal(tw_maildir_deliver("", "h", letter, LETTER_SIZE, &e), -1);
    assert_int_equal(count_names("elsewhere", NULL), 0);
    assert_int_equal(count_names("real/new", NULL), 0);
    assert_int_equal(count_names("real/tmp", NULL), 0);
}

static bool is_denied(void *context)
{
    struct tw_error e;
    (void)context;
    return deliver(&e) == -1 && strstr(e.text, "Permission denied");
}

static void without_permission_nothing_is_left_behind(void **state)
{
    (void)state;
    make_maildir();
    if (geteuid() == 0)
        give_to_nobody();
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(chmod(dirs[i], i > 0 ? 0500 : 0), 0);
        const bool denied = as_nobody(is_denied, NULL);
        assert_int_equal(chmod(dirs[i], 0700), 0);
        assert_true(denied);
        assert_int_equal(count_names("Maildir/tmp", NULL), 0);
        assert_int_equal(count_names("Maildir/new", NULL), 0);
    }
}

static void a_letter_that_does_not_fit_leaves_nothing_behind(void **state)
{
    (void)state;
    static char big[100000];
    struct rlimit old;
    struct tw_error e;
    make_maildir();
    put_text("Maildir/maildirsize", "1000000S\n");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_IGN);
    const struct rlimit low = {.rlim_cur = 50000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    const int result = tw_maildir_deliver("Maildir", "h", big, sizeof big, &e);
    setrlimit(RLIMIT_FSIZE, &old);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(result, -1);
    assert_non_null(strstr(e.text, "File too large"));
    assert_int_equal(count_names("Maildir/tmp", NULL), 0);
    assert_int_equal(count_names("Maildir/new", NULL), 0);
    expect_text("Maildir/maildirsize", "1000000S\n");
}

static void maildirsize_gets_one_line_if_it_is_there(void **state)
{
    (void)state;
    struct stat st;
    make_maildir();
    assert_int_equal(deliver(NULL), 0);
    assert_int_equal(stat("Maildir/maildirsize", &st), -1);
    put_text("Maildir/maildirsize", "");
    assert_int_equal(deliver(NULL), 0);
    expect_text("Maildir/maildirsize", "26 1\n");
    /* Over its quota: the postmaster still hears what is wrong, and it is counted. */
    put_text("Maildir/maildirsize", "100S,1C\n5000 7\n-10 -1\n");
    assert_int_equal(deliver(NULL), 0);
    expect_text("Maildir/maildirsize", "100S,1C\n5000 7\n-10 -1\n26 1\n");
    assert_int_equal(count_names("Maildir/new", NULL), 3);
}

static void a_maildirsize_that_is_no_file_is_not_touched(void **state)
{
    (void)state;
    static const char path[] = "Maildir/maildirsize";
    make_maildir();
    put_text("victim", "precious\n");
    assert_int_equal(symlink("../victim", path), 0);
    assert_int_equal(deliver(NULL), 0);
    expect_text("victim", "precious\n");
    unlink(path);
    make_dir(path);
    assert_int_equal(deliver(NULL), 0);
    rmdir(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(deliver(NULL), 0); /* nobody reads it */
    const int reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(deliver(NULL), 0);
    assert_int_equal(read(reader, (char[1]){0}, 1), 0); /* nothing came */
    close(reader);
    assert_int_equal(count_names("Maildir/new", NULL), 4);
}

/* ---- as the owner ---- */

/* In a child, since root is given up for good. */
static bool as_owner(int wanted, const char *why)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct tw_error e = {""};
        const int result = tw_maildir_deliver_as_owner("Maildir", "h", letter, LETTER_SIZE, &e);
        const bool root = geteuid() == 0 || setuid(0) == 0;
        if (result != wanted || !strstr(e.text, why) || (result == 0 && root))
            print_error("%d, root %d: %s\n", result, root, e.text);
        else
            _exit(0);
        _exit(1);
    }
    return wait_for(pid) == 0;
}

static void the_letter_belongs_to_the_maildirs_owner(void **state)
{
    char name[256], path[300];
    struct stat st;
    make_maildir();
    if (geteuid() == 0) {
        give_to_nobody();
        chmod(*state, 0700); /* the way there is root's alone */
    }
    assert_true(as_owner(0, ""));
    assert_int_equal(count_names("Maildir/new", name), 1);
    snprintf(path, sizeof path, "Maildir/new/%s", name);
    expect_text(path, letter);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode, S_IFREG | 0600);
    assert_int_equal(st.st_uid, geteuid() == 0 ? NOBODY : geteuid());
    if (geteuid() == 0) { /* group root is no reason to refuse, and is not used */
        assert_int_equal(chown("Maildir", NOBODY, 0), 0);
        assert_true(as_owner(0, ""));
    }
}

static bool not_ours(void *context)
{
    struct tw_error e;
    (void)context;
    return tw_maildir_deliver_as_owner("Maildir", "h", letter, LETTER_SIZE, &e) == -1 &&
           strstr(e.text, "belongs to uid 1");
}

static void another_owner_is_refused(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_maildir();
    assert_true(as_owner(-1, "it belongs to root"));
    assert_int_equal(chown("Maildir", 1, 1), 0);
    assert_true(as_nobody(not_ours, NULL));
    assert_int_equal(count_names("Maildir/new", NULL), 0);
    assert_int_equal(count_names("Maildir/tmp", NULL), 0);
}

static void what_is_roots_stays_untouched_whatever_the_owner_links_to_it(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_maildir();
    give_to_nobody();
    put_text("victim", "precious\n");
    chmod("victim", 0600);
    assert_int_equal(link("victim", "Maildir/maildirsize"), 0);
    assert_true(as_owner(0, ""));
    expect_text("victim", "precious\n");
    rmdir("Maildir/tmp");
    assert_int_equal(symlink("..", "Maildir/tmp"), 0);
    assert_true(as_owner(-1, "Maildir/tmp"));
    unlink("Maildir/tmp");
    make_dir("Maildir/tmp"); /* root's */
    assert_true(as_owner(-1, "Permission denied"));
    assert_int_equal(count_names("Maildir/new", NULL), 1);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(the_whole_letter_arrives_in_new_readable_by_its_owner_alone),
        IN_SCRATCH(a_slash_at_the_end_and_an_empty_letter_are_fine),
        IN_SCRATCH(deliveries_at_the_same_time_get_names_of_their_own),
        IN_SCRATCH(a_hostile_host_name_cannot_leave_the_directory_or_fake_fields),
        IN_SCRATCH(a_huge_host_name_is_cut),
        IN_SCRATCH(links_in_the_place_of_directories_are_refused),
        IN_SCRATCH(without_permission_nothing_is_left_behind),
        IN_SCRATCH(a_letter_that_does_not_fit_leaves_nothing_behind),
        IN_SCRATCH(maildirsize_gets_one_line_if_it_is_there),
        IN_SCRATCH(a_maildirsize_that_is_no_file_is_not_touched),
        IN_SCRATCH(the_letter_belongs_to_the_maildirs_owner),
        IN_SCRATCH(another_owner_is_refused),
        IN_SCRATCH(what_is_roots_stays_untouched_whatever_the_owner_links_to_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
