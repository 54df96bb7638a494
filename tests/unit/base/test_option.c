/* Settings by table: what is set, refused, compared, sent, written and read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/option.h"
#include "base/units.h"

struct settings {
    char *name, *path, *log, *password, *unset;
    struct tw_strings require, bare;
    int64_t count, any_count, every, max_age, max_size, mode;
    bool wanted, other;
};

static const char *const logs[] = {"multilog", "syslog", "none", NULL};

#define AT(member) offsetof(struct settings, member)
static const struct tw_option table[] = {
    {"name", TW_OPT_STRING, AT(name), .fallback = "a \"b\" \\ $HOME ${x}"},
    {"path", TW_OPT_PATH, AT(path)},
    {"log", TW_OPT_CHOICE, AT(log), .fallback = "multilog", .choices = logs},
    {"password", TW_OPT_STRING, AT(password), .flags = TW_OPT_SECRET},
    {"unset", TW_OPT_STRING, AT(unset)},
    {"require", TW_OPT_LIST, AT(require), .fallback = "send"},
    {"bare", TW_OPT_LIST, AT(bare)},
    {"count", TW_OPT_INT, AT(count), .fallback = "-1", .min = -1, .max = 10},
    {"any_count", TW_OPT_INT, AT(any_count)},
    {"every", TW_OPT_DURATION, AT(every), .fallback = "5m", .flags = TW_OPT_NO_NEVER, .min = 1,
     .max = 3600},
    {"max_age", TW_OPT_DURATION, AT(max_age)},
    {"max_size", TW_OPT_SIZE, AT(max_size), .fallback = "1M", .min = 1024, .max = 1 << 30},
    {"mode", TW_OPT_MODE, AT(mode), .fallback = "0644"},
    {"wanted", TW_OPT_BOOL, AT(wanted), .fallback = "yes"},
    {"other", TW_OPT_BOOL, AT(other)},
    {NULL},
};

static struct settings fresh(void)
{
    struct settings s = {0};
    tw_options_init(table, &s);
    return s;
}

static void set(struct settings *s, const char *key, const char *value)
{
    struct tw_error e = {""};
    if (tw_options_set(table, s, key, &value, 1, &e) != 0)
        fail_msg("%s", e.text);
}

static void take_value(void *context, const char *key, const char *const *values, size_t count)
{
    struct tw_error e = {""};
    if (tw_options_set(table, context, key, values, count, &e) != 0)
        fail_msg("%s", e.text);
}

static struct settings copy_of(const struct settings *s)
{
    struct settings copy = fresh();
    tw_options_each(table, s, take_value, &copy);
    return copy;
}

static void refuse(struct settings *s, const char *key, const char *value, const char *text)
{
    struct tw_error e = {""};
    struct settings before = copy_of(s);
    assert_int_equal(tw_options_set(table, s, key, &value, 1, &e), -1);
    if (!strstr(e.text, text))
        fail_msg("%s", e.text);
    assert_true(tw_options_equal(table, s, &before)); /* the old value stays */
    tw_options_free(table, &before);
}

static void every_key_begins_with_its_default(void **state)
{
    (void)state;
    struct settings s = fresh();
    assert_string_equal(s.name, "a \"b\" \\ $HOME ${x}");
    assert_null(s.path);
    assert_string_equal(s.log, "multilog");
    assert_int_equal(s.require.count, 1);
    assert_int_equal(s.bare.count, 0);
    assert_true(s.count == -1 && s.any_count == 0 && s.every == 300);
    assert_true(s.max_size == 1 << 20 && s.mode == 0644);
    assert_true(s.wanted && !s.other);
    tw_options_free(table, &s);
}

/* 0 would mean "at once": what is not written must never run or delete. */
static void a_duration_without_default_is_never(void **state)
{
    (void)state;
    struct settings s = fresh();
    assert_true(s.max_age == TW_NEVER);
    tw_options_free(table, &s);
}

static void a_key_is_set_and_set_again(void **state)
{
    (void)state;
    struct settings s = fresh();
    set(&s, "name", "one");
    set(&s, "name", "");
    assert_string_equal(s.name, "");
    set(&s, "log", "none");
    assert_string_equal(s.log, "none");
    set(&s, "count", "10");
    set(&s, "any_count", "-9223372036854775808");
    assert_true(s.count == 10 && s.any_count == INT64_MIN);
    set(&s, "max_age", "14d");
    set(&s, "max_size", "never");
    assert_true(s.max_age == 14 * 86400 && s.max_size == TW_NEVER);
    set(&s, "wanted", "OFF");
    set(&s, "other", "true");
    assert_true(!s.wanted && s.other);
    const char *const names[] = {"x", "", "y \"z\""};
    struct tw_error e;
    assert_int_equal(tw_options_set(table, &s, "require", names, 3, &e), 0);
    assert_int_equal(s.require.count, 3);
    assert_int_equal(tw_options_set(table, &s, "require", NULL, 0, &e), 0);
    assert_int_equal(s.require.count, 0);
    tw_options_free(table, &s);
}

static void a_value_may_be_set_from_itself(void **state)
{
    (void)state;
    struct settings s = fresh();
    set(&s, "name", s.name);
    assert_string_equal(s.name, "a \"b\" \\ $HOME ${x}");
    struct tw_error e;
    assert_int_equal(tw_options_set(table, &s, "require", (const char *const *)s.require.items,
                                    s.require.count, &e),
                     0);
    assert_string_equal(s.require.items[0], "send");
    tw_options_free(table, &s);
}

static void a_bad_value_is_refused_with_the_key_and_what_to_write(void **state)
{
    (void)state;
    struct settings s = fresh();
    refuse(&s, "nmae", "x", "unknown key \"nmae\"");
    refuse(&s, "", "x", "unknown key");
    refuse(&s, "max_age", "14", "max_age: \"14\" has no unit: write \"14d\", \"14h\", ");
    refuse(&s, "every", "never", "every: \"never\" makes no sense here: write a duration");
    refuse(&s, "every", "0s", "every: \"0s\" is too small: write from 1s to 1h");
    refuse(&s, "every", "2h", "every: \"2h\" is too large: write from 1s to 1h");
    refuse(&s, "max_size", "10", "max_size: \"10\" is too small: write from 1K to 1G");
    refuse(&s, "count", "-2", "count: \"-2\" is too small: write from -1 to 10");
    refuse(&s, "count", "11", "write from -1 to 10");
    refuse(&s, "count", "1.5", "count: \"1.5\" is not a whole number");
    refuse(&s, "path", "etc", "path: \"etc\" is not a full path: write one that begins with \"/\"");
    refuse(&s, "path", "", "is not a full path");
    refuse(&s, "log", "Syslog", "write \"multilog\", \"syslog\" or \"none\"");
    refuse(&s, "wanted", "maybe", "wanted: \"maybe\" is neither yes nor no");
    refuse(&s, "mode", "9", "mode: \"9\" is not a file mode");
    static const char *const no_numbers[] = {
        "", "-", "+1", " 1", "1 ", "0x1", "never", "9223372036854775808", "--1"};
    for (size_t i = 0; i < TW_COUNT(no_numbers); i++)
        refuse(&s, "any_count", no_numbers[i], "is not a whole number: write ");
    tw_options_free(table, &s);
}

static void a_wrong_number_of_values_is_refused(void **state)
{
    (void)state;
    struct settings s = fresh();
    const char *const two[] = {"a", "b"};
    struct tw_error e;
    assert_int_equal(tw_options_set(table, &s, "name", two, 2, &e), -1);
    assert_string_equal(e.text, "name: 2 values: write one");
    assert_int_equal(tw_options_set(table, &s, "name", NULL, 0, &e), -1);
    assert_int_equal(tw_options_set(table, &s, "name", two, 2, NULL), -1);
    tw_options_free(table, &s);
}

static void a_huge_value_is_kept_or_refused_whole(void **state)
{
    (void)state;
    struct settings s = fresh();
    char *huge = tw_alloc(1000001);
    memset(huge, '7', 1000000);
    set(&s, "name", huge);
    assert_string_equal(s.name, huge);
    refuse(&s, "count", huge, "is not a whole number");
    refuse(&s, "path", huge, "is not a full path: write one that begins");
    refuse(&s, huge, "1", "unknown key");
    free(huge);
    tw_options_free(table, &s);
}

static void any_difference_is_seen(void **state)
{
    (void)state;
    static const char *const changes[][2] = {
        {"name", "x"},      {"path", "/"},    {"log", "none"},   {"password", ""},
        {"unset", ""},      {"require", "x"}, {"bare", ""},      {"count", "0"},
        {"any_count", "1"}, {"every", "1s"},  {"max_age", "0s"}, {"max_size", "never"},
        {"mode", "never"},  {"wanted", "no"}, {"other", "on"},
    };
    struct settings a = fresh();
    for (size_t i = 0; i < TW_COUNT(changes); i++) {
        struct settings b = copy_of(&a);
        assert_true(tw_options_equal(table, &a, &b));
        set(&b, changes[i][0], changes[i][1]);
        assert_false(tw_options_equal(table, &a, &b));
        assert_false(tw_options_equal(table, &b, &a));
        tw_options_free(table, &b);
    }
    tw_options_free(table, &a);
}

/* Settings in which every key differs from its default. */
static struct settings changed(void)
{
    struct settings s = fresh();
    const char *const items[] = {"a,b", "", "c}\"", "\n$x\\"};
    set(&s, "name", "new\nline\ttab \x1b[m $ ${HOME} \" \\ é");
    set(&s, "path", "/var/log/a b");
    set(&s, "log", "none");
    set(&s, "password", "se\"cret");
    tw_options_set(table, &s, "require", NULL, 0, NULL);
    tw_options_set(table, &s, "bare", items, TW_COUNT(items), NULL);
    set(&s, "count", "3");
    set(&s, "any_count", "-5");
    set(&s, "every", "90s");
    set(&s, "max_age", "2w");
    set(&s, "max_size", "never");
    set(&s, "mode", "07777");
    set(&s, "wanted", "no");
    set(&s, "other", "yes");
    return s;
}

static void settings_travel_key_by_key(void **state)
{
    (void)state;
    struct settings sent[] = {fresh(), changed()};
    for (size_t i = 0; i < TW_COUNT(sent); i++) {
        struct settings got = copy_of(&sent[i]);
        assert_true(tw_options_equal(table, &sent[i], &got));
        tw_options_free(table, &got);
        tw_options_free(table, &sent[i]);
    }
}

/* Takes one value at *at as libConfuse's lexer does: in quotes with escapes, or bare. */
static char *read_value(const char **at)
{
    struct tw_buf out = {0};
    const char *s = *at;
    if (*s != '"') {
        const size_t length = strcspn(s, "\n,}");
        tw_buf_add(&out, s, length);
        *at = s + length;
        return tw_buf_take(&out);
    }
    for (s++; *s != '"'; s++) {
        char c = *s;
        assert_true(c != '\0' && c != '\n' && c != '$');
        if (c == '\\' && s[1] == 'x') {
            const char hex[] = {s[2], s[3], '\0'};
            c = (char)strtol(hex, NULL, 16);
            s += 3;
        } else if (c == '\\') {
            c = *++s;
        }
        tw_buf_add(&out, &c, 1);
    }
    *at = s + 1;
    return tw_buf_take(&out);
}

/* Takes "KEY = VALUE\n" and sets the key. */
static void read_line(const char **at, struct settings *s)
{
    struct tw_strings values = {0};
    assert_memory_equal(*at, "    ", 4);
    const char *key = *at + 4;
    const char *equals = strstr(key, " = ");
    assert_non_null(equals);
    *at = equals + 3;
    const bool list = **at == '{';
    *at += list;
    while (**at != '\n') {
        if (**at != '}') {
            char *value = read_value(at);
            tw_strings_add(&values, value);
            free(value);
        }
        *at += strspn(*at, ", }");
    }
    ++*at;
    char *name = tw_strndup(key, (size_t)(equals - key));
    take_value(s, name, (const char *const *)values.items, values.count);
    free(name);
    tw_strings_free(&values);
}

static void what_is_written_reads_back(void **state)
{
    (void)state;
    struct settings sent[] = {fresh(), changed()};
    for (size_t i = 0; i < TW_COUNT(sent); i++) {
        struct settings got = fresh();
        struct tw_buf out = {0};
        tw_options_write(table, &sent[i], "    ", true, &out);
        for (const char *at = tw_buf_text(&out); *at;)
            read_line(&at, &got);
        assert_true(tw_options_equal(table, &sent[i], &got));
        tw_buf_free(&out);
        tw_options_free(table, &got);
        tw_options_free(table, &sent[i]);
    }
}

static void the_syntax_is_the_configurations(void **state)
{
    (void)state;
    struct settings s = changed();
    struct tw_buf out = {0};
    tw_options_write(table, &s, "  ", false, &out);
    assert_string_equal(tw_buf_text(&out),
                        "  name = \"new\\x0aline\\x09tab \\x1b[m \\$ \\${HOME} \\\" \\\\ é\"\n"
                        "  path = \"/var/log/a b\"\n"
                        "  log = \"none\"\n"
                        "  password = \"(hidden)\"\n"
                        "  require = {}\n"
                        "  bare = {\"a,b\", \"\", \"c}\\\"\", \"\\x0a\\$x\\\\\"}\n"
                        "  count = 3\n"
                        "  any_count = -5\n"
                        "  every = \"90s\"\n"
                        "  max_age = \"2w\"\n"
                        "  max_size = \"never\"\n"
                        "  mode = \"07777\"\n"
                        "  wanted = no\n"
                        "  other = yes\n");
    tw_buf_free(&out);
    tw_options_free(table, &s);
}

static void freed_settings_can_be_freed_again(void **state)
{
    (void)state;
    struct settings s = changed();
    tw_options_free(table, &s);
    assert_null(s.name);
    assert_int_equal(s.bare.count, 0);
    tw_options_free(table, &s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_key_begins_with_its_default),
        cmocka_unit_test(a_duration_without_default_is_never),
        cmocka_unit_test(a_key_is_set_and_set_again),
        cmocka_unit_test(a_value_may_be_set_from_itself),
        cmocka_unit_test(a_bad_value_is_refused_with_the_key_and_what_to_write),
        cmocka_unit_test(a_wrong_number_of_values_is_refused),
        cmocka_unit_test(a_huge_value_is_kept_or_refused_whole),
        cmocka_unit_test(any_difference_is_seen),
        cmocka_unit_test(settings_travel_key_by_key),
        cmocka_unit_test(what_is_written_reads_back),
        cmocka_unit_test(the_syntax_is_the_configurations),
        cmocka_unit_test(freed_settings_can_be_freed_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
