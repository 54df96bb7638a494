/* The rows of the state: every column, the incidents and when they are forgotten, and a database of
 * the first version. */
#include "statekit.h"

static void all_of_aspect(void *context, const struct tw_state_aspect *row)
{
    struct kit *kit = context;
    kit_aspect(kit, row);
    const bool now = row->told_s > time(NULL) - 100; /* as the first version's rows have it */
    tw_buf_printf(&kit->seen, "  %ld %ld%ld%ld%ld %ld %ld %ld %ld %ld %ld %ld [%s] [%s] [%s]\n",
                  (long)row->incident, (long)row->acted, (long)row->was_open, (long)row->bad,
                  (long)row->flap_told, (long)row->letters, now ? -1L : (long)row->told_s,
                  (long)row->reminds, (long)row->escalated_s, (long)row->changed_s,
                  (long)row->opens, (long)row->acked_s, row->openings, row->acked_by, row->note);
}

static void all_of_incident(void *context, const struct tw_state_incident *row)
{
    struct kit *kit = context;
    tw_buf_printf(&kit->seen, "incident %ld of %s: %ld %ld %ld %ld %ld %ld %ld [%s] [%s] [%s]\n",
                  (long)row->id, row->aspect, (long)row->level, (long)row->opened_s,
                  (long)row->closed_s, (long)row->letters, (long)row->opens, (long)row->escalated_s,
                  (long)row->acked_s, row->text, row->acked_by, row->note);
}

/* As kit_stored, with every column and the incidents. */
static const char *all_stored(struct kit *kit)
{
    const struct tw_state_reader reader = {all_of_aspect, kit_job, kit_value,      kit_letter,
                                           kit_trouble,   kit,     all_of_incident};
    tw_buf_clear(&kit->seen);
    kit->troubles = 0;
    kit->state = tw_state_open(kit->dir, false, &reader);
    kit_close(kit);
    return tw_buf_text(&kit->seen);
}

static void every_column_of_an_aspect_is_read_back(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_aspect(kit->state, &(struct tw_state_aspect){.aspect = "a",
                                                              .job = "j",
                                                              .incident = 9,
                                                              .acted = 1,
                                                              .bad = 1,
                                                              .letters = 10,
                                                              .told_s = 11,
                                                              .reminds = 12,
                                                              .escalated_s = 13,
                                                              .changed_s = 14,
                                                              .opens = 15,
                                                              .acked_s = INT64_MAX,
                                                              .openings = "3 2 1",
                                                              .acked_by = "joe\n\xff",
                                                              .note = "'; --"});
    kit_close(kit);
    assert_string_equal(all_stored(kit), "aspect a of j: 0 0 0 0 0 0 0 0 [] []\n"
                                         "  9 1010 10 11 12 13 14 15 9223372036854775807"
                                         " [3 2 1] [joe\n\xff] ['; --]\n");
}

static void incidents_are_read_in_the_order_of_their_numbers(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    tw_state_put_incident(kit->state, &(struct tw_state_incident){.id = 10, .aspect = "c"});
    tw_state_put_incident(kit->state, &(struct tw_state_incident){2, "b", 3, 4, 5, 6, 7, 8, 9, "t",
                                                                  "joe", "n\xff\n"});
    tw_state_put_incident(kit->state, &(struct tw_state_incident){.id = 9, .aspect = "old"});
    tw_state_put_incident(kit->state, &(struct tw_state_incident){.id = 9, .aspect = "new"});
    tw_state_put_incident(kit->state,
                          &(struct tw_state_incident){.id = INT64_MAX, .opened_s = INT64_MIN});
    kit_close(kit);
    assert_string_equal(all_stored(kit),
                        "incident 2 of b: 3 4 5 6 7 8 9 [t] [joe] [n\xff\n]\n"
                        "incident 9 of new: 0 0 0 0 0 0 0 [] [] []\n"
                        "incident 10 of c: 0 0 0 0 0 0 0 [] [] []\n"
                        "incident 9223372036854775807 of : 0 -9223372036854775808 0 0 0 0 0"
                        " [] [] []\n");
    kit_start(kit);
    tw_state_put_incident(kit->state,
                          &(struct tw_state_incident){.id = 10, .aspect = "c", .closed_s = 77});
    kit_close(kit);
    assert_non_null(strstr(all_stored(kit), "incident 10 of c: 0 0 77 0"));
    kit_stored(kit); /* whoever does not want them need not take them */
    assert_string_equal(tw_buf_text(&kit->seen), "");
    assert_int_equal(kit->troubles, 0);
}

/* The numbers, as "3 5 501-1500 ". */
static const char *numbers_stored(struct kit *kit)
{
    static char text[200];
    long first = 0, last = -1;
    size_t used = 0;
    text[0] = '\0';
    for (const char *at = all_stored(kit); at; at = strchr(at, '\n')) {
        at += *at == '\n';
        const long id = *at ? strtol(at + strlen("incident "), NULL, 10) : -1;
        if (id != last + 1 && first)
            used += (size_t)snprintf(text + used, sizeof text - used,
                                     first == last ? "%ld " : "%ld-%ld ", first, last);
        if (id != last + 1)
            first = id;
        last = id;
        if (!*at)
            break;
    }
    return text;
}

/* Numbers 1 to `count`, each over at the second of its number. */
static void put_history(const struct kit *kit, int count)
{
    char *sql = tw_format("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                          " WHERE i < %d) INSERT INTO incident (id, closed_s) SELECT i, i FROM n",
                          count);
    kit_sql(kit, sql);
    free(sql);
}

static void prune(struct kit *kit, int64_t before_s)
{
    kit_start(kit);
    tw_state_prune_incidents(kit->state, before_s);
    kit_close(kit);
}

static void old_incidents_are_forgotten_but_not_open_ones_nor_the_newest(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    kit_close(kit);
    prune(kit, INT64_MAX);
    assert_string_equal(numbers_stored(kit), "");
    put_history(kit, 1500);
    kit_sql(kit, "UPDATE incident SET closed_s = 0 WHERE id = 3;"
                 "UPDATE incident SET closed_s = 5000 WHERE id = 5");
    static const int64_t none[] = {0, 1, -1, INT64_MIN};
    for (size_t i = 0; i < TW_COUNT(none); i++)
        prune(kit, none[i]);
    assert_string_equal(numbers_stored(kit), "1-1500 ");
    prune(kit, 101);
    assert_string_equal(numbers_stored(kit), "3 5 101-1500 ");
    prune(kit, 4000);
    assert_string_equal(numbers_stored(kit), "3 5 501-1500 ");
    prune(kit, INT64_MAX);
    assert_string_equal(numbers_stored(kit), "3 501-1500 ");
    assert_int_equal(kit->troubles, 0);
}

static void no_more_than_the_most_are_kept_and_all_that_are_open(void **state)
{
    struct kit *kit = *state;
    kit_start(kit);
    kit_close(kit);
    put_history(kit, TW_STATE_HISTORY_MAX + 10);
    kit_sql(kit, "UPDATE incident SET closed_s = 0 WHERE id = 7");
    prune(kit, 0);
    assert_string_equal(numbers_stored(kit), "7 11-100010 ");
}

/* Changes of one key replace each other; these are no such. */
static void an_incident_whose_number_is_the_time_is_not_lost_by_forgetting(void **state)
{
    struct kit *kit = *state;
    kit_open(kit, false);
    tw_state_put_incident(kit->state, &(struct tw_state_incident){.id = 77, .aspect = "a"});
    tw_state_prune_incidents(kit->state, 77);
    assert_int_equal(tw_state_start(kit->state, NULL), 0);
    kit_close(kit);
    assert_string_equal(numbers_stored(kit), "77 ");
}

/* ---- the first version ----------------------------------------------------------------------- */

/* What the first version made, with rows of each stage that it knew. */
static void make_first_version(const struct kit *kit)
{
    assert_int_equal(mkdir(kit->dir, 0711), 0);
    kit_sql(kit, "PRAGMA journal_mode=WAL; BEGIN; PRAGMA user_version=1;"
                 "CREATE TABLE aspect (aspect TEXT PRIMARY KEY NOT NULL, job TEXT,"
                 " level INTEGER, stage INTEGER, since_s INTEGER, opened_s INTEGER,"
                 " closed_s INTEGER, fails INTEGER, oks INTEGER, unknowns INTEGER,"
                 " code TEXT, text TEXT) WITHOUT ROWID;"
                 "CREATE TABLE job (job TEXT PRIMARY KEY NOT NULL,"
                 " last_start_s INTEGER, last_end_s INTEGER, memory TEXT) WITHOUT ROWID;"
                 "CREATE TABLE value (key TEXT PRIMARY KEY NOT NULL, value TEXT)"
                 " WITHOUT ROWID;"
                 "INSERT INTO aspect VALUES"
                 " ('s.closing', 's.closing', 1, 4, 50, 40, 50, 2, 3, 0, 'up', 'up 9s'),"
                 " ('s.open', 's.open', 3, 2, 60, 60, 0, 1, 0, 0, 'down', 'down'),"
                 " ('s.pending', 's.pending', 3, 1, 70, 65, 0, 1, 0, 2, 'down', ''),"
                 " ('s.quiet/log', 's.quiet', 1, 0, 80, 0, 0, 0, 0, 0, '', 'it''s up'),"
                 " ('s.told', 's.told', 4, 3, 90, 85, 0, 3, 1, 0, 'x', NULL);"
                 "INSERT INTO job VALUES ('disk.var', 10, 20, 'memory');"
                 "INSERT INTO value VALUES ('sent', '1 2 3'); COMMIT");
}

static const char first_version_now[] =
    "aspect s.closing of s.closing: 1 4 50 40 50 2 3 0 [up] [up 9s]\n"
    "  0 0100 1 -1 0 0 0 0 0 [] [] []\n"
    "aspect s.open of s.open: 3 2 60 60 0 1 0 0 [down] [down]\n"
    "  0 0100 0 0 0 0 0 0 0 [] [] []\n"
    "aspect s.pending of s.pending: 3 1 70 65 0 1 0 2 [down] []\n"
    "  0 0000 0 0 0 0 0 0 0 [] [] []\n"
    "aspect s.quiet/log of s.quiet: 1 0 80 0 0 0 0 0 [] [it's up]\n"
    "  0 0000 0 0 0 0 0 0 0 [] [] []\n"
    "aspect s.told of s.told: 4 3 90 85 0 3 1 0 [x] []\n"
    "  0 0100 1 -1 0 0 0 0 0 [] [] []\n"
    "job disk.var: 10 20 [memory]\n"
    "value sent=1 2 3\n";

static void the_first_version_is_brought_up_to_date_with_all_that_is_in_it(void **state)
{
    struct kit *kit = *state;
    make_first_version(kit);
    for (int i = 0; i < 2; i++) { /* the second time it is so already */
        assert_string_equal(all_stored(kit), first_version_now);
        assert_string_equal(tw_buf_text(&kit->trouble), "");
        assert_int_equal(kit_mode(kit_path(kit, "state.db")), 0600);
    }
    kit_sql(kit, "CREATE TABLE note AS SELECT user_version AS v FROM pragma_user_version;"
                 "INSERT INTO value SELECT 'version', v FROM note; DROP TABLE note");
    assert_non_null(strstr(all_stored(kit), "value version=2\n"));
}

static void what_came_of_the_first_version_is_written_on(void **state)
{
    struct kit *kit = *state;
    make_first_version(kit);
    kit_start(kit);
    tw_state_put_aspect(
        kit->state,
        &(struct tw_state_aspect){.aspect = "s.told", .job = "s.told", .incident = 1, .note = "n"});
    tw_state_drop_aspect(kit->state, "s.open");
    tw_state_put_incident(kit->state, &(struct tw_state_incident){.id = 1, .aspect = "s.told"});
    kit_close(kit);
    const char *now = all_stored(kit);
    assert_non_null(strstr(now, "aspect s.told of s.told: 0 0 0 0 0 0 0 0 [] []\n"
                                "  1 0000 0 0 0 0 0 0 0 [] [] [n]\n"));
    assert_non_null(strstr(now, "incident 1 of s.told: "));
    assert_null(strstr(now, "s.open"));
    assert_non_null(strstr(now, "aspect s.closing of s.closing: 1 4 50 40 50 2 3 0"));
    assert_int_equal(kit->troubles, 0);
}

static void a_reader_leaves_the_first_version_as_it_is(void **state)
{
    struct kit *kit = *state;
    make_first_version(kit);
    kit_open(kit, true);
    kit_close(kit);
    assert_string_equal(all_stored(kit), first_version_now);
    assert_int_equal(kit->troubles, 0);
}

static void thousands_of_rows_of_the_first_version_come_over(void **state)
{
    struct kit *kit = *state;
    make_first_version(kit);
    kit_sql(kit, "DELETE FROM aspect; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1"
                 " FROM n WHERE i < 5000) INSERT INTO aspect (aspect, job, stage)"
                 " SELECT 'a' || i, 'j', i % 5 FROM n");
    size_t told = 0;
    for (const char *at = all_stored(kit); (at = strstr(at, "\n  0 0100 1 ")); at++)
        told++;
    assert_int_equal(told, 2000);
    assert_int_equal(kit->troubles, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kit_set_up, kit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_column_of_an_aspect_is_read_back),
        TEST(incidents_are_read_in_the_order_of_their_numbers),
        TEST(old_incidents_are_forgotten_but_not_open_ones_nor_the_newest),
        TEST(no_more_than_the_most_are_kept_and_all_that_are_open),
        TEST(an_incident_whose_number_is_the_time_is_not_lost_by_forgetting),
        TEST(the_first_version_is_brought_up_to_date_with_all_that_is_in_it),
        TEST(what_came_of_the_first_version_is_written_on),
        TEST(a_reader_leaves_the_first_version_as_it_is),
        TEST(thousands_of_rows_of_the_first_version_come_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
