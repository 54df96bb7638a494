/* For the tests of kind `aliases`: qmail/alias and qmail/control in the scratch directory, the home
 * nobody's if we are root, so that rights count. */
#ifndef TEST_KINDS_ALIASES_KIT_H
#define TEST_KINDS_ALIASES_KIT_H

#include "kit.h"

#define HOME "qmail/alias"
#define AT(name) HOME "/.qmail-" name

static inline int aliases_make(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    make_dir("qmail");
    make_dir("qmail/control");
    make_dir(HOME);
    put_text("qmail/control/locals", "localhost\nmail.example.com\n");
    put_text("qmail/control/me", "mail.example.com\n");
    put_text(AT("postmaster"), "&you@example.com\n");
    put_text(AT("root"), "&you@example.com\n");
    put_text(AT("mailer-daemon"), "&you@example.com\n");
    return geteuid() == 0 ? chown(HOME, NOBODY, NOBODY) : 0;
}

static inline struct kit aliases_kit(void)
{
    return kit_make(tw_kind_find("aliases"), "qmail");
}

/* With this in .qmail-root, this is said of root, and the others are well. */
static inline void root_is(struct kit *kit, const char *text, enum tw_level level, const char *code,
                           const char *part)
{
    put_text(AT("root"), text);
    kit_run(kit);
    kit_expect(kit, "root", level, code, part);
    kit_expect(kit, "", TW_LEVEL_OK, "ok", "3 names in qmail/alias");
    kit_expect(kit, "mailer-daemon", TW_LEVEL_OK, "ok", "1 address, 0 programs, 0 files");
    assert_int_equal(kit->finding_count, 4);
}

static inline char *evidence_of(struct kit *kit, const char *aspect)
{
    struct tw_buf out = {0};
    char name[] = "aliases.qmail";
    const struct tw_run run = kit_describe(kit, name, NULL);
    kit->kind->evidence(&run, aspect, &out);
    tw_buf_puts(&out, "");
    return tw_buf_take(&out);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, aliases_make, scratch_remove)

#endif
