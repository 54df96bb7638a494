/* The tables of toasterctl's verbs and their options, and what is read by them. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "ctl/verbs.h"

/* Which options a verb takes: one bit each. */
enum {
    JSON = 1 << 0,
    DRY_RUN = 1 << 1,
    CONFIRM = 1 << 2,
    LEARNED = 1 << 3,
    ALL = 1 << 4,
    END = 1 << 5,
    OUTPUT = 1 << 6,
    RUN_FILE = 1 << 7,
    FORCE = 1 << 8,
    TO = 1 << 9,
    SMTP = 1 << 10,
    HELP = 1 << 30 /* every verb */
};

const struct ctl_option ctl_options[] = {
    {"json", 0, NULL, "prints JSON, for programs", JSON},
    {"dry-run", 0, NULL, "only lists what it would do", DRY_RUN},
    {"confirm", 0, NULL, "it may do what it has asked about", CONFIRM},
    {"learned", 0, NULL, "what is known of a mailbox's messages, not a service", LEARNED},
    {"all", 0, NULL, "those that are over, too, of the last 90 days", ALL},
    {"end", 0, NULL, "ends the silence of this number, or of exactly this pattern", END},
    {"output", 'o', "FILE", "writes to this file, which must not be there yet", OUTPUT},
    {"run", 0, "FILE", "the run file to install", RUN_FILE},
    {"force", 0, NULL, "replaces a file that differs; the old one is kept beside it", FORCE},
    {"to", 0, "ADDRESS", "to whom; by default the postmaster", TO},
    {"smtp", 0, "HOST:PORT", "by this server, not by qmail-inject or sendmail", SMTP},
    {NULL}};

/* Rows of one verb stand together; the row that ends it is the last. */
const struct ctl_verb ctl_verbs[] = {
    {NULL, NULL, "How it stands"},
    {"status", "[--json]", "each job and aspect, as the daemon sees it", JSON, CTL_ANY_CONFIG,
     ctl_status},
    {"check", "[--json] [JOB...]", "runs checks now and prints what fails", JSON, CTL_ANY_CONFIG,
     ctl_check},
    {NULL, NULL, "Running jobs"},
    {"run", "[--json] JOB", "runs one job now and prints all it found", JSON | DRY_RUN | CONFIRM,
     CTL_ANY_CONFIG, ctl_run},
    {"run", "--dry-run [--json] TASK [ADDRESS...]", "lists what a task would do now", 0,
     CTL_ANY_CONFIG, ctl_run},
    {"run", "--confirm [--json] TASK", "runs a task that has asked whether it may", 0,
     CTL_ANY_CONFIG, ctl_run},
    {"forget", "JOB", "drops a service that was there and is gone", LEARNED, CTL_ANY_CONFIG,
     ctl_forget},
    {"forget", "--learned ADDRESS", "offers all of a mailbox to the filter again", 0,
     CTL_ANY_CONFIG, ctl_forget},
    {NULL, NULL, "Mailboxes"},
    {"mailboxes", "[--json]", "the mailboxes of this machine", JSON, CTL_ANY_CONFIG, ctl_mailboxes},
    {"explain", "[--json] ADDRESS", "what holds for each folder of a mailbox", JSON, CTL_ANY_CONFIG,
     ctl_explain},
    {NULL, NULL, "Incidents and letters"},
    {"incidents", "[--all] [--json]", "what is open; with --all the last 90 days, too", JSON | ALL,
     CTL_ANY_CONFIG, ctl_incidents},
    {"silence", "PATTERN DURATION [NOTE]", "no letter about what the pattern fits, for so long",
     JSON | END, CTL_ANY_CONFIG, ctl_silence},
    {"silence", "[--json]", "the silences there are", 0, CTL_ANY_CONFIG, ctl_silence},
    {"silence", "--end NUMBER|PATTERN", "ends one", 0, CTL_ANY_CONFIG, ctl_silence},
    {"ack", "INCIDENT [NOTE]", "no reminders of it, and no escalation", 0, CTL_ANY_CONFIG, ctl_ack},
    {"test-alert", "[--json]", "sends a letter by every transport; what came of it", JSON,
     CTL_ANY_CONFIG, ctl_test_alert},
    {"send-test", "[--to ADDRESS] [--smtp HOST:PORT] [--json] TYPE...",
     "sends test mails: clean, spam, virus, attach, clam", JSON | TO | SMTP, CTL_MAY_LACK_CONFIG,
     ctl_send_test},
    {NULL, NULL, "Supervised services"},
    {"service", "list [--json]", "each service and its log, as supervise sees it",
     JSON | RUN_FILE | FORCE, CTL_MAY_LACK_CONFIG, ctl_service},
    {"service", "test [--json] [NAME...]", "is it set up well, and does it stay up", 0,
     CTL_MAY_LACK_CONFIG, ctl_service},
    {"service", "up|down|restart NAME[/log]", "tells supervise, and waits until it shows", 0,
     CTL_MAY_LACK_CONFIG, ctl_service},
    {"service", "rotate NAME", "has its multilog begin a new file", 0, CTL_MAY_LACK_CONFIG,
     ctl_service},
    {"service", "create [--run FILE] [--force] NAME", "makes its directory and its log's", 0,
     CTL_MAY_LACK_CONFIG, ctl_service},
    {"service", "link|unlink NAME", "lets svscan run it; or no longer", 0, CTL_MAY_LACK_CONFIG,
     ctl_service},
    {NULL, NULL, "The configuration, and this program"},
    {"import", "OLD-FILE [-o NEW-FILE]", "a configuration from the old script's", OUTPUT,
     CTL_NO_CONFIG, ctl_import},
    {"init", "[-o NEW]", "a first configuration for what is on this machine", OUTPUT, CTL_NO_CONFIG,
     ctl_init},
    {"config", "", "the effective configuration", 0, CTL_GOOD_CONFIG, ctl_config},
    {"paths", "[--json]", "where the directories of the mail system are", JSON, CTL_MAY_LACK_CONFIG,
     ctl_paths},
    {"help", "[VERB]", "this, or all about one verb", 0, CTL_NO_CONFIG, ctl_help},
    {"complete", NULL, "candidates for a shell's completion", 0, CTL_NO_CONFIG, ctl_complete},
    {NULL, NULL, NULL},
};

const struct ctl_verb *ctl_find_verb(const char *name)
{
    for (const struct ctl_verb *verb = ctl_verbs; verb->name || verb->what; verb++)
        if (verb->name && strcmp(verb->name, name) == 0)
            return verb;
    return NULL;
}

const struct ctl_option *ctl_find_option(const char *word, size_t length)
{
    for (const struct ctl_option *option = ctl_options; option->name; option++) {
        const bool is_long = length > 2 && strncmp(word, "--", 2) == 0 &&
                             strlen(option->name) == length - 2 &&
                             strncmp(word + 2, option->name, length - 2) == 0;
        if (is_long ||
            (length == 2 && word[0] == '-' && option->letter && word[1] == option->letter))
            return option;
    }
    return NULL;
}

static void take_option(struct ctl *ctl, int option)
{
    ctl->json = ctl->json || option == JSON;
    ctl->dry_run = ctl->dry_run || option == DRY_RUN;
    ctl->confirm = ctl->confirm || option == CONFIRM;
    ctl->all = ctl->all || option == ALL;
    ctl->end = ctl->end || option == END;
    ctl->learned = ctl->learned || option == LEARNED;
    ctl->force = ctl->force || option == FORCE;
    if (option == OUTPUT)
        ctl->output = optarg;
    if (option == RUN_FILE)
        ctl->run_file = optarg;
    if (option == TO)
        ctl->to = optarg;
    if (option == SMTP)
        ctl->smtp = optarg;
}

/* Those of all verbs: one that this verb has not is told by its name. */
static void fill_getopt(struct option *longs, char *shorts)
{
    size_t count = 0;
    *shorts++ = ':';
    for (const struct ctl_option *option = ctl_options; option->name; option++) {
        longs[count++] = (struct option){
            option->name, option->value ? required_argument : no_argument, NULL, (int)option->bit};
        if (option->letter) {
            *shorts++ = option->letter;
            *shorts++ = ':';
        }
    }
    longs[count++] = (struct option){"help", no_argument, NULL, HELP};
    longs[count] = (struct option){0};
    *shorts++ = 'h';
    *shorts = '\0';
}

static const struct ctl_option *option_given(int got)
{
    for (const struct ctl_option *option = ctl_options; option->name; option++)
        if (got == (int)option->bit || (option->letter && got == option->letter))
            return option;
    return NULL;
}

/* The bit of what getopt_long(3) gives, HELP, or 0: that was wrong, and was said. `last` is the
 * word that it has read last. */
static int option_of(const struct ctl_verb *verb, int got, const char *last)
{
    const bool wrong = got == '?' || got == ':';
    const struct ctl_option *option = option_given(wrong ? optopt : got);
    if (got == 'h' || got == HELP)
        return HELP;
    if (option && !(verb->options & option->bit))
        ctl_complain("%s has no --%s", verb->name, option->name);
    else if (got == ':' && option)
        ctl_complain("--%s needs a value: --%s %s", option->name, option->name, option->value);
    else if (wrong && option)
        ctl_complain("--%s takes no value", option->name);
    else if (wrong && optopt)
        ctl_complain("%s has no -%c", verb->name, optopt);
    else if (wrong)
        ctl_complain("%s has no %s", verb->name, last);
    else
        return got == option->letter ? (int)option->bit : got;
    return 0;
}

/* May arguments stand behind it, and must the first be one of some words? */
static void look_at_forms(const struct ctl_verb *verb, bool *places, bool *literal)
{
    const char *name = verb->name;
    *places = false;
    *literal = true;
    for (; verb->name && strcmp(verb->name, name) == 0; verb++) {
        const char *rest = verb->arguments;
        struct ctl_word word = {0}, choice;
        while (ctl_next_word(&rest, &word) && word.option)
            continue;
        const bool place = word.text && !word.option;
        *places = *places || place;
        *literal = *literal && place && !word.optional && ctl_next_choice(&word, &choice) &&
                   ctl_is_literal(&choice);
    }
}

/* Is `first` a word that one of the forms begins with? `all` gets all of these. */
static bool has_form(const struct ctl_verb *verb, const char *first, struct tw_buf *all)
{
    const char *name = verb->name;
    bool has = false;
    for (; verb->name && strcmp(verb->name, name) == 0; verb++) {
        const char *rest = verb->arguments;
        struct ctl_word word = {0}, choice;
        while (ctl_next_word(&rest, &word) && word.option)
            continue;
        while (ctl_next_choice(&word, &choice)) {
            has = has || (first && ctl_word_is(&choice, first));
            tw_buf_printf(all, "%s%.*s", all->len ? ", " : "", (int)choice.length, choice.text);
        }
    }
    return has;
}

static bool arguments_fit(const struct ctl_verb *verb, char *const *arguments)
{
    bool places, literal, fit = true;
    if (!verb->arguments)
        return true;
    look_at_forms(verb, &places, &literal);
    if (!places && arguments[0]) {
        ctl_complain("%s takes no argument", verb->name);
        return false;
    }
    struct tw_buf all = {0};
    if (literal && !has_form(verb, arguments[0], &all)) {
        if (arguments[0])
            ctl_complain("there is no \"%s %s\", but: %s", verb->name, arguments[0],
                         tw_buf_text(&all));
        else
            ctl_complain("%s what? One of: %s", verb->name, tw_buf_text(&all));
        fit = false;
    }
    tw_buf_free(&all);
    return fit;
}

enum ctl_read ctl_read_options(const struct ctl_verb *verb, int count, char **arguments,
                               struct ctl *ctl)
{
    struct option longs[TW_COUNT(ctl_options) + 1];
    char shorts[2 * TW_COUNT(ctl_options) + 3];
    fill_getopt(longs, shorts);
    optind = 0;
    opterr = 0;
    for (int got; (got = getopt_long(count, arguments, shorts, longs, NULL)) != -1;) {
        const int option = option_of(verb, got, arguments[optind - 1]);
        if (option == HELP)
            return CTL_READ_HELP;
        if (!option)
            return CTL_READ_WRONG;
        take_option(ctl, option);
    }
    ctl->arguments = arguments + optind;
    return arguments_fit(verb, ctl->arguments) ? CTL_READ_OK : CTL_READ_WRONG;
}
