/* sleepers COUNT PREFIX: so many processes named PREFIX0000, PREFIX0001, ... that do nothing.
 * Prints "PID NAME" for each and then "ready N", N being how many there are; at the end of its
 * input all of them end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void sleep_on(const char *name, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NAME, name);
    close(STDIN_FILENO);
    close(STDOUT_FILENO);
    while (getppid() == parent)
        pause();
    _exit(0);
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fputs("usage: sleepers COUNT PREFIX\n", stderr);
        return 100;
    }
    const long wanted = strtol(argv[1], NULL, 10);
    const pid_t self = getpid();
    signal(SIGCHLD, SIG_IGN);
    setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    long count = 0;
    for (; count < wanted; count++) {
        char name[16];
        snprintf(name, sizeof name, "%s%04ld", argv[2], count);
        const pid_t pid = fork();
        if (pid < 0) {
            fprintf(stderr, "sleepers: cannot fork: %s\n", strerror(errno));
            break;
        }
        if (pid == 0)
            sleep_on(name, self);
        printf("%d %s\n", (int)pid, name);
    }
    printf("ready %ld\n", count);
    fflush(stdout);
    char chunk[64];
    while (read(STDIN_FILENO, chunk, sizeof chunk) > 0)
        ;
    return 0;
}
