/* Bad input: each is one sentence with file and line. */
#include "files.h"

static void an_unknown_name_is_named(void **state)
{
    files_bad(state, "\nteach \"nightly\" {\n}\n", ":2: ", "unknown section or key 'teach'");
    files_bad(state, "postmater = \"a@b\"\n", ":1: ", "unknown section or key 'postmater'");
    files_bad(state, "process \"x\" {\n\n  nmae = \"y\"\n}\n",
              ":3: ", "unknown section or key 'nmae' in process.x");
    files_bad(state, "qmail {\n dirr = \"/x\" }\n", ":2: ", "'dirr' in qmail");
    files_bad(state, "process \"x\" {\n include(\"/x\")\n}\n", ":2: ", "'include' in process.x");
    files_bad(state, "process \"x\" {\n process \"y\" { }\n}\n", ":2: ", "'process' in process.x");
    files_bad(state, "\"(parser)\"(\"x\")\n", ":1: ", "unknown section or key '(parser)'");
    files_bad(state, "\"\" = x\n", ":1: ", "");
    files_bad(state, "qmail { dir = \"/x\" }\n\"qmail|dir\" = \"/y\"\n", ":2: ", "");
}

static void what_is_wrong_in_a_section_in_a_section_has_its_line(void **state)
{
    files_bad(state, "expire \"x\" {\n trash = \"14\"\n}\n",
              ":2: ", "expire.x: trash: \"14\" has no unit");
    files_bad(state, "expire \"x\" {\n trash = \"0d\"\n}\n",
              ":2: ", "expire.x: trash: \"0d\" is too small: write from 1s");
    files_bad(state, "expire \"x\" {\n tmp = \"35h\"\n}\n",
              ":2: ", "expire.x: tmp: \"35h\" is too small: write from 36h");
    files_bad(state, "expire \"x\" {\n policy \"*@a\" {\n\n  trash = \"14\"\n }\n}\n",
              ":4: ", "expire.x: policy \"*@a\": trash: \"14\" has no unit");
    files_bad(state, "expire \"x\" {\n policy \"*@a\" {\n  trsh = \"1d\"\n }\n}\n",
              ":3: ", "unknown section or key 'trsh' in policy.*@a");
    files_bad(state, "expire \"x\" {\n\n policy \"a\" { trash = \"1d\" }\n}\n",
              ":3: ", "expire.x: policy: \"a\" is no pattern");
    files_bad(state, "expire \"x\" {\n policy \"*@a\" { }\n policy \"*@a\" { }\n}\n",
              ":3: ", "policy \"*@a\" in expire.x is already set at");
    files_bad(state, "expire \"x\" {\n policy \"*@a\" { trash = \"1d\"\n  trash = \"2d\" }\n}\n",
              ":3: ", "trash in policy \"*@a\" in expire.x is already set at");
    files_bad(state, "expire \"x\" {\n policy \"*@a\" { trash = \"1d\" }\n trash = \"1\"\n}\n",
              ":3: ", "expire.x: trash: \"1\" has no unit");
    files_bad(state, "policy \"*@a\" { }\n", ":1: ", "unknown section or key 'policy'");
    files_bad(state, "expire \"x\" { window = \"5-7\" }\n",
              ":1: ", "expire.x: window: \"5-7\" is no window of the day");
    files_bad(state, "file \"x\" { path = \"/x\"\n window = \"01:00-02:00\" }\n",
              ":2: ", "unknown section or key 'window' in file.x");
    files_bad(state, "mailboxes {\n glob = {\"/a/%d/%u\",\n \"/a/*\"}\n}\n",
              ":3: ", "mailboxes.glob: \"/a/*\"");
    files_bad(state, "mailboxes {\n exclude = {\"lists\"}\n}\n",
              ":2: ", "mailboxes.exclude: \"lists\" is no pattern");
}

static void the_old_scripts_file_is_told_to_be_one(void **state)
{
    files_bad(state, "# x\ntoaster_version = 0 # ver\n toaster_hostname\t= mail.example.com\n",
              ":2: ", "(line 3 is one of the old script's file: toasterctl import makes a new ");
    files_bad(state, "a = cookie ( cookie | http )\ntoaster_admin_email=a@example.com\n",
              ":1: ", "a comma or ')' is missing (line 2 is one of the old script's file: ");
    struct tw_error e = {""};
    char *path = files_path(state, "main.conf");
    files_write(state, "main.conf", "toaster_hostnames = 1\n# toaster_hostname = x\n");
    assert_null(tw_config_load(path, &e));
    assert_null(strstr(e.text, "old script"));
    free(path);
}

static void a_round_is_shorter_than_its_interval(void **state)
{
    files_bad(state,
              "\ncanary \"x\" {\n to = \"c@example.com\" every = \"2m\" max_time = \"2m\"\n}\n",
              ":2: ", "canary.x: every must be longer than 2m");
    files_bad(state, "canary \"x\" { to = \"c@example.com\" max_time = \"1h\" }\n",
              ":1: ", "canary.x: every must be longer than 1h");
    files_bad(state, "canary \"x\" { send = {\"clean\"} }\n", ":1: ", "to");
}

static void lines_are_counted_right_after_comments(void **state)
{
    files_bad(state, "# one\n# two\n// three\n/* four\n five */\n\nx = 1\n", ":7: ", "'x'");
    files_bad(state, "# one\r\n/*\r\n*/\r\nprocess \"a\" { # c\r\n# d\r\n x = 1\r\n}",
              ":6: ", "'x'");
    files_bad(state, "process \"a\" {\n# c\n}\n# d\nx = 1\n", ":5: ", "'x'");
}

static void a_bad_value_names_key_and_line_and_says_what_to_write(void **state)
{
    files_bad(state, "defaults {\n  every = \"14\"\n}\n", ":2: ", "defaults: every: \"14\"");
    files_bad(state, "defaults {\n  every = \"14\"\n}\n", ":2: ", "write");
    files_bad(state, "process \"x\" {\n  every = \"0s\"\n}\n", ":2: ", "process.x: every");
    files_bad(state, "process \"x\" {\n every = \"never\"\n}\n", ":2: ", "process.x: every");
    files_bad(state, "process \"x\" { timeout = \"-1s\" }\n", ":1: ", "timeout");
    files_bad(state, "process \"x\" { fail_after = 0 }\n", ":1: ", "fail_after");
    files_bad(state, "process \"x\" { ok_after = 99999999999999999999 }\n", ":1: ", "ok_after");
    files_bad(state, "process \"x\" { min = many }\n", ":1: ", "min");
    files_bad(state, "process \"x\" { pidfile = \"run/x\" }\n", ":1: ", "pidfile");
    files_bad(state, "file \"x\" { path = \"/x\"\n max_size = \"1Q\" }\n", ":2: ", "max_size");
    files_bad(state, "file \"x\" { path = \"/x\"\n mode = \"999\" }\n", ":2: ", "mode");
    files_bad(state, "file \"x\" { path = \"/x\"\n not_empty = perhaps }\n", ":2: ", "not_empty");
    files_bad(state, "service \"x\" {\n\n log = \"both\" }\n", ":3: ", "multilog");
    files_bad(state, "verbose = 7\n", ":1: ", "verbose");
    files_bad(state, "state_dir = \"\"\n", ":1: ", "state_dir");
    files_bad(state, "alert { max_per_hour = 0 }", ":1: ", "alert: max_per_hour");
}

static void an_address_must_look_like_one(void **state)
{
    static const char *const bad[] = {"",      "postmaster", "@",        "a@",      "@b",
                                      "a@b@c", "a b@c",      "-f@b",     "a@b\\nX", "a@b\\r",
                                      "<a@b>", "a@b,c@d",    "a\\t@b.c", "\\x80@b", "a@b\\x7f"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        char *text = tw_format("postmaster = \"%s\"\n", bad[i]);
        files_bad(state, text, ":1: ", "postmaster: ");
        free(text);
        text = tw_format("alert {\n to = {\"good@b\",\n\"%s\"} }\n", bad[i]);
        files_bad(state, text, ":3: ", "alert.to: ");
        free(text);
    }
}

static void a_host_name_a_socket_and_a_transport_have_their_forms(void **state)
{
    files_bad(state, "hostname = \"\"\n", ":1: ", "hostname");
    files_bad(state, "hostname = \"mail example\"\n", ":1: ", "hostname");
    files_bad(state, "hostname = \"m\\nX-Y: z\"\n", ":1: ", "hostname");
    files_bad(state, "alert { via = {\"qmail-inject\", \"pigeon\"} }\n", ":1: ", "sendmail:/PATH");
    char *text = tw_format("control = \"/%0108d\"\n", 7);
    files_bad(state, text, ":1: ", "control");
    free(text);
}

static void keys_that_contradict_each_other_are_refused_with_the_section(void **state)
{
    files_bad(state, "\nprocess \"x\" {\n min = 3\n max = 2\n}\n", ":2: ", "process.x: max");
    files_bad(state, "\nfile \"x\" {\n not_empty = yes\n}\n", ":2: ", "file.x: path is missing");
    files_bad(state, "file \"x\" { }\n", ":1: ", "file.x: path is missing");
    files_bad(state, "service \"smtp\" { require = {\"x\"} }\n", ":1: ", "service.smtp: require");
}

static void what_says_nothing_alone_is_refused_with_its_line(void **state)
{
    files_bad(state, "\nalert {\n escalate = \"5m\"\n}\n",
              ":3: ", "alert.escalate says nothing without alert.escalate_via");
    files_bad(state, "\nalert {\n\n escalate_via = {\"maildir:/m\"}\n}\n",
              ":4: ", "alert.escalate_via says nothing without alert.escalate");
    files_bad(state, "alert {\n escalate = \"5m\"\n escalate_via = {}\n}\n",
              ":2: ", "alert.escalate says nothing without alert.escalate_via");
    files_bad(state, "heartbeat {\n every = \"1m\"\n}\n",
              ":2: ", "heartbeat.every says nothing without heartbeat.url");
    files_bad(state, "report {\n\n\n at = \"09:00\"\n}\n",
              ":4: ", "report.at says nothing without report.every");
    files_write(state, "a.inc", "\nreport { at = \"09:00\" }\n");
    char *text = tw_format("include(\"%s/*.inc\")\n", (const char *)*state);
    files_write(state, "main.conf", text);
    files_refused(state, "a.inc:2: ", "report.at says nothing without report.every", NULL);
    free(text);
}

static void the_new_times_have_bounds(void **state)
{
    files_bad(state, "alert {\n remind = \"0s\" }\n", ":2: ", "alert: remind: \"0s\" is too small");
    files_bad(state, "alert { remind = \"366d\" }\n", ":1: ", "remind");
    files_bad(state, "alert { remind = \"4\" }\n", ":1: ", "remind: \"4\" has no unit");
    files_bad(state, "alert { remind = \"\" }\n", ":1: ", "remind");
    files_bad(state, "alert { remind = \"-1h\" }\n", ":1: ", "remind");
    files_bad(state, "alert { remind = \"99999999999999999999d\" }\n", ":1: ", "remind");
    files_bad(state, "alert { escalate = \"0s\" }\n", ":1: ", "alert: escalate");
    files_bad(state, "alert { escalate = \"366d\" }\n", ":1: ", "alert: escalate");
    files_bad(state, "heartbeat {\n every = \"0s\" }\n", ":2: ", "heartbeat: every");
    files_bad(state, "heartbeat { every = \"25h\" }\n", ":1: ", "heartbeat: every");
    files_bad(state, "heartbeat { every = \"never\" }\n", ":1: ", "\"never\" makes no sense");
    files_bad(state, "report { every = \"23h\" }\n", ":1: ", "report: every");
    files_bad(state, "report { every = \"366d\" }\n", ":1: ", "report: every");
    files_bad(state, "report { evry = \"1d\" }\n", ":1: ", "'evry' in report");
    files_bad(state, "heartbeat \"x\" { }\n", ":1: ", "");
}

static void a_time_of_day_has_its_form(void **state)
{
    static const char *const bad[] = {"",     "8",     "8:00",  "24:00",  "08:60",
                                      "noon", "never", "08.00", "08:00 ", "-1:00"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        char *text = tw_format("report {\n every = \"1d\"\n at = \"%s\"\n}\n", bad[i]);
        files_bad(state, text, ":3: ", "report.at: ");
        files_bad(state, text, ":3: ", "write one like \"08:00\"");
        free(text);
    }
}

static void a_web_hook_has_a_scheme_and_a_host(void **state)
{
    static const char *const bad[] = {"",
                                      "hooks.example.com/T0/secret",
                                      "//hooks.example.com/secret",
                                      "https:/hooks.example.com/secret",
                                      "HTTPS://hooks.example.com/secret",
                                      "ftp://hooks.example.com/secret",
                                      "file:///etc/secret",
                                      "https://",
                                      "https:///secret",
                                      "http://hooks.example.com/secret",
                                      "https://joe:secret@hooks.example.com/",
                                      "https://hooks.example.com:99999/secret",
                                      "https://hooks.example.com/a secret",
                                      "https://hooks.example.com/\\nX-Y: secret"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        char *text = tw_format("heartbeat {\n url = \"%s\" }\n", bad[i]);
        files_bad(state, text, ":2: ", "heartbeat.url: ");
        files_bad(state, text, ":2: ", "write \"https://HOST/...\"");
        free(text);
        text = tw_format("alert {\n escalate = \"1m\"\n escalate_via = {\"maildir:/m\",\n"
                         "\"%s\"} }\n",
                         bad[i]);
        files_bad(state, text, ":4: ", "alert.escalate_via: ");
        free(text);
    }
    char *path = files_path(state, "main.conf");
    for (size_t i = 1; i < TW_COUNT(bad); i++) {
        struct tw_error e;
        char *text = tw_format("alert { via = {\"%s\"} }\n", bad[i]);
        files_write(state, "main.conf", text);
        assert_null(tw_config_load(path, &e));
        if (strstr(e.text, "secret") && bad[i][0] != '/') /* that would be a path */
            fail_msg("shown: %s", e.text);
        free(text);
    }
    free(path);
}

/* It can be loaded, but not brought into force. */
static void bad_secrets(void **state, const char *text, const char *line, const char *word)
{
    struct tw_error e = {""};
    struct tw_config *c = files_good(state, text);
    assert_int_equal(tw_config_check_secrets(c, &e), -1);
    if (!strstr(e.text, line) || !strstr(e.text, "main.conf:") || !strstr(e.text, word))
        fail_msg("%s", e.text);
    assert_null(strstr(e.text, "s3cret"));
    tw_config_free(&c);
}

static void a_file_of_passwords_that_others_may_read_is_refused(void **state)
{
    struct tw_error e = {""};
    char *path = files_path(state, "passwords");
    char *text = tw_format("alert {\n\n passwords = \"%s\"\n}\n", path);
    bad_secrets(state, text, ":3: ", "alert.passwords: cannot open");
    files_write(state, "passwords", "relay joe s3cret\n");
    struct tw_config *c = files_good(state, text);
    assert_int_equal(tw_config_check_secrets(c, &e), 0);
    tw_config_free(&c);
    static const mode_t wrong[] = {0640, 0604, 0660, 0601, 0610, 0777};
    for (size_t i = 0; i < TW_COUNT(wrong); i++) {
        files_chmod(state, "passwords", wrong[i]);
        bad_secrets(state, text, ":3: ", "others may use it");
        bad_secrets(state, text, ":3: ", "chmod 600");
    }
    files_write(state, "passwords", "relay joe s3cret\n\nrelay\n");
    files_chmod(state, "passwords", 0600);
    bad_secrets(state, text, ":3: ", "passwords:3: a line is HOST USER PASSWORD");
    free(text);
    free(path);
    files_bad(state, "alert { passwords = \"passwords\" }\n", ":1: ", "passwords");
    files_bad(state, "alert { ca_file = \"ca.pem\" }\n", ":1: ", "ca_file");
    bad_secrets(state, "alert { passwords = \"/dev/null\" }\n", ":1: ", "is no regular file");
    c = files_good(state, "");
    assert_int_equal(tw_config_check_secrets(c, &e), 0);
    tw_config_free(&c);
}

static void a_title_has_no_space_and_no_odd_character(void **state)
{
    static const char *const bad[] = {"",    "a b", "a/b", "../x", ".",        "..",  "a\\nb",
                                      "a:b", "a*",  "-x",  ".x",   "\xc3\xbc", "a{b", "a#b"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        char *text = tw_format("\nprocess \"%s\" { }\n", bad[i]);
        files_bad(state, text, ":2: ", "is no title");
        free(text);
    }
    char *text = tw_format("process \"%0200d\" {\n min = 1 }\n", 7);
    files_bad(state, text, ":1: ", "is no title");
    free(text);
    files_bad(state, "process \"*\" {\n min = 1\n}\n", ":1: ", "\"*\"");
    files_bad(state, "process {\n}\n", ":1: ", "missing title");
    files_bad(state, "qmail \"x\" { }\n", ":1: ", "qmail");
}

static void nothing_is_set_twice_and_both_places_are_named(void **state)
{
    files_bad(state, "process \"x\" { min = 2 }\nprocess \"y\" { }\nprocess \"x\" { }\n",
              ":3: ", "process.x is already set at ");
    files_refused(state, "main.conf:1", NULL);
    files_bad(state, "verbose = yes\n\nverbose = yes\n", ":3: ", "verbose is already set at ");
    files_bad(state, "qmail { log = /a }\nqmail { log = /b }\n", ":2: ", "log in qmail is already");
    files_bad(state, "process \"x\" {\n min = 1\n min = 2 }\n",
              ":3: ", "min in process.x is already");
    files_bad(state, "alert {\n to = {\"a@b\"}\n to = {\"c@d\"} }\n",
              ":3: ", "to in alert is already");
    files_bad(state, "alert {\n to = {\"a@b\"}\n to = {} }\n", ":", "to in alert is already");
}

static void broken_syntax_is_refused_where_it_is(void **state)
{
    files_bad(state, "\nprocess \"x\" {\n min = 1\n", ":2: ", "never closed");
    files_bad(state, "process \"x\" {\n", ":1: ", "never closed");
    files_bad(state, "alert { to = {\"a@b\" }\n", ":1: ", "never closed");
    files_bad(state, "process \"x\" { }\n}\n", ":2: ", "brace");
    files_bad(state, "hostname = \"abc\nverbose = yes\n", ":1: ", "string");
    files_bad(state, "hostname = 'abc", ":1: ", "string");
    files_bad(state, "\n/* for ever\n\n", ":2: ", "comment");
    files_bad(state, "hostname \"x\"\n", ":1: ", "equal sign");
    files_bad(state, "hostname =\n", ":", "");
    files_bad(state, "hostname = {\"a\"}\n", ":1: ", "");
    files_bad(state, "process \"x\"\n", ":", "");
    files_bad(state, "alert { to += {\"a@b\"} }\n", ":1: ", "+=");
    files_bad(state, "service * { }\n", ":1: ", "in quotes");
    files_bad(state, "\ninclude(\"/x\"\n", ":2: ", "never closed");
    files_bad(state, "include(\n\"/x\" \"/y\")", ":2: ", "missing");
    files_bad(state, "include(\"/x\", ,)", ":1: ", "missing");
    files_bad(state, "include(\"/x\"\nprocess \"x\" { }\n", ":2: ", "missing");
    files_bad(state, "include({\"/x\"})", ":1: ", "missing");
    files_bad(state, "include(\"/x\"=)", ":1: ", "missing");
    files_bad(state, "include)", ":1: ", "");
    files_bad(state, "qmail(\"/x\")", ":1: ", "");
}

static void what_would_be_read_otherwise_than_it_looks_is_refused(void **state)
{
    files_bad(state, "hostname = \"${HOME}\"\n", ":1: ", "environment");
    files_bad(state, "hostname = ${HOME}\n", ":1: ", "environment");
    files_bad(state, "hostname = x${HOME:-y}\n", ":1: ", "environment");
    files_bad(state, "\nhostname = \"\\400\"\n", ":2: ", "escape");
    files_bad(state, "hostname = \"\\0\"\n", ":1: ", "escape");
    files_bad(state, "hostname = \"\\x00\"\n", ":1: ", "\\x");
    files_bad(state, "hostname = \"\\xg\"\n", ":1: ", "\\x");
    files_bad(state, "hostname = \"\\", ":1: ", "escape");
    files_bad(state, "hostname = \"a\\\nb\"\n", ":1: ", "escape");
    files_bad(state, "hostname = \"a\x01\"\n", ":1: ", "control character");
    files_bad(state, "hostname = a\x1b\n", ":1: ", "control character");
    files_bad(state, "# mac\rverbose = yes\r", ":1: ", "carriage return");
    files_bad(state, "verbose = yes\r\nverbose =\r", ":2: ", "carriage return");
}

static void a_refused_file_leaves_nothing_behind_for_the_next(void **state)
{
    static const char *const bad[] = {"hostname = \"\\9\"", "hostname = \"abc", "/* x",
                                      "process \"a\" {",    "hostname = 'a",    "x"};
    for (size_t i = 0; i < TW_COUNT(bad); i++) {
        files_bad(state, bad[i], ":1: ", "");
        struct tw_config *c = files_good(state, "process \"a\" { min = 2 }\n");
        assert_int_equal(c->job_count, 1);
        tw_config_free(&c);
    }
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    static const char nul[] = "verbose = yes\n\0verbose = no\n";
    files_write_bytes(state, "main.conf", nul, sizeof nul - 1);
    files_refused(state, "main.conf:2: ", "NUL", NULL);
    files_write_bytes(state, "main.conf", "\0", 1);
    files_refused(state, "main.conf:1: ", "NUL", NULL);
    unsigned seed = 1;
    char noise[4096];
    for (int round = 0; round < 200; round++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)(rand_r(&seed) >> 7);
        files_write_bytes(state, "main.conf", noise, sizeof noise);
        files_refused(state, "main.conf:", NULL);
    }
}

static void what_is_too_large_is_refused(void **state)
{
    const size_t length = 10 << 20;
    char *noise = tw_alloc(length);
    memset(noise, 'x', length);
    files_write_bytes(state, "main.conf", noise, length);
    files_refused(state, "main.conf", "larger than 1M", NULL);
    free(noise);
    struct tw_buf text = {0};
    tw_buf_puts(&text, "alert { to = {\"a@b\"");
    for (int i = 0; i < 100000; i++)
        tw_buf_puts(&text, ",\"a@b\"");
    tw_buf_puts(&text, "} }");
    files_bad(state, tw_buf_text(&text), ":1: ", "more than 1000 values");
    tw_buf_clear(&text);
    tw_buf_printf(&text, "process \"x\" { name = \"%0100000d\" }", 7);
    files_bad(state, tw_buf_text(&text), ":1: ", "more than 4095 bytes");
    tw_buf_clear(&text);
    for (int i = 0; i < 500000; i++)
        tw_buf_puts(&text, i % 2 ? "}" : "{");
    files_bad(state, tw_buf_text(&text), ":1: ", "");
    tw_buf_free(&text);
}

/* Cut anywhere, a configuration is either refused or (between sections) a shorter one. */
static void a_half_written_file_never_crashes(void **state)
{
    static const char whole[] = "# c\npostmaster = \"a@b\"\nalert { via = {\"maildir:/x\"} }\n"
                                "/* d */ process \"x\" { name = \"\\x41\" max = 2 }\n"
                                "include(\"/nowhere/*.conf\")\nservice '*' { require = {'a'} }\n";
    char *path = files_path(state, "main.conf");
    for (size_t cut = 0; cut < sizeof whole; cut++) {
        struct tw_error e = {""};
        files_write_bytes(state, "main.conf", whole, cut);
        struct tw_config *c = tw_config_load(path, &e);
        assert_true(c || strstr(e.text, "main.conf:"));
        tw_config_free(&c);
    }
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(an_unknown_name_is_named),
        files_test(what_is_wrong_in_a_section_in_a_section_has_its_line),
        files_test(the_old_scripts_file_is_told_to_be_one),
        files_test(a_round_is_shorter_than_its_interval),
        files_test(lines_are_counted_right_after_comments),
        files_test(a_bad_value_names_key_and_line_and_says_what_to_write),
        files_test(an_address_must_look_like_one),
        files_test(a_host_name_a_socket_and_a_transport_have_their_forms),
        files_test(keys_that_contradict_each_other_are_refused_with_the_section),
        files_test(what_says_nothing_alone_is_refused_with_its_line),
        files_test(the_new_times_have_bounds),
        files_test(a_time_of_day_has_its_form),
        files_test(a_web_hook_has_a_scheme_and_a_host),
        files_test(a_file_of_passwords_that_others_may_read_is_refused),
        files_test(a_title_has_no_space_and_no_odd_character),
        files_test(nothing_is_set_twice_and_both_places_are_named),
        files_test(broken_syntax_is_refused_where_it_is),
        files_test(what_would_be_read_otherwise_than_it_looks_is_refused),
        files_test(a_refused_file_leaves_nothing_behind_for_the_next),
        files_test(bytes_that_are_no_text_are_refused),
        files_test(what_is_too_large_is_refused),
        files_test(a_half_written_file_never_crashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
