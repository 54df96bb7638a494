/* The table of toasterctl's verbs, their options, and the usage that is printed from it. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

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
    SMTP = 1 << 10
};

static const struct option long_options[] = {{"json", no_argument, NULL, JSON},
                                             {"dry-run", no_argument, NULL, DRY_RUN},
                                             {"confirm", no_argument, NULL, CONFIRM},
                                             {"learned", no_argument, NULL, LEARNED},
                                             {"all", no_argument, NULL, ALL},
                                             {"end", no_argument, NULL, END},
                                             {"output", required_argument, NULL, OUTPUT},
                                             {"run", required_argument, NULL, RUN_FILE},
                                             {"force", no_argument, NULL, FORCE},
                                             {"to", required_argument, NULL, TO},
                                             {"smtp", required_argument, NULL, SMTP},
                                             {NULL, 0, NULL, 0}};

/* A verb has a row for each way to use it; what it takes stands in the first. */
static const struct ctl_verb verbs[] = {
    {"status", "[--json]", "each job and aspect, as the daemon sees it", JSON, CTL_ANY_CONFIG,
     ctl_status},
    {"check", "[--json] [JOB...]", "runs checks now and prints what fails", JSON, CTL_ANY_CONFIG,
     ctl_check},
    {"run", "[--json] JOB", "runs one job now and prints all it found", JSON | DRY_RUN | CONFIRM,
     CTL_ANY_CONFIG, ctl_run},
    {"run", "--dry-run [--json] TASK [ADDRESS...]", "lists what a task would do now", 0,
     CTL_ANY_CONFIG, ctl_run},
    {"run", "--confirm TASK", "runs a task that has asked whether it may", 0, CTL_ANY_CONFIG,
     ctl_run},
    {"mailboxes", "[--json]", "the mailboxes of this machine", JSON, CTL_ANY_CONFIG, ctl_mailboxes},
    {"explain", "[--json] ADDRESS", "what holds for each folder of a mailbox", JSON, CTL_ANY_CONFIG,
     ctl_explain},
    {"incidents", "[--all] [--json]", "what is open; with --all the last 90 days, too", JSON | ALL,
     CTL_ANY_CONFIG, ctl_incidents},
    {"silence", "PATTERN DURATION [NOTE]", "no letter about what the pattern fits, for so long",
     JSON | END, CTL_ANY_CONFIG, ctl_silence},
    {"silence", "[--json]", "the silences there are", 0, CTL_ANY_CONFIG, ctl_silence},
    {"silence", "--end NUMBER|PATTERN", "ends one", 0, CTL_ANY_CONFIG, ctl_silence},
    {"ack", "INCIDENT [NOTE]", "no reminders of it, and no escalation", 0, CTL_ANY_CONFIG, ctl_ack},
    {"test-alert", "[--json]", "sends a letter by every transport, and says what came of it", JSON,
     CTL_ANY_CONFIG, ctl_test_alert},
    {"paths", "[--json]", "where the directories of the mail system are", JSON, CTL_MAY_LACK_CONFIG,
     ctl_paths},
    {"send-test", "[--to ADDRESS] [--smtp HOST:PORT] [--json] TYPE...",
     "sends test mails: clean, spam, virus, attach, clam", JSON | TO | SMTP, CTL_MAY_LACK_CONFIG,
     ctl_send_test},
    {"config", "", "the effective configuration", 0, CTL_GOOD_CONFIG, ctl_config},
    {"forget", "JOB", "drops a service that was there and is gone", LEARNED, CTL_ANY_CONFIG,
     ctl_forget},
    {"forget", "--learned ADDRESS", "offers all of a mailbox to the filter again", 0,
     CTL_ANY_CONFIG, ctl_forget},
};

void ctl_print_usage(FILE *to)
{
    fputs("usage: toasterctl [-c FILE] VERB ...\n", to);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        fprintf(to, "  %-10s %-36s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].what);
}

const struct ctl_verb *ctl_find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
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

int ctl_read_options(const struct ctl_verb *verb, int count, char **arguments, struct ctl *ctl)
{
    const char *short_options = verb->options & OUTPUT ? "o:" : "";
    optind = 0;
    for (int option, index = 0;
         (option = getopt_long(count, arguments, short_options, long_options, &index)) != -1;) {
        if (option == '?')
            return -1;
        if (option == 'o')
            option = OUTPUT;
        else if (!(verb->options & (unsigned)option)) {
            ctl_complain("%s has no --%s", verb->name, long_options[index].name);
            return -1;
        }
        take_option(ctl, option);
    }
    ctl->arguments = arguments + optind;
    return 0;
}
