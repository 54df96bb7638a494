/* What another user may do: by mode bits, and as the kernel sees it. */
#include "scratch.h"

#include <sys/xattr.h>

#include "toaster/procfs.h"
#include "toaster/rights.h"

static struct tw_rights rights(uid_t uid, gid_t gid, gid_t other)
{
    return (struct tw_rights){.uid = uid, .groups = {gid, other}, .group_count = 2};
}

static void modes_are_read_as_the_kernel_does(void **state)
{
    (void)state;
    const struct tw_rights root = rights(0, 0, 0), owner = rights(10, 20, 21),
                           group = rights(11, 20, 21), second = rights(11, 22, 20),
                           other = rights(11, 22, 23);
    struct stat st = {.st_uid = 10, .st_gid = 20, .st_mode = 0700};
    assert_true(tw_rights_allow(&owner, &st, R_OK | W_OK | X_OK));
    assert_false(tw_rights_allow(&group, &st, W_OK));
    assert_false(tw_rights_allow(&other, &st, X_OK));
    assert_true(tw_rights_allow(&root, &st, W_OK));
    st.st_mode = 0070;
    assert_false(tw_rights_allow(&owner, &st, W_OK)); /* the first that fits decides */
    assert_true(tw_rights_allow(&group, &st, W_OK | X_OK));
    assert_true(tw_rights_allow(&second, &st, W_OK | X_OK));
    assert_false(tw_rights_allow(&other, &st, W_OK));
    st.st_mode = 0705;
    assert_false(tw_rights_allow(&group, &st, R_OK));
    assert_true(tw_rights_allow(&other, &st, R_OK | X_OK));
    assert_false(tw_rights_allow(&other, &st, W_OK | X_OK));
    st.st_mode = 0;
    assert_true(tw_rights_allow(&root, &st, W_OK | X_OK));
}

static void those_of_a_process_are_its_effective_ones(void **state)
{
    (void)state;
    struct tw_rights r;
    make_dir("7");
    put_text("7/status", "Name:\tmultilog\nUmask:\t0022\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\n"
                         "FDSize:\t64\nGroups:\t9 10 \nVmSize:\t1 kB\n");
    assert_int_equal(tw_rights_of(".", 7, &r), 0);
    assert_int_equal(r.uid, 2);
    assert_int_equal(r.group_count, 3);
    assert_int_equal(r.groups[0], 6);
    assert_int_equal(r.groups[1], 9);
    assert_int_equal(r.groups[2], 10);
    put_text("7/status", "Name:\ta\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t \n");
    assert_int_equal(tw_rights_of(".", 7, &r), 0);
    assert_int_equal(r.group_count, 1);
    put_text("7/status", "Name:\ta\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t9 1");
    assert_int_equal(tw_rights_of(".", 7, &r), 0);
    assert_int_equal(r.group_count, 2); /* the last may be cut */
    static const char *const bad[] = {"", "Name:\ta\n", "Name:\ta\nUid:\t1\t2\t3\t4\nGid:\tx\n",
                                      "Name:\ta\nUid:\t1\t2\t3\t4\nGid:\t1\n",
                                      "Name:\ta\nUid:\t1\t2\t3\t4\nGid:\t1\t4294967296\t1\t1\n"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        put_text("7/status", bad[i]);
        assert_int_equal(tw_rights_of(".", 7, &r), -1);
    }
    assert_int_equal(tw_rights_of(".", 8, &r), -1);
}

static void very_many_groups_do_not_overflow(void **state)
{
    (void)state;
    struct tw_rights r;
    struct tw_buf text = {0};
    make_dir("7");
    tw_buf_puts(&text, "Name:\ta\nUid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nGroups:\t");
    for (int i = 0; i < 5000; i++)
        tw_buf_printf(&text, "%d ", i);
    put_bytes("7/status", text.data, text.len);
    assert_int_equal(tw_rights_of(".", 7, &r), 0);
    assert_int_equal(r.group_count, TW_GROUPS_MAX);
    tw_buf_free(&text);
}

static void our_own_groups_are_those_the_kernel_names(void **state)
{
    (void)state;
    struct tw_rights r;
    assert_int_equal(tw_rights_of("/proc", getpid(), &r), 0);
    assert_int_equal(r.uid, geteuid());
    assert_int_equal(r.groups[0], getegid());
}

static int ask(uid_t uid, const char *name, int want)
{
    struct tw_error e = {""};
    const struct tw_rights r = rights(uid, uid, uid);
    const int at = open("log", O_PATH | O_DIRECTORY | O_CLOEXEC);
    const int answer = tw_rights_ask(&r, at, name, want, &e);
    close(at);
    assert_true(answer >= 0 || e.text[0]);
    return answer;
}

static void the_kernel_is_asked_with_that_users_rights(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    make_dir("log");
    put_text("log/current", "");
    assert_int_equal(ask(0, ".", W_OK), 1);
    assert_int_equal(ask(NOBODY, ".", W_OK | X_OK), 0);
    assert_int_equal(ask(NOBODY, ".", X_OK), 1);
    assert_int_equal(ask(NOBODY, "current", W_OK), 0);
    assert_int_equal(chown("log", NOBODY, 0), 0);
    assert_int_equal(chown("log/current", NOBODY, 0), 0);
    assert_int_equal(ask(NOBODY, ".", W_OK | X_OK), 1);
    assert_int_equal(ask(NOBODY, "current", W_OK), 1);
    assert_int_equal(ask(NOBODY, "gone", W_OK), 0);
}

/* acl(5) as linux/posix_acl_xattr.h has it: owner rwx, NOBODY rwx, group none, mask rwx, others
 * none. The mode shows the mask as the group's rights. */
static void an_access_list_counts(void **state)
{
    (void)state;
    static const uint32_t list[] = {2,          0x00070001, UINT32_MAX, 0x00070002,
                                    NOBODY,     0x00000004, UINT32_MAX, 0x00070010,
                                    UINT32_MAX, 0x00000020, UINT32_MAX};
    make_dir("log");
    if (geteuid() != 0 || setxattr("log", "system.posix_acl_access", list, sizeof list, 0) != 0)
        skip();
    const struct tw_rights nobody = rights(NOBODY, NOBODY, NOBODY);
    struct stat st;
    assert_int_equal(stat("log", &st), 0);
    assert_false(tw_rights_allow(&nobody, &st, W_OK | X_OK));
    assert_int_equal(ask(NOBODY, ".", W_OK | X_OK), 1);
    assert_int_equal(ask(NOBODY - 1, ".", X_OK), 0);
}

static bool cannot_ask(void *context)
{
    (void)context;
    return ask(geteuid() + 1, ".", W_OK) == -1 && ask(geteuid(), ".", X_OK) == 1 &&
           ask(geteuid(), ".", W_OK) == 0;
}

static void without_root_only_we_ourselves_can_be_asked_for(void **state)
{
    (void)state;
    make_dir("log");
    chmod("log", 0555);
    assert_true(as_nobody(cannot_ask, NULL));
    chmod("log", 0755);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(modes_are_read_as_the_kernel_does),
        IN_SCRATCH(those_of_a_process_are_its_effective_ones),
        IN_SCRATCH(very_many_groups_do_not_overflow),
        cmocka_unit_test(our_own_groups_are_those_the_kernel_names),
        IN_SCRATCH(the_kernel_is_asked_with_that_users_rights),
        IN_SCRATCH(an_access_list_counts),
        IN_SCRATCH(without_root_only_we_ourselves_can_be_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
