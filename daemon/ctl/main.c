/* toasterctl: arguments, the table of verbs, exit codes. */
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "ctl/ctl.h"

/* Which options a verb takes. */
enum { JSON = 1, DRY_RUN = 2, CONFIRM = 4, LEARNED = 8, ALL = 16, END = 32 };

static const struct verb {
    const char *name, *arguments, *what;
    unsigned options;
    bool last_good; /* a broken file is no reason not to ask the daemon that runs without it */
    int (*run)(const struct ctl *ctl);
} verbs[] = {
    {"status", "[--json]", "each job and aspect, as the daemon sees it", JSON, true, ctl_status},
    {"check", "[--json] [JOB...]", "runs checks now and prints what fails", JSON, true, ctl_check},
    {"run", "[--json] JOB", "runs one job now and prints all it found", JSON | DRY_RUN | CONFIRM,
     true, ctl_run},
    {"run", "--dry-run [--json] TASK [ADDRESS...]", "lists what a task would do now", 0, true,
     ctl_run},
    {"run", "--confirm TASK", "runs a task that has asked whether it may", 0, true, ctl_run},
    {"mailboxes", "[--json]", "the mailboxes of this machine", JSON, true, ctl_mailboxes},
    {"explain", "[--json] ADDRESS", "what holds for each folder of a mailbox", JSON, true,
     ctl_explain},
    {"incidents", "[--all] [--json]", "what is open; with --all the last 90 days, too", JSON | ALL,
     true, ctl_incidents},
    {"silence", "PATTERN DURATION [NOTE]", "no letter about what the pattern fits, for so long",
     JSON | END, true, ctl_silence},
    {"silence", "[--json]", "the silences there are", 0, true, ctl_silence},
    {"silence", "--end NUMBER|PATTERN", "ends one", 0, true, ctl_silence},
    {"ack", "INCIDENT [NOTE]", "no reminders of it, and no escalation", 0, true, ctl_ack},
    {"test-alert", "", "sends a letter by every transport, and says what came of it", 0, true,
     ctl_test_alert},
    {"config", "", "the effective configuration", 0, false, ctl_config},
    {"forget", "JOB", "drops a service that was there and is gone", LEARNED, true, ctl_forget},
    {"forget", "--learned ADDRESS", "offers all of a mailbox to the filter again", 0, true,
     ctl_forget},
};

void ctl_complain(const char *format, ...)
{
    struct tw_buf text = {0}, clean = {0};
    va_list args;
    va_start(args, format);
    tw_buf_vprintf(&text, format, args);
    va_end(args);
    tw_escape(&clean, tw_buf_text(&text), text.len, TW_ESCAPE_LINE, 0);
    fprintf(stderr, "toasterctl: %s\n", tw_buf_text(&clean));
    tw_buf_free(&text);
    tw_buf_free(&clean);
}

static void print_usage(FILE *to)
{
    fputs("usage: toasterctl [-c FILE] VERB ...\n", to);
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        fprintf(to, "  %-10s %-36s %s\n", verbs[i].name, verbs[i].arguments, verbs[i].what);
}

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
        if (strcmp(verbs[i].name, name) == 0)
            return &verbs[i];
    return NULL;
}

/* The options behind the verb. -1: usage. */
static int read_verb_options(const struct verb *verb, int count, char **arguments, struct ctl *ctl)
{
    static const struct option options[] = {{"json", no_argument, NULL, JSON},
                                            {"dry-run", no_argument, NULL, DRY_RUN},
                                            {"confirm", no_argument, NULL, CONFIRM},
                                            {"learned", no_argument, NULL, LEARNED},
                                            {"all", no_argument, NULL, ALL},
                                            {"end", no_argument, NULL, END},
                                            {NULL, 0, NULL, 0}};
    optind = 0;
    for (int option, index = 0;
         (option = getopt_long(count, arguments, "", options, &index)) != -1;) {
        if (option == '?')
            return -1;
        if (!(verb->options & (unsigned)option)) {
            ctl_complain("%s has no --%s", verb->name, options[index].name);
            return -1;
        }
        ctl->json = ctl->json || option == JSON;
        ctl->dry_run = ctl->dry_run || option == DRY_RUN;
        ctl->confirm = ctl->confirm || option == CONFIRM;
        ctl->all = ctl->all || option == ALL;
        ctl->end = ctl->end || option == END;
        ctl->learned = ctl->learned || option == LEARNED;
    }
    ctl->arguments = arguments + optind;
    return 0;
}

static struct tw_config *load_last_good(const char *file)
{
    struct tw_error e;
    char *path = tw_config_last_good(file);
    struct tw_config *config = tw_config_load(path, &e);
    ctl_complain(config ? "going on with the last good configuration, %s"
                        : "and there is no last good one, %s",
                 path);
    free(path);
    return config;
}

static int run_verb(const struct verb *verb, const char *file, struct ctl *ctl)
{
    struct tw_error e;
    if (!file)
        file = tw_config_default_file();
    if (!file) {
        ctl_complain("there is no toaster-watcher.conf in /etc, /usr/local/etc or /opt/local/etc; "
                     "name one with -c");
        return CTL_USAGE;
    }
    struct tw_config *config = tw_config_load(file, &e);
    if (!config) {
        ctl_complain("%s", e.text);
        config = verb->last_good ? load_last_good(file) : NULL;
    }
    if (!config)
        return CTL_USAGE;
    ctl->config = config;
    const int result = verb->run(ctl);
    tw_config_free(&config);
    if (fflush(stdout) != 0)
        return CTL_SYSTEM;
    return result;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    const char *file = NULL;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    for (int option; (option = getopt_long(argc, argv, "+c:hV", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            file = optarg;
            break;
        case 'h':
            print_usage(stdout);
            return CTL_OK;
        case 'V':
            printf("toasterctl %s\n", TW_VERSION);
            return CTL_OK;
        default:
            print_usage(stderr);
            return CTL_USAGE;
        }
    }
    if (optind == argc) {
        print_usage(stderr);
        return CTL_USAGE;
    }
    const struct verb *verb = find_verb(argv[optind]);
    if (!verb) {
        ctl_complain("there is no verb \"%s\"", argv[optind]);
        print_usage(stderr);
        return CTL_USAGE;
    }
    struct ctl ctl = {0};
    if (read_verb_options(verb, argc - optind, argv + optind, &ctl) != 0) {
        print_usage(stderr);
        return CTL_USAGE;
    }
    return run_verb(verb, file, &ctl);
}
