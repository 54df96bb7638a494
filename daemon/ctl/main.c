/* toasterctl: arguments, the configuration, exit codes. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "ctl/ctl.h"
#include "ctl/verbs.h"

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

/* The configuration that the verb is to have; -1: it cannot be had, and that was said. */
static int load(const struct ctl_verb *verb, const char *file, struct tw_config **config)
{
    struct tw_error e;
    *config = NULL;
    if (verb->needs == CTL_NO_CONFIG)
        return 0;
    if (!file)
        file = tw_config_default_file();
    if (!file && verb->needs == CTL_MAY_LACK_CONFIG)
        return 0;
    if (!file) {
        ctl_complain("cannot find the configuration: there is no toaster-watcher.conf in /etc, "
                     "/usr/local/etc or /opt/local/etc; name one with -c, or make one: "
                     "toasterctl init");
        return -1;
    }
    *config = tw_config_load(file, &e);
    if (*config)
        return 0;
    ctl_complain_cannot("use the configuration", e.text);
    if (verb->needs != CTL_GOOD_CONFIG)
        *config = load_last_good(file);
    return *config ? 0 : -1;
}

/* The exit code, for what was printed may not have come through. A reader that has gone has seen
 * what it wanted. */
static int written(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    if (errno != EPIPE)
        ctl_complain("cannot write to standard output: %s", strerrordesc_np(errno));
    return CTL_SYSTEM;
}

static int run_verb(const struct ctl_verb *verb, const char *file, struct ctl *ctl)
{
    struct tw_config *config;
    if (load(verb, file, &config) != 0)
        return CTL_USAGE;
    ctl->file = file;
    ctl->config = config;
    const int result = verb->run(ctl);
    tw_config_free(&config);
    return written(result);
}

/* Of what stands before the verb; `last` is the word that was read last. */
static void complain_option(int got, const char *last)
{
    if (got == ':')
        ctl_complain("-c needs a value: -c FILE");
    else if (strncmp(last, "--", 2) == 0 && optopt)
        ctl_complain("%.*s takes no value", (int)strcspn(last, "="), last);
    else if (strncmp(last, "--", 2) == 0)
        ctl_complain("there is no %s before the verb", last);
    else
        ctl_complain("there is no -%c before the verb", optopt);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"help", no_argument, NULL, 'h'}, {"version", no_argument, NULL, 'V'}, {NULL, 0, NULL, 0}};
    static const char in_short[] =
        "usage: toasterctl [-c FILE] VERB ... (toasterctl help lists the verbs)\n";
    const char *file = NULL;
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:c:hV", options, NULL)) != -1;) {
        switch (option) {
        case 'c':
            file = optarg;
            break;
        case 'h':
            ctl_print_usage(stdout);
            return written(CTL_OK);
        case 'V':
            printf("toasterctl %s\n", TW_VERSION);
            return written(CTL_OK);
        default:
            complain_option(option, argv[optind - 1]);
            fputs(in_short, stderr);
            return CTL_USAGE;
        }
    }
    if (optind == argc) {
        ctl_print_usage(stderr);
        return CTL_USAGE;
    }
    const struct ctl_verb *verb = ctl_find_verb(argv[optind]);
    if (!verb) {
        ctl_complain_verb(argv[optind]);
        fputs(in_short, stderr);
        return CTL_USAGE;
    }
    struct ctl ctl = {.verb = verb};
    const enum ctl_read read = ctl_read_options(verb, argc - optind, argv + optind, &ctl);
    if (read == CTL_READ_OK)
        return run_verb(verb, file, &ctl);
    if (read == CTL_READ_HELP) {
        ctl_print_help(verb);
        return written(CTL_OK);
    }
    ctl_print_forms(stderr, verb);
    return CTL_USAGE;
}
