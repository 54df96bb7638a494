/* What tasks remember alike: read back, within bounds, and where the next run goes on. */
#include "toaster/scratch.h"

#include "kinds/ownerchild.h"
#include "kinds/tasknotes.h"

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct tw_task_notes notes = {0}, again;
    struct tw_buf out = {0}, shown = {0};
    tw_task_notes_go_on(&notes, 89, "a b@example.com");
    tw_strings_add(&notes.report, "folders one\nline");
    tw_strings_add(&notes.report, "foldersx other");
    tw_strings_add(&notes.report, "folders two");
    tw_task_notes_write(&notes, &out);
    tw_task_notes_read(tw_buf_text(&out), &again);
    assert_int_equal(again.at_uid, 89);
    assert_string_equal(again.at, "a b@example.com");
    assert_int_equal(again.report.count, 3);
    tw_task_notes_show(&again, "folders", &shown);
    assert_string_equal(tw_buf_text(&shown), "one line\ntwo\n");
    tw_task_notes_free(&notes);
    tw_task_notes_free(&again);
    tw_buf_free(&out);
    tw_buf_free(&shown);
}

/* Users choose the names of folders that stand in them. */
static void a_report_has_a_bound(void **state)
{
    (void)state;
    struct tw_task_notes notes = {0};
    struct tw_buf out = {0};
    char line[4000] = "folders ";
    memset(line + 8, 'x', sizeof line - 9);
    for (int i = 0; i < 100; i++)
        tw_strings_add(&notes.report, line);
    tw_task_notes_write(&notes, &out);
    assert_in_range(out.len, 12 * 1024, 24 * 1024);
    tw_task_notes_free(&notes);
    tw_buf_free(&out);
}

static void nonsense_is_passed_over(void **state)
{
    (void)state;
    static const char *const texts[] = {"",         "\n\n",     "at\n", "at 5\n",
                                        "at x y\n", "report\n", " \n",  "report a"};
    for (size_t i = 0; i < TW_COUNT(texts); i++) {
        struct tw_task_notes notes;
        tw_task_notes_read(texts[i], &notes);
        assert_true(!notes.at || notes.at[0]);
        tw_task_notes_free(&notes);
    }
}

struct tour {
    struct tw_buf said;
    bool anew;
};

static bool on_owner(void *context, size_t owner, const char *after, const char *upto)
{
    struct tour *tour = context;
    tw_buf_printf(&tour->said, "%zu(%s,%s) ", owner, after ? after : "", upto ? upto : "");
    return after && tour->anew;
}

static void goes(const char *memory, bool anew, const char *wanted)
{
    struct tw_mail_owner items[] = {{.uid = 10}, {.uid = 20}, {.uid = 30}};
    const struct tw_mail_owners owners = {items, TW_COUNT(items)};
    struct tour tour = {.anew = anew};
    struct tw_task_notes notes;
    tw_task_notes_read(memory, &notes);
    tw_task_go_round(&notes, &owners, on_owner, &tour);
    assert_string_equal(tw_buf_text(&tour.said), wanted);
    assert_null(notes.at);
    tw_task_notes_free(&notes);
    tw_buf_free(&tour.said);
}

static void a_round_begins_where_the_last_one_ended(void **state)
{
    (void)state;
    goes("", false, "0(,) 1(,) 2(,) ");
    goes("at 20 joe@x\n", false, "1(joe@x,) 2(,) 0(,) 1(,joe@x) ");
    goes("at 20 joe@x\n", true, "1(joe@x,) 2(,) 0(,) ");
    goes("at 30 " TW_CHILD_NONE_DONE "\n", false, "2(,) 0(,) 1(,) ");
    goes("at 40 joe@x\n", false, "0(,) 1(,) 2(,) ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(a_report_has_a_bound),
        cmocka_unit_test(nonsense_is_passed_over),
        cmocka_unit_test(a_round_begins_where_the_last_one_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
