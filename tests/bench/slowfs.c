/* A slow file system, for LD_PRELOAD: a millisecond, or SLOWFS_US microseconds, are added to each
 * call that would be a request to the server of a network file system. What the kernel would answer
 * by itself (reading an open directory's buffer, fstat of an open file) waits, too. */
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_a_little(void)
{
    const char *us = getenv("SLOWFS_US");
    const struct timespec wait = {.tv_nsec = us ? 1000 * atol(us) : 1000000};
    nanosleep(&wait, NULL);
}

#define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int openat(int dir, const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    wait_a_little();
    return NEXT(openat)(dir, path, flags, mode);
}

int fstatat(int dir, const char *path, struct stat *st, int flags)
{
    wait_a_little();
    return NEXT(fstatat)(dir, path, st, flags);
}

int fstat(int fd, struct stat *st)
{
    wait_a_little();
    return NEXT(fstat)(fd, st);
}

ssize_t getdents64(int fd, void *buffer, size_t size)
{
    wait_a_little();
    return NEXT(getdents64)(fd, buffer, size);
}

int unlinkat(int dir, const char *path, int flags)
{
    wait_a_little();
    return NEXT(unlinkat)(dir, path, flags);
}

/* glibc 2.36 has no openat2(). */
long syscall(long number, ...)
{
    long a[6];
    va_list args;
    va_start(args, number);
    for (int i = 0; i < 6; i++)
        a[i] = va_arg(args, long);
    va_end(args);
    if (number == SYS_openat2)
        wait_a_little();
    return NEXT(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
