/* toaster-watcher: arguments and exit codes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "watcher/app.h"

static const char usage[] = "usage: toaster-watcher [-c FILE] [-t]\n"
                            "  -c FILE  the configuration\n"
                            "  -t       only check it\n"
                            "  -V       print the version\n";

/* Descriptors 0, 1 and 2 must be taken: else a pipe to a worker would get one of them. */
static void fill_standard_descriptors(void)
{
    int fd;
    do
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2);
    if (fd > 2)
        close(fd);
}

/* Tells service/run that there is no point in starting again at once. */
static void leave_mark(void)
{
    const char *mark = getenv("TOASTER_WATCHER_FAILED");
    const int fd = mark ? open(mark, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600) : -1;
    if (fd >= 0)
        close(fd);
}

static int check(const char *file)
{
    struct tw_error e;
    struct tw_config *config = tw_config_load(file, &e);
    if (!config || tw_config_check_secrets(config, &e) != 0) {
        fprintf(stderr, "toaster-watcher: %s\n", e.text);
        tw_config_free(&config);
        return 100;
    }
    printf("%s is good: %zu job%s\n", file, config->job_count, config->job_count == 1 ? "" : "s");
    tw_config_free(&config);
    return 0;
}

int main(int argc, char **argv)
{
    const char *file = NULL;
    bool only_check = false;
    fill_standard_descriptors();
    umask(077);
    for (int option; (option = getopt(argc, argv, "c:tV")) != -1;) {
        switch (option) {
        case 'c':
            file = optarg;
            break;
        case 't':
            only_check = true;
            break;
        case 'V':
            printf("toaster-watcher %s\n", TW_VERSION);
            return 0;
        default:
            fputs(usage, stderr);
            return 100;
        }
    }
    if (optind != argc) {
        fprintf(stderr, "toaster-watcher: what is \"%s\"?\n%s", argv[optind], usage);
        return 100;
    }
    if (!file)
        file = tw_config_default_file();
    if (!file && only_check) {
        fputs("toaster-watcher: there is no toaster-watcher.conf in /etc, /usr/local/etc or "
              "/opt/local/etc; name one with -c, or make one: toasterctl init\n",
              stderr);
        return 100;
    }
    if (!file)
        file = "/etc/toaster-watcher.conf"; /* gone, maybe: there may be a last good one */
    if (only_check)
        return check(file);
    const int code =
        tw_app_run(&(struct tw_app_options){.config_file = file, .log_fd = STDERR_FILENO});
    if (code != 0)
        leave_mark();
    return code;
}
